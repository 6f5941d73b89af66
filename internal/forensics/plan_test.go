package forensics_test

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"saltmine/internal/forensics"
)

// trendMicro is the case of ATTRIBUTION 2(a): 68,000 of 12 million rows.
func trendMicro(rate float64) forensics.Leak {
	return forensics.Leak{Rows: 12_000_000, Extract: 68_000, Rate: rate}
}

func need(t *testing.T, l forensics.Leak, hits int, confidence float64) int {
	t.Helper()
	m, err := l.Need(hits, confidence)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestNeedTable is "exact m (90 / 95 / 99 %) N=12M n=68k" of ATTRIBUTION 2(a),
// to the unit, and the approximation beside it: m ~ N/(f·n)·chi2/2, not more
// than 0.2 % off for m < 50k, 2 % low at m = 340k.
func TestNeedTable(t *testing.T) {
	t.Parallel()
	hits := []int{1, 2, 3, 5, 10}
	half := map[float64][]float64{.95: {2.996, 4.744, 6.296, 9.154, 15.705}, .99: {4.605, 6.638, 8.406, 11.605, 18.783}}
	for _, row := range []struct {
		rate float64
		m    [5][3]int
	}{
		{1, [5][3]int{{406, 528, 811}, {685, 836, 1169}, {938, 1109, 1481}, {1409, 1613, 2045}, {2505, 2769, 3311}}},
		{.1, [5][3]int{{4063, 5287, 8128}, {6866, 8374, 11719}, {9396, 11115, 14843}, {14117, 16167, 20499}, {25110, 27763, 33210}}},
		{.01, [5][3]int{{40702, 52981, 81542}, {68889, 84069, 117806}, {94430, 111782, 149480}, {142316, 163107, 207157}, {255040, 282269, 338361}}},
	} {
		l := trendMicro(row.rate)
		for i, h := range hits {
			for j, c := range []float64{.90, .95, .99} {
				m := need(t, l, h, c)
				if m != row.m[i][j] {
					t.Errorf("f=%v, %d hits, %v: %d canaries, printed %d", row.rate, h, c, m, row.m[i][j])
				}
				if half[c] == nil {
					continue
				}
				about := 12e6 / float64(l.Contacted()) * half[c][i]
				low := about/float64(m) - 1
				if m < 50_000 && math.Abs(low) > .002+1/float64(m) || low < -.021 {
					t.Errorf("f=%v, %d hits, %v: approximation %.0f for %d", row.rate, h, c, about, m)
				}
			}
		}
	}
}

// TestNeedInSegment is the table's last row: "95% only, all canaries + leak in
// one 3.0M-row segment".
func TestNeedInSegment(t *testing.T) {
	t.Parallel()
	for rate, want := range map[float64][4]int{1: {131, 208, 276, 402}, .1: {1321, 2092, 2778, 4040}, .01: {13245, 21016, 27944, 40775}} {
		for i, h := range []int{1, 2, 3, 5} {
			if m := need(t, forensics.Leak{Rows: 3_000_000, Extract: 68_000, Rate: rate}, h, .95); m != want[i] {
				t.Errorf("f=%v, %d hits: %d, printed %d", rate, h, m, want[i])
			}
		}
	}
}

// TestDecision1 is ATTRIBUTION 0.1: "53k canaries for one hit (95%), 112k for
// three. At f=10%: 5.3k / 11.1k … in a 3M-row English segment 13.2k / 27.9k".
func TestDecision1(t *testing.T) {
	t.Parallel()
	for m, of := range map[int]struct {
		rows, hits int
		rate       float64
	}{53_000: {12e6, 1, .01}, 112_000: {12e6, 3, .01}, 5_300: {12e6, 1, .1}, 11_100: {12e6, 3, .1}, 13_200: {3e6, 1, .01}, 27_900: {3e6, 3, .01}} {
		l := forensics.Leak{Rows: of.rows, Extract: 68_000, Rate: of.rate}
		if p := l.Detect(m, of.hits); math.Abs(p-.95) > .001 {
			t.Errorf("%d canaries, %+v: detected with %v", m, of, p)
		}
		if e := l.Hits(m); math.Abs(e-float64(m)/float64(of.rows+m)*68_000*of.rate) > 1e-9 || math.Abs(l.Held(m)*of.rate-e) > 1e-9 {
			t.Errorf("%d canaries, %+v: %v hits expected, %v held", m, of, e, l.Held(m))
		}
	}
}

// TestDetectExactly compares with fractions of whole numbers.
func TestDetectExactly(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n, m := rapid.IntRange(1, 300).Draw(t, "rows"), rapid.IntRange(0, 200).Draw(t, "canaries")
		drawn := rapid.IntRange(1, n).Draw(t, "contacted")
		h := rapid.IntRange(0, 60).Draw(t, "hits")
		want := new(big.Int)
		for k := h; k <= min(m, drawn); k++ {
			ways := new(big.Int).Binomial(int64(m), int64(k))
			want.Add(want, ways.Mul(ways, new(big.Int).Binomial(int64(n), int64(drawn-k))))
		}
		exact, _ := new(big.Rat).SetFrac(want, new(big.Int).Binomial(int64(n+m), int64(drawn))).Float64()
		got := forensics.Leak{Rows: n, Extract: drawn, Rate: 1}.Detect(m, h)
		if math.Abs(got-exact) > 1e-11 {
			t.Fatalf("%v, exactly %v", got, exact)
		}
	})
}

