package registry

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"saltmine/internal/canary"
	"saltmine/internal/evidence"
	"saltmine/internal/seal"
)

// Each contact has a key of its own (seal.RecordKey), which is kept sealed in the
// table contact_keys, and a leaf on the evidence log: the hash of its content under
// a salt that goes with the key. The contacts of one commit share an act, "filed",
// about their batch; its outcome is the hash of a list of a line for each, in the
// order of their ids (see [evidence.Line]). The pages that were written with them
// have lines in it, too, whose leaf is the SHA-256 of the page's text. A contact of which only a part has come has
// none yet. So CheckContacts finds a contact that was
// changed, taken out or put in; and of one that was given up (see shred.go) the
// leaf stays and can be neither opened nor guessed. Contacts of drills have none:
// they are made here and are forgotten.
//
// A row of contact_keys is only ever overwritten by one of its own length, which
// SQLite does in place, so that no copy of it is moved about; rows of drills alone
// are taken out.

// What Saltmine puts upon the evidence log by itself.
const (
	actFiled = "filed" // contacts, and pages that were written
	actSent  = "sent"  // a route has accepted a page
	// windows of tokens, as they were changed
	actWindows = "windows"
)

func contactField(id canary.ContactID) string { return "contacts|" + string(id) }

func keyField(id canary.ContactID) string { return "contact_keys|" + string(id) }

// kept is a contact's sealed part with its key, as contactColumns select them.
type kept struct {
	id          canary.ContactID
	sealed, key []byte
	shredded    int64
}

const contactColumns = "c.id, c.sealed, k.sealed, c.shredded"

const contactTables = " FROM contacts c LEFT JOIN contact_keys k ON k.contact = c.id"

func (k *kept) fields() []any { return []any{&k.id, &k.sealed, &k.key, &k.shredded} }

// keyOf opens the key of a contact.
func (r *Registry) keyOf(k *kept) (*seal.RecordKey, error) {
	if k.shredded != 0 {
		return nil, fmt.Errorf("registry: contact %s: %w: %w", k.id, ErrShredded, canary.ErrUnreadable)
	}
	key, err := r.vault.OpenKey(keyField(k.id), k.key)
	if err != nil {
		return nil, fmt.Errorf("registry: contact %s: %w: %w", k.id, canary.ErrUnreadable, err)
	}
	return key, nil
}

// content opens what a contact holds.
func (r *Registry) content(k *kept) (plain []byte, key *seal.RecordKey, err error) {
	if key, err = r.keyOf(k); err != nil {
		return nil, nil, err
	}
	if plain, err = key.Open(contactField(k.id), k.sealed); err != nil {
		return nil, nil, fmt.Errorf("registry: contact %s: %w: %w", k.id, canary.ErrUnreadable, err)
	}
	return plain, key, nil
}

// Contact returns one contact with its evidence.
func (r *Registry) Contact(ctx context.Context, id canary.ContactID) (*canary.Contact, error) {
	var k kept
	err := r.db.QueryRowContext(ctx, "SELECT "+contactColumns+contactTables+" WHERE c.id = ?", id).Scan(k.fields()...)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, fmt.Errorf("registry: contact %s: %w", id, ErrNotFound)
	}
	if err != nil {
		return nil, fmt.Errorf("registry: contact %s: %w", id, err)
	}
	return r.openContact(&k)
}

func (r *Registry) openContact(k *kept) (*canary.Contact, error) {
	plain, _, err := r.content(k)
	if err != nil {
		return nil, err
	}
	var c canary.Contact
	if err := c.UnmarshalBinary(plain); err != nil {
		return nil, fmt.Errorf("registry: contact %s: %w: %w", k.id, canary.ErrUnreadable, err)
	}
	return &c, nil
}

