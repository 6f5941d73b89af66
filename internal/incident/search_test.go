package incident_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/incident"
	"saltmine/internal/registry"
)

// hostile is a mail that reaches nobody and is made to hurt.
func (w *world) hostile() canary.Contact {
	nested := ""
	for i := 0; len(nested) < 1<<17; i++ {
		nested += fmt.Sprintf("Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n", i, i)
		if i == 60 {
			nested += "\r\n" + strings.Repeat("a@b.c 0171 123 45 67 ticket 4711-22 (", 4_000)
		}
	}
	return w.letter(nested, "x")
}

// TestPageBeforeTheSearch: what reached a token is paged while nothing was
// searched yet, whatever was heard before it. What a search then finds opens an
// incident with a page of its own; the queue is empty after it.
func TestPageBeforeTheSearch(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.plant("db:main", 1)
	w.plant("db:other", 2)
	searching := 0
	w.cfg.Searching = func() { searching++ }
	whole := w.cfg
	w.cfg.Known = func(context.Context, canary.Kind, []string) ([]string, error) {
		t.Error("something is searched before the page")
		return nil, nil
	}
	w.hear(w.hostile(), w.letter("", "dear "+address(2)), w.mail(address(1)))
	must(t, w.intake().Drain(t.Context()))
	w.want(canary.P2, 1, 1, 0)
	if n := len(w.pages(w.only().ID)); n != 2 || searching != 1 {
		t.Errorf("%d deliveries, told %d times that there is something to search", n, searching)
	}
	w.cfg = whole
	w.search()
	w.search()
	list := w.incidents()
	if len(list) != 2 {
		t.Fatalf("%+v", list)
	}
	for _, inc := range list {
		if n := len(w.pages(inc.ID)); inc.Severity != canary.P2 || inc.Contacts != 1 || n != 2 {
			t.Errorf("%+v, %d deliveries", inc, n)
		}
	}
	if ids, err := w.reg.SearchesDue(t.Context(), 10); err != nil || len(ids) != 0 {
		t.Errorf("still to search: %q, %v", ids, err)
	}
}

// TestTheFirstPageKnowsTheRecord: the beginning of what reached a token is
// compared with the token's record before the page.
func TestTheFirstPageKnowsTheRecord(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.plant("db:main", 1)
	c := w.letter("Subject: your ticket "+ticket(1)+"\r\n", "Hello "+name(1))
	c.Targets[0].Text = address(1)
	w.hear(c)
	must(t, w.intake().Drain(t.Context()))
	w.want(canary.P1, 1, 1, 0)
}

// TestSearchAfterACrash: a search whose commit fails, or whose commit's answer is
// lost, is made again or not, and neither loses nor doubles what it found.
func TestSearchAfterACrash(t *testing.T) {
	t.Parallel()
	for what, f := range map[string]*filer{
		"before the commit": {before: func() error { return errDown }},
		"behind the commit": {after: func() error { return errDown }},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.plant("db:main", 1)
			w.hear(w.letter("", "dear "+address(1)), w.letter("", "nothing"))
			must(t, w.intake().Drain(t.Context()))
			whole := w.cfg
			f.Filer = w.reg
			w.cfg.Filer = f
			if err := incident.NewSearcher(w.cfg, w.reg).Drain(t.Context()); !errors.Is(err, errDown) {
				t.Fatalf("search: %v", err)
			}
			w.cfg = whole
			w.search()
			w.want(canary.P2, 1, 1, 0)
			if n := len(w.pages(w.only().ID)); n != 2 {
				t.Errorf("%d deliveries", n)
			}
		})
	}
}

// TestTwoSearchers: of two cores that search the same contact one commits.
func TestTwoSearchers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.plant("db:main", 1)
	w.hear(w.letter("", "dear "+address(1)))
	must(t, w.intake().Drain(t.Context()))
	other, raced := incident.NewSearcher(w.cfg, w.reg), false
	w.cfg.Filer = &filer{Filer: w.reg, before: func() error {
		if raced {
			return nil
		}
		raced = true
		return other.Drain(t.Context())
	}}
	if err := incident.NewSearcher(w.cfg, w.reg).Drain(t.Context()); err == nil {
		t.Error("both committed")
	}
	w.search()
	w.want(canary.P2, 1, 1, 0)
}

