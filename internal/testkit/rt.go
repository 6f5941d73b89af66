package testkit

import (
	"context"
	"database/sql"
	_ "embed"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"saltmine/internal/helpdesk"
)

// ErrNoRT is returned on a machine without Request Tracker 5.
var ErrNoRT = errors.New("no Request Tracker 5 found: `.ci/deps test` installs it, or take the Debian packages request-tracker5, rt5-db-mysql and rt5-standalone")

const (
	// RTPassword is the password of root and of every agent.
	RTPassword = "correct horse 5"
	rtServer   = "/usr/share/request-tracker5/libexec/rt-server"
	perl       = "/usr/bin/perl" // the packages' own; another in PATH has not their modules
)

//go:embed rt/site.pm
var rtSite []byte

//go:embed rt/steps.pl
var rtSteps []byte

// sendmail keeps what would have been sent, arguments first, one file a message.
const sendmail = `#!/bin/sh
dir=$(dirname "$0")/mail
file=$(mktemp "$dir/.XXXXXXXXXX") && { printf '%s\n' "$*"; cat; } >"$file" && mv "$file" "$dir/${file##*/.}"
`

// RT is a Request Tracker 5 from the Debian packages: its programs as they
// are, on a database of its own, configured by a directory of its own. It sends
// no mail: [RT.Mail] has what it would have sent.
type RT struct {
	DSN string // of its database, with all rights on it, as [Server.Database] has it
	DB  *sql.DB

	kit rtKit
	web *rtWeb // nil until a browser is asked for
}

// rtKit is what the programs of RT are run with.
type rtKit struct {
	dir string
	db  *mysql.Config
	web int // the port in the links that it writes
}

// rts are the loaded RTs that are copied for each test: the name of a database
// by configuration.
type rts struct {
	mu     sync.Mutex
	loaded map[helpdesk.Config]string
}

// RTYear is the help desk that tests share, so that it is loaded once: the
// customers and tickets of the year before November 2026.
func RTYear() helpdesk.Config {
	to := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	return helpdesk.Config{Customers: 300, Tickets: 150, Seed: 5, From: to.AddDate(-1, 0, 0), To: to}
}

// RT starts nothing yet, but makes a database as RT and its agents would have
// left it after serving the customers of cfg: queues Support and Billing, five
// agents (moira, jonas, priya, tomas, eve), tickets with mails, answers,
// comments and attachments, each at its time. The rows are RT's own, written
// through its API; that takes minutes for hundreds of tickets, once per machine
// and configuration, and then lies in the user's cache directory. Each test gets
// a copy.
//
// Without RT on the machine the test is skipped, but fails where CI=true.
func (s *Server) RT(tb testing.TB, cfg helpdesk.Config) *RT {
	tb.Helper()
	from, err := s.rtTemplate(context.WithoutCancel(tb.Context()), cfg)
	if err != nil {
		missing(tb, err, os.Getenv("CI"))
	}
	r := &RT{}
	r.DSN, r.DB = s.Database(tb)
	if err := s.copyTables(tb.Context(), from, r.DSN); err != nil {
		tb.Fatal(err)
	}
	dir, err := os.MkdirTemp(s.dir, "rt-") //nolint:usetesting // goes with the server, even if that is killed
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { os.RemoveAll(dir) }) //nolint:errcheck // see above
	if r.kit, err = newRTKit(dir, r.DSN); err != nil {
		tb.Fatal(err)
	}
	return r
}

// missing ends the test: for want of RT it may be skipped where nobody promised
// to have installed it.
func missing(tb testing.TB, err error, ci string) {
	tb.Helper()
	if errors.Is(err, ErrNoRT) && ci != "true" {
		tb.Skip(err)
		return
	}
	tb.Fatal(err)
}

