package registry_test

import (
	"bytes"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/registry"
)

// calls files n calls to a number in Germany, and as many to one in Ireland, each
// with words of its own, together with an incident of the given verdict.
func calls(t *testing.T, r *registry.Registry, n int) (german, irish []canary.ContactID) {
	t.Helper()
	for i := range 2 * n {
		c := contact(1000+i, canary.Voice, start())
		c.ID = canary.ContactID(fmt.Sprintf("k_%016x", uint64(1+i)*0x9e3779b97f4a7c15)) // among each other, as they are
		c.Ear, c.Source = "phone/twilio", fmt.Sprintf("+3161234%04d", i)
		c.Targets = []canary.Target{{Kind: canary.Phone, Text: "+4930901820"}}
		if i >= n {
			c.Targets[0].Text = "+35315550123"
			irish = append(irish, c.ID)
		} else {
			german = append(german, c.ID)
		}
		c.Raw = []byte(strings.Repeat(fmt.Sprintf("the words of caller %d. ", i), 1+i*40%400))
		must(t, r.Commit(t.Context(), canary.Outcome{Entries: []canary.Entry{{Contact: c, Origin: r.BlindOrigin(c.Source)}}}))
	}
	return german, irish
}

// checked wants the log whole, with so many contacts and so many given up.
func checked(t *testing.T, r *registry.Registry, contacts, shredded int) {
	t.Helper()
	if _, err := r.CheckActs(t.Context()); err != nil {
		t.Error(err)
	}
	got, err := r.CheckContacts(t.Context())
	if err != nil || got.Contacts != contacts || got.Shredded != shredded {
		t.Errorf("%+v, %v; want %d and %d given up", got, err, contacts, shredded)
	}
}

// TestShred: the content of a contact is gone, its leaf stays, the log is whole and
// says who did it and why; the others are as they were.
func TestShred(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, r *registry.Registry) {
		ctx, by := t.Context(), registry.By{Who: "dana", Via: "cli"}
		german, irish := calls(t, r, 3)
		checked(t, r, 6, 0)
		n, err := r.Shred(ctx, by, "wrong number", german[0], german[1])
		if err != nil || n != 2 {
			t.Fatal(n, err)
		}
		checked(t, r, 4, 2)
		_, err = r.Contact(ctx, german[0])
		wantErr(t, err, registry.ErrShredded)
		wantErr(t, err, canary.ErrUnreadable)
		for _, id := range []canary.ContactID{german[2], irish[0]} {
			if c, err := r.Contact(ctx, id); err != nil || !strings.HasPrefix(string(c.Raw), "the words of caller ") {
				t.Errorf("another contact: %v", err)
			}
		}
		f, err := r.FiledContact(ctx, german[0])
		if err != nil || !f.Shredded.Equal(start()) || f.Channel != canary.Voice || f.Bytes == 0 {
			t.Errorf("%+v, %v", f, err)
		}
		if n, err := r.Shred(ctx, by, "again", german[0]); n != 0 || err != nil {
			t.Errorf("twice: %d, %v", n, err)
		}
		_, err = r.Shred(ctx, by, "nobody", "k_nobody00")
		wantErr(t, err, registry.ErrNotFound)
		acts, err := r.Acts(ctx, registry.ActFilter{What: []string{canary.ActShred}})
		if err != nil || len(acts) != 2 || acts[1].About != string(german[0]) || acts[1].Who != "dana" || acts[1].Outcome != "wrong number" {
			t.Errorf("%+v, %v", acts, err)
		}
		// All or none.
		must(t, r.PutHold(ctx, string(irish[1]), "the police", by))
		_, err = r.Shred(ctx, by, "both", irish[0], irish[1])
		wantErr(t, err, registry.ErrHeld)
		checked(t, r, 4, 2)
		must(t, r.EndHold(ctx, string(irish[1]), by))
		if n, err := r.Shred(ctx, by, "both", irish[0], irish[1]); n != 2 || err != nil {
			t.Errorf("after the hold: %d, %v", n, err)
		}
		checked(t, r, 2, 4)
	})
}

