package inventory_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"saltmine/internal/canary"
	"saltmine/internal/inventory"
)

func TestState(t *testing.T) {
	t.Parallel()
	domain := func(carried, capacity int) func(*inventory.Item) {
		return func(i *inventory.Item) {
			*i = inventory.Item{Kind: inventory.Domain, Text: "example.net", Added: start(), Carried: carried, Capacity: capacity}
		}
	}
	for name, c := range map[string]struct {
		make func(*inventory.Item)
		at   time.Duration
		want inventory.State
		room int
	}{
		"new":                    {func(*inventory.Item) {}, 0, inventory.Soaking, 0},
		"last moment of soak":    {func(*inventory.Item) {}, 30*day - 1, inventory.Soaking, 0},
		"soaked":                 {func(*inventory.Item) {}, 30 * day, inventory.Ready, 1},
		"own soak":               {func(i *inventory.Item) { i.Soak = 40 * day }, 39 * day, inventory.Soaking, 0},
		"shorter soak":           {func(i *inventory.Item) { i.Soak = day }, day, inventory.Ready, 1},
		"in use":                 {func(i *inventory.Item) { i.Token = "t_1" }, 60 * day, inventory.InUse, 0},
		"let go":                 {func(i *inventory.Item) { i.Freed = start().Add(40 * day) }, 60*day - 1, inventory.Quarantine, 0},
		"rested":                 {func(i *inventory.Item) { i.Freed = start().Add(40 * day) }, 60 * day, inventory.Ready, 1},
		"retired":                {func(i *inventory.Item) { i.Retired = start().Add(40 * day) }, 40 * day, inventory.Retired, 0},
		"to be retired":          {func(i *inventory.Item) { i.Retired = start().Add(40 * day) }, 40*day - 1, inventory.Ready, 1},
		"retired in use":         {func(i *inventory.Item) { i.Token, i.Retired = "t_1", start() }, 0, inventory.Retired, 0},
		"not listed":             {func(i *inventory.Item) { i.Unlisted = start() }, 60 * day, inventory.Retired, 0},
		"not listed, in use":     {func(i *inventory.Item) { i.Token, i.Unlisted = "t_1", start() }, 60 * day, inventory.InUse, 0},
		"domain with room":       {domain(2, 0), 30 * day, inventory.Ready, 1},
		"domain, full":           {domain(3, 0), 30 * day, inventory.InUse, 0},
		"domain, own room":       {domain(3, 10), 30 * day, inventory.Ready, 7},
		"domain that soaks":      {domain(0, 10), 3 * day, inventory.Soaking, 10},
		"domain beyond capacity": {domain(9, 0), 30 * day, inventory.InUse, 0},
	} {
		i := mailbox(1)
		c.make(&i)
		now := start().Add(c.at)
		if got := rules().State(&i, now); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
		i.Listed = true
		if got := rules().Room(&i, now); got != c.room {
			t.Errorf("%s: room for %d, want %d", name, got, c.room)
		}
	}
	if n := len(inventory.States()); n != 5 {
		t.Errorf("%d states", n)
	}
	if d := inventory.Defaults(); d.Soak != 30*day || d.Quarantine != 30*day || d.Capacity != 100 {
		t.Errorf("defaults %+v", d)
	}
}

