package report

import (
	"bytes"
	"crypto/rand"
	_ "embed"
	"errors"
	"html/template"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"saltmine/listener"
)

//go:embed page.html
var pageText string

//go:embed page.css
var pageStyle string

// Where the ear answers.
const (
	formPath        = "/report"
	thanksPath      = "/report/thanks"
	apiPath         = "/v1/reports"
	descriptionPath = "/v1/openapi.json"
)

// shown is what a page shows.
type shown struct {
	Done   bool
	Faults []string
	Told   Told
	Style  template.CSS
}

// page makes what people see, and its Content-Security-Policy.
func page() (*template.Template, string) {
	return template.Must(template.New("page").Parse(pageText)), listener.PagePolicy(pageStyle)
}

// form shows the form and takes it.
func (e *Ear) form(w http.ResponseWriter, r *http.Request) {
	allowed := []string{http.MethodGet, http.MethodHead}
	if r.URL.Path == formPath {
		allowed = append(allowed, http.MethodPost)
	}
	switch {
	case !slices.Contains(allowed, r.Method):
		w.Header().Set("Allow", strings.Join(allowed, ", "))
		e.show(w, http.StatusMethodNotAllowed, shown{Faults: []string{"That cannot be done here. Please use the form."}})
	case r.Method != http.MethodPost:
		e.show(w, http.StatusOK, shown{Done: r.URL.Path == thanksPath})
	case e.origin.Check(r) != nil:
		e.refuse(w, r)
	default:
		e.sent(w, r)
	}
}

// refuse takes nothing of a form that another site may have sent. A browser that
// says so has no words of a person's for us; of one that cannot say (on plain http,
// or of before 2023) they are shown again, to be sent from our own page.
func (e *Ear) refuse(w http.ResponseWriter, r *http.Request) {
	e.refused.Add(1)
	s := shown{Faults: []string{"This came from another website, so we did not take it. Please write it here."}}
	if r.Header.Get("Sec-Fetch-Site") == "" {
		e.warnedOf.host.Do(func() {
			e.cfg.Log.WarnContext(r.Context(), "a form was refused whose origin is neither its Host nor public_url: does the proxy pass the Host on?")
		})
		if t, _, err := readForm(w, r); err == nil {
			t.Key = "" // ours is new
			s = shown{Faults: []string{"We could not tell that this came from our own page, so nothing was recorded yet. If you wrote it, please send it again."}, Told: *t}
		}
	}
	e.show(w, http.StatusForbidden, s)
}

// sent takes a form that was filled in. What was written is shown again when it was
// not taken: nobody should have to write it twice.
func (e *Ear) sent(w http.ResponseWriter, r *http.Request) {
	t, body, err := readForm(w, r)
	switch {
	case errors.Is(err, errLong):
		e.show(w, http.StatusRequestEntityTooLarge, shown{Faults: []string{"That is more than we can take. Nothing was recorded. Please write less."}})
		return
	case err != nil:
		e.show(w, http.StatusBadRequest, shown{Faults: []string{"We could not read that. Nothing was recorded. Please try again."}})
		return
	}
	if faults := t.faults(e.cfg.Now()); len(faults) > 0 {
		e.show(w, http.StatusUnprocessableEntity, shown{Faults: append(faults, "Nothing was recorded yet."), Told: *t})
		return
	}
	err = e.keep(r, t, "", body)
	status, wait := answer(err)
	switch {
	case err == nil:
		e.see(w, thanksPath)
	case status == http.StatusTooManyRequests:
		w.Header().Set("Retry-After", listener.RetryAfter(wait))
		e.show(w, status, shown{Faults: []string{"Many reports are coming in just now, so this one was not recorded. Please wait a few minutes and send it again."}, Told: *t})
	default:
		w.Header().Set("Retry-After", listener.RetryAfter(wait))
		e.show(w, status, shown{Faults: []string{"Something is wrong on our side, so this was not recorded. Please wait a few minutes and send it again."}, Told: *t})
	}
}

// readForm reads a form; it gives the bytes as well. A field that stands twice could
// be one thing to us and another to whoever reads the evidence. What is no UTF-8 is
// shown as such, and stands in the evidence as it came.
func readForm(w http.ResponseWriter, r *http.Request) (*Told, []byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if _, long := errors.AsType[*http.MaxBytesError](err); long {
		return nil, nil, errLong
	}
	if err != nil {
		return nil, nil, errBody
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, nil, errBody
	}
	for name, values := range form {
		if len(values) != 1 || !slices.Contains(fields(), name) {
			return nil, nil, errBody
		}
	}
	get := func(name string) string { return strings.ToValidUTF8(form.Get(name), "\uFFFD") }
	return &Told{By: get("by"), How: get("how"), When: get("when"), Knew: get("knew"), Said: get("said"), Contact: get("contact"), Key: get("key")}, body, nil
}

func fields() []string { return []string{"by", "how", "when", "knew", "said", "contact", "key"} }

// show writes the page.
func (e *Ear) show(w http.ResponseWriter, status int, s shown) {
	s.Style = template.CSS(pageStyle) //nolint:gosec // our own
	for _, field := range []*string{&s.Told.By, &s.Told.When, &s.Told.Knew, &s.Told.Said, &s.Told.Contact, &s.Told.Key} {
		*field = strings.Map(visible, *field)
	}
	if len(s.Told.Key) < minKey || len(s.Told.Key) > maxLine {
		s.Told.Key = rand.Text()
	}
	var out bytes.Buffer
	if err := e.text.Execute(&out, s); err != nil {
		e.cfg.Log.Error("the form could not be written", "err", err)
		listener.Refuse(w, http.StatusInternalServerError, "the page could not be written")
		return
	}
	e.guard(w.Header())
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(out.Len()))
	w.WriteHeader(status)
	_, _ = w.Write(out.Bytes()) // that the other side has gone changes nothing
}

// visible puts a mark in the place of what steers a reader's screen: control
// characters, and those that turn writing round.
func visible(r rune) rune {
	if r != '\n' && r != '\t' && (unicode.In(r, unicode.Cc, unicode.Zl, unicode.Zp, unicode.Bidi_Control) || r >= 0xFFFE && r <= 0xFFFF) {
		return unicode.ReplacementChar
	}
	return r
}

func (e *Ear) guard(h http.Header) {
	h.Set("Content-Security-Policy", e.policy)
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Referrer-Policy", "same-origin") // with no-referrer the form's own origin would be "null"
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
}

// see sends a browser to another page, so that loading that again sends nothing.
func (e *Ear) see(w http.ResponseWriter, path string) {
	e.guard(w.Header())
	w.Header().Set("Location", path)
	w.WriteHeader(http.StatusSeeOther)
}
