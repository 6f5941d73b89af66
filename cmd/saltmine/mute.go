package main

import (
	"context"

	"saltmine/internal/pager"
)

// mute is the way out for pages of drills that nobody is to be told of. It takes
// them all: that one came so far is what is to be known.
func (s *server) mute(ctx context.Context, d pager.Delivery) (pager.Receipt, error) {
	if d.Kind != pager.Trigger || d.Page.Incident != "" {
		return "muted", nil
	}
	if err := s.reg.ShotPaged(ctx, d.Page.ID, s.app.now()); err != nil {
		return "", &pager.Error{Class: "registry", Retry: true, Err: err}
	}
	return "muted", nil
}
