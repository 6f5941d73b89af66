package registry

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"saltmine/internal/canary"
)

// FiledContact is a contact without its evidence: nothing of it tells whom it reached.
type FiledContact struct {
	ID       canary.ContactID `json:"id"`
	Channel  canary.Channel   `json:"channel"`
	At       time.Time        `json:"at"`       // when the ear heard it
	Received time.Time        `json:"received"` // when it was filed
	Ear      string           `json:"ear"`
	// State is "complete", "pending" (only records written ahead have come) or
	// "cut off" (nothing more came).
	State string `json:"state"`
	// Class is empty while it is pending, and where nothing of ours was reached.
	Class      canary.Class `json:"class,omitempty"`
	Probe      bool         `json:"probe"`
	Unverified bool         `json:"unverified"`
	// Shredded is when what it said was given up.
	Shredded time.Time `json:"shredded,omitzero"`
	Bytes    int64     `json:"bytes"` // of evidence
	// Canaries and Placebos count what it reached; Clean is set when that weighs.
	Canaries  int                 `json:"canaries"`
	Placebos  int                 `json:"placebos"`
	Clean     bool                `json:"clean"`
	Incidents []canary.IncidentID `json:"incidents"`
}

// ContactFilter chooses contacts. Zero fields choose all.
type ContactFilter struct {
	ID       canary.ContactID
	Incident canary.IncidentID
	Channel  canary.Channel
	Class    canary.Class
	// Since and Until bound when it was heard: [Since, Until).
	Since, Until time.Time
	// After is the last that was seen: what comes behind it in the order.
	After FiledContact
	Limit int // at most so many; 0 is no limit
}

func (f *ContactFilter) query() (string, []any) {
	from, args := " FROM contacts c WHERE 1=1", []any(nil)
	if f.Incident != "" {
		from, args = " FROM (SELECT contact FROM hits WHERE incident = ? UNION SELECT contact FROM supports WHERE incident = ?) AS told JOIN contacts c ON c.id = told.contact WHERE 1=1",
			[]any{f.Incident, f.Incident}
	}
	add := func(condition string, values ...any) { from, args = from+" AND "+condition, append(args, values...) }
	if f.ID != "" {
		add("c.id = ?", f.ID)
	}
	if f.Channel != "" {
		add("c.channel = ?", f.Channel)
	}
	if f.Class != "" {
		add("c.class = ?", f.Class)
	}
	if !f.Since.IsZero() {
		add("c.heard >= ?", micros(f.Since))
	}
	if !f.Until.IsZero() {
		add("c.heard < ?", micros(f.Until))
	}
	if f.After.ID != "" {
		add("(c.heard < ? OR c.heard = ? AND c.id > ?)", micros(f.After.At), micros(f.After.At), f.After.ID)
	}
	from += " ORDER BY c.heard DESC, c.id"
	if f.Limit > 0 {
		from, args = from+" LIMIT ?", append(args, f.Limit)
	}
	return "SELECT c.id, c.channel, c.heard, c.received, c.ear, c.pending, c.class, c.probe, c.unverified, c.size, c.shredded" + from, args
}

// Contacts returns contacts without their evidence, the newest first, those of
// one moment by their ids.
func (r *Registry) Contacts(ctx context.Context, f ContactFilter) ([]FiledContact, error) {
	states := []string{"complete", "pending", "cut off"}
	var list []FiledContact
	var ids []canary.ContactID
	query, args := f.query()
	err := r.each(ctx, query, args, func(row *sql.Rows) error {
		c := FiledContact{Incidents: []canary.IncidentID{}}
		var at, received, shredded int64
		var pending int
		if err := row.Scan(&c.ID, &c.Channel, &at, &received, &c.Ear, &pending, &c.Class, &c.Probe, &c.Unverified, &c.Bytes, &shredded); err != nil {
			return err
		}
		if pending < 0 || pending >= len(states) {
			return fmt.Errorf("contact %s: state %d", c.ID, pending)
		}
		c.At, c.Received, c.Shredded, c.State = fromMicros(at), fromMicros(received), fromMicros(shredded), states[pending]
		list, ids = append(list, c), append(ids, c.ID)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("registry: contacts: %w", err)
	}
	if err := r.fillFiled(ctx, list, ids); err != nil {
		return nil, fmt.Errorf("registry: contacts: %w", err)
	}
	return list, nil
}

func (r *Registry) fillFiled(ctx context.Context, list []FiledContact, ids []canary.ContactID) error {
	of, seen := map[canary.ContactID]*FiledContact{}, map[string]bool{}
	for i := range list {
		of[list[i].ID] = &list[i]
	}
	err := selectIn(ctx, r.db, "SELECT contact, token, canary, role, incident, clean FROM hits WHERE contact IN", ids, func(row *sql.Rows) error {
		var h canary.Hit
		if err := row.Scan(&h.Contact, &h.Token, &h.Canary, &h.Role, &h.Incident, &h.Clean); err != nil {
			return err
		}
		c, reached := of[h.Contact], string(h.Contact)+" "+string(h.Canary)
		switch {
		case h.Role == canary.RolePlacebo:
			c.Placebos++
		case h.Role == canary.RolePlanted && !seen[reached]:
			c.Canaries, seen[reached] = c.Canaries+1, true
		}
		c.Clean = c.Clean || h.Clean && h.Role == canary.RolePlanted
		c.joins(h.Incident)
		return nil
	})
	if err != nil {
		return err
	}
	err = selectIn(ctx, r.db, "SELECT contact, incident FROM supports WHERE contact IN", ids, func(row *sql.Rows) error {
		var id canary.ContactID
		var inc canary.IncidentID
		err := row.Scan(&id, &inc)
		of[id].joins(inc)
		return err
	})
	for i := range list {
		slices.Sort(list[i].Incidents)
	}
	return err
}

func (c *FiledContact) joins(id canary.IncidentID) {
	if id != "" && !slices.Contains(c.Incidents, id) {
		c.Incidents = append(c.Incidents, id)
	}
}

// FiledContact returns one contact without its evidence; [ErrNotFound] when there
// is none.
func (r *Registry) FiledContact(ctx context.Context, id canary.ContactID) (FiledContact, error) {
	list, err := r.Contacts(ctx, ContactFilter{ID: id})
	if err == nil && (id == "" || len(list) == 0) {
		err = fmt.Errorf("registry: contact %s: %w", id, ErrNotFound)
	}
	if err != nil {
		return FiledContact{}, err
	}
	return list[0], nil
}
