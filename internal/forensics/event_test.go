package forensics_test

import (
	"slices"
	"testing"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/forensics"
)

// TestOneContactCountsOnce: a ticket number that is quoted beside its owner's
// address is no second hit. It says nothing more of who had the row, and the answer
// says that it does not; quoted by another contact it is a hit of its own.
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
		Now:      day(20, 0),
		Hits:     []forensics.Hit{address, ticket, other},
		Extracts: []canary.Extract{extract("E-many", "a", canary.At(day(5, 0)), many...), extract("E-few", "b", canary.At(day(5, 0)), 2, 3)},
	}
	few := "only 2 independent hits, for tokens of one record that were named together count once: with fewer than 3 the first suspect is often the wrong one"
	a := forensics.Trace(q)
	if !slices.Contains(a.Reasons, few) {
		t.Errorf("reasons %q", a.Reasons)
	}
	alone := q
	alone.Hits = []forensics.Hit{address, other}
	if with, without := find(t, a, "E-many").P, find(t, forensics.Trace(alone), "E-many").P; with != without {
		t.Errorf("with the ticket E-many has %v, without it %v", with, without)
	}
	q.Hits[1].Contact = "k_apart"
	if a := forensics.Trace(q); slices.Contains(a.Reasons, few) {
		t.Errorf("by contacts of their own: %q", a.Reasons)
	}
}
