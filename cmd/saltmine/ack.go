package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"saltmine/internal/canary"
	"saltmine/internal/conf"
	"saltmine/internal/incident"
	"saltmine/internal/pager/pagerduty"
	"saltmine/internal/pager/push"
	"saltmine/internal/registry"
)

func (a *app) ackCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "ack ID...",
		Short: "Say that somebody is at an incident or a notice",
		Long: `Acknowledges incidents (i_…) and notices (n_…): no further step of the escalation
goes out for them, and what comes later of an incident wakes nobody, unless it
becomes more urgent. Only a verdict closes an incident.`,
		Example: "  saltmine ack i_abcdefghijklmnop",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withCore(cmd.Context(), func(c *core) error {
				acks := map[string]registry.Ack{}
				for _, id := range args {
					ack, err := c.acknowledge(cmd.Context(), id)
					if err != nil {
						return err
					}
					acks[id] = ack
				}
				return a.print(acks, func(w io.Writer) error {
					for _, id := range args {
						if _, err := fmt.Fprintf(w, "%s is acknowledged as %s: %s\n", id, acks[id].Severity, acks[id].Who); err != nil {
							return err
						}
					}
					return nil
				})
			})
		},
	}
}

func (c *core) acknowledge(ctx context.Context, id string) (registry.Ack, error) {
	var err error
	if strings.HasPrefix(id, "n_") {
		err = c.reg.AcknowledgeNotice(ctx, canary.NoticeID(id), here())
	} else {
		err = c.reg.Acknowledge(ctx, canary.IncidentID(id), here())
	}
	if err != nil {
		return registry.Ack{}, err
	}
	return c.reg.AckOf(ctx, id)
}

// acksPath is where PagerDuty's webhooks and the keys of Twilio's calls arrive, on the listener of [api].
const acksPath = "/v1/acks/"

// acks are the receivers of acknowledgements, by path.
func (s *server) acks() map[string]http.Handler {
	out := map[string]http.Handler{}
	for i := range s.cfg.Routes {
		r := &s.cfg.Routes[i]
		log := s.log.With("part", "acks", "route", r.Name)
		take := func(ctx context.Context, key string, shown canary.Severity, who string, at time.Time) error {
			return s.acknowledged(ctx, key, shown, registry.By{Who: who, Via: r.Name}, at)
		}
		if r.AckURL != "" {
			heard := func(ctx context.Context, key, who string, at time.Time) error { return take(ctx, key, 0, who, at) }
			out["POST "+acksPath+r.Name] = &push.Keypad{URL: r.AckURL, Secret: r.Secret.Reveal(), Acknowledge: heard, Now: s.app.now, Log: log}
			continue
		}
		if r.AckSecret.IsZero() {
			continue
		}
		out["POST "+acksPath+r.Name] = &pagerduty.Acks{
			Secret: r.AckSecret.Reveal(), Log: log, Acknowledge: take,
		}
	}
	return out
}

// acknowledged takes an acknowledgement that came back on a route. Others than
// ours may use the same service: what is not known is passed over.
func (s *server) acknowledged(ctx context.Context, key string, shown canary.Severity, by registry.By, at time.Time) error {
	var err error
	if strings.HasPrefix(key, "n_") {
		err = s.reg.AcknowledgeNotice(ctx, canary.NoticeID(key), by)
	} else {
		err = s.reg.AcknowledgeAt(ctx, canary.IncidentID(key), at, shown, by)
	}
	switch {
	case errors.Is(err, registry.ErrNotFound):
		s.log.Info("acknowledgement of nothing that was paged", "route", by.Via)
		return nil
	case err == nil:
		s.log.Info("acknowledged", "about", key, "route", by.Via)
		s.pager.Wake()
	}
	return err
}

// steps are the routes of the configuration for whoever writes pages.
func steps(cfg *conf.Config) []incident.Route {
	var list []incident.Route
	for i := range cfg.Routes {
		r := &cfg.Routes[i]
		list = append(list, incident.Route{
			Name: r.Name, Min: r.MinSeverity, After: r.After, Within: cfg.Pager.AcceptWithin,
			Log: r.Kind == conf.RouteSyslog || r.Kind == conf.RouteOCSF,
		})
	}
	return list
}
