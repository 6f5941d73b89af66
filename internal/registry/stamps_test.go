package registry_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/mod/sumdb/tlog"

	"saltmine/internal/canary"
	"saltmine/internal/evidence"
	"saltmine/internal/evidence/stamp"
	"saltmine/internal/registry"
)

// TestStamps keeps stamps, takes what became of one in its place, and finds each again.
func TestStamps(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, r *registry.Registry) {
		ctx := t.Context()
		made := func(source string, size int64, pending bool) stamp.Stamp {
			return stamp.Stamp{Source: source, Kind: stamp.OTS, Size: size, Made: start().Add(time.Duration(size) * time.Minute), Pending: pending, Checkpoint: fmt.Appendf(nil, "note %d\n", size), Proof: []byte{0, 0xff, byte(size)}}
		}
		if last, err := r.LastStamp(ctx, "a"); err != nil || !last.Made.IsZero() {
			t.Errorf("%+v, %v", last, err)
		}
		for _, s := range []stamp.Stamp{made("a", 3, true), made("a", 9, true), made("b", 7, false)} {
			must(t, r.KeepStamp(ctx, s))
		}
		done := made("a", 3, false)
		done.Proof = []byte("more")
		must(t, r.KeepStamp(ctx, done))
		last, err := r.LastStamp(ctx, "a")
		if diff := cmp.Diff(made("a", 9, true), last); err != nil || diff != "" {
			t.Errorf("last: %s, %v", diff, err)
		}
		pending, err := r.PendingStamps(ctx, "a")
		if diff := cmp.Diff([]stamp.Stamp{made("a", 9, true)}, pending); err != nil || diff != "" {
			t.Errorf("pending: %s, %v", diff, err)
		}
		all, err := r.Stamps(ctx, 0)
		if diff := cmp.Diff([]stamp.Stamp{made("a", 9, true), made("b", 7, false), done}, all); err != nil || diff != "" {
			t.Errorf("all: %s, %v", diff, err)
		}
		if two, err := r.Stamps(ctx, 2); err != nil || len(two) != 2 || two[1].Source != "b" {
			t.Errorf("two: %+v, %v", two, err)
		}
	})
}

// TestGrowthIsProved: what a witness is shown holds between any two checkpoints.
func TestGrowthIsProved(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, r *registry.Registry) {
		ctx, key := t.Context(), evidence.Key{Signer: signer(t)}
		if c, err := r.LatestCheckpoint(ctx); err != nil || c.Note != nil {
			t.Errorf("%+v, %v", c, err)
		}
		roots := map[int64]tlog.Hash{}
		for size := int64(1); size < 12; size += 3 {
			for n := range 3 {
				must(t, r.Record(ctx, canary.Act{Who: "dana", Via: "cli", What: "test", Outcome: fmt.Sprint(size, n)}))
			}
			made, err := r.MakeCheckpoint(ctx, key)
			must(t, err)
			c, err := r.LatestCheckpoint(ctx)
			if diff := cmp.Diff(made, c); err != nil || diff != "" {
				t.Errorf("%s, %v", diff, err)
			}
			text, err := key.Verifier()
			must(t, err)
			v, err := evidence.ParseVerifier(text)
			must(t, err)
			signed, err := v.OpenCheckpoint(c.Note)
			must(t, err)
			for old, root := range roots {
				proof, err := r.ProveGrowth(ctx, old, c.Size)
				must(t, err)
				if err := tlog.CheckTree(proof, c.Size, signed.Root, old, root); err != nil {
					t.Errorf("%d in %d: %v", old, c.Size, err)
				}
			}
			roots[c.Size] = signed.Root
		}
	})
}
