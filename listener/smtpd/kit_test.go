package smtpd_test

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/dialogue"
	"saltmine/listener/smtpd"
)

// book is the spool of a test: it keeps what it hears in order.
type book struct {
	mu   sync.Mutex
	kept []canary.Contact
	came chan struct{} // a hint
}

func newBook() *book { return &book{came: make(chan struct{}, 1)} }

func (b *book) hear(ctx context.Context, c canary.Contact) error {
	if err := errors.Join(ctx.Err(), c.Validate()); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, k := range b.kept {
		if k.ID == c.ID && k.Part == c.Part {
			return fmt.Errorf("part %d of a contact came twice", c.Part)
		}
	}
	c.Raw = bytes.Clone(c.Raw) // the ear wipes its own
	b.kept = append(b.kept, c)
	select {
	case b.came <- struct{}{}:
	default:
	}
	return nil
}

func (b *book) all() []canary.Contact {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.kept)
}

// wait returns the records once there are n of them.
func (b *book) wait(t *testing.T, n int) []canary.Contact {
	t.Helper()
	late := time.After(20 * time.Second)
	for {
		if got := b.all(); len(got) >= n {
			return got
		}
		select {
		case <-b.came:
		case <-late:
			t.Fatalf("%d records heard, want %d", len(b.all()), n)
		}
	}
}

// describe puts a contact in one line, without what differs from run to run.
func describe(c canary.Contact) string {
	var words []string
	add := func(yes bool, format string, args ...any) {
		if yes {
			words = append(words, fmt.Sprintf(format, args...))
		}
	}
	add(true, "part=%d", c.Part)
	add(c.Open, "open")
	add(c.Probe, "probe")
	add(true, "from=%s", c.Source)
	var targets []string
	for _, t := range c.Targets {
		targets = append(targets, t.Text+map[bool]string{true: "!"}[t.Refused])
	}
	add(true, "to=%s", strings.Join(targets, ","))
	for _, k := range []string{"helo", "end", "bytes", "truncated"} {
		add(c.Facts[k] != "", "%s=%s", k, c.Facts[k])
	}
	if msg, whole := dialogue.Message(c.Raw); whole {
		add(true, "message=%q", msg)
	}
	return strings.Join(words, " ")
}

func config(b *book) smtpd.Config {
	return smtpd.Config{
		Hostname: "mx.example.net",
		Domains:  []string{"example.net", "xn--bcher-kva.example"},
		Accept: func(local, _ string) bool {
			return local == "dana" || local == "amir" || local == "postmaster" || strings.HasPrefix(local, "yes")
		},
		Hear: b.hear,
		Now:  time.Now,
		Log:  slog.New(slog.DiscardHandler),
	}
}

// start runs an ear until the test ends and returns its address.
func start(t *testing.T, cfg smtpd.Config) string {
	t.Helper()
	addr, stop := run(t, cfg)
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	return addr
}

// run starts an ear; stop ends it and returns what Run returned.
func run(t *testing.T, cfg smtpd.Config) (addr string, stop func() error) {
	t.Helper()
	return runOn(t, cfg, "tcp", "127.0.0.1:0")
}

func ear(t testing.TB, cfg smtpd.Config) *smtpd.Server {
	t.Helper()
	cfg.Limits.Drain = cmp.Or(cfg.Limits.Drain, 200*time.Millisecond) // leftovers of a test are not waited for
	s, err := smtpd.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func runOn(t *testing.T, cfg smtpd.Config, network, address string) (addr string, stop func() error) {
	t.Helper()
	s := ear(t, cfg)
	return serveOn(t, s, network, address)
}

// serve runs an ear; a patient one bears any number of faults.
func serve(t *testing.T, cfg smtpd.Config, patient bool) (addr string, stop func() error) {
	t.Helper()
	s := ear(t, cfg)
	if patient {
		s.Patient()
	}
	return serveOn(t, s, "tcp", "127.0.0.1:0")
}

func serveOn(t *testing.T, s *smtpd.Server, network, address string) (addr string, stop func() error) {
	t.Helper()
	var lc net.ListenConfig
	ln, err := lc.Listen(t.Context(), network, address)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx, ln) }()
	return ln.Addr().String(), sync.OnceValue(func() error {
		cancel()
		return <-done
	})
}

// caller is a client that says exactly what it is told to.
type caller struct {
	t    *testing.T
	conn net.Conn
	in   *bufio.Reader
}

func call(t *testing.T, addr string) *caller {
	t.Helper()
	return callOn(t, "tcp", addr)
}

func callOn(t *testing.T, network, addr string) *caller {
	t.Helper()
	var d net.Dialer
	conn, err := d.DialContext(t.Context(), network, addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(30 * time.Second))
	return &caller{t, conn, bufio.NewReader(conn)}
}

func (c *caller) send(text string) {
	c.t.Helper()
	if _, err := io.WriteString(c.conn, text); err != nil {
		c.t.Fatalf("send: %v", err)
	}
}

// reply reads one reply, all lines of it.
func (c *caller) reply() string {
	c.t.Helper()
	var all strings.Builder
	for {
		line, err := c.in.ReadString('\n')
		all.WriteString(line)
		if errors.Is(err, io.EOF) {
			return all.String() + "EOF"
		}
		if err != nil {
			return all.String() + err.Error()
		}
		if len(line) < 4 || line[3] != '-' {
			return all.String()
		}
	}
}

// say sends commands one at a time and wants each to be answered with the code
// that stands in front of it: "250 NOOP".
func (c *caller) say(lines ...string) {
	c.t.Helper()
	for _, l := range lines {
		code, text, _ := strings.Cut(l, " ")
		if text != "" {
			c.send(text + "\r\n")
		}
		if got := c.reply(); !strings.HasPrefix(got, code) {
			c.t.Fatalf("%q was answered with %q, want %s", text, got, code)
		}
	}
}
