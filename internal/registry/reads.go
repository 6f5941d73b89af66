package registry

import (
	"context"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"saltmine/internal/canary"
)

// ReaderOf names an account of a place.
func (r *Registry) ReaderOf(place canary.Place, account string) canary.ReaderID {
	return canary.ReaderID(r.vault.Blind("reader", string(place)+"|"+account))
}

// ReadID names a statement of a log by its digest.
func (r *Registry) ReadID(place canary.Place, digest [32]byte) string {
	return r.vault.Blind("read", string(place)+"|"+hex.EncodeToString(digest[:]))
}

// AuditLog returns how far a log has been read.
func (r *Registry) AuditLog(ctx context.Context, name string) (canary.AuditLog, error) {
	l := canary.AuditLog{Name: name}
	var sealed []byte
	err := r.db.QueryRowContext(ctx, "SELECT version, sealed FROM audit_logs WHERE name = ?", name).Scan(&l.Version, &sealed)
	if errors.Is(err, sql.ErrNoRows) {
		return l, nil
	}
	if err == nil {
		l.State, err = r.vault.Open("audit_logs|"+name, sealed)
	}
	if err != nil {
		return l, fmt.Errorf("registry: audit log %s: %w", name, err)
	}
	return l, nil
}

// FileReads files what follows from a piece of an audit log in one transaction.
// It is [ErrMoved] when somebody else has read on in the log.
func (r *Registry) FileReads(ctx context.Context, b canary.ReadBatch) error {
	err := r.inTx(ctx, func(tx *sql.Tx) error {
		if err := r.moveLog(ctx, tx, b.Log); err != nil {
			return err
		}
		if err := r.saveIncidents(ctx, tx, canary.Outcome{Incidents: b.Incidents}); err != nil {
			return err
		}
		if err := saveHeld(ctx, tx, canary.Outcome{Held: b.Page}); err != nil {
			return err
		}
		if err := r.saveReads(ctx, tx, &b); err != nil {
			return err
		}
		if err := r.saveCopies(ctx, tx, &b); err != nil {
			return err
		}
		for i := range b.Hours {
			if err := saveReadHour(ctx, tx, b.Place, &b.Hours[i]); err != nil {
				return err
			}
		}
		return r.saveHealth(ctx, tx, b.Health, b.Act)
	})
	if err != nil {
		return fmt.Errorf("registry: reads of %s: %w", b.Place, err)
	}
	return nil
}

// moveLog keeps the new state of a log; one without a name is none.
func (r *Registry) moveLog(ctx context.Context, tx *sql.Tx, l canary.AuditLog) (err error) {
	if l.Name == "" {
		return nil
	}
	sealed := r.vault.Seal("audit_logs|"+l.Name, l.State)
	if l.Version == 0 {
		_, err = tx.ExecContext(ctx, "INSERT INTO audit_logs (name, version, sealed) VALUES (?,1,?)", l.Name, sealed)
		return err
	}
	err = one(tx.ExecContext(ctx, "UPDATE audit_logs SET version = version + 1, sealed = ? WHERE name = ? AND version = ?", sealed, l.Name, l.Version))
	if errors.Is(err, ErrNotFound) {
		return ErrMoved
	}
	return err
}

func (r *Registry) saveReads(ctx context.Context, tx *sql.Tx, b *canary.ReadBatch) error {
	gone := slices.Clone(b.Gone)
	for i := range b.Reads {
		if b.Anew {
			gone = append(gone, b.Reads[i].ID)
		}
	}
	for part := range slices.Chunk(gone, rowsAtOnce) {
		args := make([]any, len(part))
		for i, id := range part {
			args[i] = id
		}
		if _, err := tx.ExecContext(ctx, "DELETE FROM canary_reads WHERE id IN ("+marks(len(part))+")", args...); err != nil { //nolint:gosec // marks
			return err
		}
	}
	for i := range b.Reads {
		if err := r.saveRead(ctx, tx, &b.Reads[i]); err != nil {
			return err
		}
	}
	return nil
}

// locking has a row that is looked at stay as it is until the end of the transaction.
// SQLite has one writer at a time anyway.
func (r *Registry) locking(query string) string {
	if r.mysql {
		query += " FOR UPDATE"
	}
	return query
}

