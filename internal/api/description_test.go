package api_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// described is openapi.json as far as the tests read it.
type document struct {
	OpenAPI string
	Paths   map[string]map[string]operation
	raw     []byte
	schemas *jsonschema.Compiler
}

type operation struct {
	OperationID string   `json:"operationId"`
	Roles       []string `json:"x-roles"`
	RequestBody struct {
		Content map[string]media
	}
	Parameters []struct {
		Name, In string
		Required bool
		Schema   json.RawMessage
	}
	Responses map[string]response
}

type response struct {
	Ref     string `json:"$ref"`
	Content map[string]media
	Headers map[string]json.RawMessage
}

type media struct{ Schema json.RawMessage }

var loaded = sync.OnceValues(load)

func load() (*document, error) {
	raw, err := os.ReadFile("openapi.json")
	if err != nil {
		return nil, err
	}
	d := &document{raw: raw, schemas: jsonschema.NewCompiler()}
	dec := json.NewDecoder(bytes.NewReader(raw))
	if err := dec.Decode(d); err != nil {
		return nil, err
	}
	whole, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		return nil, err
	}
	// The schemas of OpenAPI 3.1 are of this draft.
	d.schemas.DefaultDraft(jsonschema.Draft2020)
	d.schemas.AssertFormat()
	return d, d.schemas.AddResource("openapi.json", whole)
}

// check holds a JSON text against the schema at a pointer of the document.
func (d *document) check(pointer, text string) error {
	schema, err := d.schemas.Compile("openapi.json#" + pointer)
	if err != nil {
		return err
	}
	value, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		return err
	}
	return schema.Validate(value)
}

func escape(s string) string {
	return strings.NewReplacer("~", "~0", "/", "~1", "{", "%7B", "}", "%7D").Replace(s)
}

var compiling sync.Mutex

// described fails where an answer is not as the document says.
func described(t *testing.T, method, path string, r *reply) {
	t.Helper()
	compiling.Lock()
	defer compiling.Unlock()
	d, err := loaded()
	must(t, err)
	kind := r.header.Get("Content-Type")
	template, op, found := d.find(method, path)
	if !found { // what has no operation is a problem all the same
		if err := d.check("/components/schemas/Problem", r.body); method != http.MethodHead && (err != nil || kind != "application/problem+json") {
			t.Errorf("%s %s: %s: %v: %s", method, path, kind, err, r.body)
		}
		return
	}
	status := fmt.Sprint(r.status)
	res, known := op.Responses[status]
	pointer := "/paths/" + escape(template) + "/" + strings.ToLower(method) + "/responses/" + status
	if name, refers := strings.CutPrefix(res.Ref, "#/components/responses/"); refers {
		pointer = "/components/responses/" + name
		var parts struct {
			Components struct{ Responses map[string]response }
		}
		must(t, json.Unmarshal(d.raw, &parts))
		res = parts.Components.Responses[name]
	}
	if !known {
		t.Errorf("%s %s: status %s is not described", method, path, status)
		return
	}
	for _, name := range []string{"Link", "Retry-After", "WWW-Authenticate"} {
		if _, says := res.Headers[name]; r.header.Get(name) != "" && !says {
			t.Errorf("%s %s: %s: the header %s is not described", method, path, status, name)
		}
	}
	if len(res.Content) == 0 {
		if r.body != "" {
			t.Errorf("%s %s: %s: a body that is not described", method, path, status)
		}
		return
	}
	m, says := res.Content[kind]
	if !says {
		t.Errorf("%s %s: %s: content type %q is not described", method, path, status, kind)
		return
	}
	if m.Schema == nil {
		return
	}
	if err := d.check(pointer+"/content/"+escape(kind)+"/schema", r.body); err != nil {
		t.Errorf("%s %s: %s: %v\n%s", method, path, status, err, r.body)
	}
}

// find gives the operation of a request.
func (d *document) find(method, path string) (template string, op operation, found bool) {
	for template, item := range d.Paths {
		form := "^" + strings.ReplaceAll(regexp.QuoteMeta(template), `\{id\}`, "[^/]+") + "$"
		if op, has := item[strings.ToLower(method)]; has && regexp.MustCompile(form).MatchString(path) {
			return template, op, true
		}
	}
	return "", operation{}, false
}

