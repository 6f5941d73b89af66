package registry_test

import (
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/mailauth"
	"saltmine/internal/registry"
)

// searching files contacts that wait to be searched, of so many bytes each.
func searching(t *testing.T, r *registry.Registry, sizes ...int) {
	t.Helper()
	var o canary.Outcome
	for i, n := range sizes {
		c := contact(i+1, canary.SMTP, start())
		c.Raw = make([]byte, n)
		o.Entries = append(o.Entries, canary.Entry{Contact: c, Search: true})
	}
	must(t, r.Commit(t.Context(), o))
}

func ids(numbers ...int) []canary.ContactID {
	var out []canary.ContactID
	for _, n := range numbers {
		out = append(out, canary.ContactID(fmt.Sprintf("k_contact%04d", n)))
	}
	return out
}

// TestSearchesDue: the smallest come first, the oldest (here the first) is among
// them, and what was searched is settled once.
func TestSearchesDue(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, r *registry.Registry) {
		searching(t, r, 500, 10, 9, 300)
		for _, tt := range []struct {
			limit int
			want  []canary.ContactID
		}{{10, ids(3, 2, 4, 1)}, {4, ids(3, 2, 4)}, {3, ids(3, 2)}} {
			if got, err := r.SearchesDue(t.Context(), tt.limit); err != nil || !slices.Equal(got[:min(len(got), len(tt.want))], tt.want) {
				t.Errorf("up to %d: %q, %v, want %q", tt.limit, got, err, tt.want)
			}
		}
		must(t, r.Commit(t.Context(), canary.Outcome{Searched: ids(3, 2), Judge: ids(3, 3)}))
		if err := r.Commit(t.Context(), canary.Outcome{Searched: ids(4, 2)}); !errors.Is(err, registry.ErrMoved) {
			t.Errorf("settled twice: %v", err)
		}
		if got, err := r.SearchesDue(t.Context(), 10); err != nil || !slices.Equal(got, ids(4, 1)) {
			t.Errorf("left: %q, %v", got, err)
		}
		if q, err := r.Queued(t.Context()); err != nil || q != (registry.Queued{Searches: 2, Mails: 1}) {
			t.Errorf("queued: %+v, %v", q, err)
		}
	})
}

// TestOldestIsNotStarved: among small contacts that keep coming, the one that
// waits longest is given as the last.
func TestOldestIsNotStarved(t *testing.T) {
	t.Parallel()
	now := start()
	r, err := registry.Open(t.Context(), registry.Config{DSN: "sqlite:" + filepath.Join(t.TempDir(), "r.db"), Vault: vault(t), Now: func() time.Time { return now }})
	must(t, err)
	defer r.Close()
	searching(t, r, 100_000)
	now = now.Add(time.Minute)
	var o canary.Outcome
	for n := 2; n < 9; n++ {
		o.Entries = append(o.Entries, canary.Entry{Contact: contact(n, canary.SMTP, now), Search: true})
	}
	must(t, r.Commit(t.Context(), o))
	if got, err := r.SearchesDue(t.Context(), 3); err != nil || !slices.Equal(got, ids(2, 3, 1)) {
		t.Errorf("%q, %v", got, err)
	}
}

