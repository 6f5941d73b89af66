package seeder_test

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/inventory"
	"saltmine/seeder"
)

// With mailboxes enough the canaries' providers are the table's, and as many are on
// owned domains as rows at small domains of few rows; the persona fits the mailbox.
func TestPlantFollowsProviders(t *testing.T) {
	t.Parallel()
	for _, labelled := range []bool{true, false} {
		t.Run(fmt.Sprintf("labelled=%v", labelled), func(t *testing.T) {
			t.Parallel()
			w := newStocked(t, 20_000, slices.Concat(items(domains(), nil), atProviders(t, 2000, labelled))...)
			cfg := stockPlan("mix", 500)
			cfg.Bulk, cfg.Dates = true, seeder.DatesNow
			report := w.plant(t, cfg)
			all, at := w.standing(t)
			boxes, placebos := w.wantSound(t)
			if len(all) != 500 || placebos < boxes/10 || placebos > boxes/10+1 {
				t.Fatalf("%d stand, %d mailboxes and %d placebos", len(all), boxes, placebos)
			}
			rows := map[string]int{}
			for _, email := range w.strings(t, "SELECT email FROM customers WHERE created_at <= ?", until()) {
				rows[domainOf(email)]++
			}
			chi, free := likeTable(at, rows, len(all))
			t.Logf("chi-square %.1f with %d degrees of freedom; %d of %d on owned domains, tail %.3f, bound %.3f",
				chi, free, len(all)-boxes, len(all), report.Pool.Tail, report.Pool.Outlook.Bound)
			if limit := float64(free) + 3*math.Sqrt(2*float64(free)); chi > limit {
				t.Errorf("providers are not the table's: chi-square %.1f, at most %.1f; %v", chi, limit, at)
			}
			hidden := shareOfFew(rows, 500/100)
			if math.Abs(float64(len(all)-boxes)/500-hidden) > 0.02 || math.Abs(report.Pool.Outlook.Bound-0.5-(report.Pool.Tail-hidden)/2) > 0.01 {
				t.Errorf("%d of 500 on owned domains, %.3f of the rows at domains of few: %+v", len(all)-boxes, hidden, report.Pool)
			}
			w.wantNames(t, all)
		})
	}
}

// shareOfFew is the share of the rows that are at domains with so many rows at
// most, which is as many canaries as an owned domain carries.
func shareOfFew(rows map[string]int, most int) float64 {
	few, all := 0, 0
	for _, n := range rows {
		if all += n; n <= most {
			few += n
		}
	}
	return float64(few) / float64(all)
}

// likeTable compares canaries at providers with rows there; all small domains
// are one.
func likeTable(at, rows map[string]int, canaries int) (chi float64, free int) {
	total := 0
	for _, n := range rows {
		total += n
	}
	smallRows, small := 0, 0
	for domain, n := range at {
		if rows[domain]*500 < total {
			small += n
		}
	}
	add := func(got, of int) {
		want := float64(of) * float64(canaries) / float64(total)
		chi += (float64(got) - want) * (float64(got) - want) / want
		free++
	}
	rare, rareRows := 0, 0
	for domain, n := range rows {
		switch {
		case n*500 < total:
			smallRows += n
		case n*canaries < 5*total: // too few are expected to compare
			rare, rareRows = rare+at[domain], rareRows+n
		default:
			add(at[domain], n)
		}
	}
	add(small, smallRows)
	if rareRows > 0 {
		add(rare, rareRows)
	}
	return chi, free - 1
}

