package supportdb

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"math/bits"
	"strconv"

	"github.com/go-sql-driver/mysql"
)

// A bulk insert sends its rows with LOAD DATA LOCAL INFILE where the server
// permits it (local_infile; MariaDB does unless told otherwise, MySQL 8 does
// not): it reads the next rows while the storage engine takes the last ones, and
// an INSERT of many rows spends as long on its own text as on the rows.
//
// The server cannot stop such a file, so a duplicate key, a missing parent or a
// value that does not fit is a warning, and the row is left out or bent. Loading
// therefore counts for nothing unless every row was taken without a warning: else
// it is rolled back to where it began, and INSERT takes the same rows or tells
// what is wrong with them.

const (
	// leastLoaded rows are worth the statements around loading.
	leastLoaded = 100
	// savepoint is where the loads of a table began.
	savepoint = "loading"
)

// errNotLoaded says that nothing was loaded: INSERT has to do it.
var errNotLoaded = errors.New("not loaded")

// load loads as many of the rows as it may and returns the rest: all where the
// table could not take a load back, or when one load was not taken whole.
func (i *inserting) load(ctx context.Context, all []*place) ([]*place, error) {
	if !i.loads() || len(all) < leastLoaded || anyBytes(all) {
		return all, nil
	}
	if _, err := i.b.tx.ExecContext(ctx, "SAVEPOINT "+savepoint); err != nil {
		return nil, classify(err)
	}
	rows := all
	for len(rows) >= leastLoaded {
		n := len(rows)
		if !i.known {
			n = gapless(n)
		}
		given, err := i.loaded(ctx, rows[:n])
		switch {
		case errors.Is(err, errNotLoaded):
			return all, nil
		case err != nil:
			return nil, err
		}
		if err := i.note(ctx, rows[:n], given); err != nil {
			return nil, err
		}
		rows = rows[n:]
	}
	return rows, nil
}

// loads reports whether the table may be loaded into.
func (i *inserting) loads() bool {
	return i.b.infile && (i.known || i.b.inRow) && i.p.Table.transactional()
}

// gapless is the most rows of n that leave no keys unused. The server does not
// know how many will come: it takes one key, then two, four, eight, and those
// left over of the last lot stay a gap for ever, as wide as the group of
// canaries before it.
func gapless(n int) int { return 1<<(bits.Len(uint(n)+1)-1) - 1 }

// loaded loads the rows, all or none, and gives the keys that the server gave.
func (i *inserting) loaded(ctx context.Context, rows []*place) ([]string, error) {
	tx := i.b.tx
	name := rand.Text()
	mysql.RegisterReaderHandler(name, func() io.Reader { return &lines{rows: rows} })
	defer mysql.DeregisterReaderHandler(name)
	result, err := tx.ExecContext(ctx, "LOAD DATA LOCAL INFILE 'Reader::"+name+"' INTO TABLE "+quote(i.p.Table.Name)+
		` CHARACTER SET utf8mb4 FIELDS TERMINATED BY '\t' ESCAPED BY '\\' LINES TERMINATED BY '\n' (`+quoteAll(rows[0].row.Columns)+")")
	if err != nil {
		return nil, i.unload(ctx, err)
	}
	var first int64
	var warnings int
	if err := tx.QueryRowContext(ctx, "SELECT LAST_INSERT_ID(), @@warning_count").Scan(&first, &warnings); err != nil {
		return nil, classify(err)
	}
	took, err := result.RowsAffected()
	if err != nil || took != int64(len(rows)) || warnings > 0 || !i.known && first <= 0 {
		return nil, i.unload(ctx, err)
	}
	if i.known {
		return nil, nil
	}
	return i.b.following(first, len(rows)), nil
}

// unload takes back what a load did. It is errNotLoaded when INSERT may try,
// and what the server said when it cannot help or the transaction is gone.
func (i *inserting) unload(ctx context.Context, why error) error {
	i.b.infile = false
	why = classify(why)
	if errors.Is(why, ErrLocked) || errors.Is(why, ErrUnreachable) || ctx.Err() != nil {
		return errors.Join(why, ctx.Err())
	}
	if _, err := i.b.tx.ExecContext(ctx, "ROLLBACK TO SAVEPOINT "+savepoint); err != nil {
		return errors.Join(why, classify(err))
	}
	return errNotLoaded
}

// following are keys that the server gave to rows one after the other.
func (b *bulk) following(first int64, n int) []string {
	given := make([]string, n)
	for k := range given {
		given[k] = strconv.FormatInt(first+int64(k)*b.step, 10)
	}
	return given
}

// askServer asks for what decides how the rows are sent.
func (b *bulk) askServer(ctx context.Context) error {
	var version string
	var infile, lockMode sql.NullInt64
	err := b.tx.QueryRowContext(ctx, "SELECT VERSION(), @@auto_increment_increment, @@local_infile, @@innodb_autoinc_lock_mode").Scan(&version, &b.step, &infile, &lockMode)
	if err != nil {
		return fmt.Errorf("variables of the server: %w", classify(err))
	}
	b.returning = returns(version)
	b.infile = infile.Int64 == 1
	// Keys of a load follow one another where nobody else gets any before its
	// end (MySQL Reference, AUTO_INCREMENT Handling in InnoDB; 2 is the mode in
	// which they may lie between one another).
	b.inRow = lockMode.Valid && lockMode.Int64 < 2
	return nil
}

// lines reads rows as the lines of a file, one at a time.
type lines struct {
	rows []*place
	rest []byte // of the lines so far
	line []byte
}

// Read is io.Reader's.
func (l *lines) Read(into []byte) (n int, err error) {
	for n < len(into) {
		if len(l.rest) == 0 {
			if len(l.rows) == 0 {
				break
			}
			l.line = appendLine(l.line[:0], l.rows[0].row.Values)
			l.rest, l.rows = l.line, l.rows[1:]
		}
		taken := copy(into[n:], l.rest)
		n, l.rest = n+taken, l.rest[taken:]
	}
	if n == 0 && len(into) > 0 {
		return 0, io.EOF
	}
	return n, nil
}

// appendLine writes values between tabs; \N is NULL.
func appendLine(line []byte, values []Value) []byte {
	for i := range values {
		if i > 0 {
			line = append(line, '\t')
		}
		if text := values[i].T; text != nil {
			line = appendEscaped(line, *text)
			continue
		}
		line = append(line, `\N`...)
	}
	return append(line, '\n')
}

func appendEscaped(line []byte, text string) []byte {
	begun := 0 // of what is taken as it is
	for i := range len(text) {
		as := text[i]
		switch as {
		case '\\', '\t':
		case '\n':
			as = 'n'
		case '\r':
			as = 'r'
		case 0:
			as = '0'
		default:
			continue
		}
		line = append(append(line, text[begun:i]...), '\\', as)
		begun = i + 1
	}
	return append(line, text[begun:]...)
}
