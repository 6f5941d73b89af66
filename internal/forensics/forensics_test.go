package forensics_test

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/forensics"
)

// find gives the suspect with an id.
func find(t *testing.T, a forensics.Answer, id canary.ExtractID) forensics.Suspect {
	t.Helper()
	for _, s := range a.Suspects {
		if s.Extract == id {
			return s
		}
	}
	t.Fatalf("no suspect %q", id)
	return forensics.Suspect{}
}

func TestMembership(t *testing.T) {
	t.Parallel()
	// One token, in the row from day 10 to day 20, first contacted on day 25.
	window := open(day(10, 0), day(20, 0))
	h := hit(1, window, day(25, 0))
	h.Segment = "country=de,product=pro"
	segment := func(place canary.Place, s canary.Segment, taken canary.Moment) canary.Extract {
		return canary.Extract{ID: "E", Actor: "a", Taken: taken, Place: place, Segment: s}
	}
	elsewhere := extract("E", "a", canary.At(day(15, 0)), 1)
	elsewhere.Place = "copy:march"
	for name, tc := range map[string]struct {
		e    canary.Extract
		want int
		why  string
	}{
		"held":                 {extract("E", "a", canary.At(day(15, 0)), 1), 1, "held 1 canary, 0 of them silent"},
		"held among others":    {extract("E", "a", canary.At(day(15, 0)), 7, 1, 8, 1), 1, "held 3 canaries, 2 of them silent"},
		"other canary":         {extract("E", "a", canary.At(day(15, 0)), 2), 0, "1 hit on canaries that it did not hold"},
		"nothing held":         {extract("E", "a", canary.At(day(15, 0))), 0, "1 hit on canaries that it did not hold"},
		"before the token":     {extract("E", "a", canary.At(day(9, 0)), 1), 0, "1 hit on tokens that could not be read when it was taken"},
		"after the token":      {extract("E", "a", canary.At(day(21, 0)), 1), 0, "1 hit on tokens that could not be read when it was taken"},
		"in the first doubt":   {extract("E", "a", canary.At(day(10, 0)), 1), 1, ""},
		"in the last doubt":    {extract("E", "a", canary.At(day(20, 0)), 1), 1, ""},
		"past the last doubt":  {extract("E", "a", canary.At(day(20, 0).Add(time.Second)), 1), 0, ""},
		"interval reaches in":  {extract("E", "a", canary.Between(day(1, 0), day(10, 1)), 1), 1, ""},
		"interval over all":    {extract("E", "a", canary.Between(day(1, 0), day(99, 0)), 1), 1, ""},
		"interval stops short": {extract("E", "a", canary.Between(day(1, 0), day(9, 0)), 1), 0, ""},
		"held in another copy": {elsewhere, 0, "1 hit on canaries that it did not hold"},
		"whole table":          {segment(main, "", canary.At(day(15, 0))), 1, ""},
		"segment":              {segment(main, "country=de", canary.At(day(15, 0))), 1, ""},
		"other segment":        {segment(main, "country=fr", canary.At(day(15, 0))), 0, "1 hit on canaries that it did not hold"},
		"half another segment": {segment(main, "country=de,product=home", canary.At(day(15, 0))), 0, ""},
		"other place":          {segment("copy:march", "", canary.At(day(15, 0))), 0, ""},
		"segment too late":     {segment(main, "country=de", canary.At(day(22, 0))), 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := forensics.Trace(forensics.Question{Hits: []forensics.Hit{h}, Extracts: []canary.Extract{tc.e}})
			s := find(t, a, "E")
			if s.Explains != tc.want {
				t.Errorf("explains %d, want %d: %v", s.Explains, tc.want, s.Reasons)
			}
			if tc.why != "" && !slices.Contains(s.Reasons, tc.why) {
				t.Errorf("reasons %q lack %q", s.Reasons, tc.why)
			}
		})
	}
}

