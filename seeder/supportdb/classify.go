package supportdb

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/go-sql-driver/mysql"
)

// class is what the numbers of server errors mean (MySQL Reference, Server
// Error Message Reference; MariaDB, Error Codes).
type class struct {
	means   error
	text    bool // the server's own words name no value of a row
	numbers []uint16
}

func classes() []class {
	return []class{
		{ErrLogin, true, []uint16{1045, 1698}},
		{ErrUnknownDatabase, true, []uint16{1044, 1049}},
		{ErrPrivilege, true, []uint16{1142, 1143}},
		{ErrReadOnly, true, []uint16{1290, 1792, 1836, 1036}},
		{ErrDuplicate, false, []uint16{1062, 1586, 1859}},
		{ErrConstraint, false, []uint16{1216, 1217, 1451, 1452}},
		// Too long, not in the character set, out of range, no date, NULL, no
		// default, no partition, a CHECK of MariaDB and of MySQL.
		{ErrRefused, false, []uint16{1406, 1366, 1264, 1265, 1292, 1048, 1364, 1526, 4025, 3819, 1416}},
		{ErrLocked, false, []uint16{1205, 1213, 3058, 3101, 3572}},
		{ErrTooSlow, false, []uint16{1969, 3024}},
		{ErrFull, false, []uint16{1021, 1026, 1114}},
		{ErrTooLarge, false, []uint16{1153}},
		// Ended by an administrator, by the server's own end, or for being idle.
		{ErrUnreachable, true, []uint16{1053, 1927, 4031}},
		{ErrSchema, true, []uint16{1054, 1146}},
	}
}

// diskFull is the number of the storage engine's own error, ENOSPC, in the
// server's text of error 1030.
const diskFull = "error 28"

// classify puts the sentinel that fits before a driver's error. Errors that
// the server did not send are faults of the connection.
func classify(err error) error {
	if err == nil || ours(err) {
		return err
	}
	if errors.Is(err, mysql.ErrPktTooLarge) {
		return fmt.Errorf("%w: %w", ErrTooLarge, err)
	}
	told, ok := errors.AsType[*mysql.MySQLError](err)
	if !ok {
		return fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	for _, c := range classes() {
		switch {
		case !slices.Contains(c.numbers, told.Number):
		case c.text:
			return fmt.Errorf("%w (%w)", c.means, err)
		default:
			// The server's text quotes values: only names and its number may travel.
			return fmt.Errorf("%w%s (error %d)", c.means, about(told.Message), told.Number)
		}
	}
	if told.Number == 1030 && strings.Contains(told.Message, diskFull) {
		return fmt.Errorf("%w (error %d)", ErrFull, told.Number)
	}
	return fmt.Errorf("the server refused the statement with error %d (SQLSTATE %s)", told.Number, told.SQLState[:])
}

// ours tells errors that are not of the server's making.
func ours(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, errNotNoted)
}

// nameIn finds the name in a server's text: "… for column `db`.`t`.`c` at row
// 1", "Column 'c' cannot be null", "Field 'c' doesn't have …", "CONSTRAINT `n`
// …", "Check constraint 'n' is violated", "The table 't' is full".
var nameIn = regexp.MustCompile("for (column) (?:`[^`]{1,64}`\\.)*[`']([^`']{1,64})[`'] at row [0-9]+$" +
	"|^(Column|Field) '([^']{1,64})' (?:cannot|doesn't)" +
	"|(CONSTRAINT|constraint) [`']([^`']{1,64})[`']" +
	"|^The (table) '([^']{1,64})' is full$")

// about gives the column, constraint or table that a server's text names.
func about(text string) string {
	m := nameIn.FindStringSubmatch(text)
	for i := 1; i < len(m); i += 2 {
		if m[i] != "" {
			return ": " + strings.Replace(strings.ToLower(m[i]), "field", "column", 1) + " " + m[i+1]
		}
	}
	return ""
}

// undone are the numbers with which a server says that it has rolled back what
// was to be committed.
func undone() []uint16 { return []uint16{1205, 1213, 1290, 1792, 1836, 3101} }

// committed classifies the error of a COMMIT: what the server said was rolled
// back is a plain error, everything else left the outcome unknown.
func committed(err error) error {
	if sent, ok := errors.AsType[*mysql.MySQLError](err); ok && slices.Contains(undone(), sent.Number) {
		return classify(err)
	}
	return fmt.Errorf("%w: %w", ErrUnknownOutcome, err)
}

// sent classifies the error of a statement that commits by itself.
func sent(err error) error {
	if c := classify(err); !errors.Is(c, ErrUnreachable) {
		return c
	}
	return fmt.Errorf("%w: %w", ErrUnknownOutcome, err)
}
