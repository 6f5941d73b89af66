package registry

import (
	"cmp"
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"

	"saltmine/internal/canary"
)

type owner struct {
	id    canary.ID
	place canary.Place
}

// registration gathers tokens and placebos, sealed, and then writes them.
//
// There are a hundred placebos to a token, so they get no row of their own but
// in the index: the placebos of one kind that are registered together are one
// sealed text, a cohort, and blinds leads from each of them to it.
type registration struct {
	r       *Registry
	tokens  []any // rows, value after value
	cohorts []any
	blinds  []blind
}

// blind is a row of the blind index, and whose it is.
type blind struct {
	index  int64
	cohort int64 // 0: a token
	id     canary.TokenID
	kind   canary.Kind
}

func (g *registration) add(o owner, tokens []canary.DatedToken, placebos []canary.Token) error {
	for _, t := range tokens {
		if t.Canary != o.id || t.Role != canary.RolePlanted {
			return fmt.Errorf("%s: %w: a token of this canary with the role planted is wanted", t.Token, canary.ErrInvalid)
		}
		window, err := g.r.sealWindow(t.ID, t.Window)
		if err != nil {
			return err
		}
		b := g.index(t.Token, 0)
		g.tokens = append(g.tokens, t.ID, b, t.Kind, t.Canary, g.r.domainOf(t.Kind, t.Text), o.place,
			g.r.vault.Seal(tokenField(t.ID, "text"), []byte(t.Text)), window)
	}
	kinds := map[canary.Kind][]canary.Token{}
	for _, t := range placebos {
		if t.Canary != "" || t.Role != canary.RolePlacebo {
			return fmt.Errorf("%s: %w: a placebo belongs to no canary", t, canary.ErrInvalid)
		}
		kinds[t.Kind] = append(kinds[t.Kind], t)
	}
	for kind, list := range kinds {
		g.addCohort(o.id, kind, list)
	}
	return nil
}

func (g *registration) addCohort(id canary.ID, kind canary.Kind, list []canary.Token) {
	var random [8]byte
	rand.Read(random[:]) // never fails since Go 1.24
	// Never 0; a repeat is not to be expected, and would fail the call.
	cohort := int64(binary.BigEndian.Uint64(random[:]) | 1) //nolint:gosec // all 64 bits, whatever the sign
	var plain []byte
	for _, t := range list {
		g.index(t, cohort)
		plain = appendText(appendText(plain, string(t.ID)), t.Text)
	}
	g.cohorts = append(g.cohorts, cohort, id, kind, len(list), micros(g.r.now()), g.r.vault.Seal(cohortField(cohort), plain))
}

func (g *registration) index(t canary.Token, cohort int64) int64 {
	b := blind{g.r.vault.Index(string(t.Kind), t.Text), cohort, t.ID, t.Kind}
	g.blinds = append(g.blinds, b)
	return b.index
}

func cohortField(id int64) string { return "cohorts|" + strconv.FormatInt(id, 10) + "|placebos" }

func (g *registration) write(ctx context.Context, tx *sql.Tx) error {
	if err := g.writeBlinds(ctx, tx); err != nil {
		return err
	}
	if err := insertRows(ctx, tx, "tokens (id, blind, kind, canary, domain, place, sealed, sealed_window)", 8, g.tokens); err != nil {
		return err
	}
	return insertRows(ctx, tx, "cohorts (id, canary, kind, placebos, registered, sealed)", 6, g.cohorts)
}

// writeBlinds writes in the order of the index: with millions of rows every
// new one falls on another page, and so each page is visited once.
func (g *registration) writeBlinds(ctx context.Context, tx *sql.Tx) error {
	slices.SortFunc(g.blinds, func(a, b blind) int { return cmp.Compare(a.index, b.index) })
	args := make([]any, 0, 2*len(g.blinds))
	for i, b := range g.blinds {
		if i > 0 && b.index == g.blinds[i-1].index {
			return fmt.Errorf("%s token %s: %w: it is given twice", b.kind, b.id, canary.ErrInvalid)
		}
		args = append(args, b.index, b.cohort)
	}
	return insertRows(ctx, tx, "blinds (blind, cohort)", 2, args)
}

// placebo finds one of a cohort by its text.
func (r *Registry) placebo(ctx context.Context, cohort int64, kind canary.Kind, text string) (t canary.Token, found bool, err error) {
	var sealed []byte
	var of canary.Kind
	if err := r.db.QueryRowContext(ctx, "SELECT kind, sealed FROM cohorts WHERE id = ?", cohort).Scan(&of, &sealed); err != nil {
		return t, false, err
	}
	plain, err := r.vault.Open(cohortField(cohort), sealed)
	if err != nil || of != kind {
		return t, false, err
	}
	for len(plain) > 0 {
		var id, this string
		id, plain = cutText(plain)
		if this, plain = cutText(plain); this == text {
			return canary.Token{ID: canary.TokenID(id), Kind: kind, Role: canary.RolePlacebo, Text: text}, true, nil
		}
	}
	return t, false, nil
}

// A cohort's plain text is the id and the text of each placebo, each after its
// length in bytes as a uvarint.
func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// cutText takes the first text off what appendText made; what it did not make
// has no texts.
func cutText(b []byte) (s string, rest []byte) {
	n, used := binary.Uvarint(b)
	if b = b[max(used, 0):]; used <= 0 || n > uint64(len(b)) {
		return "", nil
	}
	return string(b[:n]), b[n:]
}
