package inventory_test

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/inventory"
)

const day = 24 * time.Hour

func start() time.Time { return time.Date(2026, 8, 5, 10, 0, 0, 0, time.UTC) }

func rules() inventory.Rules {
	return inventory.Rules{Soak: 30 * day, Quarantine: 20 * day, Capacity: 3}
}

// mailbox is the n-th mailbox, added at the start.
func mailbox(n int) inventory.Item {
	return inventory.Item{
		ID: inventory.ID(fmt.Sprintf("o_%016d", n)), Kind: inventory.Mailbox, Text: fmt.Sprintf("dana.whitfield%d@gmail.example", n),
		Provider: "gmail.example", Added: start(),
		Reading: inventory.Reading{Host: "imap.gmail.example:993", User: fmt.Sprintf("dana.whitfield%d", n), SecretFile: "/secrets/one"},
	}
}

func phone(text string) inventory.Item {
	return inventory.Item{ID: inventory.NewID(), Kind: inventory.Phone, Text: text, Added: start()}
}

func TestItemsDoNotPrint(t *testing.T) {
	t.Parallel()
	i := mailbox(1)
	i.Owner, i.Consent, i.Name = "secret owner", "secret consent", "secret name"
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("taken", "item", i, "reading", i.Reading, "pointer", &i)
	for _, text := range []string{
		fmt.Sprint(i), fmt.Sprintf("%+v", i), fmt.Sprintf("%#v", i), fmt.Sprintf("%v", &i), fmt.Sprintf("%+v %#v", i.Reading, i.Reading),
		fmt.Sprintf("%+v", []inventory.Item{i}), log.String(),
	} {
		if strings.Contains(text, "whitfield") || strings.Contains(text, "secret") {
			t.Errorf("it prints %q", text)
		}
	}
	if !strings.Contains(log.String(), "mailbox o_0000000000000001") || !strings.Contains(log.String(), "reading=imap") {
		t.Errorf("the log names nothing: %s", log.String())
	}
	if s := (inventory.Reading{ForwardTo: "in@example.net"}).String(); s != "forwarded" {
		t.Errorf("a forwarded one is %q", s)
	}
}

// enter puts one description into a pool of one and gives what it became.
func enter(t *testing.T, old, news inventory.Item, whole bool) (inventory.Item, bool) {
	t.Helper()
	e, err := inventory.Enter([]inventory.Item{old}, []inventory.Item{news}, whole, start())
	if err != nil || len(e.Added)+len(e.Unlisted) != 0 {
		t.Fatalf("%d added, %d unlisted, %v", len(e.Added), len(e.Unlisted), err)
	}
	if len(e.Changed) == 0 {
		return old, false
	}
	return e.Changed[0], true
}

func TestEnterKeepsWhatIsLeftOut(t *testing.T) {
	t.Parallel()
	old := mailbox(1)
	old.Country, old.Locale, old.Soak, old.Token, old.Freed, old.Expires = "GB", "en-GB", 9*day, "t_1", start(), start().Add(90*day)
	bare := inventory.Item{Kind: inventory.Mailbox, Text: old.Text, Reading: old.Reading}
	if got, is := enter(t, old, bare, false); is {
		t.Errorf("a bare description changed it: %+v", shown(&got))
	}
	if got, is := enter(t, old, bare, true); !is || !got.Listed {
		t.Error("it is not listed")
	}
	news := inventory.Item{
		Kind: inventory.Mailbox, Text: old.Text, Provider: "p", Country: "IE", Locale: "en-IE", Name: "n", Soak: day,
		Expires: start().Add(5 * day), Added: start().Add(-day), Reading: inventory.Reading{ForwardTo: "in@example.net"},
	}
	old.Unlisted = start()
	got, is := enter(t, old, news, true)
	want := news
	want.ID, want.Token, want.Freed, want.Listed = old.ID, old.Token, old.Freed, true
	if !is || fmt.Sprint(shown(&got)) != fmt.Sprint(shown(&want)) {
		t.Errorf("got %+v\nwant %+v", shown(&got), shown(&want))
	}
	renewed := bare
	renewed.Expires = start().Add(95 * day)
	if got, is := enter(t, old, renewed, false); !is || !got.Expires.Equal(renewed.Expires) {
		t.Errorf("a new date alone is no news: %s", got.Expires)
	}
	if _, is := enter(t, got, news, true); is {
		t.Error("the same again changed it")
	}
	seed, seedNews := mailbox(2), mailbox(2)
	seed.Kind, seedNews.Kind = inventory.Seed, inventory.Seed
	seedNews.Owner, seedNews.Consent = "o", "c"
	if got, is := enter(t, seed, seedNews, false); !is || got.Owner != "o" || got.Consent != "c" {
		t.Errorf("owner %q, consent %q", got.Owner, got.Consent)
	}
	number, numberNews := phone("+442012345678"), phone("+442012345678")
	numberNews.Line = "mobile"
	if got, is := enter(t, number, numberNews, false); !is || got.Line != "mobile" {
		t.Errorf("line %q", got.Line)
	}
	domain := inventory.Item{Kind: inventory.Domain, Text: "example.net", Added: start()}
	domainNews := domain
	domainNews.Capacity = 7
	if got, is := enter(t, domain, domainNews, false); !is || got.Capacity != 7 {
		t.Errorf("capacity %d", got.Capacity)
	}
	if _, err := inventory.Enter([]inventory.Item{mailbox(2)}, []inventory.Item{seedNews}, true, start()); !errors.Is(err, inventory.ErrClash) {
		t.Errorf("a mailbox became a seed: %v", err)
	}
}

