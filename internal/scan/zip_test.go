package scan_test

import (
	"archive/zip"
	"bytes"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"saltmine/internal/scan"
)

// stored is a zip archive of entries that are not packed, in order: name and text.
func stored(t *testing.T, entries ...[2]string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, e := range entries {
		f, err := w.CreateHeader(&zip.FileHeader{Name: e[0], Method: zip.Store})
		if err != nil {
			t.Fatal(err)
		}
		f.Write([]byte(e[1])) //nolint:errcheck // a buffer's
	}
	w.Close()
	return b.Bytes()
}

// TestSameNames tells entries of one name apart, and entries of names that are cut.
func TestSameNames(t *testing.T) {
	t.Parallel()
	list, long := book(t, few()...), strings.Repeat("x", 200)
	text := stored(t, [2]string{"a.csv", mail}, [2]string{"a.csv", mail}, [2]string{long + "1", mail}, [2]string{long + "2", mail})
	path := filepath.Join(t.TempDir(), "a.zip")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for name, r := range map[string]*scan.Report{"stream": scanned(t, list, text, 1), "file": scan.Scan(t.Context(), list, f, scan.Limits{}, nil)} {
		var inside []string
		for _, find := range r.Finds {
			inside = append(inside, find.Inside)
		}
		if slices.Sort(inside); len(slices.Compact(slices.Clone(inside))) != 4 || inside[1] != `zip 2 "a.csv"` || len(inside[3]) > 120 {
			t.Errorf("%s: %q", name, inside)
		}
	}
}

// TestKept bounds what is kept of a zip archive in a stream, and looks through that.
func TestKept(t *testing.T) {
	t.Parallel()
	list := book(t, few()...)
	noise := make([]byte, 1<<20)
	for i := range noise {
		noise[i] = byte(rand.Uint32())
	}
	inner := stored(t, [2]string{"first", strings.Repeat("-", 2000)}, [2]string{"a.gz", string(gzipped([]byte(mail)))}, [2]string{"noise", string(noise)})
	small := stored(t, [2]string{"b.gz", string(gzipped([]byte(mail)))})
	text := stored(t, [2]string{"inner.zip", string(inner)}, [2]string{"small.zip", string(small)})
	const kept = 512 << 10
	r := scan.Scan(t.Context(), list, bytes.NewReader(gzipped(inner)), scan.Limits{Kept: kept}, nil)
	if f := faultOf(t, r, scan.ErrBomb); !strings.Contains(f.Err.Error(), "524288 bytes are kept") || f.Inside != "gzip" || !r.Whole {
		t.Errorf("%v in %q", f.Err, f.Inside)
	}
	// What one archive kept, the next may keep again.
	path := filepath.Join(t.TempDir(), "a.zip")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r = scan.Scan(t.Context(), list, f, scan.Limits{Kept: kept}, nil)
	if faultOf(t, r, scan.ErrBomb); !slices.ContainsFunc(r.Finds, func(f scan.Find) bool { return f.Inside == `zip 2 "small.zip" > zip 1 "b.gz" > gzip` }) {
		t.Errorf("%+v", r.Finds)
	}
	if r = scanned(t, list, text, 1); len(r.Finds) != 2 || len(r.Faults) > 0 {
		t.Errorf("%d finds, %v", len(r.Finds), r.Faults)
	}
}
