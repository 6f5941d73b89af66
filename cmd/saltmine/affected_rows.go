package main

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"saltmine/internal/audit/replay"
	"saltmine/internal/canary"
	"saltmine/internal/registry"
	"saltmine/internal/token"
	"saltmine/seeder/supportdb"
)

// gathered are the customers of some rows, by key, or by address where there is none.
type gathered struct {
	keyed  bool // the last column that is called replay.Label is the key
	rows   int
	keys   map[string]bool
	emails map[string]bool     // of rows without a key
	lost   int                 // rows that name nobody
	beside map[string][]string // of recorded rows: the addresses that stand beside a key
	// elsewhere are keys that are nobody's, of whose addresses somebody else has one now.
	elsewhere map[string]bool
}

// row takes in one row.
func (g *gathered) row(columns []string, values []supportdb.Value) error {
	if g.keys == nil {
		g.keys, g.emails = map[string]bool{}, map[string]bool{}
	}
	g.rows++
	if at := g.keyAt(columns); at >= 0 && !values[at].IsNull() {
		key := values[at].Text()
		if g.keys[key] = true; g.beside != nil { // they may have gone since: then the address is all there is
			g.beside[key] = slices.Compact(slices.Sorted(slices.Values(append(g.beside[key], mailsIn(values)...))))
		}
		return nil
	}
	named := mailsIn(values)
	for _, text := range named {
		g.emails[text] = true
	}
	if len(named) == 0 {
		g.lost++
	}
	return nil
}

// mailsIn are the values of a row that are e-mail addresses.
func mailsIn(values []supportdb.Value) (list []string) {
	for i := range values {
		if _, err := token.Canon(canary.Email, values[i].Text()); err == nil && strings.Contains(values[i].Text(), "@") {
			list = append(list, values[i].Text())
		}
	}
	return list
}

// keyAt finds the key; -1 is none. A column of the statement's own may be called like it.
func (g *gathered) keyAt(columns []string) int {
	for i := len(columns) - 1; i >= 0 && g.keyed; i-- {
		if columns[i] == replay.Label {
			return i
		}
	}
	return -1
}

// readFile takes in recorded rows: CSV with a heading, in which the key has the name
// that it has in the table.
func (g *gathered) readFile(name string, desk *supportdb.Desk, most int) error {
	f, err := os.Open(name)
	if err != nil {
		return fmt.Errorf("read the rows: %w", err)
	}
	defer f.Close() //nolint:errcheck // it was only read
	r := csv.NewReader(f)
	r.FieldsPerRecord = -1
	head, err := r.Read()
	if err != nil {
		return fmt.Errorf("%s: no heading: %w", name, err)
	}
	g.heading(head, desk.KeyColumns()[0][1])
	g.beside = map[string][]string{}
	for {
		fields, err := r.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if g.rows >= most {
			return fmt.Errorf("%s: %w: --max-rows %d", name, supportdb.ErrRows, most)
		}
		values := make([]supportdb.Value, min(len(fields), len(head)))
		for i := range values {
			if values[i] = supportdb.Text(strings.TrimSpace(fields[i])); strings.TrimSpace(fields[i]) == "" {
				values[i] = supportdb.Null()
			}
		}
		if err := g.row(head[:len(values)], values); err != nil {
			return err
		}
	}
}

// heading finds the key among the columns of a file: the first that is called so.
func (g *gathered) heading(head []string, key string) {
	for i := range head {
		head[i] = strings.TrimSpace(strings.TrimPrefix(head[i], "\ufeff"))
		switch {
		case strings.EqualFold(head[i], key) && !g.keyed:
			head[i], g.keyed = replay.Label, true
		case head[i] == replay.Label:
			head[i] = ""
		}
	}
}

// settle maps the rows to customers, leaves out what is ours, and writes the list.
func (m *affecting) settle(ctx context.Context, by registry.By) (err error) {
	list, err := m.customers(ctx)
	if err != nil {
		return err
	}
	m.out.Rows, m.out.Customers = m.found.rows, len(list)
	outcome := "counted " + strconv.Itoa(len(list))
	if m.flags.out != "" {
		if err := m.write(list); err != nil {
			return err
		}
		m.out.Out, outcome = m.flags.out, "listed "+strconv.Itoa(len(list))
	}
	return m.core.reg.Record(context.WithoutCancel(ctx), canary.Act{Who: by.Who, Via: by.Via, What: canary.ActAffected, About: string(m.out.Extract), Outcome: outcome})
}

// customer is one line of the list.
type customer struct {
	key   string
	email string // as it was recorded, of one who has it no more
	gone  bool   // who is no customer any more
	later bool   // who signed up after the extract, by the database
	facts supportdb.Row
}

// portraitGroup is how many customers are read at once.
const portraitGroup = 200

