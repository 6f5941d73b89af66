package replay_test

import (
	"database/sql"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"saltmine/internal/audit"
	"saltmine/internal/audit/replay"
	"saltmine/internal/canary"
	"saltmine/internal/testkit"
)

// TestAFeedOfARealLog has MariaDB's own audit plugin log what is asked, and
// compares what replay makes of the log with the keys that the server returned.
func TestAFeedOfARealLog(t *testing.T) {
	t.Parallel()
	server := testkit.MariaDB(t)
	w := newWorldOn(t, server, 11)
	for i := range w.rows { // the log has whole seconds
		w.rows[i].Window.From = canary.At(w.planted.Add(-time.Hour))
	}
	path := filepath.Join(t.TempDir(), "server_audit.log")
	w.exec(t, "INSTALL SONAME 'server_audit'")
	w.exec(t, "SET GLOBAL server_audit_file_path='"+path+"', server_audit_query_log_limit=65536, server_audit_logging=ON")
	truth := map[string][]canary.ID{}
	for range 4 {
		for _, s := range slices.Concat(w.usual(), w.statements()) {
			if list, err := w.ask(t.Context(), s.text); err == nil && !strings.Contains(s.text, "list_all") {
				truth[s.text] = w.returned(list)
			}
		}
	}
	w.prepared(t, truth)
	w.exec(t, "DO 0") // a server answers first and logs then
	w.exec(t, "SET GLOBAL server_audit_logging=OFF")

	r, err := replay.New(w.schema, w.rows)
	if err != nil {
		t.Fatal(err)
	}
	replayed := 0
	for _, s := range statementsOf(t, path) {
		want, known := truth[string(s.Text)]
		if !known {
			continue
		}
		replayed++
		got := r.Replay(&s)
		for _, id := range want {
			if !slices.Contains(got.Returned, id) && !slices.Contains(got.Possible, id) {
				t.Errorf("the server returned %s, excluded by replay: %s", id, s.Text)
			}
		}
		for _, id := range got.Returned {
			if !slices.Contains(want, id) {
				t.Errorf("replay says that %s was returned, which it was not: %s", id, s.Text)
			}
		}
		if strings.Contains(string(s.Text), "v_hidden") && (len(got.Possible) == 0 || !slices.Contains(s.Reads, w.database+".customers")) {
			t.Errorf("a view that is not known: read %v, possible %d", s.Reads, len(got.Possible))
		}
		if strings.HasPrefix(string(s.Text), "SELECT o.id FROM orders") && len(got.Possible) != 0 {
			t.Errorf("other tables: %d possible", len(got.Possible))
		}
	}
	if replayed < len(truth) {
		t.Errorf("%d statements came out of the log, %d were sent", replayed, len(truth))
	}
}

// prepared asks by statements that the server prepares, which it logs with their
// values.
func (w *world) prepared(t *testing.T, truth map[string][]canary.ID) {
	t.Helper()
	dsn := strings.NewReplacer("parseTime=true", "parseTime=false", "interpolateParams=true", "interpolateParams=false").Replace(w.dsn)
	db, err := sql.Open("mysql", dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	other := *w
	other.conn = conn
	for _, country := range []string{"US", "DE"} {
		list := other.query(t, "SELECT id AS kc, email FROM customers WHERE country = ? AND id > ?", country, 200)
		truth["SELECT id AS kc, email FROM customers WHERE country = '"+country+"' AND id > 200"] = w.returned(list)
	}
}

// statementsOf reads a log through the house's reader and the feed.
func statementsOf(t *testing.T, path string) (list []replay.Statement) {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	r, err := audit.Open(file, audit.Config{File: path, TextLimit: 65536})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	feed := replay.NewFeed(replay.FeedConfig{Zone: time.UTC, Slack: time.Second, Longest: time.Second})
	for {
		e, err := r.Next()
		if errors.Is(err, io.EOF) {
			feed.End()
			for _, o := range feed.Orphans() { // what is prepared only, for example
				t.Errorf("a server that logs statements has %v read by none: %s", o.Statement.Reads, o.Event.Where)
			}
			return list
		}
		if err != nil {
			t.Fatal(err)
		}
		if s, ok := feed.Add(e); ok {
			s.Text = slices.Clone(s.Text)
			list = append(list, s)
		}
	}
}

// TestSessionsSeeWhatTheyBeganWith goes through what a session's statements
// change for those after them.
func TestSessionsSeeWhatTheyBeganWith(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, 11, 3, 12, 0, 0, 0, time.UTC)
	const longest = time.Minute
	for _, c := range []struct {
		before          string
		earliest        time.Time
		doubt, zoneless bool
	}{
		{"SELECT 1", noon.Add(-longest), false, false},
		{"START TRANSACTION /*!40100 WITH CONSISTENT SNAPSHOT */", noon.Add(-time.Hour), false, false},
		{"SET autocommit=0", noon.Add(-time.Hour), false, false},
		{"SET sql_select_limit=1000", noon.Add(-longest), true, false},
		{"/*!40101 SET SQL_MODE='ANSI_QUOTES' */", noon.Add(-longest), true, false},
		{"SET sql_mode='STRICT_TRANS_TABLES'", noon.Add(-longest), false, false},
		{"CREATE TEMPORARY TABLE customers (id INT)", noon.Add(-longest), true, false},
		{"SET time_zone = '-05:00'", noon.Add(-longest), false, true},
	} {
		feed := replay.NewFeed(replay.FeedConfig{Zone: time.UTC, Longest: longest})
		query := func(at time.Time, text string) replay.Statement {
			s, ok := feed.Add(&audit.Event{Kind: audit.Query, At: at, Connection: 7, Sequence: 1, Text: []byte(text), RowsSent: audit.Unknown})
			if !ok {
				t.Errorf("%s is no statement", text)
			}
			return s
		}
		query(noon.Add(-time.Hour), c.before)
		s := query(noon, "SELECT * FROM customers")
		if !s.Saw.Earliest.Equal(c.earliest) || s.Doubt != c.doubt || (s.Zone == nil) != c.zoneless {
			t.Errorf("after %s: saw from %s, doubt %t, zone %v", c.before, s.Saw.Earliest, s.Doubt, s.Zone)
		}
		feed.Add(&audit.Event{Kind: audit.Disconnect, Connection: 7})
		if s := query(noon, "SELECT 1"); s.Doubt || s.Zone == nil || !s.Saw.Earliest.Equal(noon.Add(-longest)) {
			t.Errorf("after %s: the next session has what the last one set", c.before)
		}
	}
}
