package strike

import "syscall"

const (
	renameat2 = 316
	getrandom = 318
	rseq      = 334
	clone3    = 435
)

// old reports calls that newer machines do without, with a path in front.
func old(nr uint64) bool {
	switch nr {
	case syscall.SYS_UNLINK, syscall.SYS_MKDIR, syscall.SYS_RENAME, syscall.SYS_TRUNCATE, syscall.SYS_RMDIR:
		return true
	}
	return false
}

// skip has the call that begins do nothing.
func skip(tid int) {
	var r syscall.PtraceRegs
	if syscall.PtraceGetRegs(tid, &r) == nil {
		r.Orig_rax = ^uint64(0)
		_ = syscall.PtraceSetRegs(tid, &r) // it is stopped
	}
}

// setResult has the call that ends fail.
func setResult(tid int, e syscall.Errno) {
	var r syscall.PtraceRegs
	if syscall.PtraceGetRegs(tid, &r) == nil {
		r.Rax = -uint64(e)
		_ = syscall.PtraceSetRegs(tid, &r) // it is stopped
	}
}
