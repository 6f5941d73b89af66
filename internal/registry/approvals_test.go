package registry_test

import (
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/registry"
)

const aDay = 24 * time.Hour

func second() registry.By { return registry.By{Who: "sam", Via: "api"} }

// under is dana with an approval.
func under(id canary.ApprovalID) registry.By {
	return registry.By{Who: "dana", Via: "cli", Approval: id}
}

// TestApproval: what one person asked for another approves, and it is good for that
// person, for exactly that, once; every step is on the evidence log.
func TestApproval(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, r *registry.Registry) {
		ctx, dana, sam := t.Context(), registry.By{Who: "dana", Via: "cli"}, second()
		a, err := r.Ask(ctx, dana, "show", []string{"--reveal=true", "c_1"}, aDay)
		must(t, err)
		again, err := r.Ask(ctx, dana, "show", []string{"--reveal=true", "c_1"}, aDay)
		must(t, err)
		if again.ID != a.ID || a.State != canary.ApprovalAsked {
			t.Errorf("asked twice: %+v, %+v", a, again)
		}
		for _, other := range []struct {
			who, what string
			args      []string
		}{{"dana", "show", []string{"--reveal=true", "c_2"}}, {"dana", "show", []string{"--reveal=true c_1"}}, {"dana", "raw", a.Args}, {"sam", "show", a.Args}} {
			if _, found, err := r.ApprovalOf(ctx, other.who, other.what, other.args); found || err != nil {
				t.Errorf("%v finds it, %v", other, err)
			}
		}
		wantErr(t, r.Reveal(ctx, under(a.ID), "c_1"), registry.ErrNotApproved)
		_, err = r.Decide(ctx, a.ID, true, registry.By{Who: "dana", Via: "api"})
		wantErr(t, err, registry.ErrOwnRequest)
		_, err = r.Decide(ctx, "a_nobody", true, sam)
		wantErr(t, err, registry.ErrNotFound)
		got, err := r.Decide(ctx, a.ID, true, sam)
		must(t, err)
		if got.State != canary.ApprovalGiven || got.By != "sam" {
			t.Errorf("%+v", got)
		}
		_, err = r.Decide(ctx, a.ID, true, sam)
		wantErr(t, err, registry.ErrDecided)
		wantErr(t, r.Reveal(ctx, registry.By{Who: "sam", Via: "cli", Approval: a.ID}, "c_1"), registry.ErrNotApproved)
		must(t, r.Reveal(ctx, under(a.ID), "c_1"))
		wantErr(t, r.Reveal(ctx, under(a.ID), "c_1"), registry.ErrNotApproved)
		_, err = r.Decide(ctx, a.ID, false, sam)
		wantErr(t, err, registry.ErrDecided)
		if _, found, err := r.ApprovalOf(ctx, "dana", "show", a.Args); found || err != nil {
			t.Errorf("it is there after it was used, %v", err)
		}
		b, err := r.Ask(ctx, dana, "show", a.Args, aDay)
		must(t, err)
		_, err = r.Decide(ctx, b.ID, false, dana) // taken back
		must(t, err)
		wantErr(t, r.Reveal(ctx, under(b.ID), "c_1"), registry.ErrNotApproved)
		var acts []string
		list, err := r.Acts(ctx, registry.ActFilter{})
		must(t, err)
		for _, act := range list {
			acts = append([]string{act.Who + " " + act.What + " " + strings.Fields(act.Outcome)[0]}, acts...)
		}
		if want := []string{"dana approval asked", "sam approval approved", "dana approval used", "dana reveal opened", "dana approval asked", "dana approval refused"}; !slices.Equal(acts, want) {
			t.Errorf("acts %q, want %q", acts, want)
		}
		all, err := r.Approvals(ctx, registry.ApprovalFilter{})
		must(t, err)
		open, err := r.Approvals(ctx, registry.ApprovalFilter{Open: true})
		must(t, err)
		if len(all) != 2 || len(open) != 0 {
			t.Errorf("%d requests, %d open", len(all), len(open))
		}
		if _, err := r.CheckActs(ctx); err != nil {
			t.Error(err)
		}
	})
}

// TestApprovalTakenBack: what was approved can be refused until it is used, and the
// row of before, put back, is no approval.
func TestApprovalTakenBack(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "r.db")
	r := openAt(t, "sqlite:"+path, vault(t))
	ctx := t.Context()
	a, err := r.Ask(ctx, under(""), "raw", []string{"k_1"}, aDay)
	must(t, err)
	_, err = r.Decide(ctx, a.ID, true, second())
	must(t, err)
	db, err := sql.Open("sqlite", "file:"+path)
	must(t, err)
	defer db.Close()
	var state string
	var sealed []byte
	must(t, db.QueryRowContext(ctx, "SELECT state, sealed FROM approvals").Scan(&state, &sealed))
	got, err := r.Decide(ctx, a.ID, false, registry.By{Who: "lee", Via: "api"})
	if err != nil || got.State != canary.ApprovalRefused || got.By != "lee" {
		t.Errorf("taken back: %+v, %v", got, err)
	}
	wantErr(t, r.Reveal(ctx, under(a.ID), "c_1"), registry.ErrNotApproved)
	_, err = db.ExecContext(ctx, "UPDATE approvals SET state = ?, sealed = ?", state, sealed)
	must(t, err)
	wantErr(t, r.Reveal(ctx, under(a.ID), "c_1"), registry.ErrTampered)
}

