package console

import (
	"context"
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

// noticeForm is the same of a notice.
var noticeForm = regexp.MustCompile(`^n_[a-z2-7]{16}$`)

type nameKey struct{}

// whoOf is the name of who sent a request; empty where nobody is configured.
func whoOf(r *http.Request) string {
	name, _ := r.Context().Value(nameKey{}).(string)
	return name
}

// forms reports whether who looks may do something.
func (c *console) forms(r *http.Request) bool { return c.cfg.Deeds != nil && whoOf(r) != "" }

// about is what a path names.
func about(path string) string {
	for prefix, form := range map[string]*regexp.Regexp{"/incidents/": idForm, "/notices/": noticeForm} {
		if rest, found := strings.CutPrefix(path, prefix); found {
			if id, _, _ := strings.Cut(rest, "/"); form.MatchString(id) {
				return id
			}
		}
	}
	return ""
}

// known lets responders in; others with a token are turned away. Every look is on
// the evidence log before it is answered, but for tries over the rate.
func (c *console) known(next *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		act := actOf(next, r)
		if c.cfg.Door.Ajar() {
			c.unnamed(w, r, act, next)
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
		case r.Method == http.MethodPost && (c.cfg.Forms == nil || c.cfg.Forms.Check(r) != nil):
			act.Who, act.Outcome = who.Name, "refused"
			c.shown(w, r, act, refusal(http.StatusForbidden, "this form came from another page than the console's, and nothing was done"))
		default:
			act.Who = who.Name
			c.shown(w, r.WithContext(context.WithValue(r.Context(), nameKey{}, who.Name)), act, next)
		}
	})
}

// actOf is what a request asks for.
func actOf(next *http.ServeMux, r *http.Request) canary.Act {
	_, page := next.Handler(r)
	if page == "" {
		page = "a page that is not there"
	}
	act := canary.Act{Who: nobody, Via: via, What: page, About: about(r.URL.Path), Outcome: "shown"}
	if r.Method == http.MethodPost {
		act.Outcome = "asked" // what came of it has an act of its own
	}
	return act
}

// unnamed answers whoever reaches a console of which nobody is configured.
func (c *console) unnamed(w http.ResponseWriter, r *http.Request, act canary.Act, next http.Handler) {
	switch {
	case c.cfg.Door.Misled(r):
		refusal(http.StatusMisdirectedRequest, "this is not the name of this console; name it in [api] public_url, or configure people").ServeHTTP(w, r)
	case c.cfg.Door.Unnamed(r).Wait > 0:
		next.ServeHTTP(w, r)
	default:
		c.shown(w, r, act, next)
	}
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
