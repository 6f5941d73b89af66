package pull_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"saltmine/internal/pull"
	"saltmine/internal/spool"
)

// refused is when the spool of every edge of the tests could not take a contact.
func refused() time.Time { return began.Add(time.Minute) }

// far is an edge's pull server over a real spool, on loopback.
type far struct {
	spool *spool.Spool
	url   string
	skew  atomic.Int64 // by how much its clock is ahead
	core  pull.Identity
	edge  pull.Identity
}

var began = time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)

func newFar(t *testing.T) *far {
	t.Helper()
	f := &far{core: identity(t, "core"), edge: identity(t, "127.0.0.1")}
	sp, err := spool.Open(spool.Config{Dir: t.TempDir(), Now: time.Now, SegmentBytes: 4096})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { sp.Close() })
	f.spool = sp
	h := pull.NewServer(pull.ServerConfig{Spool: sp, Began: began, Refused: refused, Log: slog.New(slog.DiscardHandler), Now: func() time.Time {
		return time.Now().Add(time.Duration(f.skew.Load()))
	}})
	f.url = f.serve(t, h)
	return f
}

func (f *far) serve(t *testing.T, h http.Handler) string {
	t.Helper()
	conf, err := f.edge.Serving(f.core.Cert)
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewUnstartedServer(h)
	srv.TLS = conf
	srv.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	srv.StartTLS()
	t.Cleanup(srv.Close)
	return "https://" + srv.Listener.Addr().String()
}

func (f *far) client(t *testing.T, url string) *pull.Client {
	t.Helper()
	conf, err := f.core.Asking(f.edge.Cert)
	if err != nil {
		t.Fatal(err)
	}
	return pull.NewClient(pull.ClientConfig{URL: url, TLS: conf, Poll: time.Minute, Now: time.Now})
}

func (f *far) append(t *testing.T, from, to int) {
	t.Helper()
	for i := from; i < to; i++ {
		if err := f.spool.Append(t.Context(), [16]byte{byte(i), byte(i >> 8)}, fmt.Appendf(nil, "record %d %s", i, strings.Repeat("x", 300))); err != nil {
			t.Fatal(err)
		}
	}
}

func identity(t *testing.T, host string) pull.Identity {
	t.Helper()
	i, err := pull.NewIdentity(host, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return i
}

// What an edge's spool holds comes over as it is, in order, once; the spool
// forgets what was acknowledged and nothing else.
func TestPull(t *testing.T) {
	t.Parallel()
	f := newFar(t)
	f.append(t, 0, 60)
	c := f.client(t, f.url)
	state, err := c.Greet(t.Context())
	if err != nil || state.Spool != f.spool.ID() || !state.Began.Equal(began) || c.Began() != state.Began {
		t.Fatalf("greeted with %+v, %v", state, err)
	}
	cursor, seen := spool.Cursor(0), 0
	for seen < 60 {
		got, err := c.Read(t.Context(), cursor, 7)
		if err != nil || len(got) == 0 || len(got) > 7 {
			t.Fatalf("%d records, %v", len(got), err)
		}
		direct, err := f.spool.Read(t.Context(), cursor, len(got))
		if err != nil {
			t.Fatal(err)
		}
		for i := range got {
			if got[i].Seq != direct[i].Seq || !got[i].At.Equal(direct[i].At) || got[i].Key != direct[i].Key || got[i].Next != direct[i].Next || !bytes.Equal(got[i].Sealed, direct[i].Sealed) {
				t.Fatalf("record %+v came as %+v", direct[i], got[i])
			}
		}
		seen += len(got)
		cursor = got[len(got)-1].Next
	}
	if got, err := c.Read(t.Context(), cursor, 7); err != nil || len(got) != 0 {
		t.Errorf("%d records behind the last, %v", len(got), err)
	}
	if held := f.spool.Stats().Pending; held != 60 {
		t.Errorf("%d records are held before an acknowledgement", held)
	}
	for range 2 {
		if err := c.Ack(t.Context(), cursor); err != nil || f.spool.Acked() != cursor {
			t.Errorf("acknowledged to %s, %v", f.spool.Acked(), err)
		}
	}
	if err := f.client(t, f.url).Ack(t.Context(), cursor+50); err == nil {
		t.Error("a client that has not greeted could acknowledge")
	}
	if err := c.Ack(t.Context(), cursor+50); !errors.Is(err, spool.ErrAhead) {
		t.Errorf("acknowledged what was never written: %v", err)
	}
}

// A waiting core hears of a record when it comes.
func TestPullWaits(t *testing.T) {
	t.Parallel()
	f := newFar(t)
	c := f.client(t, f.url)
	if _, err := c.Greet(t.Context()); err != nil {
		t.Fatal(err)
	}
	short, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := c.Wait(short, 0); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("waited for nothing: %v", err)
	}
	done := make(chan error, 1)
	go func() { done <- c.Wait(t.Context(), 0) }() // ends with the record below
	f.append(t, 0, 1)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if got, err := c.Read(t.Context(), 0, 10); err != nil || len(got) != 1 {
		t.Errorf("%d records, %v", len(got), err)
	}
}

