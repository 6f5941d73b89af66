package seeder

import (
	"fmt"
	"maps"

	"saltmine/internal/canary"
	"saltmine/internal/token"
	"saltmine/seeder/supportdb"
)

// ruling is what one canary's rows say: the findings, and what the registry has
// to change to follow them.
type ruling struct {
	sight     *sight
	c         *subject
	a         canary.Amendment
	findings  []Finding
	skeletons map[int]string // of the values of findings, by their number
}

// changes reports whether the amendment changes anything.
func (r *ruling) changes() bool {
	return r.a.State != "" || r.a.Rows != nil || !r.a.Seen.IsZero() || len(r.a.Windows) > 0
}

func (r *ruling) rule() error {
	switch {
	case r.c.p.State == canary.Retired:
		return r.returned()
	case r.c.row == nil:
		r.gone()
		return nil
	}
	r.a.Seen = r.sight.before
	if !r.sight.shown[r.c.row.Key] {
		r.find(Finding{Problem: Deleted, Detail: "the help desk shows the row no more: it is marked as deleted, and can still be read in the table"})
		return nil
	}
	if err := r.texts(); err != nil {
		return err
	}
	r.tickets()
	if n := r.sight.rowsWith(r.sight.s.fact(&r.c.image, "email").Text()); n > 1 {
		r.find(Finding{Problem: Duplicate, Kind: canary.Email, Detail: fmt.Sprintf("%d rows have the address", n)})
	}
	if len(r.findings) == 0 && r.c.p.State != canary.Verified {
		r.a.State = canary.Verified
	}
	return nil
}

func (r *ruling) find(f Finding) {
	f.Canary = r.c.p.ID
	r.findings = append(r.findings, f)
}

// gone retires a canary whose row does not stand. Tickets that hang on another
// customer now can be read on.
func (r *ruling) gone() {
	f := Finding{Problem: Deleted, Vanished: true, Seen: r.c.p.Seen, Detail: "the customer row is gone: somebody may have removed it"}
	var lost []canary.DatedToken
	moved := 0
	for _, t := range open(r.c.p) {
		if t.Kind == canary.Ticket && r.elsewhere(t.Text) {
			moved++
			continue
		}
		lost = append(lost, t)
		if seen := lastSeen(r.c.p, t); seen.After(f.Seen) {
			f.Seen = seen
		}
	}
	switch {
	case moved > 0:
		f.Problem, f.Detail = Merged, fmt.Sprintf("the customer row is gone, and %d of its tickets hang on another customer", moved)
	case r.sight.elsewhere[r.sight.s.fact(&r.c.image, "email").Text()]:
		f.Problem, f.Detail = Merged, "the customer row is gone, and another customer has its address"
	}
	r.find(f)
	r.a.State, r.a.Windows = canary.Retired, vanished(r.c.p, lost, r.sight.after)
}

// elsewhere reports whether a ticket hangs on another customer.
func (r *ruling) elsewhere(canon string) bool {
	for number, key := range r.sight.holders {
		if key != r.c.key() && represents(canary.Ticket, canon, number) {
			return true
		}
	}
	return false
}

// returned looks whether a canary that was withdrawn, or had vanished, stands
// again. A row with its key and another address is somebody else's.
func (r *ruling) returned() error {
	if r.c.row == nil {
		return nil
	}
	stands := map[canary.TokenID]canary.DatedToken{}
	for _, t := range r.c.p.Tokens {
		if !t.Window.Never() && r.holds(t) {
			stands[t.ID] = t
		}
	}
	ours := false
	for _, t := range stands {
		ours = ours || t.Kind == canary.Email
		r.reopen(t)
	}
	if !ours {
		r.a.Windows = nil
		return nil
	}
	r.a.State, r.a.Seen = canary.Planted, r.sight.before
	r.find(Finding{Problem: Restored, Detail: "the row was withdrawn or had vanished, and stands again: withdraw it again if it is not to"})
	return r.follow("email", "phone")
}

// holds reports whether the row that stands has a token.
func (r *ruling) holds(t canary.DatedToken) bool {
	if t.Kind == canary.Ticket {
		return r.numbers()[t.Text]
	}
	word := map[canary.Kind]string{canary.Email: "email", canary.Phone: "phone"}[t.Kind]
	return represents(t.Kind, t.Text, r.sight.s.fact(&r.c.row.Image, word).Text())
}

// reopen opens the window of a token again that stands after its end.
func (r *ruling) reopen(t canary.DatedToken) {
	if t.Window.Until.Come() {
		t.Window.Until = canary.Moment{}
		r.a.Windows[t.ID] = t.Window
	}
}

// follow writes what stands into the registered rows.
func (r *ruling) follow(words ...string) error {
	for _, word := range words {
		if at, named := r.sight.s.cfg.Desk.Fact(word); named {
			r.c.image.Set(r.c.image.Customer(), at, r.sight.s.fact(&r.c.row.Image, word))
		}
	}
	var err error
	r.a.Rows, err = r.c.image.Encode()
	return err
}

