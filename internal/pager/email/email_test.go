package email_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"mime"
	"mime/quotedprintable"
	"net"
	"net/http/httptest"
	"net/mail"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-message"
	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"saltmine/internal/canary"
	"saltmine/internal/pager"
	"saltmine/internal/pager/email"
	"saltmine/internal/pager/pagertest"
	"saltmine/internal/pager/render"
	"saltmine/internal/testkit"
)

var update = flag.Bool("update", false, "rewrite the golden file")

const secret = "correct horse"

func delivery() pager.Delivery {
	p := pagertest.Page(1, time.Date(2026, 8, 5, 10, 0, 0, 0, time.UTC))
	return pager.Delivery{Page: p, Route: "mail", Kind: pager.Trigger, DedupKey: p.About()}
}

func route(t *testing.T, cfg email.Config) *email.Route {
	t.Helper()
	set, err := render.Load("", nil, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	cfg.Set, cfg.From = set, "saltmine@example.net"
	if cfg.To == nil {
		cfg.To = []string{"dana@example.net", "amir@example.net"}
	}
	r, err := email.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// server is go-smtp's own, which wants a login over TLS.
type server struct {
	mu      sync.Mutex
	mails   []string
	refuse  map[string]int // status for a recipient, or for "" the message
	silent  bool           // never answers the message
	release chan struct{}
}

type talk struct {
	*server
	in bool
}

func (s *server) NewSession(*smtp.Conn) (smtp.Session, error) { return &talk{server: s}, nil }

func (*talk) AuthMechanisms() []string { return []string{sasl.Plain} }

func (k *talk) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if k.in = user == "saltmine" && password == secret; !k.in {
			return &smtp.SMTPError{Code: 535, Message: "no: " + password}
		}
		return nil
	}), nil
}

func (k *talk) Mail(string, *smtp.MailOptions) error {
	if !k.in {
		return smtp.ErrAuthRequired
	}
	return nil
}

func (k *talk) status(what string) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if code := k.refuse[what]; code != 0 {
		return &smtp.SMTPError{Code: code, Message: "not now, " + what}
	}
	return nil
}

func (k *talk) Rcpt(to string, _ *smtp.RcptOptions) error { return k.status(to) }

