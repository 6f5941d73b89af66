package registry

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"saltmine/internal/backup"
	"saltmine/internal/canary"
)

// ErrNotEmpty is returned where a backup would be put over what is there.
var ErrNotEmpty = errors.New("there is something in this registry already, and nothing is put over it")

// ErrNewer is returned for what a newer program carried away.
var ErrNewer = errors.New("it comes from a newer program than this one: restore it with that one")

// ErrKeyless is returned for contacts whose keys are not there.
var ErrKeyless = errors.New("their keys are not there: the keys were carried away before these contacts came. Take the keys file of the same backup, or a later one")

// Loading fills a registry with what was carried away from another, in one
// transaction: it is there as a whole with Finish, or not at all.
type Loading struct {
	r     *Registry
	tx    *sql.Tx
	have  map[string]backup.Table // ours
	into  string
	table backup.Table
	rows  []any
	bytes int

	committed bool
	// Loaded are how many rows each table got.
	Loaded map[string]int64
}

// bytesAtOnce bounds a statement, but for one large row.
const bytesAtOnce = 4 << 20

// Load opens an empty registry to be filled with what a registry was whose tables
// were of some version.
func Load(ctx context.Context, cfg Config, version int64) (*Loading, error) {
	r, err := Open(ctx, cfg)
	if err != nil {
		return nil, err
	}
	l := &Loading{r: r, have: map[string]backup.Table{}, Loaded: map[string]int64{}}
	if err := l.begin(ctx, version); err != nil {
		return nil, errors.Join(fmt.Errorf("registry: put back: %w", err), l.Abort())
	}
	return l, nil
}

func (l *Loading) begin(ctx context.Context, version int64) error {
	p, err := l.r.tables()
	if err != nil {
		return err
	}
	now, err := p.GetDBVersion(ctx)
	if err != nil {
		return err
	}
	if version > now {
		return fmt.Errorf("its tables have the version %d, ours %d: %w", version, now, ErrNewer)
	}
	names, err := l.r.tableNames(ctx, l.r.db)
	if err != nil {
		return err
	}
	if err := l.empty(ctx, names); err != nil {
		return err
	}
	if version < now { // the tables of then; Finish brings them up to date
		if _, err := p.DownTo(ctx, version); err != nil {
			return err
		}
	}
	if l.tx, err = l.r.db.BeginTx(ctx, nil); err != nil {
		return err
	}
	for _, name := range names {
		if _, err := l.tx.ExecContext(ctx, "DELETE FROM "+name); err != nil { //nolint:gosec // a name from the database itself
			return err
		}
		if l.have[name], err = l.r.describe(ctx, l.tx, name); err != nil {
			return err
		}
	}
	return nil
}

// empty refuses tables with rows, but for the end of an evidence log that is empty.
func (l *Loading) empty(ctx context.Context, names []string) error {
	for _, name := range names {
		var n int
		if err := l.r.db.QueryRowContext(ctx, "SELECT COUNT(*) FROM "+name).Scan(&n); err != nil {
			return err
		}
		if n > 0 && (name != "act_head" || n > 1) {
			return fmt.Errorf("table %s: %w", name, ErrNotEmpty)
		}
	}
	return nil
}

// Table begins a table.
func (l *Loading) Table(ctx context.Context, t backup.Table) error {
	if err := l.flush(ctx); err != nil {
		return err
	}
	have, known := l.have[t.Name]
	if !known {
		return fmt.Errorf("registry: put back: there is no table %q here: %w", t.Name, ErrNewer)
	}
	for _, c := range columns(t) {
		if !slices.Contains(columns(have), c) {
			return fmt.Errorf("registry: put back: table %s has no column %q here: %w", t.Name, c, ErrNewer)
		}
	}
	l.table, l.into = t, t.Name+" ("+strings.Join(columns(t), ", ")+")"
	return nil
}

// Row takes a row of the table.
func (l *Loading) Row(ctx context.Context, values []any) error {
	for i, v := range values {
		switch v := v.(type) {
		case string:
			l.bytes += len(v)
			if l.table.Columns[i].Kind == backup.Bytes {
				values[i] = []byte(v)
			}
		case []byte:
			l.bytes += len(v)
		}
	}
	l.rows = append(l.rows, values...)
	l.Loaded[l.table.Name]++
	if l.bytes < bytesAtOnce && len(l.rows) < rowsAtOnce*len(values) {
		return nil
	}
	return l.flush(ctx)
}

func (l *Loading) flush(ctx context.Context) error {
	rows := l.rows
	l.rows, l.bytes = l.rows[:0], 0
	if len(rows) == 0 {
		return nil
	}
	if err := insertRows(ctx, l.tx, l.into, len(l.table.Columns), rows); err != nil {
		return fmt.Errorf("registry: put back: table %s: %w", l.table.Name, err)
	}
	return nil
}

// Abort takes back what was loaded. After Finish it does nothing.
func (l *Loading) Abort() error {
	var err error
	if l.tx != nil {
		err = ignoreDone(l.tx.Rollback())
		l.tx = nil
	}
	if l.r != nil {
		err = errors.Join(err, l.r.Close())
		l.r = nil
	}
	return err
}

