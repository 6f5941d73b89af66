package registry_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
	"time"

	"saltmine/internal/backup"
	"saltmine/internal/canary"
	"saltmine/internal/registry"
	"saltmine/internal/seal"
)

// carried is a registry that was carried away into memory.
type carried struct {
	snap   registry.Snapshot
	tables []backup.Table
	rows   map[string][][]any
	keys   *carried // of contacts, when they are apart
}

func (c *carried) sink() registry.Sink {
	c.rows = map[string][][]any{}
	now := ""
	return registry.Sink{
		Begin: func(s registry.Snapshot) error { c.snap = s; return nil },
		Table: func(t backup.Table) error { now, c.tables = t.Name, append(c.tables, t); return nil },
		Row:   func(v []any) error { c.rows[now] = append(c.rows[now], slices.Clone(v)); return nil },
	}
}

func carryAway(t *testing.T, r *registry.Registry, apart bool) *carried {
	t.Helper()
	c := &carried{}
	to := c.sink()
	if apart {
		c.keys = &carried{}
		keys := c.keys.sink()
		to.Keys = &keys
	}
	_, err := r.Export(t.Context(), to)
	must(t, err)
	return c
}

func (c *carried) load(ctx context.Context, l *registry.Loading) error {
	for _, t := range c.tables {
		if err := l.Table(ctx, t); err != nil {
			return err
		}
		for _, row := range c.rows[t.Name] {
			if err := l.Row(ctx, slices.Clone(row)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *carried) restoring() registry.Restoring {
	return registry.Restoring{By: registry.By{Who: "dana", Via: "cli"}, From: start(), Snapshot: c.snap}
}

func restore(t *testing.T, dsn string, v *seal.Vault, as registry.Restoring, from ...*carried) (*registry.Registry, registry.Restored, error) {
	t.Helper()
	l, err := registry.Load(t.Context(), registry.Config{DSN: dsn, Vault: v, Now: start, Pool: poolRules()}, from[0].snap.Tables)
	if err != nil {
		return nil, registry.Restored{}, err
	}
	for _, c := range from {
		if err := c.load(t.Context(), l); err != nil {
			return nil, registry.Restored{}, errors.Join(err, l.Abort())
		}
	}
	r, out, err := l.Finish(t.Context(), as)
	if r != nil {
		t.Cleanup(func() { must(t, r.Close()) })
	}
	return r, out, err
}

// peopled fills a registry with something of most sorts, a page on its way among them.
func peopled(t *testing.T, r *registry.Registry) {
	t.Helper()
	must(t, r.OpenBatch(t.Context(), canary.Batch{ID: "b_carried", Opened: start()}))
	must(t, r.Intend(t.Context(), []canary.Planting{planting(1), planting(2)}))
	o := canary.Outcome{Spool: "spool-1", To: "9", Entries: []canary.Entry{entry("k_carriedaaaaaaaaa"), entry("k_carriedbbbbbbbbb")}}
	o.Incidents = []canary.Incident{{ID: "i_carriedaaaaaaaaa", Place: "db:main", Severity: canary.P2, Opened: start(), Updated: start(), Reasons: []string{"it came"}}}
	o.Pages = []canary.Page{{ID: "p_carriedaaaaaaaaa", Incident: "i_carriedaaaaaaaaa", Severity: canary.P2, Place: "db:main", At: start(), Summary: "P2: a canary's address was written to, <\"&' and ü"}}
	o.Deliveries = []canary.Delivery{{Page: "p_carriedaaaaaaaaa", Route: "on-call"}, {Page: "p_carriedaaaaaaaaa", Route: "later", After: time.Hour}}
	must(t, r.Commit(t.Context(), o))
}

func entry(id canary.ContactID) canary.Entry { return canary.Entry{Contact: heardContact(id)} }

func heardContact(id canary.ContactID) canary.Contact {
	return canary.Contact{ID: id, Channel: canary.SMTP, At: start(), Ear: "smtpd", Raw: []byte("EHLO \x00\xff you\r\n")}
}

// engines runs a test with an empty database of each kind.
func engines(t *testing.T, test func(t *testing.T, dsn string)) {
	t.Helper()
	for name, open := range databases() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, open(t))
		})
	}
}

func databases() map[string]func(t *testing.T) string {
	return map[string]func(t *testing.T) string{
		"sqlite": func(t *testing.T) string { return "sqlite:" + filepath.Join(t.TempDir(), "r.db") },
		"mariadb": func(t *testing.T) string {
			dsn, _ := shared.MariaDB(t).Database(t)
			return "mysql://" + dsn
		},
	}
}

