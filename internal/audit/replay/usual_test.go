package replay_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"saltmine/internal/audit/replay"
	"saltmine/internal/canary"
)

// usual are statements as employees, applications and reports send them.
func (w *world) usual() []statement {
	f := fmt.Sprintf
	id, email := w.literalOf("customers.id"), w.literalOf("customers.email")
	day := time.Now().UTC().AddDate(0, 0, -w.rng.IntN(100)).Format("2006-01-02")
	letter, domain := w.pick("a", "b", "m", "x", "o"), w.pick("example.net", "example.org", "mail.test")
	country := w.pick("US", "DE", "FR", "GB")
	return []statement{
		{"look-up by id", f("SELECT *, id AS kc FROM customers WHERE id = %s", id)},
		{"look-up by id, limit 1", f("SELECT *, id AS kc FROM customers WHERE id = %s LIMIT 1", id)},
		{"look-up by address", f("SELECT *, id AS kc FROM customers WHERE email = '%s'", email)},
		{"ids", f("SELECT *, id AS kc FROM customers WHERE id IN (%s, %s)", id, w.literalOf("customers.id"))},
		{"range of ids", f("SELECT *, id AS kc FROM customers WHERE id BETWEEN %s AND %s + 300", id, id)},
		{"prefix", f("SELECT id AS kc, email FROM customers WHERE email LIKE '%s%%'", letter)},
		{"suffix", f("SELECT id AS kc, email FROM customers WHERE email LIKE '%%@%s'", domain)},
		{"name", "SELECT id AS kc, email FROM customers WHERE name LIKE '%smith%'"},
		{"country", f("SELECT id AS kc, email FROM customers WHERE country = '%s' ORDER BY created", country)},
		{"country and state", f("SELECT id AS kc, email FROM customers WHERE country = '%s' AND status = 'active'", country)},
		{"since", f("SELECT id AS kc, email FROM customers WHERE created >= '%s'", day)},
		{"last days", f("SELECT id AS kc, email FROM customers WHERE created > NOW() - INTERVAL %d DAY", 5+w.rng.IntN(90))},
		{"of a month", f("SELECT id AS kc, email FROM customers WHERE YEAR(created) = 2026 AND MONTH(created) = %d", 8+w.rng.IntN(4))},
		{"tickets of one", f("SELECT t.*, t.id AS kt FROM tickets t WHERE t.customer_id = %s ORDER BY t.created DESC", id)},
		{"ticket by number", f("SELECT t.*, t.id AS kt FROM tickets t WHERE t.number = '%s'", w.literalOf("tickets.number"))},
		{"open tickets", "SELECT t.id AS kt, c.id AS kc, c.email FROM tickets t JOIN customers c ON c.id = t.customer_id WHERE t.status = 'open'"},
		{"history", f("SELECT t.id AS kt, n.id AS kn, n.body FROM tickets t LEFT JOIN notes n ON n.ticket_id = t.id WHERE t.customer_id = %s", id)},
		{"report", f("SELECT c.id AS kc, c.email, c.phone, t.number AS n, t.id AS kt FROM customers c LEFT JOIN tickets t ON t.customer_id = c.id WHERE c.country IN ('%s', 'US')", country)},
		{"notes with agents", "SELECT n.id AS kn, a.name FROM notes n LEFT JOIN agents a ON a.id = n.author_id WHERE n.body LIKE 'called%'"},
		{"view", f("SELECT id AS kc, email FROM v_active WHERE country = '%s'", country)},
		{"view of a join", "SELECT cid AS kc, tid AS kt, email FROM v_open WHERE status = 'open'"},
		{"in a subquery", "SELECT id AS kc FROM customers WHERE id IN (SELECT customer_id FROM tickets WHERE status = 'stalled')"},
		{"dump", "SELECT /*!40001 SQL_NO_CACHE */ `id`, `email`, `name`, id AS kc FROM `customers`"},
		{"dump of tickets", "SELECT /*!40001 SQL_NO_CACHE */ *, id AS kt FROM `tickets`"},
		{"dump of a part", f("SELECT /*!40001 SQL_NO_CACHE */ *, id AS kc FROM `customers` WHERE country='%s'", country)},
		{"newest 20", "SELECT id AS kc, email FROM customers ORDER BY created DESC LIMIT 20"},
		{"count", "SELECT COUNT(*) FROM customers WHERE status = 'active'"},
	}
}

