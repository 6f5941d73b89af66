package maybe

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// Kind is what a value is.
type Kind uint8

// The kinds of values. The zero Value is one of which nothing is known.
const (
	Anything Kind = iota
	NullValue
	Number
	TextValue
	Instant // a date or a date with a time, between two
)

// Value is what stands in a column, is written in a statement or comes of a
// function, as far as it is known.
type Value struct {
	Kind Kind
	// NotNull says of Anything that it is not NULL.
	NotNull bool
	// Literal says that a text comes from the statement, whose character set is
	// not known, and which has no collation of its own.
	Literal bool
	// Listed says of a text that it is an ENUM's or a SET's, which are numbers too.
	Listed bool
	// Zero says of Anything that it may be the date without a day, which IS NULL
	// takes for NULL and nothing else does.
	Zero bool
	// Domain names the set of keys that the value belongs to; 0 is none. Foreign
	// says that it is none of the keys that the canary has in it.
	Domain  uint16
	Foreign bool

	Collation Collation
	Text      string // of a number and an instant: as the column has it, or empty
	Num       float64
	// Low and High are microseconds since 1970 on the wall clock of the session.
	Low, High int64
}

// NullOf is NULL.
func NullOf() Value { return Value{Kind: NullValue} }

// Bool makes a value of a condition.
func Bool(t Truth) Value {
	switch t {
	case True:
		return Value{Kind: Number, Num: 1}
	case False:
		return Value{Kind: Number}
	case Unknown:
		return NullOf()
	default:
		return Value{NotNull: t&Unknown == 0}
	}
}

// MayBeNull and IsNull tell what is known of a value being NULL.
func (v *Value) MayBeNull() bool { return v.Kind == NullValue || v.Kind == Anything && !v.NotNull }

// IsNull reports whether the value surely is NULL.
func (v *Value) IsNull() bool { return v.Kind == NullValue }

// Truth is the value as a condition.
func (v *Value) Truth() Truth {
	switch v.Kind {
	case NullValue:
		return Unknown
	case Number:
		return pick(v.Num != 0, True) | pick(v.Num == 0, False)
	case Anything:
		return Either | pick(!v.NotNull, Unknown)
	case TextValue:
		if v.Listed {
			return Either
		}
		n := leading(v.Text)
		return pick(n != 0, True) | pick(n == 0 || math.IsNaN(n), False)
	case Instant:
		return Either
	}
	return Any
}

// exact is the size up to which a float64 holds every whole number.
const exact = 1 << 53

// Compare tells how a stands to b.
func Compare(a, b *Value) Order {
	switch {
	case a.IsNull() || b.IsNull():
		return Null
	case a.Kind == Anything || b.Kind == Anything:
		return unknownOrder(a, b)
	case a.Kind == TextValue && b.Kind == TextValue:
		return compareTexts(a, b)
	case a.Kind == Instant || b.Kind == Instant:
		return compareInstants(a, b)
	case a.Listed || b.Listed:
		return Unordered
	default:
		return compareNumbers(number(a), number(b))
	}
}

func unknownOrder(a, b *Value) Order {
	order := Unordered
	if a.Domain != 0 && a.Domain == b.Domain && a.Foreign != b.Foreign {
		order = Unlike
	}
	if a.MayBeNull() || b.MayBeNull() {
		order |= Null
	}
	return order
}

func number(v *Value) float64 {
	if v.Kind == TextValue {
		return leading(v.Text)
	}
	return v.Num
}

// compareNumbers leaves open what lies within the rounding of one type or
// another.
func compareNumbers(a, b float64) Order {
	size := max(math.Abs(a), math.Abs(b))
	switch {
	case a == b && size < exact && a == math.Trunc(a):
		return Equal
	case math.IsInf(size, 0), math.IsNaN(a - b), math.Abs(a-b) <= size*1e-12:
		return Unordered
	case a < b:
		return Less
	default:
		return More
	}
}

// leading is the number at the beginning of a text, as both servers read it.
func leading(text string) float64 {
	text = strings.TrimLeft(text, " \t\n\v\f\r")
	end := numberEnd(text)
	n, err := strconv.ParseFloat(text[:end], 64)
	switch {
	case err != nil && !math.IsInf(n, 0): // one that is too large is the largest there is
		return 0
	case !Exact(text[:end]):
		return math.NaN()
	}
	return n
}

// Exact reports whether a number is as it is written when it is read as a
// float64. Servers read longer ones as decimal numbers, or do not.
func Exact(text string) bool {
	mantissa, _, _ := strings.Cut(strings.ToLower(text), "e")
	if strings.Contains(mantissa, ".") {
		mantissa = strings.TrimRight(mantissa, "0")
	}
	n := 0
	for _, c := range strings.TrimLeft(mantissa, "+-0.") {
		if c >= '0' && c <= '9' {
			n++
		}
	}
	return n <= 15
}

func numberEnd(text string) int {
	end := digits(text, sign(text, 0))
	if end < len(text) && text[end] == '.' {
		end = digits(text, end+1)
	}
	if end < len(text) && text[end]|0x20 == 'e' {
		from := sign(text, end+1)
		if last := digits(text, from); last > from {
			end = last
		}
	}
	return end
}

func digits(text string, i int) int {
	for i < len(text) && text[i] >= '0' && text[i] <= '9' {
		i++
	}
	return i
}

func sign(text string, i int) int {
	if i < len(text) && (text[i] == '+' || text[i] == '-') {
		return i + 1
	}
	return i
}

func compareInstants(a, b *Value) Order {
	for _, v := range []*Value{a, b} {
		if v.Kind == Instant {
			continue
		}
		at, ok := ParseInstant(v.Text)
		if v.Kind != TextValue || !v.Literal || !ok {
			return AnyOrder
		}
		if v == a {
			a = &at
		} else {
			b = &at
		}
	}
	var order Order
	if a.Low < b.High {
		order |= Less
	}
	if a.High > b.Low {
		order |= More
	}
	if a.Low <= b.High && b.Low <= a.High {
		order |= Equal
	}
	return order
}

// layouts are the spellings of a date that need no interpretation.
func layouts() []string {
	return []string{"2006-01-02 15:04:05.999999", "2006-01-02T15:04:05.999999", "2006-01-02", "2006-01-02 15:04"}
}

// ParseInstant reads a date, with or without a time, in its full spelling.
func ParseInstant(text string) (Value, bool) {
	if len(text) < len("2006-01-02") || len(text) > len("2006-01-02 15:04:05.999999") {
		return Value{}, false
	}
	for _, layout := range layouts() {
		if t, err := time.Parse(layout, text); err == nil && t.Year() > 0 {
			return Value{Kind: Instant, Low: t.UnixMicro(), High: t.UnixMicro(), Text: text}, true
		}
	}
	return Value{}, false
}
