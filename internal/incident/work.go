package incident

import (
	"context"
	"slices"
	"time"

	"saltmine/internal/canary"
)

// Bounds of grouping.
const (
	together = canary.RecentPast // contacts on one place within it are one incident
	nearby   = 15 * time.Minute  // a DNS query so near to a mail belongs to it
	skew     = time.Minute       // so far an ear's clock may be behind the core's

	mostSupport = 200 // queries that an incident keeps: a stranger can ask for ever
)

// work is one group of contacts on its way to an outcome.
type work struct {
	in      *Intake
	out     canary.Outcome
	board   []*canary.Standing
	filed   map[canary.ContactID]bool // complete or pending, in the registry or in out
	entry   map[canary.ContactID]int  // index into out.Entries
	unmet   map[canary.Target]bool    // of the group: they meet nothing
	changed map[canary.IncidentID]bool
	anew    map[canary.IncidentID]bool // it proves what it did not when somebody acknowledged it
	room    room
	first   time.Time                     // the group's earliest
	cells   map[canary.Cell]*canary.Heard // that the registry was asked for
	planted []canary.Registered
	pools   map[canary.Cell]*pool // see poolOf
	queries []query               // DNS queries of this group, not yet in the registry
	lookers map[string]*canary.Looker
	had     map[canary.TokenID]canary.Hit // of the contact that is searched, filed before
	kin     kin                           // what the contact that is assessed has in common with others
	off     time.Duration                 // by which the clock of the ear of the mark looked at last is off
	runs    map[canary.DrillID]string     // drills that were contacted, and where their pages go
}

type query struct {
	id     canary.ContactID
	domain string
	at     time.Time
}

func (in *Intake) begin(ctx context.Context, contacts []canary.Contact, o canary.Outcome) (*work, error) {
	ids := make([]canary.ContactID, len(contacts))
	first := in.cfg.Now() // an intake that is behind compares with the incidents of then
	for i := range contacts {
		ids[i] = contacts[i].ID
		first = earliest(first, contacts[i].At)
	}
	filed, err := in.cfg.Finder.Filed(ctx, ids)
	if err != nil {
		return nil, err
	}
	standing, err := in.cfg.Filer.Board(ctx, first.Add(-together))
	if err != nil {
		return nil, err
	}
	w := &work{in: in, out: o, first: first, filed: filed, entry: map[canary.ContactID]int{}, changed: map[canary.IncidentID]bool{}, anew: map[canary.IncidentID]bool{}, lookers: map[string]*canary.Looker{}, runs: map[canary.DrillID]string{}}
	for i := range standing {
		w.board = append(w.board, &standing[i])
	}
	return w, nil
}

// take files one contact and works out its hits.
func (w *work) take(ctx context.Context, c canary.Contact) error {
	complete, known := w.filed[c.ID]
	if known && complete {
		return nil // heard before under this id
	}
	whole, err := w.withCall(ctx, &c)
	if err != nil {
		return err
	}
	e := canary.Entry{Contact: c, Pending: c.Open, CutOff: c.Probe && c.Facts["end"] == cutOff, Replaces: known, Origin: w.in.cfg.Blind.BlindOrigin(origin(whole))}
	if c.Channel == canary.DNS && !c.Open && !c.Unverified && !flood(&c) {
		e.Domain = w.in.cfg.Blind.BlindDomain(c.Facts["zone"])
	}
	if i, here := w.entry[c.ID]; here {
		e.Replaces = w.out.Entries[i].Replaces
		w.out.Entries[i] = e
	} else {
		w.entry[c.ID] = len(w.out.Entries)
		w.out.Entries = append(w.out.Entries, e)
	}
	w.filed[c.ID] = !c.Open
	switch {
	case c.Open, c.Unverified, flood(&c), housekeeping(&c), c.Reporter():
		return nil
	case c.Channel == canary.DNS:
		return w.takeQuery(ctx, &c, e.Domain)
	}
	return w.match(ctx, whole, e.Origin)
}

// takeQuery joins a DNS query to incidents, unless it is a drill's.
func (w *work) takeQuery(ctx context.Context, c *canary.Contact, domain string) error {
	drill, err := w.drillQuery(ctx, c)
	switch {
	case err != nil:
		return err
	case drill:
		e := &w.out.Entries[w.entry[c.ID]]
		e.Domain, e.Class = "", canary.ClassDrill
	default:
		w.joinQuery(c, domain)
	}
	return nil
}

// joinQuery joins a DNS query to the incidents whose mails came from the same
// domain shortly before; mails that come later look back for it.
func (w *work) joinQuery(c *canary.Contact, domain string) {
	w.queries = append(w.queries, query{c.ID, domain, c.At})
	for _, s := range w.board {
		if at, ok := s.Domains[domain]; ok && c.At.Sub(at).Abs() <= nearby {
			w.support(s, c.ID)
		}
	}
}

func (w *work) support(s *canary.Standing, id canary.ContactID) {
	if s.Support >= mostSupport {
		return
	}
	w.out.Supports = append(w.out.Supports, canary.Support{Incident: s.ID, Contact: id})
	s.Support++
}

