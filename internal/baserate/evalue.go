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

// EValue is the e-value of so many contacts on planted tokens and on placebos,
// where there are r placebos to a token (or r times the token-years): the mean over
// the grid of [th(1+r)/(th+r)]^planted · [(1+r)/(th+r)]^placebo. It is a Bayes
// factor of leak against noise, and 1 where there are no placebos: nothing is
// shown. It is infinite where it is too large for a number.
func EValue(r float64, planted, placebo int) float64 {
	if r <= 0 {
		return 1
	}
	const step = (mostLog - leastLog) / (ratios - 1)
	all, hits := float64(planted+placebo), float64(planted)
	without := all * math.Log1p(r)
	sum := 0.0
	for i := range ratios {
		log := leastLog + float64(i)*step
		// The logarithm of the likelihood ratio at th = exp(log).
		sum += math.Exp(without + hits*log - all*math.Log(math.Exp(log)+r))
	}
	return sum / ratios
}

// Supremum is what no e-value exceeds with r placebos to a token: (1+r)^planted.
func Supremum(r float64, planted int) float64 { return math.Pow(1+r, float64(planted)) }

// Evidence is what weighs for a leak in the contacts on one sort of tokens.
type Evidence struct {
	Planted Sample     `json:"planted"` // of the incident
	Placebo Background `json:"placebo"`
}

// EValue is the e-value by the worse of two comparisons: with the placebos of the
// same time, and with those of a long time, which shows noise that is resting.
func (e Evidence) EValue() float64 {
	if e.Planted.Years <= 0 {
		return 1
	}
	recent := EValue(e.Placebo.Recent.Years/e.Planted.Years, e.Planted.Hits, e.Placebo.Recent.Hits)
	past := EValue(e.Placebo.Past.Years/e.Planted.Years, e.Planted.Hits, e.Placebo.Past.Hits)
	return min(recent, past)
}

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

// Weigh multiplies what different sorts of tokens show, which are independent
// under noise, and what the contacts say.
func Weigh(list []Evidence, content float64) Weight {
	w := Weight{Count: 1, Content: content, Chance: 1, Evidence: list}
	for i, e := range list {
		w.Count *= e.EValue()
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
