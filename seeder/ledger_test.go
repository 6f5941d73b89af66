package seeder_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/inventory"
)

// ledger is a registry in memory with the registry's own refusals: a text is
// registered once, windows are valid, what is amended exists.
type ledger struct {
	mu        sync.Mutex
	plantings map[canary.ID]*canary.Planting
	batches   map[canary.BatchID]canary.Batch
	texts     map[string]canary.Role
	placebos  map[canary.Kind][]canary.Token
	items     map[inventory.ID]inventory.Item
	// step is called before and after every write, with its name. It may panic,
	// which is the process dying there.
	step func(name string)
}

var errLedger = errors.New("ledger refused")

func newLedger() *ledger {
	l := &ledger{
		plantings: map[canary.ID]*canary.Planting{}, batches: map[canary.BatchID]canary.Batch{},
		texts: map[string]canary.Role{}, placebos: map[canary.Kind][]canary.Token{}, items: map[inventory.ID]inventory.Item{}, step: func(string) {},
	}
	l.stock(items(domains(), phones(40))...)
	return l
}

// write runs one transaction between its two steps.
func (l *ledger) write(name string, do func() error) error {
	l.step("before " + name)
	err := func() error {
		l.mu.Lock()
		defer l.mu.Unlock()
		return do()
	}()
	l.step("after " + name)
	return err
}

func (l *ledger) Intend(_ context.Context, plantings []canary.Planting) error {
	return l.write("intend", func() error {
		for i := range plantings {
			p := plantings[i]
			if p.State != canary.Intended || l.plantings[p.ID] != nil || len(p.Tokens) == 0 {
				return fmt.Errorf("%w: planting %s", errLedger, p.ID)
			}
			if err := errors.Join(l.use(p.Uses, p.Placebos), l.add(p.ID, p.Tokens, p.Placebos)); err != nil {
				return err
			}
			p.Tokens, p.Placebos = slices.Clone(p.Tokens), nil
			l.plantings[p.ID] = &p
		}
		return nil
	})
}

func (l *ledger) add(id canary.ID, tokens []canary.DatedToken, placebos []canary.Token) error {
	register := func(t canary.Token) error {
		key := string(t.Kind) + " " + t.Text
		if l.texts[key] != "" {
			return fmt.Errorf("%w: %s is registered as %s already", errLedger, t, l.texts[key])
		}
		l.texts[key] = t.Role
		return nil
	}
	for _, t := range tokens {
		if t.Canary != id || t.Role != canary.RolePlanted || t.Window.Validate() != nil {
			return fmt.Errorf("%w: %s: %w", errLedger, t.Token, t.Window.Validate())
		}
		if err := register(t.Token); err != nil {
			return err
		}
	}
	for _, t := range placebos {
		if t.Canary != "" || t.Role != canary.RolePlacebo {
			return fmt.Errorf("%w: placebo %s", errLedger, t)
		}
		if err := register(t); err != nil {
			return err
		}
		l.placebos[t.Kind] = append(l.placebos[t.Kind], t)
	}
	return nil
}

// use puts tokens into items, as the registry does.
func (l *ledger) use(uses []canary.Use, placebos []canary.Token) error {
	for _, u := range uses {
		i, found := l.items[u.Item]
		if !found || i.Token != "" {
			return fmt.Errorf("%w: %s is in use", errLedger, u.Item)
		}
		if !i.Freed.IsZero() { // its text was a token, and may be again
			delete(l.texts, string(i.Kind.Token())+" "+i.Text)
		}
		i.Token = u.Token
		i.Placebo = slices.ContainsFunc(placebos, func(t canary.Token) bool { return t.ID == u.Token })
		l.items[u.Item] = i
	}
	return nil
}

// stock enters items.
func (l *ledger) stock(items ...inventory.Item) {
	for _, i := range items {
		i.ID, i.Listed = inventory.ID("o_"+i.Text), true
		l.items[i.ID] = i
	}
}

// drop takes all items of a kind out.
func (l *ledger) drop(kind inventory.Kind) {
	maps.DeleteFunc(l.items, func(_ inventory.ID, i inventory.Item) bool { return i.Kind == kind })
}

