package column

import (
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"
)

// between draws a place between two neighbours in the order, not far from the
// donor's, and the text of a third neighbour whose habits to follow.
func (c *Column) between(rng *rand.Rand, donor string, reach int) (at float64, like string, ok bool) {
	if len(c.order) < 3 {
		return 0, "", false
	}
	near := func() int {
		return min(max(c.place(donor)+rng.IntN(2*reach+1)-reach, 0), len(c.order)-2)
	}
	i := near()
	a, b := c.order[i], c.order[i+1]
	like = c.order[near()].text
	return a.at + rng.Float64()*(b.at-a.at), like, true
}

// number makes one with the ending of a neighbour: its decimals, its zeros, and
// its last digits where they are frequent (.99, 49).
func (c *Column) number(rng *rand.Rand, donor string, reach int) (string, bool) {
	x, like, ok := c.between(rng, donor, reach)
	if !ok {
		return "", false
	}
	_, decimals, _ := strings.Cut(like, ".")
	text := strconv.FormatFloat(x, 'f', len(decimals), 64)
	if zeros := len(like) - len(strings.TrimRight(like, "0")); decimals == "" && zeros > 0 {
		step := math.Pow10(zeros)
		text = strconv.FormatFloat(math.Round(x/step)*step, 'f', 0, 64)
		if strings.HasSuffix(text, strings.Repeat("0", zeros+1)) {
			return "", false // rounder than its neighbour
		}
	} else if size := c.ending(like); size > 0 && len(text) > size && size < len(like) {
		text = text[:len(text)-size] + like[len(like)-size:]
	}
	y, ok := number(text)
	return text, ok && y >= c.order[0].at && y <= c.order[len(c.order)-1].at
}

// ending tells how many last digits of a number are a habit: they are three
// times as frequent as they would be by chance.
func (c *Column) ending(text string) int {
	for size := 2; size >= 1; size-- {
		if size >= len(text) || strings.Contains(text[len(text)-size:], ".") {
			continue
		}
		by := float64(len(c.order)) / math.Pow10(size)
		if n := c.endings[text[len(text)-size:]]; float64(n) > 3*by && n >= Common {
			return size
		}
	}
	return 0
}

// date makes one on a day between two neighbours, at the time of day of a third
// one, some minutes off. Whole hours, whole minutes and whole seconds stay.
func (c *Column) date(rng *rand.Rand, donor string, reach int) (string, bool) {
	at, like, ok := c.between(rng, donor, reach)
	if !ok {
		return "", false
	}
	sample, err := time.Parse(c.layout, like)
	if err != nil {
		return "", false
	}
	t := time.UnixMicro(int64(at * 1e6)).UTC()
	clock := sample.Sub(sample.Truncate(24 * time.Hour))
	const jitter = 20 // minutes
	switch {
	case clock == 0:
	case clock%time.Hour == 0:
	case clock%time.Minute == 0:
		clock += time.Duration(rng.IntN(2*jitter+1)-jitter) * time.Minute
	case clock%time.Second == 0:
		clock += time.Duration(rng.IntN(120*jitter+1)-60*jitter) * time.Second
	default:
		clock += time.Duration(rng.Int64N(int64(2*jitter*time.Minute))) - jitter*time.Minute
		clock = clock.Truncate(fractionOf(like))
	}
	if strings.HasPrefix(c.layout, "15") {
		t = time.Time{}
	}
	clock = min(max(clock, 0), 24*time.Hour-time.Second)
	made := t.Truncate(24 * time.Hour).Add(clock)
	text := made.In(sample.Location()).Format(c.layout)
	return text, c.usual(text)
}

// usual reports whether a date lies between those that there are, on a day of
// the month that dates have.
func (c *Column) usual(text string) bool {
	if strings.HasSuffix(c.layout, "02") && c.endings[text[max(len(text)-2, 0):]] == 0 {
		return false
	}
	y, ok := c.parse(text)
	return ok && y >= c.order[0].at && y <= c.order[len(c.order)-1].at
}

// fractionOf is the fraction of a second to which a date is written.
func fractionOf(text string) time.Duration {
	_, digits, found := strings.Cut(text, ".")
	digits, _, _ = strings.Cut(strings.TrimRight(digits, "Z"), "+")
	if !found || len(digits) > 9 {
		return time.Second
	}
	return time.Duration(math.Pow10(9 - len(digits)))
}
