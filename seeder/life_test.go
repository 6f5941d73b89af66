package seeder_test

import (
	"math"
	"slices"
	"testing"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/helpdesk"
	"saltmine/internal/token"
	"saltmine/seeder"
)

// busy are tables in which a customer opens a ticket every other month.
func busy(customers int) helpdesk.Config {
	return helpdesk.Config{Customers: customers, Tickets: 9 * customers, Seed: 11, From: until().AddDate(-2, 0, 0), To: until()}
}

func busyWorld(t *testing.T, customers int) *world {
	t.Helper()
	dsn, db := shared.MariaDB(t).HelpDesk(t, busy(customers))
	return worldOn(t, dsn, db)
}

func (w *world) live(t *testing.T) seeder.LiveReport {
	t.Helper()
	report, err := w.seeder.Live(t.Context(), seeder.LiveConfig{})
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// wantLives checks that every ticket of every canary is registered, with its
// number, its keys and its window, and the other way round.
func (w *world) wantLives(t *testing.T) {
	t.Helper()
	all, err := w.ledger.Plantings(t.Context(), canary.Filter{States: []canary.State{canary.Planted, canary.Verified}})
	if err != nil {
		t.Fatal(err)
	}
	for i := range all {
		w.wantStanding(t, &all[i])
		stand := w.strings(t, "SELECT number FROM tickets WHERE customer_id = ? ORDER BY number", keyOf(t, all[i]))
		for n := range stand {
			if stand[n], err = token.Canon(canary.Ticket, stand[n]); err != nil {
				t.Fatal(err)
			}
		}
		var known []string
		for _, tok := range all[i].Tokens {
			if tok.Kind == canary.Ticket && tok.Window.Until.IsZero() {
				known = append(known, tok.Text)
			}
		}
		slices.Sort(known)
		slices.Sort(stand)
		if !slices.Equal(stand, known) {
			t.Errorf("canary %s: %d tickets stand, %d have open windows", all[i].ID, len(stand), len(known))
		}
	}
}

// Canaries who arrived lead their donors' lives: tickets are opened, change and
// come to rest, each with a number that is registered, and behind real ones.
func TestLive(t *testing.T) {
	t.Parallel()
	w := busyWorld(t, 400)
	cfg := overPlan("alive", 12)
	cfg.Over = 24 * time.Hour
	if _, err := w.seeder.Plant(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	w.later(25 * time.Hour)
	if report := w.rerun(t, "alive"); report.Live != 12 {
		t.Fatalf("%+v", report)
	}
	before := w.number(t, "SELECT COUNT(*) FROM tickets")
	rested := map[string]int{}
	var sum seeder.LiveReport
	for range 12 {
		w.later(5 * 24 * time.Hour)
		r := w.live(t)
		sum.Tickets, sum.Rows, sum.Updates, sum.Placebos = sum.Tickets+r.Tickets, sum.Rows+r.Rows, sum.Updates+r.Updates, sum.Placebos+r.Placebos
		if len(r.Findings) > 0 || r.Alone > 0 {
			t.Errorf("%+v", r)
		}
		w.wantLives(t)
	}
	if got := w.number(t, "SELECT COUNT(*) FROM tickets") - before; got != sum.Tickets || got < 10 {
		t.Errorf("%d tickets came, the reports say %d", got, sum.Tickets)
	}
	if sum.Updates < sum.Tickets/4 {
		t.Errorf("%d changes of %d tickets", sum.Updates, sum.Tickets)
	}
	for _, status := range w.strings(t, "SELECT t.status FROM tickets t JOIN customers c ON c.id = t.customer_id WHERE c.created_at > ?", until()) {
		rested[status]++
	}
	if rested["closed"] == 0 || len(rested) < 2 { // some have come to rest, some have not yet
		t.Errorf("after two months the tickets are %v", rested)
	}
	if n := w.number(t, "SELECT COUNT(*) FROM tickets a JOIN tickets b ON b.id > a.id AND b.created_at < a.created_at AND a.created_at > b.created_at + INTERVAL 5 DAY WHERE a.created_at > ?", until()); n != 0 {
		t.Errorf("%d pairs of tickets are not in the order of their keys", n)
	}
	if n := w.number(t, "SELECT COUNT(*) FROM tickets WHERE created_at > ? AND (updated_at < created_at OR updated_at > ?)", until(), w.now()); n != 0 {
		t.Errorf("%d tickets were changed before they were opened, or are of the future", n)
	}
	if r := w.live(t); r.Changed != 0 {
		t.Errorf("a moment later: %+v", r)
	}
	if v := w.verify(t); v.Verified != 12 || len(v.Findings) > 0 {
		t.Errorf("verify: %+v", v)
	}
	if out, err := w.seeder.Withdraw(t.Context(), seeder.WithdrawConfig{All: true}); err != nil || out.Withdrawn != 12 || len(out.Findings) > 0 {
		t.Errorf("withdraw: %+v, %v", out, err)
	}
	if got := w.number(t, "SELECT COUNT(*) FROM tickets"); got != w.number(t, "SELECT COUNT(*) FROM tickets WHERE created_at <= ?", until()) {
		t.Errorf("%d tickets are left", got)
	}
}

// A step dies before and after every kind of write to the registry, the first
// of its run or a later one. Some runs have no such write: they end in peace.
func TestLiveDiesAnywhere(t *testing.T) {
	t.Parallel()
	w := busyWorld(t, 300)
	cfg := plan("lives", 14)
	cfg.Bulk = true
	w.mustPlant(t, cfg)
	w.live(t) // finds whom to follow
	for _, write := range []string{"rotation", "keys", "windows"} {
		for n, at := range []string{"before amend " + write, "after amend " + write, "before amend " + write} {
			w.livesAfterDying(t, at, n/2)
		}
	}
}

// livesAfterDying lets days go by until a run dies at a place, after having
// passed it some times, and runs again.
func (w *world) livesAfterDying(t *testing.T, at string, passed int) {
	t.Helper()
	const most = 40
	for range most {
		w.later(2 * 24 * time.Hour)
		_, survived := w.dieThere(t, at, passed, func() { _, _ = w.seeder.Live(t.Context(), seeder.LiveConfig{}) })
		if survived {
			continue
		}
		w.later(time.Minute)
		if report := w.live(t); len(report.Findings) > 0 {
			t.Errorf("after dying %s: %+v", at, report)
		}
		w.wantLives(t)
		if v := w.verify(t); v.Verified != 14 || len(v.Findings) > 0 {
			t.Errorf("after dying %s: %+v", at, v)
		}
		return
	}
	t.Errorf("no run of %d died %s, having passed there %d times", most, at, passed)
}

// A ticket that an agent has worked on is the agent's from then on.
func TestLiveLeavesWhatOthersChanged(t *testing.T) {
	t.Parallel()
	w := busyWorld(t, 300)
	cfg := overPlan("left", 8)
	cfg.Over = 2 * time.Hour
	if _, err := w.seeder.Plant(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	w.later(3 * time.Hour)
	w.rerun(t, "left")
	found := 0
	ours := "customer_id IN (SELECT id FROM customers WHERE created_at > '" + until().Format(time.DateTime) + "')"
	for range 6 {
		w.later(10 * 24 * time.Hour)
		for _, f := range w.live(t).Findings {
			found++
			if f.Problem != seeder.Edited || f.Kind != canary.Ticket {
				t.Errorf("%+v", f)
			}
		}
		w.exec(t, "UPDATE tickets SET status = 'agents', updated_at = updated_at + INTERVAL 1 SECOND WHERE "+ours)
	}
	if found == 0 {
		t.Error("nothing was found changed")
	}
	if n := w.number(t, "SELECT COUNT(*) FROM tickets WHERE status <> 'agents' AND "+ours); n != 0 {
		t.Errorf("%d tickets of agents were changed", n)
	}
}

// desk is a table that lives: real customers come, open tickets, and these come
// to rest, as in the other database, which has all that is still to happen.
type livingDesk struct {
	*world
	future string // the other database's name
	at     time.Time
}

// newLivingDesk puts a world back to a moment.
func newLivingDesk(t *testing.T, cfg helpdesk.Config, at time.Time) *livingDesk {
	t.Helper()
	_, all := shared.MariaDB(t).HelpDesk(t, cfg)
	dsn, db := shared.MariaDB(t).HelpDesk(t, cfg)
	d := &livingDesk{world: worldOn(t, dsn, db), at: at}
	if err := all.QueryRowContext(t.Context(), "SELECT DATABASE()").Scan(&d.future); err != nil {
		t.Fatal(err)
	}
	d.goTo(at)
	d.exec(t, "CREATE TABLE `"+d.future+"`.ids (theirs BIGINT PRIMARY KEY, mine BIGINT UNIQUE)")
	d.exec(t, "DELETE FROM tickets WHERE created_at > ?", at)
	d.exec(t, "DELETE FROM customers WHERE created_at > ?", at)
	d.exec(t, "UPDATE tickets SET status = 'open', updated_at = created_at WHERE updated_at > ?", at)
	d.exec(t, "UPDATE customers SET updated_at = created_at WHERE updated_at > ?", at)
	return d
}

// goOn lets real customers live until a moment.
func (d *livingDesk) goOn(t *testing.T, to time.Time) {
	t.Helper()
	f := "`" + d.future + "`."
	d.exec(t, "INSERT INTO customers (first_name,last_name,email,phone,country,language,product,newsletter,status,created_at,updated_at) "+
		"SELECT first_name,last_name,email,phone,country,language,product,newsletter,status,created_at,IF(updated_at>?,created_at,updated_at) FROM "+f+"customers WHERE created_at > ? AND created_at <= ? ORDER BY id", to, d.at, to)
	// Numbers go on from the last one, as the help desk counts; the subject keeps the other database's key for a moment.
	d.exec(t, "INSERT INTO tickets (number,customer_id,subject,status,priority,channel,created_at,updated_at) "+
		"SELECT CONCAT(LEFT(o.number, 8), LPAD((SELECT MAX(CAST(SUBSTRING(l.number, 9) AS UNSIGNED)) FROM tickets l WHERE l.number LIKE CONCAT(LEFT(o.number, 8), '%')) + ROW_NUMBER() OVER (ORDER BY o.id), 6, '0')), c.id, o.id, 'open', o.priority, o.channel, o.created_at, o.created_at "+
		"FROM "+f+"tickets o JOIN "+f+"customers oc ON oc.id = o.customer_id JOIN customers c ON c.email = oc.email WHERE o.created_at > ? AND o.created_at <= ? ORDER BY o.id", d.at, to)
	d.exec(t, "INSERT INTO "+f+"ids SELECT subject, id FROM tickets WHERE created_at > ? AND subject REGEXP '^[0-9]+$'", d.at)
	d.exec(t, "UPDATE tickets t JOIN "+f+"ids i ON i.mine = t.id JOIN "+f+"tickets o ON o.id = i.theirs SET t.subject = o.subject WHERE t.created_at > ?", d.at)
	for _, join := range []string{"JOIN " + f + "ids i ON i.mine = t.id JOIN " + f + "tickets o ON o.id = i.theirs", "JOIN " + f + "tickets o ON o.id = t.id AND o.number = t.number"} {
		d.exec(t, "UPDATE tickets t "+join+" SET t.updated_at = o.updated_at, t.status = o.status WHERE o.updated_at > ? AND o.updated_at <= ?", d.at, to)
	}
	d.exec(t, "UPDATE customers c JOIN "+f+"customers o ON o.email = c.email SET c.updated_at = o.updated_at WHERE o.updated_at > ? AND o.updated_at <= ?", d.at, to)
	d.at = to
	d.goTo(to)
}

// Between two snapshots of a table that lives, canaries who arrived among
// customers have changed about as often as these.
func TestLiveAsOftenAsCustomers(t *testing.T) {
	t.Parallel()
	const canaries, arriving, days = 150, 7, 40
	start := until().AddDate(0, 0, -days-1)
	d := newLivingDesk(t, helpdesk.Config{Customers: 5000, Tickets: 20_000, Seed: 12, From: until().AddDate(-2, 0, 0), To: until()}, start)
	cfg := overPlan("among", canaries)
	cfg.Over = arriving * 24 * time.Hour
	if _, err := d.seeder.Plant(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	var first time.Time
	for day := 1; day <= days; day++ {
		d.goOn(t, start.AddDate(0, 0, day))
		if day <= arriving+1 {
			d.rerun(t, "among")
		}
		if r := d.live(t); len(r.Findings) > 0 {
			t.Fatalf("%+v", r)
		}
		if day == arriving+1 {
			first = d.now()
			d.exec(t, "CREATE TABLE `"+d.future+"`.before_customers AS SELECT * FROM customers")
			d.exec(t, "CREATE TABLE `"+d.future+"`.before_tickets AS SELECT * FROM tickets")
		}
	}
	d.wantLives(t)
	own := "(c.email LIKE '%@example.net' OR c.email LIKE '%@mail.example.org' OR c.email LIKE '%@post.example.com')"
	for _, c := range []struct{ name, query string }{
		{"open a ticket", "EXISTS (SELECT 1 FROM tickets t WHERE t.customer_id = c.id AND t.created_at > '" + first.Format(time.DateTime) + "')"},
		{"have a ticket changed", "EXISTS (SELECT 1 FROM tickets t JOIN `" + d.future + "`.before_tickets b ON b.id = t.id WHERE t.customer_id = c.id AND (t.updated_at <> b.updated_at OR t.status <> b.status))"},
		{"are changed", "EXISTS (SELECT 1 FROM `" + d.future + "`.before_customers b WHERE b.id = c.id AND b.updated_at <> c.updated_at)"},
	} {
		of := func(where string) (int, int) {
			where = "SELECT COUNT(*) FROM customers c WHERE c.created_at BETWEEN ? AND ? AND " + where
			from, to := start.AddDate(0, 0, -5), start.AddDate(0, 0, arriving+2)
			return d.number(t, where+" AND "+c.query, from, to), d.number(t, where, from, to)
		}
		k1, n1 := of(own)
		k2, n2 := of("NOT " + own)
		ours, theirs := float64(k1)/float64(n1), float64(k2)/float64(n2)
		t.Logf("in %d days %d of %d canaries (%.3f) and %d of %d customers (%.3f) %s", days-arriving-1, k1, n1, ours, k2, n2, theirs, c.name)
		both := float64(k1+k2) / float64(n1+n2)
		if off := 4 * math.Sqrt(both*(1-both)*(1/float64(n1)+1/float64(n2))); math.Abs(ours-theirs) > off {
			t.Errorf("%.3f of the canaries and %.3f of the customers %s: more than %.3f apart", ours, theirs, c.name, off)
		}
	}
}
