package spool

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// Hooks stand for the calls by which a disk fails. A nil field is the real
// call. They may be called at the same time.
type Hooks struct {
	// Write writes b at off; fewer bytes than len(b) come with an error.
	Write func(f *os.File, b []byte, off int64) (int, error)
	// Sync makes what is written in a file, or the list of files in a directory,
	// durable.
	Sync func(f *os.File) error
	// Truncate cuts a file.
	Truncate func(f *os.File, size int64) error
	// Free gives the bytes that can still be written on the disk of dir.
	Free func(dir string) (int64, error)
}

func (h *Hooks) fill() {
	if h.Write == nil {
		h.Write = (*os.File).WriteAt
	}
	if h.Sync == nil {
		h.Sync = syncFile
	}
	if h.Truncate == nil {
		h.Truncate = (*os.File).Truncate
	}
	if h.Free == nil {
		h.Free = free
	}
}

func free(dir string) (int64, error) {
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil {
		return 0, fmt.Errorf("free space of %s: %w", dir, err)
	}
	return int64(st.Bavail) * int64(st.Bsize), nil //nolint:gosec,unconvert // sizes of disks; the types differ between systems
}

// lock makes and opens the directory and takes it for this process.
func (s *Spool) lock() error {
	if err := os.MkdirAll(s.cfg.Dir, 0o700); err != nil {
		return err
	}
	root, err := os.OpenRoot(s.cfg.Dir)
	if err != nil {
		return err
	}
	s.root = root
	if s.dir, err = root.Open("."); err != nil {
		return err
	}
	err = syscall.Flock(int(s.dir.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) // file descriptors are small
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return fmt.Errorf("%w: another process has this directory open", ErrLocked)
	}
	if err != nil {
		return fmt.Errorf("lock: %w", err)
	}
	return nil
}

// unlock gives the directory free at once. Closing alone would not while a
// process that has been forked, and has not yet run its program, shares the file.
func unlock(dir *os.File) error {
	return syscall.Flock(int(dir.Fd()), syscall.LOCK_UN) // file descriptors are small
}

func (s *Spool) syncDir() error {
	if err := s.cfg.Hooks.Sync(s.dir); err != nil {
		return fmt.Errorf("sync directory: %w", err)
	}
	return nil
}

// put writes b at off and makes it durable.
func (s *Spool) put(f *os.File, b []byte, off int64) error {
	if err := s.write(f, b, off); err != nil {
		return err
	}
	if err := s.cfg.Hooks.Sync(f); err != nil {
		return fmt.Errorf("sync: %w", err)
	}
	return nil
}

func noRoom(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}

// blame turns a fault of the disk into ErrFull or ErrBroken.
func blame(err error) error {
	if noRoom(err) {
		return fmt.Errorf("%w: %w", ErrFull, err)
	}
	return fmt.Errorf("%w: %w", ErrBroken, err)
}
