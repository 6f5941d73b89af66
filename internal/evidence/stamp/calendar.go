package stamp

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// Calendars are OpenTimestamps calendars.
type Calendars struct {
	URLs   []string
	Client *http.Client
}

const (
	otsKind     = "application/vnd.opentimestamps.v1"
	maxCalendar = 10_000 // bytes of an answer, as the reference client has it
)

// calendarURL is one spelling of a calendar's address.
func calendarURL(u string) string { return strings.TrimRight(u, "/") }

// Submit has the calendars promise to attest a message, and returns a proof. It fails
// when none of them does; err then, and otherwise too, says which have not.
func (c *Calendars) Submit(ctx context.Context, message []byte) (p *Proof, err error) {
	// As the reference client does it: random bytes behind the digest, so that calendars
	// see a hash of nothing that anybody else has.
	sum := sha256.Sum256(message)
	var random [16]byte
	rand.Read(random[:]) // never fails since Go 1.24
	salted := step{op: opAppend, arg: string(random[:])}
	hidden := step{op: opSHA256}
	root, middle, leaf := &node{message: sum[:]}, &node{}, &node{}
	if middle.message, err = salted.do(root.message); err == nil {
		leaf.message, err = hidden.do(middle.message)
	}
	if err != nil {
		return nil, err
	}
	salted.next, hidden.next = middle, leaf
	root.steps, middle.steps = []step{salted}, []step{hidden}
	var faults []error
	for _, u := range c.URLs {
		if err := c.ask(ctx, http.MethodPost, calendarURL(u)+"/digest", leaf, leaf.message); err != nil {
			faults = append(faults, fmt.Errorf("calendar %s: %w", u, err))
		}
	}
	if len(faults) == len(c.URLs) {
		return nil, errors.Join(faults...)
	}
	return &Proof{root}, errors.Join(faults...)
}

var errNotYet = errors.New("the calendar does not have it yet")

// ask sends a request and takes over the timestamp that is answered.
func (c *Calendars) ask(ctx context.Context, method, url string, at *node, body []byte) error {
	ask := call{method: method, url: url, accept: otsKind, body: body, most: maxCalendar}
	if body != nil {
		ask.kind = "application/x-www-form-urlencoded" // what the reference client sends
	}
	status, _, answer, err := ask.do(ctx, c.Client)
	switch {
	case err != nil:
		return err
	case status == http.StatusNotFound:
		return errNotYet
	case status != http.StatusOK:
		return fmt.Errorf("status %d", status)
	}
	r := &otsReader{rest: answer}
	got := r.node(at.message, maxDepth)
	if r.err == nil && len(r.rest) > 0 {
		r.fail("%d bytes stand after the answer", len(r.rest))
	}
	if r.err == nil && got.each(func(*node, attestation) error { return errNotYet }) == nil {
		r.fail("the answer attests nothing")
	}
	if r.err != nil {
		return r.err
	}
	at.merge(got)
	return nil
}

// Upgrade asks the calendars for what they had promised, and takes it into the proof. It
// asks those that are configured alone, wherever a proof says that it is to be had.
// changed tells whether the proof says more now; and pending, whether anything is still
// only promised and no block attests it.
func (c *Calendars) Upgrade(ctx context.Context, p *Proof) (changed, pending bool, err error) {
	before := string(p.Encode())
	var faults []error
	for _, open := range p.pending() {
		known := slices.ContainsFunc(c.URLs, func(u string) bool { return calendarURL(u) == calendarURL(open.url) })
		if !known {
			continue
		}
		err := c.ask(ctx, http.MethodGet, calendarURL(open.url)+"/timestamp/"+hex.EncodeToString(open.at.message), open.at, nil)
		if err != nil && !errors.Is(err, errNotYet) {
			faults = append(faults, fmt.Errorf("calendar %s: %w", open.url, err))
		}
	}
	return string(p.Encode()) != before, !p.Complete(), errors.Join(faults...)
}

// promise is where a calendar's promise stands.
type promise struct {
	at  *node
	url string
}

func (p *Proof) pending() (list []promise) {
	_ = p.root.each(func(n *node, a attestation) error { // fn never fails
		if a.tag == attPending {
			r := &otsReader{rest: []byte(a.payload)}
			if url := r.text(maxURI); r.err == nil {
				list = append(list, promise{n, url})
			}
		}
		return nil
	})
	return list
}

// Complete reports whether a block of Bitcoin attests the message.
func (p *Proof) Complete() bool {
	done := errors.New("found")
	return errors.Is(p.root.each(func(_ *node, a attestation) error {
		if a.tag == attBitcoin {
			return done
		}
		return nil
	}), done)
}
