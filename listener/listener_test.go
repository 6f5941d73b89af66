package listener_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"syscall"
	"testing"
	"time"

	"saltmine/internal/canary"
	"saltmine/listener"
)

func contact() canary.Contact {
	return canary.Contact{
		ID: "k_12345678", Channel: canary.SMTP, Ear: "smtpd", Raw: []byte("QUIT\r\n"),
		At: time.Date(2026, 8, 5, 12, 0, 0, 123456789, time.FixedZone("east", 7200)),
	}
}

func noRoom(err error) bool { return errors.Is(err, syscall.ENOSPC) }

func TestHearSealsThenAppends(t *testing.T) {
	t.Parallel()
	var steps []string
	r := listener.New(listener.Config{
		Seal: func(dst, plain []byte) ([]byte, error) {
			steps = append(steps, "seal")
			var c canary.Contact
			if err := c.UnmarshalBinary(plain); err != nil || c.ID != "k_12345678" || string(c.Raw) != "QUIT\r\n" {
				t.Errorf("sealed %v, %v", &c, err)
			}
			if want := time.Date(2026, 8, 5, 10, 0, 0, 123456000, time.UTC); c.At != want {
				t.Errorf("heard at %v, want %v", c.At, want)
			}
			return append(dst, "sealed"...), nil
		},
		Append: func(_ context.Context, key listener.Key, sealed []byte) error {
			steps = append(steps, "append")
			if key != listener.KeyOf("k_12345678", 0) || string(sealed) != "sealed" {
				t.Errorf("appended %x, %q", key, sealed)
			}
			return nil
		},
		Full: noRoom,
	})
	if err := r.Hear(t.Context(), contact()); err != nil {
		t.Fatal(err)
	}
	if len(steps) != 2 || steps[0] != "seal" || steps[1] != "append" {
		t.Errorf("steps %q", steps)
	}
}

func TestHearMapsFaults(t *testing.T) {
	t.Parallel()
	fault := errors.New("fault")
	for name, c := range map[string]struct {
		sealing, appending error
		spoil              func(*canary.Contact)
		want, not          error
	}{
		"no room":         {appending: &fs.PathError{Op: "write", Path: "x", Err: syscall.ENOSPC}, want: listener.ErrFull, not: listener.ErrDown},
		"spool fault":     {appending: fault, want: listener.ErrDown, not: listener.ErrFull},
		"seal fault":      {sealing: fault, want: listener.ErrDown, not: listener.ErrFull},
		"time is up":      {appending: context.DeadlineExceeded, want: listener.ErrDown, not: listener.ErrFull},
		"invalid contact": {spoil: func(c *canary.Contact) { c.Channel = "" }, want: listener.ErrDown, not: listener.ErrFull},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := listener.New(listener.Config{
				Seal:   func(dst, plain []byte) ([]byte, error) { return append(dst, plain...), c.sealing },
				Append: func(context.Context, listener.Key, []byte) error { return c.appending },
				Full:   noRoom,
			})
			heard := contact()
			if c.spoil != nil {
				c.spoil(&heard)
			}
			err := r.Hear(t.Context(), heard)
			if !errors.Is(err, c.want) || errors.Is(err, c.not) {
				t.Fatalf("%v", err)
			}
			for _, cause := range []error{c.sealing, c.appending} {
				if cause != nil && !errors.Is(err, cause) {
					t.Errorf("the cause is lost: %v", err)
				}
			}
		})
	}
}

func TestNothingIsAppendedThatIsNotSealed(t *testing.T) {
	t.Parallel()
	r := listener.New(listener.Config{
		Seal:   func([]byte, []byte) ([]byte, error) { return nil, errors.New("no key") },
		Append: func(context.Context, listener.Key, []byte) error { t.Error("appended"); return nil },
		Full:   noRoom,
	})
	if err := r.Hear(t.Context(), contact()); err == nil {
		t.Error("heard")
	}
}

// TestKeyIsForever pins the key: an event that comes again after an upgrade
// must not be recorded twice.
func TestKeyIsForever(t *testing.T) {
	t.Parallel()
	key := listener.KeyOf("k_12345678", 1)
	if got, want := hex.EncodeToString(key[:]), "25b3ca2c3ea365fe10e9c89b37347e16"; got != want {
		t.Errorf("key %s, want %s", got, want)
	}
	if key == listener.KeyOf("k_12345678", 0) || key == listener.KeyOf("k_12345679", 1) {
		t.Error("keys of different records meet")
	}
}

// TestHearAll: each contact has its own answer, in its place.
func TestHearAll(t *testing.T) {
	t.Parallel()
	appends := 0
	r := listener.New(listener.Config{
		Seal: func(dst, plain []byte) ([]byte, error) {
			sealed := append(append(dst, "sealed "...), plain[:4]...)
			return append(sealed, plain[len(plain)-3:]...), nil // of Raw
		},
		AppendAll: func(_ context.Context, records []listener.Record) []error {
			appends++
			out := make([]error, len(records))
			for i, record := range records {
				if want := fmt.Sprintf("sealed SMC1%03d", i); string(record.Sealed) != want {
					t.Errorf("appended %q, want %q", record.Sealed, want)
				}
				_ = append(record.Sealed, "this is not the next one's"...)
				if record.Key == listener.KeyOf("k_full_full", 0) {
					out[i] = syscall.ENOSPC
				}
			}
			return out
		},
		Full: noRoom,
	})
	bad, first, full, last := contact(), contact(), contact(), contact()
	bad.Channel, full.ID = "", "k_full_full"
	// Those that share a room are of any size.
	first.Raw, full.Raw, last.Raw = []byte("000"), []byte("001"), append(bytes.Repeat([]byte("x"), 10_000), "002"...)
	errs := r.HearAll(t.Context(), []canary.Contact{first, bad, full, last})
	want := []error{nil, listener.ErrDown, listener.ErrFull, nil}
	if len(errs) != len(want) || appends != 1 {
		t.Fatalf("%d answers, %d appends", len(errs), appends)
	}
	for i := range want {
		if !errors.Is(errs[i], want[i]) {
			t.Errorf("contact %d: %v, want %v", i, errs[i], want[i])
		}
	}
	if errs := r.HearAll(t.Context(), []canary.Contact{bad}); len(errs) != 1 || !errors.Is(errs[0], listener.ErrDown) || appends != 1 {
		t.Errorf("%v, %d appends", errs, appends)
	}
}
