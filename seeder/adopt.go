package seeder

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/token"
	"saltmine/seeder/supportdb"
)

// AdoptReport says which canaries of a form stand now.
type AdoptReport struct {
	Batch   canary.BatchID `json:"batch"`
	Live    int            `json:"live"`    // planted or verified now
	Adopted int            `json:"adopted"` // found by this run
	Waiting int            `json:"waiting"` // no row has the address yet
	Tickets int            `json:"tickets"` // that were registered by this run
	// Findings are what is missing, and what the import has changed.
	Findings []Finding `json:"findings,omitempty"`
}

// Adopt looks by their addresses for canaries whose forms were entered through
// the application, reads back which rows they have, and registers these as
// planted: their tokens could be read since some time between the export and
// now. Ticket numbers that the application gave become tokens. Run again it
// finds those that came since, and tickets that were entered later. It changes
// nothing in the support database, and what it registers of a canary it
// registers at once:
//
//	form                            afterwards
//	no row has the address          intended: it waits, and is a finding
//	one row has it                  planted; what the import has changed is a finding
//	several have it                 intended, and a finding
//	given up, but entered after it  retired, and a finding: take it out by hand
func (s *Seeder) Adopt(ctx context.Context, batch canary.BatchID) (AdoptReport, error) {
	r := adoption{s: s, report: AdoptReport{Batch: batch}}
	if err := r.run(ctx); err != nil {
		return r.report, fmt.Errorf("adopt %s: %w", batch, err)
	}
	return r.report, nil
}

// adoption is one run of Adopt.
type adoption struct {
	s       *Seeder
	report  AdoptReport
	doubled bool // an address stands in several rows
}

func (r *adoption) run(ctx context.Context) error {
	b, found, err := r.s.cfg.Batches.Batch(ctx, r.report.Batch)
	if err != nil {
		return fmt.Errorf("read the batch: %w", err)
	}
	if !found || !b.Form || b.Place != r.s.cfg.Place {
		return fmt.Errorf("%w: no batch of this name was exported as a form from %s", ErrConfig, r.s.cfg.Place)
	}
	all, err := r.s.cfg.Ledger.Plantings(ctx, canary.Filter{Batch: b.ID})
	if err != nil {
		return fmt.Errorf("read the batch's canaries: %w", err)
	}
	for i := range all {
		if err := r.one(ctx, &all[i]); err != nil {
			return fmt.Errorf("canary %s: %w", all[i].ID, err)
		}
	}
	if r.report.Waiting > 0 || len(all) < b.Count || !b.Closed.IsZero() {
		return nil
	}
	if err := r.s.cfg.Batches.CloseBatch(ctx, b.ID, r.s.now()); err != nil {
		return fmt.Errorf("close the batch: %w", err)
	}
	return nil
}

func (r *adoption) one(ctx context.Context, p *canary.Planting) error {
	switch p.State {
	case canary.Intended:
		return r.enter(ctx, p)
	case canary.Planted, canary.Verified:
		r.report.Live++
		return r.later(ctx, p)
	case canary.Retired:
	}
	if p.Keys != nil {
		return nil // it stood, and verify looks for it
	}
	stands, err := r.entered(ctx, p)
	if err == nil && len(stands) > 0 {
		r.find(Finding{Canary: p.ID, Problem: Restored, Detail: "it was given up before its form was entered, and stands now: take it out through the application"})
	}
	return err
}

func (r *adoption) find(f Finding) { r.report.Findings = append(r.report.Findings, f) }

// entered reads the customers that have a form's address.
func (r *adoption) entered(ctx context.Context, p *canary.Planting) ([]supportdb.Record, error) {
	image, err := supportdb.DecodeImage(p.Rows)
	if err != nil {
		return nil, err
	}
	written := r.s.fact(&image, "email").Text()
	keys, err := r.s.cfg.Desk.EmailHolders(ctx, written)
	// An application may take its capitals away, and the column tell them apart.
	if lower := strings.ToLower(written); err == nil && len(keys) == 0 && lower != written {
		keys, err = r.s.cfg.Desk.EmailHolders(ctx, lower)
	}
	if err != nil || len(keys) == 0 {
		return nil, err
	}
	return r.s.cfg.Desk.Read(ctx, keys)
}

// enter registers a canary whose form was entered.
func (r *adoption) enter(ctx context.Context, p *canary.Planting) error {
	stands, err := r.entered(ctx, p)
	if err != nil {
		return err
	}
	switch len(stands) {
	case 0:
		r.report.Waiting++
		r.find(Finding{Canary: p.ID, Problem: Missing, Kind: canary.Email, Detail: "no row has its address: its form was not entered, or with another address"})
		return nil
	case 1:
	default:
		r.report.Waiting, r.doubled = r.report.Waiting+1, true
		r.find(Finding{Canary: p.ID, Problem: Duplicate, Kind: canary.Email, Detail: fmt.Sprintf("%d rows have its address: keep one of them", len(stands))})
		return nil
	}
	form, err := supportdb.DecodeImage(p.Rows)
	if err != nil {
		return err
	}
	a, err := r.stand(ctx, p, &stands[0])
	if err != nil {
		return err
	}
	a.State = canary.Planted
	for _, t := range p.Tokens {
		if t.Window.From = settled(r.since(p, &stands[0]), a.Seen); t.Kind != canary.Email && !represents(t.Kind, t.Text, r.s.fact(&stands[0].Image, string(t.Kind)).Text()) {
			t.Window = never(t.Window)
		}
		a.Windows[t.ID] = t.Window
	}
	r.compare(p.ID, &form, &stands[0].Image)
	r.report.Adopted, r.report.Live = r.report.Adopted+1, r.report.Live+1
	return r.register(ctx, a)
}

