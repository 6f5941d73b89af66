package mailbox_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/pem"
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"saltmine/listener/mailbox"
)

// scripted is an IMAP server with one message, which follows a script where it
// has one.
type scripted struct {
	tls     *tls.Config
	roots   string
	says    map[string]string // by a word of the command
	forever string            // behind this an answer is said again and again
	said    atomic.Int64
}

func newScripted(tb testing.TB, says map[string]string, forever string) *scripted {
	tb.Helper()
	web := httptest.NewTLSServer(nil) // for its certificate
	tb.Cleanup(web.Close)
	s := &scripted{tls: &tls.Config{Certificates: web.TLS.Certificates, MinVersion: tls.VersionTLS12}, says: says, forever: forever}
	s.roots = filepath.Join(tb.TempDir(), "roots.pem")
	if err := os.WriteFile(s.roots, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: web.Certificate().Raw}), 0o600); err != nil {
		tb.Fatal(err)
	}
	return s
}

// dial gives a connection to it without a network.
func (s *scripted) dial(context.Context, string, string) (net.Conn, error) {
	here, there := net.Pipe()
	go s.serve(tls.Server(there, s.tls)) // ends with the connection
	return here, nil
}

func (s *scripted) serve(conn net.Conn) {
	defer conn.Close()
	if s.say(conn, s.answer("")) != nil {
		return
	}
	in := bufio.NewReader(conn)
	tag := ""
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		if word, _, _ := strings.Cut(line, " "); strings.TrimSpace(word) != "DONE" {
			tag = word
		}
		if s.say(conn, tagged(s.answer(line), tag)) != nil {
			return
		}
	}
}

// tagged puts the tag of a command into its answer, but for the word "(TAG".
func tagged(text, tag string) string {
	return strings.NewReplacer("(TAG ", "(TAG ", "TAG", tag).Replace(text)
}

// answer finds what to say to a command.
func (s *scripted) answer(line string) string {
	usual := [][2]string{
		{"CAPABILITY", "* CAPABILITY IMAP4rev1\r\nTAG OK x\r\n"}, {"LOGIN", "TAG OK [CAPABILITY IMAP4rev1] in\r\n"},
		{"LIST", "* LIST () \"/\" INBOX\r\nTAG OK x\r\n"},
		{"EXAMINE", "* 1 EXISTS\r\n* OK [UIDVALIDITY 7] x\r\n* OK [UIDNEXT 2] x\r\nTAG OK [READ-ONLY] x\r\n"},
		{"SEARCH", "* SEARCH 1\r\nTAG OK x\r\n"},
		{"INTERNALDATE", "* 1 FETCH (UID 1 INTERNALDATE \"02-Aug-2026 01:00:00 +0000\" RFC822.SIZE 5)\r\nTAG OK x\r\n"},
		{"BODY", "* 1 FETCH (UID 1 BODY[]<0> {5}\r\nhello)\r\nTAG OK x\r\n"},
		{"IDLE", "+ idling\r\n"}, {"DONE", "TAG OK x\r\n"}, {"NOOP", "TAG OK x\r\n"}, {"LOGOUT", "* BYE x\r\nTAG OK x\r\n"},
	}
	if line == "" {
		if text, has := s.says[""]; has {
			return text
		}
		return "* OK [CAPABILITY IMAP4rev1] hi\r\n"
	}
	for _, u := range usual {
		if strings.Contains(line, u[0]) {
			if text, has := s.says[u[0]]; has {
				return text
			}
			return u[1]
		}
	}
	return "TAG BAD x\r\n"
}

// say says a text, or its end again and again until nobody listens.
func (s *scripted) say(conn net.Conn, text string) error {
	again, endless := "", false
	if s.forever != "" && strings.HasSuffix(text, s.forever) {
		text, endless = strings.TrimSuffix(text, s.forever), true
		again = text[max(0, len(text)-4000):]
	}
	for {
		n, err := conn.Write([]byte(text))
		s.said.Add(int64(n))
		if err != nil || !endless {
			return err
		}
		text = again
	}
}

// FuzzServer has a server answer each line with the next piece of what is made up.
func FuzzServer(f *testing.F) {
	srv := newScripted(f, nil, "")
	good := []string{
		"* OK [CAPABILITY IMAP4rev1 IDLE SPECIAL-USE LIST-EXTENDED] hi\r\n", "TAG OK [CAPABILITY IMAP4rev1 IDLE] in\r\n",
		"* LIST (\\Junk) \"/\" {4}\r\nSpam\r\n* LIST () \"/\" INBOX\r\nTAG OK x\r\n", "* STATUS Spam (UIDNEXT 1 UIDVALIDITY 7)\r\nTAG OK x\r\n",
		"* 0 EXISTS\r\n* OK [UIDVALIDITY 7] x\r\n* OK [UIDNEXT 1] x\r\nTAG OK [READ-ONLY] x\r\n", "* SEARCH\r\nTAG OK x\r\n",
		srv.answer("EXAMINE"), "* ESEARCH (TAG \"TAG\") UID ALL 1:3,5\r\nTAG OK x\r\n", srv.answer("INTERNALDATE"), srv.answer("BODY"), "+ idling\r\n* 2 EXISTS\r\n", "TAG OK x\r\n",
	}
	f.Add(strings.Join(good, "|"))
	f.Add(strings.Join(append(good[:2:2], good[6:]...), "|"))
	f.Add(strings.ReplaceAll(strings.Join(good, "|"), "OK", "NO"))
	f.Add("* BYE [ALERT] x\r\n")
	f.Fuzz(func(t *testing.T, text string) {
		r := newRig(t, "example.com:993", srv.roots, "dana")
		r.cfg.MaxMessage, r.cfg.Poll = 64<<10, time.Millisecond
		r.cfg.Login.Time, r.cfg.Times.Command, r.cfg.Times.Body = 2*time.Second, 2*time.Second, 2*time.Second
		r.cfg.Login.Dial = func(context.Context, string, string) (net.Conn, error) {
			here, there := net.Pipe()
			go pieces(tls.Server(there, srv.tls), strings.Split(text, "|")) // ends with the connection
			return here, nil
		}
		if err := mailbox.Visit(t.Context(), r.cfg, accounts("example.com:993", []string{"dana"})[0]); err == nil {
			t.Error("a server that goes away is no fault")
		}
	})
}

// pieces answers each line with the next piece, and goes.
func pieces(conn net.Conn, list []string) {
	defer conn.Close()
	in := bufio.NewReader(conn)
	tag := "*"
	for i, piece := range list {
		if i > 0 {
			line, err := in.ReadString('\n')
			if err != nil {
				return
			}
			tag, _, _ = strings.Cut(line, " ")
		}
		if _, err := conn.Write([]byte(tagged(piece, tag))); err != nil {
			return
		}
	}
}
