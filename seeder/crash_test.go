package seeder_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"saltmine/internal/canary"
	"saltmine/seeder"
	"saltmine/seeder/supportdb"
)

// died is what a test panics with where the process is to die.
type died struct{ at string }

// dieAt lets the process die at the n-th step (from 0); survived is whether
// the run came to its end before.
func (w *world) dieAt(t *testing.T, n int, run func()) (at string, survived bool) {
	t.Helper()
	return w.dieThere(t, "", n, run)
}

// dieThere lets the process die at a place that it has passed some times; an
// empty name is any place.
func (w *world) dieThere(t *testing.T, place string, passed int, run func()) (at string, survived bool) {
	t.Helper()
	steps := 0
	w.ledger.step = func(name string) {
		if place != "" && name != place {
			return
		}
		if steps++; steps == passed+1 {
			panic(died{name})
		}
	}
	defer func() {
		w.ledger.step = func(string) {}
		if r := recover(); r != nil {
			d, ours := r.(died)
			if !ours {
				panic(r)
			}
			at = d.at
		}
	}()
	run()
	return "", true
}

// Plant dies before and after every write to the registry, which are also the
// places around the INSERT and the COMMIT, and is run again. The answers lost
// in COMMIT itself are in lost_test.go.
func TestPlantDiesAnywhere(t *testing.T) {
	t.Parallel()
	for _, bulk := range []bool{false, true} {
		t.Run(fmt.Sprintf("bulk=%v", bulk), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			const count = 2
			for n := range 60 {
				cfg := plan(canary.BatchID(fmt.Sprintf("die-%d", n)), count)
				cfg.PlacebosPerEmail, cfg.Bulk = 1, bulk
				at, survived := w.dieAt(t, n, func() { _, _ = w.seeder.Plant(t.Context(), cfg) })
				w.later(time.Hour)
				report, err := w.seeder.Plant(t.Context(), cfg)
				if err != nil {
					t.Fatalf("resumed after dying %s (step %d): %v", at, n, err)
				}
				if report.Live != count || report.Retired != 0 {
					t.Errorf("resumed after dying %s (step %d): %+v", at, n, report)
				}
				w.wantExactly(t, (n+1)*count)
				if t.Failed() {
					t.Fatalf("after dying %s (step %d)", at, n)
				}
				if survived {
					if n < 10 {
						t.Fatalf("only %d steps: the test does not see the writes", n)
					}
					return
				}
			}
			t.Fatal("the run never came to its end")
		})
	}
}

// Of a bulk insert that is minted together only a part is registered when it
// dies. The next run inserts these and mints the others.
func TestPlantDiesBetweenEntries(t *testing.T) {
	t.Parallel()
	const count, entered = 110, 100
	w := newWorld(t)
	before := w.number(t, "SELECT COUNT(*) FROM customers")
	cfg := plan("entries", count)
	cfg.PlacebosPerEmail, cfg.Bulk = 1, true
	if at, survived := w.dieThere(t, "before intend", 1, func() { _, _ = w.seeder.Plant(t.Context(), cfg) }); survived || len(w.ledger.plantings) != entered {
		t.Fatalf("died %q with %d canaries registered, %d wanted", at, len(w.ledger.plantings), entered)
	}
	if n := w.number(t, "SELECT COUNT(*) FROM customers"); n != before {
		t.Fatalf("%d customers stand, %d did before", n, before)
	}
	w.later(time.Hour)
	report, err := w.seeder.Plant(t.Context(), cfg)
	if err != nil || report.Live != count || report.Inserted != count || report.Retired != 0 {
		t.Fatalf("resumed: %+v, %v", report, err)
	}
	w.wantExactly(t, count)
	if n := len(w.ledger.placebos[canary.Email]); n != count {
		t.Errorf("%d placebo addresses for %d canaries", n, count)
	}
}

func TestWithdrawDiesAnywhere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for n := range 60 {
		batch := canary.BatchID(fmt.Sprintf("wd-%d", n))
		cfg := plan(batch, 2)
		cfg.PlacebosPerEmail = 1
		w.mustPlant(t, cfg)
		at, survived := w.dieAt(t, n, func() { _, _ = w.seeder.Withdraw(t.Context(), seeder.WithdrawConfig{Batch: batch}) })
		report, err := w.seeder.Withdraw(t.Context(), seeder.WithdrawConfig{Batch: batch})
		if err != nil || len(report.Findings) > 0 {
			t.Fatalf("resumed after dying %s: %+v, %v", at, report, err)
		}
		w.wantExactly(t, 0)
		w.wantAllClosed(t)
		if t.Failed() {
			t.Fatalf("after dying %s (step %d)", at, n)
		}
		if survived {
			return
		}
	}
	t.Fatal("the run never came to its end")
}

// wantAllClosed checks that every window has ended.
func (w *world) wantAllClosed(t *testing.T) {
	t.Helper()
	all, err := w.ledger.Plantings(t.Context(), canary.Filter{})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range all {
		for _, tok := range p.Tokens {
			if !tok.Window.Until.Come() || p.State != canary.Retired {
				t.Errorf("canary %s (%s): window %+v", p.ID, p.State, tok.Window)
			}
		}
	}
}

func TestRotateDiesAnywhere(t *testing.T) {
	t.Parallel()
	for _, kind := range []canary.Kind{canary.Email, canary.Phone} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.mustPlant(t, plan("base", 3))
			for n := range 60 {
				cfg := rotation(kind, fmt.Sprint(n))
				at, survived := w.dieAt(t, n, func() { _, _ = w.seeder.Rotate(t.Context(), cfg) })
				w.later(time.Hour)
				if _, err := w.seeder.Rotate(t.Context(), cfg); err != nil {
					t.Fatalf("resumed after dying %s: %v", at, err)
				}
				w.wantRotated(t, kind)
				if t.Failed() {
					t.Fatalf("after dying %s (step %d)", at, n)
				}
				if survived {
					return
				}
			}
			t.Fatal("the run never came to its end")
		})
	}
}

