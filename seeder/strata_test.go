package seeder_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"saltmine/internal/canary"
	"saltmine/seeder"
	"saltmine/seeder/supportdb"
)

// TestStrata spreads canaries over two columns, one of which the recipe does not
// name, is cut off in the middle, and is finished without saying the strata again.
func TestStrata(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	cfg := plan("strata", 30)
	cfg.With = nil
	cfg.Strata = []string{"country", "status"}
	cfg.Weights = []seeder.Weight{{Word: "country", Value: "US", Factor: 0.1}, {Word: "status", Value: "active", Factor: 2}}
	ctx, cancel := context.WithCancel(t.Context())
	cfg.Progress = func(done, _ int) {
		if done == 11 {
			cancel()
		}
	}
	if _, err := w.seeder.Plant(ctx, cfg); !errors.Is(err, context.Canceled) {
		t.Fatalf("it was not cut off: %v", err)
	}
	cfg.Progress = nil
	other := cfg
	other.Strata = []string{"product"}
	if _, err := w.seeder.Plant(t.Context(), other); !errors.Is(err, seeder.ErrBatch) {
		t.Errorf("resumed with other strata: %v", err)
	}
	cfg.Strata, cfg.Weights = nil, nil
	report := w.mustPlant(t, cfg)
	sum, us := 0, 0
	for _, s := range report.Strata {
		pairs := s.Segment.Pairs()
		got := w.number(t, "SELECT COUNT(*) FROM customers WHERE country = ? AND status = ? AND (email LIKE '%@example.net' OR email LIKE '%@mail.example.org' OR email LIKE '%@post.example.com')", pairs["country"], pairs["status"])
		if got != s.Count || s.Live != s.Count {
			t.Errorf("%s: %d stand, %d said, %d wanted", s.Segment, got, s.Live, s.Count)
		}
		if sum += s.Count; pairs["country"] == "US" {
			us += s.Count
		}
	}
	share := float64(w.number(t, "SELECT COUNT(*) FROM customers WHERE country = 'US'")) / 830
	if sum != 30 || float64(us) > 30*share/3 {
		t.Errorf("%d canaries, of which %d in the US; %.2f of the table are there", sum, us, share)
	}
}

// TestSegmentOfAnyColumn plants among rows that have a value in a column which
// the recipe does not name.
func TestSegmentOfAnyColumn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	cfg := plan("letters", 5)
	cfg.With, cfg.Segment = nil, "country=US,newsletter=1"
	w.mustPlant(t, cfg)
	if n := w.number(t, "SELECT COUNT(*) FROM customers WHERE country = 'US' AND newsletter = 1 AND (email LIKE '%@example.net' OR email LIKE '%@mail.example.org' OR email LIKE '%@post.example.com')"); n != 5 {
		t.Errorf("%d of 5 canaries are in the segment", n)
	}
	for name, change := range map[string]func(*seeder.PlantConfig){
		"segment": func(c *seeder.PlantConfig) { c.Segment = "contry=US" },
		"strata":  func(c *seeder.PlantConfig) { c.Strata = []string{"contry"} },
	} {
		wrong := plan("wrong", 5)
		change(&wrong)
		_, err := w.seeder.Plant(t.Context(), wrong)
		fault, is := errors.AsType[*supportdb.SchemaError](err)
		if !is || fault.Nearest != "country" {
			t.Errorf("%s: %v", name, err)
		}
	}
	unique := plan("unique", 5)
	unique.Strata = []string{"email"}
	if _, err := w.seeder.Plant(t.Context(), unique); !errors.Is(err, seeder.ErrConfig) || !strings.Contains(err.Error(), "200 strata") {
		t.Errorf("strata of one customer each: %v", err)
	}
}

// TestAllot: all canaries are given out, and no stratum is off its quota by one.
func TestAllot(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		rows, total := map[canary.Segment]int{}, 0.0
		for i, n := range rapid.SliceOfN(rapid.IntRange(1, 5000), 1, 40).Draw(t, "rows") {
			rows[canary.Segment(fmt.Sprintf("country=%02d", i))] = n
		}
		count, factor := rapid.IntRange(1, 2000).Draw(t, "count"), rapid.Float64Range(0.1, 50).Draw(t, "factor")
		list, err := seeder.Allot(count, rows, []seeder.Weight{{Word: "country", Value: "00", Factor: factor}})
		if err != nil {
			t.Fatal(err)
		}
		sum := 0
		for _, s := range list {
			sum += s.Count
			total += float64(s.Rows) * s.Weight
		}
		for _, s := range list {
			if quota := float64(count) * float64(s.Rows) * s.Weight / total; float64(s.Count) < quota-1 || float64(s.Count) > quota+1 {
				t.Fatalf("%s gets %d of a quota of %.2f", s.Segment, s.Count, quota)
			}
		}
		if sum != count {
			t.Fatalf("%d of %d were given out", sum, count)
		}
	})
	if _, err := seeder.Allot(5, map[canary.Segment]int{"country=US": 3}, []seeder.Weight{{Word: "country", Value: "UK", Factor: 2}}); !errors.Is(err, seeder.ErrConfig) {
		t.Errorf("a weight that meets nobody: %v", err)
	}
}
