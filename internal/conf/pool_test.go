package conf_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"saltmine/internal/conf"
	"saltmine/internal/inventory"
)

func TestNumbers(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	got, err := conf.Numbers(write(t, dir, "ok.csv", "\ufeffNumber,Country\n+14155550142,US\n\n# spare\n\"+44 20 7946 0018\"\r\n", 0o600))
	if err != nil || !slices.Equal(got, []string{"+14155550142", "+442079460018"}) {
		t.Errorf("got %d numbers, %v", len(got), err)
	}
	if _, err = conf.Numbers(dir + "/none"); err == nil {
		t.Error("a file that is not there was read")
	}
}

func TestPhones(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	date := func(y int, m time.Month, d int) time.Time { return time.Date(y, m, d, 0, 0, 0, 0, time.UTC) }
	want := inventory.Item{
		Kind: inventory.Phone, Text: "+14155550142", Country: "US", Provider: "twilio", Line: "mobile",
		Expires: date(2027, 3, 1), Added: date(2026, 8, 1), Soak: 60 * 24 * time.Hour,
	}
	for name, text := range map[string]string{
		"in the usual order": "+14155550142,US,twilio,Mobile,2027-03-01,2026-08-01,60d\n",
		"with a header":      "number,expiry,soak,added,type,provider,country\n+1 (415) 555-0142, 2027-03-01, 60d ,2026-08-01,mobile,twilio,US\n",
	} {
		got, err := conf.Phones(write(t, dir, name, text, 0o600))
		if err != nil || len(got) != 1 || fmt.Sprint(flat(got[0])) != fmt.Sprint(flat(want)) {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
	got, err := conf.Phones(write(t, dir, "bare", "+14155550142\n+442079460018\n", 0o600))
	if err != nil || len(got) != 2 || got[1].Text != "+442079460018" || got[1].Country != "" {
		t.Errorf("a bare list: %v, %v", got, err)
	}
}

func flat(i inventory.Item) []any {
	return []any{i.Kind, i.Text, i.Country, i.Provider, i.Line, i.Expires, i.Added, i.Soak, i.Locale, i.Name, i.Owner, i.Consent,
		i.Reading.Host, i.Reading.User, i.Reading.SecretFile, i.Reading.ForwardTo}
}

// TestPhonesFaults wants every bad line named with the file, and no number shown.
func TestPhonesFaults(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, tc := range map[string]struct {
		text string
		want []string
	}{
		"short":          {"number\n+14155550142\n+12\n", []string{":3: number: phone number of 2 digits is not in international form"}},
		"letters":        {"+1415CALLNOW\n", []string{":1: number: phone number with letters"}},
		"no plus":        {"14155550142\n", []string{":1: number: the number has no leading '+'"}},
		"twice":          {"+14155550142\n+1 415 555 0142\n", []string{":2: number: the number stands on line 1 already"}},
		"empty":          {"number\n\n", []string{":1: no number in it"}},
		"header":         {"+14155550142\nnumber\n", []string{":2: number: "}},
		"long":           {"+14155550142\n" + strings.Repeat("1", 70_000), []string{":2: number: "}},
		"every line":     {"x\n+14155550142\n+1\n", []string{":1: number: ", ":3: number: "}},
		"columns":        {"number,contry\n+14155550142,US\n", []string{`:1: unknown column "contry"`, `did you mean "country"?`}},
		"column twice":   {"number,type,type\n", []string{`:1: column "type" is there twice`}},
		"too many":       {"+14155550142,US,twilio,mobile,,,,more\n", []string{":1: 8 columns, at most 7 wanted"}},
		"every field":    {"+14155550142,us,,fax,soon,1/2/2026,0d\n", []string{":1: country: ", ":1: type: ", `:1: expiry: "soon" is not a date`, ":1: added: ", ":1: soak: must be longer than nothing"}},
		"a bad duration": {"+14155550142,,,,,,long\n", []string{":1: soak: "}},
		"open quote":     {"+14155550142\n\"+442079460018\n", []string{":2: a quote"}},
		"inner quote":    {"+1415\"5550142\n+1\n", []string{":1: a quote", ":2: number: "}},
		"endless":        {strings.Repeat("x\n", 1000), []string{":50: number: ", "the rest of the file was not read"}},
	} {
		path := write(t, dir, name, tc.text, 0o600)
		got, err := conf.Phones(path)
		if err == nil || got != nil {
			t.Errorf("%s: %d items, %v", name, len(got), err)
			continue
		}
		for _, want := range tc.want {
			if !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path+":") {
				t.Errorf("%s: got %v, want %q", name, err, want)
			}
		}
		said := strings.ReplaceAll(err.Error(), path, "") // the folder's name has random digits
		if strings.Contains(said, "555") || strings.Contains(said, "7946") || strings.Count(err.Error(), "\n") > 60 {
			t.Errorf("%s: the error shows a number, or is endless: %v", name, err)
		}
	}
}

const goodMailboxes = `
[[mailbox]]
address = "D.Whitfield81@mail.example"
name = "Dana Whitfield"
locale = "en-GB"
added = 2026-08-01
soak = "60d"
imap = { host = "imap.mail.example", user = "whitfield", secret_file = "one.secret" }

[[mailbox]]
address = "j.doe@corp.example"
kind = "seed"
provider = "corp"
country = "IE"
owner = "J. Doe"
consent = "folder 12"
expires = 2027-08-01T23:30:00Z
forward_to = "IN7@Example.net"
`

// landing takes names that end in a digit 7.
func landing() conf.Landing {
	return conf.Landing{Domains: []string{"example.net"}, Accept: func(local, _ string) bool { return strings.HasSuffix(local, "7") }}
}

func mailboxes(t *testing.T, text string) ([]inventory.Item, string, error) {
	t.Helper()
	dir := t.TempDir()
	write(t, dir, "one.secret", "hunter2", 0o600)
	write(t, dir, "open.secret", "hunter2", 0o644)
	got, err := conf.Mailboxes(write(t, dir, "mailboxes.toml", text, 0o600), landing())
	return got, dir, err
}

func TestMailboxes(t *testing.T) {
	t.Parallel()
	got, dir, err := mailboxes(t, goodMailboxes)
	if err != nil || len(got) != 2 {
		t.Fatalf("%d items, %v", len(got), err)
	}
	want := []inventory.Item{
		{
			Kind: inventory.Mailbox, Text: "d.whitfield81@mail.example", Provider: "mail.example", Name: "Dana Whitfield", Locale: "en-GB", Soak: 60 * 24 * time.Hour,
			Added:   time.Date(2026, 8, 1, 0, 0, 0, 0, time.UTC),
			Reading: inventory.Reading{Host: "imap.mail.example:993", User: "whitfield", SecretFile: filepath.Join(dir, "one.secret")},
		},
		{
			Kind: inventory.Seed, Text: "j.doe@corp.example", Provider: "corp", Country: "IE", Owner: "J. Doe", Consent: "folder 12",
			Expires: time.Date(2027, 8, 1, 0, 0, 0, 0, time.UTC), Reading: inventory.Reading{ForwardTo: "in7@example.net"},
		},
	}
	for i := range want {
		if g, w := fmt.Sprint(flat(got[i])), fmt.Sprint(flat(want[i])); g != w {
			t.Errorf("got  %s\nwant %s", g, w)
		}
	}
}

// TestMailboxesFaults wants every fault named with file and line, and nothing
// that could be a canary shown.
func TestMailboxesFaults(t *testing.T) {
	t.Parallel()
	const imap = "imap = { host = \"imap.mail.example\", user = \"whitfield\", secret_file = \"one.secret\" }\n"
	for name, tc := range map[string]struct {
		text string
		want []string
	}{
		"empty":     {"# nothing\n", []string{":1: no [[mailbox]] in it"}},
		"syntax":    {"[[mailbox]\n", []string{":2: "}},
		"unknown":   {"[[mailbox]]\naddress = \"whitfield@mail.example\"\nnmae = \"x\"\n" + imap, []string{":3: mailbox[0].nmae: unknown key; did you mean \"name\"?"}},
		"top":       {"mailboxes = 3\n", []string{":1: mailboxes: unknown key"}},
		"no list":   {"[mailbox]\naddress = \"whitfield@mail.example\"\n", []string{"want tables [[mailbox]]"}},
		"a kind":    {"[[mailbox]]\naddress = \"whitfield@mail.example\"\nkind = \"sead\"\n" + imap, []string{`:3: mailbox[0].kind: "sead" is not known`, `did you mean "seed"?`}},
		"an owner":  {"[[mailbox]]\naddress = \"whitfield@mail.example\"\nkind = \"seed\"\n" + imap, []string{":1: mailbox[0].owner: missing", ":1: mailbox[0].consent: missing"}},
		"not read":  {"[[mailbox]]\naddress = \"whitfield@mail.example\"\n", []string{":1: mailbox[0].imap: missing"}},
		"both ways": {"[[mailbox]]\naddress = \"whitfield@mail.example\"\nforward_to = \"in7@example.net\"\n" + imap, []string{":3: mailbox[0].forward_to: imap is given too"}},
		"secrets": {"[[mailbox]]\naddress = \"whitfield@mail.example\"\nimap = { host = \"a\", user = \"whitfield\", secret_file = \"none.secret\" }\n[[mailbox]]\naddress = \"whitfield2@mail.example\"\nimap = { host = \"a\", user = \"whitfield\", secret_file = \"open.secret\" }\n",
			[]string{":3: mailbox[0].imap.secret_file: secret file", ":6: mailbox[1].imap.secret_file", "readable by others"}},
		"half an account":   {"[[mailbox]]\naddress = \"whitfield@mail.example\"\nimap = { host = \"a\" }\n", []string{":3: mailbox[0].imap.user: missing", ":3: mailbox[0].imap.secret_file: missing"}},
		"a tag":             {"[[mailbox]]\naddress = \"whitfield+x@mail.example\"\n" + imap, []string{":2: mailbox[0].address: addresses are told apart"}},
		"no address":        {"[[mailbox]]\naddress = \"whitfield\"\n" + imap, []string{":2: mailbox[0].address: e-mail address of 9 bytes"}},
		"missing address":   {"[[mailbox]]\n" + imap, []string{":1: mailbox[0].address: "}},
		"twice":             {"[[mailbox]]\naddress = \"whitfield@mail.example\"\n" + imap + "[[mailbox]]\naddress = \"Whitfield@mail.example\"\n" + imap, []string{":5: mailbox[1].address: is that of mailbox[0].address too"}},
		"own domain":        {"[[mailbox]]\naddress = \"whitfield@example.net\"\n" + imap, []string{":2: mailbox[0].address: is on example.net, which is in domains"}},
		"foreign landing":   {"[[mailbox]]\naddress = \"whitfield@mail.example\"\nforward_to = \"in7@example.org\"\n", []string{":3: mailbox[0].forward_to: is not on one of the domains"}},
		"closed landing":    {"[[mailbox]]\naddress = \"whitfield@mail.example\"\nforward_to = \"in@example.net\"\n", []string{`:3: mailbox[0].forward_to: the mail ear does not take this name on example.net; it takes "in7"`}},
		"one landing":       {"[[mailbox]]\naddress = \"whitfield@mail.example\"\nforward_to = \"in7@example.net\"\n[[mailbox]]\naddress = \"whitfield2@mail.example\"\nforward_to = \"in7+x@example.net\"\n", []string{":6: mailbox[1].forward_to: is that of mailbox[0].forward_to too"}},
		"a wrong type once": {"[[mailbox]]\naddress = 7\n" + imap, []string{":2: mailbox[0].address: want a string, found an integer"}},
		"dates":             {"[[mailbox]]\naddress = \"whitfield@mail.example\"\nadded = \"soon\"\nexpires = 10:00:00\nsoak = \"0d\"\n" + imap, []string{":3: mailbox[0].added: want a date", ":4: mailbox[0].expires: want a date", ":5: mailbox[0].soak: must be longer"}},
		"a locale":          {"[[mailbox]]\naddress = \"whitfield@mail.example\"\nlocale = \"british\"\ncountry = \"UK1\"\n" + imap, []string{":3: mailbox[0].locale: ", ":4: mailbox[0].country: "}},
	} {
		got, dir, err := mailboxes(t, tc.text)
		if err == nil || got != nil {
			t.Errorf("%s: %d items, %v", name, len(got), err)
			continue
		}
		for _, want := range tc.want {
			if !strings.Contains(err.Error(), filepath.Join(dir, "mailboxes.toml")+":") || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: got %v, want %q", name, err, want)
			}
		}
		if strings.Contains(strings.ToLower(err.Error()), "whitfield") {
			t.Errorf("%s: the error shows the address: %v", name, err)
		}
		if name == "a wrong type once" && strings.Contains(err.Error(), "\n") {
			t.Errorf("one mistake gives more than one message: %v", err)
		}
	}
}

