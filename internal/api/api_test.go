package api_test

import (
	"database/sql"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"saltmine/internal/canary"
	"saltmine/internal/registry"
)

// TestRoles asks for everything as everybody.
func TestRoles(t *testing.T) {
	t.Parallel()
	w := newWorld(t, false)
	w.fill(0, 1)
	var want []string
	for _, key := range slices.Sorted(maps.Keys(w.api.Routes())) {
		method, path, _ := strings.Cut(key, " ")
		id := map[bool]string{true: string(incident(0)), false: string(contactID(0))}[strings.Contains(path, "incidents")]
		if strings.Contains(path, "notices") {
			id = "n_0000000000000000"
		}
		bare := strings.Contains(path, "notices") || strings.HasSuffix(path, "/withdrawal") // they take an empty object
		at, about := strings.ReplaceAll(path, "{id}", id), ""
		if strings.Contains(path, "{id}") {
			about = id
		}
		for _, role := range []string{"", "seeder", "responder", "forensics", "auditor"} {
			w.pass(time.Hour) // nobody fails too often
			body, status := "", http.StatusForbidden
			if method == http.MethodPost {
				body = "{}"
			}
			who, named := "p."+role, ""
			switch {
			case role == "":
				status, who = http.StatusUnauthorized, "-"
			case slices.Contains(w.api.Routes()[key], role):
				status, named = http.StatusOK, about
				if method == http.MethodPost && !bare {
					status = http.StatusBadRequest
				} else if method == http.MethodPost {
					status = http.StatusNotFound
				}
			}
			if r := w.ask(role, method, at, body); r.status != status {
				t.Errorf("%s as %q: status %d, want %d", key, role, r.status, status)
			}
			if status == http.StatusOK && (strings.HasSuffix(path, "/evidence") || strings.HasSuffix(path, "/raw")) {
				want = append(want, who+"|api|reveal|c_0000000000000000|opened")
			}
			want = append(want, fmt.Sprintf("%s|api|%s|%s|%d", who, key, named, status))
		}
	}
	if d := cmp.Diff(want, w.acts()); d != "" {
		t.Errorf("on the evidence log: %s", d)
	}
}

// TestAjar: with nobody configured, what a responder sees may be read.
func TestAjar(t *testing.T) {
	t.Parallel()
	w := newWorld(t, true)
	w.fill(0, 1)
	for key, roles := range w.api.Routes() {
		method, path, _ := strings.Cut(key, " ")
		id, body, status := string(incident(0)), "", http.StatusForbidden
		if strings.Contains(path, "contacts/") {
			id = string(contactID(0))
		}
		if method == http.MethodPost {
			body = "{}"
		} else if slices.Contains(roles, "responder") {
			status = http.StatusOK
		}
		if r := w.ask("", method, strings.ReplaceAll(path, "{id}", id), body); r.status != status {
			t.Errorf("%s: status %d, want %d", key, r.status, status)
		}
	}
	if got := w.acts()[0]; !strings.HasPrefix(got, "-|api|") {
		t.Error(got)
	}
}

// TestAjarToNobodyElse: a browser's page that was led here by a name of its own sees
// nothing, and looks without end do not fill the evidence log.
func TestAjarToNobodyElse(t *testing.T) {
	t.Parallel()
	w := newWorld(t, true)
	w.fill(0, 1)
	if r := w.ask("", http.MethodGet, "/v1/incidents", "", "Host", "evil.example"); r.status != http.StatusForbidden || strings.Contains(r.body, string(incident(0))) {
		t.Errorf("to another name: %d %s", r.status, r.body)
	}
	for range 50 {
		w.get("", "/v1/incidents", http.StatusOK)
	}
	if n := len(w.acts()); n != 10 {
		t.Errorf("51 looks are %d acts, want 10", n)
	}
	w.pass(time.Minute)
	w.get("", "/v1/incidents", http.StatusOK)
	if acts := w.acts(); acts[len(acts)-1] != "-|api|GET /v1/incidents||200, after 41 over the rate" {
		t.Errorf("the next one is %q", acts[len(acts)-1])
	}
}

