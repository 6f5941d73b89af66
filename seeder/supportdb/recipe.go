package supportdb

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"

	// The configuration's own decoder lives in package conf. A recipe is a
	// format of this package, written by users and by Inspect, and it must be
	// readable where there is no configuration (recipe check, tests): that is
	// the reason for a second import of the library.
	"github.com/BurntSushi/toml"
)

// Recipe says which tables and columns make a customer with tickets. It is
// written in TOML; unknown keys are errors:
//
//	name = "a help desk"
//
//	[customer]
//	table      = "customers"
//	key        = "id"
//	email      = "email"
//	phone      = "phone"        # optional
//	name       = "full_name"    # either this, or first_name and last_name
//	salutation = "title"        # optional: Mr/Ms or m/f, goes with the first name
//	created    = "created_at"
//	updated    = "updated_at"   # optional
//
//	[customer.segment]          # word used in --segment = column
//	country  = "country"        # "country" and "language" also group the names
//	product  = "product"
//
//	[ticket]
//	table    = "tickets"
//	key      = "id"
//	customer = "customer_id"    # holds the customer's key
//	number   = "number"         # may be the same column as key
//	subject  = "subject"        # optional
//	status   = "status"         # optional
//	created  = "created_at"
//	updated  = "updated_at"     # optional
type Recipe struct {
	Name     string         `toml:"name"`
	Customer CustomerRecipe `toml:"customer"`
	Ticket   TicketRecipe   `toml:"ticket"`
}

// CustomerRecipe names the customer table and its columns.
type CustomerRecipe struct {
	Table      string            `toml:"table"`
	Key        string            `toml:"key"`
	Email      string            `toml:"email"`
	Phone      string            `toml:"phone"`
	Name       string            `toml:"name"`
	FirstName  string            `toml:"first_name"`
	LastName   string            `toml:"last_name"`
	Salutation string            `toml:"salutation"`
	Created    string            `toml:"created"`
	Updated    string            `toml:"updated"`
	Segment    map[string]string `toml:"segment"`
}

// TicketRecipe names the ticket table and its columns.
type TicketRecipe struct {
	Table    string `toml:"table"`
	Key      string `toml:"key"`
	Customer string `toml:"customer"`
	Number   string `toml:"number"`
	Subject  string `toml:"subject"`
	Status   string `toml:"status"`
	Created  string `toml:"created"`
	Updated  string `toml:"updated"`
}

// maxRecipe bounds the size of a recipe file.
const maxRecipe = 1 << 20

// LoadRecipe reads a recipe from a file.
func LoadRecipe(path string) (Recipe, error) {
	b, err := os.ReadFile(path) // the path is the operator's own
	if err != nil {
		return Recipe{}, fmt.Errorf("%w: %w", ErrRecipe, err)
	}
	r, err := ParseRecipe(b)
	if err != nil {
		return Recipe{}, fmt.Errorf("%s: %w", path, err)
	}
	return r, nil
}

// ParseRecipe reads a recipe and reports every fault of it at once, unknown
// keys with their line.
func ParseRecipe(text []byte) (Recipe, error) {
	if len(text) > maxRecipe {
		return Recipe{}, fmt.Errorf("%w: %d bytes, %d allowed", ErrRecipe, len(text), maxRecipe)
	}
	var r Recipe
	meta, err := toml.Decode(string(text), &r)
	if fault, ok := errors.AsType[toml.ParseError](err); ok {
		return Recipe{}, fmt.Errorf("%w: line %d: %s", ErrRecipe, fault.Position.Line, fault.Message)
	}
	if err != nil {
		return Recipe{}, fmt.Errorf("%w: %w", ErrRecipe, err)
	}
	var faults []error
	for _, key := range meta.Undecoded() {
		faults = append(faults, unknownKey(string(text), key))
	}
	if err := errors.Join(append(faults, r.validate()...)...); err != nil {
		return Recipe{}, err
	}
	return r, nil
}

func unknownKey(text string, key toml.Key) error {
	known := map[string][]string{
		"":         {"name", "customer", "ticket"},
		"customer": {"table", "key", "email", "phone", "name", "first_name", "last_name", "salutation", "created", "updated", "segment"},
		"ticket":   {"table", "key", "customer", "number", "subject", "status", "created", "updated"},
	}
	parent, last := strings.Join(key[:len(key)-1], "."), key[len(key)-1]
	hint := ""
	if near := nearest(last, known[parent]); near != "" {
		hint = fmt.Sprintf("; did you mean %q?", near)
	}
	return fmt.Errorf("%w: line %d: unknown key %q%s", ErrRecipe, lineOf(text, parent, last), key.String(), hint)
}

var tableHead = regexp.MustCompile(`^\s*\[\s*([^\[\]]+?)\s*\]\s*(#.*)?$`)

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

// validate reports what every recipe must have.
func (r *Recipe) validate() []error {
	var faults []error
	need := func(key, value string) {
		if value == "" {
			faults = append(faults, fmt.Errorf("%w: %s is missing", ErrRecipe, key))
		}
	}
	need("customer.table", r.Customer.Table)
	need("customer.key", r.Customer.Key)
	need("customer.email", r.Customer.Email)
	need("customer.created", r.Customer.Created)
	need("ticket.table", r.Ticket.Table)
	need("ticket.key", r.Ticket.Key)
	need("ticket.customer", r.Ticket.Customer)
	need("ticket.number", r.Ticket.Number)
	need("ticket.created", r.Ticket.Created)
	whole, parts := r.Customer.Name != "", r.Customer.FirstName != "" && r.Customer.LastName != ""
	if !whole && !parts {
		faults = append(faults, fmt.Errorf("%w: customer.name, or customer.first_name and customer.last_name, is missing", ErrRecipe))
	}
	return faults
}

// SegmentColumn returns the column behind a segment's word.
func (r *Recipe) SegmentColumn(word string) (string, error) {
	if column, ok := r.Customer.Segment[word]; ok {
		return column, nil
	}
	words := make([]string, 0, len(r.Customer.Segment))
	for w := range r.Customer.Segment {
		words = append(words, w)
	}
	slices.Sort(words)
	return "", &SchemaError{Table: r.Customer.Table, Problem: fmt.Sprintf("the recipe has no segment %q (it has: %s)", word, strings.Join(words, ", ")), Nearest: nearest(word, words)}
}

// customerColumns lists the named columns with the words that name them.
func (r *Recipe) customerColumns() [][2]string {
	c := &r.Customer
	named := [][2]string{
		{"key", c.Key}, {"email", c.Email}, {"phone", c.Phone}, {"name", c.Name}, {"first_name", c.FirstName},
		{"last_name", c.LastName}, {"salutation", c.Salutation}, {"created", c.Created}, {"updated", c.Updated},
	}
	words := make([]string, 0, len(c.Segment))
	for w := range c.Segment {
		words = append(words, w)
	}
	slices.Sort(words)
	for _, w := range words {
		named = append(named, [2]string{"segment " + w, c.Segment[w]})
	}
	return slices.DeleteFunc(named, func(n [2]string) bool { return n[1] == "" })
}

func (r *Recipe) ticketColumns() [][2]string {
	t := &r.Ticket
	named := [][2]string{
		{"key", t.Key}, {"customer", t.Customer}, {"number", t.Number}, {"subject", t.Subject},
		{"status", t.Status}, {"created", t.Created}, {"updated", t.Updated},
	}
	return slices.DeleteFunc(named, func(n [2]string) bool { return n[1] == "" })
}
