package incident_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"saltmine/internal/canary"
)

// Targets that are no token are told of before their contact is filed, and told
// of again when it could not be; tokens, and what nobody verified, are not.
func TestStray(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.plant("db:main", 1)
	var told []string
	fault := errors.New("the pool is away")
	w.cfg.Stray = func(_ context.Context, target canary.Target, _ time.Time) error {
		if told = append(told, target.Text); len(told) == 1 {
			return fault
		}
		return nil
	}
	unverified := w.call(canary.Voice, number(8), "")
	unverified.Unverified = true
	w.hear(w.mail(address(1), address(9)), unverified, w.call(canary.Voice, number(7), ""), w.mail(placebo(1)))
	if err := w.intake().Drain(t.Context()); !errors.Is(err, fault) {
		t.Fatalf("drain: %v", err)
	}
	w.filed(0)
	w.drain()
	w.filed(4)
	if want := []string{"<" + address(9) + ">", "<" + address(9) + ">", number(7)}; !slices.Equal(told, want) {
		t.Errorf("told of %v, want %v", told, want)
	}
}

// TestHousekeeping files what a provider itself writes to a mailbox, and neither
// makes an incident of it nor tells the pool that a stranger came.
func TestHousekeeping(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.plant("db:main", 1)
	w.cfg.Stray = func(context.Context, canary.Target, time.Time) error { t.Error("a stranger came"); return nil }
	own, soaking, forged := w.boxed(address(1), "no-reply@large.example"), w.boxed(address(9), "no-reply@large.example"), w.mail(address(1))
	own.Facts["housekeeping"], soaking.Facts["housekeeping"], forged.Facts["housekeeping"] = "yes", "yes", "yes"
	w.take(own, soaking)
	w.filed(2)
	if n := len(w.incidents()); n != 0 {
		t.Errorf("%d incidents", n)
	}
	w.take(forged) // which an edge may say, and knows nothing of
	if inc := w.only(); inc.Contacts != 1 {
		t.Errorf("%+v", inc)
	}
}
