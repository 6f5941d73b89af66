package incident

import (
	"slices"

	"saltmine/internal/canary"
)

// judge has the sender of a mail looked at.
func (w *work) judge(c *canary.Contact) {
	if !w.in.cfg.Judge || c.Probe || c.Channel != canary.SMTP && c.Channel != canary.IMAP {
		return
	}
	if i, here := w.entry[c.ID]; here {
		w.out.Entries[i].Judge = true
	} else if !slices.Contains(w.out.Judge, c.ID) { // it was filed before
		w.out.Judge = append(w.out.Judge, c.ID)
	}
}