func (m *affecting) customers(ctx context.Context) (list []customer, err error) {
	ours, err := m.canaries(ctx)
	if err != nil {
		return nil, err
	}
	if err := m.byBoth(ctx, ours); err != nil {
		return nil, err
	}
	gone, err := m.byEmail(ctx)
	if err != nil {
		return nil, err
	}
	for _, key := range slices.Sorted(maps.Keys(m.found.keys)) {
		if id, is := ours[key]; is {
			delete(m.found.keys, key)
			m.out.Ours++
			if m.read != nil && slices.Contains(m.read.Returned, id) {
				m.out.Again++
			}
		}
	}
	if m.read != nil && m.out.Held > 0 {
		m.note("of %d canaries that it returned then, %d are among the rows", m.out.Held, m.out.Again)
	}
	if list, err = m.standing(ctx); err != nil {
		return nil, err
	}
	list = append(list, gone...)
	m.tellGone(list)
	return list, nil
}

// canaries are the keys of all canaries that ever stood in the place. In another place
// the same keys are real customers'.
func (m *affecting) canaries(ctx context.Context) (map[string]canary.ID, error) {
	all, err := m.core.reg.Plantings(ctx, canary.Filter{Place: m.place})
	if err != nil {
		return nil, err
	}
	out := map[string]canary.ID{}
	for i := range all {
		if all[i].Keys == nil {
			continue
		}
		image, err := supportdb.DecodeImage(all[i].Rows)
		if err != nil {
			return nil, fmt.Errorf("canary %s: %w", all[i].ID, err)
		}
		keys, err := supportdb.DecodeKeys(all[i].Keys)
		if err != nil {
			return nil, fmt.Errorf("canary %s: %w", all[i].ID, err)
		}
		out[image.CustomerKey(keys)] = all[i].ID
	}
	return out, nil
}

// byEmail finds the keys of customers who are named by their addresses. Those who are
// nobody's any more were customers then.
func (m *affecting) byEmail(ctx context.Context) (gone []customer, err error) {
	texts := slices.Sorted(maps.Keys(m.found.emails))
	known, err := m.known(ctx, texts)
	if err != nil {
		return nil, err
	}
	m.out.Ours += len(known)
	if err := m.again(ctx, known); err != nil {
		return nil, err
	}
	texts = slices.DeleteFunc(texts, func(s string) bool { return known[s] })
	byLower, err := m.keysOf(ctx, texts)
	if err != nil {
		return nil, err
	}
	for _, text := range texts {
		key, there := byLower[strings.ToLower(text)]
		switch {
		case there:
			m.found.keys[key] = true
		case m.flags.rows != "":
			gone = append(gone, customer{email: text, gone: true})
		default:
			m.found.lost++
		}
	}
	m.out.Unmatched = m.found.lost
	return gone, nil
}

// again counts the canaries that it returned then and that are among the rows again, by
// their addresses.
func (m *affecting) again(ctx context.Context, known map[string]bool) error {
	for text := range known {
		canon, err := token.Canon(canary.Email, text)
		if err != nil {
			return err
		}
		t, found, err := m.core.reg.Token(ctx, canary.Email, canon)
		if err != nil {
			return err
		}
		if found && m.read != nil && slices.Contains(m.read.Returned, t.Canary) {
			m.out.Again++
		}
	}
	return nil
}

// known tells which addresses are tokens or placebos.
func (m *affecting) known(ctx context.Context, texts []string) (map[string]bool, error) {
	spelled := map[string][]string{}
	for _, text := range texts {
		if canon, err := token.Canon(canary.Email, text); err == nil {
			spelled[canon] = append(spelled[canon], text)
		}
	}
	found, err := m.core.reg.KnownAmong(ctx, canary.Email, slices.Sorted(maps.Keys(spelled)))
	if err != nil {
		return nil, err
	}
	out := map[string]bool{}
	for _, canon := range found {
		for _, text := range spelled[canon] {
			out[text] = true
		}
	}
	return out, nil
}

// portraits reads customers, without those who signed up after the extract was taken. Whose
// rows are recorded is told all the same: a time or zone that is wrong must lose nobody.
func (m *affecting) portraits(ctx context.Context, keys []string) (list []customer, err error) {
	records, err := m.desk.Portraits(ctx, keys)
	if err != nil {
		return nil, err
	}
	list = m.missing(keys, records)
	var emails []string
	facts := make([]supportdb.Row, len(records))
	for i := range records {
		facts[i] = m.desk.Facts(&records[i].Image)
		emails = append(emails, facts[i].Get("email").Text())
	}
	known, err := m.known(ctx, emails)
	if err != nil {
		return nil, err
	}
	for i := range records {
		created, dated := m.when(&facts[i], "created")
		changed, ok := m.when(&facts[i], "updated")
		c := customer{key: records[i].Key, facts: facts[i], email: strings.Join(m.found.beside[records[i].Key], " ")}
		switch {
		case known[emails[i]]:
			m.out.Ours++
			continue
		case dated && created.After(m.out.Taken.Latest):
			m.out.Later++
			if c.later = m.flags.rows != ""; !c.later {
				continue
			}
		case ok && changed.After(m.out.Taken.Latest):
			m.out.Changed++
		}
		list = append(list, c)
	}
	return list, nil
}

// when reads a time of a customer, which may be the application's local one.
func (m *affecting) when(facts *supportdb.Row, word string) (t time.Time, ok bool) {
	at, known := m.desk.Fact(word)
	if !known {
		return t, false
	}
	return m.desk.Part(at.Part).ParseTime(at.Column, facts.Get(word))
}
