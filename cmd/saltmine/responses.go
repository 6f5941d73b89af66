package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"saltmine/internal/canary"
	"saltmine/internal/conf"
	"saltmine/internal/forensics"
	"saltmine/internal/pager/post"
	"saltmine/internal/registry"
	"saltmine/internal/response"
	"saltmine/internal/webhook"
)

// responseEvery is how often each rule looks for incidents.
const responseEvery = 2 * time.Second

// newRule makes what a rule does, and how to see that it could.
func newRule(r *conf.Response, now func() time.Time) (rule response.Rule, check func(context.Context) error, err error) {
	rule = response.Rule{Name: r.Name, On: r.On, Dry: r.DryRun, Confirm: r.Confirm, Timeout: r.Timeout, MinInterval: r.MinInterval}
	if len(r.Command) > 0 {
		rule.Do, rule.What = response.Command(r.Command), strings.Join(r.Command, " ")
		return rule, func(context.Context) error { return response.CheckCommand(r.Command) }, nil
	}
	roots, err := rootsOf(r.Roots)
	if err != nil {
		return rule, nil, err
	}
	to, err := post.ParseURL(r.URL)
	if err != nil {
		return rule, nil, err
	}
	secret, err := webhook.ParseSecret(r.Secret.Reveal())
	if err != nil {
		return rule, nil, err
	}
	poster := post.New(post.Config{RootCAs: roots, Now: now})
	rule.Do, rule.What = response.Post(poster, to, secret, now), "POST to "+to.Host
	return rule, func(ctx context.Context) error { return poster.Reach(ctx, to) }, nil
}

func ruleNames(cfg *conf.Config) (names []string) {
	for i := range cfg.Responses {
		names = append(names, cfg.Responses[i].Name)
	}
	return names
}

// answering is the registry as responses are kept in it.
type answering struct{ *registry.Registry }

func (r answering) In(ctx context.Context, rule string, states ...canary.ResponseState) ([]canary.Response, error) {
	return r.Responses(ctx, registry.ResponseFilter{Rule: rule, States: states})
}

// responses are the jobs that do something about incidents. Rules that are not configured
// any more are ended first, with the notices of what they did.
func (s *server) responses(ctx context.Context) (list []job, err error) {
	gone, err := s.reg.DisarmResponses(ctx, ruleNames(s.cfg))
	for _, rule := range gone {
		_, err2 := s.reg.FileNotices(ctx, canary.NoticeResponse, rule, nil, s.compose())
		err = errors.Join(err, err2)
		s.log.Warn("a response is not configured any more, and is disarmed", "response", rule)
	}
	if err != nil {
		return nil, err
	}
	for i := range s.cfg.Responses {
		rule, _, err := newRule(&s.cfg.Responses[i], s.app.now)
		if err != nil {
			return nil, fmt.Errorf("response %s: %w", s.cfg.Responses[i].Name, err)
		}
		k := response.New(response.Config{
			Rule: rule, Store: answering{s.reg}, Begin: answering{s.reg}, Core: fmt.Sprintf("%x", s.spool.ID()), Incident: s.reg.Incident, Facts: s.facts, Tell: s.tellResponses,
			Moved: func(err error) bool { return errors.Is(err, registry.ErrMoved) }, Every: responseEvery, Now: s.app.now, Log: s.log.With("part", "response"),
		})
		list = append(list, job{"response " + rule.Name, k.Run})
	}
	return list, nil
}

// facts gathers what a response is given about an incident.
func (s *server) facts(ctx context.Context, inc *canary.Incident) (response.Facts, error) {
	return s.factsOf(ctx, inc, s.link(inc.ID), s.app.now())
}

func (c *core) factsOf(ctx context.Context, inc *canary.Incident, link string, now time.Time) (f response.Facts, err error) {
	f = response.Facts{Incident: inc.ID, Severity: inc.Severity, Verdict: inc.Verdict, Place: inc.Place, Link: link}
	if reader, reads := inc.Place.Reader(); reads {
		account, place, err := c.reg.AccountOf(ctx, reader)
		if errors.Is(err, registry.ErrNotFound) { // its reads were given up meanwhile
			return f, nil
		}
		f.Account, f.Place = account, cmp.Or(place, f.Place)
		return f, err
	}
	if !leads(inc.Place) {
		return f, nil
	}
	t, err := traceIncident(ctx, c.reg, inc.ID, now)
	if err != nil {
		return f, err
	}
	suspected(&f, &t.Answer)
	return f, nil
}

