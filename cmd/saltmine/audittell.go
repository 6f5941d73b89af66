package main

import (
	"context"
	"fmt"
	"time"

	"saltmine/internal/audit/cover"
	"saltmine/internal/audit/watch"
	"saltmine/internal/canary"
)

// tell raises the notices of what went missing in a log, and of who had its database log
// less. The same is told once: of what an account did, once an hour.
func (f *follower) tell(ctx context.Context, lost *canary.LogLoss, off []canary.LogSwitch) error {
	var list []canary.Notice
	if lost != nil {
		list = append(list, canary.Notice{
			Severity: canary.P2,
			Mark:     "lost " + lost.After.UTC().Format(time.RFC3339),
			Text:     fmt.Sprintf("a part of the audit log %s is missing: its file is gone, or was cut off in place. What accounts read after %s may be in no log", f.cfg.Name, since(lost.After)),
			Next: []string{
				"ask who cleared or moved the log's file, and look at what else they did then",
				"get the part from a copy, if there is one, and read it: saltmine audit import FILE",
			},
		})
	}
	for i := range off {
		s := &off[i]
		who := s.Account
		if s.Low {
			who = "" // whoever forges lines can name as many as they like
		}
		list = append(list, canary.Notice{
			Severity: severityOf(s),
			Mark:     fmt.Sprintf("%s %s %s", s.What, who, s.At.UTC().Truncate(time.Hour).Format(time.RFC3339)),
			Text:     fmt.Sprintf("the audit log %s will tell less: %s, in line %d", f.cfg.Name, cover.SaidOf(s), s.Line),
			Next: []string{
				"ask who did it and why; if nobody should have, treat the account as taken over",
				"have the database log again, and look what no log covers: saltmine audit health",
			},
		})
	}
	for _, n := range list {
		n.Kind, n.Scope = canary.NoticeAudit, f.cfg.Name
		raised, err := f.core.reg.RaiseNotice(ctx, n, f.core.compose())
		if err != nil {
			return err
		}
		if raised {
			f.log.Warn("responders are told of the audit log", "mark", n.Mark)
		}
	}
	return nil
}

// severityOf is less for what those do as well who set a log up.
func severityOf(s *canary.LogSwitch) canary.Severity {
	if s.What == cover.Changed || s.What == cover.Moved {
		return canary.P3
	}
	return canary.P2
}

func since(t time.Time) string {
	if t.IsZero() {
		return "its beginning"
	}
	return t.UTC().Format(time.DateTime)
}

// How soon what we read ourselves has to stand in a followed log, and how often that is
// looked at.
const (
	ownGrace = time.Minute
	ownEvery = 10 * time.Second
)

// listen looks whether what we read ourselves is in the log, as far as it was read: there
// may be more of it. It files the notice of a log that lacks the last of it, or ends it.
func (f *follower) listen(ctx context.Context, w *watch.Watch, more bool) error {
	now := f.app.now()
	if !more && now.Sub(f.listened) < ownEvery {
		return nil
	}
	f.listened = now
	h := w.Health()
	if more {
		now = h.Last
	}
	reads, err := f.core.reg.OwnReads(ctx, h.Place, h.OwnUntil, now.Add(-ownGrace-f.cfg.ClockError))
	if err != nil || len(reads) == 0 {
		return err
	}
	missing := w.Hold(reads)
	after := w.Health()
	if after.OwnReads == h.OwnReads {
		return nil // the log begins later
	}
	var list []canary.Notice
	if last := reads[len(reads)-1]; len(missing) > 0 && missing[len(missing)-1].Until.Equal(last.Until) {
		list = append(list, f.silent(&after, last.From))
	}
	_, err = f.core.reg.FileNotices(ctx, canary.NoticeSilent, f.cfg.Name, list, f.core.compose())
	return err
}

// silent is the notice of a log that lacks what we read. One that has never had any may be
// made so, and is less urgent.
func (f *follower) silent(h *canary.LogHealth, from time.Time) canary.Notice {
	n := canary.Notice{
		Mark: "silent", Severity: canary.P2,
		Text: fmt.Sprintf("the audit log %s is silent: we read canaries back at %s, and it has nothing of that. What others read since is in it no more than that", f.cfg.Name, since(from)),
		Next: []string{
			"look whether the database still logs, and whether its disk is full: SHOW GLOBAL VARIABLES LIKE 'server_audit%'",
			"ask who switched it off, and look what no log covers: saltmine audit health",
		},
	}
	if h.OwnMet == 0 {
		n.Mark, n.Severity = "never", canary.P3
		n.Text = fmt.Sprintf("the audit log %s has none of the times that we read canaries back, the last at %s: it is another server's, or leaves our account out, so that nobody would see it fall silent", f.cfg.Name, since(from))
		n.Next = []string{"have the database log our account too (server_audit_excl_users and the like), or name the right file in [[audit]]"}
	}
	return n
}
