package gate

import (
	"context"
	"fmt"
	"math"
	"slices"
	"sync"

	"saltmine/seeder/gate/learn"
	"saltmine/seeder/gate/view"
)

// classifiers trains learners to tell canaries: on the columns, on everything
// that was derived from them, on each part of a row, and all of them together.
func (a *arena) classifiers(ctx context.Context) []Attack {
	var learners []*outcome
	var attacks []Attack
	attack := func(name string, o *outcome) {
		learners, attacks = append(learners, o), append(attacks, o.attack(name, a))
	}
	attack("boosted trees, columns", a.boosted(ctx, a.where(core), thorough()))
	attack("boosted trees, everything derived", a.boosted(ctx, a.where(anything), wide()))
	attack("logistic regression, columns", a.straight(ctx, a.where(core)))
	attacks[2].Note = fmt.Sprintf("score as SDMetrics counts it %.2f (1 is indistinguishable)", learners[2].sdMetrics())
	attack("logistic regression, letters and values", a.spelling(ctx))
	attack("boosted trees, behaviour", a.boosted(ctx, a.where(behaves), thorough()))
	own := a.where(func(f *view.Feature) bool { return behaves(f) && (f.Group == view.Dates || f.Group == view.Others) })
	if len(own) > 0 {
		attack("boosted trees, behaviour without tickets", a.boosted(ctx, own, thorough()))
	}
	for _, g := range view.Groups() {
		if part := a.where(func(f *view.Feature) bool { return f.Group == g }); len(part) > 0 {
			attack("boosted trees, "+string(g), a.boosted(ctx, part, quick()))
		}
	}
	all := together(learners)
	attacks = append(attacks, all.attack("all learners together", a), a.removal(all))
	but := a.where(func(f *view.Feature) bool { return core(f) && apartFromDomain(f) })
	if a.view.Domain != nil && len(but) > 0 {
		attacks = append(attacks, a.boosted(ctx, but, thorough()).attack("boosted trees, columns but the e-mail domain", a))
	}
	return attacks
}

// thorough are trees for a row's columns: two depths see both broad shifts and
// combinations.
func thorough() []learn.Boosting {
	return []learn.Boosting{
		{Trees: 60, Depth: 2, Rate: 0.1, Rows: 0.6, Columns: 60, Ridge: 20, MinLeaf: 120},
		{Trees: 60, Depth: 5, Rate: 0.05, Rows: 0.6, Columns: 60, Ridge: 20, MinLeaf: 120},
	}
}

// wide are trees for all features.
func wide() []learn.Boosting {
	return []learn.Boosting{{Trees: 60, Depth: 4, Rate: 0.1, Rows: 0.6, Columns: 100, Ridge: 8, MinLeaf: 40}}
}

// quick are trees for a part of a row.
func quick() []learn.Boosting {
	return []learn.Boosting{{Trees: 50, Depth: 3, Rate: 0.1, Rows: 0.6, Columns: 40, Ridge: 8, MinLeaf: 40}}
}

// outcome is how well a classifier told canaries of folds that it had not seen.
type outcome struct {
	placed learn.Placements
	folds  []scored
	gain   []float64 // by feature of the view
	tried  []int     // features
}

// scored are the scores of a fold: of canaries, and of real rows.
type scored struct {
	yes, no []float64
	gain    []float64
	auc     float64
}

// inFolds trains for each fold and adds up what the learners scored. train
// returns the score of a row, and what the features gave.
func (a *arena) inFolds(ctx context.Context, train func(fold int, rows []int) (func(row int) float64, []float64)) *outcome {
	results := make([]scored, len(a.panel.folds))
	var busy sync.WaitGroup
	for i, f := range a.panel.folds {
		busy.Go(func() {
			if ctx.Err() != nil {
				return
			}
			score, gain := train(i, a.training(i))
			results[i].gain = gain
			for _, row := range f[0] {
				results[i].no = append(results[i].no, score(row))
			}
			for _, row := range f[1] {
				results[i].yes = append(results[i].yes, score(row))
			}
		})
	}
	busy.Wait()
	return a.outcome(results)
}

func (a *arena) outcome(folds []scored) *outcome {
	o := &outcome{gain: make([]float64, len(a.view.Features)), folds: folds}
	for i := range folds {
		f := &folds[i]
		o.placed.Add(f.yes, f.no)
		f.auc = learn.AreaOf(f.yes, f.no).AUC
		for j, g := range f.gain {
			o.gain[j] += g
		}
	}
	return o
}

func (a *arena) boosted(ctx context.Context, features []int, how []learn.Boosting) *outcome {
	m := a.coarse.Pick(features)
	o := a.inFolds(ctx, func(fold int, rows []int) (func(int) float64, []float64) {
		gain := make([]float64, len(a.view.Features))
		var forests []*learn.Trees
		for k, h := range how {
			if a.in.Quick {
				h.Trees, h.Rate = h.Trees/3, 2*h.Rate
			}
			t := learn.Boost(m, rows, a.isCanary, h, a.in.Seed+uint64(10*fold+k)) //nolint:gosec // small
			for i, g := range t.Gain() {
				gain[features[i]] += g
			}
			forests = append(forests, t)
		}
		return func(row int) (sum float64) {
			for _, t := range forests {
				sum += t.Score(m, row)
			}
			return sum
		}, gain
	})
	o.tried = features
	return o
}

func (o *outcome) attack(name string, a *arena) Attack {
	out := a.onArea(name, acrossFolds(o.placed.Area()), 1)
	if out.Value <= a.in.MaxAUC {
		return out
	}
	if out.Tells = a.tells(o); len(out.Tells) == 0 {
		out.Tells = a.loudest(o.tried)
	}
	return out
}

// removal measures what dropping canaries costs the thief: real rows that go
// with them when he drops the likeliest rows.
func (a *arena) removal(o *outcome) Attack {
	placed := slices.Clone(o.placed.Marked())
	slices.Sort(placed)
	n := len(placed)
	lost := func(part float64) float64 { return 1 - placed[min(n-1, int(float64(n)*(1-part)))] }
	half, most, area := lost(0.5), lost(lostAt0), acrossFolds(o.placed.Area())
	se := math.Sqrt(lostAt0 * (1 - lostAt0) / float64(n))
	out := Attack{
		Name: "removing 90 % of the canaries", Measure: lostMeasure, Value: most, Limit: LimitLost,
		Low: max(0, most-crossed*z95*se), High: min(1, most+crossed*z95*se),
		Note: fmt.Sprintf("by the score of all learners; removing half costs %.0f %% of the real rows", 100*half),
	}
	switch {
	case most < LimitLost && most < lostAt0-crossed*sure*se && area.AUC-auc0 > sure*area.SE0:
		out.Verdict, out.Tells = Failed, a.tells(o)
	case crossed*rarely*se > lostAt0-LimitLost || most < LimitLost:
		out.Verdict = TooFew
		least := crossed * rarely * se / (lostAt0 - LimitLost)
		out.Need = max(n+1, int(math.Ceil(float64(n)*least*least)))
	default:
		out.Verdict = Held
	}
	return out
}
