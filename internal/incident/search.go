package incident

import (
	"context"
	"errors"
	"slices"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/mention"
)

// Queue is where contacts wait to be searched.
type Queue interface {
	// SearchesDue gives up to limit contacts that wait.
	SearchesDue(ctx context.Context, limit int) ([]canary.ContactID, error)
	// Contact gives a filed contact; canary.ErrUnreadable says that it never will.
	Contact(ctx context.Context, id canary.ContactID) (*canary.Contact, error)
	// HitsOf gives the hits of a filed contact.
	HitsOf(ctx context.Context, id canary.ContactID) ([]canary.Hit, error)
	// PutSearchAside takes a contact that cannot be read out of the queue.
	PutSearchAside(ctx context.Context, id canary.ContactID) error
}

// Searcher searches what contacts say for tokens that they were not aimed at,
// and assesses them a second time. It runs beside the intake, which has filed
// and paged before, and takes contacts in any order: a contact leaves the queue
// in the commit that holds what was found in it.
type Searcher struct {
	in    *Intake
	queue Queue
	wake  chan struct{}
	full  map[canary.IncidentID]bool // they keep no more of what their author sends elsewhere
}

// NewSearcher returns a searcher. Of the configuration it needs what concerns
// the registry, the routes and the time, and the same Turn as the intakes.
func NewSearcher(cfg Config, queue Queue) *Searcher {
	return &Searcher{in: New(cfg), queue: queue, wake: make(chan struct{}, 1), full: map[canary.IncidentID]bool{}}
}

const (
	searchTime    = 2 * time.Second // for one contact
	searchesRead  = 32              // contacts that are taken from the queue at a time
	searchPause   = time.Minute     // between two looks at the queue that nobody asked for
	mostMentioned = 200             // tokens that one contact names
)

// Wake makes the searcher look at the queue.
func (s *Searcher) Wake() {
	select {
	case s.wake <- struct{}{}:
	default: // it will look anyway
	}
}

// Run searches until ctx ends.
func (s *Searcher) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		if err := s.in.retry(ctx, s.Drain); err != nil {
			return stopped(ctx, err)
		}
		select {
		case <-ctx.Done():
		case <-s.wake:
		case <-time.After(searchPause):
		}
	}
	return nil
}

// Drain searches what waits now.
func (s *Searcher) Drain(ctx context.Context) error {
	for ctx.Err() == nil {
		ids, err := s.queue.SearchesDue(ctx, searchesRead)
		if err != nil || len(ids) == 0 {
			return err
		}
		if err := s.group(ctx, ids); err != nil {
			return err
		}
		s.in.taken += len(ids)
	}
	return ctx.Err()
}

// group searches contacts, and commits together those that name nothing. What
// was found does not wait for the rest.
func (s *Searcher) group(ctx context.Context, ids []canary.ContactID) error {
	var done []canary.ContactID
	began := s.in.cfg.Now()
	for _, id := range ids {
		c, err := s.queue.Contact(ctx, id)
		if errors.Is(err, canary.ErrUnreadable) {
			s.in.cfg.Log.ErrorContext(ctx, "a contact cannot be read, and is not searched", "contact", id, "err", err)
			if err = s.queue.PutSearchAside(ctx, id); err == nil {
				continue
			}
		}
		if err != nil {
			return err
		}
		f, err := s.search(ctx, c)
		if err != nil {
			return err
		}
		done = append(done, id)
		if f.deserving {
			if err := s.settle(ctx, done, &f); err != nil {
				return err
			}
			done = nil
		}
		if s.in.cfg.Now().Sub(began) > searchTime {
			break
		}
	}
	return s.settle(ctx, done, nil)
}

// found is what a search came to.
type found struct {
	contact   *canary.Contact
	said      reading
	more      []canary.Target // known tokens that it names
	deserving bool            // it is to be assessed (again)
	had       []canary.Hit
}

// search reads and searches one contact.
func (s *Searcher) search(ctx context.Context, c *canary.Contact) (f found, err error) {
	f.contact = c
	if f.had, err = s.queue.HitsOf(ctx, c.ID); err != nil {
		return f, err
	}
	deadline := s.in.cfg.Now().Add(searchTime)
	s.in.carefully(ctx, c, func() {
		f.said = read(ctx, c, maxSaid) // a mail is parsed in two seconds at most
		f.more, err = s.mentioned(ctx, c, &f.said, deadline)
	})
	// What reached a token and was read whole before its page says nothing new.
	f.deserving = len(f.more) > 0 || reported(c) || len(f.had) > 0 && len(c.Raw)+len(c.Text) > glanced
	if err == nil && !f.deserving && !told(f.had) {
		var k kin
		k, err = (&work{in: s.in}).kinOf(ctx, c, f.said)
		f.deserving = slices.ContainsFunc(k.authors, func(a canary.Alike) bool { return !s.full[a.Incident] })
	}
	return f, err
}