func TestUseAndRelease(t *testing.T) {
	t.Parallel()
	r, i := rules(), mailbox(1)
	if _, err := r.Use(i, "t_1", start().Add(29*day)); !errors.Is(err, inventory.ErrNotReady) {
		t.Errorf("used while it soaked: %v", err)
	}
	if _, err := r.Use(i, "", start().Add(30*day)); !errors.Is(err, inventory.ErrNotReady) {
		t.Errorf("used without a token: %v", err)
	}
	if _, err := r.Release(i, start()); !errors.Is(err, inventory.ErrNotUsed) {
		t.Errorf("let go without a token: %v", err)
	}
	used, err := r.Use(i, "t_1", start().Add(30*day))
	if err != nil || used.Token != "t_1" || used.Used() != 1 || i.Token != "" {
		t.Fatalf("use: %v, %v", used.Token, err)
	}
	if _, err := r.Use(used, "t_2", start().Add(31*day)); !errors.Is(err, inventory.ErrNotReady) {
		t.Errorf("used twice: %v", err)
	}
	freed, err := r.Release(used, start().Add(50*day))
	if err != nil || freed.Token != "" || !freed.Freed.Equal(start().Add(50*day)) || !r.ReadyAt(&freed).Equal(start().Add(70*day)) {
		t.Fatalf("release: %v, ready %s", err, r.ReadyAt(&freed))
	}
	if _, err := r.Use(freed, "t_2", start().Add(69*day)); !errors.Is(err, inventory.ErrNotReady) {
		t.Errorf("used in quarantine: %v", err)
	}
	if _, err := r.Use(freed, "t_2", start().Add(70*day)); err != nil {
		t.Errorf("used after quarantine: %v", err)
	}
	domain := inventory.Item{Kind: inventory.Domain, Text: "example.net", Added: start(), Carried: 1}
	if _, err := r.Use(domain, "t_1", start().Add(60*day)); !errors.Is(err, inventory.ErrFree) {
		t.Errorf("a domain was taken: %v", err)
	}
	if _, err := r.Release(domain, start()); !errors.Is(err, inventory.ErrFree) {
		t.Errorf("a domain was given back: %v", err)
	}
}

func TestRetireAndHeard(t *testing.T) {
	t.Parallel()
	r := rules()
	gone := r.Retire(mailbox(1), start().Add(5*day), "sold")
	if again := r.Retire(gone, start().Add(9*day), "later"); !again.Retired.Equal(gone.Retired) || again.Reason != "sold" {
		t.Errorf("a later retirement won: %s %s", again.Retired, again.Reason)
	}
	if sooner := r.Retire(gone, start(), "lost"); !sooner.Retired.Equal(start()) || sooner.Reason != "lost" {
		t.Errorf("an earlier retirement lost: %s %s", sooner.Retired, sooner.Reason)
	}
	for name, c := range map[string]struct {
		make func(*inventory.Item)
		at   time.Duration
		want bool
	}{
		"in the soak":      {func(*inventory.Item) {}, 29 * day, true},
		"at its beginning": {func(*inventory.Item) {}, 0, true},
		"at its end":       {func(*inventory.Item) {}, 30 * day, false},
		"before it":        {func(*inventory.Item) {}, -1, false},
		"used since":       {func(i *inventory.Item) { i.Token = "t_1" }, day, false},
		"used before":      {func(i *inventory.Item) { i.Freed = start() }, day, false},
		"retired":          {func(i *inventory.Item) { i.Retired = start().Add(99 * day) }, day, false},
		"a domain":         {func(i *inventory.Item) { i.Kind = inventory.Domain }, day, false},
	} {
		i := mailbox(1)
		c.make(&i)
		got, gone := r.Heard(i, start().Add(c.at))
		if gone != c.want || gone && (!got.Retired.Equal(start().Add(c.at)) || got.Reason == "") {
			t.Errorf("%s: disqualified %v, retired %s", name, gone, got.Retired)
		}
	}
}

// ready is the n-th mailbox, ready since day n after its soak.
func ready(n int, country string) inventory.Item {
	i := mailbox(n)
	i.Added, i.Country = start().Add(time.Duration(n)*day), country
	return i
}

