package persona

import (
	"math"
	"slices"
	"strings"
)

// Tail is what a country's small mail domains are like: those of families and
// firms, among which owned domains have to hide. Who has the extract sees how
// many rows a domain has, and what share of the rows is at small domains.
type Tail struct {
	share  float64
	counts []int     // rows of a domain in the table, rising
	weight []float64 // domains with so many
}

// providerRows is how many rows of the sample make a domain a provider's, as
// are all with one row in five hundred.
const providerRows = 10

// Tail tells of the small domains of somebody's country, or of all where the
// country has too few.
func (m *Mix) Tail(who Person) Tail {
	const enough = 100
	t := Tail{}
	rows := m.tailRows(m.near(&who))
	t.share = float64(len(rows)) / float64(len(m.near(&who).whole))
	if len(rows) < enough {
		rows = m.tailRows(m.all)
	}
	seen := map[int]float64{}
	for _, n := range rows {
		seen[n] += 1 / float64(n)
	}
	t.unfold(seen, m.covered)
	return t
}

// Providers gives, of somebody's country, the share of the rows at each large
// domain. With those at small ones, [Tail.Share], they are all rows.
func (m *Mix) Providers(who Person) map[string]float64 {
	g, out := m.near(&who), map[string]float64{}
	for _, i := range g.whole {
		if p := &m.people[i]; m.large(p.atDomain) {
			out[m.domains.all[p.domain]] += 1 / float64(len(g.whole))
		}
	}
	return out
}

// Endings gives, of somebody's country, which part of the rows at small domains
// ends how: in "de", in "co.uk". It is empty where there are too few to tell.
func (m *Mix) Endings(who Person) map[string]float64 {
	const enough = 40
	g, n, out := m.near(&who), 0, map[string]float64{}
	for _, i := range g.whole {
		if p := &m.people[i]; p.atDomain > 0 && !m.large(p.atDomain) {
			out[Ending(m.domains.all[p.domain])]++
			n++
		}
	}
	if n < enough {
		return nil
	}
	for end := range out {
		out[end] /= float64(n)
	}
	return out
}

// Ending is what a domain ends in, with the short label before a country's.
func Ending(domain string) string {
	labels := strings.Split(domain, ".")
	const country, short = 2, 3
	n := len(labels)
	if n > 2 && len(labels[n-1]) == country && len(labels[n-2]) <= short {
		return labels[n-2] + "." + labels[n-1]
	}
	return labels[n-1]
}

// Share is the part of the rows of the sample that is at a domain.
func (m *Mix) Share(domain string) float64 {
	if id, found := m.domains.ids[domain]; found {
		return float64(m.domains.counts[id]) / float64(len(m.people))
	}
	return 0
}

// Large reports whether so many people of the sample are at a domain that it
// is a provider's, and none of the small ones that [Tail] tells of.
func (m *Mix) Large(domain string) bool {
	id, found := m.domains.ids[domain]
	return found && m.large(m.domains.counts[id])
}

func (m *Mix) large(people int32) bool {
	return int(people) >= max(providerRows, len(m.people)/500)
}

// tailRows gives for each person of a group at a small domain how many rows of
// the sample are at that domain.
func (m *Mix) tailRows(g *group) []int {
	var out []int
	for _, i := range g.whole {
		if n := m.people[i].atDomain; n > 0 && !m.large(n) {
			out = append(out, int(n))
		}
	}
	return out
}

// unfold estimates how many rows domains have in the table from how many they
// have in a sample of it: each row is in the sample with the same probability,
// and the counts that explain best what was seen are found by expectation and
// maximisation (Dempster, Laird and Rubin 1977).
func (t *Tail) unfold(seen map[int]float64, covered float64) {
	var sizes []int
	for n := range seen {
		sizes = append(sizes, n)
	}
	slices.Sort(sizes)
	if len(sizes) == 0 {
		return
	}
	if covered >= 1 {
		for _, n := range sizes {
			t.counts, t.weight = append(t.counts, n), append(t.weight, seen[n])
		}
		return
	}
	for c, most := 1.0, 3*float64(sizes[len(sizes)-1])/covered; c <= most; c = math.Max(c+1, math.Floor(c*1.25)) {
		t.counts, t.weight = append(t.counts, int(c)), append(t.weight, 1)
	}
	t.maximise(sizes, seen, covered)
}

