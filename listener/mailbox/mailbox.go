// Package mailbox is the ear at the providers' mailboxes: it reads them by IMAP
// over TLS (RFC 9051, RFC 3501), INBOX and the folders for spam, and makes every
// message that arrives a contact whose raw bytes are those that the server has.
//
// It looks and touches nothing: folders are opened by EXAMINE and messages read
// by BODY.PEEK[], so nothing is marked, moved or counted as seen. It runs where
// the credentials may be, in the core or on a collector, and never on an edge.
//
// The invariant: a folder's cursor (UIDVALIDITY and the last UID, in [Store])
// moves past a message only after the contact is durable. What happens in between
// happens again, and the contact's id is made from the mailbox and the bytes of
// the message, so that the core files it once: after a crash, when UIDVALIDITY
// changes and the folder is read again, when a provider moves a message from spam
// to INBOX, and for as many cores as read the mailbox. No list of what was seen is
// kept. Two messages of the same bytes in one mailbox are one contact.
//
// A folder that is seen for the first time holds the past: of what is there, only
// what arrived (INTERNALDATE) since [Account.Since] becomes a contact; and what
// arrives later does whatever its date. A contact's time is when the server took
// the message in, so that one that is read late is judged by what stood then.
//
// At most Config.Connections are open. While nobody waits for one, a mailbox
// keeps its connection and is told of news at once (IDLE, RFC 2177; where a
// server has none it is asked every Poll); else whoever has waited for news
// longest makes room, and comes again after Poll.
//
// A server is a stranger: what it may say to each command is bounded in bytes and
// time, a message in Config.MaxMessage (the fact "truncated" says so), and the
// ear goes on without it. Faults are repeated after growing, scattered pauses,
// refused logins after longer ones. [Config.Unread] hears of mailboxes that were
// not read for an hour. Addresses and secrets are in no log and no error.
package mailbox

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/inventory"
	"saltmine/internal/inventory/login"
)

// Account is one mailbox that is to be read.
type Account struct {
	ID      canary.ItemID // names it in logs, cursors and contacts
	Address string        // whatever arrives was sent there; never logged
	Reading inventory.Reading
	// Since is from when on what is found there for the first time counts.
	Since time.Time
}

// Store keeps positions durably.
type Store interface {
	// Position gives what was kept under a name, "" when nothing was.
	Position(ctx context.Context, name string) (string, error)
	SetPosition(ctx context.Context, name, position string) error
}

// Unread is a mailbox that cannot be read.
type Unread struct {
	ID    canary.ItemID
	Host  string    // of its server
	Since time.Time // when it was read last
	Why   error     // nil when it was not tried
}

// Config is what the ear needs.
type Config struct {
	// Accounts lists the mailboxes; it is asked again every few minutes.
	Accounts func(context.Context) ([]Account, error)
	// Credentials reads the password or token of a mailbox, before each login.
	Credentials func(inventory.Reading) (login.Account, error)
	Login       login.Config
	Store       Store
	// Hear makes a contact durable.
	Hear func(context.Context, canary.Contact) error
	// Unread is given all mailboxes that have not been read for an hour, when
	// these are others than the last time; none is an end of it.
	Unread      func(context.Context, []Unread) error
	Connections int           // at one time; 0: 100
	Poll        time.Duration // 0: a minute
	MaxMessage  int64         // bytes that are kept of a message; 0: 25 MiB
	Times       Times
	Now         func() time.Time
	Log         *slog.Logger
}

// Times are the ear's habits; the zero value is what is usual.
type Times struct {
	Patience time.Duration // without being read, after which Unread hears; 1 hour
	Watch    time.Duration // how often that is looked for; 20 seconds
	Refresh  time.Duration // how often Accounts is asked; 5 minutes
	Command  time.Duration // for one answer of a server; 1 minute
	Body     time.Duration // for one message; 5 minutes
	Session  time.Duration // after which a connection is made anew; 1 hour
	Pause    time.Duration // after the first fault; 5 seconds, doubled up to 100 times that
	Denied   time.Duration // after the first refused login; 5 minutes, doubled up to an hour
}

