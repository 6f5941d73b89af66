package audit_test

import (
	"strings"
	"testing"
	"time"

	"saltmine/internal/audit"
)

// TestGeneralLogOfARealServer reads what MariaDB 10.11 wrote.
func TestGeneralLogOfARealServer(t *testing.T) {
	t.Parallel()
	events := golden(t, "general.log", audit.Config{})
	for _, e := range events {
		for _, secret := range []string{"geheim", "neu'", "by 'x'"} {
			if strings.Contains(string(e.Text), secret) {
				t.Errorf("a password came through: %s", e.Text)
			}
		}
		if !e.Low {
			t.Errorf("trusted: %s", describe(e))
		}
	}
}

// TestSlowLogOfARealServer reads what MariaDB 10.11 wrote with long_query_time=0.
func TestSlowLogOfARealServer(t *testing.T) {
	t.Parallel()
	events := golden(t, "slow.log", audit.Config{Zone: time.FixedZone("", 7200)}) // which does not matter
	for _, e := range events {
		if strings.Contains(string(e.Text), "geheim") {
			t.Errorf("a password came through: %s", e.Text)
		}
	}
}

func TestGeneralLogOfMySQL8(t *testing.T) {
	t.Parallel()
	golden(t, "general_mysql8.log", audit.Config{Zone: time.FixedZone("", 7200)})
}

func TestSlowLogOfMySQL8(t *testing.T) {
	t.Parallel()
	golden(t, "slow_mysql8.log", audit.Config{})
}

func TestAurora(t *testing.T) {
	t.Parallel()
	golden(t, "aurora.log", audit.Config{Zone: time.FixedZone("", 7200)})
}

func TestSyslog(t *testing.T) {
	t.Parallel()
	golden(t, "syslog.log", audit.Config{Zone: zone(t, "Europe/Berlin"), Now: time.Date(2027, 1, 3, 0, 0, 0, 0, time.UTC)})
}

// TestGeneralLogForged has a statement that writes lines.
func TestGeneralLogForged(t *testing.T) {
	t.Parallel()
	events := readText(t, "261127  7:46:38\t     6 Connect\tapp@localhost on help using Socket\n\t\t     6 Query\tselect 1\n"+
		"261127  7:46:38\t     9 Query\tselect 2\n and then\n\t\t no line\n\t\tx Query\tnor this\n\t\t     6 Nothing\tor this\n", audit.Config{})
	if len(events) != 3 || string(events[2].Text) != "select 2\n and then\n\t\t no line\n\t\tx Query\tnor this\n\t\t     6 Nothing\tor this" {
		t.Errorf("%s", texts(events))
	}
}

// TestGeneralLogRepeats counts what came twice in one second, and goes on counting
// behind a stop.
func TestGeneralLogRepeats(t *testing.T) {
	t.Parallel()
	log := "261127  7:46:38\t     6 Query\tselect 1\n\t\t     6 Query\tselect 1\n\t\t     7 Query\tselect 1\n\t\t     6 Query\tselect 1\n261127  7:46:39\t     6 Query\tselect 1\n"
	events := readText(t, log, audit.Config{})
	seen := map[[32]byte]bool{}
	for i, want := range []int{0, 1, 0, 2, 0} {
		if events[i].Repeat != want {
			t.Errorf("event %d: repeat %d, want %d", i, events[i].Repeat, want)
		}
		seen[events[i].Digest()] = true
	}
	if len(seen) != 5 {
		t.Errorf("%d different events", len(seen))
	}
	r, err := audit.Open(strings.NewReader(log), audit.Config{})
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if _, err := r.Next(); err != nil {
			t.Fatal(err)
		}
	}
	rest, _, _ := read(t, strings.NewReader(log), audit.Config{From: r.State()})
	if texts(rest) != texts(events[3:]) {
		t.Errorf("%s", texts(rest))
	}
}

func TestRedacted(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ in, want string }{
		{`select 1`, `select 1`},
		{`select * from users where password='abc'`, `select * from users where password='abc'`},
		{`CREATE USER a IDENTIFIED BY 'x'`, `CREATE USER a IDENTIFIED BY '*****'`},
		{`create user a iDentiFied  by "x\"y" require ssl`, `create user a iDentiFied  by '*****' require ssl`},
		{`create user a identified by password '*AB'`, `create user a identified by password '*****'`},
		{`/* c */ alter user a identified with mysql_native_password by 'x''y', b identified via ed25519 using 'z'`,
			`/* c */ alter user a identified with mysql_native_password by '*****', b identified via ed25519 using '*****'`},
		{`create user a identified via ed25519 using PASSWORD('z')`, `create user a identified via ed25519 using PASSWORD('*****')`},
		{`alter user a identified by 'x' replace 'old'`, `alter user a identified by '*****' replace '*****'`},
		{`grant all on *.* to a identified by 'x\'y'`, `grant all on *.* to a identified by '*****'`},
		{"set password for a@'%' = 'x'", "set password for a@'%' = '*****'"},
		{"set password = 'x'", "set password = '*****'"},
		{"set password for 'a'@'%' = password('x')", "set password for 'a'@'%' = password('*****')"},
		{"select old_password ( 'x' ), password(\"y\")", "select old_password ( '*****' ), password('*****')"},
		{"change master to master_host='h', master_password='x'", "change master to master_host='h', master_password='*****'"},
		{"change replication source to source_password = 'x', source_user='u'", "change replication source to source_password = '*****', source_user='u'"},
		{"create server s foreign data wrapper mysql options (user 'u', password 'x')", "create server s foreign data wrapper mysql options (user 'u', password '*****')"},
		{"start slave user='u' password='x'", "start slave user='u' password='*****'"},
		{"create user a identified by 'cut off", "create user a identified by '*****'"},
	} {
		e := one(t, "261127  7:46:38\t     6 Query\t"+c.in+"\n", audit.Config{})
		if string(e.Text) != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.in, e.Text, c.want)
		}
	}
}
