package seeder

import (
	"context"
	"fmt"
	"slices"

	"saltmine/internal/canary"
	"saltmine/seeder/recipe"
	"saltmine/seeder/supportdb"
)

// Form is one canary as the application's own import takes it: who the customer
// is. Its columns are those of the customer table, without keys and what hangs
// on them, and the recipe's facts that stand elsewhere. Ticket numbers are not
// in it: the application gives them.
type Form struct {
	Canary   canary.ID
	Email    string // as in Customer
	Customer supportdb.Row
	Tickets  []supportdb.Row
}

// FormReport says what a run of Form did.
type FormReport struct {
	PlantReport
	Forms []Form `json:"-"`
}

// Form registers a batch of canaries that are entered through the application
// itself, and gives their forms. Nothing is written into the support database,
// and no right to write is needed; they stay intended until [Seeder.Adopt] finds
// them there. Called again it gives the same forms, of those that were not
// adopted yet, so that a run that died is carried on by the same call.
func (s *Seeder) Form(ctx context.Context, cfg PlantConfig) (FormReport, error) {
	cfg.form, cfg.Dates = true, DatesNow
	r := &planting{s: s, cfg: cfg, report: PlantReport{Batch: cfg.Batch, Asked: cfg.Count, Placebos: map[canary.Kind]int{}, Seconds: map[string]float64{}}}
	forms, err := r.form(ctx)
	if err != nil {
		err = fmt.Errorf("export forms of %s: %w", cfg.Batch, err)
	}
	return FormReport{r.report, forms}, err
}

func (r *planting) form(ctx context.Context) ([]Form, error) {
	if err := r.checkConfig(); err != nil {
		return nil, err
	}
	if r.cfg.Over > 0 || r.cfg.DryRun {
		return nil, fmt.Errorf("%w: forms are of all canaries at once, and register them", ErrConfig)
	}
	if err := r.findBatch(ctx); err != nil {
		return nil, err
	}
	all, err := r.count(ctx)
	if err != nil {
		return nil, err
	}
	if lack := r.cfg.Count - len(all); lack > 0 {
		if err := r.mintForms(ctx, all, lack); err != nil {
			return nil, err
		}
	}
	r.reportStrata()
	return r.forms(ctx)
}

// mintForms registers the canaries that the batch lacks. One that was given up
// since is not made up for: its form may be in the application's import by now.
func (r *planting) mintForms(ctx context.Context, all []canary.Planting, lack int) error {
	if err := r.prepare(ctx, all); err != nil {
		return err
	}
	if err := r.judge(ctx); err != nil {
		return err
	}
	if !r.opened {
		if err := r.s.cfg.Batches.OpenBatch(ctx, r.batch); err != nil {
			return fmt.Errorf("register the batch: %w", err)
		}
	}
	for lack > 0 {
		n := min(lack, groupSize)
		if _, err := r.mint(ctx, n, lack); err != nil {
			return err
		}
		lack -= n
	}
	r.warn()
	return nil
}

// forms writes the forms of the canaries that still have to be entered.
func (r *planting) forms(ctx context.Context) ([]Form, error) {
	all, err := r.s.cfg.Ledger.Plantings(ctx, canary.Filter{Batch: r.batch.ID, States: []canary.State{canary.Intended}})
	if err != nil {
		return nil, fmt.Errorf("read the batch's canaries: %w", err)
	}
	out := make([]Form, len(all))
	for i := range all {
		image, err := supportdb.DecodeImage(all[i].Rows)
		if err != nil {
			return nil, fmt.Errorf("canary %s: %w", all[i].ID, err)
		}
		out[i] = r.s.formOf(&image)
		out[i].Canary = all[i].ID
	}
	return out, nil
}

func (s *Seeder) formOf(i *supportdb.Image) Form {
	desk := s.cfg.Desk
	out := Form{
		Email:    s.fact(i, "email").Text(),
		Customer: s.fields(i, i.Customer(), desk.Recipe().CustomerFacts(), desk.Fact),
	}
	for _, n := range i.Tickets() {
		out.Tickets = append(out.Tickets, s.fields(i, n, desk.Recipe().TicketFacts(), desk.TicketFact))
	}
	return out
}

// fields are the columns of a customer or a ticket that say something by
// themselves, and its facts that other rows hold.
func (s *Seeder) fields(i *supportdb.Image, n int, facts []recipe.Fact, find func(string) (recipe.Place, bool)) supportdb.Row {
	var out supportdb.Row
	it := &i.Items[n]
	part := s.cfg.Desk.Part(it.Part)
	number, _ := s.cfg.Desk.TicketFact("number")
	for k, column := range it.Row.Columns {
		_, link := part.Link[column]
		switch {
		case link, it.Row.Values[k].Tied(), slices.Contains(part.Key, column):
		case part.Name == number.Part && column == number.Column:
		default:
			out.Set(column, it.Row.Values[k])
		}
	}
	for _, f := range facts {
		at, _ := find(f.Word)
		if at.Part == it.Part || at == number || f.Word == "key" {
			continue
		}
		name := at.Column
		if out.Has(name) {
			name = at.Part + "." + name
		}
		out.Set(name, i.Get(n, at))
	}
	return out
}

// formFault says how a batch is carried on that was begun the other way.
func formFault(b *canary.Batch) error {
	if b.Form {
		return fmt.Errorf("%w: its canaries are entered through the application (export-form, adopt)", ErrBatch)
	}
	return fmt.Errorf("%w: its canaries are inserted by plant", ErrBatch)
}
