package api_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/registry"
)

// follow walks a list from page to page; between two, more arrives. It gives how often
// each row was listed.
func (w *world) follow(role, list string, arrive func(page int)) (seen map[string]int, pages int) {
	w.t.Helper()
	seen = map[string]int{}
	for next := list; next != ""; pages++ {
		r := w.get(role, next, http.StatusOK)
		var rows []struct{ ID string }
		r.into(w.t, &rows)
		for _, row := range rows {
			seen[row.ID]++
		}
		arrive(pages)
		link, goesOn := strings.CutSuffix(r.header.Get("Link"), `>; rel="next"`)
		if next = strings.TrimPrefix(link, "<"); goesOn && (len(rows) == 0 || !strings.HasPrefix(next, "/v1/")) {
			w.t.Fatalf("%s: next %q of %d rows", list, next, len(rows))
		}
	}
	return seen, pages
}

// once fails where a row was not listed once.
func once(t *testing.T, list string, seen map[string]int, ids []string) {
	t.Helper()
	missed, twice := 0, 0
	for _, id := range ids {
		if seen[id] == 0 {
			missed++
		}
	}
	for _, n := range seen {
		if n > 1 {
			twice++
		}
	}
	if missed > 0 || twice > 0 {
		t.Errorf("%s: of %d rows %d were not listed, and %d more than once", list, len(ids), missed, twice)
	}
}

// TestWalk: 2,500 contacts and as many notices are walked once, and only once,
// while more come; three of each have one moment.
func TestWalk(t *testing.T) {
	t.Parallel()
	const many = 2500
	w := newWorld(t, false)
	contacts := func(from, n int) (ids []string) {
		var o canary.Outcome
		for i := from; i < from+n; i++ {
			c := canary.Contact{ID: contactID(i), Channel: canary.DNS, At: start().Add(time.Duration(i/3) * time.Second), Ear: "dnsd"}
			o.Entries, ids = append(o.Entries, canary.Entry{Contact: c}), append(ids, string(c.ID))
		}
		must(t, w.reg.Commit(t.Context(), o))
		return ids
	}
	notices := func(scope string, n int) (ids []string) {
		var list []canary.Notice
		for i := range n {
			list = append(list, canary.Notice{Mark: fmt.Sprint(i), Severity: canary.P4, Text: "one of many"})
		}
		fresh, err := w.reg.FileNotices(t.Context(), canary.NoticePool, scope, list, func(n canary.Notice) (canary.Page, []canary.Delivery) {
			return canary.Page{ID: canary.PageID("p_" + string(n.ID)[2:]), Notice: n.ID, Severity: n.Severity, At: n.Raised, Summary: n.Text}, nil
		})
		must(t, err)
		for _, n := range fresh {
			ids = append(ids, string(n.ID))
		}
		return ids
	}
	known := contacts(0, many)
	for list, want := range map[string]int{"/v1/contacts?limit=200": 13, "/v1/contacts?limit=199&channel=dns": 13} {
		seen, pages := w.follow("responder", list, func(p int) { contacts(many+len(list)*1000+10*p, 7) })
		once(t, list, seen, known)
		if pages < want {
			t.Errorf("%s: %d pages, want %d or more", list, pages, want)
		}
	}
	known = notices("pool", many) // all of them at one moment
	for _, list := range []string{"/v1/notices?limit=200", "/v1/notices?state=unread&limit=77"} {
		seen, pages := w.follow("seeder", list, func(p int) {
			w.pass(time.Second)
			notices(fmt.Sprint(list, p), 3)
		})
		once(t, list, seen, known)
		if pages < many/200+1 {
			t.Errorf("%s: %d pages", list, pages)
		}
	}
	for _, bad := range []string{"i_aaaaaaaaaaaaaaaa", "1786000000000000", "1786000000000000.", "-1.n_aaaaaaaaaaaaaaaa", "1786000000000000.n_a'%20OR%201=1", "99999999999999999.n_aaaaaaaaaaaaaaaa"} {
		for _, list := range []string{"/v1/notices", "/v1/approvals", "/v1/contacts"} {
			w.get("forensics", list+"?after="+bad, http.StatusBadRequest)
		}
	}
}

// TestOwnRequests: whoever asked sees what they asked for, page by page; of others'
// only those who approve do.
func TestOwnRequests(t *testing.T) {
	t.Parallel()
	w := newWorldOf(t, false, 24*time.Hour)
	known := map[string][]string{}
	asks := func(who string, n int) {
		for range n {
			w.pass(time.Second)
			total := len(known["seeder"]) + len(known["responder"]) + len(known["forensics"])
			a, err := w.reg.Ask(t.Context(), registry.By{Who: "p." + who, Via: "cli"}, "show", []string{"--reveal=true", fmt.Sprint("c_", total)}, 24*time.Hour)
			must(t, err)
			known[who] = append(known[who], string(a.ID))
		}
	}
	asks("seeder", 7)
	asks("responder", 5)
	asks("forensics", 4)
	asks("seeder", 4)
	everybody := append(append(append([]string{}, known["seeder"]...), known["responder"]...), known["forensics"]...)
	for _, c := range []struct {
		role, list string
		want       []string
	}{
		{"seeder", "/v1/approvals?limit=2", known["seeder"]},
		{"seeder", "/v1/approvals?limit=3&of=me", known["seeder"]},
		{"responder", "/v1/approvals?state=all&limit=5", known["responder"]},
		{"forensics", "/v1/approvals?of=me&limit=1", known["forensics"]},
		{"forensics", "/v1/approvals?limit=3", everybody},
		{"auditor", "/v1/approvals?of=all&limit=200", everybody},
		{"auditor", "/v1/approvals?of=me", nil},
	} {
		seen, _ := w.follow(c.role, c.list, func(int) {})
		once(t, c.role+" "+c.list, seen, c.want)
		if len(seen) != len(c.want) {
			t.Errorf("%s %s: %d requests, want %d", c.role, c.list, len(seen), len(c.want))
		}
	}
	before := append([]string{}, everybody...)
	seen, _ := w.follow("auditor", "/v1/approvals?limit=4", func(int) { asks("seeder", 2) })
	once(t, "while more are asked", seen, before)
	w.get("seeder", "/v1/approvals?of=all", http.StatusForbidden)
	w.get("responder", "/v1/approvals?of=all", http.StatusForbidden)
	w.get("responder", "/v1/approvals?of=p.seeder", http.StatusBadRequest)
	w.get("", "/v1/approvals?of=me", http.StatusUnauthorized)
	// What is over is not open, and is still one's own.
	var list []canary.Approval
	id := known["responder"][0]
	w.post("auditor", "/v1/approvals/"+id+"/decision", `{"decision":"refuse"}`, http.StatusOK)
	w.get("responder", "/v1/approvals", http.StatusOK).into(t, &list)
	if len(list) != 4 {
		t.Errorf("%d open", len(list))
	}
	w.get("responder", "/v1/approvals?state=all", http.StatusOK).into(t, &list)
	if len(list) != 5 || string(list[4].ID) != id || list[4].State != canary.ApprovalRefused || list[4].By != "p.auditor" {
		t.Errorf("%+v", list)
	}
}
