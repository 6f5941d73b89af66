package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/drill"
	"saltmine/internal/registry"
)

// drillStage is a drill on its way.
type drillStage struct {
	*marksman
	staging
	now    func() time.Time
	report stagedDrill
	prey   []canary.DatedToken // in whose place the addresses stand; without an extract, none
	acts   []act
	fronts []drill.Front
}

// act is one contact that is to be made.
type act struct {
	front  *drill.Front
	target string
}

// newStage works out what a drill would do, and changes nothing.
func newStage(ctx context.Context, c *core, s staging, list []drill.Front, now func() time.Time) (*drillStage, error) {
	m, err := newMarksman(c, canary.DrillID(canary.NewID("d")))
	if err != nil {
		return nil, err
	}
	st := &drillStage{marksman: m, staging: s, now: now, fronts: list}
	st.report = stagedDrill{Began: canary.Micro(now()), Extract: s.extract, Route: s.route, Canaries: s.count, Faults: []string{}}
	if s.extract != "" {
		if err := st.readExtract(ctx); err != nil {
			return nil, err
		}
	}
	some := false
	for i := range list {
		f := &list[i]
		r := stagedFront{Front: f.Name()}
		if err := f.Playable(); err != nil {
			r.Left = err.Error()
		} else {
			r.Leaves, r.Why = f.Leaves(ctx)
			some = true
		}
		st.report.Fronts = append(st.report.Fronts, r)
	}
	if !some {
		return nil, errNoFront
	}
	return st, st.cast(ctx)
}

// readExtract finds the address by which each canary of the extract would be
// contacted: one that could be read when it was taken.
func (st *drillStage) readExtract(ctx context.Context) error {
	all, err := st.reg.Extracts(ctx)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(all, func(e canary.Extract) bool { return e.ID == st.extract })
	if i < 0 {
		return usage("--extract %q is not known: 'saltmine extracts import' makes it so", st.extract)
	}
	e := &all[i]
	plantings, err := st.reg.Plantings(ctx, canary.Filter{})
	if err != nil {
		return err
	}
	for _, p := range plantings {
		if t, ok := carriedOut(e, &p); ok {
			st.prey = append(st.prey, t)
		}
	}
	if len(st.prey) == 0 {
		return fmt.Errorf("extract %s held no canary with an address that could be read when it was taken", st.extract)
	}
	if len(st.prey) > mostStaged {
		return fmt.Errorf("extract %s held %d canaries, and a drill stages %d at most", st.extract, len(st.prey), mostStaged)
	}
	st.report.Canaries = len(st.prey)
	rand.Shuffle(len(st.prey), func(i, j int) { st.prey[i], st.prey[j] = st.prey[j], st.prey[i] }) //nolint:gosec // who is contacted is no secret
	return nil
}

// carriedOut is the address of a canary that stood in an extract.
func carriedOut(e *canary.Extract, p *canary.Planting) (canary.DatedToken, bool) {
	if e.Held != nil && !slices.Contains(e.Held, p.ID) || e.Held == nil && !e.Segment.Covers(p.Segment) {
		return canary.DatedToken{}, false
	}
	for _, t := range p.Tokens {
		here := e.Place == "" || t.Window.Place == e.Place
		if t.Kind == canary.Email && here && (t.Window.Possible(e.Taken.Earliest) || t.Window.Possible(e.Taken.Latest)) {
			return t, true
		}
	}
	return canary.DatedToken{}, false
}

