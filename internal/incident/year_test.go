package incident_test

import (
	"flag"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"saltmine/internal/baserate"
	"saltmine/internal/canary"
	"saltmine/internal/incident"
	"saltmine/internal/testkit/noise"
)

// yearRuns is how many years TestYear runs for each line of its table.
var (
	yearRuns = flag.Int("year.runs", 0, "years, and leaks, of the longest lines of TestYear's table; 0 runs a share of it; 200 is the whole")
	yearSeed = flag.Uint64("year.seed", 0, "the first seed of TestYear's years")
)

// Tokens of each domain, and numbers of each block, in TestYear: 99 placebos to an
// address, one to ten numbers. Numbers that were bought singly are three to a block.
const (
	yearPlanted = 200
	yearRung    = 100
	yearSingly  = 3
	byDefault   = 0.5 // the threshold
)

// documented names the rates that the promise is about. The table shows worse ones.
const documented = "x1"

// sort is what tokens a year is about.
type sort string

const (
	mails  sort = "e-mail"
	phones sort = "phone"
	singly sort = "singly" // numbers in many blocks, a third of which have a placebo
)

// pool is so many domains or blocks of one sort.
func (s sort) pool(n int) *ledger {
	if s == mails {
		return newLedger(start(), n, yearPlanted, 99, 0, 0, 0)
	}
	if s == phones {
		return newLedger(start(), 0, yearPlanted, 99, n, yearRung, yearRung/10)
	}
	l := newLedger(start(), 0, yearPlanted, 99, n, yearSingly, 1)
	l.sparse = true
	return l
}

// year is one line of the table: noise of one sort, and what leaks are like.
type year struct {
	sort      sort
	noise     string
	rates     noise.Rates
	threshold float64
	parts     int // domains or blocks
	years     int
	leaks     int // of each kind
}

// tokens are the planted ones.
func (y *year) tokens() int {
	return y.parts * map[sort]int{mails: yearPlanted, phones: yearRung, singly: yearSingly}[y.sort]
}

// watch takes a list of contacts in and tells of each after which there are more
// pages of P1 and P2.
func (y *year) watch(t *testing.T, l *ledger, list []canary.Contact, paged func(*canary.Contact)) {
	t.Helper()
	now := start()
	in := incident.New(incident.Config{
		Name: "year", Finder: l, Filer: l, Blind: l, Rates: l, FalsePages: y.threshold,
		Routes: []incident.Route{{Name: "duty", Min: canary.P2}}, Link: func(canary.IncidentID) string { return "" },
		Now: func() time.Time { return now }, Log: slog.New(slog.DiscardHandler),
	})
	for i := range list {
		now = list[i].At
		before := len(l.pages)
		must(t, in.Settle(t.Context(), list[i]))
		if len(l.pages) > before {
			paged(&list[i])
		}
	}
}

// quiet runs a year of noise without a leak, and counts the pages.
func (y *year) quiet(t *testing.T, seed uint64) (pages int) {
	t.Helper()
	l := y.sort.pool(y.parts)
	y.watch(t, l, noise.Make(rand.New(rand.NewPCG(*yearSeed+seed, 7)), l.pool(), y.rates, start(), 365*24*time.Hour), func(*canary.Contact) { pages++ })
	return pages
}

// found runs noise with a leak of three contacts in it, and reports whether one of
// these paged.
func (y *year) found(t *testing.T, seed uint64, kind string) (found bool) {
	t.Helper()
	l, rng := y.sort.pool(y.parts), rand.New(rand.NewPCG(*yearSeed+seed, 11))
	truth := l.leak(rng, y.sort, kind, 3, start().Add(time.Duration(30+rng.IntN(150))*24*time.Hour))
	last := truth[len(truth)-1].At
	list := append(noise.Make(rng, l.pool(), y.rates, start(), last.Sub(start())), truth...)
	slices.SortStableFunc(list, func(a, b canary.Contact) int { return a.At.Compare(b.At) })
	y.watch(t, l, list, func(c *canary.Contact) { found = found || strings.HasPrefix(string(c.ID), "k_true") })
	return found
}

// leaks are the kinds of contacts: those that name a record, and those that do not.
func leaks() []string { return []string{"named", "generic"} }

// row is what came of a line.
type row struct {
	*year
	pages int
	found map[string]int
}

