package audit_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"testing/iotest"
	"time"

	"saltmine/internal/audit"
)

// FuzzReader reads anything as every format: it ends, events come in the order of
// the log, faults hold what stands there, and in whatever pieces a log comes, it
// gives the same.
func FuzzReader(f *testing.F) {
	for i, name := range logs(f) {
		text, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text[:min(len(text), 1500)], uint8(i))
		f.Add(text[len(text)-min(len(text), 300):], uint8(i+1))
	}
	formats := audit.Formats()
	f.Fuzz(func(t *testing.T, text []byte, format uint8) {
		cfg := audit.Config{Format: formats[int(format)%len(formats)], MaxRecord: 1 << 10, Now: time.Date(2027, 1, 3, 0, 0, 0, 0, time.UTC)}
		events, faults, err := read(t, bytes.NewReader(text), cfg)
		if bytes.HasPrefix(text, []byte{0x1f, 0x8b}) || bytes.HasPrefix(text, []byte{0x28, 0xb5, 0x2f, 0xfd}) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		h := audit.NewHealth(cfg.Format)
		last := int64(-1)
		for _, e := range events {
			h.See(e)
			if e.Where.Offset <= last || e.Where.Offset >= int64(len(text)) {
				t.Fatalf("event at %d behind %d of %d bytes", e.Where.Offset, last, len(text))
			}
			last = e.Where.Offset
			if e.Kind == "" || e.Precision < 0 {
				t.Fatalf("half an event: %s", describe(e))
			}
		}
		for _, w := range faults {
			if w.Length <= 0 || w.Where.Offset+w.Length > int64(len(text)) || !bytes.HasPrefix(text[w.Where.Offset:], w.Raw) {
				t.Fatalf("%v is not of the log", w)
			}
		}
		cfg.MaxRecord = 0
		events, _, _ = read(t, bytes.NewReader(text), cfg)
		again, _, _ := read(t, iotest.OneByteReader(bytes.NewReader(text)), cfg)
		if texts(again) != texts(events) {
			t.Fatal("read in pieces, it is another log")
		}
	})
}
