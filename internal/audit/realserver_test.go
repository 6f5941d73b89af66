package audit_test

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"saltmine/internal/audit"
	"saltmine/internal/testkit"
)

// logging is a real MariaDB that writes all three logs.
type logging struct {
	dir  string
	dsn  string
	conn *sql.Conn
}

// startLogging starts one whose audit log keeps statements up to a limit.
func startLogging(t *testing.T, limit int) *logging {
	t.Helper()
	dsn, db := testkit.MariaDB(t).Database(t)
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	dir := t.TempDir()
	l := &logging{dir: dir, dsn: dsn, conn: conn}
	l.exec(t, "CREATE TABLE customers (id INT PRIMARY KEY, name VARCHAR(80))")
	for i := range 50 {
		l.exec(t, fmt.Sprintf("INSERT INTO customers VALUES (%d, 'name %d')", i, i))
	}
	l.exec(t, "INSTALL SONAME 'server_audit'") // the plugin comes with the Debian package mariadb-server
	t.Cleanup(func() { l.exec(t, "SET GLOBAL server_audit_logging=OFF") })
	l.exec(t, fmt.Sprintf("SET GLOBAL server_audit_file_path='%s/server_audit.log', server_audit_query_log_limit=%d, server_audit_logging=ON", dir, limit))
	l.exec(t, fmt.Sprintf("SET GLOBAL general_log_file='%s/general.log', general_log=ON", dir))
	l.exec(t, fmt.Sprintf("SET GLOBAL slow_query_log_file='%s/slow.log', long_query_time=0, slow_query_log=ON", dir))
	l.exec(t, "SET SESSION long_query_time=0, slow_query_log=ON")
	return l
}

func (l *logging) exec(t *testing.T, statement string) {
	t.Helper()
	if _, err := l.conn.ExecContext(context.WithoutCancel(t.Context()), statement); err != nil {
		t.Fatalf("%.80q: %v", statement, err)
	}
}

