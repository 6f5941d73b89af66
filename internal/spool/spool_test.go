package spool_test

import (
	"context"
	"errors"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"saltmine/internal/spool"
)

func TestWhatIsAppendedIsReadInOrderAlsoAfterRestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cfg := spool.Config{Dir: dir, SegmentBytes: 600}
	s := open(t, cfg)
	add(t, s, 0, 40)
	holds(t, s, 0, 40)
	if n := len(segmentFiles(t, dir, ".seg")); n < 5 {
		t.Errorf("%d segments, want more: 40 records do not fit into few of 600 bytes", n)
	}
	verified(t, s)
	id := s.ID()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, cfg)
	holds(t, s, 0, 40)
	add(t, s, 40, 50)
	holds(t, s, 0, 50)
	verified(t, s)
	if s.ID() != id {
		t.Error("the spool has another id after a restart")
	}
}

func TestTheSameKeyIsHeldOnce(t *testing.T) {
	t.Parallel()
	cfg := spool.Config{Dir: t.TempDir(), SegmentBytes: 400}
	s := open(t, cfg)
	add(t, s, 0, 10)
	add(t, s, 0, 10)
	holds(t, s, 0, 10)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, cfg)
	add(t, s, 0, 10)
	holds(t, s, 0, 10)
}

func TestParallelAppendsOfOneKeyWaitForTheOneRecord(t *testing.T) {
	t.Parallel()
	begun, release := make(chan struct{}, 1), make(chan struct{})
	cfg := spool.Config{Dir: t.TempDir()}
	s := open(t, cfg)
	add(t, s, 0, 1)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	var once sync.Once
	armed := make(chan struct{})
	cfg.Hooks.Sync = func(f *os.File) error {
		select {
		case <-armed:
			once.Do(func() { begun <- struct{}{}; <-release })
		default:
		}
		return f.Sync()
	}
	s = open(t, cfg)
	close(armed)
	var wg sync.WaitGroup
	errs := make(chan error, 20)
	for range 20 {
		wg.Go(func() { errs <- s.Append(t.Context(), key(1), body(1)) })
	}
	<-begun
	select {
	case err := <-errs:
		t.Errorf("an Append returned %v before its record was durable", err)
	default:
	}
	if recs := all(t, s, 0); len(recs) != 1 {
		t.Errorf("%d records are readable before the sync, want 1", len(recs))
	}
	close(release)
	wg.Wait()
	for range 20 {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	holds(t, s, 0, 2)
}

func TestManyWritersShareSyncsAndLoseNothing(t *testing.T) {
	t.Parallel()
	const writers, each = 100, 10
	s := open(t, spool.Config{Dir: t.TempDir(), SegmentBytes: 8 << 10})
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				// Every key comes from two writers.
				if err := s.Append(t.Context(), key(w/2*each+i), body(w/2*each+i)); err != nil {
					t.Errorf("append: %v", err)
				}
			}
		})
	}
	wg.Wait()
	recs := all(t, s, 0)
	if len(recs) != writers/2*each || len(keys(recs)) != len(recs) {
		t.Errorf("%d records under %d keys, want %d", len(recs), len(keys(recs)), writers/2*each)
	}
	if st := s.Stats(); st.Syncs*2 > st.Appends {
		t.Errorf("%d syncs for %d records: commits are not grouped", st.Syncs, st.Appends)
	}
	verified(t, s)
}

