package incident_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/registry"
)

// victim is what a person tells of a caller or sender.
func (w *world) victim(by, said string) canary.Contact {
	c := w.contact(canary.Report)
	c.Ear, c.Source, c.Text = canary.EarReport, "", by+"\n"+said
	c.Facts = map[string]string{canary.ReportedBy: by, canary.ReportedHow: "call"}
	return c
}

// joined are the reports of an incident, as "id: why".
func (w *world) joined(id canary.IncidentID) (list []string) {
	w.t.Helper()
	all, err := w.reg.JoinedTo(w.ctx, id, 1000)
	must(w.t, err)
	for _, j := range all {
		list = append(list, string(j.Contact)+": "+j.Why)
	}
	return list
}

const pasted = "Dear customer your Internet Security licence has expired today please call our billing department on the number below to avoid further charges"

func TestReportsJoinWhatTheyHaveInCommon(t *testing.T) {
	t.Parallel()
	call := func(w *world) canary.Contact {
		c := w.call(canary.Voice, number(1), "hello")
		c.Source = "+442079460999"
		return c
	}
	text := func(w *world) canary.Contact {
		c := w.call(canary.SMS, number(1), pasted)
		c.Source = "+442079460999"
		return c
	}
	mail := func(w *world) canary.Contact {
		c := w.mail(address(1))
		c.Source = "billing@renewals.example"
		c.Raw = []byte(strings.Replace(string(mailRaw("Renewal", pasted)), "Subject:", "From: Billing <support@help-desk.example>\r\nSubject:", 1))
		return c
	}
	everybody := func(w *world) canary.Contact {
		c := w.mail(address(1))
		c.Source = "billing@gmail.com"
		return c
	}
	named := func(w *world) canary.Contact {
		c := w.mail(address(1))
		c.Source = "billing@mail.scam.example"
		return c
	}
	for name, test := range map[string]struct {
		what     func(*world) canary.Contact
		by, said string
		why      string // empty: they have nothing in common
	}{
		"the number as the network has it": {call, "+442079460999", "he was rude", "the same caller +44…"},
		"as people write it":               {call, "(020) 7946-0999", "", "the same caller +44…"},
		"in a sentence":                    {call, "it was 020 7946 0999 I think", "", "the same caller +44…"},
		"with 00":                          {text, "0044 20 7946 0999", "", "the same caller +44…"},
		"with (0)":                         {text, "+44 (0) 20 7946 0999", "", "the same caller +44…"},
		"its end in another place":         {call, "0161 7946 0999", "", ""},
		"in another country":               {call, "+49 20 7946 0999", "", ""},
		"another number":                   {call, "+442079460998", "", ""},
		"a withheld number":                {call, "withheld", "he was rude", ""},
		"the envelope's sender":            {mail, "Billing@Renewals.example", "", "the same sender"},
		"the sender that people see":       {mail, "from Support <support@help-desk.example>", "", "the same sender"},
		"another sender of the domain":     {mail, "refunds@help-desk.example", "", "an address of the same domain"},
		"of a domain with such a name":     {named, "refunds@mail.scam.example", "", "an address of the same domain"},
		"another one of everybody's":       {everybody, "refunds@gmail.com", "", ""},
		"another sender":                   {mail, "refunds@elsewhere.example", "", ""},
		"the text, pasted":                 {text, "", "I got this: " + strings.ToUpper(pasted) + "! What shall I do?", "the same words"},
		"the mail, in part":                {mail, "", "it said my " + pasted[14:110] + " and more", "the same words"},
		"a phrase":                         {mail, "", "please call our billing people, they said", ""},
	} {
		for _, order := range []string{"after", "before"} {
			t.Run(name+", reported "+order, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				w.plant("db:main", 1)
				w.pass(5 * 24 * time.Hour)
				var report canary.Contact
				if order == "before" {
					report = w.victim(test.by, test.said)
					w.take(report)
					w.pass(3 * time.Hour)
				}
				w.take(test.what(w))
				if order == "after" {
					w.pass(3 * time.Hour)
					report = w.victim(test.by, test.said)
					w.take(report)
				}
				inc := w.only()
				var want []string
				if test.why != "" {
					want = []string{fmt.Sprintf("%s: %s, 3 h %s", report.ID, test.why, order)}
				}
				if got := w.joined(inc.ID); !slices.Equal(got, want) {
					t.Errorf("joined %q, want %q", got, want)
				}
				if said := strings.Join(inc.Reasons, "\n"); strings.Contains(said, "P4: a person reported") != (test.why != "") || strings.Contains(said, "+44") {
					t.Errorf("reasons: %s", said)
				}
			})
		}
	}
}

