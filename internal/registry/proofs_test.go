package registry_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"path/filepath"
	"slices"
	"testing"

	"saltmine/internal/canary"
	"saltmine/internal/evidence"
	"saltmine/internal/registry"
)

// TestProofs: what was filed stands in a list, whose hash is an act's outcome; of what
// was given up nothing is shown any more.
func TestProofs(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, r *registry.Registry) {
		ctx, o := t.Context(), outcome(r)
		must(t, r.Commit(ctx, o))
		contact, inc := o.Entries[0].Contact.ID, o.Incidents[0].ID
		plain, salt, p, err := r.ContactProof(ctx, contact)
		must(t, err)
		mac := hmac.New(sha256.New, salt)
		mac.Write(plain)
		lines, err := r.ListLines(ctx, p.List)
		must(t, err)
		if !slices.Contains(lines, evidence.Line(string(contact), hex.EncodeToString(mac.Sum(nil)))) {
			t.Error("the contact is in no line")
		}
		pages, err := r.PageProofs(ctx, inc)
		must(t, err)
		if len(pages) != len(o.Pages) || len(pages) == 0 {
			t.Fatalf("%d pages", len(pages))
		}
		for _, page := range pages {
			sum := sha256.Sum256([]byte(page.Body))
			if page.FiledProof != p || !slices.Contains(lines, evidence.Line(string(page.ID), hex.EncodeToString(sum[:]))) {
				t.Errorf("page %s is in no line", page.ID)
			}
		}
		acts, err := r.ActsOn(ctx, []string{p.List, "i_nobody", p.List}, p.Act)
		must(t, err)
		if len(acts) != 1 || acts[0].Seq != p.Act || acts[0].Outcome != evidence.ListHash(lines) || len(acts[0].Salt) != 2*evidence.SaltSize {
			t.Errorf("%+v", acts)
		}
		if acts, err := r.ActsOn(ctx, []string{p.List}, p.Act-1); err != nil || len(acts) != 0 {
			t.Errorf("before it: %+v, %v", acts, err)
		}
		if _, _, _, err := r.ContactProof(ctx, "k_nobody-here"); !errors.Is(err, registry.ErrNotFound) {
			t.Error(err)
		}
		must(t, r.SetVerdict(ctx, inc, canary.Noise, registry.By{Who: "dana", Via: "cli"}))
		if _, err := r.Shred(ctx, registry.By{Who: "dana", Via: "cli"}, "wrong number", contact); err != nil {
			t.Fatal(err)
		}
		if _, _, _, err := r.ContactProof(ctx, contact); !errors.Is(err, registry.ErrShredded) {
			t.Error(err)
		}
		_, err = r.CheckContacts(ctx)
		must(t, err)
	})
}

// TestTamperedPage: a page that is not as it was written, or gone, is found.
func TestTamperedPage(t *testing.T) {
	t.Parallel()
	for name, query := range map[string]string{
		"changed": "UPDATE pages SET body = REPLACE(body, 'severity', 'Severity')", "gone": "DELETE FROM pages",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "r.db")
			r := openAt(t, "sqlite:"+path, vault(t))
			db, err := sql.Open("sqlite", "file:"+path)
			must(t, err)
			defer db.Close()
			must(t, r.Commit(t.Context(), outcome(r)))
			_, err = r.CheckContacts(t.Context())
			must(t, err)
			_, err = db.ExecContext(t.Context(), query)
			must(t, err)
			if _, err := r.CheckContacts(t.Context()); !errors.Is(err, registry.ErrTampered) {
				t.Error(err)
			}
		})
	}
}

// TestSentOnce: that a route accepted a page is on the log, once.
func TestSentOnce(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, r *registry.Registry) {
		ctx, o := t.Context(), outcome(r)
		must(t, r.Commit(ctx, o))
		due, err := r.Outbox().Due(ctx, start(), 10)
		must(t, err)
		for range 2 {
			must(t, r.Outbox().Sent(ctx, due[0], start(), "ok"))
		}
		acts, err := r.Acts(ctx, registry.ActFilter{About: string(o.Incidents[0].ID), Filed: true})
		must(t, err)
		if len(acts) != 1 || acts[0].What != "sent" || acts[0].Outcome != string(due[0].Page.ID)+" by "+due[0].Route {
			t.Errorf("%+v", acts)
		}
		if acts, err := r.Acts(ctx, registry.ActFilter{About: string(o.Incidents[0].ID)}); err != nil || len(acts) != 0 {
			t.Errorf("where nobody asks for them: %+v, %v", acts, err)
		}
	})
}
