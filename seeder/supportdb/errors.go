package supportdb

import (
	"errors"
	"fmt"
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
	// ErrTooSlow says that the server ended a statement that ran into its time limit.
	ErrTooSlow = errors.New("the server ended a statement that took too long")
	// ErrRefused says that the server will not take a value of the row: too long,
	// not in the column's character set, against a CHECK; nothing was written.
	ErrRefused = errors.New("the server refuses a value")
	// ErrAltered says that a row read back is not what was written; it was rolled back.
	ErrAltered = errors.New("a row does not hold what was written into it")
	// ErrTrigger says that a table has a trigger that the recipe does not allow,
	// or that one ran; nothing was written.
	ErrTrigger = errors.New("a trigger would act on the rows")
	// ErrLocked says that other sessions held the rows or the table for too
	// long, or that the server chose us to end a deadlock; nothing was written.
	ErrLocked = errors.New("other sessions hold the rows")
	// ErrFull says that the server has no room for the row; nothing was written.
	ErrFull = errors.New("support database has no room left")
	// ErrTooLarge says that a statement is larger than the server takes; nothing was written.
	ErrTooLarge = errors.New("statement is larger than max_allowed_packet")
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
