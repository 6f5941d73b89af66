package syslog_test

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"flag"
	"io"
	"log/slog"
	"net"
	"net/http/httptest"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"saltmine/internal/canary"
	"saltmine/internal/pager"
	"saltmine/internal/pager/pagertest"
	"saltmine/internal/pager/render"
	"saltmine/internal/pager/syslog"
)

var update = flag.Bool("update", false, "rewrite the golden file")

func delivery() pager.Delivery {
	p := pagertest.Page(1, time.Date(2026, 8, 5, 10, 0, 0, 0, time.UTC))
	return pager.Delivery{Page: p, Route: "siem", Kind: pager.Trigger, DedupKey: p.About()}
}

func route(t *testing.T, address, format string, pool *x509.CertPool) *syslog.Route {
	t.Helper()
	set, err := render.Load("", nil, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	r, err := syslog.New(syslog.Config{Address: address, Format: format, Host: "core1", RootCAs: pool, Set: set})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// receiver is a UDP socket; send sends and gives what arrived.
func receiver(t *testing.T) (address string, read func() string) {
	t.Helper()
	pc, err := new(net.ListenConfig).ListenPacket(t.Context(), "udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { pc.Close() })
	return "udp://" + pc.LocalAddr().String(), func() string {
		buf := make([]byte, 1<<16)
		n, _, err := pc.ReadFrom(buf)
		if err != nil {
			t.Fatal(err)
		}
		return string(buf[:n])
	}
}

func TestMessagesAreAsTheGoldenFile(t *testing.T) {
	t.Parallel()
	address, read := receiver(t)
	closed := delivery()
	closed.Kind, closed.Verdict = pager.Resolve, canary.Noise
	since := delivery()
	since.Kind, since.Quiet, since.Page.Update, since.Page.Summary = pager.Update, true, true, "P2 db:main: 3 more contacts since 2026-08-05 10:00:00Z"
	var got strings.Builder
	for _, format := range []string{"rfc5424", "cef"} {
		for _, d := range []pager.Delivery{delivery(), closed, since} {
			if receipt, err := route(t, address, format, nil).Send(t.Context(), d); err != nil || receipt != "written" {
				t.Fatalf("%q, %v", receipt, err)
			}
			got.WriteString(read() + "\n")
		}
	}
	if *update {
		if err := os.WriteFile("testdata/messages.golden", []byte(got.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if want, err := os.ReadFile("testdata/messages.golden"); err != nil || string(want) != got.String() {
		t.Errorf("%v; got\n%s\nwant\n%s", err, got.String(), want)
	}
}

// TestStreams: over TCP and TLS each message is preceded by its length.
func TestStreams(t *testing.T) {
	t.Parallel()
	srv := httptest.NewTLSServer(nil)
	defer srv.Close()
	pool := x509.NewCertPool()
	pool.AddCert(srv.Certificate())
	for _, scheme := range []string{"tcp", "tls"} {
		ln, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		addr := ln.Addr().String()
		if scheme == "tls" {
			ln = tls.NewListener(ln, &tls.Config{Certificates: srv.TLS.Certificates})
		}
		got := make(chan string, 1)
		go func() {
			conn, err := ln.Accept()
			if err != nil {
				got <- err.Error()
				return
			}
			all, _ := io.ReadAll(bufio.NewReader(conn))
			got <- string(all)
		}()
		r := route(t, scheme+"://"+addr, "", pool)
		if _, err := r.Send(t.Context(), delivery()); err != nil {
			t.Errorf("%s: %v", scheme, err)
		}
		n, msg, _ := strings.Cut(<-got, " ")
		if want, err := strconv.Atoi(n); err != nil || want != len(msg) || !strings.HasPrefix(msg, "<131>1 ") {
			t.Errorf("%s: %q before %q", scheme, n, msg)
		}
		ln.Close()
		if _, err := r.Send(t.Context(), delivery()); err == nil || r.Check(t.Context()) == nil {
			t.Errorf("%s: nobody there, and no error", scheme)
		}
	}
}

// TestRefusedAfterTheHandshake: a receiver that wants our certificate says so
// when the handshake is over on our side.
func TestRefusedAfterTheHandshake(t *testing.T) {
	t.Parallel()
	srv := httptest.NewTLSServer(nil)
	defer srv.Close()
	pool := x509.NewCertPool()
	pool.AddCert(srv.Certificate())
	ln, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	go func() {
		conn, err := ln.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		_ = tls.Server(conn, &tls.Config{Certificates: srv.TLS.Certificates, ClientAuth: tls.RequireAnyClientCert, MinVersion: tls.VersionTLS13}).HandshakeContext(t.Context())
		<-t.Context().Done() // what is written finds no closed door
	}()
	r := route(t, "tls://"+ln.Addr().String(), "", pool)
	receipt, err := r.Send(t.Context(), delivery())
	if e, ok := errors.AsType[*pager.Error](err); !ok || !e.Retry {
		t.Errorf("%q, %v", receipt, err)
	}
}

func TestHostileContentStaysOnItsLine(t *testing.T) {
	t.Parallel()
	address, read := receiver(t)
	extension := regexp.MustCompile(`(?:^|[^\\])=`)
	list := append(pagertest.Payloads(), "a\r\n<0>1 - forged", "x|10|act=forged", `back\slash|\=`, "k=v externalId=forged", strings.Repeat("A=|\\ü", 3<<20))
	for _, text := range list {
		for _, format := range []string{"rfc5424", "cef"} {
			d := delivery()
			d.Page = pagertest.Hostile(d.Page, text)
			if _, err := route(t, address, format, nil).Send(t.Context(), d); err != nil {
				t.Fatal(err)
			}
			got := read()
			if len(got) > 2048 || !utf8.ValidString(got) || strings.ContainsAny(got, "\r\n\x1b\u202e") || !strings.HasPrefix(got, "<131>1 2026-08-05T10:00:00Z core1 saltmine - page - ") {
				t.Errorf("%.40q as %s: %q", text, format, got)
			}
			_, said, _ := strings.Cut(got, " saltmine - page - ")
			if why := pagertest.Harms(strings.TrimPrefix(strings.TrimPrefix(said, "- "), "\ufeff")); why != "" {
				t.Errorf("%.40q as %s: %s: %q", text, format, why, got)
			}
			if format != "cef" {
				continue
			}
			_, event, _ := strings.Cut(got, "CEF:0|")
			bars := strings.Count(regexp.MustCompile(`\\.`).ReplaceAllString(event, ""), "|")
			if bars < 6 {
				t.Errorf("%.40q: a header of %d parts: %q", text, bars, event)
			}
			if at := strings.Index(event, "|externalId="); at >= 0 && len(extension.FindAllString(event[at:], -1)) > 7 {
				t.Errorf("%.40q: has more keys than ours: %q", text, event[at:])
			}
		}
	}
}
