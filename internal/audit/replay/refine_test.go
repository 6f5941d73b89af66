package replay_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"saltmine/internal/audit"
	"saltmine/internal/audit/replay"
	"saltmine/internal/canary"
)

// answers is a server that returns given rows, and keeps what it was asked.
type answers struct {
	ways   []map[int]bool
	unsure map[int]bool
	err    error
	asked  *replay.Ask
}

// Run gives the answers.
func (a *answers) Run(_ context.Context, ask *replay.Ask) ([]map[int]bool, bool, error) {
	a.asked = ask
	return a.ways, a.ways != nil, a.err
}

// Holds tells rows that stand as they did.
func (a *answers) Holds(row int, _ *replay.Ask) bool { return !a.unsure[row] }

// refined refines a statement on the canary of smallBook, so many minutes before and after its
// address changed.
func refined(t *testing.T, text string, from, until int, on *answers) (string, error) {
	t.Helper()
	r, at := smallBook(t)
	s := replay.Statement{
		Text: []byte(text), Database: "help", Sent: -1, Zone: time.UTC, Began: canary.Between(at, at.Add(3*time.Second)),
		Saw: canary.Between(at.Add(time.Duration(from)*time.Minute), at.Add(time.Duration(until)*time.Minute)),
	}
	got := r.Replay(&s)
	_, _, err := r.Refine(t.Context(), &s, &got, on)
	switch {
	case len(got.Returned) == 1 && len(got.Possible) == 0:
		return "returned", err
	case len(got.Possible) == 1 && got.Why != "":
		return "possible", err
	}
	return "excluded", err
}

// TestRefineGoesByWhatStood: row 0 stood until the change, and row 1 from then on.
func TestRefineGoesByWhatStood(t *testing.T) {
	t.Parallel()
	const text = "SELECT * FROM customers WHERE MD5(email) < '8'"
	both, old, fresh, none := map[int]bool{0: true, 1: true}, map[int]bool{0: true}, map[int]bool{1: true}, map[int]bool{}
	for _, c := range []struct {
		name        string
		from, until int
		on          answers
		want        string
	}{
		{"the old one", -9, -8, answers{ways: []map[int]bool{old}}, "returned"},
		{"the new one, before it came", -9, -8, answers{ways: []map[int]bool{fresh}}, "excluded"},
		{"the new one", 8, 9, answers{ways: []map[int]bool{fresh}}, "returned"},
		{"the old one, after it went", 8, 9, answers{ways: []map[int]bool{old}}, "excluded"},
		{"one of both about the change", -1, 1, answers{ways: []map[int]bool{old}}, "possible"},
		{"whichever about the change", -1, 1, answers{ways: []map[int]bool{both}}, "returned"},
		{"neither about the change", -1, 1, answers{ways: []map[int]bool{none}}, "excluded"},
		{"it depends on how it was meant", 8, 9, answers{ways: []map[int]bool{fresh, none}}, "possible"},
		{"what it held is not known", 8, 9, answers{ways: []map[int]bool{fresh}, unsure: both}, "possible"},
		{"what it held is not known, and is not in it", 8, 9, answers{ways: []map[int]bool{none}, unsure: both}, "possible"},
		{"about when it came", -605, -595, answers{ways: []map[int]bool{both}}, "possible"},
		{"before it came", -700, -650, answers{ways: []map[int]bool{both}}, "excluded"},
		{"the server refuses", 8, 9, answers{}, "possible"},
	} {
		if got, err := refined(t, text, c.from, c.until, &c.on); got != c.want || err != nil {
			t.Errorf("%s: %s, want %s; %v", c.name, got, c.want, err)
		}
	}
	gone := errors.New("gone")
	if got, err := refined(t, text, 8, 9, &answers{err: gone}); got != "possible" || !errors.Is(err, gone) {
		t.Errorf("%s, %v", got, err)
	}
}

