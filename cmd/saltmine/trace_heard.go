package main

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"strings"
	"time"

	"saltmine/internal/audit/cover"
	"saltmine/internal/canary"
	"saltmine/internal/forensics"
	"saltmine/internal/incident"
	"saltmine/internal/picture"
	"saltmine/internal/registry"
)

// heardFile says what became of a list of contacts. Lines is how many it has; Hits of them
// reached planted tokens, Placebos such as were never planted.
type heardFile struct {
	File     string      `json:"file"`
	SHA256   string      `json:"sha256"`
	Lines    int         `json:"lines"`
	Hits     int         `json:"hits"`
	Placebos int         `json:"placebos"`
	Unknown  int         `json:"unknown"`
	Filed    int         `json:"filed"` // in the incident already
	Faults   []lineFault `json:"not_traced"`
	Passed   []string    `json:"columns_passed_over,omitempty"`
}

// heardTrace is a trace of contacts that were listed, and perhaps of an incident's.
type heardTrace struct {
	Incident *canary.Incident `json:"incident,omitempty"`
	Heard    heardFile        `json:"contacts"`
	SetAside int              `json:"set_aside"`
	Answer   forensics.Answer `json:"trace"`
	Logs     *cover.Report    `json:"logs,omitempty"` // as of an incident's trace
}

// Text prints it for a person.
func (t *heardTrace) Text(w io.Writer) error {
	h := &t.Heard
	out := []string{fmt.Sprintf("%s: %d contacts, %d of them with planted tokens, %d with placebos; %d are traced of those without weight (probes, unnamed calls, guesses). Nothing is filed.", h.File, h.Lines, h.Hits, h.Placebos, t.SetAside)}
	if t.Incident != nil {
		out = append(out, fmt.Sprintf("With those of incident %s (%s, %d contacts), which has %d of them already.", t.Incident.ID, t.Incident.Place, t.Incident.Contacts, h.Filed))
	}
	if len(h.Passed) > 0 {
		out = append(out, "columns passed over: "+strings.Join(h.Passed, ", "))
	}
	for _, f := range h.Faults[:min(len(h.Faults), findsShown)] {
		out = append(out, fmt.Sprintf("NOT TRACED: line %d: %s", f.Line, f.Fault))
	}
	if more := len(h.Faults) - findsShown; more > 0 {
		out = append(out, fmt.Sprintf("NOT TRACED: %d lines more (--output json tells them)", more))
	}
	return errors.Join(lines(w, append(out, "")), t.Answer.Text(w), printCover(w, t.Logs))
}

// unfiled is a registry to which an intake files nothing: what would be is kept here.
type unfiled struct {
	*registry.Registry
	hits []canary.Hit
}

// Commit keeps what would be filed.
func (u *unfiled) Commit(_ context.Context, o canary.Outcome) error {
	u.hits = append(u.hits, o.Hits...)
	return nil
}

// PlaceboHits counts those of this list as well.
func (u *unfiled) PlaceboHits(ctx context.Context, origin string, since time.Time) (int, error) {
	n, err := u.Registry.PlaceboHits(ctx, origin, since)
	for i := range u.hits {
		if h := &u.hits[i]; h.Role == canary.RolePlacebo && h.Origin == origin && !h.At.Before(since) {
			n++
		}
	}
	return n, err
}

// hearing is one list that is traced.
type hearing struct {
	app      *app
	core     *core
	out      heardTrace
	list     *contactList
	contacts []canary.Contact
	lines    map[canary.ContactID]int
	hits     []canary.Hit // with planted tokens
}

// traceContacts traces the contacts of a file, with those of an incident if it is named.
func (a *app) traceContacts(ctx context.Context, c *core, f *traceFlags, q request) error {
	h := &hearing{app: a, core: c, lines: map[canary.ContactID]int{}}
	if err := h.read(f.contacts); err != nil {
		return err
	}
	by, err := a.may(ctx, c, q)
	if err != nil {
		return err
	}
	act := canary.Act{What: canary.ActContacts, About: h.out.Heard.SHA256, Outcome: fmt.Sprintf("%d lines looked up", h.out.Heard.Lines)}
	if err := c.reg.RecordUnder(ctx, by, act); err != nil {
		return err
	}
	if err := h.match(ctx); err != nil {
		return err
	}
	if err := h.hear(ctx); err != nil {
		return err
	}
	if err := h.trace(ctx, canary.IncidentID(f.id)); err != nil {
		return err
	}
	if f.svg != "" {
		d := drawn{traced: traced{Answer: h.out.Answer}, contacts: h.drawn()}
		if err := writeNew(f.svg, picture.Sheet(d.Pictures()...).SVG()); err != nil {
			return err
		}
	}
	return a.print(&h.out, h.out.Text)
}

