package replay_test

import (
	"flag"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"saltmine/internal/audit/replay"
	"saltmine/internal/canary"
)

var (
	rounds = flag.Int("replay.rounds", 15, "how often TestReplayAgreesWithMariaDB draws a statement of each shape")
	seed   = flag.Uint64("replay.seed", 1, "what it draws from")
)

// tally counts the pairs of a shape.
type tally struct{ truly, ours, possible, statements, failed int }

// TestReplayAgreesWithMariaDB runs generated statements on a real server and
// compares what replay says with the keys that the server returned.
func TestReplayAgreesWithMariaDB(t *testing.T) {
	t.Parallel()
	w := newWorld(t, *seed)
	r, err := replay.New(w.schema, w.rows)
	if err != nil {
		t.Fatal(err)
	}
	shapes := map[string]*tally{}
	for range *rounds {
		for _, s := range w.statements() {
			w.compare(t, r, s, shapes)
		}
	}
	report(t, shapes)
}

func (w *world) compare(t *testing.T, r *replay.Replayer, s statement, shapes map[string]*tally) {
	t.Helper()
	before := w.now(t)
	list, err := w.ask(t.Context(), s.text)
	after := w.now(t)
	n := shapes[s.shape]
	if n == nil {
		n = &tally{}
		shapes[s.shape] = n
	}
	n.statements++
	if err != nil {
		n.failed++
		t.Logf("%s: %v", s.text, err)
		return
	}
	got := r.Replay(&replay.Statement{
		Text: []byte(s.text), Database: w.database, Began: canary.Between(before, after), Saw: canary.Between(before, after), Sent: -1,
	})
	truth := w.returned(list)
	for _, id := range truth {
		if !slices.Contains(got.Returned, id) && !slices.Contains(got.Possible, id) {
			t.Errorf("the server returned %s, excluded by replay: %s", id, s.text)
		}
	}
	for _, id := range got.Returned {
		if !slices.Contains(truth, id) {
			t.Errorf("replay says that %s was returned, which it was not: %s", id, s.text)
		}
	}
	either := map[canary.ID]bool{}
	for _, id := range slices.Concat(truth, got.Returned, got.Possible) {
		either[id] = true
	}
	n.truly += len(truth)
	n.ours += len(either)
	n.possible += len(got.Possible)
}

func report(t *testing.T, shapes map[string]*tally) (all tally) {
	t.Helper()
	var b strings.Builder
	for _, shape := range slices.Sorted(maps.Keys(shapes)) {
		n := shapes[shape]
		fmt.Fprintf(&b, "%-24s %4d statements, %2d failed, %6d pairs returned, %6d in all, %6d possible (%.1f %%)\n",
			shape, n.statements, n.failed, n.truly, n.ours, n.possible, 100*float64(n.possible)/float64(max(n.ours, 1)))
		all.truly, all.ours, all.possible = all.truly+n.truly, all.ours+n.ours, all.possible+n.possible
	}
	t.Logf("\n%spairs: %d returned, %d in all, %d possible (%.1f %%)", b.String(), all.truly, all.ours, all.possible, 100*float64(all.possible)/float64(all.ours))
	return all
}
