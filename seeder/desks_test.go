package seeder_test

import (
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"saltmine/configs"
	"saltmine/internal/canary"
	"saltmine/internal/deskkit"
	"saltmine/internal/token"
	"saltmine/seeder"
	"saltmine/seeder/recipe"
	"saltmine/seeder/supportdb"
)

// deskWorld is a world on a real help desk's schema and its built-in recipe.
func deskWorld(t *testing.T, kind string) *world {
	t.Helper()
	dsn, db := shared.MariaDB(t).Database(t)
	if err := deskkit.Load(t.Context(), db, kind, 7, 400, 1200); err != nil {
		t.Fatal(err)
	}
	return builtIn(t, dsn, db, strings.Split(kind, "-")[0])
}

// builtIn is a world on a database whose recipe is a built-in one.
func builtIn(t *testing.T, dsn string, db *sql.DB, name string) *world {
	t.Helper()
	rule, err := token.NewRule([]byte("0123456789abcdef"), 64)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{dsn: dsn, db: db, ledger: newLedger(), rule: rule, at: until()}
	support, err := supportdb.Open(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { support.Close() }) // the test is over
	text, err := configs.Recipes.ReadFile("recipes/" + name + ".toml")
	if err != nil {
		t.Fatal(err)
	}
	r, err := recipe.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	if w.desk, err = support.Use(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	w.seeder = w.build(t, w.desk)
	return w
}

// dump reads all rows of all tables, each as one text.
func dump(t *testing.T, db *sql.DB) map[string][]string {
	t.Helper()
	tables, err := db.QueryContext(t.Context(), "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE()")
	if err != nil {
		t.Fatal(err)
	}
	defer tables.Close() // tables.Err tells
	var names []string
	for tables.Next() {
		var name string
		if err := tables.Scan(&name); err != nil {
			t.Fatal(err)
		}
		names = append(names, name)
	}
	if err := tables.Err(); err != nil {
		t.Fatal(err)
	}
	out := map[string][]string{}
	for _, name := range names {
		out[name] = rowsOf(t, db, name)
	}
	return out
}

func rowsOf(t *testing.T, db *sql.DB, table string) []string {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), "SELECT * FROM `"+table+"`")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close() // rows.Err tells
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for rows.Next() {
		cells, into := make([]sql.NullString, len(columns)), make([]any, len(columns))
		for i := range cells {
			into[i] = &cells[i]
		}
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		var line []string
		for i, c := range cells {
			line = append(line, fmt.Sprintf("%s=%v:%s", columns[i], c.Valid, c.String))
		}
		out = append(out, strings.Join(line, "\x1f"))
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	slices.Sort(out)
	return out
}

// fresh gives the rows that one dump has and the other has not.
func fresh(before, after map[string][]string) map[string][]string {
	out := map[string][]string{}
	for table, rows := range after {
		for _, row := range rows {
			if _, was := slices.BinarySearch(before[table], row); !was {
				out[table] = append(out[table], row)
			}
		}
	}
	return out
}

// On every help desk with a recipe: what is planted holds together, shows
// nobody real, can be rotated, verified and taken out without a trace.
func TestDesks(t *testing.T) {
	t.Parallel()
	for _, kind := range deskkit.Kinds() {
		if _, err := configs.Recipes.ReadFile("recipes/" + strings.Split(kind, "-")[0] + ".toml"); err != nil {
			continue
		}
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			w := deskWorld(t, kind)
			before := dump(t, w.db)
			people, err := w.desk.Sample(t.Context(), source(), 10_000, "")
			if err != nil {
				t.Fatal(err)
			}
			report, err := w.seeder.Plant(t.Context(), plan("desk", 12))
			if err != nil || report.Live != 12 {
				t.Fatalf("%+v, %v", report, err)
			}
			planted := fresh(before, dump(t, w.db))
			gone := fresh(dump(t, w.db), before)
			delete(gone, counterOf(kind))
			if len(gone) > 0 {
				t.Errorf("planting changed rows of others: %v", slices.Sorted(maps.Keys(gone)))
			}
			wantNobody(t, planted, people)
			rotated, err := w.seeder.Rotate(t.Context(), seeder.RotateConfig{Kind: canary.Email, Count: 4, PlacebosPerEmail: 2})
			if err != nil || rotated.Rotated != 4 || len(rotated.Findings) > 0 {
				t.Errorf("rotate: %+v, %v", rotated, err)
			}
			if v, err := w.seeder.Verify(t.Context(), seeder.VerifyConfig{}); err != nil || v.Verified != 12 {
				t.Errorf("verify: %+v, %v", v, err)
			}
			out, err := w.seeder.Withdraw(t.Context(), seeder.WithdrawConfig{All: true})
			if err != nil || out.Withdrawn != 12 {
				t.Errorf("withdraw: %+v, %v", out, err)
			}
			after := dump(t, w.db)
			delete(before, counterOf(kind)) // moved on, and left there
			delete(after, counterOf(kind))
			for table, rows := range fresh(before, after) {
				t.Errorf("%d rows are left in %s, such as %q", len(rows), table, rows[0])
			}
			for table, rows := range fresh(after, before) {
				t.Errorf("%d rows of others are gone from %s", len(rows), table)
			}
		})
	}
}

// counterOf is the table in which a help desk counts its numbers itself.
func counterOf(kind string) string {
	if kind == "osticket-sequence" {
		return "ost_sequence"
	}
	return ""
}

// wantNobody makes sure that no planted row holds a real customer's address,
// phone number or whole name.
func wantNobody(t *testing.T, planted map[string][]string, people []supportdb.Row) {
	t.Helper()
	for table, rows := range planted {
		all := strings.ToLower(strings.Join(rows, "\n"))
		for i := range people {
			for _, word := range []string{"email", "phone"} {
				text := strings.ToLower(people[i].Get(word).Text())
				if len(text) > 6 && strings.Contains(all, text) {
					t.Errorf("%s: a real customer's %s was planted: %s", table, word, text)
				}
			}
		}
	}
}
