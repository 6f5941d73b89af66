package incident_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/incident"
	"saltmine/internal/registry"
	"saltmine/internal/spool"
)

var errDown = errors.New("down")

// filer is a registry whose calls can be made to fail.
type filer struct {
	incident.Filer
	before, after func() error // around Commit
	pending       func(before time.Time)
}

func (f *filer) Commit(ctx context.Context, o canary.Outcome) error {
	if f.before != nil {
		if err := f.before(); err != nil {
			return err
		}
	}
	if err := f.Filer.Commit(ctx, o); err != nil || f.after == nil {
		return err
	}
	return f.after()
}

func (f *filer) Pending(ctx context.Context, spool string, before time.Time, limit int) ([]canary.Contact, error) {
	if f.pending != nil {
		f.pending(before)
	}
	return f.Filer.Pending(ctx, spool, before, limit)
}

// source is a spool whose acknowledgements beyond the beginning can be made to fail.
type source struct {
	incident.Source
	deaf bool
}

func (s *source) Ack(ctx context.Context, upTo spool.Cursor) error {
	if s.deaf && upTo > 1 {
		return errDown
	}
	return s.Source.Ack(ctx, upTo)
}

func TestFailedCommitLeavesTheSpoolAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.plant("db:main", 1)
	w.hear(w.mail(address(1)), w.query("example.net"))
	woken := false
	w.cfg.Wake = func() { woken = true }
	f := &filer{Filer: w.reg, before: func() error { return errDown }}
	w.cfg.Filer = f
	for range 2 {
		if err := w.intake().Drain(t.Context()); !errors.Is(err, errDown) {
			t.Fatalf("drain: %v", err)
		}
		if w.spool.Acked() != 1 || woken {
			t.Errorf("acknowledged up to %s, woken %t", w.spool.Acked(), woken)
		}
		w.filed(0)
	}
	f.before = nil
	w.drain()
	w.want(canary.P2, 1, 1, 1)
	w.filed(2)
	if w.spool.Acked() != 3 || !woken {
		t.Errorf("acknowledged up to %s, woken %t", w.spool.Acked(), woken)
	}
}

// A crash between any two steps: the commit's answer is lost, or the spool does
// not hear that it may forget.
func TestCrashAfterCommitRepeatsNothing(t *testing.T) {
	t.Parallel()
	for what, breakIt := range map[string]func(*world){
		"answer lost":      func(w *world) { w.cfg.Filer = &filer{Filer: w.reg, after: func() error { return errDown }} },
		"not acknowledged": func(w *world) { w.cfg.Source = &source{w.spool, true} },
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.plant("db:main", 1)
			w.hear(w.mail(address(1)))
			whole := w.cfg
			breakIt(w)
			if err := w.intake().Drain(t.Context()); !errors.Is(err, errDown) {
				t.Fatalf("drain: %v", err)
			}
			if w.spool.Acked() != 1 {
				t.Errorf("acknowledged up to %s", w.spool.Acked())
			}
			w.cfg = whole
			w.drain()
			if w.spool.Acked() != 2 {
				t.Errorf("then acknowledged up to %s", w.spool.Acked())
			}
			w.take(w.mail(address(1)))
			w.want(canary.P2, 2, 1, 0)
			w.filed(2)
			if n := len(w.pages(w.only().ID)); n != 2 {
				t.Errorf("%d deliveries", n)
			}
		})
	}
}

func TestAnotherCoreWasFaster(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.plant("db:main", 1)
	w.hear(w.mail(address(1)), w.mail(address(1)))
	other := w.intake()
	w.cfg.Filer = &filer{Filer: w.reg, before: func() error { return other.Drain(t.Context()) }}
	in := w.intake()
	if err := in.Drain(t.Context()); !errors.Is(err, registry.ErrMoved) {
		t.Fatalf("drain: %v, want ErrMoved", err)
	}
	must(t, in.Drain(t.Context()))
	w.want(canary.P2, 2, 1, 0)
	w.filed(2)
	if n := len(w.pages(w.only().ID)); n != 2 {
		t.Errorf("%d deliveries", n)
	}
}

func TestRunTriesAgainAndClosesWhatAnEarlierProcessLeft(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.plant("db:main", 1, 2)
	old := w.mail(address(1))
	old.Open = true
	w.hear(old)
	w.pass(time.Second)
	began, failures, asked := w.now(), 2, make(chan time.Time, 100)
	w.cfg.Filer = &filer{Filer: w.reg, pending: func(before time.Time) { asked <- before }, before: func() error {
		if failures--; failures >= 0 {
			return errDown
		}
		return nil
	}}
	in := w.intake()
	// A dialogue that is being heard while the intake starts is not cut off.
	w.pass(time.Second)
	live := w.mail(address(2))
	live.Open = true
	w.hear(live)
	w.pass(time.Second)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- in.Run(ctx) }()
	if got := <-asked; !got.Equal(began) {
		t.Errorf("closed what was heard before %s, want %s", got, began)
	}
	<-asked // asked again: the first was closed, and none is left
	live.Open, live.Part = false, 1
	w.hear(live)
	<-asked // after the next record was taken in
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("run: %v", err)
	}
	w.want(canary.P2, 2, 2, 0)
	c, err := w.reg.Contact(t.Context(), live.ID)
	must(t, err)
	if c.Probe || c.Open {
		t.Errorf("the live dialogue was filed as %+v", c)
	}
}

