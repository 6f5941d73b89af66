package salt_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/helpdesk"
	"saltmine/internal/registry"
	"saltmine/internal/seal"
	"saltmine/internal/token"
	"saltmine/seeder/salt"
)

// customers are the rows of a list in the order of their ids, made once.
var customers = sync.OnceValue(func() [][]string {
	desk, err := helpdesk.New(helpdesk.Config{Customers: 3000, Seed: 3, From: time.Date(2019, 1, 1, 0, 0, 0, 0, time.UTC), To: time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)})
	if err != nil {
		return nil
	}
	var out [][]string
	rng := rand.New(rand.NewPCG(1, 2))
	ticket, id := 1000, int64(0)
	for c := range desk.Customers() {
		phone := ""
		if c.Phone != nil {
			phone = *c.Phone
		}
		ticket += 1 + rng.IntN(6)
		id += int64(1 + rng.IntN(3))
		out = append(out, []string{
			fmt.Sprint(id), c.FirstName, c.LastName, c.Email, phone, c.Country, c.Language, c.Product, c.Created.Format(time.DateTime),
			c.Updated.Format(time.DateTime), fmt.Sprintf("TK-%06d", ticket), fmt.Sprintf("%016x", rng.Uint64()), "Call " + c.FirstName + " " + c.LastName + ", who is waiting",
		})
	}
	return out
})

func header() []string {
	return strings.Split("id,first_name,last_name,email,phone,country,language,product,created_at,updated_at,ticket_no,token,comment", ",")
}

// The columns of the list.
const (
	colID = iota
	colFirst
	colLast
	colEmail
	colPhone
	colCountry
	colLanguage
	colProduct
	colCreated
	colUpdated
	colTicket
	colToken
	colComment
)

// rows are the first customers; what a test changes is its own.
func rows(n int) [][]string {
	out := make([][]string, n)
	for i, row := range customers()[:n] {
		out[i] = slices.Clone(row)
	}
	return out
}

// csvOf writes rows with commas, quoting what must be.
func csvOf(head []string, list [][]string) []byte {
	return style{delimiter: ",", eol: "\n", quote: minimal}.write(head, list)
}

// style is a way of writing a list.
type style struct {
	delimiter, eol string
	quote          quoting
	bom, json      bool
	open           bool // the last line has no end
}

type quoting int

const (
	minimal quoting = iota
	all
	texts // everything but numbers
	never
)

func (s style) write(head []string, list [][]string) []byte {
	var b bytes.Buffer
	if s.bom {
		b.WriteString("\ufeff")
	}
	if head != nil && !s.json {
		list = append([][]string{head}, list...)
	}
	for _, row := range list {
		if s.json {
			b.WriteString(jsonOf(header(), row))
		} else {
			cells := make([]string, len(row))
			for j, v := range row {
				cells[j] = s.cell(v)
			}
			b.WriteString(strings.Join(cells, s.delimiter))
		}
		b.WriteString(s.eol)
	}
	if s.open {
		b.Truncate(b.Len() - len(s.eol))
	}
	return b.Bytes()
}

func (s style) cell(v string) string {
	numeric := v != "" && strings.Trim(v, "0123456789") == ""
	must := strings.ContainsAny(v, s.delimiter+"\"\r\n")
	if s.quote == never || s.quote == minimal && !must || s.quote == texts && numeric {
		return v
	}
	return `"` + strings.ReplaceAll(v, `"`, `""`) + `"`
}