func (t *Times) fill() {
	t.Patience = cmp.Or(t.Patience, time.Hour)
	t.Watch = cmp.Or(t.Watch, 20*time.Second)
	t.Refresh = cmp.Or(t.Refresh, 5*time.Minute)
	t.Command = cmp.Or(t.Command, time.Minute)
	t.Body = cmp.Or(t.Body, 5*time.Minute)
	t.Session = cmp.Or(t.Session, time.Hour)
	t.Pause = cmp.Or(t.Pause, 5*time.Second)
	t.Denied = cmp.Or(t.Denied, 5*time.Minute)
}

// Stats are what the ear has done since it was made.
type Stats struct {
	Heard     uint64 // messages made durable, again after a crash
	Truncated uint64 // of them, those that were too large
	Vanished  uint64 // messages that were gone before they could be read
	Logins    uint64
	Failed    uint64 // visits that ended in a fault
	Mailboxes int    // that are to be read, now
	Unread    int    // of them, those that have not been for an hour
}

// Ear reads mailboxes. [Ear.Run] does all the work.
type Ear struct {
	cfg   Config
	turns *turns
	large chan struct{} // held while a large message is in memory
	began time.Time

	heard, truncated, vanished, logins, failed atomic.Uint64
	unread                                     atomic.Int64

	mu     sync.Mutex
	boxes  map[canary.ItemID]*box
	listed bool // the mailboxes are known
}

// largeAtOnce is how many large messages are in memory at one time.
const largeAtOnce = 3

// New makes the ear.
func New(cfg Config) *Ear {
	cfg.Connections = cmp.Or(cfg.Connections, 100)
	cfg.Poll = cmp.Or(cfg.Poll, time.Minute)
	cfg.MaxMessage = cmp.Or(cfg.MaxMessage, 25<<20)
	cfg.Times.fill()
	return &Ear{cfg: cfg, turns: newTurns(cfg.Connections), large: make(chan struct{}, largeAtOnce), boxes: map[canary.ItemID]*box{}}
}

// Stats gives the counts.
func (e *Ear) Stats() Stats {
	e.mu.Lock()
	defer e.mu.Unlock()
	return Stats{
		Heard: e.heard.Load(), Truncated: e.truncated.Load(), Vanished: e.vanished.Load(), Logins: e.logins.Load(), Failed: e.failed.Load(),
		Mailboxes: len(e.boxes), Unread: int(e.unread.Load()),
	}
}

// Run reads the mailboxes until ctx ends.
func (e *Ear) Run(ctx context.Context) error {
	e.began = e.cfg.Now()
	var running sync.WaitGroup
	defer running.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	running.Go(func() { e.watch(ctx) }) // ends with ctx
	tick := time.NewTicker(e.cfg.Times.Refresh)
	defer tick.Stop()
	for {
		if err := e.refresh(ctx, &running); err != nil && ctx.Err() == nil {
			e.cfg.Log.WarnContext(ctx, "the list of mailboxes cannot be read, will be tried again", "err", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// refresh begins to read mailboxes that are new, ends it for those that are
// gone, and does both where one is described otherwise.
func (e *Ear) refresh(ctx context.Context, running *sync.WaitGroup) error {
	accounts, err := e.cfg.Accounts(ctx)
	if err != nil {
		return fmt.Errorf("mailboxes: %w", err)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.listed = true
	wanted := map[canary.ItemID]bool{}
	for _, a := range accounts {
		wanted[a.ID] = true
		if old := e.boxes[a.ID]; old != nil {
			if old.account == a {
				continue
			}
			old.stop()
		}
		mine, stop := context.WithCancel(ctx)
		b := &box{ear: e, account: a, stop: stop, log: e.cfg.Log.With("mailbox", a.ID)}
		e.boxes[a.ID] = b
		running.Go(func() { b.run(mine) }) // ends with its context
	}
	for id, b := range e.boxes {
		if !wanted[id] {
			b.stop()
			delete(e.boxes, id)
		}
	}
	return nil
}
