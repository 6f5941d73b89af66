package salt

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"math/rand/v2"
	"slices"
	"strings"

	"saltmine/seeder/persona"
	"saltmine/seeder/salt/study"
)

// writer writes the record of one canary from one donor.
type writer struct {
	m     *minter
	rng   *rand.Rand
	place *study.Place
	donor *study.Row

	d     draft
	scrub *persona.Scrub
	phone string // as it is written
	times moved
}

// draft makes the canary. The donor's phone number may be left out where no
// number can take its place, if anyPhone says so.
func (w *writer) draft(ctx context.Context, anyPhone bool) (*draft, error) {
	m := w.m
	who := m.f.Person(w.donor)
	if who.Email == "" || who.First == "" && who.Last == "" && who.Full == "" {
		return nil, errDonor
	}
	w.d = draft{who: who, cells: map[int][]byte{}, pairs: m.pairs(w.donor)}
	if who.Phone != "" {
		number, ok := m.takePhone(who)
		if !ok && (!anyPhone || m.f.Columns[m.at[study.Phone]].Null == nil) {
			return nil, errDonor
		}
		if w.d.phone = number; ok {
			w.phone = persona.FormatPhone(who.Phone, number)
		}
	}
	err := w.compose(ctx)
	if err != nil {
		if w.d.phone != "" {
			m.phones = append(m.phones, w.d.phone)
		}
		return nil, err
	}
	d := w.d // without the writer, which is large
	return &d, nil
}

// compose draws the identity and writes the record.
func (w *writer) compose(ctx context.Context) (err error) {
	if w.d.id, err = w.m.identity(ctx, w.rng, w.d.who); err != nil {
		return err
	}
	w.scrub = persona.NewScrub(w.d.who, w.d.id, w.phone)
	w.times = w.m.calendar.move(w)
	columns := make([]int, 0, len(w.donor.Cells))
	for i := range w.m.f.Columns {
		if w.donor.Cell(i) != nil {
			columns = append(columns, i)
		}
	}
	slices.SortFunc(columns, func(a, b int) int { return cmp.Compare(w.donor.Cells[a].From, w.donor.Cells[b].From) })
	var out bytes.Buffer
	at := 0
	for _, i := range columns {
		cell, err := w.cell(ctx, i)
		if err != nil {
			return err
		}
		where := w.donor.Cells[i]
		out.Write(w.donor.Raw[at:where.From])
		out.Write(cell)
		at = where.To
		w.d.cells[i] = cell
	}
	out.Write(w.donor.Raw[at:])
	if w.m.f.Dialect.JSON && !json.Valid(out.Bytes()) {
		return errDonor
	}
	w.d.piece.Text = append(out.Bytes(), w.m.f.Dialect.EOL...)
	return nil
}

// cell gives the canary's cell of a column, as it is written.
func (w *writer) cell(ctx context.Context, column int) ([]byte, error) {
	c, old := &w.m.f.Columns[column], w.donor.Cell(column)
	if w.follows(column) {
		if cell := w.place.Before.Cell(column); cell != nil {
			return cell, nil
		}
	}
	had := w.donor.Text(column)
	text, err := w.text(ctx, column, had)
	if err != nil {
		return nil, err
	}
	switch {
	case text == had:
		return old, nil
	case text == "" && c.Null != nil:
		return c.Null, nil
	case text == "" && had != "" && w.m.f.Dialect.JSON:
		return []byte(`""`), nil
	}
	cell, ok := w.m.f.Dialect.Write(text, old, c.Quoted)
	if !ok {
		return nil, errDonor
	}
	return cell, nil
}

// follows reports whether the place alone decides on a column: the list is
// sorted by it, and its values are shared by many rows.
func (w *writer) follows(column int) bool {
	c := &w.m.f.Columns[column]
	sorted := slices.ContainsFunc(w.m.f.Order, func(k study.Sort) bool { return k.Column == column })
	return sorted && !w.m.located && c.When == nil && w.m.makers[column] == nil && !w.m.madeNew(column)
}

// text gives what the canary's cell says.
func (w *writer) text(ctx context.Context, column int, had string) (string, error) {
	id := w.d.id
	switch w.m.f.Columns[column].Kind {
	case study.Email:
		if had == strings.ToUpper(had) {
			return strings.ToUpper(id.Email()), nil
		}
		return id.Written, nil
	case study.Phone:
		return w.phone, nil
	case study.First:
		return id.First, nil
	case study.Last:
		return id.Last, nil
	case study.Full:
		return id.Full, nil
	case study.Created, study.Date:
		return w.times.text(w, column, had), nil
	default:
	}
	if m := w.m.makers[column]; m != nil && had != "" {
		return w.made(ctx, m)
	}
	return w.scrubbed(column, had)
}

// scrubbed keeps the donor's value without what identifies the donor.
func (w *writer) scrubbed(column int, had string) (string, error) {
	c := &w.m.f.Columns[column]
	if c.Unique && strings.Contains(had, " ") {
		had = w.blended(column, had)
	}
	text, clean := w.scrub.Text(had)
	clean = clean && (!persona.LooksPhone(text) || text == w.phone)
	switch {
	case clean:
		return text, nil
	case c.Null != nil:
		return "", nil
	}
	return "", errDonor
}

// blended puts the beginning of one text and the end of another one together:
// where no two rows say the same, a copy would be a twin.
func (w *writer) blended(column int, had string) string {
	for range 20 {
		other := &w.m.f.Sample[w.rng.IntN(len(w.m.f.Sample))]
		text, clean := persona.NewScrub(w.m.f.Person(other), w.d.id, w.phone).Text(other.Text(column))
		words, more := strings.Fields(had), strings.Fields(text)
		if !clean || len(more) < 2 || text == had {
			continue
		}
		return strings.Join(append(words[:(len(words)+1)/2:(len(words)+1)/2], more[len(more)/2:]...), " ")
	}
	return had
}

// pairs are the attributes by which rows are told apart in the registry.
func (m *minter) pairs(r *study.Row) map[string]string {
	out := map[string]string{}
	for key, k := range map[string]study.Kind{"country": study.Country, "language": study.Language} {
		if text := r.Text(m.at[k]); text != "" {
			out[key] = text
		}
	}
	return out
}
