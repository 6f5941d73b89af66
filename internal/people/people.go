// Package people knows who may use the console and the HTTP interface, and as
// what: persons, each with the hash of a token and with roles.
//
//	seeder     plants canaries: sees what vanished and what runs out
//	responder  is paged: sees incidents as pages show them, gives verdicts
//	forensics  opens evidence, which shows canaries' identities
//	auditor    reads the evidence log, and incidents
//
// A role is what somebody may see, not a rank: forensics sets no verdict. Where a
// second person has to approve, that is one of forensics or an auditor, and never
// the one who asked.
//
// A token comes as a bearer's, or behind the person's name as HTTP Basic
// credentials, which browsers ask for. All persons are compared with it, in
// constant time, so that neither the answer nor its time tells which was close.
//
// Failures are counted, for each address (of IPv6 each /64) and for all. Those
// over the rate are to be answered 429 and not written down singly, or a stranger
// could fill the evidence log; how many there were is told with the next that is.
// A right token is never refused for them: behind a proxy everybody has one
// address, and a stranger must not lock responders out. That guessing is hopeless
// rests on the tokens, which have 130 random bits where 'saltmine agent' made them.
package people

import (
	"crypto/sha256"
	"crypto/subtle"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"
)

// Role is what a person may see and do.
type Role string

// The roles.
const (
	Seeder    Role = "seeder"
	Responder Role = "responder"
	Forensics Role = "forensics"
	Auditor   Role = "auditor"
)

// Seconds are the roles of those who may approve what another person asks for.
func Seconds() []Role { return []Role{Forensics, Auditor} }

// Person is one person, or one program.
type Person struct {
	Name  string
	Sum   [sha256.Size]byte // of the token, see webhook.TokenSum
	Roles []Role
}

// Has reports whether the person has one of the roles.
func (p *Person) Has(roles ...Role) bool {
	return slices.ContainsFunc(roles, func(r Role) bool { return slices.Contains(p.Roles, r) })
}

// Rate of failures: so many at once, then one in each time.
const (
	burstOfOne = 10
	everyOfOne = 6 * time.Second
	burstOfAll = 100
	everyOfAll = time.Second
	maxKept    = 4096 // addresses that are remembered
)

// Door lets people in. It is safe for concurrent use.
type Door struct {
	people []Person
	now    func() time.Time
	hosts  []string

	mu     sync.Mutex
	all    bucket
	of     map[netip.Prefix]*bucket
	missed int // failures since the last that was to be written down
}

// New returns a door for these people. For an empty list see [Door.Ajar]; hosts are
// the names by which a browser may then ask, see [Door.Misled].
func New(list []Person, now func() time.Time, hosts ...string) *Door {
	return &Door{people: list, now: now, hosts: hosts, all: bucket{burst: burstOfAll, every: everyOfAll}, of: map[netip.Prefix]*bucket{}}
}

// Ajar reports that nobody is configured: whoever reaches the listener may read.
func (d *Door) Ajar() bool { return len(d.people) == 0 }

// Misled reports that a request to a door that is ajar names a host that is no
// address, nor this machine, nor one of the door's: so asks a browser whose page has
// had its own name led here (DNS rebinding).
func (d *Door) Misled(r *http.Request) bool {
	host := r.Host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.ToLower(strings.TrimSuffix(strings.Trim(host, "[]"), "."))
	if _, err := netip.ParseAddr(host); err == nil || host == "localhost" || host == "" {
		return false
	}
	return !slices.Contains(d.hosts, host)
}

// Unnamed counts a request to a door that is ajar: those over the rate are
// answered, and not to be written down singly.
func (d *Door) Unnamed(r *http.Request) *Failure { return d.fail(r.RemoteAddr) }

// Failure is a request without a token that is known.
type Failure struct {
	// Wait is above zero when there were too many.
	Wait time.Duration
	// Missed is how many were over the rate since the last that was not.
	Missed int
}

// Enter gives the person whose token a request carries, or the failure.
func (d *Door) Enter(r *http.Request) (*Person, *Failure) {
	name, token, basic := r.BasicAuth()
	if !basic {
		token = bearer(r.Header)
	}
	if who := d.Person(token); who != nil && (!basic || name == who.Name) {
		return who, nil
	}
	return nil, d.fail(r.RemoteAddr)
}

// Person gives whose token it is; nil when it is nobody's.
func (d *Door) Person(token string) (who *Person) {
	sum := sha256.Sum256([]byte(strings.TrimSpace(token)))
	for i := range d.people {
		if subtle.ConstantTimeCompare(sum[:], d.people[i].Sum[:]) == 1 {
			who = &d.people[i]
		}
	}
	return who
}

func bearer(h http.Header) string {
	given := h.Values("Authorization")
	if len(given) != 1 {
		return ""
	}
	scheme, token, _ := strings.Cut(given[0], " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return token
}

func (d *Door) fail(remote string) *Failure {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := d.now()
	// Both are asked, so that who is over the own rate uses up nothing of all's.
	if wait := d.bucketOf(remote, now).take(now); wait > 0 {
		d.missed++
		return &Failure{Wait: wait}
	}
	if wait := d.all.take(now); wait > 0 {
		d.missed++
		return &Failure{Wait: wait}
	}
	f := &Failure{Missed: d.missed}
	d.missed = 0
	return f
}

// bucketOf is the bucket of an address. Full ones are forgotten when there are
// too many; if none is full, all share one until some are.
func (d *Door) bucketOf(remote string, now time.Time) *bucket {
	key := prefixOf(remote)
	if b := d.of[key]; b != nil {
		return b
	}
	if len(d.of) >= maxKept {
		for k, b := range d.of {
			if b.full(now) {
				delete(d.of, k)
			}
		}
		if len(d.of) >= maxKept {
			return &d.all
		}
	}
	b := &bucket{burst: burstOfOne, every: everyOfOne}
	d.of[key] = b
	return b
}

func prefixOf(remote string) netip.Prefix {
	ap, err := netip.ParseAddrPort(remote)
	if err != nil {
		return netip.Prefix{} // whoever has no address shares one
	}
	addr, bits := ap.Addr().Unmap(), 64
	if addr.Is4() {
		bits = 32
	}
	p, err := addr.WithZone("").Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return p
}

// bucket holds up to burst drops and gains one per every. It starts full.
type bucket struct {
	burst int
	every time.Duration
	spent time.Time // the drops of all times up to this one are spent
}

func (b *bucket) full(at time.Time) bool {
	return b.spent.Before(at.Add(-time.Duration(b.burst)*b.every)) || b.spent.After(at.Add(time.Second))
}

// take spends a drop, or tells how long until there is one.
func (b *bucket) take(at time.Time) time.Duration {
	if b.full(at) { // also when the clock was set back
		b.spent = at.Add(-time.Duration(b.burst) * b.every)
	}
	next := b.spent.Add(b.every)
	if next.After(at) {
		return next.Sub(at)
	}
	b.spent = next
	return 0
}
