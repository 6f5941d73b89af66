package posterior

import (
	"math"
	"slices"
)

// delay is one course that the contacts of a leak may take: after a lag, which is
// of days and a fortnight at most, at a pace that falls off. The lags are close
// enough that extracts of neighbouring days are told apart: with 0, 3 and 8 fewer
// culprits came first in worlds made for it.
type delay struct {
	mean, lag Day
	pace      int // the number of its mean, see model.fades; negative for those of campaigns
}

func courses(means, lags []Day) (list []delay) {
	for i, mean := range means {
		for _, lag := range lags {
			list = append(list, delay{mean, lag, i})
		}
	}
	return list
}

// reach is the distribution of the delay: how many of the contacts came within d days.
func (l *delay) reach(d Day) float64 { return -math.Expm1(-max(d-l.lag, 0) / l.mean) }

// evidence is what an explanation has to explain: the hits among what it held, how
// many tokens stayed silent, and the time from which on the leak was made use of.
type evidence struct {
	hits    []int32
	silent  float64
	from    Day
	slipped []slipped
}

// slipped is a hit on what an explanation held by no list, and how likely it held that
// nevertheless.
type slipped struct {
	hit int32
	p   float64
}

// nth gives a hit, and how likely it was held.
func (e *evidence) nth(k int) (p float64, hit int32) {
	if k < len(e.hits) {
		return 1, e.hits[k]
	}
	x := &e.slipped[k-len(e.hits)]
	return x.p, x.hit
}

// grid is the points over which the unknowns are integrated out.
type grid struct {
	shares []float64 // of records that are contacted
	delays []delay
	paces  []Day // of campaigns
}

// grids gives the points of the integral. Campaigns last from a second, for whoever has
// all at hand, to two months. How likely a record was in a copy that nobody knows and is
// contacted may be lower than any share: the copy may have had but a few of the records.
func grids() (whole, copies *grid) {
	delays := courses([]Day{10, 25, 60}, []Day{0, 2, 4, 7, 12})
	paces := []Day{1e-5, 1e-3, .04, 1, 10, 60}
	shares := ladder(.002, .95, 13)
	return &grid{shares, delays, paces}, &grid{append(ladder(1e-5, .001, 5), shares...), delays, paces}
}

// ladder gives n numbers from one to another, each as many times the last.
func ladder(from, to float64, n int) []float64 {
	list := make([]float64, n)
	for i := range list {
		list[i] = from * math.Pow(to/from, float64(i)/float64(n-1))
	}
	return list
}

// course is a delay with its weight, as a logarithm.
type course struct {
	delay
	weight float64
}

// courses gives what the contacts of a leak may have come by.
func (m *model) courses(e *evidence, list []course) []course {
	first := m.first(e)
	if first > 0 {
		for _, pace := range m.whole.paces {
			list = append(list, m.campaign(e, first, pace))
		}
	}
	known := m.known(first)
	for _, l := range m.whole.delays {
		list = append(list, course{l, known})
	}
	return list
}

// known is the weight of each of the delays.
func (m *model) known(first Day) float64 {
	if first == 0 {
		return -math.Log(float64(len(m.whole.delays)))
	}
	return math.Log((1 - belated) / float64(len(m.whole.delays)))
}

// likely gives a few of the courses: those that fit when contacts came the best.
func (m *model) likely(e *evidence, list []course) []course {
	first := m.first(e)
	if first > 0 {
		late := 0.
		for _, h := range e.hits {
			late += max(m.hits[h].at-e.from-first, 0)
		}
		paces := m.whole.paces
		n, _ := slices.BinarySearch(paces, late/float64(max(len(e.hits), 1)))
		n = min(max(n, 1), len(paces)-1)
		list = append(list, m.campaign(e, first, paces[n-1]), m.campaign(e, first, paces[n]))
	}
	known := m.known(first)
	delays := m.whole.delays
	for i := range delays {
		l := &delays[i]
		if last := i == len(delays)-1 || delays[i+1].pace != l.pace; l.lag <= first && (last || delays[i+1].lag > first) || first == 0 && l.lag == 0 {
			list = append(list, course{*l, known})
		}
	}
	return list
}

// Who bought a list may use it all at once, and months later: then contacts come
// together, and how they lie in time says next to nothing of when the copy was made.
// Without that, whatever was taken shortly before they came would be accused of it.
const (
	belated     = .2      // how probable it is
	usualLag    = 4       // days, the median;
	spreadOfLag = 1.4     // of its logarithm;
	soonest     = 1. / 24 // below which one lag is as good as another
)

// first is how long after the copy the first of the contacts came, 0 for none.
func (m *model) first(e *evidence) Day {
	var first Day
	for k := range len(e.hits) + len(e.slipped) {
		_, n := e.nth(k)
		if d := m.hits[n].at - e.from; !m.hits[n].always && d > 0 && (first == 0 || d < first) {
			first = d
		}
	}
	return first
}

// campaign is one that began shortly before the first contact: of n contacts it came a
// mean of so many days by n after.
func (m *model) campaign(e *evidence, first, mean Day) course {
	before := min(mean/float64(len(e.hits)+len(e.slipped)), first/2)
	lag := first - before
	of := max(lag, soonest)
	z := math.Log(of/usualLag) / spreadOfLag
	p := 1 / (of * spreadOfLag * math.Pi * (1 + z*z)) // a Cauchy's tails: nothing is too late
	return course{delay{mean, lag, -1}, math.Log(belated / float64(len(m.whole.paces)) * min(p*2*before, 1))}
}

