package registry_test

import (
	"errors"
	"fmt"
	"math"
	"testing"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/registry"
)

// TestExposure counts tokens and placebos by domain and block, for how long they
// were heard, and who reached a placebo first, each at a moment.
func TestExposure(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, r *registry.Registry) {
		ctx, p := t.Context(), planting(1)
		p.Placebos = nil
		for n := range 10 {
			p.Placebos = append(p.Placebos, placebo(canary.Email, fmt.Sprintf("same%d@example.net", n)), placebo(canary.Email, fmt.Sprintf("other%d@example.org", n)))
		}
		p.Placebos = append(p.Placebos, placebo(canary.Phone, "+442079460123"), placebo(canary.Phone, "+442079550123"))
		must(t, r.Intend(ctx, []canary.Planting{p}))
		var more []canary.Token
		for n := range 5 {
			more = append(more, placebo(canary.Email, fmt.Sprintf("more%d@example.net", n)))
		}
		must(t, r.Amend(ctx, canary.Amendment{Canary: p.ID, Placebos: more}))

		hour := start().Truncate(time.Hour)
		net := canary.Cell{Channel: canary.SMTP, Stratum: r.Stratum(canary.Email, "anybody@example.net")}
		hit := func(n int, counts bool, cell canary.Cell, at time.Time) canary.Hit {
			return canary.Hit{Contact: canary.ContactID(fmt.Sprintf("k_hit%08d", n)), Token: p.Placebos[n%10].ID, Role: canary.RolePlacebo, Class: canary.ClassPlacebo, Counts: counts, Cell: cell, At: at}
		}
		day := func(n float64) time.Time { return hour.Add(time.Duration(n * 24 * float64(time.Hour))) }
		planted := hit(9, true, net, day(8))
		planted.Role, planted.Canary, planted.Token = canary.RolePlanted, p.ID, p.Tokens[0].ID
		must(t, r.Commit(ctx, canary.Outcome{Hits: []canary.Hit{
			hit(1, true, net, day(1)), hit(2, true, net, day(8)), hit(3, false, net, day(8)), hit(4, true, net, day(9.5)), planted,
			hit(5, true, canary.Cell{Channel: canary.IMAP, Stratum: net.Stratum}, day(8)), hit(6, true, canary.Cell{Channel: canary.SMTP, Stratum: r.Stratum(canary.Email, "a@example.org")}, day(8)),
		}}))
		want := canary.Exposure{Planted: 1, Placebos: 15, Total: len(p.Tokens), PastYears: 15 * 9 / 365.25, RecentYears: 15 * 3 / 365.25, PastHits: 2, RecentHits: 1}
		check(t, r, net, day(9), want)
		want.PastHits, want.RecentHits, want.PastYears = 2, 1, 15*365/365.25
		check(t, r, net, day(370), canary.Exposure{Planted: 1, Placebos: 15, Total: len(p.Tokens), PastYears: want.PastYears, RecentYears: want.RecentYears, PastHits: 2})
		check(t, r, net, hour.Add(-time.Second), canary.Exposure{})
		phone := canary.Cell{Channel: canary.Voice, Stratum: r.Stratum(canary.Phone, "+442079469999")}
		if x, err := r.Heard(ctx, phone, day(1)); err != nil || len(x.Placebos) != 1 || x.Placebos[0].Tokens != 1 {
			t.Errorf("a block: %+v, %v", x, err)
		}
		org := r.Stratum(canary.Email, "a@example.org")
		pooled, err := r.Pooled(ctx, canary.SMTP, canary.Email, day(9))
		if n, heard := pooled.Reached(); n != 2 || math.Abs(heard-25*9/365.25) > 1e-9 || len(pooled) != 2 || err != nil {
			t.Errorf("reached %d in %g placebo-years, of %v, %v", n, heard, pooled, err)
		}
		stratum(t, pooled[net.Stratum], canary.CellSum{Planted: 1, Placebos: 15, PastYears: 15 * 9 / 365.25, RecentYears: 15 * 3 / 365.25, PastHits: 2, RecentHits: 1})
		stratum(t, pooled[org], canary.CellSum{Placebos: 10, PastYears: 10 * 9 / 365.25, RecentYears: 10 * 3 / 365.25, PastHits: 1, RecentHits: 1})
		pooled, err = r.Pooled(ctx, canary.SMTP, canary.Email, day(374))
		if n, _ := pooled.Reached(); n != 1 || err != nil { // a year has passed since
			t.Errorf("after a year %v, %v", pooled, err)
		}
		stratum(t, pooled[net.Stratum], canary.CellSum{Planted: 1, Placebos: 15, PastYears: 15 * 365 / 365.25, RecentYears: 15 * 3 / 365.25, PastHits: 1})
		if pooled, err := r.Pooled(ctx, canary.IMAP, canary.Email, day(7)); pooled[net.Stratum].PastHits != 0 || err != nil { // it comes later
			t.Errorf("by imap: %v, %v", pooled, err)
		}
		if pooled, err := r.Pooled(ctx, canary.Voice, canary.Phone, day(9)); len(pooled) != 3 || pooled[phone.Stratum].Placebos != 1 || err != nil {
			t.Errorf("by voice: %v, %v", pooled, err)
		}
		if r.Stratum(canary.Ticket, "TK1") != r.Stratum(canary.Ticket, "TK2") || phone.Kind() != canary.Phone || !phone.Spoken() || net.Spoken() {
			t.Error("sorts of tokens")
		}
	})
}

