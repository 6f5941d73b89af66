package api

import (
	"context"
	"errors"
	"net/http"
	"regexp"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/people"
	"saltmine/internal/registry"
)

// Second says whether, and for how long, opening evidence wants the approval of a
// second person. The zero value: it does not.
type Second struct {
	Wanted bool
	Valid  time.Duration
}

// What can be asked for here; it is what is opened of a contact.
const (
	theEvidence = "evidence"
	theRaw      = "raw"
)

var contactForm = regexp.MustCompile(`^k_[A-Za-z0-9._-]{8,120}$`)

// approved finds under which approval a person opens something of a contact.
func (a *API) approved(ctx context.Context, c *call, what string) (registry.By, error) {
	by := c.by("")
	if !a.cfg.Second.Wanted {
		return by, nil
	}
	got, found, err := a.cfg.Registry.ApprovalOf(ctx, by.Who, what, []string{c.about})
	switch {
	case err != nil:
		return by, err
	case !found:
		return by, unapproved("ask for it: POST /v1/approvals")
	case got.State != canary.ApprovalGiven:
		return by, unapproved(string(got.ID) + " waits for a second person")
	}
	by.Approval = got.ID
	return by, nil
}

func unapproved(detail string) *problem {
	return &problem{kind: "approval", title: "A second person has to approve this", status: http.StatusForbidden, detail: detail}
}

// ask registers a request for what the same person then opens.
func (a *API) ask(ctx context.Context, c *call) (*answer, error) {
	var said struct {
		What    string           `json:"what"`
		Contact canary.ContactID `json:"contact"`
	}
	if err := c.body(&said); err != nil {
		return nil, err
	}
	var faults []fault
	if said.What != theEvidence && said.What != theRaw {
		faults = append(faults, fault{"what", "want evidence or raw"})
	}
	if !contactForm.MatchString(string(said.Contact)) {
		faults = append(faults, fault{"contact", "want the id of a contact"})
	}
	if len(faults) > 0 {
		return nil, faulty(faults...)
	}
	if _, err := a.cfg.Registry.FiledContact(ctx, said.Contact); err != nil {
		return nil, err
	}
	valid := a.cfg.Second.Valid
	if !a.cfg.Second.Wanted {
		return nil, &problem{kind: "approval", title: "Nobody has to approve", status: http.StatusConflict, detail: "no second person is wanted here: open it"}
	}
	got, err := a.cfg.Registry.Ask(ctx, c.by(""), said.What, []string{string(said.Contact)}, valid)
	if err != nil {
		return nil, err
	}
	return reply(got)
}

// approvals lists requests: everybody's to those who approve, and to the others
// what they asked for themselves.
func (a *API) approvals(ctx context.Context, c *call) (*answer, error) {
	q := parseQuery(c.r.URL.RawQuery)
	f := registry.ApprovalFilter{Open: q.word("state", "open", "all") != "all"}
	of := q.word("of", "me", "all")
	after := q.after()
	f.After.Asked, f.After.ID = after.At, canary.ApprovalID(after.ID)
	size := q.limit()
	f.Limit = size + 1
	if err := q.done(); err != nil {
		return nil, err
	}
	switch approves := c.who.Has(people.Seconds()...); {
	case of == "all" && !approves:
		return nil, forbidden(people.Seconds())
	case of == "me" || !approves:
		f.Who = c.who.Name
	}
	list, err := a.cfg.Registry.Approvals(ctx, f)
	if err != nil {
		return nil, err
	}
	return page(c, list, size, func(p *canary.Approval) registry.Cursor { return registry.Cursor{At: p.Asked, ID: string(p.ID)} })
}

// decide is what the second person says.
func (a *API) decide(ctx context.Context, c *call) (*answer, error) {
	var said struct {
		Decision string `json:"decision"`
	}
	if err := c.body(&said); err != nil {
		return nil, err
	}
	if said.Decision != "approve" && said.Decision != "refuse" {
		return nil, faulty(fault{"decision", "want approve or refuse"})
	}
	got, err := a.cfg.Registry.Decide(ctx, canary.ApprovalID(c.about), said.Decision == "approve", c.by(""))
	return settled(c, got, err)
}

// takeBack is what who asked says, whatever their role.
func (a *API) takeBack(ctx context.Context, c *call) (*answer, error) {
	if err := c.body(&struct{}{}); err != nil {
		return nil, err
	}
	got, err := a.cfg.Registry.TakeBack(ctx, canary.ApprovalID(c.about), c.by(""))
	return settled(c, got, err)
}

// settled answers how a request stands, or why it stays as it is.
func settled(c *call, got canary.Approval, err error) (*answer, error) {
	switch {
	case errors.Is(err, registry.ErrOwnRequest):
		return nil, &problem{kind: "own-request", title: "It is your own request", status: http.StatusForbidden, detail: "somebody else has to approve it"}
	case errors.Is(err, registry.ErrNotYours):
		return nil, &problem{kind: "not-yours", title: "It is not your request", status: http.StatusForbidden, detail: "only who asked for it can take it back"}
	case errors.Is(err, registry.ErrDecided):
		return nil, &problem{kind: "decided", title: "It is not open", status: http.StatusConflict, detail: "it has been decided or used, or its time is over"}
	case err != nil:
		return nil, err
	}
	c.recorded = true
	return reply(got)
}
