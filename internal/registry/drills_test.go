package registry_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/registry"
)

// shotCommit files a contact that uses a mark up, with a muted page of its own.
func shotCommit(t *testing.T, r *registry.Registry, s canary.Shot, contact canary.ContactID) (canary.PageID, error) {
	t.Helper()
	p := canary.Page{ID: canary.PageID(canary.NewID("p")), Drill: string(s.ID), Severity: canary.P4, At: canary.Micro(time.Now())}
	return p.ID, r.Commit(t.Context(), canary.Outcome{
		Entries: []canary.Entry{{Contact: canary.Contact{ID: contact, Channel: canary.SMTP, At: canary.Micro(time.Now()), Ear: "smtpd"}, Class: canary.ClassDrill}},
		Spent:   []canary.Spent{{Shot: s.ID, Contact: contact, At: time.Now(), Page: p.ID}}, Pages: []canary.Page{p},
		Deliveries: []canary.Delivery{{Page: p.ID, Route: canary.Muted}},
	})
}

// TestDrills: tokens are found as a drill's, marks fit their target alone and are
// used up once, fronts stand as their contacts came out, and what is old goes.
func TestDrills(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, r *registry.Registry) {
		ctx := t.Context()
		const text = "mona.drill@example.net"
		tok := canary.DrillToken{Run: canary.Deadman, Stands: "t_x", Token: canary.Token{ID: canary.TokenID(canary.NewID("t")), Kind: canary.Email, Role: canary.RoleDrill, Canary: "c_x", Text: text}}
		must(t, r.BeginDrill(ctx, canary.Run{ID: canary.Deadman, Route: canary.Muted}, []canary.DrillToken{tok}))
		must(t, r.BeginDrill(ctx, canary.Run{ID: canary.Deadman, Route: canary.Muted}, nil))
		if list, err := r.DrillTokens(ctx, canary.Deadman); err != nil || len(list) != 1 || list[0] != tok {
			t.Errorf("%+v, %v", list, err)
		}
		got, found, err := r.Token(ctx, canary.Email, text)
		if err != nil || !found || got.Token != tok.Token {
			t.Errorf("%v, %v, %v", got, found, err)
		}
		tok.Role = canary.RolePlanted
		if err := r.BeginDrill(ctx, canary.Run{ID: canary.Deadman}, []canary.DrillToken{tok}); !errors.Is(err, canary.ErrInvalid) {
			t.Errorf("a planted token became a drill's: %v", err)
		}

		yes := func(string) bool { return true }
		first, mark, err := r.Issue(ctx, canary.Deadman, "smtp a", text, yes)
		must(t, err)
		for target, want := range map[string]bool{text: true, "max@example.net": false, "": false} {
			if s, found, err := r.Marked(ctx, target, mark); err != nil || found != want || found && s.ID != first.ID {
				t.Errorf("%q: %+v, %v, %v", target, s, found, err)
			}
		}
		for _, bad := range []string{"", mark[:35], mark + "0", mark[:16] + "00000000000000000000", "aaaaaaaaaaaaaaaa" + mark[16:]} {
			if _, found, err := r.Marked(ctx, text, bad); found || err != nil {
				t.Errorf("%d characters: %v, %v", len(bad), found, err)
			}
		}
		if f, err := r.Fronts(ctx); err != nil || !f["smtp a"].Open.Equal(first.Issued) || !f["smtp a"].Came.IsZero() {
			t.Errorf("%+v, %v", f, err)
		}
		page, err := shotCommit(t, r, first, "k_contact0001")
		must(t, err)
		if _, err := shotCommit(t, r, first, "k_contact0002"); !errors.Is(err, registry.ErrMoved) {
			t.Errorf("a mark was used up twice: %v", err)
		}
		must(t, r.ShotPaged(ctx, page, first.Issued.Add(time.Second)))
		must(t, r.ShotPaged(ctx, page, first.Issued.Add(time.Hour)))
		second, _, err := r.Issue(ctx, canary.Deadman, "dns b", "example.net", yes)
		must(t, err)
		if f, err := r.Fronts(ctx); err != nil || !f["smtp a"].Came.Equal(first.Issued.Add(time.Second)) || !f["smtp a"].Open.IsZero() || !f["dns b"].Open.Equal(second.Issued) {
			t.Errorf("%+v, %v", f, err)
		}
		if s, found, err := r.Marked(ctx, text, mark); err != nil || !found || s.Contact != "k_contact0001" || s.Page != page {
			t.Errorf("%+v, %v, %v", s, found, err)
		}
		must(t, r.PruneShots(ctx, first.Issued, first.Issued)) // nothing is older
		if _, err := r.Contact(ctx, "k_contact0001"); err != nil {
			t.Error(err)
		}
		must(t, r.PruneShots(ctx, first.Issued.Add(time.Microsecond), first.Issued))
		if left, err := r.Shots(ctx, canary.Deadman, time.Time{}); err != nil || len(left) != 0 {
			t.Errorf("%+v, %v", left, err)
		}
		if _, err := r.Contact(ctx, "k_contact0001"); !errors.Is(err, registry.ErrNotFound) {
			t.Errorf("an old contact of our own stays: %v", err)
		}
		if s, found, err := r.Marked(ctx, text, mark); err != nil || !found || s.Contact != "k_contact0001" {
			t.Errorf("an old mark that was used up is not known: %+v, %v, %v", s, found, err)
		}
		// It comes again, of a spool from a backup, and nothing is in its way.
		must(t, r.Commit(ctx, canary.Outcome{Entries: []canary.Entry{{Contact: contact(1, canary.SMTP, start()), Class: canary.ClassDrill}}}))
		must(t, r.PruneShots(ctx, first.Issued.Add(time.Microsecond), first.Issued.Add(time.Microsecond)))
		if _, found, err := r.Marked(ctx, text, mark); err != nil || found {
			t.Errorf("a mark is kept for ever: %v, %v", found, err)
		}
	})
}

