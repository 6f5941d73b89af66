package column

import (
	"math"
	"math/rand/v2"
)

// stillAlone estimates which part of the values that occur once in a sample
// occurs once in the table, of which the sample is a share. How the number of
// such values grows with the sample is seen in parts of it (of each size, by how
// often the values occur); on a double logarithmic scale the growth slows down
// evenly, and it is taken to go on so.
func stillAlone(counts map[string]int, cover float64) float64 {
	const part, least = 0.4, 20
	many := map[int]float64{}
	for _, n := range counts {
		many[n]++
	}
	if cover >= 1 || many[1] < least {
		return 1
	}
	near, far := slope(many, 1), slope(many, part)
	bend := min((near-far)/-math.Log(part), 0)
	steps := -math.Log(cover)
	return min(math.Exp((near-1)*steps+bend*steps*steps/2), 1)
}

// slope tells how fast the number of values that occur once grows with the
// sample, at a part of it.
func slope(many map[int]float64, part float64) float64 {
	const step = 0.9
	return math.Log(once(many, part)/once(many, part*step)) / -math.Log(step)
}

// once is how many values a part of the sample would have once.
func once(many map[int]float64, part float64) float64 {
	sum := 0.0
	for n := 1; n < 400; n++ {
		sum += many[n] * float64(n) * part * math.Pow(1-part, float64(n-1))
	}
	return sum
}

// missed estimates which part of the values that are made new, and that the
// sample does not have, the table has all the same: those are not new. made gives
// how often a value that is made for one of so many donors stands in the sample,
// below 0 where none is made. The part of such values that a sample has grows
// with the sample, as it does over parts of it.
func missed(cover float64, donors int, made func(donor int) int) float64 {
	const tries, least, part, most = 600, 100, 0.8, 0.9
	if cover >= 1 || donors == 0 {
		return 0
	}
	all, here, there := 0, 0.0, 0.0
	for i := range tries {
		n := made(i % donors)
		if n < 0 {
			continue
		}
		if all++; n > 0 {
			here++
			there += 1 - math.Pow(1-part, float64(n))
		}
	}
	if all < least || here == 0 {
		return 0
	}
	here, there = here/float64(all), there/float64(all)
	growth := math.Log(here/there) / -math.Log(part)
	table := min(here*math.Pow(cover, -growth), 1)
	return min((table-here)/(1-here), most)
}

// missed is which part of the values made new the table has all the same.
func (c *Column) missed() float64 {
	if len(c.order) == 0 || c.kind == JSON || c.cover >= 1 {
		return 0
	}
	rng := rand.New(rand.NewPCG(uint64(len(c.order)), 1)) //nolint:gosec // a choice of values
	const beside = 40
	near := make([]Value, beside)
	return missed(c.cover, len(c.order), func(int) int {
		donor := c.order[rng.IntN(len(c.order))].text
		if c.counts[donor] > 1 {
			return -1
		}
		for k := range near {
			near[k].Text = c.order[rng.IntN(len(c.order))].text
		}
		text, ok := c.made(rng, donor, near, 0)
		if !ok || text == donor {
			return -1
		}
		return c.counts[text]
	})
}