// TestReportsGiveTheirTime: where a person gives the time of the call, it is that
// which is compared.
func TestReportsGiveTheirTime(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.plant("db:main", 1)
	w.pass(time.Hour)
	c := w.call(canary.Voice, number(1), "hello")
	w.take(c)
	early, late := w.victim(c.Source, ""), w.victim(c.Source, "")
	early.Facts[canary.ReportedAt] = w.now().Add(-20 * time.Minute).Format(time.RFC3339)
	late.Facts[canary.ReportedAt] = w.now().Add(-40 * 24 * time.Hour).Format(time.RFC3339)
	w.pass(48 * time.Hour)
	w.take(early, late)
	if got, want := w.joined(w.only().ID), []string{string(early.ID) + ": the same caller +12…, 20 min before"}; !slices.Equal(got, want) {
		t.Errorf("joined %q, want %q", got, want)
	}
}

// TestReportThatNamesARecord: what a person tells is weighed as what a caller says.
func TestReportThatNamesARecord(t *testing.T) {
	t.Parallel()
	for said, want := range map[string]canary.Severity{
		"they asked for " + name(1) + " and knew ticket TK-2025-00001": canary.P1,
		"they knew my ticket number TK 2025 00001":                     canary.P2,
	} {
		w := newWorld(t)
		w.plant("db:main", 1)
		w.pass(time.Hour)
		first := w.victim("020 7946 0123", said)
		w.take(first)
		inc := w.only()
		if inc.Severity != want || inc.Place != "db:main" || inc.Contacts != 1 {
			t.Errorf("%q: %s at %s with %d contacts", said, inc.Severity, inc.Place, inc.Contacts)
		}
		if got := w.joined(inc.ID); got != nil {
			t.Errorf("it is a contact and joined as well: %q", got)
		}
		w.pass(time.Hour)
		second := w.victim("+44 20 7946 0123", "the same man rang me")
		w.take(second, w.victim("+44 20 7946 0123", said)) // who names the record too, and belongs to it by that
		if got, want := w.joined(inc.ID), []string{string(second.ID) + ": the same caller +44…, 60 min after"}; !slices.Equal(got, want) {
			t.Errorf("joined %q, want %q", got, want)
		}
	}
}

func TestSeveralReportsMakeAnIncident(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change func(n int, c *canary.Contact)
		pause  time.Duration
		made   int
	}{
		"three people":             {func(int, *canary.Contact) {}, time.Hour, 1},
		"an address":               {func(_ int, c *canary.Contact) { c.Facts[canary.ReportedBy] = "billing@renewals.example" }, time.Hour, 1},
		"of everybody's provider":  {func(n int, c *canary.Contact) { c.Facts[canary.ReportedBy] = fmt.Sprintf("scam%d@gmail.com", n) }, time.Hour, 0},
		"of one domain":            {func(n int, c *canary.Contact) { c.Facts[canary.ReportedBy] = fmt.Sprintf("scam%d@renewals.example", n) }, time.Hour, 0},
		"the same words alone":     {func(_ int, c *canary.Contact) { c.Facts[canary.ReportedBy], c.Text = "", pasted }, time.Hour, 0},
		"unknown callers":          {func(_ int, c *canary.Contact) { c.Facts[canary.ReportedBy] = "unknown" }, time.Hour, 0},
		"one person, three times":  {func(_ int, c *canary.Contact) { c.Peer = "198.51.100.7:99" }, time.Hour, 0},
		"one network of IPv6":      {func(n int, c *canary.Contact) { c.Peer = fmt.Sprintf("[2001:db8::%d]:99", n) }, time.Hour, 0},
		"one agent, three times":   {func(_ int, c *canary.Contact) { c.Peer, c.Source = "198.51.100.7:99", "j.doe" }, time.Hour, 0},
		"three agents of one desk": {func(n int, c *canary.Contact) { c.Peer, c.Source = "198.51.100.7:99", fmt.Sprint("agent", n) }, time.Hour, 1},
		"over two weeks":           {func(int, *canary.Contact) {}, 5 * 24 * time.Hour, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			for n := range 5 {
				c := w.victim("+442079460999", "he wanted money")
				test.change(n, &c)
				w.take(c)
				w.pass(test.pause)
				want := test.made
				if n < 2 { // two may be one's own
					want = 0
				}
				if got := len(w.incidents()); got != want {
					t.Fatalf("%d incidents after %d reports, want %d", got, n+1, want)
				}
			}
			for _, inc := range w.incidents() {
				if !inc.Place.Reports() || inc.Severity != canary.P3 || inc.Support != 5 || inc.Contacts != 0 {
					t.Errorf("%+v", inc)
				}
				list := w.pages(inc.ID)
				if len(list) == 0 || !strings.Contains(list[0].Page.Summary, "P3 reports: ") {
					t.Fatalf("%d pages: %+v", len(list), list)
				}
				if slices.ContainsFunc(list, func(p registry.PageStatus) bool { return p.Route == "duty" }) {
					t.Error("the route for P2 was told")
				}
			}
		})
	}
}

