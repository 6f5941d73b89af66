package desk

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	_ "embed"
	"errors"
	"html/template"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"saltmine/listener"
)

//go:embed page.html
var pageText string

//go:embed page.css
var pageStyle string

// Where the page's forms are sent; donePath shows that the last one was recorded.
const (
	homePath   = "/"
	loginPath  = "/login"
	logoutPath = "/logout"
	donePath   = "/recorded"
)

// Bounds of the page's form.
const (
	maxForm   = 64 << 10 // bytes; each of a note may take three
	maxNumber = 200      // bytes of what is entered as ticket number
)

// errForm says that a form is not the page's own.
var errForm = errors.New("form cannot be read")

// page is what agents see.
type page struct {
	text     *template.Template
	policy   string
	sessions sessions
	origin   *http.CrossOriginProtection
}

// shown is what a page shows.
type shown struct {
	Title, Fault string
	Agent, Form  string // both empty before logging in
	Done         bool
	Style        template.CSS
}

func newPage() page {
	return page{
		text:     template.Must(template.New("page").Parse(pageText)),
		policy:   listener.PagePolicy(pageStyle),
		sessions: sessions{open: map[[sha256.Size]byte]*session{}},
		origin:   http.NewCrossOriginProtection(),
	}
}

// servePage answers a browser. It reports whether the path is one of its own.
func (e *Ear) servePage(w http.ResponseWriter, r *http.Request) bool {
	read, send := []string{http.MethodGet, http.MethodHead}, []string{http.MethodPost}
	allowed := map[string][]string{homePath: slices.Concat(read, send), donePath: read, loginPath: send, logoutPath: send}[r.URL.Path]
	switch {
	case allowed == nil:
		return false
	case !slices.Contains(allowed, r.Method):
		w.Header().Set("Allow", strings.Join(allowed, ", "))
		listener.Refuse(w, http.StatusMethodNotAllowed, "method not allowed")
		return true
	}
	one := e.page.sessions.of(r, e.cfg.Now())
	switch {
	case r.Method != http.MethodPost:
		e.show(w, http.StatusOK, one, shown{Done: r.URL.Path == donePath})
	case e.page.origin.Check(r) != nil:
		e.show(w, http.StatusForbidden, one, shown{Fault: "That form was sent from another site. Nothing was recorded."})
	case r.URL.Path == loginPath:
		e.login(w, r)
	default:
		e.posted(w, r, one)
	}
	return true
}

// show writes the page, to log in where nobody is.
func (e *Ear) show(w http.ResponseWriter, status int, one *session, s shown) {
	s.Title, s.Style = "Quoted ticket numbers", template.CSS(pageStyle) //nolint:gosec // our own
	if one != nil {
		s.Agent, s.Form = one.who.name, one.form
	}
	var out bytes.Buffer
	if err := e.page.text.Execute(&out, s); err != nil {
		e.cfg.Log.Error("page of the help desk could not be written", "err", err)
		listener.Refuse(w, http.StatusInternalServerError, "the page could not be written")
		return
	}
	h := w.Header()
	e.guard(h)
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(out.Len()))
	w.WriteHeader(status)
	_, _ = w.Write(out.Bytes()) // that the other side has gone changes nothing
}

func (e *Ear) guard(h http.Header) {
	h.Set("Content-Security-Policy", e.page.policy)
	h.Set("Referrer-Policy", "same-origin") // with no-referrer a form's origin would be "null", and refused
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
}

// see sends a browser to another page, so that loading that again sends nothing.
func (e *Ear) see(w http.ResponseWriter, path string) {
	e.guard(w.Header())
	w.Header().Set("Location", path)
	w.WriteHeader(http.StatusSeeOther)
}

func (e *Ear) login(w http.ResponseWriter, r *http.Request) {
	form, _, err := readForm(w, r)
	var who *agent
	if err == nil {
		who = e.known(form.Get("token"))
	}
	if who == nil {
		e.strangers.Add(1)
		e.show(w, http.StatusForbidden, nil, shown{Fault: "That token is not known."})
		return
	}
	e.page.sessions.end(r) // nobody goes on with a session that somebody else began
	http.SetCookie(w, cookie(e.page.sessions.begin(who, e.cfg.Now())))
	e.see(w, homePath)
}

// posted takes a form of somebody who is logged in.
func (e *Ear) posted(w http.ResponseWriter, r *http.Request, one *session) {
	if one == nil {
		e.strangers.Add(1)
		e.show(w, http.StatusUnauthorized, nil, shown{Fault: "You are logged out. Nothing was recorded: log in and enter it again."})
		return
	}
	form, body, err := readForm(w, r)
	if err != nil {
		e.show(w, http.StatusBadRequest, one, shown{Fault: "That form cannot be read. Nothing was recorded."})
		return
	}
	if subtle.ConstantTimeCompare([]byte(form.Get("form")), []byte(one.form)) != 1 {
		e.show(w, http.StatusForbidden, one, shown{Fault: "That form is not of this session. Nothing was recorded: enter it again."})
		return
	}
	if r.URL.Path == logoutPath {
		e.page.sessions.end(r)
		http.SetCookie(w, cookie(""))
		e.see(w, homePath)
		return
	}
	e.entered(w, r, one, body, Quote{form.Get("ticket"), form.Get("caller"), form.Get("note")})
}

// entered records what an agent entered. Whatever it is, the answer is the same:
// what is no ticket number of ours may be one that a caller made up.
func (e *Ear) entered(w http.ResponseWriter, r *http.Request, one *session, body []byte, q Quote) {
	if strings.TrimSpace(q.Ticket) == "" || len(q.Ticket) > maxNumber || len(q.Caller) > maxCaller || len(q.Note) > maxNote {
		e.show(w, http.StatusUnprocessableEntity, one, shown{Fault: "Nothing was recorded: the number is missing, or something is too long."})
		return
	}
	c := e.contact(r, one.who, body, q)
	kept, err := e.keep(r, one.who, &c)
	switch {
	case err != nil:
		w.Header().Set("Retry-After", "10")
		e.show(w, http.StatusServiceUnavailable, one, shown{Fault: "Not recorded, please try again later."})
	case !kept.record:
		w.Header().Set("Retry-After", listener.RetryAfter(kept.wait))
		e.show(w, http.StatusTooManyRequests, one, shown{Fault: "Not recorded: far too many numbers at once. Try again later."})
	default:
		e.see(w, donePath)
	}
}

// readForm reads the fields of a form; it gives the bytes as well. A field that
// stands twice could be one thing to us and another to whoever reads the evidence.
func readForm(w http.ResponseWriter, r *http.Request) (url.Values, []byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxForm))
	if err != nil {
		return nil, nil, errForm
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, nil, errForm
	}
	for _, values := range form {
		if len(values) != 1 || !utf8.ValidString(values[0]) {
			return nil, nil, errForm
		}
	}
	return form, body, nil
}
