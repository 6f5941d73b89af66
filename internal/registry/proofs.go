package registry

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"saltmine/internal/canary"
)

// What a pack for a third party shows of the evidence log: acts with their salts, and
// what stands under those by which contacts and pages were filed.

// ActsOn returns the acts about any of these, with their salts, up to an act, in order.
func (r *Registry) ActsOn(ctx context.Context, about []string, until int64) ([]canary.Act, error) {
	var list []canary.Act
	for part := range slices.Chunk(about, rowsAtOnce) {
		args := []any{until}
		for _, id := range part {
			args = append(args, id)
		}
		err := eachAct(ctx, r.db, "seq <= ? AND about IN ("+marks(len(part))+")", args, func(a canary.Act) error {
			list = append(list, a)
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	slices.SortFunc(list, func(a, b canary.Act) int { return cmp.Compare(a.Seq, b.Seq) })
	return slices.CompactFunc(list, func(a, b canary.Act) bool { return a.Seq == b.Seq }), nil
}

// FiledProof is what proves that something was filed as it is.
type FiledProof struct {
	List string // the batch
	Act  int64  // that stands for the list
}

// proofOf finds where a contact or page was filed last.
func (r *Registry) proofOf(ctx context.Context, id string) (p FiledProof, err error) {
	err = r.db.QueryRowContext(ctx, "SELECT a.about, a.seq FROM leaves l JOIN acts a ON a.about = l.batch AND a.what = '"+actFiled+"' WHERE l.contact = ? ORDER BY a.seq DESC LIMIT 1", id).Scan(&p.List, &p.Act)
	if errors.Is(err, sql.ErrNoRows) {
		err = ErrNotFound
	}
	if err != nil {
		return p, fmt.Errorf("registry: leaf of %s: %w", id, err)
	}
	return p, nil
}

// ContactProof returns a contact as it was filed, byte for byte, with the salt of its
// leaf. It is [ErrNotFound] when the contact has none: drills', and those of which only a
// part has come; and [ErrShredded] when it was given up.
func (r *Registry) ContactProof(ctx context.Context, id canary.ContactID) (plain, salt []byte, p FiledProof, err error) {
	var k kept
	err = r.db.QueryRowContext(ctx, "SELECT "+contactColumns+contactTables+" WHERE c.id = ?", id).Scan(k.fields()...)
	if errors.Is(err, sql.ErrNoRows) {
		err = ErrNotFound
	}
	if err != nil {
		return nil, nil, p, fmt.Errorf("registry: contact %s: %w", id, err)
	}
	plain, key, err := r.content(&k)
	if err != nil {
		return nil, nil, p, err
	}
	p, err = r.proofOf(ctx, string(id))
	return plain, key.Salt(), p, err
}

// PageProof is a page as it was written.
type PageProof struct {
	ID   canary.PageID
	Body string
	FiledProof
}

// PageProofs returns the pages of an incident that are on the evidence log.
func (r *Registry) PageProofs(ctx context.Context, id canary.IncidentID) ([]PageProof, error) {
	var list []PageProof
	err := r.each(ctx, "SELECT id, body FROM pages WHERE incident = ? ORDER BY written, id", []any{id}, func(row *sql.Rows) error {
		var p PageProof
		err := row.Scan(&p.ID, &p.Body)
		list = append(list, p)
		return err
	})
	var out []PageProof
	for i := 0; i < len(list) && err == nil; i++ {
		list[i].FiledProof, err = r.proofOf(ctx, string(list[i].ID))
		if errors.Is(err, ErrNotFound) { // an update, or a drill's
			err = nil
			continue
		}
		out = append(out, list[i])
	}
	if err != nil {
		return nil, fmt.Errorf("registry: pages of %s: %w", id, err)
	}
	return out, nil
}

// ListLines returns the lines that an act stands for, in their order.
func (r *Registry) ListLines(ctx context.Context, batch string) ([]string, error) {
	var list []leaf
	err := r.each(ctx, "SELECT contact, leaf FROM leaves WHERE batch = ?", []any{batch}, func(row *sql.Rows) error {
		var l leaf
		err := row.Scan(&l.contact, &l.hash)
		list = append(list, l)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("registry: leaves of %s: %w", batch, err)
	}
	sortLeaves(list)
	if len(list) == 0 {
		return windowLines(ctx, r.db, batch)
	}
	return linesOf(list), nil
}
