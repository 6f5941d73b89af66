package salt_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/registry"
	"saltmine/seeder/salt"
)

var errCrash = errors.New("crash")

// fragile is a registry that fails once at the nth write, before or after it
// was done: after is a crash that comes before the answer.
type fragile struct {
	*registry.Registry
	left  int
	after bool
}

func (f *fragile) write(do func() error) error {
	f.left--
	if f.left == 0 && !f.after {
		return errCrash
	}
	if err := do(); err != nil {
		return err
	}
	if f.left == 0 {
		return errCrash
	}
	return nil
}

func (f *fragile) Intend(ctx context.Context, p []canary.Planting) error {
	return f.write(func() error { return f.Registry.Intend(ctx, p) })
}

func (f *fragile) AmendAll(ctx context.Context, list []canary.Amendment) error {
	return f.write(func() error { return f.Registry.AmendAll(ctx, list) })
}

func (f *fragile) OpenBatch(ctx context.Context, b canary.Batch) error {
	return f.write(func() error { return f.Registry.OpenBatch(ctx, b) })
}

func (f *fragile) CloseBatch(ctx context.Context, id canary.BatchID, at time.Time) error {
	return f.write(func() error { return f.Registry.CloseBatch(ctx, id, at) })
}

func (f *fragile) ImportExtracts(ctx context.Context, list []canary.Extract) (added int, err error) {
	err = f.write(func() error { added, err = f.Registry.ImportExtracts(ctx, list); return err })
	return added, err
}

// TestCrash fails at every write, and carries on: the copy that appears is
// complete, it is the same whenever it appears, and nothing in it is unknown.
func TestCrash(t *testing.T) {
	t.Parallel()
	const opened, writes = 1, 1 + 2 + 1 + 1 + 1 + 1 // batch, groups, extract, extract, canaries, batch
	for after, crashes := range map[bool][]int{false: {opened, 3, 5}, true: {2, 4, writes, writes + 1}} {
		s := newSite(t)
		s.cfg.PlacebosPerEmail = 1
		in := csvOf(header(), rows(300))
		for _, n := range crashes {
			name := fmt.Sprintf("r%d", n)
			var seen [][]byte
			done := s.crash(order(name, in, held), n, after, &seen)
			if done != (n > writes) {
				t.Errorf("write %d of %d: done %v", n, writes, done)
			}
			if !done && !s.crash(order(name, in, held), 0, false, &seen) {
				t.Fatalf("write %d: the second run failed too", n)
			}
			s.checkRelease(name, seen, in)
		}
	}
}

// held are the canaries of a copy here: two groups.
const held = 17

// crash makes a release that fails at the nth write. What is published is
// collected. It reports whether the release was finished.
func (s *site) crash(o salt.Order, n int, after bool, seen *[][]byte) bool {
	s.t.Helper()
	f := &fragile{s.reg, n, after}
	cfg := s.cfg
	cfg.Ledger, cfg.Batches, cfg.Extracts = f, f, f
	x, err := salt.New(cfg)
	if err != nil {
		s.t.Fatal(err)
	}
	c, err := x.Prepare(s.t.Context(), o)
	if err == nil {
		var out bytes.Buffer
		if err = c.WriteTo(s.t.Context(), &out); err == nil {
			err = c.Release(s.t.Context(), func() error { *seen = append(*seen, out.Bytes()); return nil })
		}
	}
	if err != nil && !errors.Is(err, errCrash) {
		s.t.Fatal(err)
	}
	return err == nil
}