func (w *work) match(ctx context.Context, c *canary.Contact, from string) error {
	exact, matches, err := w.matches(ctx, c)
	if err != nil {
		return err
	}
	guessing, err := w.lookUp(ctx, c, exact)
	if err != nil {
		return err
	}
	if err := w.stray(ctx, c, exact); err != nil {
		return err
	}
	e := &w.out.Entries[w.entry[c.ID]]
	e.Search = w.in.cfg.Known != nil && searched(c)
	e.Class = classOf(c, nil)
	if len(matches) == 0 {
		return nil
	}
	if err := w.assess(ctx, c, from, w.in.glance(ctx, c), matches, guessing); err != nil {
		return err
	}
	w.out.Entries[w.entry[c.ID]].Class = w.class(c, matches)
	return nil
}

// stray tells of the targets that are no token.
func (w *work) stray(ctx context.Context, c *canary.Contact, matches []canary.Match) error {
	for i, t := range c.Targets {
		if slices.ContainsFunc(matches, func(m canary.Match) bool { return m.Target == i }) {
			continue
		}
		if err := w.in.cfg.Stray(ctx, t, c.At); err != nil {
			return err
		}
	}
	return nil
}

// join adds a hit to its incident, opening one where none stands.
func (w *work) join(ctx context.Context, h canary.Hit, place canary.Place, sig signal) error {
	s := w.standing(place, h.At)
	w.comesBack(s, h.At, sig)
	h.Incident = s.ID
	s.Contacts += w.countOnce(h)
	w.out.Hits = append(w.out.Hits, h)
	if !h.Cell.Variant() {
		s.Touched[h.Canary] = latest(s.Touched[h.Canary], h.At)
		if sig.clean {
			s.Clean[h.Canary] = latest(s.Clean[h.Canary], h.At)
		}
	}
	s.Canaries = len(s.Touched)
	if sig.severity.Reaches(canary.P3) && !h.Cell.Spoken() || sig.severity.Reaches(canary.P2) {
		// Background noise must not keep an incident open: a later leak would
		// join it and wake nobody. Text messages alone would do so for ever.
		s.Updated = latest(s.Updated, h.At)
	}
	w.anew[s.ID] = w.anew[s.ID] || proves(s, sig)
	raise(&s.Incident, sig)
	if !h.Cell.Variant() {
		raise(&s.Incident, signal{severity: canary.P4, reason: remark(h.Class)})
	}
	w.changed[s.ID] = true
	if err := w.together(ctx, s, h, sig); err != nil {
		return err
	}
	if h.Domain == "" {
		return nil
	}
	s.Domains[h.Domain] = latest(s.Domains[h.Domain], h.At)
	return w.lookBack(ctx, s, h)
}

// countOnce is 1 for the first hit of a contact in an incident.
func (w *work) countOnce(h canary.Hit) int {
	for _, old := range w.out.Hits {
		if old.Contact == h.Contact && old.Incident == h.Incident {
			return 0
		}
	}
	return 1
}

// lookBack joins the DNS queries that came shortly before a mail.
func (w *work) lookBack(ctx context.Context, s *canary.Standing, h canary.Hit) error {
	ids, err := w.in.cfg.Finder.Queries(ctx, h.Domain, h.At.Add(-nearby), h.At.Add(nearby+time.Microsecond)) // half-open
	if err != nil {
		return err
	}
	for _, q := range w.queries {
		if q.domain == h.Domain && h.At.Sub(q.at).Abs() <= nearby {
			ids = append(ids, q.id)
		}
	}
	for _, id := range ids {
		if !w.supported(s.ID, id) {
			w.support(s, id)
		}
	}
	return nil
}

func (w *work) supported(incident canary.IncidentID, id canary.ContactID) bool {
	for _, s := range w.out.Supports {
		if s.Incident == incident && s.Contact == id {
			return true
		}
	}
	return false
}

// standing finds the open incident of a place, or the one that the same author made
// before, or opens one. Where two are near
// enough (contacts came days late and out of order) it is the nearer one.
func (w *work) standing(place canary.Place, at time.Time) *canary.Standing {
	var best *canary.Standing
	for _, s := range w.board {
		if (s.Place == place || slices.Contains(s.Also, place)) && apart(s, at) <= together && (best == nil || apart(s, at) < apart(best, at)) {
			best = s
		}
	}
	if best == nil {
		best = w.continued(place, at)
	}
	if best != nil {
		return best
	}
	s := &canary.Standing{
		Incident: canary.Incident{ID: canary.IncidentID(canary.NewID("i")), Place: place, Severity: canary.P4, Opened: at, Updated: at},
		Clean:    map[canary.ID]time.Time{}, Touched: map[canary.ID]time.Time{}, Domains: map[string]time.Time{}, Paged: map[string]canary.Severity{},
	}
	w.board = append(w.board, s)
	return s
}

func apart(s *canary.Standing, at time.Time) time.Duration { return at.Sub(s.Updated).Abs() }

// finish writes the changed incidents and the pages they deserve.
func (w *work) finish(ctx context.Context) error {
	w.saveLookers()
	for _, s := range w.board {
		if w.changed[s.ID] {
			w.out.Incidents = append(w.out.Incidents, s.Incident)
		}
	}
	return w.pageAll(ctx, func(s *canary.Standing) bool { return w.changed[s.ID] })
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func earliest(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