func (y *year) run(t *testing.T) *row {
	t.Helper()
	r := &row{y, 0, map[string]int{}}
	for seed := range y.years {
		r.pages += y.quiet(t, uint64(seed))
	}
	for _, kind := range leaks() {
		for seed := range y.leaks {
			if y.found(t, uint64(seed), kind) {
				r.found[kind]++
			}
		}
	}
	return r
}

// wrong is how many pages a year noise makes on 10,000 tokens, and what is excluded
// with 95 % confidence.
func (r *row) wrong() (mean, bound float64) {
	s := baserate.Sample{Hits: r.pages, Years: float64(r.years * r.tokens())}
	return s.PerYear() * 10_000, s.Bound() * 10_000
}

// missed is the share of leaks of a kind that did not page by their third contact,
// and what is excluded with 95 % confidence (Clopper and Pearson 1934).
func (r *row) missed(kind string) (share, bound float64) {
	n := r.leaks - r.found[kind]
	low, high := 0.0, 1.0
	for range 50 {
		if mid := (low + high) / 2; 1-baserate.BinomialAtLeast(n+1, r.leaks, mid) > 0.05 {
			low = mid
		} else {
			high = mid
		}
	}
	return float64(n) / float64(r.leaks), high
}

// check holds a line to what is promised of the default threshold: by the bound
// where enough was run for one, else by what was counted.
func (r *row) check(t *testing.T) {
	t.Helper()
	mean, bound := r.wrong()
	if mean > 1 || r.years*r.tokens() >= 30_000 && bound > 1 {
		t.Errorf("%s, %s: %.2f pages a year without a leak (%.2f at most), want 1", r.sort, r.noise, mean, bound)
	}
	share, most := r.missed("named")
	if share > 0.05 || r.leaks >= 60 && most > 0.05 {
		t.Errorf("%s, %s: %.2f of the leaks did not page by the third contact (%.2f at most), want 0.05", r.sort, r.noise, share, most)
	}
}

// table is the curve of both errors over the threshold.
func table(rows []*row) string {
	var b strings.Builder
	b.WriteString("                            without a leak                        not paged by the third true contact\n" +
		"tokens  noise   threshold   P1+P2 a year (95 %)  of token-years   named (95 %)      generic (95 %)\n")
	for _, r := range rows {
		if r == nil {
			continue // -run left it out, or it failed
		}
		mean, bound := r.wrong()
		fmt.Fprintf(&b, "%-7s %-7s %-10g  %-7.3g (< %-6.2g)   %-14d", r.sort, r.noise, r.threshold, mean, bound, r.years*r.tokens())
		for _, kind := range leaks() {
			share, most := r.missed(kind)
			fmt.Fprintf(&b, "   %.3f (< %.3f)", share, most)
		}
		b.WriteString("\n")
	}
	return b.String()
}

// ratesUsed says what noise a sort of tokens has.
func ratesUsed(s sort, name string, r noise.Rates) string {
	if s != mails {
		return fmt.Sprintf("%s, %s: a number-year %.0f calls (%.2g of them ring once, %.2g bring a caller's name), %.2g in waves, %.2g wrong numbers that ask for a name, "+
			"%.2g times %d strangers who call back, %.2g texts and %.2g in waves, %.2g calls of those who dial through a block\n", s, name, r.Calls*365, r.RingOnce, r.CallerNames,
			r.Waves*r.WaveShare, r.Wrong, r.CallBacks, r.BackCallers, r.Texts, r.TextWaves*r.TextShare, r.Dials)
	}
	tokens := float64(yearPlanted * 100)
	return fmt.Sprintf("%s, %s: %.2g stray mails a token-year; of dictionaries %.2g, of storms %.2g, of list cleaners %.2g contacts a token-year\n", s, name, r.Stray,
		r.Runs*float64(r.Guesses)*r.Guessed/tokens, r.Storms*float64(r.StormSources)*r.StormGuessed/tokens, r.Cleaners*float64(r.Guesses)*r.Guessed/tokens)
}

