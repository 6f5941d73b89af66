package forensics

import "math"

// Repeats is the expected number of domains that are seen at least twice in an
// extract, when it is expected to hold so many canaries on domains of our own,
// spread evenly over so many. Their number in an extract is random, so those on
// one domain are Poisson, with mean x = held/domains: d·(1 - e⁻ˣ·(1+x)).
func Repeats(held float64, domains int) float64 {
	x := held / float64(domains)
	return float64(domains) * (-math.Expm1(-x) - x*math.Exp(-x))
}

// LargestCluster is the expected number of canaries on the fullest domain.
func LargestCluster(held float64, domains int) float64 {
	if domains == 1 {
		return held
	}
	x := held / float64(domains)
	spread := 12 * math.Sqrt(x)
	first, last := int(max(x-spread-20, 0)), int(x+spread+60) // as good as all
	sum, below := float64(first), 0.0
	for k := first; k <= last; k++ {
		below = min(below+poisson(x, k), 1)
		sum -= math.Expm1(float64(domains) * math.Log(below)) // P(max > k)
	}
	return sum
}

// DomainsFor is the least number of domains from which on no more than so many
// are expected to be seen twice; about held²/(2·repeats).
func DomainsFor(held, repeats float64) int {
	// Repeats is greatest at held/domains = 1.793, and falls from there on.
	peak := max(int(math.Ceil(held/1.793)), 1)
	return least(peak, func(d int) bool { return Repeats(held, d) <= repeats })
}

// ClassAUC says how well "not at a large provider" tells canaries from
// customers, as the area under the curve (0.5 not at all, 1 perfectly), when
// that holds for the given shares of both.
func ClassAUC(canaries, customers float64) float64 { return 0.5 + (canaries-customers)/2 }

// ChangeAUC says how well "has another address than so many days ago" tells
// canaries from customers, for two copies of the table and changes per row and
// year.
func ChangeAUC(canaries, customers, days float64) float64 {
	changed := func(rate float64) float64 { return -math.Expm1(-rate * days / daysPerYear) }
	return ClassAUC(changed(canaries), changed(customers))
}

const daysPerYear = 365.25

// Tail is how often the domains of customers who are not at a large provider
// occur in an extract. Canaries on own domains stand among these.
type Tail struct {
	counts []float64 // share of the rows whose domain occurs 1, 2, … times
}

// NewTail takes so many rows on domains whose sizes fall by Zipf's law with the
// given exponent.
func NewTail(rows float64, domains int, exponent float64) Tail {
	sizes, all := make([]float64, domains), 0.0
	for i := range sizes {
		sizes[i] = math.Pow(float64(i+1), -exponent)
		all += sizes[i]
	}
	var t Tail
	for _, size := range sizes {
		t.add(size/all, rows*size/all)
	}
	return t
}

// crowded is the number of occurrences beyond which no canary's domain is seen,
// so that they need not be told apart.
const crowded = 400

// add adds the rows of a domain: whoever is met on it meets the others besides.
func (t *Tail) add(share, mean float64) {
	if t.counts == nil {
		t.counts = make([]float64, crowded+1)
	}
	if mean > crowded/2 {
		t.counts[crowded] += share
		return
	}
	left, p := 1.0, math.Exp(-mean)
	for k := 0; k < crowded && left > 1e-12; k++ {
		t.counts[k] += share * p
		left -= p
		p *= mean / float64(k+1)
	}
	t.counts[crowded] += share * max(left, 0)
}

// AUC says how well the number of rows on the same domain tells canaries from
// such customers: above 0.5 the canaries' domains are too frequent, below too
// rare.
func (t Tail) AUC(held float64, domains int) float64 {
	sum, fewer, left := 0.0, 0.0, 1.0
	for k, share := range t.counts {
		p := poisson(held/float64(domains), k)
		sum += p * (fewer + share/2)
		fewer += share
		left -= p
	}
	return sum + max(left, 0) // more frequent than any customer's
}

// Most is the greatest number of domains at which the AUC is not below a floor,
// and at least 1: with more, canaries stand out as the ones that nobody else
// shares a domain with.
func (t Tail) Most(held, floor float64) int {
	return max(least(1, func(d int) bool { return t.AUC(held, d) < floor })-1, 1)
}