// TestMailboxesWithoutName wants a landing that takes nothing named as that.
func TestMailboxesWithoutName(t *testing.T) {
	t.Parallel()
	path := write(t, t.TempDir(), "m.toml", "[[mailbox]]\naddress = \"w@mail.example\"\nforward_to = \"in@example.net\"\n", 0o600)
	_, err := conf.Mailboxes(path, conf.Landing{Domains: []string{"example.net"}, Accept: func(string, string) bool { return false }})
	if err == nil || !strings.HasSuffix(err.Error(), "the mail ear does not take this name on example.net") {
		t.Errorf("got %v", err)
	}
	if _, err := conf.Mailboxes(path, conf.Landing{Domains: []string{"example.net"}}); err != nil {
		t.Errorf("without a rule: %v", err)
	}
	if _, err := conf.Mailboxes(path+"x", conf.Landing{}); err == nil {
		t.Error("a file that is not there was read")
	}
}

// FuzzPoolFiles reads anything as both files: what is taken is well formed, and
// what is refused names a line.
func FuzzPoolFiles(f *testing.F) {
	f.Add("number,country\n+14155550142,US\n")
	f.Add(strings.ReplaceAll(goodMailboxes, "imap = {", "imap = { # "))
	f.Add("[[mailbox]]\naddress = \"w@mail.example\"\nforward_to = \"in7@example.net\"\nadded = 1979-05-27\n")
	f.Add("\"+14155550142\n,,,\n")
	path := filepath.Join(f.TempDir(), "file")
	f.Fuzz(func(t *testing.T, text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		phones, err := conf.Phones(path)
		checkRead(t, phones, err)
		mailboxes, err := conf.Mailboxes(path, landing())
		checkRead(t, mailboxes, err)
	})
}

