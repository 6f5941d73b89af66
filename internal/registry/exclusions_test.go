package registry_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/exclude"
	"saltmine/internal/registry"
)

func question(customers ...string) exclude.Question {
	return exclude.Question{Caller: "campaigns", Customers: customers, At: start(), PerDay: 1000}
}

// TestExclusions: canaries are left out by any of their addresses and by the key
// of their row, placebos and strangers are not, and withdrawn rows' keys are
// somebody else's to have.
func TestExclusions(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, r *registry.Registry) {
		ctx, p := t.Context(), planting(1)
		must(t, r.Intend(ctx, []canary.Planting{p, planting(2)}))
		must(t, r.Amend(ctx, canary.Amendment{Canary: p.ID, State: canary.Planted, Keys: []byte("keys"), Row: "4711"}))
		must(t, r.Amend(ctx, canary.Amendment{Canary: planting(2).ID, State: canary.Retired, Keys: []byte("keys"), Row: "4712"}))
		for _, c := range []struct {
			byKey     bool
			customers []string
			want      string
		}{
			{false, []string{"Dana.Whitfield1@EXAMPLE.net ", "tom.placebo1@example.net", "else@example.net", "no address", "dana.whitfield2@example.net"}, "[true false false false true]"},
			{true, []string{"4711", "4712", "4713"}, "[true false false]"},
		} {
			got, err := r.Exclusions(c.byKey, 0).Ask(ctx, question(c.customers...))
			if err != nil || fmt.Sprint(got) != c.want {
				t.Errorf("by key %v: %v, %v; wanted %s", c.byKey, got, err, c.want)
			}
		}
	})
}

// TestExclusionBudget: what is over the day's budget is refused and counted,
// and the next day there is a budget again.
func TestExclusionBudget(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, r *registry.Registry) {
		x := r.Exclusions(false, 0)
		ask := func(at time.Time, n int) error {
			q := question(make([]string, n)...)
			for i := range q.Customers {
				q.Customers[i] = fmt.Sprintf("c%d@example.org", i)
			}
			q.PerDay, q.At = 10, at
			_, err := x.Ask(t.Context(), q)
			return err
		}
		must(t, ask(start(), 6))
		if err := ask(start(), 5); !errors.Is(err, exclude.ErrBudget) {
			t.Errorf("11 of 10: %v", err)
		}
		must(t, ask(start(), 4))
		must(t, ask(start().AddDate(0, 0, 1), 10))
		days, err := r.ExclusionDays(t.Context(), 10)
		if err != nil || len(days) != 2 || days[1].Asked != 10 || days[1].Refused != 5 || days[0].Asked != 10 || days[0].Caller != "campaigns" {
			t.Errorf("days %+v, %v", days, err)
		}
	})
}

// TestDecoys: about the share of customers is left out too, always the same
// ones, and none for a caller that is exact.
func TestDecoys(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, r *registry.Registry) {
		q := question()
		for i := range 2000 {
			q.Customers = append(q.Customers, fmt.Sprintf("customer%d@example.org", i))
		}
		q.PerDay = 100_000
		x := r.Exclusions(false, 0.05)
		first, err := x.Ask(t.Context(), q)
		must(t, err)
		again, err := x.Ask(t.Context(), q)
		must(t, err)
		n := 0
		for i := range first {
			if first[i] {
				n++
			}
			if first[i] != again[i] {
				t.Fatal("a decoy is none the second time")
			}
		}
		if n < 60 || n > 145 { // 100 are expected, and 4.6 deviations
			t.Errorf("%d of 2000 are decoys, at a share of 0.05", n)
		}
		q.Exact = true
		exact, err := x.Ask(t.Context(), q)
		must(t, err)
		for i := range exact {
			if exact[i] {
				t.Fatal("an exact caller got a decoy")
			}
		}
	})
}
