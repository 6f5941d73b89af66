package audit_test

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"saltmine/internal/audit"
)

// TestRecords reads a log of each format that is no line of text: as they stand in
// the documentation of those who write them, with what goes wrong added: cut by a
// crash, not ended yet, with nonsense between.
func TestRecords(t *testing.T) {
	t.Parallel()
	for name, format := range map[string]audit.Format{
		"filter.json": audit.FilterJSON, "filter.jsonl": audit.FilterJSON, "percona.json": audit.PerconaJSON, "percona_old.xml": audit.PerconaXML,
		"percona_new.xml": audit.PerconaXML, "percona.csv": audit.PerconaCSV, "proxysql.json": audit.ProxySQL, "exports.csv": audit.CSV, "reports.jsonl": audit.JSONL,
	} {
		golden(t, name, audit.Config{Zone: zone(t, "Europe/Berlin")})
		text, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		if got := audit.Detect(text); got != format {
			t.Errorf("%s is detected as %q", name, got)
		}
	}
}

// TestOneStatementOfTwoClasses: a filter that logs all has each statement as an event of
// general and as one of query. It is one, of the account that any event of its connection
// names.
func TestOneStatementOfTwoClasses(t *testing.T) {
	t.Parallel()
	const (
		log    = `{"timestamp":"2026-04-03 10:43:5S","id":N,"class":"general","event":"log","connection_id":11,"account":{"user":"root[root] @ localhost []","host":"localhost"},"general_data":{"command":"Query","query":"TEXT","status":0}}`
		status = `{"timestamp":"2026-04-03 10:43:5S","id":N,"class":"general","event":"status","connection_id":11,"account":{"user":"root[root] @ localhost []","host":"localhost"},"general_data":{"command":"Query","query":"TEXT","status":0}}`
		end    = `{"timestamp":"2026-04-03 10:43:5S","id":N,"class":"query","event":"query_status_end","connection_id":11,"query_data":{"query":"TEXT","status":0,"sql_command":"select"}}`
		nested = `{"timestamp":"2026-04-03 10:43:5S","id":N,"class":"query","event":"query_nested_status_end","connection_id":11,"query_data":{"query":"TEXT","status":0,"sql_command":"select"}}`
	)
	for name, c := range map[string]struct {
		records []string // with their second, and text behind a blank
		want    string
	}{
		"both":                   {[]string{"1a " + log, "1a " + end, "1a " + status}, "root@localhost a"},
		"the other way around":   {[]string{"1a " + status, "1a " + end}, "root@localhost a"},
		"a second later":         {[]string{"1a " + log, "1a " + end, "2a " + status}, "root@localhost a"},
		"twice":                  {[]string{"1a " + log, "1a " + end, "1a " + status, "1a " + end, "1a " + status}, "root@localhost a root@localhost a"},
		"long after":             {[]string{"1a " + status, "9a " + end}, "root@localhost a root@localhost a"},
		"query alone":            {[]string{"1a " + log, "1a " + end, "1b " + end}, "root@localhost a root@localhost b"},
		"general alone":          {[]string{"1a " + status, "1a " + status}, "root@localhost a root@localhost a"},
		"named by the last only": {[]string{"1a " + end, "1a " + status}, "@ a root@localhost a"},
		"of a procedure":         {[]string{"1c " + log, "1a " + nested, "1b " + nested, "1c " + end, "1c " + status}, "root@localhost a root@localhost b root@localhost c"},
	} {
		var b strings.Builder
		b.WriteString("[\n")
		for n, r := range c.records {
			b.WriteString(strings.NewReplacer("5S", "5"+r[:1], "TEXT", r[1:2], ":N,", ":"+string(rune('0'+n))+",").Replace(r[3:]) + ",\n")
		}
		for _, cut := range []bool{false, true} { // read on by another reader in the middle
			var got []string
			for _, e := range readParts(t, b.String(), cut) {
				if e.Kind == audit.Query {
					got = append(got, e.User+"@"+e.Host, string(e.Text))
				}
			}
			if text := strings.Join(got, " "); text != c.want {
				t.Errorf("%s, cut %t: %s, want %s", name, cut, text, c.want)
			}
		}
	}
}

// readParts reads a log, with a new reader for each event when it is cut.
func readParts(t *testing.T, text string, cut bool) (list []audit.Event) {
	t.Helper()
	var from audit.State
	for {
		r, err := audit.Open(strings.NewReader(text), audit.Config{Format: audit.FilterJSON, From: from})
		if err != nil {
			t.Fatal(err)
		}
		e, err := r.Next()
		for ; err == nil; e, err = r.Next() {
			list = append(list, *e.Clone())
			if cut {
				break
			}
		}
		from = r.State()
		r.Close()
		if errors.Is(err, io.EOF) {
			return list
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestColumns(t *testing.T) {
	t.Parallel()
	const table = "when,wer,was,zeilen\n"
	for _, c := range []struct{ layout, stamp, want string }{
		{"02.01.2006 15:04", "01.03.2026 09:30", "2026-03-01T08:30:00Z"},
		{"2006-01-02T15:04Z07:00", "2026-03-01T09:30+02:00", "2026-03-01T07:30:00Z"},
		{"unix", "1772353800", "2026-03-01T08:30:00Z"},
		{"unixms", "1772353800000", "2026-03-01T08:30:00Z"},
		{"unixus", "1772353800000000", "2026-03-01T08:30:00Z"},
		{"", "1772353800", "2026-03-01T08:30:00Z"},
	} {
		e := one(t, table+c.stamp+",eve,Kunden,5\n", audit.Config{
			Format: audit.CSV, Zone: zone(t, "Europe/Berlin"),
			Columns: audit.Columns{At: "When", User: "wer", Object: "was", Rows: "zeilen", Layout: c.layout},
		})
		if e.At.Format(time.RFC3339) != c.want || e.User != "eve" || e.Object != "Kunden" || e.RowsSent != 5 || e.Kind != audit.Export {
			t.Errorf("%q: %s", c.layout, describe(e))
		}
	}
	_, faults, err := read(t, strings.NewReader("a,b\n1,2\n"), audit.Config{Format: audit.CSV})
	if err != nil || len(faults) != 2 {
		t.Errorf("no time in the heading: %v, %v", faults, err)
	}
}
