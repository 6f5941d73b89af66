package salt

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"saltmine/internal/canary"
	"saltmine/seeder/salt/study"
)

// Needed is how many canaries a copy needs so that its leak is noticed with a
// confidence when a fraction of its rows is contacted: the least k with
// 1-(1-f)^k >= confidence, which is ln(1/delta)/-ln(1-f).
func Needed(confidence, contactRate float64) int {
	return int(math.Ceil(math.Log(1-confidence) / math.Log1p(-contactRate)))
}

// Chance is how probable it is that a leak of a copy with so many canaries is
// noticed when a fraction of its rows is contacted.
func Chance(canaries int, contactRate float64) float64 {
	return -math.Expm1(float64(canaries) * math.Log1p(-contactRate))
}

// Report says what a release did, or in a preview, would do. It holds no
// address, number or name.
type Report struct {
	To       string              `json:"to"`
	Place    canary.Place        `json:"place"`
	Extract  canary.ExtractID    `json:"extract"`
	Rows     int64               `json:"rows"` // of the list
	Asked    int                 `json:"asked"`
	Canaries int                 `json:"canaries"`
	Tokens   map[canary.Kind]int `json:"tokens"`
	Placebos map[canary.Kind]int `json:"placebos"` // made by this run
	// PhonesFree is the number of the pool's phone numbers that were free before.
	PhonesFree int       `json:"phones_free"`
	Format     string    `json:"format"`
	Columns    []Column  `json:"columns"`
	Order      []string  `json:"order"`
	Resumed    bool      `json:"resumed,omitempty"` // an earlier run was cut off
	Again      bool      `json:"again,omitempty"`   // the copy was released before
	Released   time.Time `json:"released,omitzero"`
	SHA256     string    `json:"sha256,omitempty"` // of the copy
	Notes      []string  `json:"notes,omitempty"`

	unheard int // ticket numbers that are no tokens
}

// Column is what was understood of a column.
type Column struct {
	Name   string     `json:"name"`
	Kind   study.Kind `json:"kind"`
	Filled float64    `json:"filled"`
}

// Report says what was done so far.
func (c *Copy) Report() Report {
	r := c.report
	r.Notes = slices.Clone(r.Notes)
	if r.unheard > 0 && c.s.cfg.Taken != nil {
		r.Notes = append(r.Notes, fmt.Sprintf("%d canaries have ticket numbers that a customer may have, for hardly any number is free: those are not listened for", r.unheard))
	}
	if phone := c.file.Column(study.Phone); phone >= 0 && len(c.pieces) > 0 {
		filled := c.file.Columns[phone].Filled
		if with := float64(r.Tokens[canary.Phone]) / float64(len(c.pieces)); with < filled/2 {
			r.Notes = append(r.Notes, fmt.Sprintf("%.0f %% of the rows have a phone number and %.0f %% of the canaries: whoever keeps only rows with one loses the others, so add numbers to [pool] phones", 100*filled, 100*with))
		}
	}
	return r
}

func (c *Copy) count(p *canary.Planting) {
	for _, t := range p.Tokens {
		c.report.Tokens[t.Kind]++
	}
}

// describe fills in what was understood of the list.
func (c *Copy) describe() {
	f := c.file
	c.report = Report{
		To: c.order.To, Place: c.order.Place(), Extract: c.order.extract(), Rows: f.Rows, Asked: c.order.Canaries, Canaries: c.batch.Count,
		Tokens: map[canary.Kind]int{}, Placebos: map[canary.Kind]int{}, Format: c.format(), Order: []string{},
		Resumed: c.opened && c.batch.Closed.IsZero(), Again: c.again(), Released: c.batch.Closed,
	}
	for i := range f.Columns {
		c.report.Columns = append(c.report.Columns, Column{c.nameOf(i), f.Columns[i].Kind, f.Columns[i].Filled})
	}
	for _, k := range f.Order {
		how := "rising"
		if k.Falling {
			how = "falling"
		}
		c.report.Order = append(c.report.Order, c.nameOf(k.Column)+" "+how)
	}
	c.remark()
}