// Restoring says what is done with what was put back.
type Restoring struct {
	By By
	// From is when it was carried away, Snapshot what it was then.
	From     time.Time
	Snapshot Snapshot
	// KeysApart says that the contacts' keys come from elsewhere, and perhaps later:
	// whom they were taken from since is given up again.
	KeysApart bool
	// Send lets the pages that were on their way go out, those too that may have been
	// sent after that.
	Send bool
	// GivenUp are contacts that were given up after that, as far as is known.
	GivenUp []canary.ContactID
	// Noted is the last end of the log of which is known, and Missing how many acts
	// there were after the backup, as far as is known.
	Noted   string
	Missing int64
}

// Restored says what was done.
type Restored struct {
	Stopped []Waiting `json:"stopped,omitempty"`  // pages that are not sent again
	GivenUp int       `json:"given_up,omitempty"` // contacts that were given up again
}

// stoppedFault is what a delivery says that a restore has stopped.
const stoppedFault = "it was on its way when the backup was made, and may have been sent since"

// Committed reports whether what was loaded is in the database and stays there.
func (l *Loading) Committed() bool { return l.committed }

// Finish makes it all a registry, with an act that says so, and opens it.
func (l *Loading) Finish(ctx context.Context, as Restoring) (*Registry, Restored, error) {
	r, out, err := l.finish(ctx, as)
	if err != nil {
		return nil, out, errors.Join(fmt.Errorf("registry: put back: %w", err), l.Abort())
	}
	return r, out, nil
}

func (l *Loading) finish(ctx context.Context, as Restoring) (r *Registry, out Restored, err error) {
	if err := l.flush(ctx); err != nil {
		return nil, out, err
	}
	for _, name := range sortedNames(as.Snapshot.Rows) {
		if got, want := l.Loaded[name], as.Snapshot.Rows[name]; got != want && (name != contactKeys || !as.KeysApart) {
			return nil, out, fmt.Errorf("table %s has %d rows, and had %d: %w", name, got, want, backup.ErrDamaged)
		}
	}
	if err := l.r.checkKeysIn(ctx, l.tx); err != nil {
		return nil, out, err
	}
	if out, err = l.settle(ctx, as); err != nil {
		return nil, out, err
	}
	if err := l.tx.Commit(); err != nil {
		return nil, out, err
	}
	l.tx, l.committed = nil, true
	if err := l.r.migrate(ctx); err != nil {
		return nil, out, err
	}
	r, l.r = l.r, nil
	return r, out, nil
}

// settle does what must not come undone by the putting back.
func (l *Loading) settle(ctx context.Context, as Restoring) (out Restored, err error) {
	end, err := l.r.lockHead(ctx, l.tx)
	if err != nil {
		return out, err
	}
	if end != as.Snapshot.End {
		return out, fmt.Errorf("%w: it ended at %s, and now at %s", ErrTampered, as.Snapshot.End, end)
	}
	if !as.Send {
		if out.Stopped, err = waitingPages(ctx, l.tx); err != nil {
			return out, err
		}
		if _, err := l.tx.ExecContext(ctx, "UPDATE deliveries SET state = ?, fault = ? WHERE state IN (?,?)", failed, stoppedFault, due, held); err != nil {
			return out, err
		}
	}
	if out.GivenUp, err = l.giveUp(ctx, as); err != nil {
		return out, err
	}
	outcome := fmt.Sprintf("from the backup of %s; %d pages are not sent again, %d contacts given up again; %d acts are missing", as.From.UTC().Format(time.RFC3339), len(out.Stopped), out.GivenUp, as.Missing)
	if as.Noted != "" {
		outcome += ", " + as.Noted + " was noted"
	}
	return out, l.r.record(ctx, l.tx, canary.Act{Who: as.By.Who, Via: as.By.Via, What: canary.ActRestore, About: end.String(), Outcome: outcome})
}

// keyless finds contacts whose keys were written over since, and refuses those that
// have none.
func (l *Loading) keyless(ctx context.Context) (gone []canary.ContactID, err error) {
	if _, err := l.tx.ExecContext(ctx, "DELETE FROM contact_keys WHERE contact NOT IN (SELECT id FROM contacts)"); err != nil {
		return nil, err // they came after the backup
	}
	missing := 0
	err = eachOf(ctx, l.tx, "SELECT "+contactColumns+contactTables+" WHERE c.shredded = 0", nil, func(row *sql.Rows) error {
		var k kept
		if err := row.Scan(k.fields()...); err != nil {
			return err
		}
		switch {
		case k.key == nil:
			missing++
		case len(bytes.Trim(k.key, "\x00")) == 0:
			gone = append(gone, k.id)
		}
		return nil
	})
	if err == nil && missing > 0 {
		err = fmt.Errorf("%d contacts: %w", missing, ErrKeyless)
	}
	return gone, err
}

// giveUp gives up again what was given up after the backup, whatever was held then.
func (l *Loading) giveUp(ctx context.Context, as Restoring) (n int, err error) {
	gone, err := l.keyless(ctx)
	if err != nil {
		return 0, err
	}
	for _, id := range append(gone, as.GivenUp...) {
		done, err := l.r.shredNow(ctx, l.tx, id, false)
		if errors.Is(err, ErrNotFound) {
			continue // it came after the backup
		}
		if err != nil {
			return n, fmt.Errorf("contact %s: %w", id, err)
		}
		if !done {
			continue
		}
		n++
		if err := l.r.record(ctx, l.tx, canary.Act{Who: as.By.Who, Via: as.By.Via, What: canary.ActShred, About: string(id), Outcome: "it was given up after the backup from which it came back"}); err != nil {
			return n, err
		}
	}
	return n, nil
}
