package forensics_test

import (
	"slices"
	"testing"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/forensics"
)

// TestOneContactCountsOnce: a ticket number that is quoted beside its owner's
// address is no second hit. Of two extracts that explain one event each, the one
// that held less comes first, however many tokens the other's event named; quoted
// by another contact it is a hit of its own.
func TestOneContactCountsOnce(t *testing.T) {
	t.Parallel()
	w := open(day(0, 0), time.Time{})
	address, ticket, other := hit(1, w, day(10, 0)), hit(1, w, day(10, 0)), hit(2, w, day(12, 0))
	address.Contact, ticket.Contact, other.Contact = "k_together", "k_together", "k_other"
	ticket.Token, ticket.Kind = "t_ticket", canary.Ticket
	many := []int{1}
	for n := 10; n < 200; n++ {
		many = append(many, n)
	}
	q := forensics.Question{
		Hits:     []forensics.Hit{address, ticket, other},
		Extracts: []canary.Extract{extract("E-many", "a", canary.At(day(5, 0)), many...), extract("E-few", "b", canary.At(day(5, 0)), 2, 3)},
	}
	a := forensics.Trace(q)
	if first, ok := a.Leading(); !ok || first.Extract != "E-few" {
		t.Errorf("first is %s: %v", first.Extract, first.Reasons)
	}
	if !slices.Contains(a.Reasons, "only 2 independent hits, for tokens of one record that were named together count once: with fewer than 3 the first suspect is often the wrong one") {
		t.Errorf("reasons %q", a.Reasons)
	}
	q.Hits[1].Contact = "k_apart"
	if first, ok := forensics.Trace(q).Leading(); !ok || first.Extract != "E-many" {
		t.Errorf("by contacts of their own first is %s", first.Extract)
	}
}
