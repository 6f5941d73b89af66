package registry

import (
	"context"
	"crypto/hmac"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"saltmine/internal/canary"
)

// ofDrill stands in the blind index in place of a cohort's mark.
const ofDrill = -1

// A mark is the 16 characters of its shot's id and so many hexadecimal digits of a
// keyed hash of what it is for: lower-case letters and digits, short enough for a
// name of the DNS and for the tag of an address.
const (
	markID  = 16
	markMAC = 20
	// MarkLen is the length of a mark.
	MarkLen = markID + markMAC
)

// maxFront is the longest name of a front that the registry takes.
const maxFront = 200

// mark is what proves a contact to be this shot: made with a key that nothing but
// a core has, over the run, the front, and the target in its canonical form.
func (r *Registry) mark(s *canary.Shot, target string) string {
	id := strings.TrimPrefix(string(s.ID), "s_")
	sum := r.vault.Blind("drill mark", strings.Join([]string{id, string(s.Run), s.Front, target}, "\x00"))
	return id + sum[:markMAC]
}

// BeginDrill registers a drill with its tokens. One of [canary.Deadman] may stand
// already, and gets more tokens.
func (r *Registry) BeginDrill(ctx context.Context, run canary.Run, tokens []canary.DrillToken) error {
	var rows []any
	g := registration{r: r}
	for _, t := range tokens {
		if t.Role != canary.RoleDrill || t.Run != run.ID {
			return fmt.Errorf("registry: %s: %w: a token of this drill is wanted", t.Token, canary.ErrInvalid)
		}
		sealed, err := r.sealDrillToken(&t)
		if err != nil {
			return fmt.Errorf("registry: %s: %w", t.Token, err)
		}
		rows = append(rows, t.ID, t.Run, g.index(t.Token, ofDrill), t.Kind, sealed)
	}
	err := r.inTx(ctx, func(tx *sql.Tx) error {
		var n int
		if err := tx.QueryRowContext(ctx, "SELECT COUNT(*) FROM drill_runs WHERE id = ?", run.ID).Scan(&n); err != nil {
			return err
		}
		if n == 0 {
			if _, err := tx.ExecContext(ctx, "INSERT INTO drill_runs (id, route, opened, ended) VALUES (?,?,?,0)", run.ID, run.Route, micros(r.now())); err != nil {
				return err
			}
		}
		if err := g.writeBlinds(ctx, tx); err != nil {
			return err
		}
		return insertRows(ctx, tx, "drill_tokens (id, run, blind, kind, sealed)", 5, rows)
	})
	if err != nil {
		return fmt.Errorf("registry: drill %s: %w", run.ID, err)
	}
	return nil
}

// drillCard is the sealed part of a drill's token.
type drillCard struct {
	Text   string         `json:"text"`
	Canary canary.ID      `json:"canary"`
	Stands canary.TokenID `json:"stands,omitempty"`
}

func drillField(id canary.TokenID) string { return "drill_tokens|" + string(id) }

func (r *Registry) sealDrillToken(t *canary.DrillToken) ([]byte, error) {
	body, err := json.Marshal(drillCard{t.Text, t.Canary, t.Stands})
	if err != nil {
		return nil, err
	}
	return r.vault.Seal(drillField(t.ID), body), nil
}

// DrillTokens returns the tokens of a drill, in the order of their ids.
func (r *Registry) DrillTokens(ctx context.Context, id canary.DrillID) ([]canary.DrillToken, error) {
	return r.queryDrillTokens(ctx, "run = ? ORDER BY id", id)
}

