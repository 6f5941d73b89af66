package audit_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"testing"

	"saltmine/internal/audit"
)

// TestCutBeforeItsShape: of a compressed log that was cut off before its shape can be
// told, it is said that it was cut off.
func TestCutBeforeItsShape(t *testing.T) {
	t.Parallel()
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	if _, err := z.Write([]byte("20261122 15:01:33,vm,root,localhost,8,0,CONNECT,,,0\n")); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	for n := 3; n < packed.Len()/2; n++ { // some of the text, or none
		if _, err := audit.Open(bytes.NewReader(packed.Bytes()[:n]), audit.Config{}); !errors.Is(err, audit.ErrCut) {
			t.Errorf("of %d bytes: %v", n, err)
		}
	}
}