func TestAckTrimsAndNeverGoesBack(t *testing.T) {
	t.Parallel()
	cfg := spool.Config{Dir: t.TempDir(), SegmentBytes: 500}
	s := open(t, cfg)
	add(t, s, 0, 40)
	before := s.Stats()
	for _, c := range []spool.Cursor{21, 21, 3, 0} {
		if err := s.Ack(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		if s.Acked() != 21 {
			t.Fatalf("acked = %s after Ack(%s)", s.Acked(), c)
		}
	}
	st := s.Stats()
	if st.Segments >= before.Segments || st.First > 21 || st.First < 10 || st.Pending != 20 || st.Bytes >= before.Bytes {
		t.Errorf("after the trim: %+v", st)
	}
	verified(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, cfg)
	if s.Acked() != 21 {
		t.Errorf("acked = %s after a restart", s.Acked())
	}
	if recs := all(t, s, s.Acked()); len(recs) != 20 || recs[0].Key != key(20) {
		t.Errorf("%d records pending after a restart", len(recs))
	}
	if err := s.Ack(t.Context(), 41); err != nil {
		t.Fatal(err)
	}
	if st := s.Stats(); st.Segments != 1 || st.Pending != 0 {
		t.Errorf("when all is acknowledged: %+v", st)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, cfg)
	add(t, s, 100, 101)
	if recs := all(t, s, s.Acked()); len(recs) != 1 || recs[0].Seq != 41 {
		t.Errorf("after everything was trimmed the numbers go on at %+v", recs)
	}
	verified(t, s)
}

func TestCursorsBehindTheEndAreRefused(t *testing.T) {
	t.Parallel()
	s := open(t, spool.Config{Dir: t.TempDir()})
	add(t, s, 0, 3)
	if recs, err := s.Read(t.Context(), 4, 1); err != nil || len(recs) != 0 {
		t.Errorf("Read at the end = %d records, %v", len(recs), err)
	}
	_, err := s.Read(t.Context(), 5, 1)
	for _, err := range []error{err, s.Ack(t.Context(), 5), s.Wait(t.Context(), 5)} {
		if !errors.Is(err, spool.ErrAhead) {
			t.Errorf("error = %v, want ErrAhead", err)
		}
	}
}

func TestASecondOpenIsRefused(t *testing.T) {
	t.Parallel()
	cfg := spool.Config{Dir: t.TempDir()}
	s := open(t, cfg)
	if _, err := spool.Open(filled(cfg)); !errors.Is(err, spool.ErrLocked) {
		t.Errorf("second Open: %v, want ErrLocked", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	open(t, cfg)
}

func TestAForkedProcessDoesNotKeepTheLock(t *testing.T) {
	t.Parallel()
	cfg := spool.Config{Dir: t.TempDir()}
	s := open(t, cfg)
	forked, err := s.ShareLock()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = forked.Close() }()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	open(t, cfg)
}

func TestWaitReturnsWhenARecordComes(t *testing.T) {
	t.Parallel()
	s := open(t, spool.Config{Dir: t.TempDir()})
	got := make(chan error)
	add(t, s, 0, 1)
	go func() { got <- s.Wait(t.Context(), 2) }()
	select {
	case err := <-got:
		t.Fatalf("Wait for the second record returned with the first: %v", err)
	default:
	}
	add(t, s, 1, 2)
	if err := <-got; err != nil {
		t.Error(err)
	}
	if err := s.Wait(t.Context(), 0); err != nil {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	go func() { got <- s.Wait(ctx, 3) }()
	cancel()
	if err := <-got; !errors.Is(err, context.Canceled) {
		t.Errorf("Wait with an ended context: %v", err)
	}
}

func TestACancelledAppendReturnsAndLeavesTheSpoolWhole(t *testing.T) {
	t.Parallel()
	begun, release := make(chan struct{}), make(chan struct{})
	hold := false
	cfg := spool.Config{Dir: t.TempDir(), Hooks: spool.Hooks{Free: func(string) (int64, error) {
		if hold { // the writer has taken the record and has not yet written it
			hold = false
			close(begun)
			<-release
		}
		return 1 << 40, nil
	}}}
	s := open(t, cfg)
	hold = true // the writer sees it through the queue
	ctx, cancel := context.WithCancel(t.Context())
	got := make(chan error)
	go func() { got <- s.Append(ctx, key(0), body(0)) }()
	<-begun
	cancel()
	if err := <-got; !errors.Is(err, context.Canceled) {
		t.Errorf("Append = %v", err)
	}
	close(release)
	add(t, s, 1, 2)
	holds(t, s, 0, 2)
	if err := s.Append(ctx, key(2), body(2)); !errors.Is(err, context.Canceled) {
		t.Errorf("Append with an ended context = %v", err)
	}
	holds(t, s, 0, 2)
}

func TestAClosedSpoolSaysSo(t *testing.T) {
	t.Parallel()
	s := open(t, spool.Config{Dir: t.TempDir()})
	add(t, s, 0, 1)
	waiting := make(chan error, 1)
	go func() { waiting <- s.Wait(t.Context(), 2) }()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	_, err := s.Read(t.Context(), 0, 1)
	for i, err := range []error{<-waiting, err, s.Append(t.Context(), key(5), nil), s.Ack(t.Context(), 1), s.Wait(t.Context(), 0)} {
		if !errors.Is(err, spool.ErrClosed) {
			t.Errorf("%d: error = %v, want ErrClosed", i, err)
		}
	}
}

func TestLargeRecords(t *testing.T) {
	t.Parallel()
	s := open(t, spool.Config{Dir: t.TempDir(), SegmentBytes: 1 << 20, Hooks: quick()})
	big := random(9 << 20)
	add(t, s, 0, 1)
	if err := s.Append(t.Context(), key(1), big); err != nil {
		t.Fatal(err)
	}
	add(t, s, 2, 3)
	recs := all(t, s, 0)
	if len(recs) != 3 || string(recs[1].Sealed) != string(big) {
		t.Error("a record larger than a segment does not come back")
	}
	if recs, err := s.Read(t.Context(), 0, 3); err != nil || len(recs) != 2 {
		t.Errorf("one Read gives %d records, %v: it should stop when it has many bytes", len(recs), err)
	}
	verified(t, s)
	if err := s.Append(t.Context(), key(4), make([]byte, spool.MaxRecord+1)); !errors.Is(err, spool.ErrTooLarge) {
		t.Errorf("error = %v, want ErrTooLarge", err)
	}
}

func TestRecordsCarryTheTime(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 4, 5, 6, 7, 8_999, time.FixedZone("", 3600))
	s := open(t, spool.Config{Dir: t.TempDir(), Now: func() time.Time { return at }})
	add(t, s, 0, 1)
	if got := all(t, s, 0)[0].At; got != at.UTC().Truncate(time.Microsecond) {
		t.Errorf("at = %s", got)
	}
	if _, err := spool.Open(spool.Config{Dir: t.TempDir()}); err == nil {
		t.Error("a spool without a clock opened")
	}
}

func TestCursorText(t *testing.T) {
	t.Parallel()
	for _, c := range []spool.Cursor{0, 1, 1 << 63} {
		if got, err := spool.ParseCursor(c.String()); err != nil || got != c {
			t.Errorf("ParseCursor(%q) = %s, %v", c.String(), got, err)
		}
	}
	for _, bad := range []string{"", "-1", "x", "1.5", "99999999999999999999"} {
		if _, err := spool.ParseCursor(bad); err == nil {
			t.Errorf("ParseCursor(%q) succeeded", bad)
		}
	}
}

// TestAnOldSegmentGoesWhenItHasBeenFetched: not before, and not an empty one, or
// there would be another each time.
func TestAnOldSegmentGoesWhenItHasBeenFetched(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, spool.Config{Dir: dir, MaxAge: 40 * time.Millisecond, Hooks: quick()})
	add(t, s, 0, 3)
	first := segmentFiles(t, dir, ".seg")
	time.Sleep(100 * time.Millisecond)
	holds(t, s, 0, 3)
	if now := segmentFiles(t, dir, ".seg"); !slices.Equal(now, first) {
		t.Errorf("%v, while nothing has been fetched", now)
	}
	if err := s.Ack(t.Context(), s.Stats().Next); err != nil {
		t.Fatal(err)
	}
	second := first // the new one is made before the old one goes: for a moment there are two
	for end := time.Now().Add(time.Minute); (len(second) != 1 || slices.Equal(second, first)) && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
		second = segmentFiles(t, dir, ".seg")
	}
	if len(second) != 1 || slices.Equal(second, first) {
		t.Fatalf("%v, was %v", second, first)
	}
	time.Sleep(100 * time.Millisecond)
	if now := segmentFiles(t, dir, ".seg"); !slices.Equal(now, second) {
		t.Errorf("an empty segment %v goes for %v", second, now)
	}
	add(t, s, 3, 5)
	verified(t, s)
	if got := len(all(t, s, s.Acked())); got != 2 {
		t.Errorf("%d records after it", got)
	}
}