// suspected names the first suspect of a trace, as far as it is one: what is done about it
// is done to a person.
func suspected(f *response.Facts, a *forensics.Answer) {
	first, explains := a.Leading()
	if !explains {
		return
	}
	if f.P = first.ActorP; f.P <= forensics.Leads {
		return
	}
	f.Extract, f.Actor, f.Explains, f.Of = first.Extract, first.Actor, first.Explains, first.Of
	listed := 0 // of a long log not all are, and who is not may explain as much
	for i := range a.Suspects {
		if x := &a.Suspects[i]; !x.Unlogged && x.Verdict == forensics.ExplainsAll {
			listed++
		}
	}
	f.Alone = a.Suspect(f.P) && first.Explains == first.Of && a.All <= listed && !slices.ContainsFunc(a.Suspects, func(x forensics.Suspect) bool {
		return !x.Unlogged && x.Actor != first.Actor && x.Explains >= first.Explains
	})
}

// tellResponses files, or ends, the notices of what waits for a person or went wrong.
func (s *server) tellResponses(ctx context.Context, rule string, open []canary.Response, failing time.Time) error {
	var list []canary.Notice
	if !failing.IsZero() {
		list = append(list, canary.Notice{Mark: "looks fail", Severity: canary.P2, Next: []string{"see in serve's log why \"responses are tried again\""},
			Text: fmt.Sprintf("response %s: since %s something goes wrong at each look for what is to be done; what it should do may not be done", rule, failing.UTC().Format(time.DateTime))})
	}
	for i := range open {
		a := &open[i]
		n := canary.Notice{Mark: fmt.Sprintf("%s %s %d", a.ID, a.State, a.Attempts), Severity: canary.P2, Next: []string{
			fmt.Sprintf("look at it: saltmine respond show %s", a.ID),
		}}
		again := "when it is to be done all the same"
		switch a.State {
		case canary.ResponseWaiting:
			n.Text, again = fmt.Sprintf("response %s waits for a person's yes about incident %s", rule, a.Incident), "when it is to be done"
		case canary.ResponseUnknown:
			n.Text = fmt.Sprintf("response %s to incident %s was begun, and whether it was done is not known; it is not begun again by itself", rule, a.Incident)
			n.Next = append(n.Next, "look at what it acts on whether it was done")
		default:
			n.Text = fmt.Sprintf("response %s to incident %s failed: %s", rule, a.Incident, a.Outcome)
		}
		n.Next = append(n.Next, fmt.Sprintf("%s: saltmine respond confirm %s; else add --refuse", again, a.ID))
		list = append(list, n)
	}
	raised, err := s.reg.FileNotices(ctx, canary.NoticeResponse, rule, list, s.compose())
	if len(raised) > 0 {
		s.pager.Wake()
	}
	return err
}

// responseMetrics counts what was done, by rule and state.
func responseMetrics(ctx context.Context, reg *registry.Registry, w io.Writer) error {
	counts, err := reg.ResponseCounts(ctx)
	if err != nil {
		return err
	}
	for _, key := range slices.SortedFunc(maps.Keys(counts), func(a, b [2]string) int { return cmp.Or(cmp.Compare(a[0], b[0]), cmp.Compare(a[1], b[1])) }) {
		metrics.WriteGaugeUint64(w, fmt.Sprintf("saltmine_responses{response=%q,state=%q}", key[0], key[1]), uint64(counts[key])) //nolint:gosec // a count
	}
	return nil
}

// checkResponses are lines of check.
func (a *app) checkResponses(ctx context.Context, cfg *conf.Config, add func(string, error) bool) {
	for i := range cfg.Responses {
		r := &cfg.Responses[i]
		_, check, err := newRule(r, a.now)
		if err == nil {
			one, cancel := context.WithTimeout(ctx, checkTime)
			err = check(one)
			cancel()
		}
		add("response "+r.Name+" ("+howDone(r)+")", err)
	}
}

func howDone(r *conf.Response) string {
	switch {
	case r.DryRun:
		return r.On + ", dry run: nothing is done"
	case r.Confirm:
		return r.On + ", when a person says yes"
	}
	return r.On + ", at once"
}