// TestApprovalUsedOnce: of many who use one at once, one does.
func TestApprovalUsedOnce(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, r *registry.Registry) {
		a, err := r.Ask(t.Context(), under(""), "raw", []string{"k_1"}, aDay)
		must(t, err)
		_, err = r.Decide(t.Context(), a.ID, true, second())
		must(t, err)
		var done atomic.Int32
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				switch err := r.Reveal(t.Context(), under(a.ID), "c_1"); {
				case err == nil:
					done.Add(1)
				case !errors.Is(err, registry.ErrNotApproved):
					t.Error(err)
				}
			})
		}
		all.Wait()
		if done.Load() != 1 {
			t.Errorf("it was used %d times", done.Load())
		}
	})
}

// TestApprovalEnds: when its time is over a request can be neither approved nor used.
func TestApprovalEnds(t *testing.T) {
	t.Parallel()
	var ahead atomic.Int64
	r, err := registry.Open(t.Context(), registry.Config{DSN: "sqlite:" + filepath.Join(t.TempDir(), "r.db"), Vault: vault(t), Now: func() time.Time { return start().Add(time.Duration(ahead.Load())) }})
	must(t, err)
	defer r.Close()
	a, err := r.Ask(t.Context(), under(""), "raw", []string{"k_1"}, aDay)
	must(t, err)
	b, err := r.Ask(t.Context(), under(""), "raw", []string{"k_2"}, aDay)
	must(t, err)
	_, err = r.Decide(t.Context(), b.ID, true, second())
	must(t, err)
	ahead.Store(int64(aDay))
	_, err = r.Decide(t.Context(), a.ID, true, second())
	wantErr(t, err, registry.ErrDecided)
	wantErr(t, r.Reveal(t.Context(), under(b.ID), "c_1"), registry.ErrNotApproved)
	if c, err := r.Ask(t.Context(), under(""), "raw", []string{"k_2"}, aDay); err != nil || c.ID == b.ID {
		t.Errorf("asked anew: %+v, %v", c, err)
	}
}

// TestApprovalForged: whoever writes to the database without the keys approves
// nothing, and a row put back after it was used is none.
func TestApprovalForged(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "r.db")
	r := openAt(t, "sqlite:"+path, vault(t))
	db, err := sql.Open("sqlite", "file:"+path)
	must(t, err)
	defer db.Close()
	a, err := r.Ask(t.Context(), under(""), "raw", []string{"k_1"}, aDay)
	must(t, err)
	_, err = db.ExecContext(t.Context(), "UPDATE approvals SET state = 'approved'")
	must(t, err)
	wantErr(t, r.Reveal(t.Context(), under(a.ID), "c_1"), registry.ErrTampered)
	_, err = db.ExecContext(t.Context(), "UPDATE approvals SET state = 'asked'")
	must(t, err)
	_, err = r.Decide(t.Context(), a.ID, true, second())
	must(t, err)
	var sealed []byte
	must(t, db.QueryRowContext(t.Context(), "SELECT sealed FROM approvals").Scan(&sealed))
	must(t, r.Reveal(t.Context(), under(a.ID), "c_1"))
	_, err = db.ExecContext(t.Context(), "UPDATE approvals SET state = 'approved', sealed = ?", sealed)
	must(t, err)
	wantErr(t, r.Reveal(t.Context(), under(a.ID), "c_1"), registry.ErrTampered)
}

// TestApprovalsOfOne: a person's own requests are those that they asked for, of a name
// spelt exactly so, and not those that they decided.
func TestApprovalsOfOne(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, r *registry.Registry) {
		ctx, own := t.Context(), map[string]int{"dana": 3, "Dana": 2, "sam": 1, "dan%": 1}
		var last canary.Approval
		for _, who := range slices.Sorted(maps.Keys(own)) {
			for i := range own[who] {
				a, err := r.Ask(ctx, registry.By{Who: who, Via: "api"}, "raw", []string{fmt.Sprint("k_", i)}, aDay)
				must(t, err)
				last = a
			}
		}
		if last.Who != "sam" {
			t.Fatal(last.Who)
		}
		_, err := r.Decide(ctx, last.ID, true, registry.By{Who: "dana", Via: "api"})
		must(t, err)
		for who, want := range own {
			var ids []canary.ApprovalID
			f := registry.ApprovalFilter{Who: who, Open: true, Limit: 1}
			for range 4 {
				list, err := r.Approvals(ctx, f)
				must(t, err)
				if len(list) == 0 {
					break
				}
				if f.After = list[0]; f.After.Who != who || slices.Contains(ids, f.After.ID) {
					t.Errorf("of %s: %+v", who, f.After)
				}
				ids = append(ids, f.After.ID)
			}
			if len(ids) != want {
				t.Errorf("%s has %d, want %d", who, len(ids), want)
			}
		}
		if list, err := r.Approvals(ctx, registry.ApprovalFilter{Who: "nobody"}); err != nil || len(list) != 0 {
			t.Errorf("nobody's: %+v, %v", list, err)
		}
	})
}

func wantErr(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%v, want %v", err, want)
	}
}

// TestApprovalsRestored: an approval that was given before a registry was put back may
// have been used since, and is none any more.
func TestApprovalsRestored(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, r *registry.Registry) {
		ctx := t.Context()
		given, err := r.Ask(ctx, registry.By{Who: "dana", Via: "cli"}, "reveal", []string{"c_1"}, aDay)
		must(t, err)
		asked, err := r.Ask(ctx, registry.By{Who: "dana", Via: "cli"}, "reveal", []string{"c_2"}, aDay)
		must(t, err)
		_, err = r.Decide(ctx, given.ID, true, second())
		must(t, err)
		ended, err := r.RestoredApprovals(ctx)
		must(t, err)
		got, err := r.Approval(ctx, given.ID)
		must(t, err)
		still, err := r.Approval(ctx, asked.ID)
		must(t, err)
		if ended != 1 || got.State != canary.ApprovalRefused || still.State != canary.ApprovalAsked {
			t.Errorf("%d ended, %+v, %+v", ended, got, still)
		}
	})
}
