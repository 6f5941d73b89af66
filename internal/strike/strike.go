// Package strike runs a real program under a tracer of its own and strikes it at
// a chosen system call: it kills the program there, as kill -9 does, or has the
// call fail with an error of the disk. Tests use it to show what a program
// loses at every single point; nothing else imports it.
//
// strace can do both, but counts calls in each thread apart, and a Go program
// moves between threads as it likes. Here calls are counted over the whole
// process, and the beginning and the end of each are two points, so that a kill
// falls before or after what the call does. Calls that touch nothing outside the
// process (futex, sleep, memory, signals, threads) are not counted: a kill in
// one of them leaves the same as a kill at the end of the call before.
//
// The tracer is the test's own binary, started again, so that it waits for its
// own children and no others:
//
//	func TestMain(m *testing.M) {
//		if code, child := strike.Child(); child {
//			os.Exit(code)
//		}
//		…
//
//	s, err := strike.Wrap(cmd, strike.Order{})  // before cmd.Start
//	s.Arm(ctx, strike.Order{Kill: 17})
//	… what leads to the 17th point from here on …
//	s.Struck()                                  // "pwrite64 ends"
//
// The program does not outlive its tracer, nor the tracer the test. It needs
// Linux 5.3 (PTRACE_GET_SYSCALL_INFO) and the right to trace a child; without
// them Arm fails.
package strike

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
)

// Order says where to strike. Counting begins anew with each order, at 1. The
// zero order strikes nowhere and counts all the same.
type Order struct {
	// Kill kills the program at this point: the beginning or the end of a call.
	Kill int
	// Fail has this call fail that changes, or makes durable, something below Dir.
	Fail int
	// On has all later ones fail, too, until the next order.
	On  bool
	Dir string
	// Errno is what a struck call fails with.
	Errno syscall.Errno
}

// Seen is what was counted since the last order.
type Seen struct {
	Points int // where Kill can strike
	Sites  int // which Fail can strike
}

// Striker is a program that can be struck.
type Striker struct {
	orders  io.WriteCloser
	answers chan string
	gone    chan struct{} // closed when the tracer says that it ends

	mu     sync.Mutex
	rest   []byte
	struck []string
}

const (
	childArg = "strike-child"
	question = "seen"
	said     = "struck "
	farewell = "gone"
)

// Wrap puts a tracer between a command that is not yet started and its program,
// which loses its standard input and output. Errors and the exit code stay. The
// order holds from the program's first call on.
func Wrap(cmd *exec.Cmd, first Order) (*Striker, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("strike: %w", err)
	}
	s := &Striker{answers: make(chan string, 1), gone: make(chan struct{})}
	cmd.Args = append([]string{self, childArg, cmd.Path}, cmd.Args[1:]...)
	cmd.Path = self
	if s.orders, err = cmd.StdinPipe(); err != nil {
		return nil, fmt.Errorf("strike: %w", err)
	}
	cmd.Stdout = hearer{s}
	return s, s.say(first)
}

// Arm gives an order. When it returns, whatever is done to the program is counted.
func (s *Striker) Arm(ctx context.Context, o Order) error {
	if err := s.say(o); err != nil {
		return err
	}
	_, err := s.answer(ctx)
	return err
}

// End kills the program, wherever it is. It is gone when the command has ended.
func (s *Striker) End() error {
	if err := s.orders.Close(); err != nil {
		return fmt.Errorf("strike: %w", err)
	}
	return nil
}

func (s *Striker) say(o any) error {
	b, err := json.Marshal(o)
	if err != nil {
		return fmt.Errorf("strike: %w", err)
	}
	if _, err := s.orders.Write(append(b, '\n')); err != nil {
		return fmt.Errorf("%w: %w", errGone, err)
	}
	return nil
}

// Seen gives the counts since the last order.
func (s *Striker) Seen(ctx context.Context) (n Seen, err error) {
	if err := s.say(question); err != nil {
		return n, err
	}
	text, err := s.answer(ctx)
	if err != nil {
		return n, err
	}
	if err := json.Unmarshal([]byte(text), &n); err != nil {
		return n, fmt.Errorf("strike: %w", err)
	}
	return n, nil
}

// Struck names the calls that were struck, in order.
func (s *Striker) Struck() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.struck...)
}

// Gone is closed when the program has ended.
func (s *Striker) Gone() <-chan struct{} { return s.gone }

var errGone = errors.New("the tracer is gone")

func (s *Striker) answer(ctx context.Context) (string, error) {
	select {
	case text := <-s.answers:
		return text, nil
	case <-s.gone:
		return "", errGone
	case <-ctx.Done():
		return "", fmt.Errorf("%w: %w", errGone, ctx.Err())
	}
}

// hearer is where the tracer's words come in.
type hearer struct{ s *Striker }

// Write takes what the tracer says.
func (h hearer) Write(p []byte) (int, error) {
	s := h.s
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rest = append(s.rest, p...)
	for {
		line, rest, whole := bytes.Cut(s.rest, []byte("\n"))
		if !whole {
			return len(p), nil
		}
		s.rest = rest
		if call, ok := strings.CutPrefix(string(line), said); ok {
			s.struck = append(s.struck, call)
			continue
		}
		if string(line) == farewell {
			close(s.gone)
			continue
		}
		select {
		case s.answers <- string(line):
		default: // nobody asked
		}
	}
}
