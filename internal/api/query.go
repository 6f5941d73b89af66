package api

import (
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/registry"
)

// Bounds of a page of a list.
const (
	pageDefault = 100
	pageMost    = 200
)

// query reads parameters strictly: each at most once, no others, every fault at
// once, and none repeats what was sent.
type query struct {
	given  url.Values
	asked  []string
	faults []fault
}

func parseQuery(raw string) *query {
	q := &query{}
	var err error
	if q.given, err = url.ParseQuery(raw); err != nil {
		q.given = nil
		q.bad("query", "it cannot be read")
	}
	return q
}

func (q *query) bad(in, detail string) { q.faults = append(q.faults, fault{in, detail}) }

func (q *query) text(name string) string {
	q.asked = append(q.asked, name)
	values := q.given[name]
	switch {
	case len(values) == 0:
		return ""
	case len(values) > 1:
		q.bad(name, "it is given twice")
		return ""
	case values[0] == "":
		q.bad(name, "it is empty")
	}
	return values[0]
}

// word reads one of some words.
func (q *query) word(name string, words ...string) string {
	text := q.text(name)
	if text != "" && !slices.Contains(words, text) {
		q.bad(name, "want one of "+strings.Join(words, ", "))
		return ""
	}
	return text
}

// matching reads a text of a form.
func (q *query) matching(name string, form *regexp.Regexp, want string) string {
	text := q.text(name)
	if text != "" && !form.MatchString(text) {
		q.bad(name, "want "+want)
		return ""
	}
	return text
}

func (q *query) time(name string) time.Time {
	text := q.text(name)
	if text == "" {
		return time.Time{}
	}
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil || at.Year() < 1971 || at.Year() > 9000 {
		q.bad(name, "want a time as 2026-08-05T10:00:00Z")
		return time.Time{}
	}
	return canary.Micro(at)
}

func (q *query) limit() int {
	text := q.text("limit")
	if text == "" {
		return pageDefault
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > pageMost {
		q.bad("limit", "want a number from 1 to "+strconv.Itoa(pageMost))
		return pageDefault
	}
	return n
}

// after reads where the last page ended; the zero value is the first.
func (q *query) after() registry.Cursor {
	c, ok := registry.ParseCursor(q.text("after"))
	if !ok {
		q.bad("after", "want it as it stands in Link")
	}
	return c
}

// done reports every fault.
func (q *query) done() error {
	for name := range q.given {
		if !slices.Contains(q.asked, name) {
			q.bad("query", "a parameter is not known; want "+strings.Join(q.asked, ", "))
			break
		}
	}
	if len(q.faults) > 0 {
		return faulty(q.faults...)
	}
	return nil
}

// page answers one page of a list, of which one row more than its size was asked for:
// where that is there, Link says where the list goes on.
func page[T any](c *call, list []T, size int, at func(*T) registry.Cursor) (*answer, error) {
	out, err := reply(some(list[:min(size, len(list))]))
	if err == nil && len(list) > size {
		out.next(c.r.URL, "after", at(&list[size-1]).String())
	}
	return out, err
}

// next says where the list goes on.
func (o *answer) next(u *url.URL, parameter, value string) {
	values := u.Query()
	values.Set(parameter, value)
	o.header.Set("Link", "<"+u.EscapedPath()+"?"+values.Encode()+`>; rel="next"`)
}