func (c *Copy) nameOf(column int) string {
	if name := c.file.Columns[column].Name; name != "" {
		return name
	}
	return fmt.Sprintf("column %d", column+1)
}

// format names the dialect.
func (c *Copy) format() string {
	d := c.file.Dialect
	if d.JSON {
		return "JSON lines"
	}
	parts := []string{map[byte]string{',': "CSV with commas", ';': "CSV with semicolons", '\t': "tab-separated", '|': "CSV with bars"}[d.Delimiter]}
	add := func(is bool, words string) {
		if is {
			parts = append(parts, words)
		}
	}
	add(!c.file.Header, "no header")
	add(d.Backslash, "quotes with backslashes")
	add(d.EOL == "\r\n", "CRLF")
	add(d.BOM, "byte order mark")
	add(d.Latin, "8-bit characters")
	return strings.Join(parts, ", ")
}

// remark notes what the reader of the report should know.
func (c *Copy) remark() {
	f := c.file
	note := func(format string, args ...any) {
		c.report.Notes = append(c.report.Notes, fmt.Sprintf(format, args...))
	}
	switch wanted := c.order.Canaries; {
	case len(f.Places) < min(wanted, int(float64(f.Rows)*c.order.MaxShare)):
		note("%d canaries were asked for; the numbers that the list leaves out give room for %d", wanted, c.batch.Count)
	case c.batch.Count < wanted:
		note("%d canaries were asked for; %d are %.3g %% of the %d rows, the most that is allowed", wanted, c.batch.Count, 100*c.order.MaxShare, f.Rows)
	}
	if share, top := c.providers(); share > 0.5 {
		note("all canaries are on %d domains of your own; the %d most frequent domains of this list hold %.0f %% of its rows, and whoever keeps those alone loses %.0f %% of the rows and every canary", len(c.s.domains), top, 100*share, 100*(1-share))
	}
	if f.Full() {
		note("the list has too many different numbers to remember: a made one may occur twice")
	}
	if f.Column(study.Ticket) >= 0 && c.s.cfg.Taken == nil {
		note("ticket numbers are written but not listened for: without the support database nobody knows which numbers no customer has")
	}
}

// providers is the share of the few most frequent domains in the sample.
func (c *Copy) providers() (share float64, top int) {
	const most = 5
	email, counts := c.file.Column(study.Email), map[string]int{}
	all := 0
	for i := range c.file.Sample {
		if _, domain, ok := strings.Cut(strings.ToLower(c.file.Sample[i].Text(email)), "@"); ok {
			counts[domain]++
			all++
		}
	}
	var list []int
	for domain, n := range counts {
		if !c.s.domains[domain] {
			list = append(list, n)
		}
	}
	slices.SortFunc(list, func(a, b int) int { return b - a })
	sum := 0
	for _, n := range list[:min(most, len(list))] {
		sum += n
	}
	return float64(sum) / float64(max(all, 1)), min(most, len(list))
}

// Preview is what a release would do.
type Preview struct {
	Report
	// Example is the record of a canary that will never exist.
	Example string `json:"example"`
}

// Preview reads the list and makes one canary. It registers nothing.
func (s *Salter) Preview(ctx context.Context, o Order) (Preview, error) {
	c := &Copy{s: s, order: o}
	d, err := c.example(ctx)
	if err != nil {
		return Preview{}, fmt.Errorf("release to %s: %w", o.To, err)
	}
	return Preview{c.report, string(d.piece.Text)}, nil
}

func (c *Copy) example(ctx context.Context) (*draft, error) {
	if err := c.learn(ctx); err != nil {
		return nil, err
	}
	m, err := newMinter(ctx, c)
	if err != nil {
		return nil, err
	}
	return m.draft(ctx, 0)
}
