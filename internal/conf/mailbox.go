package conf

import (
	"time"

	"saltmine/internal/canary"
)

// Mailbox is the mailbox ear, which reads the mailboxes of the pool by IMAP.
type Mailbox struct {
	// Connections is how many may be open at one time. With fewer than there are
	// mailboxes they take turns. Default 100.
	Connections int `json:"connections"`
	// Poll is how often a mailbox is looked at that is not watched, and the spam
	// folder of one that is. Default 1 minute.
	Poll time.Duration `json:"poll"`
	// MaxMessage is how much of a message is kept, in bytes. Default 25 MiB.
	MaxMessage int64 `json:"max_message"`
	// Roots is a PEM file of authorities that sign the servers' certificates.
	// Default: the system's.
	Roots string `json:"roots,omitempty"`
	// Severity is that of the notice of mailboxes that could not be read for an
	// hour. Default P2: nobody would hear of what comes there.
	Severity canary.Severity `json:"severity"`
}

const (
	leastPoll   = 10 * time.Second // providers lock out whoever comes more often
	mostPoll    = 30 * time.Minute
	mostMessage = 60 << 20 // what fits into the spool
)

func (c *Config) decodeMailbox(t *table) {
	if t == nil {
		return
	}
	m := &Mailbox{Connections: 100, Poll: time.Minute, MaxMessage: 25 << 20, Severity: canary.P2}
	c.Mailbox = m
	t.whole("connections", &m.Connections)
	t.duration("poll", &m.Poll)
	t.size("max_message", &m.MaxMessage)
	t.file("roots", &m.Roots)
	t.severity("severity", &m.Severity)
	t.finish()
}

func (c *Config) checkMailbox(k *checks) {
	m := c.Mailbox
	if m == nil {
		return
	}
	if m.Connections < 1 || m.Connections > 10_000 {
		k.bad("mailbox.connections", "%d is not between 1 and 10000", m.Connections)
	}
	if m.Poll < leastPoll || m.Poll > mostPoll {
		k.bad("mailbox.poll", "%s: want %s to %s", m.Poll, leastPoll, mostPoll)
	}
	if m.MaxMessage < 64<<10 || m.MaxMessage > mostMessage {
		k.bad("mailbox.max_message", "%d bytes: want 64KiB to 60MiB", m.MaxMessage)
	}
}

func (p printer) mailbox(m *Mailbox) {
	if m == nil {
		return
	}
	p.value("mailbox.connections", m.Connections)
	p.value("mailbox.poll", m.Poll.String())
	p.value("mailbox.max_message", m.MaxMessage)
	p.value("mailbox.roots", m.Roots)
	p.value("mailbox.severity", m.Severity.String())
}
