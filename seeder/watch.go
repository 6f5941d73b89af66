package seeder

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"time"

	"saltmine/internal/canary"
	"saltmine/seeder/supportdb"
)

// WatchConfig says what to watch.
type WatchConfig struct {
	// Panel is what the last run gave back; nil is the first run.
	Panel []byte
	Rows  int // customers that are watched; 0 means 5,000
	// Mark is a keyed hash: the panel holds no address and no number.
	Mark func(kind canary.Kind, text string) int64
	Seed []byte // of the sample
}

// Watched is how often customers were seen to change something.
type Watched struct {
	// Changes is how many times one value had taken the place of another between
	// two looks at a row; RowYears is how long such rows were watched. What is
	// longer ago counts for less: after a year for half.
	Changes  float64 `json:"changes"`
	RowYears float64 `json:"row_years"`
}

// doubt is the weight of the rate that is assumed, in changes.
const doubt = 2

// Rate is the expected number of changes a row and year. It begins with what is
// assumed, which counts as if it had been measured on two changes.
func (w Watched) Rate(assumed float64) float64 {
	if assumed <= 0 {
		return 0
	}
	return (doubt + w.Changes) / (doubt/assumed + w.RowYears)
}

// WatchReport says what is known after a run.
type WatchReport struct {
	Rows   int                     `json:"rows"` // watched from now on
	Gone   int                     `json:"gone"` // since the last run
	Kinds  map[canary.Kind]Watched `json:"kinds"`
	Panel  []byte                  `json:"-"` // for the next run
	Before time.Time               `json:"before"`
}

// Watch measures how often customers change their address or number. The
// table's own dates do not tell: they say that a row has changed, and not what.
// So the same customers, drawn at random, are looked at again and again, and of
// each the panel keeps keyed hashes of address and number. Between two runs a
// change counts when one value stands in place of another one: spelling in
// capitals, spaces and punctuation of numbers, and a value that comes or goes
// do not, since canaries never do that. Two changes between two looks count as
// one, so the rate is rather too low. Canaries are not watched.
func (s *Seeder) Watch(ctx context.Context, cfg WatchConfig) (WatchReport, error) {
	w := &watching{s: s, cfg: cfg}
	if w.cfg.Rows == 0 {
		w.cfg.Rows = 5000
	}
	rep, err := w.run(ctx)
	if err != nil {
		return rep, fmt.Errorf("watch: %w", err)
	}
	return rep, nil
}

// panel is what is kept between two runs.
type panel struct {
	Read  time.Time               `json:"read"`
	Kinds map[canary.Kind]Watched `json:"kinds"`
	Rows  []watchedRow            `json:"rows"`
}

// watchedRow is one customer; a mark of 0 stands for no value.
type watchedRow struct {
	Key   string    `json:"k"`
	Since time.Time `json:"s"`
	Email int64     `json:"e,omitempty"`
	Phone int64     `json:"p,omitempty"`
}

// Known reads what a panel says without looking at the table.
func Known(encoded []byte) (map[canary.Kind]Watched, error) {
	p, err := decodePanel(encoded)
	if err != nil {
		return nil, fmt.Errorf("panel: %w", err)
	}
	return p.Kinds, nil
}

func decodePanel(encoded []byte) (p panel, err error) {
	if encoded != nil {
		err = json.Unmarshal(encoded, &p)
	}
	if p.Kinds == nil {
		p.Kinds = map[canary.Kind]Watched{}
	}
	return p, err
}

const year = 36525 * 24 * time.Hour / 100

// watching is one run of Watch.
type watching struct {
	s     *Seeder
	cfg   WatchConfig
	panel panel
}

func (w *watching) run(ctx context.Context) (rep WatchReport, err error) {
	if w.panel, err = decodePanel(w.cfg.Panel); err != nil {
		return rep, err
	}
	rep.Before = w.panel.Read
	before := len(w.panel.Rows)
	if err := w.look(ctx); err != nil {
		return rep, err
	}
	rep.Gone = before - len(w.panel.Rows)
	if err := w.draw(ctx); err != nil {
		return rep, err
	}
	rep.Rows, rep.Kinds = len(w.panel.Rows), w.panel.Kinds
	rep.Panel, err = json.Marshal(w.panel)
	return rep, err
}

// look reads the watched rows again.
func (w *watching) look(ctx context.Context) error {
	p := &w.panel
	keys := make([]string, len(p.Rows))
	for i := range p.Rows {
		keys[i] = p.Rows[i].Key
	}
	rows, err := w.s.cfg.Desk.Glance(ctx, keys)
	if err != nil {
		return err
	}
	found := make(map[string]watchedRow, len(rows))
	for i := range rows {
		r := w.row(&rows[i])
		found[r.Key] = r
	}
	now := w.s.now()
	passed := max(now.Sub(p.Read), 0)
	email, phone := p.Kinds[canary.Email].aged(passed), p.Kinds[canary.Phone].aged(passed)
	var stay []watchedRow
	for _, old := range p.Rows {
		r, ok := found[old.Key]
		if !ok {
			continue
		}
		email.see(old.Email, r.Email, passed)
		phone.see(old.Phone, r.Phone, passed)
		if r.Since = old.Since; now.Sub(r.Since) < year { // so that the panel ages as the table does
			stay = append(stay, r)
		}
	}
	p.Rows, p.Read = stay, now
	p.Kinds[canary.Email], p.Kinds[canary.Phone] = email, phone
	return nil
}

// aged lets what was seen count for less.
func (w Watched) aged(by time.Duration) Watched {
	f := math.Exp2(-by.Hours() / year.Hours())
	return Watched{w.Changes * f, w.RowYears * f}
}

func (w *Watched) see(old, now int64, passed time.Duration) {
	if old == 0 || now == 0 {
		return
	}
	w.RowYears += passed.Hours() / year.Hours()
	if old != now {
		w.Changes++
	}
}

// row reads the marks of a customer's facts.
func (w *watching) row(facts *supportdb.Row) watchedRow {
	r := watchedRow{Key: facts.Get("key").Text(), Since: w.s.now()}
	if text := strings.ToLower(strings.TrimSpace(facts.Get("email").Text())); text != "" {
		r.Email = w.cfg.Mark(canary.Email, text)
	}
	digits := strings.Map(func(c rune) rune {
		if c < '0' || c > '9' {
			return -1
		}
		return c
	}, facts.Get("phone").Text())
	if digits != "" {
		r.Phone = w.cfg.Mark(canary.Phone, digits)
	}
	return r
}

// draw fills the panel up with customers that are not in it yet; canaries are none.
func (w *watching) draw(ctx context.Context) error {
	missing := w.cfg.Rows - len(w.panel.Rows)
	if missing <= 0 {
		return nil
	}
	known := map[string]bool{}
	for _, r := range w.panel.Rows {
		known[r.Key] = true
	}
	ours, err := w.s.standing(ctx, nil)
	if err != nil {
		return err
	}
	for i := range ours {
		key, err := keyOf(&ours[i])
		if err != nil {
			return err
		}
		known[key] = true
	}
	rows, err := w.s.cfg.Desk.Sample(ctx, source(w.cfg.Seed, "watch", len(w.panel.Rows)), missing+len(ours), "")
	if err != nil {
		return err
	}
	for i := range rows {
		r := w.row(&rows[i])
		if known[r.Key] || len(w.panel.Rows) == w.cfg.Rows {
			continue
		}
		known[r.Key] = true
		w.panel.Rows = append(w.panel.Rows, r)
	}
	return nil
}