// wantNames checks that of canaries' names as many stand in their addresses as
// of customers'.
func (w *stocked) wantNames(t *testing.T, all []canary.Planting) {
	t.Helper()
	const query = "SELECT COUNT(*) FROM customers WHERE (LOCATE(LOWER(last_name), LOWER(email)) > 0 OR LOCATE(LOWER(first_name), LOWER(email)) > 0) AND created_at "
	named, customers := w.number(t, query+"<= ?", until()), w.number(t, "SELECT COUNT(*) FROM customers WHERE created_at <= ?", until())
	ours := 0
	for i := range all {
		ours += w.number(t, query+"> '2000-01-01' AND email = ?", w.addressOf(t, &all[i]))
	}
	want, got := float64(named)/float64(customers), float64(ours)/float64(len(all))
	t.Logf("a name stands in %.3f of the customers' addresses and %.3f of the canaries'", want, got)
	// Names that a sample does not have are not read in an address. A persona that is
	// made to fit its mailbox bears a name of the address somewhat more often than a
	// customer does: .95 to .97 where customers have .92.
	const fitted = 0.02
	if got < want-0.2 || got > want+fitted+4*math.Sqrt(want*(1-want)/float64(len(all))) {
		t.Errorf("names stand in %.3f of the canaries' addresses, %.3f of the customers'", got, want)
	}
}

// With owned domains alone planting works, and the report says what that is
// worth; with too few mailboxes it names the lacks.
func TestPlantSaysWhatThePoolLacks(t *testing.T) {
	t.Parallel()
	w := newStocked(t, 800, items(domains(), nil)...)
	report := w.plant(t, stockPlan("own", 40))
	p := report.Pool
	if p.Own != 40 || p.Others != 0 || p.Outlook.Share != 1 || math.Abs(p.Outlook.Bound-(0.5+(1-p.Tail)/2)) > 1e-9 || p.Outlook.Wanted < 50 || len(p.Lacks) < 3 {
		t.Errorf("%+v", p)
	}
	text := strings.Join(report.Warnings, "\n")
	for _, want := range []string{"100 % of the canaries are on owned domains", "more mailboxes at large providers bring that down to 0.55", "mailboxes are lacking for the table's own mix of providers: "} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not said:\n%s", want, text)
		}
	}
	w.enter(t, slices.Concat(items(domains(), nil), atProviders(t, 60, true))...)
	report = w.plant(t, stockPlan("more", 40))
	if report.Pool.Own > 42 || report.Pool.Others < 38 {
		t.Errorf("mailboxes came, and the next canaries are not there: %+v", report.Pool)
	}
	w.wantSound(t)
}

// What soaks, rests, runs out or is faulty is not used, and when that is why
// the pool is too small, the error says so.
func TestPlantWaitsForThePool(t *testing.T) {
	t.Parallel()
	boxes := atProviders(t, 30, true)
	for i := range boxes {
		switch {
		case i < 12:
			boxes[i].Added = until().Add(-time.Hour)
		case i < 15:
			boxes[i].Expires = until().AddDate(0, 1, 0)
		}
	}
	young := items(domains()[:1], nil)
	young[0].Added, young[0].Capacity = until(), 3
	w := newStocked(t, 800, slices.Concat(boxes, young)...)
	_, err := w.seeder.Plant(t.Context(), stockPlan("short", 40))
	if !errors.Is(err, seeder.ErrPool) || !strings.Contains(err.Error(), "40 canaries need addresses, and there is room for 16: 3 on owned domains and small ones, 13 at large providers (12 more soak or rest, the last until 2025-11-21; 3 run out within 60 days)") {
		t.Errorf("error %v", err)
	}
	report := w.plant(t, stockPlan("fits", 14))
	if text := strings.Join(report.Warnings, "\n"); !strings.Contains(text, "1 of the 1 owned domains in use have not soaked yet") || !strings.Contains(text, "are to be read by IMAP") {
		t.Errorf("warnings:\n%s", text)
	}
	w.wantSound(t)
	w.later(25 * time.Hour)
	w.plant(t, stockPlan("then", 10))
	w.wantSound(t)
}

