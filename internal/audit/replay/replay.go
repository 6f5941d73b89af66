// Package replay tells which canaries a logged statement returned: its
// conditions are worked out on the canaries' rows as they stood at that moment,
// with the statement's own time.
//
// A log has the statement and not the answer, and of the database only the
// canaries' rows are known. So everything is worked out with values that may be
// unknown (package maybe): any row of a table that is no canary's is one row of
// unknown values, which may be there or not. A canary is
//
//	returned   if one of its rows is in the result whatever is not known,
//	excluded   if none can be,
//	possible   otherwise.
//
//	SELECT * FROM customers WHERE country = 'US'          returned, or excluded
//	SELECT * FROM customers WHERE country = 'US' LIMIT 9  possible, or excluded
//	SELECT c.* FROM customers c JOIN orders o ON …        possible: orders are not held
//	SELECT c.* FROM customers c LEFT JOIN orders o ON …   returned: c is kept
//
// The invariant is soundness: what the server returned is never excluded, and
// what is called returned was. What is not understood (a statement that does
// not parse, a view that is not known, a procedure, a function that may read) is
// possible wherever it could have reached a canary. A count of rows returns
// none. The statement is not
// handed to an SQL engine: an engine answers yes or no, by collations and modes
// of its own, and cannot say that it does not know. What is left open may be asked of one
// all the same, where rows that are not held can change nothing: [Replayer.Refine].
//
// It rests on one assumption about the table: no row but a canary's own holds
// that canary's keys ([Column.Domain]); rows that an agent hangs on a canary
// break it, and verify reports them. And on two about the log: the server's own
// sql_mode changes no meaning (a session's is followed by [Feed]), and a change
// whose text is cut off does not end in RETURNING. It reads no file and no
// database.
package replay

import (
	"time"

	"saltmine/internal/canary"
)

// Statement is a statement as a log has it.
type Statement struct {
	Text     []byte
	Database string // the session's default; empty when not known
	// Began is when it began, by which NOW() goes. Saw is the moment whose rows it
	// saw, which lies before it in a transaction with a snapshot.
	Began, Saw canary.Moment
	// Timeless says that the session's clock was set: NOW() is any time.
	Timeless bool
	// Zone is the session's; nil when not known.
	Zone      *time.Location
	Truncated bool
	// Missing says that the log does not have the text at all, only what was read.
	Missing bool
	// Anything says that it read more tables than are known here.
	Anything bool
	Code     int      // the server's error number, 0 for success
	Sent     int64    // rows sent; below 0 when not known
	Reads    []string // tables ("name" or "database.name") that the log says it read
	Writes   []string // tables that the log says it changed
	// Odd says that a mode of the session may make the text mean something else.
	// Past says that it may see the rows of any time.
	Odd, Past bool
	// Doubt says that the session is not as others are: what would be returned is
	// only possible.
	Doubt bool
	// Mode is the session's sql_mode, where it has set one that is known. Moded says that
	// it is all that makes the session Odd, or puts it in Doubt.
	Mode  *string
	Moded bool
	// Tuned says that other settings of the session may change what functions give.
	Tuned bool
}

// Result is what a statement did to the canaries. Those in neither list are
// excluded.
type Result struct {
	Returned []canary.ID
	Possible []canary.ID
	// Why says in fixed words why the possible ones are not sure; empty without any.
	Why string
	// Limit is how many rows it gives at most, where a LIMIT is why they are not
	// sure; 0 otherwise.
	Limit int64
	// Carries are the canaries' columns that it showed, "table.column" in lower
	// case and sorted; nil when that is not known.
	Carries []string
	// CopyTo is the table or file that the rows went to; empty when to the client.
	CopyTo string
	// Shape is the statement without its values.
	Shape string
}

// Column is a column of a table that has canaries' rows.
type Column struct {
	Name string
	// Type is the column's type as information_schema has it in DATA_TYPE.
	Type      string
	Collation string
	// Domain is not 0 when the values are keys of canaries' rows and no row but the
	// canary's own holds them: 1 for the customer's key in the customer's table and
	// in every table that points to it, 2 for the ticket's, and so on.
	Domain  uint16
	NotNull bool
	// Unique says that no two rows hold the same value.
	Unique bool
	// Few says that many rows hold the same of its few values, which tell of none whose
	// it is: a country, a state. How many rows there are of each returns no canary.
	Few bool
}

// Table is a table that has canaries' rows.
type Table struct {
	Name    string
	Columns []Column
}

// Schema is what is known of a support database.
type Schema struct {
	Database string
	Tables   []Table
	// Others are base tables that have no canaries' rows. A name that is in neither
	// list is taken to be a view that may show anything.
	Others []string
	// Views are views by their names, each with its SELECT.
	Views map[string]string
}

// Look is how the canaries of a place stand.
type Look struct {
	Schema Schema
	// Rows stood as they are at some time in [Before, After]; they have no window yet,
	// unless it is a look at all that ever stood.
	Rows          []Row
	Before, After time.Time
	// Planted is when each canary came, as far as that is known.
	Planted map[canary.ID]canary.Moment
	// Each is how many customers there are to one canary.
	Each float64
	// Account is the one that looked, in the server's logs: user@host.
	Account string
}

// Row is one version of a row of a canary: what it held from one moment to
// another.
type Row struct {
	Canary canary.ID
	Table  string
	Key    string // the row's own; versions of one row share it
	Window canary.Window
	Values []*string // in the order of the table's columns; nil is NULL
	// Unknown says of which columns it is not known what they held then; nil is of
	// none.
	Unknown []bool
}
