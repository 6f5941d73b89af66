// Package api is the HTTP interface for programs: incidents, contacts, verdicts,
// acknowledgements, notices, the evidence log. openapi.json describes it, and is
// served at /v1/openapi.json.
//
// A call needs a token of a person with one of the route's roles (package people).
// Responders see what pages show: counts, times, ids. What a contact was aimed at
// and what it said is a canary's identity, and only forensics may open it: that
// is recorded for each canary before it is shown. Where a second person has to
// approve it, that is asked for first, and is good for one look by who asked.
//
// The invariant: a call is answered only when it is on the evidence log, with who,
// what, about what, and the outcome; never the query, the body or a token. What
// changes something is recorded in the same transaction as the change. A log that
// cannot be written means 503. The exceptions are the description, which says
// nothing of this installation, and strangers' failures over a rate, of which the
// number is recorded.
//
// A change names the version of the incident that was shown, and is refused with
// 409 when the incident has another: of two responders who decide at once, one is
// told what the other said.
//
// Lists are JSON arrays; where there is more, the header Link names the next page
// (RFC 8288). What goes wrong is answered as RFC 9457 says. Input is strict: a
// parameter or field that is not known, or is given twice, is refused.
//
// Where no people are configured, whoever reaches the listener may read what a
// responder sees, and nobody may change or open anything.
package api

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/people"
	"saltmine/internal/registry"
)

// Config is what the interface needs.
type Config struct {
	Registry *registry.Registry
	Door     *people.Door
	// Trace works out what an incident leads to; the result becomes JSON.
	Trace func(ctx context.Context, id canary.IncidentID) (any, error)
	// Second says whether a second person has to approve what opens identities.
	Second Second
	// Wake tells the pager that an incident was closed or acknowledged.
	Wake func()
	Log  *slog.Logger
}

// API answers calls. It is safe for concurrent use.
type API struct {
	cfg    Config
	routes *http.ServeMux // gives the *route of a request
}

// route is one operation.
type route struct {
	method, path string
	roles        []people.Role
	// changes is set on what alters something: that is not for whoever just reaches
	// the listener.
	changes bool
	do      func(context.Context, *call) (*answer, error)
}

// ServeHTTP is never called: a route is found and then asked.
func (*route) ServeHTTP(http.ResponseWriter, *http.Request) {}

// table lists the operations; openapi.json describes the same.
func (a *API) table() []*route {
	looks := []people.Role{people.Responder, people.Forensics, people.Auditor}
	told := []people.Role{people.Responder, people.Seeder, people.Forensics, people.Auditor}
	works := []people.Role{people.Responder, people.Forensics}
	decides := []people.Role{people.Responder}
	opens := []people.Role{people.Forensics}
	return []*route{
		{method: http.MethodGet, path: "/v1/incidents", roles: looks, do: a.incidents},
		{method: http.MethodGet, path: "/v1/incidents/{id}", roles: looks, do: a.incident},
		{method: http.MethodGet, path: "/v1/incidents/{id}/contacts", roles: works, do: a.contactsOf},
		{method: http.MethodGet, path: "/v1/incidents/{id}/trace", roles: works, do: a.trace},
		{method: http.MethodPost, path: "/v1/incidents/{id}/verdict", roles: decides, changes: true, do: a.verdict},
		{method: http.MethodPost, path: "/v1/incidents/{id}/acknowledgement", roles: decides, changes: true, do: a.acknowledge},
		{method: http.MethodPost, path: "/v1/incidents/{id}/merge", roles: decides, changes: true, do: a.merge},
		{method: http.MethodPost, path: "/v1/incidents/{id}/split", roles: decides, changes: true, do: a.split},
		{method: http.MethodGet, path: "/v1/contacts", roles: works, do: a.contacts},
		{method: http.MethodGet, path: "/v1/contacts/{id}", roles: works, do: a.contact},
		{method: http.MethodGet, path: "/v1/contacts/{id}/evidence", roles: opens, do: a.evidence},
		{method: http.MethodGet, path: "/v1/contacts/{id}/raw", roles: opens, do: a.raw},
		{method: http.MethodGet, path: "/v1/notices", roles: told, do: a.notices},
		{method: http.MethodPost, path: "/v1/notices/{id}/acknowledgement", roles: []people.Role{people.Responder, people.Seeder}, changes: true, do: a.read},
		{method: http.MethodGet, path: "/v1/approvals", roles: told, do: a.approvals},
		{method: http.MethodPost, path: "/v1/approvals", roles: opens, changes: true, do: a.ask},
		{method: http.MethodPost, path: "/v1/approvals/{id}/decision", roles: people.Seconds(), changes: true, do: a.decide},
		{method: http.MethodPost, path: "/v1/approvals/{id}/withdrawal", roles: told, changes: true, do: a.takeBack},
		{method: http.MethodGet, path: "/v1/acts", roles: []people.Role{people.Auditor}, do: a.acts},
	}
}

