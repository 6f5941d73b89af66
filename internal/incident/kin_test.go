package incident_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/registry"
)

const day = 24 * time.Hour

// said makes a contact of a corpus one that reached a token, from a stranger of its own.
func (w *world) said(c *canary.Contact, n int) canary.Contact {
	var out canary.Contact
	switch c.Channel {
	case canary.IMAP:
		out = w.boxed(address(n), "")
		out.Source, out.Raw = w.contact(canary.IMAP).Source, c.Raw
	default:
		out = w.call(c.Channel, number(n), c.Text)
	}
	return out
}

// reasons of an incident that speak of its author.
func ofAuthor(inc *canary.Incident) (list []string) {
	for _, why := range inc.Reasons {
		if strings.Contains(why, " as in incident ") || strings.Contains(why, " came ") {
			list = append(list, why)
		}
	}
	return list
}

// TestOneAuthorComesBack: who comes back to a place after days with the same words, from
// the same number or address, goes on with the incident; another makes one of its own.
func TestOneAuthorComesBack(t *testing.T) {
	t.Parallel()
	const sameWords = "P4: the same words came back after more than 72 hours"
	for name, test := range map[string]struct {
		first, second func(*speech, *world, []string) canary.Contact
		why           string // empty: two incidents
	}{
		"a mail, then a text": {
			func(s *speech, w *world, p []string) canary.Contact { return w.said(s.mail(p[0]), 1) },
			func(s *speech, w *world, p []string) canary.Contact { return w.said(s.sms(p[0]), 2) }, sameWords,
		},
		"a call, then a mail": {
			func(s *speech, w *world, p []string) canary.Contact { return w.said(s.transcript(p[2]), 1) },
			func(s *speech, w *world, p []string) canary.Contact { return w.said(s.mail(p[2]), 2) }, sameWords,
		},
		"a text, then a call": {
			func(s *speech, w *world, p []string) canary.Contact { return w.said(s.sms(p[3]), 1) },
			func(s *speech, w *world, p []string) canary.Contact { return w.said(s.transcript(p[3]), 2) }, sameWords,
		},
		"other words": {
			func(s *speech, w *world, p []string) canary.Contact { return w.said(s.sms(p[3]), 1) },
			func(s *speech, w *world, p []string) canary.Contact { return w.said(s.transcript(p[4]), 2) }, "",
		},
		"one number": {
			func(_ *speech, w *world, _ []string) canary.Contact {
				c := w.call(canary.Voice, number(1), "hello")
				c.Source = "+442079460999"
				return c
			},
			func(_ *speech, w *world, _ []string) canary.Contact {
				c := w.call(canary.SMS, number(2), "good morning")
				c.Source = "+442079460999"
				return c
			}, "P4: the same caller came back after more than 72 hours",
		},
		"one sender": {
			func(_ *speech, w *world, _ []string) canary.Contact { return w.boxed(address(1), "Sam@scam.example") },
			func(_ *speech, w *world, _ []string) canary.Contact { return w.boxed(address(2), "sam@scam.example") },
			"P4: the same sender came back after more than 72 hours",
		},
		"one domain": {
			func(_ *speech, w *world, _ []string) canary.Contact { return w.boxed(address(1), "sam@scam.example") },
			func(_ *speech, w *world, _ []string) canary.Contact { return w.boxed(address(2), "tim@scam.example") }, "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			s, pitches := newSpeech(t, 11)
			w.plant("db:main", 1, 2)
			w.pass(day)
			w.take(test.first(s, w, pitches))
			w.pass(10 * day)
			w.take(test.second(s, w, pitches))
			list := w.incidents()
			if test.why == "" {
				if len(list) != 2 {
					t.Errorf("%d incidents, want 2", len(list))
				}
				return
			}
			if got := ofAuthor(&list[0]); len(list) != 1 || list[0].Contacts != 2 || !slices.Equal(got, []string{test.why}) {
				t.Errorf("%d incidents, the first of %d contacts: %q", len(list), list[0].Contacts, got)
			}
		})
	}
}

