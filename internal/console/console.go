// Package console shows incidents to responders: a list, and for each incident
// what is known and the trace, drawn and as text; and notices, of what is no contact.
// Programs have package api.
//
// Responders acknowledge, judge and merge incidents on it, where people are
// configured: what is done is done by somebody. A form carries the version of the
// incident that was shown, and does nothing to another; a browser's forms are taken
// from the console's own pages only. It shows ids, counts, times and reasons; it is
// never given a canary's name, address, number or ticket, so it cannot show
// them. Every look is on the evidence log. Where people are configured it is for
// those of them who are responders (help-desk agents are not: they never learn
// what they met); else for whoever reaches it, which is loopback unless it is told
// otherwise. It belongs behind a proxy that speaks TLS.
//
// Pages are complete without scripts, send no referrer to others and may not be framed.
// When the registry does not answer, the page says so with status 503.
package console

import (
	"context"
	"embed"
	"html/template"
	"io"
	"log/slog"
	"net/http"

	"saltmine/internal/canary"
	"saltmine/internal/people"
	"saltmine/internal/picture"
	"saltmine/internal/registry"
)

//go:embed pages/*.html
var pages embed.FS

// Report is a trace that can be shown as text and as pictures.
type Report interface {
	Text(w io.Writer) error
	Pictures() []picture.Picture
}

// figure is a picture as it stands in a page: picture escapes all that is foreign.
type figure struct{ SVG, Table template.HTML }

func figures(list []picture.Picture) (out []figure) {
	for _, p := range list {
		out = append(out, figure{template.HTML(p.SVG()), template.HTML(p.Table())}) //nolint:gosec // see figure
	}
	return out
}

// Config is what a console needs.
type Config struct {
	Incidents func(ctx context.Context, f registry.CaseFilter) ([]registry.Case, error)
	Incident  func(ctx context.Context, id canary.IncidentID) (registry.Case, error)
	Trace     func(ctx context.Context, id canary.IncidentID) (Report, error)
	// Joined gives what joined an incident by its author, the newest: reports of
	// people, and what came to no canary.
	Joined func(ctx context.Context, id canary.IncidentID, limit int) ([]canary.Joined, error)
	// Responses are what was done about an incident by rule.
	Responses func(ctx context.Context, f registry.ResponseFilter) ([]canary.Response, error)
	Notices   func(ctx context.Context, f registry.NoticeFilter) ([]canary.Notice, error)
	// Missing reports whether an error means that there is no such incident.
	Missing func(error) bool
	// Door lets in those who may open it; ajar, whoever reaches it.
	Door *people.Door
	// Deeds is done by the forms of the pages, and Wake called after it. Nil: the pages
	// have none.
	Deeds Deeds
	Wake  func()
	// Forms says whose forms are taken.
	Forms *http.CrossOriginProtection
	// Record puts a look on the evidence log, before it is answered.
	Record func(context.Context, canary.Act) error
	Log    *slog.Logger
}

type console struct {
	cfg   Config
	pages *template.Template
}

// New returns the console's pages.
func New(cfg Config) http.Handler {
	c := &console{cfg: cfg, pages: template.Must(template.ParseFS(pages, "pages/*.html"))}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", c.list)
	mux.HandleFunc("GET /incidents/{id}", c.one)
	mux.HandleFunc("GET /notices", c.notices)
	if cfg.Deeds != nil {
		c.deeds(mux)
	}
	return guarded(c.known(mux))
}

func guarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
		h.Set("Referrer-Policy", "same-origin") // with none, the pages' own forms would come from nowhere
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

func (c *console) list(w http.ResponseWriter, r *http.Request) {
	after, ok := after(w, r)
	if !ok {
		return
	}
	f := registry.CaseFilter{Limit: listed + 1}
	f.After.Opened, f.After.ID = after.At, canary.IncidentID(after.ID)
	list, err := c.cfg.Incidents(r.Context(), f)
	if err != nil {
		c.fault(w, err)
		return
	}
	c.show(w, "list.html", pageOf(list, after, func(i *registry.Case) registry.Cursor { return registry.Cursor{At: i.Opened, ID: string(i.ID)} }))
}

func (c *console) one(w http.ResponseWriter, r *http.Request) {
	id := canary.IncidentID(r.PathValue("id"))
	inc, err := c.cfg.Incident(r.Context(), id)
	if err != nil {
		c.fault(w, err)
		return
	}
	trace, err := c.cfg.Trace(r.Context(), id)
	if err != nil {
		c.fault(w, err)
		return
	}
	joined, err := c.cfg.Joined(r.Context(), id, listed+1)
	if err != nil {
		c.fault(w, err)
		return
	}
	done, err := c.cfg.Responses(r.Context(), registry.ResponseFilter{Incident: id, Limit: listed})
	if err != nil {
		c.fault(w, err)
		return
	}
	var text writer
	if err := trace.Text(&text); err != nil {
		c.fault(w, err)
		return
	}
	c.show(w, "incident.html", struct {
		registry.Case
		Joined []canary.Joined
		Done   []canary.Response
		More   bool // of what joined
		Trace  string
		Drawn  []figure
		Forms  bool
	}{inc, joined[:min(listed, len(joined))], done, len(joined) > listed, string(text), figures(trace.Pictures()), c.forms(r)})
}

type writer []byte

func (w *writer) Write(p []byte) (int, error) {
	*w = append(*w, p...)
	return len(p), nil
}

func (c *console) notices(w http.ResponseWriter, r *http.Request) {
	after, ok := after(w, r)
	if !ok {
		return
	}
	f := registry.NoticeFilter{Limit: listed + 1}
	f.After.Raised, f.After.ID = after.At, canary.NoticeID(after.ID)
	list, err := c.cfg.Notices(r.Context(), f)
	if err != nil {
		c.fault(w, err)
		return
	}
	p := pageOf(list, after, func(n *canary.Notice) registry.Cursor { return registry.Cursor{At: n.Raised, ID: string(n.ID)} })
	p.Forms = c.forms(r)
	c.show(w, "notices.html", p)
}

func (c *console) show(w http.ResponseWriter, name string, data any) {
	var body writer
	if err := c.pages.ExecuteTemplate(&body, name, data); err != nil {
		c.broken(w, err)
		return
	}
	c.answer(w, "text/html; charset=utf-8", body)
}

func (c *console) answer(w http.ResponseWriter, kind string, body []byte) {
	w.Header().Set("Content-Type", kind)
	if _, err := w.Write(body); err != nil {
		c.cfg.Log.Debug("reader went away", "err", err)
	}
}

// broken answers for a page that could not be written, before any of it is out:
// half a page would look like a whole one.
func (c *console) broken(w http.ResponseWriter, err error) {
	c.cfg.Log.Error("console could not write a page", "err", err)
	http.Error(w, "the page could not be written; the log says why", http.StatusInternalServerError)
}

func (c *console) fault(w http.ResponseWriter, err error) {
	if c.cfg.Missing(err) {
		http.Error(w, "there is no such incident or notice", http.StatusNotFound)
		return
	}
	c.cfg.Log.Warn("console could not answer", "err", err)
	http.Error(w, "the registry does not answer; the log says why", http.StatusServiceUnavailable)
}
