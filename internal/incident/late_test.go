package incident_test

import (
	"bytes"
	"encoding/hex"
	"log/slog"
	"strings"
	"testing"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/spool"
)

func TestLateClosingTakesThePlaceOfTheCutOff(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.plant("db:main", 1)
	whole := w.mail(address(1))
	open := whole
	open.Open = true
	w.take(open)
	w.pass(time.Hour)
	must(t, w.intake().CloseCutOff(t.Context(), w.now()))
	w.want(canary.P4, 1, 1, 0)
	whole.Part = 1
	w.take(whole)
	w.want(canary.P2, 1, 1, 0)
	c, err := w.reg.Contact(t.Context(), whole.ID)
	must(t, err)
	if c.Probe || len(c.Raw) != len(whole.Raw) {
		t.Errorf("the message that was acknowledged is not filed: %+v", c)
	}
	w.filed(1)
}

func TestNoiseDoesNotKeepAnIncidentOpen(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.plant("db:main", 1, 2)
	w.take(w.mail(address(1)))
	for range 5 {
		w.pass(48 * time.Hour)
		w.take(w.call(canary.Voice, number(2), ""))
	}
	w.take(w.mail(address(2)))
	urgent := 0
	for _, inc := range w.incidents() {
		if inc.Severity.Reaches(canary.P2) {
			urgent++
			if len(w.pages(inc.ID)) == 0 {
				t.Errorf("%+v paged nobody", inc)
			}
		}
	}
	if urgent != 2 {
		t.Errorf("%d urgent incidents, want the mail of then and the mail of now", urgent)
	}
}

// An intake that was days behind meets a canary that was planted since.
func TestContactBeforeItsCanaryMakesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	before, call, skewed := w.mail(address(1)), w.call(canary.Voice, number(1), ""), w.mail(address(1))
	before.At, call.At, skewed.At = start().Add(-time.Hour), start().Add(-2*time.Minute), start().Add(-10*time.Second)
	w.hear(before, call)
	w.plant("db:main", 1)
	var log bytes.Buffer
	w.cfg.Log = slog.New(slog.NewTextHandler(&log, nil))
	w.drain()
	w.filed(2)
	if said := log.String(); strings.Count(said, "did not stand then") != 2 || strings.Contains(said, address(1)) || strings.Contains(said, number(1)) {
		t.Errorf("the log says %q", said)
	}
	if list := w.incidents(); len(list) != 0 {
		t.Errorf("incidents %+v", list)
	}
	w.take(skewed) // by an ear whose clock is behind
	w.want(canary.P2, 1, 1, 0)
}

func TestTokenThatNeverStoodMakesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.plant("db:main", 1)
	tok, found, err := w.reg.Token(t.Context(), canary.Ticket, ticket(1))
	must(t, err)
	if !found {
		t.Fatal("no ticket was planted")
	}
	never := tok.Window
	never.Until = canary.At(never.From.Earliest)
	must(t, w.reg.Amend(t.Context(), canary.Amendment{Canary: tok.Canary, State: canary.Retired, Windows: map[canary.TokenID]canary.Window{tok.ID: never}}))
	w.take(w.contact(canary.ByTicket, canary.Target{Kind: canary.Ticket, Text: ticket(1)}))
	if n := len(w.incidents()); n != 0 {
		t.Errorf("%d incidents over a number that may be somebody's own", n)
	}
	w.filed(1)
}

func TestSpoolOlderThanTheRegistryIsReadAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.plant("db:main", 1)
	w.take(w.mail(address(1)))
	// As after a restore: the registry stands where the spool has not come yet.
	id := w.cfg.Name
	at, err := w.reg.Position(t.Context(), id)
	must(t, err)
	cursor, err := spool.ParseCursor(at)
	must(t, err)
	must(t, w.reg.Commit(t.Context(), canary.Outcome{Spool: id, From: at, To: (cursor + 5).String()}))
	w.pass(time.Minute)
	second := w.mail(address(1))
	w.take(second)
	w.want(canary.P2, 2, 1, 0)
	w.filed(2)
	if _, err := w.reg.Contact(t.Context(), second.ID); err != nil {
		t.Errorf("the contact after the restore is lost: %v (spool %s)", err, hex.EncodeToString([]byte(id)))
	}
}
