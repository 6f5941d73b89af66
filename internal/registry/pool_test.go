package registry_test

import (
	"bytes"
	"errors"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"saltmine/internal/canary"
	"saltmine/internal/inventory"
	"saltmine/internal/registry"
)

const day = 24 * time.Hour

// poolRules let nothing soak that was added a day before start.
func poolRules() inventory.Rules {
	return inventory.Rules{Soak: day, Quarantine: 10 * day, Capacity: 2}
}

// poolItems are an item of each kind, soaked.
func poolItems() []inventory.Item {
	added := start().Add(-30 * day)
	read := inventory.Reading{Host: "imap.mail.example:993", User: "account4711", SecretFile: "/secrets/one"}
	return []inventory.Item{
		{Kind: inventory.Domain, Text: "example.net", Provider: "registrar one", Capacity: 3, Added: added, Expires: start().Add(400 * day)},
		{Kind: inventory.Mailbox, Text: "marion.mailbox@mail.example", Provider: "mail.example", Country: "GB", Locale: "en-GB", Name: "Marion Hathersage", Added: added, Soak: 2 * day, Reading: read},
		{Kind: inventory.Seed, Text: "seed.address@corp.example", Provider: "corp.example", Owner: "Owner Ofseed", Consent: "folder twelve", Added: added, Reading: inventory.Reading{ForwardTo: "landing7@example.net"}},
		{Kind: inventory.Phone, Text: "+442012345678", Provider: "twilio", Country: "GB", Line: "mobile", Added: added},
	}
}

// laid lays items open by kind, for comparison: their own methods print nothing.
func laid(items []inventory.Item) map[inventory.Kind]any {
	out := map[inventory.Kind]any{}
	for _, i := range items {
		type open inventory.Item
		i.ID = ""
		out[i.Kind] = open(i)
	}
	return out
}

func comparePool(t *testing.T, name string, want, got []inventory.Item) {
	t.Helper()
	if d := cmp.Diff(laid(want), laid(got), cmpopts.EquateEmpty()); d != "" || len(want) != len(got) {
		t.Errorf("%s: - want, + got:\n%s", name, d)
	}
}

func pool(t *testing.T, r *registry.Registry, kinds ...inventory.Kind) []inventory.Item {
	t.Helper()
	list, err := r.PoolItems(t.Context(), inventory.Filter{Kinds: kinds})
	must(t, err)
	return list
}

func TestPoolEnterAndRead(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, r *registry.Registry) {
		ctx, want := t.Context(), poolItems()
		if list := pool(t, r); len(list) != 0 {
			t.Fatalf("%d items in an empty pool", len(list))
		}
		e, err := r.ImportPool(ctx, want)
		if err != nil || len(e.Added) != 4 {
			t.Fatalf("%d added, %v", len(e.Added), err)
		}
		for i := range want {
			want[i].Listed = true
		}
		comparePool(t, "imported", want, pool(t, r))
		before := pool(t, r)
		if e, err = r.ImportPool(ctx, poolItems()); err != nil || len(e.Added)+len(e.Changed)+len(e.Unlisted) != 0 {
			t.Errorf("the same again: %+v, %v", e, err)
		}
		for name, c := range map[string]struct {
			f    inventory.Filter
			want int
		}{
			"kinds": {inventory.Filter{Kinds: []inventory.Kind{inventory.Phone, inventory.Seed}}, 2}, "provider": {inventory.Filter{Provider: "twilio"}, 1},
			"country": {inventory.Filter{Country: "IE"}, 2}, "nobody": {inventory.Filter{Kinds: []inventory.Kind{"house' OR 1=1 --"}}, 0},
		} {
			if list, err := r.PoolItems(ctx, c.f); err != nil || len(list) != c.want {
				t.Errorf("%s: %d items, %v", name, len(list), err)
			}
		}
		news := poolItems()[1:]
		news[0].Country = "IE"
		if e, err = r.ImportPool(ctx, news); err != nil || len(e.Changed) != 1 || len(e.Unlisted) != 1 || e.Unlisted[0].Kind != inventory.Domain {
			t.Errorf("one changed, one lost: %+v, %v", e, err)
		}
		want[1].Country, want[0].Unlisted = "IE", start()
		comparePool(t, "changed", want, pool(t, r))
		for i, item := range pool(t, r) {
			if item.ID != before[i].ID {
				t.Errorf("%s was %s", item, before[i])
			}
		}
	})
}

// TestPoolEntersAllOrNothing: the last of four cannot be entered, and none is.
func TestPoolEntersAllOrNothing(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, r *registry.Registry) {
		seed := poolItems()[2]
		if _, err := r.AddPoolItems(t.Context(), []inventory.Item{seed}); err != nil {
			t.Fatal(err)
		}
		for name, c := range map[string]struct {
			spoil func(*inventory.Item)
			want  error
		}{
			"malformed":     {func(i *inventory.Item) { i.Text = "442012345678" }, inventory.ErrInvalid},
			"another kind":  {func(i *inventory.Item) { *i = poolItems()[1]; i.Text = seed.Text }, inventory.ErrClash},
			"entered twice": {func(i *inventory.Item) { *i = poolItems()[0] }, inventory.ErrClash},
		} {
			list := append(poolItems()[:2:2], poolItems()[3])
			c.spoil(&list[2])
			if _, err := r.AddPoolItems(t.Context(), list); !errors.Is(err, c.want) {
				t.Errorf("%s: %v", name, err)
			}
			comparePool(t, name, []inventory.Item{seed}, pool(t, r))
		}
	})
}

