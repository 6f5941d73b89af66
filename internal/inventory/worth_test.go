package inventory_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"saltmine/internal/inventory"
)

func near(a, b float64) bool { return math.Abs(a-b) < 5e-4 }

func TestOutlook(t *testing.T) {
	t.Parallel()
	// ATTRIBUTION's case: everything on own domains, 8 % of the rows in the tail.
	all := inventory.Stock{Own: 500, Domains: 10, Tail: 0.08, Extract: 0.0057}.Outlook()
	if !near(all.Share, 1) || !near(all.Bound, 0.96) || !near(all.Target, 0.18) {
		t.Errorf("all on owned domains: %+v", all)
	}
	// 500 on domains hide among 500/(.18/.82) = 2277.8 mailboxes.
	if all.Wanted != 2278 || all.Room != -500 || !near(all.NextMailbox.Canaries, 1.2195) {
		t.Errorf("to be bought: %+v", all)
	}
	if b := all.NextMailbox.Bound; !(b < all.Bound && near(b, 0.5+(500.0/501-0.08)/2)) {
		t.Errorf("one more mailbox: %v", b)
	}
	enough := inventory.Stock{Own: 500, Others: 2000, Waiting: 278, Domains: 10, Tail: 0.08}.Outlook()
	if enough.Wanted != 0 || enough.Room != 0 || !near(enough.Share, 0.2) || !near(enough.Bound, 0.56) {
		t.Errorf("enough: %+v", enough)
	}
	rare := inventory.Stock{Own: 0, Others: 100, Tail: 0.3}.Outlook()
	if !near(rare.Bound, 0.65) || rare.Room != 66 {
		t.Errorf("canaries too rare in the tail: %+v", rare)
	}
	if o := (inventory.Stock{Own: 10, Tail: -1}).Outlook(); !near(o.Bound, 1) || !near(o.Target, 0.1) {
		t.Errorf("tail not known: %+v", o)
	}
	if o := (inventory.Stock{Own: 10, Tail: 0.95}).Outlook(); o.Wanted != 0 || o.Room <= 0 {
		t.Errorf("a table that is all tail: %+v", o)
	}
	if o := (inventory.Stock{Own: 10, Tail: 0.9}).Outlook(); o.Wanted != 0 || o.Room <= 0 {
		t.Errorf("a target of all: %+v", o)
	}
	if o := (inventory.Stock{Tail: 0}).Outlook(); o.Share != 0 || !near(o.Bound, 0.5) || !near(o.NextMailbox.Bound, 0.5) {
		t.Errorf("nothing planted: %+v", o)
	}
	// k = 34 canaries on d domains: about k²/2d of them twice.
	seen := inventory.Stock{Own: 3400, Domains: 100, Extract: 0.01}.Outlook()
	if !near(seen.Repeats, 4.6228) || seen.DomainsFor1 != 578 || !(seen.NextDomain.Repeats < seen.Repeats) {
		t.Errorf("repeats: %+v", seen)
	}
}

func TestChanges(t *testing.T) {
	t.Parallel()
	before := inventory.Seen{NS: []string{"ns1.a"}, MX: []string{"mx.a"}, A: []string{"192.0.2.1"}, Issuer: "CA", Leaf: "aa"}
	if f := (inventory.Seen{}).Changes(before); len(f) != 0 {
		t.Errorf("the first look finds %v", f)
	}
	renewed := before
	renewed.Leaf = "bb"
	if f := before.Changes(renewed); len(f) != 0 {
		t.Errorf("a renewal is %v", f)
	}
	now := inventory.Seen{NS: []string{"ns1.b"}, A: []string{"192.0.2.2"}, Issuer: "other", Leaf: "cc"}
	var what []string
	for _, f := range before.Changes(now) {
		what = append(what, f.What)
		if !strings.Contains(f.Do, "registrar") {
			t.Errorf("nothing to do: %q", f.Do)
		}
	}
	for i, want := range []string{"its name servers changed from ns1.a to ns1.b", "its mail exchangers changed from mx.a to none", "its addresses changed", "the issuer of its mail exchanger's certificate changed from CA to other"} {
		if i >= len(what) || !strings.Contains(what[i], want) {
			t.Errorf("change %d of %q: want %q", i, what, want)
		}
	}
}

func TestRunningAndStrays(t *testing.T) {
	t.Parallel()
	now := start()
	for name, c := range map[string]struct {
		expires time.Duration
		want    string
	}{
		"far":     {inventory.Notice + 1, ""},
		"near":    {inventory.Notice, "it runs out on 2026-10-04"},
		"over":    {0, "it ran out on 2026-08-05"},
		"is gone": {-day, "it ran out on"},
	} {
		i := mailbox(1)
		i.Expires = now.Add(c.expires)
		f := i.Running(now)
		if (c.want == "") != (len(f) == 0) || len(f) == 1 && !strings.Contains(f[0].What, c.want) {
			t.Errorf("%s: %v", name, f)
		}
	}
	i := mailbox(1)
	if len(i.Running(now))+len(i.Strays(now)) != 0 {
		t.Error("a healthy item is found at fault")
	}
	i.Retired = now
	if f := i.Strays(now); len(f) != 0 {
		t.Errorf("retired and unused: %v", f)
	}
	i.Token = "t_1"
	if f := i.Strays(now); len(f) != 1 || !strings.Contains(f[0].What, "retired") {
		t.Errorf("retired in use: %v", f)
	}
	i.Retired = now.Add(day)
	if f := i.Strays(now); len(f) != 0 {
		t.Errorf("to be retired tomorrow: %v", f)
	}
	i.Retired, i.Unlisted = time.Time{}, now
	if f := i.Strays(now); len(f) != 1 || !strings.Contains(f[0].What, "file that listed it") {
		t.Errorf("unlisted in use: %v", f)
	}
}

func TestDials(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"+14152360142": "", "+442012345678": "", "+4930901820": "",
		"+11152360142": "cannot be dialled", "+1415236014": "cannot be dialled", "+123": "cannot be dialled", "": "cannot be dialled",
		"+14155550142": "films and examples", "+442079460018": "films and examples", "+447700900123": "films and examples",
	} {
		i := phone(text)
		f := i.Dials()
		if (want == "") != (len(f) == 0) || len(f) == 1 && !strings.Contains(f[0].What, want) {
			t.Errorf("%q: %v", text, f)
		}
	}
	i := mailbox(1)
	if f := i.Dials(); f != nil {
		t.Errorf("a mailbox is dialled: %v", f)
	}
}
