package persona

import (
	"cmp"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Numbered is a ticket number with the date on which it was given.
type Numbered struct {
	Text    string
	Created time.Time
	ID      int64 // the row's key; 0 when it is not told or no number
}

// Numbers is the rule of a table's ticket numbers: fixed text, parts that are
// the date, a counter, and a check digit (see package checkdigit). The counter
// runs, beginning anew with the period that the date parts spell, or it is
// drawn at random, or it follows from the row's key.
//
//	TK-2025-004123     "TK-", year, "-", counter of six digits that runs
//	2025112210000042   date, counter of eight digits that runs
//	2002062310100011   date, counter of seven digits that runs, check (OTRS)
//	483920             counter of six digits at random
//	#1042              "#", the key and 1000
type Numbers struct {
	parts   []part
	check   check
	Running bool
	through bool  // a new period does not begin the counter anew
	low     int64 // of the counters seen
	high    int64
	keyed   bool // the counter is the key and offset
	offset  int64
	zone    *time.Location // whose days the date parts are: that of the dates in the sample
}

// part is one piece of a number; exactly one of a rule is the counter.
type part struct {
	text    string // literal
	layout  string // date, as package time writes it
	counter bool
	width   int // of the counter, zero-padded; 0 is as long as it is
	check   int // digits of the check
}

// Shares of the sample that have to follow a rule for it to be one.
const (
	mostNumbers = 0.9
	datedShare  = 0.9
	orderShare  = 0.9
	minNumbers  = 10
)

var digitRuns = regexp.MustCompile(`[0-9]+`)

// LearnNumbers finds the rule of a sample. It is ErrSample when there are too
// few numbers, or when they follow no rule that it knows.
func LearnNumbers(sample []Numbered) (*Numbers, error) {
	rows, all := dominant(sample)
	if len(rows) < minNumbers || float64(len(rows)) < mostNumbers*float64(all) {
		return nil, fmt.Errorf("learn ticket numbers: %w: %d of %d numbers have one form, %d and most of them wanted", ErrSample, len(rows), all, minNumbers)
	}
	slices.SortFunc(rows, func(a, b Numbered) int {
		return cmp.Or(a.Created.Compare(b.Created), cmp.Compare(len(a.Text), len(b.Text)), strings.Compare(a.Text, b.Text))
	})
	n := &Numbers{check: checkOf(rows), zone: rows[0].Created.Location()}
	n.parts = takeApart(rows, n.check.size())
	if !slices.ContainsFunc(n.parts, func(p part) bool { return p.counter }) {
		return nil, fmt.Errorf("learn ticket numbers: %w: no part of them counts", ErrSample)
	}
	n.measure(rows)
	n.learnKeys(rows)
	return n, nil
}

// dominant keeps the numbers of the most frequent form: same text around the
// same number of digit runs. A number that was sampled twice counts once.
func dominant(sample []Numbered) (rows []Numbered, all int) {
	forms := map[string][]Numbered{}
	best := ""
	seen := map[string]bool{}
	for _, s := range sample {
		if seen[s.Text] {
			continue
		}
		seen[s.Text] = true
		form := digitRuns.ReplaceAllString(s.Text, "\x00")
		forms[form] = append(forms[form], s)
		if n, m := len(forms[form]), len(forms[best]); n > m || n == m && form < best {
			best = form
		}
	}
	return forms[best], len(seen)
}

// takeApart tells what every run of digits is. The last one ends in a check of
// some digits.
func takeApart(rows []Numbered, check int) []part {
	var parts []part
	literal := func(text string) {
		if text != "" {
			parts = append(parts, part{text: text})
		}
	}
	spans := digitRuns.FindAllStringIndex(rows[0].Text, -1)
	counter := counterRun(rows, len(spans))
	between := digitRuns.Split(rows[0].Text, -1)
	for i := range spans {
		literal(between[i])
		run := column(rows, i)
		ends := check > 0 && i == len(spans)-1
		for j := range run {
			if ends {
				run[j] = run[j][:max(len(run[j])-check, 0)]
			}
		}
		layout := dateOf(rows, run)
		if layout != "" {
			parts = append(parts, part{layout: layout})
			for j := range run {
				run[j] = run[j][min(len(layout), len(run[j])):]
			}
		}
		if i == counter {
			parts = append(parts, part{counter: true, width: widthOf(run)})
		} else {
			literal(run[len(run)-1])
		}
		if ends {
			parts = append(parts, part{check: check})
		}
	}
	literal(between[len(between)-1])
	return parts
}

// column gives the i-th digit run of every row.
func column(rows []Numbered, i int) []string {
	out := make([]string, len(rows))
	for j, r := range rows {
		out[j] = digitRuns.FindAllString(r.Text, -1)[i]
	}
	return out
}

// counterRun is the run with the most different values beyond its date.
func counterRun(rows []Numbered, runs int) int {
	best, most := -1, 1
	for i := range runs {
		run := column(rows, i)
		layout := dateOf(rows, run)
		seen := map[string]bool{}
		for _, text := range run {
			seen[text[min(len(layout), len(text)):]] = true
		}
		if len(seen) >= most {
			best, most = i, len(seen)
		}
	}
	return best
}

// dateOf finds the date with which the runs begin, the longest that fits.
// Two-digit years need two different ones to be believed.
func dateOf(rows []Numbered, run []string) string {
	for _, layout := range []string{"20060102", "200601", "060102", "2006", "0601", "06"} {
		fits, periods := 0, map[string]bool{}
		for i, text := range run {
			stamp := rows[i].Created.Format(layout)
			if strings.HasPrefix(text, stamp) {
				fits++
				periods[stamp] = true
			}
		}
		surely := len(layout) >= 6 || layout == "2006" || len(periods) > 1
		if surely && float64(fits) >= datedShare*float64(len(run)) {
			return layout
		}
	}
	return ""
}

// widthOf is the common length of the counters, if they have one.
func widthOf(run []string) int {
	width := len(run[0])
	for _, text := range run {
		if len(text) != width {
			return 0
		}
	}
	return width
}

// measure learns how the counter moves, within a period and from one to the next.
func (n *Numbers) measure(rows []Numbered) {
	var within, across trend
	var lastPeriod string
	lastCounter := int64(-1)
	n.low = math.MaxInt64
	for _, r := range rows {
		period, counter, ok := n.Read(r.Text)
		if !ok {
			continue
		}
		n.low, n.high = min(n.low, counter), max(n.high, counter)
		switch {
		case lastCounter < 0:
		case period == lastPeriod:
			within.add(counter > lastCounter)
		default:
			across.add(counter > lastCounter)
		}
		lastPeriod, lastCounter = period, counter
	}
	n.low = min(n.low, n.high)
	n.through = across.rises()
	n.Running = within.rises() || within.pairs == 0 && n.through
}

// trend counts how often a number was larger than the one before it.
type trend struct{ up, pairs int }

func (t *trend) add(up bool) {
	t.pairs++
	if up {
		t.up++
	}
}

func (t *trend) rises() bool { return t.pairs > 0 && float64(t.up) >= orderShare*float64(t.pairs) }

// Read takes a number apart: its period and its counter.
func (n *Numbers) Read(text string) (period string, counter int64, ok bool) {
	if right, fits := n.check.complete(text); !fits || right != text {
		return "", 0, false
	}
	var spell strings.Builder
	for i, p := range n.parts {
		switch {
		case p.text != "":
			if !strings.HasPrefix(text, p.text) {
				return "", 0, false
			}
			text = text[len(p.text):]
		case p.layout != "" || p.check > 0:
			if len(text) < len(p.layout)+p.check {
				return "", 0, false
			}
			spell.WriteString(text[:len(p.layout)])
			text = text[len(p.layout)+p.check:]
		default:
			end := n.counterEnd(text, i)
			v, err := strconv.ParseInt(text[:end], 10, 64)
			if err != nil {
				return "", 0, false
			}
			counter, text = v, text[end:]
		}
	}
	return spell.String(), counter, text == ""
}

// counterEnd is where the counter ends, which is the i-th part. One at the end
// may have grown beyond its width.
func (n *Numbers) counterEnd(text string, i int) int {
	digits := len(text) - len(strings.TrimLeft(text, "0123456789"))
	rest, check := n.parts[i+1:], 0
	if len(rest) > 0 {
		check = rest[0].check
	}
	last := len(rest) == 0 || check > 0 && len(rest) == 1
	if width := n.parts[i].width; width > 0 && !last {
		return min(width, digits)
	}
	return max(digits-check, 0)
}

// Write spells the number that was given on a day.
func (n *Numbers) Write(at time.Time, counter int64) string {
	var b strings.Builder
	for _, p := range n.parts {
		switch {
		case p.text != "":
			b.WriteString(p.text)
		case p.layout != "":
			b.WriteString(at.In(n.zone).Format(p.layout))
		case p.check > 0:
			b.WriteString(strings.Repeat("0", p.check))
		default:
			fmt.Fprintf(&b, "%0*d", p.width, counter)
		}
	}
	text, _ := n.check.complete(b.String())
	return text
}

// series names the run of counters to which a number of a day belongs.
func (n *Numbers) series(period string) string {
	if n.through {
		return ""
	}
	return period
}

func (n *Numbers) period(at time.Time) string {
	var b strings.Builder
	for _, p := range n.parts {
		if p.layout != "" {
			b.WriteString(at.In(n.zone).Format(p.layout))
		}
	}
	return b.String()
}
