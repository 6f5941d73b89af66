package registry

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"

	"saltmine/internal/canary"
	"saltmine/internal/token"
)

type owner struct {
	id    canary.ID
	place canary.Place
}

func (r *Registry) insertTokens(ctx context.Context, tx *sql.Tx, o owner, tokens []canary.DatedToken, placebos []canary.Token) error {
	st, err := tx.PrepareContext(ctx, "INSERT INTO tokens (blind, id, kind, role, canary, domain, place, sealed, sealed_window) VALUES (?,?,?,?,?,?,?,?,?)") //nolint:sqlclosecheck // closed below; the closure hides it
	if err != nil {
		return err
	}
	defer st.Close() //nolint:errcheck // the transaction's end closes it too
	insert := func(t canary.Token, window []byte) error {
		_, err := st.ExecContext(ctx, r.vault.Blind(string(t.Kind), t.Text), t.ID, t.Kind, t.Role, t.Canary, r.domainOf(t.Kind, t.Text), o.place,
			r.vault.Seal(tokenField(t.ID, "text"), []byte(t.Text)), window)
		return err
	}
	for _, t := range tokens {
		if t.Canary != o.id || t.Role != canary.RolePlanted {
			return fmt.Errorf("%s: %w: a token of this canary with the role planted is wanted", t.Token, canary.ErrInvalid)
		}
		window, err := r.sealWindow(t.ID, t.Window)
		if err != nil {
			return err
		}
		if err := insert(t.Token, window); err != nil {
			return fmt.Errorf("%s: %w", t.Token, err)
		}
	}
	for _, t := range placebos {
		if t.Canary != "" || t.Role != canary.RolePlacebo {
			return fmt.Errorf("%s: %w: a placebo belongs to no canary", t, canary.ErrInvalid)
		}
		if err := insert(t, nil); err != nil {
			return fmt.Errorf("placebo %s: %w", t, err)
		}
	}
	return nil
}

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
	rows, err := q.QueryContext(ctx, "SELECT id, kind, role, canary, sealed, sealed_window FROM tokens WHERE "+where, args...)
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
	if err := row.Scan(&t.ID, &t.Kind, &t.Role, &t.Canary, &sealed, &window); err != nil {
		return t, err
	}
	text, err := r.vault.Open(tokenField(t.ID, "text"), sealed)
	if err != nil {
		return t, fmt.Errorf("%s: %w", t.Token, err)
	}
	t.Text = string(text)
	if window == nil {
		return t, nil
	}
	body, err := r.vault.Open(tokenField(t.ID, "window"), window)
	if err != nil {
		return t, fmt.Errorf("%s: %w", t.Token, err)
	}
	if err := json.Unmarshal(body, &t.Window); err != nil {
		return t, fmt.Errorf("%s: window: %w", t.Token, err)
	}
	return t, nil
}

// Known reports whether a canonical text is registered, in whatever role.
func (r *Registry) Known(ctx context.Context, kind canary.Kind, text string) (bool, error) {
	var n int
	err := r.db.QueryRowContext(ctx, "SELECT COUNT(*) FROM tokens WHERE blind = ?", r.vault.Blind(string(kind), text)).Scan(&n)
	if err != nil {
		return false, fmt.Errorf("registry: look up token: %w", err)
	}
	return n > 0, nil
}

// Token finds a token by its canonical text; found is false where there is none.
func (r *Registry) Token(ctx context.Context, kind canary.Kind, text string) (t canary.DatedToken, found bool, err error) {
	list, err := r.queryTokens(ctx, r.db, "blind = ?", []any{r.vault.Blind(string(kind), text)})
	if err != nil {
		return t, false, fmt.Errorf("registry: look up token: %w", err)
	}
	if len(list) == 0 {
		return t, false, nil
	}
	return list[0], true, nil
}
