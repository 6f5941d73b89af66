package cover_test

import (
	"strings"
	"testing"
	"time"

	"saltmine/internal/audit"
	"saltmine/internal/audit/cover"
	"saltmine/internal/canary"
)

func at(text string) time.Time {
	t, err := time.Parse("2 15:04", text)
	if err != nil {
		panic(err)
	}
	return time.Date(2026, 11, t.Day(), t.Hour(), t.Minute(), 0, 0, time.UTC)
}

func log(name, first, last string, change ...func(*canary.LogHealth)) canary.LogHealth {
	l := canary.LogHealth{Place: "db:main", Log: name, First: at(first), Last: at(last), Events: 100}
	for _, fn := range change {
		fn(&l)
	}
	return l
}

func TestOver(t *testing.T) {
	t.Parallel()
	access := cover.Span{Place: "db:main", From: at("2 00:00"), Until: at("4 00:00")}
	bad := func(l *canary.LogHealth) {
		l.Gaps = []canary.LogStep{{From: at("2 10:00"), Until: at("2 19:00")}, {From: at("3 01:00"), Until: at("3 03:00")}, {From: at("8 10:00"), Until: at("9 19:00")}}
		l.Backwards, l.Steps = 2, []canary.LogStep{{From: at("3 09:10"), Until: at("3 08:10")}}
		l.Malformed, l.Pieces = 3, []canary.BadPiece{{Line: 7, Raw: []byte("secret")}}
		l.Lost, l.Losses = 1, []canary.LogLoss{{After: at("3 22:00"), Found: at("3 23:00")}}
	}
	elsewhere := func(l *canary.LogHealth) { l.Place = "db:other" }
	for name, c := range map[string]struct {
		logs  []canary.LogHealth
		said  []string
		never string
		open  int
	}{
		"none":       {nil, []string{"No audit log that was read covers the time of the access"}, "Log ", 1},
		"too early":  {[]canary.LogHealth{log("a", "1 00:00", "1 23:00")}, []string{"No audit log that was read covers"}, "Log a", 1},
		"too late":   {[]canary.LogHealth{log("a", "4 00:00", "6 23:00")}, []string{"No audit log that was read covers"}, "Log a", 1},
		"elsewhere":  {[]canary.LogHealth{log("a", "1 00:00", "6 23:00", elsewhere)}, []string{"No audit log that was read covers"}, "Log a", 1},
		"all":        {[]canary.LogHealth{log("a", "1 00:00", "5 00:00")}, []string{"Log a covers 2026-11-01 00:00 UTC to 2026-11-05 00:00 UTC, no gap of an hour."}, "No ", 0},
		"two":        {[]canary.LogHealth{log("b", "3 00:00", "5 00:00"), log("a", "1 00:00", "3 00:00")}, []string{"Log a covers", "Log b covers"}, "No ", 0},
		"the middle": {[]canary.LogHealth{log("a", "2 12:00", "3 12:00")}, []string{"No log that was read covers 2026-11-02 00:00 UTC to 2026-11-02 12:00 UTC at db:main", "covers 2026-11-03 12:00 UTC to 2026-11-04 00:00 UTC"}, "No audit log", 2},
		"within":     {[]canary.LogHealth{log("a", "1 00:00", "5 00:00"), log("b", "2 12:00", "2 13:00")}, nil, "No ", 0},
		"bad": {[]canary.LogHealth{log("a\x1b[2J", "1 00:00", "9 23:00", bad)}, []string{
			"Log a?[2J covers", "2 gaps of an hour and more (longest 9h0m0s, from 2026-11-02 10:00 UTC)", "its clock went back 2 times (by 1h0m0s, before 2026-11-03 09:10 UTC)",
			"3 pieces not understood", "a part is missing that was written between 2026-11-03 22:00 UTC and 2026-11-03 23:00 UTC",
		}, "secret", 0},
	} {
		r := cover.Over(c.logs, []cover.Span{access})
		said := strings.Join(r.Said, "\n")
		for _, want := range c.said {
			if !strings.Contains(said, want) {
				t.Errorf("%s: no %q in\n%s", name, want, said)
			}
		}
		if strings.Contains(said, c.never) || len(r.Open) != c.open {
			t.Errorf("%s: %q, or %+v:\n%s", name, c.never, r.Open, said)
		}
		for _, l := range r.Logs {
			for _, p := range l.Pieces {
				if p.Raw != nil {
					t.Errorf("%s: bytes of the log are told", name)
				}
			}
		}
	}
	if r := cover.Over([]canary.LogHealth{log("a", "1 00:00", "5 00:00")}, nil); len(r.Said) > 0 {
		t.Errorf("of no time: %q", r.Said)
	}
}

// TestJoin reads a log in one go, and in two.
func TestJoin(t *testing.T) {
	t.Parallel()
	times := []string{"1 10:00", "1 10:30", "1 13:00", "1 12:50", "1 20:00", "1 20:10"}
	read := func(list []string) canary.LogHealth {
		h := audit.NewHealth(audit.ServerAudit)
		var pieces []canary.BadPiece
		for _, s := range list {
			h.See(&audit.Event{At: at(s), Precision: time.Second, Kind: audit.Query})
			f := &audit.Fault{Reason: "no event", Raw: make([]byte, 4096)}
			h.Fault()
			pieces = cover.AddPiece(pieces, f, h.Last)
		}
		return cover.Of(h, pieces)
	}
	whole := read(times)
	if len(whole.Gaps) != 2 || whole.Backwards != 1 || len(whole.Steps) != 1 || len(whole.Pieces) != 6 || len(whole.Pieces[0].Raw) != canary.MaxBadBytes {
		t.Fatalf("%+v", whole)
	}
	for cut := range times[1:] {
		if cut == 3 {
			continue // between what it went back by nobody sees that it did
		}
		parts := cover.Join(cover.Join(canary.LogHealth{ID: "l_1", Log: "db1"}, read(times[:cut])), read(times[cut:]))
		if parts.ID != "l_1" || parts.Log != "db1" || !parts.First.Equal(whole.First) || !parts.Last.Equal(whole.Last) || parts.Events != whole.Events || parts.Malformed != 6 {
			t.Errorf("in two at %d: %+v", cut, parts)
		}
		if len(parts.Gaps) != 2 || parts.Gaps[0].Length() != 7*time.Hour || parts.Backwards != 1 {
			t.Errorf("in two at %d: gaps %+v, back %d", cut, parts.Gaps, parts.Backwards)
		}
	}
	many := canary.LogHealth{}
	for range 30 {
		one := canary.LogHealth{Gaps: whole.Gaps, Steps: whole.Steps, Pieces: whole.Pieces, Lost: 1, Losses: []canary.LogLoss{{Found: at("1 10:00")}}}
		many = cover.Join(many, one)
	}
	if len(many.Gaps) > canary.MaxLogSteps || len(many.Steps) > canary.MaxLogSteps || len(many.Pieces) > canary.MaxBadPieces || len(many.Losses) > canary.MaxLogSteps || many.Lost != 30 {
		t.Errorf("without a bound: %d gaps, %d steps, %d pieces, %d losses of %d", len(many.Gaps), len(many.Steps), len(many.Pieces), len(many.Losses), many.Lost)
	}
}