// likelihood is the logarithm of how much better the explanation does than noise,
// the unknowns integrated out. That a source had its addresses from the leak is
// counted once: what it reached besides is as much more telling as noise seldom has
// two contacts of one source.
func (m *model) likelihood(e *evidence) float64 { return m.integral(e, m.whole) }

// integral is the likelihood over these points.
func (m *model) integral(e *evidence, g *grid) float64 {
	var room [32]course
	list := m.courses(e, room[:0])
	points := make([]float64, 0, len(list)*len(g.shares))
	found := m.inFile(e)
	factors := make([]factor, 0, len(e.hits)+len(e.slipped))
	for i := range list {
		c := &list[i]
		row := points[len(points) : len(points)+len(g.shares)]
		points = points[:len(points)+len(g.shares)]
		all := m.reached(e, c, found)
		for i, f := range g.shares {
			row[i] = c.weight + e.silent*math.Log1p(-f*all)
		}
		explain(m.factors(e, &c.delay, factors), g.shares, row)
	}
	return logSum(points) - math.Log(float64(len(g.shares)))
}

// inFile reports whether some of it was found in a file, which has all that it was made of.
func (m *model) inFile(e *evidence) bool {
	return slices.ContainsFunc(e.hits, func(h int32) bool { return m.hits[h].always })
}

// reached is the share of those who will make a contact that did.
func (m *model) reached(e *evidence, c *course, found bool) float64 {
	if found {
		return 1
	}
	return c.reach(m.Until - e.from)
}

// rough is about the likelihood, by a few courses and for each by the share that fits
// it best, as wide as it fits.
func (m *model) rough(e *evidence) float64 {
	var room [16]course
	var points [16]float64
	list := m.likely(e, room[:0])
	found := m.inFile(e)
	n := float64(len(e.hits) + len(e.slipped))
	lowest, highest := m.whole.shares[0], m.whole.shares[len(m.whole.shares)-1]
	apart := math.Log(highest / lowest)
	wide := math.Log(min(math.Sqrt(2*math.Pi/(n+.5))/apart, 1))
	var room2 [256]factor
	for i := range list {
		c := &list[i]
		all := m.reached(e, c, found)
		f := min(max((n+.5)/(n+.5+e.silent*all), lowest), highest)
		sum, product := e.silent*math.Log1p(-f*all), 1.
		for _, x := range m.factors(e, &c.delay, room2[:0]) {
			if product *= 1 + f*float64(x); product > 1e150 || product < 1e-150 {
				sum += math.Log(product)
				product = 1
			}
		}
		points[i] = c.weight + wide + sum + math.Log(product)
	}
	return logSum(points[:len(list)])
}

// longSince is over how many days a find in a file is spread, so that its weight, which
// is in days, is one of a contact among others.
const longSince = 730

// factor is what a hit says: one more than it is multiplied by the share is how many
// times better the leak explains it.
type factor float64

// telling is the most that one hit can say, so that the product of a few can be held.
const telling = 1e18

// factors gives what each hit says, if contacts took this course: those that it had no
// time for say nothing.
func (m *model) factors(e *evidence, l *delay, list []factor) []factor {
	since := e.from + l.lag
	fade, fades := 0., []float64(nil)
	if l.pace >= 0 {
		fades = m.fades[l.pace]
		fade = math.Exp((since - m.latest) / l.mean)
	}
	last := noSource
	for k := range len(e.hits) + len(e.slipped) {
		part, n := e.nth(k)
		h := &m.hits[n]
		if !h.always && h.at <= since {
			continue
		}
		w := h.w
		if h.source != noSource && h.source == last {
			w *= m.again
		}
		last = h.source
		var x float64
		switch {
		case h.always:
			x = w/longSince - 1
		case fades != nil:
			x = fade*fades[n]*(w/l.mean+1) - 1
		default:
			x = math.Exp((since-h.at)/l.mean)*(w/l.mean+1) - 1
		}
		list = append(list, factor(min(part*x, telling)))
	}
	return list
}

// explain adds what the hits say. Their factors are multiplied as long as they can
// be, which saves most of the logarithms.
func explain(factors []factor, shares, row []float64) {
	var room [24]float64
	product := room[:len(shares)]
	for i := range product {
		product[i] = 1
	}
	const few = 7 // so many at once leave a product within what a number holds
	for len(factors) > 0 {
		some := factors[:min(len(factors), few)]
		factors = factors[len(some):]
		for _, x := range some {
			for i, f := range shares {
				product[i] *= 1 + f*float64(x)
			}
		}
		for i, p := range product {
			if p > 1e150 || p < 1e-150 {
				row[i] += math.Log(p)
				product[i] = 1
			}
		}
	}
	for i, p := range product {
		row[i] += math.Log(p)
	}
}

func logSum(list []float64) float64 {
	top := slices.Max(list)
	if math.IsInf(top, -1) {
		return top
	}
	var sum float64
	for _, v := range list {
		sum += math.Exp(v - top)
	}
	return top + math.Log(sum)
}
