package supportdb

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"
	"time"

	"saltmine/seeder/recipe"
)

// Rerun is a SELECT of somebody else's that is run again, in a transaction that can
// change nothing.
type Rerun struct {
	Text string
	// At is what NOW() gives, in the time zone that the session then has; zero is the
	// present, in UTC.
	At time.Time
	// Rows bounds how many rows are read.
	Rows int
	// Plan is shown the server's plan before a row is read; an error of it ends the
	// rerun.
	Plan func(lines []string) error
	// Each takes a row: its columns' names, and its values.
	Each func(columns []string, values []Value) error
}

// ErrRows says that a statement has more rows than were allowed.
var ErrRows = errors.New("it has more rows than are allowed")

// Rerun runs it. The server ends it after the time of [Load.Statement].
func (d *DB) Rerun(ctx context.Context, r Rerun) error {
	conn, err := d.read.Conn(ctx)
	if err != nil {
		return fmt.Errorf("run a statement again: %w", classify(err))
	}
	defer func() { // the session is set as no other is
		_ = conn.Raw(func(any) error { return driver.ErrBadConn })
		_ = conn.Close()
	}()
	if err := r.run(ctx, conn); err != nil {
		return fmt.Errorf("run a statement again: %w", err)
	}
	return nil
}

func (r *Rerun) run(ctx context.Context, conn *sql.Conn) error {
	set := fmt.Sprintf("SET SESSION sql_mode = DEFAULT, sql_select_limit = %d", r.Rows+1)
	if !r.At.IsZero() {
		set += fmt.Sprintf(", time_zone = '%s', timestamp = %d", r.At.Format("-07:00"), r.At.Unix())
	}
	if _, err := conn.ExecContext(ctx, set); err != nil {
		return classify(err)
	}
	tx, err := conn.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return classify(err)
	}
	defer tx.Rollback() //nolint:errcheck // nothing was changed
	var plan []string
	if err := rowsInto(ctx, tx, "EXPLAIN "+r.Text, func(columns []string, values []Value) error {
		var cells []string
		for i, c := range columns {
			cells = append(cells, c+"="+values[i].Text())
		}
		plan = append(plan, strings.Join(cells, "  "))
		return nil
	}); err != nil {
		return fmt.Errorf("its plan: %w", err)
	}
	if err := r.Plan(plan); err != nil {
		return err
	}
	n := 0
	return rowsInto(ctx, tx, r.Text, func(columns []string, values []Value) error {
		if n++; n > r.Rows {
			return ErrRows
		}
		return r.Each(columns, values)
	})
}

func rowsInto(ctx context.Context, tx *sql.Tx, text string, each func([]string, []Value) error) error {
	rows, err := tx.QueryContext(ctx, text)
	if err != nil {
		return classify(err)
	}
	defer rows.Close() //nolint:errcheck // rows.Err tells
	columns, err := rows.Columns()
	if err != nil {
		return classify(err)
	}
	for rows.Next() {
		row, err := scanRow(rows, columns)
		if err != nil {
			return err
		}
		if err := each(columns, row.Values); err != nil {
			return err
		}
	}
	return classify(rows.Err())
}

// KeysOf finds the customers who hold values of a fact that stands in their own row, by
// value as it is stored.
func (d *Desk) KeysOf(ctx context.Context, word string, values []string) (map[string]string, error) {
	at, known := d.Fact(word)
	p := d.Part(recipe.CustomerPart)
	out := map[string]string{}
	if !known || at.Part != p.Name {
		return out, nil
	}
	for len(values) > 0 {
		n := min(len(values), recordGroup)
		rows, err := d.rowsBy(ctx, p, []string{p.Key[0], at.Column}, at.Column, values[:n], "")
		if err != nil {
			return nil, fmt.Errorf("look for customers: %w", err)
		}
		for i := range rows {
			out[rows[i].Values[1].Text()] = rows[i].Values[0].Text()
		}
		values = values[n:]
	}
	return out, nil
}

// KeyColumns are the columns that hold a customer's key, the customer's own first: table and
// column.
func (d *Desk) KeyColumns() (list [][2]string) {
	own := d.Part(recipe.CustomerPart)
	list = append(list, [2]string{own.Table.Name, own.Key[0]})
	for _, p := range d.Parts() {
		if p.Of != recipe.CustomerPart || len(p.Link) != 1 || p.Filter != "" || p.Name == recipe.TicketPart && len(d.recipe.Ticket.Through) > 0 {
			continue
		}
		for column, target := range p.Link {
			if target == own.Key[0] {
				list = append(list, [2]string{p.Table.Name, column})
			}
		}
	}
	return list
}
