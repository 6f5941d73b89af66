package replay

import (
	"context"
	"slices"
	"strings"
	"time"

	"saltmine/internal/audit/maybe"
	"saltmine/internal/canary"
)

// Ask is a SELECT for a server that holds every version of the canaries' rows, numbered
// in the column [Label] as [New] was given them.
type Ask struct {
	// Text gives the number of each row as its last column.
	Text string
	// Names are all that may be names in the text, in lower case.
	Names map[string]bool
	// Mode is the session's sql_mode; nil is what sessions have from the beginning.
	Mode *string
	// Zone is the session's, as MySQL has it. Clocks are what its clock may have shown.
	Zone   string
	Clocks []time.Time
}

// Server is a server of the same kind as the support database's.
type Server interface {
	// Run gives the numbers of the rows that an ask returned, for every way in which it
	// may have been meant. It is not ok when the server refuses the statement.
	Run(ctx context.Context, ask *Ask) (ways []map[int]bool, ok bool, err error)
	// Holds reports whether a row stands there as it stood then, in all columns that the
	// ask names.
	Holds(row int, ask *Ask) bool
}

// Refine asks a server about a statement that [Replayer.Replay] leaves open. It is asked
// only what it can tell with the canaries' rows alone: whether the conditions on a
// row of one table hold. Everything that looks at other rows (LIMIT, a join, a count) stays
// open, and so does what the server refuses. It reports whether it was asked, and
// whether it answered.
func (r *Replayer) Refine(ctx context.Context, s *Statement, out *Result, on Server) (asked, answered bool, err error) {
	if len(out.Possible) == 0 {
		return false, false, nil
	}
	ask, t, ok := r.ask(s)
	if !ok {
		return false, false, nil
	}
	ways, ok, err := on.Run(ctx, ask)
	if err != nil || !ok {
		return true, false, err
	}
	holds := func(v *version) maybe.Truth {
		if !on.Holds(v.number, ask) {
			return maybe.Either
		}
		return among(ways, v.number)
	}
	r.settle(s, t, out, holds)
	return true, true, nil
}

// among is whether a row is in all ways, or in some of them.
func among(ways []map[int]bool, row int) (truth maybe.Truth) {
	for _, way := range ways {
		if way[row] {
			truth |= maybe.True
		} else {
			truth |= maybe.False
		}
	}
	return truth
}

// settle goes through the canaries that are open.
func (r *Replayer) settle(s *Statement, t *table, out *Result, holds func(*version) maybe.Truth) {
	open := map[canary.ID]bool{}
	for _, id := range out.Possible {
		open[id] = true
	}
	var left []canary.ID
	for n, id := range r.book.ids {
		if !open[id] {
			continue
		}
		verdict := s.met(r.book.rows[n][t.at], holds)
		if verdict.Sure() {
			out.Returned = append(out.Returned, id)
		} else if verdict.May() {
			left = append(left, id)
		}
	}
	if out.Possible = left; len(left) == 0 {
		out.Why = ""
	}
}

// met is whether a statement met a row of which something holds, among the versions of one
// canary's rows in a table.
func (s *Statement) met(versions []version, holds func(*version) maybe.Truth) maybe.Truth {
	one, best := &run{saw: s.Saw}, maybe.False
	for from := 0; from < len(versions); {
		to := from + 1
		for to < len(versions) && versions[to].key == versions[from].key {
			to++
		}
		best = best.Or(s.metRow(one.choices(versions, from, to), versions[from:to], from, holds))
		from = to
	}
	return best
}

// metRow is met of one row. Of its choices one stood, whichever; without any, none may have.
func (s *Statement) metRow(choices []int, versions []version, from int, holds func(*version) maybe.Truth) maybe.Truth {
	var all maybe.Truth
	best := maybe.False
	for i := range versions {
		v := &versions[i]
		if v.window.Never() || !overlaps(&v.window, s.Saw) {
			continue
		}
		truth := holds(v)
		if slices.Contains(choices, from+i) {
			all |= truth
			continue
		}
		if truth.Sure() && (!v.window.Certain(s.Saw.Earliest) || !v.window.Certain(s.Saw.Latest)) {
			truth = maybe.Either
		}
		best = best.Or(truth)
	}
	if len(choices) > 0 {
		return all
	}
	return best
}

// maxAsked bounds the statements that are asked about.
const maxAsked = 64 << 10

// ask makes an ask of a statement that looks at each row of one table alone.
func (r *Replayer) ask(s *Statement) (*Ask, *table, bool) {
	text, ok := r.selects(s)
	if !ok {
		return nil, nil, false
	}
	p, ok := piecesOf(text)
	if !ok {
		return nil, nil, false
	}
	name, ok := p.single(s.Database, r.schema.Database)
	t := r.book.tables[name]
	if !ok || t == nil || r.standsIn(name) {
		return nil, nil, false
	}
	out := &Ask{Text: p.keyed(t.Name), Names: p.names, Mode: s.Mode, Zone: zoneName(s.Zone)}
	if out.Clocks, ok = p.clocks(s); !ok {
		return nil, nil, false
	}
	return out, t, true
}

// selects is the SELECT of a statement, as far as it is whole and its session is known.
func (r *Replayer) selects(s *Statement) (text string, ok bool) {
	if s.unclear() {
		return "", false
	}
	text = strings.TrimRight(strings.TrimSpace(string(s.Text)), "; \n\t")
	whole := lex(text)
	if whole.several || whole.hidden || len(whole.words) == 0 {
		return "", false
	}
	plain := whole.words[0] == "select" && !slices.Contains(whole.words, "into")
	switch {
	case s.Moded && (!plain || strings.Contains(text, `\`)):
		return "", false // a backslash is an escape, or none
	case s.Mode == nil && r.quotes(whole):
		return "", false // a name or a text
	case plain:
		return text, true
	}
	reduced, err := Reduce(text, nil)
	return reduced.Text, err == nil
}

// quotes reports whether a name of the schema stands in double quotes.
func (r *Replayer) quotes(s *scan) bool {
	return slices.ContainsFunc(s.quoted, func(name string) bool { return r.names[name] })
}

// unclear reports whether the statement is not whole, or the session may make the statement mean something else than it
// does in one that is set alike.
func (s *Statement) unclear() bool {
	if s.Truncated || s.Code != 0 || len(s.Text) > maxAsked {
		return true
	}
	return s.Past || s.Timeless || s.Tuned || s.Zone == nil || (s.Odd || s.Doubt) && (s.Mode == nil || !s.Moded)
}

// standsIn reports whether a name may be another table's by now.
func (r *Replayer) standsIn(name string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.gone[name] || r.views[name] != ""
}

func zoneName(zone *time.Location) string {
	if zone == time.UTC {
		return "+00:00"
	}
	return zone.String()
}