// TestDetectInHugeTables holds the difference of factorials of numbers of ten
// digits against the product it stands for: ln P(none) = sum ln(1 - m/(N+m-i)).
func TestDetectInHugeTables(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ rows, canaries, drawn int }{
		{12_000_000, 50_000, 680}, {3_000_000_000, 2_000_000, 4000}, {1_000_000_000_000, 9_000, 200_000_000}, {1 << 50, 1 << 40, 1000},
	} {
		want, few, many := 0.0, min(c.canaries, c.drawn), max(c.canaries, c.drawn)
		for i := range few {
			want += math.Log1p(-float64(many) / (float64(c.rows) + float64(c.canaries) - float64(i)))
		}
		got := math.Log1p(-forensics.Leak{Rows: c.rows, Extract: c.drawn, Rate: 1}.Detect(c.canaries, 1))
		if math.Abs(got-want) > 1e-8*max(1, math.Abs(want)) {
			t.Errorf("%+v: ln P(none) = %v, want %v", c, got, want)
		}
	}
}

// TestNeedIsLeast: one canary less is not enough, and more never detect less.
func TestNeedIsLeast(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		l := forensics.Leak{Rows: rapid.IntRange(1, 1e8).Draw(t, "rows"), Rate: rapid.Float64Range(.001, 1).Draw(t, "rate")}
		l.Extract = rapid.IntRange(1, l.Rows).Draw(t, "extract")
		if l.Contacted() == 0 {
			return
		}
		h := rapid.IntRange(1, min(l.Contacted(), 30)).Draw(t, "hits")
		c := rapid.Float64Range(.01, .999).Draw(t, "confidence")
		m, err := l.Need(h, c)
		if err != nil {
			t.Fatal(err)
		}
		if at, below := l.Detect(m, h), l.Detect(m-1, h); at < c-1e-9 || below > c+1e-9 || m < h {
			t.Fatalf("%d canaries: %v, one less: %v, wanted %v", m, at, below, c)
		}
		if l.Detect(2*m, h) < l.Detect(m, h)-1e-12 || l.Detect(m, h+1) > l.Detect(m, h) {
			t.Fatalf("%d canaries: not monotone", m)
		}
	})
}

