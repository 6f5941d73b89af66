package main

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// How an employee's statement is sent, and where its rows go.
const (
	toClient = iota
	prepared
	toFile  // SELECT … INTO OUTFILE
	toTable // CREATE TABLE … AS, read by its maker
	dumped  // mysqldump
)

// shape is a sort of statement that employees send. %m is the mark by which the test
// finds it again in the log; columns that name a customer are called cid, customer_id,
// email, tid and number.
type shape struct {
	name string
	way  int
	make func(r *rand.Rand, f *facts) (text string, args []any)
}

// facts are what employees know of the tables.
type facts struct {
	ids, tickets             []string // of customers and canaries alike
	emails, numbers, phones  []string
	first, last              []string
	countries, products      []string
	days                     []string // of sign-ups, in order
	statuses, priorities, by []string
}

func pick(r *rand.Rand, list []string) string { return list[r.IntN(len(list))] }

func literal(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// some are n of a list, as a list of SQL.
func some(r *rand.Rand, list []string, n int, quote bool) string {
	out := make([]string, n)
	for i := range out {
		if out[i] = pick(r, list); quote {
			out[i] = literal(out[i])
		}
	}
	return strings.Join(out, ", ")
}

// between are two days with about a share of the sign-ups between them.
func (f *facts) between(r *rand.Rand, share float64) (from, until string) {
	n := int(share * float64(len(f.days)))
	at := r.IntN(len(f.days) - n)
	return f.days[at], f.days[at+n]
}

// plain is a shape of one text with values in it.
func plain(name, format string, values ...func(*rand.Rand, *facts) string) shape {
	return shape{name: name, make: func(r *rand.Rand, f *facts) (string, []any) {
		args := make([]any, len(values))
		for i, v := range values {
			args[i] = v(r, f)
		}
		return fmt.Sprintf(format, args...), nil
	}}
}

// onServer is one that the driver prepares on the server.
func onServer(name, text string, values ...func(*rand.Rand, *facts) string) shape {
	return shape{name: name, way: prepared, make: func(r *rand.Rand, f *facts) (string, []any) {
		args := make([]any, len(values))
		for i, v := range values {
			args[i] = v(r, f)
		}
		return text, args
	}}
}

func sent(way int, s shape) shape {
	s.way = way
	return s
}

func shapes() []shape {
	id := func(r *rand.Rand, f *facts) string { return pick(r, f.ids) }
	ticket := func(r *rand.Rand, f *facts) string { return pick(r, f.tickets) }
	of := func(list func(*facts) []string) func(*rand.Rand, *facts) string {
		return func(r *rand.Rand, f *facts) string { return pick(r, list(f)) }
	}
	email := of(func(f *facts) []string { return f.emails })
	number := of(func(f *facts) []string { return f.numbers })
	phone := of(func(f *facts) []string { return f.phones })
	first := of(func(f *facts) []string { return f.first })
	last := of(func(f *facts) []string { return f.last })
	country := of(func(f *facts) []string { return f.countries })
	product := of(func(f *facts) []string { return f.products })
	status := of(func(f *facts) []string { return f.statuses })
	priority := of(func(f *facts) []string { return f.priorities })
	channel := of(func(f *facts) []string { return f.by })
	day := of(func(f *facts) []string { return f.days })
	ids := func(n int) func(*rand.Rand, *facts) string {
		return func(r *rand.Rand, f *facts) string { return some(r, f.ids, n, false) }
	}
	few := func(n int) func(*rand.Rand, *facts) string {
		return func(r *rand.Rand, _ *facts) string { return fmt.Sprint(1 + r.IntN(n)) }
	}
	letter := func(r *rand.Rand, _ *facts) string { return string(rune('a' + r.IntN(26))) }
	head := func(r *rand.Rand, f *facts) string {
		s := pick(r, f.last)
		return strings.ReplaceAll(s[:min(3, len(s))], "'", "_")
	}
	span := func(share float64) func(*rand.Rand, *facts) string {
		return func(r *rand.Rand, f *facts) string {
			a, b := f.between(r, share)
			return literal(a) + " AND " + literal(b)
		}
	}
	in := func(v func(*rand.Rand, *facts) string) func(*rand.Rand, *facts) string {
		return func(r *rand.Rand, f *facts) string { return literal(v(r, f)) }
	}
	list := []shape{
		plain("customer by id", "SELECT %%m * FROM customers WHERE id = %s", id),
		plain("customer by e-mail", "SELECT %%m * FROM customers WHERE email = %s", in(email)),
		plain("customer by e-mail in capitals", "SELECT %%m id AS cid, first_name, email FROM customers WHERE email = UPPER(%s)", in(email)),
		plain("customer by phone", "SELECT %%m id AS cid, email, phone FROM customers WHERE phone = %s", in(phone)),
		plain("customers by name", "SELECT %%m id AS cid, first_name, last_name, email FROM customers WHERE first_name = %s AND last_name = %s", in(first), in(last)),
		plain("last name begins with", "SELECT %%m id AS cid, last_name, email FROM customers WHERE last_name LIKE '%s%%%%' ORDER BY last_name, id", head),
		plain("e-mail has", "SELECT %%m id AS cid, email FROM customers WHERE email LIKE CONCAT('%%%%', LEFT(%s, 6), '%%%%')", in(email)),
		plain("ids in a list", "SELECT %%m id AS cid, email, phone FROM customers WHERE id IN (%s)", ids(60)),
		plain("ids in a long list", "SELECT %%m id AS cid, email FROM customers WHERE id IN (%s)", ids(700)),
		plain("a stretch of ids", "SELECT %%m * FROM customers WHERE id BETWEEN %s AND %s", id, id),
		plain("from an id on", "SELECT %%m id AS cid, email FROM customers WHERE id > %s ORDER BY id", id),
		plain("sign-ups between days", "SELECT %%m id AS cid, email, created_at FROM customers WHERE created_at BETWEEN %s", span(.05)),
		plain("sign-ups of a year", "SELECT %%m id AS cid, email FROM customers WHERE YEAR(created_at) = YEAR(%s)", in(day)),
		plain("sign-ups of late", "SELECT %%m id AS cid, email FROM customers WHERE created_at >= NOW() - INTERVAL %s00 DAY", few(9)),
		plain("a country", "SELECT %%m id AS cid, first_name, last_name, email, phone FROM customers WHERE country = %s", in(country)),
		plain("a country and a product", "SELECT %%m id AS cid, email FROM customers WHERE country = %s AND product = %s", in(country), in(product)),
		plain("not a product", "SELECT %%m id AS cid, email FROM customers WHERE product <> %s AND newsletter = 1", in(product)),
		plain("countries in a list", "SELECT %%m id AS cid, email FROM customers WHERE country IN (%s, %s)", in(country), in(country)),
		plain("no phone", "SELECT %%m id AS cid, email FROM customers WHERE phone IS NULL"),
		plain("newsletter", "SELECT %%m email FROM customers WHERE newsletter = 1 AND status = 'active'"),
		plain("everybody", "SELECT %%m * FROM customers"),
		plain("everybody's addresses", "SELECT %%m email, first_name FROM customers ORDER BY email"),
		plain("how many", "SELECT %%m COUNT(*) FROM customers WHERE country = %s", in(country)),
		plain("how many by country", "SELECT %%m country, COUNT(*) FROM customers GROUP BY country"),
		plain("how many open tickets", "SELECT %%m status, COUNT(*) FROM tickets GROUP BY status HAVING COUNT(*) > 1"),
		plain("ids of a country at once", "SELECT %%m GROUP_CONCAT(id) AS cid FROM customers WHERE country = %s AND id < 700", in(country)),
		plain("different addresses", "SELECT %%m DISTINCT email FROM customers WHERE language = 'en'"),
		plain("tickets of a customer", "SELECT %%m * FROM tickets WHERE customer_id = %s ORDER BY created_at DESC", id),
		plain("a ticket", "SELECT %%m * FROM tickets WHERE number = %s", in(number)),
		plain("a ticket by its id", "SELECT %%m id AS tid, subject FROM tickets WHERE id = %s", ticket),
		plain("tickets of a state", "SELECT %%m id AS tid, number, subject FROM tickets WHERE status = %s AND priority = %s", in(status), in(priority)),
		plain("tickets of days", "SELECT %%m number, customer_id FROM tickets WHERE created_at BETWEEN %s", span(.04)),
		plain("ticket and customer", "SELECT %%m t.number, c.email, c.first_name FROM tickets t JOIN customers c ON c.id = t.customer_id WHERE t.number = %s", in(number)),
		plain("tickets with customers", "SELECT %%m t.id AS tid, c.email FROM tickets t JOIN customers c ON c.id = t.customer_id WHERE c.country = %s AND t.status = %s", in(country), in(status)),
		plain("customers with tickets", "SELECT %%m c.id AS cid, c.email, COUNT(t.id) FROM customers c LEFT JOIN tickets t ON t.customer_id = c.id WHERE c.product = %s GROUP BY c.id, c.email", in(product)),
		plain("customers without tickets", "SELECT %%m c.id AS cid, c.email FROM customers c LEFT JOIN tickets t ON t.customer_id = c.id WHERE t.id IS NULL AND c.country = %s", in(country)),
		plain("customers who have a ticket", "SELECT %%m id AS cid, email FROM customers c WHERE EXISTS (SELECT 1 FROM tickets t WHERE t.customer_id = c.id AND t.channel = %s)", in(channel)),
		plain("customers of tickets", "SELECT %%m id AS cid, email FROM customers WHERE id IN (SELECT customer_id FROM tickets WHERE priority = %s)", in(priority)),
		plain("a customer's orders", "SELECT %%m c.id AS cid, o.total FROM customers c JOIN orders o ON o.customer_id = c.id WHERE c.id = %s", id),
		plain("customers and orders", "SELECT %%m c.id AS cid, c.email, o.total FROM customers c LEFT JOIN orders o ON o.customer_id = c.id WHERE c.country = %s", in(country)),
		plain("view of the active", "SELECT %%m * FROM v_active WHERE country = %s", in(country)),
		plain("view, one", "SELECT %%m email FROM v_active WHERE cid = %s", id),
		plain("view of open tickets", "SELECT %%m number, email FROM v_open WHERE channel = %s", in(channel)),
		plain("view of a view", "SELECT %%m COUNT(*) AS n, GROUP_CONCAT(cid) AS cid FROM v_english WHERE cid < 500"),
		plain("derived table", "SELECT %%m x.cid, x.email FROM (SELECT id AS cid, email FROM customers WHERE country = %s) x WHERE x.email LIKE '%s%%%%'", in(country), letter),
		plain("common table expression", "WITH x AS (SELECT %%m id, email, product FROM customers WHERE newsletter = 0) SELECT id AS cid, email FROM x WHERE product = %s", in(product)),
		plain("union", "SELECT %%m id AS cid, email FROM customers WHERE id = %s UNION SELECT id, email FROM customers WHERE email = %s", id, in(email)),
		plain("either", "SELECT %%m id AS cid, email FROM customers WHERE email = %s OR phone = %s OR id = %s", in(email), in(phone), id),
		plain("a case", "SELECT %%m id AS cid, CASE WHEN status = 'active' THEN email ELSE '-' END AS mail FROM customers WHERE COALESCE(phone, '') = '' AND country = %s", in(country)),
		plain("search form", "SELECT %%m id AS cid, email FROM customers WHERE (first_name LIKE %s OR last_name LIKE %s) AND status = 'active' ORDER BY created_at DESC LIMIT 20", in(first), in(last)),
		plain("page of a customer's tickets", "SELECT %%m number, subject FROM tickets WHERE customer_id = %s ORDER BY id DESC LIMIT 10", id),
		onServer("prepared, by id", "SELECT %m * FROM customers WHERE id = ?", id),
		onServer("prepared, by e-mail", "SELECT %m id AS cid, email, phone FROM customers WHERE email = ?", email),
		onServer("prepared, sign-ups", "SELECT %m id AS cid, email FROM customers WHERE created_at >= ? AND country = ?", day, country),
		onServer("prepared, tickets", "SELECT %m number, customer_id FROM tickets WHERE customer_id = ? AND status <> ?", id, status),
		sent(toFile, plain("into a file", "SELECT %%m id, email INTO OUTFILE '%%f' FIELDS TERMINATED BY ',' FROM customers WHERE country = %s", in(country))),
		sent(toFile, plain("tickets into a file", "SELECT %%m id, number FROM tickets WHERE created_at BETWEEN %s INTO OUTFILE '%%f'", span(.1))),
		sent(toTable, plain("into a table", "CREATE TABLE %%f AS SELECT %%m id AS cid, email, phone FROM customers WHERE product = %s", in(product))),
	}
	return append(list, shape{name: "mysqldump", way: dumped}, shape{name: "mysqldump --where", way: dumped, make: func(r *rand.Rand, f *facts) (string, []any) {
		return "country = " + literal(pick(r, f.countries)), nil
	}})
}