// cast mints the tokens, and says which of them is contacted where: each name
// server and each phone front once, and the mail hosts in their turn.
func (st *drillStage) cast(ctx context.Context) error {
	hosts := playable(st.fronts, drill.SMTP)
	n := max(1, int(math.Round(st.fraction*float64(st.report.Canaries))), len(hosts))
	domains := st.cfg.Pool.Domains
	for _, f := range playable(st.fronts, drill.DNS) {
		st.acts = append(st.acts, act{f, domains[rand.IntN(len(domains))]}) //nolint:gosec // any will do
	}
	for i := 0; i < n && len(hosts) > 0; i++ {
		t, err := st.stand(ctx, i)
		if err != nil {
			return err
		}
		st.tokens = append(st.tokens, t)
		st.acts = append(st.acts, act{hosts[i%len(hosts)], t.Text})
	}
	for _, f := range playable(st.fronts, drill.Phone) {
		t := st.number()
		st.tokens = append(st.tokens, t)
		st.acts = append(st.acts, act{f, t.Text})
	}
	st.report.Contacts = len(st.acts)
	return nil
}

// stand mints an address that stands for a canary's, at the same domain where that
// is ours.
func (st *drillStage) stand(ctx context.Context, i int) (canary.DrillToken, error) {
	domains := st.cfg.Pool.Domains
	domain := domains[i%len(domains)]
	var stands canary.TokenID
	if i < len(st.prey) {
		stands = st.prey[i].ID
		if own := domainOf(st.prey[i].Text); slices.Contains(domains, own) {
			domain = own
		}
	}
	t, ok, err := st.address(ctx, domain)
	if err == nil && !ok {
		err = errors.New("a domain of the pool has no address left that its rule takes")
	}
	t.Stands = stands
	return t, err
}

// run makes the contacts, waits for what comes of them, and scores it.
func (st *drillStage) run(ctx context.Context) (err error) {
	if err := st.endStale(ctx, st.now()); err != nil {
		return err
	}
	if err := st.reg.BeginDrill(ctx, canary.Run{ID: st.marksman.run, Route: st.route}, st.tokens); err != nil {
		return err
	}
	st.report.Drill = st.marksman.run
	defer func() { err = errors.Join(err, st.end(ctx)) }()
	if err := st.makeAll(ctx); err != nil {
		return err
	}
	end := st.now().Add(st.wait)
	for {
		done, err := st.score(ctx)
		if err != nil || done || st.now().After(end) {
			st.judge()
			return err
		}
		if err := pause(ctx, 100*time.Millisecond); err != nil {
			return err
		}
	}
}

// makeAll makes the contacts, one after the other.
func (st *drillStage) makeAll(ctx context.Context) error {
	gone := 0 // could not be made
	for i, a := range st.acts {
		if i > 0 {
			if err := pause(ctx, st.delay/time.Duration(len(st.acts)-1)); err != nil {
				return err
			}
		}
		if !st.make(ctx, a) {
			gone++
		}
	}
	if gone == len(st.acts) { // what broke off may still have come through, and nothing else will
		st.wait = min(st.wait, brokenWait)
	}
	return nil
}

// brokenWait is how long a drill waits of which no contact could be made.
const brokenWait = 5 * time.Second

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

func (st *drillStage) front(name string) *stagedFront {
	i := slices.IndexFunc(st.report.Fronts, func(f stagedFront) bool { return f.Front == name })
	return &st.report.Fronts[i]
}

// make makes a contact, and reports whether it went out whole.
func (st *drillStage) make(ctx context.Context, a act) bool {
	ctx, cancel := context.WithTimeout(ctx, shotTime)
	defer cancel()
	f := st.front(a.front.Name())
	f.Made++
	if err := st.shoot(ctx, a.front, a.target); err != nil {
		f.Fault = "a contact could not be made: " + err.Error()
		return false
	}
	return true
}

// tally counts what was heard at each front, and says when the first contact was made.
func (st *drillStage) tally(ctx context.Context) (first time.Time, err error) {
	r := &st.report
	shots, err := st.reg.Shots(ctx, st.marksman.run, time.Time{})
	if err != nil || len(shots) == 0 {
		return r.Began, err
	}
	r.Heard = 0
	for i := range r.Fronts {
		r.Fronts[i].Heard = 0
	}
	for _, s := range shots {
		if s.Contact != "" {
			r.Heard++
			st.front(s.Front).Heard++
		}
	}
	r.Coverage = float64(r.Heard) / float64(max(1, r.Contacts))
	return shots[0].Issued, nil
}

