package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/picture"
	"saltmine/internal/registry"
)

// mostDrawn bounds the contacts on a picture, and beside them those with placebos.
const mostDrawn = 2000

// drawn is a trace with what came when.
type drawn struct {
	traced
	contacts []picture.Contact
}

// traceDrawn traces an incident for somebody who looks at it.
func traceDrawn(ctx context.Context, reg *registry.Registry, id canary.IncidentID, now time.Time) (drawn, error) {
	t, err := traceIncident(ctx, reg, id, now)
	if err != nil {
		return drawn{}, err
	}
	contacts, err := timeline(ctx, reg, t.Incident.ID)
	return drawn{t, contacts}, err
}

// showTrace prints a trace, and draws it in a file that is named.
func (a *app) showTrace(ctx context.Context, c *core, id canary.IncidentID, svg string) error {
	d, err := traceDrawn(ctx, c.reg, id, a.now())
	if err != nil {
		return err
	}
	if svg != "" {
		if err := writeNew(svg, picture.Sheet(d.Pictures()...).SVG()); err != nil {
			return err
		}
	}
	return a.print(d, d.Text)
}

// timeline gives the newest contacts of an incident, and what reached placebos in that
// time: who sees that much noise on both sees no leak.
func timeline(ctx context.Context, reg *registry.Registry, id canary.IncidentID) ([]picture.Contact, error) {
	list, err := reg.Contacts(ctx, registry.ContactFilter{Incident: id, Limit: mostDrawn})
	if err != nil || len(list) == 0 {
		return nil, err
	}
	controls, err := reg.Contacts(ctx, registry.ContactFilter{
		Class: canary.ClassPlacebo, Since: list[len(list)-1].At, Until: list[0].At.Add(time.Microsecond), Limit: mostDrawn,
	})
	if err != nil {
		return nil, err
	}
	var out []picture.Contact
	seen := map[canary.ContactID]bool{} // what reached a placebo may have joined by its author
	for _, c := range append(list, controls...) {
		if seen[c.ID] {
			continue
		}
		seen[c.ID] = true
		out = append(out, picture.Contact{Channel: string(c.Channel), At: c.At, Sort: sortOf(&c)})
	}
	return out, nil
}

func sortOf(c *registry.FiledContact) picture.Sort {
	switch {
	case c.Class == canary.ClassPlacebo:
		return picture.Placebo
	case c.Clean:
		return picture.Weighed
	case c.Canaries > 0:
		return picture.Aside
	}
	return picture.Beside
}

// Pictures are what is drawn of a trace. Where an incident leads to no extract, that is
// what came when.
func (d drawn) Pictures() []picture.Picture {
	var out []picture.Picture
	for _, p := range []picture.Picture{d.Answer.Picture(), d.Answer.Candidates(), picture.Contacts(d.contacts)} {
		if !p.Empty() {
			out = append(out, p)
		}
	}
	return out
}

// Text prints the trace for a person, and under it what came when.
func (d drawn) Text(w io.Writer) error {
	if err := d.traced.Text(w); err != nil {
		return err
	}
	text := picture.Contacts(d.contacts).Text(78)
	if text == "" {
		return nil
	}
	_, err := fmt.Fprintf(w, "\nContacts by channel, and in the same time those with placebos\n%s\n", strings.TrimSuffix(text, "\n"))
	return err
}
