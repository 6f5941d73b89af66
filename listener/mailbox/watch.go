package mailbox

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"
)

// watch tells of mailboxes that are not read.
func (e *Ear) watch(ctx context.Context) {
	tick := time.NewTicker(e.cfg.Times.Watch)
	defer tick.Stop()
	told := "nothing was told yet"
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		list, known := e.notRead(e.cfg.Now())
		e.unread.Store(int64(len(list)))
		mark := fmt.Sprint(ids(list))
		if !known || mark == told {
			continue
		}
		if err := e.cfg.Unread(ctx, list); err != nil {
			e.cfg.Log.WarnContext(ctx, "not told which mailboxes are not read, will be tried again", "err", err)
			continue
		}
		told = mark
	}
}

func ids(list []Unread) []string {
	out := make([]string, len(list))
	for i, u := range list {
		out[i] = string(u.ID)
	}
	return out
}

// notRead gives the mailboxes that were not read for longer than is patient. It is
// not known while there is one of which this process has not heard how it is:
// after a stop of some hours all would seem unread.
func (e *Ear) notRead(now time.Time) (list []Unread, known bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	long := e.cfg.Times.Patience
	known = e.listed
	for _, b := range e.boxes {
		b.mu.Lock()
		fresh := !b.good.IsZero() && now.Sub(b.good) < long
		tried := b.tries > 1 || now.Sub(e.began) >= long
		if !fresh && tried && !b.good.IsZero() {
			list = append(list, Unread{ID: b.account.ID, Host: b.account.Reading.Host, Since: b.good, Why: b.fault})
		}
		known = known && (fresh || tried)
		b.mu.Unlock()
	}
	slices.SortFunc(list, func(a, b Unread) int { return cmp.Compare(a.ID, b.ID) })
	return list, known
}