// later registers tickets of an adopted canary that were entered after it.
func (r *adoption) later(ctx context.Context, p *canary.Planting) error {
	l, err := decodeLife(p.Life)
	if err != nil || l.Pending {
		return err // a step of its life is unfinished: live settles it first
	}
	found, err := r.s.subjects(ctx, []canary.Planting{*p})
	if err != nil || found[0].row == nil {
		return err // verify says so
	}
	c := &found[0]
	if len(c.row.Tickets()) <= len(c.image.Tickets()) {
		return nil
	}
	a, err := r.stand(ctx, p, c.row)
	if err != nil {
		return err
	}
	return r.register(ctx, a)
}

func (r *adoption) register(ctx context.Context, a canary.Amendment) error {
	r.report.Tickets += len(a.Tokens)
	if err := r.s.amend(ctx, a); err != nil {
		return fmt.Errorf("register as planted: %w", err)
	}
	return nil
}

// stand is the amendment that registers a customer's rows as a canary's, and
// the numbers of tickets that are not registered yet.
func (r *adoption) stand(ctx context.Context, p *canary.Planting, stands *supportdb.Record) (canary.Amendment, error) {
	desk, s := r.s.cfg.Desk, r.s
	image, now := desk.Plan(stands), r.s.now()
	numbers := s.numbersOf(&stands.Image)
	var keys supportdb.Keys
	for _, n := range desk.Order(stands) {
		keys.Rows = append(keys.Rows, desk.Part(stands.Items[n].Part).KeyOf(&stands.Items[n].Row))
	}
	if desk.NumberIsKey() {
		keys.Numbers = numbers
	}
	a := canary.Amendment{Canary: p.ID, Row: image.CustomerKey(keys), Windows: map[canary.TokenID]canary.Window{}, Seen: now}
	for _, text := range numbers {
		t, err := s.planted(canary.Ticket, p.ID, text, now)
		if err != nil {
			return a, err
		}
		if slices.ContainsFunc(p.Tokens, func(o canary.DatedToken) bool { return o.Kind == canary.Ticket && o.Text == t.Text }) {
			continue
		}
		known, err := s.known(ctx, canary.Ticket, text)
		if err != nil {
			return a, err
		}
		if known {
			r.find(Finding{Canary: p.ID, Problem: Duplicate, Kind: canary.Ticket, Detail: "the number that the application gave is registered for something else"})
			continue
		}
		t.Window.From = settled(r.since(p, stands), now)
		a.Tokens = append(a.Tokens, t)
	}
	l := life{Until: now, Stands: len(image.Items), Dim: now}
	var err error
	if a.Rows, err = image.Encode(); err != nil {
		return a, err
	}
	if a.Keys, err = keys.Encode(); err != nil {
		return a, err
	}
	a.Life, err = l.encode()
	return a, err
}

// since is the earliest time at which the rows of a form can have stood: its
// export, or when they say that they were made, as far as zones allow.
func (r *adoption) since(p *canary.Planting, stands *supportdb.Record) time.Time {
	var since time.Time
	for _, t := range p.Tokens {
		if at := t.Window.From.Earliest; since.IsZero() || at.Before(since) {
			since = at
		}
	}
	made, ok := r.s.signedUp(&stands.Image)
	if made = canary.Micro(made.Add(-zoneAhead)); ok && made.After(since) && made.Before(r.s.now()) {
		return made
	}
	return since
}

// compare files what the import has made of a form.
func (r *adoption) compare(id canary.ID, form, stands *supportdb.Image) {
	for _, f := range r.s.cfg.Desk.Recipe().CustomerFacts() {
		switch f.Word {
		case "key", "created", "updated":
			continue
		}
		was, is := r.s.fact(form, f.Word), r.s.fact(stands, f.Word)
		at, _ := r.s.cfg.Desk.Fact(f.Word)
		kind := canary.Kind("")
		if f.Word == "email" || f.Word == "phone" {
			kind = canary.Kind(f.Word)
		}
		if supportdb.SameText(was.Text(), is.Text()) {
			continue
		}
		detail := "the value is not the form's"
		switch {
		case is.Text() == "":
			detail = "the value of the form was not taken over"
		case kind == canary.Phone:
			if t, err := token.Canon(kind, was.Text()); err == nil && represents(kind, t, is.Text()) {
				detail = "the number is the form's, spelt otherwise"
			}
		}
		r.find(Finding{Canary: id, Problem: Edited, Kind: kind, Column: at.Column, Detail: detail})
	}
	if want, have := len(form.Tickets()), len(stands.Tickets()); have < want {
		r.find(Finding{Canary: id, Problem: Missing, Kind: canary.Ticket, Detail: fmt.Sprintf("%d of its %d tickets stand", have, want)})
	}
}
