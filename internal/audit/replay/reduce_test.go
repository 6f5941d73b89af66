package replay_test

import (
	"errors"
	"strings"
	"testing"

	"saltmine/internal/audit/replay"
)

func TestReduce(t *testing.T) {
	t.Parallel()
	keys := []replay.Key{{Table: "customers", Column: "id"}, {Table: "tickets", Column: "customer_id"}}
	for text, want := range map[string]string{
		"SELECT email FROM customers WHERE country = 'US'":                                                "select email, customers.id as saltmine_key from customers where country = 'US'",
		"SELECT /*!40001 SQL_NO_CACHE */ `id`, `email` FROM `customers`":                                  "select id, email, customers.id as saltmine_key from customers",
		"SELECT c.email FROM tickets t JOIN customers c ON c.id = t.customer_id":                          "select c.email, c.id as saltmine_key from tickets as t join customers as c on c.id = t.customer_id",
		"SELECT number FROM tickets LIMIT 5":                                                              "select number, tickets.customer_id as saltmine_key from tickets limit 5",
		"SELECT id, email FROM customers INTO OUTFILE '/tmp/x'":                                           "select id, email, customers.id as saltmine_key from customers",
		"SELECT id INTO @x FROM customers":                                                                "select id, customers.id as saltmine_key from customers",
		"CREATE TABLE c AS SELECT email FROM customers WHERE id < 9":                                      "select email, customers.id as saltmine_key from customers where id < 9",
		"INSERT INTO c (email) SELECT email FROM customers":                                               "select email, customers.id as saltmine_key from customers",
		"SELECT DISTINCT email FROM customers":                                                            "select distinct email from customers",
		"SELECT country, COUNT(*) FROM customers GROUP BY country":                                        "select country, COUNT(*) from customers group by country",
		"SELECT MAX(email) FROM customers":                                                                "select MAX(email) from customers",
		"SELECT email FROM v_active":                                                                      "select email from v_active",
		"SELECT email FROM customers WHERE id = 1 UNION SELECT email FROM customers WHERE id = 2 LIMIT 1": "select email from customers where id = 1 union select email from customers where id = 2 limit 1",
	} {
		got, err := replay.Reduce(text, keys)
		if err != nil || !strings.EqualFold(strings.ReplaceAll(got.Text, "`", ""), strings.ReplaceAll(want, "`", "")) {
			t.Errorf("%s\n got %s, %v\nwant %s", text, got.Text, err, want)
		}
		if limited := strings.Contains(text, "LIMIT"); limited != got.Limited {
			t.Errorf("%s: limited %v", text, got.Limited)
		}
	}
	for _, text := range []string{
		"", "DELETE FROM customers", "UPDATE customers SET email = ''", "DROP TABLE customers", "CALL list_all()", "SELECT 1; SELECT 2", "DO SLEEP(5)",
		"SELECT SLEEP(100) FROM customers", "SELECT LOAD_FILE('/etc/passwd')", "SELECT * FROM customers FOR UPDATE", "SELECT * FROM customers LOCK IN SHARE MODE",
		"SELECT GET_LOCK('a', 9)", "SELECT @x := id FROM customers", "SELECT /*!50000 SLEEP(9), */ id FROM customers", "SELECT NEXTVAL(s)", "DELETE FROM customers RETURNING email",
		"INSERT INTO c VALUES (1)", "HANDLER customers OPEN", "SET @a = 1", "LOAD DATA INFILE 'x' INTO TABLE customers", "SELECT * FROM (SELECT SLEEP(1)) x",
		"WITH x AS (SELECT BENCHMARK(9, 9)) SELECT * FROM x", "SELECT 1 UNION SELECT SLEEP(3)", "SELECT * FROM customers WHERE id = ? FOR UPDATE SKIP LOCKED",
		"SELECT * FROM (SELECT * FROM customers FOR UPDATE) x", "SELECT id FROM customers UNION SELECT id FROM tickets FOR UPDATE",
	} {
		if got, err := replay.Reduce(text, keys); !errors.Is(err, replay.ErrReduce) {
			t.Errorf("%q is run again as %q: %v", text, got.Text, err)
		}
	}
}