func checkRead(t *testing.T, items []inventory.Item, err error) {
	t.Helper()
	if (err == nil) != (len(items) > 0) || err != nil && !strings.Contains(err.Error(), "file:") {
		t.Fatalf("%d items, %v", len(items), err)
	}
	for i := range items {
		if err := items[i].Validate(); err != nil {
			t.Fatalf("taken: %v", err)
		}
	}
}

func TestReadDomains(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	d, err := conf.ReadDomains(write(t, dir, "ok", "\ufeff# a list\nMailer.example\n\n// more\n*.trash.example\r\n", 0o644))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{"mailer.example": true, "a.b.mailer.example": true, "trash.example": true, "xtrash.example": false, "example": false, "": false} {
		if got := d.Has(name); got != want {
			t.Errorf("%q is listed: %v", name, got)
		}
	}
	for name, tc := range map[string]struct{ text, want string }{
		"words":   {"a.example\nno domain\nlocal\n", ":2: \"no domain\" is not a domain name"},
		"second":  {"a.example\nno domain\nlocal\n", ":3: \"local\" is not"},
		"nothing": {"# nobody\n", ":1: no domain in it"},
		"long":    {"a.example\n" + strings.Repeat("x", 70_000), ":2: "},
	} {
		path := write(t, dir, name, tc.text, 0o644)
		if _, err := conf.ReadDomains(path); err == nil || !strings.Contains(err.Error(), path+tc.want) {
			t.Errorf("%s: got %v, want %q", name, err, tc.want)
		}
	}
	if _, err := conf.ReadDomains(dir + "/none"); err == nil {
		t.Error("a file that is not there was read")
	}
}

// FuzzReadDomains wants whatever is taken to be a list that has something.
func FuzzReadDomains(f *testing.F) {
	f.Add("a.example\n*.b.example\n")
	path := filepath.Join(f.TempDir(), "file")
	f.Fuzz(func(t *testing.T, text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if d, err := conf.ReadDomains(path); err == nil && d.Has("") {
			t.Error("it has the empty name")
		}
	})
}
