// Package response does something about incidents: it runs a command or tells a webhook,
// as when an account is to be suspended before anybody is awake.
//
// A rule answers to one cause. What it does about an incident is written down before it
// is done, and once: the store gives each pair of rule and incident one row. So a crash
// leaves one of two things: a row that is due, which is begun after the restart, or one
// that was begun, of which nobody knows what came. That one is told to a person and never
// begun again by itself. A dry rule writes down what it would do; one that waits asks a
// person first.
//
// What is done is given facts as JSON, on standard input or as a body signed by Standard
// Webhooks:
//
//	{"type":"response","id":"r_0123456789abcdef","rule":"suspend","on":"tripwire",
//	 "at":"2026-08-05T10:00:00Z","incident":"i_…","severity":"P1","place":"db:main",
//	 "account":"j.doe@10.1.2.3"}
//
// They hold ids, times and names of accounts and extracts, and never a canary or a token.
// The id is the same if it is done again, so a receiver can drop repeats.
//
// A command has no shell, no environment but PATH, LANG and HOME, and a group of
// processes of its own, which is killed whole when its time is over. Of its output 16 KiB
// are kept. Nothing is tried again by itself, a refused connection neither: whether
// something is to be done later is for a person to say.
package response

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"saltmine/internal/canary"
)

// Facts is what is given to what is done.
type Facts struct {
	Type     string            `json:"type"`
	ID       canary.ResponseID `json:"id"`
	Rule     string            `json:"rule"`
	On       string            `json:"on"`
	At       time.Time         `json:"at"` // when it was begun
	Incident canary.IncidentID `json:"incident"`
	Severity canary.Severity   `json:"severity"`
	Verdict  canary.Verdict    `json:"verdict,omitempty"`
	Place    canary.Place      `json:"place"`
	// Account is that of the support database whose reading the incident is about.
	Account string `json:"account,omitempty"`
	// P is how probable it is that the first actor of the trace took part in the leak.
	// Actor names him when that is over .5, a lead, and Extract the most probable of what
	// he took: it explains Explains of so many hits. Alone is set when P is over .9 and of
	// enough contacts, a suspect, it explains all of them, and nobody else's does. It
	// proves nothing against anybody.
	P        float64          `json:"p,omitempty"`
	Extract  canary.ExtractID `json:"extract,omitempty"`
	Actor    string           `json:"actor,omitempty"`
	Explains int              `json:"explains,omitempty"`
	Of       int              `json:"of,omitempty"`
	Alone    bool             `json:"alone,omitempty"`
	Link     string           `json:"link,omitempty"`
	// Confirmed is who said yes to it.
	Confirmed string `json:"confirmed_by,omitempty"`
}

// Result is what came of it: done, failed or unknown.
type Result struct {
	State   canary.ResponseState
	Outcome string // one line
	Output  string // the beginning, of Bytes in all
	Bytes   int64
}

// Deed does something, until ctx ends at the latest.
type Deed func(ctx context.Context, id canary.ResponseID, facts []byte) Result

// Rule is what is done when.
type Rule struct {
	Name, On string
	Dry      bool // only write down what would be done
	Confirm  bool // ask a person first
	// Timeout ends what is done; MinInterval is how long the rule rests after it began.
	Timeout, MinInterval time.Duration
	Do                   Deed
	What                 string // what it does, in words
}

// Config is what a keeper needs.
type Config struct {
	Rule  Rule
	Store Store
	Begin Begin
	// Core tells this core from others of the same store, also after a restart.
	Core string
	// Facts gathers what is known of an incident.
	Facts func(context.Context, *canary.Incident) (Facts, error)
	// Incident gives one by its id.
	Incident func(context.Context, canary.IncidentID) (canary.Incident, error)
	// Tell is called with all that a person should look at, whenever that has changed;
	// failing says since when looks go wrong, where they have for some minutes.
	Tell func(ctx context.Context, rule string, open []canary.Response, failing time.Time) error
	// Moved reports whether an error means that another core was faster.
	Moved func(error) bool
	Every time.Duration // between two looks
	Now   func() time.Time
	Log   *slog.Logger
}

