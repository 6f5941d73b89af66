package api_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/registry"
)

// TestSecondPerson: where a second person has to approve, evidence is opened by who
// asked, for what was asked, once, and only after somebody else has said yes.
func TestSecondPerson(t *testing.T) {
	t.Parallel()
	w := newWorldOf(t, false, 24*time.Hour)
	w.fill(0, 2)
	evidence, raw := "/v1/contacts/"+string(contactID(0))+"/evidence", "/v1/contacts/"+string(contactID(0))+"/raw"
	refused := w.get("forensics", evidence, http.StatusForbidden)
	if !strings.Contains(refused.body, "urn:saltmine:problem:approval") || strings.Contains(refused.body, victim) {
		t.Error(refused.body)
	}
	body := `{"what":"evidence","contact":"` + string(contactID(0)) + `"}`
	w.post("auditor", "/v1/approvals", body, http.StatusForbidden)
	for _, bad := range []string{`{"what":"all","contact":"k_contact0000"}`, `{"what":"raw","contact":"c_contact0000"}`, `{"what":"raw"}`} {
		w.post("forensics", "/v1/approvals", bad, http.StatusBadRequest)
	}
	w.post("forensics", "/v1/approvals", `{"what":"raw","contact":"k_nothere0000"}`, http.StatusNotFound)
	var a, b canary.Approval
	w.post("forensics", "/v1/approvals", body, http.StatusOK).into(t, &a)
	w.post("forensics", "/v1/approvals", body, http.StatusOK).into(t, &b)
	if a.ID != b.ID || a.Who != "p.forensics" {
		t.Errorf("%+v, %+v", a, b)
	}
	w.get("forensics", evidence, http.StatusForbidden)
	at, yes := "/v1/approvals/"+string(a.ID)+"/decision", `{"decision":"approve"}`
	if r := w.post("forensics", at, yes, http.StatusForbidden); !strings.Contains(r.body, "own-request") {
		t.Error(r.body)
	}
	w.post("responder", at, yes, http.StatusForbidden)
	w.post("auditor", at, `{"decision":"maybe"}`, http.StatusBadRequest)
	w.post("auditor", at, yes, http.StatusOK)
	w.post("auditor", at, yes, http.StatusConflict)
	w.get("auditor", evidence, http.StatusForbidden) // not a role that opens
	w.get("forensics", raw, http.StatusForbidden)    // not what was asked for
	w.get("forensics", "/v1/contacts/"+string(contactID(1))+"/evidence", http.StatusForbidden)
	var once sync.WaitGroup
	var mu sync.Mutex
	got := map[int]int{}
	for range 4 {
		once.Go(func() {
			r := w.ask("forensics", http.MethodGet, evidence, "")
			mu.Lock()
			defer mu.Unlock()
			got[r.status]++
			if (r.status == http.StatusOK) != strings.Contains(r.body, victim) {
				t.Errorf("%d: %s", r.status, r.body)
			}
		})
	}
	once.Wait()
	if got[http.StatusOK] != 1 || got[http.StatusForbidden] != 3 {
		t.Errorf("four looks under one approval: %v", got)
	}
	var open, all []canary.Approval
	w.get("auditor", "/v1/approvals", http.StatusOK).into(t, &open)
	w.get("auditor", "/v1/approvals?state=all", http.StatusOK).into(t, &all)
	if len(open) != 0 || len(all) != 1 || all[0].State != canary.ApprovalUsed || all[0].By != "p.auditor" {
		text, _ := json.Marshal(all)
		t.Errorf("%d open, %s", len(open), text)
	}
	acts := strings.Join(w.acts(), "\n")
	for _, line := range []string{"p.forensics|api|approval|" + string(a.ID) + "|asked", "p.auditor|api|approval|" + string(a.ID) + "|approved", "p.forensics|api|approval|" + string(a.ID) + "|used", "|opened under " + string(a.ID)} {
		if strings.Count(acts, line) != 1 {
			t.Errorf("%d times on the evidence log: %s", strings.Count(acts, line), line)
		}
	}
}

// TestTakeBack: who asked can take it back until it is used, in whatever role and
// however they asked, and nobody else can.
func TestTakeBack(t *testing.T) {
	t.Parallel()
	w := newWorldOf(t, false, 24*time.Hour)
	w.fill(0, 1)
	cli := registry.By{Who: "p.seeder", Via: "cli"}
	asked, err := w.reg.Ask(t.Context(), cli, "show", []string{"--reveal=true", "c_1"}, time.Hour)
	must(t, err)
	at := "/v1/approvals/" + string(asked.ID) + "/withdrawal"
	for _, role := range []string{"responder", "forensics", "auditor"} {
		if r := w.post(role, at, "{}", http.StatusForbidden); !strings.Contains(r.body, "not-yours") {
			t.Error(r.body)
		}
	}
	w.post("", at, "{}", http.StatusUnauthorized)
	w.post("seeder", at, `{"decision":"refuse"}`, http.StatusBadRequest)
	w.post("seeder", "/v1/approvals/a_nothere000000/withdrawal", "{}", http.StatusNotFound)
	stands, err := w.reg.Approval(t.Context(), asked.ID)
	if err != nil || stands.State != canary.ApprovalAsked {
		t.Errorf("after others tried: %+v, %v", stands, err)
	}
	w.post("auditor", "/v1/approvals/"+string(asked.ID)+"/decision", `{"decision":"approve"}`, http.StatusOK)
	var got canary.Approval
	w.post("seeder", at, "{}", http.StatusOK).into(t, &got)
	if got.State != canary.ApprovalRefused || got.By != "p.seeder" {
		t.Errorf("%+v", got)
	}
	w.post("seeder", at, "{}", http.StatusConflict)
	w.post("auditor", at, "{}", http.StatusForbidden)
	cli.Approval = asked.ID
	if err := w.reg.Reveal(t.Context(), cli, "c_1"); !errors.Is(err, registry.ErrNotApproved) {
		t.Errorf("used after it was taken back: %v", err)
	}
	if n := strings.Count(strings.Join(w.acts(), "\n"), "p.seeder|api|approval|"+string(asked.ID)+"|refused"); n != 1 {
		t.Errorf("%d times on the evidence log", n)
	}
	over, err := w.reg.Ask(t.Context(), registry.By{Who: "p.seeder", Via: "cli"}, "show", []string{"c_2"}, time.Hour)
	must(t, err)
	w.pass(2 * time.Hour)
	w.post("seeder", "/v1/approvals/"+string(over.ID)+"/withdrawal", "{}", http.StatusConflict)
}
