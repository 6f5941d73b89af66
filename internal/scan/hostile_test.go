package scan_test

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"saltmine/internal/scan"
)

const mail = "dana.whitfield@hollowbrook.example"

// faultOf wants one fault of a kind.
func faultOf(t *testing.T, r *scan.Report, want error) scan.Fault {
	t.Helper()
	for _, f := range r.Faults {
		if errors.Is(f.Err, want) {
			return f
		}
	}
	t.Fatalf("no fault %v among %v", want, r.Faults)
	return scan.Fault{}
}

// TestBombs ends what unpacks to too much or lies too deep, and keeps what was found.
func TestBombs(t *testing.T) {
	t.Parallel()
	list := book(t, few()...)
	zeros := append([]byte(mail+"\n"), make([]byte, 64<<20)...)
	for name, text := range map[string][]byte{
		"gzip": gzipped(zeros), "zstd": zstded(zeros), "zip": zipped("a", zeros), "gzip in gzip": gzipped(gzipped(zeros)), "gzip in zip": zipped("a.gz", gzipped(zeros)),
	} {
		r := scan.Scan(t.Context(), list, bytes.NewReader(text), scan.Limits{Unpacked: 1 << 20}, nil)
		f := faultOf(t, r, scan.ErrBomb)
		if got := texts(list, r); !slices.Equal(got, []string{mail}) || !r.Whole || r.Bytes != int64(len(text)) || f.Inside == "" {
			t.Errorf("%s: found %q in %+v", name, got, r)
		}
	}
	deep := []byte(mail)
	for range 12 {
		deep = gzipped(deep)
	}
	r := scanned(t, list, append(deep, 0), 1)
	if faultOf(t, r, scan.ErrBomb); len(r.Finds) > 0 {
		t.Errorf("%+v", r)
	}
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for i := range 20 {
		f, err := w.Create(fmt.Sprint(i))
		if err != nil {
			t.Fatal(err)
		}
		f.Write([]byte(mail)) //nolint:errcheck // a buffer's
	}
	w.Close()
	r = scan.Scan(t.Context(), list, bytes.NewReader(b.Bytes()), scan.Limits{Entries: 5}, nil)
	if faultOf(t, r, scan.ErrBomb); len(r.Finds) != 5 {
		t.Errorf("%+v", r)
	}
}

// TestCutOff cuts packed files anywhere: what stands before the cut is found, and the
// cut is told.
func TestCutOff(t *testing.T) {
	t.Parallel()
	list := book(t, few()...)
	rng := rand.New(rand.NewPCG(3, 3))
	var b strings.Builder
	for i := range 4000 {
		fmt.Fprintf(&b, "%s %s %s %d\n", word(rng), word(rng), word(rng), i)
		if i%40 == 0 {
			b.WriteString(mail + "\n")
		}
	}
	for name, pack := range map[string]func([]byte) []byte{"gzip": gzipped, "zstd": zstded, "zip": func(p []byte) []byte { return zipped("a.sql", p) }, "two": func(p []byte) []byte { return append(gzipped(p), gzipped(p)...) }} {
		whole := pack([]byte(b.String()))
		for _, part := range []int{len(whole) - 1, len(whole) * 3 / 4} {
			r := scanned(t, list, whole[:part], 4)
			if f := faultOf(t, r, scan.ErrCut); !strings.Contains(f.Err.Error(), "cut off") || r.Bytes != int64(part) || !r.Whole {
				t.Errorf("%s cut at %d: %+v", name, part, r)
			}
			if len(r.Finds) < 30 && name != "zstd" { // whose blocks are of 128 KiB
				t.Errorf("%s cut at %d: %d finds", name, part, len(r.Finds))
			}
		}
	}
	broken := gzipped([]byte(b.String()))
	broken[len(broken)-6] ^= 1 // the checksum
	if r := scanned(t, list, broken, 1); len(r.Faults) != 1 || len(r.Finds) != 100 {
		t.Errorf("%d finds, %v", len(r.Finds), r.Faults)
	}
}

// failsAt fails after some bytes.
type failsAt struct {
	in   io.Reader
	left int
}

var errDisk = errors.New("the disk failed")

func (f *failsAt) Read(p []byte) (int, error) {
	if f.left == 0 {
		return 0, errDisk
	}
	n, err := f.in.Read(p[:min(len(p), f.left)])
	f.left -= n
	return n, err
}

// TestReadFails keeps what was found before a disk failed.
func TestReadFails(t *testing.T) {
	t.Parallel()
	list := book(t, few()...)
	text := []byte(strings.Repeat(mail+"\n", 10_000))
	r := scan.Scan(t.Context(), list, &failsAt{bytes.NewReader(text), 200_000}, scan.Limits{}, nil)
	if faultOf(t, r, errDisk); r.Whole || r.Bytes != 200_000 || len(r.Finds)+r.More != 200_000/(len(mail)+1) || len(r.Finds) != 100 {
		t.Errorf("%d and %d finds in %d bytes", len(r.Finds), r.More, r.Bytes)
	}
}

