package survey_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"saltmine/internal/inventory"
	"saltmine/internal/inventory/survey"
)

func TestDomainIsSound(t *testing.T) {
	t.Parallel()
	n, r := startDNS(t)
	n.set(t, sound()...)
	cfg := config(r)
	cfg.Dial = exchanger(t, borrowed(t))
	i := domain()
	c := survey.New(cfg).Check(t.Context(), &i)
	if len(c.Findings) != 0 || !c.At.Equal(start()) {
		t.Fatalf("found %q at %s", whats(c), c.At)
	}
	want := inventory.Seen{
		NS: []string{"ns1.example.org", "ns2.example.org"}, MX: []string{"mx1.example.org", "mx2.example.org"}, A: []string{"192.0.2.80", "2001:db8::80"},
		Issuer: "O=Acme Co", Leaf: c.Seen.Leaf,
	}
	if fmt.Sprint(c.Seen) != fmt.Sprint(want) || len(c.Seen.Leaf) != 64 {
		t.Errorf("saw %+v", c.Seen)
	}
	i.Check = c
	if again := survey.New(cfg).Check(t.Context(), &i); len(again.Findings) != 0 {
		t.Errorf("the second time: %q", whats(again))
	}
}

// TestDomainFaults takes one thing after the other out of a sound zone.
func TestDomainFaults(t *testing.T) {
	t.Parallel()
	without := func(what ...string) []string {
		return slices.DeleteFunc(sound(), func(line string) bool {
			return slices.ContainsFunc(what, func(w string) bool { return strings.Contains(line, w) })
		})
	}
	for name, c := range map[string]struct {
		zone []string
		want []string
	}{
		"not delegated":  {without(" NS "), []string{"it is not delegated"}},
		"no exchanger":   {without(" MX "), []string{"it has no MX record"}},
		"null exchanger": {append(without(" MX "), "example.net. MX 0 ."), []string{"it takes no mail"}},
		"no address":     {without("mx1.example.org. A"), []string{"its mail exchanger mx1.example.org has no address"}},
		"nothing at all": {nil, []string{"it is not delegated", "it has no MX record"}},
		"no web page":    {without("example.net. A"), nil},
		"exchanger fails": {append(without(" MX "), "example.net. MX 10 mx.fail.example."),
			[]string{"? the address of mx.fail.example could not be looked at: server misbehaving"}},
	} {
		n, r := startDNS(t)
		n.set(t, c.zone...)
		i := domain()
		i.Check.Seen.Issuer = "CA" // nobody dials: that there is no certificate is not seen
		got := whats(survey.New(config(r)).Check(t.Context(), &i))
		if len(got) != len(c.want) {
			t.Errorf("%s: found %q", name, got)
			continue
		}
		for k := range got {
			if !strings.HasPrefix(got[k], c.want[k]) {
				t.Errorf("%s: found %q, want %q", name, got[k], c.want[k])
			}
		}
	}
}

func TestDomainChanges(t *testing.T) {
	t.Parallel()
	n, r := startDNS(t)
	n.set(t, sound()...)
	cfg := config(r)
	cfg.Dial = exchanger(t, borrowed(t))
	i := domain()
	i.Check = survey.New(cfg).Check(t.Context(), &i)
	n.set(t, "example.net. NS ns.thief.example.", "example.net. MX 10 mx1.example.org.", "mx1.example.org. A 192.0.2.9")
	cfg.Dial = exchanger(t, nil) // no TLS any more
	c := survey.New(cfg).Check(t.Context(), &i)
	want := []string{
		"its name servers changed from ns1.example.org, ns2.example.org to ns.thief.example", "its mail exchangers changed", "its addresses changed from 192.0.2.80, 2001:db8::80 to none",
		"the issuer of its mail exchanger's certificate changed from O=Acme Co to none",
	}
	got := whats(c)
	for k := range want {
		if k >= len(got) || !strings.HasPrefix(got[k], want[k]) {
			t.Errorf("found %q, want %q", got, want[k])
		}
	}
	if len(got) != len(want) || !c.Faulty() {
		t.Errorf("found %q", got)
	}
	i.Check = c
	if again := survey.New(cfg).Check(t.Context(), &i); len(again.Findings) != 0 { // what is reported once is taken as right
		t.Errorf("the second time: %q", whats(again))
	}
}

