package main

import (
	"bytes"
	"strings"
	"testing"

	"saltmine/internal/canary"
	"saltmine/seeder/supportdb"
)

// TestExclude asks a running serve whom to leave out, as a campaign does, until
// the budget is used up: that is refused, and somebody is told.
func TestExclude(t *testing.T) {
	t.Parallel()
	dsn, db := mariadb.MariaDB(t).HelpDesk(t, smallDesk())
	s := newSite(t, dsn, db)
	s.run("plant", "--count", "3", "--batch", "b")
	const token = "test-only-campaign-token"
	s.write("callers.txt", "campaigns "+token)
	s.write("campaigns.token", token)
	reg := s.open()
	all, err := reg.Plantings(t.Context(), canary.Filter{})
	if err != nil {
		t.Fatal(err)
	}
	for by, who := range map[string]func(canary.Planting) string{
		"email": func(p canary.Planting) string {
			for _, tok := range p.Tokens {
				if tok.Kind == canary.Email {
					return tok.Text
				}
			}
			return ""
		},
		"key": func(p canary.Planting) string {
			image, err := supportdb.DecodeImage(p.Rows)
			keys, err2 := supportdb.DecodeKeys(p.Keys)
			if err != nil || err2 != nil {
				t.Fatal(err, err2)
			}
			return image.CustomerKey(keys)
		},
	} {
		s.configure("[exclude]\ncallers_file = \"callers.txt\"\nby = \"" + by + "\"\ncustomers = 600\ndecoys = 0.0\n")
		r := s.serve()
		column := map[string]string{"email": "email", "key": "id"}[by]
		var stranger string
		if err := db.QueryRowContext(t.Context(), "SELECT "+column+" FROM customers ORDER BY id LIMIT 1").Scan(&stranger); err != nil {
			t.Fatal(err)
		}
		args := []string{"exclude", who(all[0]), stranger, who(all[2]), "--url", "http://" + r.addrs["api"], "--token-file", s.path("campaigns.token")}
		if out := s.run(args...); out != "drop\t"+who(all[0])+"\nkeep\t"+stranger+"\ndrop\t"+who(all[2])+"\n" {
			t.Errorf("by %s:\n%s", by, out)
		}
		if by == "key" {
			r.kill()
			continue
		}
		cmd := s.command("exclude", "-", "--url", "http://"+r.addrs["api"], "--token-file", s.path("campaigns.token"))
		cmd.Stdin = bytes.NewBufferString(strings.Repeat(stranger+"\n", 100))
		if out, err := cmd.CombinedOutput(); err == nil || !strings.Contains(string(out), "over the budget of 100 customers a day") {
			t.Errorf("over the budget: %v\n%s", err, out)
		}
		if out := s.run("notices"); !strings.Contains(out, "P3  ") || !strings.Contains(out, "the job campaigns asked about more than 100 customers") {
			t.Errorf("notices:\n%s", out)
		}
		if strings.Contains(r.log.String(), stranger) || strings.Contains(r.log.String(), who(all[0])) {
			t.Error("the log names who was asked about")
		}
		r.kill()
	}
}