func (k *talk) Data(r io.Reader) error {
	b, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	if k.silent {
		<-k.release
	}
	if err := k.status(""); err != nil {
		return err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.mails = append(k.mails, string(b))
	return nil
}

func (*talk) Reset()        {}
func (*talk) Logout() error { return nil }

// start gives the server's addresses with STARTTLS and with TLS from the start.
func (s *server) start(t *testing.T) (plain, safe string, pool *x509.CertPool) {
	t.Helper()
	web := httptest.NewTLSServer(nil)
	t.Cleanup(web.Close)
	pool = x509.NewCertPool()
	pool.AddCert(web.Certificate())
	config := &tls.Config{Certificates: web.TLS.Certificates, MinVersion: tls.VersionTLS12}
	s.release = make(chan struct{})
	t.Cleanup(func() { close(s.release) })
	listen := func(implicit bool) string {
		ln, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		addr := ln.Addr().String()
		if implicit {
			ln = tls.NewListener(ln, config)
		}
		srv := smtp.NewServer(s)
		srv.Domain, srv.TLSConfig = "mx.example.net", config
		go srv.Serve(ln) //nolint:errcheck // it ends with the test
		t.Cleanup(func() { srv.Close() })
		return addr
	}
	return "smtp://" + listen(false), "smtps://" + listen(true), pool
}

// TestSubmission: by both ways, with a login; the mail is a mail, and the same
// page has the same Message-ID on every attempt.
func TestSubmission(t *testing.T) {
	t.Parallel()
	s := &server{}
	plain, safe, pool := s.start(t)
	for _, address := range []string{plain, safe} {
		r := route(t, email.Config{Address: address, User: "saltmine", Password: secret, RootCAs: pool})
		if err := r.Check(t.Context()); err != nil {
			t.Errorf("check %s: %v", address[:6], err)
		}
		if receipt, err := r.Send(t.Context(), delivery()); err != nil || receipt != "taken" {
			t.Errorf("%s: %q, %v", address[:6], receipt, err)
		}
	}
	if len(s.mails) != 2 {
		t.Fatalf("%d mails", len(s.mails))
	}
	var ids []string
	for _, text := range s.mails {
		m, err := mail.ReadMessage(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, m.Header.Get("Message-Id"))
		if _, err := m.Header.Date(); err != nil || m.Header.Get("Auto-Submitted") != "auto-generated" || m.Header.Get("References") == ids[0] {
			t.Errorf("header: %v, %v", m.Header, err)
		}
	}
	if ids[0] == "" || ids[0] != ids[1] {
		t.Errorf("ids %q", ids)
	}
	golden(t, "page", s.mails[0])
}

// TestHostileContentIsInert: whatever a page says, a mail has our header and text
// that does nothing.
func TestHostileContentIsInert(t *testing.T) {
	t.Parallel()
	s := &server{}
	plain, _, pool := s.start(t)
	r := route(t, email.Config{Address: plain, User: "saltmine", Password: secret, RootCAs: pool})
	want := ""
	for n, text := range pagertest.Payloads() {
		d := delivery()
		d.Page = pagertest.Hostile(d.Page, text)
		if _, err := r.Send(t.Context(), d); err != nil {
			t.Fatalf("payload %d: %v", n, err)
		}
		raw := s.mails[len(s.mails)-1]
		m, err := mail.ReadMessage(strings.NewReader(raw))
		if err != nil {
			t.Fatalf("payload %d: %v", n, err)
		}
		head, _, _ := strings.Cut(raw, "\r\n\r\n")
		if bad := strings.IndexFunc(head, func(r rune) bool { return r > '~' || r < ' ' && r != '\r' && r != '\n' }); bad >= 0 || len(raw) > 100_000 {
			t.Errorf("payload %d: a header that is not ASCII, or %d bytes: %.200q", n, len(raw), head)
		}
		names := fmt.Sprint(slices.Sorted(maps.Keys(m.Header)), len(strings.Split(m.Header.Get("To"), ",")))
		if want == "" {
			want = names
		}
		if names != want || m.Header.Get("Content-Type") != "text/plain; charset=utf-8" {
			t.Errorf("payload %d: the header has %s, want %s", n, names, want)
		}
		title, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
		body, err2 := io.ReadAll(quotedprintable.NewReader(m.Body))
		if err := errors.Join(err, err2); err != nil {
			t.Errorf("payload %d: %v", n, err)
		}
		for _, said := range []string{title, strings.ReplaceAll(string(body), "\r\n", "\n")} {
			if why := pagertest.Harms(said); why != "" {
				t.Errorf("payload %d %.60q: %s: %.200q", n, text, why, said)
			}
		}
	}
	if len(s.mails) != 500 {
		t.Errorf("%d mails", len(s.mails))
	}
}

// TestUpdatesAnswerTheFirstMail: so mail programs show them under it, and no
// importance is theirs.
func TestUpdatesAnswerTheFirstMail(t *testing.T) {
	t.Parallel()
	s := &server{}
	plain, _, pool := s.start(t)
	r := route(t, email.Config{Address: plain, User: "saltmine", Password: secret, RootCAs: pool})
	first, since := delivery(), delivery()
	since.Page.ID, since.Page.Severity, since.Kind, since.Quiet, since.Page.Update = "p_update000000001", canary.P1, pager.Update, true, true
	since.Page.Summary, since.Head.ID = "P1 db:main: 3 more contacts since 2026-08-05 10:00:00Z", first.ID()
	for _, d := range []pager.Delivery{first, since} {
		if _, err := r.Send(t.Context(), d); err != nil {
			t.Fatal(err)
		}
	}
	var headers []mail.Header
	for _, text := range s.mails {
		m, err := mail.ReadMessage(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		headers = append(headers, m.Header)
	}
	if id := headers[0].Get("Message-Id"); id == "" || headers[1].Get("In-Reply-To") != id || headers[1].Get("Message-Id") == id || !strings.HasSuffix(headers[1].Get("References"), id) || headers[1].Get("Importance") != "" {
		t.Errorf("the update does not answer %q: %v", id, headers[1])
	}
	golden(t, "update", s.mails[1])
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	got = strings.ReplaceAll(got, "\r\n", "\n")
	if *update {
		if err := os.WriteFile("testdata/"+name+".golden", []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("testdata/" + name + ".golden")
	if string(want) != got {
		t.Errorf("testdata/%s.golden differs (%v); got\n%s", name, err, got)
	}
}

// TestRefusals: what each answer means for the next attempt, and that neither the
// password nor what the server says is in the error.
func TestRefusals(t *testing.T) {
	t.Parallel()
	one, two := "dana@example.net", "amir@example.net"
	for name, c := range map[string]struct {
		refuse   map[string]int
		password string
		receipt  pager.Receipt
		class    string
		later    bool // a minute at least
	}{
		"wrong password": {password: "guess", class: "login: status 535", later: true},
		"nobody later":   {refuse: map[string]int{one: 450, two: 450}, class: "recipient: status 450"},
		"nobody ever":    {refuse: map[string]int{one: 550, two: 550}, class: "recipient: status 550", later: true},
		"one of two":     {refuse: map[string]int{two: 550}, receipt: "taken, for 1 of 2 recipients"},
		"message later":  {refuse: map[string]int{"": 451}, class: "message: status 451"},
		"message never":  {refuse: map[string]int{"": 554}, class: "message: status 554", later: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &server{refuse: c.refuse}
			plain, _, pool := s.start(t)
			password := c.password
			if password == "" {
				password = secret
			}
			r := route(t, email.Config{Address: plain, User: "saltmine", Password: password, RootCAs: pool})
			receipt, err := r.Send(t.Context(), delivery())
			var fault *pager.Error
			if receipt != c.receipt || errors.As(err, &fault) != (c.class != "") {
				t.Fatalf("%q, %v", receipt, err)
			}
			if fault != nil && (fault.Class != c.class || !fault.Retry || fault.RetryAfter >= time.Minute != c.later || strings.Contains(err.Error(), password) || strings.Contains(err.Error(), "not now")) {
				t.Errorf("%+v: %v", fault, err)
			}
			if err := r.Check(t.Context()); c.refuse[""] == 0 && c.class != "" && (err == nil || strings.Contains(err.Error(), password)) {
				t.Errorf("check: %v", err)
			}
		})
	}
}

// TestNoTLSNoPage: a server without STARTTLS, and one whose certificate nobody
// vouches for, get neither login nor page.
func TestNoTLSNoPage(t *testing.T) {
	t.Parallel()
	s := &server{}
	plain, safe, _ := s.start(t)
	bare := smtp.NewServer(s)
	ln, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go bare.Serve(ln) //nolint:errcheck // it ends with the test
	t.Cleanup(func() { bare.Close() })
	for _, address := range []string{plain, safe, "smtp://" + ln.Addr().String()} {
		r := route(t, email.Config{Address: address, User: "saltmine", Password: secret})
		if _, err := r.Send(t.Context(), delivery()); err == nil {
			t.Errorf("%s took it", address)
		}
	}
	if len(s.mails) != 0 {
		t.Errorf("%d mails", len(s.mails))
	}
}

// TestSilence: a server that never answers holds a page up until its time ends.
func TestSilence(t *testing.T) {
	t.Parallel()
	s := &server{silent: true}
	_, safe, pool := s.start(t)
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	_, err := route(t, email.Config{Address: safe, User: "saltmine", Password: secret, RootCAs: pool}).Send(ctx, delivery())
	var fault *pager.Error
	if !errors.As(err, &fault) || fault.Class != "timeout" || !fault.Retry {
		t.Errorf("%v", err)
	}
}

// certificate gives the server's certificate of a test as Postfix wants it.
func certificate(t *testing.T) (cert, key string, pool *x509.CertPool) {
	t.Helper()
	web := httptest.NewTLSServer(nil)
	defer web.Close()
	pool = x509.NewCertPool()
	pool.AddCert(web.Certificate())
	der, err := x509.MarshalPKCS8PrivateKey(web.TLS.Certificates[0].PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	cert = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: web.Certificate().Raw}))
	return cert, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})), pool
}

