package console

import (
	"net/http"
	"strconv"
	"time"

	"saltmine/internal/people"
)

// known lets responders in; others with a token are turned away.
func known(door *people.Door, next http.Handler) http.Handler {
	if door.Ajar() {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who, failed := door.Enter(r)
		switch {
		case who == nil && failed.Wait > 0:
			w.Header().Set("Retry-After", strconv.Itoa(int((failed.Wait+time.Second-1)/time.Second)))
			http.Error(w, "too many tries without a token that is known", http.StatusTooManyRequests)
		case who == nil:
			w.Header().Set("WWW-Authenticate", `Basic realm="saltmine", charset="UTF-8"`)
			http.Error(w, "log in with your name and your token", http.StatusUnauthorized)
		case !who.Has(people.Responder):
			http.Error(w, "your token has not the role: responder", http.StatusForbidden)
		default:
			next.ServeHTTP(w, r)
		}
	})
}
