// Package noise makes the contacts that reach any address or number without a leak:
// strays, dictionary spam, storms of many sources, list cleaners, calls, dialling
// through a block, text messages, resolvers that ask again. For tests of what pages.
//
// Noise cannot tell a planted token from a placebo, so both are drawn alike from a
// [Pool]. Of what meets no token at all only a part is made: it changes nothing.
//
// What the rates stand on (see [Documented]): calls .067 to .119 a line and day, and
// 650 times strangers by the hundred who call a number back that was shown to them
// (Prasad et al., USENIX Security 2020: 1,481,201 calls on 66,606 lines in 11
// months), .67 on numbers that had an owner before (Gupta et al., NDSS 2015). A
// guess meets a name that carries 10 random bits once in a thousand times. How
// often strays, runs and storms come to a domain, and waves and wrong numbers to a
// block, has been measured by nobody whom we could read: those are assumptions, and
// [Rates.Times] makes those of mail worse.
package noise

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/dialogue"
)

// Rates are how much of each comes.
type Rates struct {
	Stray        float64 // mails a token-year from sources that come once
	Runs         float64 // dictionary runs a domain-year, each from one source
	Guesses      int     // local parts that a run tries
	Guessed      float64 // share of them that are a token or placebo
	Storms       float64 // storms a domain-year, in which each mail has a source of its own
	StormSources int
	StormGuessed float64
	Cleaners     float64 // list cleaners a domain-year: RCPT, then QUIT
	Calls        float64 // a number-day
	RingOnce     float64 // share of them that ring once
	CallerNames  float64 // share of them that bring the name of the caller's line
	Wrong        float64 // wrong numbers a number-year: they ask for somebody by name
	Waves        float64 // of robocalls a block-year, in which each call has a caller of its own
	WaveShare    float64 // of the numbers of the block, that a wave rings
	CallBacks    float64 // times a number-year that strangers call it back
	BackCallers  int     // strangers each time
	Dials        float64 // runs through a block, a block-year
	Texts        float64 // a number-year
	TextWaves    float64 // a block-year, each text with a sender of its own
	TextShare    float64
	Echoes       float64 // DNS queries a domain-day
}

// DirtyCalls are those a day of a number that had an owner before.
const DirtyCalls = 0.67

// Documented are the rates that are measured, or assumed where there is nothing.
func Documented() Rates {
	return Rates{
		Stray: 1e-5, Runs: 12, Guesses: 2000, Guessed: 1e-3, Storms: 1, StormSources: 400, StormGuessed: 0.01,
		Cleaners: 4, Calls: 0.09, RingOnce: 0.1, CallerNames: 0.1, Wrong: 2, Waves: 26, WaveShare: 0.2, CallBacks: 0.0106, BackCallers: 200,
		Dials: 6, Texts: 4, TextWaves: 12, TextShare: 0.1, Echoes: 0.2,
	}
}

// Times are the rates with everything that is assumed of mail so many times worse.
func (r Rates) Times(n float64) Rates {
	r.Stray, r.Runs, r.Storms, r.Cleaners = r.Stray*n, r.Runs*n, r.Storms*n, r.Cleaners*n
	return r
}

// Pool is what noise can reach: so many addresses on each domain, planted and
// placebos, and numbers in blocks.
type Pool struct {
	Domains, PerDomain int
	Blocks, PerBlock   int
	Address            func(domain, n int) string
	Number             func(block, n int) string
	Zone               func(domain int) string
}

// maker makes the noise of one time.
type maker struct {
	*rand.Rand
	pool Pool
	from time.Time
	days float64
	list []canary.Contact
}

// Make gives all that comes from a time on for so long, in the order of time.
func Make(rng *rand.Rand, p Pool, r Rates, from time.Time, d time.Duration) []canary.Contact {
	m := &maker{Rand: rng, pool: p, from: from, days: d.Hours() / 24}
	for domain := range p.Domains {
		m.strays(domain, r)
		m.runs(domain, r)
		m.storms(domain, r)
		m.cleaners(domain, r)
		for range m.events(r.Echoes) {
			c := m.contact(canary.DNS, m.at(), canary.Target{Text: "mx." + p.Zone(domain)})
			c.Facts = map[string]string{"zone": p.Zone(domain)}
			m.list = append(m.list, c)
		}
	}
	for block := range p.Blocks {
		m.phones(block, r)
	}
	slices.SortStableFunc(m.list, func(a, b canary.Contact) int { return a.At.Compare(b.At) })
	return m.list
}

func (m *maker) strays(domain int, r Rates) {
	for range m.events(r.Stray * float64(m.pool.PerDomain) / 365) {
		m.mail(m.any(domain), m.source(), m.at())
	}
}

// runs are those of one source through a dictionary.
func (m *maker) runs(domain int, r Rates) {
	for range m.events(r.Runs / 365) {
		source, at := m.source(), m.at()
		for range m.poisson(float64(r.Guesses) * r.Guessed) {
			m.mail(m.any(domain), source, at.Add(m.within(6*time.Hour)))
		}
		m.mail("info@"+m.pool.Zone(domain), source, at) // the rest meets nothing
	}
}

// storms come from many sources at once.
func (m *maker) storms(domain int, r Rates) {
	for range m.events(r.Storms / 365) {
		at := m.at()
		for range m.poisson(float64(r.StormSources) * r.StormGuessed) {
			m.mail(m.any(domain), m.source(), at.Add(m.within(24*time.Hour)))
		}
	}
}

func (m *maker) cleaners(domain int, r Rates) {
	for range m.events(r.Cleaners / 365) {
		source, at := m.source(), m.at()
		for range m.poisson(float64(r.Guesses) * r.Guessed) {
			m.mail(m.any(domain), source, at.Add(m.within(time.Hour)))
			m.list[len(m.list)-1].Probe = true
		}
	}
}

