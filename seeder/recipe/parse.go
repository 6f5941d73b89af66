package recipe

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"

	// The configuration's own decoder lives in package conf. A recipe is a
	// format of this package, written by users and by the seeder's inspection,
	// and it must be readable where there is no configuration (recipe check,
	// tests): that is the reason for a second import of the library.
	"github.com/BurntSushi/toml"
)

// maxBytes bounds the size of a recipe file.
const maxBytes = 1 << 20

// Load reads a recipe from a file.
func Load(path string) (Recipe, error) {
	b, err := os.ReadFile(path) // the path is the operator's own
	if err != nil {
		return Recipe{}, fmt.Errorf("%w: %w", ErrRecipe, err)
	}
	r, err := Parse(b)
	if err != nil {
		return Recipe{}, fmt.Errorf("%s: %w", path, err)
	}
	return r, nil
}

// Parse reads a recipe and reports every fault of it at once, unknown keys
// with their line.
func Parse(text []byte) (Recipe, error) {
	if len(text) > maxBytes {
		return Recipe{}, fmt.Errorf("%w: %d bytes, %d allowed", ErrRecipe, len(text), maxBytes)
	}
	var r Recipe
	meta, err := toml.Decode(string(text), &r)
	if fault, ok := errors.AsType[toml.ParseError](err); ok {
		return Recipe{}, fmt.Errorf("%w: line %d: %s", ErrRecipe, fault.Position.Line, fault.Message)
	}
	if err != nil {
		return Recipe{}, fmt.Errorf("%w: %w", ErrRecipe, err)
	}
	var unknown []error
	for _, key := range meta.Undecoded() {
		unknown = append(unknown, unknownKey(string(text), key))
	}
	if err := errors.Join(append(unknown, r.Validate())...); err != nil {
		return Recipe{}, err
	}
	return r, nil
}

func unknownKey(text string, key toml.Key) error {
	common := []string{"filter", "refs", "epoch", "set"}
	known := map[string][]string{
		"":               {"name", "prefix", "allow_triggers", "customer", "ticket", "part"},
		"customer":       append([]string{"table", "key", "email", "phone", "name", "first_name", "last_name", "salutation", "gender", "born", "created", "updated", "segment"}, common...),
		"ticket":         append([]string{"table", "key", "customer", "link", "through", "number", "subject", "status", "created", "updated", "counter"}, common...),
		"ticket.through": {"table", "link", "filter"},
		"ticket.counter": {"table", "column", "filter", "step"},
		"part":           append([]string{"name", "table", "of", "link", "first", "key", "embed", "message_ids", "md5"}, common...),
	}
	parent, last := strings.Join(key[:len(key)-1], "."), key[len(key)-1]
	hint := ""
	if near := Nearest(last, known[parent]); near != "" {
		hint = fmt.Sprintf("; did you mean %q?", near)
	}
	return fmt.Errorf("%w: line %d: unknown key %q%s", ErrRecipe, lineOf(text, parent, last), key.String(), hint)
}

var tableHead = regexp.MustCompile(`^\s*\[+\s*([^\[\]]+?)\s*\]+\s*(#.*)?$`)

// lineOf finds the line on which a key stands. The library tells positions of
// syntax errors only. Keys written with quotes or dots give the table's line.
func lineOf(text, parent, key string) int {
	in, line, head := "", 0, 1
	for raw := range strings.Lines(text) {
		line++
		if m := tableHead.FindStringSubmatch(strings.TrimRight(raw, "\r\n")); m != nil {
			in = m[1]
			if in == parent || in == strings.TrimPrefix(parent+"."+key, ".") {
				head = line
			}
			continue
		}
		name, _, ok := strings.Cut(raw, "=")
		if ok && in == parent && strings.Trim(strings.TrimSpace(name), `"'`) == key {
			return line
		}
	}
	return head
}

// faults collects what is wrong with a recipe.
type faults []error

func (f *faults) add(format string, args ...any) {
	*f = append(*f, fmt.Errorf("%w: "+format, append([]any{ErrRecipe}, args...)...))
}

