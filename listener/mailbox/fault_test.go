package mailbox_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"saltmine/internal/inventory"
	"saltmine/internal/inventory/login"
	"saltmine/listener/mailbox"
)

// TestWrongPassword: a mailbox that does not open is not hammered, is told of
// after an hour and not before, also by a process that begins later, and no more
// once it is read.
func TestWrongPassword(t *testing.T) {
	t.Parallel()
	d, users := dovecot(t, 2, "")
	r := newRig(t, d.Addr, d.Roots, users...)
	r.now = time.Date(2026, 8, 5, 10, 0, 0, 0, time.UTC)
	later := func(by time.Duration) {
		r.mu.Lock()
		r.now = r.now.Add(by)
		r.mu.Unlock()
	}
	var changed atomic.Bool
	right := r.cfg.Credentials
	r.cfg.Credentials = func(in inventory.Reading) (login.Account, error) {
		a, err := right(in)
		if in.User == users[1] && !changed.Load() {
			a.Password = "an older one"
		}
		return a, err
	}
	r.cfg.Poll = 20 * time.Millisecond // the first is read all the time
	ear, stop := r.run()
	r.until("the login was refused", func() bool { return ear.Stats().Failed == 1 })
	later(59 * time.Minute)
	r.until("the first has been read since", func() bool {
		return strings.HasPrefix(r.positions["mailbox/o_0000000000000000/read"], "2026-08-05T10:59")
	})
	r.until("that none is unread is told once", func() bool { return len(r.told) == 1 && len(r.told[0]) == 0 })
	later(2 * time.Minute)
	r.until("it is told", func() bool { return len(r.told) == 2 && len(r.told[1]) == 1 })
	got := r.told[1][0]
	if got.ID != "o_0000000000000001" || got.Host != d.Addr || !errors.Is(got.Why, login.ErrDenied) || !got.Since.Equal(time.Date(2026, 8, 5, 10, 0, 0, 0, time.UTC)) {
		t.Errorf("told %+v", got)
	}
	if s := ear.Stats(); s.Logins != 2 || s.Failed != 1 || s.Unread != 1 {
		t.Errorf("it was hammered: %+v", s)
	}
	stop()
	r.told = nil
	r.cfg.Times.Denied = 10 * time.Millisecond
	_, stop = r.run()
	r.until("the next process tells it again", func() bool { return len(r.told) == 1 && len(r.told[0]) == 1 })
	changed.Store(true)
	r.until("that is over", func() bool { return len(r.told) == 2 && len(r.told[1]) == 0 })
	stop()
	r.quiet()
}

// TestAccessToken logs in as OAuth 2.0 has it, by the mechanism that the server
// offers, with the token that is in the file at that time.
func TestAccessToken(t *testing.T) {
	t.Parallel()
	for _, mechanism := range []string{"xoauth2 oauthbearer", "oauthbearer"} {
		t.Run(mechanism, func(t *testing.T) {
			t.Parallel()
			provider := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Query().Get("access_token") != "ya29.second" {
					w.WriteHeader(http.StatusBadRequest)
					return
				}
				json.NewEncoder(w).Encode(map[string]string{"email": "dana0"}) //nolint:errcheck // Dovecot tells
			}))
			t.Cleanup(provider.Close)
			file := filepath.Join("/var/tmp", fmt.Sprintf("saltmine-oauth-%d-%d", os.Getpid(), len(mechanism)))
			if err := os.WriteFile(file, []byte("tokeninfo_url = "+provider.URL+"/?access_token=\nusername_attribute = email\n"), 0o644); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { os.Remove(file) }) //nolint:errcheck // it is temporary
			d, users := dovecot(t, 1, "auth_mechanisms = "+mechanism+"\npassdb {\n  driver = oauth2\n  mechanisms = xoauth2 oauthbearer\n  args = "+file+"\n}\n")
			d.Deliver(t, "dana0", "INBOX", mailFor("dana0", "one"), time.Now())
			r := newRig(t, d.Addr, d.Roots, users...)
			token := atomic.Pointer[string]{}
			token.Store(new("ya29.first"))
			r.cfg.Credentials = func(in inventory.Reading) (login.Account, error) {
				return login.Account{Host: in.Host, User: in.User, Token: *token.Load()}, nil
			}
			r.cfg.Times.Denied = 50 * time.Millisecond
			ear, _ := r.run()
			r.until("the old token is refused", func() bool { return ear.Stats().Failed > 0 })
			r.until("as a login that is denied", func() bool { return strings.Contains(r.log.String(), login.ErrDenied.Error()) })
			token.Store(new("ya29.second"))
			r.heard(1)
			r.mu.Lock()
			defer r.mu.Unlock()
			if strings.Contains(r.log.String(), "ya29") {
				t.Errorf("a token is logged:\n%s", r.log)
			}
		})
	}
}

