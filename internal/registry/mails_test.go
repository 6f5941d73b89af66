package registry_test

import (
	"errors"
	"log/slog"
	"testing"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/dialogue"
	"saltmine/internal/mailauth"
	"saltmine/internal/registry"
)

// TestMails has a worker look at mails with a resolver that is not there: one
// with a mail is tried five times with growing pauses and then settled, one
// that was cut off is settled at once, and one that nobody asked about waits
// for nothing.
func TestMails(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, r *registry.Registry) {
		ctx, o, now := t.Context(), outcome(r), start()
		raw := dialogue.Append([]byte(dialogue.Magic), dialogue.Record{Kind: dialogue.Mail, Bytes: []byte("From: sam@example.org\r\n\r\nhello\r\n.\r\n")})
		o.Entries[0].Contact.Raw, o.Entries[0].Judge = raw, true
		cutOff := contact(3, canary.SMTP, start())
		cutOff.Raw = raw[:len(raw)-1]
		o.Entries = append(o.Entries, canary.Entry{Contact: cutOff, Judge: true}, canary.Entry{Contact: contact(4, canary.SMTP, start())})
		must(t, r.Commit(ctx, o))

		id := o.Entries[0].Contact.ID
		w := mailauth.NewWorker(mailauth.WorkerConfig{
			Queue: r, Judge: mailauth.New(mailauth.Config{Resolver: "127.0.0.1:1", Now: func() time.Time { return now }}),
			Now: func() time.Time { return now }, Log: slog.New(slog.DiscardHandler),
		})
		if m, err := r.MailOf(ctx, id); err != nil || m.Report != nil || !m.Again.Equal(start().Truncate(time.Microsecond)) {
			t.Errorf("before: %+v, %v", m, err)
		}
		pauses := []time.Duration{time.Minute, 10 * time.Minute, time.Hour, 6 * time.Hour, 0}
		for i, pause := range pauses {
			must(t, w.Drain(ctx))
			must(t, w.Drain(ctx)) // nothing is due now
			m, err := r.MailOf(ctx, id)
			must(t, err)
			if m.Tries != i+1 || m.Report == nil || !m.Report.Temporary() || m.Report.SPF[0].Domain != "example.org" {
				t.Fatalf("try %d: %+v", i+1, m)
			}
			if wait := m.Again.Sub(now); pause > 0 && wait != pause || pause == 0 && !m.Again.IsZero() {
				t.Errorf("try %d: again %s, want a pause of %s", i+1, m.Again, pause)
			}
			now = now.Add(pause)
		}
		if m, err := r.MailOf(ctx, cutOff.ID); err != nil || m.Tries != 1 || m.Report != nil || !m.Again.IsZero() {
			t.Errorf("without a mail: %+v, %v", m, err)
		}
		if _, err := r.MailOf(ctx, "k_contact0004"); !errors.Is(err, registry.ErrNotFound) {
			t.Errorf("nobody asked: %v", err)
		}
		if list, err := r.MailsOf(ctx, o.Incidents[0].ID, 10); err != nil || len(list) != 1 || list[0].Contact != id {
			t.Errorf("of the incident: %+v, %v", list, err)
		}
		if err := r.FileMail(ctx, "k_contact0004", nil, time.Time{}); !errors.Is(err, registry.ErrNotFound) {
			t.Errorf("a report that nobody asked for: %v", err)
		}
	})
}

// TestMailOfAClosedDialogue: the closing record of a dialogue that was cut off
// asks once more.
func TestMailOfAClosedDialogue(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, r *registry.Registry) {
		ctx := t.Context()
		e := canary.Entry{Contact: contact(1, canary.SMTP, start()), CutOff: true, Judge: true}
		must(t, r.Commit(ctx, canary.Outcome{Entries: []canary.Entry{e}}))
		must(t, r.FileMail(ctx, e.Contact.ID, nil, time.Time{}))
		e.CutOff, e.Replaces = false, true
		must(t, r.Commit(ctx, canary.Outcome{Entries: []canary.Entry{e}}))
		if list, err := r.MailsDue(ctx, start(), 10); err != nil || len(list) != 1 || list[0].Tries != 0 {
			t.Errorf("%+v, %v", list, err)
		}
	})
}
