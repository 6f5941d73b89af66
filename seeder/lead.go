package seeder

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/token"
	"saltmine/seeder/persona"
	"saltmine/seeder/recipe"
	"saltmine/seeder/supportdb"
)

// life says whose life a canary leads: what these customers do, the canary does
// too, moved to its own time.
type life struct {
	Follows []follow `json:"follows"`
	// Peer is the key of a customer of the same age, who moves the dates of the
	// canary's own row: of the last log-in, of the last change.
	Peer string `json:"peer,omitempty"`
	// Until is the time up to which the canary has done what the others did.
	Until time.Time `json:"until"`
	// Stands is the number of rows that are known to stand. While a step is
	// unfinished there are more in the image, or Undo takes it back.
	Stands  int       `json:"stands"`
	Pending bool      `json:"pending,omitempty"`
	Undo    []undo    `json:"undo,omitempty"`
	Since   time.Time `json:"since,omitzero"` // Until before the unfinished step
	// Left are the rows, by number, that others have changed: they are theirs now.
	Left []int `json:"left,omitempty"`
	// Was is what the rows held before, and Came when rows came, that audit logs of
	// then can be read by. Of what was before Dim nothing is known but the keys.
	Was  []was     `json:"was,omitempty"`
	Came []came    `json:"came,omitempty"`
	Dim  time.Time `json:"dim,omitzero"`
}

// follow is a customer whom a canary follows, and which of the canary's rows
// are copies of which of that customer's.
type follow struct {
	Lead string `json:"lead"` // key of the customer
	// Shift leads from the customer's dates to the canary's.
	Shift time.Duration `json:"shift"`
	// Rows holds the keys of the customer's rows by the number of the canary's;
	// the customer's own row is always the canary's own.
	Rows map[int]string `json:"rows"`
	// New lets the customer's new rows become the canary's; else only tickets
	// that the canary has already go on.
	New bool `json:"new,omitempty"`
}

func decodeLife(b []byte) (life, error) {
	var l life
	if len(b) == 0 {
		return l, nil
	}
	if err := json.Unmarshal(b, &l); err != nil {
		return l, fmt.Errorf("decode life: %w", err)
	}
	return l, nil
}

func (l *life) encode() ([]byte, error) {
	b, err := json.Marshal(l)
	if err != nil {
		return nil, fmt.Errorf("encode life: %w", err)
	}
	return b, nil
}

// begin makes the life of a canary that is registered now. Who has just signed
// up leads the donor's life from here. Who is planted with the donor's whole
// life behind it goes on with the donor's tickets as they go on, and finds
// somebody else for what is new.
func (s *Seeder) begin(d *draft) ([]byte, error) {
	l := life{Until: d.end, Stands: len(d.image.Items)}
	signedUp, _ := s.signedUp(&d.donor.Image)
	f := follow{Lead: d.donor.Key, Rows: map[int]string{}}
	if d.leads != nil {
		f.New, f.Shift = true, d.start.Sub(signedUp)
	}
	order := s.cfg.Desk.Order(&d.donor)
	if len(order) != len(d.image.Items) {
		return nil, nil // it was not copied row by row, so nothing of it can be found again
	}
	for n, old := range order {
		it := &d.donor.Items[old]
		f.Rows[n] = rowKey(s.cfg.Desk.Part(it.Part), &it.Row)
	}
	l.Follows = []follow{f}
	return l.encode()
}

// rowKey is a row's key as one text, with the part's name.
func rowKey(p *supportdb.Part, r *supportdb.Row) string {
	return p.Name + "\x00" + strings.Join(p.KeyOf(r), "\x00")
}

// settleIn finds a peer for a canary, and somebody to lead a further life,
// where it has none.
func (s *Seeder) settleIn(ctx context.Context, c *living, lessons *lessons) error {
	signedUp, ok := s.signedUp(&c.image)
	if !ok {
		return nil
	}
	rng := source([]byte(c.p.ID), "lead", len(c.life.Follows))
	if c.life.Peer == "" {
		near := lessons.byDate(s, signedUp)
		n, err := s.choose(ctx, rng, lessons, near[:max(len(near)/20, min(len(near), nearHours))], c)
		if err != nil {
			return err
		}
		if n >= 0 {
			c.life.Peer = lessons.donors[n].Key
		}
	}
	if slices.ContainsFunc(c.life.Follows, func(f follow) bool { return f.New }) {
		return nil
	}
	older := lessons.older(s, c, signedUp)
	n, err := s.choose(ctx, rng, lessons, older[:min(len(older), nearHours)], c)
	if err != nil || n < 0 {
		return err
	}
	donor := &lessons.donors[n]
	theirs, _ := s.signedUp(&donor.Image)
	f := follow{Lead: donor.Key, New: true, Shift: signedUp.Sub(theirs), Rows: map[int]string{}}
	f.Rows[c.image.Customer()] = rowKey(s.cfg.Desk.Part(recipe.CustomerPart), &donor.Items[donor.Customer()].Row)
	c.life.Follows = append(c.life.Follows, f)
	return nil
}

// older lists the donors who signed up well before a canary, at about its hour
// of the week; those of its country and language alone, where there are any.
func (l *lessons) older(s *Seeder, c *living, signedUp time.Time) []int {
	facts := s.cfg.Desk.Facts(&c.image)
	who := person(&facts)
	var like, all []int
	for _, n := range l.byHour(s, signedUp) {
		theirs, _ := s.signedUp(&l.donors[n].Image)
		if signedUp.Sub(theirs) < lifeAhead {
			continue
		}
		all = append(all, n)
		facts := s.cfg.Desk.Facts(&l.donors[n].Image)
		if other := person(&facts); other.Country == who.Country && other.Language == who.Language {
			like = append(like, n)
		}
	}
	if len(like) >= nearHours {
		return like
	}
	return all
}

// byDate lists the donors by how near their sign-up is to a date.
func (l *lessons) byDate(s *Seeder, at time.Time) []int {
	far := map[int]time.Duration{}
	out := make([]int, len(l.donors))
	for n := range l.donors {
		theirs, _ := s.signedUp(&l.donors[n].Image)
		out[n], far[n] = n, theirs.Sub(at).Abs()
	}
	slices.SortStableFunc(out, func(a, b int) int { return cmp.Compare(far[a], far[b]) })
	return out
}

// choose takes one of the donors who is no canary; -1 when there is none.
func (s *Seeder) choose(ctx context.Context, rng *rand.Rand, l *lessons, list []int, c *living) (int, error) {
	list = slices.Clone(list)
	rng.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	for _, n := range list {
		email := s.fact(&l.donors[n].Image, "email").Text()
		if _, err := token.Canon(canary.Email, email); err != nil {
			continue // what is no address is nobody to follow
		}
		ours, err := s.known(ctx, canary.Email, email)
		if err != nil {
			return -1, err
		}
		if !ours && !slices.ContainsFunc(c.life.Follows, func(f follow) bool { return f.Lead == l.donors[n].Key }) {
			return n, nil
		}
	}
	return -1, nil
}

// identityOf reads the canary's person from its rows.
func (s *Seeder) identityOf(i *supportdb.Image) persona.Identity {
	facts := s.cfg.Desk.Facts(i)
	who := person(&facts)
	id := persona.Identity{Full: who.Full, Written: who.Email}
	id.First, id.Last = who.Parts()
	id.Local, id.Domain, _ = strings.Cut(strings.ToLower(who.Email), "@")
	return id
}
