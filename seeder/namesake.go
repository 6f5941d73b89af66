package seeder

import (
	"context"
	"hash/fnv"
	"math/rand/v2"
	"regexp"
	"strings"

	"saltmine/seeder/persona"
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
	phones  map[string][]persona.Person // of those who were read, by country and town, and by country
}

func (s *Seeder) newNeighbourhood() (*neighbourhood, error) {
	h := &neighbourhood{known: map[uint64]bool{}, phones: map[string][]persona.Person{}}
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
	if who := person(facts); who.Phone != "" {
		caller := persona.Person{Country: who.Country, Phone: who.Phone}
		for _, key := range []string{who.Country, townKey(&who, facts.Get("stratum").Text())} {
			h.phones[key] = append(h.phones[key], caller)
		}
	}
}

func townKey(who *persona.Person, town string) string { return who.Country + "\x00" + town }

// caller is somebody after whose number one for a donor like somebody may be
// chosen: of the same town, as far as numbers go by towns there. The donor's own
// would show: where it is of elsewhere nobody else of the town has one like it.
func (h *neighbourhood) caller(rng *rand.Rand, mix *persona.Mix, who persona.Person, town string) persona.Person {
	if h.none() {
		return who
	}
	there := h.phones[townKey(&who, town)]
	if town == "" || len(there) == 0 {
		there = h.phones[who.Country]
	}
	if len(there) == 0 {
		return who
	}
	like := there[rng.IntN(len(there))]
	alike, area := 0, mix.Area(like)
	for i := range there {
		if mix.Area(there[i]) == area {
			alike++
		}
	}
	if alike < 2 {
		like = h.phones[who.Country][rng.IntN(len(h.phones[who.Country]))]
	}
	who.Phone = like.Phone
	return who
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
