package registry_test

import (
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"saltmine/internal/canary"
	"saltmine/internal/evidence"
	"saltmine/internal/registry"
	"saltmine/internal/seal"
)

func signing(t *testing.T) evidence.Key {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "keys")
	must(t, seal.Generate(dir))
	keys, err := seal.Load(dir)
	must(t, err)
	return evidence.Key{Signer: keys.Signer}
}

func doings(t *testing.T, r *registry.Registry, n int) {
	t.Helper()
	for i := range n {
		must(t, r.Record(t.Context(), canary.Act{Who: "dana", Via: "api", What: fmt.Sprint("call ", i), Outcome: "200"}))
	}
}

// TestCheckpoints: each is of all acts so far, is signed, and is made anew only when
// there are more.
func TestCheckpoints(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, r *registry.Registry) {
		ctx, key := t.Context(), signing(t)
		text, err := key.Verifier()
		must(t, err)
		v, err := evidence.ParseVerifier(text)
		must(t, err)
		for round, size := range []int64{0, 1, 4, 4, 9, 16} {
			end, err := r.ActsHead(ctx)
			must(t, err)
			doings(t, r, int(size-end.Seq))
			c, err := r.MakeCheckpoint(ctx, key)
			must(t, err)
			signed, err := v.OpenCheckpoint(c.Note)
			if err != nil || signed.Size != size || c.Size != size {
				t.Errorf("round %d: %+v, %v", round, signed, err)
			}
		}
		if list, err := r.Checkpoints(ctx, 1); err != nil || len(list) != 3 {
			t.Errorf("%d checkpoints, %v", len(list), err)
		}
		if n, err := r.CheckTree(ctx, key); err != nil || n != 5 {
			t.Errorf("%d checkpoints, %v", n, err)
		}
		// What the pack is made of gives the same roots.
		var tree evidence.Range
		must(t, r.EachLeaf(ctx, 16, func(h evidence.Hash) error { tree.Add(h); return nil }))
		c, err := r.MakeCheckpoint(ctx, key)
		must(t, err)
		if signed, err := v.OpenCheckpoint(c.Note); err != nil || signed.Root != tree.Root() {
			t.Errorf("another root from the leaves: %v", err)
		}
	})
}

// TestTamperedTree: what is changed behind the registry's back is found by the check,
// and where the change would come under a signature nothing is signed.
func TestTamperedTree(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		statement string
		signs     bool // the next checkpoint is still made: it vouches for none of it
	}{
		"nothing":                  {"UPDATE acts SET who = 'dana'", true},
		"an old act":               {"UPDATE acts SET who = 'mallory' WHERE seq = 2", true},
		"an old salt":              {"UPDATE acts SET salt = '" + strings.Repeat("00", 32) + "' WHERE seq = 2", true},
		"a new act":                {"UPDATE acts SET who = 'mallory' WHERE seq = 8", false},
		"a new salt":               {"UPDATE acts SET salt = '" + strings.Repeat("00", 32) + "' WHERE seq = 8", false},
		"a new act out":            {"DELETE FROM acts WHERE seq = 8", false},
		"two changed places":       {"UPDATE acts SET seq = 100 WHERE seq = 7; UPDATE acts SET seq = 7 WHERE seq = 8; UPDATE acts SET seq = 8 WHERE seq = 100", false},
		"a stored leaf":            {"UPDATE tree SET hash = '" + strings.Repeat("00", 32) + "' WHERE n = 3", true},
		"a stored node":            {"UPDATE tree SET hash = '" + strings.Repeat("00", 32) + "' WHERE n = 6", false},
		"a hash gone":              {"DELETE FROM tree WHERE n = 3", false},
		"no hash":                  {"UPDATE tree SET hash = 'x' WHERE n = 6", false},
		"a hash more":              {"INSERT INTO tree (n, hash) VALUES (999, '" + strings.Repeat("00", 32) + "')", false},
		"a checkpoint's text":      {"UPDATE checkpoints SET note = 'x' WHERE tree_size = 5", false},
		"a checkpoint's size":      {"UPDATE checkpoints SET tree_size = 6 WHERE tree_size = 5", false},
		"the last checkpoint out":  {"DELETE FROM checkpoints WHERE tree_size = 5", false},
		"the first checkpoint out": {"DELETE FROM checkpoints WHERE tree_size = 3", true},
		"all of it anew":           {"DELETE FROM checkpoints; DELETE FROM tree", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path, key := filepath.Join(t.TempDir(), "r.db"), signing(t)
			r := openAt(t, "sqlite:"+path, vault(t))
			for _, n := range []int{3, 2} {
				doings(t, r, n)
				_, err := r.MakeCheckpoint(t.Context(), key)
				must(t, err)
			}
			doings(t, r, 4)
			db, err := sql.Open("sqlite", "file:"+path)
			must(t, err)
			defer db.Close()
			for part := range strings.SplitSeq(c.statement, "; ") {
				_, err = db.ExecContext(t.Context(), part)
				must(t, err)
			}
			_, errActs := r.CheckActs(t.Context())
			_, errTree := r.CheckTree(t.Context(), key)
			hidden := name == "nothing" || strings.Contains(c.statement, "DELETE FROM checkpoints") && c.signs // only an outside copy shows it
			if err := errors.Join(errActs, errTree); errors.Is(err, registry.ErrTampered) == hidden {
				t.Errorf("the check found: %v", err)
			}
			if _, err := r.MakeCheckpoint(t.Context(), key); c.signs && err != nil || !c.signs && !errors.Is(err, registry.ErrTampered) {
				t.Errorf("the next checkpoint: %v", err)
			}
		})
	}
}

// TestAnotherSigner: a checkpoint that another key signed is none.
func TestAnotherSigner(t *testing.T) {
	t.Parallel()
	r := openAt(t, "sqlite:"+filepath.Join(t.TempDir(), "r.db"), vault(t))
	doings(t, r, 2)
	_, err := r.MakeCheckpoint(t.Context(), signing(t))
	must(t, err)
	doings(t, r, 2)
	if _, err := r.MakeCheckpoint(t.Context(), signing(t)); !errors.Is(err, registry.ErrTampered) {
		t.Error(err)
	}
}
