package gate

import (
	"math"
	"slices"

	"saltmine/seeder/gate/learn"
)

// together adds up what all learners say of a row, each with the weight that
// it earned on the other folds: faint faults in several places show only so.
func together(learners []*outcome) *outcome {
	first := learners[0]
	all := &outcome{gain: make([]float64, len(first.gain)), folds: make([]scored, len(first.folds))}
	for i := range all.folds {
		f := &all.folds[i]
		f.yes, f.no = make([]float64, len(first.folds[i].yes)), make([]float64, len(first.folds[i].no))
		for _, o := range learners {
			weight := o.earned(i)
			add(f.yes, o.folds[i].yes, weight)
			add(f.no, o.folds[i].no, weight)
		}
		all.placed.Add(f.yes, f.no)
		f.auc = learn.AreaOf(f.yes, f.no).AUC
	}
	for _, o := range learners {
		weight := o.earned(-1)
		for f, g := range o.gain {
			all.gain[f] += g * weight
		}
		all.tried = append(all.tried, o.tried...)
	}
	slices.Sort(all.tried)
	all.tried = slices.Compact(all.tried)
	return all
}

// earned is how much better than chance a learner was, not looking at one
// fold, in units of the spread of its scores. Luck earns nothing: a standard
// error is taken off.
func (o *outcome) earned(without int) float64 {
	sum, folds, spread := 0.0, 0.0, 0.0
	for i := range o.folds {
		if i == without {
			continue
		}
		sum += o.folds[i].auc - auc0
		spread += deviation(o.folds[i].no)
		folds++
	}
	const floor = 1e-3 // so that learners who all know nothing are not all silent
	luck := crossed * o.placed.Area().SE0
	return max(sum/folds-luck, floor) / max(spread/folds, 1e-9)
}

func deviation(values []float64) float64 {
	mean, square := 0.0, 0.0
	for _, v := range values {
		mean += v / float64(len(values))
	}
	for _, v := range values {
		square += (v - mean) * (v - mean) / float64(len(values))
	}
	return math.Sqrt(square)
}

func add(sum, values []float64, weight float64) {
	for i, v := range values {
		sum[i] += weight * v
	}
}

// sdMetrics is the score of SDMetrics' detection metrics: 1 where canaries
// cannot be told, 0 where all can.
func (o *outcome) sdMetrics() float64 {
	sum := 0.0
	for i := range o.folds {
		sum += 2*max(auc0, o.folds[i].auc) - 1
	}
	return 1 - sum/float64(len(o.folds))
}
