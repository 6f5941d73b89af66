package supportdb

import (
	"context"
	"database/sql"
	"fmt"

	"saltmine/seeder/recipe"
)

// moveOn is the statement that moves the help desk's counter of ticket numbers
// behind those of the images, if it does not stand there already: else the help
// desk would give one of them to a customer. It is not ok without a counter, or
// when no number lies before it.
func (d *Desk) moveOn(images []Image) (s statement, ok bool) {
	next := int64(0)
	for i := range images {
		next = max(next, images[i].Next)
	}
	if d.counter == nil || next == 0 {
		return s, false
	}
	c := d.recipe.Ticket.Counter
	column := quote(spelling(d.counter, c.Column))
	return statement{
		query: "UPDATE " + quote(d.counter.Name) + " SET " + column + " = ? WHERE (" + d.recipe.Condition(c.Filter) + ") AND " + column + " < ?",
		args:  []any{next, next},
	}, true
}

// reserve moves the counter on, first of all in the transaction: until the end
// of it the help desk waits for the row. Numbers that it gave since they were
// drawn are ErrDuplicate, where no unique key says so. Rows before begun stand already.
func (d *Desk) reserve(ctx context.Context, tx *sql.Tx, images []Image, begun int) error {
	s, ok := d.moveOn(images)
	if !ok {
		return nil
	}
	result, err := tx.ExecContext(ctx, s.query, s.args...)
	if err != nil {
		return fmt.Errorf("counter: %w", classify(err))
	}
	if n, err := result.RowsAffected(); err != nil || n > 1 {
		return fmt.Errorf("counter: %w: its filter chooses %d rows", ErrSchema, n)
	}
	at, _ := d.TicketFact("number")
	t := d.Part(recipe.TicketPart).Table
	if t.Unique(at.Column) {
		return nil
	}
	var numbers []any
	for _, image := range images {
		for _, n := range image.Tickets() {
			if n >= begun {
				numbers = append(numbers, image.Get(n, at).arg())
			}
		}
	}
	if len(numbers) == 0 {
		return nil
	}
	var taken int
	q := "SELECT COUNT(*) FROM " + quote(t.Name) + " WHERE " + quote(at.Column) + " IN (" + marks(len(numbers)) + ")"
	if err := tx.QueryRowContext(ctx, q, numbers...).Scan(&taken); err != nil {
		return fmt.Errorf("counter: %w", classify(err))
	}
	if taken > 0 {
		return fmt.Errorf("ticket number: %w", ErrDuplicate)
	}
	return nil
}

// probeCounter makes sure that the user may move the counter on.
func (d *Desk) probeCounter(ctx context.Context, tx *sql.Tx) error {
	if d.counter == nil {
		return nil
	}
	column := quote(d.recipe.Ticket.Counter.Column)
	q := "UPDATE " + quote(d.counter.Name) + " SET " + column + " = " + column + " WHERE 1 = 0 AND (" + d.recipe.Condition(d.recipe.Ticket.Counter.Filter) + ")" //nolint:gosec // names are quoted, the condition is the recipe's
	if _, err := tx.ExecContext(ctx, q); err != nil {
		return fmt.Errorf("UPDATE on %s: %w", d.counter.Name, classify(err))
	}
	return nil
}
