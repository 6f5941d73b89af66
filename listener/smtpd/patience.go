package smtpd

import (
	"sync"
	"time"
)

// patience waits for one answer of the other side: for Limits.Idle, or for
// Limits.Stress when nearly all connections are taken, as Postfix does under
// stress. Whether that is so is looked at again and again, so that clients who
// are silent already make room, too.
type patience struct {
	step     time.Duration
	stressed func() bool
	out      func()

	mu   sync.Mutex
	t    *time.Timer
	left time.Duration
}

// newPatience calls out when patience has an end. It must be stopped.
func newPatience(l Limits, stressed func() bool, out func()) *patience {
	p := &patience{step: min(l.Stress, l.Idle), left: l.Idle, stressed: stressed, out: out}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.t = time.AfterFunc(p.step, p.look)
	return p
}

// look is called when a step is over.
func (p *patience) look() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.t == nil { // stopped while it was called
		return
	}
	if p.left -= p.step; p.left <= 0 || p.stressed() {
		p.out()
		return
	}
	p.t.Reset(min(p.step, p.left))
}

// stop ends it.
func (p *patience) stop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.t.Stop()
	p.t = nil
}
