package api

import (
	_ "embed"
	"net/http"
	"strconv"
)

// descriptionPath is where the description of the interface is; no token is needed.
const descriptionPath = "/v1/openapi.json"

//go:embed openapi.json
var description []byte

func describe(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		notAllowed([]string{http.MethodGet, http.MethodHead}).answer().write(w)
		return
	}
	guard(w.Header())
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(description)))
	_, _ = w.Write(description) // that the other side has gone changes nothing
}
