package registry

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"saltmine/internal/canary"
)

// ErrStale is returned when an incident is not what it was when it was shown.
var ErrStale = errors.New("the incident is not what it was when it was shown")

// Case is an incident with what responders said of it.
type Case struct {
	canary.Incident
	Ack *Ack `json:"acknowledged,omitempty"`
	// Version changes with the severity, the verdict, the acknowledgement and what it
	// is merged into; not with every contact that comes.
	Version string `json:"version"`
}

func versionOf(severity canary.Severity, v canary.Verdict, merged canary.IncidentID, a *Ack) string {
	text := fmt.Sprintf("%d|%s|", severity, v)
	if a != nil {
		text += fmt.Sprintf("%d|%d|%s|%s", a.Severity, a.At.UnixMicro(), a.Via, a.Who)
	}
	if merged != "" {
		text += "|merged|" + string(merged)
	}
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:8])
}

// CaseFilter chooses incidents. Zero fields choose all.
type CaseFilter struct {
	ID    canary.IncidentID
	Place canary.Place
	// Open chooses those without a verdict, Closed those with one.
	Open, Closed bool
	Verdict      canary.Verdict
	AtLeast      canary.Severity // as urgent as this, or more
	// Since and Until bound when an incident was opened: [Since, Until).
	Since, Until time.Time
	// After is the last that was seen: what comes behind it in the order.
	After canary.Incident
	Limit int // at most so many; 0 is no limit
}

func (f *CaseFilter) where() (string, []any) {
	where, args := "1=1", []any(nil)
	add := func(condition string, values ...any) { where, args = where+" AND "+condition, append(args, values...) }
	if f.ID != "" {
		add("i.id = ?", f.ID)
	}
	if f.Place != "" {
		add("i.place = ?", f.Place)
	}
	if f.Open {
		add("i.verdict = '' AND i.merged = ''")
	}
	if f.Closed {
		add("i.verdict <> ''")
	}
	if f.Verdict != "" {
		add("i.verdict = ?", f.Verdict)
	}
	if f.AtLeast != 0 {
		add("i.severity <= ?", int(f.AtLeast))
	}
	if !f.Since.IsZero() {
		add("i.opened >= ?", micros(f.Since))
	}
	if !f.Until.IsZero() {
		add("i.opened < ?", micros(f.Until))
	}
	if f.After.ID != "" {
		add("(i.opened < ? OR i.opened = ? AND i.id > ?)", micros(f.After.Opened), micros(f.After.Opened), f.After.ID)
	}
	return where, args
}

// Cases returns incidents, the newest first, those of one moment by their ids.
func (r *Registry) Cases(ctx context.Context, f CaseFilter) ([]Case, error) {
	where, args := f.where()
	where += " ORDER BY i.opened DESC, i.id"
	if f.Limit > 0 {
		where, args = where+" LIMIT ?", append(args, f.Limit)
	}
	incidents, err := r.queryIncidents(ctx, "WHERE "+where, args...)
	if err != nil {
		return nil, err
	}
	ids := make([]canary.IncidentID, len(incidents))
	for i := range incidents {
		ids[i] = incidents[i].ID
	}
	acks := map[canary.IncidentID]*Ack{}
	err = selectIn(ctx, r.db, "SELECT about, severity, acknowledged, who, via FROM acks WHERE about IN", ids, func(row *sql.Rows) error {
		var id canary.IncidentID
		var at int64
		a := &Ack{}
		err := row.Scan(&id, &a.Severity, &at, &a.Who, &a.Via)
		a.At = fromMicros(at)
		acks[id] = a
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("registry: acknowledgements: %w", err)
	}
	list := make([]Case, len(incidents))
	for i, inc := range incidents {
		list[i] = Case{inc, acks[inc.ID], versionOf(inc.Severity, inc.Verdict, inc.Merged, acks[inc.ID])}
	}
	return list, nil
}

// Case returns one incident; [ErrNotFound] when there is none.
func (r *Registry) Case(ctx context.Context, id canary.IncidentID) (Case, error) {
	list, err := r.Cases(ctx, CaseFilter{ID: id})
	if err == nil && (id == "" || len(list) == 0) {
		err = fmt.Errorf("registry: incident %s: %w", id, ErrNotFound)
	}
	if err != nil {
		return Case{}, err
	}
	return list[0], nil
}

// unchanged locks an incident and is [ErrStale] when it has not the version that
// was shown.
func (r *Registry) unchanged(ctx context.Context, tx *sql.Tx, id canary.IncidentID, shown string) error {
	if shown == "" {
		return nil
	}
	verdict, err := r.lockVerdict(ctx, tx, id)
	if err != nil {
		return err
	}
	var severity canary.Severity
	var merged canary.IncidentID
	if err := tx.QueryRowContext(ctx, "SELECT severity, merged FROM incidents WHERE id = ?", id).Scan(&severity, &merged); err != nil {
		return err
	}
	ack, err := ackOf(ctx, tx, string(id))
	if err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	if versionOf(severity, verdict, merged, ack) != shown {
		return ErrStale
	}
	return nil
}

// ackOf reads who is at an incident or a notice.
func ackOf(ctx context.Context, q querier, about string) (*Ack, error) {
	var a Ack
	var at int64
	err := q.QueryRowContext(ctx, "SELECT severity, acknowledged, who, via FROM acks WHERE about = ?", about).Scan(&a.Severity, &at, &a.Who, &a.Via)
	if err != nil {
		return nil, notFound(err)
	}
	a.At = fromMicros(at)
	return &a, nil
}
