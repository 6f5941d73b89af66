package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"saltmine/internal/canary"
	sched "saltmine/seeder/schedule"
)

// drilling makes the chore that stages drills.
func (s *server) drilling() ([]chore, error) {
	if s.cfg.Drill.Schedule == "" {
		return nil, nil
	}
	plan, err := timetable("[drill] schedule", s.cfg.Drill.Schedule)
	if err != nil {
		return nil, err
	}
	return []chore{{"drill", plan, func(ctx context.Context, _ []sched.Tick) error { return s.stageDrill(ctx) }}}, nil
}

// stageDrill stages one drill, for however many ticks. One that failed is told on
// every route that takes its severity: a leak now might page nobody.
func (s *server) stageDrill(ctx context.Context) error {
	d := staging{wait: 2 * time.Minute}
	if err := d.complete(s.cfg, func(string) bool { return false }); err != nil {
		return err
	}
	st, err := newStage(ctx, s.core, d, fronts(s.cfg, s.ears.addrs, ""), s.app.now)
	if err != nil {
		return err
	}
	if err := st.run(ctx); err != nil {
		return err
	}
	s.pager.Wake() // the routes are told that it is over
	r := &st.report
	s.log.Info("drill ended", "drill", string(r.Drill), "contacts", r.Contacts, "heard", r.Heard, "severity", r.Severity, "page_after_ms", r.PageAfter, "faults", len(r.Faults))
	var list []canary.Notice
	if len(r.Faults) > 0 {
		list = append(list, canary.Notice{
			Mark: string(r.Drill), Severity: canary.P2,
			Text: fmt.Sprintf("drill %s on schedule failed: %s", r.Drill, strings.Join(r.Faults, "; ")),
			Next: []string{"'saltmine drill --schedule' shows how the last drills ended", "'saltmine drill' stages another; 'saltmine check' says what does not answer"},
		})
	}
	if _, err := s.reg.FileNotices(ctx, canary.NoticeDrill, "schedule", list, s.compose()); err != nil {
		return err
	}
	s.pager.Wake()
	return nil
}