// saveRead files a read; of one that is filed already, what either knows.
func (r *Registry) saveRead(ctx context.Context, tx *sql.Tx, read *canary.Read) error {
	var sealed []byte
	err := tx.QueryRowContext(ctx, r.locking("SELECT sealed FROM canary_reads WHERE id = ?"), read.ID).Scan(&sealed)
	fresh := errors.Is(err, sql.ErrNoRows)
	if err != nil && !fresh {
		return err
	}
	merged := *read
	if !fresh {
		old, err := r.vault.Open("canary_reads|"+read.ID, sealed)
		if err != nil {
			return err
		}
		var before canary.Read
		if err := json.Unmarshal(old, &before); err != nil {
			return err
		}
		var more bool
		if merged, more = before.With(read); !more {
			return nil
		}
	}
	plain, err := json.Marshal(&merged)
	if err != nil {
		return err
	}
	sealed = r.vault.Seal("canary_reads|"+read.ID, plain)
	if !fresh {
		_, err = tx.ExecContext(ctx, "UPDATE canary_reads SET sealed = ? WHERE id = ?", sealed, read.ID)
		return err
	}
	_, err = tx.ExecContext(ctx, "INSERT INTO canary_reads (id, place, reader, taken, sealed) VALUES (?,?,?,?,?)",
		read.ID, read.Place, read.Reader, micros(read.Taken.Earliest), sealed)
	return err
}

func saveReadHour(ctx context.Context, tx *sql.Tx, place canary.Place, h *canary.ReadHour) error {
	err := one(tx.ExecContext(ctx, `UPDATE read_hours SET statements = statements + ?, canaries = canaries + ?, guessed = guessed + ?, incident = CASE WHEN ? <> '' THEN ? ELSE incident END
		WHERE place = ? AND reader = ? AND began = ?`, h.Statements, h.Canaries, h.Guessed, h.Incident, h.Incident, place, h.Reader, micros(h.Hour)))
	if !errors.Is(err, ErrNotFound) {
		return err
	}
	var n int // MySQL counts rows that were changed, not those that were found
	if err := tx.QueryRowContext(ctx, "SELECT COUNT(*) FROM read_hours WHERE place = ? AND reader = ? AND began = ?", place, h.Reader, micros(h.Hour)).Scan(&n); err != nil || n > 0 {
		return err
	}
	_, err = tx.ExecContext(ctx, "INSERT INTO read_hours (place, reader, began, statements, canaries, guessed, incident) VALUES (?,?,?,?,?,?,?)",
		place, h.Reader, micros(h.Hour), h.Statements, h.Canaries, h.Guessed, h.Incident)
	return err
}

// CountReads is how many reads of a place are filed.
func (r *Registry) CountReads(ctx context.Context, place canary.Place) (n int, err error) {
	err = r.db.QueryRowContext(ctx, "SELECT COUNT(*) FROM canary_reads WHERE place = ?", place).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("registry: reads of %s: %w", place, err)
	}
	return n, nil
}

