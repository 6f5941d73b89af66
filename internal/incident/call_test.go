package incident_test

import (
	"context"
	"errors"
	"testing"

	"saltmine/internal/canary"
	"saltmine/internal/registry"
)

// calls makes the world's intake find what calls began with.
func (w *world) calls() *world {
	w.cfg.Call = func(ctx context.Context, id canary.ContactID) (*canary.Contact, error) {
		c, err := w.reg.Contact(ctx, id)
		if errors.Is(err, registry.ErrNotFound) {
			err = nil
		}
		return c, err
	}
	return w
}

// later is a webhook of a call that names no number.
func (w *world) later(of *canary.Contact, said string) canary.Contact {
	c := w.contact(canary.Voice)
	c.Ear, c.Source, c.Text, c.Facts["call"] = of.Ear, "", said, string(of.ID)
	return c
}

func TestTranscriptWithoutNumbersBelongsToItsCall(t *testing.T) {
	t.Parallel()
	for title, together := range map[string]bool{"in one group": true, "after a restart": false} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t).calls()
			w.plant("db:main", 1)
			call := w.call(canary.Voice, number(1), "")
			call.Ear = "phone/bandwidth"
			said := w.later(&call, "Good day, am I speaking to "+name(1)+"?")
			said.Ear = "recording/bandwidth" // a transcript that was fetched
			if together {
				w.take(call, said)
			} else {
				w.take(call)
				w.want(canary.P4, 1, 1, 0)
				w.take(said)
			}
			w.want(canary.P1, 2, 1, 0)
			kept, err := w.reg.Contact(w.ctx, said.ID)
			must(t, err)
			if kept.Targets != nil || kept.Source != "" {
				t.Errorf("the evidence was changed: %+v", kept)
			}
		})
	}
}

// TestWhatIsNoPartOfACall: contacts that name a call which is none of theirs.
func TestWhatIsNoPartOfACall(t *testing.T) {
	t.Parallel()
	w := newWorld(t).calls()
	w.plant("db:main", 1)
	call := w.call(canary.Voice, number(1), "")
	text := w.call(canary.SMS, number(1), "")
	forged := w.call(canary.Voice, number(1), "")
	forged.Unverified = true
	w.take(call, text, forged)
	w.want(canary.P3, 2, 1, 0) // the call, and the text message
	change := func(of *canary.Contact, fn func(*canary.Contact)) canary.Contact {
		c := w.later(of, "for "+name(1)) // the name alone says nothing without the number
		fn(&c)
		return c
	}
	w.take(
		change(&call, func(c *canary.Contact) { c.Ear = "recording/other" }),
		change(&call, func(c *canary.Contact) { c.Unverified = true }),
		change(&call, func(c *canary.Contact) { c.Channel = canary.SMS }),
		change(&call, func(c *canary.Contact) { c.Facts["call"] = "k_nothing1" }),
		change(&call, func(c *canary.Contact) { c.Facts["call"] = string(c.ID) }),
		change(&text, func(*canary.Contact) {}),
		change(&forged, func(*canary.Contact) {}),
	)
	w.want(canary.P3, 2, 1, 0)
}