// TestOneCallerHasOneIncident, however people write the number; and when that was
// found to be noise, it takes as many people again to make another.
func TestOneCallerHasOneIncident(t *testing.T) {
	t.Parallel()
	for first := range 2 {
		w := newWorld(t)
		spelt := []string{"020 7946 0999", "+44 20 7946 0999"}
		for n := range 8 {
			w.take(w.victim(spelt[(n/3+first)%2], "he wanted money"))
			w.pass(time.Minute)
		}
		if inc := w.only(); inc.Support != 8 {
			t.Errorf("%d reports joined", inc.Support)
		}
		must(t, w.reg.SetVerdict(w.ctx, w.only().ID, canary.Noise, registry.By{}))
		for n := range 4 {
			w.take(w.victim("+44 20 7946 0999", "he wanted money"))
			w.pass(time.Minute)
			if got, want := len(w.incidents()), 1+n/2; got != min(want, 2) {
				t.Errorf("%d incidents after %d more reports", got, n+1)
			}
		}
	}
}

// TestReportsBeforeOneThatNamesARecord: those who told of the caller before belong to
// the incident of the record, and make none beside it.
func TestReportsBeforeOneThatNamesARecord(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.plant("db:main", 1)
	w.pass(time.Hour)
	w.take(w.victim("+442079460999", "he was rude"), w.victim("0044 20 7946 0999", "he wanted money"))
	w.take(w.victim("+44 20 7946 0999", "he knew "+name(1)+" and "+ticket(1)))
	if inc := w.only(); inc.Severity != canary.P1 || inc.Contacts != 1 || len(w.joined(inc.ID)) != 2 {
		t.Errorf("%+v: %q", inc, w.joined(inc.ID))
	}
}

// TestReportsOfAKnownCallerMakeNoOther: reports that belong to an incident make
// none of their own, and neither raise nor page it.
func TestReportsOfAKnownCallerMakeNoOther(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.plant("db:main", 1)
	w.pass(time.Hour)
	c := w.call(canary.Voice, number(1), "hello")
	w.take(c)
	before := w.only()
	pages := len(w.pages(before.ID))
	reports := func(n int) (list []canary.Contact) {
		for range n {
			list = append(list, w.victim(c.Source, "he rang me too"))
		}
		return list
	}
	w.take(reports(300)...)
	after := w.only()
	if after.Severity != before.Severity || len(w.pages(after.ID)) != pages || len(w.joined(after.ID)) != 300 {
		t.Errorf("%s, %d pages, %d reports; before %s, %d pages", after.Severity, len(w.pages(after.ID)), len(w.joined(after.ID)), before.Severity, pages)
	}
	w.take(reports(200)...)
	if n := len(w.joined(after.ID)); n != 400 {
		t.Errorf("an incident keeps %d reports", n)
	}
	must(t, w.reg.SetVerdict(w.ctx, after.ID, canary.Noise, registry.By{}))
	w.pass(time.Hour)
	late := w.victim(c.Source, "and me")
	w.take(late)
	if n := len(w.joined(after.ID)); n != 400 {
		t.Error("a report joined what was found to be noise")
	}
}

// TestReportersAreNotSearched: how a person can be reached is filed, and no more.
func TestReportersAreNotSearched(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.plant("db:main", 1)
	w.pass(time.Hour)
	c := w.victim("", name(1)+" "+ticket(1)+" "+address(1))
	c.Ear = canary.EarReporter
	w.take(c)
	w.filed(1)
	if n := len(w.incidents()); n != 0 {
		t.Errorf("%d incidents", n)
	}
}