func TestPagesOncePerRouteAndAgainWhenItRises(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.plant("db:main", 1, 2, 3)
	w.cfg.Routes = []incident.Route{{Name: "p1", Min: canary.P1}, {Name: "p2", Min: canary.P2}, {Name: "p3", Min: canary.P3}, {Name: "p4", Min: canary.P4}}
	for _, step := range []struct {
		contact canary.Contact
		routes  []string // that are told of it
	}{
		{w.call(canary.Voice, number(1), "hello"), []string{"p4"}},
		{w.call(canary.Voice, number(1), "hello again"), nil},
		{w.call(canary.SMS, number(1), "you won"), []string{"p3"}},
		{w.call(canary.SMS, number(1), "you won"), nil},
		{w.mail(address(1)), []string{"p2", "p3", "p4"}},
		{w.mail(address(2)), nil},
		{w.mail(address(3)), []string{"p1"}},
		{w.call(canary.Voice, number(1), name(1)), nil},
	} {
		before := 0
		if list := w.incidents(); len(list) > 0 {
			before = len(w.pages(list[0].ID))
		}
		w.pass(time.Minute)
		w.take(step.contact)
		var told []string
		for _, p := range w.pages(w.only().ID)[before:] {
			told = append(told, p.Route)
		}
		if !slices.Equal(told, step.routes) {
			t.Errorf("%s by %s told %q, want %q", step.contact.ID, step.contact.Channel, told, step.routes)
		}
	}
}

// TestAcknowledgedAndWorse: what somebody acknowledged pages anew, every route
// and every step that was dropped, when it has become more urgent.
func TestAcknowledgedAndWorse(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.plant("db:main", 1, 2, 3)
	w.cfg.Routes = []incident.Route{{Name: "duty", Min: canary.P2}, {Name: "second", Min: canary.P2, After: 10 * time.Minute}}
	w.take(w.mail(address(1)))
	inc := w.only().ID
	must(t, w.reg.Acknowledge(w.ctx, inc, registry.By{Who: "dana", Via: "cli"}))
	if _, err := w.reg.Outbox().Escalate(w.ctx, w.now()); err != nil {
		t.Fatal(err)
	}
	w.take(w.mail(address(2)))
	if list := w.pages(inc); len(list) != 2 || list[1].State != "skipped" {
		t.Fatalf("no more urgent than what was acknowledged: %+v", list)
	}
	w.pass(time.Minute)
	w.take(w.mail(address(3)))
	w.pass(time.Minute)
	w.take(w.mail(address(3)))
	list := w.pages(inc)
	if len(list) != 4 || list[2].Page.Severity != canary.P1 || list[2].State != "due" || list[3].State != "held" {
		t.Errorf("more urgent: %+v", list)
	}
}

func TestPagesAndLogsNameNoCanary(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.plant("db:main", 1, 2, 3)
	var logged strings.Builder
	w.cfg.Log = slog.New(slog.NewTextHandler(&logged, nil))
	w.cfg.Routes = []incident.Route{{Name: "p4", Min: canary.P4}, {Name: "p2", Min: canary.P2}, {Name: "p1", Min: canary.P1}}
	m := w.mail(address(1))
	m.Raw = mailRaw(name(1), ticket(1)+" "+number(1))
	desk := w.contact(canary.ByTicket, canary.Target{Kind: canary.Ticket, Text: ticket(2)})
	desk.Text = name(2)
	w.take(w.call(canary.Voice, number(3), "hello"), w.query("example.net"))
	w.take(w.mail(address(1)))
	w.take(m, desk, w.call(canary.SMS, number(2), name(2)+" "+ticket(2)), w.call(canary.Voice, number(3), name(3)))
	w.append("form", []byte("SMC1 "+address(1)))
	w.drain()
	pages := w.pages(w.only().ID)
	if len(pages) != 4 {
		t.Errorf("%d deliveries, want 4", len(pages))
	}
	shown, err := json.Marshal([]any{pages, w.incidents()})
	must(t, err)
	for _, text := range []string{string(shown), logged.String()} {
		for n := range 4 {
			for _, secret := range []string{address(n), number(n), strings.TrimPrefix(number(n), "+"), ticket(n), name(n), "Whitfield", string(canaryID(n))} {
				if strings.Contains(strings.ToLower(text), strings.ToLower(secret)) {
					t.Errorf("a page or the log shows %q", secret)
				}
			}
		}
	}
	for _, p := range pages {
		if p.Page.Link == "" || len(p.Page.Summary) > 200 || p.Page.Proves == "" || p.Page.ProvesNot == "" || len(p.Page.Next) == 0 || len(p.Page.Reasons) == 0 {
			t.Errorf("page %+v", p.Page)
		}
	}
}

// TestClosedMeanwhile: a leak that is worked out while its incident is closed
// opens another, whose page wakes.
func TestClosedMeanwhile(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.plant("db:main", 1, 2, 3)
	w.take(w.call(canary.Voice, number(1), "hello"))
	closed := w.only().ID
	w.pass(time.Minute)
	w.hear(w.mail(address(1)))
	w.cfg.Filer = &filer{Filer: w.reg, before: func() error { return w.reg.SetVerdict(t.Context(), closed, canary.Noise, registry.By{}) }}
	in := w.intake()
	if err := in.Drain(t.Context()); !errors.Is(err, registry.ErrMoved) {
		t.Errorf("drain: %v, want ErrMoved", err)
	}
	must(t, in.Drain(t.Context()))
	due, err := w.reg.Outbox().Due(w.ctx, w.now(), 10)
	must(t, err)
	urgent := 0
	for _, d := range due {
		if d.Page.Incident != closed && !d.Quiet && d.Page.Severity == canary.P2 {
			urgent++
		}
	}
	if list := w.incidents(); len(list) != 2 || urgent == 0 {
		t.Errorf("%d urgent pages; %+v", urgent, list)
	}
}
