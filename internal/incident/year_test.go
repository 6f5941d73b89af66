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

	"saltmine/internal/canary"
	"saltmine/internal/incident"
	"saltmine/internal/testkit/noise"
)

// yearRuns is how many years TestYear runs for each line of its table.
var yearRuns = flag.Int("year.runs", 0, "years for each line of TestYear's table; 0 runs one year of a tenth of the tokens")

// Tokens of each domain, and numbers of each block, in TestYear.
const (
	yearPlanted = 200
	yearRung    = 40
)

// newYear is the pool of a year, or one part of so many.
func newYear(parts int) *ledger {
	return newLedger(start(), 50/parts, yearPlanted, 99, 10/parts, yearRung, 4)
}

// year runs a year of noise with one leak in it, and gives how many pages of P1 and
// P2 came without a true contact, and how many true contacts it took to page.
func year(t *testing.T, seed uint64, parts int, rates noise.Rates, kind string, budget float64) (wrong, took int) {
	t.Helper()
	rng := rand.New(rand.NewPCG(seed, 7))
	l := newYear(parts)
	all := noise.Make(rng, l.pool(), rates, start(), 365*24*time.Hour)
	truth := l.leak(rng, kind, 3, start().Add(time.Duration(90+rng.IntN(240))*24*time.Hour))
	all = append(all, truth...)
	slices.SortStableFunc(all, func(a, b canary.Contact) int { return a.At.Compare(b.At) })
	now := start()
	in := incident.New(incident.Config{
		Name: "year", Finder: l, Filer: l, Blind: l, Rates: l, FalsePages: budget,
		Routes: []incident.Route{{Name: "duty", Min: canary.P2}}, Link: func(canary.IncidentID) string { return "" },
		Now: func() time.Time { return now }, Log: slog.New(slog.DiscardHandler),
	})
	true3 := 0
	for _, c := range all {
		now = c.At
		before := len(l.pages)
		must(t, in.Settle(t.Context(), c))
		mine := strings.HasPrefix(string(c.ID), "k_true")
		if mine {
			true3++
		}
		switch {
		case len(l.pages) == before:
		case !mine:
			wrong++
		case took == 0:
			took = true3
		}
	}
	return wrong, took
}

// TestYear counts, for a year of noise on 10,000 addresses and 400 numbers, the
// pages of P1 and P2 that no leak made, and the leaks that paged by their third
// contact, over the threshold. -year.runs=20 gives the whole table.
func TestYear(t *testing.T) {
	t.Parallel()
	type line struct {
		kind   string
		budget float64
		times  float64
	}
	lines := []line{{"content", 0.5, 1}}
	runs, parts := 1, 10
	if *yearRuns > 0 {
		runs, parts, lines = *yearRuns, 1, nil
		for _, times := range []float64{1, 100} {
			for _, kind := range []string{"content", "mail", "calls"} {
				for _, budget := range []float64{0.01, 0.1, 0.5, 5, 1000} {
					lines = append(lines, line{kind, budget, times})
				}
			}
		}
	}
	var table strings.Builder
	table.WriteString("noise  leak     threshold  P1+P2 without a leak, a year  paged by the third contact\n")
	for _, c := range lines {
		wrong, found := 0, 0
		for seed := range runs {
			n, took := year(t, uint64(seed), parts, noise.Documented().Times(c.times), c.kind, c.budget)
			wrong += n
			if took > 0 {
				found++
			}
		}
		perYear, share := float64(wrong)/float64(runs), float64(found)/float64(runs)
		fmt.Fprintf(&table, "x%-5g %-8s %-9g  %-28.2f  %.2f\n", c.times, c.kind, c.budget, perYear, share)
		if c.budget == 0.5 && perYear > 1 {
			t.Errorf("%+v: %.2f pages a year without a leak, want 1 at most", c, perYear)
		}
		if c.budget == 0.5 && c.kind == "content" && share < 0.95 {
			t.Errorf("%+v: %.2f paged by the third contact, want 0.95", c, share)
		}
	}
	p := newYear(parts).pool()
	t.Logf("stray mails %.0e a token-year, calls %.2f a number-day, %d addresses of %d, %d numbers of %d\n%s", noise.Documented().Stray, noise.Documented().Calls,
		p.Domains*yearPlanted, p.Domains*p.PerDomain, p.Blocks*yearRung, p.Blocks*p.PerBlock, table.String())
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
