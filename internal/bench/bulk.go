package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// tables are those that a canary has rows in, parents first.
func tables() []string { return []string{"customers", "tickets"} }

// bulkRounds is the least number: a fsync more or less shows in each.
const bulkRounds = 6

// compareBulk measures how fast registered canaries are inserted, beside LOAD
// DATA LOCAL INFILE of the same rows with the same keys. Each of the two finds
// the server as it was kept, page by page. In every other round LOAD DATA comes
// first, with the rows of the round before.
func compareBulk(ctx context.Context, p *plan, w *planter) (comparison, error) {
	c := comparison{what: "bulk insert of canaries, rows", peer: "LOAD DATA LOCAL INFILE", wanted: wantedBulk}
	b, err := newBulk(ctx, w.mariadb)
	if err != nil {
		return c, err
	}
	defer b.remove()
	spent := map[string][]float64{}
	for round := range max(p.rounds, bulkRounds) {
		ours, theirs, err := b.pair(ctx, p, w, round%2 == 1)
		if err != nil {
			return c, err
		}
		inserted := float64(b.count) / ours.Seconds["insert"]
		fmt.Printf("bulk %d: %d rows; saltmine %.0f a second (minting %.1f s, registering %.1f s, inserting %.3f s, amending %.1f s), LOAD DATA %.0f; %.2f\n",
			round+1, b.count, inserted, ours.Seconds["mint"], ours.Seconds["register"], ours.Seconds["insert"], ours.Seconds["amend"], theirs, inserted/theirs)
		c.ours, c.theirs = append(c.ours, inserted), append(c.theirs, theirs)
		for what, seconds := range ours.Seconds {
			spent[what] = append(spent[what], seconds)
		}
	}
	c.note = fmt.Sprintf("beside that, in saltmine: minting %d canaries with 99 placebos each %.1f s, registering them %.1f s, their keys and windows %.1f s",
		p.canaries, median(spent["mint"]), median(spent["register"]), median(spent["amend"]))
	return c, nil
}

// bulk are the canaries' rows: what lies above these keys.
type bulk struct {
	mariadb *mariadb
	above   []int64
	count   int64 // rows in the files
}

func newBulk(ctx context.Context, m *mariadb) (*bulk, error) {
	b := &bulk{mariadb: m}
	for _, table := range tables() {
		last, err := m.number(ctx, "SELECT MAX(id) FROM "+table)
		if err != nil {
			return nil, err
		}
		b.above = append(b.above, last)
	}
	return b, errors.Join(b.loosen(ctx), m.keep(ctx))
}

// loosen makes room in the index of the addresses, as years of sign-ups do: it
// was built at once, without any, and inserting would split each of its pages.
func (b *bulk) loosen(ctx context.Context) error {
	return b.mariadb.run(ctx, desk, `INSERT INTO customers (first_name, last_name, email, country, language, product, created_at, updated_at)
		SELECT first_name, last_name, CONCAT(email, 'x'), country, language, product, created_at, updated_at FROM customers WHERE id % 50 = 0`,
		"DELETE FROM "+b.where(0), "SET GLOBAL innodb_max_purge_lag_wait = 0")
}

// pair plants, and loads the same rows afterwards, or before that those of the
// round before.
func (b *bulk) pair(ctx context.Context, p *plan, w *planter, loadFirst bool) (ours planted, theirs float64, err error) {
	if loadFirst {
		if theirs, err = b.load(ctx); err != nil {
			return ours, theirs, err
		}
	}
	if ours, err = b.plant(ctx, p, w); err != nil || loadFirst {
		return ours, theirs, err
	}
	theirs, err = b.load(ctx)
	return ours, theirs, err
}

func (b *bulk) where(i int) string { return fmt.Sprintf("%s WHERE id > %d", tables()[i], b.above[i]) }

func (b *bulk) file(i int) string { return filepath.Join(b.mariadb.dir, tables()[i]+".tsv") }

// remove removes the files.
func (b *bulk) remove() {
	for i := range b.above {
		_ = os.Remove(b.file(i)) // else the directory's end has it
	}
}

// rows counts the canaries' rows.
func (b *bulk) rows(ctx context.Context) (n int64, err error) {
	for i := range b.above {
		some, err := b.mariadb.number(ctx, "SELECT COUNT(*) FROM "+b.where(i))
		if err != nil {
			return 0, err
		}
		n += some
	}
	return n, nil
}

// plant plants, and writes the rows to the files.
func (b *bulk) plant(ctx context.Context, p *plan, w *planter) (planted, error) {
	if err := b.mariadb.again(ctx); err != nil {
		return planted{}, err
	}
	ours, err := w.plant(ctx, "--bulk", "--force", "--dates", "now", "--count", strconv.Itoa(p.canaries))
	if err != nil {
		return ours, err
	}
	if b.count, err = b.rows(ctx); err != nil {
		return ours, err
	}
	if ours.Live != p.canaries || b.count < int64(p.canaries) {
		return ours, fmt.Errorf("of %d canaries %d stand in %d rows", p.canaries, ours.Live, b.count)
	}
	b.remove()
	var dump []string
	for i := range b.above {
		dump = append(dump, fmt.Sprintf("SELECT * INTO OUTFILE '%s' CHARACTER SET utf8mb4 FROM %s ORDER BY id", b.file(i), b.where(i)))
	}
	return ours, b.mariadb.run(ctx, desk, dump...)
}

// load loads the files. It returns the rows a second, by the server's clock:
// neither side's start counts.
func (b *bulk) load(ctx context.Context) (float64, error) {
	if err := b.mariadb.again(ctx); err != nil {
		return 0, err
	}
	load := []string{"SET @began = SYSDATE(6)"}
	for i, table := range tables() {
		load = append(load, fmt.Sprintf("LOAD DATA LOCAL INFILE '%s' INTO TABLE %s CHARACTER SET utf8mb4", b.file(i), table))
	}
	took, err := b.mariadb.number(ctx, strings.Join(append(load, "SELECT TIMESTAMPDIFF(MICROSECOND, @began, SYSDATE(6))"), ";\n"))
	if err != nil {
		return 0, err
	}
	again, err := b.rows(ctx)
	if err != nil {
		return 0, err
	}
	if again != b.count {
		return 0, fmt.Errorf("of %d rows %d were loaded", b.count, again)
	}
	return float64(b.count) * 1e6 / float64(took), nil
}
