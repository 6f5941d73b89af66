package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/forensics"
	"saltmine/internal/registry"
)

// knownReads are the statements that audit watch found to have returned canaries, or to
// have perhaps: each is an extract of the place, with its account as the actor. What
// somebody could have forged accuses nobody.
type knownReads map[canary.ExtractID]*canary.Read

// weigh asks forensics, with what is known of reads.
func weigh(ctx context.Context, reg *registry.Registry, place canary.Place, q forensics.Question) (forensics.Answer, error) {
	reads, more, err := readsOf(ctx, reg, place, q.Hits)
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

// readsOf gives those of a place, without what was read after the last hit.
func readsOf(ctx context.Context, reg *registry.Registry, place canary.Place, hits []forensics.Hit) (knownReads, []canary.Extract, error) {
	if len(hits) == 0 {
		return nil, nil, nil
	}
	last := slices.MaxFunc(hits, func(a, b forensics.Hit) int { return a.At.Compare(b.At) }).At
	list, err := reg.ReadsSince(ctx, place, time.Time{})
	if err != nil {
		return nil, nil, err
	}
	known := knownReads{}
	var out []canary.Extract
	for i := range list {
		r := &list[i]
		if r.Low || r.Taken.Earliest.After(last) {
			continue
		}
		held := slices.Concat(r.Returned, r.Likely)
		if r.Share == 0 || r.Share >= leastShare {
			held = append(held, r.Possible...)
		}
		if len(held) == 0 {
			continue
		}
		slices.Sort(held)
		e := canary.Extract{ID: canary.ExtractID("read:" + r.ID[:min(len(r.ID), 12)]), Actor: r.Account, Taken: r.Taken, Place: place, Held: slices.Compact(held)}
		known[e.ID] = r
		out = append(out, e)
	}
	return known, out, nil
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
