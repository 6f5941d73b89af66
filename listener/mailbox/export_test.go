package mailbox

import (
	"context"
	"log/slog"
	"time"

	"github.com/emersion/go-imap/v2"

	"saltmine/internal/canary"
)

// Waits gives the pauses after faults in a row.
func Waits(t Times, faults ...error) []time.Duration {
	t.fill()
	b := &box{ear: &Ear{cfg: Config{Times: t, Poll: time.Minute}}, log: slog.New(slog.DiscardHandler)}
	var out []time.Duration
	for _, err := range faults {
		out = append(out, b.after(context.Background(), err))
	}
	return out
}

// Lowest gives the UIDs that a server's answer names above a limit.
func Lowest(set imap.UIDSet, above imap.UID) []imap.UID { return lowest(set, above) }

// MostUIDs is how many UIDs are taken from an answer.
const MostUIDs = mostUIDs

// Junk finds the folders for spam.
func Junk(list []*imap.ListData) []string { return junk(list) }

// People gives sender and target of a message to an address.
func People(own, message string) (string, canary.Target) {
	head := fields([]byte(message))
	return sender(head), target(own, head)
}

// Housekeeping reports whether a message is the provider's own.
func Housekeeping(operator, message string) bool {
	return housekeeping(operator, fields([]byte(message)))
}

// Reparse reads a cursor and writes it again.
func Reparse(text string) (string, error) {
	c, err := parseCursor(text)
	return c.String(), err
}

// Turns are turns with names.
type Turns struct {
	t    *turns
	held map[string]*turn
	got  chan string
}

// NewTurns makes n turns.
func NewTurns(n int) *Turns {
	return &Turns{t: newTurns(n), held: map[string]*turn{}, got: make(chan string)}
}

// Take asks for a turn; Got tells when it is there, unless ctx ended.
func (t *Turns) Take(ctx context.Context, name string) {
	go func() { // ends with ctx
		if u, err := t.t.take(ctx); err == nil {
			t.t.mu.Lock()
			t.held[name] = u
			t.t.mu.Unlock()
			t.got <- name
		}
	}()
}

// Got waits for the next turn that was given.
func (t *Turns) Got() string { return <-t.got }

// Waiting is how many wait.
func (t *Turns) Waiting() int {
	t.t.mu.Lock()
	defer t.t.mu.Unlock()
	return len(t.t.waiting)
}

func (t *Turns) turn(name string) *turn {
	t.t.mu.Lock()
	defer t.t.mu.Unlock()
	return t.held[name]
}

// Rest has one wait for news.
func (t *Turns) Rest(name string) { t.turn(name).rest() }

// End ends a turn.
func (t *Turns) End(name string) { t.turn(name).end() }

// Asked reports whether one was asked to leave.
func (t *Turns) Asked(name string) bool {
	select {
	case <-t.turn(name).leave:
		return true
	default:
		return false
	}
}

// Visit visits one mailbox once.
func Visit(ctx context.Context, cfg Config, a Account) error {
	e := New(cfg)
	e.began = cfg.Now()
	b := &box{ear: e, account: a, log: cfg.Log}
	return b.turn(ctx)
}