func TestEnter(t *testing.T) {
	t.Parallel()
	now := start().Add(3 * day)
	news := []inventory.Item{mailbox(1), phone("+442012345678"), {Kind: inventory.Domain, Text: "example.net"}}
	news[0].ID, news[0].Token, news[0].Freed, news[0].Retired, news[0].Carried = "o_mine", "t_1", start(), start(), 3
	news[1].Added = time.Time{}
	first, err := inventory.Enter(nil, news, true, now)
	if err != nil || len(first.Added) != 3 || len(first.Changed)+len(first.Unlisted) != 0 {
		t.Fatalf("%d added, %v", len(first.Added), err)
	}
	box, number := first.Added[0], first.Added[1]
	if box.ID == "o_mine" || box.Token != "" || !box.Freed.IsZero() || !box.Retired.IsZero() || box.Carried != 0 || !box.Added.Equal(start()) || !box.Listed {
		t.Errorf("a new item comes with facts: %+v", shown(&box))
	}
	if !number.Added.Equal(now) || number.ID == box.ID || !strings.HasPrefix(string(number.ID), "o_") {
		t.Errorf("added %s as %s", number.Added, number.ID)
	}
	byHand, err := inventory.Enter(first.Added, []inventory.Item{mailbox(5)}, false, now)
	if err != nil || len(byHand.Added) != 1 || byHand.Added[0].Listed || len(byHand.Unlisted) != 0 {
		t.Fatalf("by hand: %+v, %v", byHand, err)
	}
	pool := append(first.Added, byHand.Added...)
	again, err := inventory.Enter(pool, news[:1], true, now)
	if err != nil || len(again.Added)+len(again.Changed) != 0 || len(again.Unlisted) != 2 || again.Unlisted[0].ID != number.ID || !again.Unlisted[0].Unlisted.Equal(now) {
		t.Fatalf("two are listed no more: %+v, %v", again, err)
	}
	pool[1], pool[2] = again.Unlisted[0], again.Unlisted[1]
	later, err := inventory.Enter(pool, news, true, now.Add(day))
	if err != nil || len(later.Changed) != 2 || !later.Changed[0].Unlisted.IsZero() {
		t.Errorf("they are listed again: %+v, %v", later, err)
	}
	if again, err := inventory.Enter(pool, news[:1], true, now.Add(day)); err != nil || len(again.Unlisted) != 0 {
		t.Errorf("unlisted twice: %+v, %v", again, err)
	}
	one, two := mailbox(8), mailbox(9)
	one.Reading = inventory.Reading{ForwardTo: "in@example.net"}
	two.Reading = one.Reading
	if _, err := inventory.Enter([]inventory.Item{one}, []inventory.Item{two}, false, now); !errors.Is(err, inventory.ErrClash) {
		t.Errorf("two forward to one address: %v", err)
	}
	if _, err := inventory.Enter([]inventory.Item{one}, []inventory.Item{one, mailbox(9)}, false, now); err != nil {
		t.Errorf("one forwards: %v", err)
	}
	if _, err := inventory.Enter(nil, []inventory.Item{mailbox(1), mailbox(1)}, false, now); !errors.Is(err, inventory.ErrClash) {
		t.Errorf("entered twice at once: %v", err)
	}
	if _, err := inventory.Enter(nil, []inventory.Item{mailbox(1), {Kind: inventory.Phone}}, false, now); !errors.Is(err, inventory.ErrInvalid) {
		t.Errorf("a bad item was entered: %v", err)
	}
}

// shown lays an item open, which its own methods do not.
func shown(i *inventory.Item) any {
	type open struct {
		a, b, c, d, e, f, g, h, i, j string
		soak                         time.Duration
		capacity                     int
		listed                       bool
		times                        [5]time.Time
	}
	return open{
		string(i.ID), string(i.Kind), i.Text, i.Provider, i.Country, i.Locale, i.Name, i.Owner + "|" + i.Consent, i.Line + "|" + string(i.Token),
		i.Reading.Host + "|" + i.Reading.User + "|" + i.Reading.SecretFile + "|" + i.Reading.ForwardTo,
		i.Soak, i.Capacity, i.Listed, [5]time.Time{i.Expires, i.Added, i.Freed, i.Retired, i.Unlisted},
	}
}