// newKey makes the key of a contact that is filed. One that stands already is written
// over: of a contact of which only a part had come, or of one that is not there any
// more and comes again, as from a spool that was put back from a backup.
func (r *Registry) newKey(ctx context.Context, tx *sql.Tx, id canary.ContactID) (*seal.RecordKey, error) {
	key, err := seal.NewRecordKey()
	if err != nil {
		return nil, err
	}
	query := "INSERT INTO contact_keys (contact, sealed) VALUES (?,?) ON CONFLICT (contact) DO UPDATE SET sealed = excluded.sealed"
	if r.mysql {
		query = "INSERT INTO contact_keys (contact, sealed) VALUES (?,?) ON DUPLICATE KEY UPDATE sealed = VALUES(sealed)"
	}
	_, err = tx.ExecContext(ctx, query, id, r.vault.SealKey(keyField(id), key))
	return key, err
}

// leaf is a contact's leaf in one commit, or a page's, under the page's id.
type leaf struct {
	contact canary.ContactID
	hash    string
}

func (l leaf) ofPage() bool { return strings.HasPrefix(string(l.contact), "p_") }

func pageLeaf(body string) string {
	sum := sha256.Sum256([]byte(body))
	return hex.EncodeToString(sum[:])
}

// pageLeaves are those of the pages of an outcome, but for drills', which are made here
// and many, and updates, which are dropped when there is a newer one.
func pageLeaves(list []canary.Page) (out []leaf, err error) {
	for _, p := range list {
		if p.Drill != "" || p.Update || p.Incident == "" {
			continue
		}
		body, err := json.Marshal(p)
		if err != nil {
			return nil, err
		}
		out = append(out, leaf{canary.ContactID(p.ID), pageLeaf(string(body))})
	}
	return out, nil
}

func batchHash(list []leaf) string {
	sortLeaves(list)
	return evidence.ListHash(linesOf(list))
}

func sortLeaves(list []leaf) {
	slices.SortFunc(list, func(a, b leaf) int { return strings.Compare(string(a.contact), string(b.contact)) })
}

func linesOf(list []leaf) []string {
	lines := make([]string, len(list))
	for i, l := range list {
		lines[i] = evidence.Line(string(l.contact), l.hash)
	}
	return lines
}

// recordLeaves puts the contacts and pages of a commit upon the evidence log.
func (r *Registry) recordLeaves(ctx context.Context, tx *sql.Tx, list []leaf) error {
	if len(list) == 0 {
		return nil
	}
	batch := canary.NewID("f")
	args := make([]any, 0, 3*len(list))
	hash := batchHash(list)
	for _, l := range list {
		args = append(args, l.contact, batch, l.hash)
	}
	if err := insertRows(ctx, tx, "leaves (contact, batch, leaf)", 3, args); err != nil {
		return fmt.Errorf("registry: leaves of contacts: %w", err)
	}
	return r.record(ctx, tx, canary.Act{Who: "-", Via: "intake", What: actFiled, About: batch, Outcome: hash})
}

// Kept says how the contacts stand by the evidence log.
type Kept struct {
	Contacts int `json:"contacts"` // whole, as they were filed
	Shredded int `json:"shredded"` // given up, with an act that says why
	Other    int `json:"other"`    // not on the log: of drills, or not complete yet
}

// CheckContacts reads every contact and holds it against its leaf, all as they are
// at one moment. It is [ErrTampered] when one is not as it was filed, is gone, or has
// come otherwise. The log itself is what CheckActs looks at.
func (r *Registry) CheckContacts(ctx context.Context) (out Kept, err error) {
	err = r.inView(ctx, func(tx *sql.Tx) error {
		out, err = r.checkContacts(ctx, tx)
		return err
	})
	if err != nil {
		return out, fmt.Errorf("registry: contacts: %w", err)
	}
	return out, nil
}

