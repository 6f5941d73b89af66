package main

import (
	"errors"
	"path/filepath"
	"testing"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/conf"
)

// TestLockWaits: who comes while somebody changes a support database for a moment
// waits, and is not told to come again.
func TestLockWaits(t *testing.T) {
	t.Parallel()
	cfg := &conf.Config{}
	cfg.Registry.Source.Path = filepath.Join(t.TempDir(), "saltmine.db")
	c := &core{cfg: cfg}
	place := canary.Place("db:main")
	unlock, err := c.lock(t.Context(), place)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.lockNamed(t.Context(), string(place), errBusy); !errors.Is(err, errBusy) {
		t.Fatalf("it is not held: %v", err)
	}
	time.AfterFunc(2*lockPause, unlock)
	again, err := c.lock(t.Context(), place)
	if err != nil {
		t.Fatal(err)
	}
	again()
}