// TestWhatCannotBeAsked: a resolver that fails and an exchanger that nobody
// reaches are no faults of the domain, and what was seen is kept.
func TestWhatCannotBeAsked(t *testing.T) {
	t.Parallel()
	n, r := startDNS(t)
	n.set(t)
	cfg := config(r)
	cfg.Dial = func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("no way out") }
	i := domain()
	i.Text = "example.fail"
	i.Check.Seen = inventory.Seen{NS: []string{"ns"}, MX: []string{"mx"}, A: []string{"192.0.2.1"}, Issuer: "CA", Leaf: "aa"}
	c := survey.New(cfg).Check(t.Context(), &i)
	got := whats(c)
	if len(got) != 3 || c.Faulty() || slices.ContainsFunc(got, func(s string) bool {
		return !strings.HasPrefix(s, "? its ") || !strings.HasSuffix(s, "server misbehaving")
	}) {
		t.Errorf("found %q", got)
	}
	if fmt.Sprint(c.Seen) != fmt.Sprint(i.Check.Seen) {
		t.Errorf("kept %+v", c.Seen)
	}
	n.set(t, sound()...)
	var nothing survey.Config
	nothing.Rules, nothing.Now = rules(), start
	if c := survey.New(nothing).Check(t.Context(), &i); len(c.Findings) != 0 || fmt.Sprint(c.Seen) != fmt.Sprint(i.Check.Seen) {
		t.Errorf("without a resolver: found %q, kept %+v", whats(c), c.Seen)
	}
	i = domain()
	i.Check.Seen = inventory.Seen{Issuer: "CA", Leaf: "aa"}
	if c := survey.New(cfg).Check(t.Context(), &i); len(c.Findings) != 0 || c.Seen.Issuer != "CA" || len(c.Seen.NS) != 2 {
		t.Errorf("found %q, saw %+v", whats(c), c.Seen)
	}
}

func TestCertificateRunsOut(t *testing.T) {
	t.Parallel()
	n, r := startDNS(t)
	n.set(t, sound()...)
	cfg := config(r)
	cfg.Dial = exchanger(t, borrowed(t))
	cfg.Now = func() time.Time { return start().AddDate(90, 0, 0) }
	i := domain()
	if got := whats(survey.New(cfg).Check(t.Context(), &i)); len(got) != 1 || !strings.HasPrefix(got[0], "the certificate of its mail exchanger mx1.example.org ran out on 2084-01-29") {
		t.Errorf("found %q", got)
	}
}

// TestCertificateOfAStranger: what an issuer is called is for a terminal too,
// and an exchanger that talks without end is left.
func TestCertificateOfAStranger(t *testing.T) {
	t.Parallel()
	n, r := startDNS(t)
	n.set(t, sound()...)
	cfg := config(r)
	cfg.Dial = exchanger(t, issued(t, "Acme\x1b[1m\x7f "+strings.Repeat("x", 300)))
	i := domain()
	if c := survey.New(cfg).Check(t.Context(), &i); strings.ContainsAny(c.Seen.Issuer, "\x1b\x7f") || !strings.Contains(c.Seen.Issuer, "Acme") || len(c.Seen.Issuer) != 200 {
		t.Errorf("the issuer is %q", c.Seen.Issuer)
	}
	cfg.Dial = says(t, strings.Repeat("220-still here\r\n", 10_000)+"220 ready\r\n", "250 hello\r\n", "502 no\r\n")
	i.Check.Seen.Issuer = "CA"
	if c := survey.New(cfg).Check(t.Context(), &i); len(c.Findings) != 0 || c.Seen.Issuer != "CA" {
		t.Errorf("found %q, saw %q", whats(c), c.Seen.Issuer)
	}
}

