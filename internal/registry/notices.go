package registry

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/base32"
	"encoding/json"
	"fmt"
	"strings"

	"saltmine/internal/canary"
)

// noticeBody is what is stored of a notice as one text.
type noticeBody struct {
	Text string   `json:"text"`
	Next []string `json:"next,omitempty"`
}

// Compose writes the page of a new notice, and says where it goes. The deliveries
// are of that page, whatever they name.
type Compose func(canary.Notice) (canary.Page, []canary.Delivery)

// FileNotices brings the notices of a scope up to date. Of the list, those
// whose mark stands there already are left as they are; new ones are written
// together with their pages, and returned. What stands and is not in the list
// is over. Ids are given here.
func (r *Registry) FileNotices(ctx context.Context, kind canary.NoticeKind, scope string, list []canary.Notice, compose Compose) ([]canary.Notice, error) {
	var fresh []canary.Notice
	err := r.inTx(ctx, func(tx *sql.Tx) error {
		fresh = nil
		standing, err := r.standingMarks(ctx, tx, kind, scope)
		if err != nil {
			return err
		}
		for _, n := range list {
			n.Kind, n.Scope = kind, scope
			mark := markOf(n)
			if _, stands := standing[mark]; stands {
				delete(standing, mark)
				continue
			}
			if n, err = r.raise(ctx, tx, n, mark, compose); err != nil {
				return err
			}
			fresh = append(fresh, n)
		}
		for _, id := range standing {
			if err := r.endNotice(ctx, tx, id); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("registry: notices of %s: %w", kind, err)
	}
	return fresh, nil
}

// endNotice records that what a notice tells is over. Those who were told of it are
// told so: they look for the fault until they hear of it.
func (r *Registry) endNotice(ctx context.Context, tx *sql.Tx, id canary.NoticeID) error {
	if _, err := tx.ExecContext(ctx, "UPDATE notices SET mark = id, ended = ? WHERE id = ?", micros(r.now()), id); err != nil {
		return err
	}
	return r.resolve(ctx, tx, canary.IncidentID(id))
}

// RaiseNotice writes one notice with its page and leaves the others of its
// scope alone. It is false when one of its mark stands already.
func (r *Registry) RaiseNotice(ctx context.Context, n canary.Notice, compose Compose) (raised bool, err error) {
	err = r.inTx(ctx, func(tx *sql.Tx) error {
		raised = false
		standing, err := r.standingMarks(ctx, tx, n.Kind, n.Scope)
		if err != nil {
			return err
		}
		mark := markOf(n)
		if _, stands := standing[mark]; stands {
			return nil
		}
		raised = true
		_, err = r.raise(ctx, tx, n, mark, compose)
		return err
	})
	if err != nil {
		return false, fmt.Errorf("registry: notice of %s: %w", n.Kind, err)
	}
	return raised, nil
}

// markOf is the key of a standing notice. Two processes that find the same at
// once meet in the unique index, and one of them fails and looks again.
func markOf(n canary.Notice) string {
	sum := sha256.Sum256([]byte(string(n.Kind) + "\x00" + n.Scope + "\x00" + n.Mark))
	return strings.ToLower(base32.StdEncoding.EncodeToString(sum[:15]))
}

func (r *Registry) standingMarks(ctx context.Context, tx *sql.Tx, kind canary.NoticeKind, scope string) (map[string]canary.NoticeID, error) {
	out := map[string]canary.NoticeID{}
	err := eachOf(ctx, tx, "SELECT mark, id FROM notices WHERE kind = ? AND scope = ? AND ended = 0", []any{kind, scope}, func(row *sql.Rows) error {
		var mark string
		var id canary.NoticeID
		err := row.Scan(&mark, &id)
		out[mark] = id
		return err
	})
	return out, err
}

func (r *Registry) raise(ctx context.Context, tx *sql.Tx, n canary.Notice, mark string, compose Compose) (canary.Notice, error) {
	n.ID, n.Raised = canary.NoticeID(canary.NewID("n")), canary.Micro(r.now())
	body, err := json.Marshal(noticeBody{n.Text, n.Next})
	if err != nil {
		return n, err
	}
	_, err = tx.ExecContext(ctx, "INSERT INTO notices (id, mark, kind, scope, severity, raised, ended, acknowledged, who, body) VALUES (?,?,?,?,?,?,0,0,'',?)",
		n.ID, mark, n.Kind, n.Scope, int(n.Severity), micros(n.Raised), string(body))
	if err != nil {
		return n, err
	}
	page, deliveries := compose(n)
	o := canary.Outcome{Pages: []canary.Page{page}}
	for _, d := range deliveries {
		d.Page = page.ID
		o.Deliveries = append(o.Deliveries, d)
	}
	return n, savePages(ctx, tx, o)
}

// NoticeFilter chooses notices. Zero fields choose all.
type NoticeFilter struct {
	ID canary.NoticeID
	// Unread chooses those that nobody has acknowledged, whether they stand or are over.
	Unread bool
	// After is the last that was seen: what comes behind it in the order.
	After canary.Notice
	Limit int // at most so many; 0 is no limit
}

func (f *NoticeFilter) rest() (string, []any) {
	rest, args := " WHERE 1=1", []any(nil)
	if f.ID != "" {
		rest, args = rest+" AND id = ?", append(args, f.ID)
	}
	if f.Unread {
		rest += " AND acknowledged = 0"
	}
	if f.After.ID != "" {
		rest, args = rest+" AND (raised < ? OR raised = ? AND id > ?)", append(args, micros(f.After.Raised), micros(f.After.Raised), f.After.ID)
	}
	rest += " ORDER BY raised DESC, id"
	if f.Limit > 0 {
		rest, args = rest+" LIMIT ?", append(args, f.Limit)
	}
	return rest, args
}

// Notices returns notices, the newest first, those of one moment by their ids.
func (r *Registry) Notices(ctx context.Context, f NoticeFilter) ([]canary.Notice, error) {
	rest, args := f.rest()
	var list []canary.Notice
	err := r.each(ctx, "SELECT id, kind, scope, severity, raised, ended, acknowledged, who, body FROM notices"+rest, args, func(row *sql.Rows) error {
		var n canary.Notice
		var raised, ended, read int64
		var body string
		if err := row.Scan(&n.ID, &n.Kind, &n.Scope, &n.Severity, &raised, &ended, &read, &n.Who, &body); err != nil {
			return err
		}
		n.Raised, n.Over, n.Acknowledged = fromMicros(raised), fromMicros(ended), fromMicros(read)
		var b noticeBody
		err := json.Unmarshal([]byte(body), &b)
		n.Text, n.Next = b.Text, b.Next
		list = append(list, n)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("registry: notices: %w", err)
	}
	return list, nil
}

// AcknowledgeNotice records that somebody has read a notice; no further step of
// its page goes out. Who was first stays.
func (r *Registry) AcknowledgeNotice(ctx context.Context, id canary.NoticeID, by By) error {
	err := r.inTx(ctx, func(tx *sql.Tx) error {
		var read int64
		var severity canary.Severity
		if err := tx.QueryRowContext(ctx, "SELECT acknowledged, severity FROM notices WHERE id = ?", id).Scan(&read, &severity); err != nil {
			return notFound(err)
		}
		now := r.now()
		if read != 0 {
			return r.ack(ctx, tx, string(id), Ack{Severity: severity, At: now, Who: by.Who, Via: by.Via})
		}
		if _, err := tx.ExecContext(ctx, "UPDATE notices SET acknowledged = ?, who = ? WHERE id = ?", micros(now), short(by.Who, 200), id); err != nil {
			return err
		}
		return r.ack(ctx, tx, string(id), Ack{Severity: severity, At: now, Who: by.Who, Via: by.Via})
	})
	if err != nil {
		return fmt.Errorf("registry: acknowledge %s: %w", id, err)
	}
	return nil
}