func (l *ledger) PoolItems(_ context.Context, f inventory.Filter) ([]inventory.Item, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []inventory.Item
	for _, id := range slices.Sorted(maps.Keys(l.items)) {
		i := l.items[id]
		for _, p := range l.plantings {
			for _, t := range p.Tokens {
				if i.Kind == inventory.Domain && t.Kind == canary.Email && !t.Window.Until.Come() && strings.HasSuffix(t.Text, "@"+i.Text) {
					i.Carried++
				}
			}
		}
		if f.Match(&i) {
			out = append(out, i)
		}
	}
	return out, nil
}

func (l *ledger) AmendAll(_ context.Context, list []canary.Amendment) error {
	return l.write(amendName(list[0]), func() error {
		for _, a := range list {
			if err := l.amend(a); err != nil {
				return err
			}
		}
		return nil
	})
}

func (l *ledger) amend(a canary.Amendment) error {
	p := l.plantings[a.Canary]
	if p == nil {
		return fmt.Errorf("%w: no canary %s", errLedger, a.Canary)
	}
	for id, w := range a.Windows {
		at := slices.IndexFunc(p.Tokens, func(t canary.DatedToken) bool { return t.ID == id })
		if at < 0 || w.Validate() != nil {
			return fmt.Errorf("%w: window of %s: %w", errLedger, id, w.Validate())
		}
		p.Tokens[at].Window = w
		for key, i := range l.items {
			if i.Token == id && w.Until.Come() {
				i.Token, i.Freed = "", w.Until.Latest
				l.items[key] = i
			}
		}
	}
	if err := errors.Join(l.use(a.Uses, a.Placebos), l.add(p.ID, a.Tokens, a.Placebos)); err != nil {
		return err
	}
	p.Tokens = append(p.Tokens, a.Tokens...)
	if a.State != "" {
		p.State = a.State
	}
	if a.Rows != nil {
		p.Rows = a.Rows
	}
	if a.Keys != nil {
		p.Keys = a.Keys
	}
	if a.Life != nil {
		p.Life = a.Life
	}
	if !a.Seen.IsZero() {
		p.Seen = a.Seen
	}
	return nil
}

func amendName(a canary.Amendment) string {
	switch {
	case a.State != "":
		return "amend " + string(a.State)
	case len(a.Tokens) > 0 && a.Rows != nil:
		return "amend rotation"
	case a.Keys != nil:
		return "amend keys"
	}
	return "amend windows"
}

func (l *ledger) Plantings(_ context.Context, f canary.Filter) ([]canary.Planting, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []canary.Planting
	for _, id := range slices.Sorted(maps.Keys(l.plantings)) {
		p := *l.plantings[id]
		if f.Place != "" && p.Place != f.Place || f.Batch != "" && p.Batch != f.Batch ||
			len(f.States) > 0 && !slices.Contains(f.States, p.State) || len(f.IDs) > 0 && !slices.Contains(f.IDs, p.ID) {
			continue
		}
		p.Tokens = slices.Clone(p.Tokens)
		out = append(out, p)
	}
	return out, nil
}

func (l *ledger) KnownAmong(_ context.Context, kind canary.Kind, texts []string) ([]string, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(texts), func(text string) bool { return l.texts[string(kind)+" "+text] == "" }), nil
}

func (l *ledger) OpenBatch(_ context.Context, b canary.Batch) error {
	return l.write("open batch", func() error {
		if _, twice := l.batches[b.ID]; twice {
			return fmt.Errorf("%w: batch %s", errLedger, b.ID)
		}
		l.batches[b.ID] = b
		return nil
	})
}

func (l *ledger) CloseBatch(_ context.Context, id canary.BatchID, at time.Time) error {
	return l.write("close batch", func() error {
		b, ok := l.batches[id]
		if !ok || !b.Closed.IsZero() {
			return fmt.Errorf("%w: batch %s", errLedger, id)
		}
		b.Closed = at
		l.batches[id] = b
		return nil
	})
}

func (l *ledger) Batch(_ context.Context, id canary.BatchID) (canary.Batch, bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	b, ok := l.batches[id]
	return b, ok, nil
}

func (l *ledger) UnfinishedBatches(context.Context) ([]canary.Batch, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []canary.Batch
	for _, b := range l.batches {
		if b.Closed.IsZero() {
			out = append(out, b)
		}
	}
	return out, nil
}