// Store finds what is to be done and keeps what was.
type Store interface {
	ArmResponse(ctx context.Context, rule, cause string) error
	Unanswered(ctx context.Context, rule, cause string, limit int) ([]canary.Incident, error)
	AddResponse(ctx context.Context, a canary.Response) (added bool, err error)
	ResponseBegun(ctx context.Context, rule string) (time.Time, error)
}

// Begin is the part of a store that keeps what was begun.
type Begin interface {
	BeginResponse(ctx context.Context, id canary.ResponseID, core string, facts json.RawMessage, within time.Duration) (canary.Response, error)
	// DropResponse does not do what is due.
	DropResponse(ctx context.Context, id canary.ResponseID, why string) error
	// HoldResponse lets what is due, and what nobody confirmed, wait for a person.
	HoldResponse(ctx context.Context, id canary.ResponseID) error
	EndResponse(ctx context.Context, id canary.ResponseID, end canary.Response) (canary.Response, error)
	// In gives those of a rule in some states, the newest first; with an error those
	// that can be read.
	In(ctx context.Context, rule string, states ...canary.ResponseState) ([]canary.Response, error)
}

// Keeper does what one rule says.
type Keeper struct {
	Config
	told    string    // what was told last
	failing time.Time // since when looks go wrong
}

// New returns a keeper.
func New(cfg Config) *Keeper { return &Keeper{Config: cfg} }

// Bounds.
const (
	atOnce = 20               // incidents are taken up in one look
	writes = 30 * time.Second // after its time, to write down what came of it
	grace  = 10 * time.Second // for what runs when the program is ended
)