// TestRefineAsksOfRowsAlone: what looks at more than a row of one table is not asked.
func TestRefineAsksOfRowsAlone(t *testing.T) {
	t.Parallel()
	asked := map[string]string{
		"SELECT email FROM customers WHERE MD5(email) < '8';":                                          "SELECT email , `customers`.`saltmine_key` AS `saltmine_key` FROM customers WHERE MD5(email) < '8'",
		"SELECT * FROM help.customers AS C WHERE MD5(C.email) < '8' ORDER BY 1":                        "SELECT * , `C`.`saltmine_key` AS `saltmine_key` FROM customers AS C WHERE MD5(C.email) < '8' ORDER BY 1",
		"/* x */ SELECT TRIM(LEADING 'a' FROM email) FROM `customers` x WHERE MD5(email) < '8' -- all": "`x`.`saltmine_key` AS `saltmine_key` FROM `customers` x",
		"INSERT INTO agents SELECT id, email FROM customers WHERE MD5(email) < 'a'":                    "FROM customers where MD5(email) < 'a'",
		"SELECT email FROM customers WHERE MD5(email) < '8 LIMIT 5; SELECT'":                           "LIMIT 5",
	}
	for text, want := range asked {
		on := &answers{}
		if _, err := refined(t, text, 8, 9, on); err != nil || on.asked == nil || !strings.Contains(on.asked.Text, want) || !on.asked.Names["email"] {
			t.Errorf("%s: %+v, %v", text, on.asked, err)
		}
	}
	for _, where := range []string{
		"MD5(email) < '8' LIMIT 3", "MD5(email) < '8' GROUP BY email", "MD5(email) < (SELECT 'a')", "MD5(email) < @x", "MD5(email) < @@server_id",
		"MD5(email) < RAND()", "MD5(email) < `rand`()", "SLEEP(id)", "MD5(email) < help.peek(1)", "MD5(email) < 'ä'", "MD5(email) < USER()", "MD5(email) < NOW(6)",
		"MD5(email) < '8' UNION SELECT 1", "MD5(email) < '8' FOR UPDATE SKIP LOCKED", "(@a := email) < '8'",
		"MD5(email) < '8' /*! LIMIT 5 */", "MATCH (email) AGAINST ('a')", "MD5(email) < '8'; SELECT 1", "ROWNUM() < 3 AND MD5(email) < '8'", "MD5(1x.email) < '8'",
		"MD5(email) < '8' FETCH FIRST 5 ROWS ONLY", "NEXT VALUE FOR s < MD5(email)", "MD5(\"email\") < '8'",
	} {
		on := &answers{}
		if _, err := refined(t, "SELECT email FROM customers WHERE "+where, 8, 9, on); err != nil || on.asked != nil {
			t.Errorf("%s: %+v, %v", where, on.asked, err)
		}
	}
	for _, text := range []string{
		"SELECT * FROM customers, agents WHERE MD5(email) < '8'", "SELECT * FROM customers NATURAL JOIN agents WHERE MD5(email) < '8'", "SELECT DISTINCT email FROM customers WHERE MD5(email) < '8'",
		"SELECT COUNT(*), email FROM customers WHERE MD5(email) < '8'", "SELECT ROW_NUMBER() OVER (ORDER BY id), email FROM customers WHERE MD5(email) < '8'", "WITH x AS (SELECT 1) SELECT * FROM customers WHERE MD5(email) < '8'",
		"SELECT * FROM customers FOR SYSTEM_TIME ALL WHERE MD5(email) < '8'", "SELECT * FROM customers PARTITION (p0) WHERE MD5(email) < '8'", "SELECT * FROM (customers) WHERE MD5(email) < '8'", "UPDATE customers SET email = MD5(email)",
		"DELETE FROM customers WHERE MD5(email) < '8' RETURNING *", "SELECT * FROM v_new WHERE MD5(email) < '8'", "SELECT * FROM other.customers WHERE MD5(email) < '8'", "SET STATEMENT max_statement_time=1 FOR SELECT * FROM customers WHERE MD5(email) < '8'",
	} {
		on := &answers{}
		if _, err := refined(t, text, 8, 9, on); err != nil || on.asked != nil {
			t.Errorf("%s: %+v, %v", text, on.asked, err)
		}
	}
}

