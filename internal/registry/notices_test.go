package registry_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"saltmine/internal/canary"
	"saltmine/internal/pager"
	"saltmine/internal/registry"
)

// compose pages every notice on one route.
func compose(n canary.Notice) (canary.Page, []canary.Delivery) {
	return canary.Page{ID: canary.PageID("p_" + string(n.ID)[2:]), Notice: n.ID, Severity: n.Severity, At: n.Raised, Summary: n.Text}, []canary.Delivery{{Route: "quiet"}}
}

func found(marks ...string) (list []canary.Notice) {
	for _, m := range marks {
		list = append(list, canary.Notice{Mark: m, Severity: canary.P4, Text: "about " + m, Next: []string{"look"}})
	}
	return list
}

// TestNotices files what three runs found: each finding is raised and paged once
// while it stands, is over when it is not found any more, and is new when it
// comes back.
func TestNotices(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, r *registry.Registry) {
		ctx := t.Context()
		file := func(scope string, want int, marks ...string) {
			t.Helper()
			fresh, err := r.FileNotices(ctx, canary.NoticePool, scope, found(marks...), compose)
			if err != nil || len(fresh) != want {
				t.Fatalf("%v: %d new, %v; wanted %d", marks, len(fresh), err, want)
			}
		}
		wantShown := func(all bool, want int) []canary.Notice {
			t.Helper()
			list, err := r.Notices(ctx, registry.NoticeFilter{Unread: !all})
			if err != nil || len(list) != want {
				t.Fatalf("%d notices, %v; wanted %d", len(list), err, want)
			}
			return list
		}
		file("item", 2, "expires", "listed")
		file("item", 0, "listed", "expires")
		file("other", 1, "listed")
		wantShown(false, 3)
		file("item", 0, "listed")
		over := 0
		for _, n := range wantShown(false, 3) {
			if !n.Over.IsZero() {
				over++
			}
		}
		if over != 1 {
			t.Errorf("%d notices are over, wanted 1", over)
		}
		file("item", 1, "listed", "expires")
		wantShown(true, 4)

		n := wantShown(false, 4)[0]
		must(t, r.AcknowledgeNotice(ctx, n.ID, registry.By{Who: "dana", Via: "cli"}))
		must(t, r.AcknowledgeNotice(ctx, n.ID, registry.By{Who: "somebody else", Via: "cli"}))
		wantShown(false, 3)
		for _, m := range wantShown(true, 4) {
			if m.ID == n.ID && (m.Who != "dana" || m.Acknowledged.IsZero() || m.Text != n.Text || len(m.Next) != 1) {
				t.Errorf("acknowledged: %+v", m)
			}
		}
		if err := r.AcknowledgeNotice(ctx, "n_nobody", registry.By{Who: "dana", Via: "cli"}); !errors.Is(err, registry.ErrNotFound) {
			t.Errorf("an unknown notice: %v", err)
		}
		due, err := r.Outbox().Due(ctx, start().AddDate(1, 0, 0), 100)
		if err != nil || len(due) != 4 || due[0].Page.Notice == "" || due[0].DedupKey != string(due[0].Page.Notice) {
			t.Errorf("%d pages are due, %v: %+v", len(due), err, due)
		}
		for _, d := range due { // the end of one is told after its page
			must(t, r.Outbox().Sent(ctx, d, start(), "status 202"))
		}
		due, err = r.Outbox().Due(ctx, start().AddDate(1, 0, 0), 100)
		if err != nil || len(due) != 1 || due[0].Kind != pager.Resolve || due[0].Page.Summary != "about expires" {
			t.Errorf("after them %d pages are due, %v: %+v", len(due), err, due)
		}
	})
}

func TestRaiseNotice(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, r *registry.Registry) {
		n := canary.Notice{Kind: canary.NoticeExclude, Scope: "billing", Mark: "2026-11-25", Severity: canary.P3, Text: "over the budget"}
		for i, want := range []bool{true, false} {
			if got, err := r.RaiseNotice(t.Context(), n, compose); err != nil || got != want {
				t.Errorf("time %d: %v, %v", i+1, got, err)
			}
		}
		n.Mark = "2026-11-26"
		if got, err := r.RaiseNotice(t.Context(), n, compose); err != nil || !got {
			t.Errorf("another mark: %v, %v", got, err)
		}
		if list, err := r.Notices(t.Context(), registry.NoticeFilter{Unread: true}); err != nil || len(list) != 2 {
			t.Errorf("%d notices, %v", len(list), err)
		}
	})
}

// TestNoticesByPage: each page goes on behind the last, also within one moment.
func TestNoticesByPage(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, r *registry.Registry) {
		_, err := r.FileNotices(t.Context(), canary.NoticePool, "item", found("a", "b", "c", "d", "e"), compose)
		must(t, err)
		all, err := r.Notices(t.Context(), registry.NoticeFilter{})
		must(t, err)
		var walked []canary.Notice
		f := registry.NoticeFilter{Unread: true, Limit: 2}
		for range 4 {
			list, err := r.Notices(t.Context(), f)
			must(t, err)
			if len(list) == 0 {
				break
			}
			walked, f.After = append(walked, list...), list[len(list)-1]
		}
		if len(all) != 5 || cmp.Diff(all, walked) != "" {
			t.Errorf("%d notices, by page %d: %s", len(all), len(walked), cmp.Diff(all, walked))
		}
		if list, err := r.Notices(t.Context(), registry.NoticeFilter{ID: all[2].ID}); err != nil || cmp.Diff(all[2:3], list) != "" {
			t.Errorf("by id: %+v, %v", list, err)
		}
	})
}
