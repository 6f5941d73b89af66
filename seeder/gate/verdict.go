package gate

import (
	"math"

	"saltmine/seeder/gate/learn"
)

// Verdict is what a measure means.
type Verdict string

// The verdicts.
const (
	Held   Verdict = "held"
	Failed Verdict = "failed"
	TooFew Verdict = "too few to tell"
)

// The limits.
const (
	LimitAUC  = 0.55 // of every score, unless the input has another
	LimitLift = 2.0  // precision over base rate
	LimitLost = 0.80 // share of real rows lost by removing 90 % of the canaries
)

// What attacks measure.
const (
	areaMeasure = "AUC"
	liftMeasure = "× base rate"
	lowMeasure  = "× base rate, lower bound"
	lostMeasure = "of real rows lost"
)

const (
	sure    = 3.0  // standard errors that chance does not explain
	rarely  = 2.33 // standard errors that chance reaches once in a hundred times
	crossed = 1.35 // see acrossFolds
	chance  = 1e-3 // what "chance does not explain" means where it is a probability
	z95     = 1.96
	auc0    = 0.5
	lostAt0 = 0.9 // of the real rows, if scores say nothing
)

// errorsFor is how many standard errors are beyond chance when so many things
// were tried and the worst was taken.
func errorsFor(tries int) float64 {
	return max(sure, learn.Quantile(1-chance/float64(2*max(tries, 1))))
}

// judgeArea judges an AUC, the worst of so many tries.
//
// Failed: above the limit, and chance does not explain it. Held: not above the
// limit, with canaries enough that chance alone would hardly have brought
// indistinguishable ones above it; nor a true AUC as far beyond the limit as
// the limit is from chance below it.
func judgeArea(area learn.Area, limit float64, tries int) (v Verdict, need int) {
	z := errorsFor(tries)
	switch {
	case area.AUC > limit && area.AUC-auc0 > z*area.SE0:
		return Failed, 0
	case area.AUC > limit:
		return TooFew, canariesFor((area.AUC-auc0)/z, area)
	case rarely*area.SE0 > limit-auc0:
		return TooFew, canariesFor((limit-auc0)/rarely, area)
	default:
		return Held, 0
	}
}

// acrossFolds widens the errors of an area that was measured by cross-validation:
// folds share most of what they are trained on, so that their scores do not err
// independently. On splits of nothing but real rows areas spread by 1.1 to 1.4
// times what independent scores would.
func acrossFolds(area learn.Area) learn.Area {
	area.SE, area.SE0 = crossed*area.SE, crossed*area.SE0
	return area
}

// canariesFor is how many canaries bring the standard error of an area that
// says nothing down to se, among as many real rows.
func canariesFor(se float64, area learn.Area) int {
	m, n := float64(max(area.Marked, 1)), float64(max(area.Regular, 1))
	unit := area.SE0 * area.SE0 / (1/m + 1/n) // it goes with 1/m + 1/n
	left := se*se/unit - 1/n
	if left <= 0 {
		return math.MaxInt32
	}
	return max(area.Marked+1, int(math.Ceil(1/left)))
}

// onArea makes the report of an attack that is measured by an AUC.
func (a *arena) onArea(name string, area learn.Area, tries int) Attack {
	v, need := judgeArea(area, a.in.MaxAUC, tries)
	return Attack{
		Name: name, Measure: areaMeasure, Value: area.AUC, Low: max(0, area.AUC-z95*area.SE), High: min(1, area.AUC+z95*area.SE),
		Limit: a.in.MaxAUC, Verdict: v, Need: need,
	}
}
