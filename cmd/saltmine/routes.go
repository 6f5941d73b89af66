package main

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/conf"
	"saltmine/internal/incident"
	"saltmine/internal/pager"
	"saltmine/internal/pager/email"
	"saltmine/internal/pager/hook"
	"saltmine/internal/pager/pagerduty"
	"saltmine/internal/pager/post"
	"saltmine/internal/pager/push"
	"saltmine/internal/pager/render"
	"saltmine/internal/pager/syslog"
	"saltmine/internal/webhook"
)

// route is a way out for pages, and how to try it without waking anybody.
type route struct {
	send  pager.Send
	check func(context.Context) error
}

// routes makes the ways out for pages. A template that cannot be used does not
// keep serve from starting: the default is sent.
func (s *server) routes() ([]incident.Route, map[string]pager.Send, error) {
	set, err := templates(s.cfg, s.log)
	if set == nil {
		return nil, nil, err
	}
	if err != nil {
		s.log.Error("templates of pages cannot be used, the defaults stand for them", "error", err)
	}
	sends := map[string]pager.Send{}
	for i := range s.cfg.Routes {
		r := &s.cfg.Routes[i]
		out, err := newRoute(r, set, s.app.now)
		if err != nil {
			return nil, nil, fmt.Errorf("route %s: %w", r.Name, err)
		}
		sends[r.Name] = out.send
	}
	if len(sends) == 0 {
		s.log.Warn("no [[route]] is configured: nobody will be paged")
	}
	sends[canary.Muted] = s.mute
	return steps(s.cfg), sends, nil
}

func templates(cfg *conf.Config, log *slog.Logger) (*render.Set, error) {
	return render.Load(cfg.Pager.Templates, conf.RouteKinds(), log)
}

func newRoute(r *conf.Route, set *render.Set, now func() time.Time) (route, error) {
	roots, err := rootsOf(r.Roots)
	if err != nil {
		return route{}, err
	}
	web := post.Config{RootCAs: roots}
	switch r.Kind {
	case conf.RouteWebhook:
		return newHook(r, web, now)
	case conf.RoutePagerDuty:
		p, err := pagerduty.New(pagerduty.Config{RoutingKey: pagerduty.Key(r.Secret.Reveal()), URL: r.URL, Now: now, Poster: web})
		if err != nil {
			return route{}, err
		}
		return route{p.Send, p.Check}, nil
	case conf.RouteSyslog:
		p, err := syslog.New(syslog.Config{Address: r.URL, Format: r.Format, RootCAs: roots, Set: set})
		if err != nil {
			return route{}, err
		}
		return route{p.Send, p.Check}, nil
	case conf.RouteEmail:
		p, err := email.New(email.Config{
			Address: r.URL, User: r.User, Password: r.Secret.Reveal(), From: r.From, To: r.To, RootCAs: roots, Set: set,
		})
		if err != nil {
			return route{}, err
		}
		return route{p.Send, p.Check}, nil
	default:
		c := push.Config{
			Kind: r.Kind, URL: r.URL, Secret: r.Secret.Reveal(), Channel: r.Channel, User: r.User, From: r.From, AckURL: r.AckURL, Set: set, Now: now, Poster: web,
		}
		if len(r.To) > 0 {
			c.To = r.To[0]
		}
		p, err := push.New(c)
		if err != nil {
			return route{}, err
		}
		return route{p.Send, p.Check}, nil
	}
}

func newHook(r *conf.Route, web post.Config, now func() time.Time) (route, error) {
	secret, err := webhook.ParseSecret(r.Secret.Reveal())
	if err != nil {
		return route{}, err
	}
	h, err := hook.New(hook.Config{
		URL: r.URL, Sign: func(id string, ts time.Time, body []byte) string { return webhook.Sign(secret, id, ts, body) }, Now: now, Poster: web,
	})
	if err != nil {
		return route{}, err
	}
	return route{h.Send, h.Check}, nil
}

// rootsOf reads a PEM file of authorities; none is those of the system.
func rootsOf(path string) (*x509.CertPool, error) {
	if path == "" {
		return nil, nil //nolint:nilnil // nil are the system's
	}
	pem, err := os.ReadFile(path) // the operator names the file
	if err != nil {
		return nil, fmt.Errorf("roots: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, errors.New("roots: the file holds no certificate")
	}
	return pool, nil
}

// checkTime bounds the look at one route.
const checkTime = 20 * time.Second

// checkRoutes makes each route and tries it without waking anybody.
func (a *app) checkRoutes(ctx context.Context, cfg *conf.Config, add func(string, error) bool) {
	set, err := templates(cfg, a.quietLogger())
	if cfg.Pager.Templates != "" || err != nil {
		add("templates of pages", err)
	}
	if set == nil {
		return
	}
	for i := range cfg.Routes {
		r := &cfg.Routes[i]
		out, err := newRoute(r, set, a.now)
		if err == nil {
			one, cancel := context.WithTimeout(ctx, checkTime)
			err = out.check(one)
			cancel()
		}
		add("route "+r.Name+" ("+r.Kind+")", err)
	}
}
