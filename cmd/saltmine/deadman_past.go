package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/pager"
)

// past pages past the outbox when the registry says nothing for so long: no page
// can be written there, and what is heard pages nobody. The page's id is made from
// when that began.
func (d *deadman) past(ctx context.Context, err error, now time.Time) {
	send := d.s.sends[secondRoute(d.core.cfg)]
	switch {
	case send == nil:
	case err == nil:
		d.seen = now
		if d.told.Page.ID != "" {
			over := d.told
			over.Kind = pager.Resolve
			if d.outright(ctx, send, over) {
				d.told = pager.Delivery{}
			}
		}
	case now.Sub(d.seen) >= d.cfg.Silence && d.told.Page.ID == "":
		sum := sha256.Sum256([]byte("registry " + d.seen.Format(time.RFC3339Nano)))
		id := hex.EncodeToString(sum[:8])
		p := canary.Page{
			ID: canary.PageID("p_" + id), Notice: canary.NoticeID("n_" + id), Severity: canary.P2, At: canary.Micro(now),
			Summary: "P2 notice: the registry does not answer since " + d.seen.UTC().Format(time.DateTime) + ": what is heard pages nobody",
			Reasons: []string{"the dead-man's switch cannot read how its fronts stand, and sends this past the outbox"},
			Proves:  "That contacts are neither filed nor paged.", ProvesNot: "That any is lost: what the ears hear waits in the spool.",
			Next: []string{"look at the registry's database and its disk", "'saltmine check' says what does not answer"},
		}
		told := pager.Delivery{Page: pager.Clean(p), Route: secondRoute(d.core.cfg), Kind: pager.Trigger, First: p.At, NextTry: p.At, DedupKey: p.About()}
		if d.outright(ctx, send, told) {
			d.told = told
		}
	}
}

func (d *deadman) outright(ctx context.Context, send pager.Send, page pager.Delivery) bool {
	ctx, cancel := context.WithTimeout(ctx, shotTime)
	defer cancel()
	if _, err := send(ctx, page); err != nil {
		d.s.log.Error("the dead-man's switch cannot page past the outbox; it is tried again", "err", err)
		return false
	}
	return true
}

// untriedFor is how long a page of the switch may lie in the outbox without an
// attempt at it: the pager tries at once.
const untriedFor = 2 * time.Minute

// untried sends what the pager does not even try: it may be the pager that is dead.
// The delivery is the same, so that whoever gets it twice can drop one.
func (d *deadman) untried(ctx context.Context, now time.Time) {
	list, err := d.reg.Untried(ctx, now.Add(-untriedFor))
	if err != nil {
		d.s.log.Error("what the pager left lying cannot be read", "err", err)
		return
	}
	for _, page := range list {
		send := d.s.sends[page.Route]
		page.Page = pager.Clean(page.Page)
		if send == nil || !d.outright(ctx, send, page) {
			continue
		}
		d.s.log.Error("a page of the dead-man's switch was sent past the pager, which did not try it", "page", string(page.Page.ID), "route", page.Route)
		if err := d.reg.Outbox().Sent(ctx, page, now, "past the pager"); err != nil {
			d.s.log.Error("that a page was sent could not be recorded", "page", string(page.Page.ID), "err", err)
		}
	}
}
