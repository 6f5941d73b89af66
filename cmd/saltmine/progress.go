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
	live := ok && term.IsTerminal(int(f.Fd())) && os.Getenv("TERM") != "dumb" //nolint:gosec // a file descriptor
	var last time.Time
	drawn := false
	step = func(n, total int) {
		now := a.now()
		switch {
		case live && (now.Sub(last) > 100*time.Millisecond || n == total):
			drawn = true
			fmt.Fprintf(a.stderr, "\r%s  %s %d/%d", what, bar(n, total), n, total) //nolint:errcheck // a terminal that went away
		case !live && now.Sub(last) > 5*time.Second && n < total && !last.IsZero():
			a.say("%s: %d of %d", what, n, total)
		case !live && last.IsZero():
		default:
			return
		}
		last = now
	}
	return step, func() {
		if drawn {
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
