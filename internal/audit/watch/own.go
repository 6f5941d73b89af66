package watch

import (
	"context"
	"slices"
	"time"

	"saltmine/internal/audit"
	"saltmine/internal/canary"
)

// own are our own sessions in the support database. Their account alone does not make
// statements ours: the application may use the same, and so may whoever got hold of it.
type own struct {
	account  string // user@host, as the server knows us
	sessions map[uint32][]*session
}

type session struct {
	canary.Session
	until time.Time
}

// How long a session of ours may be read in: it gets no new statement after an hour, but
// for those of its transaction, and a statement may take long.
const ownFor = time.Hour + day

// soon is how long after a session is opened the server may log that it was.
const soon = time.Minute

// learn asks for the sessions that events from a time on may be of.
func (o *own) learn(ctx context.Context, store Store, place canary.Place, from time.Time) error {
	from = from.Add(-ownFor)
	list, err := store.Sessions(ctx, place, from) // others note theirs too, by other clocks
	if err != nil {
		return err
	}
	if o.sessions == nil {
		o.sessions = map[uint32][]*session{}
	}
	for _, s := range list {
		known := o.sessions[s.Number]
		if slices.ContainsFunc(known, func(k *session) bool { return k.ID == s.ID }) {
			continue
		}
		o.sessions[s.Number] = append(known, &session{s, s.From.Add(ownFor)})
	}
	return nil
}

// see ends sessions of which the log tells the end, or that another has their number now.
func (o *own) see(e *audit.Event, slack time.Duration) {
	if e.Low || e.At.IsZero() || e.Kind != audit.Connect && e.Kind != audit.Disconnect {
		return
	}
	for _, s := range o.sessions[uint32(e.Connection)] { //nolint:gosec // the half that a greeting tells
		begun := e.At.Add(-slack)
		if e.Kind == audit.Connect {
			begun = begun.Add(-soon)
		}
		if end := e.At.Add(e.Precision); s.From.Before(begun) && end.Before(s.until) {
			s.until = end
		}
	}
}

// did reports whether a statement was one of ours: user, host, session and time are right.
func (o *own) did(e *audit.Event, slack time.Duration) bool {
	if e.At.IsZero() || e.User+"@"+e.Host != o.account {
		return false
	}
	return slices.ContainsFunc(o.sessions[uint32(e.Connection)], func(s *session) bool { //nolint:gosec // as above
		return !e.At.Add(e.Precision+slack).Before(s.From) && e.At.Add(-slack).Before(s.until)
	})
}

// copies learns, at each pass, as others may have found some, which tables statements filled before.
func (w *Watch) copies(ctx context.Context) error {
	list, err := w.cfg.Store.Copies(ctx, w.cfg.Place)
	if err != nil {
		return err
	}
	w.album.replayer.Learn(list)
	return nil
}

// ours learns which sessions from a time on are our own.
func (w *Watch) ours(ctx context.Context, from time.Time) error {
	w.own.account = w.album.account
	return w.own.learn(ctx, w.cfg.Store, w.cfg.Place, from)
}
