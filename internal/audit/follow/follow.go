// Package follow reads an audit log that is still written, across its rotations.
//
// A log is named by its path. When the file behind the path is another than the
// one that is read (it was renamed and a new one begun), the old one is read to
// its end, then those that were begun after it, then the new one. After a restart
// the file that was read last is found again among its neighbours by its first
// bytes, compressed or not: server_audit.log, server_audit.log.01,
// server_audit.log-20261127.gz.
//
//	l, err := follow.Open(path, audit.Config{…}, state)
//	for {
//		e, err := l.Next()   // io.EOF: there is no more for now; ask again later
//		…
//	}
//	l.State()                // where to go on after a restart
//
// The invariant: [Log.State] lies behind everything that Next gave and before
// everything that it did not. What cannot be found any more (the file that was
// read is gone, or the path was cut off in place while something was unread) is
// told by [Log.Lost], once. It fails with wrapped errors of the file system and of
// package audit.
package follow

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"saltmine/internal/audit"
)

// Log is a log that is followed. It is not made for concurrent use.
type Log struct {
	path string
	cfg  audit.Config
	from audit.State

	file  *os.File
	read  *audit.Reader
	ended bool     // the file is not written any more
	next  []string // files that come before the path
	lost  bool
}

// Open finds the place in a log from which to go on; the zero State is its
// beginning. Of cfg, File, From and Live are set here.
func Open(path string, cfg audit.Config, from audit.State) (*Log, error) {
	l := &Log{path: path, cfg: cfg, from: from}
	err := l.open(path, true)
	switch {
	case err == nil, errors.Is(err, audit.ErrEmpty):
		return l, nil
	case errors.Is(err, audit.ErrOther), from.Offset > 0 && errors.Is(err, fs.ErrNotExist):
		return l, l.find()
	default:
		return nil, err
	}
}

// Close ends following.
func (l *Log) Close() error {
	if l.file == nil {
		return nil
	}
	l.read.Close()
	err := l.file.Close()
	l.file, l.read = nil, nil
	return err
}

// State is behind what Next gave last.
func (l *Log) State() audit.State {
	if l.read == nil {
		return l.from
	}
	return l.read.State()
}

// Lost reports, once, that a part of the log may have gone unread.
func (l *Log) Lost() bool {
	lost := l.lost
	l.lost = false
	return lost
}

// open begins to read a file at l.from.
func (l *Log) open(name string, live bool) error {
	f, err := os.Open(name)
	if err != nil {
		return fmt.Errorf("follow a log: %w", err)
	}
	cfg := l.cfg
	cfg.File, cfg.From, cfg.Live = name, l.from, live
	if cfg.From.Format != "" {
		cfg.Format = cfg.From.Format
	}
	r, err := audit.Open(f, cfg)
	if err != nil {
		return errors.Join(err, f.Close())
	}
	l.file, l.read, l.ended = f, r, !live
	return nil
}

// find looks for the file that was read last among the neighbours of the path.
func (l *Log) find() error {
	files, err := l.neighbours()
	if err != nil {
		return err
	}
	for i, name := range files {
		if l.open(name, false) == nil {
			l.next = files[i+1:]
			return nil
		}
	}
	l.lost = true
	return l.fresh()
}

// fresh begins the path's file at its beginning.
func (l *Log) fresh() error {
	l.from = audit.State{}
	if err := l.open(l.path, true); err != nil && !errors.Is(err, audit.ErrEmpty) && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// neighbours are the rotated files, the oldest first.
func (l *Log) neighbours() ([]string, error) {
	names, err := filepath.Glob(globbed(l.path) + "?*")
	if err != nil {
		return nil, fmt.Errorf("follow a log: %w", err)
	}
	type one struct {
		name string
		at   int64
	}
	var list []one
	for _, name := range names {
		if info, err := os.Stat(name); err == nil && info.Mode().IsRegular() {
			list = append(list, one{name, info.ModTime().UnixNano()})
		}
	}
	slices.SortFunc(list, func(a, b one) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(b.name, a.name)) })
	names = names[:0]
	for _, f := range list {
		names = append(names, f.name)
	}
	return names, nil
}

// globbed is a path as a pattern that fits it alone.
func globbed(path string) string {
	var out []rune
	for _, r := range path {
		if r == '*' || r == '?' || r == '[' || r == '\\' {
			out = append(out, '\\')
		}
		out = append(out, r)
	}
	return string(out)
}

// Next returns the next event or what package audit could not read, as
// [audit.Reader.Next] does; io.EOF when there is no more for now.
func (l *Log) Next() (*audit.Event, error) {
	for {
		if l.read == nil {
			if err := l.open(l.path, true); errors.Is(err, audit.ErrEmpty) || errors.Is(err, fs.ErrNotExist) {
				return nil, io.EOF // it will come
			} else if err != nil {
				return nil, err
			}
		}
		e, err := l.read.Next()
		if !errors.Is(err, io.EOF) {
			return e, err //nolint:wrapcheck // it names the file
		}
		more, err := l.turn()
		if err != nil {
			return nil, err
		}
		if !more {
			return nil, io.EOF
		}
	}
}

// turn goes on to the file behind one that is at its end, if there is one.
func (l *Log) turn() (more bool, err error) {
	if l.ended {
		return true, l.after()
	}
	mine, err := l.file.Stat()
	if err != nil {
		return false, fmt.Errorf("follow a log: %w", err)
	}
	now, err := os.Stat(l.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return l.leave(mine, true)
	case err != nil:
		return false, fmt.Errorf("follow a log: %w", err)
	case !os.SameFile(now, mine):
		return l.leave(mine, false)
	case now.Size() < l.read.Progress():
		l.lost = true // it was cut off in place; nobody knows what stood there
		if err := l.Close(); err != nil {
			return false, fmt.Errorf("follow a log: %w", err)
		}
		return true, l.fresh()
	}
	return false, nil
}

// leave reads the file to its very end, now that nothing more is written to it, and
// notes which files come after it. Without any, it may be between two files.
func (l *Log) leave(mine os.FileInfo, between bool) (more bool, err error) {
	files, err := l.neighbours()
	if err != nil {
		return false, err
	}
	for i, name := range files {
		if info, err := os.Stat(name); err != nil || !os.SameFile(info, mine) {
			continue
		}
		if between && i == len(files)-1 {
			return false, nil // the server writes to it until it begins another
		}
		l.next = files[i+1:]
		l.from = l.read.State()
		if err := l.Close(); err != nil {
			return false, fmt.Errorf("follow a log: %w", err)
		}
		return true, l.open(name, false)
	}
	l.ended = true // it was deleted, or compressed, and is open here alone
	return true, nil
}

// after opens the file behind one that ended.
func (l *Log) after() error {
	if err := l.Close(); err != nil {
		return fmt.Errorf("follow a log: %w", err)
	}
	l.from = audit.State{}
	for len(l.next) > 0 {
		name := l.next[0]
		l.next = l.next[1:]
		if err := l.open(name, false); !errors.Is(err, audit.ErrEmpty) {
			return err
		}
	}
	return l.fresh()
}
