package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"saltmine/internal/canary"
	"saltmine/internal/people"
	"saltmine/internal/registry"
)

// nobody is who has shown no token that is known.
const nobody = "-"

// via is how acts came that were done here.
const via = "api"

// call is one request on its way.
type call struct {
	r     *http.Request
	w     http.ResponseWriter
	who   *people.Person
	what  string
	about string // an id, or empty
	more  int    // failures of strangers that were not recorded
	// recorded: what was done is on the log with the change. unrecorded: this one
	// is over the rate of failures.
	recorded, unrecorded bool
}

func (c *call) login(d *people.Door) error {
	who, failed := d.Enter(c.r)
	if who != nil {
		c.who = who
		return nil
	}
	if failed.Wait > 0 {
		c.unrecorded = true
		return tooMany(failed.Wait)
	}
	c.more = failed.Missed
	return unknown()
}

// idForm is what may be recorded as what a call was about: what strangers put
// into a path may be anything.
var idForm = regexp.MustCompile(`^[a-z]_[A-Za-z0-9._-]{8,120}$`)

// name takes the id out of the path. It is false for what cannot be one.
func (c *call) name(path string) bool {
	if !strings.Contains(path, "{id}") {
		return true
	}
	// The mux sets PathValue only on requests that it serves itself.
	before, after, _ := strings.Cut(path, "{id}")
	id := strings.TrimSuffix(strings.TrimPrefix(c.r.URL.Path, before), after)
	if !idForm.MatchString(id) {
		return false
	}
	c.about = id
	return true
}

// by is who changes something, having seen a version.
func (c *call) by(version string) registry.By {
	return registry.By{Who: c.who.Name, Via: via, Version: version}
}

// act is the call as the evidence log keeps it.
func (c *call) act(status int) canary.Act {
	a := canary.Act{Who: nobody, Via: via, What: c.what, About: c.about, Outcome: strconv.Itoa(status)}
	if c.who != nil {
		a.Who = c.who.Name
	}
	if c.more > 0 {
		a.Outcome += fmt.Sprintf(", after %d over the rate", c.more)
	}
	return a
}

// known keeps methods that somebody made up out of the log.
func known(method string) string {
	if slices.Contains([]string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions}, method) {
		return method
	}
	return "?"
}

// maxBody bounds what a change may say, in bytes.
const maxBody = 4 << 10

// body reads the JSON object of a change.
func (c *call) body(into any) error {
	kind, _, err := mime.ParseMediaType(c.r.Header.Get("Content-Type"))
	if err != nil || kind != "application/json" {
		return &problem{kind: "media-type", title: "Not JSON", status: http.StatusUnsupportedMediaType, detail: "send the header Content-Type: application/json"}
	}
	text, err := io.ReadAll(http.MaxBytesReader(c.w, c.r.Body, maxBody))
	if _, long := errors.AsType[*http.MaxBytesError](err); long {
		return &problem{kind: "too-large", title: "Too much", status: http.StatusRequestEntityTooLarge, detail: fmt.Sprintf("the body is over %d bytes", maxBody)}
	}
	if err != nil {
		return badBody("it breaks off")
	}
	if !utf8.Valid(text) {
		return badBody("it is not UTF-8")
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		return badBody("it is not the object that the description asks for, or has other fields")
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return badBody("something follows the object")
	}
	return nil
}

// answer is what goes back.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// errNoJSON says that a result has no JSON form.
var errNoJSON = errors.New("the result cannot be written as JSON")

func reply(v any) (*answer, error) {
	body, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errNoJSON, err)
	}
	return &answer{status: http.StatusOK, header: http.Header{"Content-Type": {"application/json"}}, body: append(body, '\n')}, nil
}

func (o *answer) write(w http.ResponseWriter) {
	h := w.Header()
	maps.Copy(h, o.header)
	guard(h)
	if o.body != nil {
		h.Set("Content-Length", strconv.Itoa(len(o.body)))
	}
	w.WriteHeader(o.status)
	_, _ = w.Write(o.body) // that the other side has gone changes nothing
}

func guard(h http.Header) {
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'; sandbox")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
}
