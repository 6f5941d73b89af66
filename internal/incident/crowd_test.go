package incident_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/incident"
	"saltmine/internal/registry"
)

// TestTwoOfMany: noise that reaches each of many domains now and then reaches two of
// them in three days. It is no crowd that they are these two; on two domains without
// others it is one, and so it is where the others are quiet.
func TestTwoOfMany(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		domains, noisy int
		crowd          bool
		others         string
	}{{50, 50, false, ""}, {2, 2, true, ""}, {50, 2, true, "of 48 other sorts"}} {
		l := newLedger(start(), c.domains, 40, 99, 0, 0, 0)
		w := newWorld(t)
		w.cfg.Finder, w.cfg.Filer, w.cfg.Blind, w.cfg.Rates, w.cfg.Written = l, l, l, l, nil
		mail := func(domain, n int) canary.Contact {
			m := w.mail(l.pool().Address(domain, n))
			m.Targets[0].Text = l.pool().Address(domain, n)
			m.Peer, m.Source = fmt.Sprintf("203.0.%d.%d:25", w.n/250, w.n%250), fmt.Sprintf("news@s%d.example.org", w.n)
			return m
		}
		for n := range 12 {
			for d := range c.noisy {
				must(t, w.intake().Settle(w.ctx, mail(d, 50+n)))
			}
			w.pass(30 * 24 * time.Hour)
		}
		must(t, w.intake().Settle(w.ctx, mail(0, 1)))
		must(t, w.intake().Settle(w.ctx, mail(1, 1)))
		got := l.boards[l.hits[0].Incident]
		if got.Severity.Reaches(canary.P2) != c.crowd {
			t.Errorf("two of %d domains, %d noisy: %s by %+v", c.domains, c.noisy, got.Severity, got.Weight)
		}
		if text := l.pagesText(); !strings.Contains(text, c.others) {
			t.Errorf("the page does not say what was not reached: %s", text)
		}
	}
}

// pagesText is what the pages say of how sure they are.
func (l *ledger) pagesText() string {
	var b strings.Builder
	for _, p := range l.pages {
		b.WriteString(p.Sure + "\n")
	}
	return b.String()
}

// TestJudgedIsNoPlacebo: a text message that people found to be noise is not said to
// have reached a number which was never planted, and lowers none that comes later.
func TestJudgedIsNoPlacebo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.plant("db:main", 1, 2)
	w.pass(240 * time.Hour)
	w.take(w.call(canary.SMS, number(1), "you won"))
	must(t, w.reg.SetVerdict(w.ctx, w.only().ID, canary.Noise, registry.By{Who: "dana", Via: "cli"}))
	w.pass(time.Hour)
	w.take(w.call(canary.SMS, number(2), "you won"))
	open := w.openAt("db:main")
	if len(open) != 1 || open[0].Severity != canary.P3 {
		t.Fatalf("open: %+v", open)
	}
	if c := open[0].Weight.Counts[0]; c.Judged != 1 || c.PlaceboHits != 0 || c.PastHits != 0 || c.JudgedYears < 0.05 {
		t.Errorf("counted %+v", c)
	}
}

// TestJudgedHasItsYears: what people found to be noise is a rate of the planted tokens,
// which were heard as well. One verdict makes no block deaf.
func TestJudgedHasItsYears(t *testing.T) {
	t.Parallel()
	cell := canary.Cell{Channel: canary.SMTP, Stratum: "email|a"}
	before := canary.Exposure{Planted: 4000, PastYears: 0.1, JudgedYears: 4000, JudgedRecentYears: 33}
	none, few := before, before
	few.Judged, few.JudgedRecent = 3, 1
	if r := incident.RateOf(cell, none); r.Years > 20_001 || r.Hits != 0.5 {
		t.Errorf("with no verdict %+v", r)
	}
	if r := incident.RateOf(cell, few); r.Years < 24_000 || r.Hits != 3.5 {
		t.Errorf("with three %+v", r)
	}
}

// TestNoiseOfAHit: of an address whose domain is full of strangers noise brings far
// more contacts than of one where all is quiet, by what was known when it came.
func TestNoiseOfAHit(t *testing.T) {
	t.Parallel()
	l := newLedger(start(), 4, 40, 99, 0, 0, 0)
	w := newWorld(t)
	w.cfg.Finder, w.cfg.Filer, w.cfg.Blind, w.cfg.Rates, w.cfg.Written = l, l, l, l, nil
	mail := func(domain, n int) canary.Contact {
		m := w.mail(l.pool().Address(domain, n))
		m.Targets[0].Text = l.pool().Address(domain, n)
		m.Peer, m.Source = fmt.Sprintf("203.0.%d.%d:25", w.n/250, w.n%250), fmt.Sprintf("news@s%d.example.org", w.n)
		return m
	}
	must(t, w.intake().Settle(w.ctx, mail(0, 1))) // before anything was heard there
	for n := range 12 {
		must(t, w.intake().Settle(w.ctx, mail(0, 50+n)))
		w.pass(5 * 24 * time.Hour)
	}
	must(t, w.intake().Settle(w.ctx, mail(0, 2)))
	must(t, w.intake().Settle(w.ctx, mail(1, 1)))
	var hits []canary.Hit
	for _, h := range l.hits {
		if h.Role == canary.RolePlanted {
			hits = append(hits, h)
		}
	}
	if len(hits) != 3 {
		t.Fatalf("%d hits", len(hits))
	}
	rates, err := incident.Noise(w.ctx, l, hits)
	must(t, err)
	if first, noisy, quiet := rates[0], rates[1], rates[2]; noisy < 10*quiet || noisy < 10*first {
		t.Errorf("a year: %.2g at first, %.2g later, %.2g on the quiet domain", first, noisy, quiet)
	}
	if none, err := incident.Noise(w.ctx, l, nil); err != nil || none != nil {
		t.Errorf("of no hits %v, %v", none, err)
	}
}