// TestShredLeavesNothing searches the files for every key and every sealed content
// that was given up, among many that were not.
func TestShredLeavesNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r := openAt(t, "sqlite:"+filepath.Join(dir, "r.db"), vault(t))
	german, irish := calls(t, r, 150)
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "r.db"))
	must(t, err)
	defer db.Close()
	pieces := func(ids []canary.ContactID) (all [][]byte) {
		for _, id := range ids {
			var key, sealed []byte
			must(t, db.QueryRowContext(t.Context(), "SELECT k.sealed, c.sealed FROM contacts c, contact_keys k WHERE k.contact = c.id AND c.id = ?", id).Scan(&key, &sealed))
			// Content may be parted over pages: its beginning is in one.
			all = append(all, key, sealed[:64])
		}
		return all
	}
	gone, stay := pieces(german), pieces(irish)
	forgetShots(t, r, 150)
	for part := range 3 {
		_, err := r.Shred(t.Context(), registry.By{Who: "-", Via: "retention"}, "kept for 30 days", german[50*part:50*part+50]...)
		must(t, err)
	}
	checked(t, r, 150, 150)
	found := func(list [][]byte) (n int) {
		must(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			text, err := os.ReadFile(path)
			for _, piece := range list {
				if bytes.Contains(text, piece) {
					n++
				}
			}
			return err
		}))
		return n
	}
	if found(gone) == 0 {
		t.Error("nothing stands in the journal: what empties it is not tried")
	}
	must(t, r.EmptyJournal(t.Context()))
	if n := found(gone); n != 0 {
		t.Errorf("%d of %d keys and contents that were given up stand in the files", n, len(gone))
	}
	if n := found(stay); n < len(stay) { // else the search finds nothing at all
		t.Errorf("only %d of %d that were kept stand in the files", n, len(stay))
	}
}

// forgetShots files and forgets contacts of drills, whose keys stand among the others.
func forgetShots(t *testing.T, r *registry.Registry, n int) {
	t.Helper()
	must(t, r.BeginDrill(t.Context(), canary.Run{ID: canary.Deadman, Route: canary.Muted}, nil))
	var last canary.Shot
	for range n {
		s, _, err := r.Issue(t.Context(), canary.Deadman, "smtp a", "a@example.net", func(string) bool { return true })
		must(t, err)
		_, err = shotCommit(t, r, s, canary.ContactID(canary.NewID("k")))
		must(t, err)
		last = s
	}
	must(t, r.PruneShots(t.Context(), last.Issued.Add(time.Second), time.Time{}))
}

