package replay_test

import (
	"strings"
	"testing"
	"time"

	"saltmine/internal/audit"
	"saltmine/internal/audit/replay"
	"saltmine/internal/canary"
)

// TestWhatAStatementLeavesBehind runs statements one after another; the last one
// may give the canary away, or does not.
func TestWhatAStatementLeavesBehind(t *testing.T) {
	t.Parallel()
	reads := func(names ...string) []string { return names }
	for _, c := range []struct {
		before string // behind ';;' the next
		text   string
		reads  []string
		want   bool
	}{
		{"CREATE OR REPLACE TABLE kept AS SELECT * FROM customers", "SELECT * FROM kept", reads("help.kept"), true},
		{"CREATE TABLE IF NOT EXISTS help.kept AS SELECT * FROM customers", "SELECT * FROM kept", reads("help.kept"), true},
		{"CREATE TEMPORARY TABLE kept TABLE customers", "SELECT * FROM kept JOIN agents", reads("help.agents"), true},
		{"INSERT INTO agents TABLE customers", "SELECT * FROM agents", nil, true},
		{"INSERT INTO agents SELECT id, email FROM customers RETURNING id", "SELECT * FROM agents", nil, true},
		{"INSERT IGNORE INTO agents /*! SELECT id, email FROM customers */", "SELECT * FROM agents", nil, true},
		{"/*!50001 CREATE TABLE kept AS SELECT * FROM customers */", "SELECT * FROM kept", reads("help.kept"), true},
		{"UPDATE agents a, customers c SET a.name = c.email WHERE a.id = 1", "SELECT * FROM agents", nil, true},
		{"UPDATE agents SET name = (SELECT email FROM customers WHERE id = 5)", "SELECT * FROM agents", nil, true},
		{"UPDATE agents SET name = 'x' WHERE id IN (SELECT id FROM customers)", "SELECT * FROM agents", nil, false},
		{"UPDATE agents a JOIN customers c ON c.id = a.id SET a.name = 'x'", "SELECT * FROM agents", nil, false},
		{"SELECT * FROM customers INTO OUTFILE '/x';;LOAD DATA INFILE '/x' INTO TABLE agents", "SELECT * FROM agents", nil, true},
		{"LOAD DATA INFILE '/x' INTO TABLE agents", "SELECT * FROM agents", nil, false},
		{"RENAME TABLE customers TO old", "SELECT * FROM old", reads("help.old"), true},
		{"RENAME TABLE IF EXISTS agents TO ag, customers WAIT 5 TO old", "SELECT * FROM old", reads("help.old"), true},
		{"ALTER TABLE customers RENAME TO old", "SELECT * FROM old", reads("help.old"), true},
		{"ALTER TABLE customers RENAME COLUMN email TO old", "SELECT * FROM agents", nil, false},
		{"ALTER TABLE agents EXCHANGE PARTITION p0 WITH TABLE customers", "SELECT * FROM agents", nil, true},
		{"CREATE TABLE kept AS SELECT * FROM customers;;ALTER TABLE agents RENAME TO x, ALGORITHM=COPY;;RENAME TABLE kept TO agents", "SELECT * FROM agents", nil, true},
		{"CREATE OR REPLACE ALGORITHM=MERGE VIEW v_none AS SELECT * FROM customers", "SELECT * FROM v_none", nil, true},
		{"ALTER VIEW v_none AS SELECT * FROM customers", "SELECT * FROM v_none", nil, true},
		{"CREATE OR REPLACE VIEW v_none (a, b) AS SELECT id, email FROM customers", "SELECT * FROM v_none", nil, true},
		{"DROP TABLE agents;;CREATE VIEW agents (a) AS SELECT email FROM customers", "SELECT * FROM agents", nil, true},
		{"SELECT 1; CREATE TABLE kept AS SELECT * FROM customers", "SELECT * FROM kept", reads("help.kept"), true},
		{"DO 0", "SELECT * FROM v_none", nil, false},
		{"DO 0", "SELECT * FROM agents", nil, false},
		{"DO 0", "SELECT * FROM kept", reads("help.kept"), false},
		{"DO 0", "EXPLAIN EXTENDED SELECT * FROM customers WHERE id = 5", nil, true},
		{"DO 0", "DESC SELECT * FROM customers WHERE email = 'new@example.net' AND id > 90", nil, true},
		{"DO 0", "EXPLAIN SELECT * FROM customers WHERE id = 4", nil, false},
		{"DO 0", "EXPLAIN SELECT * FROM customers WHERE id > 4", nil, false},
		{"DO 0", "DELETE FROM customers WHERE id IN (SELECT id FROM agents)", nil, false},
		{"DO 0", "SELECT * FROM customers FOR SYSTEM_TIME ALL WHERE email = 'old@example.net'", nil, true},
	} {
		r, at := leavesBook(t)
		run := func(text string, reads []string) replay.Result {
			return r.Replay(&replay.Statement{
				Text: []byte(text), Database: "help", Saw: canary.At(at), Began: canary.At(at), Sent: -1, Reads: reads,
			})
		}
		for text := range strings.SplitSeq(c.before, ";;") {
			run(text, nil)
		}
		got := run(c.text, c.reads)
		if there := len(got.Possible)+len(got.Returned) > 0; there != c.want {
			t.Errorf("%s\n\tafter %s: %t (%s), want %t", c.text, c.before, there, got.Why, c.want)
		}
		if len(got.Returned) > 0 && !strings.Contains(c.before, "VIEW v_none AS") {
			t.Errorf("%s\n\tafter %s is sure", c.text, c.before)
		}
	}
}

