package mailauth_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/mailauth"
)

// oneTask is a queue of one mail.
type oneTask struct {
	contact canary.Contact
	filed   int
	report  []byte
	next    time.Time
}

func (q *oneTask) MailsDue(context.Context, time.Time, int) ([]mailauth.Task, error) {
	if q.filed > 0 {
		return nil, nil
	}
	return []mailauth.Task{{Contact: q.contact}}, nil
}

func (q *oneTask) FileMail(_ context.Context, _ canary.ContactID, report []byte, next time.Time) error {
	q.filed++
	q.report, q.next = report, next
	return nil
}

func (q *oneTask) PutMailAside(context.Context, canary.ContactID) error { return nil }

// TestAMailThatBreaksTheJudge is settled, and does not end the process, which
// would meet it again: here the judge is none.
func TestAMailThatBreaksTheJudge(t *testing.T) {
	t.Parallel()
	var log strings.Builder
	q := &oneTask{contact: canary.Contact{ID: "k_imap-0001", Channel: canary.IMAP, At: came, Raw: []byte("From: ann@example.org\r\n\r\nhello\r\n")}}
	w := mailauth.NewWorker(mailauth.WorkerConfig{Queue: q, Now: time.Now, Log: slog.New(slog.NewTextHandler(&log, nil))})
	if err := w.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	if q.filed != 1 || q.report != nil || !q.next.IsZero() {
		t.Errorf("filed %d times, %q, again at %v", q.filed, q.report, q.next)
	}
	if text := log.String(); !strings.Contains(text, "k_imap-0001") || strings.Contains(text, "ann@example.org") {
		t.Errorf("log: %s", text)
	}
}
