package mailauth

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"saltmine/internal/canary"
)

// Task is a contact whose mail waits to be evaluated.
type Task struct {
	Contact canary.Contact
	Tries   int // evaluations that were filed before
	// Fault says why the contact cannot be read; then only its ID is known.
	Fault error
}

// Queue is where mails wait and reports go.
type Queue interface {
	// MailsDue gives up to limit tasks whose time has come, the oldest first.
	MailsDue(ctx context.Context, now time.Time, limit int) ([]Task, error)
	// FileMail files the report of a contact; a zero next settles it.
	FileMail(ctx context.Context, id canary.ContactID, report []byte, next time.Time) error
	// PutMailAside takes a contact that cannot be read out of the queue.
	PutMailAside(ctx context.Context, id canary.ContactID) error
}

// WorkerConfig is what a worker needs.
type WorkerConfig struct {
	Queue Queue
	Judge *Judge
	Now   func() time.Time
	Log   *slog.Logger
}

// Worker evaluates the mails of a queue. It runs beside the intake and the
// pager, which never wait for it.
type Worker struct {
	cfg  WorkerConfig
	wake chan struct{}
}

// NewWorker returns a worker.
func NewWorker(cfg WorkerConfig) *Worker { return &Worker{cfg, make(chan struct{}, 1)} }

const (
	together = 4           // mails at a time
	pause    = time.Minute // between two looks at the queue that nobody asked for
)

// Wake makes the worker look at the queue.
func (w *Worker) Wake() {
	select {
	case w.wake <- struct{}{}:
	default: // it will look anyway
	}
}

// Run evaluates until ctx ends.
func (w *Worker) Run(ctx context.Context) error {
	tick := time.NewTicker(pause)
	defer tick.Stop()
	for {
		if err := w.Drain(ctx); err != nil && ctx.Err() == nil {
			w.cfg.Log.Warn("senders of mails will be looked at again", "err", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-w.wake:
		case <-tick.C:
		}
	}
}

// Drain evaluates what is due now.
func (w *Worker) Drain(ctx context.Context) error {
	for ctx.Err() == nil {
		tasks, err := w.cfg.Queue.MailsDue(ctx, w.cfg.Now(), together)
		if err != nil || len(tasks) == 0 {
			return err
		}
		errs := make([]error, len(tasks))
		var group sync.WaitGroup
		for i := range tasks {
			group.Go(func() { errs[i] = w.work(ctx, &tasks[i]) })
		}
		group.Wait()
		for _, err := range errs {
			if err != nil {
				return err
			}
		}
	}
	return ctx.Err()
}

// work evaluates one mail. One that was cut off by the end of ctx is not filed:
// the next process begins anew.
func (w *Worker) work(ctx context.Context, t *Task) error {
	if t.Fault != nil {
		w.cfg.Log.ErrorContext(ctx, "a contact cannot be read, and its mail is put aside", "contact", t.Contact.ID, "err", t.Fault)
		return w.cfg.Queue.PutMailAside(ctx, t.Contact.ID)
	}
	m, whole := FromContact(&t.Contact)
	if !whole {
		return w.cfg.Queue.FileMail(ctx, t.Contact.ID, nil, time.Time{})
	}
	report, broke := w.judge(ctx, t.Contact.ID, m)
	if broke {
		return w.cfg.Queue.FileMail(ctx, t.Contact.ID, nil, time.Time{})
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var next time.Time
	if report.Temporary() {
		next = later(w.cfg.Now(), t.Tries)
	}
	body, err := report.Encode()
	if err != nil {
		return err
	}
	return w.cfg.Queue.FileMail(ctx, t.Contact.ID, body, next)
}

// judge evaluates a mail, and reports when that broke off: strangers write what
// libraries read here, and a process that ends of it would meet the mail again.
func (w *Worker) judge(ctx context.Context, id canary.ContactID, m Message) (report Report, broke bool) {
	defer func() {
		if v := recover(); v != nil { // what it says may show what a sender wrote
			w.cfg.Log.ErrorContext(ctx, "the sender of a mail could not be looked at", "contact", id, "kind", fmt.Sprintf("%T", v), "stack", string(debug.Stack()))
			broke = true
		}
	}()
	return w.cfg.Judge.Evaluate(ctx, m), false
}

// later is when a mail is tried again that was tried so often before; zero is
// never.
func later(now time.Time, tries int) time.Time {
	waits := []time.Duration{time.Minute, 10 * time.Minute, time.Hour, 6 * time.Hour}
	if tries >= len(waits) {
		return time.Time{}
	}
	return now.Add(waits[tries])
}