// TestDrillEnds: a drill is open until it ends, and its report comes back.
func TestDrillEnds(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, r *registry.Registry) {
		ctx, later := t.Context(), time.Now().Add(time.Hour)
		const id = "d_aaaaaaaaaaaaaaaa"
		must(t, r.BeginDrill(ctx, canary.Run{ID: id, Route: "duty"}, nil))
		must(t, r.BeginDrill(ctx, canary.Run{ID: canary.Deadman, Route: canary.Muted}, nil))
		if list, err := r.OpenDrills(ctx, later); err != nil || len(list) != 1 || list[0] != id {
			t.Errorf("%v, %v", list, err)
		}
		must(t, r.EndDrill(ctx, id, []byte("report")))
		if list, err := r.OpenDrills(ctx, later); err != nil || len(list) != 0 {
			t.Errorf("%v, %v", list, err)
		}
		if list, err := r.DrillReports(ctx, 5); err != nil || len(list) != 1 || string(list[0]) != "report" {
			t.Errorf("%q, %v", list, err)
		}
		if err := r.EndDrill(ctx, "d_bbbbbbbbbbbbbbbb", nil); !errors.Is(err, registry.ErrNotFound) {
			t.Errorf("%v", err)
		}
	})
}

// TestPruneShotsAmongContacts: old shots go in pieces while somebody works at
// another contact; what reached anything else stays with its shot.
func TestPruneShotsAmongContacts(t *testing.T) {
	t.Parallel()
	dsn, db := shared.MariaDB(t).Database(t)
	r := openAt(t, "mysql://"+dsn, vault(t))
	ctx := t.Context()
	must(t, r.BeginDrill(ctx, canary.Run{ID: canary.Deadman, Route: canary.Muted}, nil))
	var last canary.Shot
	for i := range 230 {
		s, _, err := r.Issue(ctx, canary.Deadman, "smtp a", "a@example.net", func(string) bool { return true })
		must(t, err)
		_, err = shotCommit(t, r, s, canary.ContactID(fmt.Sprintf("k_shot%08d", i)))
		must(t, err)
		last = s
	}
	for _, q := range []string{
		"DELETE FROM searches",
		"INSERT INTO supports (incident, contact, why) VALUES ('i_1', 'k_shot00000001','')",
		"INSERT INTO hits (contact, token, canary, role, origin, domain, incident, clean, class, channel, stratum, counts, heard, content) VALUES ('k_shot00000120', 't', 'c', 'planted', '', '', 'i_1', 1, '', 'smtp', '', 1, 1, 1)",
		"INSERT INTO searches (contact, due, size) VALUES ('k_shot00000229', 1, 1)",
		"UPDATE contacts SET id = 'k_stranger' WHERE id = 'k_shot00000007'", "UPDATE drill_shots SET contact = '' WHERE contact = 'k_shot00000007'", "DELETE FROM contact_keys WHERE contact = 'k_shot00000007'",
	} {
		_, err := db.ExecContext(ctx, q)
		must(t, err)
	}
	tx, err := db.BeginTx(ctx, nil)
	must(t, err)
	defer tx.Rollback() //nolint:errcheck // it ends the lock
	_, err = tx.ExecContext(ctx, "UPDATE contacts SET size = 1 WHERE id = 'k_stranger'")
	must(t, err)
	short, cancel := context.WithTimeout(ctx, 45*time.Second) // MariaDB itself waits for 50 s
	defer cancel()
	must(t, r.PruneShots(short, last.Issued.Add(time.Second), time.Time{}))
	left, err := r.Shots(ctx, canary.Deadman, time.Time{})
	must(t, err)
	var stay []string
	for _, s := range left {
		_, err := r.Contact(ctx, s.Contact)
		must(t, err)
		stay = append(stay, string(s.Contact))
	}
	if slices.Sort(stay); !slices.Equal(stay, []string{"k_shot00000001", "k_shot00000120", "k_shot00000229"}) {
		t.Errorf("%q stay", stay)
	}
	var contacts, keys, pages int
	must(t, db.QueryRowContext(ctx, "SELECT (SELECT COUNT(*) FROM contacts), (SELECT COUNT(*) FROM contact_keys), (SELECT COUNT(*) FROM pages)").Scan(&contacts, &keys, &pages))
	if contacts != 4 || keys != 3 || pages != 3 {
		t.Errorf("%d contacts, %d keys and %d pages are left", contacts, keys, pages)
	}
}

