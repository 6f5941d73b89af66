package registry_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"saltmine/internal/canary"
	"saltmine/internal/registry"
	"saltmine/internal/seal"
)

// planting is the n-th canary: an address, a number and a ticket, with a
// placebo of the address.
func planting(n int) canary.Planting {
	id := canary.ID(fmt.Sprintf("c_%016d", n))
	window := canary.Window{Place: "db:main", From: canary.After(start())}
	tok := func(kind canary.Kind, text string) canary.DatedToken {
		return canary.DatedToken{Window: window, Token: canary.Token{
			ID: canary.TokenID(fmt.Sprintf("t_%s%012d", kind[:1], n)), Kind: kind, Role: canary.RolePlanted, Canary: id, Text: text}}
	}
	return canary.Planting{
		ID: id, State: canary.Intended, Batch: "batch-1", Place: "db:main", Segment: "country=GB", Name: fmt.Sprintf("Dana Whitfield %d", n),
		Rows: fmt.Appendf(nil, "row image %d", n),
		Tokens: []canary.DatedToken{
			tok(canary.Email, fmt.Sprintf("dana.whitfield%d@example.net", n)),
			tok(canary.Phone, fmt.Sprintf("+4420794%05d", n)),
			tok(canary.Ticket, fmt.Sprintf("TK2025%05d", n)),
		},
		Placebos: []canary.Token{{ID: canary.TokenID(fmt.Sprintf("t_x%012d", n)), Kind: canary.Email, Role: canary.RolePlacebo, Text: fmt.Sprintf("tom.placebo%d@example.net", n)}},
	}
}

// diff compares plantings as they are read back: without placebos, tokens by id.
func diff(want, got []canary.Planting) string {
	return cmp.Diff(want, got, cmpopts.IgnoreFields(canary.Planting{}, "Placebos"), cmpopts.EquateEmpty(),
		cmpopts.SortSlices(func(a, b canary.DatedToken) bool { return a.ID < b.ID }),
		cmp.Transformer("token", func(t canary.Token) [5]string {
			return [5]string{string(t.ID), string(t.Kind), string(t.Role), string(t.Canary), t.Text}
		}))
}

func TestIntendAndPlantings(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, r *registry.Registry) {
		ctx := t.Context()
		want := []canary.Planting{planting(1), planting(2), planting(3)}
		want[1].State, want[1].Batch, want[1].Keys, want[1].Life = canary.Planted, "batch-2", []byte("keys 2"), []byte("life 2")
		want[2].Place = "copy:backup"
		must(t, r.Intend(ctx, want))
		for name, c := range map[string]struct {
			f    canary.Filter
			want []canary.Planting
		}{
			"all":       {canary.Filter{}, want},
			"place":     {canary.Filter{Place: "db:main"}, want[:2]},
			"batch":     {canary.Filter{Batch: "batch-2"}, want[1:2]},
			"states":    {canary.Filter{States: []canary.State{canary.Planted, canary.Retired}}, want[1:2]},
			"ids":       {canary.Filter{IDs: []canary.ID{want[2].ID, want[0].ID}}, []canary.Planting{want[0], want[2]}},
			"no ids":    {canary.Filter{IDs: []canary.ID{}}, nil},
			"limit":     {canary.Filter{Limit: 2}, want[:2]},
			"nobody":    {canary.Filter{Place: "db:other"}, nil},
			"injection": {canary.Filter{Batch: "' OR 1=1 --"}, nil},
		} {
			got, err := r.Plantings(ctx, c.f)
			if d := diff(c.want, got); err != nil || d != "" {
				t.Errorf("%s: %v, - want, + got:\n%s", name, err, d)
			}
		}
		counts, err := r.Counts(ctx)
		if d := cmp.Diff(map[string]int{"intended": 2, "planted": 1, "planted email": 3, "planted phone": 3, "planted ticket": 3, "placebo email": 3}, counts); err != nil || d != "" {
			t.Errorf("counts: %v %s", err, d)
		}
		tokens, err := r.PlantedTokens(ctx)
		if err != nil || len(tokens) != 9 {
			t.Errorf("%d planted tokens, %v", len(tokens), err)
		}
	})
}

