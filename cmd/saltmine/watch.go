package main

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"saltmine/internal/canary"
	"saltmine/seeder"
	sched "saltmine/seeder/schedule"
)

// manyVanished is how many canaries at once are no accident any more.
const manyVanished = 3

// verifyOnce reads canaries back, all of a support database or a batch, and
// raises notices: of what vanished before it is retired, because it is found
// once; of what stands otherwise where all were looked at.
func (c *core) verifyOnce(ctx context.Context, sup *support, vc seeder.VerifyConfig) (seeder.VerifyReport, error) {
	vc.Vanished = func(ctx context.Context, r seeder.VerifyReport) error {
		_, err := c.reg.RaiseNotice(ctx, c.vanished(sup.place, r), c.compose())
		return err
	}
	began := time.Now()
	r, err := sup.seeder.Verify(ctx, vc)
	if err == nil && r.Checked > 0 {
		err = c.noteRead(ctx, sup, time.Since(began))
	}
	if err != nil || vc.Batch != "" {
		return r, err
	}
	_, err = c.reg.FileNotices(ctx, canary.NoticeVerify, string(sup.place), drifted(sup.place, r.Findings), c.compose())
	return r, err
}

// noteRead notes when the canaries were read back: the audit logs of then have to have it.
func (c *core) noteRead(ctx context.Context, sup *support, took time.Duration) error {
	account, err := sup.db.Account(ctx)
	if err != nil {
		return err
	}
	return c.reg.KeepOwnRead(ctx, sup.place, account, took)
}

// vanished is the notice of canaries that went since they were seen last.
func (c *core) vanished(place canary.Place, r seeder.VerifyReport) canary.Notice {
	count := map[seeder.Problem]int{}
	var ids []string
	var seen time.Time
	for _, f := range r.Findings {
		if !f.Vanished {
			continue
		}
		count[f.Problem]++
		ids = append(ids, string(f.Canary))
		if seen.IsZero() || f.Seen.Before(seen) {
			seen = f.Seen
		}
	}
	severity := c.cfg.Verify.Severity
	if r.Vanished >= manyVanished && severity > canary.P1 {
		severity--
	}
	return canary.Notice{
		Kind: canary.NoticeVanished, Scope: string(place), Mark: markOf(ids), Severity: severity,
		Text: fmt.Sprintf("%d of %d canaries vanished from %s after %s: %d deleted, %d merged into other customers. Somebody may have removed them",
			r.Vanished, r.Checked, place, seen.Format(time.DateTime), count[seeder.Deleted], count[seeder.Merged]),
		Next: []string{
			"ask the owners of the support database whether they removed, merged or restored rows",
			"if nobody says so, look in the audit log who deleted them: 'saltmine list' shows which were retired",
			"plant others in their place; the windows of their tokens have ended",
		},
	}
}

// markOf tells a set of canaries from others without naming them.
func markOf(ids []string) string {
	slices.Sort(ids)
	sum := sha256.Sum256([]byte(strings.Join(ids, " ")))
	return hex.EncodeToString(sum[:8])
}

// drifted makes a notice for each problem of rows that stand. The canaries are
// in the mark, so that one more is told anew.
func drifted(place canary.Place, findings []seeder.Finding) []canary.Notice {
	of := map[seeder.Problem][]string{}
	for _, f := range findings {
		if id := string(f.Canary); !f.Vanished && !slices.Contains(of[f.Problem], id) {
			of[f.Problem] = append(of[f.Problem], id)
		}
	}
	said := map[seeder.Problem]string{
		seeder.Deleted: "lost tickets, or are marked as deleted", seeder.Merged: "lost tickets to other customers", seeder.Edited: "were edited",
		seeder.Masked: "were masked, as jobs that anonymise do", seeder.Restored: "were restored from a backup: what was rotated out or withdrawn stands again",
		seeder.Duplicate: "share their address with another row",
	}
	var out []canary.Notice
	for _, problem := range slices.Sorted(maps.Keys(of)) {
		ids := of[problem]
		out = append(out, canary.Notice{
			Mark: string(problem) + " " + markOf(ids), Severity: canary.P4,
			Text: fmt.Sprintf("%d canaries in %s %s", len(ids), place, cmp.Or(said[problem], "are "+string(problem))),
			Next: []string{"'saltmine verify' names them; those that are of no use any more can be withdrawn"},
		})
	}
	return out
}

// verifying makes the chores that read all canaries back, one for each support
// database.
func (s *server) verifying() ([]chore, error) {
	if s.cfg.Verify.Schedule == "" {
		return nil, nil
	}
	plan, err := timetable("[verify] schedule", s.cfg.Verify.Schedule)
	if err != nil {
		return nil, err
	}
	var list []chore
	for _, name := range slices.Sorted(maps.Keys(s.cfg.Support)) {
		list = append(list, chore{"verify " + name, plan, func(ctx context.Context, _ []sched.Tick) error { return s.verify(ctx, name) }})
	}
	return list, nil
}

// verify reads the canaries of one support database back. Ticks that were
// missed are made up for by one reading.
func (s *server) verify(ctx context.Context, name string) error {
	return s.changing(ctx, name, func(sup *support) error {
		report, err := s.verifyOnce(ctx, sup, seeder.VerifyConfig{})
		s.pager.Wake()
		if err != nil {
			return err
		}
		s.log.Info("canaries verified", "support", name, "checked", report.Checked, "verified", report.Verified, "vanished", report.Vanished, "findings", len(report.Findings))
		return nil
	})
}
