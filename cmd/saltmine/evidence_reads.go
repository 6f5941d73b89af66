package main

import (
	"context"
	"slices"
	"strings"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/evidence/pack"
)

// Bounds of the statements that a pack shows, the likeliest, and of the acts of each log
// that it names, the first.
const (
	mostReads  = 100
	actsOfRead = 10
)

// packedRead is what reads/ID.json says of a statement that is among the suspects. What
// it asked for by value stays out: that may be a customer's.
type packedRead struct {
	Extract   canary.ExtractID `json:"extract"`
	Place     canary.Place     `json:"place"`
	Actor     string           `json:"actor"`
	Logged    time.Time        `json:"logged"` // as the log has it
	Taken     canary.Moment    `json:"taken"`
	Statement string           `json:"statement"` // without its values
	CopyTo    string           `json:"copy_to,omitempty"`
	Where     string           `json:"where"` // in the log
	// Acts are those by which the evidence log has the SHA-256 of what it was read from.
	Acts []int64 `json:"acts"`
	// Returned, Likely and Possible count canaries: of those that were reached Canaries
	// says which, and of no other.
	Returned int    `json:"returned"`
	Likely   int    `json:"likely"`
	Possible int    `json:"possible"`
	Why      string `json:"why_possible,omitempty"`
	// Forgeable says that a statement's own text could have put it into such a log.
	Forgeable bool          `json:"could_be_forged,omitempty"`
	Canaries  []packedGiven `json:"canaries"`
}

type packedGiven struct {
	Canary canary.ID `json:"canary"`
	How    string    `json:"how"` // returned, likely, possible
}

// addReads shows the statements among the suspects, and the acts that have the hashes of
// their logs.
func (d *dossier) addReads(ctx context.Context) error {
	n := 0
	for i := range d.trace.Answer.Suspects {
		s := &d.trace.Answer.Suspects[i]
		id, read := strings.CutPrefix(string(s.Extract), "read:")
		if !read || n == mostReads {
			continue
		}
		list, err := d.reg.ReadsNamed(ctx, id)
		if err != nil {
			return err
		}
		at := slices.IndexFunc(list, func(r canary.Read) bool { return r.Account == s.Actor })
		if at < 0 {
			continue // it is an extract that somebody has given such a name
		}
		n++
		p := d.packRead(&list[at])
		p.Extract = s.Extract
		if err := d.actsOf(ctx, list[at].Source, &p); err != nil {
			return err
		}
		if err := d.addJSON(pack.ReadFile(id), p); err != nil {
			return err
		}
	}
	return nil
}

// actsOf names the acts about what a statement was read from, which are then shown.
func (d *dossier) actsOf(ctx context.Context, source string, p *packedRead) error {
	if source == "" {
		return nil // it is of before there were any
	}
	acts, err := d.reg.ActsOn(ctx, []string{source}, d.checkpoint.Size)
	if err != nil {
		return err
	}
	// A log that grows is read often: acts of before the statement was filed have hashes of
	// what lacks it.
	acts = slices.DeleteFunc(acts, func(a canary.Act) bool { return a.At.Before(p.Logged.Add(-clocksApart)) })
	if n := len(acts); n > actsOfRead { // the last has the longest
		acts = append(acts[:actsOfRead-1:actsOfRead-1], acts[n-1])
	}
	for _, a := range acts {
		p.Acts = append(p.Acts, a.Seq)
		d.read = append(d.read, a)
	}
	return nil
}

// clocksApart is how far the database's clock may be ahead of ours.
const clocksApart = time.Hour

func (d *dossier) packRead(r *canary.Read) packedRead {
	p := packedRead{
		Place: r.Place, Actor: r.Account, Logged: r.At, Taken: r.Taken, Statement: r.Shape, CopyTo: r.CopyTo, Where: r.Where,
		Acts: []int64{}, Returned: len(r.Returned), Likely: len(r.Likely), Possible: len(r.Possible), Why: r.Why, Forgeable: r.Low, Canaries: []packedGiven{},
	}
	for _, id := range d.canaryIDs() {
		for _, how := range []struct {
			word string
			list []canary.ID
		}{{"returned", r.Returned}, {"likely", r.Likely}, {"possible", r.Possible}} {
			if slices.Contains(how.list, id) {
				p.Canaries = append(p.Canaries, packedGiven{id, how.word})
				break
			}
		}
	}
	return p
}
