package incident_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/registry"
)

// inGroups runs a test with all records in one group, and with one record in
// each: what follows from them must be the same.
func inGroups(t *testing.T, test func(t *testing.T, w *world, take func(...canary.Contact))) {
	t.Helper()
	t.Run("one group", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		test(t, w, w.take)
	})
	t.Run("groups of one", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		test(t, w, func(list ...canary.Contact) {
			for _, c := range list {
				w.take(c)
			}
		})
	})
}

func TestMailOpensAnIncidentAndPages(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.plant("db:main", 1)
	woken := 0
	w.cfg.Wake = func() { woken++ }
	c := w.mail("Dana.Whitfield1+news@EXAMPLE.net")
	w.take(c)
	w.want(canary.P2, 1, 1, 0)
	inc := w.only()
	hits, err := w.reg.IncidentHits(t.Context(), inc.ID)
	must(t, err)
	if len(hits) != 1 || hits[0].Contact != c.ID || hits[0].Canary != canaryID(1) || !hits[0].Clean || !hits[0].At.Equal(c.At) || hits[0].Domain != w.reg.BlindDomain("example.net") {
		t.Errorf("hits %+v", hits)
	}
	got, err := w.reg.Contact(t.Context(), c.ID)
	must(t, err)
	if !bytes.Equal(got.Raw, c.Raw) || got.Source != c.Source {
		t.Errorf("filed %+v", got)
	}
	if p := w.pages(inc.ID); len(p) != 2 || p[0].Route != "duty" || p[1].Route != "log" || p[0].Page.ID != p[1].Page.ID || woken != 1 {
		t.Errorf("woken %d times, pages %+v", woken, p)
	}
	if w.spool.Acked() != 2 {
		t.Errorf("acknowledged up to %s, want 2", w.spool.Acked())
	}
	w.take()
	w.take(w.mail("nobody@example.net"), w.mail("not an address"))
	w.want(canary.P2, 1, 1, 0)
	w.filed(3)
}

func TestClosingRecordTakesThePlaceOfOpenOnes(t *testing.T) {
	t.Parallel()
	inGroups(t, func(t *testing.T, w *world, take func(...canary.Contact)) {
		w.plant("db:main", 1, 2)
		first := w.mail(address(1))
		first.Open, first.Raw = true, []byte("RCPT")
		second, closing := first, first
		second.Part, second.Targets = 1, []canary.Target{{Kind: canary.Email, Text: address(1)}, {Kind: canary.Email, Text: address(2)}}
		closing.Part, closing.Open, closing.Targets, closing.Raw = 2, false, second.Targets, mailRaw("a", "b")
		again := closing
		again.Part = 3
		take(first, second)
		if len(w.incidents()) != 0 {
			t.Errorf("open records made an incident")
		}
		w.filed(1)
		take(closing, again)
		w.want(canary.P2, 1, 2, 0)
	})
}

func TestCutOffDialogueIsAProbe(t *testing.T) {
	t.Parallel()
	inGroups(t, func(t *testing.T, w *world, take func(...canary.Contact)) {
		w.plant("db:main", 1, 2)
		open, other := w.mail(address(1)), w.mail(address(2))
		open.Open, other.Open = true, true
		open.Facts = nil
		take(open, other)
		in := w.intake()
		must(t, in.CloseCutOff(t.Context(), open.At))
		if len(w.incidents()) != 0 {
			t.Errorf("closed too early")
		}
		w.pass(time.Second)
		must(t, in.CloseCutOff(t.Context(), w.now()))
		must(t, in.CloseCutOff(t.Context(), w.now()))
		w.want(canary.P3, 2, 2, 0)
		c, err := w.reg.Contact(t.Context(), open.ID)
		must(t, err)
		if c.Open || !c.Probe || c.Facts["end"] != "cut off" {
			t.Errorf("filed %+v", c)
		}
		w.filed(2)
	})
}

func TestTheSameAgainChangesNothing(t *testing.T) {
	t.Parallel()
	inGroups(t, func(t *testing.T, w *world, take func(...canary.Contact)) {
		w.plant("db:main", 1)
		c, q := w.mail(address(1)), w.query("example.net")
		c2, q2 := c, q
		c2.Part, q2.Part = 1, 1
		take(q, c, q2, c2)
		w.want(canary.P2, 1, 1, 1)
		w.filed(2)
		if n := len(w.pages(w.only().ID)); n != 2 {
			t.Errorf("%d deliveries", n)
		}
	})
}

