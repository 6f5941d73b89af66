package audit_test

import (
	"strings"
	"testing"
	"time"

	"saltmine/internal/audit"
)

func sample() audit.Event {
	return audit.Event{
		At: time.Date(2026, 11, 22, 15, 1, 40, 0, time.UTC), Precision: time.Second, Stamp: "20261122 15:01:40",
		Kind: audit.Query, Op: "QUERY", Server: "vm", User: "root", Host: "localhost", Connection: 8, Sequence: 22,
		Database: "help", Text: []byte("select secret"), RowsSent: audit.Unknown, RowsExamined: audit.Unknown,
	}
}

func TestDigestIsOfWhatTheLogTells(t *testing.T) {
	t.Parallel()
	first := sample()
	same := sample()
	same.At, same.Precision, same.Where = same.At.Add(time.Hour), time.Minute, audit.Where{File: "other", Offset: 7, Line: 2}
	same.Low, same.Truncated = true, true
	if first.Digest() != same.Digest() {
		t.Error("another file, zone or place makes another event")
	}
	for name, change := range map[string]func(*audit.Event){
		"stamp":      func(e *audit.Event) { e.Stamp = "20261122 15:01:41" },
		"kind":       func(e *audit.Event) { e.Kind = audit.Read },
		"op":         func(e *audit.Event) { e.Op = "READ" },
		"server":     func(e *audit.Event) { e.Server = "vm2" },
		"user":       func(e *audit.Event) { e.User = "roo" },
		"moved":      func(e *audit.Event) { e.User, e.Host = "rootl", "ocalhost" },
		"connection": func(e *audit.Event) { e.Connection++ },
		"sequence":   func(e *audit.Event) { e.Sequence++ },
		"database":   func(e *audit.Event) { e.Database = "" },
		"object":     func(e *audit.Event) { e.Object = "customers" },
		"text":       func(e *audit.Event) { e.Text = []byte("select") },
		"code":       func(e *audit.Event) { e.Code = 1146 },
		"rows":       func(e *audit.Event) { e.RowsSent = 3 },
		"repeat":     func(e *audit.Event) { e.Repeat = 1 },
	} {
		other := sample()
		if change(&other); other.Digest() == first.Digest() {
			t.Errorf("another %s is the same event", name)
		}
	}
}

func TestCloneOutlives(t *testing.T) {
	t.Parallel()
	e := sample()
	c := e.Clone()
	e.Text[0] = 'X'
	if string(c.Text) != "select secret" {
		t.Errorf("the clone changed with the event: %q", c.Text)
	}
}

func TestFaultDoesNotPrintTheLog(t *testing.T) {
	t.Parallel()
	f := &audit.Fault{Where: audit.Where{File: "a.log", Offset: 12, Line: 3}, Length: 9, Reason: "no time", Raw: []byte("a secret!")}
	if got := f.Error(); got != "a.log, line 3 (byte 12): no time (9 bytes)" || strings.Contains(got, "secret") {
		t.Error(got)
	}
}
