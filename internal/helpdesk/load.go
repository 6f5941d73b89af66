package helpdesk

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"strings"
)

// Rows of one INSERT, and INSERTs of one transaction. The largest statement
// stays below max_allowed_packet's smallest usual value (1 MiB).
const (
	batchRows   = 1000
	batchesInTx = 10
)

// Load makes the tables of [Schema] in the database that db is connected to and
// fills them with the rows of cfg. The tables must not exist. progress, which
// may be nil, is told how many rows of how many are in after each statement,
// from the calling goroutine.
//
// Load is not one transaction: after an error the tables are incomplete, to be
// dropped. The loaded rows keep their ids, and AUTO_INCREMENT goes on after the
// largest.
func Load(ctx context.Context, db *sql.DB, cfg Config, progress func(done, total int)) (err error) {
	desk, err := New(cfg)
	if err != nil {
		return err
	}
	if progress == nil {
		progress = func(int, int) {}
	}
	conn, err := db.Conn(ctx)
	if err != nil {
		return fmt.Errorf("help desk: connect: %w", err)
	}
	defer conn.Close() //nolint:errcheck // it goes back to the pool
	// Every ticket has its customer by construction.
	if err := execAll(ctx, conn, append(Schema(), "SET foreign_key_checks = 0")...); err != nil {
		return err
	}
	defer func() { // the connection is used again
		err = errors.Join(err, execAll(context.WithoutCancel(ctx), conn, "SET foreign_key_checks = 1"))
	}()
	l := &loader{conn: conn, progress: progress, total: cfg.Customers + cfg.Tickets}
	if err := l.table(ctx, "customers", customerColumns(), customerRows(desk.Customers())); err != nil {
		return err
	}
	return l.table(ctx, "tickets", ticketColumns(), ticketRows(desk.Tickets()))
}

func execAll(ctx context.Context, conn *sql.Conn, statements ...string) error {
	for _, s := range statements {
		if _, err := conn.ExecContext(ctx, s); err != nil {
			return fmt.Errorf("help desk: %.40q: %w", s, err)
		}
	}
	return nil
}

type loader struct {
	conn        *sql.Conn
	progress    func(done, total int)
	done, total int
}

// table fills one table from a stream of rows.
func (l *loader) table(ctx context.Context, name string, columns []string, rows iter.Seq[[]any]) error {
	next, stop := iter.Pull(rows)
	defer stop()
	for more := true; more; {
		var err error
		if more, err = l.transaction(ctx, name, columns, next); err != nil {
			return fmt.Errorf("help desk: load %s: %w", name, err)
		}
	}
	return nil
}

// transaction inserts the next batches; it reports false when the stream has ended.
func (l *loader) transaction(ctx context.Context, name string, columns []string, next func() ([]any, bool)) (bool, error) {
	tx, err := l.conn.BeginTx(ctx, nil)
	if err != nil {
		return false, err
	}
	defer tx.Rollback() //nolint:errcheck // after Commit it has nothing to do
	more := true
	for b := 0; b < batchesInTx && more; b++ {
		var args []any
		n := 0
		for ; n < batchRows; n++ {
			row, ok := next()
			if !ok {
				more = false
				break
			}
			args = append(args, row...)
		}
		if n == 0 {
			break
		}
		if _, err := tx.ExecContext(ctx, insert(name, columns, n), args...); err != nil {
			return false, err
		}
		l.done += n
		l.progress(l.done, l.total)
	}
	return more, tx.Commit()
}

func insert(table string, columns []string, rows int) string {
	one := "(" + strings.TrimSuffix(strings.Repeat("?,", len(columns)), ",") + ")"
	return "INSERT INTO " + table + " (" + strings.Join(columns, ", ") + ") VALUES " +
		one + strings.Repeat(","+one, rows-1)
}

func customerColumns() []string {
	return []string{"id", "first_name", "last_name", "email", "phone", "country", "language",
		"product", "newsletter", "status", "created_at", "updated_at"}
}

func customerRows(customers iter.Seq[Customer]) iter.Seq[[]any] {
	return func(yield func([]any) bool) {
		for c := range customers {
			row := []any{c.ID, c.FirstName, c.LastName, c.Email, c.Phone, c.Country, c.Language,
				c.Product, c.Newsletter, c.Status, c.Created, c.Updated}
			if !yield(row) {
				return
			}
		}
	}
}

func ticketColumns() []string {
	return []string{"id", "number", "customer_id", "subject", "status", "priority", "channel",
		"created_at", "updated_at"}
}

func ticketRows(tickets iter.Seq[Ticket]) iter.Seq[[]any] {
	return func(yield func([]any) bool) {
		for t := range tickets {
			row := []any{t.ID, t.Number, t.CustomerID, t.Subject, t.Status, t.Priority, t.Channel,
				t.Created, t.Updated}
			if !yield(row) {
				return
			}
		}
	}
}
