package replay_test

import (
	"fmt"
	"strconv"
	"strings"
)

// quote writes a text as a client does.
func quote(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`, "\x00", `\0`).Replace(s) + "'"
}

// literal draws a value of a column as it may be asked for: as it stands, in
// another case, with spaces, cut, or of another type.
func (w *world) literal(column string) string {
	list := w.values[column]
	v := list[w.rng.IntN(len(list))]
	switch w.rng.IntN(9) {
	case 0:
		v = strings.ToUpper(v)
	case 1:
		v = strings.ToLower(v)
	case 2:
		v += " "
	case 3:
		v = strings.TrimSpace(v)
	case 4:
		v = strings.NewReplacer("ü", "u", "ë", "e", "ß", "ss", "Ł", "L", "y", "i", "w", "v", "é", "e").Replace(v)
	case 5:
		if n, err := strconv.Atoi(v); err == nil {
			return strconv.Itoa(n + w.rng.IntN(40))
		}
	}
	if _, err := strconv.ParseFloat(v, 64); err == nil && w.rng.IntN(2) == 0 && !strings.Contains(v, " ") && v != "" {
		return strings.TrimPrefix(v, "+")
	}
	return quote(v)
}

func (w *world) pattern(column string) string {
	list := w.values[column]
	v := []rune(list[w.rng.IntN(len(list))])
	from := w.rng.IntN(len(v) + 1)
	to := from + w.rng.IntN(len(v)-from+1)
	piece := string(v[from:to])
	if w.rng.IntN(4) == 0 {
		piece = strings.ToUpper(piece)
	}
	piece = strings.ReplaceAll(piece, `\`, "")
	switch w.rng.IntN(6) {
	case 0:
		return quote(string(v[:to]) + "%")
	case 1:
		return quote("%" + string(v[from:]))
	case 2:
		return quote(strings.Replace(piece, "e", "_", 1) + "%")
	case 3:
		return "'" + strings.NewReplacer(`'`, `''`, "_", `\_`, "%", `\%`).Replace(piece) + "%'"
	default:
		return quote("%" + piece + "%")
	}
}

var texts = []string{"email", "name", "phone", "country", "ref", "code", "old", "lit", "raw", "status", "cs", "ucs", "wide", "fixed", "kinds"}

// all are columns of any type.
var all = append([]string{"id", "score", "balance", "rate", "born", "created", "due", "fine", "zf", "yr", "big", "flag"}, texts...)

// operand is a column, a value, or one of several.
func (w *world) operand(c string) string {
	col := func() string { return c + all[w.rng.IntN(len(all))] }
	lit := func() string { return w.literal("customers." + all[w.rng.IntN(len(all))]) }
	switch w.rng.IntN(14) {
	case 0:
		return fmt.Sprintf("IF(%sscore > 50, %s, %s)", c, col(), w.pick(col(), lit()))
	case 1:
		return fmt.Sprintf("COALESCE(%s, %s)", col(), w.pick(col(), lit()))
	case 2:
		return fmt.Sprintf("CASE WHEN %sid %% 2 = 1 THEN %s WHEN %sscore > 30 THEN %s ELSE %s END", c, col(), c, w.pick(col(), lit()), w.pick(col(), lit(), "NULL"))
	case 3:
		return fmt.Sprintf("%s(%s)", w.pick("LOWER", "UPPER", "TRIM", "REVERSE", "LENGTH", "CHAR_LENGTH", "BINARY", "LTRIM", "DATE", "YEAR"), col())
	case 4:
		return fmt.Sprintf("CONCAT(%s, %s)", col(), w.pick(col(), lit()))
	case 5:
		return fmt.Sprintf("%s %s %s", col(), w.pick("+", "-", "%"), w.pick(strconv.Itoa(1+w.rng.IntN(30)), lit()))
	case 6:
		return fmt.Sprintf("%s(%s, %d)", w.pick("LEFT", "RIGHT", "SUBSTR", "IFNULL", "MOD"), col(), w.rng.IntN(6)-1)
	case 7, 8, 9:
		return lit()
	default:
		return col()
	}
}