// New returns the interface, to be mounted at "/v1/".
func New(cfg Config) *API {
	a := &API{cfg: cfg, routes: http.NewServeMux()}
	for _, r := range a.table() {
		a.routes.Handle(r.method+" "+r.path, r)
	}
	return a
}

// limit bounds what a call may take.
const limit = 20 * time.Second

// ServeHTTP answers one call.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == descriptionPath {
		describe(w, r)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), limit)
	defer cancel()
	c := &call{r: r, w: w, what: known(r.Method) + " (no such path)"}
	out := a.answer(ctx, c)
	if c.unrecorded || c.recorded {
		out.write(w)
		return
	}
	// Who hangs up has still called.
	ctx, cancel = context.WithTimeout(context.WithoutCancel(r.Context()), limit)
	defer cancel()
	if err := a.cfg.Registry.Record(ctx, c.act(out.status)); err != nil {
		a.cfg.Log.Error("a call could not be recorded, answered 503", "what", c.what, "err", err)
		out = unavailable().answer()
	}
	out.write(w)
}

// answer lets somebody in and does what is asked.
func (a *API) answer(ctx context.Context, c *call) *answer {
	out, err := a.enter(ctx, c)
	if err == nil {
		return out
	}
	if p, ok := errors.AsType[*problem](err); ok {
		return p.answer()
	}
	switch {
	case errors.Is(err, registry.ErrNotFound):
		return missing().answer()
	case errors.Is(err, registry.ErrShredded):
		return (&problem{kind: "shredded", title: "Given up", status: http.StatusGone, detail: "what it said was given up; the evidence log says by whom and why"}).answer()
	case errors.Is(err, registry.ErrNotApproved): // another call has used it meanwhile
		return unapproved("ask for it: POST /v1/approvals").answer()
	case errors.Is(err, errNoJSON):
		a.cfg.Log.Error("an answer could not be written", "what", c.what, "err", err)
		return broken().answer()
	}
	a.cfg.Log.Warn("a call could not be answered", "what", c.what, "err", err)
	return unavailable().answer()
}

func (a *API) enter(ctx context.Context, c *call) (*answer, error) {
	h, pattern := a.routes.Handler(c.r)
	rt, found := h.(*route)
	if found {
		c.what = known(c.r.Method) + " " + rt.path
	}
	if a.cfg.Door.Ajar() {
		c.who = &people.Person{Name: nobody, Roles: []people.Role{people.Responder}}
		over := a.cfg.Door.Unnamed(c.r)
		c.unrecorded, c.more = over.Wait > 0, over.Missed
		if a.cfg.Door.Misled(c.r) {
			return nil, misled()
		}
		if found && (rt.changes) {
			return nil, closed()
		}
	} else if err := c.login(a.cfg.Door); err != nil {
		return nil, err
	}
	switch {
	case !found && pattern == "":
		return nil, a.lost(c.r)
	case !found:
		return nil, missing()
	case !c.who.Has(rt.roles...):
		return nil, forbidden(rt.roles)
	}
	if !c.name(rt.path) {
		return nil, missing()
	}
	return rt.do(ctx, c)
}

// lost answers for what has no route: a path that is not there, or a method that
// the path has not.
func (a *API) lost(r *http.Request) error {
	var allowed []string
	for _, m := range []string{http.MethodGet, http.MethodHead, http.MethodPost} {
		try := r.Clone(r.Context())
		try.Method = m
		if h, _ := a.routes.Handler(try); isRoute(h) {
			allowed = append(allowed, m)
		}
	}
	if len(allowed) == 0 {
		return missing()
	}
	return notAllowed(allowed)
}

func isRoute(h http.Handler) bool {
	_, ok := h.(*route)
	return ok
}
