package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"
	"github.com/emersion/go-imap/v2/imapserver/imapmemserver"
	"github.com/miekg/dns"

	"saltmine/internal/inventory"
	"saltmine/internal/inventory/login"
)

// poolSite is a configuration with a domain, a mailbox and a number.
func poolSite(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if code := run(t.Context(), []string{"init", dir}, nil, io.Discard, t.Output()); code != exitOK {
		t.Fatalf("init: exit code %d", code)
	}
	for name, text := range map[string]string{
		"saltmine.toml": "[registry]\ndsn = \"sqlite:saltmine.db\"\nkeys = \"keys/\"\n[pool]\ndomains = [\"example.net\"]\nmailboxes = \"mailboxes.toml\"\nphones = \"numbers.csv\"\n" +
			"block_lists = [\"dbl.example\"]\ndisposable = \"disposable.txt\"\n",
		"mailboxes.toml": "[[mailbox]]\naddress = \"dana.whitfield@mail.example\"\nadded = 2020-01-01\nimap = { host = \"example.com\", user = \"dana.whitfield\", secret_file = \"dana.whitfield.secret\" }\n",
		"numbers.csv":    "number,expiry,added\n+442012345678,2026-09-01,2020-01-01\n", "disposable.txt": "trash.example\n", "dana.whitfield.secret": "hunter2\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func poolCore(t *testing.T, dir string) (*app, *core) {
	t.Helper()
	a := &app{stdout: t.Output(), stderr: t.Output(), config: filepath.Join(dir, "saltmine.toml"), output: "text",
		now: func() time.Time { return time.Date(2026, 8, 5, 10, 0, 0, 0, time.UTC) }}
	c, err := a.openCore(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.close() }) //nolint:errcheck // the test is over
	if err := c.importPool(t.Context()); err != nil {
		t.Fatal(err)
	}
	return a, c
}

// zone answers DNS from lines of a zone file.
func zone(t *testing.T, lines ...string) *net.Resolver {
	t.Helper()
	pc, err := (&net.ListenConfig{}).ListenPacket(t.Context(), "udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	up := make(chan struct{})
	srv := &dns.Server{PacketConn: pc, NotifyStartedFunc: func() { close(up) }, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		reply := new(dns.Msg)
		reply.SetRcode(q, dns.RcodeNameError)
		reply.RecursionAvailable = true
		for _, line := range lines {
			rr, err := dns.NewRR(line)
			if err == nil && rr.Header().Name == q.Question[0].Name {
				if reply.Rcode = dns.RcodeSuccess; rr.Header().Rrtype == q.Question[0].Qtype {
					reply.Answer = append(reply.Answer, rr)
				}
			}
		}
		w.WriteMsg(reply) //nolint:errcheck // the resolver tells
	})}
	go srv.ActivateAndServe() //nolint:errcheck // ends with the test
	<-up
	t.Cleanup(func() { srv.Shutdown() }) //nolint:errcheck // the test is over
	return resolverAt(pc.LocalAddr().String())
}

// mailProvider is a real IMAP server with the mailbox in it.
func mailProvider(t *testing.T, password string) login.Config {
	t.Helper()
	web := httptest.NewTLSServer(nil) // for its certificate
	t.Cleanup(web.Close)
	roots := x509.NewCertPool()
	roots.AddCert(web.Certificate())
	store := imapmemserver.New()
	store.AddUser(imapmemserver.NewUser("dana.whitfield", password))
	srv := imapserver.New(&imapserver.Options{
		NewSession: func(*imapserver.Conn) (imapserver.Session, *imapserver.GreetingData, error) {
			return store.NewSession(), nil, nil
		},
		Caps: imap.CapSet{imap.CapIMAP4rev1: {}}, InsecureAuth: true, Logger: log.New(io.Discard, "", 0),
	})
	ln, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: web.TLS.Certificates, MinVersion: tls.VersionTLS12})
	if err != nil {
		t.Fatal(err)
	}
	go srv.Serve(ln) //nolint:errcheck // ends with the test
	t.Cleanup(func() { srv.Close() })
	return login.Config{TLS: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, ln.Addr().String())
	}}
}