func TestTake(t *testing.T) {
	t.Parallel()
	now := start().Add(100 * day)
	rested := ready(1, "GB")
	rested.Freed = start().Add(60 * day) // ready at day 80
	number := phone("+442012345678")
	number.Country = "GB"
	expiring, faulty := ready(2, "GB"), ready(3, "GB")
	expiring.Expires = now.Add(inventory.Notice)
	faulty.Check.Findings = []inventory.Finding{{What: "login", Do: "x"}}
	renewed := ready(4, "IE")
	renewed.Expires, renewed.Check.Expires = now, now.Add(2*inventory.Notice) // the registry knows better
	locale := ready(7, "")
	locale.Locale = "en-IE"
	items := []inventory.Item{rested, expiring, faulty, renewed, ready(5, "GB"), ready(6, ""), locale, number, ready(90, "GB")}
	for name, c := range map[string]struct {
		n    int
		f    inventory.Filter
		want []int
	}{
		"all mailboxes":       {9, inventory.Filter{Kinds: []inventory.Kind{inventory.Mailbox}}, []int{4, 5, 6, 7, 1}},
		"two":                 {2, inventory.Filter{Kinds: []inventory.Kind{inventory.Mailbox}}, []int{4, 5}},
		"of a country":        {9, inventory.Filter{Kinds: []inventory.Kind{inventory.Mailbox}, Country: "GB"}, []int{5, 1, 6}},
		"by locale":           {9, inventory.Filter{Country: "IE"}, []int{4, 7, 6}},
		"of a provider":       {9, inventory.Filter{Provider: "outlook.example"}, nil},
		"what fits":           {9, inventory.Filter{Fits: func(i *inventory.Item) bool { return i.ID == mailbox(5).ID }}, []int{5}},
		"none":                {0, inventory.Filter{}, nil},
		"fewer than none":     {-1, inventory.Filter{}, nil},
		"mailboxes, seeds":    {1, inventory.Filter{Kinds: []inventory.Kind{inventory.Seed, inventory.Mailbox}}, []int{4}},
		"provider that has":   {1, inventory.Filter{Provider: "gmail.example"}, []int{4}},
		"a kind with nothing": {1, inventory.Filter{Kinds: []inventory.Kind{inventory.Domain}}, nil},
	} {
		var want, got []inventory.ID
		for _, n := range c.want {
			want = append(want, mailbox(n).ID)
		}
		for _, i := range rules().Take(items, c.n, c.f, now) {
			got = append(got, i.ID)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: took %v, want %v", name, got, want)
		}
	}
	domain := inventory.Item{Kind: inventory.Domain, Text: "example.net", Added: start()}
	if rules().Offers(&domain, now) {
		t.Error("a domain is offered on which no ear listens")
	}
	if domain.Listed = true; !rules().Offers(&domain, now) {
		t.Error("a listed domain is not offered")
	}
	if got := rules().Take(items, 1, inventory.Filter{Kinds: []inventory.Kind{inventory.Phone}}, now); len(got) != 1 || got[0].ID != number.ID {
		t.Errorf("phones: %v", got)
	}
}

// TestLives draws lives of an item and holds what the rules promise: no use
// within a soak or a quarantine, never two tokens, none after retirement.
func TestLives(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		r, now, i := rules(), start(), mailbox(1)
		lastFree := time.Time{}
		for step := range rapid.IntRange(1, 40).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(0, 25).Draw(t, "days")) * day)
			held, was := i.Token, i.Used()
			switch rapid.IntRange(0, 9).Draw(t, "what") {
			case 0:
				i = r.Retire(i, now, "x")
			case 1:
				i, _ = r.Heard(i, now)
			case 2, 3, 4:
				next, err := r.Release(i, now)
				if (err == nil) != (held != "") {
					t.Fatalf("release of %q: %v", held, err)
				}
				if i = next; err == nil {
					lastFree = now
				}
			default:
				id := canary.TokenID(fmt.Sprintf("t_%d", step))
				offered := len(r.Take([]inventory.Item{i}, 1, inventory.Filter{}, now)) == 1
				next, err := r.Use(i, id, now)
				if (err == nil) != offered {
					t.Fatalf("offered %v, used: %v", offered, err)
				}
				if i = next; err != nil {
					break
				}
				if was != 0 || now.Before(start().Add(r.Soak)) || !lastFree.IsZero() && now.Before(lastFree.Add(r.Quarantine)) || !i.Retired.IsZero() {
					t.Fatalf("used at %s: was %q, let go %s, retired %s", now, held, lastFree, i.Retired)
				}
			}
			if r.State(&i, now) == inventory.Ready && (now.Before(r.ReadyAt(&i)) || i.Token != "" || !i.Retired.IsZero()) {
				t.Fatalf("ready at %s: token %q, ready from %s, retired %s", now, i.Token, r.ReadyAt(&i), i.Retired)
			}
		}
	})
}