// TestRetention: the rule that names more goes first; incidents without a verdict,
// and holds, keep theirs.
func TestRetention(t *testing.T) {
	t.Parallel()
	var ahead atomic.Int64
	r, err := registry.Open(t.Context(), registry.Config{DSN: "sqlite:" + filepath.Join(t.TempDir(), "r.db"), Vault: vault(t), Now: func() time.Time { return start().Add(time.Duration(ahead.Load())) }})
	must(t, err)
	defer r.Close()
	ctx, by := t.Context(), registry.By{Who: "dana", Via: "cli"}
	o := outcome(r) // a mail and a DNS query of one incident
	must(t, r.Commit(ctx, o))
	german, _ := calls(t, r, 2)
	rules := []registry.Keep{{For: 100 * aDay}, {Channel: canary.Voice, For: 50 * aDay}, {Channel: canary.Voice, Country: "DE", For: 30 * aDay}, {Country: "DE", For: aDay}}
	due := func(after time.Duration) string {
		ahead.Store(int64(after))
		list, err := r.DueContacts(ctx, rules)
		must(t, err)
		var out []string
		for _, d := range list {
			out = append(out, fmt.Sprintf("%s%s %d+%d", d.Channel, d.Country, d.Count, d.Held))
		}
		return strings.Join(out, " ")
	}
	wantDue := func(after time.Duration, want string) {
		t.Helper()
		if got := due(after); got != want {
			t.Errorf("after %s: %q, want %q", after, got, want)
		}
	}
	wantDue(30*aDay-1000, "")
	wantDue(30*aDay, "voiceDE 2+0")
	must(t, r.PutHold(ctx, string(german[0]), "case 1", by))
	wantDue(50*aDay, "voiceDE 1+1 voiceIE 2+0")
	wantDue(100*aDay, "dns 0+1 smtp 0+1 voiceDE 1+1 voiceIE 2+0") // the incident is open
	must(t, r.SetVerdict(ctx, o.Incidents[0].ID, canary.Noise, by))
	wantDue(200*aDay-1000, "voiceDE 1+1 voiceIE 2+0") // the time begins with the verdict
	wantDue(200*aDay, "dns 1+0 smtp 1+0 voiceDE 1+1 voiceIE 2+0")
	must(t, r.PutHold(ctx, string(o.Incidents[0].ID), "case 2", by))
	wantDue(200*aDay, "dns 0+1 smtp 0+1 voiceDE 1+1 voiceIE 2+0")
	_, err = r.Shred(ctx, by, "no", o.Entries[0].Contact.ID)
	wantErr(t, err, registry.ErrHeld)
	if list, err := r.Holds(ctx); err != nil || len(list) != 2 || list[0].Reason != "case 1" || list[0].Who != "dana" {
		t.Errorf("%+v, %v", list, err)
	}
	wantErr(t, r.PutHold(ctx, "i_nobody", "x", by), registry.ErrNotFound)
	wantErr(t, r.EndHold(ctx, "i_nobody", by), registry.ErrNotFound)
}

// TestContactsTampered: contacts that are changed, taken out, put in or given up
// behind Saltmine's back are found, and so are leaves.
func TestContactsTampered(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]string{
		"content swapped":  "UPDATE contacts SET sealed = (SELECT sealed FROM contacts WHERE id = 'k_3c6ef372fe94f82a') WHERE id = 'k_9e3779b97f4a7c15'",
		"contact gone":     "DELETE FROM contacts WHERE id = 'k_9e3779b97f4a7c15'",
		"given up quietly": "UPDATE contacts SET sealed = '', shredded = 1 WHERE id = 'k_9e3779b97f4a7c15'",
		"key gone":         "UPDATE contact_keys SET sealed = zeroblob(72) WHERE contact = 'k_9e3779b97f4a7c15'",
		"leaf gone":        "DELETE FROM leaves WHERE contact = 'k_9e3779b97f4a7c15'",
		"leaf changed":     "UPDATE leaves SET leaf = REPLACE(leaf, 'a', 'b') WHERE contact = 'k_9e3779b97f4a7c15'",
		"leaf put in":      "INSERT INTO leaves VALUES ('k_9e3779b97f4a7c15', 'f_somethingelse', 'ab')",
		"contact put in":   "INSERT INTO contacts SELECT 'k_another000', channel, heard, received, ear, spool, pending, part, probe, unverified, domain, origin, class, size, country, shredded, sealed FROM contacts WHERE id = 'k_9e3779b97f4a7c15'",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "r.db")
			r := openAt(t, "sqlite:"+path, vault(t))
			calls(t, r, 2)
			checked(t, r, 4, 0)
			db, err := sql.Open("sqlite", "file:"+path)
			must(t, err)
			defer db.Close()
			_, err = db.ExecContext(t.Context(), change)
			must(t, err)
			_, err = r.CheckContacts(t.Context())
			wantErr(t, err, registry.ErrTampered)
		})
	}
}