const postfixMain = `myhostname = mx.example.net
mydestination =
virtual_mailbox_domains = example.net
virtual_mailbox_maps = regexp:%[1]s/etc/names
virtual_mailbox_base = %[1]s/mail
virtual_minimum_uid = 1
virtual_uid_maps = static:UID
virtual_gid_maps = static:UID
alias_maps =
alias_database =
local_recipient_maps =
smtpd_peername_lookup = no
smtpd_tls_cert_file = %[1]s/etc/cert.pem
smtpd_tls_key_file = %[1]s/etc/key.pem
smtpd_tls_security_level = encrypt
`

// TestPostfixDelivers: a real server takes pages over STARTTLS and lays them into
// two mailboxes, and what hostile texts become of is one plain mail each.
func TestPostfixDelivers(t *testing.T) {
	t.Parallel()
	cert, key, pool := certificate(t)
	addr := net.JoinHostPort("127.0.0.1", strconv.Itoa(testkit.FreePort(t)))
	p := testkit.StartPostfix(t, strings.ReplaceAll(postfixMain, "UID", testkit.PostfixUID(t)), map[string]string{
		"names": "/^dana@/ dana/\n/^amir@/ amir/\n", "cert.pem": cert, "key.pem": key,
	}, addr+" inet n - n - - smtpd")
	r := route(t, email.Config{Address: "smtp://" + addr, RootCAs: pool})
	if err := r.Check(t.Context()); err != nil {
		t.Fatalf("check: %v\n%s", err, p.Log())
	}
	hostile := []string{
		"plain", "a\r\nBcc: all@example.org\r\n\r\nbody", "\r\n.\r\nMAIL FROM:<x@example.org>\r\n", "\x1b[2J\x00\xff\xfe", "\u202e\u2028.\n", strings.Repeat("ü", 500), strings.Repeat("A\r\n", 5<<20/3),
		"=?utf-8?q?a=0d=0aBcc:_x@example.org?=",
	}
	for i, text := range hostile {
		d := delivery()
		d.Page.ID = canary.PageID("p_" + string(rune('a'+i)))
		d.Page.Summary, d.Page.Reasons, d.Page.Proves, d.Page.Place = text, []string{text, "." + text}, text, canary.Place(text)
		if _, err := r.Send(t.Context(), d); err != nil {
			t.Fatalf("%.40q: %v\n%s", text, err, p.Log())
		}
	}
	for _, who := range []string{"dana", "amir"} {
		mails := maildir(t, filepath.Join(p.Dir, "mail", who), len(hostile))
		for _, m := range mails {
			inspect(t, m)
		}
	}
}