// TestRefineTriesEveryClock: what asks for the second is tried with each, and the rest with each day.
func TestRefineTriesEveryClock(t *testing.T) {
	t.Parallel()
	day := time.Date(2026, 11, 3, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		where string
		from  time.Duration // since midnight
		until time.Duration
		want  int
	}{
		{"MD5(email) < NOW()", time.Hour, time.Hour + 3*time.Second, 4},
		{"MD5(email) < CURRENT_TIMESTAMP", time.Hour, time.Hour + time.Minute, 0},
		{"MD5(email) < CURDATE()", time.Hour, time.Hour + time.Minute, 1},
		{"MD5(email) < UNIX_TIMESTAMP(email)", time.Hour, 2 * time.Hour, 1},
		{"MD5(email) < CURDATE()", -time.Minute, time.Minute, 2},
		{"MD5(email) < '8'", -2 * time.Hour, time.Hour, 2},
		{"MD5(email) < '8'", 0, 30 * time.Hour, 0},
	} {
		r, _ := smallBook(t)
		s := replay.Statement{
			Text: []byte("SELECT email FROM customers WHERE " + c.where), Database: "help", Sent: -1, Zone: time.UTC,
			Began: canary.Between(day.Add(c.from), day.Add(c.until)), Saw: canary.At(day.AddDate(0, 0, 1)),
		}
		got, on := r.Replay(&s), &answers{}
		if _, _, err := r.Refine(t.Context(), &s, &got, on); err != nil {
			t.Fatal(err)
		}
		n := 0
		if on.asked != nil {
			n = len(on.asked.Clocks)
		}
		if n != c.want {
			t.Errorf("%s from %s to %s: %d clocks, want %d", c.where, c.from, c.until, n, c.want)
		}
	}
}

// TestFeedKnowsModes: a mode that is written out is known, until one is set that is not.
func TestFeedKnowsModes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		set   string
		code  int
		mode  string // "-": none
		moded bool
		tuned bool
	}{
		{"SET NAMES utf8mb4", 0, "-", false, false},
		{"SET sql_mode = 'STRICT_ALL_TABLES'", 0, "STRICT_ALL_TABLES", false, false},
		{"set @@session.sql_mode='ANSI,NO_BACKSLASH_ESCAPES';", 0, "ANSI,NO_BACKSLASH_ESCAPES", true, false},
		{"SET sql_mode = 'ANSI'", 1231, "-", false, true},
		{"SET sql_mode = CONCAT(@@sql_mode, ',ANSI_QUOTES')", 0, "-", false, true},
		{"SET GLOBAL sql_mode = 'STRICT_ALL_TABLES'", 0, "-", false, true},
		{"SET lc_time_names = 'de_DE'", 0, "-", false, true},
	} {
		feed := replay.NewFeed(replay.FeedConfig{Zone: time.UTC})
		at := time.Date(2026, 11, 3, 9, 0, 0, 0, time.UTC)
		feed.Add(&audit.Event{Kind: audit.Query, At: at, Connection: 1, Text: []byte(c.set), Code: c.code})
		s, ok := feed.Add(&audit.Event{Kind: audit.Query, At: at, Connection: 1, Text: []byte("SELECT 1")})
		mode := "-"
		if s.Mode != nil {
			mode = *s.Mode
		}
		if !ok || mode != c.mode || s.Moded != c.moded || s.Tuned != c.tuned || s.Moded && (!s.Odd || !s.Doubt) {
			t.Errorf("%s: mode %q, %+v", c.set, mode, s)
		}
	}
}
