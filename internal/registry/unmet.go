package registry

import (
	"context"
	"database/sql"
	"fmt"

	"saltmine/internal/canary"
	"saltmine/internal/token"
)

// Unmet gives those of many targets that meet nothing: they are no token, no mail is
// forwarded there, and no address is one letter off. Asked for a group of contacts at
// once, each costs a fraction of what it costs by itself, and most of what strangers
// try is of them.
func (r *Registry) Unmet(ctx context.Context, targets []canary.Target) (map[canary.Target]bool, error) {
	of := r.askedBy(targets)
	var indexes, nears []int64
	var landings []string
	for _, a := range of {
		indexes, nears = append(indexes, a.index), append(nears, a.near...)
		if a.landing != "" {
			landings = append(landings, a.landing)
		}
	}
	tokens, near, landed := map[int64]bool{}, map[int64]bool{}, map[string]bool{}
	err := selectIn(ctx, r.db, "SELECT blind FROM blinds WHERE blind IN", indexes, keepIn(tokens))
	if err == nil {
		err = selectIn(ctx, r.db, "SELECT near FROM variants WHERE near IN", nears, keepIn(near))
	}
	if err == nil {
		err = selectIn(ctx, r.db, "SELECT landing FROM pool WHERE landing IN", landings, keepIn(landed))
	}
	if err != nil {
		return nil, fmt.Errorf("registry: look up what was contacted: %w", err)
	}
	unmet := map[canary.Target]bool{}
	for t, a := range of {
		met := tokens[a.index] || landed[a.landing]
		for _, key := range a.near {
			met = met || near[key]
		}
		if !met {
			unmet[t] = true
		}
	}
	return unmet, nil
}

// asked is what a target is looked for by.
type asked struct {
	index   int64
	landing string
	near    []int64
}

// askedBy leaves out what has no canonical form: what strangers write need not be an
// address.
func (r *Registry) askedBy(targets []canary.Target) map[canary.Target]asked {
	of := map[canary.Target]asked{}
	for _, t := range targets {
		text, err := token.Canon(t.Kind, t.Text)
		if _, twice := of[t]; t.Kind == "" || err != nil || twice {
			continue
		}
		a := asked{index: r.vault.Index(string(t.Kind), text)}
		if t.Kind == canary.Email {
			a.landing, a.near = r.vault.Blind("landing", text), r.nearKeys(text)
		}
		of[t] = a
	}
	return of
}

// keepIn keeps the only column of each row.
func keepIn[K comparable](found map[K]bool) func(*sql.Rows) error {
	return func(row *sql.Rows) error {
		var key K
		err := row.Scan(&key)
		found[key] = true
		return err
	}
}
