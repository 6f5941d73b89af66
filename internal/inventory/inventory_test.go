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

func TestUpdateKeepsWhatIsLeftOut(t *testing.T) {
	t.Parallel()
	old := mailbox(1)
	old.Country, old.Locale, old.Soak, old.Token, old.Freed, old.Expires = "GB", "en-GB", 9*day, "t_1", start(), start().Add(90*day)
	got, err := old.Update(&inventory.Item{Kind: inventory.Mailbox})
	if err != nil || got.Country != "GB" || got.Locale != "en-GB" || got.Soak != 9*day || got.Token != "t_1" || !got.Added.Equal(old.Added) || !got.Expires.Equal(old.Expires) || got.Reading != old.Reading {
		t.Errorf("an empty description changed it: %v", err)
	}
	news := inventory.Item{
		Kind: inventory.Mailbox, Provider: "p", Country: "IE", Locale: "en-IE", Name: "n", Owner: "o", Consent: "c", Line: "mobile", Soak: day, Capacity: 7,
		Expires: start().Add(5 * day), Added: start().Add(-day), Reading: inventory.Reading{ForwardTo: "in@example.net"}, Listed: true,
	}
	old.Unlisted = start()
	got, err = old.Update(&news)
	if err != nil {
		t.Fatal(err)
	}
	want := news
	want.ID, want.Text, want.Token, want.Freed = old.ID, old.Text, old.Token, old.Freed
	if fmt.Sprintf("%+v", shown(&got)) != fmt.Sprintf("%+v", shown(&want)) {
		t.Errorf("got %+v\nwant %+v", shown(&got), shown(&want))
	}
	if _, err := old.Update(&inventory.Item{Kind: inventory.Seed}); !errors.Is(err, inventory.ErrClash) {
		t.Errorf("a mailbox became a seed: %v", err)
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