// wild is a condition of whatever types meet in it.
func (w *world) wild(c string) string {
	a, b, d := w.operand(c), w.operand(c), w.operand(c)
	switch w.rng.IntN(9) {
	case 0:
		return fmt.Sprintf("%s%s (%s, %s)", a, w.pick(" IN", " NOT IN"), b, d)
	case 1:
		return fmt.Sprintf("%s%sBETWEEN %s AND %s", a, w.pick(" ", " NOT "), b, d)
	case 2:
		return fmt.Sprintf("%s%sLIKE %s", a, w.pick(" ", " NOT "), w.pick(b, w.pattern("customers."+texts[w.rng.IntN(len(texts))])))
	case 3:
		return fmt.Sprintf("%s IS %s", a, w.pick("NULL", "NOT NULL", "TRUE", "NOT TRUE", "FALSE", "NOT FALSE"))
	case 4:
		return fmt.Sprintf("(%s, %s) = (%s, %s)", a, b, d, w.operand(c))
	default:
		return fmt.Sprintf("%s %s %s", a, w.pick("=", "<>", "<", ">", "<=", ">=", "<=>"), b)
	}
}

// bare joins conditions without parentheses.
func (w *world) bare(c string) string {
	var b strings.Builder
	for i := range 2 + w.rng.IntN(3) {
		if i > 0 {
			b.WriteString(w.pick(" AND ", " OR ", " XOR ", " AND NOT ", " OR NOT "))
		}
		fmt.Fprintf(&b, w.pick("%sscore > %d", "NOT %sid %% 3 = %d", "%sscore IS NULL = %d", "%sid - -%d > 400", "%sscore BETWEEN %d AND 60",
			"!%sscore = %d", "%sscore = %d IS NULL", "%sscore %% 2 = 1 = %d", "NOT %sscore BETWEEN %d AND 50", "%scountry = 'us' = %d", "-%sscore < -%d"), c, w.rng.IntN(60))
	}
	return b.String()
}

// atom is a condition on a customer.
func (w *world) atom(c string) string {
	if w.rng.IntN(3) == 0 {
		return w.wild(c)
	}
	col := texts[w.rng.IntN(len(texts))]
	of := c + col
	op := w.pick("=", "=", "=", "<>", "<", ">", "<=", ">=", "<=>")
	switch w.rng.IntN(24) {
	case 0, 1, 2:
		return of + " " + op + " " + w.literal("customers."+col)
	case 3, 4:
		return of + w.pick(" LIKE ", " LIKE ", " NOT LIKE ") + w.pattern("customers."+col)
	case 5:
		return fmt.Sprintf("%s%s (%s, %s, %s)", of, w.pick(" IN ", " NOT IN "), w.literal("customers."+col), w.literal("customers."+col), w.literal("customers."+col))
	case 6:
		return fmt.Sprintf("%s%s%s AND %s", of, w.pick(" BETWEEN ", " NOT BETWEEN "), w.literal("customers."+col), w.literal("customers."+col))
	case 7:
		return c + w.pick("phone", "name", "score", "ref", "born") + w.pick(" IS NULL", " IS NOT NULL")
	case 8, 9:
		return fmt.Sprintf("%sid %s %s", c, op, w.literal("customers.id"))
	case 10:
		return fmt.Sprintf("%sid %% 7 = %d", c, w.rng.IntN(7))
	case 11:
		return fmt.Sprintf("%sscore %s %s", c, op, w.literal("customers.score"))
	case 12:
		return fmt.Sprintf("%sbalance %s %s", c, op, w.literal("customers.balance"))
	case 13:
		return fmt.Sprintf("%screated %s NOW() - INTERVAL %d %s", c, w.pick("<", ">", ">=", "<="), 1+w.rng.IntN(12), w.pick("DAY", "WEEK", "MONTH", "HOUR"))
	case 14:
		return fmt.Sprintf("%screated %s DATE_SUB(CURDATE(), INTERVAL %d DAY)", c, w.pick("<", ">"), w.rng.IntN(100))
	case 15:
		return w.pick("YEAR", "MONTH", "DAY", "HOUR") + fmt.Sprintf("(%screated) = %d", c, w.rng.IntN(12))
	case 16:
		return fmt.Sprintf("DATE(%screated) %s %s", c, w.pick("=", "<", ">"), w.literal("customers.born"))
	case 17:
		return fmt.Sprintf("%sborn %s %s", c, op, w.literal("customers.born"))
	case 18:
		return w.textFunction(c)
	case 19:
		return fmt.Sprintf("%sseen > NOW() - INTERVAL %d DAY", c, w.rng.IntN(14))
	case 20:
		return fmt.Sprintf("%srate %s %s", c, op, w.literal("customers.rate"))
	case 21:
		return fmt.Sprintf("%sphone + 0 > %d", c, w.rng.IntN(200))
	case 22:
		return fmt.Sprintf("(%sid, %scountry) = (%s, %s)", c, c, w.literal("customers.id"), w.literal("customers.country"))
	default:
		return fmt.Sprintf("COALESCE(%sscore, 7) = 7 OR %sname REGEXP '^A'", c, c)
	}
}

