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
	planted, placebos := map[group]int{}, map[group]int{}
	strong, canaries := map[canary.ID]bool{}, map[canary.ID]bool{}
	seen, firm := map[int32]bool{}, map[int32]bool{}
	for _, f := range r.Finds {
		firm[f.Ref] = firm[f.Ref] || !f.Weak
	}
	for _, f := range r.Finds {
		if seen[f.Ref] {
			continue
		}
		seen[f.Ref] = true
		t := b.Token(f.Ref)
		g := group{t.Kind, !firm[f.Ref]}
		if t.Role == canary.RolePlacebo {
			placebos[g]++
			j.Placebos[t.Kind]++
			continue
		}
		planted[g]++
		j.Planted[t.Kind]++
		canaries[t.Canary] = true
		strong[t.Canary] = strong[t.Canary] || firm[f.Ref]
	}
	j.Canaries = len(canaries)
	for _, f := range r.Finds {
		t := b.Token(f.Ref)
		g := group{t.Kind, !firm[f.Ref]}
		n := counted{planted[g], placebos[g], b.Count(Sort{t.Kind, canary.RolePlanted}), b.Count(Sort{t.Kind, canary.RolePlacebo})}
		j.Weights = append(j.Weights, n.weight(g.weak, strong[t.Canary]))
	}
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
