package main

import (
	"testing"

	"saltmine/internal/conf"
)

// TestLogsTellNobody: a log takes everything at once, and that must not stand for
// somebody who was told.
func TestLogsTellNobody(t *testing.T) {
	t.Parallel()
	var cfg conf.Config
	for _, kind := range conf.RouteKinds() {
		cfg.Routes = append(cfg.Routes, conf.Route{Kind: kind, Name: kind})
	}
	for _, r := range steps(&cfg) {
		if want := r.Name == conf.RouteSyslog || r.Name == conf.RouteOCSF; r.Log != want {
			t.Errorf("%s is a log: %t, want %t", r.Name, r.Log, want)
		}
	}
}
