package incident

import "saltmine/internal/canary"

// judge has the sender of a mail looked at.
func (w *work) judge(c *canary.Contact) {
	if w.in.cfg.Judge && !c.Probe && (c.Channel == canary.SMTP || c.Channel == canary.IMAP) {
		w.out.Entries[w.entry[c.ID]].Judge = true
	}
}