// TestBrokenOff ends when it is told to.
func TestBrokenOff(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	list := book(t, few()...)
	text := []byte(strings.Repeat(mail+"\n", 50_000))
	r := scan.Scan(ctx, list, bytes.NewReader(gzipped(text)), scan.Limits{}, func(int64) { cancel() })
	if faultOf(t, r, context.Canceled); r.Whole {
		t.Errorf("%+v", r)
	}
}

// TestUnread names what is not read.
func TestUnread(t *testing.T) {
	t.Parallel()
	list := book(t, few()...)
	for name, text := range map[string]string{"xz": "\xfd7zXZ\x00....", "7z": "7z\xbc\xaf\x27\x1c....", "rar": "Rar!\x1a\x07\x00...."} {
		r := scanned(t, list, []byte(text+"\n"+mail), 1)
		if len(r.Faults) != 1 || !strings.Contains(r.Faults[0].Err.Error(), name+" is not read") || len(r.Finds) != 1 {
			t.Errorf("%s: %+v", name, r)
		}
	}
}

// TestHugeLine reads a quarter of a gigabyte in one line with a few tokens in it, in
// little memory. The command's own test reads 4 GiB.
func TestHugeLine(t *testing.T) {
	list := book(t, crowd(10_000)...)
	path := filepath.Join(t.TempDir(), "huge")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	const size = 256<<20 + 12_345
	if err := f.Truncate(size); err != nil {
		t.Fatal(err)
	}
	one := list.Token(2).Text
	places := []int64{0, 128<<10 - 20, 1 << 20, 1<<28 - 15, size - int64(len(one))}
	for _, at := range places {
		if _, err := f.WriteAt([]byte(one), at); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	var most uint64
	r := scan.Scan(t.Context(), list, f, scan.Limits{}, func(read int64) {
		if read%(16<<20) < 128<<10 {
			runtime.ReadMemStats(&after)
			most = max(most, after.HeapInuse)
		}
	})
	var got []int64
	for _, find := range r.Finds {
		got = append(got, find.Offset)
	}
	if !slices.Equal(got, places) || len(r.Faults) > 0 || r.Bytes != size || r.Finds[4].Line != 1 {
		t.Errorf("found at %d, want %d; %v", got, places, r.Faults)
	}
	if most > before.HeapInuse+32<<20 {
		t.Errorf("%d MiB of memory, %d before", most>>20, before.HeapInuse>>20)
	}
}

// TestNothing finds none of a thousand tokens in random text, in random bytes, and in
// what programs write.
func TestNothing(t *testing.T) {
	t.Parallel()
	list := book(t, crowd(1_000)...)
	random := make([]byte, 4<<20)
	rng := rand.New(rand.NewPCG(9, 9))
	for i := range random {
		random[i] = byte(rng.Uint32())
	}
	for name, text := range map[string][]byte{
		"prose": prose(4 << 20), "sql": dump(4<<20, 9), "bytes": random, "at-signs": bytes.Repeat([]byte("@"), 1<<20), "digits": bytes.Repeat([]byte("0123456789"), 1<<18),
		"percents": bytes.Repeat([]byte("%25"), 1<<18), "backslashes": bytes.Repeat([]byte(`\`), 1<<19), "entities": bytes.Repeat([]byte("&#38;"), 1<<17), "letters": bytes.Repeat([]byte("YWFh"), 1<<18),
		"equals": bytes.Repeat([]byte("=3D"), 1<<18), "local": bytes.Repeat([]byte("=a@b.c"), 1<<17), "zeros": bytes.Repeat([]byte("a\x00"), 1<<18), "dots": bytes.Repeat([]byte("a.-_@"), 1<<17),
	} {
		if r := scanned(t, list, text, 2); len(r.Finds) > 0 || len(r.Faults) > 0 {
			t.Errorf("%s: %+v %v", name, r.Finds, r.Faults)
		}
	}
}

// FuzzScan reads foreign bytes: it ends, finds the same however they come, and keeps
// every place inside of the file.
func FuzzScan(f *testing.F) {
	for _, all := range spelt() {
		f.Add([]byte(strings.Join(all, "\n")))
	}
	for _, form := range forms() {
		f.Add(form("x " + mail + " +44 20 7946 0018 #48213"))
	}
	list, err := scan.NewBook(tokens(few()))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		limits := scan.Limits{Unpacked: 4 << 20, Entries: 100}
		one := scan.Scan(t.Context(), list, bytes.NewReader(text), limits, nil)
		other := scan.Scan(t.Context(), list, &pieces{bytes.NewReader(text), rand.New(rand.NewPCG(1, 1)), 7}, limits, nil)
		if one.SHA256 != other.SHA256 || len(one.Finds) != len(other.Finds) {
			t.Errorf("%d finds at once, %d in pieces", len(one.Finds), len(other.Finds))
		}
		for _, find := range one.Finds {
			if find.Inside == "" && (find.Offset < 0 || find.Size < 1 || find.Offset+int64(find.Size) > int64(len(text))+2) || find.Line < 1 {
				t.Errorf("%+v in %d bytes", find, len(text))
			}
		}
	})
}
