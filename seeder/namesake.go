package seeder

import (
	"context"
	"hash/fnv"
	"regexp"
	"strings"

	"saltmine/seeder/recipe"
	"saltmine/seeder/supportdb"
)

// A canary that has the name and the town of a real customer could bring that
// customer into what is meant for nobody: a caller who is told of, a case that is
// looked into. Where the table has towns, such a person is not made.

// The names of columns that say where a customer lives.
var (
	townColumn = regexp.MustCompile(`(?i)(^|_)(city|town|locality|ort|ville|ciudad|citta|cidade|plaats|stad)$`)
	codeColumn = regexp.MustCompile(`(?i)(^|_)(post_?code|postal_?code|zip|zip_?code|plz)$`)
)

// neighbourhood knows which names stand in which towns.
type neighbourhood struct {
	town supportdb.Divider // by the column of the town; of no words where there is none
	// indexed: the table can be asked itself. Else those who were read must do.
	indexed bool
	known   map[uint64]bool // of those who were read
	read    int
	callers
}

func (s *Seeder) newNeighbourhood() (*neighbourhood, error) {
	h := &neighbourhood{known: map[uint64]bool{}, callers: newCallers()}
	table := s.cfg.Desk.Part(recipe.CustomerPart).Table
	for _, form := range []*regexp.Regexp{townColumn, codeColumn} {
		for i := range table.Columns {
			c := &table.Columns[i]
			if !c.IsText() || !form.MatchString(c.Name) {
				continue
			}
			var err error
			h.town, err = s.cfg.Desk.Divider(c.Name)
			h.indexed = s.cfg.Desk.Findable("name", "first_name", "last_name")
			return h, err
		}
	}
	return h, nil
}

// none reports whether the table says nothing of towns.
func (h *neighbourhood) none() bool { return h == nil || len(h.town.Words()) == 0 }

// meet remembers a customer who was read, with the town as the stratum.
func (h *neighbourhood) meet(facts *supportdb.Row) {
	if h.none() {
		return
	}
	if town := facts.Get("stratum").Text(); town != "" {
		h.read++
		h.known[residence(nameOf(facts), town)] = true
	}
	h.callers.meet(person(facts), facts.Get("stratum").Text())
}

// nameOf is a customer's name, by whatever columns the recipe has for it.
func nameOf(facts *supportdb.Row) string {
	text := func(word string) string { return strings.TrimSpace(facts.Get(word).Text()) }
	if first, last := text("first_name"), text("last_name"); first != "" || last != "" {
		return first + " " + last
	}
	return text("name")
}

func residence(name, town string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(strings.ToLower(name) + "\x00" + strings.ToLower(town))) // it never fails
	return h.Sum64()
}

// alone makes sure that nobody has a draft's name in its town. It is errDonor
// where somebody has.
func (m *minter) alone(ctx context.Context, d *draft) error {
	h := m.l.neighbours
	if h.none() {
		return nil
	}
	town := h.town.Of(&d.image)
	if town == "" {
		return nil
	}
	facts := m.s.cfg.Desk.Facts(&d.image)
	home := residence(nameOf(&facts), string(town))
	if h.known[home] {
		return errDonor
	}
	if h.indexed {
		others, err := m.s.cfg.Desk.Namesakes(ctx, &d.image)
		if err != nil {
			return err
		}
		for i := range others {
			if h.town.Of(&others[i].Image) == town {
				return errDonor
			}
		}
	}
	h.known[home] = true // nor are two canaries each other's
	return nil
}
