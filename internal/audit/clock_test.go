package audit_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"saltmine/internal/audit"
)

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

// TestDoubledHour is the night of 25 October 2026 in Berlin: 02:00 to 03:00 comes
// twice. Numbers are statements, 0 is a connection.
func TestDoubledHour(t *testing.T) {
	t.Parallel()
	const first, second = "+1h0m1s", "+1s"
	for name, steps := range map[string][]struct {
		wall   string
		number int
		want   string // in UTC, and how sure
	}{
		"a busy night": {
			{"01:59:59", 10, "23:59:59+1s"},
			{"02:00:00", 11, "00:00:00" + first},
			{"02:59:59", 12, "00:59:59" + first},
			{"02:00:00", 13, "01:00:00" + second}, // seen to turn back
			{"02:30:00", 0, "01:30:00" + second},
			{"02:50:00", 9, "00:50:00" + first}, // a long statement's line: it began in either
			{"02:59:59", 14, "01:59:59" + second},
			{"03:00:00", 15, "02:00:00+1s"},
		},
		"long statements are no turned clock": {
			{"02:40:00", 11, "00:40:00" + first},
			{"02:01:00", 7, "00:01:00" + first},
			{"02:41:00", 12, "00:41:00" + first},
			{"02:40:30", 0, "00:40:30" + first},
		},
		"connections alone": {
			{"02:40:00", 0, "00:40:00" + first},
			{"02:10:00", 0, "01:10:00" + second},
		},
		"a log that begins then": {
			{"02:10:00", 5, "00:10:00" + first},
			{"02:20:00", 6, "00:20:00" + first},
			{"03:10:00", 7, "02:10:00+1s"},
		},
	} {
		var log strings.Builder
		for _, s := range steps {
			op := "READ,help,customers,"
			if s.number == 0 {
				op = "CONNECT,help,,0"
			}
			fmt.Fprintf(&log, "20261025 %s,vm,root,localhost,8,%d,%s\n", s.wall, s.number, op)
		}
		events := readText(t, log.String(), audit.Config{Zone: zone(t, "Europe/Berlin")})
		for i, s := range steps {
			if got := events[i].At.Format("15:04:05") + "+" + events[i].Precision.String(); got != s.want {
				t.Errorf("%s: step %d, %s: %s, want %s", name, i, s.wall, got, s.want)
			}
			if events[i].Stamp != "20261025 "+s.wall {
				t.Errorf("stamp %q", events[i].Stamp)
			}
		}
	}
}

func TestClockThroughTheYear(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		zone, wall, want string
		precision        time.Duration
	}{
		{"UTC", "20261025 02:30:00", "2026-10-25T02:30:00Z", time.Second},
		{"Europe/Berlin", "20260701 12:00:00", "2026-07-01T10:00:00Z", time.Second},
		{"Europe/Berlin", "20261231 23:59:59", "2026-12-31T22:59:59Z", time.Second},
		{"Europe/Berlin", "20260329 01:59:59", "2026-03-29T00:59:59Z", time.Second},
		{"Europe/Berlin", "20260329 03:00:00", "2026-03-29T01:00:00Z", time.Second},
		{"Europe/Berlin", "20260329 02:30:00", "2026-03-29T00:30:00Z", time.Hour + time.Second}, // no such time there
		{"America/New_York", "20261101 00:59:59", "2026-11-01T04:59:59Z", time.Second},
		{"America/New_York", "20261101 01:30:00", "2026-11-01T05:30:00Z", time.Hour + time.Second},
		{"America/New_York", "20261101 02:00:00", "2026-11-01T07:00:00Z", time.Second},
		{"Australia/Lord_Howe", "20260405 01:45:00", "2026-04-04T14:45:00Z", 30*time.Minute + time.Second},
		{"Asia/Kolkata", "20260405 01:45:00", "2026-04-04T20:15:00Z", time.Second},
	} {
		e := one(t, c.wall+",vm,root,localhost,8,22,READ,help,customers,", audit.Config{Zone: zone(t, c.zone)})
		if got := e.At.Format(time.RFC3339); got != c.want || e.Precision != c.precision {
			t.Errorf("%s in %s: %s+%s, want %s+%s", c.wall, c.zone, got, e.Precision, c.want, c.precision)
		}
	}
}