// A canary at a provider changes to another mailbox there, and the old one
// rests; one on an owned domain stays on owned domains.
func TestRotateInThePool(t *testing.T) {
	t.Parallel()
	w := newStocked(t, 800, slices.Concat(items(domains(), phones(8)), atProviders(t, 200, true))...)
	w.plant(t, stockPlan("base", 40))
	before, was := w.standing(t)
	boxes, _ := w.wantSound(t)
	w.later(time.Hour)
	report, err := w.seeder.Rotate(t.Context(), seeder.RotateConfig{Kind: canary.Email, PlacebosPerEmail: 1, Seed: []byte("rot")})
	if err != nil || report.Rotated < 8 || report.Rotated+report.Waiting != 40 {
		t.Fatalf("report %+v, %v", report, err)
	}
	_, is := w.standing(t)
	own := func(at map[string]int) (n int) {
		for domain, k := range at {
			if ownDomain(domain) {
				n += k
			}
		}
		return n
	}
	if own(was) != own(is) {
		t.Errorf("%d were on owned domains, %d are", own(was), own(is))
	}
	if now, _ := w.wantSound(t); now != boxes {
		t.Errorf("%d mailboxes in rows before, %d after", boxes, now)
	}
	rested := w.state(t, inventory.Quarantine, inventory.Mailbox)
	if rested != report.Rotated-own(was) {
		t.Errorf("%d mailboxes rest, %d were left", rested, report.Rotated-own(was))
	}
	if report, err = w.seeder.Rotate(t.Context(), seeder.RotateConfig{Kind: canary.Phone, Seed: []byte("p")}); err != nil || report.Rotated == 0 {
		t.Errorf("phones: %+v, %v", report, err)
	}
	w.wantSound(t)
	if out, err := w.seeder.Withdraw(t.Context(), seeder.WithdrawConfig{All: true}); err != nil || out.Withdrawn != len(before) {
		t.Fatalf("withdraw %+v, %v", out, err)
	}
	if boxes, _ := w.wantSound(t); boxes != 0 {
		t.Errorf("%d mailboxes are still in use", boxes)
	}
	w.later(11 * 24 * time.Hour)
	if n := w.state(t, inventory.Quarantine, inventory.Mailbox, inventory.Phone); n != 0 {
		t.Errorf("%d items rest too long", n)
	}
	again := w.plant(t, stockPlan("again", 40))
	if again.Live != 40 {
		t.Errorf("planted from what has rested: %+v", again)
	}
	w.wantSound(t)
}

// state counts the items of kinds that are in a state.
func (w *stocked) state(t *testing.T, s inventory.State, kinds ...inventory.Kind) int {
	t.Helper()
	list, err := w.reg.PoolItems(t.Context(), inventory.Filter{Kinds: kinds, Fits: func(i *inventory.Item) bool { return w.rules.State(i, w.now()) == s }})
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}

// Plant and rotate die before and after every write, and no item is ever in two
// rows, or lost.
func TestPoolSurvivesDeath(t *testing.T) {
	t.Parallel()
	w := newStocked(t, 800, slices.Concat(items(domains(), phones(30)), atProviders(t, 600, true))...)
	const count = 3
	for n := range 60 {
		cfg := stockPlan(canary.BatchID(fmt.Sprintf("die-%d", n)), count)
		at, survived := w.dieAt(t, n, func() { _, _ = w.seeder.Plant(t.Context(), cfg) })
		w.wantSound(t)
		w.later(time.Hour)
		if report := w.plant(t, cfg); report.Live != count || report.Retired != 0 {
			t.Errorf("resumed after dying %s: %+v", at, report)
		}
		w.wantSound(t)
		rot := seeder.RotateConfig{Kind: []canary.Kind{canary.Email, canary.Phone}[n%2], Count: 2, PlacebosPerEmail: 1, Seed: []byte(at)}
		at, _ = w.dieAt(t, n/2, func() { _, _ = w.seeder.Rotate(t.Context(), rot) })
		w.wantSound(t)
		if _, err := w.seeder.Rotate(t.Context(), rot); err != nil {
			t.Errorf("rotated after dying %s: %v", at, err)
		}
		w.wantSound(t)
		if all, _ := w.standing(t); len(all) != (n+1)*count || t.Failed() {
			t.Fatalf("%d canaries stand after dying %s (step %d)", len(all), at, n)
		}
		if survived {
			return
		}
	}
	t.Fatal("the run never came to its end")
}
