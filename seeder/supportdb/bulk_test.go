package supportdb_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"testing"

	"saltmine/seeder/supportdb"
)

// Rows of many canaries go in as a file with a short rest, or with several
// statements of one form and a shorter last one: each row gets its own key, or
// none stands. The fraction is one that the server rounds with a note, which
// loading takes for a fault and INSERT does not.
func TestInsertManyIsOneTransaction(t *testing.T) {
	t.Parallel()
	for name, odd := range map[string]func(i int) bool{
		"loaded":                func(int) bool { return false },
		"inserted":              func(int) bool { return true },
		"the second load fails": func(i int) bool { return i%60 == 5 }, // by their dates behind the first 1,023
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			desk, _, raw := helpDesk(t)
			exec(t, raw, "ALTER TABLE customers ADD COLUMN score decimal(5,2) NOT NULL DEFAULT 0")
			b := newManyCustomers(t, raw, 1234, odd)
			twice := append(slices.Clone(b.images[:len(b.images)-1]), image("bulk0@example.net", "B-x"))
			if err := desk.InsertMany(t.Context(), twice, b.note); !errors.Is(err, supportdb.ErrDuplicate) || b.standing(t) != 0 {
				t.Fatalf("an address twice: %v, %d rows stand", err, b.standing(t))
			}
			exec(t, raw, fmt.Sprintf("ALTER TABLE customers AUTO_INCREMENT = %d", b.top+1))
			if err := desk.InsertMany(t.Context(), b.images, b.note); err != nil || b.standing(t) != len(b.images) {
				t.Fatalf("%v, %d rows stand", err, b.standing(t))
			}
			b.check(t)
			low, next := b.first(t), b.next(t)
			if name == "loaded" && (low != b.top+1 || next != low+int64(len(b.images))) {
				t.Errorf("%d rows after key %d have keys from %d, and the next row has %d: they left a gap", len(b.images), b.top, low, next)
			}
			if name != "loaded" && low == b.top+1 {
				t.Error("the first key is the next one: nothing was loaded before")
			}
		})
	}
}

// Tables that cannot take a load back get INSERTs, whose rows are deleted again
// when one of them is refused.
func TestInsertManyIsNotLoadedWithoutTransactions(t *testing.T) {
	t.Parallel()
	_, dsn, raw := helpDesk(t)
	exec(t, raw, "ALTER TABLE tickets DROP FOREIGN KEY tickets_customer_fk")
	exec(t, raw, "ALTER TABLE tickets ENGINE = MyISAM")
	exec(t, raw, "ALTER TABLE customers ENGINE = MyISAM, ADD COLUMN score decimal(5,2) NOT NULL DEFAULT 0")
	desk, err := open(t, dsn).Use(t.Context(), generic(t))
	if err != nil {
		t.Fatal(err)
	}
	b := newManyCustomers(t, raw, 300, func(int) bool { return true })
	twice := append(slices.Clone(b.images[:len(b.images)-1]), image("bulk0@example.net", "B-x"))
	if err := desk.InsertMany(t.Context(), twice, b.note); !errors.Is(err, supportdb.ErrDuplicate) || b.standing(t) != 0 {
		t.Fatalf("an address twice: %v, %d rows stand", err, b.standing(t))
	}
	if err := desk.InsertMany(t.Context(), b.images, b.note); err != nil || b.standing(t) != len(b.images) {
		t.Fatalf("%v, %d rows stand", err, b.standing(t))
	}
	b.check(t)
}

// manyCustomers are customers of a bulk insert, each with a ticket.
type manyCustomers struct {
	raw    *sql.DB
	images []supportdb.Image
	keys   []supportdb.Keys
	top    int64 // the last key before
}

// awkward is a text that quotes and escapes have to carry.
const awkward = "O'Hara \"\\ ?\\N\t\r\x1a\x00é"

func newManyCustomers(t *testing.T, raw *sql.DB, n int, odd func(i int) bool) *manyCustomers {
	t.Helper()
	b := &manyCustomers{raw: raw, images: make([]supportdb.Image, n)}
	for i := range b.images {
		b.images[i] = image(fmt.Sprintf("bulk%d@example.net", i), fmt.Sprintf("B-%d", i))
		row := &b.images[i].Items[0].Row
		row.Set("last_name", supportdb.Text(awkward+"\n"))
		row.Set("score", supportdb.Text("1.23"))
		if odd(i) {
			row.Set("score", supportdb.Text("1.239"))
		}
		row.Set("created_at", supportdb.Text(fmt.Sprintf("2025-11-20 10:%02d:00", 59-i%60)))
	}
	if err := raw.QueryRowContext(t.Context(), "SELECT MAX(id) FROM customers").Scan(&b.top); err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *manyCustomers) note(_ context.Context, k []supportdb.Keys) error {
	b.keys = k
	return nil
}

const bulkRowsStanding = " FROM customers WHERE email LIKE 'bulk%@example.net'"

func (b *manyCustomers) standing(t *testing.T) (count int) {
	t.Helper()
	if err := b.raw.QueryRowContext(t.Context(), "SELECT COUNT(*)"+bulkRowsStanding).Scan(&count); err != nil {
		t.Fatal(err)
	}
	return count
}

func (b *manyCustomers) first(t *testing.T) (key int64) {
	t.Helper()
	if err := b.raw.QueryRowContext(t.Context(), "SELECT MIN(id)"+bulkRowsStanding).Scan(&key); err != nil {
		t.Fatal(err)
	}
	return key
}

// next inserts a row as the help desk does and gives its key.
func (b *manyCustomers) next(t *testing.T) int64 {
	t.Helper()
	result, err := b.raw.ExecContext(t.Context(), "INSERT INTO customers (first_name, last_name, email, country, language, product, created_at, updated_at) VALUES ('A', 'B', 'next@example.net', 'DE', 'de', 'home', NOW(), NOW())")
	if err != nil {
		t.Fatal(err)
	}
	key, err := result.LastInsertId()
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// check compares the rows that have the keys with the images.
func (b *manyCustomers) check(t *testing.T) {
	t.Helper()
	for i := range b.images {
		if b.images[i].Items[0].Row.Has("id") || !b.images[i].Items[1].Row.Get("customer_id").Tied() {
			t.Fatalf("the caller's image %d was changed", i)
		}
		var email, last, number string
		var phone *string
		err := b.raw.QueryRowContext(t.Context(), "SELECT c.email, c.last_name, c.phone, t.number FROM customers c JOIN tickets t ON t.customer_id = c.id WHERE c.id = ? AND t.id = ?",
			b.keys[i].Rows[0][0], b.keys[i].Rows[1][0]).Scan(&email, &last, &phone, &number)
		if err != nil || email != fmt.Sprintf("bulk%d@example.net", i) || last != awkward+"\n" || phone != nil || number != fmt.Sprintf("B-%d", i) {
			t.Fatalf("canary %d has keys %v: %s %q %v %s, %v", i, b.keys[i], email, last, phone, number, err)
		}
	}
}
