package incident_test

import (
	"testing"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/inventory"
)

// place puts a number of the pool into the row of canary n.
func (w *world) place(i *inventory.Item, n int) canary.Planting {
	w.t.Helper()
	id := canaryID(n)
	tok := canary.DatedToken{Window: canary.Window{Place: "db:main", From: canary.After(w.now())}, Token: canary.Token{
		ID: canary.TokenID(canary.NewID("t")), Kind: i.Kind.Token(), Role: canary.RolePlanted, Canary: id, Text: i.Text}}
	p := canary.Planting{ID: id, State: canary.Intended, Batch: "batch-1", Place: "db:main", Name: name(n), Rows: []byte("row"),
		Tokens: []canary.DatedToken{tok}, Uses: []canary.Use{{Item: i.ID, Token: tok.ID}}}
	must(w.t, w.reg.Intend(w.ctx, []canary.Planting{p}))
	return p
}

func (w *world) enter(i inventory.Item) *inventory.Item {
	w.t.Helper()
	_, err := w.reg.AddPoolItems(w.ctx, []inventory.Item{i})
	must(w.t, err)
	list, err := w.reg.PoolItems(w.ctx, inventory.Filter{})
	must(w.t, err)
	return &list[0]
}

// A number stood in one row and now in another: a caller who names nobody is
// put down to the last, and one who names the first to the first.
func TestContactOfAReusedNumber(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	item := w.enter(inventory.Item{Kind: inventory.Phone, Text: number(1)})
	first := w.place(item, 1)
	w.pass(time.Hour)
	win := first.Tokens[0].Window
	win.From, win.Until = canary.At(start()), canary.At(w.now())
	must(t, w.reg.Amend(t.Context(), canary.Amendment{Canary: first.ID, State: canary.Retired, Windows: map[canary.TokenID]canary.Window{first.Tokens[0].ID: win}}))
	early := w.call(canary.Voice, number(1), "")
	w.pass(time.Hour)
	second := w.place(item, 2)
	w.pass(time.Hour)
	w.take(early)
	w.take(w.call(canary.Voice, number(1), ""))
	w.take(w.call(canary.Voice, number(1), "is this "+name(1)))
	var got []canary.ID
	for _, inc := range w.incidents() {
		hits, err := w.reg.IncidentHits(t.Context(), inc.ID)
		must(t, err)
		for _, h := range hits {
			got = append(got, h.Canary)
		}
	}
	if want := []canary.ID{first.ID, second.ID, first.ID}; len(got) != 3 || got[0] != want[0] || got[1] != want[1] || got[2] != want[2] {
		t.Errorf("hits of %v, want %v", got, want)
	}
}

// Mail to the address to which a seed address forwards is mail to the seed
// address, and pages as that.
func TestForwardedMail(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	item := w.enter(inventory.Item{Kind: inventory.Seed, Text: "seed.address@corp.example", Owner: "x", Consent: "y", Reading: inventory.Reading{ForwardTo: address(9)}})
	w.take(w.mail(address(9)))
	if n := len(w.incidents()); n != 0 {
		t.Errorf("%d incidents before it was planted", n)
	}
	w.pass(time.Hour)
	p := w.place(item, 1)
	w.pass(time.Hour)
	w.take(w.mail(address(9)))
	list := w.incidents()
	if len(list) != 1 || list[0].Severity != canary.P2 {
		t.Fatalf("%d incidents", len(list))
	}
	hits, err := w.reg.IncidentHits(t.Context(), list[0].ID)
	if err != nil || len(hits) != 1 || hits[0].Canary != p.ID || !hits[0].Clean {
		t.Errorf("hits %+v, %v", hits, err)
	}
}
