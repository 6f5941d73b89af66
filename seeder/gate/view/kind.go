package view

import (
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// fewWords is the most values that make a column of words; a value has to
// occur commonWord times on average.
const (
	fewWords   = 64
	commonWord = 8
)

// infer tells the kind of a column from its distinct values and its rows.
func infer(texts []string, filled int) Kind {
	numbers, times := true, true
	for _, t := range texts {
		if numbers && math.IsNaN(number(t)) {
			numbers = false
		}
		if times && math.IsNaN(seconds(t)) {
			times = false
		}
	}
	switch few := len(texts) <= fewWords && filled >= commonWord*len(texts); {
	case len(texts) == 0 || few:
		return Word
	case times:
		return Time
	case numbers:
		return Number
	default:
		return Text
	}
}

// looksLikeMail tells whether most values are addresses.
func looksLikeMail(texts []string) bool {
	n := 0
	for _, t := range texts {
		if at := strings.LastIndexByte(t, '@'); at > 0 && strings.Contains(t[at:], ".") && !strings.ContainsAny(t, " \n") {
			n++
		}
	}
	return n > 0 && n*10 > len(texts)*9
}

// looksNumbered tells whether all texts are one form with digits to count in:
// "TK-2025-004123".
func looksNumbered(texts []string) bool {
	one := form(texts[0])
	if strings.Count(one, "9") < 4 || len(texts) < sortable {
		return false
	}
	for _, t := range texts {
		if form(t) != one {
			return false
		}
	}
	return true
}

// number reads a decimal; NaN if it is none. Words like "inf" are none.
func number(text string) float64 {
	if text == "" || len(text) > 40 || strings.Trim(text, "+-.0123456789eE") != "" {
		return math.NaN()
	}
	v, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return math.NaN()
	}
	return v
}

// seconds reads a date as MySQL prints it, as seconds since 1970; NaN if it is none.
func seconds(text string) float64 {
	for _, form := range []string{time.DateTime, time.DateOnly, "2006-01-02T15:04:05Z07:00"} {
		// A fraction of the second is accepted after 05, in all of them.
		if t, err := time.Parse(form, text); err == nil {
			return float64(t.Unix()) + float64(t.Nanosecond())/1e9
		}
	}
	return math.NaN()
}

// serial reads the digits of a quoted number in one: "TK-2025-004123" is
// 2025004123. NaN where there are none, or too many to hold.
func serial(text string) float64 {
	value, digits := 0.0, 0
	for _, r := range text {
		if r < '0' || r > '9' {
			continue
		}
		value = value*10 + float64(r-'0')
		digits++
	}
	if digits == 0 || digits > 15 {
		return math.NaN()
	}
	return value
}

// shape is a text with its letters and digits made alike: "Aa-9".
func shape(text string) string {
	var b strings.Builder
	last := rune(0)
	for _, r := range text {
		if b.Len() >= 40 {
			break
		}
		c := classOf(r)
		if c != last || !strings.ContainsRune("aA9", c) {
			b.WriteRune(c)
		}
		last = c
	}
	return b.String()
}

// classOf makes letters, capitals and digits alike; signs stay.
func classOf(r rune) rune {
	switch {
	case r >= '0' && r <= '9':
		return '9'
	case r >= 'A' && r <= 'Z':
		return 'A'
	case r >= 'a' && r <= 'z' || r > unicode.MaxASCII:
		return 'a'
	default:
		return r
	}
}

// form is a text with its digits made alike, one for one: "(999) 999-9999".
func form(text string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return '9'
		}
		return r
	}, text)
}