func (s *site) checkRelease(name string, seen [][]byte, in []byte) {
	s.t.Helper()
	if len(seen) == 0 {
		s.t.Fatalf("%s: nothing was published", name)
	}
	for _, out := range seen {
		if !bytes.Equal(out, seen[0]) {
			s.t.Fatalf("%s: it was published twice, and not the same", name)
		}
	}
	canaries, rest := s.parted(name, seen[0], true)
	if len(canaries) != held || rest != string(in) {
		s.t.Fatalf("%s: %d canaries, the rest is the list: %v", name, len(canaries), rest == string(in))
	}
	list := s.plantings(name)
	for _, p := range list {
		if p.State != canary.Planted || !p.Tokens[0].Window.From.Come() {
			s.t.Errorf("%s: a canary is %s, its token %+v", name, p.State, p.Tokens[0].Window)
		}
	}
	extracts, err := s.reg.Extracts(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	for _, e := range extracts {
		if e.Actor == name && (len(e.Held) != held || len(list) != held) {
			s.t.Errorf("%s: %d canaries, the extract held %d", name, len(list), len(e.Held))
		}
	}
}

// TestAgain writes a copy that was released before, the same and unregistered.
func TestAgain(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	in := csvOf(header(), rows(400))
	o := order("acme", in, 20)
	first, _ := s.release(o)
	before, err := s.reg.Extracts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	o.Seed = nil
	second, report := s.release(o)
	after, err := s.reg.Extracts(t.Context())
	if err != nil || !bytes.Equal(first, second) || !report.Again || before[0].Taken != after[0].Taken || len(s.plantings("acme")) != 20 {
		t.Errorf("again: %+v, the same: %v, %v", report, bytes.Equal(first, second), err)
	}
	other := order("beta", in, 20)
	third, _ := s.release(other)
	if canaries, _ := s.parted("acme", third, true); len(canaries) > 0 {
		t.Errorf("%d canaries stand in two copies", len(canaries))
	}
}

func TestRefuses(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	list := rows(400)
	in := csvOf(header(), list)
	s.release(order("acme", in, 20))
	if _, err := s.reg.ImportExtracts(t.Context(), []canary.Extract{{ID: "copy:known", Actor: "x", Taken: canary.At(s.now), Place: "db:main"}}); err != nil {
		t.Fatal(err)
	}
	dense := rows(400)
	for i := range dense {
		dense[i][colID] = fmt.Sprint(i + 1)
	}
	nameless := rows(400)
	for i := range nameless {
		nameless[i][colFirst], nameless[i][colLast], nameless[i][colComment] = "", "", ""
	}
	for name, c := range map[string]struct {
		o    salt.Order
		want error
	}{
		"another list under a name in use": {order("acme", csvOf(header(), list[:300]), 20), salt.ErrTaken},
		"another count under a name":       {order("acme", in, 21), salt.ErrBegun},
		"an extract of that name":          {order("known", in, 20), salt.ErrTaken},
		"a name with a slash":              {order("a/b", in, 20), salt.ErrConfig},
		"no canaries":                      {order("none", in, 0), salt.ErrConfig},
		"no gap in the ids":                {order("dense", csvOf(header(), dense), 20), salt.ErrRoom},
		"no names":                         {order("nameless", csvOf(header(), nameless), 20), salt.ErrSample},
	} {
		if _, _, err := s.try(c.o); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	few := order("few", in, 20)
	few.MaxShare = 0.0001
	if _, _, err := s.try(few); !errors.Is(err, salt.ErrRoom) {
		t.Errorf("too few rows: %v", err)
	}
	if n := len(s.plantings("dense")) + len(s.plantings("few")) + len(s.plantings("nameless")); n > 0 {
		t.Errorf("%d canaries were registered by releases that were refused", n)
	}
	cfg := s.cfg
	cfg.Domains = nil
	if _, err := salt.New(cfg); !errors.Is(err, salt.ErrPool) {
		t.Errorf("without a domain: %v", err)
	}
}

// TestChanged fails where the list is another one when it is read again.
func TestChanged(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	in := csvOf(header(), rows(400))
	for name, then := range map[string][]byte{
		"grown": append(bytes.Clone(in), in[len(in)-100:]...), "shrunk": in[:len(in)-1], "edited": bytes.Replace(in, []byte("a"), []byte("b"), 1),
	} {
		o := order(name, in, 10)
		opened := 0
		o.Open = func() (io.ReadCloser, error) {
			opened++
			if opened == 1 {
				return io.NopCloser(bytes.NewReader(in)), nil
			}
			return io.NopCloser(bytes.NewReader(then)), nil
		}
		if _, _, err := s.try(o); !errors.Is(err, salt.ErrChanged) {
			t.Errorf("%s: %v", name, err)
		}
		if extracts, err := s.reg.Extracts(t.Context()); err != nil || len(extracts) > 0 {
			t.Errorf("%s: extracts %v, %v", name, extracts, err)
		}
	}
}

// TestPreview registers nothing and shows what was understood.
func TestPreview(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	in := csvOf(header(), rows(400))
	p, err := s.salter().Preview(t.Context(), order("acme", in, 20))
	if err != nil {
		t.Fatal(err)
	}
	row := readCSV(t, p.Example)[0]
	if len(row) != len(header()) || !strings.HasSuffix(row[colEmail], ".example") {
		t.Errorf("example: %q", p.Example)
	}
	if p.Canaries != 20 || p.Format != "CSV with commas" || strings.Join(p.Order, ",") != "id rising,created_at rising,ticket_no rising" {
		t.Errorf("preview: %+v", p)
	}
	if list, err := s.reg.Plantings(t.Context(), canary.Filter{}); err != nil || len(list) > 0 {
		t.Errorf("a preview registered %d canaries, %v", len(list), err)
	}
	if _, found, err := s.reg.Batch(t.Context(), "copy.acme"); err != nil || found {
		t.Errorf("a preview opened a batch, %v", err)
	}
}
