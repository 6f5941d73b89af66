package supportdb

import (
	"context"
	"errors"
	"fmt"

	"github.com/go-sql-driver/mysql"
)

var (
	// ErrDSN says that the data source name cannot be used as it is written.
	ErrDSN = errors.New("data source name is not usable")
	// ErrUnreachable says that no server answers at the address.
	ErrUnreachable = errors.New("support database does not answer")
	// ErrLogin says that the server refused the user or the password.
	ErrLogin = errors.New("support database refused the user name or the password")
	// ErrUnknownDatabase says that the server has no database of this name, or hides it from this user.
	ErrUnknownDatabase = errors.New("support database does not exist, or this user may not see it")
	// ErrReadOnly says that the server takes no writes: a replica, or read_only is set.
	ErrReadOnly = errors.New("support database is read-only")
	// ErrPrivilege is wrapped by [PrivilegeError].
	ErrPrivilege = errors.New("privilege missing")
	// ErrSchema is wrapped by [SchemaError].
	ErrSchema = errors.New("recipe does not fit the schema")
	// ErrDuplicate says that a unique key already has the value; nothing was written.
	ErrDuplicate = errors.New("a unique key already has this value")
	// ErrConstraint says that another row depends on the row, or it on a row that
	// does not exist; nothing was written.
	ErrConstraint = errors.New("a foreign key forbids it")
	// ErrUnknownOutcome says that the answer to COMMIT was lost: the change may
	// stand or not, and only reading can tell.
	ErrUnknownOutcome = errors.New("answer to the commit was lost")
	// ErrStale says that the row no longer holds the value that we wrote, or is gone; nothing was written.
	ErrStale = errors.New("the row is not as it was written")
	// ErrTooSlow says that the server ended a statement: it ran into its time
	// limit, or waited too long for a lock that somebody holds.
	ErrTooSlow = errors.New("the server ended a statement that took too long, or waited too long for a lock")
	// ErrTooFew says that a table or a segment has too few rows to learn from.
	ErrTooFew = errors.New("too few rows")
)

// PrivilegeError says which privilege the database user lacks and what gives it.
type PrivilegeError struct {
	Privilege string // SELECT, INSERT, UPDATE, DELETE
	Table     string
	Grant     string // the statement to run
}

// Error names the privilege and the GRANT that gives it.
func (e *PrivilegeError) Error() string {
	return fmt.Sprintf("%s on table %s is missing: run %s", e.Privilege, e.Table, e.Grant)
}

// Unwrap is ErrPrivilege.
func (e *PrivilegeError) Unwrap() error { return ErrPrivilege }

// SchemaError says where a recipe and the schema disagree.
type SchemaError struct {
	Table   string
	Column  string // empty when the table itself is the matter
	Problem string // in words
	Nearest string // what the schema has instead, empty if nothing is near
}

// Error names the table, the column, the problem and the nearest name.
func (e *SchemaError) Error() string {
	what := "table " + e.Table
	if e.Column != "" {
		what = "column " + e.Table + "." + e.Column
	}
	if e.Nearest != "" {
		return fmt.Sprintf("%s: %s; did you mean %q?", what, e.Problem, e.Nearest)
	}
	return what + ": " + e.Problem
}

// Unwrap is ErrSchema.
func (e *SchemaError) Unwrap() error { return ErrSchema }

// Numbers of server errors (MySQL Reference, Server Error Message Reference).
const (
	erDBAccess       = 1044
	erAccess         = 1045
	erBadDB          = 1049
	erDupEntry       = 1062
	erTableAccess    = 1142
	erColumnAccess   = 1143
	erRowReferenced  = 1217
	erNoReferenced   = 1216
	erOptionPrevents = 1290
	erRowReferenced2 = 1451
	erNoReferenced2  = 1452
	erReadOnlyTx     = 1792
	erReadOnlyMode   = 1836
	erPluginAccess   = 1698
	erDupUnknown     = 1586
	erLockWait       = 1205
	erStatementLimit = 1969 // MariaDB
	erQueryLimit     = 3024 // MySQL
)

// classify puts the sentinel that fits before a driver's error. Errors that
// the server did not send are faults of the connection.
func classify(err error) error {
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	sent, ok := errors.AsType[*mysql.MySQLError](err)
	if !ok {
		return fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	switch sent.Number {
	case erAccess, erPluginAccess:
		return fmt.Errorf("%w (%w)", ErrLogin, err)
	case erDBAccess, erBadDB:
		return fmt.Errorf("%w (%w)", ErrUnknownDatabase, err)
	case erTableAccess, erColumnAccess:
		return fmt.Errorf("%w (%w)", ErrPrivilege, err)
	case erOptionPrevents, erReadOnlyTx, erReadOnlyMode:
		return fmt.Errorf("%w (%w)", ErrReadOnly, err)
	case erStatementLimit, erQueryLimit, erLockWait:
		return fmt.Errorf("%w (error %d)", ErrTooSlow, sent.Number)
	case erDupEntry, erDupUnknown:
		// The server's text quotes the value: only its number may travel.
		return fmt.Errorf("%w (error %d)", ErrDuplicate, sent.Number)
	case erRowReferenced, erRowReferenced2, erNoReferenced, erNoReferenced2:
		return fmt.Errorf("%w (error %d)", ErrConstraint, sent.Number)
	}
	// Texts of the rest (too long, out of range, wrong value) quote values too.
	return fmt.Errorf("the server refused the statement with error %d (SQLSTATE %s)", sent.Number, sent.SQLState[:])
}

// committed classifies the error of a COMMIT: what the server said was rolled
// back is a plain error, everything else left the outcome unknown.
func committed(err error) error {
	if _, sent := errors.AsType[*mysql.MySQLError](err); sent {
		return classify(err)
	}
	return fmt.Errorf("%w: %w", ErrUnknownOutcome, err)
}
