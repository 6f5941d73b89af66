package view_test

import (
	"strings"
	"testing"
	"time"

	"saltmine/seeder/gate/view"
)

// Each rule is broken by row 0 alone, or by row 0 and the row it is like.
func TestRules(t *testing.T) {
	t.Parallel()
	for rule, fault := range map[string]func(rows []view.Row){
		"e-mail: at a domain set aside for examples": func(rows []view.Row) { rows[0].Values[email] = text("dana@mail.example.com") },
		"e-mail: the same address but for dots": func(rows []view.Row) {
			rows[0].Values[email] = text("S.ome" + letters(15) + "+x@host-" + letters(25) + ".com")
		},
		"e-mail: nothing of the name":          func(rows []view.Row) { rows[0].Values[email] = text("x7q2k9z4@host.com") },
		"e-mail: a sub-domain":                 func(rows []view.Row) { rows[0].Values[email] = text("dana@k3.mail.com") },
		"phone: reserved for fiction":          func(rows []view.Row) { rows[0].Values[phone] = text("(212) 555-0147") },
		"phone: another row in the same block": func(rows []view.Row) { rows[0].Values[phone] = text("+1 " + rows[9].Values[phone].Text[3:13] + "99") },
		"phone: another row has the same number": func(rows []view.Row) {
			rows[0].Values[phone] = text(strings.ReplaceAll(rows[9].Values[phone].Text, " ", "-"))
		},
		"dates: created is in the future":         func(rows []view.Row) { rows[0].Values[created] = date(5000 * time.Hour) },
		"dates: created is at midnight":           func(rows []view.Row) { rows[0].Values[created] = text("2024-03-04 00:00:00") },
		"dates: another row has the same second":  func(rows []view.Row) { rows[0].Values[created] = rows[9].Values[created] },
		"dates: changed before it was made":       func(rows []view.Row) { rows[0].Values[updated] = date(-time.Hour) },
		"keys: id lies wrongly":                   func(rows []view.Row) { rows[0].Values[key] = text("151") },
		"tickets: opened before":                  func(rows []view.Row) { rows[0].Tickets[0][2] = date(-time.Minute) },
		"tickets: opened in the second":           func(rows []view.Row) { rows[0].Tickets[0][2] = rows[0].Values[created] },
		"tickets: opened in the future":           func(rows []view.Row) { rows[0].Tickets[0][2] = date(5000 * time.Hour) },
		"tickets: changed before":                 func(rows []view.Row) { rows[0].Tickets[0][3] = date(0) },
		"tickets: none, and nothing ever changed": func(rows []view.Row) { rows[0].Tickets, rows[0].Values[updated] = nil, rows[0].Values[created] },
		"texts: last holds":                       func(rows []view.Row) { rows[0].Values[last] = text("Test") },
		"texts: ticket subject holds":             func(rows []view.Row) { rows[0].Tickets[0][1] = text("About {{product}}") },
		"copies: another row has the same name": func(rows []view.Row) {
			rows[0].Values[first], rows[0].Values[last] = rows[9].Values[first], rows[9].Values[last]
		},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			rows := people(60)
			before := broken(t, rows, rule)
			fault(rows)
			after := broken(t, rows, rule)
			if len(after) == 0 || after[0] != 0 || len(after) > len(before)+2 {
				t.Errorf("broken by rows %v, before by %v", after, before)
			}
		})
	}
}

// broken gives the rows that break a rule.
func broken(t *testing.T, rows []view.Row, rule string) (out []int) {
	t.Helper()
	v := read(t, view.Extract{Real: rows, Now: start.Add(2000 * time.Hour)})
	for _, c := range v.Checks {
		if !strings.HasPrefix(c.Name, rule) {
			continue
		}
		for row, hit := range c.Hits {
			if hit {
				out = append(out, row)
			}
		}
	}
	return out
}
