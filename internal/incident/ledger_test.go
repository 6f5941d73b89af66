package incident_test

import (
	"context"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"strings"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/testkit/noise"
)

// ledger stands for the registry in the runs of whole years: a million tokens, and
// as many years as a rate of one page in some years asks for, are too much for a
// disk. TestLedgerIsTheRegistry holds it to the registry.
type ledger struct {
	domains, perDomain, planted int  // addresses of a domain; the first of them are planted
	blocks, perBlock, rung      int  // the same of numbers
	sparse                      bool // only each third block has placebos
	since                       time.Time
	boards                      map[canary.IncidentID]*canary.Standing
	placebos                    map[string][]canary.Hit // by origin
	counted                     map[canary.Cell][]canary.Reach
	pages                       []canary.Page
	hits                        []canary.Hit
}

func newLedger(since time.Time, domains, planted, placebos, blocks, rung, silent int) *ledger {
	return &ledger{domains: domains, planted: planted, perDomain: planted * (1 + placebos), blocks: blocks, rung: rung, perBlock: rung + silent, since: since,
		boards: map[canary.IncidentID]*canary.Standing{}, placebos: map[string][]canary.Hit{}, counted: map[canary.Cell][]canary.Reach{}}
}

func (l *ledger) pool() noise.Pool {
	return noise.Pool{Domains: l.domains, PerDomain: l.perDomain, Blocks: l.blocks, PerBlock: l.perBlock,
		Address: func(d, n int) string { return fmt.Sprintf("p%d@d%d.example.net", n, d) },
		Number:  func(b, n int) string { return fmt.Sprintf("+442%04d%04d", b, n) },
		Zone:    func(d int) string { return fmt.Sprintf("d%d.example.net", d) }}
}

// token finds what a target is, by its name.
func (l *ledger) token(t canary.Target) (canary.Token, bool) {
	var a, b int
	tok := canary.Token{ID: canary.TokenID("t_" + t.Text), Kind: t.Kind, Role: canary.RolePlacebo, Text: t.Text}
	limit := l.planted
	switch t.Kind {
	case canary.Email:
		if n, _ := fmt.Sscanf(t.Text, "p%d@d%d.", &a, &b); n != 2 {
			return tok, false
		}
	case canary.Phone:
		if n, _ := fmt.Sscanf(t.Text, "+442%4d%4d", &b, &a); n != 2 {
			return tok, false
		}
		if limit = l.rung; a >= limit+l.silent(b) {
			return tok, false
		}
	default:
		return tok, false
	}
	if a < limit {
		tok.Role, tok.Canary = canary.RolePlanted, canary.ID(fmt.Sprintf("c_%s%d.%d", t.Kind[:1], b, a))
	}
	return tok, true
}

// silent is how many numbers of a block are placebos.
func (l *ledger) silent(block int) int {
	if l.sparse && block%3 != 0 {
		return 0
	}
	return l.perBlock - l.rung
}

// name is that of the record which has a token.
func (l *ledger) name(t canary.Target) string {
	if t.Kind != canary.Phone {
		return "Dana Whitfield"
	}
	sum := fnv.New64a()
	_, _ = sum.Write([]byte(t.Text))
	return noise.Person(sum.Sum64())
}

func (l *ledger) Match(_ context.Context, targets []canary.Target) (out []canary.Match, _ error) {
	for i, t := range targets {
		if tok, ok := l.token(t); ok {
			m := canary.Match{Target: i, Place: "db:main", Token: canary.DatedToken{Token: tok}, Name: l.name(t), Tickets: []string{"TK202500017"}}
			if tok.Role == canary.RolePlanted {
				m.Token.Window = canary.Window{Place: "db:main", From: canary.At(l.since)}
			}
			out = append(out, m)
		}
	}
	return out, nil
}

func (l *ledger) Filed(context.Context, []canary.ContactID) (map[canary.ContactID]bool, error) {
	return map[canary.ContactID]bool{}, nil
}

func (l *ledger) PlaceboHits(_ context.Context, origin string, since time.Time) (int, error) {
	seen := map[canary.TokenID]bool{}
	for _, h := range l.placebos[origin] {
		if !h.At.Before(since) {
			seen[h.Token] = true
		}
	}
	return len(seen), nil
}

func (l *ledger) Queries(context.Context, string, time.Time, time.Time) ([]canary.ContactID, error) {
	return nil, nil
}
func (l *ledger) Position(context.Context, string) (string, error) { return "", nil }
func (l *ledger) Pending(context.Context, string, time.Time, int) ([]canary.Contact, error) {
	return nil, nil
}

func (l *ledger) Board(_ context.Context, since time.Time) (out []canary.Standing, _ error) {
	for id, s := range l.boards {
		if s.Updated.Before(since) {
			delete(l.boards, id) // the runs go forward in time
			continue
		}
		out = append(out, *s)
	}
	return out, nil
}

func (l *ledger) Standings(_ context.Context, ids []canary.IncidentID) (out []canary.Standing, _ error) {
	for _, id := range ids {
		if s := l.boards[id]; s != nil {
			out = append(out, *s)
		}
	}
	return out, nil
}

