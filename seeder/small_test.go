package seeder_test

import (
	"testing"
	"time"

	"saltmine/seeder"
	"saltmine/seeder/persona"
	"saltmine/seeder/supportdb"
)

// A ticket is not moved to the second of the sign-up where the donor's was none
// of that second.
func TestCut(t *testing.T) {
	t.Parallel()
	start := until()
	for _, c := range []struct {
		after, before, donors, want time.Duration
		fits                        bool
	}{
		{-time.Hour, time.Hour, 30 * time.Second, 30 * time.Second, true},
		{-time.Hour, time.Hour, 90 * 24 * time.Hour, 10 * time.Minute, true},
		{time.Hour, 2 * time.Hour, 90 * 24 * time.Hour, time.Hour, true},
		{-time.Hour, time.Hour, 0, 0, true},
		{-time.Hour, time.Minute, time.Hour, 0, false},
	} {
		slot := supportdb.Slot{After: start.Add(c.after), Before: start.Add(c.before)}
		if fits := seeder.Cut(&slot, start, c.donors); fits != c.fits || fits && !slot.After.Equal(start.Add(c.want)) {
			t.Errorf("%+v: %t, from %s on", c, fits, slot.After.Sub(start))
		}
	}
}

// Who speaks a language of which his country has no mailbox has one of the country.
func TestSuits(t *testing.T) {
	t.Parallel()
	has := []string{"de-de", "de-ch", "fr-ch", "en-us"}
	for _, c := range []struct {
		locale, country, language string
		want                      bool
	}{
		{"de-DE", "DE", "de", true}, {"de-DE", "DE", "en", true}, {"en-US", "DE", "en", false},
		{"de-CH", "CH", "fr", false}, {"fr-CH", "CH", "fr", true}, {"de-CH", "CH", "it", true},
	} {
		if got := seeder.Suits(has, c.locale, persona.Person{Country: c.country, Language: c.language}); got != c.want {
			t.Errorf("%+v: %t", c, got)
		}
	}
}

// The gender tells who somebody is who has no salutation.
func TestGenderForSalutation(t *testing.T) {
	t.Parallel()
	for want, has := range map[string][2]string{"Mr": {"Mr", "f"}, "f": {"", "f"}, "": {"", ""}} {
		var facts supportdb.Row
		facts.Set("salutation", supportdb.Text(has[0]))
		facts.Set("gender", supportdb.Text(has[1]))
		if got := seeder.PersonOf(facts).Salutation; got != want {
			t.Errorf("%q: %q", has, got)
		}
	}
}
