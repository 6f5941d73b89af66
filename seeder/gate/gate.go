// Package gate measures whether canaries can be told from the real rows of a
// support database. It attacks them as somebody would who has the whole table,
// or an extract of it, and good tools; plant refuses what does not pass.
//
// [Measure] takes real rows and canaries, has package view turn every row into
// some hundreds of numbers, and lets the attacks loose, each with its limit:
//
//	boosted trees, logistic regression    AUC ≤ .55, all columns and by part
//	isolation forest                      precision ≤ 2 × base rate at the top
//	single predicates                     precision's lower bound ≤ 2 × base rate
//	single features, nearest neighbours   AUC ≤ .55
//	e-mail providers                      AUC ≤ .55 of dropping all small domains
//	rules of a careful reader             no oftener than real rows
//
// Learners are measured on rows that they were not trained on, predicates on
// the half of the rows in which they were not found. Every number has its
// confidence interval and every attack one of three verdicts: held, failed, or
// too few to tell, with the number of canaries that would tell. "Failed" needs
// a measure above the limit that chance does not explain (3 standard errors,
// more where many things are tried), so that the gate does not cry wolf.
//
// What a table cannot show is not measured and the report says so: whether
// rows change faster than real ones, how a domain's mail host behaves, where
// an address was seen before.
//
// Its one invariant: the same input and seed give the same report. The package
// does no I/O. It refuses fewer than 20 canaries or 200 real rows with
// [ErrInput]; a report is no secret, it names columns and shares and never a
// row, but see [Export]. Values of columns may stand in it as the table has them.
package gate

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"saltmine/seeder/gate/learn"
	"saltmine/seeder/gate/view"
)

// ErrInput is wrapped by every error about an input that cannot be measured.
var ErrInput = errors.New("nothing to measure")

// The least that is worth measuring.
const (
	leastCanaries = 20
	leastReal     = 200
)

// Input is what the gate looks at.
type Input struct {
	Table view.Table
	// Real are customers as the table has them: all, or a random sample.
	// Canaries are rows of the same columns.
	Real, Canaries []view.Row
	// Others are rows of the table that are neither judged nor learned from,
	// but counted: with Apart they are a second random sample, disjoint from
	// Real, with canaries in it in the table's proportion, and Real and Canaries
	// are both seen against nothing else. Without Apart, Real, Canaries and
	// Others together are the whole table.
	Others []view.Row
	Apart  bool
	// Rows is how many customers the table has; 0: those that are given.
	Rows int
	// Count is how many canaries the table has or will have; 0: those given.
	Count int
	// Owned are the domains that belong to us. A thief does not know them:
	// predicates that name one are left out, and the report says what they mean.
	Owned []string
	// MaxAUC is what every score may reach; 0 means LimitAUC.
	MaxAUC float64
	Seed   uint64
	Now    time.Time // when the rows were read; zero leaves out rules about the future
	// Undated looks at who canaries are and not at when things happened: for
	// canaries of now, whose neighbours in time are still to come.
	Undated bool
	// Quick asks for a first look: fewer folds, and a third of the trees. What it
	// refuses would be refused anyway; what it lets pass is measured again.
	Quick bool
}

// Measure attacks the canaries. It fails on unusable input and when ctx ends.
func Measure(ctx context.Context, in Input) (Report, error) {
	a, err := newArena(ctx, in)
	if err != nil {
		return Report{}, err
	}
	r := Report{Canaries: len(in.Canaries), Real: len(a.in.Real), Features: len(a.view.Features), NotMeasured: notMeasured(in.Undated)}
	for _, attack := range []func(context.Context) []Attack{
		a.providers, a.classifiers, a.singles, a.predicates, a.outliers, a.neighbours, a.rules,
	} {
		if err := ctx.Err(); err != nil {
			return Report{}, fmt.Errorf("measure the canaries: %w", err)
		}
		r.Attacks = append(r.Attacks, attack(ctx)...)
	}
	if err := ctx.Err(); err != nil { // attacks stop early when it ends
		return Report{}, fmt.Errorf("measure the canaries: %w", err)
	}
	r.Owned = a.owned()
	r.conclude()
	return r, nil
}