func (l *ledger) Commit(_ context.Context, o canary.Outcome) error {
	for _, inc := range o.Incidents {
		if l.boards[inc.ID] == nil {
			l.boards[inc.ID] = &canary.Standing{Clean: map[canary.ID]time.Time{}, Touched: map[canary.ID]time.Time{}, Domains: map[string]time.Time{}, Paged: map[string]canary.Severity{}}
		}
		l.boards[inc.ID].Incident = inc
	}
	for _, h := range o.Hits {
		if h.Role == canary.RolePlacebo {
			l.placebos[h.Origin] = append(l.placebos[h.Origin], h)
			if h.Counts {
				l.counted[h.Cell] = append(l.counted[h.Cell], canary.Reach{At: h.At, By: h.Origin + " " + string(h.Token)})
			}
			continue
		}
		l.hits = append(l.hits, h)
		s := l.boards[h.Incident]
		s.Touched[h.Canary] = h.At
		if h.Clean {
			s.Clean[h.Canary] = h.At
		}
		if h.Counts {
			s.Count(h.Cell, h.Canary, h.At)
		}
	}
	of := map[canary.PageID]canary.Page{}
	for _, p := range o.Pages {
		of[p.ID] = p
	}
	for _, d := range o.Deliveries {
		l.boards[of[d.Page].Incident].Paged[d.Route] = of[d.Page].Severity
	}
	for _, id := range o.Held {
		l.boards[id].Held = true
	}
	for _, id := range o.Freed {
		l.boards[id].Held = false
	}
	l.pages = append(l.pages, o.Pages...)
	return nil
}

func (l *ledger) BlindDomain(domain string) string { return domain }
func (l *ledger) BlindOrigin(origin string) string { return origin }

func (l *ledger) BlindClue(trait canary.Trait, text string) int64 {
	sum := fnv.New64a()
	_, _ = sum.Write([]byte(string(trait) + text))
	return int64(sum.Sum64() >> 1)
}

func (l *ledger) Stratum(kind canary.Kind, text string) string {
	if _, domain, ok := strings.Cut(text, "@"); ok {
		return string(kind) + "|" + domain
	}
	return string(kind) + "|" + text[:len(text)-4]
}

func (l *ledger) Heard(_ context.Context, cell canary.Cell, _ time.Time) (canary.Heard, error) {
	planted, placebos := l.planted, l.perDomain-l.planted
	if cell.Kind() == canary.Phone {
		var block int
		if _, err := fmt.Sscanf(cell.Stratum, "phone|+442%04d", &block); err != nil {
			return canary.Heard{}, err
		}
		planted, placebos = l.rung, l.silent(block)
	}
	return canary.Heard{Planted: []canary.Registered{{At: l.since, Tokens: planted}}, Placebos: []canary.Registered{{At: l.since, Tokens: placebos}}, Hits: l.counted[cell]}, nil
}

func (l *ledger) Pooled(ctx context.Context, channel canary.Channel, kind canary.Kind, at time.Time) (canary.Pooled, error) {
	p := canary.Pooled{}
	parts, zone := l.domains, func(n int) string { return "p0@d" + fmt.Sprint(n) + ".example.net" }
	if kind == canary.Phone {
		parts, zone = l.blocks, func(n int) string { return l.pool().Number(n, 0) }
	}
	for n := range parts {
		cell := canary.Cell{Channel: channel, Stratum: l.Stratum(kind, zone(n))}
		h, err := l.Heard(ctx, cell, at)
		if err != nil {
			return nil, err
		}
		x := h.At(at)
		p[cell.Stratum] = canary.CellSum{Planted: x.Planted, Placebos: x.Placebos, PastYears: x.PastYears, RecentYears: x.RecentYears, PastHits: x.PastHits, RecentHits: x.RecentHits}
	}
	return p, nil
}

func (l *ledger) Registered(context.Context) ([]canary.Registered, error) {
	return []canary.Registered{{At: l.since, Tokens: l.domains*l.planted + l.blocks*l.rung}}, nil
}

// leak is true contacts of a leak on one sort of tokens. Those that are named tell
// what stands in the record: the ticket, or the name with it or with the number.
func (l *ledger) leak(rng *rand.Rand, s sort, kind string, n int, from time.Time) (list []canary.Contact) {
	at, named := from, kind == "named"
	for i := range n {
		at = canary.Micro(at.Add(time.Duration(rng.ExpFloat64() * float64(5*24*time.Hour))))
		c := canary.Contact{ID: canary.ContactID(fmt.Sprintf("k_true%08d", i)), At: at, Ear: "leak"}
		if s != mails {
			c.Channel, c.Source, c.Text = canary.Voice, fmt.Sprintf("+1212%07d", rng.IntN(1e7)), "hello, this is about your computer"
			c.Targets = []canary.Target{{Kind: canary.Phone, Text: l.pool().Number(rng.IntN(l.blocks), rng.IntN(l.rung))}}
			if named {
				first, last, _ := strings.Cut(l.name(c.Targets[0]), " ")
				c.Text = pick(rng, "am I speaking to "+first+" "+last, "I call about ticket T K 2 0 2 5 0 0 0 1 7", "Ms "+last+", "+first+"? your case TK-2025-00017")
			}
		} else {
			c.Channel, c.Peer, c.Source, c.Raw = canary.SMTP, fmt.Sprintf("203.0.113.%d:25", i), fmt.Sprintf("scam%d@x%x.example.com", i, rng.Uint64()), noise.Message("hello")
			c.Targets = []canary.Target{{Kind: canary.Email, Text: l.pool().Address(rng.IntN(l.domains), rng.IntN(l.planted))}}
			if named {
				c.Raw = noise.Message(pick(rng, "about your ticket TK-2025-00017", "Dear Dana Whitfield, we looked into TK202500017", "Case TK 2025 00017 is not closed"))
			}
		}
		list = append(list, c)
	}
	return list
}

func pick(rng *rand.Rand, from ...string) string { return from[rng.IntN(len(from))] }
