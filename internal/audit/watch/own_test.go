package watch_test

import (
	"testing"
	"time"

	"saltmine/internal/audit"
)

// TestOnlyOurSessionsAreOurs: what the seeder's account reads counts, unless it was read in
// a session that we opened, while we had it.
func TestOnlyOurSessionsAreOurs(t *testing.T) {
	t.Parallel()
	as := func(user, host string, connection uint64, later time.Duration) func(*audit.Event) {
		return func(e *audit.Event) {
			e.User, e.Host, e.Connection, e.At = user, host, connection, e.At.Add(later)
		}
	}
	connects := func(e *audit.Event) { e.Kind = audit.Connect }
	for name, c := range map[string]struct {
		asks func(*audit.Event)
		also func(*audit.Event) // before it
		ours bool
	}{
		"ours":                          {as("saltmine", "core", 7, 0), nil, true},
		"ours, an hour later":           {as("saltmine", "core", 7, time.Hour), nil, true},
		"its number has a greater half": {as("saltmine", "core", 1<<32+7, 0), nil, true},
		"the application's":             {as("saltmine", "core", 8, 0), nil, false},
		"another host":                  {as("saltmine", "laptop", 7, 0), nil, false},
		"another account":               {as("eve", "core", 7, 0), nil, false},
		"before we opened it":           {as("saltmine", "core", 7, -time.Minute), nil, false},
		"days later":                    {as("saltmine", "core", 7, 50*time.Hour), nil, false},
		"whenever":                      {func(e *audit.Event) { as("saltmine", "core", 7, 0)(e); e.At = time.Time{} }, nil, false},
		"after it ended": {as("saltmine", "core", 7, time.Hour), func(e *audit.Event) {
			as("saltmine", "core", 7, time.Minute)(e)
			e.Kind = audit.Disconnect
		}, false},
		"after the server began anew": {as("saltmine", "core", 7, time.Hour), func(e *audit.Event) {
			as("saltmine", "core", 7, 50*time.Minute)(e)
			connects(e)
		}, false},
		"after it began": {as("saltmine", "core", 7, time.Second), func(e *audit.Event) {
			as("saltmine", "core", 7, 0)(e)
			connects(e)
		}, true},
		"after somebody wrote that it ended": {as("saltmine", "core", 7, time.Hour), func(e *audit.Event) {
			as("saltmine", "core", 7, time.Minute)(e)
			e.Kind, e.Low = audit.Disconnect, true
		}, true},
	} {
		for _, imported := range []bool{false, true} {
			w := behind(t)
			if err := w.reg.NoteSession(t.Context(), "db:main", 7); err != nil {
				t.Fatal(err)
			}
			if err := w.reg.NoteSession(t.Context(), "db:other", 8); err != nil {
				t.Fatal(err)
			}
			if c.also != nil {
				w.asks("", "", c.also)
			}
			w.asks("", all, c.asks)
			if imported {
				w.imports(false)
			} else {
				w.pass(w.start())
			}
			if got := w.filed(); (got == "") != c.ours {
				t.Errorf("%s, imported %t: %q", name, imported, got)
			}
		}
	}
}

// TestASessionNotedLater: sessions that are opened while the log is followed are ours, too.
func TestASessionNotedLater(t *testing.T) {
	t.Parallel()
	w := behind(t)
	on := w.start()
	for n := uint32(5); n < 8; n++ {
		w.now = w.now.Add(3 * time.Hour)
		if err := w.reg.NoteSession(t.Context(), "db:main", n); err != nil {
			t.Fatal(err)
		}
		w.asks("saltmine", all, func(e *audit.Event) { e.Host, e.Connection = "core", uint64(n) })
		w.pass(on)
	}
	if got := w.filed(); got != "" {
		t.Errorf("what we read is filed: %s", got)
	}
}