// years are the lines of the whole table, or a share of it. What is assumed of mail
// is made worse, and numbers that had an owner before are called more.
func years(runs int) (list []*year) {
	doc, dirty := noise.Documented(), noise.Documented()
	dirty.Calls = noise.DirtyCalls
	if runs == 0 {
		return []*year{
			{mails, documented, doc, byDefault, 50, 2, 4},
			{phones, documented, doc, byDefault, 1, 1, 4},
			{singly, documented, doc, byDefault, 20, 1, 4},
		}
	}
	part := func(share float64) int { return max(1, int(share*float64(runs))) }
	for _, budget := range []float64{0.01, 0.1, byDefault, 2, 10, 100, 1000} {
		if budget != byDefault { // the shape of the curve
			list = append(list, &year{mails, documented, doc, budget, 50, part(0.2), part(0.3)}, &year{phones, documented, doc, budget, 4, part(0.04), part(0.1)})
			continue
		}
		list = append(list, &year{mails, documented, doc, budget, 50, runs, runs}, &year{mails, "x10", doc.Times(10), budget, 50, part(0.1), part(0.3)},
			&year{mails, "x100", doc.Times(100), budget, 50, part(0.02), part(0.04)}, &year{phones, documented, doc, budget, 4, part(0.63), part(0.3)},
			&year{phones, "dirty", dirty, budget, 4, part(0.02), part(0.04)}, &year{singly, documented, doc, budget, 50, part(0.1), part(0.1)})
	}
	slices.SortStableFunc(list, func(a, b *year) int { return strings.Compare(string(a.sort)+a.noise, string(b.sort)+b.noise) })
	return list
}

// TestYear counts, over the threshold, for e-mail and phone apart, the pages of P1
// and P2 that years of noise make without a leak, and the leaks that did not page by
// their third contact. make noise gives the whole table.
func TestYear(t *testing.T) {
	t.Parallel()
	lines := years(*yearRuns)
	rows, used := make([]*row, len(lines)), ""
	t.Run("lines", func(t *testing.T) { // it ends when all of them have
		t.Parallel()
		for i, y := range lines {
			t.Run(fmt.Sprint(y.sort, " ", y.noise, " ", y.threshold), func(t *testing.T) {
				t.Parallel()
				rows[i] = y.run(t)
				if y.threshold == byDefault && y.noise == documented {
					rows[i].check(t)
				}
			})
			if text := ratesUsed(y.sort, y.noise, y.rates); !strings.Contains(used, text) {
				used += text
			}
		}
	})
	t.Cleanup(func() { t.Logf("noise used:\n%s%s", used, table(rows)) })
}

// TestLedgerIsTheRegistry takes the same noise and leak into a registry on a disk.
func TestLedgerIsTheRegistry(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.plant("db:main", numbers(20)...)
	rng := rand.New(rand.NewPCG(1, 1))
	pool := noise.Pool{Domains: 1, PerDomain: 40, Blocks: 1, PerBlock: 20,
		Address: func(_, n int) string {
			if n < 20 {
				return address(n + 1)
			}
			return placebo(n - 19)
		},
		Number: func(_, n int) string { return number(n + 1) }, Zone: func(int) string { return "example.net" }}
	rates := noise.Documented()
	rates.Stray = 2
	list := noise.Make(rng, pool, rates, start().Add(time.Hour), 30*24*time.Hour)
	l := newLedger(start(), 1, 20, 1, 0, 0, 0)
	cfg := w.cfg
	cfg.Finder, cfg.Filer, cfg.Blind, cfg.Rates, cfg.Written, cfg.Known = l, l, l, l, nil, nil
	cfg.Variants, cfg.Unmet = nil, nil
	w.cfg.Written, w.cfg.Known = nil, nil
	onDisk, inLedger := incident.New(w.cfg), incident.New(cfg)
	var grave int
	for _, c := range list {
		if c.Channel != canary.SMTP {
			continue
		}
		w.clock.Store(c.At.Sub(start()).Microseconds())
		must(t, onDisk.Settle(w.ctx, c))
		for i, target := range c.Targets { // the ledger knows tokens by other names
			var n int
			if _, err := fmt.Sscanf(target.Text, "dana.whitfield%d@", &n); err == nil {
				c.Targets[i].Text = l.pool().Address(0, n-1)
			} else if _, err := fmt.Sscanf(target.Text, "tom.placebo%d@", &n); err == nil {
				c.Targets[i].Text = l.pool().Address(0, 19+n)
			}
		}
		must(t, inLedger.Settle(w.ctx, c))
	}
	pages := w.told()
	var want, got []string
	for _, p := range pages {
		want = append(want, fmt.Sprint(p.Page.At, p.Page.Severity))
		if p.Page.Severity.Reaches(canary.P2) {
			grave++
		}
	}
	for _, p := range l.pages {
		got = append(got, fmt.Sprint(p.At, p.Severity))
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(want, got) || len(want) == 0 {
		t.Errorf("pages %q in the ledger, %q in the registry", got, want)
	}
	t.Logf("%d pages, %d of P1 and P2", len(want), grave)
}
