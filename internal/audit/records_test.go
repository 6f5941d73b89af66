package audit_test

import (
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
