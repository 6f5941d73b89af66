package smtpd

import (
	"sync"
	"time"
)

// patience waits for the answers of the other side of one connection: for
// Limits.Idle, or for Limits.Stress when nearly all connections are taken, as
// Postfix does under stress. Whether that is so is looked at again and again, so
// that clients who are silent already make room, too. A mail is a dozen waits and
// hardly one of them is long, so the clock is set once and finds out for itself
// how long the wait has been that is under way when it strikes.
type patience struct {
	step, idle time.Duration
	stressed   func() bool
	out        func()

	mu    sync.Mutex
	since time.Time // of the wait that is under way; zero: there is none
	clock *time.Timer
	set   bool
	over  bool
}

// newPatience calls out when patience has an end. It must be stopped.
func newPatience(l Limits, stressed func() bool, out func()) *patience {
	return &patience{step: min(l.Stress, l.Idle), idle: l.Idle, stressed: stressed, out: out}
}

// begin begins a wait.
func (p *patience) begin() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.since = time.Now(); p.set || p.over { //nolint:forbidigo // waiting is not measured with Config.Now
		return
	}
	p.set = true
	if p.clock == nil {
		p.clock = time.AfterFunc(p.step, p.look)
		return
	}
	p.clock.Reset(p.step)
}

// end ends the wait.
func (p *patience) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.since = time.Time{}
}

// look is called when the clock strikes.
func (p *patience) look() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.set = false; p.over || p.since.IsZero() {
		return
	}
	waited := time.Since(p.since) //nolint:forbidigo // as above
	if waited >= p.idle || waited >= p.step && p.stressed() {
		p.out()
		return
	}
	p.set = true
	p.clock.Reset(min(p.step*(waited/p.step+1), p.idle) - waited)
}

// stop ends it for good.
func (p *patience) stop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.over = true
	if p.clock != nil {
		p.clock.Stop()
	}
}