func (w *world) textFunction(c string) string {
	email, name := w.literal("customers.email"), w.literal("customers.name")
	switch w.rng.IntN(12) {
	case 0:
		return fmt.Sprintf("LOWER(%semail) = %s", c, email)
	case 1:
		return fmt.Sprintf("UPPER(%sname) LIKE %s", c, w.pattern("customers.name"))
	case 2:
		return fmt.Sprintf("SUBSTRING_INDEX(%semail, '@', -1) = 'example.org'", c)
	case 3:
		return fmt.Sprintf("LEFT(%semail, 2) = LEFT(%s, 2)", c, email)
	case 4:
		return fmt.Sprintf("CONCAT(%sname, ' ', %scountry) = %s", c, c, name)
	case 5:
		return fmt.Sprintf("CHAR_LENGTH(%semail) > %d", c, 10+w.rng.IntN(12))
	case 6:
		return fmt.Sprintf("TRIM(%sref) = %s", c, w.literal("customers.ref"))
	case 7:
		return fmt.Sprintf("IFNULL(%sphone, '') = ''", c)
	case 8:
		return fmt.Sprintf("BINARY %sref = %s", c, w.literal("customers.ref"))
	case 9:
		return fmt.Sprintf("%sname COLLATE utf8mb4_bin = %s", c, name)
	case 10:
		return fmt.Sprintf("SUBSTR(%semail, %d, 3) = SUBSTR(%s, 2, 3)", c, w.rng.IntN(4), email)
	default:
		return fmt.Sprintf("CASE WHEN %sscore > 50 THEN %scountry = 'US' ELSE %sstatus = 'new' END", c, c, c)
	}
}

// where joins atoms.
func (w *world) where(c string) string {
	switch w.rng.IntN(8) {
	case 7:
		return w.bare(c)
	case 0:
		return "(" + w.atom(c) + ") AND (" + w.atom(c) + ")"
	case 1:
		return "(" + w.atom(c) + ") OR (" + w.atom(c) + ")"
	case 2:
		return "NOT (" + w.atom(c) + ")"
	case 3:
		return "(" + w.atom(c) + ") XOR (" + w.atom(c) + ")"
	case 4:
		return "(" + w.atom(c) + ") IS " + w.pick("TRUE", "NOT TRUE", "FALSE", "NOT FALSE")
	default:
		return w.atom(c)
	}
}

