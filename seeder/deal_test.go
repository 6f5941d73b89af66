package seeder_test

import (
	"slices"
	"testing"

	"saltmine/seeder"
)

// Where the table's small domains are of a country each, ours get no more
// canaries than their countries have people for, and are of one country too.
func TestDeal(t *testing.T) {
	people := map[string]float64{"US": 40, "DE": 12, "IT": 2}
	counts, homes := seeder.Deal(people, []string{"IT", "", "DE", "", ""}, []int{20, 14, 10, 4, 1})
	if want := []int{1, 20, 10, 14, 4}; !slices.Equal(counts, want) {
		t.Errorf("dealt %v, not %v", counts, want)
	}
	if want := []string{"", "US", "", "US", ""}; !slices.Equal(homes, want) {
		t.Errorf("at home in %q, not %q", homes, want)
	}
}

// For a donor whose town's number the pool lacks another with a number comes,
// until enough were turned away; then any number will do, and sooner the next time.
func TestTurnedAway(t *testing.T) {
	served := seeder.TurnAway(8, []bool{true, false, false, true})
	if want := []int{0, 8, 4, 0}; !slices.Equal(served, want) {
		t.Errorf("turned away %v, not %v", served, want)
	}
}
