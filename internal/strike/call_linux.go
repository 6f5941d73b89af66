package strike

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"unsafe"
)

// call is a system call of a thread that is stopped at its beginning or end.
type call struct {
	tid  int
	nr   uint64
	args [6]uint64
}

// info is what the kernel says of a stop (PTRACE_GET_SYSCALL_INFO).
type info struct {
	op   byte
	nr   uint64
	args [6]uint64
}

const (
	getSyscallInfo = 0x420e
	opEntry        = 1
	opExit         = 2
)

func getInfo(tid int) (i info, err error) {
	var b [88]byte
	if err := ptrace(getSyscallInfo, tid, uintptr(len(b)), b[:]); err != nil {
		return i, err
	}
	i.op = b[0]
	if i.op == opEntry {
		i.nr = binary.NativeEndian.Uint64(b[24:])
		for n := range i.args {
			i.args[n] = binary.NativeEndian.Uint64(b[32+8*n:])
		}
	}
	return i, nil
}

func ptrace(request, tid int, addr uintptr, data []byte) error {
	_, _, e := syscall.RawSyscall6(syscall.SYS_PTRACE, uintptr(request), uintptr(tid), addr, uintptr(unsafe.Pointer(&data[0])), 0, 0) //nolint:gosec // how the kernel is asked
	if e != 0 {
		return e
	}
	return nil
}

// inward reports whether the call touches nothing outside the process.
func (c call) inward() bool {
	switch c.nr {
	case syscall.SYS_FUTEX, syscall.SYS_EPOLL_PWAIT, syscall.SYS_NANOSLEEP, syscall.SYS_CLOCK_NANOSLEEP, syscall.SYS_SCHED_YIELD,
		syscall.SYS_MADVISE, syscall.SYS_MMAP, syscall.SYS_MUNMAP, syscall.SYS_MPROTECT, syscall.SYS_RT_SIGPROCMASK,
		syscall.SYS_RT_SIGACTION, syscall.SYS_RT_SIGRETURN, syscall.SYS_SIGALTSTACK, syscall.SYS_TGKILL, syscall.SYS_GETPID,
		syscall.SYS_GETTID, syscall.SYS_CLOCK_GETTIME, syscall.SYS_CLONE, syscall.SYS_EXIT, syscall.SYS_PRCTL, syscall.SYS_RESTART_SYSCALL,
		clone3, rseq, getrandom, syscall.SYS_SET_ROBUST_LIST, syscall.SYS_SCHED_GETAFFINITY:
		return true
	}
	return false
}

// names are the calls that change files, or make them durable.
func names() map[uint64]string {
	return map[uint64]string{
		syscall.SYS_WRITE: "write", syscall.SYS_WRITEV: "writev", syscall.SYS_PWRITE64: "pwrite64", syscall.SYS_PWRITEV: "pwritev",
		syscall.SYS_FSYNC: "fsync", syscall.SYS_FDATASYNC: "fdatasync", syscall.SYS_FTRUNCATE: "ftruncate", syscall.SYS_FALLOCATE: "fallocate",
		syscall.SYS_OPENAT: "openat", syscall.SYS_MKDIRAT: "mkdirat", syscall.SYS_UNLINKAT: "unlinkat", syscall.SYS_RENAMEAT: "renameat",
		syscall.SYS_LINKAT: "linkat", renameat2: "renameat2", syscall.SYS_IO_SUBMIT: "io_submit", syscall.SYS_IO_GETEVENTS: "io_getevents",
	}
}

// name is the call's, or its number.
func (c call) name() string {
	if name := names()[c.nr]; name != "" {
		return name
	}
	switch c.nr {
	case syscall.SYS_ACCEPT4:
		return "accept4"
	case syscall.SYS_READ:
		return "read"
	case syscall.SYS_CLOSE:
		return "close"
	case syscall.SYS_SETSOCKOPT:
		return "setsockopt"
	case syscall.SYS_EPOLL_CTL:
		return "epoll_ctl"
	case syscall.SYS_GETSOCKNAME:
		return "getsockname"
	case syscall.SYS_RECVMMSG:
		return "recvmmsg"
	case syscall.SYS_STATFS:
		return "statfs"
	}
	return fmt.Sprintf("call %d", c.nr)
}

// changes gives what the call changes or makes durable below dir; "" is nothing.
func (c call) changes(dir string) string {
	var path string
	switch c.nr {
	case syscall.SYS_WRITE, syscall.SYS_WRITEV, syscall.SYS_PWRITE64, syscall.SYS_PWRITEV, syscall.SYS_FSYNC,
		syscall.SYS_FDATASYNC, syscall.SYS_FTRUNCATE, syscall.SYS_FALLOCATE:
		path = c.file(c.args[0])
	case syscall.SYS_IO_SUBMIT:
		path = c.submitted()
	case syscall.SYS_OPENAT:
		if c.args[2]&(syscall.O_WRONLY|syscall.O_RDWR|syscall.O_CREAT) != 0 {
			path = c.at(c.args[0], c.args[1])
		}
	case syscall.SYS_MKDIRAT, syscall.SYS_UNLINKAT, syscall.SYS_RENAMEAT, syscall.SYS_LINKAT, renameat2:
		path = c.at(c.args[0], c.args[1])
	default:
		if old(c.nr) {
			path = c.text(c.args[0])
		}
	}
	if rest, ok := strings.CutPrefix(path, dir); ok {
		return "." + rest
	}
	return ""
}

// file gives the path of an open file.
func (c call) file(fd uint64) string {
	path, err := os.Readlink(fmt.Sprintf("/proc/%d/fd/%d", c.tid, int32(fd))) //nolint:gosec // the kernel takes 32 bits of it
	if err != nil {
		return ""
	}
	return path
}

// submitted gives the path of the file of which io_submit(2) asks something, the
// first if there are several.
func (c call) submitted() string {
	const fileOffset = 20 // in struct iocb
	control := c.word(c.args[2])
	if control == 0 {
		return ""
	}
	return c.file(c.word(control + fileOffset))
}

// word reads eight bytes of the traced program's memory; 0 if there are none.
func (c call) word(addr uint64) uint64 {
	var b [8]byte
	if n, err := syscall.PtracePeekData(c.tid, uintptr(addr), b[:]); err != nil || n < len(b) {
		return 0
	}
	return binary.NativeEndian.Uint64(b[:])
}

// completed has io_getevents(2), which has ended, tell that what it waited for
// failed: the kernel does so where the device does.
func (c call) completed(e syscall.Errno) {
	const resultOffset = 16 // in struct io_event
	var b [8]byte
	binary.NativeEndian.PutUint64(b[:], -uint64(e))
	_, _ = syscall.PtracePokeData(c.tid, uintptr(c.args[3])+resultOffset, b[:]) // it is stopped
}

func (c call) at(fd, name uint64) string {
	path := c.text(name)
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(c.file(fd), path)
}

// text reads a path of the traced program's.
func (c call) text(addr uint64) string {
	b := make([]byte, 512)
	n, err := syscall.PtracePeekData(c.tid, uintptr(addr), b)
	if err != nil && n == 0 {
		return ""
	}
	text, _, _ := bytes.Cut(b[:n], []byte{0})
	return string(text)
}
