package seeder

import (
	"time"

	"saltmine/internal/canary"
)

// LooksMasked is looksMasked, for the tests.
func LooksMasked(kind canary.Kind, value, key string) bool { return looksMasked(kind, value, key) }

// Allot is allot, for the tests.
func Allot(count int, rows map[canary.Segment]int, weights []Weight) ([]canary.Stratum, error) {
	return allot(count, rows, weights)
}

// Tame is tame, for the tests.
func Tame(counts []int) []int { return tame(counts) }

// OrderHolds reports whether an order of two columns is learned from rows.
func OrderHolds(days bool, first, second []time.Time) bool {
	o := order{days: days}
	return o.holds(first, second)
}
