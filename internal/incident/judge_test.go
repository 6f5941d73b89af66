package incident_test

import (
	"testing"

	"saltmine/internal/canary"
)

// TestWhoseSenderIsLookedAt: that of a mail which reached a canary, once the
// page is written; nobody is told by a question that a placebo, a random name or
// a probe was heard.
func TestWhoseSenderIsLookedAt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.plant("db:main", 1, 2)
	var order []string
	w.cfg.Judge = true
	w.cfg.Wake = func() { order = append(order, "page") }
	w.cfg.Judging = func() { order = append(order, "judge") }
	mail, imap, probe := w.mail(address(1), address(2)), w.mail(address(1)), w.mail(address(2))
	imap.Channel, imap.Raw, probe.Probe = canary.IMAP, []byte("From: a@example.org\r\n\r\nhello"), true
	w.take(mail, imap, probe, w.mail(placebo(1)), w.mail("random@example.net"), w.call(canary.SMS, number(1), "hello"))
	due, err := w.reg.MailsDue(t.Context(), w.now(), 100)
	must(t, err)
	if len(due) != 2 || due[0].Contact.ID != mail.ID || due[1].Contact.ID != imap.ID {
		t.Errorf("looked at: %v", due)
	}
	if len(order) != 2 || order[0] != "page" || order[1] != "judge" {
		t.Errorf("order %q", order)
	}
	w.cfg.Judge = false
	w.take(w.mail(address(1)))
	if due, err = w.reg.MailsDue(t.Context(), w.now(), 100); err != nil || len(due) != 2 {
		t.Errorf("switched off: %d, %v", len(due), err)
	}
}