// TestDescriptionIsTheInterface: the document and the routes say the same, and it
// is sound in itself.
func TestDescriptionIsTheInterface(t *testing.T) {
	t.Parallel()
	w := newWorld(t, false)
	d, err := loaded()
	must(t, err)
	if d.OpenAPI != "3.1.0" {
		t.Errorf("OpenAPI %q", d.OpenAPI)
	}
	said, ids := map[string][]string{}, map[string]bool{}
	for path, item := range d.Paths {
		for method, op := range item {
			if path != "/v1/openapi.json" {
				said[strings.ToUpper(method)+" "+path] = op.Roles
			}
			if op.OperationID == "" || ids[op.OperationID] {
				t.Errorf("%s %s: operation id %q", method, path, op.OperationID)
			}
			ids[op.OperationID] = true
			hasID := slices.ContainsFunc(op.Parameters, func(p struct {
				Name, In string
				Required bool
				Schema   json.RawMessage
			}) bool {
				return p.Name == "id" && p.In == "path" && p.Required
			})
			if hasID != strings.Contains(path, "{id}") {
				t.Errorf("%s %s: the parameter id", method, path)
			}
			if (method == "post") != (len(op.RequestBody.Content) > 0) {
				t.Errorf("%s %s: the body", method, path)
			}
		}
	}
	if diff := cmp.Diff(w.api.Routes(), said); diff != "" {
		t.Errorf("routes, and description: %s", diff)
	}
	r := w.get("", "/v1/openapi.json", http.StatusOK)
	if r.body != string(d.raw) {
		t.Error("another document is served")
	}
	w.ask("", http.MethodPost, "/v1/openapi.json", "{}")
	for _, ref := range regexp.MustCompile(`"\$ref": "#([^"]+)"`).FindAllStringSubmatch(string(d.raw), -1) {
		if !has(t, d.raw, ref[1]) {
			t.Errorf("%s is not there", ref[1])
		}
	}
}

// has reports whether there is something at a pointer.
func has(t *testing.T, raw []byte, pointer string) bool {
	t.Helper()
	for part := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
		var in map[string]json.RawMessage
		if json.Unmarshal(raw, &in) != nil || in[part] == nil {
			return false
		}
		raw = in[part]
	}
	return true
}

// TestDescribedParameters: each parameter that is described is taken, and no other.
func TestDescribedParameters(t *testing.T) {
	t.Parallel()
	w := newWorld(t, false)
	w.fill(0, 1)
	d, err := loaded()
	must(t, err)
	examples := map[string]string{
		"state": "", "verdict": "leak", "severity": "P2", "place": "db:main", "since": "2026-08-05T10:00:00Z", "until": "2026-08-05T10:00:00%2B02:00",
		"limit": "7", "after": "1786000000000000." + string(contactID(1)), "channel": "smtp", "about": string(incident(0)), "who": "dana", "before": "9", "of": "me",
	}
	for path, item := range d.Paths {
		op, has := item["get"]
		if !has || path == "/v1/openapi.json" {
			continue
		}
		id := string(incident(0))
		if strings.HasPrefix(path, "/v1/contacts") {
			id = string(contactID(0))
		}
		at := strings.ReplaceAll(path, "{id}", id)
		names := map[string]bool{}
		for _, p := range op.Parameters {
			names[p.Name] = true
			value := examples[p.Name]
			if p.Name == "state" {
				value = map[bool]string{true: "open", false: "unread"}[path != "/v1/notices"]
			}
			if p.In == "query" {
				w.get(op.Roles[0], at+"?"+p.Name+"="+value, http.StatusOK)
				w.get(op.Roles[0], at+"?"+p.Name+"="+value+"&"+p.Name+"="+value, http.StatusBadRequest)
				w.get(op.Roles[0], at+"?"+p.Name+"=", http.StatusBadRequest)
			}
		}
		for _, name := range append(slices.Sorted(maps.Keys(examples)), "reveal") {
			if !names[name] {
				w.get(op.Roles[0], at+"?"+name+"="+examples[name], http.StatusBadRequest)
			}
		}
	}
}
