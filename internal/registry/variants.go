package registry

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"

	"saltmine/internal/canary"
	"saltmine/internal/token"
)

// Addresses one letter off are found through what is left of a text without one of its
// letters (token.Deletions): the table variants has the blind index of each of those,
// for planted addresses and for as many placebos, with which they are compared. So a
// name that meets nothing costs some twenty seeks in one query. The other way, to try
// all edits of such a name, needs no table and would be fifty times as many, for each
// name of a dictionary. A token takes some 35 rows of 50 bytes: 17 MB for 10,000 tokens,
// and a twentieth of what the index of their 99 placebos has.
//
// A row leads to its address by that one's index, which only whoever has the keys can
// take out of it. A copy of the table so tells how many letters all addresses have
// together, and where two have a deletion in common that they do; not which these are.
//
// Telephone numbers have no such rows: every number one digit off is somebody's, and
// who rings it has dialled wrong. Nor have tickets, which are counted up.

// Bounds of what is looked for one letter off.
const (
	fewestLetters = 6  // of a local part: what is shorter is near to any name
	mostLetters   = 64 // RFC 5321 §4.5.3.1.1
	mostNear      = 8  // tokens that one address is near to
	nearRows      = 200
)

// variantStratum is the sort of what is one letter off the addresses of a domain.
func (r *Registry) variantStratum(text string) string {
	return canary.VariantStratum + r.domainOf(canary.Email, text)
}

// leftOf are the addresses with a letter left out by which an address is found.
func leftOf(text string) (list []string) {
	local, domain, err := token.SplitEmail(text)
	if err != nil || len(local) < fewestLetters-1 || len(local) > mostLetters+1 {
		return nil
	}
	for _, left := range token.Deletions(local) {
		list = append(list, left+"@"+domain)
	}
	return list
}

// nearKeys are the rows by which an address is found.
func (r *Registry) nearKeys(text string) (keys []int64) {
	for _, left := range leftOf(text) {
		keys = append(keys, r.nearKey(left))
	}
	return keys
}

func (r *Registry) nearKey(left string) int64 { return r.vault.Index("variant", left) }

// nearMask hides the index of an address in a row.
func (r *Registry) nearMask(left string) int64 { return r.vault.Index("variant of", left) }

// near is one row of the table variants.
type near struct {
	key, ref int64
	of       int64 // the index of the address
}

// addVariants has addresses found by what is one letter off.
func (g *registration) addVariants(tokens []canary.DatedToken, placebos []canary.Token) {
	watched := 0
	for _, t := range tokens {
		if g.addVariant(t.Token) {
			watched++
		}
	}
	for _, p := range placebos {
		if watched > 0 && g.addVariant(p) {
			watched--
		}
	}
}

func (g *registration) addVariant(t canary.Token) bool {
	local, _, err := token.SplitEmail(t.Text)
	if t.Kind != canary.Email || err != nil || len(local) < fewestLetters || len(local) > mostLetters {
		return false
	}
	index := g.r.vault.Index(string(t.Kind), t.Text)
	for _, left := range leftOf(t.Text) {
		g.nears = append(g.nears, near{g.r.nearKey(left), index ^ g.r.nearMask(left), index})
	}
	g.tally(tally{g.r.variantStratum(t.Text), t.Role}, index)
	return true
}

// writeVariants writes in the order of the keys, as writeBlinds does.
func (g *registration) writeVariants(ctx context.Context, tx *sql.Tx) error {
	slices.SortFunc(g.nears, func(a, b near) int { return cmp.Or(cmp.Compare(a.key, b.key), cmp.Compare(a.ref, b.ref)) })
	args := make([]any, 0, 2*len(g.nears))
	for _, n := range g.nears {
		if !g.known[n.of] { // else it has them
			args = append(args, n.key, n.ref)
		}
	}
	return insertRows(ctx, tx, "variants (near, ref)", 2, args)
}

// Variants finds the tokens and placebos that targets are one letter off, whether the
// ear took them or not. Those that name a token, or are none of an address that
// somebody tried, are the caller's to leave out.
func (r *Registry) Variants(ctx context.Context, targets []canary.Target) (out []canary.Match, err error) {
	for i, t := range targets {
		if t.Kind != canary.Email || t.Via != "" {
			continue
		}
		text, err := token.Canon(t.Kind, t.Text)
		if err != nil {
			continue
		}
		tokens, err := r.oneOff(ctx, text)
		if err != nil {
			return nil, fmt.Errorf("registry: look up what is one letter off: %w", err)
		}
		for _, tok := range tokens {
			m := canary.Match{Target: i, Token: tok, Variant: true}
			if tok.Role == canary.RolePlanted {
				if err := r.fillMatch(ctx, &m); err != nil {
					return nil, err
				}
			}
			out = append(out, m)
		}
	}
	return out, nil
}

// oneOff finds the addresses that one is a letter off.
func (r *Registry) oneOff(ctx context.Context, text string) (list []canary.DatedToken, err error) {
	all := leftOf(text)
	if len(all) == 0 {
		return nil, nil
	}
	args, by := make([]any, 0, len(all)+1), map[int64]string{}
	for _, left := range all {
		key := r.nearKey(left)
		args, by[key] = append(args, key), left
	}
	args = append(args, nearRows)
	var indexes []int64
	err = r.each(ctx, "SELECT near, ref FROM variants WHERE near IN ("+marks(len(all))+") LIMIT ?", args, func(row *sql.Rows) error {
		var key, ref int64
		err := row.Scan(&key, &ref)
		if index := ref ^ r.nearMask(by[key]); !slices.Contains(indexes, index) {
			indexes = append(indexes, index)
		}
		return err
	})
	if err != nil || len(indexes) == 0 {
		return nil, err
	}
	return r.offBy(ctx, text, indexes)
}

// offBy keeps those of some addresses, given by their indexes, that are one letter off.
func (r *Registry) offBy(ctx context.Context, text string, indexes []int64) (list []canary.DatedToken, err error) {
	args := make([]any, len(indexes))
	for i, index := range indexes {
		args[i] = index
	}
	tokens, err := r.queryTokens(ctx, r.db, "blind IN ("+marks(len(args))+") ORDER BY id", args)
	if err != nil {
		return nil, err
	}
	for _, t := range tokens {
		if offByOne(t.Text, text) {
			list = append(list, t)
		}
	}
	var cohorts []int32
	err = r.each(ctx, "SELECT DISTINCT cohort FROM blinds WHERE cohort > 0 AND blind IN ("+marks(len(args))+")", args, func(row *sql.Rows) error {
		var mark int32
		err := row.Scan(&mark)
		cohorts = append(cohorts, mark)
		return err
	})
	for i := 0; i < len(cohorts) && err == nil && len(list) < mostNear; i++ {
		err = r.eachPlacebo(ctx, cohorts[i], canary.Email, func(_ canary.ID, t canary.Token) {
			if offByOne(t.Text, text) && slices.Contains(indexes, r.vault.Index(string(t.Kind), t.Text)) {
				list = append(list, canary.DatedToken{Token: t})
			}
		})
	}
	return list[:min(len(list), mostNear)], err
}

// offByOne reports whether two addresses of one domain have local parts that are one
// edit apart.
func offByOne(a, b string) bool {
	x, domain, err := token.SplitEmail(a)
	y, other, err2 := token.SplitEmail(b)
	return err == nil && err2 == nil && domain == other && token.OneEdit(x, y)
}