// texts compares address, number and name with what was written.
func (r *ruling) texts() error {
	masked := false
	for _, f := range []struct {
		word string
		kind canary.Kind
	}{{"email", canary.Email}, {"phone", canary.Phone}, {"name", ""}, {"first_name", ""}, {"last_name", ""}} {
		at, named := r.sight.s.cfg.Desk.Fact(f.word)
		if !named {
			continue
		}
		if r.sight.s.asWritten(r.c, f.word, f.kind) {
			r.standsAgain(f.kind, at.Column)
			continue
		}
		old, was := r.earlier(f.kind)
		if was {
			r.find(Finding{Problem: Restored, Kind: f.kind, Column: at.Column, Detail: "a value stands again that had been changed"})
			r.close(f.kind)
			r.reopen(old)
			if err := r.follow(f.word); err != nil {
				return err
			}
			continue
		}
		masked = r.edited(f.kind, at.Column, r.sight.s.fact(&r.c.row.Image, f.word), masked)
		r.close(f.kind)
	}
	return nil
}

// standsAgain reopens the window of a value that was edited away and is back.
func (r *ruling) standsAgain(kind canary.Kind, column string) {
	if kind == "" {
		return
	}
	if _, is := current(r.c.p, kind); is {
		return
	}
	if t, was := r.earlier(kind); was {
		r.find(Finding{Problem: Restored, Kind: kind, Column: column, Detail: "the registered value had gone and stands again"})
		r.reopen(t)
	}
}

// earlier finds the token, with its window closed, that the row holds.
func (r *ruling) earlier(kind canary.Kind) (canary.DatedToken, bool) {
	for _, t := range r.c.p.Tokens {
		if t.Kind == kind && t.Window.Until.Come() && !t.Window.Never() && r.holds(t) {
			return t, true
		}
	}
	return canary.DatedToken{}, false
}

// edited files a value that is not the registered one. It is true when the
// value, or that of a column before it, is a mask.
func (r *ruling) edited(kind canary.Kind, column string, is supportdb.Value, masked bool) bool {
	f := Finding{Problem: Edited, Kind: kind, Column: column, Detail: "the value is not the one that was written"}
	switch {
	case is.Text() == "" && (masked || kind == canary.Email):
		f.Problem, f.Detail = Masked, "the value was emptied"
	case is.Text() != "" && looksMasked(kind, is.Text(), r.c.row.Key):
		f.Problem, f.Detail = Masked, "a pattern stands in place of the value"
	case is.Text() == "":
		f.Detail = "the value was emptied"
	case kind != "":
		if r.skeletons == nil {
			r.skeletons = map[int]string{}
		}
		r.skeletons[len(r.findings)] = skeleton(is.Text())
	}
	r.find(f)
	return masked || f.Problem == Masked
}

// close ends the window of a kind's token that the row does not hold any more.
func (r *ruling) close(kind canary.Kind) {
	if t, is := current(r.c.p, kind); is && t.Window.From.Come() {
		maps.Copy(r.a.Windows, vanished(r.c.p, []canary.DatedToken{t}, r.sight.after))
	}
}

// numbers are the canonical numbers of the tickets of the row that stands.
func (r *ruling) numbers() map[string]bool {
	out := map[string]bool{}
	for _, number := range r.sight.s.numbersOf(&r.c.row.Image) {
		if canon, err := token.Canon(canary.Ticket, number); err == nil {
			out[canon] = true
		}
	}
	return out
}

func (r *ruling) tickets() {
	numbers := r.numbers()
	for _, t := range r.c.p.Tokens {
		switch {
		case t.Kind != canary.Ticket:
		case numbers[t.Text] && t.Window.Until.Come() && !t.Window.Never():
			r.find(Finding{Problem: Restored, Kind: canary.Ticket, Detail: "a ticket that was gone stands again"})
			r.reopen(t)
		case numbers[t.Text] || !t.Window.Until.IsZero() || !t.Window.From.Come():
		case r.elsewhere(t.Text):
			r.find(Finding{Problem: Merged, Kind: canary.Ticket, Detail: "the ticket hangs on another customer now"})
		default:
			r.find(Finding{Problem: Deleted, Kind: canary.Ticket, Detail: "no ticket has the number"})
			maps.Copy(r.a.Windows, vanished(r.c.p, []canary.DatedToken{t}, r.sight.after))
		}
	}
}

// asWritten compares a fact with the image. While a rotation is unfinished
// the image is the new row, and the old value may still stand.
func (s *Seeder) asWritten(c *subject, word string, kind canary.Kind) bool {
	was, is := s.fact(&c.image, word), s.fact(&c.row.Image, word)
	if was.IsNull() == is.IsNull() && supportdb.SameText(was.Text(), is.Text()) {
		return true
	}
	old, _, pending := unfinished(c.p, kind)
	return pending && represents(kind, old.Text, is.Text())
}
