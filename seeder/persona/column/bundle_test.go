package column_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"saltmine/seeder/persona/column"
)

// Postcodes of which hardly one is met twice go by the town all the same: new ones
// begin as the town's, and other towns have them as often as they have a row's.
func TestBundleBegins(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(3, 4))
	rows := make([][]column.Value, 3000)
	for i := range rows {
		town := r.IntN(40)
		rows[i] = []column.Value{{Text: fmt.Sprintf("Town %c", 'A'+rune(town))}, {Text: fmt.Sprintf("%d%03d", 10+town%20, r.IntN(300))}, {Text: fmt.Sprint(r.IntN(9))}}
	}
	columns := make([]*column.Column, 3)
	for k := range columns {
		values := make([]column.Value, len(rows))
		for i := range rows {
			values[i] = rows[i][k]
		}
		columns[k] = column.Learn(values, 0)
	}
	twins := column.LearnTwins(columns, rows)
	if with := twins.Together(1); len(with) != 1 || with[0] != 0 || len(twins.Together(2)) > 0 {
		t.Fatalf("the code goes with %v, the third column with %v", with, twins.Together(2))
	}
	b := column.NewBundle(columns, []int{0, 1}, rows)
	codes, pairs := map[string]int{}, map[string]int{}
	for _, row := range rows {
		codes[row[1].Text]++
		pairs[row[0].Text+row[1].Text]++
	}
	var single, shared, made, met float64
	for _, row := range rows {
		if pairs[row[0].Text+row[1].Text] > 1 {
			continue
		}
		if single++; codes[row[1].Text] > 1 {
			shared++
		}
		fresh, ok := b.Draw(r, row)
		text := fresh[1].Text
		if !ok || text[:2] != row[1].Text[:2] || text == row[1].Text {
			t.Fatalf("%v became %v, %t", row, fresh, ok)
		}
		if pairs[row[0].Text+text] > 0 {
			t.Fatalf("%v became %v, which others have", row, fresh)
		}
		if made++; codes[text] > 0 {
			met++
		}
	}
	if d := shared/single - met/made; d > 0.1 || d < -0.1 {
		t.Errorf("other towns have %.2f of the codes of single rows, and %.2f of the new ones", shared/single, met/made)
	}
}
