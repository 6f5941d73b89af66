// Package testkit gives tests real servers: a private MariaDB on this machine,
// alone on its port and in its directory, filled with the support database of
// internal/helpdesk where a test asks for it.
//
// One server per test process is enough. A test package declares it and hands
// it out explicitly:
//
//	var shared testkit.Shared
//
//	func TestMain(m *testing.M) { os.Exit(testkit.Main(m, &shared)) }
//
//	func TestPlant(t *testing.T) {
//		dsn, db := shared.MariaDB(t).HelpDesk(t, cfg)
//		…
//
// A Request Tracker 5 with customers in it stands on the same server:
//
//	rt := shared.MariaDB(t).RT(t, testkit.RTYear())
//	rt.Browser(t, "moira").Ticket(t, 17)
//
// The server starts when the first test asks, and every test gets a database of
// its own, so tests run in parallel. A test that kills or restarts its server
// starts one for itself with [MariaDB].
//
// The invariant: nothing is left behind. A server ends with the test process
// even when that is killed with -9, and its directory is removed: a small shell
// waits for the process's end of a pipe to close. (The kernel's death signal is
// bound to a thread, and to Linux.)
//
// Nothing is skipped: a machine without MariaDB fails the test and names the
// package to install. (Request Tracker, of 250 packages, is missed where CI=true
// only.) What RT loads in minutes stays in the user's cache directory, in
// saltmine-testkit. Data is not safe on disk here (no fsync): what survives
// is a killed server, not a power cut.
package testkit

import (
	"context"
	"net"
	"sync"
	"testing"
)

// Shared is one MariaDB for all tests of a process. The zero value is ready;
// it starts the server when it is first asked for it.
type Shared struct {
	once   sync.Once
	server *Server
	stop   func()
	err    error
}

// MariaDB returns the server, and starts it if this is the first call. It ends
// the test if the server cannot be started.
func (s *Shared) MariaDB(tb testing.TB) *Server {
	tb.Helper()
	s.once.Do(func() {
		s.server, s.stop, s.err = StartMariaDB(context.WithoutCancel(tb.Context()))
	})
	if s.err != nil {
		tb.Fatal(s.err)
	}
	return s.server
}

// Stop ends the server if it was started. No test may run any more.
func (s *Shared) Stop() {
	if s.stop != nil {
		s.stop()
	}
}

// Main runs the tests of a package, stops what they shared, and returns the
// exit code for TestMain.
func Main(m *testing.M, shared ...*Shared) int {
	for _, s := range shared {
		defer s.Stop()
	}
	return m.Run()
}

// MariaDB starts a server for one test, with further options of its program, and
// stops it when the test ends.
func MariaDB(tb testing.TB, options ...string) *Server {
	tb.Helper()
	s, stop, err := StartMariaDB(context.WithoutCancel(tb.Context()), options...)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(stop)
	return s
}

// FreePort returns a TCP port of 127.0.0.1 that was free a moment ago. Another
// process may take it first: prefer to listen on port 0 wherever that can be done.
func FreePort(tb testing.TB) int {
	tb.Helper()
	port, err := freePort(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	return port
}

func freePort(ctx context.Context) (int, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close() //nolint:errcheck // nothing was sent
	return l.Addr().(*net.TCPAddr).Port, nil
}