// TestLateFacts: a mail whose text goes on beyond what is read before the page,
// and beyond what is compared. The hit stands once, the incident rises, and who
// was told of it already is not told again.
func TestLateFacts(t *testing.T) {
	t.Parallel()
	for _, bytes := range []int{100 << 10, 3 << 20} {
		w := newWorld(t)
		w.plant("db:main", 1, 2)
		facts := name(1) + " " + ticket(1)
		c := w.letter("", strings.Repeat("nothing to see here\r\n", bytes/21)+facts+"\r\n")
		c.Targets[0].Text = address(1)
		w.hear(c)
		must(t, w.intake().Drain(t.Context()))
		w.want(canary.P2, 1, 1, 0)
		w.search()
		w.want(canary.P1, 1, 1, 0)
		inc := w.only()
		if n := len(w.pages(inc.ID)); n != 2 {
			t.Errorf("%d bytes: %d deliveries", bytes, n)
		}
		hits, err := w.reg.IncidentHits(t.Context(), inc.ID)
		must(t, err)
		if len(hits) != 2 || hits[0].Token == hits[1].Token { // its address, and the ticket
			t.Errorf("%d bytes: hits %+v", bytes, hits)
		}
	}
}

// TestLateFactsAfterAcknowledgedNoise: an acknowledged crowd of generic messages
// pages again, once, when a record is named behind what is read before the page,
// whether by a token that is a hit of its own as well, or by what the search adds to
// the hit alone.
func TestLateFactsAfterAcknowledgedNoise(t *testing.T) {
	t.Parallel()
	for what, facts := range map[string]string{"ticket": ticket(4), "name and ticket": name(4) + " " + ticket(4), "name and number": name(4) + " " + number(4)} {
		w := newWorld(t)
		w.plant("db:main", 1, 2, 3, 4)
		w.take(w.mail(address(1)), w.mail(address(2)), w.mail(address(3)))
		w.want(canary.P1, 3, 3, 0)
		must(t, w.reg.Acknowledge(w.ctx, w.only().ID, registry.By{Who: "dana", Via: "cli"}))
		w.pass(time.Minute)
		late := w.letter("", strings.Repeat("nothing to see here\r\n", 5000)+facts+"\r\n")
		late.Targets[0].Text = address(4)
		w.hear(late)
		must(t, w.intake().Drain(w.ctx))
		if n := len(w.told()); n != 1 {
			t.Fatalf("%s: %d pages before the search", what, n)
		}
		w.search()
		if list := w.told(); len(list) != 2 || !list[1].Page.Anew {
			t.Errorf("%s: %d pages", what, len(list))
		}
		hits, err := w.reg.IncidentHits(w.ctx, w.only().ID)
		must(t, err)
		if !slices.ContainsFunc(hits, func(h canary.Hit) bool { return h.Contact == late.ID && h.Cell.Kind() == canary.Email && h.Content > 1 }) {
			t.Errorf("%s: no hit says more than that somebody wrote: %+v", what, hits)
		}
		w.take(late)
		if n := len(w.told()); n != 2 {
			t.Errorf("%s: %d pages when it comes again", what, n)
		}
	}
}

// TestASearchThatBreaks is logged and settled, and the next is made.
func TestASearchThatBreaks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.plant("db:main", 1)
	var log strings.Builder
	w.cfg.Log = slog.New(slog.NewTextHandler(&log, nil))
	known := w.cfg.Known
	w.cfg.Known = func(ctx context.Context, kind canary.Kind, texts []string) ([]string, error) {
		for _, text := range texts {
			if text == "bad@example.org" {
				panic("read " + text)
			}
		}
		return known(ctx, kind, texts)
	}
	bad := w.letter("", "bad@example.org")
	w.take(bad, w.letter("", "dear "+address(1)))
	w.want(canary.P2, 1, 1, 0)
	if ids, err := w.reg.SearchesDue(t.Context(), 10); err != nil || len(ids) != 0 {
		t.Errorf("still to search: %q, %v", ids, err)
	}
	if text := log.String(); !strings.Contains(text, string(bad.ID)) || strings.Contains(text, "bad@example.org") {
		t.Errorf("log: %s", text)
	}
}

// TestSearchIsBounded: a contact is searched for two seconds at most, and that
// not all of it was is logged.
func TestSearchIsBounded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.plant("db:main", 1, 2)
	var log strings.Builder
	w.cfg.Log = slog.New(slog.NewTextHandler(&log, nil))
	known := w.cfg.Known
	w.cfg.Known = func(ctx context.Context, kind canary.Kind, texts []string) ([]string, error) {
		if len(texts) > 0 {
			w.pass(3 * time.Second)
		}
		return known(ctx, kind, texts)
	}
	c := w.letter("", address(1)+"\r\n"+strings.Repeat("nothing to see here\r\n", 200<<10/21)+address(2))
	w.take(c)
	w.want(canary.P2, 1, 1, 0)
	if text := log.String(); !strings.Contains(text, string(c.ID)) || !strings.Contains(text, "more than was searched") {
		t.Errorf("log: %s", text)
	}
}