// score looks what has come through, and reports whether all has.
func (st *drillStage) score(ctx context.Context) (done bool, err error) {
	r := &st.report
	first, err := st.tally(ctx)
	if err != nil {
		return false, err
	}
	inc, found, err := st.reg.DrillIncident(ctx, st.marksman.run)
	if err != nil || !found {
		return false, err
	}
	r.Incident, r.Severity, r.Pages, r.PageAfter = inc.ID, inc.Severity.String(), 0, 0
	pages, err := st.reg.PagesOf(ctx, inc.ID)
	waiting := false
	for _, p := range pages {
		if p.Sent.IsZero() {
			waiting = true
			continue
		}
		if after := p.Sent.Sub(first).Milliseconds(); r.Pages == 0 || after < r.PageAfter {
			r.PageAfter = after
		}
		r.Pages++
	}
	return r.Heard == r.Contacts && r.Pages > 0 && !waiting, err
}

// judge says what failed.
func (st *drillStage) judge() {
	r := &st.report
	for _, f := range r.Fronts {
		switch {
		case f.Left != "":
		case f.Heard == 0:
			r.Faults = append(r.Faults, fmt.Sprintf("front %s stayed silent", f.Front))
		case f.Heard < f.Made:
			r.Faults = append(r.Faults, fmt.Sprintf("%d of %d contacts at front %s did not come through", f.Made-f.Heard, f.Made, f.Front))
		}
	}
	if r.Pages == 0 {
		r.Faults = append(r.Faults, "no page was accepted by "+r.Route)
	}
}

// rank finds the place of the extract among the suspects.
func (st *drillStage) rank(ctx context.Context) {
	r := &st.report
	switch {
	case r.Extract == "":
		r.RankWhy = "no extract was named, and an extract of no real rows has no culprit"
		return
	case r.Incident == "":
		r.RankWhy = "there was no incident to trace"
		return
	}
	t, err := traceIncident(ctx, st.reg, r.Incident, st.now())
	if err != nil {
		r.RankWhy = "the trace failed: " + err.Error()
		return
	}
	r.Of = t.Answer.All + t.Answer.Some + t.Answer.None + 1 // with what is in no log
	for i, s := range t.Answer.Suspects {
		if s.Extract == r.Extract && !s.Unlogged {
			r.Rank = i + 1
			return
		}
	}
	r.RankWhy = "the trace does not name it"
}

// end closes the drill's incident with the verdict that it was one, and keeps the
// report, also when the drill is told to stop.
func (st *drillStage) end(ctx context.Context) error {
	if ctx.Err() != nil {
		st.report.Faults = append(st.report.Faults, "it was broken off")
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutDrillTime)
	defer cancel()
	st.rank(ctx)
	return st.endDrill(ctx, &st.report)
}

// endDrill keeps the report of a drill and closes its incident.
func (c *core) endDrill(ctx context.Context, r *stagedDrill) error {
	body, err := json.Marshal(r)
	if err != nil {
		return err
	}
	if err := c.reg.EndDrill(ctx, r.Drill, body); err != nil {
		return err
	}
	inc, found, err := c.reg.DrillIncident(ctx, r.Drill)
	if err != nil || !found || inc.Verdict != "" {
		return err
	}
	return c.reg.SetVerdict(ctx, inc.ID, canary.Drill, registry.By{Who: "drill " + string(r.Drill), Via: "drill"})
}

// staleDrill is after what time a drill that has not ended was killed: it lasts a
// day at most, and what it waits for after that.
const staleDrill = 48 * time.Hour

// endStale ends what killed drills left behind.
func (c *core) endStale(ctx context.Context, now time.Time) error {
	list, err := c.reg.OpenDrills(ctx, now.Add(-staleDrill))
	for _, id := range list {
		err = errors.Join(err, c.endDrill(ctx, &stagedDrill{Drill: id, Faults: []string{"whoever staged it was killed"}}))
	}
	return err
}
