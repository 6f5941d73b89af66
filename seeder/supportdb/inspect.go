package supportdb

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"saltmine/seeder/recipe"
)

// Proposal is a recipe made up from a schema.
type Proposal struct {
	Recipe recipe.Recipe `json:"recipe"`
	Text   string        `json:"text"`   // the recipe as TOML, with reasons as comments
	Doubts []string      `json:"doubts"` // what a person should look at before planting
}

// inspectRows is the number of rows of a candidate table that are looked at.
const inspectRows = 200

// Inspect reads information_schema and a few rows of the tables that could be
// meant, and proposes a recipe: names, types, keys, foreign keys and what the
// values look like all count. It is an error wrapping ErrSchema when no table
// looks like customers with tickets.
func (d *DB) Inspect(ctx context.Context) (Proposal, error) {
	tables, err := d.schema(ctx)
	if err != nil {
		return Proposal{}, err
	}
	in := inspector{tables: tables, samples: map[string]*sample{}}
	for _, name := range slices.Sorted(maps.Keys(tables)) {
		if t := tables[name]; !t.View && len(t.identity()) == 1 {
			if in.samples[name], err = d.look(ctx, t); err != nil {
				return Proposal{}, fmt.Errorf("inspect %s: %w", name, err)
			}
		}
	}
	customer, ticket, link := in.pair()
	if customer == nil {
		return Proposal{}, &SchemaError{Table: d.name + ".*", Problem: "no table with e-mail addresses that tickets refer to was found; write a recipe by hand"}
	}
	in.customer(customer)
	in.ticket(ticket, link)
	p := Proposal{Recipe: in.recipe, Doubts: in.doubts}
	p.Text = in.text()
	return p, nil
}

// sample is what a look at a few rows tells about the columns.
type sample struct {
	rows   int
	values map[string][]string // non-empty values
}

func (d *DB) look(ctx context.Context, t *Table) (*sample, error) {
	s := &sample{values: map[string][]string{}}
	var columns []string
	for _, c := range t.Columns {
		if c.IsText() && c.MaxLen <= 4096 || c.IsInteger() || c.Type == "enum" || c.IsTime() || c.Type == "date" {
			columns = append(columns, c.Name)
		}
	}
	if len(columns) == 0 {
		return s, nil
	}
	q := "SELECT " + quoteAll(columns) + " FROM " + quote(t.Name) + " LIMIT " + strconv.Itoa(inspectRows)
	err := d.each(ctx, q, nil, func(rows *sql.Rows) error {
		r, err := scanRow(rows, columns)
		s.rows++
		for i, v := range r.Values {
			if text := v.Text(); text != "" {
				s.values[columns[i]] = append(s.values[columns[i]], text)
			}
		}
		return err
	})
	return s, err
}

// share is the part of a column's values for which is holds; zero without values.
func (s *sample) share(column string, is func(string) bool) float64 {
	values := s.values[column]
	if len(values) == 0 {
		return 0
	}
	n := 0
	for _, v := range values {
		if is(v) {
			n++
		}
	}
	return float64(n) / float64(len(values))
}

func (s *sample) distinct(column string) int {
	seen := map[string]bool{}
	for _, v := range s.values[column] {
		seen[v] = true
	}
	return len(seen)
}

func looksEmail(v string) bool {
	local, domain, ok := strings.Cut(v, "@")
	return ok && local != "" && strings.Contains(domain, ".") && !strings.ContainsAny(v, " \n,;")
}

func looksPhone(v string) bool {
	digits := 0
	for _, r := range v {
		switch {
		case r >= '0' && r <= '9':
			digits++
		case !strings.ContainsRune(" +()-./x", r):
			return false
		}
	}
	return digits >= 6 && digits <= 17
}

func looksName(v string) bool {
	return len(v) < 60 && !strings.ContainsAny(v, "@0123456789_/") && strings.ToUpper(v[:1]) == v[:1]
}

// link is a column of a ticket table that holds a customer's key.
type link struct {
	column   string
	declared bool // as a foreign key
}

// pair finds the customer and the ticket table that fit together best.
func (in *inspector) pair() (customer, ticket *Table, via link) {
	best := 0
	for _, cn := range slices.Sorted(maps.Keys(in.samples)) {
		c := in.tables[cn]
		base := in.customerScore(c)
		if base <= 0 {
			continue
		}
		for _, tn := range slices.Sorted(maps.Keys(in.samples)) {
			if tn == cn {
				continue
			}
			t := in.tables[tn]
			l := linkTo(t, c)
			score := base + ticketScore(t)
			if l.declared {
				score += 4
			}
			if l.column != "" && ticketScore(t) > 0 && score > best {
				best, customer, ticket, via = score, c, t, l
			}
		}
	}
	return customer, ticket, via
}

func (in *inspector) customerScore(t *Table) int {
	if in.pick(t, roleEmail()) == "" {
		return 0
	}
	score := 2 + 6*nameScore(t.Name, "customer", "client", "contact", "consumer", "subscriber", "member", "person", "people", "user", "account")
	score -= 8 * nameScore(t.Name, "staff", "agent", "admin", "employee", "operator", "technician", "log", "history", "audit", "archive", "backup", "tmp", "queue", "message", "token", "session")
	for _, r := range []role{rolePhone(), roleFirst(), roleLast(), roleName()} {
		if in.pick(t, r) != "" {
			score += 2
		}
	}
	return score
}

func ticketScore(t *Table) int {
	score := 6 * nameScore(t.Name, "ticket", "case", "request", "incident", "issue", "inquiry", "enquiry")
	score -= 8 * nameScore(t.Name, "log", "history", "comment", "note", "message", "thread", "tag", "link", "attachment", "audit", "archive", "backup", "tmp", "article", "event", "rating", "field")
	for _, words := range [][]string{{"subject", "title", "summary"}, {"status", "state"}, {"number", "reference", "ref"}, {"priority", "queue", "severity"}} {
		for _, c := range t.Columns {
			if nameScore(c.Name, words...) > 0 {
				score++
				break
			}
		}
	}
	return score
}

// nameScore is 1 when a part of the name is one of the words, singular or plural.
func nameScore(name string, words ...string) int {
	for _, part := range nameParts(name) {
		for _, w := range words {
			if part == w || part == w+"s" || part == w+"es" || strings.TrimSuffix(part, "ies")+"y" == w {
				return 1
			}
		}
	}
	return 0
}

// nameParts splits an identifier at underscores and at capitals.
func nameParts(name string) []string {
	var b strings.Builder
	small := false
	for _, r := range name {
		upper := r >= 'A' && r <= 'Z'
		if upper && small {
			b.WriteByte('_')
		}
		small = !upper
		b.WriteRune(r)
	}
	return strings.FieldsFunc(strings.ToLower(b.String()), func(r rune) bool { return r == '_' || r == '-' || r == ' ' || r == '.' })
}

func linkTo(t, c *Table) link {
	for _, r := range t.Refs {
		if strings.EqualFold(r.Table, c.Name) && strings.EqualFold(r.Target, c.PrimaryKey()[0]) {
			return link{r.Column, true}
		}
	}
	for _, word := range append(nameParts(c.Name), "customer", "client", "contact", "requester", "user") {
		word = strings.TrimSuffix(word, "s")
		for _, col := range t.Columns {
			low := strings.ToLower(strings.ReplaceAll(col.Name, "_", ""))
			if low == word+"id" || low == word || low == word+"uuid" {
				return link{col.Name, false}
			}
		}
	}
	return link{}
}