func TestUnreadableRecordIsKeptAndTheRestGoesOn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.plant("db:main", 1)
	encoded := func(c canary.Contact) []byte {
		plain, err := c.MarshalBinary()
		must(t, err)
		return plain
	}
	w.appendRaw("noise", []byte("not sealed at all"))
	w.append("form", []byte("SMC1 but no contact"))
	wide := w.mail(address(1))
	wide.Ear = strings.Repeat("e", 65)
	w.append("wide", encoded(wide))
	// A year that can be read and not be written, and bytes that grow in JSON.
	year := encoded(w.mail(address(1)))
	w.append("year", bytes.Replace(year, []byte(`"at":"2026-08-05T10:00:00.123456Z"`), []byte(`"at":"9999-12-31T23:59:59-12:00"`+"  "), 1))
	grow := w.mail(address(1))
	grow.Source = strings.Repeat("\x7f", 3<<20)
	w.append("grow", bytes.ReplaceAll(encoded(grow), []byte("\x7f"), []byte("\xff")))
	w.hear(w.mail(address(1)))
	w.drain()
	w.want(canary.P2, 1, 1, 0)
	w.filed(6)
	counts, err := w.reg.ContactCounts(t.Context())
	must(t, err)
	if counts["unverified"] != 5 {
		t.Errorf("%v", counts)
	}
	c, err := w.reg.Contact(t.Context(), "k_unread-local-000000000001")
	must(t, err)
	if string(c.Raw) != "not sealed at all" || !c.Unverified || c.Channel != canary.Report {
		t.Errorf("kept %+v", c)
	}
	if w.spool.Acked() != 7 {
		t.Errorf("acknowledged up to %s", w.spool.Acked())
	}
}

func TestUnverifiedMakesNoIncident(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.plant("db:main", 1)
	call := w.call(canary.Voice, number(1), name(1)+" "+ticket(1))
	text := w.call(canary.SMS, number(1), name(1))
	call.Unverified, text.Unverified = true, true
	w.take(call, text)
	if len(w.incidents()) != 0 {
		t.Errorf("incidents %+v", w.incidents())
	}
	w.filed(2)
}

func TestQueriesSupportMailsOfTheirDomain(t *testing.T) {
	t.Parallel()
	inGroups(t, func(t *testing.T, w *world, take func(...canary.Contact)) {
		w.plant("db:main", 1)
		at := func(c canary.Contact, d time.Duration) canary.Contact {
			c.At = w.now().Add(d)
			return c
		}
		take(at(w.query("example.net"), -15*time.Minute-time.Microsecond), at(w.query("example.net"), -15*time.Minute), at(w.query("example.net"), 15*time.Minute),
			at(w.query("example.org"), 0), at(w.query("example.net"), 15*time.Minute+time.Microsecond))
		if len(w.incidents()) != 0 {
			t.Errorf("queries alone made an incident")
		}
		take(w.mail(address(1)))
		w.want(canary.P2, 1, 1, 2)
		take(at(w.query("example.net"), time.Minute), at(w.query("example.org"), time.Minute), at(w.query("example.net"), 16*time.Minute))
		w.want(canary.P2, 1, 1, 3)
		take(w.mail(address(1)))
		w.want(canary.P2, 2, 1, 3)
	})
}

func TestQueriesThatSupportNothingMore(t *testing.T) {
	t.Parallel()
	inGroups(t, func(_ *testing.T, w *world, take func(...canary.Contact)) {
		w.plant("db:main", 1)
		flood := func() canary.Contact {
			c := w.query("example.net")
			c.Facts["queries"] = "70000"
			return c
		}
		take(flood(), w.mail(address(1)), flood())
		w.want(canary.P2, 1, 1, 0)
		for range 5 { // one who asks for ever
			var list []canary.Contact
			for range 50 {
				list = append(list, w.query("example.net"))
			}
			take(list...)
		}
		w.want(canary.P2, 1, 1, 200)
	})
}