func (m *maker) phones(block int, r Rates) {
	number := func() string { return m.pool.Number(block, m.IntN(m.pool.PerBlock)) }
	numbers := float64(m.pool.PerBlock)
	for range m.events(r.Calls * numbers) {
		m.call(canary.Voice, number(), m.caller(), m.at())
		c := &m.list[len(m.list)-1]
		if m.Float64() < r.RingOnce {
			c.Probe, c.Text = true, ""
		}
		if m.Float64() < r.CallerNames {
			c.Facts = map[string]string{"caller_name": strings.ToUpper(Person(m.Uint64()))}
		}
	}
	for range m.events(r.Wrong * numbers / 365) {
		m.call(canary.Voice, number(), m.caller(), m.at())
		m.list[len(m.list)-1].Text = "hello, is that " + Person(m.Uint64())
	}
	for range m.events(r.CallBacks * numbers / 365) {
		to, at := number(), m.at()
		for range r.BackCallers {
			m.call(canary.Voice, to, m.caller(), at.Add(m.within(24*time.Hour)))
		}
	}
	for range m.events(r.Texts * numbers / 365) {
		m.call(canary.SMS, number(), m.caller(), m.at())
	}
	m.waves(block, r.Waves, r.WaveShare, canary.Voice)
	m.waves(block, r.TextWaves, r.TextShare, canary.SMS)
	for range m.events(r.Dials / 365) {
		caller, at := m.caller(), m.at()
		for i, n := range m.Perm(m.pool.PerBlock) { // placebos stand anywhere in a block
			m.call(canary.Voice, m.pool.Number(block, n), caller, at.Add(time.Duration(i)*time.Minute))
		}
	}
}

// waves ring a share of a block within a day, each time from another number: most
// campaigns seldom use one again.
func (m *maker) waves(block int, yearly, share float64, channel canary.Channel) {
	for range m.events(yearly / 365) {
		at := m.at()
		for n := range m.pool.PerBlock {
			if m.Float64() < share {
				m.call(channel, m.pool.Number(block, n), m.caller(), at.Add(m.within(24*time.Hour)))
			}
		}
	}
}

// Names of persons: two of them have the same first and last name once in 500,000
// times, which is about what the commonest names of Americans make of it.
const firsts, lasts = 200, 2500

// Person is the name of somebody.
func Person(n uint64) string {
	return spell("BDFGKLMNPR", n%firsts) + " " + spell("STVWZBDGLM", firsts+n/firsts%lasts)
}

// spell writes a number as a word, which no other number is written as.
func spell(consonants string, n uint64) string {
	word := make([]byte, 0, 10)
	for ; n > 0 || len(word) < 4; n /= 10 {
		word = append(word, consonants[n%10]|0x20, "aeiou"[n%5])
	}
	word[0] &^= 0x20
	return string(word)
}

// events is how many come at so many a day.
func (m *maker) events(daily float64) int { return m.poisson(daily * m.days) }

// poisson draws; for a large mean it is near enough to normal.
func (m *maker) poisson(mean float64) int {
	if mean > 50 {
		return max(0, int(math.Round(mean+math.Sqrt(mean)*m.NormFloat64())))
	}
	n := 0
	for left := m.ExpFloat64(); left < mean; left += m.ExpFloat64() {
		n++
	}
	return n
}

func (m *maker) at() time.Time {
	return m.from.Add(m.within(time.Duration(m.days * 24 * float64(time.Hour))))
}

func (m *maker) within(d time.Duration) time.Duration {
	return time.Duration(m.Int64N(cmp.Or(int64(d), 1))).Truncate(time.Microsecond)
}

func (m *maker) any(domain int) string { return m.pool.Address(domain, m.IntN(m.pool.PerDomain)) }
func (m *maker) source() string        { return fmt.Sprintf("bulk@s%x.example.org", m.Uint64()) }
func (m *maker) caller() string        { return fmt.Sprintf("+1%010d", m.Int64N(1e10)) }

func (m *maker) contact(channel canary.Channel, at time.Time, target canary.Target) canary.Contact {
	return canary.Contact{
		ID: canary.ContactID(fmt.Sprintf("k_noise%016x", m.Uint64())), Channel: channel, At: canary.Micro(at), Ear: "noise",
		Targets: []canary.Target{target},
	}
}

func (m *maker) mail(to, source string, at time.Time) {
	c := m.contact(canary.SMTP, at, canary.Target{Kind: canary.Email, Text: to})
	c.Source, c.Peer, c.Raw = source, fmt.Sprintf("198.51.%d.%d:25", m.IntN(250), m.IntN(250)), Message("you have won")
	if len(m.list) > 0 && m.list[len(m.list)-1].Source == source {
		c.Peer = m.list[len(m.list)-1].Peer // a source has one address
	}
	m.list = append(m.list, c)
}

func (m *maker) call(channel canary.Channel, to, caller string, at time.Time) {
	c := m.contact(channel, at, canary.Target{Kind: canary.Phone, Text: to})
	c.Source, c.Text = caller, "hello, this is about your car"
	m.list = append(m.list, c)
}

// Message is the record of a dialogue that carries one message.
func Message(text string) []byte {
	raw := dialogue.Append([]byte(dialogue.Magic), dialogue.Record{Kind: dialogue.Command, Bytes: []byte("DATA\r\n")})
	return dialogue.Append(raw, dialogue.Record{Kind: dialogue.Mail, Bytes: []byte("Subject: hello\r\n\r\n" + text + "\r\n.\r\n")})
}
