package main

import (
	"context"

	"saltmine/internal/canary"
	"saltmine/internal/conf"
	"saltmine/internal/recording"
	"saltmine/internal/webhook"
)

// recordings makes what fetches the recordings of calls; nil where none are
// configured.
func (s *server) recordings(hear func(context.Context, canary.Contact) error) (*recording.Fetcher, error) {
	if len(s.cfg.Recordings) == 0 {
		return nil, nil //nolint:nilnil // nothing is to be run
	}
	var accounts []recording.Account
	for _, r := range s.cfg.Recordings {
		a := recording.Account{Kind: r.Kind, User: r.User, Password: webhook.Hidden(r.Secret.Reveal())}
		if r.Kind == conf.ProviderVonage {
			a.Key, a.Password = a.Password, ""
		}
		accounts = append(accounts, a)
	}
	return recording.New(recording.Config{
		Accounts: accounts, Calls: s.reg.EachCall, Filed: s.reg.Filed, Hear: hear, Now: s.app.now, Log: s.log.With("part", "recordings"),
	})
}