// TestCarriedIntoTheOther carries a registry from each kind of database into each.
func TestCarriedIntoTheOther(t *testing.T) {
	t.Parallel()
	for from, open := range databases() {
		for to, into := range databases() {
			t.Run(from+" to "+to, func(t *testing.T) {
				t.Parallel()
				v := vault(t)
				r := openAt(t, open(t), v)
				peopled(t, r)
				c := carryAway(t, r, false)
				target := into(t)
				back, out, err := restore(t, target, v, c.restoring(), c)
				must(t, err)
				if len(out.Stopped) != 2 || out.GivenUp != 0 {
					t.Errorf("restored: %+v", out)
				}
				looksLike(t, r, back)
				sameRows(t, c, carryAway(t, back, false))
				if _, _, err := restore(t, target, v, c.restoring(), c); !errors.Is(err, registry.ErrNotEmpty) {
					t.Errorf("put over what is there: %v", err)
				}
			})
		}
	}
}

// looksLike compares what two registries say, and that the log is whole.
func looksLike(t *testing.T, want, got *registry.Registry) {
	t.Helper()
	plantings, err := want.Plantings(t.Context(), canary.Filter{})
	must(t, err)
	again, err := got.Plantings(t.Context(), canary.Filter{})
	must(t, err)
	if len(plantings) != 2 || !reflect.DeepEqual(plantings, again) {
		t.Errorf("plantings: %+v, want %+v", again, plantings)
	}
	found, err := got.Match(t.Context(), []canary.Target{{Kind: canary.Email, Text: plantings[0].Tokens[0].Text}})
	if err != nil || len(found) != 1 {
		t.Errorf("a token is not found: %v, %v", found, err)
	}
	c, err := got.Contact(t.Context(), "k_carriedaaaaaaaaa")
	if err != nil || string(c.Raw) != string(heardContact("").Raw) {
		t.Errorf("a contact: %+v, %v", c, err)
	}
	end, err := want.ActsHead(t.Context())
	must(t, err)
	if now, err := got.CheckActs(t.Context(), end); err != nil || now.Seq != end.Seq+1 {
		t.Errorf("the evidence log: %v, %v", now, err)
	}
	if kept, err := got.CheckContacts(t.Context()); err != nil || kept.Contacts != 2 {
		t.Errorf("contacts: %+v, %v", kept, err)
	}
	if list, err := got.Outbox().Due(t.Context(), start().Add(24*time.Hour), 10); err != nil || len(list) != 0 {
		t.Errorf("pages again: %+v, %v", list, err)
	}
}

// sameRows compares everything but what a restore itself writes.
func sameRows(t *testing.T, want, got *carried) {
	t.Helper()
	for name, rows := range want.rows {
		switch name {
		case "acts", "act_head", "deliveries":
			continue
		}
		texts := func(rows [][]any) (list []string) {
			for _, row := range rows {
				list = append(list, fmt.Sprintf("%#v", row))
			}
			slices.Sort(list)
			return list
		}
		if a, b := texts(rows), texts(got.rows[name]); !reflect.DeepEqual(a, b) {
			t.Errorf("table %s: %d rows, not all as the %d there were", name, len(b), len(a))
		}
	}
}