// literalOf is a value as it stands.
func (w *world) literalOf(column string) string {
	list := w.values[column]
	return strings.ReplaceAll(strings.ReplaceAll(list[w.rng.IntN(len(list))], `\`, `\\`), "'", `\'`)
}

// TestUsualStatementsAreRarelyInDoubt runs what a log is full of, while tokens
// change, and bounds the share of pairs that replay leaves open where no LIMIT
// does.
func TestUsualStatementsAreRarelyInDoubt(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 7)
	shapes := map[string]*tally{}
	var r *replay.Replayer
	for range 20 {
		w.rotate(t)
		var err error
		if r, err = replay.New(w.schema, w.rows); err != nil {
			t.Fatal(err)
		}
		for _, s := range w.usual() {
			w.compare(t, r, s, shapes)
		}
	}
	all := report(t, shapes)
	// Which rows are the newest of all depends on rows that are not held.
	newest := shapes["newest 20"]
	all.ours, all.possible = all.ours-newest.ours, all.possible-newest.possible
	if 20*all.possible > all.ours || all.truly < 1000 {
		t.Errorf("of %d pairs %d are only possible, more than one in twenty; %d were returned", all.ours, all.possible, all.truly)
	}
}

// rotate gives two canaries new addresses, as rotation does.
func (w *world) rotate(t *testing.T) {
	t.Helper()
	for range 2 {
		at := w.rng.IntN(len(w.rows))
		if w.rows[at].Table != "customers" || !w.rows[at].Window.Until.IsZero() {
			continue
		}
		old := &w.rows[at]
		email := fmt.Sprintf("%s%d@%s", w.pick("a", "new.", "x"), w.rng.IntN(1<<30), w.pick("example.net", "mail.test"))
		before := w.now(t)
		w.exec(t, "UPDATE customers SET email = ? WHERE id = ? AND email = ?", email, old.Key, *old.Values[1])
		after := w.now(t)
		old.Window.Until = canary.Between(before, after)
		next := *old
		next.Window = canary.Window{Place: old.Window.Place, From: old.Window.Until}
		next.Values = slices.Clone(old.Values)
		next.Values[1] = &email
		w.rows = append(w.rows, next)
		w.values["customers.email"] = append(w.values["customers.email"], email)
	}
}

// TestMomentsDecideWhichTokensStood: an old address answers before the change
// only, a new one after it only, and in between either may have.
func TestMomentsDecideWhichTokensStood(t *testing.T) {
	t.Parallel()
	r, at := smallBook(t)
	for _, c := range []struct {
		email                string
		from, until          int // minutes before and after the change
		returned, isPossible bool
	}{
		{"old@example.net", -9, -8, true, false},
		{"old@example.net", 8, 9, false, false},
		{"new@example.net", -9, -8, false, false},
		{"new@example.net", 8, 9, true, false},
		{"old@example.net", -1, 1, false, true},
		{"new@example.net", -9, 9, false, true},
		{"old@example.net", -700, -650, false, false}, // before it was planted
	} {
		got := r.Replay(&replay.Statement{
			Text: []byte("SELECT * FROM customers WHERE email = '" + c.email + "'"), Database: "help", Sent: -1,
			Saw: canary.Between(at.Add(time.Duration(c.from)*time.Minute), at.Add(time.Duration(c.until)*time.Minute)),
		})
		if len(got.Returned) == 1 != c.returned || len(got.Possible) == 1 != c.isPossible {
			t.Errorf("%s from %d to %d minutes: returned %v, possible %v", c.email, c.from, c.until, got.Returned, got.Possible)
		}
	}
}

// smallBook has one canary, whose address was changed at the moment given.
func smallBook(t *testing.T) (*replay.Replayer, time.Time) {
	t.Helper()
	at := time.Date(2026, 11, 3, 12, 0, 0, 0, time.UTC)
	row := func(email string, w canary.Window) replay.Row {
		return replay.Row{Canary: "c_1", Table: "customers", Key: "5", Window: w, Values: []*string{new("5"), &email}}
	}
	r, err := replay.New(replay.Schema{
		Database: "help",
		Others:   []string{"agents"},
		Tables: []replay.Table{{Name: "customers", Columns: []replay.Column{
			{Name: "id", Type: "int", Domain: 1, Unique: true, NotNull: true}, {Name: "email", Type: "varchar", Collation: "utf8mb4_general_ci", Unique: true},
		}}},
	}, []replay.Row{
		row("old@example.net", canary.Window{Place: "db:main", From: canary.At(at.Add(-10 * time.Hour)), Until: canary.At(at)}),
		row("new@example.net", canary.Window{Place: "db:main", From: canary.At(at)}),
	})
	if err != nil {
		t.Fatal(err)
	}
	return r, at
}

// TestWhatTheLogLeavesOut goes through what is told beside a statement's text.
func TestWhatTheLogLeavesOut(t *testing.T) {
	t.Parallel()
	const returned, possible, excluded = "returned", "possible", "excluded"
	all := "SELECT * FROM customers"
	for _, c := range []struct {
		why  string
		s    replay.Statement
		want string
	}{
		{"all", replay.Statement{Text: []byte(all)}, returned},
		{"no such table", replay.Statement{Text: []byte(all), Code: 1146}, excluded},
		{"ended by a time limit", replay.Statement{Text: []byte(all), Code: 1969}, possible},
		{"an odd session", replay.Statement{Text: []byte(all), Doubt: true}, possible},
		{"no row was sent", replay.Statement{Text: []byte(all + " WHERE id > 3"), Sent: 0}, excluded},
		{"LIMIT was not reached", replay.Statement{Text: []byte(all + " LIMIT 10"), Sent: 7}, returned},
		{"LIMIT may have been", replay.Statement{Text: []byte(all + " LIMIT 7"), Sent: 7}, possible},
		{"one row by its key", replay.Statement{Text: []byte(all + " WHERE id = 5 LIMIT 1"), Sent: -1}, returned},
		{"cut off", replay.Statement{Text: []byte("SELECT id FROM customers WHERE id = 4 OR i"), Truncated: true}, possible},
		{"cut off where it parses", replay.Statement{Text: []byte("SELECT id FROM customers WHERE id = 4"), Truncated: true}, possible},
		{"cut off, of another table", replay.Statement{Text: []byte("SELECT 'x' FROM agents WHERE id IN (1,"), Truncated: true, Reads: []string{"help.agents"}}, excluded},
		{"a change that is cut off", replay.Statement{Text: []byte("INSERT INTO agents VALUES ('x"), Truncated: true}, excluded},
		{"another database", replay.Statement{Text: []byte("SELECT * FROM mysql.user")}, excluded},
		{"a view that read it", replay.Statement{Text: []byte("SELECT * FROM v_new"), Reads: []string{"help.v_new", "help.customers"}}, possible},
		{"a view that did not", replay.Statement{Text: []byte("SELECT * FROM v_new"), Reads: []string{"help.agents"}}, excluded},
		{"no parse, read", replay.Statement{Text: []byte("HANDLER customers READ FIRST"), Reads: []string{"help.customers"}}, possible},
		{"a count", replay.Statement{Text: []byte("SELECT COUNT(*) FROM customers")}, excluded},
		{"a plan", replay.Statement{Text: []byte("EXPLAIN SELECT * FROM customers"), Reads: []string{"help.customers"}}, excluded},
		{"DELETE that shows", replay.Statement{Text: []byte("DELETE FROM customers WHERE id = 5 RETURNING *")}, possible},
		{"ANSI quotes", replay.Statement{Text: []byte(`SELECT * FROM customers WHERE "email" = 'new@example.net'`)}, possible},
		{"|| may join texts", replay.Statement{Text: []byte("SELECT * FROM customers WHERE id = 4 || id = 5")}, possible},
		{"a page of a book", replay.Statement{Text: []byte("SELECT * FROM customers; SELECT 1")}, possible},
	} {
		r, at := smallBook(t)
		c.s.Database, c.s.Began, c.s.Saw = "help", canary.At(at.Add(time.Hour)), canary.At(at.Add(time.Hour))
		if c.s.Sent == 0 && c.why != "no row was sent" {
			c.s.Sent = -1
		}
		got, verdict := r.Replay(&c.s), excluded
		switch {
		case len(got.Returned) == 1:
			verdict = returned
		case len(got.Possible) == 1:
			verdict = possible
		}
		if verdict != c.want {
			t.Errorf("%s: %s, want %s: %s (%s)", c.why, verdict, c.want, c.s.Text, got.Why)
		}
		if (verdict == possible) != (got.Why != "") {
			t.Errorf("%s: %s for the reason %q", c.why, verdict, got.Why)
		}
	}
}

// TestCopiesArePlaces: what is read from a copy may hold what the copy took.
func TestCopiesArePlaces(t *testing.T) {
	t.Parallel()
	r, at := smallBook(t)
	run := func(text string) replay.Result {
		return r.Replay(&replay.Statement{Text: []byte(text), Database: "help", Saw: canary.At(at.Add(time.Hour)), Sent: -1, Reads: []string{"help.agents"}})
	}
	for _, text := range []string{"CREATE TABLE kept AS SELECT * FROM customers", "INSERT INTO agents SELECT id, email FROM customers WHERE id = 5"} {
		if got := run(text); len(got.Returned) != 1 || got.CopyTo == "" {
			t.Errorf("%s: %+v", text, got)
		}
	}
	run("RENAME TABLE kept TO old_things")
	run("CREATE TABLE none AS SELECT * FROM customers WHERE id = 4")
	for text, want := range map[string]int{"SELECT * FROM old_things": 1, "SELECT * FROM agents": 1, "SELECT * FROM none": 0} {
		if got := run(text); len(got.Possible) != want {
			t.Errorf("%s: %+v, want %d possible", text, got, want)
		}
	}
	read := func(r *replay.Replayer, table string) []canary.ID {
		got := r.Replay(&replay.Statement{Database: "help", Saw: canary.At(at.Add(time.Hour)), Sent: -1, Missing: true, Reads: []string{table}})
		return got.Possible
	}
	later, err := r.Renew(replay.Schema{Database: "help"}, nil) // the canary is gone
	if err != nil {
		t.Fatal(err)
	}
	fresh, err := replay.New(replay.Schema{Database: "help"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	fresh.Learn([]canary.Copy{{Table: "help.old_things", Held: []canary.ID{"c_1"}}})
	for name, r := range map[string]*replay.Replayer{"renewed": later, "learnt": fresh} {
		if got := read(r, "help.old_things"); !slices.Equal(got, []canary.ID{"c_1"}) || len(read(r, "help.agency")) > 0 {
			t.Errorf("%s: a copy that outlives the canary gives %v", name, got)
		}
	}
	if got := run("SELECT email, SUBSTR(id, 1) FROM customers INTO OUTFILE '/tmp/x'"); got.CopyTo != "file" || !slices.Equal(got.Carries, []string{"customers.email", "customers.id"}) {
		t.Errorf("INTO OUTFILE: %+v", got)
	}
}
