package strike

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"sync/atomic"
	"syscall"
)

// Child is the tracer, when this process was started as one. It returns when the
// traced program has ended, with its exit code.
func Child() (code int, is bool) {
	if len(os.Args) < 3 || os.Args[1] != childArg {
		return 0, false
	}
	runtime.LockOSThread() // a tracer is a thread
	t := &tracer{out: os.Stdout, threads: map[int]*thread{}, begun: map[uint64]string{}}
	lines := bufio.NewScanner(os.Stdin)
	lines.Scan()
	if err := errors.Join(t.take(lines.Bytes()), t.start(os.Args[2], os.Args[2:])); err != nil {
		fmt.Fprintln(os.Stderr, "strike:", err)
		return 1, true
	}
	go t.listen(lines) // ends with the process
	code = t.run()
	fmt.Fprintln(t.out, farewell) //nolint:errcheck // the parent misses it
	return code, true
}

// tracer is the tracing thread's, but for now.
type tracer struct {
	pid     int
	out     io.Writer
	threads map[int]*thread
	begun   map[uint64]string // file whose sync is under way, by the context of io_submit(2)
	now     atomic.Pointer[ordered]
	dead    bool // by our hand
	code    int
}

// ordered is an order and how far it has come.
type ordered struct {
	Order

	points, sites atomic.Int64
}

// thread is the call that a thread is in.
type thread struct {
	call call
	fail bool
}

const (
	options = syscall.PTRACE_O_TRACESYSGOOD | syscall.PTRACE_O_TRACECLONE | syscall.PTRACE_O_TRACEFORK |
		syscall.PTRACE_O_TRACEVFORK | syscall.PTRACE_O_TRACEEXEC | exitKill
	exitKill    = 1 << 20 // PTRACE_O_EXITKILL
	syscallStop = syscall.SIGTRAP | 0x80
)

func (t *tracer) start(path string, argv []string) error {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer null.Close()                                                                                                                     //nolint:errcheck // nothing was written
	p, err := os.StartProcess(path, argv, &os.ProcAttr{Files: []*os.File{null, null, os.Stderr}, Sys: &syscall.SysProcAttr{Ptrace: true}}) //nolint:gosec // what the test says
	if err != nil {
		return err
	}
	t.pid = p.Pid
	var ws syscall.WaitStatus
	if _, err := syscall.Wait4(t.pid, &ws, 0, nil); err != nil {
		return fmt.Errorf("wait for its first stop: %w", err)
	}
	if err := syscall.PtraceSetOptions(t.pid, options); err != nil {
		return fmt.Errorf("trace: %w", err)
	}
	t.threads[t.pid] = &thread{}
	return syscall.PtraceSyscall(t.pid, 0)
}

// listen takes orders. Without a parent there is nothing to live for.
func (t *tracer) listen(lines *bufio.Scanner) {
	for lines.Scan() {
		if lines.Text() == `"`+question+`"` {
			o := t.now.Load()
			b, _ := json.Marshal(Seen{int(o.points.Load()), int(o.sites.Load())}) //nolint:errchkjson // two numbers
			fmt.Fprintf(t.out, "%s\n", b)                                         //nolint:errcheck // the parent misses it
			continue
		}
		if err := t.take(lines.Bytes()); err != nil {
			fmt.Fprintln(os.Stderr, "strike:", err)
			break
		}
		fmt.Fprintln(t.out, "armed") //nolint:errcheck // the parent misses it
	}
	_ = syscall.Kill(t.pid, syscall.SIGKILL) // it may have ended
}

func (t *tracer) take(line []byte) error {
	o := &ordered{}
	if err := json.Unmarshal(line, &o.Order); err != nil {
		return err
	}
	t.now.Store(o)
	return nil
}

// run lets the program run from stop to stop until it has ended.
func (t *tracer) run() int {
	for {
		var ws syscall.WaitStatus
		tid, err := syscall.Wait4(-1, &ws, syscall.WALL, nil)
		switch {
		case errors.Is(err, syscall.EINTR):
			continue
		case err != nil: // ECHILD: all have ended
			return t.code
		case ws.Stopped():
			_ = syscall.PtraceSyscall(tid, t.stopped(tid, ws)) // a killed one is gone
			continue
		}
		delete(t.threads, tid)
		if tid == t.pid {
			if t.code = ws.ExitStatus(); t.code < 0 {
				t.code = 128 + int(ws.Signal())
			}
		}
	}
}

// stopped looks at a stop and gives the signal that is to be delivered.
func (t *tracer) stopped(tid int, ws syscall.WaitStatus) int {
	th, known := t.threads[tid]
	if !known {
		th = &thread{}
		t.threads[tid] = th
	}
	switch sig := ws.StopSignal(); {
	case sig == syscallStop:
		t.atCall(tid, th)
		return 0
	case sig == syscall.SIGTRAP, sig == syscall.SIGSTOP && !known: // an event, the birth of a thread
		return 0
	default:
		return int(sig)
	}
}

// atCall counts the beginning or the end of a call, and strikes.
func (t *tracer) atCall(tid int, th *thread) {
	i, err := getInfo(tid)
	if err != nil || t.dead {
		return
	}
	o := t.now.Load()
	switch i.op {
	case opEntry:
		th.call = call{tid: tid, nr: i.nr, args: i.args}
		t.begins(o, th)
	case opExit:
		if th.fail {
			th.fail = false
			if i := th.call; i.nr == syscall.SYS_IO_GETEVENTS {
				i.completed(o.Errno)
			} else {
				setResult(tid, o.Errno)
			}
		}
		t.point(o, th, "ends")
	}
}

func (t *tracer) begins(o *ordered, th *thread) {
	t.point(o, th, "begins")
	if t.dead || o.Dir == "" {
		return
	}
	path := th.call.changes(o.Dir)
	switch th.call.nr {
	case syscall.SYS_IO_SUBMIT:
		t.begun[th.call.args[0]] = path
	case syscall.SYS_IO_GETEVENTS:
		path = t.begun[th.call.args[0]]
	}
	if path == "" {
		return
	}
	n := int(o.sites.Add(1))
	if th.fail = o.Fail > 0 && (n == o.Fail || o.On && n > o.Fail); th.fail {
		if th.call.nr != syscall.SYS_IO_GETEVENTS { // what has begun is waited for
			skip(th.call.tid)
		}
		fmt.Fprintf(t.out, "%s%s %s\n", said, th.call.name(), path) //nolint:errcheck // the parent misses it
	}
}

func (t *tracer) point(o *ordered, th *thread, what string) {
	if th.call.inward() || int(o.points.Add(1)) != o.Kill {
		return
	}
	t.dead = true
	fmt.Fprintf(t.out, "%s%s %s\n", said, th.call.name(), what) //nolint:errcheck // the parent misses it
	_ = syscall.Kill(t.pid, syscall.SIGKILL)                    // it may have ended
}
