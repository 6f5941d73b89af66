package canary_test

import (
	"errors"
	"testing"
	"time"

	"pgregory.net/rapid"

	"saltmine/internal/canary"
)

func second(n int) time.Time { return time.Date(2026, 1, 1, 0, 0, n, 0, time.UTC) }

func TestWindowCertainAndPossible(t *testing.T) {
	t.Parallel()
	whole := canary.Window{Place: "db:main", From: canary.Between(second(10), second(12)), Until: canary.Between(second(20), second(22))}
	still := canary.Window{Place: "db:main", From: canary.At(second(10))}
	announced := canary.Window{Place: "db:main", From: canary.After(second(10))}
	closing := canary.Window{Place: "db:main", From: canary.At(second(10)), Until: canary.After(second(20))}
	for name, c := range map[string]struct {
		w                 canary.Window
		at                int
		certain, possible bool
	}{
		"before":                       {whole, 9, false, false},
		"inside the first doubt":       {whole, 10, false, true},
		"at the end of the doubt":      {whole, 12, true, true},
		"inside":                       {whole, 15, true, true},
		"just before it may end":       {whole, 19, true, true},
		"inside the last doubt":        {whole, 20, false, true},
		"the end is not in it":         {whole, 22, false, false},
		"open":                         {still, 1 << 20, true, true},
		"open at its first moment":     {still, 10, true, true},
		"announced, before":            {announced, 9, false, false},
		"announced":                    {announced, 11, false, true},
		"closing perhaps, before that": {closing, 19, true, true},
		"closing perhaps":              {closing, 21, false, true},
	} {
		if got := c.w.Certain(second(c.at)); got != c.certain {
			t.Errorf("%s: certain %v", name, got)
		}
		if got := c.w.Possible(second(c.at)); got != c.possible {
			t.Errorf("%s: possible %v", name, got)
		}
	}
}

func TestWindowValidate(t *testing.T) {
	t.Parallel()
	for name, w := range map[string]canary.Window{
		"zero":              {},
		"no place":          {From: canary.At(second(1))},
		"no beginning":      {Place: "db:main"},
		"from backwards":    {Place: "db:main", From: canary.Between(second(2), second(1))},
		"until backwards":   {Place: "db:main", From: canary.At(second(1)), Until: canary.Between(second(9), second(8))},
		"ends before start": {Place: "db:main", From: canary.At(second(5)), Until: canary.At(second(4))},
	} {
		if err := w.Validate(); !errors.Is(err, canary.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestCertainIsPossible: what is certain is possible, a certain instant lies
// after every possible beginning and before every possible end.
func TestCertainIsPossible(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		from := rapid.IntRange(0, 50).Draw(t, "from")
		w := canary.Window{Place: "db:main", From: canary.Between(second(from), second(from+rapid.IntRange(0, 9).Draw(t, "doubt")))}
		switch rapid.IntRange(0, 2).Draw(t, "end") {
		case 1:
			w.Until = canary.After(second(from + rapid.IntRange(0, 50).Draw(t, "announced")))
		case 2:
			until := from + rapid.IntRange(0, 50).Draw(t, "until")
			w.Until = canary.Between(second(until), second(until+rapid.IntRange(0, 9).Draw(t, "doubt at the end")))
		}
		if err := w.Validate(); err != nil {
			t.Fatal(err)
		}
		for n := range 130 {
			at := second(n)
			if w.Certain(at) && !w.Possible(at) {
				t.Fatalf("%+v is certain and not possible at %v", w, at)
			}
			if w.Possible(at) && (at.Before(w.From.Earliest) || w.Until.Come() && !at.Before(w.Until.Latest)) {
				t.Fatalf("%+v is possible at %v, outside of it", w, at)
			}
		}
	})
}
