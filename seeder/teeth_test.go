package seeder_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"saltmine/internal/helpdesk"
	"saltmine/seeder"
	"saltmine/seeder/gate"
)

// fake is a row that somebody planted without looking at the table.
type fake struct {
	first, last, email string
	phone              *string
	created            time.Time
	key                int64 // 0: the table counts
}

// plantFakes inserts rows and registers them as canaries.
func (w *world) plantFakes(t *testing.T, fakes []fake) {
	t.Helper()
	var keys []string
	for _, f := range fakes {
		res, err := w.db.ExecContext(t.Context(), `INSERT INTO customers (id, first_name, last_name, email, phone, country, language, product, newsletter, status, created_at, updated_at)
			VALUES (NULLIF(?, 0), ?, ?, ?, ?, 'US', 'en', 'home', 0, 'active', ?, ?)`, f.key, f.first, f.last, f.email, f.phone, f.created, f.created)
		if err != nil {
			t.Fatal(err)
		}
		id, err := res.LastInsertId()
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, fmt.Sprint(id))
	}
	records, err := w.desk.Read(t.Context(), keys)
	if err != nil {
		t.Fatal(err)
	}
	for i := range records {
		w.stands(t, &records[i])
	}
}

// fakers gives names as a library of fakes has them.
func fakers(r *rand.Rand) (first, last string) {
	firsts := []string{"Amanda", "Brandon", "Christina", "Derek", "Erica", "Gregory", "Heather", "Jasmine", "Kyle", "Latoya", "Marcus", "Tiffany"}
	lasts := []string{"Abbott", "Barker", "Cantrell", "Dougherty", "Escobar", "Farrell", "Goodwin", "Huffman", "Kaufman", "Lozano", "Mcclain", "Zuniga"}
	return firsts[r.IntN(len(firsts))], lasts[r.IntN(len(lasts))]
}

func owned(n int) (out []string) {
	for i := range n {
		out = append(out, fmt.Sprintf("mail-%d-post.com", i))
	}
	return out
}

// believe plants fakes into a table of its own and asks the gate.
func believe(t *testing.T, domains []string, fakes func(r *rand.Rand, n int) []fake) gate.Report {
	t.Helper()
	dsn, db := shared.MariaDB(t).HelpDesk(t, helpdesk.Config{Customers: 4000, Tickets: 6000, Seed: 9, From: until().AddDate(-5, 0, 0), To: until()})
	w := worldOn(t, dsn, db)
	w.plantFakes(t, fakes(rand.New(rand.NewPCG(3, 4)), 200))
	r, err := w.seeder.Believable(t.Context(), seeder.BelieveConfig{Seed: 1, Quick: true, Owned: domains})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// wantRefused checks that the report fails and that its reasons name all of these.
func wantRefused(t *testing.T, r *gate.Report, attacks map[string]string) {
	t.Helper()
	if r.Verdict != gate.Failed {
		t.Errorf("verdict %q", r.Verdict)
	}
	for name, says := range attacks {
		a := r.Attack(name)
		if a == nil || a.Verdict != gate.Failed || !strings.Contains(fmt.Sprint(a.Tells), says) {
			t.Errorf("%s: %+v, want a failure that names %q", name, a, says)
		}
	}
}

// L0 of the notes on attribution: names of a library of fakes, five domains,
// numbers of films, keys and dates at the end.
func TestGateRefusesNaiveFakes(t *testing.T) {
	t.Parallel()
	r := believe(t, owned(5), func(r *rand.Rand, n int) (out []fake) {
		for i := range n {
			first, last := fakers(r)
			phone := fmt.Sprintf("+1 555-01%02d", r.IntN(100))
			out = append(out, fake{first: first, last: last, email: fmt.Sprintf("%s.%s%d@%s", strings.ToLower(first), strings.ToLower(last), i, owned(5)[r.IntN(5)]), phone: &phone, created: until().Add(time.Hour)})
		}
		return out
	})
	wantRefused(t, &r, map[string]string{
		"boosted trees, everything derived": "",
		"logistic regression, columns":      "",
		"dropping small e-mail domains":     "domain",
		"boosted trees, phone":              "phone",
		"boosted trees, dates":              "created_at",
		"boosted trees, name":               "name",
		"single predicates":                 "phone",
		"isolation forest":                  "",
		"rules of a careful reader":         "block of",
	})
	if len(r.Reasons()) == 0 || strings.Contains(strings.Join(r.Reasons(), " "), "Cantrell") {
		t.Errorf("reasons: %q", r.Reasons())
	}
}

// L1: dates of all times, fifty domains, one block of numbers, keys from the end.
func TestGateRefusesBackDatedFakes(t *testing.T) {
	t.Parallel()
	r := believe(t, owned(50), func(r *rand.Rand, n int) (out []fake) {
		for i := range n {
			first, last := fakers(r)
			phone := fmt.Sprintf("+1 415-263-%04d", 4000+i)
			out = append(out, fake{
				first: first, last: last, email: fmt.Sprintf("%c%s%d@%s", first[0]|0x20, strings.ToLower(last), i, owned(50)[r.IntN(50)]), phone: &phone,
				created: until().Add(-time.Duration(r.Int64N(int64(4 * 365 * 24 * time.Hour)))),
			})
		}
		return out
	})
	wantRefused(t, &r, map[string]string{
		"boosted trees, everything derived": "",
		"boosted trees, keys":               "id",
		"boosted trees, phone":              "phone",
		"dropping small e-mail domains":     "domain",
	})
}

// L2: every column is a real customer's, but for the domain of the address.
func TestGateRefusesOwnedDomainsWithTheirBound(t *testing.T) {
	t.Parallel()
	dsn, db := shared.MariaDB(t).HelpDesk(t, lived())
	w := worldOn(t, dsn, db)
	w.withhold(t, 300, 5)
	for i, key := range w.keys(t) {
		w.exec(t, "UPDATE customers SET email = CONCAT(SUBSTRING_INDEX(email, '@', 1), '@', ?) WHERE id = ?", owned(50)[i%50], key)
	}
	r, err := w.seeder.Believable(t.Context(), seeder.BelieveConfig{Rows: 4000, Seed: 1, Quick: true, Owned: owned(50)})
	if err != nil {
		t.Fatal(err)
	}
	wantRefused(t, &r, map[string]string{"dropping small e-mail domains": "domain"})
	o := r.Owned
	small := float64(w.number(t, "SELECT COUNT(*) FROM customers WHERE SUBSTRING_INDEX(LOWER(email), '@', -1) IN (SELECT d FROM (SELECT SUBSTRING_INDEX(LOWER(email), '@', -1) d, COUNT(*) n FROM customers GROUP BY d HAVING n <= 15) s) AND email NOT LIKE '%-post.com'")) / 19_700
	if want := .5 + (1-small)/2; o.ShareCanaries < .98 || o.Bound < want-.02 || o.Bound > want+.02 {
		t.Errorf("bound %.3f, want about %.3f: %+v", o.Bound, want, o)
	}
	if a := r.Attack("boosted trees, columns but the e-mail domain"); a.Verdict == gate.Failed {
		t.Errorf("all but the domain is real: %+v", a)
	}
}

// keys are those of the canaries that stand.
func (w *world) keys(t *testing.T) (out []string) {
	t.Helper()
	for _, p := range w.ledger.plantings {
		key, _ := keysOf(t, *p)
		out = append(out, key)
	}
	slices.Sort(out)
	return out
}