// TestOfAnotherRowBefore: a mailbox stood in one canary's row and then in
// another's. A contact that names nobody may stem from a copy of either.
func TestOfAnotherRowBefore(t *testing.T) {
	t.Parallel()
	now, was := open(day(20, 0), time.Time{}), open(day(1, 0), day(10, 0))
	h := hit(2, now, day(30, 0))
	other := hit(3, open(day(2, 0), time.Time{}), day(31, 0))
	tokens := []forensics.Live{
		{Token: h.Token, Canary: canaryID(2), Window: now},
		{Token: tokenID(1), Canary: canaryID(1), Window: was},
		{Token: h.Token, Canary: canaryID(1), Window: was}, // the same, as where the hit may come from
		{Token: other.Token, Canary: canaryID(3), Window: other.Window},
	}
	list := []canary.Extract{
		extract("then", "a", canary.At(day(5, 0)), 1, 3), extract("now", "b", canary.At(day(25, 0)), 2, 3), extract("both", "c", canary.At(day(25, 0)), 1, 2, 3),
		extract("between", "d", canary.At(day(15, 0)), 1, 2, 3), extract("old row", "e", canary.At(day(25, 0)), 1, 3), extract("one row", "f", canary.At(day(5, 0)), 1),
		{ID: "all then", Actor: "g", Place: main, Taken: canary.At(day(5, 0))},
	}
	a := forensics.Trace(forensics.Question{Hits: []forensics.Hit{h, other}, Tokens: tokens, Extracts: list})
	for id, want := range map[canary.ExtractID]int{"then": 2, "now": 2, "both": 2, "between": 1, "old row": 1, "one row": 1, "all then": 2} {
		if s := find(t, a, id); s.Explains != want {
			t.Errorf("%s explains %d, want %d: %v", id, s.Explains, want, s.Reasons)
		}
	}
	if s := find(t, a, "both"); s.Holds != 3 || s.Silent != 1 {
		t.Errorf("the extract of three holds %d, %d of them silent", s.Holds, s.Silent)
	}
	if len(a.Window) != 2 || !a.Window[0].Until.Equal(day(10, 0).Add(time.Second)) || !a.Window[1].From.Equal(day(20, 0)) || len(a.Hits[0].Windows) != 2 {
		t.Errorf("access windows %v, the hit's %v", a.Window, a.Hits[0].Windows)
	}
}

// TestANeverReadableTokenExplainsNothing: an insert that was rolled back has an
// empty window, and no extract can have held it, even one taken around it.
func TestANeverReadableTokenExplainsNothing(t *testing.T) {
	t.Parallel()
	never := canary.Window{Place: main, From: canary.At(day(10, 0)), Until: canary.At(day(10, 0))}
	around := canary.Between(day(1, 0), day(20, 0))
	for name, e := range map[string]canary.Extract{
		"held":    extract("E", "a", around, 1),
		"segment": {ID: "E", Actor: "a", Taken: around, Place: main},
	} {
		a := forensics.Trace(forensics.Question{Hits: []forensics.Hit{hit(1, never, day(25, 0))}, Extracts: []canary.Extract{e}})
		if s := find(t, a, "E"); s.Explains != 0 || !slices.Contains(s.Reasons, "1 hit on tokens that could not be read when it was taken") {
			t.Errorf("%s: explains %d: %v", name, s.Explains, s.Reasons)
		}
	}
}

func TestAContactBeforeTheExtractIsNotExplained(t *testing.T) {
	t.Parallel()
	w := open(day(0, 0), time.Time{})
	again := hit(1, w, day(30, 0)) // a repeat after the second extract proves nothing about it
	again.Contact = "k_repeated"
	both := hit(2, w, day(30, 0)) // which named another token, too
	both.Contact = "k_repeated"
	a := forensics.Trace(forensics.Question{
		Hits:     []forensics.Hit{again, hit(1, w, day(10, 0)), hit(2, w, day(12, 0)), both},
		Extracts: []canary.Extract{extract("E-first", "a", canary.At(day(5, 0)), 1, 2), extract("E-later", "b", canary.At(day(20, 0)), 1, 2)},
	})
	if a.Contacts != 3 || len(a.Hits) != 2 || !a.Hits[0].First.Equal(day(10, 0)) || a.Hits[0].Contacts != 2 {
		t.Errorf("repeats are not one hit: %+v", a.Hits)
	}
	if first := find(t, a, "E-first"); first.Verdict != forensics.ExplainsAll || a.Suspects[0].Extract != "E-first" {
		t.Errorf("the first extract: %+v", first)
	}
	later := find(t, a, "E-later")
	if later.Verdict != forensics.ExplainsNone || !slices.Contains(later.Reasons, "2 hits came before it was taken") {
		t.Errorf("the later extract: %+v", later)
	}
	if want := day(10, 0); !a.Window[0].Until.Equal(want) {
		t.Errorf("the window ends at %v, want the first contact %v", a.Window[0].Until, want)
	}
}