// TestHostileServers: whatever a server says or leaves out, it is cut off within
// bounds, nothing wrong is heard, and the fault is told by its kind alone.
func TestHostileServers(t *testing.T) {
	t.Parallel()
	const forever = "∞"
	for name, c := range map[string]struct {
		says map[string]string
		want error
		most int64 // bytes that it may say
	}{
		"silence":            {map[string]string{"LIST": ""}, login.ErrProtocol, 0},
		"silence at login":   {map[string]string{"LOGIN": ""}, login.ErrProtocol, 0},
		"silence in a body":  {map[string]string{"BODY": "* 1 FETCH (UID 1 BODY[]<0> {5}\r\nhel"}, login.ErrProtocol, 0},
		"endless list":       {map[string]string{"LIST": "* LIST () \"/\" dana" + forever}, login.ErrProtocol, 5 << 20},
		"endless line":       {map[string]string{"EXAMINE": "* OK " + strings.Repeat("dana", 1000) + forever}, login.ErrProtocol, 1 << 20},
		"endless literal":    {map[string]string{"LIST": "* LIST () \"/\" {9000000000}\r\n" + strings.Repeat("dana", 1000) + forever}, login.ErrProtocol, 5 << 20},
		"endless body":       {map[string]string{"BODY": "* 1 FETCH (UID 1 BODY[]<0> {9000000000}\r\n" + strings.Repeat("dana", 1000) + forever}, login.ErrProtocol, 3 << 20},
		"endless numbers":    {map[string]string{"SEARCH": "* SEARCH" + strings.Repeat(" 7", 1000) + forever}, login.ErrProtocol, 5 << 20},
		"endless news":       {map[string]string{"NOOP": "* 7 EXISTS\r\n" + forever}, login.ErrProtocol, 2 << 20},
		"garbage":            {map[string]string{"LIST": "\x00\xff)))(((\r\n"}, login.ErrProtocol, 0},
		"goodbye":            {map[string]string{"EXAMINE": "* BYE dana\r\n"}, login.ErrProtocol, 0},
		"no":                 {map[string]string{"EXAMINE": "TAG NO dana\r\n"}, mailbox.ErrRefused, 0},
		"bad":                {map[string]string{"EXAMINE": "TAG BAD dana\r\n"}, login.ErrProtocol, 0},
		"no uidvalidity":     {map[string]string{"EXAMINE": "* 1 EXISTS\r\nTAG OK x\r\n"}, login.ErrProtocol, 0},
		"never shown":        {map[string]string{"BODY": "TAG OK dana\r\n"}, login.ErrProtocol, 0},
		"of another":         {map[string]string{"BODY": "* 1 FETCH (UID 2 BODY[]<0> {5}\r\nhello)\r\nTAG OK x\r\n"}, login.ErrProtocol, 0},
		"a broken date":      {map[string]string{"INTERNALDATE": "* 1 FETCH (UID 1 INTERNALDATE \"dana\" RFC822.SIZE 5)\r\nTAG OK x\r\n"}, login.ErrProtocol, 0},
		"all numbers":        {map[string]string{"SEARCH": "* ESEARCH (TAG \"TAG\") UID ALL 1:4294967295\r\nTAG OK x\r\n", "INTERNALDATE": "TAG NO dana\r\n"}, mailbox.ErrRefused, 0},
		"a tag of its own":   {map[string]string{"LIST": "T99 OK dana\r\n"}, login.ErrProtocol, 0},
		"asks for more":      {map[string]string{"LIST": "+ dana\r\n"}, login.ErrProtocol, 0},
		"deep in brackets":   {map[string]string{"LIST": "* LIST " + strings.Repeat("(", 100_000) + "\r\n"}, login.ErrProtocol, 0},
		"nested body":        {map[string]string{"BODY": "* 1 FETCH (UID 1 BODY " + strings.Repeat("(", 100_000) + "\r\n"}, login.ErrProtocol, 0},
		"no capabilities":    {map[string]string{"": "* OK hi\r\n", "CAPABILITY": "", "NOOP": "* BYE x\r\n"}, login.ErrProtocol, 0},
		"refuses each idle":  {map[string]string{"LOGIN": "TAG OK [CAPABILITY IMAP4rev1 IDLE] in\r\n", "IDLE": "TAG NO dana\r\n", "NOOP": "* BYE\r\n"}, login.ErrProtocol, 0},
		"idles in silence":   {map[string]string{"LOGIN": "TAG OK [CAPABILITY IMAP4rev1 IDLE] in\r\n", "IDLE": ""}, login.ErrProtocol, 0},
		"ends of idle alone": {map[string]string{"LOGIN": "TAG OK [CAPABILITY IMAP4rev1 IDLE] in\r\n", "IDLE": "+ idling\r\n", "DONE": ""}, login.ErrProtocol, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := newScripted(t, c.says, forever)
			r := newRig(t, "example.com:993", srv.roots, "dana")
			r.cfg.Login.Dial, r.cfg.Login.Time, r.cfg.Poll = srv.dial, time.Second, 5*time.Millisecond
			r.cfg.MaxMessage, r.cfg.Times.Command, r.cfg.Times.Body = 1<<20, 700*time.Millisecond, 700*time.Millisecond
			err := mailbox.Visit(t.Context(), r.cfg, accounts("example.com:993", []string{"dana"})[0])
			if !errors.Is(err, c.want) || strings.Contains(err.Error(), "dana") {
				t.Errorf("it ends with %v, want %v", err, c.want)
			}
			if c.most > 0 && srv.said.Load() > c.most {
				t.Errorf("it could say %d bytes", srv.said.Load())
			}
			for _, heard := range r.contacts {
				if string(heard.Raw) != "hello" {
					t.Errorf("heard %q", heard.Raw)
				}
			}
			r.quiet()
		})
	}
}
