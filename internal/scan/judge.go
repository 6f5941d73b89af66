package scan

import (
	"saltmine/internal/canary"
)

// Weight is what a find is worth.
type Weight string

// The weights. What is evidence has none of the others.
const (
	Evidence Weight = ""
	Weak     Weight = canary.FindWeak
	Chance   Weight = canary.FindChance
)

// Judged is what a report comes to beside the tokens of its book.
type Judged struct {
	Weights []Weight // of the finds
	// Planted and Placebos are how many different tokens were found, by kind.
	Planted, Placebos map[canary.Kind]int
	Canaries          int
}

// group are the finds of a kind that are weak, or that are not.
type group struct {
	kind canary.Kind
	weak bool
}

// Judge compares what was found of the planted tokens with what was found of the
// placebos in the same file: chance, and a list of all there can be, hold both alike.
// A weak find is evidence where the same canary has another token in the file that is
// not weak, or where far more planted tokens are so found than chance explains.
func Judge(b *Book, r *Report) Judged {
	j := Judged{Planted: map[canary.Kind]int{}, Placebos: map[canary.Kind]int{}}
	firm := map[int32]bool{}
	for _, f := range r.Finds {
		firm[f.Ref] = firm[f.Ref] || !f.Weak
	}
	groups, canaries := map[group]counted{}, map[canary.ID]bool{}
	for ref := range firm {
		t := b.Token(ref)
		n := groups[group{t.Kind, !firm[ref]}]
		if t.Role == canary.RolePlacebo {
			n.placebos++
			j.Placebos[t.Kind]++
		} else {
			n.planted++
			j.Planted[t.Kind]++
			canaries[t.Canary] = true
		}
		groups[group{t.Kind, !firm[ref]}] = n
	}
	weigh := func(ref int32, beside bool) Weight {
		kind := b.Sort(ref).Kind
		n := groups[group{kind, !firm[ref]}]
		n.ofPlanted, n.ofPlacebos = b.Count(Sort{kind, canary.RolePlanted}), b.Count(Sort{kind, canary.RolePlacebo})
		return n.weight(!firm[ref], beside)
	}
	sure := map[canary.ID]bool{}
	for ref := range firm {
		if t := b.Token(ref); firm[ref] && weigh(ref, false) == Evidence {
			sure[t.Canary] = true
		}
	}
	for _, f := range r.Finds {
		j.Weights = append(j.Weights, weigh(f.Ref, sure[b.Token(f.Ref).Canary]))
	}
	j.Canaries = len(canaries)
	return j
}

// counted are different tokens found, and those there are.
type counted struct{ planted, placebos, ofPlanted, ofPlacebos int }

const (
	timesChance = 5 // as many as chance makes are evidence
	leastWeak   = 3 // planted tokens found weakly that can be
	leastKnown  = 10
)

func (n counted) weight(weak, beside bool) Weight {
	chance := 0.0 // planted tokens that chance would have made
	if n.ofPlacebos > 0 {
		chance = float64(n.placebos) / float64(n.ofPlacebos) * float64(n.ofPlanted)
	}
	likely := float64(n.planted) <= timesChance*chance
	switch {
	case !weak && likely:
		return Chance
	case !weak, beside:
		return Evidence
	case likely:
		return Chance
	case n.ofPlacebos >= leastKnown && n.planted >= leastWeak && float64(n.planted) > timesChance*float64(n.ofPlanted)*float64(n.placebos+1)/float64(n.ofPlacebos):
		return Evidence
	}
	return Weak
}