func stratum(t *testing.T, got, want canary.CellSum) {
	t.Helper()
	if math.Abs(got.PastYears-want.PastYears) > 1e-9 || math.Abs(got.RecentYears-want.RecentYears) > 1e-9 {
		t.Errorf("%g and %g placebo-years, want %g and %g", got.PastYears, got.RecentYears, want.PastYears, want.RecentYears)
	}
	got.PastYears, got.RecentYears = want.PastYears, want.RecentYears
	if got != want {
		t.Errorf("stratum %+v, want %+v", got, want)
	}
}

func check(t *testing.T, r *registry.Registry, cell canary.Cell, at time.Time, want canary.Exposure) {
	t.Helper()
	h, err := r.Heard(t.Context(), cell, at)
	must(t, err)
	all, err := r.Registered(t.Context())
	got := h.At(at)
	got.Total = canary.TokensBy(all, at)
	got.By, got.JudgedYears, got.JudgedRecentYears = "", 0, 0 // TestSame, TestVerdictMakesNoise
	if math.Abs(got.PastYears-want.PastYears) > 1e-9 || math.Abs(got.RecentYears-want.RecentYears) > 1e-9 {
		t.Errorf("at %s: %g and %g placebo-years, want %g and %g", at, got.PastYears, got.RecentYears, want.PastYears, want.RecentYears)
	}
	got.PastYears, got.RecentYears = want.PastYears, want.RecentYears
	if err != nil || got != want {
		t.Errorf("at %s: %+v, want %+v; %v", at, got, want, err)
	}
}

// TestWeightAndClassAreKept: an incident's weight and a hit's class come back.
func TestWeightAndClassAreKept(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, r *registry.Registry) {
		ctx, o := t.Context(), outcome(r)
		must(t, r.Intend(ctx, []canary.Planting{planting(1)}))
		o.Incidents[0].Weight = &canary.Weight{Factor: 3.8e6, ByCount: 38, Content: 1e5, Counts: []canary.Counted{{Channel: canary.SMTP, Kind: canary.Email, Reached: 1}}}
		cell := canary.Cell{Channel: canary.SMTP, Stratum: r.Stratum(canary.Email, "a@example.net")}
		o.Hits[0].Class, o.Hits[0].Cell, o.Hits[0].Counts = canary.ClassVariant, cell, true
		must(t, r.Commit(ctx, o))
		inc, err := r.Incident(ctx, o.Incidents[0].ID)
		if err != nil || inc.Weight == nil || inc.Weight.Factor != 3.8e6 || inc.Weight.Counts[0] != o.Incidents[0].Weight.Counts[0] {
			t.Errorf("weight %+v, %v", inc.Weight, err)
		}
		hits, err := r.IncidentHits(ctx, inc.ID)
		if err != nil || len(hits) != 1 || hits[0] != o.Hits[0] {
			t.Errorf("hits %+v, %v", hits, err)
		}
		board, err := r.Board(ctx, start().Add(-time.Hour))
		if err != nil || len(board) != 1 || !board[0].Counted[cell][o.Hits[0].Canary].Equal(start()) {
			t.Errorf("board %+v, %v", board, err)
		}
	})
}

