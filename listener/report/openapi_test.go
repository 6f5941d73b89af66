package report_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// TestDescription holds what the ear does against what it says of itself: each
// answer, each status, each field and its bound.
func TestDescription(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	resp, text := w.do(http.MethodGet, "/v1/openapi.json", "")
	if resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != "application/json" {
		t.Fatalf("status %d, %s", resp.StatusCode, resp.Header.Get("Content-Type"))
	}
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	must(t, err)
	compiler := jsonschema.NewCompiler()
	must(t, compiler.AddResource("doc.json", doc))
	schema := func(name string) *jsonschema.Schema {
		s, err := compiler.Compile("doc.json#/components/schemas/" + name)
		must(t, err)
		return s
	}
	fits := func(s *jsonschema.Schema, text string) bool {
		v, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
		must(t, err)
		return s.Validate(v) == nil
	}
	reports, fault, recorded := schema("Report"), schema("Fault"), schema("Recorded")
	var parsed struct {
		Paths      map[string]map[string]struct{ Responses map[string]any }
		Components struct {
			Schemas map[string]struct {
				Properties map[string]struct{ MaxLength int }
			}
		}
	}
	must(t, json.NewDecoder(bytes.NewReader([]byte(text))).Decode(&parsed))
	said := parsed.Paths["/v1/reports"]["post"].Responses
	seen := map[string]bool{}
	ask := func(body string) int {
		resp, text := w.post(body)
		code := fmt.Sprint(resp.StatusCode)
		if seen[code] = true; said[code] == nil {
			t.Errorf("%.60q: status %s is not described", body, code)
		}
		s := fault
		if resp.StatusCode == http.StatusAccepted {
			s = recorded
		}
		if !fits(s, text) {
			t.Errorf("%.60q: the answer is not as described: %s", body, text)
		}
		w.clock.Add(5)
		return resp.StatusCode
	}
	// Each field, as long as is described and one more; and one that is not described.
	fields := []string{"at", "how"}
	for name, field := range parsed.Components.Schemas["Report"].Properties {
		if field.MaxLength == 0 {
			continue
		}
		fields = append(fields, name)
		for more, want := range []int{202, 422} {
			for _, one := range []string{"y", "本"} { // lengths are in characters
				value := strings.Repeat(one, field.MaxLength+more)
				body := fmt.Sprintf(`{"by":"1","said":"x",%q:%q}`, name, value)
				if name == "by" || name == "said" {
					body = fmt.Sprintf(`{%q:%q}`, name, value)
				}
				if got := ask(body); got != want || fits(reports, body) != (want == 202) {
					t.Errorf("%s of %d times %s: status %d, want %d", name, field.MaxLength+more, one, got, want)
				}
			}
		}
	}
	if slices.Sort(fields); !slices.Equal(fields, []string{"at", "by", "contact", "how", "key", "knew", "said", "when"}) {
		t.Errorf("fields %v", fields)
	}
	for _, body := range []string{`{"said":"x","how":"call","at":"2026-08-05T09:00:00Z"}`, `{"said":"x","how":"pigeon"}`, `{"said":"x","more":"y"}`, `{"said":7}`, `{"said":"x","how":""}`} {
		if got := ask(body); (got == 202) != fits(reports, body) {
			t.Errorf("%s: status %d, and the description says otherwise", body, got)
		}
	}
	ask(`{"said":"` + strings.Repeat("x", 65<<10) + `"}`)
	w.down.Store(true)
	ask(`{"said":"x"}`)
	w.down.Store(false)
	for range 30 { // the clock moves five seconds with each: this is no rate yet
		ask(`{"said":"x"}`)
	}
	for range 40 {
		w.clock.Add(-5)
		ask(`{"said":"x"}`)
	}
	for _, path := range [][3]string{{"401", http.MethodPost, ""}, {"405", http.MethodGet, agentToken}} {
		resp, text := w.do(path[1], "/v1/reports", "", "Authorization", "Bearer "+path[2])
		if fmt.Sprint(resp.StatusCode) != path[0] || !fits(fault, text) {
			t.Errorf("%v: %d: %s", path, resp.StatusCode, text)
		}
		seen[path[0]] = true
	}
	for code := range said {
		if !seen[code] {
			t.Errorf("status %s is described and did not come", code)
		}
	}
}
