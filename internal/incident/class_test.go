package incident_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/incident"
)

func TestClassify(t *testing.T) {
	t.Parallel()
	open := canary.Window{Place: "db:main", From: canary.At(start())}
	over := canary.Window{Place: "db:main", From: canary.At(start()), Until: canary.Between(start().Add(time.Hour), start().Add(2*time.Hour))}
	for what, c := range map[string]struct {
		text, via      string
		probe, refused bool
		role           canary.Role
		window         canary.Window
		after          time.Duration
		want           canary.Class
	}{
		"planted":                  {text: "<dana@example.net>", want: canary.ClassPlanted},
		"planted, capitals":        {text: "<Dana@EXAMPLE.net>", want: canary.ClassPlanted},
		"tagged":                   {text: "<dana+news@example.net>", want: canary.ClassVariant},
		"quoted":                   {text: `<"dana"@example.net>`, want: canary.ClassVariant},
		"through its forwarder":    {text: "<landing@example.org>", want: canary.ClassPlanted},
		"named in a text":          {text: "dana@example.net", via: canary.InText, want: canary.ClassPlanted},
		"placebo":                  {text: "<dana@example.net>", role: canary.RolePlacebo, want: canary.ClassPlacebo},
		"placebo probed":           {text: "<dana@example.net>", role: canary.RolePlacebo, probe: true, want: canary.ClassPlacebo},
		"probed":                   {text: "<dana@example.net>", probe: true, want: canary.ClassProbe},
		"refused":                  {text: "<dana@example.net>", refused: true, want: canary.ClassProbe},
		"while it may still stand": {text: "<dana@example.net>", window: over, after: 90 * time.Minute, want: canary.ClassPlanted},
		"retired":                  {text: "<dana@example.net>", window: over, after: 2 * time.Hour, want: canary.ClassRetired},
		"retired, tagged":          {text: "<dana+x@example.net>", window: over, after: 3 * time.Hour, want: canary.ClassRetired},
	} {
		contact := canary.Contact{Channel: canary.SMTP, At: start().Add(c.after), Probe: c.probe, Targets: []canary.Target{{Kind: canary.Email, Text: c.text, Via: c.via, Refused: c.refused}}}
		m := canary.Match{Token: canary.DatedToken{Token: canary.Token{Kind: canary.Email, Role: canary.RolePlanted, Text: "dana@example.net"}, Window: open}}
		if c.role != "" {
			m.Token.Role = c.role
		}
		if c.window.Place != "" {
			m.Token.Window = c.window
		}
		if got := incident.Classify(&contact, m); got != c.want {
			t.Errorf("%s: %s, want %s", what, got, c.want)
		}
	}
	mail := canary.Contact{Channel: canary.SMTP, Targets: []canary.Target{{}}}
	for _, c := range []struct {
		of   []canary.Class
		want canary.Class
	}{
		{nil, canary.ClassUnknown},
		{[]canary.Class{canary.ClassRetired, canary.ClassPlanted}, canary.ClassPlanted},
		{[]canary.Class{canary.ClassPlanted, canary.ClassPlacebo}, canary.ClassPlacebo},
		{[]canary.Class{canary.ClassRetired, canary.ClassVariant}, canary.ClassVariant},
	} {
		if got := incident.ClassOf(&mail, c.of...); got != c.want {
			t.Errorf("%v: %q, want %q", c.of, got, c.want)
		}
	}
	if got := incident.ClassOf(&canary.Contact{Channel: canary.DNS, Targets: []canary.Target{{}}}); got != "" {
		t.Errorf("a DNS query: %q", got)
	}
}

// storm reaches placebos, each from a source of its own.
func (w *world) storm(n int) {
	w.t.Helper()
	var list []canary.Contact
	for i := range n {
		list = append(list, w.mail(placebo(1+i)))
	}
	w.take(list...)
}

func numbers(n int) (list []int) {
	for i := range n {
		list = append(list, i+1)
	}
	return list
}

// TestRateOfPlacebos: a message weighs by itself while placebos are left alone;
// while they are not, what it says still does.
func TestRateOfPlacebos(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct {
		storm int
		say   string
		to    []int
		want  canary.Severity
	}{
		"quiet":              {say: "hello", to: []int{1}, want: canary.P2},
		"one stray":          {storm: 1, say: "hello", to: []int{1}, want: canary.P2},
		"burst":              {storm: 5, say: "hello", to: []int{1}, want: canary.P4},
		"burst, and ticket":  {storm: 5, say: "about TK202500001", to: []int{1}, want: canary.P1},
		"quiet, three":       {say: "hello", to: []int{1, 2, 3}, want: canary.P1},
		"burst, three":       {storm: 5, say: "hello", to: []int{1, 2, 3}, want: canary.P3},
		"burst, and a crowd": {storm: 5, say: "hello", to: numbers(40), want: canary.P1},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.plant("db:main", numbers(40)...)
			w.pass(240 * time.Hour)
			w.storm(c.storm)
			for _, n := range c.to {
				m := w.mail(address(n))
				m.Raw = mailRaw("hello", c.say)
				w.take(m)
			}
			w.want(c.want, len(c.to), len(c.to), 0)
		})
	}
}

// TestWeightOnThePage: the page says how sure it is with the inputs, and the
// incident keeps them.
func TestWeightOnThePage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.plant("db:main", numbers(4)...)
	w.pass(240 * time.Hour)
	w.storm(1)
	m := w.mail(address(1))
	m.Raw = mailRaw("hello", "Dana Whitfield1, about TK202500001")
	w.take(m)
	inc := w.only()
	if inc.Weight == nil || inc.Weight.Content != 1e5 || inc.Weight.Factor != inc.Weight.ByCount*1e5 || len(inc.Weight.Counts) != 2 {
		t.Fatalf("weight %+v", inc.Weight)
	}
	if c := inc.Weight.Counts[1]; c.Reached != 1 || c.Planted != 4 || c.Placebos != 4 || c.PlaceboHits != 1 || c.Kind != canary.Email || c.PlaceboYears < 0.1 {
		t.Errorf("inputs %+v", c)
	}
	pages := w.pages(inc.ID)
	if len(pages) == 0 || !strings.Contains(pages[0].Page.Sure, "Bayes factor of a leak against noise") || !strings.Contains(pages[0].Page.Sure, "1 of 4 planted emails in 72 hours and 1 of 4 placebos") {
		t.Errorf("pages %+v", pages)
	}
	hits, err := w.reg.IncidentHits(w.ctx, inc.ID)
	must(t, err)
	if len(hits) != 2 || hits[0].Class != canary.ClassPlanted || !hits[0].Counts || hits[0].Cell.Kind() != canary.Email {
		t.Errorf("hits %+v", hits)
	}
}

// TestRetiredSaysSo: the reasons tell that the token stood no more.
func TestRetiredSaysSo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.plant("db:main", 1)
	must(t, w.reg.Amend(w.ctx, canary.Amendment{Canary: canaryID(1), Windows: map[canary.TokenID]canary.Window{
		"t_e000000000001": {Place: "db:main", From: canary.At(start()), Until: canary.At(start().Add(time.Hour))}}}))
	w.pass(2 * time.Hour)
	w.take(w.mail(address(1)))
	if inc := w.only(); !slices.ContainsFunc(inc.Reasons, func(r string) bool { return strings.HasPrefix(r, "P4: ") && strings.Contains(r, "stood in no table") }) {
		t.Errorf("reasons %q", inc.Reasons)
	}
}
