package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

const domain = "example.net"

// ear is a measured process as its parent sees it.
type ear struct {
	cmd     *exec.Cmd
	dir     string
	ask     io.WriteCloser
	answers *bufio.Reader
	at      addresses
}

// addresses are where the ears listen. Bare is the webhooks' handler without
// a store.
type addresses struct{ Mail, DNS, Hooks, Bare string }

// count is what the ears have made durable so far.
type count struct {
	Messages, DNS, Hooks int64
	Processor            time.Duration // that the process has used
}

// startEar starts this program again as the ears, on one core. It ends when its
// standard input closes, so it ends with us in every case. A flooded one bounds
// what is recorded singly, as the program does; the others record everything.
func startEar(ctx context.Context, p *plan, flooded bool) (*ear, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	dir, profile := filepath.Join(p.dir, "ear"), p.profile
	if flooded {
		dir = filepath.Join(p.dir, "flooded")
		if profile != "" {
			profile += ".flooded"
		}
	}
	args := onServerCore(self, "-ear", dir, "-flooded="+strconv.FormatBool(flooded), "-profile="+profile)
	e := &ear{cmd: exec.CommandContext(ctx, args[0], args[1:]...), dir: dir}
	e.cmd.Env, e.cmd.Stderr = append(oneCore(), "GODEBUG=clobberfree=1"), os.Stderr // as an edge runs
	if e.ask, err = e.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := e.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	e.answers = bufio.NewReader(out)
	if err := e.cmd.Start(); err != nil {
		return nil, err
	}
	if err := e.read(&e.at); err != nil {
		return nil, errors.Join(fmt.Errorf("the ears did not start: %w", err), e.stop())
	}
	return e, nil
}

// counted asks for what is durable.
func (e *ear) counted() (c count, err error) {
	if _, err := io.WriteString(e.ask, "\n"); err != nil {
		return c, err
	}
	return c, e.read(&c)
}

func (e *ear) read(into any) error {
	text, err := e.answers.ReadBytes('\n')
	if err != nil {
		return err
	}
	return json.Unmarshal(text, into)
}

func (e *ear) stop() error {
	return errors.Join(e.ask.Close(), e.cmd.Wait())
}

func (e *ear) keys() string  { return filepath.Join(e.dir, "keys") }
func (e *ear) spool() string { return filepath.Join(e.dir, "spool") }

// peak is the most memory that the process has had, in bytes.
func (e *ear) peak() (float64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", e.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	_, after, ok := strings.Cut(string(text), "VmHWM:")
	if !ok {
		return 0, errors.New("the system does not tell the peak of memory")
	}
	var kilobytes float64
	_, err = fmt.Sscan(after, &kilobytes)
	return kilobytes * 1024, err
}
