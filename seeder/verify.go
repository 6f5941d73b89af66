package seeder

import (
	"context"
	"fmt"
	"slices"
	"time"

	"saltmine/internal/canary"
	"saltmine/seeder/supportdb"
)

// VerifyConfig says which canaries to read back. Zero fields choose all of the
// seeder's place.
type VerifyConfig struct {
	Batch canary.BatchID
	IDs   []canary.ID
	// Vanished is told of a run in which canaries vanished, before they are
	// retired: each is found once, and whoever is to hear of it must have heard
	// by then. Its error ends the run, and the next one finds them again. May be nil.
	Vanished func(context.Context, VerifyReport) error
	Progress func(done, total int) // may be nil
}

// VerifyReport says what stands and what does not.
type VerifyReport struct {
	Checked  int `json:"checked"`  // canaries that should stand
	Verified int `json:"verified"` // found as registered
	// Vanished counts canaries that stood and are gone, or were merged into
	// others: each is found once, then it is retired.
	Vanished int `json:"vanished"`
	// Restored counts canaries that were withdrawn or had vanished and stand again.
	Restored int       `json:"restored"`
	Closed   int       `json:"closed"`   // windows that this run ended
	Reopened int       `json:"reopened"` // windows that turned out to be open again
	Findings []Finding `json:"findings,omitempty"`
}

// checkGroup is the number of canaries that are read back together.
const checkGroup = 200

// Verify reads every canary back that stands or stood, and compares it with the
// registry: address, phone number, name, tickets, and that no other row has the
// address. What is as it should be becomes verified. What is not is a [Finding],
// and the registry follows the rows:
//
//	found                                         the registry afterwards
//	row gone                                      retired; windows end in [last seen, now]
//	row gone, its tickets at another customer     the same, but the tickets' windows stay open
//	address, number or ticket gone or replaced    the token's window ends in [last seen, now]
//	an old address or number stands again         its window is open again, the newer one's ends
//	withdrawn or vanished row stands again        planted; windows of what stands are open again
//
// A window is one interval: one that is open again counts the time in between
// too, in which the token could not be read. Verify changes nothing in the
// support database. Run it again after the support database was restarted,
// which may have lost commits, or restored.
func (s *Seeder) Verify(ctx context.Context, cfg VerifyConfig) (VerifyReport, error) {
	v := &verification{s: s, skeletons: map[string]int{}}
	err := v.run(ctx, &cfg)
	if err == nil {
		v.patterns()
		err = v.retire(ctx, &cfg)
	}
	if err != nil {
		return v.report, fmt.Errorf("verify: %w", err)
	}
	return v.report, nil
}

// verification is one run of Verify.
type verification struct {
	s      *Seeder
	report VerifyReport
	// found are what patterns looks at: the finding's number and what the new
	// value has in common with others.
	found     []edited
	skeletons map[string]int
	lost      []canary.Amendment // of what vanished
}

type edited struct {
	finding  int
	skeleton string
}

func (v *verification) run(ctx context.Context, cfg *VerifyConfig) error {
	all, err := v.s.cfg.Ledger.Plantings(ctx, canary.Filter{
		Place: v.s.cfg.Place, Batch: cfg.Batch, IDs: cfg.IDs, States: []canary.State{canary.Planted, canary.Verified, canary.Retired},
	})
	if err != nil {
		return fmt.Errorf("read the registry: %w", err)
	}
	all = slices.DeleteFunc(all, func(p canary.Planting) bool { return p.State == canary.Retired && p.Keys == nil })
	done := 0
	for group := range slices.Chunk(all, checkGroup) {
		if err := v.group(ctx, group); err != nil {
			return err
		}
		if done += len(group); cfg.Progress != nil {
			cfg.Progress(done, len(all))
		}
	}
	return nil
}

// standing lists the canaries that should stand in the support database.
func (s *Seeder) standing(ctx context.Context, ids []canary.ID) ([]canary.Planting, error) {
	all, err := s.cfg.Ledger.Plantings(ctx, canary.Filter{
		Place: s.cfg.Place, IDs: ids, States: []canary.State{canary.Planted, canary.Verified},
	})
	if err != nil {
		return nil, fmt.Errorf("read the registry: %w", err)
	}
	return all, nil
}

// subject is a canary with its decoded rows and keys, and the row that stands.
type subject struct {
	p     *canary.Planting
	image supportdb.Image
	keys  supportdb.Keys
	row   *supportdb.Record // nil when it is gone
}

func (c *subject) key() string { return c.image.CustomerKey(c.keys) }

// subjects decodes plantings and reads their rows.
func (s *Seeder) subjects(ctx context.Context, group []canary.Planting) ([]subject, error) {
	out := make([]subject, len(group))
	ids := make([]string, len(group))
	for i := range group {
		image, err := supportdb.DecodeImage(group[i].Rows)
		if err != nil {
			return nil, fmt.Errorf("canary %s: %w", group[i].ID, err)
		}
		keys, err := supportdb.DecodeKeys(group[i].Keys)
		if err != nil {
			return nil, fmt.Errorf("canary %s: %w", group[i].ID, err)
		}
		out[i] = subject{p: &group[i], image: image, keys: keys}
		ids[i] = out[i].key()
	}
	rows, err := s.cfg.Desk.Read(ctx, ids)
	if err != nil {
		return nil, err
	}
	byKey := map[string]*supportdb.Record{}
	for i := range rows {
		byKey[rows[i].Key] = &rows[i]
	}
	for i := range out {
		out[i].row = byKey[ids[i]]
	}
	return out, nil
}

