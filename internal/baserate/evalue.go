package baserate

import "math"

// The grid of rate ratios that the e-value mixes, fixed before any contact: points
// at equal distances of the logarithm. Less than twice as often is no leak that
// anybody would see, and beyond a thousand times nothing changes.
const (
	leastLog = math.Ln2      // 2
	mostLog  = 3 * math.Ln10 // 1000
	ratios   = 40
)

// Likelihood is how much likelier counts are where planted tokens are contacted th
// times as often as placebos, than where both are contacted alike: the logarithm, for
// each th of the grid. Independent counts add up: one leak raises all by one th, and
// sorts of tokens that noise reaches more often than others are compared each with
// its own placebos.
type Likelihood [ratios]float64

// Add takes in so many contacts on planted tokens and on placebos, where there are r
// placebos to a token (or r times the token-years): [th(1+r)/(th+r)]^planted ·
// [(1+r)/(th+r)]^placebo. Where there are no placebos nothing is shown.
func (l *Likelihood) Add(r float64, planted, placebo int) {
	if r <= 0 || planted+placebo == 0 {
		return
	}
	const step = (mostLog - leastLog) / (ratios - 1)
	all, hits := float64(planted+placebo), float64(planted)
	without, th, next := all*math.Log1p(r), math.Exp(leastLog), math.Exp(step)
	for i := range l {
		l[i] += without + hits*(leastLog+float64(i)*step) - all*math.Log(th+r)
		th *= next
	}
}

// Plus takes in other counts.
func (l *Likelihood) Plus(m *Likelihood) {
	for i := range l {
		l[i] += m[i]
	}
}

// EValue is the mean over the grid, a Bayes factor of leak against noise. It is
// infinite where it is too large for a number.
func (l *Likelihood) EValue() float64 {
	sum := 0.0
	for _, log := range l {
		sum += math.Exp(log)
	}
	return sum / ratios
}

// EValue is the e-value of contacts on planted tokens of one sort.
func EValue(r float64, planted, placebo int) float64 {
	var l Likelihood
	l.Add(r, planted, placebo)
	return l.EValue()
}

// Supremum is what no e-value exceeds with r placebos to a token: (1+r)^planted.
func Supremum(r float64, planted int) float64 { return math.Pow(1+r, float64(planted)) }

// Evidence is what weighs for a leak in the contacts on one sort of tokens.
type Evidence struct {
	Planted Sample     `json:"planted"` // of the incident
	Placebo Background `json:"placebo"`
	// Judged is what people found to be noise among earlier contacts on planted tokens.
	Judged Sample `json:"judged"`
}

// Tally is the evidence of several sorts of tokens, compared twice: with the placebos
// of the same time, and with those of a long time, which shows noise that is resting.
// Sorts that nobody reached belong to it: who counts only where there was a hit, finds
// a leak in any noise.
type Tally struct {
	recent, past Likelihood
}

// Add takes in the evidence of one sort. What people judged counts with the past
// alone: just now, planted tokens and what is judged of them are the same contacts.
func (t *Tally) Add(e Evidence) {
	if e.Planted.Years <= 0 {
		return
	}
	past := Sample{e.Placebo.Past.Hits + e.Judged.Hits, e.Placebo.Past.Years + e.Judged.Years}
	t.recent.Add(e.Placebo.Recent.Years/e.Planted.Years, e.Planted.Hits, e.Placebo.Recent.Hits)
	t.past.Add(past.Years/e.Planted.Years, e.Planted.Hits, past.Hits)
}

// Plus takes in other evidence.
func (t *Tally) Plus(u *Tally) {
	t.recent.Plus(&u.recent)
	t.past.Plus(&u.past)
}

// EValue is the worse of the two.
func (t *Tally) EValue() float64 { return min(t.recent.EValue(), t.past.EValue()) }

// What a contact says can be worth so much more under a leak than under noise. The
// first is the most that a content class may claim on an estimate; the other is
// that of naming facts which stand together in one record.
const (
	MostContent = 100
	NamedFacts  = 1e5
)

// Weight is a Bayes factor of leak against noise, with its inputs.
type Weight struct {
	// Factor is Count times Content. To bring a prior belief of one to n to even,
	// it has to be n.
	Factor  float64 `json:"bayes_factor"`
	Count   float64 `json:"by_count"`
	Content float64 `json:"by_content"`
	// Chance is the exact probability that noise alone gives planted tokens so many
	// of the contacts, and Bound the rate of noise a token-year that the placebos
	// exclude, both of the worst sort of tokens.
	Chance   float64    `json:"chance"`
	Bound    float64    `json:"noise_bound"`
	Evidence []Evidence `json:"evidence"`
}

// Weigh gives what a tally shows, times what the contacts say; the list is what of it
// was reached.
func Weigh(list []Evidence, all Tally, content float64) Weight {
	w := Weight{Count: all.EValue(), Content: content, Chance: 1, Evidence: list}
	for i, e := range list {
		w.Bound = max(w.Bound, e.Placebo.Past.Bound())
		chance := Above(e.Planted, e.Placebo.Recent)
		if i == 0 || chance > w.Chance {
			w.Chance = chance
		}
	}
	w.Factor = w.Count * w.Content
	// A number that JSON can hold.
	w.Factor, w.Count, w.Bound = min(w.Factor, 1e300), min(w.Count, 1e300), min(w.Bound, 1e300)
	return w
}
