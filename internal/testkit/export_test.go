package testkit

import "testing"

// Find is find, for the tests.
func Find(names ...string) (string, error) { return find(names...) }

// FindRT is findRT, for the tests.
func FindRT(name string) (string, error) { return findRT(name) }

// Missing is missing, for the tests.
func Missing(tb testing.TB, err error, ci string) {
	tb.Helper()
	missing(tb, err, ci)
}
