package incident

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"saltmine/internal/canary"
)

// UpdaterConfig is what an [Updater] needs. All fields must be set.
type UpdaterConfig struct {
	// Untold gives the incidents updated since a time to which something has come
	// since what was told of them last, which was not after told.
	Untold func(ctx context.Context, updated, told time.Time) ([]canary.Untold, error)
	// Since counts the updates that were written since a time.
	Since  func(ctx context.Context, since time.Time) (int, error)
	Commit func(ctx context.Context, o canary.Outcome) error
	// Moved reports whether a commit failed because another core was faster.
	Moved func(error) bool
	Link  func(canary.IncidentID) string
	Wake  func() // called after updates were written
	// Every is how long after what was told last an incident is told of again.
	Every time.Duration
	Now   func() time.Time
	Log   *slog.Logger
}

// mostUpdates is how many are written in an hour, of all incidents.
const mostUpdates = 60

// Updater tells the routes that accepted the page of an incident what has come
// since: one quiet page that sums it up, at most every so often. It has no place
// among the pages of an hour, which are for what wakes people, but bounds of its own.
type Updater struct{ cfg UpdaterConfig }

// NewUpdater returns an updater.
func NewUpdater(cfg UpdaterConfig) *Updater { return &Updater{cfg} }

// Run looks every minute until ctx ends.
func (u *Updater) Run(ctx context.Context) error {
	t := time.NewTicker(min(time.Minute, u.cfg.Every))
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-t.C:
		}
		if err := u.Once(ctx); err != nil && ctx.Err() == nil {
			u.cfg.Log.Warn("updates of incidents will be tried again", "err", err)
		}
	}
}

// Once writes the updates that are due now.
func (u *Updater) Once(ctx context.Context) error {
	now := u.cfg.Now()
	list, err := u.cfg.Untold(ctx, now.Add(-together), now.Add(-u.cfg.Every))
	if err != nil || len(list) == 0 {
		return err
	}
	written, err := u.cfg.Since(ctx, now.Add(-hour))
	if err != nil {
		return err
	}
	var faults []error
	for i := range list {
		o := updateOf(&list[i], now, u.cfg.Link(list[i].Incident.ID))
		if written += len(o.Pages); written > mostUpdates {
			u.cfg.Log.Info("updates of incidents wait: too many were written within the hour", "incidents", len(list)-i)
			break
		}
		switch err := u.cfg.Commit(ctx, o); {
		case err == nil:
			u.cfg.Wake()
		case !u.cfg.Moved(err):
			faults = append(faults, fmt.Errorf("update of %s: %w", list[i].Incident.ID, err))
		}
	}
	return errors.Join(faults...)
}

// updateOf gives the updates of an incident: one for each severity at which routes
// know it, since to some receivers another severity is another alert. Their ids
// follow from what they go on with, so that two cores do not write both.
func updateOf(u *canary.Untold, now time.Time, link string) (o canary.Outcome) {
	made := map[canary.Severity]canary.PageID{}
	for _, r := range u.Routes {
		id, there := made[r.Severity]
		if !there {
			p := composeUpdate(u, r.Severity, now, link)
			id, made[r.Severity] = p.ID, p.ID
			o.Pages = append(o.Pages, p)
		}
		o.Deliveries = append(o.Deliveries, canary.Delivery{Page: id, Route: r.Route, Log: r.Log})
	}
	return o
}

func composeUpdate(u *canary.Untold, told canary.Severity, now time.Time, link string) canary.Page {
	inc := u.Incident
	inc.Severity = told
	inc.Reasons = slices.Clone(inc.Reasons)
	p := compose(&inc, now, link)
	sum := sha256.Sum256(fmt.Appendf(nil, "update %s %d", u.Last, told))
	p.ID, p.Update, p.Reports = canary.PageID("p_"+hex.EncodeToString(sum[:8])), true, u.Reports
	var came []string
	for _, c := range []struct {
		n     int
		thing string
	}{{inc.Contacts - u.Contacts, "contact"}, {u.Reports - u.Reported, "report"}} {
		if c.n > 0 {
			came = append(came, strings.Replace(counted(c.n, c.thing), " ", " more ", 1))
		}
	}
	p.Summary = fmt.Sprintf("%s %s: %s since %s; %s of %s in all", told, inc.Place, strings.Join(came, " and "),
		u.Told.UTC().Format("2006-01-02 15:04:05Z"), counted(inc.Contacts, "contact"), counted(inc.Canaries, "canary record"))
	if more := u.Incident.Severity; cmp.Compare(more, told) < 0 {
		p.Reasons = append(p.Reasons, "it is "+more.String()+" by now")
	}
	return p
}