// copyTables copies every table of a database, with its rows, keys and counters.
func (s *Server) copyTables(ctx context.Context, from, to string) error {
	db, err := sql.Open("mysql", s.dsn(adminName, s.password, from))
	if err != nil {
		return fmt.Errorf("rt: %w", err)
	}
	defer db.Close() //nolint:errcheck // nothing is held
	rows, err := db.QueryContext(ctx, "SELECT table_name, coalesce(auto_increment, 0) FROM information_schema.tables WHERE table_schema = database() ORDER BY table_name")
	if err != nil {
		return fmt.Errorf("rt: list tables: %w", err)
	}
	defer rows.Close() //nolint:errcheck // Err tells
	statements := []string{"SET unique_checks = 0"}
	for rows.Next() {
		var name string
		var next uint64
		if err := rows.Scan(&name, &next); err != nil {
			return fmt.Errorf("rt: list tables: %w", err)
		}
		statements = append(statements,
			fmt.Sprintf("CREATE TABLE `%s` LIKE `%s`.`%s`", name, from, name),
			fmt.Sprintf("INSERT INTO `%s` SELECT * FROM `%s`.`%s`", name, from, name))
		if next > 0 {
			statements = append(statements, fmt.Sprintf("ALTER TABLE `%s` AUTO_INCREMENT = %d", name, next))
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("rt: list tables: %w", err)
	}
	return execOn(ctx, to, statements...)
}

// newRTKit fills an empty directory with a configuration for the database.
func newRTKit(dir, dsn string) (k rtKit, err error) {
	if k.db, err = mysql.ParseDSN(dsn); err != nil {
		return k, fmt.Errorf("rt: %w", err)
	}
	k.dir, k.web = dir, 1 // no port; RT complains of 0
	for _, name := range []string{"conf.d", "mail", "mason", "session", "tmp", "var"} {
		err = errors.Join(err, os.Mkdir(filepath.Join(dir, name), 0o700))
	}
	err = errors.Join(err,
		os.WriteFile(filepath.Join(dir, "site.pm"), rtSite, 0o600),
		os.WriteFile(filepath.Join(dir, "steps.pl"), rtSteps, 0o600),
		os.WriteFile(filepath.Join(dir, "root.txt"), []byte(RTPassword+"\n"), 0o600),
		os.WriteFile(filepath.Join(dir, "sendmail"), []byte(sendmail), 0o700)) // run by RT
	if err != nil {
		return k, fmt.Errorf("rt: configure: %w", err)
	}
	return k, nil
}

// command prepares a program of RT, or any that loads its modules. It has
// nothing of our environment.
func (k rtKit) command(ctx context.Context, program string, args ...string) *exec.Cmd {
	host, port, _ := net.SplitHostPort(k.db.Addr) // Server.dsn wrote it
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = k.dir
	cmd.Env = []string{
		"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=" + k.dir, "TMPDIR=" + filepath.Join(k.dir, "tmp"), "LANG=C.UTF-8", "TZ=UTC",
		"RT_SITE_CONFIG=" + filepath.Join(k.dir, "site.pm"), "RT_SITE_CONFIG_DIR=" + filepath.Join(k.dir, "conf.d"),
		"RT_KIT_DIR=" + k.dir, "RT_KIT_HOST=" + host, "RT_KIT_PORT=" + port, "RT_KIT_NAME=" + k.db.DBName,
		"RT_KIT_USER=" + k.db.User, "RT_KIT_PASSWORD=" + k.db.Passwd, "RT_KIT_WEB=" + strconv.Itoa(k.web),
	}
	return cmd
}

// Run runs one of RT's programs ("rt-validator-5", "--check") and returns what
// it wrote to both its outputs, and an error if it did not end with 0.
func (r *RT) Run(tb testing.TB, name string, args ...string) (string, error) {
	tb.Helper()
	program, err := findRT(name)
	if err != nil {
		tb.Fatal(err)
	}
	out, err := r.kit.command(tb.Context(), program, args...).CombinedOutput()
	return string(out), err
}

// Mail returns the messages that RT would have sent since the test began, each
// after a line with the arguments that it gave to sendmail.
func (r *RT) Mail(tb testing.TB) []string {
	tb.Helper()
	files, err := filepath.Glob(filepath.Join(r.kit.dir, "mail", "*"))
	if err != nil {
		tb.Fatal(err)
	}
	var all []string
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			tb.Fatal(err)
		}
		all = append(all, string(text))
	}
	return all
}

// findRT finds a program of RT by its name.
func findRT(name string) (string, error) {
	for _, dir := range []string{"/usr/sbin", "/usr/bin"} {
		if path, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("%w (%s)", ErrNoRT, name)
}

// rtVersion is the version of the packages, and an error if one is missing.
func rtVersion() (string, error) {
	if _, err := exec.LookPath(rtServer); err != nil {
		return "", fmt.Errorf("%w (rt-server)", ErrNoRT)
	}
	for _, name := range []string{"rt-setup-database-5", "rt-validator-5"} {
		if _, err := findRT(name); err != nil {
			return "", err
		}
	}
	text, err := os.ReadFile("/usr/share/request-tracker5/lib/RT/Generated.pm")
	if err != nil {
		return "", fmt.Errorf("%w (RT/Generated.pm)", ErrNoRT)
	}
	lines := strings.Split(string(text), "\n")
	i := slices.IndexFunc(lines, func(line string) bool { return strings.HasPrefix(line, "our $VERSION") })
	if i < 0 {
		return "", fmt.Errorf("%w: no version in RT/Generated.pm", ErrNoRT)
	}
	return lines[i], nil
}