// TestOneAuthorOfTwoPlaces: each place has its incident, and the later one names the
// other, whether they come apart or together.
func TestOneAuthorOfTwoPlaces(t *testing.T) {
	t.Parallel()
	for _, together := range []bool{false, true} {
		w := newWorld(t)
		s, pitches := newSpeech(t, 12)
		w.plant("db:main", 1)
		w.plant("db:orders", 2, 3)
		w.pass(day)
		first := w.said(s.mail(pitches[5]), 1)
		if together {
			w.take(first, w.said(s.sms(pitches[5]), 2))
			if n := len(ofAuthor(&w.incidents()[0])) + len(ofAuthor(&w.incidents()[1])); n != 1 {
				t.Errorf("of a group %d incidents name another", n)
			}
		} else {
			w.take(first)
			w.pass(5 * day)
			w.take(w.said(s.sms(pitches[5]), 2))
		}
		w.take(w.said(s.sms(pitches[5]), 3)) // names it no second time
		list := w.incidents()
		if len(list) != 2 {
			t.Fatalf("%d incidents, want 2", len(list))
		}
		slices.SortFunc(list, func(a, b canary.Incident) int { return strings.Compare(string(a.Place), string(b.Place)) })
		if got, want := ofAuthor(&list[1]), []string{"P4: the same words as in incident " + string(list[0].ID) + ": if both are one leak, merge them"}; !slices.Equal(got, want) {
			t.Errorf("together %v: %q, want %q", together, got, want)
		}
	}
}

// TestClosedIncidentsAreNotContinued: what was judged stays as it was judged, and who
// comes back after that wakes people.
func TestClosedIncidentsAreNotContinued(t *testing.T) {
	t.Parallel()
	for _, v := range []canary.Verdict{canary.Leak, canary.Noise} {
		w := newWorld(t)
		s, pitches := newSpeech(t, 13)
		w.plant("db:main", 1, 2)
		w.pass(day)
		w.take(w.said(s.mail(pitches[5]), 1))
		must(t, w.reg.SetVerdict(w.ctx, w.only().ID, v, registry.By{Who: "dana", Via: "cli"}))
		w.pass(5 * day)
		w.take(w.said(s.sms(pitches[5]), 2))
		if list := w.incidents(); len(list) != 2 {
			t.Errorf("%s: %d incidents, want 2", v, len(list))
		}
	}
}

// TestAuthorBesideCanaries: what the author of an incident sends where no canary is
// belongs to the incident, and where it is a placebo, or only an unknown name, the
// incident says so.
func TestAuthorBesideCanaries(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ to, want string }{
		"a placebo":      {placebo(1), "P4: the same words came to an address or number that was never planted: noise does so, and whoever has the records does not"},
		"an unknown one": {"nobody.at.all@example.net", "P4: the same words came to an address or number of ours that is no canary's"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			s, pitches := newSpeech(t, 14)
			w.plant("db:main", 1)
			w.pass(day)
			w.take(w.said(s.sms(pitches[1]), 1))
			w.pass(time.Hour)
			c := w.boxed(test.to, "other@elsewhere.example")
			c.Raw = s.mail(pitches[1]).Raw
			stranger := w.boxed(test.to, "third@elsewhere.example")
			stranger.Raw = s.mail(pitches[7]).Raw
			w.take(c, stranger)
			inc := w.only()
			if got := ofAuthor(&inc); !slices.Equal(got, []string{test.want}) {
				t.Errorf("%q, want %q", got, test.want)
			}
			if got, want := w.joined(inc.ID), []string{string(c.ID) + ": the same words, 60 min after"}; !slices.Equal(got, want) || inc.Contacts != 1 || inc.Support != 1 {
				t.Errorf("joined %q, want %q; %d contacts, %d support", got, want, inc.Contacts, inc.Support)
			}
		})
	}
}

// TestWhoComesBackWakesPeople: after days, what would page by itself pages, though the
// incident was acknowledged; what would not does not, and neither does more of it within
// 72 hours.
func TestWhoComesBackWakesPeople(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		after time.Duration
		clean bool
		want  int // pages to those on duty
	}{{10 * day, true, 2}, {10 * day, false, 1}, {day, true, 1}} {
		w := newWorld(t)
		w.plant("db:main", 1, 2)
		w.pass(day)
		w.take(w.boxed(address(1), "sam@scam.example"))
		id := w.only().ID
		must(t, w.reg.Acknowledge(w.ctx, id, registry.By{Who: "dana", Via: "cli"}))
		w.pass(test.after)
		c := w.boxed(address(2), "sam@scam.example")
		if !test.clean {
			c.Channel, c.Ear, c.Probe = canary.SMTP, "test", true
		}
		w.take(c)
		woke := 0
		for _, p := range w.pages(id) {
			if p.Route == "duty" {
				woke++
			}
		}
		if woke != test.want {
			t.Errorf("after %s, clean %v: %d pages, want %d", test.after, test.clean, woke, test.want)
		}
	}
}
