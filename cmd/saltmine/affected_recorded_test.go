package main

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"saltmine/internal/canary"
	"saltmine/seeder/supportdb"
)

// TestAffectedRecorded lists everybody who stands in recorded rows with key and address:
// who was erased since, who has another address, who signed up later by the database,
// whose rows are numbered otherwise; and no canary.
func TestAffectedRecorded(t *testing.T) {
	t.Parallel()
	s, reg, prey := planted(t, 4)
	p := &past{audited: &audited{site: s}}
	before := p.pairs("SELECT id, email FROM customers WHERE created_at < '2024-01-01' ORDER BY id LIMIT 6")
	after := p.pairs("SELECT id, email FROM customers WHERE created_at BETWEEN '2024-06-01' AND NOW() - INTERVAL 1 DAY AND id NOT IN (SELECT customer_id FROM tickets) ORDER BY id DESC LIMIT 40")
	stays, erased, moved, bare, other, spare := before[0], before[1], before[2], before[3], before[4], before[5]
	ours := map[string]string{}
	for _, one := range s.plantings(reg) {
		image, err := supportdb.DecodeImage(one.Rows)
		keys, err2 := supportdb.DecodeKeys(one.Keys)
		if err != nil || err2 != nil {
			t.Fatal(err, err2)
		}
		for _, tok := range one.Tokens {
			if tok.Kind == canary.Email {
				ours[image.CustomerKey(keys)] = tok.Text
			}
		}
	}
	after = slices.DeleteFunc(after, func(row [2]string) bool { return ours[row[0]] != "" })
	late := after[0]
	var b strings.Builder
	b.WriteString("id,name,email\n")
	for _, row := range [][2]string{stays, erased, moved, {bare[0], ""}, late, {"99999999", other[1]}, {spare[0], strings.ToUpper(prey[0].email)}} {
		fmt.Fprintf(&b, "%s,x, %s\n", row[0], row[1])
	}
	n := 0
	for key, email := range ours {
		if n++; n == 1 {
			email = "of.another.numbering@example.org"
		}
		fmt.Fprintf(&b, "%s,x,%s\n", key, email)
	}
	s.write("rows.csv", b.String())
	for _, row := range [][2]string{erased, bare} {
		p.exec("DELETE FROM tickets WHERE customer_id = " + row[0])
		p.exec("DELETE FROM customers WHERE id = " + row[0])
	}
	p.exec("UPDATE customers SET email = 'moved@example.org' WHERE id = " + moved[0])
	s.write("x.csv", "id,actor,taken_at,place\nx1,ann,2024-01-01T00:00:00Z,db:main\n")
	s.run("extracts", "import", s.path("x.csv"))

	var got affectedReport
	args := []string{"trace", "--affected", "x1", "--rows", s.path("rows.csv")}
	if err := json.Unmarshal([]byte(s.run(append(args, "--output", "json", "--out", s.path("out.csv"))...)), &got); err != nil {
		t.Fatal(err)
	}
	lines, err := csv.NewReader(strings.NewReader(s.read("out.csv"))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	listed := []string{}
	for _, line := range lines[1:] {
		listed = append(listed, strings.Join([]string{line[0], line[1], line[len(line)-2], line[len(line)-1]}, " "))
	}
	want := []string{
		stays[0] + " " + stays[1] + "  ",
		erased[0] + " " + erased[1] + " " + erased[1] + " ",
		moved[0] + " moved@example.org " + moved[1] + " ",
		other[0] + " " + other[1] + "  ",
		late[0] + " " + late[1] + "  yes",
		" of.another.numbering@example.org of.another.numbering@example.org ",
	}
	slices.Sort(listed)
	slices.Sort(want)
	if !slices.Equal(listed, want) {
		t.Errorf("listed are\n%q, want\n%q", listed, want)
	}
	if got.Customers != len(want) || got.Gone != 2 || got.Ours != len(ours)+1 || got.Unmatched != 1 || got.Later != 1 || got.Rows != 7+len(ours) {
		t.Errorf("%+v", got)
	}
	wants(t, s.run(args...), "6 real customers; left out: 5 canaries and placebos; 1 rows name no customer", "signed up after it was taken, by the database", "a backup may have them")
}
