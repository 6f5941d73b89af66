package seeder

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"saltmine/internal/audit/replay"
	"saltmine/internal/canary"
	"saltmine/seeder/recipe"
	"saltmine/seeder/supportdb"
)

// Look reads the rows of all canaries that stand, and what the schema is like.
func (s *Seeder) Look(ctx context.Context) (replay.Look, error) {
	out, err := s.lookAtAll(ctx)
	if err != nil {
		return out, fmt.Errorf("look at the canaries: %w", err)
	}
	return out, nil
}

func (s *Seeder) lookAtAll(ctx context.Context) (replay.Look, error) {
	l := replay.Look{Planted: map[canary.ID]canary.Moment{}}
	customers, err := s.frame(ctx, &l)
	if err != nil {
		return l, err
	}
	all, err := s.standing(ctx, nil)
	if err != nil {
		return l, err
	}
	l.Before = s.now()
	for group := range slices.Chunk(all, checkGroup) {
		found, err := s.subjects(ctx, group)
		if err != nil {
			return l, err
		}
		for i := range found {
			stand(&l, s.cfg.Desk, &found[i])
		}
	}
	l.After = s.now()
	l.Each = max(1, float64(customers)/float64(max(1, len(l.Planted))))
	return l, nil
}

// frame reads what the schema is like, and about how many customers there are.
func (s *Seeder) frame(ctx context.Context, l *replay.Look) (customers int64, err error) {
	outline, err := s.cfg.Desk.Outline(ctx)
	if err != nil {
		return 0, err
	}
	l.Account = outline.Account
	l.Schema = replay.Schema{Database: outline.Database, Others: outline.Others, Views: map[string]string{}}
	for name, text := range outline.Views {
		if text != "" {
			l.Schema.Views[name] = text
		}
	}
	l.Schema.Tables = s.tables()
	return outline.Customers, nil
}

// stand adds the rows of one canary.
func stand(l *replay.Look, desk *supportdb.Desk, c *subject) {
	if c.row == nil {
		return
	}
	for _, t := range c.p.Tokens {
		at, known := l.Planted[c.p.ID]
		if from := t.Window.From; from.Come() && !t.Window.Never() && (!known || from.Earliest.Before(at.Earliest)) {
			l.Planted[c.p.ID] = from
		}
	}
	for _, it := range c.row.Items {
		p := desk.Part(it.Part)
		row := replay.Row{Canary: c.p.ID, Table: p.Table.Name, Key: strings.Join(p.KeyOf(&it.Row), "\x00")}
		for i := range p.Table.Columns {
			v := it.Row.Get(p.Table.Columns[i].Name)
			if v.IsNull() {
				row.Values = append(row.Values, nil)
				continue
			}
			text := v.Text()
			row.Values = append(row.Values, &text)
		}
		l.Rows = append(l.Rows, row)
	}
}

// tables are those of the recipe, with what is known of their keys.
func (s *Seeder) tables() (list []replay.Table) {
	desk := s.cfg.Desk
	at := map[string]int{}
	for _, p := range desk.Parts() {
		name := strings.ToLower(p.Table.Name)
		if _, there := at[name]; there {
			continue
		}
		at[name] = len(list)
		t := replay.Table{Name: p.Table.Name}
		for i := range p.Table.Columns {
			c := &p.Table.Columns[i]
			t.Columns = append(t.Columns, replay.Column{Name: c.Name, Type: c.Type, Collation: c.Collation, NotNull: !c.Nullable, Unique: p.Table.Unique(c.Name)})
		}
		if len(p.Key) == 1 && p.Table.Unique(p.Key[0]) {
			keyed(&t, p.Key[0], len(list)+1)
		}
		list = append(list, t)
	}
	s.mark(list, at)
	return list
}

// mark notes of columns what they hold: values of few, and keys of other tables.
func (s *Seeder) mark(list []replay.Table, at map[string]int) {
	desk := s.cfg.Desk
	for _, place := range s.sorts() {
		ofFew(&list[at[strings.ToLower(desk.Part(place.Part).Table.Name)]], place.Column)
	}
	for _, p := range desk.Parts() {
		of := desk.Part(p.Of)
		if of == nil || !s.pointsAlone(p) || len(of.Key) != 1 {
			continue
		}
		for column, target := range p.Link {
			if strings.EqualFold(target, of.Key[0]) {
				keyed(&list[at[strings.ToLower(p.Table.Name)]], column, at[strings.ToLower(of.Table.Name)]+1)
			}
		}
	}
}

// pointsAlone reports whether no row of another sort has what a part's rows have in
// the column by which they hang on theirs: ids of several tables may stand in one.
func (s *Seeder) pointsAlone(p *supportdb.Part) bool {
	through := p.Name == recipe.TicketPart && len(s.cfg.Desk.Recipe().Ticket.Through) > 0
	return len(p.Link) == 1 && p.Filter == "" && len(p.Set) == 0 && !through
}

// sorts are where columns stand that sort customers and tickets into a few sorts.
func (s *Seeder) sorts() (list []recipe.Place) {
	r := s.cfg.Desk.Recipe()
	for _, word := range r.SegmentWords() {
		if place, ok := s.cfg.Desk.Fact("segment." + word); ok {
			list = append(list, place)
		}
	}
	if place, ok := s.cfg.Desk.TicketFact("status"); ok {
		list = append(list, place)
	}
	return list
}

// ofFew marks a column of few values.
func ofFew(t *replay.Table, column string) {
	for i := range t.Columns {
		if c := &t.Columns[i]; strings.EqualFold(c.Name, column) && !c.Unique {
			c.Few = true
		}
	}
}

// keyed marks a column as one of keys.
func keyed(t *replay.Table, column string, domain int) {
	for i := range t.Columns {
		if c := &t.Columns[i]; strings.EqualFold(c.Name, column) && c.Domain == 0 {
			c.Domain = uint16(domain) //nolint:gosec // a recipe has a handful of tables
		}
	}
}
