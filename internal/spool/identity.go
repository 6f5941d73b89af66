package spool

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
)

// ErrNone says that a folder holds no spool.
var ErrNone = errors.New("no spool in it")

// Identity reads what [Spool.ID] gives from the folder of a spool that another
// process may have open.
func Identity(dir string) (id [16]byte, err error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return id, fmt.Errorf("spool: identity: %w", err)
	}
	defer root.Close() //nolint:errcheck // it was only read
	list, err := os.ReadDir(dir)
	if err != nil {
		return id, fmt.Errorf("spool: identity: %w", err)
	}
	for _, d := range slices.Backward(list) { // the newest first: an old one may be trimmed meanwhile
		if _, damaged, ok := parseName(d.Name()); !ok || damaged {
			continue
		}
		if h, ok := headOf(root, d.Name()); ok {
			return h.id, nil
		}
	}
	return id, fmt.Errorf("spool: identity: %w", ErrNone)
}

func headOf(root *os.Root, name string) (header, bool) {
	f, err := root.Open(name)
	if err != nil {
		return header{}, false
	}
	defer f.Close() //nolint:errcheck // it was only read
	b := make([]byte, headLen)
	if _, err := io.ReadFull(f, b); err != nil {
		return header{}, false
	}
	return decodeHeader(b)
}