func TestBlockLists(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		zone []string
		want string
	}{
		"on none":      {nil, ""},
		"listed":       {[]string{"example.net.dbl.example. A 127.0.1.2"}, "it is on the block list DBL.example"},
		"refuses":      {[]string{"example.net.dbl.example. A 127.255.255.254"}, "? the block list DBL.example could not be looked at: it does not answer this resolver"},
		"refuses, too": {[]string{"example.net.dbl.example. A 127.0.0.1"}, "? the block list DBL.example could not be looked at: it does not answer"},
		"invents":      {[]string{"example.net.dbl.example. A 192.0.2.1"}, "? the block list DBL.example could not be looked at: its answers are those of a resolver"},
		"lists all":    {[]string{"example.net.dbl.example. A 127.0.1.2", "invalid.dbl.example. A 127.0.1.2"}, "? the block list DBL.example could not be looked at: it lists every name"},
	} {
		n, r := startDNS(t)
		n.set(t, append(sound(), c.zone...)...)
		cfg := config(r)
		cfg.BlockLists = []string{"DBL.example"}
		i := domain()
		s := survey.New(cfg)
		got := whats(s.Check(t.Context(), &i))
		if (c.want == "") != (len(got) == 0) || c.want != "" && !strings.HasPrefix(got[0], c.want) {
			t.Errorf("%s: found %q", name, got)
		}
		s.Check(t.Context(), &i)
		if asked := n.times("invalid.dbl.example."); asked != 1 {
			t.Errorf("%s: the list was tried %d times", name, asked)
		}
	}
	n, r := startDNS(t)
	n.set(t, sound()...)
	cfg := config(r)
	cfg.BlockLists = []string{"fail.example"}
	i := domain()
	if got := whats(survey.New(cfg).Check(t.Context(), &i)); len(got) != 1 || !strings.HasPrefix(got[0], "? the block list fail.example could not be looked at: server misbehaving") {
		t.Errorf("a list that fails: %q", got)
	}
}

func TestRegistrationAndDisposable(t *testing.T) {
	t.Parallel()
	var cfg survey.Config
	cfg.Rules, cfg.Now = rules(), start
	cfg.Disposable = func(d string) bool { return d == "example.net" }
	cfg.Registration = func(_ context.Context, d string) (time.Time, string, error) {
		return start().Add(30 * day), "new of " + d, nil
	}
	i := domain()
	i.Expires = start().Add(300 * day)
	i.Check.Registrar = "old"
	c := survey.New(cfg).Check(t.Context(), &i)
	got := whats(c)
	if len(got) != 3 || !strings.HasPrefix(got[0], "it is on the list of disposable") || got[1] != "its registrar was old and is now new of example.net" || got[2] != "it runs out on 2026-09-04" {
		t.Errorf("found %q", got)
	}
	if !c.Expires.Equal(start().Add(30*day)) || c.Registrar != "new of example.net" {
		t.Errorf("kept %s, %s", c.Expires, c.Registrar)
	}
	i.Check = c
	cfg.Disposable = nil
	cfg.Registration = func(context.Context, string) (time.Time, string, error) { return start().Add(90 * day), "", nil }
	if c := survey.New(cfg).Check(t.Context(), &i); len(c.Findings) != 0 || c.Registrar != "new of example.net" || !c.Expires.Equal(start().Add(90*day)) {
		t.Errorf("no registrar is said: %q, %s", whats(c), c.Registrar)
	}
	first := domain()
	cfg.Registration = func(context.Context, string) (time.Time, string, error) { return time.Time{}, "one", nil }
	if c := survey.New(cfg).Check(t.Context(), &first); len(c.Findings) != 0 || c.Registrar != "one" {
		t.Errorf("the first registrar: %q, %s", whats(c), c.Registrar)
	}
	cfg.Registration = func(context.Context, string) (time.Time, string, error) {
		return time.Time{}, "", errors.New("closed today")
	}
	c = survey.New(cfg).Check(t.Context(), &i)
	if got := whats(c); len(got) != 2 || got[0] != "? its registration data could not be looked at: closed today" || !c.Expires.Equal(start().Add(30*day)) {
		t.Errorf("found %q, expires %s", got, c.Expires)
	}
}