// TestPaging walks through a list to which is added meanwhile.
func TestPaging(t *testing.T) {
	t.Parallel()
	w := newWorld(t, false)
	w.fill(0, 25)
	for _, list := range []string{"/v1/incidents?limit=3&state=open", "/v1/contacts?limit=4&channel=smtp", "/v1/contacts?limit=200"} {
		seen, pages := map[string]int{}, 0
		for next := list; next != ""; pages++ {
			r := w.get("responder", next, http.StatusOK)
			var rows []struct{ ID string }
			r.into(t, &rows)
			for _, row := range rows {
				seen[row.ID]++
			}
			w.fill(100*(1+pages)+len(list)*1000, 1) // newer than all
			link, isNext := strings.CutSuffix(r.header.Get("Link"), `>; rel="next"`)
			if next = strings.TrimPrefix(link, "<"); isNext && (len(rows) == 0 || !strings.HasPrefix(next, "/v1/")) {
				t.Fatalf("%s: next %q of %d rows", list, next, len(rows))
			}
		}
		old := 0
		for id, n := range seen {
			if n != 1 {
				t.Errorf("%s: %s was listed %d times", list, id, n)
			}
			if strings.HasSuffix(id, "00") || id <= "k_contact0024" || id <= string(incident(24)) {
				old++
			}
		}
		if old < 25 {
			t.Errorf("%s: %d of 25 in %d pages", list, old, pages)
		}
	}
	var d struct {
		Listed []registry.FiledContact `json:"contact_list"`
		Joined []canary.Joined         `json:"joined"`
	}
	report := canary.Contact{ID: contactID(4999), Channel: canary.Report, At: start().Add(-time.Hour), Ear: canary.EarReport, Facts: map[string]string{canary.ReportedBy: victim}}
	o := canary.Outcome{
		Entries:  []canary.Entry{{Contact: report}},
		Supports: []canary.Support{{Incident: incident(0), Contact: report.ID, Why: "the same caller, 2 h after"}},
	}
	for i := range 150 {
		c := canary.Contact{ID: contactID(5000 + i), Channel: canary.DNS, At: start(), Ear: "dnsd"}
		o.Entries = append(o.Entries, canary.Entry{Contact: c})
		o.Supports = append(o.Supports, canary.Support{Incident: incident(0), Contact: c.ID})
	}
	must(t, w.reg.Commit(t.Context(), o))
	r := w.get("responder", "/v1/incidents/"+string(incident(0)), http.StatusOK)
	r.into(t, &d)
	link, _, _ := strings.Cut(strings.TrimPrefix(r.header.Get("Link"), "<"), ">")
	var rest []registry.FiledContact
	w.get("responder", link, http.StatusOK).into(t, &rest)
	if len(d.Joined) != 1 || d.Joined[0] != (canary.Joined{Contact: report.ID, Channel: canary.Report, At: report.At, Why: "the same caller, 2 h after"}) {
		t.Errorf("joined %+v", d.Joined)
	}
	if len(d.Listed) != 100 || len(rest) != 52 || rest[0].ID <= d.Listed[99].ID {
		t.Errorf("%d contacts, then %d behind %s", len(d.Listed), len(rest), link)
	}
}

