package learn

import (
	"cmp"
	"math"
	"slices"
)

// Area is an area under the ROC curve with the standard errors of its measure.
type Area struct {
	AUC float64
	// SE is DeLong's standard error; SE0 is what it would be if the scores said
	// nothing (Mann-Whitney).
	SE, SE0         float64
	Marked, Regular int
}

// Placements collects scores fold by fold: each fold's scores are compared
// among themselves only, because folds have learners of their own.
type Placements struct{ marked, regular []float64 }

// Add takes a fold's scores: of the rows looked for, and of the others.
func (p *Placements) Add(marked, regular []float64) {
	p.marked = append(p.marked, placed(marked, regular)...)
	for _, v := range placed(regular, marked) {
		p.regular = append(p.regular, 1-v)
	}
}

// Marked says of each row looked for, in the order of Add, which share of the
// fold's other rows scores lower.
func (p *Placements) Marked() []float64 { return p.marked }

// Area sums up.
func (p *Placements) Area() Area {
	m, n := float64(len(p.marked)), float64(len(p.regular))
	if m == 0 || n == 0 {
		return Area{AUC: 0.5, SE: 0.5, SE0: 0.5}
	}
	mean, spread := moments(p.marked)
	_, other := moments(p.regular)
	return Area{
		AUC: mean, SE: math.Sqrt(spread/m + other/n), SE0: math.Sqrt((m + n + 1) / (12 * m * n)),
		Marked: len(p.marked), Regular: len(p.regular),
	}
}

// AreaOf measures one set of scores.
func AreaOf(marked, regular []float64) Area {
	var p Placements
	p.Add(marked, regular)
	return p.Area()
}

// placed says of each score which share of the others is lower, ties half.
func placed(scores, others []float64) []float64 {
	sorted := slices.Clone(others)
	slices.Sort(sorted)
	out := make([]float64, len(scores))
	for i, s := range scores {
		low, _ := slices.BinarySearch(sorted, s)
		high, _ := slices.BinarySearchFunc(sorted, s, func(a, b float64) int {
			if a <= b {
				return -1
			}
			return 1
		})
		out[i] = (float64(low) + float64(high)) / 2 / float64(max(len(sorted), 1))
	}
	return out
}

// moments are the mean and the unbiased variance.
func moments(values []float64) (mean, variance float64) {
	for _, v := range values {
		mean += v
	}
	mean /= float64(len(values))
	if len(values) < 2 {
		return mean, 0.25
	}
	for _, v := range values {
		variance += (v - mean) * (v - mean)
	}
	return mean, variance / float64(len(values)-1)
}

// BinAUC is the area that a feature alone gives, higher values being marked,
// from its bins: counts of marked and of all rows by bin.
func BinAUC(marked, all []int) float64 {
	var m, n, below, area float64
	for b := range all {
		c := float64(marked[b])
		r := float64(all[b]) - c
		area += c * (below + r/2)
		below += r
		m, n = m+c, n+r
	}
	if m == 0 || n == 0 {
		return 0.5
	}
	return area / m / n
}

// Wilson is the interval of a share of k in n at z standard errors.
func Wilson(k, n int, z float64) (low, high float64) {
	if n == 0 {
		return 0, 1
	}
	p, m := float64(k)/float64(n), float64(n)
	mid := (p + z*z/2/m) / (1 + z*z/m)
	half := z / (1 + z*z/m) * math.Sqrt(p*(1-p)/m+z*z/4/m/m)
	return max(0, mid-half), min(1, mid+half)
}

// Fisher is the probability of drawing at least k marked rows in n draws
// without return from rows of which some are marked: a one-sided exact test.
func Fisher(k, n, marked, rows int) float64 {
	sum := 0.0
	for i := k; i <= min(n, marked); i++ {
		if n-i > rows-marked {
			continue
		}
		sum += math.Exp(choose(marked, i) + choose(rows-marked, n-i) - choose(rows, n))
	}
	return min(1, sum)
}

func choose(n, k int) float64 {
	a, _ := math.Lgamma(float64(n) + 1)
	b, _ := math.Lgamma(float64(k) + 1)
	c, _ := math.Lgamma(float64(n-k) + 1)
	return a - b - c
}

// Normal is the standard normal distribution function.
func Normal(z float64) float64 { return math.Erfc(-z/math.Sqrt2) / 2 }

// Quantile is its inverse, for 0 < p < 1.
func Quantile(p float64) float64 { return -math.Sqrt2 * math.Erfcinv(2*p) }

// Folds deals rows into k folds, evenly, in an order drawn from the seed.
func Folds(rows []int, k int, seed uint64) [][]int {
	order := slices.Clone(rows)
	random(seed, 3).Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	folds := make([][]int, k)
	for i, row := range order {
		folds[i%k] = append(folds[i%k], row)
	}
	return folds
}

// Highest gives the places of the k largest scores. Ties are broken by lot,
// so that the order of the rows says nothing.
func Highest(scores []float64, k int, seed uint64) []int {
	lot := random(seed, 4)
	order, ticket := make([]int, len(scores)), make([]uint64, len(scores))
	for i := range order {
		order[i], ticket[i] = i, lot.Uint64()
	}
	slices.SortFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(scores[b], scores[a]), cmp.Compare(ticket[a], ticket[b]))
	})
	return order[:min(k, len(order))]
}