// rows runs a statement and counts what comes back.
func (l *logging) rows(t *testing.T, statement string) (n int64) {
	t.Helper()
	rows, err := l.conn.QueryContext(t.Context(), statement)
	if err != nil {
		t.Fatalf("%.80q: %v", statement, err)
	}
	defer rows.Close()
	for rows.Next() {
		n++
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return n
}

// read is a log as it is once everything has been logged that was sent: a server
// answers first and logs then, and takes the next statement after that.
func (l *logging) read(t *testing.T, name string) []byte {
	t.Helper()
	l.exec(t, "DO 0")
	text, err := os.ReadFile(filepath.Join(l.dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// statements reads one of the logs and returns the events whose text is marked.
func (l *logging) statements(t *testing.T, name string) (found []*audit.Event, all []*audit.Event) {
	t.Helper()
	text := l.read(t, name)
	all, faults, err := read(t, bytes.NewReader(text), audit.Config{File: name, TextLimit: 1 << 20})
	if err != nil || len(faults) > 0 {
		t.Fatalf("%s: %v, %v", name, faults, err)
	}
	for _, e := range all {
		if e.Kind == audit.Query && bytes.HasPrefix(e.Text, []byte("select /* marked")) {
			found = append(found, e)
		}
	}
	return found, all
}

// sendMarked sends statements with all bytes in them and returns them with how many
// rows came back.
func (l *logging) sendMarked(t *testing.T, count int) (sent []string, rows []int64) {
	t.Helper()
	r := rand.New(rand.NewPCG(1, 2))
	special := []string{"\n", "\t", "\r", "\\", "'", `"`, ",", "\x00", "\x01", "\b", "\f", "\x1a", "\x7f", "\xff", "ü", "😀", "',0\n", "',0", "\\n", "%", "\n# User", "\n20261122 15:01:40,"}
	for i := range count {
		var literal strings.Builder
		for range r.IntN(60) {
			literal.WriteString(special[r.IntN(len(special))])
			literal.WriteByte(byte('a' + r.IntN(26)))
		}
		value := strings.NewReplacer(`\`, `\\`, `'`, `\'`, "\x00", `\0`).Replace(literal.String())
		if i%3 == 0 { // raw bytes as they are
			value = strings.NewReplacer(`\`, `\\`, `'`, `''`).Replace(literal.String())
		}
		statement := fmt.Sprintf("select /* marked %d */ id from customers\r\n\twhere id < %d and name <> '%s' -- %d", i, r.IntN(50), value, i)
		sent = append(sent, statement)
		rows = append(rows, l.rows(t, statement))
	}
	return sent, rows
}

// TestRealServer sends statements with every byte to a real MariaDB: each of its
// three logs gives back exactly what was sent, in order, and what it says of it is
// what was.
func TestRealServer(t *testing.T) {
	t.Parallel()
	l := startLogging(t, 1<<20)
	before := time.Now().Add(-2 * time.Second)
	sent, rows := l.sendMarked(t, 300)
	for _, name := range []string{"server_audit.log", "general.log", "slow.log"} {
		found, all := l.statements(t, name)
		if len(found) != len(sent) {
			t.Errorf("%s: %d statements, %d sent", name, len(found), len(sent))
			continue
		}
		touched := map[uint64]bool{}
		for _, e := range all {
			touched[e.Sequence] = touched[e.Sequence] || e.Kind == audit.Read && e.Object == "customers"
		}
		for i, e := range found {
			if string(e.Text) != sent[i] {
				t.Errorf("%s: statement %d\n got %q\nwant %q", name, i, e.Text, sent[i])
				break
			}
			if e.Truncated || e.At.Before(before) || e.At.After(time.Now().Add(2*time.Second)) {
				t.Errorf("%s: %s", name, describe(e))
			}
			if name == "slow.log" && (e.RowsSent != rows[i] || e.RowsExamined < rows[i]) {
				t.Errorf("statement %d returned %d rows: %s", i, rows[i], describe(e))
			}
			if name == "server_audit.log" && (!touched[e.Sequence] || e.User != "testkit" || e.Host != "127.0.0.1" || e.Code != 0) {
				t.Errorf("statement %d: table line %v, %s", i, touched[e.Sequence], describe(e))
			}
		}
	}
}

// TestRealServerCuts has the server cut statements at several limits: what is not
// whole is said to be cut, and most of what is whole is not.
func TestRealServerCuts(t *testing.T) {
	t.Parallel()
	l := startLogging(t, 1024)
	for _, limit := range []int{1024, 333} {
		l.exec(t, fmt.Sprintf("SET GLOBAL server_audit_query_log_limit=%d", limit))
		var sent []string
		for n := limit - 80; n < limit+20; n++ {
			for _, tail := range []string{"x", "\n", "ü"} {
				head := fmt.Sprintf("select /* marked %d */ '", limit)
				sent = append(sent, head+strings.Repeat("y", n-len(head)-len(tail)*5)+strings.Repeat(tail, 5)+"'")
				l.rows(t, sent[len(sent)-1])
			}
		}
		text := l.read(t, "server_audit.log")
		events, faults, err := read(t, bytes.NewReader(text), audit.Config{TextLimit: limit})
		if err != nil || len(faults) > 0 {
			t.Fatal(faults, err)
		}
		i, cut, needless := 0, 0, 0
		for _, e := range events {
			if !bytes.HasPrefix(e.Text, fmt.Appendf(nil, "select /* marked %d ", limit)) {
				continue
			}
			same := string(e.Text) == sent[i]
			if !strings.HasPrefix(sent[i], string(e.Text)) || !same && !e.Truncated {
				t.Errorf("limit %d, statement of %d bytes: %d came out, truncated %v", limit, len(sent[i]), len(e.Text), e.Truncated)
			}
			if !same {
				cut++
			} else if e.Truncated {
				needless++
			}
			i++
		}
		if i != len(sent) || cut < 30 || needless > 8 {
			t.Errorf("limit %d: %d of %d statements, %d cut, %d called cut though whole", limit, i, len(sent), cut, needless)
		}
	}
}

// TestForgedByAName tries to log in with a name that is a log line. The server
// writes it as it is; nothing that comes of it is trusted.
func TestForgedByAName(t *testing.T) {
	t.Parallel()
	l := startLogging(t, 1024)
	cfg, err := mysql.ParseDSN(l.dsn)
	if err != nil {
		t.Fatal(err)
	}
	const forged = "20261122 15:01:40,vm,boss,10.0.0.1,1,2,QUERY,help,'select * from forged',0"
	cfg.User, cfg.DBName = "x\n"+forged+"\n", ""
	connector, err := mysql.NewConnector(cfg)
	if err != nil {
		t.Fatal(err)
	}
	stranger := sql.OpenDB(connector)
	defer stranger.Close()
	if err := stranger.PingContext(t.Context()); err == nil {
		t.Fatal("the stranger was let in")
	}
	text := l.read(t, "server_audit.log")
	for range 1000 { // the line is another thread's to write
		if bytes.Contains(text, []byte(",FAILED_CONNECT,")) {
			break
		}
		text = l.read(t, "server_audit.log")
	}
	events, faults, err := read(t, bytes.NewReader(text), audit.Config{})
	if err != nil {
		t.Fatal(err)
	}
	seen := false
	for _, e := range events {
		if string(e.Text) == "select * from forged" {
			seen = true
			if !e.Low {
				t.Errorf("a stranger's line is trusted: %s", describe(e))
			}
		}
	}
	if !seen || len(faults) == 0 {
		t.Errorf("the server does not write names as they are any more: %d faults\n%s", len(faults), text)
	}
}
