package spool

import (
	"errors"
	"os"
	"syscall"
)

// syncFile makes the bytes of a file durable, and its size if that has grown. It
// leaves the time of the last change to the kernel, for which the file system
// would have to write to its journal each time. Of a directory all is synced.
func syncFile(f *os.File) error {
	if st, err := f.Stat(); err != nil || st.IsDir() {
		return errors.Join(err, f.Sync())
	}
	for {
		err := syscall.Fdatasync(int(f.Fd())) // file descriptors are small
		if !errors.Is(err, syscall.EINTR) {
			return os.NewSyscallError("fdatasync", err)
		}
	}
}
