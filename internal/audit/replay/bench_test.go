package replay_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"saltmine/internal/audit/replay"
	"saltmine/internal/canary"
)

// BenchmarkReplay replays what a support desk's employees, its application and
// its reports ask in a day, on 12,000 canaries. No two statements are the same.
func BenchmarkReplay(b *testing.B) {
	const many = 12_000
	rng := rand.New(rand.NewPCG(1, 2))
	at := time.Date(2026, 11, 3, 12, 0, 0, 0, time.UTC)
	r, err := replay.New(deskOf(rng, many, at))
	if err != nil {
		b.Fatal(err)
	}
	for _, mix := range []struct {
		name   string
		shapes []string
	}{
		{"mix", mixed()},
		{"look-up", []string{"SELECT * FROM customers WHERE id = %d"}},
		{"page", []string{"SELECT id, email FROM customers WHERE id > %d ORDER BY created DESC LIMIT 50"}},
		{"search", []string{"SELECT id, email FROM customers WHERE email LIKE '%%b%d%%'"}},
		{"report", []string{"SELECT c.id, c.email, t.number FROM customers c JOIN tickets t ON t.customer_id = c.id WHERE c.created > NOW() - INTERVAL 30 DAY AND t.id > %d"}},
		{"scan", []string{"SELECT id, email FROM customers WHERE country = 'US' AND id > %d"}},
		{"dump", []string{"SELECT * FROM customers /* %d */"}},
		{"not in", []string{"SELECT id FROM customers WHERE id NOT IN (SELECT customer_id FROM tickets WHERE id > %d)"}},
	} {
		b.Run(mix.name, func(b *testing.B) {
			n := 0
			for b.Loop() {
				text := fmt.Sprintf(mix.shapes[n%len(mix.shapes)], rng.IntN(40*many))
				r.Replay(&replay.Statement{Text: []byte(text), Database: "help", Began: canary.At(at), Saw: canary.At(at), Zone: time.UTC, Sent: -1})
				n++
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "statements/s")
		})
	}
}

// mixed are shapes as often as they come.
func mixed() (shapes []string) {
	for n, text := range map[int]string{
		30: "SELECT * FROM customers WHERE id = %d",
		14: "SELECT t.* FROM tickets t WHERE t.customer_id = %d ORDER BY t.created DESC",
		12: "SELECT id, email FROM customers WHERE email = 'a%d@example.net' LIMIT 1",
		11: "SELECT * FROM tickets WHERE number = '4%d' LIMIT 1",
		10: "UPDATE tickets SET status = 'closed' WHERE id = %d",
		8:  "INSERT INTO tickets (customer_id, number) VALUES (%d, 'x')",
		6:  "SELECT COUNT(*) FROM tickets WHERE customer_id = %d",
		5:  "SELECT c.id, c.email, t.number FROM tickets t JOIN customers c ON c.id = t.customer_id WHERE t.id = %d",
		2:  "SELECT id, email FROM customers WHERE email LIKE '%%b%d%%' LIMIT 20",
		1:  "SELECT id, email FROM customers WHERE country = 'US' AND id > %d",
	} {
		for range n {
			shapes = append(shapes, text)
		}
	}
	rng := rand.New(rand.NewPCG(3, 4))
	rng.Shuffle(len(shapes), func(i, j int) { shapes[i], shapes[j] = shapes[j], shapes[i] })
	return shapes
}

func deskOf(rng *rand.Rand, many int, at time.Time) (replay.Schema, []replay.Row) {
	schema := replay.Schema{Database: "help", Others: []string{"agents"}, Tables: []replay.Table{
		{Name: "customers", Columns: []replay.Column{
			{Name: "id", Type: "int", Domain: 1, Unique: true, NotNull: true}, {Name: "email", Type: "varchar", Collation: "utf8mb4_general_ci", Unique: true},
			{Name: "name", Type: "varchar", Collation: "utf8mb4_general_ci"}, {Name: "country", Type: "char", Collation: "utf8mb4_general_ci"}, {Name: "created", Type: "datetime"},
		}},
		{Name: "tickets", Columns: []replay.Column{
			{Name: "id", Type: "int", Domain: 2, Unique: true, NotNull: true}, {Name: "customer_id", Type: "int", Domain: 1, NotNull: true},
			{Name: "number", Type: "varchar", Collation: "utf8mb4_general_ci"}, {Name: "status", Type: "varchar", Collation: "utf8mb4_general_ci"}, {Name: "created", Type: "datetime"},
		}},
	}}
	window := canary.Window{Place: "db:main", From: canary.At(at.Add(-time.Hour))}
	var rows []replay.Row
	add := func(id canary.ID, table string, values ...string) {
		row := replay.Row{Canary: id, Table: table, Key: values[0], Window: window}
		for i := range values {
			row.Values = append(row.Values, &values[i])
		}
		rows = append(rows, row)
	}
	for n := range many {
		id, key := canary.ID(fmt.Sprintf("c_%016d", n)), fmt.Sprint(7+40*n)
		created := at.AddDate(0, 0, -rng.IntN(300)).Format(time.DateTime)
		add(id, "customers", key, fmt.Sprintf("a%s@example.net", key), "Mia Smith", []string{"US", "DE", "FR"}[n%3], created)
		for i := range 2 {
			add(id, "tickets", fmt.Sprint(100*n+i), key, fmt.Sprintf("4%d", 100*n+i), []string{"open", "closed"}[i], created)
		}
	}
	return schema, rows
}
