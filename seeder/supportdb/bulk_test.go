package supportdb_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"saltmine/seeder/supportdb"
)

// Rows of many canaries go in with several statements of one form and a shorter
// last one: each row gets its own key, or none stands.
func TestInsertManyIsOneTransaction(t *testing.T) {
	t.Parallel()
	desk, _, raw := helpDesk(t)
	const n = 1234
	images := make([]supportdb.Image, n)
	for i := range images {
		images[i] = image(fmt.Sprintf("bulk%d@example.net", i), fmt.Sprintf("B-%d", i))
		images[i].Items[0].Row.Set("last_name", supportdb.Text(`O'Hara "\ ?`))
		images[i].Items[0].Row.Set("created_at", supportdb.Text(fmt.Sprintf("2025-11-20 10:%02d:00", 59-i%60)))
	}
	var keys []supportdb.Keys
	note := func(_ context.Context, k []supportdb.Keys) error { keys = k; return nil }
	standing := func() (count int) {
		if err := raw.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM customers WHERE email LIKE 'bulk%@example.net'").Scan(&count); err != nil {
			t.Fatal(err)
		}
		return count
	}
	twice := append(images[:n-1:n-1], image("bulk0@example.net", "B-x"))
	if err := desk.InsertMany(t.Context(), twice, note); !errors.Is(err, supportdb.ErrDuplicate) || standing() != 0 {
		t.Fatalf("an address twice: %v, %d rows stand", err, standing())
	}
	if err := desk.InsertMany(t.Context(), images, note); err != nil || standing() != n {
		t.Fatalf("%v, %d rows stand", err, standing())
	}
	for i := range images {
		var email, last, number, phone any
		err := raw.QueryRowContext(t.Context(), "SELECT c.email, c.last_name, c.phone, t.number FROM customers c JOIN tickets t ON t.customer_id = c.id WHERE c.id = ? AND t.id = ?",
			keys[i].Rows[0][0], keys[i].Rows[1][0]).Scan(&email, &last, &phone, &number)
		if err != nil || fmt.Sprintf("%s %s %s %v", email, last, number, phone) != fmt.Sprintf(`bulk%d@example.net O'Hara "\ ? B-%d <nil>`, i, i) {
			t.Fatalf("canary %d has keys %v: %s %s %s %v, %v", i, keys[i], email, last, number, phone, err)
		}
	}
}