func (r *Registry) checkContacts(ctx context.Context, q querier) (out Kept, err error) {
	newest, err := checkLeaves(ctx, q)
	if err != nil {
		return out, err
	}
	given, err := shreds(ctx, q)
	if err != nil {
		return out, err
	}
	err = eachOf(ctx, q, "SELECT "+contactColumns+", c.class, c.pending"+contactTables, nil, func(row *sql.Rows) error {
		var k kept
		var class canary.Class
		var pending int
		if err := row.Scan(append(k.fields(), &class, &pending)...); err != nil {
			return err
		}
		want, listed := newest[k.id]
		delete(newest, k.id)
		if !listed && (class == canary.ClassDrill || pending == 1) {
			out.Other++
			return nil
		}
		if !listed {
			return fmt.Errorf("%w: contact %s was not filed by Saltmine", ErrTampered, k.id)
		}
		stands, err := r.holdAgainst(&k, want, given[k.id])
		if stands {
			out.Contacts++
		} else {
			out.Shredded++
		}
		return err
	})
	if err != nil {
		return out, err
	}
	for id := range newest {
		return out, fmt.Errorf("%w: contact %s is gone", ErrTampered, id)
	}
	return out, nil
}

// holdAgainst holds a contact against its leaf. It is false for one that was given up,
// and an error unless that is on the log.
func (r *Registry) holdAgainst(k *kept, want string, given bool) (stands bool, err error) {
	if k.shredded != 0 && !given {
		return false, fmt.Errorf("%w: contact %s was given up, and nobody has", ErrTampered, k.id)
	}
	if k.shredded != 0 {
		return false, nil
	}
	plain, key, err := r.content(k)
	if err != nil || key.Leaf(plain) != want {
		return false, fmt.Errorf("%w: contact %s is not as it was filed", ErrTampered, k.id)
	}
	return true, nil
}

// checkLeaves holds the leaves against the acts, and gives the newest of each contact.
func checkLeaves(ctx context.Context, q querier) (map[canary.ContactID]string, error) {
	batches := map[string][]leaf{}
	err := eachOf(ctx, q, "SELECT contact, batch, leaf FROM leaves", nil, func(row *sql.Rows) error {
		var l leaf
		var batch string
		err := row.Scan(&l.contact, &batch, &l.hash)
		batches[batch] = append(batches[batch], l)
		return err
	})
	newest := map[canary.ContactID]string{}
	pages := map[canary.PageID]string{}
	if err == nil {
		err = eachAct(ctx, q, "what = ? ORDER BY seq", []any{actFiled}, func(a canary.Act) error {
			if batchHash(batches[a.About]) != a.Outcome {
				return fmt.Errorf("%w: the leaves of act %d are not as they were written", ErrTampered, a.Seq)
			}
			for _, l := range batches[a.About] {
				if l.ofPage() {
					pages[canary.PageID(l.contact)] = l.hash
				} else {
					newest[l.contact] = l.hash
				}
			}
			delete(batches, a.About)
			return nil
		})
	}
	if err != nil {
		return nil, fmt.Errorf("leaves: %w", err)
	}
	for batch := range batches {
		return nil, fmt.Errorf("leaves: %w: batch %s is on no act", ErrTampered, batch)
	}
	return newest, checkPages(ctx, q, pages)
}

// checkPages holds the pages against their leaves.
func checkPages(ctx context.Context, q querier, want map[canary.PageID]string) error {
	err := eachOf(ctx, q, "SELECT id, body FROM pages", nil, func(row *sql.Rows) error {
		var id canary.PageID
		var body string
		if err := row.Scan(&id, &body); err != nil {
			return err
		}
		if leaf, listed := want[id]; listed && leaf != pageLeaf(body) {
			return fmt.Errorf("%w: page %s is not as it was written", ErrTampered, id)
		}
		delete(want, id)
		return nil
	})
	if err != nil {
		return fmt.Errorf("pages: %w", err)
	}
	for id := range want {
		return fmt.Errorf("pages: %w: page %s is gone", ErrTampered, id)
	}
	return nil
}