// table is the number of customers.
func (in *Input) table() int {
	return max(in.Rows, len(in.Real)+len(in.Canaries)+len(in.Others))
}

func (in *Input) look(ctx context.Context) (*view.View, error) {
	if len(in.Canaries) < leastCanaries || len(in.Real) < leastReal {
		return nil, fmt.Errorf("%w: %d canaries and %d real rows, want %d and %d", ErrInput, len(in.Canaries), len(in.Real), leastCanaries, leastReal)
	}
	v, err := view.Read(ctx, view.Extract{Table: in.Table, Real: in.Real, Canaries: in.Canaries, Others: in.Others, Apart: in.Apart, Now: in.Now})
	if err != nil {
		return nil, fmt.Errorf("measure the canaries: %w", err)
	}
	return v, nil
}

// arena is where the attacks take place.
type arena struct {
	in     Input
	view   *view.View
	matrix *learn.Matrix // rows that are judged
	coarse *learn.Matrix // the same, for trees
	owns   map[string]bool
	panel  panel
}

// Sizes of the panel that learners are trained and measured on.
const (
	fullFolds  = 5
	quickFolds = 3
	panelReal  = 20_000
	quickReal  = 8_000
	panelTimes = 12 // real rows for each canary, at least
	trainTimes = 10 // of them in training
	trainLeast = 3000
	coarseBins = 64
)

// panel is a choice of rows, dealt into folds.
type panel struct {
	rows  []int      // all of them: real rows first, then all canaries
	folds [][2][]int // real rows and canaries of each fold
}

func newArena(ctx context.Context, in Input) (*arena, error) {
	in.MaxAUC = cmp.Or(in.MaxAUC, LimitAUC)
	v, err := in.look(ctx)
	if err != nil {
		return nil, err
	}
	if in.Undated {
		undate(v)
	}
	a := &arena{in: in, view: v, owns: map[string]bool{}}
	for _, d := range in.Owned {
		a.owns[view.Registered(strings.ToLower(d))] = true
	}
	columns := make([][]float32, len(v.Features))
	for i := range v.Features {
		columns[i] = v.Features[i].Values[:v.Rows]
	}
	a.matrix = learn.Quantise(columns)
	a.coarse = a.matrix.Coarse(coarseBins)
	a.deal()
	return a, nil
}

// deal chooses the panel.
func (a *arena) deal() {
	people, canaries := a.people(), a.canaries()
	folds, least := fullFolds, panelReal
	if a.in.Quick {
		folds, least = quickFolds, quickReal
	}
	size := min(len(people), max(least, panelTimes*len(canaries)))
	chosen := a.random(1).Perm(len(people))[:size]
	a.panel.rows = slices.Concat(chosen, canaries)
	some, marked := learn.Folds(chosen, folds, a.in.Seed), learn.Folds(canaries, folds, a.in.Seed+1)
	for i := range folds {
		a.panel.folds = append(a.panel.folds, [2][]int{some[i], marked[i]})
	}
}

// training gives the rows that a fold's learner may see.
func (a *arena) training(fold int) []int {
	var people, canaries []int
	for i, f := range a.panel.folds {
		if i != fold {
			people, canaries = append(people, f[0]...), append(canaries, f[1]...)
		}
	}
	return slices.Concat(people[:min(len(people), max(trainTimes*len(canaries), trainLeast))], canaries)
}

// people are the real rows, by number.
func (a *arena) people() []int { return numbers(0, len(a.in.Real)) }

func (a *arena) canaries() []int { return numbers(len(a.in.Real), a.view.Rows) }

func numbers(from, to int) []int {
	out := make([]int, to-from)
	for i := range out {
		out[i] = from + i
	}
	return out
}

func (a *arena) isCanary(row int) bool { return row >= len(a.in.Real) }

// random is a source of its own for each purpose.
func (a *arena) random(purpose uint64) *rand.Rand {
	return rand.New(rand.NewPCG(a.in.Seed, purpose)) //nolint:gosec // repeatable on purpose, guards nothing
}
