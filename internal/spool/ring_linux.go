package spool

import (
	"io"
	"os"
	"syscall"
	"unsafe"
)

// ring has the kernel sync a file while no thread of this process waits for it
// (io_submit(2), IOCB_CMD_FDSYNC, Linux 4.18). The end is told through an
// eventfd, for which a goroutine can wait as it does for a connection. Where a
// thread waits in fdatasync(2), the runtime has to notice, and give its
// processor to another thread, at each sync: on one core that took a third of
// what an ear can do. Only the writer uses it.
type ring struct {
	id   uintptr  // aio_context_t
	told uint32   // the eventfd
	done *os.File // the same, to wait for
	last uint64   // sync that was begun
}

// What <linux/aio_abi.h> has.
const (
	opFDSync   = 3
	flagResFD  = 1
	ringEvents = 4 // one is under way; one may lie there that was not understood
)

// control is struct iocb where the machine has its low bytes first, as those of Linux that
// Go runs on but s390x and some of MIPS and PowerPC do.
type control struct {
	data     uint64
	_        [2]uint32 // key, flags of reading and writing
	op       uint16
	_        uint16 // priority
	file     uint32
	_        [4]uint64 // buffer, its length, offset, nothing
	flags    uint32
	resultFD uint32
}

// event is struct io_event.
type event struct {
	data, object uint64
	result, _    int64
}

// openRing gives nil, and the reason, where the kernel has none to give.
func openRing() (*ring, error) {
	if one := uint16(1); *(*byte)(unsafe.Pointer(&one)) == 0 { //nolint:gosec // see control
		return nil, os.NewSyscallError("io_setup", syscall.ENOSYS)
	}
	r := new(ring)
	if _, _, e := syscall.Syscall(syscall.SYS_IO_SETUP, ringEvents, uintptr(unsafe.Pointer(&r.id)), 0); e != 0 { //nolint:gosec // the call fills it in
		return nil, os.NewSyscallError("io_setup", e)
	}
	fd, _, e := syscall.Syscall(syscall.SYS_EVENTFD2, 0, syscall.O_NONBLOCK|syscall.O_CLOEXEC, 0)
	if e != 0 {
		r.close()
		return nil, os.NewSyscallError("eventfd2", e)
	}
	r.told, r.done = uint32(fd), os.NewFile(fd, "eventfd") //nolint:gosec // file descriptors are small
	return r, nil
}

func (r *ring) close() {
	_, _, _ = syscall.Syscall(syscall.SYS_IO_DESTROY, r.id, 0, 0) // it waits for what is under way
	if r.done != nil {
		_ = r.done.Close() // nothing is written there
	}
}

// sync does what syncFile does with a file.
func (r *ring) sync(f *os.File) error {
	if r.begin(f) != nil {
		return syncFile(f) // nothing was begun
	}
	var count [8]byte
	_, _ = io.ReadFull(r.done, count[:]) // should that fail, the next call waits
	for {
		var ev event
		n, _, e := syscall.Syscall6(syscall.SYS_IO_GETEVENTS, r.id, 1, 1, uintptr(unsafe.Pointer(&ev)), 0, 0) //nolint:gosec // the call fills it in
		switch {
		case e == syscall.EINTR:
		case e != 0:
			return os.NewSyscallError("io_getevents", e)
		case n == 1 && ev.data == r.last: // another is of a sync whose end could not be read
			return ev.err()
		}
	}
}

func (r *ring) begin(f *os.File) error {
	r.last++
	c := &control{data: r.last, op: opFDSync, file: uint32(f.Fd()), flags: flagResFD, resultFD: r.told}  //nolint:gosec // file descriptors are small
	if _, _, e := syscall.Syscall(syscall.SYS_IO_SUBMIT, r.id, 1, uintptr(unsafe.Pointer(&c))); e != 0 { //nolint:gosec // a list of one
		return os.NewSyscallError("io_submit", e)
	}
	return nil
}

func (e event) err() error {
	if e.result >= 0 {
		return nil
	}
	return os.NewSyscallError("fdatasync", syscall.Errno(-e.result))
}
