package replay_test

import (
	"strings"
	"testing"

	"saltmine/internal/audit/replay"
	"saltmine/internal/canary"
)

// TestStatementsOfStrangeSizes: whoever may write a statement may write one of a
// megabyte.
func TestStatementsOfStrangeSizes(t *testing.T) {
	t.Parallel()
	const size = 1 << 20
	many := func(piece string) string { return strings.Repeat(piece, size/len(piece)) }
	for name, text := range map[string]string{
		"parentheses":      "SELECT * FROM customers WHERE " + many("(") + "1",
		"closed":           "SELECT * FROM customers WHERE " + strings.Repeat("(", size/2) + "1" + strings.Repeat(")", size/2),
		"a list":           "SELECT * FROM customers WHERE id IN (" + many("1,") + "5)",
		"texts":            "SELECT * FROM customers WHERE email IN (" + many("'a',") + "'b')",
		"columns":          "SELECT " + many("id,") + "id FROM customers",
		"AND":              "SELECT * FROM customers WHERE " + many("id > 1 AND ") + "1",
		"OR":               "SELECT * FROM customers WHERE " + many("id=1 OR ") + "1",
		"NOT":              "SELECT * FROM customers WHERE " + many("NOT ") + "1",
		"minus":            "SELECT * FROM customers WHERE 1 = " + many("- ") + "1",
		"comments":         "SELECT * FROM customers WHERE 1 " + many("/* */"),
		"run comments":     "SELECT * FROM customers WHERE 1 " + many("/*! 1 */"),
		"in comments":      many("/*!1 "),
		"percents":         "SELECT * FROM customers WHERE email LIKE '" + many("%") + "'",
		"wild":             "SELECT * FROM customers WHERE email LIKE '" + many("%a") + "'",
		"escapes":          "SELECT * FROM customers WHERE email LIKE '" + many(`\%`) + "'",
		"accents":          "SELECT * FROM customers WHERE email LIKE '" + many("%ü") + "'",
		"tables":           "SELECT 1 FROM " + many("customers,") + "customers",
		"joins":            "SELECT 1 FROM customers" + many(" JOIN customers"),
		"unions":           "SELECT 1 FROM customers" + many(" UNION SELECT id FROM customers"),
		"semicolons":       many(";"),
		"statements":       many("SELECT * FROM customers;"),
		"subqueries":       "SELECT * FROM customers WHERE id IN " + many("(SELECT id FROM customers WHERE id IN ") + "(1)",
		"CASE":             "SELECT * FROM customers WHERE " + many("CASE WHEN ") + "1",
		"names":            "SELECT * FROM " + many("a.") + "b",
		"renames":          "RENAME TABLE " + many("a TO b, ") + "customers TO c",
		"dropped views":    "DROP VIEW " + many("v_none,") + "v",
		"quotes":           "SELECT " + many("''"),
		"double quotes":    "SELECT " + many(`"a" `),
		"back quotes":      "SELECT " + many("`a`,") + "1 FROM customers",
		"bytes":            many("\xff\x00'"),
		"common tables":    "WITH " + many("a AS (SELECT id FROM customers),") + "b AS (SELECT 1) SELECT * FROM b",
		"functions":        "SELECT * FROM customers WHERE " + many("LOWER(") + "1",
		"concatenation":    "SELECT * FROM customers WHERE CONCAT(" + many("email,") + "email) = 'x'",
		"CASE of branches": "SELECT * FROM customers WHERE CASE " + many("WHEN id = 4 THEN 1 ") + "END",
		"a number":         "SELECT * FROM customers WHERE id < " + many("9"),
	} {
		t.Run(name, func(t *testing.T) {
			r, at := leavesBook(t)
			r.Replay(&replay.Statement{Text: []byte(text), Database: "help", Began: canary.At(at), Saw: canary.At(at), Sent: -1})
		})
	}
}

// FuzzReplay gives any text to a Replayer: it ends, and calls no canary both
// returned and possible.
func FuzzReplay(f *testing.F) {
	for _, text := range lines(f, "statements.sql") {
		f.Add(text, false)
	}
	for _, text := range lines(f, "conditions.sql") {
		f.Add("SELECT * FROM customers WHERE "+text, true)
	}
	f.Add("RENAME TABLE IF EXISTS a TO b, customers WAIT 5 TO c", false)
	f.Add("ALTER TABLE a EXCHANGE PARTITION p WITH TABLE customers", false)
	f.Add("/*!50001 CREATE VIEW v AS SELECT 1 */; LOAD DATA INFILE 'x' INTO TABLE y", false)
	f.Fuzz(func(t *testing.T, text string, odd bool) {
		r, at := leavesBook(t)
		for range 2 {
			got := r.Replay(&replay.Statement{Text: []byte(text), Database: "help", Began: canary.At(at), Saw: canary.At(at), Sent: -1, Odd: odd})
			if len(got.Returned)+len(got.Possible) > 1 {
				t.Fatalf("one canary, returned %v, possible %v: %q", got.Returned, got.Possible, text)
			}
		}
		r.Replay(&replay.Statement{Text: []byte("SELECT * FROM agents JOIN v_none"), Database: "help", Began: canary.At(at), Saw: canary.At(at), Sent: -1})
	})
}