func TestPoolLife(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, r *registry.Registry) {
		ctx, rules := t.Context(), poolRules()
		_, err := r.AddPoolItems(ctx, poolItems())
		must(t, err)
		box := pool(t, r, inventory.Mailbox)[0]
		domain := pool(t, r, inventory.Domain)[0]
		first := inItem(1, &box)
		must(t, r.Intend(ctx, []canary.Planting{first}))
		for name, c := range map[string]struct {
			spoil func(p *canary.Planting)
			want  error
		}{
			"used twice":          {func(*canary.Planting) {}, inventory.ErrNotReady},
			"a domain":            {func(p *canary.Planting) { p.Uses[0].Item = domain.ID }, canary.ErrInvalid},
			"nothing":             {func(p *canary.Planting) { p.Uses[0].Item = "o_nobody" }, registry.ErrNotFound},
			"another's token":     {func(p *canary.Planting) { p.Uses[0].Token = first.Tokens[0].ID }, canary.ErrInvalid},
			"one of another text": {func(p *canary.Planting) { p.Uses[0].Token = p.Tokens[2].ID }, canary.ErrInvalid},
		} {
			second := inItem(2, &box)
			c.spoil(&second)
			if err := r.Intend(ctx, []canary.Planting{second}); !errors.Is(err, c.want) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if list, err := r.Plantings(ctx, canary.Filter{}); err != nil || len(list) != 1 {
			t.Errorf("%d canaries are registered, %v", len(list), err)
		}
		if got := pool(t, r, inventory.Mailbox)[0]; got.Token != first.Tokens[0].ID || rules.State(&got, start()) != inventory.InUse {
			t.Errorf("token %q", got.Token)
		}
		if e, err := r.AddPoolItems(ctx, poolItems()); err != nil || len(e.Changed) != 0 || pool(t, r, inventory.Mailbox)[0].Token != first.Tokens[0].ID {
			t.Errorf("entering it again: %+v, %v", e, err)
		}
		must(t, r.Amend(ctx, ended(&first)))
		if got := pool(t, r, inventory.Mailbox)[0]; got.Token != "" || !got.Freed.Equal(start()) || rules.State(&got, start()) != inventory.Quarantine {
			t.Errorf("let go at %s", got.Freed)
		}
		must(t, r.Amend(ctx, ended(&first))) // again, and nothing is in it
		check := inventory.Check{At: start(), Findings: []inventory.Finding{{What: "it was changed", Do: "look"}}, Seen: inventory.Seen{NS: []string{"ns1.example.net"}, Leaf: "ab"}, Expires: start().Add(day), Registrar: "other"}
		must(t, r.NotePoolCheck(ctx, domain.ID, check))
		if d := cmp.Diff(check, pool(t, r, inventory.Domain)[0].Check); d != "" {
			t.Errorf("check: %s", d)
		}
		must(t, r.NotePoolCheck(ctx, domain.ID, inventory.Check{At: start()}))
		if got := pool(t, r, inventory.Domain)[0].Check; len(got.Findings) != 0 {
			t.Errorf("the second check: %+v", got)
		}
		if err := r.NotePoolCheck(ctx, "o_nobody", check); !errors.Is(err, registry.ErrNotFound) {
			t.Errorf("a check of nothing: %v", err)
		}
		must(t, r.RetirePoolItem(ctx, box.ID, "sold"))
		if got := pool(t, r, inventory.Mailbox)[0]; got.Reason != "sold" || rules.State(&got, start()) != inventory.Retired {
			t.Errorf("retired %s: %q", got.Retired, got.Reason)
		}
	})
}

// TestPoolIsTakenOnce: of many that take the same item at once, one gets it.
func TestPoolIsTakenOnce(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, r *registry.Registry) {
		_, err := r.AddPoolItems(t.Context(), poolItems())
		must(t, err)
		item := pool(t, r, inventory.Phone)[0]
		errs := make([]error, 8)
		var all sync.WaitGroup
		for n := range errs {
			all.Go(func() {
				errs[n] = r.Intend(t.Context(), []canary.Planting{inItem(n, &item)})
			})
		}
		all.Wait()
		holder := pool(t, r, inventory.Phone)[0].Token
		for n, err := range errs {
			if won := holder == planting(n).Tokens[1].ID; won != (err == nil) || !won && !errors.Is(err, inventory.ErrNotReady) {
				t.Errorf("number %d of %s: %v", n, holder, err)
			}
		}
	})
}