// TestIntendIsAllOrNothing: the last of three plantings has a token that is
// already registered, and none of the three is there afterwards.
func TestIntendIsAllOrNothing(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, r *registry.Registry) {
		must(t, r.Intend(t.Context(), []canary.Planting{planting(1)}))
		for name, spoil := range map[string]func(*canary.Planting){
			"token known":           func(p *canary.Planting) { p.Tokens[1].Text = planting(1).Tokens[1].Text },
			"token is a placebo's":  func(p *canary.Planting) { p.Tokens[0].Text = planting(1).Placebos[0].Text },
			"placebo known":         func(p *canary.Planting) { p.Placebos[0].Text = planting(1).Tokens[0].Text },
			"id known":              func(p *canary.Planting) { p.ID = planting(1).ID },
			"token of another":      func(p *canary.Planting) { p.Tokens[0].Canary = "c_other" },
			"placebo of a canary":   func(p *canary.Planting) { p.Placebos[0].Canary = p.ID },
			"placebo among tokens":  func(p *canary.Planting) { p.Tokens[0].Role = canary.RolePlacebo },
			"window without a from": func(p *canary.Planting) { p.Tokens[2].Window.From = canary.Moment{} },
		} {
			list := []canary.Planting{planting(2), planting(3), planting(4)}
			spoil(&list[2])
			if err := r.Intend(t.Context(), list); err == nil {
				t.Errorf("%s: taken", name)
			}
			counts, err := r.Counts(t.Context())
			if err != nil || counts["intended"] != 1 || counts["planted email"] != 1 || counts["placebo email"] != 1 {
				t.Errorf("%s: left %v, %v", name, counts, err)
			}
		}
	})
}

func TestAmend(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, r *registry.Registry) {
		ctx, p := t.Context(), planting(1)
		must(t, r.Intend(ctx, []canary.Planting{p, planting(2)}))
		open := canary.Window{Place: "db:main", From: canary.Between(start(), start().Add(time.Second))}
		fresh := planting(9).Tokens[0]
		fresh.Canary, fresh.Window = p.ID, open
		must(t, r.Amend(ctx, canary.Amendment{Canary: p.ID, State: canary.Planted, Segment: "country=IE", Rows: []byte("new rows"), Keys: []byte("keys"), Life: []byte("life"), Seen: start(),
			Windows: map[canary.TokenID]canary.Window{p.Tokens[0].ID: open}, Tokens: []canary.DatedToken{fresh}, Placebos: planting(9).Placebos}))
		p.State, p.Segment, p.Rows, p.Keys, p.Life, p.Seen = canary.Planted, "country=IE", []byte("new rows"), []byte("keys"), []byte("life"), start()
		p.Tokens[0].Window = open
		p.Tokens = append(p.Tokens, fresh)
		want := []canary.Planting{p, planting(2)}
		check := func(name string) {
			t.Helper()
			got, err := r.Plantings(ctx, canary.Filter{})
			if d := diff(want, got); err != nil || d != "" {
				t.Errorf("%s: %v, - want, + got:\n%s", name, err, d)
			}
		}
		check("whole")
		must(t, r.Amend(ctx, canary.Amendment{Canary: p.ID, State: canary.Planted}))
		check("zero fields leave what is there, the same again is no fault")
		for name, a := range map[string]canary.Amendment{
			"unknown canary":  {Canary: "c_nobody", State: canary.Retired},
			"unknown token":   {Canary: p.ID, State: canary.Retired, Windows: map[canary.TokenID]canary.Window{"t_nobody": open}},
			"another's token": {Canary: p.ID, State: canary.Retired, Windows: map[canary.TokenID]canary.Window{planting(2).Tokens[0].ID: open}},
		} {
			if err := r.Amend(ctx, a); !errors.Is(err, registry.ErrNotFound) {
				t.Errorf("%s: %v", name, err)
			}
			check(name)
		}
		twice := canary.Amendment{Canary: p.ID, State: canary.Retired, Tokens: []canary.DatedToken{fresh}}
		if err := r.Amend(ctx, twice); err == nil {
			t.Error("a token was added twice")
		}
		check("a token that is there already")
	})
}

func TestTokenAndKnown(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, r *registry.Registry) {
		ctx, p := t.Context(), planting(1)
		must(t, r.Intend(ctx, []canary.Planting{p}))
		got, found, err := r.Token(ctx, canary.Phone, p.Tokens[1].Text)
		if err != nil || !found || got != p.Tokens[1] {
			t.Errorf("%v, %v, %v", got, found, err)
		}
		placebo, found, err := r.Token(ctx, canary.Email, p.Placebos[0].Text)
		if err != nil || !found || placebo.Token != p.Placebos[0] {
			t.Errorf("placebo: %v, %v, %v", placebo, found, err)
		}
		if _, found, err := r.Token(ctx, canary.Email, p.Tokens[1].Text); err != nil || found {
			t.Errorf("a number was found among addresses: %v", err)
		}
		for text, want := range map[string]bool{p.Tokens[0].Text: true, p.Placebos[0].Text: true, "nobody@example.net": false} {
			if known, err := r.Known(ctx, canary.Email, text); err != nil || known != want {
				t.Errorf("%s: known %v, %v", text, known, err)
			}
		}
	})
}