// TestCheckOfALiveCore: what is filed and given up while the contacts are checked is
// no tampering.
func TestCheckOfALiveCore(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, r *registry.Registry) {
		ctx := t.Context()
		german, _ := calls(t, r, 40)
		var busy sync.WaitGroup
		var written atomic.Bool
		busy.Go(func() {
			defer written.Store(true)
			for i, id := range german {
				c := contact(5000+i, canary.SMTP, start())
				err := r.Commit(ctx, canary.Outcome{Entries: []canary.Entry{{Contact: c}}})
				if err == nil && i%20 == 10 { // on SQLite it waits for whoever reads
					_, err = r.Shred(ctx, registry.By{Who: "-", Via: "retention"}, "kept for 30 days", id)
				}
				if err != nil && !strings.Contains(err.Error(), "somebody reads") {
					t.Error(err)
				}
			}
		})
		for !written.Load() {
			if _, err := r.CheckContacts(ctx); err != nil {
				t.Error(err)
				break
			}
		}
		busy.Wait()
		checked(t, r, 118, 2)
	})
}

// TestShredWithoutKey: where a backup had no keys, what has none is given up all the same.
func TestShredWithoutKey(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "r.db")
	r := openAt(t, "sqlite:"+path, vault(t))
	german, _ := calls(t, r, 2)
	db, err := sql.Open("sqlite", "file:"+path)
	must(t, err)
	defer db.Close()
	_, err = db.ExecContext(t.Context(), "DELETE FROM contact_keys WHERE contact = ?", german[0])
	must(t, err)
	if n, err := r.Shred(t.Context(), registry.By{Who: "-", Via: "retention"}, "kept for 30 days", german...); n != 2 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	checked(t, r, 2, 2)
}

// TestLeakIsKept: the verdict that it was a leak keeps the evidence until the hold is
// ended, whatever the verdict becomes; and how a reporter can be reached is kept, and
// goes, with the report.
func TestLeakIsKept(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, r *registry.Registry) {
		ctx, by := t.Context(), registry.By{Who: "dana", Via: "cli"}
		o := outcome(r)
		mail, inc := o.Entries[0].Contact.ID, o.Incidents[0].ID
		report, own := contact(3, canary.Report, start()), contact(4, canary.Report, start())
		own.ID, own.Ear = report.ID+canary.OwnSuffix, canary.EarReporter
		o.Entries = append(o.Entries, canary.Entry{Contact: report}, canary.Entry{Contact: own})
		o.Supports = append(o.Supports, canary.Support{Incident: inc, Contact: report.ID})
		o.Clues = []canary.Clue{{Blind: 7, Trait: canary.SameCaller, Contact: report.ID, Incident: inc, Origin: "o", At: start()}}
		must(t, r.Commit(ctx, o))
		kept := func(when string) {
			t.Helper()
			for _, id := range []canary.ContactID{mail, report.ID, own.ID} {
				if _, err := r.Shred(ctx, by, "no", id); !errors.Is(err, registry.ErrHeld) {
					t.Errorf("%s, %s: %v", when, id, err)
				}
			}
		}
		kept("open")
		must(t, r.SetVerdict(ctx, inc, canary.Leak, by))
		must(t, r.SetVerdict(ctx, inc, canary.Leak, by))
		kept("a leak")
		must(t, r.SetVerdict(ctx, inc, canary.Noise, by))
		kept("judged otherwise")
		if list, err := r.Holds(ctx); err != nil || len(list) != 1 || list[0].About != string(inc) || list[0].Who != "dana" {
			t.Errorf("%+v, %v", list, err)
		}
		must(t, r.EndHold(ctx, string(inc), by))
		must(t, r.PutHold(ctx, string(report.ID), "asked for", by))
		if _, err := r.Shred(ctx, by, "no", own.ID); !errors.Is(err, registry.ErrHeld) {
			t.Errorf("its report is held: %v", err)
		}
		must(t, r.EndHold(ctx, string(report.ID), by))
		if n, err := r.Shred(ctx, by, "asked for", report.ID); n != 2 || err != nil {
			t.Errorf("%d, %v", n, err)
		}
		_, err := r.Contact(ctx, own.ID)
		wantErr(t, err, registry.ErrShredded)
		if list, err := r.Alike(ctx, []int64{7}, start(), start()); err != nil || len(list) != 0 {
			t.Errorf("what it is known by stays: %+v, %v", list, err)
		}
		checked(t, r, 2, 2)
	})
}
