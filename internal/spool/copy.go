package spool

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// Copy gives the files of a spool that another process may have open and write to, so
// that what it held at a moment can be put elsewhere and opened there: from OpenCopy on
// nothing that is trimmed is lost to it, and Sight fixes the moment.
type Copy struct {
	dir   string
	acked []byte // as it was first: what was acknowledged later may be trimmed at the other place
	files map[string]*os.File
	order []string
	sizes map[string]int64
}

// OpenCopy opens what is there. A folder without a spool gives an empty copy.
func OpenCopy(dir string) (*Copy, error) {
	c := &Copy{dir: dir, files: map[string]*os.File{}, sizes: map[string]int64{}}
	b, err := os.ReadFile(filepath.Join(dir, marksName))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("spool: copy: %w", err)
	}
	c.acked = b
	return c, c.Sight()
}

// Sight opens what has come since, and fixes how much of each file is copied.
func (c *Copy) Sight() error {
	list, err := os.ReadDir(c.dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("spool: copy: %w", err)
	}
	for _, d := range list {
		name := d.Name()
		if _, _, ok := parseName(name); !ok || c.files[name] != nil {
			continue
		}
		f, err := os.Open(filepath.Join(c.dir, name))
		if errors.Is(err, os.ErrNotExist) {
			continue // it was trimmed meanwhile
		}
		if err != nil {
			return fmt.Errorf("spool: copy: %w", err)
		}
		c.files[name], c.order = f, append(c.order, name)
	}
	for name, f := range c.files {
		if c.sizes[name], err = written(f); err != nil {
			return fmt.Errorf("spool: copy: %s: %w", name, err)
		}
	}
	return nil
}

// written is how much of a segment is more than the zeros into which it grows.
func written(f *os.File) (int64, error) {
	const block = 64 << 10
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	b := make([]byte, block)
	for end := info.Size(); end > 0; {
		at := max(0, (end-1)/block*block)
		n, err := f.ReadAt(b[:end-at], at)
		if err != nil && !errors.Is(err, io.EOF) {
			return 0, err
		}
		if used := len(bytes.TrimRight(b[:n], "\x00")); used > 0 {
			// The last bytes of a frame may be zeros.
			return min(info.Size(), at+int64(used)+sector), nil
		}
		end = at
	}
	return 0, nil
}

// Size is how many bytes there are to copy.
func (c *Copy) Size() (n int64) {
	for _, size := range c.sizes {
		n += size
	}
	return n + int64(len(c.acked))
}

// Each gives the files, what was acknowledged last.
func (c *Copy) Each(fn func(name string, size int64, content io.Reader) error) error {
	for _, name := range c.order {
		if err := fn(name, c.sizes[name], io.LimitReader(io.MultiReader(io.NewSectionReader(c.files[name], 0, c.sizes[name]), zeros{}), c.sizes[name])); err != nil {
			return err
		}
	}
	if len(c.acked) == 0 {
		return nil
	}
	return fn(marksName, int64(len(c.acked)), bytes.NewReader(c.acked))
}

// zeros stand for those that were cut off behind the last frame meanwhile.
type zeros struct{}

// Read gives zeros.
func (zeros) Read(b []byte) (int, error) {
	clear(b)
	return len(b), nil
}

// IsFile reports whether a name is one of a spool's files.
func IsFile(name string) bool {
	_, _, segment := parseName(name)
	return (segment || name == marksName) && !strings.ContainsAny(name, "/\\")
}

// Close lets go of the files.
func (c *Copy) Close() error {
	var err error
	for _, f := range c.files {
		err = errors.Join(err, f.Close())
	}
	return err
}
