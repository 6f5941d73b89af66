package main

import (
	"context"
	"fmt"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/conf"
	"saltmine/internal/webhook"
	"saltmine/listener/phone"
)

func (e *ears) phone(ctx context.Context) error {
	c := e.cfg.Phone
	if c == nil {
		return nil
	}
	cfg := phone.Config{PublicURL: c.PublicURL, Notices: c.Notices, Hear: e.road.Hear, Now: e.now, Log: e.log.With("ear", "phone")}
	for _, p := range c.Providers {
		cfg.Providers = append(cfg.Providers, phoneProvider(p))
	}
	ear, err := phone.New(cfg)
	if err != nil {
		return fmt.Errorf("[phone]: %w", err)
	}
	e.stats = append(e.stats, func() (string, map[string]float64) {
		s := ear.Stats()
		return "phone", map[string]float64{"heard": float64(s.Heard), "unverified": float64(s.Unverified), "dropped": float64(s.Dropped), "failed": float64(s.Failed)}
	})
	return e.web(ctx, "phone", c.Listen, ear)
}

func phoneProvider(p conf.Provider) phone.Provider {
	return phone.Provider{
		Kind: p.Kind, Secret: webhook.Hidden(p.Secret.Reveal()), User: p.User, PublicKey: p.PublicKey, Signature: p.SMSSignature,
		Answer: p.Answer, Greeting: p.Greeting, Language: p.Language,
	}
}

// checkProvider makes an ear of one provider alone, to see that its secret has
// the form that the provider gives out.
func checkProvider(c *conf.Phone, p conf.Provider, now func() time.Time) error {
	_, err := phone.New(phone.Config{
		PublicURL: c.PublicURL, Providers: []phone.Provider{phoneProvider(p)}, Notices: c.Notices, Now: now,
		Hear: func(context.Context, canary.Contact) error { return nil }, // nothing is heard
	})
	return err
}
