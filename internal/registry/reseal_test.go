package registry_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"saltmine/internal/backup"
	"saltmine/internal/canary"
	"saltmine/internal/registry"
	"saltmine/internal/seal"
)

// keysIn are keys that can be replaced, with their folder.
func keysIn(t *testing.T) (string, *seal.Keys) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "keys")
	must(t, seal.Generate(dir))
	return dir, loadKeys(t, dir)
}

func loadKeys(t *testing.T, dir string) *seal.Keys {
	t.Helper()
	k, err := seal.Load(dir)
	must(t, err)
	return k
}

// TestResealKnowsEveryColumn finds a sealed column that a rotation would leave out.
func TestResealKnowsEveryColumn(t *testing.T) {
	t.Parallel()
	r := openAt(t, "sqlite:"+filepath.Join(t.TempDir(), "r.db"), vault(t))
	tables, err := registry.Tables(t.Context(), r)
	must(t, err)
	// By the contact's own key; and what anybody may read.
	own := []string{"contacts.sealed", "mails.sealed", "stamps.note", "stamps.proof", "window_lists.hashes"}
	known := append(registry.SealedFields(), own...)
	found := 0
	for _, table := range tables {
		for _, c := range table.Columns {
			if c.Kind != backup.Bytes {
				continue
			}
			if found++; !slices.Contains(known, table.Name+"."+c.Name) {
				t.Errorf("%s.%s is sealed, and nothing seals it anew", table.Name, c.Name)
			}
		}
	}
	if found != len(known) {
		t.Errorf("%d sealed columns, and %d are known", found, len(known))
	}
}

// TestReseal replaces the master key while a registry is open, breaks off the sealing
// anew again and again, and finds everything as it was.
func TestReseal(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, dsn string) {
		dir, keys := keysIn(t)
		running := openAt(t, dsn, keys.Vault)
		peopled(t, running)
		_, err := running.Shred(t.Context(), registry.By{Who: "dana", Via: "cli"}, "asked for", "k_carriedbbbbbbbbb")
		must(t, err)
		want, err := running.Plantings(t.Context(), canary.Filter{})
		must(t, err)
		end, err := running.CheckActs(t.Context())
		must(t, err)

		must(t, seal.Rotate(dir, seal.PartMaster))
		r := openAt(t, dsn, loadKeys(t, dir).Vault)
		before, err := r.OldFields(t.Context())
		if err != nil || before < 15 {
			t.Fatalf("%d fields of an old key, %v", before, err)
		}
		broken := 0
		for most := int64(1); ; most++ {
			ctx, cancel := context.WithCancel(t.Context())
			_, err := r.Reseal(ctx, func(done int64) {
				if done >= most {
					cancel()
				}
			})
			cancel()
			if err == nil {
				break
			}
			broken++
			if !errors.Is(err, context.Canceled) {
				t.Fatal(err)
			}
			checkWhole(t, r, want, end)
		}
		if broken == 0 {
			t.Error("it was never broken off")
		}
		if left, err := r.OldFields(t.Context()); err != nil || left != 0 {
			t.Errorf("%d fields of the old key are left, %v", left, err)
		}
		checkWhole(t, r, want, end)
		// The process that was there before goes on, and seals with the new key.
		checkWhole(t, running, want, end)
		must(t, running.Intend(t.Context(), []canary.Planting{planting(3)}))
		if left, err := r.OldFields(t.Context()); err != nil || left != 0 {
			t.Errorf("%d fields were sealed with the old key since, %v", left, err)
		}
	})
}

func checkWhole(t *testing.T, r *registry.Registry, want []canary.Planting, end registry.Head) {
	t.Helper()
	got, err := r.Plantings(t.Context(), canary.Filter{})
	must(t, err)
	if d := diff(want, got); d != "" {
		t.Error(d)
	}
	for _, tok := range want[0].Tokens {
		if m, err := r.Match(t.Context(), []canary.Target{{Kind: tok.Kind, Text: tok.Text}}); err != nil || len(m) != 1 {
			t.Errorf("%s is not found: %v", tok.Kind, err)
		}
	}
	if c, err := r.Contact(t.Context(), "k_carriedaaaaaaaaa"); err != nil || string(c.Raw) != string(heardContact("").Raw) {
		t.Errorf("a contact: %v", err)
	}
	if _, err := r.CheckActs(t.Context(), end); err != nil {
		t.Error(err)
	}
	if kept, err := r.CheckContacts(t.Context()); err != nil || kept.Contacts != 1 || kept.Shredded != 1 {
		t.Errorf("%+v, %v", kept, err)
	}
}

// TestFirstKeyMissing: a registry whose master key was replaced is not opened without
// the first one, by which its index and its log go on.
func TestFirstKeyMissing(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, dsn string) {
		ctx := t.Context()
		dir, keys := keysIn(t)
		r := openAt(t, dsn, keys.Vault)
		peopled(t, r)
		must(t, errors.Join(seal.Rotate(dir, seal.PartMaster), keys.Vault.Reread()))
		_, err := r.Reseal(ctx, func(int64) {})
		must(t, err)
		must(t, openAt(t, dsn, loadKeys(t, dir).Vault).Close())
		must(t, os.Remove(filepath.Join(dir, "old", "master-1.key")))
		_, err = registry.Open(ctx, registry.Config{DSN: dsn, Vault: loadKeys(t, dir).Vault, Now: start})
		wantErr(t, err, registry.ErrFirstKey)
	})
}
