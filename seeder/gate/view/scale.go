package view

import (
	"math"
	"strconv"
)

// unsign undoes signedLog.
func unsign(v float32) float64 {
	return math.Copysign(math.Expm1(math.Abs(float64(v))), float64(v))
}

// short prints a number with few digits.
func short(v float64) string {
	if math.Abs(v) >= 1000 || v == math.Trunc(v) {
		return strconv.FormatFloat(v, 'f', 0, 64)
	}
	return strconv.FormatFloat(v, 'g', 3, 64)
}

// span prints seconds in the unit that suits them.
func span(seconds float64) string {
	for _, unit := range []struct {
		of   float64
		name string
	}{{365 * day, " years"}, {day, " days"}, {hour, " h"}, {minute, " min"}} {
		if math.Abs(seconds) >= unit.of {
			return short(math.Round(seconds/unit.of*10)/10) + unit.name
		}
	}
	return short(math.Round(seconds*10)/10) + " s"
}
