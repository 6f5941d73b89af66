package seeder_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/helpdesk"
	"saltmine/internal/inventory"
	"saltmine/seeder"
	"saltmine/seeder/schedule"
)

const day = 24 * time.Hour

// pace is what most tests turn by: addresses change every ten days, numbers
// never, since the table says nothing of them.
func pace() seeder.Pace {
	return seeder.Pace{
		Rates: map[canary.Kind]float64{canary.Email: 36.525}, Multiple: 1, Domains: domains(),
		Lifetime: day, ScarceLifetime: day, Quarantine: 2 * day, Horizon: 90 * day, Seed: []byte("turns"),
	}
}

// turn makes a tick now.
func (w *world) turn(t *testing.T, p seeder.Pace) seeder.RotateReport {
	t.Helper()
	now := w.now()
	rc := rotation("", fmt.Sprint("turn ", now.Unix()))
	rep, err := w.seeder.Turn(t.Context(), seeder.TurnConfig{Pace: p, Tick: schedule.Tick{At: now}, Rotate: rc})
	if err != nil {
		t.Fatal(err)
	}
	return rep
}

// TestTurnIsMadeOnce: what is due changes once, however often the tick is done,
// and the timetable is the same whenever it is asked for.
func TestTurnIsMadeOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.planted(t, 10)
	w.later(5*day + time.Hour)
	table := func() []seeder.Turn {
		tt, err := w.seeder.Timetable(t.Context(), pace())
		if err != nil {
			t.Fatal(err)
		}
		return tt.Due(schedule.Tick{At: until().Add(6 * day)}, until().Add(6*day), nil)
	}
	if a, b := table(), table(); !slices.Equal(a, b) || len(a) == 0 {
		t.Errorf("two answers: %v, %v", a, b)
	}
	changed := 0
	for range 4 { // a change a day is the pace
		changed += w.turn(t, pace()).Rotated
	}
	if changed != 1 {
		t.Errorf("%d changes on one day", changed)
	}
	for range 3 {
		w.later(day + time.Hour)
		changed += w.turn(t, pace()).Rotated
	}
	if changed != 4 {
		t.Errorf("%d changes in four days", changed)
	}
	other := pace()
	other.Multiple = 0
	w.later(100 * day)
	if rep := w.turn(t, other); rep.Rotated != 0 {
		t.Errorf("a table whose rows never change: %+v", rep)
	}
}

// TestTurnPassesOver: a canary that somebody has edited holds nobody up, and a
// change that was cut off is brought to an end.
func TestTurnPassesOver(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	all := w.planted(t, 6)
	w.later(10 * day)
	tt, err := w.seeder.Timetable(t.Context(), pace())
	if err != nil {
		t.Fatal(err)
	}
	first := tt.Due(schedule.Tick{At: w.now()}, w.now(), nil)
	if len(first) != 1 {
		t.Fatalf("%d are due", len(first))
	}
	for i := range all {
		if all[i].ID == first[0].Canary {
			w.exec(t, "UPDATE customers SET email = 'else@real.test' WHERE id = ?", keyOf(t, all[i]))
		}
	}
	if rep := w.turn(t, pace()); rep.Rotated != 1 || len(rep.Findings) != 1 || rep.Findings[0].Canary != first[0].Canary {
		t.Errorf("report %+v", rep)
	}
	w.later(day + time.Hour)
	at, survived := w.dieAt(t, 2, func() { w.turn(t, pace()) })
	if survived {
		t.Fatal("it lived on")
	}
	if rep := w.turn(t, pace()); rep.Finished != 1 || rep.Rotated != 0 {
		t.Errorf("after it was cut off %q: %+v", at, rep)
	}
}

// TestAhead: what is shown of the ticks to come is what they do.
func TestAhead(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.planted(t, 10)
	w.later(2 * day)
	tt, err := w.seeder.Timetable(t.Context(), pace())
	if err != nil {
		t.Fatal(err)
	}
	daily := func(at time.Time) time.Time { return at.Truncate(day).Add(day) }
	ahead := tt.Ahead(w.now(), daily, 5)
	if len(ahead) != 5 {
		t.Fatalf("%v", ahead)
	}
	next := 0
	for at := daily(w.now()); next < len(ahead); at = daily(at) {
		w.mu.Lock()
		w.at = at
		w.mu.Unlock()
		n := w.turn(t, pace()).Rotated
		want := 0
		if ahead[next].At.Equal(at) {
			want = ahead[next].Changes[canary.Email]
			next++
		}
		if n != want {
			t.Errorf("%v: %d changes, %d were announced", at, n, want)
		}
	}
}

