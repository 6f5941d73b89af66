package seeder

import "saltmine/internal/canary"

// LooksMasked is looksMasked, for the tests.
func LooksMasked(kind canary.Kind, value, key string) bool { return looksMasked(kind, value, key) }
