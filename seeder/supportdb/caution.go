package supportdb

import "strings"

// Cautions says what of the tables a person should know before anything is
// planted in them.
func (d *Desk) Cautions() []string {
	var out []string
	if without := d.Transactional(); len(without) > 0 {
		out = append(out, strings.Join(without, ", ")+": no transactions; a canary that fails half-way is taken back row by row")
	}
	if list := d.versioned(); len(list) > 0 {
		out = append(out, strings.Join(list, ", ")+": system-versioned; canaries that are withdrawn or changed stay in the history (FOR SYSTEM_TIME ALL shows them)")
	}
	return out
}

// Remains says what stays in the database when canaries are withdrawn.
func (d *Desk) Remains() []string {
	var counters []string
	for _, t := range d.tables() {
		for i := range t.Columns {
			if t.Columns[i].Auto {
				counters = append(counters, t.Name+"."+t.Columns[i].Name)
			}
		}
	}
	if d.counter != nil {
		counters = append(counters, d.counter.Name+"."+spelling(d.counter, d.recipe.Ticket.Counter.Column))
	}
	var out []string
	if len(counters) > 0 {
		out = append(out, "counters stay where they are: "+strings.Join(counters, ", "))
	}
	if list := d.versioned(); len(list) > 0 {
		out = append(out, "the history of system-versioned tables keeps the rows: "+strings.Join(list, ", "))
	}
	return out
}

func (d *Desk) versioned() (names []string) {
	for _, t := range d.tables() {
		if t.Versioned {
			names = append(names, t.Name)
		}
	}
	return names
}