// A clock that is off is measured, as good as the answer is quick.
func TestPullMeasuresTheClock(t *testing.T) {
	t.Parallel()
	f := newFar(t)
	c := f.client(t, f.url)
	for _, ahead := range []time.Duration{0, time.Hour, -90 * time.Second} {
		f.skew.Store(int64(ahead))
		s, err := c.Greet(t.Context())
		if off := (s.Ahead - ahead).Abs(); err != nil || off > s.Unsure+time.Millisecond || s.Unsure > 10*time.Second {
			t.Errorf("a clock %v ahead was measured as %v ± %v, %v", ahead, s.Ahead, s.Unsure, err)
		}
	}
}

// Who does not hold the right key gets nothing, in both directions.
func TestPullIsForOneCore(t *testing.T) {
	t.Parallel()
	f := newFar(t)
	f.append(t, 0, 3)
	stranger := &far{core: identity(t, "core"), edge: f.edge}
	if _, err := stranger.client(t, f.url).Greet(t.Context()); err == nil {
		t.Error("a core with another key was answered")
	}
	imposter := &far{core: f.core, edge: identity(t, "127.0.0.1")}
	if _, err := imposter.client(t, f.url).Greet(t.Context()); err == nil {
		t.Error("an edge with another key was believed")
	}
	bare := &http.Client{Transport: f.bare(t)}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, f.url+"/v1/spool", nil)
	if err != nil {
		t.Fatal(err)
	}
	if resp, err := bare.Do(req); err == nil {
		resp.Body.Close()
		t.Error("somebody without a certificate was answered")
	}
	if f.spool.Stats().Pending != 3 {
		t.Error("a stranger changed the spool")
	}
}

func (f *far) bare(t *testing.T) *http.Transport {
	t.Helper()
	conf, err := f.core.Asking(f.edge.Cert)
	if err != nil {
		t.Fatal(err)
	}
	conf.Certificates = nil
	return &http.Transport{TLSClientConfig: conf}
}

// An edge that was set up anew has other records under the same numbers: what
// belongs to the old one is neither read nor acknowledged.
func TestPullFromAnotherSpool(t *testing.T) {
	t.Parallel()
	f := newFar(t)
	f.append(t, 0, 3)
	anew := newFar(t)
	anew.core, anew.edge = f.core, f.edge
	anew.append(t, 0, 5)
	var now atomic.Pointer[far]
	now.Store(f)
	serverOf := func(x *far) http.Handler {
		return pull.NewServer(pull.ServerConfig{Spool: x.spool, Began: began, Refused: refused, Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	}
	url := f.serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { serverOf(now.Load()).ServeHTTP(w, r) }))
	c := f.client(t, url)
	if _, err := c.Greet(t.Context()); err != nil {
		t.Fatal(err)
	}
	now.Store(anew)
	if _, err := c.Read(t.Context(), 0, 10); !errors.Is(err, pull.ErrOther) {
		t.Errorf("read: %v", err)
	}
	if err := c.Ack(t.Context(), 3); !errors.Is(err, pull.ErrOther) || anew.spool.Acked() != 1 {
		t.Errorf("acknowledged to %s: %v", anew.spool.Acked(), err)
	}
	if s, err := c.Greet(t.Context()); err != nil || s.Spool != anew.spool.ID() {
		t.Errorf("greeted again: %+v, %v", s, err)
	}
	if got, err := c.Read(t.Context(), 0, 10); err != nil || len(got) != 5 {
		t.Errorf("%d records, %v", len(got), err)
	}
}

// An edge that came back from an older copy of its disk has given the numbers out
// that were acknowledged, and will again: whoever reads there is told so, also
// when he acknowledges what he acknowledged before.
func TestPullFromAnOlderSpool(t *testing.T) {
	t.Parallel()
	f := newFar(t)
	dir, old := t.TempDir(), t.TempDir()
	open := func(dir string) *spool.Spool {
		sp, err := spool.Open(spool.Config{Dir: dir, Now: time.Now})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { sp.Close() })
		return sp
	}
	f.spool = open(dir)
	f.append(t, 0, 3)
	if err := f.spool.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(old, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	f.spool = open(dir)
	f.append(t, 3, 9)
	var now atomic.Pointer[spool.Spool]
	now.Store(f.spool)
	c := f.client(t, f.serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		pull.NewServer(pull.ServerConfig{Spool: now.Load(), Began: began, Refused: refused, Now: time.Now, Log: slog.New(slog.DiscardHandler)}).ServeHTTP(w, r)
	})))
	if _, err := c.Greet(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := c.Ack(t.Context(), 10); err != nil {
		t.Fatal(err)
	}
	now.Store(open(old))
	if _, err := c.Read(t.Context(), 10, 5); !errors.Is(err, spool.ErrAhead) {
		t.Errorf("read: %v", err)
	}
	if err := c.Ack(t.Context(), 10); !errors.Is(err, spool.ErrAhead) {
		t.Errorf("acknowledged again: %v", err)
	}
	if got, err := c.Read(t.Context(), 0, 5); err != nil || len(got) != 3 {
		t.Errorf("from its beginning: %d records, %v", len(got), err)
	}
}

