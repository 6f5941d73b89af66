package api

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"saltmine/internal/people"
	"saltmine/internal/registry"
)

// problem is what went wrong, as RFC 9457 says it. It never repeats what was sent.
type problem struct {
	kind   string // the end of the type
	title  string
	status int
	detail string
	errors []fault
	// current is how an incident stands that is not what it was.
	current *registry.Case
	header  http.Header
}

// fault is one thing that is wrong with what was sent.
type fault struct {
	In     string `json:"in"` // the parameter or field, or "body"
	Detail string `json:"detail"`
}

// Error says what went wrong.
func (p *problem) Error() string { return p.title + ": " + p.detail }

const problemType = "urn:saltmine:problem:"

func (p *problem) answer() *answer {
	body, err := json.Marshal(struct {
		Type    string         `json:"type"`
		Title   string         `json:"title"`
		Status  int            `json:"status"`
		Detail  string         `json:"detail"`
		Errors  []fault        `json:"errors,omitempty"`
		Current *registry.Case `json:"current,omitempty"`
	}{problemType + p.kind, p.title, p.status, p.detail, p.errors, p.current})
	if err != nil {
		body = []byte(`{"title":"Unknown"}`)
	}
	h := p.header.Clone()
	if h == nil {
		h = http.Header{}
	}
	h.Set("Content-Type", "application/problem+json")
	return &answer{status: p.status, header: h, body: append(body, '\n')}
}

func missing() *problem {
	return &problem{kind: "missing", title: "Not found", status: http.StatusNotFound, detail: "there is no such thing"}
}

func unavailable() *problem {
	return &problem{kind: "unavailable", title: "Not available", status: http.StatusServiceUnavailable, detail: "the registry does not answer, or the call could not be recorded; the log says why",
		header: http.Header{"Retry-After": {"5"}}}
}

func broken() *problem {
	return &problem{kind: "broken", title: "Broken", status: http.StatusInternalServerError, detail: "the answer could not be written; the log says why"}
}

func unknown() *problem {
	return &problem{kind: "unknown", title: "Who are you?", status: http.StatusUnauthorized, detail: "send your token as: Authorization: Bearer <token>",
		header: http.Header{"Www-Authenticate": {`Bearer realm="saltmine"`}}}
}

// closed answers for changes where nobody is configured.
func closed() *problem {
	return &problem{kind: "closed", title: "Nobody is configured", status: http.StatusForbidden,
		detail: "without people_file in [api] this interface only reads; 'saltmine agent NAME --role responder --file people.txt' makes one"}
}

// misled answers for a name that is not this interface's, where nobody is configured.
func misled() *problem {
	return &problem{kind: "misled", title: "Not the name of this interface", status: http.StatusForbidden,
		detail: "it was asked for by a name that is not that of [api] public_url; without people_file such requests are refused"}
}

func tooMany(wait time.Duration) *problem {
	return &problem{kind: "too-many", title: "Too many failures", status: http.StatusTooManyRequests, detail: "too many calls without a token that is known",
		header: http.Header{"Retry-After": {strconv.Itoa(int((wait + time.Second - 1) / time.Second))}}}
}

func forbidden(roles []people.Role) *problem {
	words := make([]string, len(roles))
	for i, r := range roles {
		words[i] = string(r)
	}
	return &problem{kind: "role", title: "Not your role", status: http.StatusForbidden, detail: "this is for the role " + strings.Join(words, ", ")}
}

func notAllowed(methods []string) *problem {
	list := strings.Join(methods, ", ")
	return &problem{kind: "method", title: "Not that method", status: http.StatusMethodNotAllowed, detail: "want " + list, header: http.Header{"Allow": {list}}}
}

func badBody(detail string) *problem { return faulty(fault{"body", detail}) }

func faulty(list ...fault) *problem {
	words := make([]string, len(list))
	for i, f := range list {
		words[i] = f.In + ": " + f.Detail
	}
	return &problem{kind: "invalid", title: "Not understood", status: http.StatusBadRequest, detail: strings.Join(words, "; "), errors: list}
}

func stale(now registry.Case) *problem {
	return &problem{kind: "stale", title: "It has changed meanwhile", status: http.StatusConflict,
		detail: "the incident is not what it was when it was shown to you: look at it again, and send its version", current: &now}
}
