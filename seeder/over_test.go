package seeder_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"saltmine/internal/canary"
	"saltmine/seeder"
)

const fortnight = 14 * 24 * time.Hour

func overPlan(batch canary.BatchID, count int) seeder.PlantConfig {
	cfg := plan(batch, count)
	cfg.PlacebosPerEmail, cfg.Over, cfg.With = 1, fortnight, nil
	return cfg
}

// goTo sets the clock.
func (w *world) goTo(at time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.at = at
}

// rerun runs a batch again by its name alone, as the job of serve does.
func (w *world) rerun(t *testing.T, batch canary.BatchID) seeder.PlantReport {
	t.Helper()
	cfg := seeder.PlantConfig{Batch: batch, PlacebosPerEmail: 1, Gate: seeder.GateConfig{Off: true}}
	report, err := w.seeder.Plant(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// A batch that is planted over two weeks: every canary comes at its own time,
// with the date of that time, behind the rows of customers who signed up before.
func TestOver(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.comesOver(t, 12)
}

// So it is where the application writes local time: west of UTC canaries would
// else be dated hours ahead of their neighbours, and east of it behind them.
func TestOverInAZone(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"America/New_York", "Asia/Tokyo"} {
		w := newWorld(t)
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		_, ahead := until().In(zone).Zone()
		for i := range 50 { // a busy hour
			at := until().Add(time.Duration(i-50) * time.Minute)
			w.exec(t, "INSERT INTO customers (first_name,last_name,email,country,language,product,created_at,updated_at) VALUES ('Busy','Person',?,'US','en','x',?,?)", fmt.Sprintf("busy%d@real.test", i), at, at)
		}
		for _, table := range []string{"customers", "tickets"} {
			w.exec(t, "UPDATE "+table+" SET created_at = created_at + INTERVAL ? SECOND, updated_at = updated_at + INTERVAL ? SECOND", ahead, ahead)
		}
		if off, err := w.desk.Off(t.Context(), until().Add(time.Minute)); err != nil || off.Round(30*time.Minute) != time.Duration(ahead)*time.Second {
			t.Errorf("%s: the clock seems off by %s, %v", name, off, err)
		}
		w.zone = zone
		w.connect(t, w.dsn)
		if off, err := w.desk.Off(t.Context(), until().Add(time.Minute)); err != nil || off != 0 {
			t.Errorf("%s: with the zone set the clock seems off by %s, %v", name, off, err)
		}
		w.comesOver(t, 4)
	}
}

// comesOver plants a batch over two weeks, among real customers.
func (w *world) comesOver(t *testing.T, count int) {
	t.Helper()
	local := func(at time.Time) string {
		if w.zone != nil {
			at = at.In(w.zone)
		}
		return at.Format(time.DateTime)
	}
	report, err := w.seeder.Plant(t.Context(), overPlan("over", count))
	if err != nil || report.Live != 0 || report.Over == nil || report.Over.Next.IsZero() {
		t.Fatalf("at the beginning: %+v, %v", report, err)
	}
	batch, _, err := w.ledger.Batch(t.Context(), "over")
	if err != nil {
		t.Fatal(err)
	}
	arrivals := seeder.Arrivals(&batch)
	for i, at := range arrivals {
		if again := seeder.Arrivals(&batch)[i]; at != again || at.Before(batch.Opened.Truncate(time.Second)) || at.After(batch.Opened.Add(fortnight)) {
			t.Errorf("arrival %d at %s, and then %s", i, at, again)
		}
		w.goTo(at.Add(-2 * time.Minute))
		w.exec(t, "INSERT INTO customers (first_name,last_name,email,country,language,product,created_at,updated_at) VALUES ('Real','Person',?,'US','en','x',?,?)", fmt.Sprintf("real%d@real.test", i), local(w.now()), local(w.now()))
		if before := w.rerun(t, "over"); before.Live != i || before.Inserted != 0 {
			t.Errorf("two minutes before arrival %d: %+v", i, before)
		}
		w.goTo(at.Add(2 * time.Minute))
		report = w.rerun(t, "over")
		if report.Live != i+1 || report.Over.Late != 0 || report.Over.Due != 0 {
			t.Errorf("two minutes after arrival %d: %+v, %+v", i, report, report.Over)
		}
	}
	w.wantExactly(t, count)
	if !report.Over.Next.IsZero() {
		t.Errorf("when all stand the next comes at %s", report.Over.Next)
	}
	for i, at := range w.strings(t, "SELECT CAST(created_at AS CHAR) FROM customers WHERE email LIKE '%@example.net' OR email LIKE '%@mail.example.org' OR email LIKE '%@post.example.com' ORDER BY id") {
		if want := local(arrivals[i]); at != want {
			t.Errorf("canary %d is dated %s and came at %s", i, at, want)
		}
	}
	if n := w.number(t, "SELECT COUNT(*) FROM customers a JOIN customers b ON b.id > a.id AND b.created_at < a.created_at WHERE a.created_at > ?", local(until())); n != 0 {
		t.Errorf("%d pairs of rows are not in the order of their keys", n)
	}
	if n := w.number(t, "SELECT COUNT(*) FROM tickets t JOIN customers c ON c.id = t.customer_id WHERE c.created_at > ? AND t.created_at > c.created_at + INTERVAL 10 MINUTE", local(until())); n != 0 {
		t.Errorf("%d tickets of customers who had just signed up came with them", n)
	}
	if left, err := w.ledger.UnfinishedBatches(t.Context()); err != nil || len(left) != 0 {
		t.Errorf("%d batches are open, %v", len(left), err)
	}
}

// Times that were missed are made up at once, of now, and counted.
func TestOverLate(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const count = 6
	if _, err := w.seeder.Plant(t.Context(), overPlan("late", count)); err != nil {
		t.Fatal(err)
	}
	w.later(20 * 24 * time.Hour)
	report := w.rerun(t, "late")
	if report.Live != count || report.Over.Late != count || report.Over.Due != 0 {
		t.Errorf("%+v, %+v", report, report.Over)
	}
	w.wantExactly(t, count)
	if n := w.number(t, "SELECT COUNT(*) FROM customers WHERE created_at BETWEEN ? AND ?", w.now().Add(-20*time.Minute), w.now()); n != count {
		t.Errorf("%d of %d are dated when they were inserted", n, count)
	}
	if report = w.rerun(t, "late"); report.Live != count || report.Inserted != 0 {
		t.Errorf("again: %+v", report)
	}
}

// The run that inserts what is due dies before and after every write.
func TestOverDiesAnywhere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const count = 2
	for n := range 60 {
		batch := canary.BatchID(fmt.Sprintf("die-%d", n))
		at, survived := w.dieAt(t, n, func() {
			cfg := overPlan(batch, count)
			for range 3 { // the beginning, one arrival, the other
				if _, err := w.seeder.Plant(t.Context(), cfg); err != nil {
					t.Error(err)
				}
				w.later(fortnight / 2)
			}
		})
		if _, err := w.seeder.Plant(t.Context(), overPlan(batch, count)); err != nil {
			t.Fatalf("resumed after dying %s: %v", at, err)
		}
		w.later(fortnight + time.Hour)
		if report := w.rerun(t, batch); report.Live != count || report.Retired != 0 {
			t.Errorf("after dying %s (step %d): %+v", at, n, report)
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
}

// Arrivals come at the hours of the week at which real customers sign up.
func TestOverAtTheTablesHours(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if _, err := w.seeder.Plant(t.Context(), overPlan("hours", 1)); err != nil {
		t.Fatal(err)
	}
	batch, _, err := w.ledger.Batch(t.Context(), "hours")
	if err != nil {
		t.Fatal(err)
	}
	batch.Count = 20_000
	night, weekend := 0, 0
	for _, at := range seeder.Arrivals(&batch) {
		if at.Hour() < 6 {
			night++
		}
		if at.Weekday() == time.Saturday || at.Weekday() == time.Sunday {
			weekend++
		}
	}
	all := float64(w.number(t, "SELECT COUNT(*) FROM customers"))
	for _, c := range []struct {
		name  string
		got   int
		where string
	}{{"night", night, "HOUR(created_at) < 6"}, {"weekend", weekend, "DAYOFWEEK(created_at) IN (1, 7)"}} {
		got, want := float64(c.got)/20_000, float64(w.number(t, "SELECT COUNT(*) FROM customers WHERE "+c.where))/all
		if got < want-0.04 || got > want+0.04 {
			t.Errorf("%s: a share of %.3f arrives, %.3f of the customers signed up", c.name, got, want)
		}
	}
}

func TestOverRefuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, change := range map[string]func(*seeder.PlantConfig){
		"the past": func(c *seeder.PlantConfig) { c.Dates = seeder.DatesPast },
		"bulk":     func(c *seeder.PlantConfig) { c.Bulk = true },
		"a moment": func(c *seeder.PlantConfig) { c.Over = time.Second },
		"before":   func(c *seeder.PlantConfig) { c.Over = -fortnight },
		"no count": func(c *seeder.PlantConfig) { c.Count = 0 },
	} {
		cfg := overPlan("refused", 2)
		change(&cfg)
		if _, err := w.seeder.Plant(t.Context(), cfg); !errors.Is(err, seeder.ErrConfig) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := w.seeder.Plant(t.Context(), overPlan("begun", 2)); err != nil {
		t.Fatal(err)
	}
	other := overPlan("begun", 2)
	other.Over = 2 * fortnight
	if _, err := w.seeder.Plant(t.Context(), other); !errors.Is(err, seeder.ErrBatch) {
		t.Errorf("another span: %v", err)
	}
	if left, _ := w.ledger.UnfinishedBatches(t.Context()); !slices.ContainsFunc(left, func(b canary.Batch) bool { return b.ID == "begun" }) {
		t.Error("the batch is closed")
	}
}
