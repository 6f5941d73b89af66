package audit_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"saltmine/internal/audit"
)

// TestServerAuditOfARealServer reads what MariaDB 10.11 wrote: commas in a user's
// name, raw bytes, a dump, a stored copy, statements of 1,023 to 1,025 bytes.
func TestServerAuditOfARealServer(t *testing.T) {
	t.Parallel()
	events := golden(t, "server_audit.log", audit.Config{})
	if len(events) < 150 {
		t.Errorf("%d events", len(events))
	}
}

// TestServerAuditOfTheFieldNotes reads lines that were captured at another time.
func TestServerAuditOfTheFieldNotes(t *testing.T) {
	t.Parallel()
	golden(t, "server_audit_notes.log", audit.Config{Zone: time.FixedZone("", 3600)})
}

// TestServerAuditForged has what MariaDB writes when somebody who is not let in
// gives a user name with line feeds (see TestForgedByAName for the real one).
func TestServerAuditForged(t *testing.T) {
	t.Parallel()
	events := golden(t, "server_audit_forged.log", audit.Config{})
	for _, e := range events[1:] {
		if !e.Low {
			t.Errorf("trusted: %s", describe(e))
		}
	}
}

func TestServerAuditNames(t *testing.T) {
	t.Parallel()
	const before, after = "20261122 15:01:40,vm,", ",7,18,READ,help,customers,"
	for name, c := range map[string]struct {
		names, user, host string
		port              int
	}{
		"usual":             {"root,localhost", "root", "localhost", 0},
		"comma":             {"a,b,localhost", "a,b", "localhost", 0},
		"no user":           {",localhost", "", "localhost", 0},
		"port":              {"root,localhost:51234", "root", "localhost", 51234},
		"address":           {"root,192.0.2.7", "root", "192.0.2.7", 0},
		"address and port":  {"root,192.0.2.7:51234", "root", "192.0.2.7", 51234},
		"IPv6":              {"root,2001:db8::1", "root", "2001:db8::1", 0},
		"IPv6 end":          {"root,::1", "root", "::1", 0},
		"IPv6 in brackets":  {"root,[2001:db8::1]:51234", "root", "2001:db8::1", 51234},
		"whole IPv6 port":   {"root,2001:db8:0:0:0:0:0:1:51234", "root", "2001:db8:0:0:0:0:0:1", 51234},
		"IPv6 5 digit port": {"root,2001:db8::1:51234", "root", "2001:db8::1", 51234},
		"empty host":        {"root,", "root", "", 0},
	} {
		e := one(t, before+c.names+after, audit.Config{})
		if e.User != c.user || e.Host != c.host || e.Port != c.port || e.Connection != 7 || e.Sequence != 18 || e.Object != "customers" || e.Low {
			t.Errorf("%s: %s", name, describe(e))
		}
	}
}

// TestServerAuditAmbiguous has names that look like fields.
func TestServerAuditAmbiguous(t *testing.T) {
	t.Parallel()
	e := one(t, "20261122 15:01:40,vm,x,h,1,2,READ,real,5,6,READ,help,customers,\n", audit.Config{Format: audit.ServerAudit})
	if !e.Low {
		t.Errorf("two readings, and no mark: %s", describe(e))
	}
	for _, line := range []string{
		`20261122 15:01:40,vm,x,h,1,2,READ,real,5,6,CONNECT,help,,0`,
		`20261122 15:01:40,vm,x,h,1,2,QUERY,real,5,6,CONNECT,help,,0`,
		`20261122 15:01:40,vm,x,h,1,2,QUERY,db,'sel,real,5,6,QUERY,help,'select 1',0`,
	} {
		e := one(t, line, audit.Config{Format: audit.ServerAudit})
		if e.Connection != 5 || e.Host != "real" || e.Database != "help" || !strings.HasPrefix(e.User, "x,h,1,2,") {
			t.Errorf("%s: %s", line, describe(e))
		}
	}
	e = one(t, `20261122 15:01:40,vm,u,h,5,6,QUERY,help,'select \',1,2,READ,a,b,\' from \',x,\'',0`, audit.Config{})
	if e.User != "u" || e.Low || string(e.Text) != "select ',1,2,READ,a,b,' from ',x,'" {
		t.Error(describe(e))
	}
}

func TestServerAuditEscapes(t *testing.T) {
	t.Parallel()
	e := one(t, "20261122 15:01:40,vm,u,h,5,6,QUERY,help,'\\'a\\\\\\n\\r\\t\\'\x00\x01\xff\xc3',0\n", audit.Config{})
	if got := string(e.Text); got != "'a\\\n\r\t'\x00\x01\xff\xc3" {
		t.Errorf("%q", got)
	}
}

func TestServerAuditCutStatements(t *testing.T) {
	t.Parallel()
	line := func(text string) string { return "20261122 15:01:40,vm,u,h,5,6,QUERY,help,'" + text + "',0" }
	for _, c := range []struct {
		text  string
		limit int
		want  bool
	}{
		{strings.Repeat("x", 1022), 0, false},
		{strings.Repeat("x", 1023), 0, true}, // the next was an escape of two bytes
		{strings.Repeat("x", 1024), 0, true},
		{strings.Repeat(`\n`, 511), 0, false},
		{strings.Repeat(`\n`, 512), 0, true},
		{strings.Repeat("x", 1024), 65536, false},
		{strings.Repeat("x", 65536), 65536, true},
		{"xxx", 4, true},
	} {
		if e := one(t, line(c.text), audit.Config{TextLimit: c.limit}); e.Truncated != c.want {
			t.Errorf("%d bytes, limit %d: truncated %v", len(c.text), c.limit, e.Truncated)
		}
	}
}

