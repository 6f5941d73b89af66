package spool

import (
	"io"
	"os"
	"sync/atomic"
	"syscall"
	"unsafe"
)

// ring has the kernel sync a file while no thread of this process waits for it
// (io_submit(2), IOCB_CMD_FDSYNC, Linux 4.18). The end is told through an
// eventfd, for which a goroutine can wait as it does for a connection. Where a
// thread waits in fdatasync(2), the runtime has to notice, and give its
// processor to another thread, at each sync: on one core that took a third of
// what an ear can do.
type ring struct {
	id   uintptr       // aio_context_t
	told uint32        // the eventfd
	done *os.File      // the same, to wait for
	shut chan struct{} // closed by close
	dead atomic.Bool   // no end can be told
	read chan struct{} // closed when no end is told any more
}

// What <linux/aio_abi.h> has.
const (
	opFDSync   = 3
	flagResFD  = 1
	ringEvents = mostFlights
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
	data, _   uint64
	result, _ int64
}

// openRing makes a ring that tells the ends of its syncs; it gives nil, and the
// reason, where the kernel has none to give.
func openRing(ends chan<- end) (*ring, error) {
	if one := uint16(1); *(*byte)(unsafe.Pointer(&one)) == 0 { //nolint:gosec // see control
		return nil, os.NewSyscallError("io_setup", syscall.ENOSYS)
	}
	r := &ring{shut: make(chan struct{}), read: make(chan struct{})}
	if _, _, e := syscall.Syscall(syscall.SYS_IO_SETUP, ringEvents, uintptr(unsafe.Pointer(&r.id)), 0); e != 0 { //nolint:gosec // the call fills it in
		return nil, os.NewSyscallError("io_setup", e)
	}
	fd, _, e := syscall.Syscall(syscall.SYS_EVENTFD2, 0, syscall.O_NONBLOCK|syscall.O_CLOEXEC, 0)
	if e != 0 {
		close(r.read)
		r.close()
		return nil, os.NewSyscallError("eventfd2", e)
	}
	r.told, r.done = uint32(fd), os.NewFile(fd, "eventfd") //nolint:gosec // file descriptors are small
	go r.tell(ends)
	return r, nil
}

// close waits for what is under way, of which nobody is told any more.
func (r *ring) close() {
	close(r.shut)
	if r.done != nil {
		_ = r.done.Close() // nothing is written there
	}
	<-r.read
	_, _, _ = syscall.Syscall(syscall.SYS_IO_DESTROY, r.id, 0, 0)
}

// tell reads the ends of syncs until the ring is closed.
func (r *ring) tell(ends chan<- end) {
	defer close(r.read)
	say := func(e end) {
		select {
		case ends <- e:
		case <-r.shut:
		}
	}
	for {
		var count [8]byte
		if _, err := io.ReadFull(r.done, count[:]); err != nil {
			r.dead.Store(true)
			say(end{0, err})
			return
		}
		collect(r.get, say)
	}
}

// get takes the ends that lie there, without waiting for any.
func (r *ring) get(list *[ringEvents]event) (int, syscall.Errno) {
	n, _, e := syscall.Syscall6(syscall.SYS_IO_GETEVENTS, r.id, 0, ringEvents, uintptr(unsafe.Pointer(list)), 0, 0) //nolint:gosec // the call fills it in
	return int(n), e
}

// collect says all ends that lie there. A signal, of which the runtime sends itself
// many, interrupts a call that finds none.
func collect(get func(*[ringEvents]event) (int, syscall.Errno), say func(end)) {
	for {
		var list [ringEvents]event
		n, e := get(&list)
		switch {
		case e == syscall.EINTR:
			continue
		case e != 0:
			say(end{0, os.NewSyscallError("io_getevents", e)}) // nobody knows which ones have ended
			return
		}
		for _, ev := range list[:n] {
			say(end{ev.data, ev.err()})
		}
		if n < ringEvents {
			return
		}
	}
}

// begin begins the sync of a file, whose end is told by the number.
func (r *ring) begin(f *os.File, number uint64) error {
	if r.dead.Load() {
		return os.ErrClosed
	}
	c := &control{data: number, op: opFDSync, file: uint32(f.Fd()), flags: flagResFD, resultFD: r.told}  //nolint:gosec // file descriptors are small
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