// TestDecide gives verdicts and acknowledgements, at once too.
func TestDecide(t *testing.T) {
	t.Parallel()
	w := newWorld(t, false)
	w.fill(0, 2)
	at := "/v1/incidents/" + string(incident(1))
	var shown, now registry.Case
	w.get("responder", at, http.StatusOK)
	w.get("responder", "/v1/incidents?severity=P2", http.StatusOK).into(t, &[]*registry.Case{&now, &shown})
	shown, err := w.reg.Case(t.Context(), incident(1))
	must(t, err)
	w.post("responder", at+"/acknowledgement", `{"version":"`+shown.Version+`"}`, http.StatusOK).into(t, &now)
	if now.Ack == nil || now.Ack.Who != "p.responder" || now.Ack.Via != "api" || now.Ack.Severity != canary.P2 || now.Version == shown.Version || w.woken.Load() != 1 {
		t.Errorf("%+v, woken %d times", now, w.woken.Load())
	}
	r := w.post("responder", at+"/verdict", `{"verdict":"noise","version":"`+shown.Version+`"}`, http.StatusConflict)
	var p struct {
		Type    string
		Current registry.Case
	}
	r.into(t, &p)
	if p.Type != "urn:saltmine:problem:stale" || cmp.Diff(p.Current, now) != "" || w.woken.Load() != 1 {
		t.Errorf("%+v", p)
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	got := map[int]int{}
	for _, v := range []string{"leak", "noise", "own", "drill", "leak", "noise"} {
		wg.Go(func() {
			r := w.ask("responder", http.MethodPost, at+"/verdict", `{"verdict":"`+v+`","version":"`+now.Version+`"}`)
			mu.Lock()
			defer mu.Unlock()
			got[r.status]++
		})
	}
	wg.Wait()
	if got[http.StatusOK] != 1 || got[http.StatusConflict] != 5 {
		t.Errorf("six verdicts at once: %v", got)
	}
	var d struct {
		registry.Case
		History []canary.Act
		Pages   []registry.PageStatus
	}
	w.get("auditor", at, http.StatusOK).into(t, &d)
	if d.Verdict == "" || len(d.History) != 2 || d.History[0].What != "verdict" || d.History[0].Outcome != string(d.Verdict) || d.History[1].What != "acknowledge" || len(d.Pages) != 1 {
		t.Errorf("%+v", d)
	}
	for _, line := range w.acts() {
		if strings.HasSuffix(line, "|200") && strings.Contains(line, "POST") {
			t.Errorf("recorded twice: %s", line)
		}
	}
	w.post("responder", "/v1/incidents/i_0000000000000009/verdict", `{"verdict":"leak","version":"0123456789abcdef"}`, http.StatusNotFound)
	w.post("responder", "/v1/incidents/i_0000000000000009/acknowledgement", `{"version":"0123456789abcdef"}`, http.StatusNotFound)
}

// TestNotices lists and acknowledges.
func TestNotices(t *testing.T) {
	t.Parallel()
	w := newWorld(t, false)
	ok, err := w.reg.RaiseNotice(t.Context(), canary.Notice{Kind: canary.NoticeVanished, Scope: "db:main", Mark: "m", Severity: canary.P3, Text: "2 canaries vanished", Next: []string{"ask"}},
		func(n canary.Notice) (canary.Page, []canary.Delivery) {
			return canary.Page{ID: "p_0000000000000001", Notice: n.ID, Severity: n.Severity, At: n.Raised}, nil
		})
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	var list []canary.Notice
	w.get("seeder", "/v1/notices", http.StatusOK).into(t, &list)
	at := "/v1/notices/" + string(list[0].ID) + "/acknowledgement"
	w.post("seeder", at, `{"who":"me"}`, http.StatusBadRequest)
	w.post("seeder", at, `{}`, http.StatusNoContent)
	w.post("responder", at, `{}`, http.StatusNoContent)
	w.get("seeder", "/v1/notices?state=unread", http.StatusOK).into(t, &list)
	if len(list) != 0 || w.woken.Load() != 2 {
		t.Errorf("%+v, woken %d times", list, w.woken.Load())
	}
	w.get("auditor", "/v1/notices?state=all", http.StatusOK).into(t, &list)
	if len(list) != 1 || list[0].Who != "p.seeder" {
		t.Errorf("%+v", list)
	}
}

// TestIdentity: nothing but opened evidence shows whom a contact was aimed at or
// what it said, and opening it is on the log before it is shown.
func TestIdentity(t *testing.T) {
	t.Parallel()
	w := newWorld(t, false)
	w.fill(0, 3)
	secrets := []string{victim, sender, "Whitfield", "4711", "mail.example.org", "c_0000"}
	for _, role := range []string{"responder", "forensics", "auditor"} {
		for key, roles := range w.api.Routes() {
			method, path, _ := strings.Cut(key, " ")
			if method != http.MethodGet || !slices.Contains(roles, role) || strings.HasSuffix(path, "/evidence") || strings.HasSuffix(path, "/raw") {
				continue
			}
			id := map[bool]string{true: string(incident(0)), false: string(contactID(0))}[strings.Contains(path, "incidents")]
			r := w.get(role, strings.ReplaceAll(path, "{id}", id), http.StatusOK)
			for _, s := range secrets {
				if strings.Contains(r.body, s) {
					t.Errorf("%s shows %s the text %q", path, role, s)
				}
			}
		}
	}
	r := w.get("forensics", "/v1/contacts/"+string(contactID(2))+"/evidence", http.StatusOK)
	for _, s := range secrets {
		if !strings.Contains(r.body, s) {
			t.Errorf("the opened contact does not show %q", s)
		}
	}
	r = w.get("forensics", "/v1/contacts/"+string(contactID(2))+"/raw", http.StatusOK)
	if r.body != "RCPT TO:<"+victim+">\r\n" || !strings.HasPrefix(r.header.Get("Content-Disposition"), "attachment") || r.header.Get("Content-Type") != "application/octet-stream" {
		t.Errorf("%v %q", r.header, r.body)
	}
	log := strings.Join(w.acts(), "\n")
	if strings.Count(log, "p.forensics|api|reveal|c_0000000000000002|opened") != 2 {
		t.Error(log)
	}
	for _, s := range secrets[:5] {
		if strings.Contains(log, s) || strings.Contains(w.log.String(), s) {
			t.Errorf("a log shows %q", s)
		}
	}
	w.get("forensics", "/v1/contacts/"+string(contactID(99))+"/evidence", http.StatusNotFound)
}

// TestUnrecorded: what cannot be recorded is not answered, nor done.
func TestUnrecorded(t *testing.T) {
	t.Parallel()
	w := newWorld(t, false)
	w.fill(0, 1)
	shown, err := w.reg.Case(t.Context(), incident(0))
	must(t, err)
	db, err := sql.Open("sqlite", "file:"+w.path)
	must(t, err)
	defer db.Close()
	_, err = db.ExecContext(t.Context(), "UPDATE act_head SET sealed = x'00'")
	must(t, err)
	for _, r := range []*reply{
		w.ask("responder", http.MethodGet, "/v1/incidents", ""),
		w.ask("forensics", http.MethodGet, "/v1/contacts/"+string(contactID(0))+"/evidence", ""),
		w.ask("responder", http.MethodPost, "/v1/incidents/"+string(incident(0))+"/verdict", `{"verdict":"leak","version":"`+shown.Version+`"}`),
	} {
		if r.status != http.StatusServiceUnavailable || strings.Contains(r.body, victim) || strings.Contains(r.body, "db:main") {
			t.Errorf("status %d: %s", r.status, r.body)
		}
	}
	if now, err := w.reg.Case(t.Context(), incident(0)); err != nil || now.Verdict != "" {
		t.Errorf("%+v, %v", now, err)
	}
	must(t, w.reg.Close())
	w.get("responder", "/v1/incidents", http.StatusServiceUnavailable)
}