// TestBackupsDoNotShowCanaries lets customers change their addresses for 180
// days, measures that as serve does, turns at the measured pace, and compares
// backup with backup, as somebody does who looks for canaries.
func TestBackupsDoNotShowCanaries(t *testing.T) {
	t.Parallel()
	cfg := helpdesk.Config{Customers: 400, Tickets: 300, Seed: 5, From: until().AddDate(-4, 0, 0), To: until()}
	dsn, db := shared.MariaDB(t).HelpDesk(t, cfg)
	w := worldOn(t, dsn, db)
	const multiple, assumed, rate, length = 1.5, .05, 1.2, 180
	plan := plan("base", 40)
	plan.With = nil
	w.mustPlant(t, plan)
	ours := map[string]bool{}
	all, err := w.ledger.Plantings(t.Context(), canary.Filter{})
	if err != nil {
		t.Fatal(err)
	}
	var keys []string
	for i := range all {
		key := keyOf(t, all[i])
		keys, ours[key] = append(keys, key), true
	}
	theirs := "id NOT IN (" + strings.Join(keys, ",") + ")"
	p := pace()
	p.Multiple, p.Horizon = multiple, 365*day
	var seen seeder.WatchReport
	changes := map[bool]float64{}
	last := w.backup(t)
	for d := range length {
		w.exec(t, "UPDATE customers SET email = CONCAT('n', id, '.', ?, '@real.test') WHERE RAND(?) < ? AND "+theirs, d, 1000+d, rate/365.25)
		if d%7 == 0 {
			seen = w.watch(t, seen, 400)
			p.Rates = map[canary.Kind]float64{canary.Email: seen.Kinds[canary.Email].Rate(assumed)}
		}
		w.turn(t, p)
		w.later(day)
		if d%30 == 29 {
			now := w.backup(t)
			for key, email := range now {
				if last[key] != email {
					changes[ours[key]]++
				}
			}
			last = now
		}
	}
	rowYears := length / 365.25
	canaries, customers := changes[true]/(40*rowYears), changes[false]/(float64(len(last)-40)*rowYears)
	t.Logf("canaries change %.2f times a year, customers %.2f times: %.2f as often; measured %.2f", canaries, customers, canaries/customers, p.Rates[canary.Email])
	if ratio := canaries / customers; ratio > multiple*1.05 || ratio < .6 {
		t.Errorf("canaries change %.2f times as often as customers, %v is the most", ratio, multiple)
	}
	if got := p.Rates[canary.Email]; math.Abs(got-customers) > .25*customers || got > customers*1.1 {
		t.Errorf("the measured rate is %.2f, it was %.2f", got, customers)
	}
}

// backup reads all addresses by their key.
func (w *world) backup(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, line := range w.strings(t, "SELECT CONCAT(id, ' ', LOWER(email)) FROM customers WHERE email IS NOT NULL") {
		key, email, _ := strings.Cut(line, " ")
		out[key] = email
	}
	return out
}

// TestNumbersMoveOn lets few numbers stand in turn in the rows of eight canaries
// for a month: each rests between two rows, none stands in two at once, and
// the pool is not used up. When it is, the canaries wait, and are not asked
// again at every tick.
func TestNumbersMoveOn(t *testing.T) {
	t.Parallel()
	cfg := helpdesk.Config{Customers: 250, Tickets: 250, Seed: 6, From: until().AddDate(-4, 0, 0), To: until()}
	dsn, db := shared.MariaDB(t).HelpDesk(t, cfg)
	w := worldOn(t, dsn, db)
	w.ledger.drop(inventory.Phone)
	w.ledger.stock(items(nil, phones(3)[:24])...)
	w.planted(t, 8)
	p := pace()
	p.Rates = map[canary.Kind]float64{canary.Phone: 100}
	p.ScarceLifetime, p.Quarantine = 3*day, 3*day
	p.Pool = map[canary.Kind][]string{canary.Phone: phones(3)[:24]}
	changed, tick := 0, seeder.RotateReport{}
	for range 30 {
		w.later(day)
		tick = w.turn(t, p)
		changed += tick.Rotated
	}
	if changed < 50 {
		t.Errorf("%d changes in 30 days", changed)
	}
	spells := map[string][]canary.Window{}
	all, err := w.ledger.Plantings(t.Context(), canary.Filter{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range all {
		for _, tok := range all[i].Tokens {
			if tok.Kind == canary.Phone {
				spells[tok.Text] = append(spells[tok.Text], tok.Window)
			}
		}
	}
	again := 0
	for _, list := range spells {
		slices.SortFunc(list, func(a, b canary.Window) int { return a.From.Latest.Compare(b.From.Latest) })
		for i := 1; i < len(list); i++ {
			again++
			if !list[i-1].Until.Come() || list[i].From.Earliest.Before(list[i-1].Until.Latest) {
				t.Errorf("a number stands in two rows: %+v, %+v", list[i-1], list[i])
			}
		}
	}
	if again < 15 {
		t.Errorf("numbers stood again %d times", again)
	}
	w.ledger.drop(inventory.Phone)
	waits := map[canary.ID]time.Time{}
	tc := seeder.TurnConfig{Pace: p, Rotate: rotation("", "none"), Waits: waits}
	for d, want := range []bool{true, false} {
		w.later(20 * time.Hour * time.Duration(1-d)) // many are due by now
		tc.Tick = schedule.Tick{At: w.now()}
		if tick, err = w.seeder.Turn(t.Context(), tc); err != nil || tick.Rotated != 0 || (tick.Waiting > 0) != want {
			t.Errorf("an empty pool, tick %d: %+v, %v", d, tick, err)
		}
	}
}
