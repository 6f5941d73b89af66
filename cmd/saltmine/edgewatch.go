package main

import (
	"context"
	"fmt"
	"time"

	"saltmine/internal/canary"
)

// refusing is how long a notice stands after the last contact that an edge could
// not take: a disk that is full now and then is one finding.
const refusing = 15 * time.Minute

// wrongClock is by how much a clock must be off for somebody to be told: of less, the
// log and the metrics tell.
const wrongClock = time.Minute

// edgeWatch tells what somebody should know of one edge. It is owned by its job.
type edgeWatch struct {
	name    string
	silence time.Duration // of so long is told
	since   time.Time     // when it was last known to answer, or serve began
	known   bool          // it has answered since serve began
	refused time.Time     // when it last could not record, as far as is known
	found   time.Time     // when that was found to be new; zero is never
}

// look gives the notices that stand now. It knows nothing, and says so, of an
// edge that has not answered yet and is not silent for long: what was found
// before serve began may still be so.
func (w *edgeWatch) look(e edgeState, now time.Time) (list []canary.Notice, known bool) {
	if !e.state.Heard.IsZero() {
		w.since = e.state.Heard
		if last := e.state.Refused; last.After(w.refused) {
			if w.known || now.Sub(last) < 24*time.Hour {
				w.found = now
			}
			w.refused = last
		}
		w.known = true
	}
	if silent := now.Sub(w.since); silent >= w.silence {
		list = append(list, canary.Notice{
			Mark: "silent", Severity: canary.P2,
			Text: fmt.Sprintf("edge %s has not answered since %s: what its ears hear reaches nobody until it does", w.name, w.since.UTC().Format(time.DateTime)),
			Next: []string{
				"look whether the machine runs and 'saltmine edge' on it, and whether the core may reach its port",
				"'saltmine check' on the core says why it does not answer",
				"what it hears meanwhile waits in its spool, and is taken in when it answers",
			},
		})
	}
	if !w.found.IsZero() && now.Sub(w.found) < refusing {
		list = append(list, canary.Notice{
			Mark: "refusing", Severity: canary.P2,
			Text: fmt.Sprintf("edge %s could not record contacts, and refused them: its spool is full or its disk fails", w.name),
			Next: []string{
				"look at the disk of the edge's spool, at [spool] max_bytes and at the edge's log",
				"senders of mail were told to try again later; names and calls of that time are lost",
			},
		})
	}
	if w.known {
		list = append(list, w.clock(e.state.Ahead, e.state.Off())...)
	}
	return list, w.known || len(list) > 0
}

// clock gives the notice of a clock that is off for sure, and by much.
func (w *edgeWatch) clock(ahead time.Duration, off bool) []canary.Notice {
	if !off || ahead.Abs() < wrongClock {
		return nil
	}
	side := "ahead of"
	if ahead < 0 {
		side = "behind"
	}
	return []canary.Notice{{
		Mark: "clock", Severity: canary.P3,
		Text: fmt.Sprintf("the clock of edge %s is %s %s the core's: what its ears hear carries that time", w.name, ahead.Abs().Round(time.Minute), side),
		Next: []string{
			"look whether the edge, or the core, keeps its clock by a time server",
			"until it is right, windows and incidents of what came in there are off by as much, and old marks of drills count as strangers'",
		},
	}}
}

// watchEdges tells of edges that are silent or cannot record, until ctx ends.
func (s *server) watchEdges(ctx context.Context) error {
	pause := time.Minute
	list := map[string]*edgeWatch{}
	for _, p := range s.pulls {
		list[p.name] = &edgeWatch{name: p.name, silence: p.silence, since: s.app.now()}
		pause = min(pause, p.silence/4)
	}
	tick := time.NewTicker(pause)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		for _, e := range s.edges() {
			s.tellEdge(ctx, list[e.name], e)
		}
	}
}

func (s *server) tellEdge(ctx context.Context, w *edgeWatch, e edgeState) {
	notices, known := w.look(e, s.app.now())
	if !known {
		return
	}
	fresh, err := s.reg.FileNotices(ctx, canary.NoticeEdge, w.name, notices, s.compose())
	if err != nil && ctx.Err() == nil {
		s.log.Error("what is to be told of an edge could not be filed; it is tried again", "edge", w.name, "err", err)
	}
	if len(fresh) > 0 {
		s.pager.Wake()
	}
}
