package conf_test

import (
	"strings"
	"testing"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/conf"
)

func TestMailboxSection(t *testing.T) {
	t.Parallel()
	c, err := conf.Parse([]byte("[mailbox]\n"), "s.toml", "/etc")
	if err != nil || *c.Mailbox != (conf.Mailbox{Connections: 100, Poll: time.Minute, MaxMessage: 25 << 20, Severity: canary.P2}) {
		t.Errorf("the defaults: %+v, %v", c, err)
	}
	if err := c.Blind(); err == nil || !strings.Contains(err.Error(), "mailbox: an edge must not know it") {
		t.Errorf("an edge takes it: %v", err)
	}
	for text, want := range map[string]string{
		"connections = 0":          "s.toml:2: mailbox.connections: 0 is not between 1 and 10000",
		"poll = \"1s\"":            "s.toml:2: mailbox.poll: 1s: want 10s to 30m0s",
		"max_message = \"61 MiB\"": "s.toml:2: mailbox.max_message: 63963136 bytes: want 64KiB to 60MiB",
		"severity = \"P9\"":        "s.toml:2: mailbox.severity",
		"polls = \"1m\"":           `did you mean "poll"?`,
	} {
		if _, err := conf.Parse([]byte("[mailbox]\n"+text+"\n"), "s.toml", "/etc"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}

// TestTokenFile takes an access token in place of a password, and one of them.
func TestTokenFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "one.token", "ya29.x", 0o600)
	read := func(imap string) (string, error) {
		list, err := conf.Mailboxes(write(t, dir, "m.toml", "[[mailbox]]\naddress = \"whitfield@mail.example\"\nimap = { host = \"imap.mail.example\", user = \"whitfield\", "+imap+" }\n", 0o600), conf.Landing{})
		if err != nil {
			return "", err
		}
		return list[0].Reading.TokenFile, nil
	}
	if path, err := read(`token_file = "one.token"`); err != nil || !strings.HasSuffix(path, "/one.token") {
		t.Errorf("%q, %v", path, err)
	}
	if path, err := read(`token_file = "one.token", operator = "google.com"`); err != nil || path == "" {
		t.Errorf("with an operator: %q, %v", path, err)
	}
	for imap, want := range map[string]string{
		`token_file = "one.token", operator = "google"`:       "mailbox[0].imap.operator: \"google\" is not a domain name",
		`token_file = "one.token", secret_file = "one.token"`: "mailbox[0].imap.token_file: secret_file is given too",
		`token_file = "none.token"`:                           "mailbox[0].imap.token_file: secret file",
	} {
		if _, err := read(imap); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "whitfield") {
			t.Errorf("%s: %v", imap, err)
		}
	}
}
