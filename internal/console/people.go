package console

import (
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/people"
)

// via is how looks at pages came, and nobody is who has shown no token.
const (
	via    = "console"
	nobody = "-"
)

// idForm is what may be recorded of a path: the rest is what strangers write. What
// was split off has an id in hexadecimal.
var idForm = regexp.MustCompile(`^i_([a-z2-7]{16}|[0-9a-f]{16})$`)

// known lets responders in; others with a token are turned away. Every look is on
// the evidence log before it is answered, but for tries over the rate.
func (c *console) known(next *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, page := next.Handler(r)
		if page == "" {
			page = "a page that is not there"
		}
		act := canary.Act{Who: nobody, Via: via, What: page, Outcome: "shown"}
		if id, found := strings.CutPrefix(r.URL.Path, "/incidents/"); found && idForm.MatchString(id) {
			act.About = id
		}
		if c.cfg.Door.Ajar() {
			if c.cfg.Door.Misled(r) {
				refusal(http.StatusMisdirectedRequest, "this is not the name of this console; name it in [api] public_url, or configure people").ServeHTTP(w, r)
			} else if c.cfg.Door.Unnamed(r).Wait > 0 {
				next.ServeHTTP(w, r)
			} else {
				c.shown(w, r, act, next)
			}
			return
		}
		who, failed := c.cfg.Door.Enter(r)
		switch {
		case who == nil && failed.Wait > 0:
			w.Header().Set("Retry-After", strconv.Itoa(int((failed.Wait+time.Second-1)/time.Second)))
			http.Error(w, "too many tries without a token that is known", http.StatusTooManyRequests)
		case who == nil:
			act.Outcome = "refused"
			c.shown(w, r, act, refusal(http.StatusUnauthorized, "log in with your name and your token"))
		case !who.Has(people.Responder):
			act.Who, act.Outcome = who.Name, "refused"
			c.shown(w, r, act, refusal(http.StatusForbidden, "your token has not the role: responder"))
		default:
			act.Who = who.Name
			c.shown(w, r, act, next)
		}
	})
}

// shown records a look and answers it.
func (c *console) shown(w http.ResponseWriter, r *http.Request, act canary.Act, next http.Handler) {
	if err := c.cfg.Record(r.Context(), act); err != nil {
		c.fault(w, err)
		return
	}
	next.ServeHTTP(w, r)
}

func refusal(status int, text string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if status == http.StatusUnauthorized {
			w.Header().Set("WWW-Authenticate", `Basic realm="saltmine", charset="UTF-8"`)
		}
		http.Error(w, text, status)
	})
}
