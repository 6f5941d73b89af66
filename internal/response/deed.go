package response

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
	"unicode/utf8"

	"saltmine/internal/canary"
	"saltmine/internal/pager"
	"saltmine/internal/pager/post"
	"saltmine/internal/webhook"
)

// kept is how much of an output is kept.
const kept = 16 << 10

// letGo is how long what a command has left behind may hold its output open.
const letGo = 2 * time.Second

// Command runs a program with its arguments, without a shell.
func Command(args []string) Deed {
	return func(ctx context.Context, _ canary.ResponseID, facts []byte) Result {
		out := &head{}
		cmd := exec.CommandContext(ctx, args[0], args[1:]...) //nolint:gosec // the operator names it
		cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8", "HOME=/"}
		cmd.Dir, cmd.Stdin, cmd.Stdout, cmd.Stderr = "/", bytes.NewReader(facts), out, out
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
		cmd.WaitDelay = letGo
		err := cmd.Start()
		if err != nil {
			return Result{State: canary.ResponseFailed, Outcome: "it could not be started: " + cause(err)}
		}
		err = cmd.Wait()
		if err != nil { // what it has left running is no response any more
			_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		}
		r := Result{State: canary.ResponseFailed, Output: out.text(), Bytes: out.all}
		switch exit, exited := errors.AsType[*exec.ExitError](err); {
		case ctx.Err() != nil:
			r.Outcome = "it was killed, with all that it had started, when its time was over: what it had done by then is not known"
		case err == nil, errors.Is(err, exec.ErrWaitDelay):
			r.State, r.Outcome = canary.ResponseDone, "exit 0"
			if err != nil {
				r.Outcome += "; what it had left running was killed"
			}
		case exited:
			r.Outcome = exit.String()
		default:
			r.State, r.Outcome = canary.ResponseUnknown, cause(err)
		}
		return r
	}
}

// cause says what is wrong without the path, which the configuration has.
func cause(err error) string {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		err = e.Err
	}
	return err.Error()
}

// head keeps the beginning of what is written to it. Commands write through one pipe.
type head struct {
	first []byte
	all   int64
}

func (h *head) Write(p []byte) (int, error) {
	h.all += int64(len(p))
	h.first = append(h.first, p[:min(len(p), kept-len(h.first))]...)
	return len(p), nil
}

// text is what is kept, as text that can be stored and shown.
func (h *head) text() string {
	return strings.Map(func(r rune) rune {
		if r == utf8.RuneError || r < ' ' && r != '\n' && r != '\t' || r == 0x7f {
			return '?'
		}
		return r
	}, string(h.first))
}

// CheckCommand reports why a command could not be run, or could be by too many.
func CheckCommand(args []string) error {
	info, err := os.Stat(args[0])
	switch {
	case err != nil:
		return errors.New(cause(err))
	case !info.Mode().IsRegular() || info.Mode()&0o111 == 0:
		return errors.New("it is no program that can be run")
	case info.Mode()&0o022 != 0:
		return errors.New("others can write to it, and what they write would be run: chmod go-w")
	}
	return nil
}

// Post tells a webhook, signed by Standard Webhooks with the response's id.
func Post(p *post.Poster, to *url.URL, secret webhook.Secret, now func() time.Time) Deed {
	return func(ctx context.Context, id canary.ResponseID, facts []byte) Result {
		h := http.Header{}
		webhook.SetHeaders(h, secret, string(id), now(), facts)
		a, err := p.Do(ctx, to, h, facts)
		if err != nil {
			return untold(err)
		}
		out := &head{}
		_, _ = out.Write(a.Body)
		r := Result{State: canary.ResponseFailed, Outcome: fmt.Sprintf("status %d", a.Status), Output: out.text(), Bytes: out.all}
		if a.Status >= 200 && a.Status < 300 {
			r.State = canary.ResponseDone
		}
		return r
	}
}

// untold judges a request without an answer: where no connection was made nothing was
// told, else nobody knows.
func untold(err error) Result {
	e, ok := errors.AsType[*pager.Error](err)
	if !ok {
		return Result{State: canary.ResponseUnknown, Outcome: "no answer"}
	}
	switch e.Class {
	case "dns", "connect", "tls":
		return Result{State: canary.ResponseFailed, Outcome: "it was not told: " + e.Class}
	}
	return Result{State: canary.ResponseUnknown, Outcome: "it may have been told; no answer: " + e.Class}
}
