package watch_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"saltmine/internal/audit"
)

// TestTablesWithoutStatements: who is known to have read the customers, and not by what,
// may have read them all; who reads other tables, or by a statement that the log has, is as
// ever.
func TestTablesWithoutStatements(t *testing.T) {
	t.Parallel()
	reads := func(table string, sequence uint64) func(*audit.Event) {
		return func(e *audit.Event) { e.Kind, e.Object, e.Sequence = audit.Read, table, sequence }
	}
	ends := func(e *audit.Event) { e.Kind = audit.Disconnect }
	numbered := func(n uint64) func(*audit.Event) { return func(e *audit.Event) { e.Sequence = n } }
	const one = "SELECT * FROM customers WHERE id = 100"
	for name, c := range map[string]struct {
		do   func(w *world)
		want string
	}{
		"until the end of the session": {func(w *world) { w.asks("eve", "", reads("customers", 1)); w.asks("eve", "", ends) }, "0/40"},
		"in a log that goes on": {func(w *world) {
			w.asks("eve", "", reads("customers", 1))
			w.asks("max", "SELECT 1", func(e *audit.Event) { e.Connection, e.At = 2, e.At.Add(2*time.Hour) })
		}, "0/40"},
		"two tables of one": {func(w *world) {
			w.asks("eve", "", reads("orders", 1))
			w.asks("eve", "", reads("customers", 1))
			w.asks("eve", "", ends)
		}, "0/40"},
		"a database that is not told": {func(w *world) {
			w.asks("eve", "", reads("customers", 1), func(e *audit.Event) { e.Database = "" })
			w.asks("eve", "", ends)
		}, "0/40"},
		"more tables than are held": {func(w *world) {
			for n := range 64 {
				w.asks("eve", "", reads(fmt.Sprintf("t%d", n), 1))
			}
			w.asks("eve", "", reads("customers", 1))
			w.asks("eve", "", ends)
		}, "0/40"},
		"another table": {func(w *world) { w.asks("eve", "", reads("orders", 1)); w.asks("eve", "", ends) }, ""},
		"with its statement": {func(w *world) {
			w.asks("eve", "", reads("customers", 1))
			w.asks("eve", one, numbered(1))
			w.asks("eve", "", ends)
		}, "1/0"},
		"before its statement": {func(w *world) { w.asks("eve", "", reads("customers", 2)); w.asks("eve", one, numbered(2)) }, "1/0"},
		"inside of another": {func(w *world) {
			w.asks("eve", "", reads("customers", 2))
			w.asks("eve", one, numbered(2))
			w.asks("eve", "CALL one(100)", numbered(1))
			w.asks("eve", "", ends)
		}, "1/0 0/40"},
		"a backup": {func(w *world) { w.asks("backup", "", reads("customers", 1)); w.asks("backup", "", ends) }, ""},
		"a log of tables alone": {func(w *world) {
			for n := range uint64(70) {
				w.asks("eve", "", reads("customers", n+1))
			}
		}, strings.TrimSpace(strings.Repeat("0/40 ", 62))},
	} {
		for _, imported := range []bool{false, true} {
			w := behind(t)
			c.do(w)
			if imported {
				w.imports(false)
			} else {
				w.pass(w.start())
			}
			want := c.want
			if imported && strings.Count(want, "0/40") == 62 {
				want += strings.Repeat(" 0/40", 8) // the log is at its end
			}
			if got := sorted(w.filed()); got != sorted(want) {
				t.Errorf("%s, imported %t: %s, want %s", name, imported, got, want)
			}
		}
	}
}

// TestTablesOutliveTheProcess: what waits for its statement does so after a restart, and
// what never came is filed then.
func TestTablesOutliveTheProcess(t *testing.T) {
	t.Parallel()
	for want, end := range map[string]func(*audit.Event){
		"0/40": func(e *audit.Event) { e.Kind = audit.Disconnect },
		"1/0": func(e *audit.Event) {
			e.Sequence, e.Text = 1, []byte("SELECT * FROM customers WHERE id = 100")
		},
	} {
		w := behind(t)
		w.asks("eve", "", func(e *audit.Event) { e.Kind, e.Object, e.Sequence = audit.Read, "customers", 1 })
		w.pass(w.start())
		if got := w.filed(); got != "" {
			t.Errorf("before: %s", got)
		}
		w.asks("eve", "", end)
		w.pass(w.start())
		if got := w.filed(); got != want {
			t.Errorf("after a restart %q, want %q", got, want)
		}
	}
}

func sorted(list string) string {
	words := strings.Fields(list)
	slices.Sort(words)
	return strings.Join(words, " ")
}
