package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"saltmine/seeder"
)

const (
	// maxWeight bounds a factor: beyond it a stratum is meant alone, see --segment.
	maxWeight = 1000
	// strataShown bounds the strata that are printed.
	strataShown = 30
)

// weight reads --weight.
func (f *plantFlags) weight() ([]seeder.Weight, error) {
	if len(f.weights) > 0 && len(f.strata) == 0 {
		return nil, usage("--weight needs --strata: the columns over which canaries are spread")
	}
	var out []seeder.Weight
	for _, text := range f.weights {
		at := max(strings.LastIndex(text, ":"), 0)
		word, value, _ := strings.Cut(text[:at], "=")
		w := seeder.Weight{Word: strings.TrimSpace(word), Value: strings.TrimSpace(value)}
		var err error
		if w.Factor, err = strconv.ParseFloat(strings.TrimPrefix(text[at:], ":"), 64); err != nil || w.Value == "" || !(w.Factor > 0 && w.Factor <= maxWeight) {
			return nil, usage("--weight %q: want column=value:factor, the factor above 0 and at most %d, such as country=US:3", text, maxWeight)
		}
		if !slices.Contains(f.strata, w.Word) {
			return nil, usage("--weight %q: %s is not one of the columns of --strata (%s)", text, w.Word, strings.Join(f.strata, ", "))
		}
		out = append(out, w)
	}
	return out, nil
}

func printStrata(w io.Writer, list []seeder.StratumReport) error {
	if len(list) == 0 {
		return nil
	}
	out := []string{"strata:"}
	for _, s := range list[:min(len(list), strataShown)] {
		out = append(out, fmt.Sprintf("  %-30s %d of %d canaries, %d rows read, weight %g", cmp.Or(string(s.Segment), "(empty)"), s.Live, s.Count, s.Rows, s.Weight))
	}
	if more := len(list) - strataShown; more > 0 {
		out = append(out, fmt.Sprintf("  and %d more", more))
	}
	return lines(w, out)
}
