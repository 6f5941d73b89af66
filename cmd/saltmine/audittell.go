package main

import (
	"context"
	"fmt"
	"time"

	"saltmine/internal/audit/cover"
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