func TestBadLeaks(t *testing.T) {
	t.Parallel()
	good := forensics.Leak{Rows: 100, Extract: 50, Rate: .5}
	for text, l := range map[string]forensics.Leak{
		"-1 rows":                     {Rows: -1, Extract: 1, Rate: 1},
		"extract of 101 rows":         {Rows: 100, Extract: 101, Rate: 1},
		"extract of 0 rows":           {Rows: 100, Extract: 0, Rate: 1},
		"contact rate 0":              {Rows: 100, Extract: 50},
		"contact rate 1.5":            {Rows: 100, Extract: 50, Rate: 1.5},
		"contact rate NaN":            {Rows: 100, Extract: 50, Rate: math.NaN()},
		"contact rate -0.1":           {Rows: 100, Extract: 50, Rate: -.1},
		"is less than one row":        {Rows: 100, Extract: 50, Rate: .001},
		"9223372036854775807 rows: w": {Rows: math.MaxInt, Extract: 50, Rate: 1},
	} {
		err := l.Check()
		if !errors.Is(err, forensics.ErrPlan) || !strings.Contains(fmt.Sprint(err), text) {
			t.Errorf("%+v: %v, want %q", l, err, text)
		}
		if _, err := l.Need(1, .5); !errors.Is(err, forensics.ErrPlan) {
			t.Errorf("%+v: Need: %v", l, err)
		}
	}
	for text, ask := range map[string]struct {
		hits       int
		confidence float64
	}{"0 hits": {0, .5}, "only 25 rows": {26, .5}, "confidence 1": {1, 1}, "confidence 0": {1, 0}, "confidence NaN": {1, math.NaN()}} {
		if _, err := good.Need(ask.hits, ask.confidence); !errors.Is(err, forensics.ErrPlan) || !strings.Contains(fmt.Sprint(err), text) {
			t.Errorf("%+v: %v, want %q", ask, err, text)
		}
	}
	if err := good.Check(); err != nil {
		t.Error(err)
	}
}

// TestAllocate holds the water-filling against handing out canaries one by one,
// each where it helps most, which is the best there is.
func TestAllocate(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var segments []forensics.Share
		room := 0
		for i := range rapid.IntRange(1, 5).Draw(t, "segments") {
			rows := rapid.IntRange(1000, 50_000).Draw(t, "rows")
			room += rows / 100
			segments = append(segments, forensics.Share{
				Name: fmt.Sprint(i), Rows: rows, Weight: rapid.Float64Range(.01, 1).Draw(t, "weight"),
				Contacted: rapid.Float64Range(1, float64(rows)).Draw(t, "contacted"),
			})
		}
		canaries := rapid.IntRange(0, 1200).Draw(t, "canaries")
		got := forensics.Allocate(canaries, segments)
		best := make([]int, len(segments))
		for range min(canaries, room) {
			at, most := -1, -1.0
			for i, s := range segments {
				if gain := miss(s, best[i]) - miss(s, best[i]+1); gain > most && (best[i]+1)*100 <= s.Rows {
					at, most = i, gain
				}
			}
			best[at]++
		}
		sum, missed, least := 0, 0.0, 0.0
		for i, s := range segments {
			sum += got[i]
			missed, least = missed+miss(s, got[i]), least+miss(s, best[i])
			if got[i]*100 > s.Rows || got[i] < 0 {
				t.Fatalf("%d canaries among %d rows", got[i], s.Rows)
			}
		}
		// Rounding may misplace at most one canary in each segment.
		if sum > canaries || sum < min(canaries, room)-len(segments) || missed > least*1.02+1e-9 && len(segments) > 1 {
			t.Fatalf("%v of %d (room %d) miss %v; %v miss %v", got, canaries, room, missed, best, least)
		}
	})
	if got := forensics.Allocate(100, []forensics.Share{{Rows: 100_000, Weight: 0, Contacted: 5}, {Rows: 100_000, Weight: 1, Contacted: 5}}); got[0] != 0 || got[1] != 100 {
		t.Errorf("no weight: %v", got)
	}
}

// miss is what Allocate makes least, for one segment.
func miss(s forensics.Share, m int) float64 {
	return s.Weight * math.Exp(-float64(m)*s.Contacted/float64(s.Rows))
}

func TestCosts(t *testing.T) {
	t.Parallel()
	// "661 numbers = $760/month" at $1.15, and "50-150 (~$500-1,500/yr)".
	p := forensics.Prices{Domain: 10, Number: 1.15, Mailbox: 2}
	bill := p.Costs(forensics.Stock{Domains: 50, Numbers: 661, Mailboxes: 3})
	if got := bill[1].Month; math.Round(got) != 760 {
		t.Errorf("661 numbers for %v a month", got)
	}
	if bill[0].Year != 500 || bill[2].Month != 6 || bill[3].What != "together" {
		t.Errorf("bill %+v", bill)
	}
	if sum := bill[0].Year + bill[1].Year + bill[2].Year; math.Abs(bill[3].Year-sum) > 1e-9 || math.Abs(bill[3].Month*12-sum) > 1e-9 {
		t.Errorf("together %+v, want %v", bill[3], sum)
	}
}