func (r *Registry) queryDrillTokens(ctx context.Context, where string, arg any) (list []canary.DrillToken, err error) {
	err = r.each(ctx, "SELECT id, run, kind, sealed FROM drill_tokens WHERE "+where, []any{arg}, func(row *sql.Rows) error {
		t := canary.DrillToken{Token: canary.Token{Role: canary.RoleDrill}}
		var sealed []byte
		if err := row.Scan(&t.ID, &t.Run, &t.Kind, &sealed); err != nil {
			return err
		}
		body, err := r.vault.Open(drillField(t.ID), sealed)
		if err != nil {
			return fmt.Errorf("%s: %w", t.Token, err)
		}
		var c drillCard
		err = json.Unmarshal(body, &c)
		t.Text, t.Canary, t.Stands = c.Text, c.Canary, c.Stands
		list = append(list, t)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("registry: tokens of drills: %w", err)
	}
	return list, nil
}

// drillTokens finds a drill's token by its text.
func (r *Registry) drillTokens(ctx context.Context, index int64, kind canary.Kind, text string) (list []canary.DatedToken, err error) {
	all, err := r.queryDrillTokens(ctx, "blind = ?", index)
	for _, t := range all {
		if t.Kind == kind && t.Text == text {
			list = append(list, canary.DatedToken{Token: t.Token})
		}
	}
	return list, err
}

// Issue registers a shot before it is made, and gives its mark, which is told to
// nobody else. The target is a token's text in canonical form, or a domain. The
// first mark that is usable is taken; of a few hundred one should be.
func (r *Registry) Issue(ctx context.Context, run canary.DrillID, front, target string, usable func(mark string) bool) (canary.Shot, string, error) {
	const most = 10_000
	s := canary.Shot{Run: run, Front: cut(front, maxFront), Issued: canary.Micro(r.now())}
	for range most {
		s.ID = canary.ShotID(canary.NewID("s"))
		mark := r.mark(&s, target)
		if !usable(mark) {
			continue
		}
		if err := r.saveShot(ctx, &s); err != nil {
			return s, "", fmt.Errorf("registry: register a shot of %s: %w", run, err)
		}
		return s, mark, nil
	}
	return s, "", fmt.Errorf("registry: a shot of %s: none of %d marks is usable", run, most)
}

// saveShot registers a shot behind all others. Two that are registered at once may
// have one place: they are of two fronts, or of two cores at one, of which either
// says how the front stands.
func (r *Registry) saveShot(ctx context.Context, s *canary.Shot) error {
	var last int64
	if err := r.db.QueryRowContext(ctx, "SELECT COALESCE(MAX(seq), 0) FROM drill_shots").Scan(&last); err != nil {
		return err
	}
	_, err := r.db.ExecContext(ctx, "INSERT INTO drill_shots (id, run, front, seq, gone, issued, contact, heard, page, paged) VALUES (?,?,?,?,0,?,'',0,'',0)",
		s.ID, s.Run, s.Front, last+1, micros(s.Issued))
	return err
}

const shotColumns = "s.id, s.run, s.front, s.issued, s.contact, s.heard, s.page, s.paged, r.route, r.ended FROM drill_shots s JOIN drill_runs r ON r.id = s.run"

func scanShot(row scanner) (s canary.Shot, err error) {
	var issued, heard, paged, ended int64
	err = row.Scan(&s.ID, &s.Run, &s.Front, &issued, &s.Contact, &heard, &s.Page, &paged, &s.Route, &ended)
	s.Issued, s.Heard, s.Paged, s.Ended = fromMicros(issued), fromMicros(heard), fromMicros(paged), ended != 0
	return s, err
}

// Marked finds the shot whose mark this is for the target; found is false when it
// is none. Whether it has been used up, and when it was issued, stands in it.
func (r *Registry) Marked(ctx context.Context, target, mark string) (s canary.Shot, found bool, err error) {
	if len(mark) != MarkLen {
		return s, false, nil
	}
	s, err = scanShot(r.db.QueryRowContext(ctx, "SELECT "+shotColumns+" WHERE s.id = ?", "s_"+mark[:markID]))
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return canary.Shot{}, false, nil
	case err != nil:
		return canary.Shot{}, false, fmt.Errorf("registry: look up a mark: %w", err)
	case !hmac.Equal([]byte(r.mark(&s, target)), []byte(mark)):
		return canary.Shot{}, false, nil
	}
	return s, true, nil
}