// Validate reports everything that a recipe lacks or in which it contradicts
// itself, joined.
func (r *Recipe) Validate() error {
	var f faults
	for _, n := range [][2]string{
		{"customer.table", r.Customer.Table}, {"customer.key", r.Customer.Key}, {"customer.email", r.Customer.Email}, {"customer.created", r.Customer.Created},
		{"ticket.table", r.Ticket.Table}, {"ticket.key", r.Ticket.Key}, {"ticket.number", r.Ticket.Number}, {"ticket.created", r.Ticket.Created},
	} {
		if n[1] == "" {
			f.add("%s is missing", n[0])
		}
	}
	whole, parts := r.Customer.Name != "", r.Customer.FirstName != "" && r.Customer.LastName != ""
	if !whole && !parts {
		f.add("customer.name, or customer.first_name and customer.last_name, is missing")
	}
	r.validateTicket(&f)
	r.validateParts(&f)
	r.validateRefs(&f)
	r.validateFacts(&f)
	return errors.Join(f...)
}

func (r *Recipe) validateTicket(f *faults) {
	if (r.Ticket.Customer == "") == (len(r.Ticket.Link) == 0) {
		f.add("ticket.customer is missing: one of ticket.customer and ticket.link says how a ticket hangs on its customer")
	}
	for i, h := range r.Ticket.Through {
		if h.Table == "" || len(h.Link) == 0 {
			f.add("ticket.through number %d needs table and link", i+1)
		}
	}
	if c := r.Ticket.Counter; c != nil && (c.Table == "" || c.Column == "" || c.Filter == "" || c.Step < 0) {
		f.add("ticket.counter needs table, column and filter, and a step of 1 or more")
	}
}

func (r *Recipe) validateParts(f *faults) {
	known := []string{CustomerPart, TicketPart}
	for i, p := range r.Parts {
		switch {
		case p.Name == "" || strings.Contains(p.Name, "."):
			f.add("part number %d: name = %q: it needs one, without a dot", i+1, p.Name)
			continue
		case slices.Contains(known, p.Name):
			f.add("part %q stands twice", p.Name)
		case p.Table == "":
			f.add("part %q: table is missing", p.Name)
		case len(p.Link) == 0:
			f.add("part %q: link is missing: say which of its columns equal columns of %q", p.Name, p.Of)
		case !slices.Contains(known, p.Of):
			f.add("part %q: of = %q is no part that stands above it%s", p.Name, p.Of, hint(p.Of, known))
		}
		known = append(known, p.Name)
	}
}

func (r *Recipe) names() []string {
	var out []string
	for _, p := range r.AllParts() {
		out = append(out, p.Name)
	}
	return out
}

func (r *Recipe) validateRefs(f *faults) {
	known := r.names()
	for _, p := range r.AllParts() {
		for what, columns := range map[string]map[string]Refs{"refs": p.Refs, "embed": p.Embed} {
			for column, refs := range columns {
				for _, ref := range refs {
					if at := PlaceOf("", ref); !slices.Contains(known, at.Part) || at.Column == "" {
						f.add("part %q: %s of %s: %q is no \"part.column\"%s", p.Name, what, column, ref, hint(at.Part, known))
					}
				}
			}
		}
	}
}

// validateFacts refuses facts in places where the engine could not use them.
func (r *Recipe) validateFacts(f *faults) {
	known := r.names()
	for _, fact := range append(r.CustomerFacts(), r.TicketFacts()...) {
		part := fact.Place.Part
		bare := fact.Word == "key" || fact.Word == "created" || fact.Word == "number"
		switch {
		case !slices.Contains(known, part):
			f.add("%s = \"%s.%s\" names no part%s", fact.Word, part, fact.Place.Column, hint(part, known))
		case bare && part != CustomerPart && part != TicketPart:
			f.add("%s must be a column of the table itself, not of part %q", fact.Word, part)
		}
	}
}

func hint(want string, known []string) string {
	if near := Nearest(want, known); near != "" {
		return fmt.Sprintf("; did you mean %q?", near)
	}
	return ""
}
