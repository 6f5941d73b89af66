package replay_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"saltmine/internal/audit/replay"
)

// TestStatementsThatServersAnswerTheirOwnWay asks a real server what is in
// testdata, and compares.
func TestStatementsThatServersAnswerTheirOwnWay(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 77)
	r, err := replay.New(w.schema, w.rows)
	if err != nil {
		t.Fatal(err)
	}
	shapes := map[string]*tally{}
	for _, condition := range lines(t, "conditions.sql") {
		w.compare(t, r, statement{"conditions", "SELECT id kc FROM customers WHERE " + condition}, shapes)
		w.compare(t, r, statement{"conditions that do not hold", "SELECT id kc FROM customers WHERE NOT (" + condition + "\n)"}, shapes)
	}
	for _, text := range lines(t, "statements.sql") {
		w.compare(t, r, statement{"statements", text}, shapes)
	}
	report(t, shapes)
	for shape, n := range shapes {
		if n.failed > n.statements/10 || n.truly == 0 {
			t.Errorf("%s: %d of %d statements are not understood by the server, %d pairs", shape, n.failed, n.statements, n.truly)
		}
	}
}

// lines are those of a file that are neither empty nor a comment.
func lines(t testing.TB, name string) (list []string) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		if line = strings.TrimSuffix(line, "\n"); line != "" && line[0] != '#' {
			list = append(list, line)
		}
	}
	return list
}
