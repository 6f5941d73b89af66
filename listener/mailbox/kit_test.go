package mailbox_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/inventory"
	"saltmine/internal/inventory/login"
	"saltmine/internal/testkit"
	"saltmine/listener/mailbox"
)

const password = "hunter2-of-the-mailbox"

// rig is an ear with a memory for what it keeps and hears.
type rig struct {
	t    *testing.T
	cfg  mailbox.Config
	log  *strings.Builder
	dial dialer

	mu        sync.Mutex
	positions map[string]string
	contacts  []canary.Contact
	held      map[canary.ContactID]int // how often an id was heard
	told      [][]mailbox.Unread
	refuse    func(canary.Contact) error
	lose      func(name, position string) error // of the store
	now       time.Time                         // zero: the real time
	moved     chan struct{}
}

// dialer counts connections.
type dialer struct{ open, most, all atomic.Int64 }

func (d *dialer) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	d.all.Add(1)
	n := d.open.Add(1)
	for most := d.most.Load(); n > most && !d.most.CompareAndSwap(most, n); most = d.most.Load() {
	}
	return &counted{Conn: conn, of: d}, nil
}

type counted struct {
	net.Conn
	of   *dialer
	once sync.Once
}

func (c *counted) Close() error {
	c.once.Do(func() { c.of.open.Add(-1) })
	return c.Conn.Close()
}

// newRig makes an ear for mailboxes of a server, which have the same password.
func newRig(t *testing.T, addr, roots string, users ...string) *rig {
	t.Helper()
	r := &rig{t: t, log: &strings.Builder{}, positions: map[string]string{}, held: map[canary.ContactID]int{}, moved: make(chan struct{}, 1)}
	r.cfg = mailbox.Config{
		Accounts: func(context.Context) ([]mailbox.Account, error) { return accounts(addr, users), nil },
		Credentials: func(in inventory.Reading) (login.Account, error) {
			return login.Account{Host: in.Host, User: in.User, Password: password}, nil
		},
		Login: login.Config{Dial: r.dial.dial, TLS: trust(t, roots)},
		Store: r, Hear: r.hear, Unread: r.unread, Now: r.clock, Poll: time.Hour,
		Times: mailbox.Times{Watch: 5 * time.Millisecond, Pause: 5 * time.Millisecond},
		Log:   slog.New(slog.NewTextHandler(&locked{mu: &r.mu, to: r.log}, nil)),
	}
	return r
}

func accounts(addr string, users []string) []mailbox.Account {
	var list []mailbox.Account
	for i, user := range users {
		list = append(list, mailbox.Account{
			ID: canary.ItemID(fmt.Sprintf("o_%016d", i)), Address: user + "@mail.example", Since: time.Date(2026, 8, 1, 0, 0, 0, 0, time.UTC),
			Reading: inventory.Reading{Host: addr, User: user, SecretFile: "x"},
		})
	}
	return list
}

func trust(t *testing.T, roots string) *tls.Config {
	t.Helper()
	text, err := os.ReadFile(roots)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(text)
	return &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
}

type locked struct {
	mu *sync.Mutex
	to *strings.Builder
}

func (l *locked) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.to.Write(p)
}

func (r *rig) clock() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.now.IsZero() {
		return time.Now()
	}
	return r.now
}

func (r *rig) Position(_ context.Context, name string) (string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.positions[name], nil
}

func (r *rig) SetPosition(_ context.Context, name, position string) error {
	if strings.Contains(name, "mail.example") || len(name) > 64 {
		return errors.New("the name shows an address, or does not fit")
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.lose != nil {
		if err := r.lose(name, position); err != nil {
			return err
		}
	}
	r.positions[name] = position
	r.tell()
	return nil
}

func (r *rig) hear(_ context.Context, c canary.Contact) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.refuse != nil {
		if err := r.refuse(c); err != nil {
			return err
		}
	}
	if err := c.Validate(); err != nil {
		r.t.Error(err)
	}
	if r.held[c.ID]++; r.held[c.ID] == 1 { // as spool and core do
		r.contacts = append(r.contacts, c)
	}
	r.tell()
	return nil
}

func (r *rig) unread(_ context.Context, list []mailbox.Unread) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.told = append(r.told, list)
	r.tell()
	return nil
}

// tell wakes who waits for something. r is locked.
func (r *rig) tell() {
	select {
	case r.moved <- struct{}{}:
	default:
	}
}

// run runs an ear until stop is called or the test ends.
func (r *rig) run() (ear *mailbox.Ear, stop func()) {
	r.t.Helper()
	ctx, cancel := context.WithCancel(r.t.Context())
	done := make(chan struct{})
	ear = mailbox.New(r.cfg)
	go func() { // ends with ctx
		defer close(done)
		if err := ear.Run(ctx); err != nil {
			r.t.Error(err)
		}
	}()
	stop = func() { cancel(); <-done }
	r.t.Cleanup(stop)
	return ear, stop
}

// until waits until cond, which is called while r is locked, holds.
func (r *rig) until(what string, cond func() bool) {
	r.t.Helper()
	limit := time.NewTimer(30 * time.Second)
	defer limit.Stop()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		r.mu.Lock()
		ok := cond()
		r.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-r.moved:
		case <-tick.C:
		case <-limit.C:
			r.mu.Lock()
			defer r.mu.Unlock()
			r.t.Fatalf("not within 30 seconds: %s\n%s", what, r.log)
		}
	}
}

func (r *rig) heard(n int) []canary.Contact {
	r.t.Helper()
	r.until(fmt.Sprintf("%d contacts", n), func() bool { return len(r.contacts) >= n })
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.contacts) != n {
		r.t.Fatalf("%d contacts, want %d", len(r.contacts), n)
	}
	return append([]canary.Contact(nil), r.contacts...)
}

// quiet checks that the log shows no address and no secret.
func (r *rig) quiet() {
	r.t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, secret := range []string{"mail.example", password, "scam.example", "dana"} {
		if strings.Contains(r.log.String(), secret) {
			r.t.Errorf("%q is logged:\n%s", secret, r.log)
		}
	}
}

// mailFor is a message as a provider stores it.
func mailFor(user, subject string) string {
	return fmt.Sprintf("Return-Path: <bounce@scam.example>\r\nDelivered-To: %[1]s+shop@mail.example\r\nReceived: from a by b; %[2]s\r\n"+
		"From: Support <help@scam.example>\r\nTo: %[1]s@mail.example\r\nSubject: %[2]s\r\n\r\nYour licence has expired.\r\n", user, subject)
}

// dovecot starts a server with some users, who are called dana0, dana1 …
func dovecot(t *testing.T, n int, more string) (*testkit.Dovecot, []string) {
	t.Helper()
	users := map[string]string{}
	var names []string
	for i := range n {
		names = append(names, fmt.Sprintf("dana%d", i))
		users[names[i]] = password
	}
	return testkit.StartDovecot(t, users, more), names
}