// maildir waits for so many mails.
func maildir(t *testing.T, dir string, want int) (mails [][]byte) {
	t.Helper()
	var names []string
	for range 300 {
		if names, _ = filepath.Glob(filepath.Join(dir, "new", "*")); len(names) >= want {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	if len(names) != want {
		t.Fatalf("%d mails in %s, want %d", len(names), filepath.Base(dir), want)
	}
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		mails = append(mails, b)
	}
	return mails
}

// inspect checks that a mail is one text with the fields of a page, and no other.
func inspect(t *testing.T, b []byte) {
	t.Helper()
	e, err := message.Read(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	allowed := " return-path x-original-to delivered-to received date from to subject message-id references auto-submitted importance mime-version content-type content-transfer-encoding "
	for f := e.Header.Fields(); f.Next(); {
		if !strings.Contains(allowed, " "+strings.ToLower(f.Key())+" ") {
			t.Errorf("a field %q: %q", f.Key(), f.Value())
		}
	}
	subject, err := e.Header.Text("Subject")
	body, err2 := io.ReadAll(e.Body)
	if err != nil || err2 != nil || len(body) > 60_000 || len(body) < 100 {
		t.Errorf("%d bytes, %v, %v", len(body), err, err2)
	}
	if i := strings.IndexFunc(subject+string(body), func(r rune) bool { return r < ' ' && r != '\n' && r != '\r' || r == '\u202e' || r == '\u2028' }); i >= 0 {
		t.Errorf("a character that steers: %q", subject)
	}
}
