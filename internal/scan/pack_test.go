package scan_test

import (
	"archive/zip"
	"bytes"
	"compress/gzip"

	"github.com/klauspost/compress/zstd"
)

func gzipped(text []byte) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	w.Write(text) //nolint:errcheck // a buffer's
	w.Close()
	return b.Bytes()
}

func zstded(text []byte) []byte {
	w, err := zstd.NewWriter(nil)
	if err != nil {
		panic(err)
	}
	return w.EncodeAll(text, nil)
}

func zipped(name string, text []byte) []byte {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	f, err := w.Create(name)
	if err != nil {
		panic(err)
	}
	f.Write(text) //nolint:errcheck // a buffer's
	w.Close()
	return b.Bytes()
}
