package seeder_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"saltmine/seeder"
)

// What follows from another column of the row does so for canaries, also where
// many drafts come to nothing before: numbers from keys or from the order, days
// from the sign-up by the calendar, hours from the ticket's date.
func TestPlantKeepsRules(t *testing.T) {
	t.Parallel()
	w := altered(t,
		"ALTER TABLE customers ADD account_no varchar(16) NULL, ADD member_no int NULL, ADD paid_until date NULL",
		"DELETE FROM tickets WHERE id % 7 IN (2, 3) OR customer_id % 6 = 1", "DELETE FROM customers WHERE id % 6 = 1",
		"UPDATE tickets SET number = CONCAT('CS-', id + 100000)",
		"UPDATE tickets SET subject = CONCAT('Order ', 1000000 + id * 4001, ' has not come') WHERE id % 3 = 0",
		"UPDATE customers SET account_no = CONCAT('AC-', LPAD(id + 104000, 8, '0')), member_no = 30 * id + id % 7, paid_until = DATE(created_at) + INTERVAL 1 + id % 3 YEAR",
		"ALTER TABLE customers MODIFY account_no varchar(16) NOT NULL UNIQUE, MODIFY member_no int NOT NULL UNIQUE, MODIFY paid_until date NOT NULL",
		"ALTER TABLE tickets ADD due_at datetime NULL", "UPDATE tickets SET due_at = created_at + INTERVAL 48 HOUR",
	)
	cfg := plan("rules", 40)
	cfg.Dates, cfg.With = seeder.DatesPast, nil
	if report := w.mustPlant(t, cfg); report.Live != 40 {
		t.Fatalf("report %+v", report)
	}
	for _, q := range []string{
		"SELECT COUNT(*) FROM customers WHERE account_no <> CONCAT('AC-', LPAD(id + 104000, 8, '0'))",
		"SELECT COUNT(*) FROM (SELECT member_no AS n, LAG(member_no) OVER (ORDER BY id) AS p FROM customers) x WHERE n <= p",
		"SELECT COUNT(*) FROM customers WHERE DATE(created_at) NOT IN (paid_until - INTERVAL 1 YEAR, paid_until - INTERVAL 2 YEAR, paid_until - INTERVAL 3 YEAR) AND DAYOFMONTH(created_at) <> 29",
		"SELECT COUNT(*) FROM tickets WHERE number <> CONCAT('CS-', id + 100000)",
		"SELECT COUNT(*) - COUNT(DISTINCT subject) FROM tickets WHERE subject LIKE 'Order %'", // nobody's order becomes a canary's
		"SELECT COUNT(*) FROM tickets WHERE due_at <> created_at + INTERVAL 48 HOUR",
	} {
		if n := w.number(t, q); n != 0 {
			t.Errorf("%d rows break a rule: %s", n, q)
		}
	}
	if n := w.number(t, fmt.Sprintf("SELECT COUNT(*) FROM customers WHERE SUBSTRING_INDEX(email, '@', -1) IN ('%s') AND paid_until > '%s'", strings.Join(domains(), "','"), until().Format("2006-01-02"))); n == 0 {
		t.Error("nobody has paid for what comes")
	}
}

// A table that ended days ago has no canaries of whom something is later.
func TestPlantEndsWithTheTable(t *testing.T) {
	t.Parallel()
	w := altered(t, "DELETE FROM tickets WHERE id % 5 = 2 OR customer_id % 6 = 1", "DELETE FROM customers WHERE id % 6 = 1")
	newest := func() string {
		var at string
		if err := w.db.QueryRowContext(t.Context(), "SELECT GREATEST((SELECT MAX(updated_at) FROM customers), (SELECT MAX(updated_at) FROM tickets))").Scan(&at); err != nil {
			t.Fatal(err)
		}
		return at
	}
	before := newest()
	w.at = until().AddDate(0, 0, 40)
	cfg := plan("ends", 60)
	cfg.Dates, cfg.With = seeder.DatesPast, nil
	if report := w.mustPlant(t, cfg); report.Live != 60 {
		t.Fatalf("report %+v", report)
	}
	if after := newest(); after != before {
		t.Errorf("the table ended at %s, with canaries at %s", before, after)
	}
}