// group reads some canaries back and files what was found.
func (v *verification) group(ctx context.Context, group []canary.Planting) error {
	sight := sight{s: v.s, before: v.s.now()}
	subjects, err := v.s.subjects(ctx, group)
	if err != nil {
		return err
	}
	if err := sight.look(ctx, subjects); err != nil {
		return err
	}
	var list []canary.Amendment
	for i := range subjects {
		c := &subjects[i]
		r := ruling{sight: &sight, c: c, a: canary.Amendment{Canary: c.p.ID, Windows: map[canary.TokenID]canary.Window{}}}
		if err := r.rule(); err != nil {
			return fmt.Errorf("canary %s: %w", c.p.ID, err)
		}
		v.count(&r)
		switch {
		case r.a.State == canary.Retired:
			v.lost = append(v.lost, r.a)
		case r.changes():
			list = append(list, r.a)
		}
	}
	if len(list) == 0 {
		return nil
	}
	if err := v.s.amend(ctx, list...); err != nil {
		return fmt.Errorf("register what was found: %w", err)
	}
	return nil
}

// retire files what vanished.
func (v *verification) retire(ctx context.Context, cfg *VerifyConfig) error {
	if len(v.lost) == 0 {
		return nil
	}
	if cfg.Vanished != nil {
		if err := cfg.Vanished(ctx, v.report); err != nil {
			return err
		}
	}
	for part := range slices.Chunk(v.lost, checkGroup) {
		if err := v.s.amend(ctx, part...); err != nil {
			return fmt.Errorf("register what vanished: %w", err)
		}
	}
	return nil
}

func (v *verification) count(r *ruling) {
	if r.c.p.State != canary.Retired {
		v.report.Checked++
		if len(r.findings) == 0 {
			v.report.Verified++
		}
	}
	switch {
	case r.a.State == canary.Retired:
		v.report.Vanished++
	case r.a.State == canary.Planted && r.c.p.State == canary.Retired:
		v.report.Restored++
	}
	for _, w := range r.a.Windows {
		if w.Until.IsZero() {
			v.report.Reopened++
		} else {
			v.report.Closed++
		}
	}
	for n, of := range r.skeletons {
		v.found = append(v.found, edited{len(v.report.Findings) + n, of})
		v.skeletons[of]++
	}
	v.report.Findings = append(v.report.Findings, r.findings...)
}

// patterns turns what looked like edits into masking where several canaries
// got values that differ in their digits alone.
func (v *verification) patterns() {
	for _, e := range v.found {
		if f := &v.report.Findings[e.finding]; v.skeletons[e.skeleton] > 1 && f.Problem == Edited {
			f.Problem, f.Detail = Masked, "several canaries have values of the same pattern now"
		}
	}
}

// sight is what a group of canaries looks like in the support database.
type sight struct {
	s             *Seeder
	before, after time.Time // the rows were read between them
	shown         map[string]bool
	holders       map[string]string // customers' keys by the numbers of tickets
	emails        []string          // as they stand, once for each row
	elsewhere     map[string]bool   // addresses of vanished canaries that another customer has
}

// look reads what the rows themselves do not tell.
func (w *sight) look(ctx context.Context, subjects []subject) (err error) {
	desk := w.s.cfg.Desk
	var keys, numbers, addresses []string
	for i := range subjects {
		c := &subjects[i]
		addresses = append(addresses, w.s.fact(&c.image, "email").Text())
		if c.row != nil {
			keys = append(keys, c.row.Key)
		}
		if c.p.State != canary.Retired {
			numbers = append(numbers, w.strayed(c)...)
		}
	}
	if w.shown, err = desk.Shown(ctx, keys); err != nil {
		return err
	}
	if w.holders, err = desk.TicketHolders(ctx, numbers); err != nil {
		return err
	}
	email, _ := desk.Fact("email")
	if w.emails, err = desk.Taken(ctx, email, addresses); err != nil {
		return err
	}
	w.elsewhere = map[string]bool{}
	for i := range subjects {
		c := &subjects[i]
		if c.row != nil || c.p.State == canary.Retired || w.rowsWith(addresses[i]) == 0 {
			continue
		}
		held, err := desk.EmailHolders(ctx, addresses[i])
		if err != nil {
			return err
		}
		w.elsewhere[addresses[i]] = len(held) > 0
	}
	w.after = w.s.now()
	return nil
}

// strayed are the numbers, as they were written, of a canary's tickets that do
// not hang on it any more.
func (w *sight) strayed(c *subject) []string {
	var stands []string
	if c.row != nil {
		stands = w.s.numbersOf(&c.row.Image)
	}
	var out []string
	for _, number := range w.written(c) {
		if !isTaken(stands, number) {
			out = append(out, number)
		}
	}
	return out
}

// written are the numbers of a canary's tickets as they stand in its rows.
func (w *sight) written(c *subject) []string {
	if w.s.cfg.Desk.NumberIsKey() {
		return c.keys.Numbers
	}
	return w.s.numbersOf(&c.image)
}

// rowsWith counts the rows with an address.
func (w *sight) rowsWith(address string) (n int) {
	for _, e := range w.emails {
		if sameEmail(e, address) {
			n++
		}
	}
	return n
}
