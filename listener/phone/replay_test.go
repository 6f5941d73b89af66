package phone_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/spool"
	"saltmine/listener"
	"saltmine/listener/phone"
)

// onDisk is an ear before a real spool.
func onDisk(t *testing.T, dir string) (string, *spool.Spool, func()) {
	t.Helper()
	s, err := spool.Open(spool.Config{Dir: dir, SegmentBytes: 1, MinFree: -1, Now: noon})
	if err != nil {
		t.Fatal(err)
	}
	road := listener.New(listener.Config{
		Seal:   func(dst, plain []byte) ([]byte, error) { return append(dst, plain...), nil },
		Append: func(ctx context.Context, key listener.Key, sealed []byte) error { return s.Append(ctx, key, sealed) },
		Full:   func(error) bool { return false },
	})
	e, _ := open(t, func(c *phone.Config) {
		all(nil)(c)
		c.Hear = road.Hear
	})
	return serve(t, e), s, func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

// spooled gives the contacts that the spool holds from a cursor on.
func spooled(t *testing.T, s *spool.Spool, from spool.Cursor) ([]canary.ContactID, spool.Cursor) {
	t.Helper()
	records, err := s.Read(t.Context(), from, 1000)
	if err != nil {
		t.Fatal(err)
	}
	var ids []canary.ContactID
	for _, r := range records {
		var c canary.Contact
		if err := c.UnmarshalBinary(r.Sealed); err != nil {
			t.Fatal(err)
		}
		ids, from = append(ids, c.ID), r.Next
	}
	return ids, from
}

func TestReplaysAfterARestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	answers := map[string]string{}
	play := func(base string) {
		for _, s := range sayings() {
			for i, h := range []hook{s.call, s.speech, s.message} {
				if h.uri == "" {
					continue
				}
				resp, text := send(t, h.request(t, base))
				name, got := fmt.Sprint(s.kind, i), fmt.Sprint(resp.StatusCode, resp.Header.Get("Content-Type"), text)
				if had, again := answers[name]; again && had != got {
					t.Errorf("%s: first %s, then %s", name, had, got)
				}
				answers[name] = got
			}
		}
	}
	base, s, end := onDisk(t, dir)
	play(base)
	play(base)
	first, _ := spooled(t, s, spool.Cursor(0))
	if len(first) != len(answers) {
		t.Errorf("%d records of %d events", len(first), len(answers))
	}
	end()

	base, s, end = onDisk(t, dir)
	play(base)
	again, upTo := spooled(t, s, spool.Cursor(0))
	if len(again) != len(first) {
		t.Errorf("%d records after a restart, want %d", len(again), len(first))
	}
	// What the core has committed is trimmed here. A replay then comes to the
	// core under the id that it has filed, and is dropped there.
	if err := s.Ack(t.Context(), upTo); err != nil {
		t.Fatal(err)
	}
	play(base)
	known := map[canary.ContactID]bool{}
	for _, id := range first {
		known[id] = true
	}
	for later, _ := spooled(t, s, upTo); len(later) > 0; later = later[1:] {
		if !known[later[0]] {
			t.Errorf("a replay has a new id")
		}
	}
	end()
}

// TestCapturedRequestsMoveNoDates: a provider without a time in its signature
// can be replayed, but only as the event that it was.
func TestCapturedRequestsMoveNoDates(t *testing.T) {
	t.Parallel()
	e, s := open(t, all(nil))
	base := serve(t, e)
	for _, h := range []hook{sayings()[0].message, sayings()[2].message, sayings()[4].message} {
		send(t, h.request(t, base))
		n := len(s.contacts())
		at := s.last(t, n).At
		s.set(func(p *memory) { p.now = p.now.Add(90 * 24 * time.Hour) })
		send(t, h.request(t, base))
		if !s.last(t, n).At.Equal(at) {
			t.Error("the contact has another time")
		}
	}
}
