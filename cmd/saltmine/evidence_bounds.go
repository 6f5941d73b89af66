package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"saltmine/internal/canary"
	"saltmine/internal/disclosure"
	"saltmine/internal/evidence"
	"saltmine/internal/evidence/pack"
	"saltmine/internal/forensics"
	"saltmine/internal/registry"
)

// guessed reports whether a hit is on a token that was one letter off, and names the
// record by nothing else: it may be anybody's slip, and opens no canary.
func guessed(h canary.Hit) bool { return h.Cell.Variant() && !h.Clean }

// reached are the tokens that were.
func (d *dossier) reached() map[canary.TokenID]bool {
	out := map[canary.TokenID]bool{}
	for _, h := range d.hits {
		if h.Role == canary.RolePlanted {
			out[h.Token] = true
		}
	}
	return out
}

// chooseNamed finds the canaries of other incidents that the contacts of this one also
// reached: the contacts name them, and so they are opened too.
func (d *dossier) chooseNamed(ctx context.Context) error {
	done := map[canary.ID]bool{}
	for _, id := range d.canaryIDs() {
		done[id] = true
	}
	for _, c := range d.contacts {
		hits, err := d.reg.HitsOf(ctx, c.ID)
		if err != nil {
			return err
		}
		for _, h := range hits {
			if h.Role == canary.RolePlanted && h.Canary != "" && !guessed(h) && !done[h.Canary] {
				done[h.Canary] = true
				d.named = append(d.named, h.Canary)
			}
		}
	}
	return nil
}

// fits refuses what would have more files than a pack can have, before anything is
// opened. It counts them rather too high.
func (d *dossier) fits() error {
	const (
		perContact = 5 // header, raw, mail, list and its act
		perText    = 3 // it, its list and that one's act
		perCanary  = 3 // it, the act of its commitment, and that it was opened
		perRead    = 1 + actsOfRead
		beside     = 50
	)
	n := perContact*(len(d.contacts)-len(d.givenUp)) + perText*(len(d.pages)+len(d.reached())) + perCanary*len(d.canaries) + len(d.custody) + perRead*mostReads + beside
	if n > pack.MaxFiles {
		return fmt.Errorf("nothing is exported: the pack of %s could have %d files, and %d is the most: take a part of it out first (saltmine incident split)", d.incident.ID, n, pack.MaxFiles)
	}
	return nil
}

// verdictHolds holds the verdict, which is a plain row, against the act that it is.
func (d *dossier) verdictHolds(ctx context.Context) error {
	acts, err := d.reg.Acts(ctx, registry.ActFilter{About: string(d.incident.ID), What: []string{canary.ActVerdict}, Limit: 1})
	if err != nil {
		return err
	}
	said := ""
	if len(acts) > 0 {
		said = acts[0].Outcome
	}
	if said != string(d.incident.Verdict) {
		return fmt.Errorf("the verdict has been changed: it is %q, and the evidence log has %q", d.incident.Verdict, said)
	}
	return nil
}

// withoutLooks sums up who only looked at the incident, which a busy page makes
// thousands of. Looks at contacts and canaries stay.
func (d *dossier) withoutLooks(acts []canary.Act) (rest []canary.Act, looks []packedLooks) {
	looks = []packedLooks{}
	at := map[[2]string]int{}
	for _, a := range acts {
		if !strings.HasPrefix(a.What, "GET ") || !slices.Contains(d.ids, canary.IncidentID(a.About)) {
			rest = append(rest, a)
			continue
		}
		n, again := at[[2]string{a.Who, a.Via}]
		if !again {
			n = len(looks)
			at[[2]string{a.Who, a.Via}] = n
			looks = append(looks, packedLooks{Who: a.Who, Via: a.Via, First: a.At})
		}
		looks[n].Times++
		looks[n].Last = a.At
	}
	return rest, looks
}

// unlikely is below which an extract that explains nothing is left out.
const unlikely = .01

// onlyLikely leaves out of a trace the extracts that have nothing to do with it: who
// took them is nobody's business outside.
func onlyLikely(a *forensics.Answer) {
	a.Suspects = slices.DeleteFunc(a.Suspects, func(s forensics.Suspect) bool {
		return s.Explains == 0 && s.P < unlikely && !s.Unlogged
	})
	if a.Chances == nil {
		return
	}
	extracts, actors := map[string]bool{}, map[string]bool{}
	for i := range a.Suspects {
		extracts[string(a.Suspects[i].Extract)], actors[a.Suspects[i].Actor] = true, true
	}
	a.Chances.Extracts = slices.DeleteFunc(a.Chances.Extracts, func(c forensics.Chance) bool { return !extracts[c.Name] })
	a.Chances.Actors = slices.DeleteFunc(a.Chances.Actors, func(c forensics.Chance) bool { return !actors[c.Name] })
}

// onlyOf leaves of a canary's commitments those that have a token that was reached.
func onlyOf(shown []disclosure.Shown, reached map[canary.TokenID]bool) []disclosure.Shown {
	return slices.DeleteFunc(shown, func(s disclosure.Shown) bool {
		var l disclosure.Leaf
		err := json.Unmarshal([]byte(s.Leaf), &l)
		return err == nil && !slices.ContainsFunc(l.Tokens, func(t disclosure.Token) bool { return reached[t.ID] })
	})
}

// holds verifies a pack that was written as a third party will.
func (d *dossier) holds(r io.ReaderAt, size int64) error {
	list, err := d.key().Verifiers()
	if err != nil {
		return err
	}
	key, err := evidence.ParseVerifier(strings.Join(list, "\n"))
	if err != nil {
		return err
	}
	keys := append(d.keys.Signer.Past(), d.keys.Signer.Public())
	if _, err := pack.Verify(r, size, pack.Options{Key: key, Canary: canariesBy(keys)}); err != nil {
		return fmt.Errorf("nothing is exported, for the pack does not verify: %w", err)
	}
	return nil
}
