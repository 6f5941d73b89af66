package strike

import (
	"encoding/binary"
	"runtime"
	"syscall"
	"unsafe"
)

const (
	renameat2     = 276
	getrandom     = 278
	rseq          = 293
	clone3        = 435
	setRegset     = 0x4205 // PTRACE_SETREGSET
	armSystemCall = 0x404  // NT_ARM_SYSTEM_CALL
)

// old reports calls that newer machines do without: all of this kind do.
func old(uint64) bool { return false }

// skip has the call that begins do nothing.
func skip(tid int) {
	none := []byte{0xff, 0xff, 0xff, 0xff}
	var vec [16]byte // an iovec
	defer runtime.KeepAlive(none)
	binary.NativeEndian.PutUint64(vec[:], uint64(uintptr(unsafe.Pointer(&none[0]))))
	binary.NativeEndian.PutUint64(vec[8:], uint64(len(none)))
	_ = ptrace(setRegset, tid, armSystemCall, vec[:]) // it is stopped
}

// setResult has the call that ends fail.
func setResult(tid int, e syscall.Errno) {
	var r syscall.PtraceRegs
	if syscall.PtraceGetRegs(tid, &r) == nil {
		r.Regs[0] = -uint64(e)
		_ = syscall.PtraceSetRegs(tid, &r) // it is stopped
	}
}