// TestGivenUpStaysGivenUp puts back an old backup with newer keys.
func TestGivenUpStaysGivenUp(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, dsn string) {
		v := vault(t)
		r := openAt(t, dsn, v)
		peopled(t, r)
		old := carryAway(t, r, true)
		if len(old.rows["contact_keys"]) != 0 || len(old.keys.rows["contact_keys"]) != 2 {
			t.Fatalf("keys of contacts: %d with the rest, %d apart", len(old.rows["contact_keys"]), len(old.keys.rows["contact_keys"]))
		}
		_, err := r.Shred(t.Context(), registry.By{Who: "dana", Via: "cli"}, "asked for", "k_carriedbbbbbbbbb")
		must(t, err)
		must(t, r.Commit(t.Context(), canary.Outcome{Spool: "spool-1", From: "9", To: "10", Entries: []canary.Entry{entry("k_carriedccccccccc")}}))
		newer := carryAway(t, r, true).keys

		as := old.restoring()
		as.KeysApart = true
		back, out, err := restore(t, "sqlite:"+filepath.Join(t.TempDir(), "back.db"), v, as, old, newer)
		must(t, err)
		if out.GivenUp != 1 {
			t.Errorf("given up again: %d", out.GivenUp)
		}
		if _, err := back.Contact(t.Context(), "k_carriedbbbbbbbbb"); !errors.Is(err, registry.ErrShredded) {
			t.Errorf("what was given up: %v", err)
		}
		if kept, err := back.CheckContacts(t.Context()); err != nil || kept.Contacts != 1 || kept.Shredded != 1 {
			t.Errorf("contacts: %+v, %v", kept, err)
		}

		// A list does the same, and keys of before a contact are refused.
		as.GivenUp = []canary.ContactID{"k_carriedbbbbbbbbb", "k_neverherexxxxxxx"}
		if _, out, err := restore(t, "sqlite:"+filepath.Join(t.TempDir(), "list.db"), v, as, old, old.keys); err != nil || out.GivenUp != 1 {
			t.Errorf("by a list: %+v, %v", out, err)
		}
		later := carryAway(t, r, true)
		as = later.restoring()
		as.KeysApart = true
		if _, out, err := restore(t, "sqlite:"+filepath.Join(t.TempDir(), "later.db"), v, as, later, later.keys); err != nil || out.GivenUp != 0 {
			t.Errorf("what was given up before: %+v, %v", out, err)
		}
		if _, _, err := restore(t, "sqlite:"+filepath.Join(t.TempDir(), "keyless.db"), v, as, later, old.keys); !errors.Is(err, registry.ErrKeyless) {
			t.Errorf("keys of before: %v", err)
		}
	})
}

// TestCarriedAtOneMoment writes while it is carried away.
func TestCarriedAtOneMoment(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, r *registry.Registry) {
		peopled(t, r)
		was := carryAway(t, r, false)
		c := &carried{}
		to := c.sink()
		begin := to.Begin
		to.Begin = func(s registry.Snapshot) error {
			err := r.Commit(t.Context(), canary.Outcome{Spool: "spool-1", From: "9", To: "10", Entries: []canary.Entry{entry("k_carriedmeanwhile")}})
			return errors.Join(err, begin(s))
		}
		_, err := r.Export(t.Context(), to)
		must(t, err)
		if len(c.rows["contacts"]) != 2 || len(c.rows["leaves"]) != len(was.rows["leaves"]) || c.snap.Positions["spool-1"] != "9" || len(c.rows["contact_keys"]) != 2 {
			t.Errorf("of another moment: %d contacts, %d leaves, position %s", len(c.rows["contacts"]), len(c.rows["leaves"]), c.snap.Positions["spool-1"])
		}
	})
}

// TestLoadRefuses shows what is not put back.
func TestLoadRefuses(t *testing.T) {
	t.Parallel()
	v := vault(t)
	r := openAt(t, "sqlite:"+filepath.Join(t.TempDir(), "r.db"), v)
	peopled(t, r)
	c := carryAway(t, r, false)
	dsn := func() string { return "sqlite:" + filepath.Join(t.TempDir(), "x.db") }
	if _, err := registry.Load(t.Context(), registry.Config{DSN: dsn(), Vault: v, Now: start}, c.snap.Tables+1); !errors.Is(err, registry.ErrNewer) {
		t.Errorf("tables of tomorrow: %v", err)
	}
	if _, _, err := restore(t, dsn(), vault(t), c.restoring(), c); !errors.Is(err, seal.ErrOpen) {
		t.Errorf("with other keys: %v", err)
	}
	less := *c
	less.rows = maps.Clone(c.rows)
	less.rows["hits"], less.rows["contacts"] = nil, c.rows["contacts"][:1]
	if _, _, err := restore(t, dsn(), v, c.restoring(), &less); !errors.Is(err, backup.ErrDamaged) {
		t.Errorf("with a row less: %v", err)
	}
	more := *c
	more.tables = append(slices.Clone(c.tables), backup.Table{Name: "of_tomorrow", Columns: []backup.Column{{Name: "id"}}})
	if _, _, err := restore(t, dsn(), v, c.restoring(), &more); !errors.Is(err, registry.ErrNewer) {
		t.Errorf("with a table of tomorrow: %v", err)
	}
	// Nothing of any of that stays.
	path := dsn()
	if _, _, err := restore(t, path, v, c.restoring(), &less); err == nil {
		t.Fatal("it was put back")
	}
	db, err := sql.Open("sqlite", path[len("sqlite:"):])
	must(t, err)
	defer db.Close()
	var n int
	if err := db.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM contacts").Scan(&n); err != nil || n != 0 {
		t.Errorf("%d contacts are left, %v", n, err)
	}
}
