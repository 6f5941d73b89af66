package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
)

// Every server has the first processor to itself, and whatever loads it has the
// others, so that a server's figure is that of one core.

// onServerCore gives the command line of a server.
func onServerCore(name string, args ...string) []string {
	return append([]string{"taskset", "-c", "0", name}, args...)
}

// onLoadCores is the command of a generator of load.
func onLoadCores(ctx context.Context, name string, args ...string) *exec.Cmd {
	cores := "0"
	if n := processors(); n > 1 {
		cores = fmt.Sprintf("1-%d", n-1)
	}
	cmd := exec.CommandContext(ctx, "taskset", append([]string{"-c", cores, name}, args...)...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	return cmd
}

// oneCore is the environment of a Go program that has one core.
func oneCore() []string { return append(os.Environ(), "GOMAXPROCS=1") }

// device tells what has been written to the disk of a directory.
type device struct{ stat string }

func deviceOf(dir string) (device, error) {
	info, err := os.Stat(dir)
	if err != nil {
		return device{}, err
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return device{}, fmt.Errorf("no device of %s", dir)
	}
	major, minor := st.Dev>>8&0xfff, st.Dev&0xff|st.Dev>>12&0xfff00
	d := device{fmt.Sprintf("/sys/dev/block/%d:%d/stat", major, minor)}
	_, err = d.written()
	return d, err
}

// written gives the bytes since the machine started.
func (d device) written() (float64, error) {
	const sector, writtenField = 512, 6
	text, err := os.ReadFile(d.stat)
	if err != nil {
		return 0, err
	}
	fields := strings.Fields(string(text))
	if len(fields) <= writtenField {
		return 0, fmt.Errorf("%s has %d fields", d.stat, len(fields))
	}
	var sectors float64
	_, err = fmt.Sscan(fields[writtenField], &sectors)
	return sectors * sector, err
}