func (t *Tail) maximise(sizes []int, seen map[int]float64, covered float64) {
	odds := make([][]float64, len(sizes))
	for i, n := range sizes {
		for _, c := range t.counts {
			odds[i] = append(odds[i], binomial(n, c, covered))
		}
	}
	const rounds = 300
	for range rounds {
		next := make([]float64, len(t.counts))
		for i, n := range sizes {
			sum := math.SmallestNonzeroFloat64
			for k, w := range t.weight {
				sum += w * odds[i][k]
			}
			for k, w := range t.weight {
				next[k] += seen[n] * w * odds[i][k] / sum
			}
		}
		for k, c := range t.counts { // those of which no row was seen are there as well
			t.weight[k] = next[k] / (1 - binomial(0, c, covered))
		}
	}
}

// binomial is the probability that n of c rows are in the sample.
func binomial(n, c int, p float64) float64 {
	if n > c {
		return 0
	}
	lg := func(x int) float64 { v, _ := math.Lgamma(float64(x + 1)); return v }
	return math.Exp(lg(c) - lg(n) - lg(c-n) + float64(n)*math.Log(p) + float64(c-n)*math.Log1p(-p))
}

// Share is the part of the country's rows that are at small domains. More of
// the canaries on owned domains stand out.
func (t Tail) Share() float64 { return t.share }

// UpTo gives those of the domains that have at most so many rows, and the part of
// the rows at small domains that is there.
func (t Tail) UpTo(most int) (Tail, float64) {
	out, few, all := Tail{}, 0.0, 0.0
	for i, w := range t.weight {
		rows := w * float64(t.counts[i])
		if all += rows; t.counts[i] <= most {
			out.counts, out.weight = append(out.counts, t.counts[i]), append(out.weight, w)
			few += rows
		}
	}
	if all == 0 {
		return t, 1
	}
	out.share = t.share * few / all
	return out, few / all
}

// Counts tells how many of n canaries each of d owned domains should carry, the
// most first, so that the domains have as many rows as the table's small ones
// have. Fewer domains are used when n is small for d, and the others get none;
// when n is large, larger domains are imitated.
func (t Tail) Counts(n, d int) []int {
	if n <= 0 || d <= 0 {
		return make([]int, max(d, 0))
	}
	out := make([]int, d)
	used := d
	if mean := t.mean(0); mean > 0 && float64(n) < mean*float64(d) {
		used = min(max(int(math.Round(float64(n)/mean)), 1), d)
	}
	tilt := t.tilt(float64(n) / float64(used))
	left := n
	for i := range used {
		out[i] = min(max(t.quantile(1-(float64(i)+0.5)/float64(used), tilt), 1), left)
		left -= out[i]
	}
	for i := 0; left > 0; i = (i + 1) % used {
		more := (left + used - 1) / used
		out[i], left = out[i]+more, left-more
	}
	slices.SortFunc(out, func(a, b int) int { return b - a })
	return out
}

// mean is the mean number of rows of a domain, where domains with more rows
// weigh more by e^(tilt·rows).
func (t *Tail) mean(tilt float64) float64 {
	domains, rows := 0.0, 0.0
	for i, w := range t.tilted(tilt) {
		domains, rows = domains+w, rows+w*float64(t.counts[i])
	}
	if domains == 0 {
		return 0
	}
	return rows / domains
}

// tilted gives the weights, the largest of which is 1: of few large domains the
// others would come to nothing.
func (t *Tail) tilted(tilt float64) []float64 {
	out, top := make([]float64, len(t.counts)), math.Inf(-1)
	for i, c := range t.counts {
		out[i] = math.Log(t.weight[i]) + tilt*float64(c)
		top = max(top, out[i])
	}
	for i := range out {
		out[i] = math.Exp(out[i] - top)
	}
	return out
}

// tilt is how much larger domains have to be preferred for a mean.
func (t *Tail) tilt(mean float64) float64 {
	low, high := 0.0, 8.0
	if len(t.counts) == 0 || mean <= t.mean(0) {
		return 0
	}
	for range 60 {
		if mid := (low + high) / 2; t.mean(mid) < mean {
			low = mid
		} else {
			high = mid
		}
	}
	return high
}

func (t *Tail) quantile(u, tilt float64) int {
	weights, sum := t.tilted(tilt), 0.0
	for _, w := range weights {
		sum += w
	}
	for i, c := range t.counts {
		if u -= weights[i] / sum; u <= 0 {
			return c
		}
	}
	return 1
}
