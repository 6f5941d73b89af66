package registry

import (
	"bytes"
	"cmp"
	"compress/flate"
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/binary"
	"fmt"
	"io"
	"maps"
	"slices"

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
	nears   []near
	used    []used         // go into pool items
	known   map[int64]bool // texts that were tokens before, and may be again
	promise commitment
	flate   *flate.Writer
	tallies map[tally]map[int64]bool // by their index
	strata  map[string]string        // by domain or block
}

// blind is a row of the blind index, and whose it is.
type blind struct {
	index  int64
	cohort int32 // its mark; 0: a token
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
	if err := g.promise.addCanary(o, tokens); err != nil {
		return err
	}
	kinds := map[canary.Kind][]canary.Token{}
	for _, t := range placebos {
		if t.Canary != "" || t.Role != canary.RolePlacebo {
			return fmt.Errorf("%s: %w: a placebo belongs to no canary", t, canary.ErrInvalid)
		}
		kinds[t.Kind] = append(kinds[t.Kind], t)
	}
	g.addVariants(tokens, placebos)
	for _, kind := range slices.Sorted(maps.Keys(kinds)) {
		if err := g.addCohort(o.id, kind, kinds[kind]); err != nil {
			return err
		}
	}
	return nil
}

func (g *registration) addCohort(id canary.ID, kind canary.Kind, list []canary.Token) error {
	mark := newMark()
	var plain []byte
	for _, t := range list {
		g.index(t, mark)
		plain = appendText(appendText(plain, string(t.ID)), t.Text)
	}
	small, err := g.compress(plain)
	if err != nil {
		return err
	}
	g.cohorts = append(g.cohorts, mark, id, kind, len(list), micros(g.r.now()), g.r.vault.Seal(cohortField(mark, id, kind), small))
	return g.promise.addCohort(cohortID{mark, id, kind}, list)
}

// compress halves a cohort: its texts share domains and names. Nobody outside
// chooses a text of it, so its length tells nothing.
func (g *registration) compress(plain []byte) ([]byte, error) {
	if g.flate == nil {
		w, err := flate.NewWriter(io.Discard, flate.BestSpeed)
		if err != nil {
			return nil, err
		}
		g.flate = w
	}
	var small bytes.Buffer
	g.flate.Reset(&small)
	if _, err := g.flate.Write(plain); err != nil {
		return nil, err
	}
	err := g.flate.Close()
	return small.Bytes(), err
}

// newMark is 31 random bits and never 0.
func newMark() int32 {
	var random [4]byte
	rand.Read(random[:]) // never fails since Go 1.24
	return max(1, int32(binary.BigEndian.Uint32(random[:])>>1))
}

func (g *registration) index(t canary.Token, cohort int32) int64 {
	b := blind{g.r.vault.Index(string(t.Kind), t.Text), cohort, t.ID, t.Kind}
	g.blinds = append(g.blinds, b)
	g.count(t.Role, t.Kind, t.Text, b.index)
	return b.index
}

func cohortField(mark int32, id canary.ID, kind canary.Kind) string {
	return fmt.Sprintf("cohorts|%d|%s|%s", mark, id, kind)
}

func (g *registration) write(ctx context.Context, tx *sql.Tx) error {
	if err := g.useItems(ctx, tx); err != nil {
		return err
	}
	if err := g.writeBlinds(ctx, tx); err != nil {
		return err
	}
	if err := g.writeVariants(ctx, tx); err != nil {
		return err
	}
	if err := g.writeTallies(ctx, tx); err != nil {
		return err
	}
	if err := insertRows(ctx, tx, "tokens (id, blind, kind, canary, domain, place, sealed, sealed_window)", 8, g.tokens); err != nil {
		return err
	}
	if err := insertRows(ctx, tx, "cohorts (mark, canary, kind, placebos, registered, sealed)", 6, g.cohorts); err != nil {
		return err
	}
	return g.promise.write(ctx, g.r, tx)
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
		if b.cohort == 0 && g.known[b.index] {
			continue
		}
		args = append(args, b.index, b.cohort)
	}
	return insertRows(ctx, tx, "blinds (blind, cohort)", 2, args)
}

// placebo finds one in the cohorts of a mark by its text.
func (r *Registry) placebo(ctx context.Context, mark int32, kind canary.Kind, text string) (t canary.Token, found bool, err error) {
	err = r.eachPlacebo(ctx, mark, kind, func(_ canary.ID, p canary.Token) {
		if p.Text == text {
			t, found = p, true
		}
	})
	return t, found, err
}

// eachPlacebo gives the placebos of the cohorts of a mark, with the canary of each.
func (r *Registry) eachPlacebo(ctx context.Context, mark int32, kind canary.Kind, fn func(canary.ID, canary.Token)) error {
	return r.eachCohort(ctx, " WHERE mark = ? AND kind = ?", []any{mark, kind}, func(id canary.ID, t canary.Token) error {
		fn(id, t)
		return nil
	})
}

// eachCohort gives the placebos of some cohorts, with the canary of each.
func (r *Registry) eachCohort(ctx context.Context, where string, args []any, fn func(canary.ID, canary.Token) error) error {
	return r.each(ctx, "SELECT mark, canary, kind, sealed FROM cohorts"+where, args, func(row *sql.Rows) error {
		var mark int32
		var id canary.ID
		var kind canary.Kind
		var sealed []byte
		if err := row.Scan(&mark, &id, &kind, &sealed); err != nil {
			return err
		}
		small, err := r.vault.Open(cohortField(mark, id, kind), sealed)
		if err != nil {
			return fmt.Errorf("cohort of %s: %w", id, err)
		}
		plain, err := io.ReadAll(flate.NewReader(bytes.NewReader(small)))
		if err != nil {
			return fmt.Errorf("cohort of %s: %w", id, err)
		}
		for len(plain) > 0 {
			t := canary.Token{Kind: kind, Role: canary.RolePlacebo}
			var name string
			name, plain = cutText(plain)
			t.Text, plain = cutText(plain)
			t.ID = canary.TokenID(name)
			if err := fn(id, t); err != nil {
				return err
			}
		}
		return nil
	})
}

// A cohort is sealed as DEFLATE (RFC 1951) of the id and the text of each
// placebo, each after its length in bytes as a uvarint.
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
