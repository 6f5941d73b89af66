package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/registry"
)

// TestTraceContacts traces contacts that no ear heard, as those of an incident, alone and
// with one; tells of every line that is none; and files nothing.
func TestTraceContacts(t *testing.T) {
	t.Parallel()
	s, reg, prey := planted(t, 12)
	var held []string
	for _, q := range prey {
		held = append(held, string(q.id))
	}
	taken := time.Now().UTC()
	s.write("x.csv", fmt.Sprintf("id,actor,taken_at,canaries\nx1,ann,%s,%s\nx2,bob,%s,%s\n", taken.Format(time.RFC3339Nano), strings.Join(held, " "), taken.Format(time.RFC3339Nano), held[0]))
	s.run("extracts", "import", s.path("x.csv"))
	var placebo string
	var byID canary.TokenID
	for tok, err := range reg.AllTokens(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case tok.Role == canary.RolePlacebo && tok.Kind == canary.Email:
			placebo = tok.Text
		case tok.Canary == prey[1].id && tok.Kind == canary.Email:
			byID = tok.ID
		}
	}
	at := time.Now().UTC().Format(time.RFC3339Nano)
	list := []string{
		"token,AT,channel,source,content,remark",
		strings.ToUpper(prey[0].email) + "," + at + ",smtp,a@one.example,,x",
		string(byID) + "," + at + ",,b@two.example,,x",
		prey[2].email + "," + at + ",imap,c@three.example,,x",
		prey[3].email + ",yesterday,smtp,,,x",
		"nobody@example.org," + at + ",smtp,,,x",
		prey[3].email + ",2020-01-01T00:00:00Z,smtp,,,x",
		prey[3].email + "," + at + ",pigeon,,,x",
		prey[4].email + "," + at + ",smtp,,,x",
		placebo + "," + at + ",smtp,g@guess.example,,x",
		prey[5].email + "," + at + ",smtp,h@guess.example",
		",",
	}
	s.write("heard.csv", strings.Join(list, "\n"))
	var got heardTrace
	args := []string{"trace", "--contacts", s.path("heard.csv")}
	if err := json.Unmarshal([]byte(s.run(append(args, "--output", "json", "--svg", s.path("heard.svg"))...)), &got); err != nil {
		t.Fatal(err)
	}
	h := got.Heard
	if h.Lines != 11 || h.Hits != 5 || h.Placebos != 1 || h.Unknown != 1 || got.SetAside != 1 || fmt.Sprint(h.Passed) != "[remark]" {
		t.Errorf("%+v, %d set aside", h, got.SetAside)
	}
	want := map[int]string{5: "its time is none", 6: "not known", 7: "stood in no row", 8: "channel", 12: "no token"}
	for _, f := range h.Faults {
		if want[f.Line] == "" || !strings.Contains(f.Fault, want[f.Line]) {
			t.Errorf("line %d: %q", f.Line, f.Fault)
		}
		delete(want, f.Line)
	}
	if len(want) > 0 {
		t.Errorf("nothing is said of lines %v", want)
	}
	if first, ok := got.Answer.Leading(); !ok || first.Extract != "x1" || first.Explains != 4 {
		t.Errorf("first is %+v", first)
	}
	text := s.run(args...)
	wants(t, text, "NOT TRACED: line 5: ", "columns passed over: remark", "ann", "Nothing is filed")
	if strings.Contains(strings.ToLower(text), prey[0].email) || strings.Contains(text, "nobody@example.org") || !strings.HasPrefix(s.read("heard.svg"), "<svg") {
		t.Errorf("it shows a token, or drew nothing:\n%s", text)
	}
	s.heardWith(reg, prey)
	s.heardRefuses()
}

// heardWith traces the list with an incident, which has one of its contacts.
func (s *site) heardWith(reg *registry.Registry, prey []prey) {
	t := s.t
	ids, err := reg.ContactIDs(t.Context())
	if err != nil || len(ids) > 0 {
		t.Fatalf("%d contacts are filed, %v", len(ids), err)
	}
	s.bytes("leak.sql", "x "+prey[3].email+" y")
	var found scanned
	s.scans(&found, "scan", s.path("leak.sql"))
	filed := s.contacts(reg)[0]
	line, err := json.Marshal(map[string]string{"token": prey[3].email, "at": filed.At.Format(time.RFC3339Nano), "time": filed.At.Format(time.RFC3339Nano), "channel": "dump"})
	if err != nil {
		t.Fatal(err)
	}
	s.write("more.jsonl", string(line)+"\n\n{\"token\": 7}\n{\"token_id\":\""+prey[2].phone+"\",\"at\":\""+time.Now().UTC().Format(time.RFC3339Nano)+"\",\"kind\":\"phone\",\"content\":\"names_person\"}")
	if prey[2].phone == "" {
		t.Fatal("the canary has no number")
	}
	var got heardTrace
	if err := json.Unmarshal([]byte(s.run("trace", "--contacts", s.path("more.jsonl"), "--incident", string(found.Incidents[0]), "--output", "json")), &got); err != nil {
		t.Fatal(err)
	}
	if h := got.Heard; got.Incident == nil || h.Lines != 3 || h.Filed != 1 || h.Hits != 2 || len(h.Faults) != 1 || h.Faults[0].Line != 3 || got.SetAside != 0 {
		t.Errorf("%+v", got.Heard)
	}
	if first, ok := got.Answer.Leading(); !ok || first.Explains != 2 {
		t.Errorf("of the find and the call %d are explained", first.Explains)
	}
	acts, err := reg.Acts(t.Context(), registry.ActFilter{What: []string{canary.ActContacts}})
	if err != nil || len(acts) != 3 {
		t.Errorf("%d lists are on the evidence log, %v", len(acts), err)
	}
}

// heardRefuses asks what cannot be, and as somebody who may not.
func (s *site) heardRefuses() {
	t := s.t
	s.write("none.csv", "token,at\nnobody@example.org,2025-03-01T09:30:00Z\n")
	wants(t, s.fails(exitFailed, "trace", "--contacts", s.path("none.csv")), "nothing to trace", "line 2: its token is not known", "1 unknown")
	s.write("bare.csv", "secret@example.org,2025-03-01T09:30:00Z\n")
	if text := s.fails(exitFailed, "trace", "--contacts", s.path("bare.csv")); !strings.Contains(text, "want a heading with token and at") || strings.Contains(text, "secret") {
		t.Errorf("without a heading: %s", text)
	}
	wants(t, s.fails(exitUsage, "trace", "--contacts", s.path("none.csv"), "--affected"), "--contacts goes with neither")
	s.with("saltmine.toml", strings.Replace(s.read("saltmine.toml"), "[api]\n", "[api]\npeople_file = \"people.txt\"\n", 1))
	for who, role := range map[string]string{"f.law": "forensics", "s.eed": "seeder"} {
		s.write(who, strings.TrimSpace(s.run("agent", who, "--file", s.path("people.txt"), "--role", role)))
	}
	wants(t, s.fails(exitFailed, "trace", "--contacts", s.path("heard.csv"), "--token-file", s.path("s.eed")), "has not the role forensics")
	wants(t, s.fails(exitFailed, "trace", "--contacts", s.path("heard.csv"), "--token-file", s.path("f.law")), "asked for as a_")
}