// Run looks for incidents until ctx ends. What it has begun then is given some seconds.
func (k *Keeper) Run(ctx context.Context) error {
	armed := false
	for {
		var err error
		if !armed {
			err = k.Store.ArmResponse(ctx, k.Rule.Name, k.Rule.On)
			armed = err == nil
		}
		if err == nil {
			err = k.Look(ctx)
		} else {
			err = k.looked(ctx, err)
		}
		if err != nil && ctx.Err() == nil {
			k.Log.Warn("responses are tried again", "response", k.Rule.Name, "err", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(k.Every):
		}
	}
}

// Look does what is to be done now. What goes wrong with one response does not stop the
// others.
func (k *Keeper) Look(ctx context.Context) error {
	return k.looked(ctx, errors.Join(k.lost(ctx), k.take(ctx), k.due(ctx)))
}

// lost finds what was begun and has no end: the program was killed meanwhile. What this
// core began does not run, for nothing else of the rule does now; what another one began
// is given its time.
func (k *Keeper) lost(ctx context.Context) error {
	list, err := k.Begin.In(ctx, k.Rule.Name, canary.ResponseBegun)
	faults := []error{err}
	for _, a := range list {
		if a.Core != k.Core && k.Now().Before(a.Ends) {
			continue
		}
		_, err := k.Begin.EndResponse(ctx, a.ID, canary.Response{State: canary.ResponseUnknown, Outcome: "it was begun, and the program ended before what came of it was known"})
		if err != nil {
			faults = append(faults, k.unmoved(err))
			continue
		}
		k.Log.Error("a response was cut off: whether it was done is not known", "response", k.Rule.Name, "id", string(a.ID), "incident", string(a.Incident))
	}
	return errors.Join(faults...)
}

// unmoved is an error, or none where another core was faster.
func (k *Keeper) unmoved(err error) error {
	if err == nil || k.Moved(err) {
		return nil
	}
	return err
}

// take writes down what is to be done about new incidents.
func (k *Keeper) take(ctx context.Context) error {
	list, err := k.Store.Unanswered(ctx, k.Rule.Name, k.Rule.On, atOnce)
	faults := []error{err}
	for i := range list {
		a := canary.Response{Rule: k.Rule.Name, Incident: list[i].ID, State: canary.ResponseDue}
		switch {
		case k.Rule.Dry:
			a.State, a.Outcome = canary.ResponseDry, "dry run: "+k.Rule.What
			if a.Facts, err = k.facts(ctx, &list[i], &a); err != nil {
				faults = append(faults, err)
				continue
			}
		case k.Rule.Confirm:
			a.State = canary.ResponseWaiting
		}
		if _, err := k.Store.AddResponse(ctx, a); err != nil {
			faults = append(faults, err)
			continue
		}
		k.Log.Info("response", "response", k.Rule.Name, "incident", string(a.Incident), "state", string(a.State))
	}
	return errors.Join(faults...)
}

// facts gives what would be given about an incident.
func (k *Keeper) facts(ctx context.Context, inc *canary.Incident, a *canary.Response) (json.RawMessage, error) {
	f, err := k.Facts(ctx, inc)
	if err != nil {
		return nil, err
	}
	f.Type, f.ID, f.Rule, f.On, f.At, f.Confirmed = "response", a.ID, a.Rule, k.Rule.On, canary.Micro(k.Now()), a.By
	return json.Marshal(f)
}

// due does what is due, the oldest first, one in each interval.
func (k *Keeper) due(ctx context.Context) error {
	list, err := k.Begin.In(ctx, k.Rule.Name, canary.ResponseDue)
	faults, rests := []error{err}, false
	for i := range slices.Backward(list) {
		if allowed, err := k.allowed(ctx, &list[i]); err != nil || !allowed {
			faults = append(faults, err)
			continue
		}
		if rests {
			continue
		}
		last, err := k.Store.ResponseBegun(ctx, k.Rule.Name)
		if err != nil || ctx.Err() != nil {
			return errors.Join(append(faults, err)...)
		}
		if rests = k.Now().Sub(last) < k.Rule.MinInterval; !rests {
			faults = append(faults, k.do(ctx, &list[i]))
		}
	}
	return errors.Join(faults...)
}

// allowed reports whether what is due may be done by the rule as it is now: the row may
// be from a time when it was another one.
func (k *Keeper) allowed(ctx context.Context, a *canary.Response) (bool, error) {
	switch {
	case k.Rule.Dry:
		return false, k.unmoved(k.Begin.DropResponse(ctx, a.ID, "the rule is a dry run now"))
	case k.Rule.Confirm && a.By == "":
		return false, k.unmoved(k.Begin.HoldResponse(ctx, a.ID))
	}
	return true, nil
}

// do begins one, does it, and writes down what came of it.
func (k *Keeper) do(ctx context.Context, a *canary.Response) error {
	inc, err := k.Incident(ctx, a.Incident)
	if err != nil {
		return err
	}
	if v := inc.Verdict; v != "" && v != canary.Leak {
		return k.unmoved(k.Begin.DropResponse(ctx, a.ID, "the incident was found to be "+string(v)+" before it was begun"))
	}
	facts, err := k.facts(ctx, &inc, a)
	if err != nil {
		return err
	}
	_, err = k.Begin.BeginResponse(ctx, a.ID, k.Core, facts, k.Rule.Timeout+writes)
	if err != nil {
		return k.unmoved(err)
	}
	return k.keep(ctx, a, k.run(ctx, a.ID, facts))
}

// run does it, within its time. When the program is ended meanwhile it has some seconds.
func (k *Keeper) run(ctx context.Context, id canary.ResponseID, facts []byte) Result {
	run, cancel := context.WithTimeout(context.WithoutCancel(ctx), k.Rule.Timeout)
	defer cancel()
	stopped := context.AfterFunc(ctx, func() {
		select {
		case <-run.Done():
		case <-time.After(grace):
			cancel()
		}
	})
	defer stopped()
	r := k.Rule.Do(run, id, facts)
	if run.Err() != nil && ctx.Err() != nil {
		r.State, r.Outcome = canary.ResponseUnknown, "it was ended, for the program was ended while it ran"
	}
	return r
}

// keep writes down what came of it.
func (k *Keeper) keep(ctx context.Context, a *canary.Response, r Result) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writes)
	defer cancel()
	_, err := k.Begin.EndResponse(ctx, a.ID, canary.Response{State: r.State, Outcome: r.Outcome, Output: r.Output, OutputBytes: r.Bytes})
	log := k.Log.With("response", k.Rule.Name, "id", string(a.ID), "incident", string(a.Incident), "state", string(r.State), "outcome", r.Outcome)
	if r.State == canary.ResponseDone {
		log.Info("response done")
	} else {
		log.Error("response went wrong")
	}
	if err != nil {
		return fmt.Errorf("what came of it could not be written down: %w", err)
	}
	return nil
}
