package watch_test

import (
	"testing"
	"time"

	"saltmine/internal/audit"
)

// TestCopiesOutliveTheProcess: who reads a table that another has filled with customers may
// have been given them, whichever process saw it filled; before it was, nobody was.
func TestCopiesOutliveTheProcess(t *testing.T) {
	t.Parallel()
	later := func(by time.Duration) func(*audit.Event) {
		return func(e *audit.Event) { e.Connection, e.At = 2, e.At.Add(by) }
	}
	for name, first := range map[string]bool{"followed": false, "imported": true} {
		for _, second := range []bool{false, true} {
			w := behind(t)
			w.view.Schema.Others = []string{"orders", "tmp", "tmp2"}
			read := func(imported bool) {
				if imported {
					w.imports(false)
				} else {
					w.pass(w.start())
				}
			}
			w.asks("eve", "CREATE TABLE tmp AS "+all)
			read(first)
			w.asks("eve", "RENAME TABLE tmp TO tmp2")
			read(first)
			w.asks("max", "SELECT * FROM tmp2", later(time.Minute))
			w.asks("max", "SELECT * FROM tmp2", later(-5*time.Hour))
			w.asks("max", "SELECT * FROM orders", later(time.Minute))
			read(second)
			if got := sorted(w.filed()); got != "0/40 40/0" {
				t.Errorf("%s, then imported %t: %s", name, second, got)
			}
		}
	}
}