func TestSmallBeatsGiant(t *testing.T) {
	t.Parallel()
	q := forensics.Question{}
	var all []int
	for n := range 2000 {
		all = append(all, n)
		q.Tokens = append(q.Tokens, forensics.Live{Token: tokenID(n), Canary: canaryID(n), Window: open(day(0, 0), time.Time{})})
	}
	for n := range 5 {
		q.Hits = append(q.Hits, hit(n, open(day(0, 0), time.Time{}), day(9, float64(n))))
	}
	at := canary.At(day(5, 0))
	q.Extracts = []canary.Extract{
		extract("A-giant", "a", at, all...), extract("Z-small", "z", at, all[:50]...),
		{ID: "B-table", Actor: "b", Taken: at, Place: main}, extract("C-four", "c", at, append(slices.Clone(all[:4]), all[1000:1040]...)...), extract("D-none", "d", at, 77),
	}
	a := forensics.Trace(q)
	var order []canary.ExtractID
	for _, s := range a.Suspects {
		order = append(order, s.Extract)
	}
	if want := []canary.ExtractID{"Z-small", "C-four", "A-giant", "B-table", "", "D-none"}; !slices.Equal(order, want) {
		t.Errorf("order %q, want %q", order, want)
	}
	if a.All != 3 || a.Some != 1 || a.None != 1 {
		t.Errorf("counts %d, %d, %d", a.All, a.Some, a.None)
	}
	if s := find(t, a, "B-table"); s.Holds != 2000 || s.Silent != 1995 {
		t.Errorf("the table held %d, %d silent", s.Holds, s.Silent)
	}
	if lead, ok := a.Leading(); !ok || lead.Extract != "Z-small" {
		t.Errorf("leading: %+v", lead)
	}
}

func TestNotInTheLogIsAlwaysASuspect(t *testing.T) {
	t.Parallel()
	for name, q := range stories() {
		a := forensics.Trace(q)
		n := 0
		for _, s := range a.Suspects {
			if s.Unlogged {
				n++
			}
		}
		if n != 1 {
			t.Errorf("%s: %d times", name, n)
		}
		if c := a.Chances; c != nil && math.Abs(c.None+c.Unlogged+c.Known-1) > 3e-6 {
			t.Errorf("%s: no leak %v, in no log %v, known %v", name, c.None, c.Unlogged, c.Known)
		}
	}
	a := forensics.Trace(stories()["nobody"])
	if _, ok := a.Leading(); ok || !a.Suspects[0].Unlogged {
		t.Errorf("an extract that explains nothing leads: %+v", a.Suspects)
	}
}

func TestCertainAndPossible(t *testing.T) {
	t.Parallel()
	one := canary.Window{Place: main, From: canary.Between(day(1, 0), day(2, 0)), Until: canary.Between(day(8, 0), day(9, 0))}
	intended := canary.Window{Place: main, From: canary.After(day(3, 0))} // announced, perhaps never inserted
	closing := canary.Window{Place: main, From: canary.At(day(0, 0)), Until: canary.After(day(7, 0))}
	at := day(20, 0)
	interval := func(from, until time.Time) []forensics.Interval {
		return []forensics.Interval{{Place: main, From: from, Until: until}}
	}
	for name, tc := range map[string]struct {
		windows  []canary.Window
		possible []forensics.Interval
		certain  []forensics.Interval
	}{
		"one":      {[]canary.Window{one}, interval(day(1, 0), day(9, 0)), interval(day(2, 0), day(8, 0))},
		"intended": {[]canary.Window{one, intended}, interval(day(3, 0), day(9, 0)), []forensics.Interval{}},
		"closing":  {[]canary.Window{closing}, interval(day(0, 0), at), interval(day(0, 0), day(7, 0))},
	} {
		var hits []forensics.Hit
		for i, w := range tc.windows {
			hits = append(hits, hit(i, w, at))
		}
		a := forensics.Trace(forensics.Question{Hits: hits})
		if !slices.Equal(a.Window, tc.possible) || !slices.Equal(a.Certain, tc.certain) {
			t.Errorf("%s: possible %v, certain %v", name, a.Window, a.Certain)
		}
	}
}

