package supportdb

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ScratchQuery is a SELECT whose last column is [ScratchKey].
type ScratchQuery struct {
	Text string
	// Mode is the session's sql_mode; nil is the one that the support database begins with.
	Mode   *string
	Zone   string
	Clocks []time.Time
}

// Run gives the numbers of the rows that a SELECT returns, for each clock and for several
// collations of texts that are of no column. It is not ok where the server refuses the
// statement, or takes too long.
func (s *Scratch) Run(ctx context.Context, q *ScratchQuery) (ways []map[int]bool, ok bool, err error) {
	bare := "utf8mb4_0900_bin" // it has no blanks at the end for nothing
	if s.mariadb {
		bare = "utf8mb4_nopad_bin"
	}
	set := fmt.Sprintf("SET SESSION %s, time_zone = '%s'", strings.Join(s.set, ", "), strings.ReplaceAll(q.Zone, "'", ""))
	if q.Mode != nil {
		set += ", sql_mode = '" + strings.ReplaceAll(*q.Mode, "'", "") + "'"
	}
	if _, err := s.conn.ExecContext(ctx, set); err != nil {
		return nil, false, unlessTold(err)
	}
	for _, collation := range []string{"utf8mb4_general_ci", "latin1_swedish_ci", bare} {
		for _, at := range q.Clocks {
			if _, err := s.conn.ExecContext(ctx, fmt.Sprintf("SET SESSION collation_connection = %s, timestamp = %d", collation, at.Unix())); err != nil {
				return nil, false, unlessTold(err)
			}
			way, err := s.numbers(ctx, q.Text)
			if err != nil {
				return nil, false, unlessTold(err)
			}
			ways = append(ways, way)
		}
	}
	return ways, true, nil
}

// numbers are the last column of what a SELECT returns.
func (s *Scratch) numbers(ctx context.Context, text string) (map[int]bool, error) {
	rows, err := s.conn.QueryContext(ctx, text)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // rows.Err tells
	columns, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	into, out := make([]any, len(columns)), map[int]bool{}
	for i := range into {
		into[i] = new(sql.RawBytes)
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return nil, err
		}
		n, err := strconv.Atoi(string(*into[len(into)-1].(*sql.RawBytes))) //nolint:forcetypeassert // made above
		if err != nil {
			return nil, fmt.Errorf("the number of a row: %w", err)
		}
		out[n] = true
	}
	return out, rows.Err()
}

// Holds reports whether a row stands there with all that was known of it, and whether
// that is all of the columns that are named, in lower case.
func (s *Scratch) Holds(row int, names map[string]bool) bool {
	held := &s.held[row]
	return held.there && !slices.ContainsFunc(held.unknown, func(c string) bool { return names[c] })
}
