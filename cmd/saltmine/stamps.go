package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"saltmine/internal/canary"
	"saltmine/internal/conf"
	"saltmine/internal/evidence/stamp"
	"saltmine/internal/registry"
)

// stampSources are those of [evidence] who are asked about checkpoints.
func stampSources(e *conf.Evidence, prove stamp.Prover, now func() time.Time) (list []stamp.Source, err error) {
	client := stamp.NewClient()
	for _, a := range e.TSA {
		roots, err := rootsOf(a.RootsFile)
		if err != nil {
			return nil, &exitError{exitUsage, fmt.Errorf("[[evidence.tsa]] %s: %w", a.Name, err)}
		}
		list = append(list, stamp.FromAuthority(a.Name, e.StampEvery, &stamp.Authority{URL: a.URL, Roots: roots, Client: client, Now: now}))
	}
	if len(e.OTSCalendars) > 0 {
		list = append(list, stamp.FromCalendars(conf.OTSName, e.StampEvery, &stamp.Calendars{URLs: e.OTSCalendars, Client: client}))
	}
	for _, w := range e.Witnesses {
		key, err := stamp.ParseCosigner(w.Key)
		if err != nil {
			return nil, fmt.Errorf("[[evidence.witnesses]] %s: %w", w.Name, err)
		}
		list = append(list, stamp.FromWitness(w.Name, e.CosignEvery, &stamp.Witness{URL: w.URL, Key: key, Client: client, Now: now}, prove))
	}
	return list, nil
}

// stamping are the jobs that have checkpoints stamped, one for each who is asked: none
// waits for another.
func (s *server) stamping() (list []job, err error) {
	sources, err := stampSources(&s.cfg.Evidence, s.reg.ProveGrowth, s.app.now)
	if err != nil {
		return nil, err
	}
	for _, from := range sources {
		c := stamp.NewCollector(stamp.Config{
			Latest: func(ctx context.Context) ([]byte, int64, error) {
				c, err := s.reg.LatestCheckpoint(ctx)
				return c.Note, c.Size, err
			},
			Last: s.reg.LastStamp, Keep: s.reg.KeepStamp, Pending: s.reg.PendingStamps,
			Silent: s.silentStamp, Now: s.app.now, Log: s.log.With("part", "stamps"),
		}, from)
		s.stamps = append(s.stamps, c)
		list = append(list, job{"stamps of " + from.Name, c.Run})
	}
	return list, nil
}

// silentStamp files, or ends, the notice of one who stamps nothing.
func (s *server) silentStamp(ctx context.Context, name string, since time.Time) {
	s.outsideSilent(ctx, "stamps "+name, since, canary.Notice{
		Mark: "unstamped", Severity: canary.P3,
		Text: fmt.Sprintf("%s has not stamped the evidence log since %s: when what came upon it was there, only others can prove", name, since.UTC().Format(time.DateTime)),
		Next: []string{
			"'saltmine check' says what it answers; serve asks it again each hour",
			"name another one in [evidence], if it has given up",
		},
	})
}

// stampMetrics tells of each who is asked.
func stampMetrics(w io.Writer, list []*stamp.Collector) {
	for _, c := range list {
		st := c.Stats()
		metrics.WriteCounterUint64(w, fmt.Sprintf("saltmine_stamps_total{source=%q,outcome=\"taken\"}", st.Source), st.Taken)
		metrics.WriteCounterUint64(w, fmt.Sprintf("saltmine_stamps_total{source=%q,outcome=\"failed\"}", st.Source), st.Failed)
		metrics.WriteGaugeFloat64(w, fmt.Sprintf("saltmine_stamp_last_seconds{source=%q}", st.Source), float64(st.Last))
	}
}

// checkStamps are lines of check: each authority stamps something of no meaning, each
// calendar takes it, and each witness is asked whether it answers.
func (a *app) checkStamps(ctx context.Context, cfg *conf.Config, reg *registry.Registry, add func(string, error) bool) {
	sources, err := stampSources(&cfg.Evidence, reg.ProveGrowth, a.now)
	if err != nil {
		add("stamps of the evidence log", err)
		return
	}
	for _, from := range sources {
		one, cancel := context.WithTimeout(ctx, checkTime)
		add(fmt.Sprintf("stamps by %s (%s)", from.Name, from.Kind), from.Check(one))
		cancel()
	}
}