func TestOneIncidentForEachPlaceAnd72Hours(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.plant("db:main", 1, 2)
	w.plant("copy:backup", 3)
	w.take(w.mail(address(1)), w.mail(address(3)))
	if n := len(w.incidents()); n != 2 {
		t.Fatalf("%d incidents, want one for each place", n)
	}
	w.pass(72 * time.Hour)
	w.take(w.mail(address(2)))
	if n := len(w.incidents()); n != 2 {
		t.Errorf("%d incidents after 72 hours, want 2", n)
	}
	w.pass(72*time.Hour + time.Microsecond)
	w.take(w.mail(address(1)))
	if n := len(w.incidents()); n != 3 {
		t.Errorf("%d incidents after more than 72 hours, want 3", n)
	}
}

// An intake that is days behind must group by the time of the contacts, not by
// the time at which it takes them in.
func TestLateIntakeGroupsAsAPromptOne(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.plant("db:main", 1, 2)
	first := w.mail(address(1))
	w.pass(time.Hour)
	second := w.mail(address(2))
	w.pass(240 * time.Hour)
	w.take(first)
	w.take(second)
	w.want(canary.P2, 2, 2, 0)
}

func TestMailToTwoCanaries(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.plant("db:main", 1, 2)
	w.plant("copy:backup", 3)
	w.take(w.mail(address(1), address(2), address(1), address(3)))
	for _, inc := range w.incidents() {
		canaries := map[canary.Place]int{"db:main": 2, "copy:backup": 1}[inc.Place]
		if inc.Contacts != 1 || inc.Canaries != canaries {
			t.Errorf("%+v, want 1 contact and %d canaries", inc, canaries)
		}
		if p := w.pages(inc.ID); len(p) == 0 || p[0].Page.Contacts != 1 || p[0].Page.Canaries != canaries {
			t.Errorf("page %+v", p)
		}
	}
	if n := len(w.incidents()); n != 2 {
		t.Errorf("%d incidents", n)
	}
}

func TestVerdictClosesTheIncident(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.plant("db:main", 1)
	w.take(w.mail(address(1)))
	closed := w.only().ID
	must(t, w.reg.SetVerdict(t.Context(), closed, canary.Noise, registry.By{}))
	w.pass(time.Minute)
	w.take(w.mail(address(1)))
	if n := len(w.incidents()); n != 2 {
		t.Fatalf("%d incidents, want a new one", n)
	}
	for _, inc := range w.incidents() {
		if n := len(w.pages(inc.ID)); inc.Contacts != 1 || n != 2 || (inc.ID == closed) != (inc.Verdict == canary.Noise) {
			t.Errorf("%d deliveries of %+v", n, inc)
		}
	}
}

func TestGuessersMakeNothingUrgent(t *testing.T) {
	t.Parallel()
	from := func(c canary.Contact, peer, source string) canary.Contact {
		c.Peer, c.Source = peer, source
		return c
	}
	for what, list := range map[string]func(w *world) []canary.Contact{
		"placebo before": func(w *world) []canary.Contact {
			return []canary.Contact{from(w.mail(placebo(1)), "192.0.2.9:1", "a@b.example"), from(w.mail(address(1)), "192.0.2.9:2", "A@b.example"), from(w.mail(address(2)), "192.0.2.9:3", "a@b.example")}
		},
		"placebo's mailbox before": func(w *world) []canary.Contact {
			return []canary.Contact{w.boxed(placebo(1), "Promo@large.example"), w.boxed(address(1), "promo@large.example"), w.boxed(address(2), "promo@large.example")}
		},
		"placebo in the same mail":     func(w *world) []canary.Contact { return []canary.Contact{w.mail(placebo(1), address(1), address(2))} },
		"placebo last in the same one": func(w *world) []canary.Contact { return []canary.Contact{w.mail(address(1), address(2), placebo(1))} },
		"caller": func(w *world) []canary.Contact {
			return []canary.Contact{from(w.call(canary.SMS, number(50001), ""), "", "+12125550000"), from(w.call(canary.SMS, number(1), "hi"), "", "+12125550000"),
				from(w.call(canary.SMS, number(2), "hi"), "", "+12125550000")}
		},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			inGroups(t, func(t *testing.T, w *world, take func(...canary.Contact)) {
				w.plant("db:main", 1, 2)
				take(list(w)...)
				if inc := w.only(); inc.Severity != canary.P4 || inc.Canaries != 2 {
					t.Errorf("%+v", inc)
				}
				for _, p := range w.pages(w.only().ID) {
					if p.Route != "log" {
						t.Errorf("route %s was told of a guesser", p.Route)
					}
				}
			})
		})
	}
}

