package api_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"saltmine/internal/canary"
	"saltmine/internal/registry"
)

func (w *world) shown(n int) registry.Case {
	w.t.Helper()
	c, err := w.reg.Case(w.t.Context(), incident(n))
	must(w.t, err)
	return c
}

// refusal is a problem with how the incident stands.
type refusal struct {
	Type    string
	Current *registry.Case
}

// TestMergeAndSplit merges an incident into another, takes that back, and makes a
// contact an incident of its own.
func TestMergeAndSplit(t *testing.T) {
	t.Parallel()
	w := newWorld(t, false)
	w.fill(0, 3)
	before := w.shown(1)
	at, body := "/v1/incidents/"+string(incident(1)), `{"into":"`+string(incident(0))+`","version":"`+before.Version+`"}`
	for _, role := range []string{"seeder", "forensics", "auditor"} {
		w.post(role, at+"/merge", body, http.StatusForbidden)
		w.post(role, at+"/split", `{"version":"`+before.Version+`"}`, http.StatusForbidden)
	}
	if w.woken.Load() != 0 || cmp.Diff(before, w.shown(1)) != "" {
		t.Error("somebody else changed it")
	}
	var gone, back, own registry.Case
	w.post("responder", at+"/merge", body, http.StatusOK).into(t, &gone)
	if gone.Merged != incident(0) || gone.Contacts != 0 || w.shown(0).Contacts != 2 || w.woken.Load() != 1 || gone.Version == before.Version {
		t.Errorf("merged: %+v, woken %d times", gone, w.woken.Load())
	}
	var p refusal
	w.post("responder", at+"/merge", body, http.StatusConflict).into(t, &p)
	if p.Type != "urn:saltmine:problem:stale" || p.Current == nil || p.Current.Merged != incident(0) {
		t.Errorf("from what was shown before: %+v", p)
	}
	w.post("responder", at+"/split", `{"version":"`+before.Version+`"}`, http.StatusConflict)
	must(t, w.reg.Acknowledge(t.Context(), incident(0), registry.By{Who: "dana", Via: "cli"}))
	one := `{"contacts":["` + string(contactID(1)) + `"],"version":"` + w.shown(0).Version + `"}`
	w.post("responder", "/v1/incidents/"+string(incident(0))+"/split", one, http.StatusOK).into(t, &own)
	if own.ID == incident(0) || own.Contacts != 1 || w.shown(0).Contacts != 1 || own.Ack == nil || own.Ack.Who != "p.responder" {
		t.Errorf("by itself: %+v", own)
	}
	w.post("responder", at+"/split", `{"version":"`+gone.Version+`"}`, http.StatusOK).into(t, &back)
	if back.ID != incident(1) || back.Merged != "" {
		t.Errorf("taken back: %+v", back)
	}
	acts := w.acts()
	for _, line := range []string{
		"p.responder|api|merge|" + string(incident(0)) + "|took " + string(incident(1)), "p.responder|api|merge|" + string(incident(1)) + "|into " + string(incident(0)),
		"p.responder|api|split|" + string(own.ID) + "|out of " + string(incident(0)), "p.responder|api|split|" + string(incident(1)) + "|out of " + string(incident(0)),
		"p.responder|api|POST /v1/incidents/{id}/merge|" + string(incident(1)) + "|409",
	} {
		if !slices.Contains(acts, line) {
			t.Errorf("not on the evidence log: %s", line)
		}
	}
	// What was done already leaves no act of its own: the call must.
	w.post("responder", at+"/split", `{"version":"`+back.Version+`"}`, http.StatusOK)
	if last := w.acts(); len(last) == len(acts) {
		t.Error("a call that changes nothing is not on the evidence log")
	}
}

// TestCannotBeRegrouped: what is refused is so for the reason that the rest of the
// interface would give, and changes nothing.
func TestCannotBeRegrouped(t *testing.T) {
	t.Parallel()
	w := newWorld(t, false)
	w.fill(0, 3)
	must(t, w.reg.SetVerdict(t.Context(), incident(2), canary.Noise, registry.By{Who: "dana", Via: "cli"}))
	a, closed := w.shown(0), w.shown(2)
	version := `"version":"` + a.Version + `"`
	at := "/v1/incidents/" + string(incident(0))
	for _, c := range []struct {
		path, body string
		status     int
		kind       string
	}{
		{at + "/merge", `{"into":"` + string(incident(0)) + `",` + version + `}`, http.StatusConflict, "apart"},
		{at + "/merge", `{"into":"` + string(incident(2)) + `",` + version + `}`, http.StatusConflict, "apart"},
		{at + "/merge", `{"into":"` + string(incident(9)) + `",` + version + `}`, http.StatusNotFound, "missing"},
		{at + "/merge", `{"into":"k_contact0001",` + version + `}`, http.StatusBadRequest, "invalid"},
		{at + "/merge", `{"into":"` + string(incident(1)) + `"}`, http.StatusBadRequest, "invalid"},
		{"/v1/incidents/" + string(incident(9)) + "/merge", `{"into":"` + string(incident(1)) + `",` + version + `}`, http.StatusNotFound, "missing"},
		{"/v1/incidents/" + string(incident(2)) + "/merge", `{"into":"` + string(incident(1)) + `","version":"` + closed.Version + `"}`, http.StatusConflict, "apart"},
		{at + "/split", `{"contacts":["` + string(contactID(0)) + `"],` + version + `}`, http.StatusConflict, "apart"},
		{at + "/split", `{"contacts":["` + string(contactID(1)) + `"],` + version + `}`, http.StatusNotFound, "missing"},
		{at + "/split", `{"contacts":[],` + version + `}`, http.StatusBadRequest, "invalid"},
		{at + "/split", `{"contacts":["i_0000000000000001"],` + version + `}`, http.StatusBadRequest, "invalid"},
		{at + "/split", `{"contacts":["` + strings.Repeat(string(contactID(1))+`","`, 100) + string(contactID(0)) + `"],` + version + `}`, http.StatusBadRequest, "invalid"},
		{at + "/split", `{}`, http.StatusBadRequest, "invalid"},
	} {
		if r := w.post("responder", c.path, c.body, c.status); !strings.Contains(r.body, `"urn:saltmine:problem:`+c.kind+`"`) {
			t.Errorf("%s %.80s: %s", c.path, c.body, r.body)
		}
	}
	if cmp.Diff(a, w.shown(0)) != "" || cmp.Diff(closed, w.shown(2)) != "" || w.woken.Load() != 0 {
		t.Error("something has changed")
	}
	ajar := newWorld(t, true)
	ajar.fill(0, 2)
	ajar.post("", at+"/merge", `{"into":"`+string(incident(1))+`",`+version+`}`, http.StatusForbidden)
}
