package seeder_test

import (
	"fmt"
	"strings"
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

// At a provider where the pool has no mailbox in somebody's language, while it has
// some elsewhere, he gets one of his country: who speaks a rare language is
// otherwise left out. One of another country he does not get.
func TestBoxesForRareLanguages(t *testing.T) {
	t.Parallel()
	var people []persona.Person
	for i := range 2000 {
		country := []string{"DE", "FR"}[i%2]
		name := []string{"Maier", "Moreau", "Klein", "Petit"}[i%4]
		people = append(people, persona.Person{First: "Anna", Last: name, Email: fmt.Sprintf("anna.%s%d@mail.example", strings.ToLower(name), i), Country: country, Language: strings.ToLower(country)})
	}
	mix, err := persona.Learn(people)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		there, country, language string
		want                     int
	}{{"de-DE", "DE", "en", 20}, {"de-DE", "DE", "de", 20}, {"fr-FR", "DE", "en", 0}} {
		if got := seeder.Boxes(mix, c.there, "en-DE", persona.Person{First: "Klaus", Last: "Maier", Country: c.country, Language: c.language}, 20); got != c.want {
			t.Errorf("%+v: %d of 20", c, got)
		}
	}
}

// What a donor did later on the day of his sign-up, or at an hour of another day,
// a canary who signs up in the evening does not do at night.
func TestHoursStay(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 28, 15, 0, 0, 0, time.UTC) // a year before it was a Friday
	var afters []time.Duration
	for i := range 400 {
		afters = append(afters, 3*time.Hour+time.Duration(i)*90*time.Second) // from 11:00 to 21:00
	}
	night, other := 0, 0
	for _, at := range seeder.AtEvening(now, afters) {
		if at.Hour() < 7 {
			night++
		}
		if at.YearDay() != now.YearDay() {
			other++
		}
	}
	if night > 0 || other > 20 {
		t.Errorf("of 400 dates on the day of the sign-up %d are at night, and %d on another day", night, other)
	}
}