// saveSpent uses marks up, each for one contact.
func (r *Registry) saveSpent(ctx context.Context, tx *sql.Tx, list []canary.Spent) error {
	for _, s := range list {
		query := r.locking("SELECT contact FROM drill_shots WHERE id = ?")
		var before canary.ContactID
		if err := tx.QueryRowContext(ctx, query, s.Shot).Scan(&before); err != nil {
			return fmt.Errorf("registry: shot %s: %w", s.Shot, notFound(err))
		}
		if before != "" && before != s.Contact {
			return ErrMoved
		}
		if _, err := tx.ExecContext(ctx, "UPDATE drill_shots SET contact = ?, heard = ?, page = ?, gone = 0 WHERE id = ?", s.Contact, micros(s.At), s.Page, s.Shot); err != nil {
			return fmt.Errorf("registry: shot %s: %w", s.Shot, err)
		}
	}
	return nil
}

// ShotPaged records that the muted route took the page of a shot.
func (r *Registry) ShotPaged(ctx context.Context, page canary.PageID, at time.Time) error {
	if _, err := r.db.ExecContext(ctx, "UPDATE drill_shots SET paged = ? WHERE page = ? AND paged = 0", micros(at), page); err != nil {
		return fmt.Errorf("registry: page %s of a shot: %w", page, err)
	}
	return nil
}

// Shots returns those of a drill that were issued since a time, the oldest first.
func (r *Registry) Shots(ctx context.Context, run canary.DrillID, since time.Time) (list []canary.Shot, err error) {
	err = r.each(ctx, "SELECT "+shotColumns+" WHERE s.run = ? AND s.gone = 0 AND s.issued >= ? ORDER BY s.issued, s.id", []any{run, micros(since)}, func(row *sql.Rows) error {
		s, err := scanShot(row)
		list = append(list, s)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("registry: shots of %s: %w", run, err)
	}
	return list, nil
}

func runField(id canary.DrillID) string { return "drill_runs|" + string(id) }

// EndDrill records how a drill ended. What still comes with its marks is spent, and
// makes no page.
func (r *Registry) EndDrill(ctx context.Context, id canary.DrillID, report []byte) error {
	err := one(r.db.ExecContext(ctx, "UPDATE drill_runs SET ended = ?, sealed = ? WHERE id = ?", micros(r.now()), r.vault.Seal(runField(id), report), id))
	if err != nil {
		return fmt.Errorf("registry: end drill %s: %w", id, err)
	}
	return nil
}

// OpenDrills returns the drills, beside the one that never ends, that were begun
// before a time and have not ended: whoever staged them was killed.
func (r *Registry) OpenDrills(ctx context.Context, before time.Time) (list []canary.DrillID, err error) {
	err = r.each(ctx, "SELECT id FROM drill_runs WHERE ended = 0 AND id <> ? AND opened < ? ORDER BY opened, id", []any{canary.Deadman, micros(before)}, func(row *sql.Rows) error {
		var id canary.DrillID
		err := row.Scan(&id)
		list = append(list, id)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("registry: open drills: %w", err)
	}
	return list, nil
}

// DrillReports returns the reports of the newest drills that have ended, the newest first.
func (r *Registry) DrillReports(ctx context.Context, limit int) (list [][]byte, err error) {
	err = r.each(ctx, "SELECT id, sealed FROM drill_runs WHERE ended <> 0 ORDER BY opened DESC, id LIMIT ?", []any{limit}, func(row *sql.Rows) error {
		var id canary.DrillID
		var sealed []byte
		if err := row.Scan(&id, &sealed); err != nil {
			return err
		}
		report, err := r.vault.Open(runField(id), sealed)
		list = append(list, report)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("registry: reports of drills: %w", err)
	}
	return list, nil
}

// DrillIncident returns the incident of a drill that goes on; found is false when
// there is none.
func (r *Registry) DrillIncident(ctx context.Context, id canary.DrillID) (inc canary.Incident, found bool, err error) {
	list, err := r.queryIncidents(ctx, "WHERE i.place = ? ORDER BY i.opened DESC LIMIT 1", canary.AtDrill(id))
	if err != nil || len(list) == 0 {
		return inc, false, err
	}
	return list[0], true, nil
}
