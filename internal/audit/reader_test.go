package audit_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"saltmine/internal/audit"
)

func sampleLog(t testing.TB) []byte {
	t.Helper()
	text, err := os.ReadFile("testdata/server_audit.log")
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func gzipped(t testing.TB, text []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write(text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func zstded(t testing.TB, text []byte) []byte {
	t.Helper()
	w, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	return w.EncodeAll(text, nil)
}

func texts(events []*audit.Event) string {
	var b strings.Builder
	for _, e := range events {
		b.WriteString(describe(e) + "\n")
	}
	return b.String()
}

func TestCompressed(t *testing.T) {
	t.Parallel()
	text := sampleLog(t)
	plain, _, _ := read(t, bytes.NewReader(text), audit.Config{})
	half := len(text) / 2
	for name, packed := range map[string][]byte{
		"gzip": gzipped(t, text), "zstd": zstded(t, text),
		"two gzip members": append(gzipped(t, text[:half]), gzipped(t, text[half:])...),
		"two zstd frames":  append(zstded(t, text[:half]), zstded(t, text[half:])...),
	} {
		events, faults, err := read(t, bytes.NewReader(packed), audit.Config{})
		if err != nil || len(faults) > 0 || texts(events) != texts(plain) {
			t.Errorf("%s: %d events of %d, %d faults, %v", name, len(events), len(plain), len(faults), err)
		}
	}
}

// TestCompressedAndCut cuts at every length: what could be read is read, what is
// left of the last line is a fault, and the end is an error.
func TestCompressedAndCut(t *testing.T) {
	t.Parallel()
	var text []byte
	for i := range 3000 { // not so regular that it is packed into one block
		text = fmt.Appendf(text, "20261122 15:01:40,vm,root,h%d,8,%d,READ,help,t%x,\n", i*i%977, i, i*i*i*7919)
	}
	for name, packed := range map[string][]byte{"gzip": gzipped(t, text), "zstd": zstded(t, text)} {
		most := 0
		for n := 5; n < len(packed); n += 997 {
			events, faults, err := read(t, bytes.NewReader(packed[:n]), audit.Config{Format: audit.ServerAudit})
			if !errors.Is(err, audit.ErrCut) {
				t.Errorf("%s cut at %d of %d: %d events, %v", name, n, len(packed), len(events), err)
			}
			if len(faults) > 1 {
				t.Errorf("%s cut at %d: %d faults", name, n, len(faults))
			}
			most = max(most, len(events))
		}
		if most < 1000 {
			t.Errorf("%s: at most %d events were read", name, most)
		}
	}
}

// TestResume stops behind every event and every fault of every format, keeps the
// state as JSON, and goes on.
func TestResume(t *testing.T) {
	t.Parallel()
	for _, name := range logs(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(filepath.Join("testdata", name))
			if err != nil {
				t.Fatal(err)
			}
			cfg := audit.Config{Now: time.Date(2027, 1, 3, 0, 0, 0, 0, time.UTC)}
			all, faults, err := read(t, bytes.NewReader(text), cfg)
			if err != nil {
				t.Fatal(err)
			}
			step := max(1, (len(all)+len(faults))/40)
			for n := 0; n < len(all)+len(faults); n += step {
				events, wrong := resumed(t, text, cfg, n)
				if texts(events) != texts(all) || fmt.Sprint(wrong) != fmt.Sprint(faults) {
					t.Fatalf("stopped behind %d: %d events of %d, %d faults of %d", n, len(events), len(all), len(wrong), len(faults))
				}
				for i, e := range events {
					if e.Digest() != all[i].Digest() {
						t.Fatalf("stopped behind %d: another digest: %s", n, describe(e))
					}
				}
			}
		})
	}
}

// logs are the logs of testdata.
func logs(t testing.TB) (names []string) {
	t.Helper()
	goldens, err := filepath.Glob("testdata/*.golden")
	if err != nil || len(goldens) < 10 {
		t.Fatal(goldens, err)
	}
	for _, g := range goldens {
		names = append(names, strings.TrimSuffix(filepath.Base(g), ".golden"))
	}
	return names
}

// resumed reads n results of a log, stops, and reads the rest, from a compressed
// copy every other time.
func resumed(t *testing.T, text []byte, cfg audit.Config, n int) (events []*audit.Event, faults []*audit.Fault) {
	t.Helper()
	r, err := audit.Open(bytes.NewReader(text), cfg)
	if err != nil {
		t.Fatal(err)
	}
	for range n {
		e, err := r.Next()
		if fault, ok := errors.AsType[*audit.Fault](err); ok {
			faults = append(faults, fault)
		} else if err != nil {
			t.Fatal(err)
		} else {
			events = append(events, e.Clone())
		}
	}
	kept, err := json.Marshal(r.State())
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(strings.ToLower(string(kept)), "select") {
		t.Fatalf("the state holds a statement: %s", kept)
	}
	cfg.From = audit.State{}
	if err := json.Unmarshal(kept, &cfg.From); err != nil {
		t.Fatal(err)
	}
	var in io.Reader = bytes.NewReader(text)
	if n%2 == 1 {
		in = bytes.NewReader(gzipped(t, text))
	}
	more, wrong, err := read(t, in, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return append(events, more...), append(faults, wrong...)
}

func TestResumeKnowsItsLog(t *testing.T) {
	t.Parallel()
	text := sampleLog(t)
	r, err := audit.Open(bytes.NewReader(text), audit.Config{})
	if err != nil {
		t.Fatal(err)
	}
	for range 100 {
		if _, err := r.Next(); err != nil {
			t.Fatal(err)
		}
	}
	state := r.State()
	other := bytes.Replace(text, []byte("07:46:38"), []byte("07:46:37"), 1)
	for name, log := range map[string][]byte{"replaced": other, "cut": text[:state.Offset-1], "cut short": text[:40], "emptied": nil} {
		if _, err := audit.Open(bytes.NewReader(log), audit.Config{From: state}); !errors.Is(err, audit.ErrOther) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := audit.Open(bytes.NewReader(append(bytes.Clone(text), text...)), audit.Config{From: state}); err != nil {
		t.Errorf("grown: %v", err)
	}
}

// growing is a file that is written while it is read.
type growing struct {
	text []byte
	read int
}

func (g *growing) Read(p []byte) (int, error) {
	n := copy(p, g.text[g.read:])
	if g.read += n; n == 0 {
		return 0, io.EOF
	}
	return n, nil
}

// TestLive writes a log in pieces of every size: no event comes twice, none is
// torn, and none waits for more than the end of its line.
func TestLive(t *testing.T) {
	t.Parallel()
	text := sampleLog(t)
	all, _, _ := read(t, bytes.NewReader(text), audit.Config{})
	for piece := 1; piece < 4000; piece = piece*3 + 1 {
		g := &growing{text: text[:100]}
		r, err := audit.Open(g, audit.Config{Live: true})
		if err != nil {
			t.Fatal(err)
		}
		var got []*audit.Event
		for end := 100; ; end = min(end+piece, len(text)) {
			g.text = text[:end]
			for {
				e, err := r.Next()
				if errors.Is(err, io.EOF) {
					break
				}
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, e.Clone())
			}
			if whole := bytes.Count(text[:end], []byte("\n")); len(got) != whole {
				t.Fatalf("pieces of %d: %d events of %d whole lines", piece, len(got), whole)
			}
			if r.State().Offset > int64(end) || text[r.State().Offset-1] != '\n' {
				t.Fatalf("the state is at %d of %d", r.State().Offset, end)
			}
			if end == len(text) {
				break
			}
		}
		if texts(got) != texts(all) {
			t.Errorf("pieces of %d: other events", piece)
		}
	}
}

// TestTwiceImported reads overlapping files: the union is each event once.
func TestTwiceImported(t *testing.T) {
	t.Parallel()
	text := sampleLog(t)
	lines := bytes.SplitAfter(text, []byte("\n"))
	all, _, _ := read(t, bytes.NewReader(text), audit.Config{})
	seen := map[[32]byte]bool{}
	for i := range lines {
		part := bytes.Join(lines[max(0, i-20):i], nil)
		events, _, err := read(t, bytes.NewReader(part), audit.Config{Format: audit.ServerAudit, Zone: time.FixedZone("", i*60)})
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range events {
			seen[e.Digest()] = true
		}
	}
	if len(seen) != len(all) {
		t.Errorf("%d different events, want %d", len(seen), len(all))
	}
}

// long is a line of n bytes that is nowhere.
type long struct {
	before, after string
	n             int64
}

func (l *long) reader() io.Reader {
	return io.MultiReader(strings.NewReader(l.before), io.LimitReader(letters{}, l.n), strings.NewReader(l.after))
}

type letters struct{}

func (letters) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	return len(p), nil
}

// TestLongLine has a statement that is longer than can be held, and then another
// line: the statement's beginning is an event all the same.
func TestLongLine(t *testing.T) {
	t.Parallel()
	const head, tail = "20261122 15:01:40,vm,u,h,5,6,QUERY,help,'select ", "',0\n20261122 15:01:41,vm,u,h,5,7,READ,help,customers,\n"
	n := int64(200 << 20)
	l := &long{before: head, after: tail, n: n}
	events, faults, err := read(t, l.reader(), audit.Config{Format: audit.ServerAudit, MaxRecord: 1 << 20})
	if err != nil || len(faults) > 0 || len(events) != 2 {
		t.Fatalf("%d events, %d faults, %v", len(events), len(faults), err)
	}
	e := events[0]
	if !e.Truncated || e.Code != audit.Unknown || e.Connection != 5 || !strings.HasPrefix(string(e.Text), "select xxxx") || len(e.Text) < 60_000 {
		t.Errorf("%.200s", describe(e))
	}
	if want := int64(len(head)+len("',0\n")) + n; events[1].Where.Offset != want || events[1].Where.Line != 2 {
		t.Errorf("the next event is at %+v, want %d", events[1].Where, want)
	}
	junk := &long{before: "20261122 15:01:40,", after: "\n" + "20261122 15:01:41,vm,u,h,5,7,READ,help,customers,\n", n: 3 << 20}
	events, faults, err = read(t, junk.reader(), audit.Config{Format: audit.ServerAudit, MaxRecord: 1 << 20})
	if err != nil || len(faults) != 1 || len(events) != 1 {
		t.Fatalf("%d events, %d faults, %v", len(events), len(faults), err)
	}
	if f := faults[0]; f.Length != 18+(3<<20)+1 || len(f.Raw) != audit.MaxKept {
		t.Errorf("%v, %d kept", f, len(f.Raw))
	}
}

// TestReadError gives what was read before a disk fails.
func TestReadError(t *testing.T) {
	t.Parallel()
	text := sampleLog(t)
	broken := errors.New("disk gone")
	in := io.MultiReader(bytes.NewReader(text), &failing{broken})
	events, _, err := read(t, in, audit.Config{File: "a.log"})
	if !errors.Is(err, broken) || !strings.Contains(err.Error(), "a.log") || len(events) != bytes.Count(text, []byte("\n")) {
		t.Errorf("%d events, %v", len(events), err)
	}
}

type failing struct{ err error }

func (f *failing) Read([]byte) (int, error) { return 0, f.err }
