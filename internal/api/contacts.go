package api

import (
	"context"
	"net/http"
	"strconv"

	"saltmine/internal/canary"
	"saltmine/internal/registry"
)

func channels() []string {
	var words []string
	for _, c := range []canary.Channel{canary.SMTP, canary.IMAP, canary.DNS, canary.Voice, canary.SMS, canary.ByTicket, canary.Dump, canary.Report} {
		words = append(words, string(c))
	}
	return words
}

func (a *API) contacts(ctx context.Context, c *call) (*answer, error) {
	return a.listContacts(ctx, c, registry.ContactFilter{})
}

func (a *API) contactsOf(ctx context.Context, c *call) (*answer, error) {
	id := canary.IncidentID(c.about)
	if _, err := a.cfg.Registry.Case(ctx, id); err != nil {
		return nil, err
	}
	return a.listContacts(ctx, c, registry.ContactFilter{Incident: id})
}

func (a *API) listContacts(ctx context.Context, c *call, f registry.ContactFilter) (*answer, error) {
	q := parseQuery(c.r.URL.RawQuery)
	f.Channel, f.Since, f.Until = canary.Channel(q.word("channel", channels()...)), q.time("since"), q.time("until")
	after := q.after()
	f.After.At, f.After.ID = after.At, canary.ContactID(after.ID)
	size := q.limit()
	f.Limit = size + 1
	if err := q.done(); err != nil {
		return nil, err
	}
	list, err := a.cfg.Registry.Contacts(ctx, f)
	if err != nil {
		return nil, err
	}
	return page(c, list, size, contactCursor)
}

func contactCursor(k *registry.FiledContact) registry.Cursor {
	return registry.Cursor{At: k.At, ID: string(k.ID)}
}

func (a *API) contact(ctx context.Context, c *call) (*answer, error) {
	if err := parseQuery(c.r.URL.RawQuery).done(); err != nil {
		return nil, err
	}
	found, err := a.cfg.Registry.FiledContact(ctx, canary.ContactID(c.about))
	if err != nil {
		return nil, err
	}
	return reply(found)
}

// reached is one token that a contact reached.
type reached struct {
	Canary   canary.ID         `json:"canary,omitempty"`
	Token    canary.TokenID    `json:"token"`
	Role     canary.Role       `json:"role"`
	Incident canary.IncidentID `json:"incident,omitempty"`
	Clean    bool              `json:"clean"`
}

// opened is a contact with whom it was aimed at and what it said.
type opened struct {
	*canary.Contact
	Bytes   int       `json:"bytes"` // of evidence
	Reached []reached `json:"reached"`
}

func (a *API) evidence(ctx context.Context, c *call) (*answer, error) {
	o, err := a.open(ctx, c, theEvidence)
	if err != nil {
		return nil, err
	}
	return reply(o)
}

// open records that the identities of the canaries that a contact reached are
// opened, and opens it.
func (a *API) open(ctx context.Context, c *call, what string) (*opened, error) {
	if err := parseQuery(c.r.URL.RawQuery).done(); err != nil {
		return nil, err
	}
	by, err := a.approved(ctx, c, what)
	if err != nil {
		return nil, err
	}
	id := canary.ContactID(c.about)
	contact, err := a.cfg.Registry.Contact(ctx, id)
	if err != nil {
		return nil, err
	}
	hits, err := a.cfg.Registry.HitsOf(ctx, id)
	if err != nil {
		return nil, err
	}
	o := &opened{Contact: contact, Bytes: len(contact.Raw), Reached: []reached{}}
	seen := map[canary.ID]bool{}
	var ids []canary.ID
	for _, h := range hits {
		o.Reached = append(o.Reached, reached{h.Canary, h.Token, h.Role, h.Incident, h.Clean})
		if h.Canary != "" && !seen[h.Canary] {
			ids, seen[h.Canary] = append(ids, h.Canary), true
		}
	}
	return o, a.cfg.Registry.Reveal(ctx, by, ids...)
}

// raw gives the bytes that the other side sent, as a file that no browser shows.
func (a *API) raw(ctx context.Context, c *call) (*answer, error) {
	o, err := a.open(ctx, c, theRaw)
	if err != nil {
		return nil, err
	}
	return &answer{status: http.StatusOK, body: o.Raw, header: http.Header{
		"Content-Type": {"application/octet-stream"}, "Content-Disposition": {`attachment; filename="` + c.about + `.bin"`},
	}}, nil
}

func (a *API) notices(ctx context.Context, c *call) (*answer, error) {
	q := parseQuery(c.r.URL.RawQuery)
	f := registry.NoticeFilter{Unread: q.word("state", "unread", "all") == "unread"}
	after := q.after()
	f.After.Raised, f.After.ID = after.At, canary.NoticeID(after.ID)
	size := q.limit()
	f.Limit = size + 1
	if err := q.done(); err != nil {
		return nil, err
	}
	list, err := a.cfg.Registry.Notices(ctx, f)
	if err != nil {
		return nil, err
	}
	return page(c, list, size, func(n *canary.Notice) registry.Cursor { return registry.Cursor{At: n.Raised, ID: string(n.ID)} })
}

// read acknowledges a notice. There is nothing to overwrite: who was first stays.
func (a *API) read(ctx context.Context, c *call) (*answer, error) {
	if err := c.body(&struct{}{}); err != nil {
		return nil, err
	}
	if err := a.cfg.Registry.AcknowledgeNotice(ctx, canary.NoticeID(c.about), c.by("")); err != nil {
		return nil, err
	}
	c.recorded = true
	a.cfg.Wake()
	return &answer{status: http.StatusNoContent, header: http.Header{}}, nil
}

func (a *API) acts(ctx context.Context, c *call) (*answer, error) {
	q := parseQuery(c.r.URL.RawQuery)
	f := registry.ActFilter{About: q.matching("about", idForm, "an id"), Who: q.text("who")}
	if text := q.text("before"); text != "" {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || n < 1 {
			q.bad("before", "want the number of an act")
		}
		f.Before = n
	}
	size := q.limit()
	f.Limit = size + 1
	if err := q.done(); err != nil {
		return nil, err
	}
	list, err := a.cfg.Registry.Acts(ctx, f)
	if err != nil {
		return nil, err
	}
	out, err := reply(some(list[:min(size, len(list))]))
	if err == nil && len(list) > size {
		out.next(c.r.URL, "before", strconv.FormatInt(list[size-1].Seq, 10))
	}
	return out, err
}
