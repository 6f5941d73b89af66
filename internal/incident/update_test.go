package incident_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/incident"
	"saltmine/internal/pager"
	"saltmine/internal/registry"
)

func (w *world) updater() *incident.Updater {
	return incident.NewUpdater(incident.UpdaterConfig{
		Untold: w.reg.Untold, Since: w.reg.UpdatesSince, Commit: w.reg.Commit, Moved: func(err error) bool { return errors.Is(err, registry.ErrMoved) },
		Link: w.cfg.Link, Wake: func() {}, Every: 15 * time.Minute, Now: w.now, Log: w.log,
	})
}

// sendDue sends what is due and gives what the routes were told, "kind route: summary".
func (w *world) sendDue() (told []string) {
	w.t.Helper()
	list, err := w.reg.Outbox().Due(w.ctx, w.now(), 1000)
	must(w.t, err)
	for _, d := range list {
		if d.Kind == pager.Update != d.Page.Update || d.Kind == pager.Update && !d.Quiet {
			w.t.Errorf("%s of %+v is not quiet", d.Kind, d.Page)
		}
		must(w.t, w.reg.Outbox().Sent(w.ctx, d, w.now(), ""))
		told = append(told, d.Kind+" "+d.Route+": "+d.Page.Summary)
	}
	return told
}

func (w *world) wantTold(when string, want ...string) {
	w.t.Helper()
	must(w.t, w.updater().Once(w.ctx))
	got := w.sendDue()
	same := len(got) == len(want)
	for i := 0; same && i < len(want); i++ {
		same = strings.HasPrefix(got[i], want[i])
	}
	if !same {
		w.t.Errorf("%s: told %q, want %q", when, got, want)
	}
}

// TestUpdates: what comes after a page is summed up, once in a while, to those who
// have the page, and nothing counts it as a page.
func TestUpdates(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.plant("db:main", 1, 2)
	w.take(w.mail(address(1)))
	w.wantTold("the page", "trigger duty: P2", "trigger log: P2")
	w.pass(10 * time.Minute)
	w.take(w.mail(address(1)), w.call(canary.SMS, number(2), "you won"))
	w.wantTold("too early")
	w.pass(5 * time.Minute)
	w.wantTold("two contacts later",
		"update duty: P2 db:main: 2 more contacts since 2026-08-05 10:00:00Z; 3 contacts of 2 canary records in all", "update log: P2 db:main: 2 more")
	w.wantTold("again")
	w.pass(time.Hour)
	w.wantTold("nothing has come")
	w.take(w.mail(address(1)))
	w.wantTold("one contact later", "update duty: P2 db:main: 1 more contact since 2026-08-05 10:15:00Z; 4 contacts of 2", "update log")
	if urgent, note, err := w.reg.PagesSince(w.ctx, start()); err != nil || urgent != 1 || note != 0 {
		t.Errorf("pages that count: %d and %d, %v", urgent, note, err)
	}
	if pages := w.pages(w.only().ID); len(pages) != 6 || !pages[5].Page.Update || len(pages[5].Page.Next) == 0 {
		t.Errorf("pages of the incident: %+v", pages)
	}
	w.pass(time.Hour)
	w.take(w.mail(address(1)))
	must(t, w.reg.SetVerdict(w.ctx, w.only().ID, canary.Noise, registry.By{Who: "dana", Via: "cli"}))
	w.wantTold("closed", "resolve duty", "resolve log")
}

// TestUpdatesTellOfReports: what people report of an incident is told; what its author
// sends to where no canary is was reported by nobody.
func TestUpdatesTellOfReports(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.plant("db:main", 1)
	w.take(w.boxed(address(1), "sam@scam.example"))
	w.sendDue()
	w.pass(20 * time.Minute)
	w.take(w.boxed("nobody.at.all@example.net", "sam@scam.example"))
	if inc := w.only(); inc.Support != 1 {
		t.Fatalf("%d supporting contacts", inc.Support)
	}
	w.wantTold("a mail to nobody")
	w.take(w.victim("sam@scam.example", "he knew my name"))
	w.wantTold("a report", "update duty: P2 db:main: 1 more report since", "update log")
}

// TestUpdatesAreOnceAmongCores: two cores that look at once write one.
func TestUpdatesAreOnceAmongCores(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.plant("db:main", 1)
	w.take(w.mail(address(1)))
	w.sendDue()
	w.take(w.mail(address(1)))
	w.pass(time.Hour)
	seen, err := w.reg.Untold(w.ctx, start(), w.now())
	must(t, err)
	stale := incident.UpdaterConfig{
		Since: w.reg.UpdatesSince, Commit: w.reg.Commit, Moved: func(err error) bool { return errors.Is(err, registry.ErrMoved) },
		Link: w.cfg.Link, Wake: func() {}, Every: time.Minute, Now: w.now, Log: w.log,
		Untold: func(context.Context, time.Time, time.Time) ([]canary.Untold, error) { return seen, nil },
	}
	must(t, incident.NewUpdater(stale).Once(w.ctx))
	must(t, incident.NewUpdater(stale).Once(w.ctx))
	if got := w.sendDue(); len(got) != 2 {
		t.Errorf("told %q, want one update on each of two routes", got)
	}
	w.take(w.mail(address(1)))
	w.pass(time.Hour)
	seen, err = w.reg.Untold(w.ctx, start(), w.now())
	must(t, err)
	must(t, w.reg.SetVerdict(w.ctx, w.only().ID, canary.Noise, registry.By{Who: "dana", Via: "cli"}))
	w.sendDue()
	must(t, incident.NewUpdater(stale).Once(w.ctx))
	if got := w.sendDue(); len(got) != 0 {
		t.Errorf("told of what is closed: %q", got)
	}
}

// TestUpdatesAreBounded: many incidents that get contacts make sixty an hour.
func TestUpdatesAreBounded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var seen []canary.Untold
	var mails []canary.Contact
	for i := range 80 {
		place := canary.Place(fmt.Sprintf("db:shop%d", i))
		w.plant(place, 1+i)
		mails = append(mails, w.mail(address(1+i)))
	}
	w.take(mails...)
	for _, inc := range w.incidents() {
		seen = append(seen, canary.Untold{Incident: inc, Last: canary.PageID(inc.ID), Routes: []canary.ToldRoute{{Route: "duty", Severity: canary.P2}}})
	}
	w.sendDue()
	u := incident.NewUpdater(incident.UpdaterConfig{
		Since: w.reg.UpdatesSince, Commit: w.reg.Commit, Moved: func(err error) bool { return errors.Is(err, registry.ErrMoved) },
		Link: w.cfg.Link, Wake: func() {}, Every: time.Minute, Now: w.now, Log: w.log,
		Untold: func(context.Context, time.Time, time.Time) ([]canary.Untold, error) { return seen, nil },
	})
	must(t, u.Once(w.ctx))
	must(t, u.Once(w.ctx))
	if got := w.sendDue(); len(got) != 60 {
		t.Errorf("%d updates in an hour, want 60", len(got))
	}
}
