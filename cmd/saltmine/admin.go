package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"saltmine/internal/conf"
	"saltmine/internal/evidence/stamp"
	"saltmine/internal/registry"
	"saltmine/internal/spool"
)

// health answers healthz (the process lives), readyz (the spool takes contacts,
// the registry answers, somebody accepts the pages, and the edges answer; a line
// each) and metrics (Prometheus text: counts only, nothing that names a token or
// a canary).
type health struct {
	spool  *spool.Spool
	ears   *ears
	reg    *registry.Registry // nil on an edge
	edges  func() []edgeState // nil on an edge
	stamps []*stamp.Collector
	// deadman is nil where there is no dead-man's switch.
	deadman *conf.Deadman
	began   time.Time
	now     func() time.Time
}

// unaccepted is how long a page may wait for the first route to accept it.
const unaccepted = 15 * time.Minute

func (s *health) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { answer(w, "ok") })
	mux.HandleFunc("GET /readyz", s.readyz)
	mux.HandleFunc("GET /metrics", s.metrics)
	return mux
}

func answer(w http.ResponseWriter, text string) {
	fmt.Fprintln(w, text) //nolint:errcheck // the reader went away
}

func (s *health) readyz(w http.ResponseWriter, r *http.Request) {
	var text strings.Builder
	status := http.StatusOK
	for _, part := range s.parts(r.Context()) {
		if part.fault == "" {
			part.fault = "ok"
		} else {
			status = http.StatusServiceUnavailable
		}
		fmt.Fprintf(&text, "%s: %s\n", part.name, part.fault)
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	answer(w, map[bool]string{true: "ready", false: "not ready"}[status == http.StatusOK]+"\n"+strings.TrimSpace(text.String()))
}

// part is what readyz says of one part; no fault is good.
type part struct{ name, fault string }

func (s *health) parts(ctx context.Context) []part {
	list := []part{{name: "spool"}}
	if s.spool.Stats().Broken {
		list[0].fault = "it takes no contacts"
	}
	if s.reg == nil {
		return list
	}
	reg, pages := part{name: "registry"}, part{name: "pager"}
	waits, err := s.reg.Unaccepted(ctx)
	switch {
	case err != nil:
		reg.fault = "it does not answer"
	case !waits.IsZero() && s.now().Sub(waits) >= unaccepted:
		pages.fault = "no route has accepted a page of " + waits.Format(time.RFC3339)
	}
	list = append(list, reg, pages)
	for _, e := range s.edges() {
		p := part{name: "edge " + e.name}
		last := e.state.Heard
		if last.Before(s.began) {
			last = s.began
		}
		if s.now().Sub(last) >= e.silence {
			p.fault = "it has not answered since " + last.UTC().Format(time.RFC3339)
		}
		list = append(list, p)
	}
	return list
}

func (s *health) metrics(w http.ResponseWriter, r *http.Request) {
	var known bytes.Buffer
	if s.reg != nil {
		if err := s.counts(r.Context(), &known); err != nil {
			http.Error(w, "the registry does not answer", http.StatusServiceUnavailable)
			return
		}
	}
	w.Header().Set("Content-Type", "text/plain; version=0.0.4")
	w.Write(known.Bytes()) //nolint:errcheck // the reader went away
	st := s.spool.Stats()
	metrics.WriteGaugeUint64(w, "saltmine_spool_bytes", uint64(st.Bytes))     //nolint:gosec // a size
	metrics.WriteGaugeUint64(w, "saltmine_spool_pending", uint64(st.Pending)) //nolint:gosec // a count
	metrics.WriteCounterUint64(w, "saltmine_spool_appends_total", st.Appends)
	metrics.WriteCounterUint64(w, "saltmine_spool_syncs_total", st.Syncs)
	metrics.WriteCounterUint64(w, "saltmine_spool_refused_total", st.Refused)
	if s.ears.mailbox != nil {
		now := s.ears.mailbox.Stats()
		metrics.WriteGaugeUint64(w, `saltmine_mailboxes{state="watched"}`, uint64(now.Mailboxes)) //nolint:gosec // a count
		metrics.WriteGaugeUint64(w, `saltmine_mailboxes{state="unread"}`, uint64(now.Unread))     //nolint:gosec // a count
	}
	stampMetrics(w, s.stamps)
	for _, stats := range s.ears.stats {
		ear, values := stats()
		for _, name := range slices.Sorted(maps.Keys(values)) {
			metrics.WriteCounterFloat64(w, fmt.Sprintf("saltmine_ear_events_total{ear=%q,event=%q}", ear, name), values[name])
		}
	}
}

// counts writes what the registry counts.
func (s *health) counts(ctx context.Context, w io.Writer) error {
	contacts, err := s.reg.ContactCounts(ctx)
	if err != nil {
		return err
	}
	pages, err := s.reg.DeliveryCounts(ctx)
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(contacts)) {
		metrics.WriteGaugeUint64(w, fmt.Sprintf("saltmine_contacts{kind=%q}", name), uint64(contacts[name])) //nolint:gosec // a count
	}
	for _, name := range slices.Sorted(maps.Keys(pages)) {
		metrics.WriteGaugeUint64(w, fmt.Sprintf("saltmine_deliveries{state=%q}", name), uint64(pages[name])) //nolint:gosec // a count
	}
	waits, err := s.reg.Unaccepted(ctx)
	if err != nil {
		return err
	}
	age := 0.0
	if !waits.IsZero() {
		age = s.now().Sub(waits).Seconds()
	}
	metrics.WriteGaugeFloat64(w, "saltmine_page_unaccepted_seconds", age)
	queued, err := s.reg.Queued(ctx)
	if err != nil {
		return err
	}
	metrics.WriteGaugeUint64(w, `saltmine_waiting{for="search"}`, uint64(queued.Searches)) //nolint:gosec // a count
	metrics.WriteGaugeUint64(w, `saltmine_waiting{for="mailauth"}`, uint64(queued.Mails))  //nolint:gosec // a count
	metrics.WriteGaugeUint64(w, "saltmine_contacts_unreadable", uint64(queued.Aside))      //nolint:gosec // a count
	own, err := s.reg.OwnCounts(ctx)
	if err != nil {
		return err
	}
	for _, o := range own {
		metrics.WriteGaugeUint64(w, fmt.Sprintf("saltmine_own_mails{sender=%q,expected=\"yes\"}", o.Sender), uint64(o.Expected)) //nolint:gosec // a count
		metrics.WriteGaugeUint64(w, fmt.Sprintf("saltmine_own_mails{sender=%q,expected=\"no\"}", o.Sender), uint64(o.Outside))   //nolint:gosec // a count
	}
	if err := errors.Join(responseMetrics(ctx, s.reg, w), s.deadmanMetrics(ctx, w)); err != nil {
		return err
	}
	for _, e := range s.edges() {
		metrics.WriteGaugeFloat64(w, fmt.Sprintf("saltmine_edge_clock_offset_seconds{edge=%q}", e.name), e.state.Ahead.Seconds())
		metrics.WriteGaugeFloat64(w, fmt.Sprintf("saltmine_edge_heard_timestamp_seconds{edge=%q}", e.name), e.heard())
	}
	return nil
}
