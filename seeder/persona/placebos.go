package persona

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// Placebos draws the addresses of the control group, a hundred for each canary's:
// of the same grammar, by people of the same group at the same kind of domain, and
// in use by nobody. It is used by one goroutine.
//
// A local part comes in the order in which it is drawn first, and then the rule
// is asked about it at every domain, for it says something else at each. So all
// domains share the work of drawing, and what was refused at a domain, or is
// taken there, is not drawn for it again.
type Placebos struct {
	m      *Mix
	accept func(local, domain string) bool
	rng    dice
	queues map[queueKey]*queue
	kept   int // local parts, of all queues
}

// Placebos begins a control group whose addresses pass the blind acceptance rule.
func (m *Mix) Placebos(rng *rand.Rand, accept func(local, domain string) bool) *Placebos {
	return &Placebos{m: m, accept: accept, rng: dice{rng.Uint64()}, queues: map[queueKey]*queue{}}
}

// Draw gives n addresses at a domain that are usable, none of which is in the
// sample; what it has given before is not usable any more. With [ErrVariety]
// come those that were found; a wider group of people ([Person.Widen]) has more.
func (p *Placebos) Draw(like Person, domain string, n int, usable func(email string) bool) ([]string, error) {
	q, given := p.queue(&like, domain), make(map[string]bool, n)
	out := make([]string, 0, n)
	for tries := 0; len(out) < n; tries++ {
		if tries == maxTries+(n-1)*manyTries {
			return out, fmt.Errorf("draw placebos: %w (%d people in the group)", ErrVariety, len(q.scene.g.whole))
		}
		local, ok := p.pop(q, domain)
		if !ok || !p.accept(local, domain) {
			continue
		}
		if email := local + "@" + domain; !given[email] && !p.m.emails.has(email) && usable(email) {
			given[email] = true
			out = append(out, email)
		}
	}
	return out, nil
}

// queueKey names people whose addresses are drawn together.
type queueKey struct {
	group  *group
	german bool
	class  int32
	home   string // the domain, where it is a last name
}

func (p *Placebos) queue(like *Person, domain string) *queue {
	anytime := *like
	anytime.Created, anytime.Born = time.Time{}, 0 // all times together are those of all canaries
	s := p.m.scene(&anytime, []string{domain}, 0)
	key := queueKey{group: s.g, german: s.german, class: p.m.classOf(domain)}
	if s.homes[0].cell != nil {
		key.home = domain
	}
	q := p.queues[key]
	if q == nil {
		s.rng.state = p.rng.next()
		q = &queue{scene: s, seen: map[uint64]struct{}{}, next: map[string]int{}}
		p.queues[key] = q
	}
	return q
}

// queue are local parts in the order in which they are drawn first. Where few
// draws give something new, who comes puts a number to the name.
type queue struct {
	scene   *scene
	locals  []string
	seen    map[uint64]struct{}
	next    map[string]int // by domain: the first about which the rule was not asked
	draws   int            // lately
	fresh   int            // of these, gave something new
	crowded bool
}

const (
	crowdDraws = 1000    // of which fewer than
	crowdFresh = 100     // give something new, make a crowd
	mostKept   = 1 << 20 // local parts of all queues; each takes some 60 bytes
)

// pop gives the next local part for a domain, drawing it where none is left. It
// gives nothing when a draw gave nothing new.
func (p *Placebos) pop(q *queue, domain string) (string, bool) {
	at := q.next[domain]
	if at < len(q.locals) {
		q.next[domain]++
		return q.locals[at], true
	}
	q.crowded = q.crowded || p.kept == mostKept
	local, ok := q.draw()
	if q.crowded && p.kept >= mostKept/2 {
		return local, ok // numbers are many: it will hardly be drawn again
	}
	if !ok || !q.isNew(local) {
		return "", false
	}
	q.locals = append(q.locals, local)
	q.next[domain]++
	p.kept++
	return local, true
}

// isNew notes a local part, and sees whether it is getting crowded.
func (q *queue) isNew(local string) bool {
	h := hash64(local)
	_, seen := q.seen[h]
	q.seen[h] = struct{}{}
	if q.draws++; !seen {
		q.fresh++
	}
	if q.draws == crowdDraws {
		q.crowded = q.crowded || q.fresh < crowdFresh
		q.draws, q.fresh = 0, 0
	}
	return !seen
}

// draw draws once.
func (q *queue) draw() (string, bool) {
	a, ok := q.scene.attempt()
	if !ok {
		return "", false
	}
	local := string(a.local)
	if q.crowded {
		local = q.scene.number(local)
	}
	return local, usable([]byte(local)) && !q.scene.others(local)
}