// What happens on the last days happens to as many canaries on each of them.
func TestLastDaysKeepTheirPart(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 26, 15, 0, 0, 0, time.UTC) // a Thursday
	var dates []time.Time
	for i := range 6000 {
		dates = append(dates, now.Add(-time.Duration(i)*42*time.Second))
	}
	const day = 24 * time.Hour
	before, after := map[time.Duration]int{}, map[time.Duration]int{}
	for i, at := range seeder.OtherDays(now, dates) {
		before[now.Sub(dates[i])/day]++
		after[now.Sub(at)/day]++
		if at.After(now) {
			t.Fatalf("%s is yet to come", at)
		}
	}
	for d := range time.Duration(2) {
		if off := after[d] - before[d]; off > before[d]/8 || off < -before[d]/8 {
			t.Errorf("%d days ago: %d dates, of donors %d", d, after[d], before[d])
		}
	}
}

// Where no customer was last changed before one of the tickets, no canary was:
// each of these has been seen some minutes after the last ticket was touched. And
// tickets are written in the customer's language.
func TestPlantOrdersAcross(t *testing.T) {
	t.Parallel()
	const touched = "(SELECT MAX(t.updated_at) FROM tickets t WHERE t.customer_id = customers.id)"
	rows := tables()
	rows.Customers, rows.Tickets = 5*rows.Customers, 5*rows.Tickets
	w := alteredFrom(t, rows,
		"DELETE FROM tickets WHERE id % 5 = 2 OR customer_id % 6 = 1", "DELETE FROM customers WHERE id % 6 = 1",
		"ALTER TABLE customers ADD seen_at datetime NULL",
		"UPDATE customers SET seen_at = COALESCE("+touched+", created_at) + INTERVAL id % 90 MINUTE",
		"UPDATE customers SET updated_at = seen_at",
	)
	cfg := plan("across", 200)
	cfg.Dates, cfg.With = seeder.DatesPast, nil
	if report := w.mustPlant(t, cfg); report.Live != 200 {
		t.Fatalf("report %+v", report)
	}
	if n := w.number(t, "SELECT COUNT(*) FROM customers WHERE updated_at < "+touched); n != 0 {
		t.Errorf("%d customers were changed last before one of their tickets", n)
	}
	// Nor does anybody write what is written in other languages only.
	const words = "REGEXP_REPLACE(LOWER(t.subject), '[0-9]+|!+$', '#')"
	const spoken = "SELECT c.language l, " + words + " w, COUNT(*) n FROM tickets t JOIN customers c ON c.id = t.customer_id GROUP BY 1, 2"
	if n := w.number(t, "SELECT COUNT(*) FROM ("+spoken+") x JOIN ("+spoken+") y ON x.w = y.w AND x.l <> y.l AND x.n = 1 AND y.n > 9"); n != 0 {
		t.Errorf("%d subjects are of another language", n)
	}
}

// Canaries in one piece behind the newest row are easily left out, and that is said.
func TestPlantSaysLump(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, over := range []time.Duration{0, 14 * 24 * time.Hour} {
		cfg := plan("lump", 20)
		cfg.Dates, cfg.Over, cfg.DryRun = seeder.DatesNow, over, true
		report, err := w.seeder.Plant(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		if said := strings.Contains(strings.Join(report.Warnings, "\n"), "in one piece"); said != (over == 0) {
			t.Errorf("over %s: %q", over, report.Warnings)
		}
	}
}

// An order of two dates is one that many rows keep and none breaks; of days, the
// hour does not matter.
func TestOrderHolds(t *testing.T) {
	t.Parallel()
	var first, second []time.Time
	for i := range 700 {
		at := until().Add(time.Duration(i) * time.Hour)
		first, second = append(first, at), append(second, at.Add(time.Duration(i%50)*time.Minute))
	}
	if !seeder.OrderHolds(false, first, second) || seeder.OrderHolds(false, second, first) {
		t.Error("700 rows keep the order, and that is not seen, or the other way is")
	}
	if seeder.OrderHolds(false, first[:300], second[:300]) {
		t.Error("300 rows make an order")
	}
	second[400] = first[400].Add(-time.Second)
	if seeder.OrderHolds(false, first, second) {
		t.Error("one row breaks the order, and it is one")
	}
	if !seeder.OrderHolds(true, first, second) {
		t.Error("by days all rows keep the order, and it is none")
	}
	second[500] = time.Time{}
	if !seeder.OrderHolds(true, first, second) {
		t.Error("a row without a date breaks an order")
	}
}
