package persona

import "strings"

// smalls is what the sample's small mail domains are like, each as often as it
// has people.
type smalls struct {
	people    float64
	countries map[string]float64
	endings   map[string]float64
	hyphens   float64
	lengths   map[int]float64 // of what stands before the ending
	home      float64
}

// learnSmalls looks at the small domains; countries are those of the people.
func (m *Mix) learnSmalls(countries []string) {
	s := smalls{countries: map[string]float64{}, endings: map[string]float64{}, lengths: map[int]float64{}}
	at := map[int32]map[string]float64{}
	for i := range m.people {
		p := &m.people[i]
		if p.atDomain == 0 || m.large(p.atDomain) {
			continue
		}
		l := looksOf(m.domains.all[p.domain])
		s.people++
		s.countries[countries[i]]++
		s.endings[l.ending]++
		s.lengths[l.length]++
		if l.hyphen {
			s.hyphens++
		}
		if at[p.domain] == nil {
			at[p.domain] = map[string]float64{}
		}
		at[p.domain][countries[i]]++
	}
	same, pairs := 0.0, 0.0
	for _, by := range at {
		all := 0.0
		for _, n := range by {
			all += n
			same += n * (n - 1)
		}
		pairs += all * (all - 1)
	}
	const few = 50
	if pairs >= few {
		s.home = same / pairs
	}
	m.smalls = s
}

// SmallShares gives the part of the people at small domains that each country
// has, as the table writes countries.
func (m *Mix) SmallShares() map[string]float64 {
	out := make(map[string]float64, len(m.smalls.countries))
	for country, n := range m.smalls.countries {
		out[country] = n / m.smalls.people
	}
	return out
}

// AtHome is the probability that two people at the same small domain are of the
// same country; 0 where too few are to tell.
func (m *Mix) AtHome() float64 { return m.smalls.home }

// looks is what of a domain's name can be compared with others'.
type looks struct {
	length int
	ending string
	hyphen bool
}

func looksOf(domain string) looks {
	end := Ending(domain)
	name := strings.TrimSuffix(domain, "."+end)
	return looks{len(name), end, strings.Contains(name, "-")}
}

// Kinship gives, for each of some domains, how much oftener a name of its length
// and ending is found among the table's small domains than among these.
func (m *Mix) Kinship(domains []string) []float64 {
	const (
		doubt = 0.02 // of what was never seen
		most  = 8
	)
	ours := smalls{people: float64(len(domains)), endings: map[string]float64{}, lengths: map[int]float64{}}
	for _, d := range domains {
		l := looksOf(d)
		ours.endings[l.ending]++
		ours.lengths[l.length]++
		if l.hyphen {
			ours.hyphens++
		}
	}
	out := make([]float64, len(domains))
	for i, d := range domains {
		l := looksOf(d)
		out[i] = 1
		if m.smalls.people == 0 {
			continue
		}
		for _, odds := range []float64{
			(m.smalls.endings[l.ending]/m.smalls.people + doubt) / (ours.endings[l.ending]/ours.people + doubt),
			(m.smalls.near(l.length) + doubt) / (ours.near(l.length) + doubt),
			(m.smalls.hyphened(l.hyphen) + doubt) / (ours.hyphened(l.hyphen) + doubt),
		} {
			out[i] *= min(max(odds, 1.0/most), most)
		}
	}
	return out
}

// near is the part of the names that are about as long.
func (s *smalls) near(length int) float64 {
	sum := 0.0
	for n, count := range s.lengths {
		if off := n - length; -1 <= off && off <= 1 {
			sum += count
		}
	}
	return sum / s.people
}

func (s *smalls) hyphened(is bool) float64 {
	if is {
		return s.hyphens / s.people
	}
	return 1 - s.hyphens/s.people
}