// wantRotated checks that of every canary's tokens of the kind exactly one is
// open, that the row holds it, and that the others ended when the next began.
func (w *world) wantRotated(t *testing.T, kind canary.Kind) {
	t.Helper()
	w.wantExactly(t, 3)
	report, err := w.seeder.Verify(t.Context(), seeder.VerifyConfig{})
	if err != nil || report.Verified != 3 {
		t.Errorf("verify: %+v, %v", report, err)
	}
	all, err := w.ledger.Plantings(t.Context(), canary.Filter{})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range all {
		open, begins, ends := 0, map[canary.Moment]int{}, map[canary.Moment]int{}
		for _, tok := range p.Tokens {
			if tok.Kind != kind {
				continue
			}
			begins[tok.Window.From]++
			if tok.Window.Until.IsZero() {
				open++
				continue
			}
			ends[tok.Window.Until]++
			if !tok.Window.From.Come() || !tok.Window.Until.Come() {
				t.Errorf("canary %s: window %+v", p.ID, tok.Window)
			}
		}
		for m := range ends {
			if begins[m] != 1 || ends[m] != 1 {
				t.Errorf("canary %s: a window ends at %+v and %d begin then", p.ID, m, begins[m])
			}
		}
		if open != 1 {
			t.Errorf("canary %s: %d open windows of kind %s", p.ID, open, kind)
		}
	}
}

// rows of somebody else that came in while the run was down.
func TestResumeMeetsForeignRows(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	cfg := plan("met", 4)
	if _, survived := w.dieAt(t, 3, func() { _, _ = w.seeder.Plant(t.Context(), cfg) }); survived { // after intend
		t.Fatal("the run should have died")
	}
	all, err := w.ledger.Plantings(t.Context(), canary.Filter{})
	if err != nil || len(all) != 4 {
		t.Fatalf("%d canaries intended, %v", len(all), err)
	}
	email := w.addressOf(t, &all[0])
	w.exec(t, "INSERT INTO customers (first_name,last_name,email,country,language,product,created_at,updated_at) VALUES ('Real','Person',?,'US','en','x',NOW(),NOW())", email)
	image, err := supportdb.DecodeImage(all[1].Rows)
	if err != nil {
		t.Fatal(err)
	}
	w.exec(t, "INSERT INTO tickets (number,customer_id,subject,channel,created_at,updated_at) SELECT ?, id, 'x', 'web', NOW(), NOW() FROM customers WHERE email = ?", image.Items[image.Tickets()[0]].Row.Get("number").Text(), email)
	report, err := w.seeder.Plant(t.Context(), cfg)
	if err != nil || report.Retired != 2 || report.Live != 4 {
		t.Fatalf("report %+v, %v", report, err)
	}
	if n := w.number(t, "SELECT COUNT(*) FROM customers WHERE email = ? AND first_name = 'Real'", email); n != 1 {
		t.Error("the real customer was touched")
	}
	w.exec(t, "DELETE FROM tickets WHERE customer_id = (SELECT id FROM customers WHERE email = ?)", email)
	w.exec(t, "DELETE FROM customers WHERE email = ?", email)
	w.wantExactly(t, 4)
	for _, p := range []canary.ID{all[0].ID, all[1].ID} {
		got, err := w.ledger.Plantings(t.Context(), canary.Filter{IDs: []canary.ID{p}})
		if err != nil || got[0].State != canary.Retired || got[0].Tokens[0].Window.Possible(w.now()) {
			t.Errorf("canary %s is %s: %+v, %v", p, got[0].State, got[0].Tokens[0].Window, err)
		}
	}
}

// A run that is resumed days later dates its rows anew.
func TestResumeDatesAnew(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	cfg := plan("late", 3)
	w.dieAt(t, 3, func() { _, _ = w.seeder.Plant(t.Context(), cfg) })
	w.later(72 * time.Hour)
	top := w.number(t, "SELECT MAX(id) FROM customers")
	newest := w.now().Add(-time.Hour)
	w.exec(t, "INSERT INTO customers (first_name,last_name,email,country,language,product,created_at,updated_at) VALUES ('Real','Person','late@real.test','US','en','x',?,?)", newest, newest)
	w.mustPlant(t, cfg)
	if n := w.number(t, "SELECT COUNT(*) FROM customers WHERE id > ? AND created_at < ?", top, newest.Truncate(time.Second)); n != 0 {
		t.Errorf("%d rows are dated before an older key", n)
	}
	if n := w.number(t, "SELECT COUNT(*) FROM tickets t JOIN customers c ON c.id=t.customer_id WHERE c.id > ? AND t.created_at < c.created_at", top); n != 0 {
		t.Errorf("%d tickets are older than their customer", n)
	}
}

// A program that was stopped leaves a batch that the registry lists.
func TestUnfinishedBatch(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	cfg := plan("stop", 6)
	at, _ := w.dieAt(t, 9, func() { _, _ = w.seeder.Plant(t.Context(), cfg) })
	left, err := w.ledger.UnfinishedBatches(t.Context())
	if err != nil || len(left) != 1 || left[0].Count != 6 || !strings.Contains(at, " ") {
		t.Errorf("%d unfinished batches after dying %q, %v", len(left), at, err)
	}
}
