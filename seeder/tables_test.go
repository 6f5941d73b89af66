package seeder_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"

	"saltmine/internal/canary"
	"saltmine/internal/deskkit"
	"saltmine/seeder"
)

// deskBehindWire is a help desk whose seeder reaches the server through a wire.
func deskBehindWire(t *testing.T, kind string) (*world, *wire) {
	t.Helper()
	dsn, db := shared.MariaDB(t).Database(t)
	if err := deskkit.Load(t.Context(), db, kind, 7, 400, 1200); err != nil {
		t.Fatal(err)
	}
	cfg, err := mysql.ParseDSN(dsn)
	if err != nil {
		t.Fatal(err)
	}
	cut := newWire(t, cfg.Addr)
	cfg.Addr = cut.addr
	return builtIn(t, cfg.FormatDSN(), db, kind), cut
}

// tablesOf are the tables that statements update.
func tablesOf(statements []string) (out []string) {
	for _, s := range statements {
		if _, rest, ok := strings.Cut(s, "UPDATE `"); ok {
			name, _, _ := strings.Cut(rest, "`")
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// A new address changes rows of several tables: the customer's, that of the
// addresses, the login that is the same. The connection is lost in the first of them, in the
// last and in COMMIT, before and after the server has it: all rows change or none
// does, the registry knows which, and nothing is left after the withdrawal.
func TestRotateOfTablesLosesAnswers(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"glpi", "suitecrm", "osticket"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			w, cut := deskBehindWire(t, kind)
			before := dump(t, w.db)
			if _, err := w.seeder.Plant(t.Context(), plan("base", 4)); err != nil {
				t.Fatal(err)
			}
			dry, err := w.seeder.Rotate(t.Context(), seeder.RotateConfig{Kind: canary.Email, PlacebosPerEmail: 1, DryRun: true, Seed: []byte("dry")})
			tables := tablesOf(dry.Statements)
			if err != nil || len(tables) < 2 {
				t.Fatalf("a new address changes %v, %v", tables, err)
			}
			for n, statement := range []string{"UPDATE `" + tables[0], "UPDATE `" + tables[len(tables)-1], "COMMIT"} {
				for _, answer := range []bool{false, true} {
					cut.answer.Store(answer)
					cut.cuts.Store(1)
					cut.prefix.Store(statement)
					cfg := rotation(canary.Email, fmt.Sprint(n, answer))
					report, err := w.seeder.Rotate(t.Context(), cfg)
					if cut.prefix.Store(""); cut.cuts.Load() > 0 {
						t.Fatalf("%s was never sent: %+v, %v", statement, report, err)
					}
					if err != nil { // a connection that was lost before COMMIT: the next run goes on
						report, err = w.seeder.Rotate(t.Context(), cfg)
					}
					v, err2 := w.seeder.Verify(t.Context(), seeder.VerifyConfig{})
					if err != nil || report.Finished+report.Rotated == 0 || err2 != nil || v.Verified != 4 {
						t.Errorf("%s answer=%v: %+v, %v; verify %+v, %v", statement, answer, report, err, v, err2)
					}
				}
			}
			w.wantOneOpen(t)
			if out, err := w.seeder.Withdraw(t.Context(), seeder.WithdrawConfig{All: true}); err != nil || out.Withdrawn != 4 {
				t.Errorf("withdraw: %+v, %v", out, err)
			}
			for table, rows := range fresh(before, dump(t, w.db)) {
				t.Errorf("%d rows are left in %s, such as %q", len(rows), table, rows[0])
			}
		})
	}
}

// wantOneOpen checks that every canary has exactly one address that can be read.
func (w *world) wantOneOpen(t *testing.T) {
	t.Helper()
	all, err := w.ledger.Plantings(t.Context(), canary.Filter{States: []canary.State{canary.Planted, canary.Verified}})
	if err != nil || len(all) != 4 {
		t.Fatalf("%d canaries, %v", len(all), err)
	}
	for _, p := range all {
		open := 0
		for _, tok := range p.Tokens {
			if tok.Kind == canary.Email && tok.Window.Until.IsZero() {
				open++
			}
		}
		if open != 1 {
			t.Errorf("canary %s has %d open addresses", p.ID, open)
		}
	}
}