func (h *hearing) read(name string) (err error) {
	in := h.app.stdin
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return fmt.Errorf("trace: %w", err)
		}
		defer f.Close() //nolint:errcheck // it was only read
		in = f
	}
	sum := sha256.New()
	if h.list, err = readContacts(io.TeeReader(in, sum)); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	h.out.Heard = heardFile{File: name, SHA256: fmt.Sprintf("%x", sum.Sum(nil)), Lines: len(h.list.all) + len(h.list.faults), Passed: h.list.passed}
	return nil
}

// match looks up what the lines name.
func (h *hearing) match(ctx context.Context) error {
	ids, err := h.byID(ctx)
	if err != nil {
		return err
	}
	for i := range h.list.all {
		l := &h.list.all[i]
		k, kinds, fault := l.contact(h.out.Heard.SHA256, h.app.now())
		if fault != "" {
			h.list.fault(l.line, "%s", fault)
			continue
		}
		text := l.Token
		if tok, is := ids[canary.TokenID(text)]; is {
			text, kinds = tok.Text, []canary.Kind{tok.Kind}
		}
		m, err := h.find(ctx, text, kinds)
		switch {
		case err != nil:
			return err
		case m == nil:
			h.out.Heard.Unknown++
			h.list.fault(l.line, "its token is not known here")
			continue
		case m.Token.Role == canary.RoleDrill:
			h.list.fault(l.line, "its token is a drill's")
			continue
		}
		k.Channel, k.Targets = cmp.Or(k.Channel, heardBy(m.Token.Kind)), []canary.Target{{Kind: m.Token.Kind, Text: text}}
		switch l.Content {
		case "names_person":
			k.Text = m.Name
		case "cites_ticket":
			k.Text = "ticket " + strings.Join(m.Tickets, " ")
		}
		h.contacts = append(h.contacts, k)
		h.lines[k.ID] = l.line
	}
	slices.SortStableFunc(h.contacts, func(a, b canary.Contact) int { return a.At.Compare(b.At) })
	return nil
}

// byID finds the tokens and placebos whose ids are in the list.
func (h *hearing) byID(ctx context.Context) (map[canary.TokenID]canary.Token, error) {
	wanted := map[canary.TokenID]bool{}
	for i := range h.list.all {
		if id := h.list.all[i].Token; strings.HasPrefix(id, "t_") {
			wanted[canary.TokenID(id)] = true
		}
	}
	out := map[canary.TokenID]canary.Token{}
	if len(wanted) == 0 {
		return out, nil
	}
	for t, err := range h.core.reg.AllTokens(ctx) {
		if err != nil {
			return nil, err
		}
		if wanted[t.ID] {
			out[t.ID] = t.Token
		}
	}
	return out, nil
}

// find looks a text up as the kinds it can be; nil is none.
func (h *hearing) find(ctx context.Context, text string, kinds []canary.Kind) (*canary.Match, error) {
	for _, kind := range kinds {
		list, err := h.core.reg.Match(ctx, []canary.Target{{Kind: kind, Text: text}})
		if err != nil {
			return nil, err
		}
		if len(list) > 0 {
			return &list[0], nil
		}
	}
	return nil, nil //nolint:nilnil // it is nobody's
}

