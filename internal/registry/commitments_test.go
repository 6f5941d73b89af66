package registry_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"saltmine/internal/canary"
	"saltmine/internal/disclosure"
	"saltmine/internal/evidence"
	"saltmine/internal/registry"
	"saltmine/internal/seal"
)

// commits are the commitments on the evidence log, the oldest first.
func commits(t *testing.T, r *registry.Registry) []canary.Act {
	t.Helper()
	list, err := r.Acts(t.Context(), registry.ActFilter{What: []string{canary.ActCommit}})
	must(t, err)
	slices.Reverse(list)
	return list
}

func signer(t *testing.T) *seal.Signer {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "keys")
	must(t, seal.Generate(dir))
	k, err := seal.Load(dir)
	must(t, err)
	return k.Signer
}

// TestWhatIsRegisteredIsCommittedTo registers a batch and rotates one of its canaries,
// and proves of that one both.
func TestWhatIsRegisteredIsCommittedTo(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, r *registry.Registry) {
		ctx, p := t.Context(), planting(1)
		p.Placebos = append(p.Placebos, placebo(canary.Phone, "+442079460123"), placebo(canary.Ticket, "TK202599999"))
		for n := range 40 {
			p.Placebos = append(p.Placebos, placebo(canary.Email, fmt.Sprintf("more%d@example.net", n)))
		}
		must(t, r.Intend(ctx, []canary.Planting{planting(2), p, planting(3)}))
		fresh := planting(4).Tokens[0]
		fresh.Canary = p.ID
		must(t, r.Amend(ctx, canary.Amendment{Canary: p.ID, Tokens: []canary.DatedToken{fresh}, Placebos: []canary.Token{placebo(canary.Email, "later@example.net")}}))
		must(t, r.Amend(ctx, canary.Amendment{Canary: p.ID, State: canary.Planted})) // brings nothing, and commits to nothing
		acts := commits(t, r)
		if len(acts) != 2 || !strings.HasSuffix(acts[0].Outcome, "canaries=3 email=43 phone=1 ticket=1") || !strings.HasSuffix(acts[1].Outcome, "canaries=1 email=1") {
			t.Fatalf("%+v", acts)
		}
		by := signer(t)
		_, err := r.MakeCheckpoint(ctx, evidence.Key{Signer: by})
		must(t, err)
		shown, err := r.Commitments(ctx, p.ID)
		must(t, err)
		file, err := disclosure.New(p.ID, shown, by)
		must(t, err)
		got, err := disclosure.Check(file, disclosure.Outside{}, by.Public())
		must(t, err)
		if len(got) != 2 || len(got[0].Leaf.Tokens) != 3 || len(got[0].Log) != 1 || len(got[1].Log) != 1 || got[0].Leaf.Tokens[0].Text != p.Tokens[0].Text || got[1].Leaf.Tokens[0].Text != fresh.Text {
			t.Errorf("%+v", got)
		}
		for _, other := range slices.Concat(planting(2).Tokens, planting(3).Tokens) {
			if strings.Contains(string(file), other.Text) || strings.Contains(string(file), string(other.Canary)) {
				t.Errorf("%s is shown", other)
			}
		}
		for _, hidden := range p.Placebos {
			if strings.Contains(string(file), hidden.Text) {
				t.Errorf("%s is shown", hidden)
			}
		}
		if _, err := r.Commitments(ctx, "c_none"); !errors.Is(err, registry.ErrNotFound) {
			t.Errorf("nobody: %v", err)
		}
		if _, err := r.CheckActs(ctx); err != nil {
			t.Error(err)
		}
	})
}

// TestACommitmentThatFailedIsNone: what was not registered is not committed to.
func TestACommitmentThatFailedIsNone(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, r *registry.Registry) {
		must(t, r.Intend(t.Context(), []canary.Planting{planting(1)}))
		again := planting(2)
		again.Tokens[0].Text = planting(1).Tokens[0].Text
		if err := r.Intend(t.Context(), []canary.Planting{again}); err == nil {
			t.Fatal("a text was registered twice")
		}
		if list := commits(t, r); len(list) != 1 {
			t.Errorf("%+v", list)
		}
		if _, err := r.Commitments(t.Context(), again.ID); !errors.Is(err, registry.ErrNotFound) {
			t.Errorf("%v", err)
		}
	})
}
