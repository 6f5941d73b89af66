package seeder_test

import (
	"hash/fnv"
	"math"
	"strings"
	"testing"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/helpdesk"
	"saltmine/seeder"
)

// mark is a hash for tests; the registry's own is keyed.
func mark(kind canary.Kind, text string) int64 {
	h := fnv.New64a()
	h.Write([]byte(string(kind) + text))
	return int64(h.Sum64())
}

// watch runs Watch with what the last run gave.
func (w *world) watch(t *testing.T, last seeder.WatchReport, rows int) seeder.WatchReport {
	t.Helper()
	rep, err := w.seeder.Watch(t.Context(), seeder.WatchConfig{Panel: last.Panel, Rows: rows, Mark: mark, Seed: []byte("watch")})
	if err != nil {
		t.Fatal(err)
	}
	return rep
}

// addresses are those of canaries.
func (w *world) addresses(t *testing.T, all []canary.Planting) []string {
	t.Helper()
	var out []string
	for i := range all {
		out = append(out, w.addressOf(t, &all[i]))
	}
	return out
}

// TestWatch counts what real customers change, and nothing else: not canaries,
// not other spellings, not values that come or go, not other columns.
func TestWatch(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	all := w.planted(t, 10)
	first := w.watch(t, seeder.WatchReport{}, 2000)
	if first.Rows != 800 || first.Kinds[canary.Email].RowYears != 0 {
		t.Fatalf("the first run: %+v", first)
	}
	for _, secret := range []string{"@", w.addressOf(t, &all[0])} {
		if strings.Contains(string(first.Panel), secret) {
			t.Errorf("the panel shows %q", secret)
		}
	}
	ours := "email NOT IN ('" + strings.Join(w.addresses(t, all), "','") + "')"
	w.exec(t, "UPDATE customers SET email = CONCAT('new', id, '@real.test') WHERE "+ours+" ORDER BY id LIMIT 30")
	w.exec(t, "UPDATE customers SET email = UPPER(email) WHERE "+ours+" ORDER BY id DESC LIMIT 50")
	w.exec(t, "UPDATE customers SET last_name = 'Married', updated_at = NOW() WHERE "+ours+" ORDER BY id DESC LIMIT 50")
	phones := w.number(t, "SELECT COUNT(*) FROM customers WHERE phone IS NOT NULL AND "+ours)
	w.exec(t, "UPDATE customers SET phone = CONCAT('+1 555 77', LPAD(id, 5, '0')) WHERE phone IS NOT NULL AND "+ours+" ORDER BY id LIMIT 20")
	w.exec(t, "UPDATE customers SET phone = NULL WHERE phone IS NOT NULL AND "+ours+" ORDER BY id DESC LIMIT 15")
	if _, err := w.seeder.Rotate(t.Context(), rotation(canary.Email, "r")); err != nil {
		t.Fatal(err)
	}
	w.exec(t, "DELETE tickets, customers FROM customers LEFT JOIN tickets ON customer_id = customers.id WHERE customers.id = (SELECT MAX(id) FROM (SELECT id FROM customers WHERE last_name = 'Married') c)")
	w.later(73 * 24 * time.Hour)
	rep := w.watch(t, first, 2000)
	email, phone := rep.Kinds[canary.Email], rep.Kinds[canary.Phone]
	if rep.Gone != 1 || rep.Rows != 799 || email.Changes != 30 || phone.Changes != 20 {
		t.Errorf("%d gone, %d rows, addresses %+v, numbers %+v", rep.Gone, rep.Rows, email, phone)
	}
	fifth := 73 / 365.25
	if want := 799 * fifth; math.Abs(email.RowYears-want) > .01 {
		t.Errorf("%v row-years of addresses, want %v", email.RowYears, want)
	}
	if want := float64(phones-15) * fifth; math.Abs(phone.RowYears-want) > 2*fifth { // the row that went may have had one
		t.Errorf("%v row-years of numbers, want %v", phone.RowYears, want)
	}
	if again := w.watch(t, rep, 2000); again.Kinds[canary.Email].Changes > 30 {
		t.Errorf("counted twice: %+v", again)
	}
	kinds, err := seeder.Known(rep.Panel)
	if err != nil || kinds[canary.Email] != email {
		t.Errorf("%+v, %v", kinds, err)
	}
	if rate := email.Rate(.05); math.Abs(rate-32/(40+799*fifth)) > 1e-6 {
		t.Errorf("a rate of %v", rate)
	}
	if rate := (seeder.Watched{}).Rate(.05); math.Abs(rate-.05) > 1e-12 {
		t.Errorf("nothing is known, and the rate is %v", rate)
	}
}

// TestWatchSamples: of a larger table so many customers are watched, rows that
// leave are replaced, and the rate comes out.
func TestWatchSamples(t *testing.T) {
	t.Parallel()
	cfg := helpdesk.Config{Customers: 3000, Tickets: 100, Seed: 9, From: until().AddDate(-4, 0, 0), To: until()}
	dsn, db := shared.MariaDB(t).HelpDesk(t, cfg)
	w := worldOn(t, dsn, db)
	rep := w.watch(t, seeder.WatchReport{}, 1000)
	for month := range 6 {
		w.later(30 * 24 * time.Hour)
		w.exec(t, "UPDATE customers SET email = CONCAT('n', id, '.', ?, '@real.test') WHERE RAND(?) < .02", month, month+20)
		rep = w.watch(t, rep, 1000)
	}
	if rep.Rows != 1000 {
		t.Errorf("%d rows", rep.Rows)
	}
	// 120 changes are expected in 1,000 rows and half a year.
	want := .02 * 365.25 / 30
	if rate := rep.Kinds[canary.Email].Rate(.05); rate < want*.7 || rate > want*1.3 {
		t.Errorf("a rate of %v, the table's is %v: %+v", rate, want, rep.Kinds)
	}
}