func (w *world) ticket(t string) string {
	switch w.rng.IntN(5) {
	case 0:
		return fmt.Sprintf("%sstatus %s %s", t, w.pick("=", "<>"), w.literal("tickets.status"))
	case 1:
		return fmt.Sprintf("%snumber = %s", t, w.literal("tickets.number"))
	case 2:
		return fmt.Sprintf("%screated > %s", t, w.literal("tickets.created"))
	case 3:
		return t + "closed IS " + w.pick("NULL", "NOT NULL")
	default:
		return fmt.Sprintf("%ssubject LIKE %s", t, w.pattern("tickets.subject"))
	}
}

// byKey asks for one row of a join, or for a few.
func (w *world) byKey() string {
	keys := []string{"100", "115", "136", "157", "178", "199", w.literal("customers.id")}
	k := w.pick(keys...)
	return w.pick("t.customer_id = "+k, "c.id = "+k, fmt.Sprintf("c.id IN (%s, %s)", k, w.pick(keys...)), "t.number = "+w.literal("tickets.number"), "c.email = "+w.literal("customers.email"))
}

// statement is one that a log may have, by the name of its shape.
type statement struct{ shape, text string }

// statements draws one of each shape.
func (w *world) statements() []statement {
	f := fmt.Sprintf
	id := w.literal("customers.id")
	return []statement{
		{"look-up by id", f("SELECT c.*, c.id AS kc FROM customers c WHERE c.id = %s", id)},
		{"look-up by id, limit 1", f("SELECT *, id AS kc FROM customers WHERE id = %s LIMIT 1", id)},
		{"look-up by address", f("SELECT id AS kc, name FROM `customers` WHERE email = %s", w.literal("customers.email"))},
		{"list of ids", f("SELECT id kc, email FROM customers WHERE id IN (%s, %s, %s)", id, w.literal("customers.id"), w.literal("customers.id"))},
		{"one table", "SELECT id kc, email FROM customers WHERE " + w.where("")},
		{"one table", "select customers.*, id as kc from " + w.database + ".customers where " + w.where("customers.")},
		{"one table", "SELECT id kc, email FROM customers WHERE " + w.where("") + " ORDER BY name, id"},
		{"one table", "SELECT id kc, email FROM customers FORCE INDEX (PRIMARY) WHERE " + w.where("") + " /* page 3 */ -- x"},
		{"any types", "SELECT id kc FROM customers WHERE " + w.wild("")},
		{"any types", "SELECT id kc FROM customers WHERE NOT (" + w.wild("") + ")"},
		{"no parentheses", "SELECT id kc FROM customers WHERE " + w.bare("")},
		{"union of types", f("SELECT kc FROM (SELECT id kc, %s x FROM customers UNION ALL SELECT -1, %s FROM customers) d WHERE x %s %s", w.operand(""), w.operand(""), w.pick("=", "<", "LIKE"), w.literal("customers."+all[w.rng.IntN(len(all))]))},
		{"derived, any types", f("SELECT kc FROM (SELECT id kc, %s x, %s y FROM customers) d WHERE x %s y", w.operand(""), w.operand(""), w.pick("=", "<", "LIKE", "<=>"))},
		{"join on any types", f("SELECT a.id kc FROM customers a JOIN customers b ON a.id = b.id AND %s %s %s", w.operand("a."), w.pick("=", "<", "LIKE"), w.operand("b."))},
		{"in a subquery, any types", f("SELECT id kc FROM customers c WHERE %s%s (SELECT %s FROM customers x WHERE %s)", w.operand("c."), w.pick(" IN", " NOT IN"), w.operand("x."), w.where("x."))},
		{"distinct", "SELECT DISTINCT id kc, country FROM customers WHERE " + w.where("")},
		{"limit", "SELECT id kc, email FROM customers WHERE " + w.where("") + f(" LIMIT %d", 1+w.rng.IntN(400))},
		{"limit", "SELECT id kc, email FROM customers ORDER BY created DESC LIMIT 10, 20"},
		{"dump", "SELECT /*!40001 SQL_NO_CACHE */ `id`, `email`, id AS kc FROM `customers`"},
		{"dump of a part", "SELECT /*!40001 SQL_NO_CACHE */ *, id AS kt FROM `tickets` WHERE " + w.ticket("")},
		{"tickets", "SELECT id kt FROM tickets WHERE " + w.ticket("")},
		{"tickets of one", f("SELECT t.*, t.id kt FROM tickets t WHERE t.customer_id = %s", id)},
		{"join on the key", "SELECT c.id kc, t.id kt FROM customers c JOIN tickets t ON t.customer_id = c.id WHERE " + w.where("c.")},
		{"join on the key", "SELECT c.id kc, t.id kt FROM customers c, tickets t WHERE t.customer_id = c.id AND " + w.ticket("t.")},
		{"three tables", "SELECT c.id kc, t.id kt, n.id kn FROM customers c JOIN tickets t ON t.customer_id = c.id JOIN notes n ON n.ticket_id = t.id WHERE " + w.where("c.")},
		{"left join", "SELECT c.id kc, t.id kt FROM customers c LEFT JOIN tickets t ON t.customer_id = c.id AND " + w.ticket("t.") + " WHERE " + w.where("c.")},
		{"join by a key", f("SELECT c.id kc, t.id kt FROM customers c %s tickets t ON t.customer_id = c.id WHERE %s", w.pick("JOIN", "LEFT JOIN", "RIGHT JOIN"), w.byKey())},
		{"join by a key", f("SELECT c.id kc, t.id kt, n.id kn FROM notes n %s tickets t ON t.id = n.ticket_id %s customers c ON c.id = t.customer_id LEFT JOIN agents a ON a.id = n.author_id WHERE %s", w.pick("JOIN", "LEFT JOIN", "RIGHT JOIN"), w.pick("JOIN", "LEFT JOIN", "RIGHT JOIN"), w.byKey())},
		{"join by a key, loose", f("SELECT c.id kc, d.id, t.id kt FROM customers d JOIN customers c LEFT JOIN tickets t ON t.customer_id = c.id AND %s WHERE d.id = %s", w.pick("t.customer_id = d.id", "c.id = d.id"), w.pick(id, "115", "136"))},
		{"join by a key, loose", f("SELECT c.id kc, t.id kt FROM tickets t RIGHT JOIN (customers c JOIN customers d) ON t.customer_id = c.id AND %s WHERE d.id = %s", w.pick("t.customer_id = d.id", "c.id = d.id"), w.pick(id, "115", "136"))},
		{"left join, missing", "SELECT c.id kc FROM customers c LEFT JOIN tickets t ON t.customer_id = c.id WHERE t.id IS NULL"},
		{"left join to others", "SELECT n.id kn, a.name FROM notes n LEFT JOIN agents a ON a.id = n.author_id WHERE n.body LIKE " + w.pattern("notes.body")},
		{"right join", "SELECT c.id kc, t.id kt FROM tickets t RIGHT JOIN customers c ON t.customer_id = c.id WHERE " + w.where("c.")},
		{"join to others", "SELECT c.id kc FROM customers c JOIN orders o ON o.customer_id = c.id WHERE " + w.where("c.")},
		{"using", "SELECT a.id kc FROM customers a JOIN customers b USING (id) WHERE " + w.where("b.")},
		{"self join", "SELECT a.id kc FROM customers a JOIN customers b ON a.country = b.country AND a.id < b.id WHERE " + w.where("b.")},
		{"in a subquery", "SELECT id kc FROM customers WHERE id IN (SELECT customer_id FROM tickets WHERE " + w.ticket("") + ")"},
		{"not in a subquery", "SELECT id kc FROM customers WHERE id NOT IN (SELECT customer_id FROM tickets WHERE " + w.ticket("") + ")"},
		{"exists", "SELECT id kc FROM customers c WHERE EXISTS (SELECT 1 FROM tickets t WHERE t.customer_id = c.id AND " + w.ticket("t.") + ")"},
		{"not exists", "SELECT id kc FROM customers c WHERE NOT EXISTS (SELECT * FROM tickets WHERE customer_id = c.id)"},
		{"summed subquery", "SELECT id kc FROM customers c WHERE (SELECT COUNT(*) FROM tickets t WHERE t.customer_id = c.id) > 1 AND " + w.where("c.")},
		{"summed exists", "SELECT id kc FROM customers c WHERE EXISTS (SELECT MAX(id) FROM tickets t WHERE t.customer_id = -1)"},
		{"derived", "SELECT d.kc FROM (SELECT id AS kc, email e, country FROM customers WHERE " + w.where("") + ") d WHERE d.country = 'US'"},
		{"derived, summed", "SELECT c.id kc FROM customers c JOIN (SELECT MAX(id) m FROM tickets WHERE id < 0) x ON x.m IS NULL WHERE " + w.where("c.")},
		{"common table", "WITH d AS (SELECT id, email, score FROM customers WHERE " + w.where("") + ") SELECT id kc FROM d WHERE score > 40"},
		{"union", "SELECT id kc, email FROM customers WHERE " + w.where("") + " UNION ALL SELECT id, country FROM customers WHERE " + w.where("")},
		{"union of others", "(SELECT id kc FROM customers WHERE " + w.where("") + ") UNION (SELECT -id FROM agents)"},
		{"group", "SELECT country, GROUP_CONCAT(id) kc FROM customers WHERE " + w.where("") + " GROUP BY country"},
		{"count", "SELECT COUNT(*), GROUP_CONCAT(id) kc FROM customers WHERE " + w.where("")},
		{"having", "SELECT id kc, score * 2 AS s FROM customers WHERE " + w.where("") + " HAVING s > 50"},
		{"window", "SELECT id kc, ROW_NUMBER() OVER (PARTITION BY country ORDER BY id) r FROM customers WHERE " + w.where("")},
		{"view", "SELECT id kc FROM v_active WHERE " + f("country = %s", w.literal("customers.country"))},
		{"view of a join", "SELECT cid kc, tid kt FROM v_open WHERE " + f("number = %s OR email LIKE %s", w.literal("tickets.number"), w.pattern("customers.email"))},
		{"view not known", "SELECT id kc FROM v_hidden"},
		{"scalar in the list", f("SELECT 1, (SELECT id FROM customers WHERE id = %s) AS kc", id)},
		{"stored function", f("SELECT c.id kc FROM customers c WHERE c.email = peek(%s)", id)},
		{"procedure", "CALL list_all()"},
		{"does not parse", f("SELECT id kc FROM customers WHERE id = %s LIMIT ROWS EXAMINED 100000", id)},
		{"set statement", "SET STATEMENT max_statement_time=10 FOR SELECT id kc FROM customers WHERE " + w.where("")},
		{"skip locked", "SELECT id kc FROM customers WHERE " + w.where("") + " FOR UPDATE"},
		{"run comment", "SELECT id kc FROM customers /*! WHERE score > 50 */"},
		{"odd operators", f("SELECT id kc FROM customers WHERE !score = 0 OR email SOUNDS LIKE %s", w.literal("customers.email"))},
		{"json, bits", "SELECT id kc FROM customers WHERE score & 3 = 1 AND score | 4 > 20"},
		{"nothing", "SELECT id kc FROM customers WHERE 1 = 0"},
		{"other tables", "SELECT o.id FROM orders o JOIN agents a ON a.id = o.total"},
		{"row constructors", f("SELECT id kc FROM customers WHERE (country, status) IN (('US', 'new'), (%s, 'active'))", w.literal("customers.country"))},
		{"comma and parens", "SELECT c.id kc, t.id kt, n.id kn FROM customers c JOIN (tickets t, notes n) ON t.customer_id = c.id AND n.ticket_id = t.id WHERE " + w.ticket("t.")},
		{"natural", "SELECT a.id kc FROM v_active a NATURAL JOIN customers WHERE " + f("email LIKE %s", w.pattern("customers.email"))},
	}
}