func TestMatch(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, r *registry.Registry) {
		ctx, p := t.Context(), planting(1)
		must(t, r.Intend(ctx, []canary.Planting{p}))
		got, err := r.Match(ctx, []canary.Target{
			{Text: "dana.whitfield1@example.net"}, // a DNS name has no kind
			{Kind: canary.Email, Text: "no address"},
			{Kind: canary.Email, Text: "<Dana.Whitfield1+x@EXAMPLE.net>"},
			{Kind: canary.Email, Text: "dana.whitfield1@example.net"},
			{Kind: canary.Email, Text: "TOM.placebo1@example.net"},
			{Kind: canary.Email, Text: "nobody@example.net"},
			{Kind: canary.Ticket, Text: "[tk-2025/00001]"},
		})
		must(t, err)
		want := []canary.Match{
			{Target: 2, Token: p.Tokens[0], Place: "db:main", State: canary.Intended, Name: p.Name, Tickets: []string{p.Tokens[2].Text}},
			{Target: 4, Token: canary.DatedToken{Token: p.Placebos[0]}},
			{Target: 6, Token: p.Tokens[2], Place: "db:main", State: canary.Intended, Name: p.Name, Tickets: []string{p.Tokens[2].Text}},
		}
		if d := cmp.Diff(want, got, cmpopts.EquateComparable(canary.Token{})); d != "" {
			t.Errorf("- want, + got:\n%s", d)
		}
	})
}

func TestBatches(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, r *registry.Registry) {
		ctx := t.Context()
		one := canary.Batch{ID: "one", Place: "db:main", Segment: "country=GB", Count: 500, Seed: []byte{1, 2, 3}, Opened: start()}
		one.Gate = canary.Judgement{Verdict: canary.Refused, Because: []string{"the phone block"}, At: start(), Forced: true, By: "m.roe"}
		two := canary.Batch{ID: "two", Place: "db:main", Count: 7, Seed: []byte{4}, With: []canary.Kind{canary.Ticket}, Over: 14 * 24 * time.Hour, Rates: []float64{0.25, 0.75}, Form: true, Opened: start().Add(time.Hour)}
		must(t, r.OpenBatch(ctx, two))
		must(t, r.OpenBatch(ctx, one))
		if err := r.OpenBatch(ctx, one); err == nil {
			t.Error("a batch was opened twice")
		}
		list, err := r.UnfinishedBatches(ctx)
		if d := cmp.Diff([]canary.Batch{one, two}, list); err != nil || d != "" {
			t.Errorf("unfinished: %v %s", err, d)
		}
		must(t, r.CloseBatch(ctx, "one", start().Add(time.Minute)))
		if err := r.CloseBatch(ctx, "one", start().Add(time.Hour)); !errors.Is(err, registry.ErrNotFound) {
			t.Errorf("closed twice: %v", err)
		}
		one.Closed = start().Add(time.Minute)
		got, found, err := r.Batch(ctx, "one")
		if d := cmp.Diff(one, got); err != nil || !found || d != "" {
			t.Errorf("%v %v %s", found, err, d)
		}
		if list, err = r.UnfinishedBatches(ctx); err != nil || len(list) != 1 || list[0].ID != "two" {
			t.Errorf("unfinished: %v, %v", list, err)
		}
		if d := cmp.Diff([]canary.Batch{two}, list); d != "" {
			t.Errorf("over a span: %s", d)
		}
		list, err = r.Batches(ctx)
		if d := cmp.Diff([]canary.Batch{one, two}, list); err != nil || d != "" {
			t.Errorf("all: %v %s", err, d)
		}
		if _, found, err := r.Batch(ctx, "three"); found || err != nil {
			t.Errorf("a batch that is not there: %v, %v", found, err)
		}
	})
}

// TestOtherKeysOpenNothing opens the file of one owner with the keys of another.
func TestOtherKeysOpenNothing(t *testing.T) {
	t.Parallel()
	dsn := "sqlite:" + t.TempDir() + "/r.db"
	must(t, openAt(t, dsn, vault(t)).Intend(t.Context(), []canary.Planting{planting(1)}))
	if _, err := registry.Open(t.Context(), registry.Config{DSN: dsn, Vault: vault(t), Now: start}); !errors.Is(err, seal.ErrOpen) {
		t.Errorf("with other keys: %v", err)
	}
}

// TestOtherKeysAreRefused opens a registry in use with the keys of another:
// what would be written with them could not be found again.
func TestOtherKeysAreRefused(t *testing.T) {
	t.Parallel()
	dsn, v := "sqlite:"+t.TempDir()+"/r.db", vault(t)
	must(t, openAt(t, dsn, v).OpenBatch(t.Context(), canary.Batch{ID: "one", Place: "db:main", Count: 5, Opened: start(), Closed: start()}))
	if _, err := registry.Open(t.Context(), registry.Config{DSN: dsn, Vault: vault(t), Now: start}); !errors.Is(err, seal.ErrOpen) {
		t.Errorf("with other keys: %v", err)
	}
	openAt(t, dsn, v)
}