func jsonOf(head, row []string) string {
	var parts []string
	for i, v := range row {
		if i == colPhone && v == "" {
			continue // a key that lines may lack
		}
		text, _ := json.Marshal(v)
		if i == colID {
			text = []byte(v)
		}
		parts = append(parts, fmt.Sprintf("%q: %s", head[i], text))
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

// site is a registry with a salter.
type site struct {
	t   testing.TB
	reg *registry.Registry
	cfg salt.Config
	now time.Time
}

func domains() []string {
	return []string{"hollowbrook.example", "tinkersfield.example", "marlowpost.example", "greyheron.example"}
}

func newSite(t testing.TB) *site {
	t.Helper()
	dir := t.TempDir()
	if err := seal.Generate(filepath.Join(dir, "keys")); err != nil {
		t.Fatal(err)
	}
	keys, err := seal.Load(filepath.Join(dir, "keys"))
	if err != nil {
		t.Fatal(err)
	}
	s := &site{t: t, now: time.Date(2025, 3, 1, 9, 0, 0, 0, time.UTC)}
	clock := func() time.Time { s.now = s.now.Add(time.Second); return s.now }
	s.reg, err = registry.Open(t.Context(), registry.Config{DSN: "sqlite:" + filepath.Join(dir, "saltmine.db"), Vault: keys.Vault, Now: clock})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.reg.Close() })
	rule, err := token.NewRule(bytes.Repeat([]byte{7}, 32), 8)
	if err != nil {
		t.Fatal(err)
	}
	s.cfg = salt.Config{
		Ledger: s.reg, Batches: s.reg, Extracts: s.reg, Domains: domains(), PlacebosPerEmail: 3, Accept: rule.Passes, Now: clock,
		Taken: func(context.Context, []string) ([]string, error) { return nil, nil }, Log: slog.New(slog.DiscardHandler),
	}
	return s
}

func (s *site) salter() *salt.Salter {
	s.t.Helper()
	x, err := salt.New(s.cfg)
	if err != nil {
		s.t.Fatal(err)
	}
	return x
}

// order is a release of a list, with a seed of its own name.
func order(to string, in []byte, canaries int) salt.Order {
	seed := sha256.Sum256([]byte(to))
	return salt.Order{
		To: to, Canaries: canaries, MaxShare: 0.5, Phones: -1, Seed: seed[:],
		Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(in)), nil },
	}
}

// release makes a whole release and gives the copy.
func (s *site) release(o salt.Order) ([]byte, salt.Report) {
	s.t.Helper()
	out, report, err := s.try(o)
	if err != nil {
		s.t.Fatal(err)
	}
	return out, report
}

func (s *site) try(o salt.Order) ([]byte, salt.Report, error) {
	s.t.Helper()
	c, err := s.salter().Prepare(s.t.Context(), o)
	if err != nil {
		return nil, salt.Report{}, err
	}
	var out bytes.Buffer
	if err := c.WriteTo(s.t.Context(), &out); err != nil {
		return nil, c.Report(), err
	}
	err = c.Release(s.t.Context(), func() error { return nil })
	return out.Bytes(), c.Report(), err
}

// plantings are the canaries of a copy.
func (s *site) plantings(to string) []canary.Planting {
	s.t.Helper()
	list, err := s.reg.Plantings(s.t.Context(), canary.Filter{Place: canary.Place("copy:" + to)})
	if err != nil {
		s.t.Fatal(err)
	}
	return list
}

// texts are the canonical texts of a kind of token of a copy.
func (s *site) texts(to string, kind canary.Kind) map[string]bool {
	s.t.Helper()
	out := map[string]bool{}
	for _, p := range s.plantings(to) {
		for _, tok := range p.Tokens {
			if tok.Kind == kind {
				out[tok.Text] = true
			}
		}
	}
	return out
}

// records cuts a text into records with their line ends: a line end inside of
// quotes ends none.
func records(text []byte, quotes bool) []string {
	var out []string
	var b strings.Builder
	for line := range strings.Lines(string(text)) {
		b.WriteString(line)
		if !quotes || strings.Count(b.String(), `"`)%2 == 0 {
			out = append(out, b.String())
			b.Reset()
		}
	}
	return append(out, b.String())
}

// parted parts the canaries of a copy from the rest.
func (s *site) parted(to string, out []byte, quotes bool) (canaries []string, rest string) {
	s.t.Helper()
	emails := s.texts(to, canary.Email)
	var b strings.Builder
	for _, r := range records(out, quotes) {
		if holds(emails, r) {
			canaries = append(canaries, r)
			continue
		}
		b.WriteString(r)
	}
	return canaries, b.String()
}

func holds(emails map[string]bool, record string) bool {
	for word := range strings.FieldsFuncSeq(strings.ToLower(record), func(r rune) bool { return strings.ContainsRune("\",;|\t {}:\r\n", r) }) {
		if emails[word] {
			return true
		}
	}
	return false
}
func readCSV(t *testing.T, text string) [][]string {
	t.Helper()
	all, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return all
}
