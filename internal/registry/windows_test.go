package registry_test

import (
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/evidence"
	"saltmine/internal/registry"
)

// changed registers a canary and changes the windows of all its tokens.
func changed(t *testing.T, r *registry.Registry) canary.Planting {
	t.Helper()
	p := planting(1)
	must(t, r.Intend(t.Context(), []canary.Planting{p}))
	a := canary.Amendment{Canary: p.ID, Windows: map[canary.TokenID]canary.Window{}}
	for _, tok := range p.Tokens {
		w := tok.Window
		w.From = canary.Between(start(), start().Add(time.Second))
		a.Windows[tok.ID] = w
	}
	must(t, r.Amend(t.Context(), a))
	return p
}

// TestWindowsAreCommittedTo: what a window was changed to stands in the list of an act,
// as a text of its own.
func TestWindowsAreCommittedTo(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, r *registry.Registry) {
		ctx := t.Context()
		must(t, r.Intend(ctx, []canary.Planting{planting(2)}))
		if _, err := r.WindowProof(ctx, planting(2).Tokens[0].ID); !errors.Is(err, registry.ErrNotFound) {
			t.Errorf("as it was registered: %v", err)
		}
		p := changed(t, r)
		if n, err := r.CheckWindows(ctx); err != nil || n != len(p.Tokens) {
			t.Errorf("%d windows, %v", n, err)
		}
		for _, tok := range p.Tokens {
			proof, err := r.WindowProof(ctx, tok.ID)
			must(t, err)
			lines, err := r.ListLines(ctx, proof.List)
			must(t, err)
			sum := sha256.Sum256(proof.Text)
			if !slices.Contains(lines, evidence.Line(string(tok.ID), hex.EncodeToString(sum[:]))) || len(lines) != len(p.Tokens) {
				t.Errorf("%s is in none of %d lines", tok.Token, len(lines))
			}
			if text := string(proof.Text); !strings.Contains(text, string(p.ID)) || strings.Contains(text, tok.Text) {
				t.Errorf("it says %s", text)
			}
			acts, err := r.ActsOn(ctx, []string{proof.List}, proof.Act)
			must(t, err)
			if len(acts) != 1 || acts[0].Outcome != evidence.ListHash(lines) {
				t.Errorf("%+v", acts)
			}
		}
	})
}

// TestTamperedWindows: a window that was put back, and a list that was changed, are found.
func TestTamperedWindows(t *testing.T) {
	t.Parallel()
	for name, query := range map[string]string{
		"another's window": "UPDATE tokens SET canary = 'c_other'", "a list changed": "UPDATE window_lists SET hashes = 'x'",
		"a list gone": "DELETE FROM window_lists", "a list more": "INSERT INTO window_lists (id, hashes) VALUES ('w_more', 'x')",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "r.db")
			r := openAt(t, "sqlite:"+path, vault(t))
			changed(t, r)
			db, err := sql.Open("sqlite", "file:"+path)
			must(t, err)
			defer db.Close()
			_, err = db.ExecContext(t.Context(), query)
			must(t, err)
			if _, err := r.CheckWindows(t.Context()); !errors.Is(err, registry.ErrTampered) {
				t.Error(err)
			}
		})
	}
}