// TestVerdictMakesNoise: what an incident was found to be decides whether its hits
// count with those of placebos.
func TestVerdictMakesNoise(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, r *registry.Registry) {
		ctx, o := t.Context(), outcome(r)
		cell := canary.Cell{Channel: canary.SMTP, Stratum: r.Stratum(canary.Email, "a@example.net")}
		o.Hits[0].Cell, o.Hits[0].Counts = cell, true
		must(t, r.Intend(ctx, []canary.Planting{planting(1)}))
		must(t, r.Commit(ctx, o))
		for _, c := range []struct {
			verdict canary.Verdict
			want    int
		}{{"", 0}, {canary.Noise, 1}, {canary.Leak, 0}, {canary.Noise, 1}, {canary.Own, 0}} {
			if c.verdict != "" {
				must(t, r.SetVerdict(ctx, o.Incidents[0].ID, c.verdict, registry.By{Who: "dana", Via: "cli"}))
			}
			h, err := r.Heard(ctx, cell, start())
			must(t, err)
			if x := h.At(start()); len(h.Hits) != c.want || x.Judged != c.want || x.JudgedRecent != c.want || x.PastHits != 0 || x.RecentHits != 0 {
				t.Errorf("%q: %+v", c.verdict, x)
			}
		}
	})
}

// TestHeldPageIsWrittenOnce: of two who write a page that was held, one comes late.
func TestHeldPageIsWrittenOnce(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, r *registry.Registry) {
		ctx, id := t.Context(), canary.IncidentID("i_incident00000001")
		inc := canary.Incident{ID: id, Place: "db:main", Severity: canary.P2, Opened: start(), Updated: start(), Reasons: []string{}}
		must(t, r.Commit(ctx, canary.Outcome{Incidents: []canary.Incident{inc}, Held: []canary.IncidentID{id}}))
		board, err := r.Board(ctx, start().Add(-time.Hour))
		if err != nil || len(board) != 1 || !board[0].Held {
			t.Fatalf("board %+v, %v", board, err)
		}
		if board, err := r.Board(ctx, start().Add(1000*time.Hour)); err != nil || len(board) != 1 {
			t.Errorf("what waits for long leaves the board: %+v, %v", board, err)
		}
		late := func(n int) canary.Outcome {
			return canary.Outcome{Freed: []canary.IncidentID{id}, Pages: []canary.Page{{ID: canary.PageID(fmt.Sprintf("p_page%012d", n)), Incident: id, Severity: canary.P2, At: start()}}}
		}
		must(t, r.Commit(ctx, late(1)))
		if err := r.Commit(ctx, late(2)); !errors.Is(err, registry.ErrMoved) {
			t.Errorf("the second: %v, want ErrMoved", err)
		}
		if board, err := r.Board(ctx, start().Add(1000*time.Hour)); err != nil || len(board) != 0 {
			t.Errorf("it stays when its page is written: %+v, %v", board, err)
		}
	})
}

// TestPagesSince counts the pages of incidents by how urgent they are, and none of
// a drill or of those that only a log was told of.
func TestPagesSince(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, r *registry.Registry) {
		ctx := t.Context()
		var o canary.Outcome
		for i, c := range []struct {
			place canary.Place
			sev   canary.Severity
		}{{"db:main", canary.P1}, {"db:main", canary.P2}, {"db:main", canary.P3}, {canary.AtDrill("d_aaaaaaaaaaaaaaaa"), canary.P2}, {"db:log", canary.P3}} {
			id := canary.IncidentID(fmt.Sprintf("i_incident%08d", i))
			o.Incidents = append(o.Incidents, canary.Incident{ID: id, Place: c.place, Severity: c.sev, Opened: start(), Updated: start(), Reasons: []string{}})
			o.Pages = append(o.Pages, canary.Page{ID: canary.PageID(fmt.Sprintf("p_page%012d", i)), Incident: id, Severity: c.sev, At: start(), Place: c.place})
			o.Deliveries = append(o.Deliveries, canary.Delivery{Page: o.Pages[i].ID, Route: "file", Log: true})
			if c.place != "db:log" {
				o.Deliveries = append(o.Deliveries, canary.Delivery{Page: o.Pages[i].ID, Route: "duty"})
			}
		}
		must(t, r.Commit(ctx, o))
		if urgent, note, err := r.PagesSince(ctx, start()); urgent != 2 || note != 1 || err != nil {
			t.Errorf("%d urgent and %d others, %v", urgent, note, err)
		}
		if urgent, note, err := r.PagesSince(ctx, start().Add(time.Second)); urgent != 0 || note != 0 || err != nil {
			t.Errorf("later: %d urgent and %d others, %v", urgent, note, err)
		}
	})
}
