package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/forensics"
	"saltmine/internal/registry"
)

// knownReads are the statements that audit watch found to have returned canaries, or to
// have perhaps: each is an extract of the place, with its account as the actor. Of what
// somebody could have forged it is said.
type knownReads map[canary.ExtractID]*canary.Read

// weigh asks forensics, with what is known of reads.
func weigh(ctx context.Context, reg *registry.Registry, q forensics.Question) (forensics.Answer, error) {
	reads, more, err := readsOf(ctx, reg, &q)
	if err != nil {
		return forensics.Answer{}, err
	}
	q.Extracts = append(q.Extracts, more...)
	a := forensics.Trace(q)
	reads.explain(a.Suspects)
	return a, nil
}

// leastShare is how likely a LIMIT has to have given each canary that it may have given
// for the statement to count as an extract of them: of a page of twenty customers nobody
// knows which, and it is no copy of all that might have stood on it.
const leastShare = .1

// longest is how long before the time that the log has a statement may have begun; see
// [conf.Audit].
const longest = 24 * time.Hour

// readsOf gives those of the places of some hits that can have carried one of their
// tokens: what was read before the first of these stood, or after the last hit, is not
// even opened. A page waits for this.
func readsOf(ctx context.Context, reg *registry.Registry, q *forensics.Question) (knownReads, []canary.Extract, error) {
	since := map[canary.Place]time.Time{}
	stood := func(w canary.Window) {
		began := w.From.Earliest.Add(-longest)
		if old, known := since[w.Place]; !known || began.Before(old) {
			since[w.Place] = began
		}
	}
	var last time.Time
	hit := map[canary.TokenID]bool{}
	for _, h := range q.Hits {
		stood(h.Window)
		hit[h.Token] = true
		if h.At.After(last) {
			last = h.At
		}
	}
	for _, l := range q.Tokens { // a mailbox may have stood in another record before
		if hit[l.Token] {
			stood(l.Window)
		}
	}
	known := knownReads{}
	var out []canary.Extract
	for _, place := range slices.Sorted(maps.Keys(since)) {
		list, err := reg.ReadsBetween(ctx, place, since[place], last)
		if err != nil {
			return nil, nil, err
		}
		out = append(out, known.add(place, list)...)
	}
	return known, out, nil
}

// add makes extracts of reads.
func (k knownReads) add(place canary.Place, list []canary.Read) (out []canary.Extract) {
	for i := range list {
		r := &list[i]
		held := slices.Concat(r.Returned, r.Likely)
		all := r.Share == 0 || r.Share >= leastShare
		if all {
			held = append(held, r.Possible...)
		}
		if len(held) == 0 {
			continue
		}
		slices.Sort(held)
		e := canary.Extract{ID: canary.ExtractID("read:" + r.ID[:min(len(r.ID), 12)]), Actor: r.Account, Taken: r.Taken, Place: place, Held: slices.Compact(held), Rows: r.Rows, Shape: r.Shape, Complete: all && !r.Low}
		k[e.ID] = r
		out = append(out, e)
	}
	return out
}

// explain tells of suspects that are statements where the log has them, and how sure it
// is what they returned.
func (k knownReads) explain(list []forensics.Suspect) {
	for i := range list {
		r := k[list[i].Extract]
		if r == nil {
			continue
		}
		why := []string{fmt.Sprintf("a statement in the audit log: %s: %s", r.Where, r.Shape)}
		if open := unsure(r); open > 0 {
			why = append(why, fmt.Sprintf("whether it returned %d of %d canaries is not certain: %s", open, list[i].Holds, r.Why))
		}
		if r.Low {
			why = append(why, "it could be forged: in this log, what a statement or a name says can look like a line of anybody's; ask for another log before you accuse somebody")
		}
		list[i].Reasons = append(why, list[i].Reasons...)
	}
}

// unsure counts the canaries that a statement returned perhaps.
func unsure(r *canary.Read) (n int) {
	for _, id := range r.Possible {
		if !slices.Contains(r.Returned, id) {
			n++
		}
	}
	return n
}