func TestOtherOriginsAreNoGuessers(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct {
		list func(w *world) []canary.Contact
		want canary.Severity
	}{
		"another host": {func(w *world) []canary.Contact { return []canary.Contact{w.mail(placebo(1)), w.mail(address(1))} }, canary.P2},
		"long ago": {func(w *world) []canary.Contact {
			a, b := w.mail(placebo(1)), w.mail(address(1))
			a.Peer, a.Source, b.Peer, b.Source, a.At = "192.0.2.9:1", "a@b.example", "192.0.2.9:1", "b@b.example", a.At.Add(-72*time.Hour-time.Second)
			return []canary.Contact{a, b}
		}, canary.P2},
		"withheld numbers": {func(w *world) []canary.Contact {
			a, b := w.call(canary.Voice, number(50001), ""), w.call(canary.Voice, number(1), "this is about "+ticket(1))
			a.Source, b.Source = "anonymous", "anonymous"
			return []canary.Contact{a, b}
		}, canary.P1},
		"another sender at the same provider": {func(w *world) []canary.Contact {
			return []canary.Contact{w.boxed(placebo(1), "promo@large.example"), w.boxed(address(1), "buyer@large.example")}
		}, canary.P2},
		"no sender at all": {func(w *world) []canary.Contact {
			return []canary.Contact{w.boxed(placebo(1), ""), w.boxed(address(1), "")}
		}, canary.P2},
		"another caller at the same desk": {func(w *world) []canary.Contact {
			list := []canary.Contact{w.contact(canary.ByTicket, canary.Target{Kind: canary.Email, Text: placebo(1)}), w.contact(canary.ByTicket, canary.Target{Kind: canary.Ticket, Text: ticket(1)})}
			for i := range list {
				list[i].Source, list[i].Facts = "agent", map[string]string{"caller": fmt.Sprint("caller ", i)}
			}
			return list
		}, canary.P2},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			inGroups(t, func(_ *testing.T, w *world, take func(...canary.Contact)) {
				w.plant("db:main", 1)
				take(c.list(w)...)
				w.want(c.want, 1, 1, 0)
			})
		})
	}
}

func TestChannelsThroughTheIntake(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct {
		contacts func(w *world) []canary.Contact
		want     canary.Severity
		canaries int
	}{
		"unknown call":     {func(w *world) []canary.Contact { return []canary.Contact{w.call(canary.Voice, number(1), "hello")} }, canary.P4, 1},
		"call with ticket": {func(w *world) []canary.Contact { return []canary.Contact{w.call(canary.Voice, number(1), ticket(1))} }, canary.P1, 1},
		"another's ticket": {func(w *world) []canary.Contact { return []canary.Contact{w.call(canary.Voice, number(1), ticket(2))} }, canary.P2, 2},
		"text message":     {func(w *world) []canary.Contact { return []canary.Contact{w.call(canary.SMS, number(1), "you won")} }, canary.P3, 1},
		"ticket at the desk": {func(w *world) []canary.Contact {
			return []canary.Contact{w.contact(canary.ByTicket, canary.Target{Kind: canary.Ticket, Text: "#tk2025-00001"})}
		}, canary.P2, 1},
		"three clean mails": {func(w *world) []canary.Contact {
			return []canary.Contact{w.mail(address(1)), w.mail(address(2)), w.mail(address(3))}
		}, canary.P1, 3},
		"one mail to three": {func(w *world) []canary.Contact { return []canary.Contact{w.mail(address(1), address(2), address(3))} }, canary.P1, 3},
		"three mails to one": {func(w *world) []canary.Contact {
			return []canary.Contact{w.mail(address(1)), w.mail(address(1)), w.mail(address(1))}
		}, canary.P2, 1},
		"calls to three": {func(w *world) []canary.Contact {
			return []canary.Contact{w.call(canary.Voice, number(1), ""), w.call(canary.Voice, number(2), ""), w.call(canary.Voice, number(3), "")}
		}, canary.P3, 3},
		"two refused targets": {func(w *world) []canary.Contact {
			c := w.mail(address(1), address(2))
			c.Targets[0].Refused, c.Targets[1].Refused, c.Probe = true, true, true
			return []canary.Contact{c}
		}, canary.P3, 2},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			inGroups(t, func(_ *testing.T, w *world, take func(...canary.Contact)) {
				w.plant("db:main", 1, 2, 3)
				list := c.contacts(w)
				take(list...)
				w.want(c.want, len(list), c.canaries, 0)
			})
		})
	}
}
