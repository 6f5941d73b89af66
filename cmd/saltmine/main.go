// Command saltmine plants canary records in a customer-support database,
// listens on every way they can be contacted, pages responders when one is,
// and traces the leak to the extract it came from.
//
// This package parses the command line, loads the configuration, wires the
// rooms together and runs them; nothing is decided here. One subcommand is one
// file. Results go to standard output, messages and progress to standard
// error; with --output json the results are JSON.
//
// Exit codes: 0 done; 1 failed; 2 wrong use (command line or configuration);
// 3 verify found canaries that are not as they were planted, or scan found some.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata" // a server in a container has none
)

// The exit codes.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
	exitFound  = 3
)

// exitError carries an exit code; the code 3 prints nothing more.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit code %d", e.code)
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

func usage(format string, args ...any) error {
	return &exitError{exitUsage, fmt.Errorf(format, args...)}
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends at once
	code := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run is the whole program; tests call it too.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	root := newRoot(stdin, stdout, stderr)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitOK
	}
	code := exitFailed
	if coded, ok := errors.AsType[*exitError](err); ok {
		code, err = coded.code, coded.err
	}
	if err == nil {
		return code
	}
	complain(stderr, err)
	return code
}

// complain prints an error and, where one is known, what to do about it.
func complain(w io.Writer, err error) {
	text := fmt.Sprintf("saltmine: %v\n", err)
	if hint := hintFor(err); hint != "" {
		text += "hint: " + hint + "\n"
	}
	io.WriteString(w, text) //nolint:errcheck // there is nowhere left to complain
}
