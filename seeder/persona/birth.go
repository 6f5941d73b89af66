package persona

import (
	"math/rand/v2"
	"strconv"
	"strings"
)

// births counts the people whose year of birth is known and whose address has
// digits that may be one, of two or of four, and those of them whose digits are
// that year; by the digits and all together.
type births struct{ have, are [2]map[string]float64 }

// Years of birth that people have.
const (
	oldest   = 1915
	youngest = 2015
)

// allDigits is the key of the counts of all digits together.
const allDigits = ""

// learn looks at somebody's digits, and tells whether they are the year of birth.
func (b *births) learn(digits string, born int) bool {
	n := len(digits)
	if born == 0 || n != 2 && n != 4 || n == 4 && !isYear(digits) {
		return false
	}
	k := n/2 - 1
	if b.have[k] == nil {
		b.have[k], b.are[k] = map[string]float64{}, map[string]float64{}
	}
	is := digits == strconv.Itoa(born)[4-n:]
	for _, key := range []string{digits, allDigits} {
		b.have[k][key]++
		if is {
			b.are[k][key]++
		}
	}
	return is
}

// share is how often digits are a year of birth; of digits that few have, about
// as often as digits are.
func (b *births) share(digits string) float64 {
	const few = 2
	k := len(digits)/2 - 1
	if b.have[k][allDigits] == 0 {
		return 0
	}
	return (b.are[k][digits] + few*b.are[k][allDigits]/b.have[k][allDigits]) / (b.have[k][digits] + few)
}

func isYear(digits string) bool {
	year, err := strconv.Atoi(digits)
	return err == nil && year >= oldest && year <= youngest
}

// Birth gives the year of birth of somebody like a person who is to have an
// address that was given: as often as such digits are a year of birth in the table
// it is the one that stands in the address, if people like him are of that year;
// else it stays.
func (m *Mix) Birth(rng *rand.Rand, address string, who Person) int {
	local, _, _ := strings.Cut(address, "@")
	digits, _ := digitsOf(local)
	if who.Born == 0 {
		return who.Born
	}
	text := digits
	if len(digits) == 2 {
		text = "19" + digits
		if digits < "15" {
			text = "20" + digits
		}
	}
	if len(text) != 4 || !isYear(text) || rng.Float64() >= m.births.share(digits) {
		return who.Born
	}
	year, _ := strconv.Atoi(text)
	if m.near(&who).years[year-oldest] == 0 {
		return who.Born
	}
	return year
}

// BornAs gives the year of birth of somebody who is to have a first name: that
// of one of those who have it and are of about the donor's age, for names come
// and go. Of a rare name it is one near those of the few who have it; it stays
// the donor's where nobody has.
func (m *Mix) BornAs(rng *rand.Rand, who Person, first string) int {
	const reach, few, off = 15, 5, 5
	g := m.near(&who)
	id, known := m.firsts.ids[m.firsts.name(first).text]
	if !known || who.Born == 0 || rng.Float64()*(float64(len(g.named(id)))+g.doubt) < g.doubt {
		return who.Born
	}
	var years, all []int
	for _, i := range g.named(id) {
		year := int(g.links[i].born)
		if year < oldest || year > youngest {
			continue
		}
		if all = append(all, year); max(year-who.Born, who.Born-year) <= reach {
			years = append(years, year)
		}
	}
	switch {
	case len(years) >= few:
		return years[rng.IntN(len(years))]
	case len(all) == 0:
		return who.Born
	}
	year := all[rng.IntN(len(all))] + rng.IntN(2*off+1) - off
	for year = min(max(year, oldest), youngest); g.years[year-oldest] == 0; {
		year = all[rng.IntN(len(all))] // nobody is of that year
	}
	return year
}

// surest is how many people who are as old as all are weigh as much, at least, as
// those of a group who have a name, when their age is told by it.
const surest = 3

// doubtful tells how many they are, which is the weight of the mean in a mixture of
// Dirichlet and multinomial distributions: many where people of one name are no
// oftener of one decade than any two people are.
func (g *group) doubtful() float64 {
	const decade, most = 10, 1e6
	var all, pairs, same float64
	whole := map[int16]float64{}
	for from := 0; from < len(g.byFirst); {
		n := int(g.links[g.byFirst[from]].firstsN)
		have, decades := 0.0, map[int16]float64{}
		for _, i := range g.byFirst[from : from+n] {
			if year := g.links[i].born; year >= oldest && year <= youngest {
				have++
				decades[year/decade]++
			}
		}
		for d, c := range decades {
			same += c * (c - 1)
			whole[d] += c
		}
		all, pairs, from = all+have, pairs+have*(have-1), from+n
	}
	chance := 0.0
	for _, c := range whole {
		chance += c * (c - 1)
	}
	if pairs == 0 || all < surest {
		return surest
	}
	same, chance = same/pairs, chance/(all*(all-1))
	if same <= chance {
		return most
	}
	tie := (same - chance) / (1 - chance)
	return min(max((1-tie)/tie, surest), most)
}