// TestUnreadableMail: a contact whose sealed record does not open is put aside,
// counted and said once, and the next is looked at.
func TestUnreadableMail(t *testing.T) {
	t.Parallel()
	ctx, path, now := t.Context(), filepath.Join(t.TempDir(), "r.db"), start()
	r := openAt(t, "sqlite:"+path, vault(t))
	must(t, r.Commit(ctx, canary.Outcome{Entries: []canary.Entry{
		{Contact: contact(1, canary.SMTP, now), Judge: true, Search: true}, {Contact: contact(2, canary.SMTP, now), Judge: true},
	}}))
	db, err := sql.Open("sqlite", "file:"+path)
	must(t, err)
	defer db.Close()
	if _, err := db.ExecContext(ctx, "UPDATE contacts SET sealed = 'torn' WHERE id = ?", ids(1)[0]); err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	w := mailauth.NewWorker(mailauth.WorkerConfig{Queue: r, Now: func() time.Time { return now }, Log: slog.New(slog.NewTextHandler(&log, nil))})
	must(t, w.Drain(ctx))
	must(t, w.Drain(ctx))
	if m, err := r.MailOf(ctx, ids(2)[0]); err != nil || m.Tries != 1 || !m.Again.IsZero() {
		t.Errorf("the next: %+v, %v", m, err)
	}
	if n := strings.Count(log.String(), "k_contact0001"); n == 0 || strings.Count(log.String(), "\n") != 1 {
		t.Errorf("log:\n%s", log.String())
	}
	if _, err := r.Contact(ctx, ids(1)[0]); !errors.Is(err, canary.ErrUnreadable) {
		t.Errorf("read: %v", err)
	}
	must(t, r.PutSearchAside(ctx, ids(1)[0]))
	if q, err := r.Queued(ctx); err != nil || q != (registry.Queued{Aside: 1}) {
		t.Errorf("queued: %+v, %v", q, err)
	}
}

// TestUnreadablePending: a cut-off dialogue, or a call, that does not open holds
// up none that was heard later.
func TestUnreadablePending(t *testing.T) {
	t.Parallel()
	ctx, path := t.Context(), filepath.Join(t.TempDir(), "r.db")
	r := openAt(t, "sqlite:"+path, vault(t))
	o := canary.Outcome{Spool: "local", To: "1"}
	for n := range 3 {
		open, call := contact(1+n, canary.SMTP, start()), contact(11+n, canary.Voice, start())
		open.Open, call.Ear = true, "phone/x"
		o.Entries = append(o.Entries, canary.Entry{Contact: open, Pending: true}, canary.Entry{Contact: call})
	}
	must(t, r.Commit(ctx, o))
	db, err := sql.Open("sqlite", "file:"+path)
	must(t, err)
	defer db.Close()
	for _, id := range ids(1, 2, 11) {
		if _, err := db.ExecContext(ctx, "UPDATE contacts SET sealed = 'torn' WHERE id = ?", id); err != nil {
			t.Fatal(err)
		}
	}
	if list, err := r.Pending(ctx, "local", start().Add(time.Second), 1); err != nil || len(list) != 1 || list[0].ID != ids(3)[0] {
		t.Errorf("pending: %d, %v", len(list), err)
	}
	var calls []canary.ContactID
	err = r.EachCall(ctx, "phone/x", start().Add(-time.Hour), func(c *canary.Contact) error { calls = append(calls, c.ID); return nil })
	if err != nil || !slices.Equal(calls, ids(12, 13)) {
		t.Errorf("calls: %q, %v", calls, err)
	}
}

// TestAPageThatCannotBeRead: it goes out bare, and keeps no other back.
func TestAPageThatCannotBeRead(t *testing.T) {
	t.Parallel()
	ctx, path := t.Context(), filepath.Join(t.TempDir(), "r.db")
	r := openAt(t, "sqlite:"+path, vault(t))
	o := outcome(r)
	must(t, r.Commit(ctx, o))
	db, err := sql.Open("sqlite", "file:"+path)
	must(t, err)
	defer db.Close()
	if _, err := db.ExecContext(ctx, "UPDATE pages SET body = 'torn'"); err != nil {
		t.Fatal(err)
	}
	list, err := r.Outbox().Due(ctx, start().Add(24*time.Hour), 10)
	if err != nil || len(list) != len(o.Deliveries) {
		t.Fatalf("%d of %d, %v", len(list), len(o.Deliveries), err)
	}
	if shown, err := r.PagesOf(ctx, o.Incidents[0].ID); err != nil || len(shown) != len(list) || shown[0].Page.Summary == "" {
		t.Errorf("shown: %+v, %v", shown, err)
	}
	for _, d := range list {
		if d.Page.ID != o.Pages[0].ID || d.Page.About() != o.Pages[0].About() || d.Page.Severity != o.Pages[0].Severity || d.Page.Summary == "" {
			t.Errorf("%+v", d.Page)
		}
	}
}
