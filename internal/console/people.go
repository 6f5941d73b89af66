package console

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"strings"
)

// Person may open the console.
type Person struct {
	Name string
	Sum  [sha256.Size]byte // of the token, see webhook.TokenSum
	// Responder may see what contacts were; others are turned away.
	Responder bool
}

// known lets responders in, by name and token as HTTP Basic credentials, which
// browsers ask for, or by the token alone as a bearer's. All are compared, so that
// the time does not tell which was close.
func known(people []Person, next http.Handler) http.Handler {
	if len(people) == 0 {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name, token, basic := r.BasicAuth()
		if !basic {
			token, _ = strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		}
		sum := sha256.Sum256([]byte(strings.TrimSpace(token)))
		var who *Person
		for i := range people {
			fits := subtle.ConstantTimeCompare(sum[:], people[i].Sum[:]) == 1
			if fits && (!basic || name == people[i].Name) {
				who = &people[i]
			}
		}
		switch {
		case who == nil:
			w.Header().Set("WWW-Authenticate", `Basic realm="saltmine", charset="UTF-8"`)
			http.Error(w, "log in with your name and your token", http.StatusUnauthorized)
		case !who.Responder:
			http.Error(w, "your token has not the role: responder", http.StatusForbidden)
		default:
			next.ServeHTTP(w, r)
		}
	})
}
