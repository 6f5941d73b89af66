package incident_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"saltmine/internal/canary"
)

// tried is a name that the ear refused.
func (w *world) tried(to string) canary.Contact {
	c := w.mail(to)
	c.Targets[0].Refused, c.Probe, c.Raw = true, true, nil
	return c
}

// misspelt has one letter more than a planted address or a placebo.
func misspelt(address string) string { return "x" + address }

func (w *world) classed(c canary.Contact, want canary.Class) {
	w.t.Helper()
	got, err := w.reg.FiledContact(w.ctx, c.ID)
	must(w.t, err)
	if got.Class != want {
		w.t.Errorf("class %q, want %q", got.Class, want)
	}
}

// TestVariantIsFiled: an address one letter off a planted one is known for what it is,
// refused or not, and by itself wakes nobody.
func TestVariantIsFiled(t *testing.T) {
	t.Parallel()
	for name, made := range map[string]func(*world, string) canary.Contact{"refused": (*world).tried, "taken": func(w *world, to string) canary.Contact { return w.mail(to) }} {
		w := newWorld(t)
		w.plant("db:main", 1, 2, 3)
		w.pass(240 * time.Hour)
		for n := range 3 {
			c := made(w, misspelt(address(1+n)))
			w.take(c)
			w.classed(c, canary.ClassVariant)
		}
		inc := w.only()
		if inc.Severity != canary.P4 || inc.Contacts != 3 || inc.Canaries != 0 || inc.Weight != nil || len(inc.Reasons) != 1 || !strings.Contains(inc.Reasons[0], "one letter off a planted one") {
			t.Errorf("%s: %+v", name, inc)
		}
		far := made(w, "xx"+address(1))
		w.take(far)
		w.classed(far, canary.ClassUnknown)
		for _, p := range w.told() {
			if p.Route == "duty" {
				t.Errorf("%s: it woke somebody: %+v", name, p.Page)
			}
		}
	}
}

// TestTheSameAddressTwiceIsNoVariant of another that is a letter off.
func TestTheSameAddressTwiceIsNoVariant(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.plant("db:main", 1)
	w.plant("copy:backup", 2) // its address is one letter off
	w.pass(240 * time.Hour)
	c := w.mail(address(1))
	c.Targets = append(c.Targets, c.Targets[0])
	w.take(c)
	if inc := w.only(); inc.Place != "db:main" {
		t.Errorf("%+v", inc)
	}
}

// TestVariantThatNamesTheRecord: whoever mistypes the address and names what stands
// beside it has the record.
func TestVariantThatNamesTheRecord(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.plant("db:main", 1)
	w.pass(240 * time.Hour)
	c := w.mail(misspelt(address(1)))
	c.Raw = mailRaw("hello", "Dear "+name(1)+", about your ticket "+ticket(1))
	w.take(c)
	if inc := w.only(); inc.Severity != canary.P1 {
		t.Errorf("%+v", inc)
	}
	w.classed(c, canary.ClassVariant)
}

// TestVariantsOfAGuesser: a source that also comes near a placebo guesses.
func TestVariantsOfAGuesser(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.plant("db:main", 1, 2)
	w.pass(240 * time.Hour)
	first, second := w.tried(misspelt(placebo(1))), w.mail(address(2))
	second.Peer, second.Source = first.Peer, first.Source
	w.take(first, second)
	w.classed(first, canary.ClassPlacebo)
	if inc := w.only(); inc.Severity != canary.P4 || !strings.Contains(inc.Reasons[0], "it is guessing") {
		t.Errorf("%+v", inc)
	}
}

// TestVariantsAgainstPlacebos: only where many planted addresses were misspelt, and
// hardly a placebo, is that told as a sign.
func TestVariantsAgainstPlacebos(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		planted, placebos int
		want              canary.Severity
	}{{9, 0, canary.P4}, {11, 0, canary.P3}, {11, 2, canary.P4}, {40, 40, canary.P4}} {
		w := newWorld(t)
		w.plant("db:main", numbers(60)...)
		w.pass(2400 * time.Hour)
		for n := range test.placebos {
			w.take(w.tried(misspelt(placebo(1 + n))))
		}
		for n := range test.planted {
			w.take(w.tried(misspelt(address(1 + n))))
		}
		if inc := w.only(); inc.Severity != test.want || inc.Contacts != test.planted {
			t.Errorf("%d and %d placebos: %+v", test.planted, test.placebos, inc)
		}
	}
}

// TestDictionaryStorm: a storm of names near to planted addresses and placebos, each
// name from a source of its own, wakes nobody and makes one note.
func TestDictionaryStorm(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.plant("db:main", numbers(40)...)
	w.pass(2400 * time.Hour)
	var list []canary.Contact
	for n := range 40 {
		for _, c := range []string{"dana.whitfield%dx@example.net", "tom.placebo%dx@example.net", "info%d@example.net"} {
			list = append(list, w.tried(fmt.Sprintf(c, 1+n)))
		}
	}
	w.take(list...)
	pages := w.told()
	if len(pages) != 1 || slices.ContainsFunc(w.incidents(), func(i canary.Incident) bool { return i.Severity != canary.P4 }) {
		t.Errorf("%d pages, %+v", len(pages), w.incidents())
	}
}