// TestPruneLeavesLogged: a contact that is on the evidence log is not forgotten with
// its shot, and the log is whole.
func TestPruneLeavesLogged(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, r *registry.Registry) {
		ctx := t.Context()
		must(t, r.BeginDrill(ctx, canary.Run{ID: canary.Deadman, Route: canary.Muted}, nil))
		s, _, err := r.Issue(ctx, canary.Deadman, "dns a", "example.net", func(string) bool { return true })
		must(t, err)
		c := contact(1, canary.DNS, start())
		must(t, r.Commit(ctx, canary.Outcome{Entries: []canary.Entry{{Contact: c}}, Spent: []canary.Spent{{Shot: s.ID, Contact: c.ID, At: c.At}}}))
		must(t, r.PruneShots(ctx, s.Issued.Add(time.Second), time.Time{}))
		if left, err := r.Shots(ctx, canary.Deadman, time.Time{}); err != nil || len(left) != 0 {
			t.Errorf("%+v, %v", left, err)
		}
		checked(t, r, 1, 0)
	})
}

// TestFiledAgain: a key that stands from a contact that is gone is in nobody's way.
func TestFiledAgain(t *testing.T) {
	t.Parallel()
	dsn, db := shared.MariaDB(t).Database(t)
	r := openAt(t, "mysql://"+dsn, vault(t))
	refiled(t, r, db)
	path := filepath.Join(t.TempDir(), "r.db")
	r = openAt(t, "sqlite:"+path, vault(t))
	db, err := sql.Open("sqlite", "file:"+path)
	must(t, err)
	defer db.Close()
	refiled(t, r, db)
}

func refiled(t *testing.T, r *registry.Registry, db *sql.DB) {
	t.Helper()
	e := canary.Entry{Contact: contact(1, canary.SMTP, start()), Class: canary.ClassDrill}
	must(t, r.Commit(t.Context(), canary.Outcome{Entries: []canary.Entry{e}}))
	_, err := db.ExecContext(t.Context(), "DELETE FROM contacts")
	must(t, err)
	must(t, r.Commit(t.Context(), canary.Outcome{Entries: []canary.Entry{e}}))
	if got, err := r.Contact(t.Context(), e.Contact.ID); err != nil || got.Source != e.Contact.Source {
		t.Errorf("%+v, %v", got, err)
	}
}

// TestFrontSilentForLong: of a front whose last contact that came through is
// forgotten it is still known when that was.
func TestFrontSilentForLong(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, r *registry.Registry) {
		ctx := t.Context()
		must(t, r.BeginDrill(ctx, canary.Run{ID: canary.Deadman, Route: canary.Muted}, nil))
		issue := func() canary.Shot {
			s, _, err := r.Issue(ctx, canary.Deadman, "smtp a", "example.net", func(string) bool { return true })
			must(t, err)
			return s
		}
		first := issue()
		page, err := shotCommit(t, r, first, "k_contact0001")
		must(t, err)
		came := first.Issued.Add(time.Second)
		must(t, r.ShotPaged(ctx, page, came))
		must(t, r.PruneShots(ctx, first.Issued.Add(time.Microsecond), time.Time{}))
		silent := issue()
		if f, err := r.Fronts(ctx); err != nil || !f["smtp a"].Came.Equal(came) || !f["smtp a"].Open.Equal(silent.Issued) {
			t.Errorf("%+v, %v; want that it came at %s", f, err, came)
		}
	})
}
