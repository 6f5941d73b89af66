package registry

import (
	"context"
	"database/sql"
	"fmt"

	"saltmine/internal/canary"
	"saltmine/internal/token"
)

// fileEntries files the contacts of an outcome, and gives their leaves.
func (r *Registry) fileEntries(ctx context.Context, tx *sql.Tx, o canary.Outcome) (list []leaf, err error) {
	for i := range o.Entries {
		e := &o.Entries[i]
		hash, err := r.fileEntry(ctx, tx, o.Spool, e)
		if err != nil {
			return nil, fmt.Errorf("registry: file %s: %w", e.Contact.ID, err)
		}
		if e.Class != canary.ClassDrill && !e.Pending {
			list = append(list, leaf{e.Contact.ID, hash})
		}
	}
	return list, nil
}

// state is how complete an entry is: 0 complete, 1 pending, 2 cut off.
func state(e *canary.Entry) int {
	switch {
	case e.Pending:
		return 1
	case e.CutOff:
		return 2
	}
	return 0
}

func (r *Registry) fileEntry(ctx context.Context, tx *sql.Tx, spool string, e *canary.Entry) (hash string, err error) {
	c := &e.Contact
	plain, err := c.MarshalBinary()
	if err != nil {
		return "", err
	}
	if e.Replaces {
		for _, q := range []string{"DELETE FROM contacts WHERE id = ? AND pending <> 0", "DELETE FROM mails WHERE contact = ?", "DELETE FROM searches WHERE contact = ?", "DELETE FROM clues WHERE contact = ?"} {
			if _, err := tx.ExecContext(ctx, q, c.ID); err != nil {
				return "", err
			}
		}
		if err := dropHits(ctx, tx, c.ID); err != nil {
			return "", err
		}
	}
	key, err := r.newKey(ctx, tx, c.ID)
	if err != nil {
		return "", err
	}
	_, err = tx.ExecContext(ctx, "INSERT INTO contacts (id, channel, heard, received, ear, spool, pending, part, probe, unverified, domain, origin, class, size, country, shredded, sealed) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,0,?)",
		c.ID, c.Channel, micros(c.At), micros(r.now()), c.Ear, spool, state(e), c.Part, c.Probe, c.Unverified, e.Domain, e.Origin, e.Class, len(c.Raw),
		countryOf(c), key.Seal(contactField(c.ID), plain))
	if err == nil && e.Judge {
		err = r.awaitMail(ctx, tx, c.ID)
	}
	if err == nil && e.Search {
		err = r.awaitSearch(ctx, tx, c)
	}
	return key.Leaf(plain), err
}

// countryOf is the country of the first number that a contact reached.
func countryOf(c *canary.Contact) string {
	for _, t := range c.Targets {
		if t.Kind != canary.Phone {
			continue
		}
		if text, err := token.Canon(t.Kind, t.Text); err == nil {
			return token.Country(text)
		}
	}
	return ""
}