// The example of the package comment.
func TestRecordForm(t *testing.T) {
	t.Parallel()
	const want = "000000000000000700060a24181e4000a0a1a2a3a4a5a6a7a8a9aaabacadaeaf000000026869"
	rec := spool.Record{Seq: 7, At: time.Unix(1_700_000_000, 0).UTC(), Sealed: []byte("hi"), Next: 8}
	for i := range rec.Key {
		rec.Key[i] = byte(0xa0 + i)
	}
	b := pull.AppendRecord(nil, &rec)
	if hex.EncodeToString(b) != want {
		t.Errorf("%x", b)
	}
	got, err := pull.ReadRecords(bytes.NewReader(b), 7)
	if err != nil || len(got) != 1 || got[0].Seq != rec.Seq || !got[0].At.Equal(rec.At) || got[0].Next != 8 {
		t.Errorf("%+v, %v", got, err)
	}
	for from, cut := range map[spool.Cursor]int{8: len(b), 7: len(b) - 1, 1: 20} {
		if got, err := pull.ReadRecords(bytes.NewReader(b[:cut]), from); !errors.Is(err, pull.ErrAnswer) {
			t.Errorf("from %d, %d bytes: %d records, %v", from, cut, len(got), err)
		}
	}
}

// Whatever an edge that was taken over answers, the core reads it or refuses it.
func FuzzRecords(f *testing.F) {
	f.Add([]byte{}, uint64(0))
	f.Add(pull.AppendRecord(pull.AppendRecord(nil, &spool.Record{Seq: 1, Sealed: []byte("a")}), &spool.Record{Seq: 2}), uint64(1))
	f.Add(bytes.Repeat([]byte{0xff}, 80), uint64(1)<<63)
	f.Fuzz(func(t *testing.T, b []byte, from uint64) {
		records, err := pull.ReadRecords(bytes.NewReader(b), spool.Cursor(from))
		if err != nil {
			return
		}
		var again []byte
		for i := range records {
			if records[i].Seq < from || uint64(records[i].Next) != records[i].Seq+1 {
				t.Fatalf("record %d from %d", records[i].Seq, from)
			}
			from = records[i].Seq + 1
			again = pull.AppendRecord(again, &records[i])
		}
		if !bytes.Equal(again, b) {
			t.Fatalf("%x was read as %x", b, again)
		}
	})
}

// An answer that is not of this protocol is refused.
func TestPullFromSomethingElse(t *testing.T) {
	t.Parallel()
	f := newFar(t)
	f.append(t, 0, 2)
	honest := pull.NewServer(pull.ServerConfig{Spool: f.spool, Began: began, Refused: refused, Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	for name, h := range map[string]http.HandlerFunc{
		"a web page": func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "hello") }, //nolint:errcheck // the reader went away
		"a redirection": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://127.0.0.1:1/", http.StatusFound)
		},
		"half a record": func(w http.ResponseWriter, r *http.Request) {
			rec := httptest.NewRecorder()
			honest.ServeHTTP(rec, r)
			maps.Copy(w.Header(), rec.Header())
			w.WriteHeader(rec.Code)
			w.Write(rec.Body.Bytes()[:rec.Body.Len()/3]) //nolint:errcheck // it is less than was said
		},
	} {
		c := f.client(t, f.serve(t, h))
		_, err := c.Greet(t.Context())
		if err == nil {
			_, err = c.Read(t.Context(), 0, 10)
		}
		if !errors.Is(err, pull.ErrAnswer) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A key gets into no text, whoever prints it.
func TestIdentityPrintsNothing(t *testing.T) {
	t.Parallel()
	i := identity(t, "edge1.example.net")
	for _, text := range []string{fmt.Sprint(i), fmt.Sprintf("%+v %#v", i, i), i.String()} {
		if strings.Contains(text, "PRIVATE") || strings.Contains(text, "45, 45") || text == "" {
			t.Errorf("%q", text)
		}
	}
}
