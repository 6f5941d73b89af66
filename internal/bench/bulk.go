package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// tables are those that a canary has rows in, parents first.
func tables() []string { return []string{"customers", "tickets"} }

// bulkRounds is the least number: a fsync more or less shows in each.
const bulkRounds = 5

// compareBulk measures how fast registered canaries are inserted, beside LOAD
// DATA LOCAL INFILE of the same rows into the same tables: they are written to
// files, deleted and loaded again. Ours go first, so that pages of the indexes
// which they had to split or fetch are ready for LOAD DATA and not for us.
func compareBulk(ctx context.Context, p *plan, w *planter) (comparison, error) {
	c := comparison{what: "bulk insert of canaries, rows", peer: "LOAD DATA LOCAL INFILE"}
	spent := map[string][]float64{}
	for round := range max(p.rounds, bulkRounds) {
		b, err := w.newBulk(ctx)
		if err != nil {
			return c, err
		}
		ours, err := w.plant(ctx, "--bulk", "--force", "--dates", "now", "--count", strconv.Itoa(p.canaries))
		if err != nil {
			return c, err
		}
		rows, err := b.rows(ctx)
		if err != nil {
			return c, err
		}
		if ours.Live != p.canaries || rows < int64(p.canaries) {
			return c, fmt.Errorf("of %d canaries %d stand in %d rows", p.canaries, ours.Live, rows)
		}
		loading, err := b.reload(ctx, rows)
		if err != nil {
			return c, err
		}
		inserting := ours.Seconds["insert"]
		fmt.Printf("bulk %d: %d rows; saltmine %.2f s (minting %.1f s, registering %.1f s, amending %.1f s), LOAD DATA %.2f s\n", round+1, rows, inserting, ours.Seconds["mint"], ours.Seconds["register"], ours.Seconds["amend"], loading)
		c.ours, c.theirs = append(c.ours, float64(rows)/inserting), append(c.theirs, float64(rows)/loading)
		for what, seconds := range ours.Seconds {
			spent[what] = append(spent[what], seconds)
		}
	}
	c.note = fmt.Sprintf("beside that, in saltmine: minting %d canaries with 99 placebos each %.1f s, registering them %.1f s, their keys and windows %.1f s",
		p.canaries, median(spent["mint"]), median(spent["register"]), median(spent["amend"]))
	return c, nil
}

// bulk is one round: what lies above these keys is the canaries'.
type bulk struct {
	mariadb *mariadb
	above   []int64
}

func (w *planter) newBulk(ctx context.Context) (*bulk, error) {
	b := &bulk{mariadb: w.mariadb}
	for _, table := range tables() {
		last, err := w.mariadb.number(ctx, "SELECT MAX(id) FROM "+table)
		if err != nil {
			return nil, err
		}
		b.above = append(b.above, last)
	}
	return b, nil
}

func (b *bulk) where(i int) string { return fmt.Sprintf("%s WHERE id > %d", tables()[i], b.above[i]) }

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

// reload deletes the rows, loads them again and deletes them for good. It
// returns the seconds that loading took, by the server's clock: neither side's
// start counts.
func (b *bulk) reload(ctx context.Context, rows int64) (float64, error) {
	var dump, load []string
	for i, table := range tables() {
		file := filepath.Join(b.mariadb.dir, table+".tsv")
		dump = append(dump, fmt.Sprintf("SELECT * INTO OUTFILE '%s' CHARACTER SET utf8mb4 FROM %s ORDER BY id", file, b.where(i)))
		load = append(load, fmt.Sprintf("LOAD DATA LOCAL INFILE '%s' INTO TABLE %s CHARACTER SET utf8mb4", file, table))
		defer os.Remove(file) //nolint:errcheck // the directory is removed at the end
	}
	away := []string{"DELETE FROM " + b.where(1), "DELETE FROM " + b.where(0), "SET GLOBAL innodb_max_purge_lag_wait = 0"}
	if err := b.mariadb.run(ctx, desk, append(dump, away...)...); err != nil {
		return 0, err
	}
	load = append(append([]string{"SET @began = SYSDATE(6)"}, load...), "SELECT TIMESTAMPDIFF(MICROSECOND, @began, SYSDATE(6))")
	took, err := b.mariadb.number(ctx, strings.Join(load, ";\n"))
	if err != nil {
		return 0, err
	}
	again, err := b.rows(ctx)
	if err != nil {
		return 0, err
	}
	if again != rows {
		return 0, fmt.Errorf("of %d rows %d were loaded", rows, again)
	}
	return float64(took) / 1e6, b.mariadb.run(ctx, desk, away...)
}