// TestServerAuditFaults has a line for everything that a line can be wrong by, with
// whole ones between.
func TestServerAuditFaults(t *testing.T) {
	t.Parallel()
	const good = "20261122 15:01:40,vm,root,localhost,8,22,READ,help,customers,\n"
	for _, bad := range []string{
		"hello", "20261122 15:01:40", "20261122 15:01:40,", "20261322 15:01:40,vm,root,localhost,8,22,READ,help,customers,",
		"20261122 25:01:40,vm,root,localhost,8,22,READ,help,customers,", "20261122 15:01:40,vm,root,localhost,8,22,READ,help,customers,0",
		"20261122 15:01:40,vm,root,localhost,8,22,READ,help", "20261122 15:01:40,vm,root,localhost,8,22,FETCH,help,customers,",
		"20261122 15:01:40,vm,root,localhost,x,22,READ,help,customers,", "20261122 15:01:40,vm,root,localhost,8,22,QUERY,help,'select",
		"20261122 15:01:40,vm,root,localhost,8,22,QUERY,help,'select','a',0", "20261122 15:01:40,vm,root,localhost,8,22,QUERY,help,'select 1',x",
		"20261122 15:01:40,vm,root,localhost,8,22,QUERY,help,'select 1\\',0", "20261122 15:01:40,vm,root,localhost,8,,CONNECT,,,0",
		"20261122 15:01:40,vm,root,localhost,8,99999999999999999999999,CONNECT,,,0",
	} {
		events, faults, err := read(t, strings.NewReader(good+bad+"\n"+good), audit.Config{File: "a.log"})
		if err != nil || len(events) != 2 || len(faults) != 1 {
			t.Errorf("%q: %d events, %d faults, %v", bad, len(events), len(faults), err)
			continue
		}
		f := faults[0]
		if want := (audit.Where{File: "a.log", Offset: int64(len(good)), Line: 2}); f.Where != want || string(f.Raw) != bad || f.Length != int64(len(bad)) {
			t.Errorf("%q: %+v %q", bad, f, f.Raw)
		}
		if strings.Contains(f.Error(), "customers") {
			t.Errorf("the fault prints the line: %v", f)
		}
		// Whoever writes a user name with a line feed in it writes lines.
		if events[0].Low || !events[1].Low {
			t.Errorf("%q: low %v before, %v behind", bad, events[0].Low, events[1].Low)
		}
	}
	far := good + "hello\n" + strings.Repeat(good, 40)
	events, _, _ := read(t, strings.NewReader(far), audit.Config{})
	if len(events) != 41 || events[40].Low {
		t.Errorf("%d events, the last far behind the fault is low: %v", len(events), events[40].Low)
	}
}

// TestAnnouncedConnectionsAreTrusted: a name with a line feed in it, for which nobody has
// to be let in, takes nothing from the statements of a connection that the log has begin.
func TestAnnouncedConnectionsAreTrusted(t *testing.T) {
	t.Parallel()
	const (
		begins = "20261122 15:01:30,vm,root,localhost,8,0,CONNECT,,,0\n"
		ends   = "20261122 15:01:35,vm,root,localhost,8,0,DISCONNECT,,,0\n"
		broken = "20261122 15:01:40,vm,x\n"
		takes  = "20261122 15:01:40,vm,root,localhost,8,23,QUERY,help,'select * from customers',0\n"
		others = "20261122 15:01:40,vm,eve,localhost,8,23,QUERY,help,'select * from customers',0\n"
	)
	for name, c := range map[string]struct {
		log string
		low bool
	}{
		"announced":              {begins + broken + takes, false},
		"never announced":        {broken + takes, true},
		"announced by a name":    {broken + begins + takes, true},
		"another's":              {begins + broken + others, true},
		"after its end":          {begins + ends + broken + takes, true},
		"after an end by a name": {begins + broken + ends + takes, false},
	} {
		events, _, err := read(t, strings.NewReader(c.log), audit.Config{Format: audit.ServerAudit})
		if err != nil || len(events) == 0 || events[len(events)-1].Low != c.low {
			t.Errorf("%s: %d events, %v; want low %t", name, len(events), err, c.low)
		}
	}
}

func TestNoLogAtAll(t *testing.T) {
	t.Parallel()
	if _, _, err := read(t, strings.NewReader(""), audit.Config{}); !errors.Is(err, audit.ErrEmpty) {
		t.Error(err)
	}
	for _, text := range []string{"hello\nworld\n", "\x00\x00", strings.Repeat("x", 1<<20)} {
		if _, _, err := read(t, strings.NewReader(text), audit.Config{}); !errors.Is(err, audit.ErrFormat) {
			t.Errorf("%.20q: %v", text, err)
		}
	}
}