// TestPoolImportsAtOnce: several processes enter the same list, and it is there once.
func TestPoolImportsAtOnce(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, r *registry.Registry) {
		added := make([]int, 6)
		var all sync.WaitGroup
		for n := range added {
			all.Go(func() {
				e, err := r.ImportPool(t.Context(), poolItems())
				if added[n] = len(e.Added); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if slices.Sort(added); !slices.Equal(added, []int{0, 0, 0, 0, 0, 4}) || len(pool(t, r)) != 4 {
			t.Errorf("added %v, %d are there", added, len(pool(t, r)))
		}
	})
}

func TestPoolHeard(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, r *registry.Registry) {
		_, err := r.AddPoolItems(t.Context(), poolItems())
		must(t, err)
		for name, c := range map[string]struct {
			target canary.Target
			after  time.Duration
			want   bool
		}{
			"somebody else's": {canary.Target{Kind: canary.Phone, Text: "+442012345679"}, 0, false},
			"after the soak":  {canary.Target{Kind: canary.Phone, Text: "+442012345678"}, day, false},
			"no number":       {canary.Target{Kind: canary.Phone, Text: "anonymous"}, 0, false},
			"a name":          {canary.Target{Text: "example.net"}, 0, false},
			"a ticket":        {canary.Target{Kind: canary.Ticket, Text: "+442012345678"}, 0, false},
			"within":          {canary.Target{Kind: canary.Email, Text: "Marion.Mailbox@MAIL.example"}, 2*day - 1, true},
		} {
			gone, err := r.HeardPoolItem(t.Context(), c.target, start().Add(c.after-30*day))
			if err != nil || (gone != "") != c.want {
				t.Errorf("%s: disqualified %q, %v", name, gone, err)
			}
			again, err := r.HeardPoolItem(t.Context(), c.target, start().Add(c.after-30*day))
			if err != nil || again != gone {
				t.Errorf("%s: told again, disqualified %q, %v", name, again, err)
			}
		}
		if box := pool(t, r, inventory.Mailbox)[0]; box.Reason == "" || poolRules().State(&box, start()) != inventory.Retired {
			t.Errorf("reason %q", box.Reason)
		}
		if number := pool(t, r, inventory.Phone)[0]; !number.Retired.IsZero() {
			t.Errorf("the number was retired: %q", number.Reason)
		}
	})
}

// TestPoolKnowsTokens: addresses that stand in rows count for their domain, and
// what was minted past the pool is not offered.
func TestPoolKnowsTokens(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, r *registry.Registry) {
		ctx := t.Context()
		items := poolItems()
		items[3].Text = planting(1).Tokens[1].Text
		_, err := r.AddPoolItems(ctx, items)
		must(t, err)
		if own, others, err := r.AddressShare(ctx); err != nil || own != 0 || others != 0 {
			t.Errorf("nothing is planted: %d own, %d others, %v", own, others, err)
		}
		list := []canary.Planting{planting(1), planting(2), planting(3), planting(4), planting(5)}
		list[1].Tokens[0].Window.Until = canary.Between(start().Add(time.Hour), start().Add(time.Hour))
		list[2].State = canary.Retired
		list[3].Tokens[0].Text = "elsewhere@mail.example"
		list[4].Tokens[0].Text = "elsewhere.too@mail.example"
		must(t, r.Intend(ctx, list))
		if got := pool(t, r, inventory.Domain)[0]; got.Carried != 1 {
			t.Errorf("the domain carries %d addresses, 1 stands in a row", got.Carried)
		}
		if own, others, err := r.AddressShare(ctx); err != nil || own != 1 || others != 2 {
			t.Errorf("%d own, %d others, %v", own, others, err)
		}
		if got := pool(t, r, inventory.Phone)[0]; poolRules().State(&got, start()) != inventory.InUse {
			t.Errorf("a registered number is %s", poolRules().State(&got, start()))
		}
		if got := pool(t, r, inventory.Mailbox)[0]; poolRules().State(&got, start()) != inventory.Ready {
			t.Errorf("a mailbox that is no token is %s", poolRules().State(&got, start()))
		}
	})
}

// TestFileShowsNoPoolItem looks for everything of the pool in every byte of the
// database's files.
func TestFileShowsNoPoolItem(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r := openAt(t, "sqlite:"+filepath.Join(dir, "r.db"), vault(t))
	_, err := r.AddPoolItems(t.Context(), poolItems())
	must(t, err)
	id := pool(t, r, inventory.Domain)[0].ID
	must(t, r.NotePoolCheck(t.Context(), id, inventory.Check{At: start(), Findings: []inventory.Finding{{What: "finding of a check", Do: "x"}}}))
	must(t, r.RetirePoolItem(t.Context(), id, "reason to retire"))
	all := files(t, dir)
	for _, secret := range []string{"marion.mailbox", "mail.example", "seed.address", "corp.example", "Hathersage", "+442012345678", "442012345678", "Ofseed", "twelve",
		"account4711", "/secrets/one", "landing7", "example.net", "twilio", "registrar one", "finding of a check", "reason to retire"} {
		for _, shape := range shapes(secret) {
			if bytes.Contains(all, shape) {
				t.Errorf("%q lies in the registry's files as %q", secret, shape)
			}
		}
	}
	if !bytes.Contains(all, []byte(id)) {
		t.Error("the item's name is not found: this test looks in the wrong place")
	}
}