// ReadsNamed returns the reads whose ids begin with a name.
func (r *Registry) ReadsNamed(ctx context.Context, name string) ([]canary.Read, error) {
	if name == "" || strings.ContainsFunc(name, func(c rune) bool { return (c < 'a' || c > 'z') && (c < '0' || c > '9') }) {
		return nil, nil
	}
	var list []canary.Read
	err := r.each(ctx, "SELECT DISTINCT place FROM canary_reads WHERE id LIKE ?", []any{name + "%"}, func(row *sql.Rows) error {
		var place canary.Place
		err := row.Scan(&place)
		list = append(list, canary.Read{Place: place})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("registry: reads: %w", err)
	}
	places := list
	list = nil
	for _, p := range places {
		some, err := r.reads(ctx, p.Place, " AND id LIKE ?", name+"%")
		if err != nil {
			return nil, err
		}
		list = append(list, some...)
	}
	return list, nil
}

// ReadsSince returns the reads of a place from a time on, in its order.
func (r *Registry) ReadsSince(ctx context.Context, place canary.Place, since time.Time) ([]canary.Read, error) {
	return r.reads(ctx, place, " AND taken >= ?", micros(since))
}

// ReadsBetween returns those that began in [from, until], in their order, and those of
// which the log does not tell when.
func (r *Registry) ReadsBetween(ctx context.Context, place canary.Place, from, until time.Time) ([]canary.Read, error) {
	return r.reads(ctx, place, " AND (taken >= ? OR taken = 0) AND taken <= ?", micros(from), micros(until))
}

func (r *Registry) reads(ctx context.Context, place canary.Place, also string, args ...any) ([]canary.Read, error) {
	var list []canary.Read
	err := r.each(ctx, "SELECT id, reader, sealed FROM canary_reads WHERE place = ?"+also+" ORDER BY taken, id", append([]any{place}, args...), func(row *sql.Rows) error {
		read := canary.Read{Place: place}
		var sealed []byte
		if err := row.Scan(&read.ID, &read.Reader, &sealed); err != nil {
			return err
		}
		plain, err := r.vault.Open("canary_reads|"+read.ID, sealed)
		if err != nil {
			return err
		}
		err = json.Unmarshal(plain, &read)
		list = append(list, read)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("registry: reads of %s: %w", place, err)
	}
	return list, nil
}

// AccountOf gives the account of a reader, as its newest read has it, and the place;
// [ErrNotFound] when it has read nothing.
func (r *Registry) AccountOf(ctx context.Context, reader canary.ReaderID) (account string, place canary.Place, err error) {
	var read canary.Read
	var sealed []byte
	err = notFound(r.db.QueryRowContext(ctx, "SELECT id, place, sealed FROM canary_reads WHERE reader = ? ORDER BY taken DESC, id LIMIT 1", reader).Scan(&read.ID, &place, &sealed))
	if err == nil {
		var plain []byte
		if plain, err = r.vault.Open("canary_reads|"+read.ID, sealed); err == nil {
			err = json.Unmarshal(plain, &read)
		}
	}
	if err != nil {
		return "", "", fmt.Errorf("registry: account of %s: %w", reader, err)
	}
	return read.Account, place, nil
}

// usualHours leaves out the hours that led to incidents, but for those that were
// judged to be nothing.
const usualHours = " FROM read_hours h LEFT JOIN incidents i ON i.id = h.incident WHERE h.place = ? AND h.began < ? AND (h.incident = '' OR i.verdict IN ('noise', 'own'))"

// ReadSums returns what the accounts of a place read in their hours before one.
func (r *Registry) ReadSums(ctx context.Context, place canary.Place, before time.Time) (map[canary.ReaderID]canary.ReadSums, error) {
	out := map[canary.ReaderID]canary.ReadSums{}
	query := "SELECT h.reader, COUNT(*), SUM(h.canaries), SUM(h.guessed), MAX(h.canaries), MAX(h.guessed)" + usualHours + " GROUP BY h.reader"
	err := r.each(ctx, query, []any{place, micros(before)}, func(row *sql.Rows) error {
		var id canary.ReaderID
		var s canary.ReadSums
		err := row.Scan(&id, &s.Hours, &s.Canaries, &s.Guessed, &s.MostCanaries, &s.MostGuessed)
		out[id] = s
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("registry: hours of reading of %s: %w", place, err)
	}
	return out, nil
}

// ReadHours returns the hours of an account from a time on.
func (r *Registry) ReadHours(ctx context.Context, place canary.Place, since time.Time) ([]canary.ReadHour, error) {
	var list []canary.ReadHour
	err := r.each(ctx, "SELECT reader, began, statements, canaries, guessed, incident FROM read_hours WHERE place = ? AND began >= ? ORDER BY began, reader", []any{place, micros(since)}, func(row *sql.Rows) error {
		var h canary.ReadHour
		var began int64
		err := row.Scan(&h.Reader, &began, &h.Statements, &h.Canaries, &h.Guessed, &h.Incident)
		h.Hour = fromMicros(began)
		list = append(list, h)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("registry: hours of reading of %s: %w", place, err)
	}
	return list, nil
}

// ReaderStanding returns the open incident about an account; none has the zero id.
func (r *Registry) ReaderStanding(ctx context.Context, reader canary.ReaderID) (canary.Incident, error) {
	list, err := r.queryIncidents(ctx, "WHERE i.place = ? AND i.verdict = '' AND i.merged = '' ORDER BY i.opened DESC LIMIT 1", canary.ByReader(reader))
	if err != nil || len(list) == 0 {
		return canary.Incident{}, err
	}
	return list[0], nil
}