// TestPoolCheck looks at a pool with a real resolver, name server and mail
// provider: first it is sound, then everything goes wrong.
func TestPoolCheck(t *testing.T) {
	t.Parallel()
	dir := poolSite(t)
	a, c := poolCore(t, dir)
	good := poolChecker{now: a.now, login: mailProvider(t, "hunter2"),
		resolver: zone(t, "example.net. NS ns1.example.org.", "example.net. MX 5 mx.example.org.", "mx.example.org. A 127.0.0.1")}
	got, err := good.run(t.Context(), c)
	if err != nil || got.Checked != 3 || len(got.Findings) != 1 || got.Findings[0].Kind != inventory.Phone || got.Findings[0].What != "it runs out on 2026-09-01" {
		t.Fatalf("sound, but for the number: %+v, %v", got, err)
	}
	if at, err := c.reg.LastRun(t.Context(), poolCheckJob); err != nil || !at.Equal(a.now()) {
		t.Errorf("last run %s, %v", at, err)
	}
	if err := os.WriteFile(filepath.Join(dir, "disposable.txt"), []byte("net.example\nexample.net\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	bad := poolChecker{now: a.now, login: mailProvider(t, "hunter3"),
		resolver:     zone(t, "example.net. NS ns1.thief.example.", "example.net.dbl.example. A 127.0.1.2"),
		registration: func(context.Context, string) (time.Time, string, error) { return a.now().Add(time.Hour), "other", nil }}
	var out bytes.Buffer
	a.stdout = &out
	err = a.poolCheck(t.Context(), c, bad)
	if exit, ok := errors.AsType[*exitError](err); !ok || exit.code != exitFound {
		t.Errorf("it ends with %v", err)
	}
	for _, want := range []string{
		"example.net: its name servers changed from ns1.example.org to ns1.thief.example\n        do: ", "example.net: its mail exchangers changed from mx.example.org to none",
		"example.net: it has no MX record", "example.net: it is on the block list dbl.example", "example.net: it is on the list of disposable domains",
		"example.net: it runs out on 2026-08-05", "\nmailbox o_", ": it does not open: the IMAP server refuses the login", "\nphone o_", "3 looked at, 8 findings",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not said:\n%s", want, out.String())
		}
	}
	if strings.Contains(out.String(), "whitfield") || strings.Contains(out.String(), "2012345678") || strings.Contains(out.String(), "hunter") {
		t.Errorf("it shows what it must not:\n%s", out.String())
	}
	items, err := c.reg.PoolItems(t.Context(), inventory.Filter{})
	if err != nil {
		t.Fatal(err)
	}
	if taken := poolRules(c.cfg).Take(items, 9, inventory.Filter{}, a.now()); len(taken) != 0 {
		t.Errorf("what is at fault is offered: %v", taken)
	}
	for want, spoil := range map[string]func(path string) error{
		"others may read its secret_file": func(path string) error { return os.Chmod(path, 0o644) },
		"its secret_file cannot be read":  func(path string) error { return errors.Join(os.Chmod(path, 0o600), os.Truncate(path, 0)) },
		"its secret_file is not there":    os.Remove,
	} {
		again := poolSite(t)
		a, c := poolCore(t, again)
		if err := spoil(filepath.Join(again, "dana.whitfield.secret")); err != nil {
			t.Fatal(err)
		}
		got, err := (poolChecker{now: a.now}).run(t.Context(), c)
		if err != nil || len(got.Findings) != 2 || !strings.Contains(got.Findings[0].What, want) || strings.Contains(got.Findings[0].What, "whitfield") {
			t.Errorf("%s: %+v, %v", want, got, err)
		}
	}
}

// TestPoolShow opens an item only with --reveal, and then on the record.
func TestPoolShow(t *testing.T) {
	t.Parallel()
	a, c := poolCore(t, poolSite(t))
	boxes, err := c.reg.PoolItems(t.Context(), inventory.Filter{Kinds: []inventory.Kind{inventory.Mailbox}})
	if err != nil || len(boxes) != 1 {
		t.Fatal(boxes, err)
	}
	for _, output := range []string{"text", "json"} {
		var masked, revealed bytes.Buffer
		a.output, a.stdout = output, &masked
		if err := a.poolShow(t.Context(), c, boxes[0].ID, false, request{}); err != nil {
			t.Fatal(err)
		}
		a.stdout = &revealed
		if err := a.poolShow(t.Context(), c, boxes[0].ID, true, request{}); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(masked.String(), "whitfield") || !strings.Contains(masked.String(), string(boxes[0].ID)) {
			t.Errorf("masked: %s", masked.String())
		}
		for _, want := range []string{"dana.whitfield@mail.example", "example.com:993", "dana.whitfield.secret"} {
			if !strings.Contains(revealed.String(), want) {
				t.Errorf("%q is not revealed: %s", want, revealed.String())
			}
		}
	}
	if err := c.reg.RetirePoolItem(t.Context(), boxes[0].ID, "sold"); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	a.output, a.stdout = "text", &out
	if err := a.poolShow(t.Context(), c, boxes[0].ID, false, request{}); err != nil || !strings.Contains(out.String(), "retired") || !strings.Contains(out.String(), "sold") {
		t.Errorf("%s, %v", out.String(), err)
	}
}