func TestValidate(t *testing.T) {
	t.Parallel()
	seed := mailbox(2)
	seed.Kind, seed.Owner, seed.Consent = inventory.Seed, "J. Doe", "2026-08-01, folder 3"
	domain := inventory.Item{Kind: inventory.Domain, Text: "example.net", Capacity: 50}
	number := phone("+442012345678")
	number.Country, number.Line, number.Locale = "GB", "landline", "zh-Hant-TW"
	forwarded := mailbox(3)
	forwarded.Reading = inventory.Reading{ForwardTo: "in7@example.net"}
	for _, good := range []inventory.Item{mailbox(1), seed, domain, number, forwarded} {
		if err := good.Validate(); err != nil {
			t.Errorf("%s is refused: %v", good, err)
		}
	}
	for want, spoil := range map[string]func(*inventory.Item){
		"address: e-mail address":                    func(i *inventory.Item) { i.Text = "nobody" },
		"address: is not in canonical form":          func(i *inventory.Item) { i.Text = "Dana@gmail.example" },
		"address: addresses are told apart":          func(i *inventory.Item) { i.Text = "dana+x@gmail.example" },
		"domain: \"local\" is not":                   func(i *inventory.Item) { *i = inventory.Item{Kind: inventory.Domain, Text: "local"} },
		"number: the number has no leading '+'":      func(i *inventory.Item) { *i = phone("442012345678") },
		"number: phone number of 2 digits":           func(i *inventory.Item) { *i = phone("+44") },
		"domain: kind \"house\"":                     func(i *inventory.Item) { i.Kind = "house" },
		"country: \"gb\"":                            func(i *inventory.Item) { i.Country = "gb" },
		"locale: \"english\"":                        func(i *inventory.Item) { i.Locale = "english" },
		"type: \"fax\"":                              func(i *inventory.Item) { i.Line = "fax" },
		"provider: want at most 200 bytes":           func(i *inventory.Item) { i.Provider = strings.Repeat("x", 201) },
		"name: want at most":                         func(i *inventory.Item) { i.Name = "a\x1b[1m" },
		"imap: missing: give imap, or forward_to":    func(i *inventory.Item) { i.Reading = inventory.Reading{} },
		"forward_to: imap is given too":              func(i *inventory.Item) { i.Reading.ForwardTo = "in@example.net" },
		"forward_to: is not an address in canonical": func(i *inventory.Item) { i.Reading = inventory.Reading{ForwardTo: "In@example.net"} },
		"imap.host: \"imap\" is not host:port":       func(i *inventory.Item) { i.Reading.Host = "imap" },
		"imap.host: \":993\" is not host:port":       func(i *inventory.Item) { i.Reading.Host = ":993" },
		"imap.user: missing":                         func(i *inventory.Item) { i.Reading.User = "" },
		"imap.secret_file: missing":                  func(i *inventory.Item) { i.Reading.SecretFile = "" },
		"imap.token_file: secret_file is given too":  func(i *inventory.Item) { i.Reading.TokenFile = "x" },
		"imap.operator: \"Google\" is not a domain":  func(i *inventory.Item) { i.Reading.Operator = "Google" },
		"imap: a phone is not read this way":         func(i *inventory.Item) { r := i.Reading; *i = phone("+442012345678"); i.Reading = r },
		"owner: missing":                             func(i *inventory.Item) { i.Kind, i.Consent = inventory.Seed, "yes" },
		"consent: missing":                           func(i *inventory.Item) { i.Kind, i.Owner = inventory.Seed, "me" },
		"owner: owner and consent belong to seed":    func(i *inventory.Item) { i.Owner = "me" },
		"soak: must be longer":                       func(i *inventory.Item) { i.Soak = -1 },
		"capacity: is for domains alone":             func(i *inventory.Item) { i.Capacity = 2 },
		"capacity: is for domains alone, and at least": func(i *inventory.Item) {
			*i = inventory.Item{Kind: inventory.Domain, Text: "example.net", Capacity: -1}
		},
	} {
		i := mailbox(1)
		spoil(&i)
		err := i.Validate()
		if !errors.Is(err, inventory.ErrInvalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
			continue
		}
		if i.Kind != inventory.Domain && (strings.Contains(err.Error(), "whitfield") || strings.Contains(err.Error(), "dana")) {
			t.Errorf("the fault shows the address: %v", err)
		}
	}
	every := inventory.Item{Kind: inventory.Seed, Text: "x", Country: "x", Locale: "x"}
	if n := len(every.Faults()); n != 6 {
		t.Errorf("%d faults are reported, want 6: %v", n, every.Validate())
	}
}

func TestCanon(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		kind       inventory.Kind
		text, want string
		token      canary.Kind
	}{
		{inventory.Domain, " Example.NET. ", "example.net", ""},
		{inventory.Mailbox, "Dana.Whitfield@Gmail.example", "dana.whitfield@gmail.example", canary.Email},
		{inventory.Seed, "<j.doe@corp.example>", "j.doe@corp.example", canary.Email},
		{inventory.Phone, "+44 (20) 1234-5678", "+442012345678", canary.Phone},
	} {
		if got, err := inventory.Canon(c.kind, c.text); err != nil || got != c.want {
			t.Errorf("%s: %q, %v", c.kind, got, err)
		}
		if got := c.kind.Token(); got != c.token {
			t.Errorf("%s becomes a token of kind %q", c.kind, got)
		}
	}
	if n := len(inventory.Kinds()); n != 4 {
		t.Errorf("%d kinds", n)
	}
}
