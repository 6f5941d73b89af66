package audit_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"saltmine/internal/audit"
)

func healthOf(t *testing.T, log string, cfg audit.Config) *audit.Health {
	t.Helper()
	if cfg.Format == "" {
		cfg.Format = audit.ServerAudit
	}
	h := audit.NewHealth(cfg.Format)
	events, faults, err := read(t, strings.NewReader(log), cfg)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range events {
		h.See(e)
	}
	for range faults {
		h.Fault()
	}
	return h
}

func TestHealthOfAGoodLog(t *testing.T) {
	t.Parallel()
	h := healthOf(t, string(sampleLog(t)), audit.Config{})
	if h.Events != int64(bytes.Count(sampleLog(t), []byte("\n"))) || h.Faults+h.NoTime+h.Uncertain+h.Low+h.Backwards+h.Restarts+h.MissingConnections+h.Unannounced != 0 || h.Silences != nil {
		t.Errorf("%+v", h)
	}
	if h.Truncated != 5 || h.First.Format(time.TimeOnly) != "07:46:38" || h.Last.Format(time.TimeOnly) != "07:46:39" {
		t.Errorf("%+v", h)
	}
}

func TestHealth(t *testing.T) {
	t.Parallel()
	line := func(stamp, rest string) string { return "20261122 " + stamp + ",vm,root,localhost," + rest + "\n" }
	log := line("10:00:00", "5,0,CONNECT,,,0") +
		line("10:00:01", "5,10,QUERY,h,'a',0") +
		line("09:00:00", "5,7,QUERY,h,'long, begun before',0") + // no turned clock
		line("12:30:01", "5,11,QUERY,h,'b',0") + // two and a half hours of silence
		line("12:29:00", "5,12,QUERY,h,'c',0") + // a minute back
		line("12:28:59", "5,13,QUERY,h,'d',0") + // a second is nothing
		line("12:20:00", "5,14,QUERY,h,'e',0") + // worse
		line("13:40:00", "9,0,CONNECT,,,0") + // 6, 7 and 8 are missing
		line("13:40:00", "7,0,CONNECT,,,0") + // 7 is late
		line("13:40:01", "4,15,QUERY,h,'who',0") +
		"nonsense\n" +
		line("13:50:00", "3,0,CONNECT,,,0") + // begun anew
		line("13:50:01", "3,2,QUERY,h,'f',0")
	h := healthOf(t, log, audit.Config{File: "a.log"})
	if h.Faults != 1 || h.Backwards != 2 || h.Restarts != 1 || h.MissingConnections != 2 || h.Unannounced != 1 || h.Low != 2 {
		t.Errorf("%+v", h)
	}
	if h.Back == nil || h.Back.Length() != 8*time.Minute+59*time.Second || h.Back.Where.Line != 7 {
		t.Errorf("worst step back %+v", h.Back)
	}
	if len(h.Silences) != 2 || h.Silences[0].Length() != 150*time.Minute || h.Silences[0].Where.Line != 4 {
		t.Errorf("silences %+v", h.Silences)
	}
	if h.First.Format(time.TimeOnly) != "09:00:00" || h.Last.Format(time.TimeOnly) != "13:50:01" {
		t.Errorf("from %v to %v", h.First, h.Last)
	}
	if h := healthOf(t, "\t\t     6 Query\tselect 1\n", audit.Config{Format: audit.General}); h.NoTime != 1 {
		t.Errorf("no time: %+v", h)
	}
	if h := healthOf(t, "20261025 02:30:00,vm,r,l,1,2,READ,h,c,\n", audit.Config{Zone: zone(t, "Europe/Berlin")}); h.Uncertain != 1 {
		t.Errorf("doubled hour: %+v", h)
	}
}