func TestATokenThatCameBack(t *testing.T) {
	t.Parallel()
	// Token 1 stood in the row twice; token 2 throughout.
	first, second := open(day(0, 0), day(5, 0)), open(day(10, 0), day(15, 0))
	q := forensics.Question{
		Hits: []forensics.Hit{hit(1, second, day(30, 0)), hit(2, open(day(0, 0), time.Time{}), day(31, 0))},
		Tokens: []forensics.Live{
			{Token: tokenID(1), Canary: canaryID(1), Window: first}, {Token: tokenID(1), Canary: canaryID(1), Window: second},
			{Token: tokenID(2), Canary: canaryID(2), Window: open(day(0, 0), time.Time{})},
		},
		Extracts: []canary.Extract{
			{ID: "gap", Actor: "a", Taken: canary.At(day(7, 0)), Place: main},
			{ID: "first", Actor: "a", Taken: canary.At(day(2, 0)), Place: main},
			{ID: "long", Actor: "a", Taken: canary.Between(day(2, 0), day(12, 0)), Place: main},
		},
	}
	a := forensics.Trace(q)
	if len(a.Window) != 2 || !a.Window[1].From.Equal(day(10, 0)) {
		t.Errorf("two intervals expected: %v", a.Window)
	}
	for id, want := range map[canary.ExtractID][2]int{"gap": {1, 1}, "first": {2, 2}, "long": {2, 2}} {
		if s := find(t, a, id); s.Explains != want[0] || s.Holds != want[1] {
			t.Errorf("%s: explains %d, holds %d, want %v", id, s.Explains, s.Holds, want)
		}
	}
}

func TestHitsFromTwoPlacesDoNotFit(t *testing.T) {
	t.Parallel()
	copied := canary.Window{Place: "copy:march", From: canary.At(day(1, 0))}
	a := forensics.Trace(forensics.Question{Hits: []forensics.Hit{
		hit(1, open(day(0, 0), time.Time{}), day(9, 0)), hit(2, copied, day(9, 0)), hit(3, copied, day(10, 0)),
	}})
	if len(a.Window) != 0 || len(a.Peaks) != 2 || a.Peaks[0].Place != "copy:march" || a.Peaks[0].Tokens != 2 {
		t.Fatalf("window %v, peaks %v", a.Window, a.Peaks)
	}
	if !slices.Equal(a.Peaks[0].Without, []canary.TokenID{tokenID(1)}) {
		t.Errorf("without %v", a.Peaks[0].Without)
	}
	if !strings.Contains(strings.Join(a.Reasons, "\n"), "2 different places") {
		t.Errorf("reasons %q", a.Reasons)
	}
	if s := a.Suspects[0]; !s.Unlogged || s.Explains != 2 || s.Verdict != forensics.ExplainsSome {
		t.Errorf("one extract that nobody logged explains too much: %+v", s)
	}
}

func TestGreatestSetsThatFit(t *testing.T) {
	t.Parallel()
	a := forensics.Trace(stories()["apart"])
	if len(a.Window) != 0 || len(a.Peaks) != 2 {
		t.Fatalf("window %v, peaks %v", a.Window, a.Peaks)
	}
	if p := a.Peaks[0]; p.Tokens != 3 || !slices.Equal(p.Without, []canary.TokenID{tokenID(1), tokenID(2)}) {
		t.Errorf("greatest set: %+v", p)
	}
	if p := a.Peaks[1]; p.Tokens != 2 || !slices.Equal(p.Without, []canary.TokenID{tokenID(3), tokenID(4), tokenID(5)}) {
		t.Errorf("next set: %+v", p)
	}
}

func TestContactsAtOneMoment(t *testing.T) {
	t.Parallel()
	x, y := hit(1, open(day(0, 0), time.Time{}), day(9, 0)), hit(1, open(day(0, 0), time.Time{}), day(9, 0))
	x.Contact, y.Contact, y.Channel = "k_aaaaaaaa", "k_bbbbbbbb", canary.IMAP
	for _, hits := range [][]forensics.Hit{{x, y}, {y, x}} {
		got := forensics.Trace(forensics.Question{Hits: hits}).Hits[0]
		if got.Contact != "k_aaaaaaaa" || !slices.Equal(got.Channels, []canary.Channel{canary.IMAP, canary.SMTP}) {
			t.Errorf("depends on the order: %+v", got)
		}
	}
}