func leavesBook(t testing.TB) (*replay.Replayer, time.Time) {
	t.Helper()
	at := time.Date(2026, 11, 3, 12, 0, 0, 0, time.UTC)
	id, email := "5", "new@example.net"
	r, err := replay.New(replay.Schema{
		Database: "help", Others: []string{"agents"}, Views: map[string]string{"v_none": "SELECT id FROM agents"},
		Tables: []replay.Table{{Name: "customers", Columns: []replay.Column{
			{Name: "id", Type: "int", Domain: 1, Unique: true, NotNull: true}, {Name: "email", Type: "varchar", Collation: "utf8mb4_general_ci", Unique: true},
		}}},
	}, []replay.Row{{Canary: "c_1", Table: "customers", Key: "5", Values: []*string{&id, &email}, Window: canary.Window{Place: "db:main", From: canary.At(at.Add(-time.Hour))}}})
	if err != nil {
		t.Fatal(err)
	}
	return r, at
}

// TestWhatASessionMakesOfATextIsNotGuessed goes through sessions in which a
// statement means something else than its text says, and statements of which the
// log has the beginning.
func TestWhatASessionMakesOfATextIsNotGuessed(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 3, 12, 0, 0, 0, time.UTC)
	query := func(text string) audit.Event {
		return audit.Event{Kind: audit.Query, At: at, Connection: 7, Sequence: 9, Database: "help", Text: []byte(text), RowsSent: audit.Unknown}
	}
	touch := func(kind audit.Kind, table string) audit.Event {
		return audit.Event{Kind: kind, At: at, Connection: 7, Sequence: 9, Database: "help", Object: table}
	}
	cut := query("DELETE FROM customers WHERE id IN (5, 6")
	cut.Truncated = true
	count := query("SELECT COUNT(*) FROM customers              ")
	count.Truncated = true
	update := query("UPDATE customers SET email = 'x")
	update.Truncated = true
	failed := query("SELECT * FROM customers")
	failed.Code = audit.Unknown
	for _, c := range []struct {
		why            string
		events         []audit.Event
		returned, want bool
	}{
		{"nothing odd", []audit.Event{query("SELECT * FROM customers WHERE NOT id BETWEEN 5 AND 9")}, false, false},
		{"HIGH_NOT_PRECEDENCE", []audit.Event{query("SET sql_mode='HIGH_NOT_PRECEDENCE'"), query("SELECT * FROM customers WHERE NOT id BETWEEN 5 AND 9")}, false, true},
		{"NO_BACKSLASH_ESCAPES", []audit.Event{query("SET SESSION sql_mode='NO_BACKSLASH_ESCAPES'"), query(`SELECT * FROM customers WHERE email = '\' OR 1 -- '`)}, false, true},
		{"ANSI_QUOTES", []audit.Event{query("SET sql_mode='ANSI'"), query(`SELECT c.* FROM customers c JOIN agents a WHERE "level" = 5`)}, false, true},
		{"a mode, and no text", []audit.Event{query("SET sql_mode='ANSI'"), query("SELECT * FROM customers WHERE id = 4")}, false, false},
		{"sql_auto_is_null", []audit.Event{query("SET sql_auto_is_null=1"), query("SELECT * FROM customers WHERE id IS NULL")}, false, true},
		{"a two-byte character set", []audit.Event{query("SET NAMES gbk"), query("SELECT * FROM customers WHERE email = '\xbf\\' OR 1 -- '")}, false, true},
		{"a clock that was set", []audit.Event{query("SET timestamp=1000000000"), query("SELECT * FROM customers WHERE NOW() < '2002-01-01'")}, false, true},
		{"no code", []audit.Event{failed}, false, true},
		{"DELETE … RETURNING", []audit.Event{touch(audit.Write, "customers"), touch(audit.Read, "agents"), query("DELETE FROM customers WHERE id IN (SELECT id FROM agents) RETURNING *")}, false, true},
		{"DELETE that is cut off", []audit.Event{touch(audit.Write, "customers"), cut}, false, true},
		{"DELETE of others that is cut off", []audit.Event{touch(audit.Write, "agents"), cut}, false, false},
		{"a change that is cut off", []audit.Event{touch(audit.Write, "customers"), update}, false, false},
		{"a count that is cut off", []audit.Event{count}, false, true},
		{"a plain look", []audit.Event{touch(audit.Read, "customers"), query("SELECT * FROM customers")}, true, true},
	} {
		r, _ := leavesBook(t)
		feed := replay.NewFeed(replay.FeedConfig{Zone: time.UTC, Slack: time.Second, Longest: time.Second})
		var got replay.Result
		for i := range c.events {
			if s, ok := feed.Add(&c.events[i]); ok {
				got = r.Replay(&s)
			}
		}
		if there := len(got.Possible)+len(got.Returned) > 0; there != c.want || len(got.Returned) > 0 != c.returned {
			t.Errorf("%s: %d returned, %d possible (%s)", c.why, len(got.Returned), len(got.Possible), got.Why)
		}
	}
}

// TestAFloodOfTablesHidesNone: the tables of one statement are remembered
// together or not at all.
func TestAFloodOfTablesHidesNone(t *testing.T) {
	t.Parallel()
	feed := replay.NewFeed(replay.FeedConfig{})
	touch := func(n int, table string) {
		feed.Add(&audit.Event{Kind: audit.Read, Connection: 7, Sequence: uint64(n), Database: "help", Object: table})
	}
	for n := range 1000 {
		touch(n, "customers")
		touch(n+1, "customers")
		touch(n, "agents")
	}
	for n := range 1000 {
		s, _ := feed.Add(&audit.Event{Kind: audit.Query, Connection: 7, Sequence: uint64(n), Text: []byte("SELECT 1")})
		if len(s.Reads) == 1 && s.Reads[0] == "help.agents" {
			t.Fatalf("of statement %d only %v is known", n, s.Reads)
		}
	}
}