// mentioned are the known tokens in what a contact says, those first that its
// header and envelope name.
func (s *Searcher) mentioned(ctx context.Context, c *canary.Contact, said *reading, deadline time.Time) ([]canary.Target, error) {
	out, err := s.known(ctx, routedTo(c, *said))
	if err != nil {
		return nil, err
	}
	for from, window := range mention.Windows(said.text) {
		if s.in.cfg.Now().After(deadline) {
			s.in.cfg.Log.WarnContext(ctx, "a contact says more than was searched in its time", "contact", c.ID, "bytes", len(said.text), "searched", from)
			break
		}
		here, err := s.known(ctx, named(window))
		if err != nil {
			return nil, err
		}
		if len(here) > 0 && from+len(window) > maxTold {
			said.hear(window) // what stands beside it
		}
		for _, t := range here {
			if !slices.ContainsFunc(out, func(old canary.Target) bool { return old.Kind == t.Kind && old.Text == t.Text }) {
				out = append(out, t)
			}
		}
		if len(out) >= mostMentioned {
			return out[:mostMentioned], nil
		}
	}
	return out, nil
}

// named is whatever in a text may be a token.
func named(text string) (out []canary.Target) {
	for kind, list := range mention.In(text) {
		for _, canon := range list {
			out = append(out, canary.Target{Kind: kind, Text: canon, Via: canary.InText})
		}
	}
	return out
}

// known are those of some texts that are registered, each once.
func (s *Searcher) known(ctx context.Context, named []canary.Target) ([]canary.Target, error) {
	var out []canary.Target
	for _, kind := range []canary.Kind{canary.Email, canary.Ticket, canary.Phone} {
		of := map[string]canary.Target{} // by text, what was found first
		var texts []string
		for _, t := range named {
			if _, twice := of[t.Text]; t.Kind == kind && !twice {
				of[t.Text] = t
				texts = append(texts, t.Text)
			}
		}
		known, err := s.in.cfg.Known(ctx, kind, texts)
		if err != nil {
			return nil, err
		}
		for _, text := range known {
			out = append(out, of[text])
		}
	}
	return out, nil
}

// settle takes contacts out of the queue, with what follows from what was found.
func (s *Searcher) settle(ctx context.Context, done []canary.ContactID, f *found) error {
	switch {
	case len(done) == 0:
		return nil
	case f == nil: // it changes no incident
		return s.in.cfg.Filer.Commit(ctx, canary.Outcome{Searched: done})
	}
	s.in.cfg.Turn.Lock()
	defer s.in.cfg.Turn.Unlock()
	w, err := s.in.begin(ctx, []canary.Contact{*f.contact}, canary.Outcome{Searched: done})
	if err != nil {
		return err
	}
	if err := w.again(ctx, f); err != nil {
		return err
	}
	for _, st := range w.board {
		if st.Support >= mostSupport {
			s.full[st.ID] = true
		}
	}
	return s.in.finish(ctx, w)
}

// again assesses a contact that is filed, by all that it says. The tokens that it
// names come to it as targets: they are not filed, for they are found again in
// the evidence.
func (w *work) again(ctx context.Context, f *found) error {
	w.had = map[canary.TokenID]canary.Hit{}
	for _, h := range f.had {
		w.had[h.Token] = h
	}
	c, err := w.withCall(ctx, f.contact)
	if err != nil {
		return err
	}
	whole := *c
	whole.Targets = slices.Concat(c.Targets, f.more)
	_, matches, err := w.matches(ctx, &whole)
	from := w.in.cfg.Blind.BlindOrigin(origin(c))
	if err == nil && len(matches) > 0 {
		err = w.assess(ctx, &whole, from, f.said, matches, false)
	}
	switch {
	case err != nil:
	case reported(c):
		err = w.report(ctx, c, f.said, from)
	case !told(f.had) && len(w.incidentsOf(c)) == 0:
		err = w.kindred(ctx, c, f.said)
	}
	return err
}

// told reports whether one of some hits belongs to an incident.
func told(hits []canary.Hit) bool {
	return slices.ContainsFunc(hits, func(h canary.Hit) bool { return h.Incident != "" })
}

// strengthen takes into the incident of a hit what the rest of its contact adds.
// An incident that was closed since stays as it was judged. Whether it is proved
// only now is asked before it weighs more.
func (w *work) strengthen(h canary.Hit, sig signal) {
	if more := content(sig); more > max(h.Content, 1) {
		w.out.Stronger = append(w.out.Stronger, canary.Stronger{Contact: h.Contact, Token: h.Token, Content: more})
	}
	for _, s := range w.board {
		if s.ID == h.Incident && sig.severity.Reaches(s.Severity) && !sig.guess {
			w.anew[s.ID] = w.anew[s.ID] || proves(s, sig)
			raise(&s.Incident, sig)
			if wt := s.Weight; wt != nil && content(sig) > wt.Content {
				s.Weight = new(*wt)
				s.Weight.Content, s.Weight.Factor = content(sig), min(wt.ByCount*content(sig), 1e300)
			}
			w.changed[s.ID] = true
		}
	}
}
