package seeder_test

import (
	"math/rand/v2"
	"testing"

	"saltmine/internal/canary"
	"saltmine/internal/helpdesk"
	"saltmine/seeder"
	"saltmine/seeder/gate"
	"saltmine/seeder/supportdb"
)

// lived is a table large enough to be sampled.
func lived() helpdesk.Config {
	return helpdesk.Config{Customers: 20_000, Tickets: 30_000, Seed: 9, From: until().AddDate(-5, 0, 0), To: until()}
}

// withhold registers real customers, drawn at random, as if they were canaries.
func (w *world) withhold(t *testing.T, count int, seed uint64) {
	t.Helper()
	keys := w.strings(t, "SELECT id FROM customers ORDER BY id")
	rand.New(rand.NewPCG(seed, 1)).Shuffle(len(keys), func(i, j int) { keys[i], keys[j] = keys[j], keys[i] })
	records, err := w.desk.Read(t.Context(), keys[:count])
	if err != nil {
		t.Fatal(err)
	}
	for i := range records {
		w.stands(t, &records[i])
	}
}

// stands registers a customer as a canary that was planted.
func (w *world) stands(t *testing.T, r *supportdb.Record) {
	t.Helper()
	image, keys := supportdb.Image{Items: r.Items[:1]}, supportdb.Keys{Rows: [][]string{{r.Key}}}
	rows, err := image.Encode()
	if err != nil {
		t.Fatal(err)
	}
	key, err := keys.Encode()
	if err != nil {
		t.Fatal(err)
	}
	id := canary.ID(canary.NewID("c"))
	w.ledger.plantings[id] = &canary.Planting{ID: id, State: canary.Planted, Batch: "one", Place: "db:main", Rows: rows, Keys: key}
}

// Real customers that are called canaries cannot be told from the others: not
// where the table is looked at whole, not where it is sampled. This is what
// gives the other figures their meaning.
func TestGateFindsNothingInRealCustomers(t *testing.T) {
	t.Parallel()
	dsn, db := shared.MariaDB(t).HelpDesk(t, lived())
	for seed, rows := range []int{4000, 10_000} {
		w := worldOn(t, dsn, db)
		w.withhold(t, 300, uint64(seed))
		r, err := w.seeder.Believable(t.Context(), seeder.BelieveConfig{Rows: rows, Seed: uint64(seed), Quick: true})
		if err != nil {
			t.Fatal(err)
		}
		wantNothing(t, &r)
	}
}

// wantNothing checks that no attack failed, and that the best learners say
// nothing: the interval of their AUC touches .5, or is a hair off by chance (a
// twentieth of all intervals do not hold the truth).
func wantNothing(t *testing.T, r *gate.Report) {
	t.Helper()
	for i := range r.Attacks {
		a := &r.Attacks[i]
		if a.Verdict == gate.Failed {
			t.Errorf("%s cries wolf\n%s", a.Name, r.Text())
		}
	}
	for _, name := range []string{"boosted trees, columns", "boosted trees, everything derived", "logistic regression, columns", "all learners together"} {
		if a := r.Attack(name); a.Low > .53 {
			t.Errorf("%s: AUC %.3f (%.3f–%.3f) among real rows", name, a.Value, a.Low, a.High)
		}
	}
}
