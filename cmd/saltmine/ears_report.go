package main

import (
	"context"
	"fmt"
	"net"

	"saltmine/internal/conf"
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

// checkReport says when the form cannot tell one stranger from another: people reach
// a loopback address through a proxy alone.
func checkReport(c *conf.Report) (what string, err error) {
	host, _, err := net.SplitHostPort(c.Listen)
	if err != nil {
		return "report form", fmt.Errorf("[report] listen: %w", err)
	}
	if !conf.Loopback(host) || len(c.ProxyFrom) > 0 {
		return "report form", nil
	}
	return "report form (it is reached through a proxy, and [report] proxy_from names none: all strangers are one source, of five reports and then one in two minutes)", nil
}
