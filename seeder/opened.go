package seeder

import (
	"context"
	"errors"
	"slices"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/token"
	"saltmine/seeder/supportdb"
)

// number gives the tickets of a step their numbers, and makes their tokens.
func (r *liveRun) number(ctx context.Context, st *step) error {
	var fresh []int
	for _, n := range st.image.Tickets() {
		if n >= len(st.c.image.Items) {
			fresh = append(fresh, n)
		}
	}
	st.tickets = len(fresh)
	if len(fresh) == 0 {
		return nil
	}
	rng := source([]byte(st.c.p.ID), "tickets", st.life.Stands)
	if err := r.s.refreshNumbers(ctx, r.m.l); err != nil {
		return err
	}
	spare := 0
	for range fresh {
		if rng.Float64() < r.m.pool.perScarce {
			spare++
		}
	}
	var spares []string
	var err error
	if r.s.cfg.Desk.NumberIsKey() {
		spares, err = r.m.skipped(ctx, rng, spare)
	} else {
		spares, err = r.give(ctx, st, fresh, spare)
	}
	for _, text := range spares {
		t, fault := placebo(canary.Ticket, text)
		err = errors.Join(err, fault)
		st.placebos = append(st.placebos, t)
	}
	return err
}

// give draws numbers for tickets, and others between them for placebos.
func (r *liveRun) give(ctx context.Context, st *step, fresh []int, spare int) ([]string, error) {
	rng := source([]byte(st.c.p.ID), "numbers", st.life.Stands)
	created, _ := r.s.cfg.Desk.TicketFact("created")
	number, _ := r.s.cfg.Desk.TicketFact("number")
	var times []time.Time
	for _, n := range fresh {
		at, _ := r.s.cfg.Desk.Part(created.Part).ParseTime(created.Column, st.image.Get(n, created))
		times = append(times, at)
	}
	where := positions(rng, len(times), spare)
	drawn, err := r.m.draw(ctx, rng, spaced(times, where))
	if err != nil {
		return nil, err
	}
	var spares []string
	next := 0
	for i, text := range drawn {
		if slices.Contains(where, i) {
			spares = append(spares, text)
			continue
		}
		n := fresh[next]
		next++
		rewrite(&st.image, n, st.image.Get(n, number).Text(), text)
		st.image.Set(n, number, supportdb.Text(text))
		st.image.Next = max(st.image.Next, r.m.after(text))
		t, err := r.s.planted(canary.Ticket, st.c.p.ID, text, r.s.now())
		if err != nil {
			return nil, err
		}
		st.tokens = append(st.tokens, t)
	}
	return spares, nil
}

// phoneOf is the canary's number in canonical form, empty without one.
func (c *living) phoneOf() string {
	if t, ok := current(c.p, canary.Phone); ok {
		if canon, err := token.Canon(canary.Phone, t.Text); err == nil {
			return canon
		}
	}
	return ""
}
