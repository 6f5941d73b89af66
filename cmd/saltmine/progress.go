package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"
)

// progress returns a function that tells how far long work has come: a bar that
// redraws itself on a terminal, elsewhere a line every five seconds. done ends it.
func (a *app) progress(what string) (step func(done, total int), done func()) {
	f, ok := a.stderr.(*os.File)
	if ok && term.IsTerminal(int(f.Fd())) && os.Getenv("TERM") != "dumb" {
		return a.liveProgress(what)
	}
	last := a.now()
	return func(n, total int) {
		if now := a.now(); now.Sub(last) > 5*time.Second && n < total {
			last = now
			a.say("%s: %d of %d", strings.TrimSpace(what), n, total)
		}
	}, func() {}
}

func (a *app) liveProgress(what string) (step func(done, total int), done func()) {
	var last time.Time
	step = func(n, total int) {
		if now := a.now(); now.Sub(last) > 100*time.Millisecond || n == total {
			last = now
			fmt.Fprintf(a.stderr, "\r%s  %s %d/%d", what, bar(n, total), n, total) //nolint:errcheck // a terminal that went away
		}
	}
	return step, func() {
		if !last.IsZero() {
			fmt.Fprintln(a.stderr) //nolint:errcheck // a terminal that went away
		}
	}
}

func bar(n, total int) string {
	const width = 30
	full := 0
	if total > 0 {
		full = min(width, n*width/total)
	}
	return "[" + strings.Repeat("#", full) + strings.Repeat(".", width-full) + "]"
}

// lines prints strings, one a line.
func lines(w io.Writer, list []string) error {
	for _, s := range list {
		if _, err := fmt.Fprintln(w, s); err != nil {
			return err
		}
	}
	return nil
}
