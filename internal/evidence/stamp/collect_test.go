package stamp_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"saltmine/internal/evidence/stamp"
)

// shelf keeps stamps.
type shelf struct {
	mu     sync.Mutex
	kept   map[int64]stamp.Stamp
	note   []byte
	size   int64
	silent []time.Time
}

func (s *shelf) config(now func() time.Time) stamp.Config {
	return stamp.Config{
		Latest: func(context.Context) ([]byte, int64, error) { return s.note, s.size, nil },
		Last: func(context.Context, string) (last stamp.Stamp, err error) {
			for _, one := range s.list() {
				last = one
			}
			return last, nil
		},
		Keep: func(_ context.Context, one stamp.Stamp) error {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.kept[one.Size] = one
			return nil
		},
		Pending: func(context.Context, string) ([]stamp.Stamp, error) {
			return slices.DeleteFunc(s.list(), func(one stamp.Stamp) bool { return !one.Pending }), nil
		},
		Silent: func(_ context.Context, _ string, since time.Time) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.silent = append(s.silent, since)
		},
		Now: now, Log: slog.New(slog.DiscardHandler),
	}
}

func (s *shelf) list() []stamp.Stamp {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []stamp.Stamp
	for _, one := range s.kept {
		out = append(out, one)
	}
	slices.SortFunc(out, func(a, b stamp.Stamp) int { return int(a.Size - b.Size) })
	return out
}

func (s *shelf) grow(size int64) { s.size, s.note = size, fmt.Appendf(nil, "note of %d\n", size) }

func (s *shelf) told() []time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.silent)
}

func newShelf() *shelf { return &shelf{kept: map[int64]stamp.Stamp{}} }

// TestCollect has a real authority stamp what is new, no more often than it is to, and
// what is kept is found again by the next one.
func TestCollect(t *testing.T) {
	t.Parallel()
	a := newAuthority(t, "ec", "digests = sha256\nsigner_digest = sha256\n")
	s, now := newShelf(), time.Now()
	from := stamp.FromAuthority("tsa-1", time.Hour, a.client())
	c := stamp.NewCollector(s.config(func() time.Time { return now }), from)
	look := func(want int) {
		t.Helper()
		if err := c.Look(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := len(s.list()); got != want {
			t.Fatalf("%d stamps are kept, want %d", got, want)
		}
	}
	look(0) // there is no checkpoint
	s.grow(5)
	look(1)
	s.grow(9)
	look(1) // too soon
	now = now.Add(time.Hour)
	look(2)
	now = now.Add(time.Hour)
	look(2) // it has not grown
	c = stamp.NewCollector(s.config(func() time.Time { return now }), from)
	look(2)
	for _, one := range s.list() {
		if said, err := one.Verify(a.roots, nil); err != nil {
			t.Errorf("%q, %v", said, err)
		}
		one.Checkpoint = append(one.Checkpoint, 'x')
		if _, err := one.Verify(a.roots, nil); !errors.Is(err, stamp.ErrFalse) {
			t.Errorf("of another checkpoint: %v", err)
		}
	}
	if err := from.Check(t.Context()); err != nil {
		t.Error(err)
	}
	if len(s.silent) != 1 || !s.silent[0].IsZero() {
		t.Errorf("silent: %v", s.silent)
	}
	if st := c.Stats(); st.Source != "tsa-1" || st.Last != s.list()[1].Made.Unix() {
		t.Errorf("%+v", st)
	}
}

// TestCollectPromises: a calendar's promise is kept at once, and what became of it later.
func TestCollectPromises(t *testing.T) {
	t.Parallel()
	cal := newCalendar(t)
	s, now := newShelf(), time.Now()
	s.grow(5)
	c := stamp.NewCollector(s.config(func() time.Time { return now }), stamp.FromCalendars("calendars", 24*time.Hour, &stamp.Calendars{URLs: []string{cal.url}, Client: stamp.NewClient()}))
	for _, pending := range []bool{true, true, false} {
		if err := c.Look(t.Context()); err != nil {
			t.Fatal(err)
		}
		if list := s.list(); len(list) != 1 || list[0].Pending != pending {
			t.Fatalf("%+v, want pending %v", list, pending)
		}
		if now = now.Add(time.Hour); !cal.mined {
			cal.set(func() { cal.mined = s.list()[0].Pending && now.Sub(s.list()[0].Made) > 90*time.Minute })
		}
	}
	one := s.list()[0]
	if said, err := one.Verify(nil, nil); err != nil || said == "" {
		t.Errorf("%q, %v", said, err)
	}
}

// TestCollectFails: one who fails is asked again, ever more rarely, is told of after a
// day, and is taken back when it answers.
func TestCollectFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newShelf()
		s.grow(5)
		var ok atomic.Bool
		var asked atomic.Int64
		client := &http.Client{Transport: tripper(func(*http.Request) (*http.Response, error) {
			asked.Add(1)
			rec := httptest.NewRecorder()
			if ok.Load() {
				rec.Write([]byte{0x00, 1, 2, 3, 4, 5, 6, 7, 8, 0}) //nolint:errcheck // it is memory
			} else {
				rec.WriteHeader(http.StatusBadGateway)
			}
			return rec.Result(), nil
		})}
		c := stamp.NewCollector(s.config(time.Now), stamp.FromCalendars("calendars", time.Hour, &stamp.Calendars{URLs: []string{"http://calendar.invalid"}, Client: client}))
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- c.Run(ctx) }()
		began := time.Now()
		time.Sleep(23 * time.Hour)
		if n := asked.Load(); n < 20 || n > 40 || len(s.told()) != 0 {
			t.Errorf("asked %d times in 23 h; silent %v", n, s.told())
		}
		time.Sleep(3 * time.Hour)
		if told := s.told(); len(told) == 0 || !told[0].Equal(began) {
			t.Errorf("silent %v, it failed since %v", told, began)
		}
		ok.Store(true)
		time.Sleep(2 * time.Hour)
		if told := s.told(); !told[len(told)-1].IsZero() || len(s.list()) != 1 {
			t.Errorf("silent %v, %d stamps", told, len(s.list()))
		}
		if st := c.Stats(); st.Taken != 1 || st.Failed == 0 {
			t.Errorf("%+v", st)
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

type tripper func(*http.Request) (*http.Response, error)

func (f tripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
