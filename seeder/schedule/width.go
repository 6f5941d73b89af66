package schedule

import (
	"math"
	"slices"
	"time"
)

// Ends are the rates at which other things than changes of a token date a copy,
// for one canary and day. A canary that signed up yesterday is in no older
// copy, a ticket neither; one that was withdrawn is in no newer one.
type Ends struct {
	Begin float64 // sign-ups, new tickets
	End   float64 // withdrawals
}

// Events are such things as they happen to all live canaries, in a day. Tickets
// are only those that contacts quote.
type Events struct{ SignUps, Tickets, Withdrawals float64 }

// Per gives the rates for one of so many live canaries.
func (e Events) Per(live int) Ends {
	n := float64(max(live, 1))
	return Ends{Begin: (e.SignUps + e.Tickets) / n, End: e.Withdrawals / n}
}

// Part is a plan with the share of all canaries that follow it.
type Part struct {
	Share float64
	Plan  Plan
}

// Width is the expected width of the access window after so many hits on
// tokens of the plan, seen from the middle of the horizon; without hits it is
// the horizon. See the function [Width].
func (p Plan) Width(hits int) time.Duration {
	return Width(hits, p.Horizon, Ends{}, Part{1, p})
}

// Width is the expected measure of the access window after so many hits, each
// on a canary of the parts in proportion to their shares, seen from the middle
// of the horizon.
//
// A moment at distance x from the true one stays possible when every token hit
// stood in its row then too. For one hit that has the probability r(x): 1-x/stay
// for a staircase, the same but at least the duty for a presence code, 1 where
// nothing changes, and the mean of these where parts are mixed. Sign-ups and
// tickets cut the past with the rate of Begin, withdrawals the future with that
// of End. So the width is the integral of r(x)^h·exp(-h·rate·x) over both
// sides. With one part and no other ends that is 2·stay/(h+1) for a staircase;
// for a presence code it is a little less than T·d^h + 2·stay/(h+1), since the
// spell that holds the true moment is counted once.
func Width(hits int, horizon time.Duration, ends Ends, parts ...Part) time.Duration {
	if hits <= 0 || horizon <= 0 {
		return max(horizon, 0)
	}
	half := horizon.Hours() / 24 / 2
	h := float64(hits)
	still := func(x float64) float64 { return math.Pow(stillOpen(x, parts), h) }
	past := integrate(half, parts, func(x float64) float64 { return still(x) * math.Exp(-h*ends.Begin*x) })
	future := integrate(half, parts, func(x float64) float64 { return still(x) * math.Exp(-h*ends.End*x) })
	return time.Duration((past + future) * float64(day))
}

// stillOpen is r(x), the probability that the token of one hit also stood x
// days away.
func stillOpen(x float64, parts []Part) float64 {
	var sum, shares float64
	for _, p := range parts {
		shares += p.Share
		sum += p.Share * p.Plan.stillOpen(x)
	}
	if shares == 0 {
		return 1
	}
	return sum / shares
}

func (p Plan) stillOpen(x float64) float64 {
	if p.Kind == Still || p.Kind == "" {
		return 1
	}
	near := max(1-x/(p.Stay.Hours()/24), 0)
	if p.Kind == Presence {
		return max(near, p.Duty)
	}
	return near
}

// integrate gives the integral of f from 0 to end by Simpson's rule on pieces
// that double from the origin, where f is steepest, and break at its kinks.
func integrate(end float64, parts []Part, f func(float64) float64) float64 {
	const halvings, steps = 40, 16
	edges := []float64{0}
	for k := halvings; k >= 0; k-- {
		edges = append(edges, math.Ldexp(end, -k))
	}
	for _, p := range parts {
		stay := p.Plan.Stay.Hours() / 24
		edges = append(edges, stay, stay*(1-p.Plan.Duty))
	}
	edges = inside(edges, end)
	sum := 0.0
	for i := 1; i < len(edges); i++ {
		step := (edges[i] - edges[i-1]) / steps
		for j := range steps {
			x := edges[i-1] + float64(j)*step
			sum += step / 6 * (f(x) + 4*f(x+step/2) + f(x+step))
		}
	}
	return sum
}

// inside sorts edges and drops those beyond the end and doubles.
func inside(edges []float64, end float64) []float64 {
	edges = slices.DeleteFunc(edges, func(x float64) bool { return !(x >= 0 && x <= end) })
	slices.Sort(edges)
	return slices.Compact(edges)
}