// hear has an intake weigh the contacts as those of an ear, and files nothing.
func (h *hearing) hear(ctx context.Context) error {
	u := &unfiled{Registry: h.core.reg}
	s := &server{core: h.core, app: h.app, log: slog.New(slog.DiscardHandler)} // what it would say is told with the lines
	cfg := s.taking([16]byte{}, nil)
	cfg.Name, cfg.Filer, cfg.Finder = "list", u, u
	cfg.Wake, cfg.Stray, cfg.Known, cfg.Senders, cfg.Signed = nil, nil, nil, nil, nil
	if err := incident.New(cfg).File(ctx, h.contacts); err != nil {
		return err
	}
	reached := map[canary.ContactID]bool{}
	for i := range u.hits {
		hit := &u.hits[i]
		reached[hit.Contact] = true
		switch {
		case hit.Role == canary.RolePlacebo:
			h.out.Heard.Placebos++
		case hit.Role == canary.RolePlanted:
			h.out.Heard.Hits++
			h.hits = append(h.hits, *hit)
		}
	}
	for i := range h.contacts {
		if id := h.contacts[i].ID; !reached[id] {
			h.list.fault(h.lines[id], "its token stood in no row by that time")
		}
	}
	slices.SortStableFunc(h.list.faults, func(a, b lineFault) int { return a.Line - b.Line })
	h.out.Heard.Faults = append([]lineFault{}, h.list.faults...)
	return nil
}

// trace asks forensics about what was heard, and about what an incident has.
func (h *hearing) trace(ctx context.Context, id canary.IncidentID) error {
	channels := map[canary.ContactID]canary.Channel{}
	var filed []canary.Hit
	if id != "" {
		inc, err := h.core.reg.Incident(ctx, id)
		if err != nil {
			return err
		}
		h.out.Incident = &inc
		if filed, err = plantedHits(ctx, h.core.reg, &inc); err != nil {
			return err
		}
		if channels, err = h.core.reg.Channels(ctx, id); err != nil {
			return err
		}
	}
	known := secondsOf(filed)
	for i := range h.hits {
		if known.has(&h.hits[i]) {
			h.out.Heard.Filed++
			continue
		}
		filed = append(filed, h.hits[i])
		channels[h.hits[i].Contact] = h.hits[i].Cell.Channel
	}
	if len(filed) == 0 {
		for _, f := range h.list.faults[:min(len(h.list.faults), maxFaults)] {
			h.app.say("line %d: %s", f.Line, f.Fault)
		}
		return fmt.Errorf("%s: none of its %d contacts is with a planted token (%d with placebos, %d unknown): there is nothing to trace", h.out.Heard.File, h.out.Heard.Lines, h.out.Heard.Placebos, h.out.Heard.Unknown)
	}
	slices.SortStableFunc(filed, func(a, b canary.Hit) int { return a.At.Compare(b.At) })
	h.out.SetAside = setAside(filed)
	var err error
	if h.out.Answer, err = traceHits(ctx, h.core.reg, filed, channels, h.app.now()); err != nil {
		return err
	}
	h.out.Logs, err = coverOf(ctx, h.core.reg, &h.out.Answer)
	return err
}

// seconds are hits by token, channel and second.
type seconds map[string]bool

func (s seconds) key(h *canary.Hit, at int64) string {
	return fmt.Sprintf("%s %s %d", h.Token, h.Cell.Channel, at)
}

func secondsOf(hits []canary.Hit) seconds {
	s := seconds{}
	for i := range hits {
		s[s.key(&hits[i], hits[i].At.Unix())] = true
	}
	return s
}

// has reports whether a hit is there: the list of somebody else may round its second.
func (s seconds) has(h *canary.Hit) bool {
	at := h.At.Unix()
	return s[s.key(h, at-1)] || s[s.key(h, at)] || s[s.key(h, at+1)]
}

// drawn are the contacts of the list for a picture.
func (h *hearing) drawn() (out []picture.Contact) {
	clean := map[canary.ContactID]picture.Sort{}
	for i := range h.hits {
		if clean[h.hits[i].Contact] = picture.Aside; h.hits[i].Clean {
			clean[h.hits[i].Contact] = picture.Weighed
		}
	}
	for i := range h.contacts {
		sort, hit := clean[h.contacts[i].ID]
		if !hit {
			sort = picture.Placebo
		}
		out = append(out, picture.Contact{Channel: string(h.contacts[i].Channel), At: h.contacts[i].At, Sort: sort})
	}
	return out[:min(len(out), mostDrawn)]
}
