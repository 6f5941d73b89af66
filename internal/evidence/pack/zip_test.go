package pack_test

import (
	"archive/zip"
	"bytes"
	"hash/crc32"
	"io"
	"maps"
	"slices"
	"testing"
)

// unzip reads an archive with another program than ours.
func unzip(t *testing.T, b []byte) (map[string][]byte, []string) {
	t.Helper()
	r, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	for _, f := range r.File {
		in, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		if files[f.Name], err = io.ReadAll(in); err != nil {
			t.Fatal(err)
		}
	}
	return files, slices.Sorted(maps.Keys(files))
}

// raw writes one file in the way that is wanted, but for what change does.
func raw(t *testing.T, w *zip.Writer, name string, b []byte, change func(*zip.FileHeader)) {
	t.Helper()
	h := &zip.FileHeader{
		Name: name, Method: zip.Store, ModifiedDate: 0x21, CRC32: crc32.ChecksumIEEE(b), ReaderVersion: 10, CreatorVersion: 10, //nolint:staticcheck // the very bytes are wanted
		CompressedSize64: uint64(len(b)), UncompressedSize64: uint64(len(b)),
	}
	change(h)
	out, err := w.CreateRaw(h)
	if err == nil {
		_, err = out.Write(b)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// rezip writes an archive with another program, in the form that is wanted.
func rezip(t *testing.T, files map[string][]byte) []byte {
	t.Helper()
	return rezipWith(t, files, slices.Sorted(maps.Keys(files)), func(*zip.FileHeader) {}, "")
}

func rezipWith(t *testing.T, files map[string][]byte, names []string, change func(*zip.FileHeader), comment string) []byte {
	t.Helper()
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for _, name := range names {
		raw(t, w, name, files[name], change)
	}
	if err := w.SetComment(comment); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// TestOtherArchives: what other programs read as the same files is refused.
func TestOtherArchives(t *testing.T) {
	t.Parallel()
	b := newWorld(t).pack()
	files, names := unzip(t, b)
	v := newVerifiers(t, nil)
	if again := rezip(t, files); !bytes.Equal(again, b) {
		t.Fatalf("another program's archive of the same files differs: the others say nothing")
	}
	none := func(*zip.FileHeader) {}
	with := func(name string) []byte {
		more := maps.Clone(files)
		more[name] = []byte("x")
		return rezip(t, more)
	}
	turned := slices.Clone(names)
	slices.Reverse(turned)
	for name, bad := range map[string][]byte{
		"a comment":       rezipWith(t, files, names, none, "x"),
		"another order":   rezipWith(t, files, turned, none, ""),
		"a name twice":    rezipWith(t, files, append(slices.Clone(names), names[len(names)-1]), none, ""),
		"an extra field":  rezipWith(t, files, names, func(h *zip.FileHeader) { h.Extra = []byte{1, 0, 0, 0} }, ""),
		"a file comment":  rezipWith(t, files, names, func(h *zip.FileHeader) { h.Comment = "x" }, ""),
		"a time":          rezipWith(t, files, names, func(h *zip.FileHeader) { h.ModifiedTime = 9 }, ""),      //nolint:staticcheck // as above
		"a date":          rezipWith(t, files, names, func(h *zip.FileHeader) { h.ModifiedDate = 0x5c21 }, ""), //nolint:staticcheck // as above
		"attributes":      rezipWith(t, files, names, func(h *zip.FileHeader) { h.ExternalAttrs = 1 }, ""),
		"a flag":          rezipWith(t, files, names, func(h *zip.FileHeader) { h.Flags = 0x800 }, ""),
		"a descriptor":    rezipWith(t, files, names, func(h *zip.FileHeader) { h.Flags = 8 }, ""),
		"another version": rezipWith(t, files, names, func(h *zip.FileHeader) { h.CreatorVersion = 3<<8 | 20 }, ""),
		"nothing":         {},
		"no files":        rezipWith(t, files, nil, none, "")[:10],
		"a line's end":    with("a\nb"),
		"an escape":       with("a\x1b[2Jb"),
		"a space":         with("a b"),
		"a letter more":   with("b\u00fccher"),
		"no name":         with(""),
	} {
		v.say(name, "zip", bad)
	}
	v.say("an empty archive", "manifest.note", rezipWith(t, files, nil, none, ""))
}