func TestMailboxesAndNumbers(t *testing.T) {
	t.Parallel()
	var cfg survey.Config
	cfg.Rules, cfg.Now = rules(), start
	cfg.Login = func(_ context.Context, r inventory.Reading) error {
		if r.User != "good" {
			return errors.New("refused")
		}
		return nil
	}
	for name, c := range map[string]struct {
		item inventory.Item
		want []string
	}{
		"opens":      {inventory.Item{Kind: inventory.Mailbox, Reading: inventory.Reading{Host: "h:1", User: "good"}}, nil},
		"is locked":  {inventory.Item{Kind: inventory.Seed, Reading: inventory.Reading{Host: "h:1", User: "bad"}}, []string{"it does not open: refused"}},
		"forwarded":  {inventory.Item{Kind: inventory.Mailbox, Reading: inventory.Reading{ForwardTo: "x@example.net"}}, nil},
		"stray":      {inventory.Item{Kind: inventory.Mailbox, Token: "t_1", Retired: start()}, []string{"it is retired"}},
		"runs out":   {inventory.Item{Kind: inventory.Phone, Text: "+442012345678", Expires: start().Add(59 * day)}, []string{"it runs out on"}},
		"made up":    {inventory.Item{Kind: inventory.Phone, Text: "+14155550142"}, []string{"its number is one of those kept"}},
		"dials well": {inventory.Item{Kind: inventory.Phone, Text: "+442012345678"}, nil},
	} {
		got := whats(survey.New(cfg).Check(t.Context(), &c.item))
		if len(got) != len(c.want) || len(got) == 1 && !strings.HasPrefix(got[0], c.want[0]) {
			t.Errorf("%s: found %q", name, got)
		}
	}
	cfg.Login = nil
	i := inventory.Item{Kind: inventory.Mailbox, Reading: inventory.Reading{Host: "h:1", User: "bad"}}
	if got := whats(survey.New(cfg).Check(t.Context(), &i)); len(got) != 0 {
		t.Errorf("without a login: %q", got)
	}
}

func TestRun(t *testing.T) {
	t.Parallel()
	var cfg survey.Config
	cfg.Rules, cfg.Now = rules(), start
	var items []inventory.Item
	for n := range 40 {
		items = append(items, inventory.Item{ID: inventory.ID(fmt.Sprintf("o_%d", n)), Kind: inventory.Phone, Text: "+442012345678"})
	}
	items[3].Retired, items[4].Retired, items[4].Token = start(), start(), "t_1"
	seen := map[inventory.ID]int{}
	err := survey.New(cfg).Run(t.Context(), items, func(i *inventory.Item, c inventory.Check) error {
		seen[i.ID]++
		if (len(c.Findings) > 0) != (i.ID == "o_4") {
			t.Errorf("%s: %q", i, whats(c))
		}
		return nil
	})
	if err != nil || len(seen) != 39 || seen["o_3"] != 0 {
		t.Errorf("%d items were looked at, %v", len(seen), err)
	}
	full, noted := errors.New("the disk is full"), 0
	err = survey.New(cfg).Run(t.Context(), items, func(*inventory.Item, inventory.Check) error { noted++; return full })
	if !errors.Is(err, full) || noted != 1 {
		t.Errorf("after the first failure %d were noted: %v", noted, err)
	}
	if err := survey.New(cfg).Run(t.Context(), nil, nil); err != nil {
		t.Errorf("nothing to look at: %v", err)
	}
}

// TestRunIsCutShort: what a cancelled look saw is not noted.
func TestRunIsCutShort(t *testing.T) {
	t.Parallel()
	var cfg survey.Config
	cfg.Rules, cfg.Now = rules(), start
	ctx, cancel := context.WithCancel(t.Context())
	var begun sync.WaitGroup
	begun.Add(8)
	cfg.Login = func(ctx context.Context, _ inventory.Reading) error {
		begun.Done()
		<-ctx.Done()
		return ctx.Err()
	}
	items := slices.Repeat([]inventory.Item{{Kind: inventory.Mailbox, Reading: inventory.Reading{Host: "h:1"}}}, 8)
	go func() { begun.Wait(); cancel() }() // eight at once
	err := survey.New(cfg).Run(ctx, items, func(i *inventory.Item, _ inventory.Check) error {
		t.Errorf("%s was noted", i)
		return nil
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("it ended with %v", err)
	}
}
