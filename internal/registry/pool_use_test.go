package registry_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/inventory"
	"saltmine/internal/registry"
)

// inItem is a planting whose address or number is a pool item's.
func inItem(n int, i *inventory.Item) canary.Planting {
	p, at := planting(n), 0
	if i.Kind == inventory.Phone {
		at = 1
	}
	p.Tokens[at].Text = i.Text
	p.Uses = []canary.Use{{Item: i.ID, Token: p.Tokens[at].ID}}
	return p
}

// ended closes all windows of a planting.
func ended(p *canary.Planting) canary.Amendment {
	a := canary.Amendment{Canary: p.ID, State: canary.Retired, Windows: map[canary.TokenID]canary.Window{}}
	for _, t := range p.Tokens {
		t.Window.From, t.Window.Until = canary.At(start()), canary.At(start().Add(time.Hour))
		a.Windows[t.ID] = t.Window
	}
	return a
}

// TestPoolItemMovesOn: when it has rested, an item stands in the next row, and a
// contact finds both canaries, the last first.
func TestPoolItemMovesOn(t *testing.T) {
	t.Parallel()
	v, dsn, now := vault(t), "sqlite:"+filepath.Join(t.TempDir(), "r.db"), start()
	open := func() *registry.Registry {
		r, err := registry.Open(t.Context(), registry.Config{DSN: dsn, Vault: v, Now: func() time.Time { return now }, Pool: poolRules()})
		must(t, err)
		t.Cleanup(func() { must(t, r.Close()) })
		return r
	}
	r := open()
	_, err := r.AddPoolItems(t.Context(), poolItems())
	must(t, err)
	box := pool(t, r, inventory.Mailbox)[0]
	first, second := inItem(1, &box), inItem(2, &box)
	for i := range second.Tokens {
		second.Tokens[i].Window.From = canary.After(start().Add(11 * day))
	}
	must(t, r.Intend(t.Context(), []canary.Planting{first}))
	announced := ended(&first)
	for id, w := range announced.Windows {
		w.Until = canary.After(start())
		announced.Windows[id] = w
	}
	must(t, r.Amend(t.Context(), announced))
	if pool(t, r, inventory.Mailbox)[0].Token == "" {
		t.Error("it was let go when the end was only announced")
	}
	must(t, r.Amend(t.Context(), ended(&first)))
	now = start().Add(9 * day)
	if err := r.Intend(t.Context(), []canary.Planting{second}); !errors.Is(err, inventory.ErrNotReady) {
		t.Errorf("used in its quarantine: %v", err)
	}
	now = start().Add(11 * day)
	must(t, r.Intend(t.Context(), []canary.Planting{second}))
	got, err := r.Match(t.Context(), []canary.Target{{Kind: canary.Email, Text: box.Text}})
	if err != nil || len(got) != 2 || got[0].Token.ID != second.Tokens[0].ID || got[1].Token.ID != first.Tokens[0].ID || got[0].Name == got[1].Name {
		t.Errorf("%d matches, %v", len(got), err)
	}
	if tok, found, err := r.Token(t.Context(), canary.Email, box.Text); err != nil || !found || tok.ID != second.Tokens[0].ID {
		t.Errorf("the last token: %v, %v", tok.Token, err)
	}
	if known, err := r.KnownAmong(t.Context(), canary.Email, []string{box.Text, "nobody@mail.example"}); err != nil || !slices.Equal(known, []string{box.Text}) {
		t.Errorf("known %d, %v", len(known), err)
	}
}

// TestPoolReuseNeedsAnEnd: an address that was minted past the pool and stands
// in a row is not registered again.
func TestPoolReuseNeedsAnEnd(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, r *registry.Registry) {
		_, err := r.AddPoolItems(t.Context(), poolItems())
		must(t, err)
		box := pool(t, r, inventory.Mailbox)[0]
		past := inItem(1, &box)
		past.Uses = nil
		must(t, r.Intend(t.Context(), []canary.Planting{past}))
		if err := r.Intend(t.Context(), []canary.Planting{inItem(2, &box)}); !errors.Is(err, inventory.ErrNotReady) {
			t.Errorf("registered twice: %v", err)
		}
		if got, err := r.Plantings(t.Context(), canary.Filter{}); err != nil || len(got) != 1 {
			t.Errorf("%d canaries, %v", len(got), err)
		}
	})
}

// TestPoolPlacebo: a placebo item is held back for good, and was in no row.
func TestPoolPlacebo(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, r *registry.Registry) {
		ctx, items := t.Context(), poolItems()
		_, err := r.AddPoolItems(ctx, items)
		must(t, err)
		box, number := pool(t, r, inventory.Mailbox)[0], pool(t, r, inventory.Phone)[0]
		placebo := func(n int, i *inventory.Item) canary.Planting {
			p := planting(n)
			t := canary.Token{ID: canary.TokenID(fmt.Sprintf("t_p%d", n)), Kind: i.Kind.Token(), Role: canary.RolePlacebo, Text: i.Text}
			p.Placebos = append(p.Placebos, t)
			p.Uses = []canary.Use{{Item: i.ID, Token: t.ID}}
			return p
		}
		first := placebo(1, &box)
		must(t, r.Intend(ctx, []canary.Planting{first}))
		must(t, r.Amend(ctx, ended(&first)))
		if got := pool(t, r, inventory.Mailbox)[0]; !got.Placebo || got.Token != "t_p1" {
			t.Errorf("held back %v, token %q", got.Placebo, got.Token)
		}
		second := inItem(2, &number)
		must(t, r.Intend(ctx, []canary.Planting{second}))
		must(t, r.Amend(ctx, ended(&second)))
		if err := r.Intend(ctx, []canary.Planting{placebo(3, &number)}); !errors.Is(err, inventory.ErrWorn) {
			t.Errorf("a number that strangers may have became a placebo: %v", err)
		}
	})
}

// TestPoolForwarding: a contact where a seed address forwards to is one of the
// seed address.
func TestPoolForwarding(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, r *registry.Registry) {
		ctx, target := t.Context(), []canary.Target{{Kind: canary.Email, Text: "Landing7+x@example.net"}}
		_, err := r.AddPoolItems(ctx, poolItems())
		must(t, err)
		if got, err := r.Match(ctx, target); err != nil || len(got) != 0 {
			t.Errorf("before it is used: %d matches, %v", len(got), err)
		}
		seed := pool(t, r, inventory.Seed)[0]
		p := inItem(1, &seed)
		must(t, r.Intend(ctx, []canary.Planting{p}))
		got, err := r.Match(ctx, target)
		if err != nil || len(got) != 1 || got[0].Token.ID != p.Tokens[0].ID || got[0].Name != p.Name {
			t.Fatalf("%d matches, %v", len(got), err)
		}
		news := poolItems()[2]
		news.Reading.ForwardTo = "landing8@example.net"
		_, err = r.AddPoolItems(ctx, []inventory.Item{news})
		must(t, err)
		for text, want := range map[string]int{"landing7@example.net": 0, "landing8@example.net": 1, seed.Text: 1, "nobody@example.net": 0} {
			if got, err := r.Match(ctx, []canary.Target{{Kind: canary.Email, Text: text}}); err != nil || len(got) != want {
				t.Errorf("forwarded elsewhere: %d matches, want %d, %v", len(got), want, err)
			}
		}
		if gone, err := r.HeardPoolItem(ctx, canary.Target{Kind: canary.Email, Text: "landing8@example.net"}, start().Add(-30*day)); err != nil || gone != "" {
			t.Errorf("an item in use was retired: %v", err)
		}
	})
}
