package registry

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"saltmine/internal/canary"
	"saltmine/internal/token"
)

// domainOf is the blind index of an address's domain, by which DNS contacts
// are joined; empty for everything else.
func (r *Registry) domainOf(kind canary.Kind, text string) string {
	if kind != canary.Email {
		return ""
	}
	_, domain, err := token.SplitEmail(text)
	if err != nil {
		return ""
	}
	return r.BlindDomain(domain)
}

// BlindDomain is the blind index of an owned domain.
func (r *Registry) BlindDomain(domain string) string { return r.vault.Blind("domain", domain) }

func (r *Registry) sealWindow(id canary.TokenID, w canary.Window) ([]byte, error) {
	if err := w.Validate(); err != nil {
		return nil, err
	}
	body, err := json.Marshal(w)
	if err != nil {
		return nil, err
	}
	return r.vault.Seal(tokenField(id, "window"), body), nil
}

func tokenField(id canary.TokenID, field string) string { return "tokens|" + string(id) + "|" + field }

// attachTokens reads the tokens of the plantings, a few hundred canaries a query.
func (r *Registry) attachTokens(ctx context.Context, list []canary.Planting) error {
	const group = 400
	for from := 0; from < len(list); from += group {
		part := list[from:min(from+group, len(list))]
		index := map[canary.ID]*canary.Planting{}
		args := make([]any, 0, len(part))
		for i := range part {
			index[part[i].ID] = &part[i]
			args = append(args, part[i].ID)
		}
		tokens, err := r.queryTokens(ctx, r.db, "canary IN ("+marks(len(args))+") ORDER BY id", args)
		if err != nil {
			return err
		}
		for _, t := range tokens {
			index[t.Canary].Tokens = append(index[t.Canary].Tokens, t)
		}
	}
	return nil
}

func (r *Registry) queryTokens(ctx context.Context, q querier, where string, args []any) ([]canary.DatedToken, error) {
	rows, err := q.QueryContext(ctx, "SELECT id, kind, canary, sealed, sealed_window FROM tokens WHERE "+where, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // rows.Err tells
	var list []canary.DatedToken
	for rows.Next() {
		t, err := r.scanToken(rows)
		if err != nil {
			return nil, err
		}
		list = append(list, t)
	}
	return list, rows.Err()
}

func (r *Registry) scanToken(row scanner) (t canary.DatedToken, err error) {
	var sealed, window []byte
	if err := row.Scan(&t.ID, &t.Kind, &t.Canary, &sealed, &window); err != nil {
		return t, err
	}
	t.Role = canary.RolePlanted
	text, err := r.vault.Open(tokenField(t.ID, "text"), sealed)
	if err != nil {
		return t, fmt.Errorf("%s: %w", t.Token, err)
	}
	t.Text = string(text)
	if window == nil {
		return t, nil
	}
	t.Window, err = r.openWindow(t.ID, window)
	return t, err
}

// Known reports whether a canonical text is registered, in whatever role.
func (r *Registry) Known(ctx context.Context, kind canary.Kind, text string) (bool, error) {
	list, err := r.KnownAmong(ctx, kind, []string{text})
	return len(list) > 0, err
}

// KnownAmong returns those of the canonical texts that are registered, in
// whatever role, in the order given.
func (r *Registry) KnownAmong(ctx context.Context, kind canary.Kind, texts []string) ([]string, error) {
	indexes := make([]int64, len(texts))
	for i, text := range texts {
		indexes[i] = r.vault.Index(string(kind), text)
	}
	found := map[int64]bool{}
	err := selectIn(ctx, r.db, "SELECT blind FROM blinds WHERE blind IN", indexes, func(row *sql.Rows) error {
		var index int64
		err := row.Scan(&index)
		found[index] = true
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("registry: look up tokens: %w", err)
	}
	var known []string
	for i, text := range texts {
		if found[indexes[i]] {
			known = append(known, text)
		}
	}
	return known, nil
}

// Token finds a token or a placebo by its canonical text; found is false where
// there is none. Of several tokens it is the last.
func (r *Registry) Token(ctx context.Context, kind canary.Kind, text string) (t canary.DatedToken, found bool, err error) {
	list, err := r.tokensOf(ctx, kind, text)
	if err != nil || len(list) == 0 {
		return canary.DatedToken{}, false, err
	}
	return list[0], true, nil
}

// tokensOf finds the tokens that have a text, the last first: a mailbox or a
// number stands in one row after another. A placebo is the only one of its text.
func (r *Registry) tokensOf(ctx context.Context, kind canary.Kind, text string) (list []canary.DatedToken, err error) {
	index := r.vault.Index(string(kind), text)
	var cohort int32
	err = r.db.QueryRowContext(ctx, "SELECT cohort FROM blinds WHERE blind = ?", index).Scan(&cohort)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil, nil
	case err == nil && cohort == ofDrill:
		list, err = r.drillTokens(ctx, index, kind, text)
	case err == nil && cohort != 0:
		var t canary.Token
		var found bool
		if t, found, err = r.placebo(ctx, cohort, kind, text); found {
			list = append(list, canary.DatedToken{Token: t})
		}
	case err == nil:
		list, err = r.planted(ctx, index, kind, text)
	}
	if err != nil {
		return nil, fmt.Errorf("registry: look up token: %w", err)
	}
	return list, nil
}

// planted finds planted tokens. Texts that share 64 bits are told apart here.
func (r *Registry) planted(ctx context.Context, index int64, kind canary.Kind, text string) ([]canary.DatedToken, error) {
	list, err := r.queryTokens(ctx, r.db, "blind = ?", []any{index})
	list = slices.DeleteFunc(list, func(t canary.DatedToken) bool { return t.Kind != kind || t.Text != text })
	slices.SortFunc(list, func(a, b canary.DatedToken) int { return b.Window.From.Earliest.Compare(a.Window.From.Earliest) })
	return list, err
}
