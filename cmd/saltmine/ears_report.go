package main

import (
	"context"
	"fmt"

	"saltmine/internal/people"
	"saltmine/internal/webhook"
	"saltmine/listener/report"
)

func (e *ears) report(ctx context.Context) error {
	c := e.cfg.Report
	if c == nil {
		return nil
	}
	var agents []people.Person
	for _, a := range c.Agents {
		agents = append(agents, people.Person{Name: a.Name, Sum: webhook.TokenSum(a.Token.Reveal())})
	}
	ear, err := report.New(report.Config{
		Hear: e.road.HearAll, Agents: agents, Proxies: c.ProxyFrom, PublicURL: c.PublicURL, PerMinute: c.PerMinute,
		Now: e.now, Log: e.log.With("ear", "report"),
	})
	if err != nil {
		return fmt.Errorf("[report]: %w", err)
	}
	e.stats = append(e.stats, func() (string, map[string]float64) {
		s := ear.Stats()
		return "report", map[string]float64{"heard": float64(s.Heard), "unrecorded": float64(s.Unrecorded), "failed": float64(s.Failed), "refused": float64(s.Refused)}
	})
	return e.web(ctx, "report", c.Listen, ear)
}
