package conf

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// ParseSize reads bytes: digits, perhaps with a fraction, and a unit, "20GiB",
// "1.5 GB", "512KiB"; without a unit the number is bytes. KB, MB, GB, TB are
// powers of 1000, KiB, MiB, GiB, TiB powers of 1024.
func ParseSize(text string) (int64, error) {
	number, unit := splitUnit(text)
	scale, ok := map[string]float64{
		"": 1, "B": 1,
		"KB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12,
		"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40,
	}[unit]
	n, err := strconv.ParseFloat(number, 64)
	if !ok || err != nil || math.IsInf(n, 0) {
		return 0, fmt.Errorf("%q is not a size; want a number and B, KB, MB, GB, TB, KiB, MiB, GiB or TiB", text)
	}
	if n *= scale; n >= math.MaxInt64 {
		return 0, fmt.Errorf("%q is too large", text)
	}
	return int64(n), nil
}

// ParseDuration reads what time.ParseDuration reads, and days and weeks as one
// number with "d" or "w": "30d", "36h", "1h30m", "2w". A day is 24 hours. A
// negative duration is refused.
func ParseDuration(text string) (time.Duration, error) {
	bad := fmt.Errorf("%q is not a duration; want a number and w, d, h, m or s, such as \"30d\"", text)
	number, unit := splitUnit(text)
	scale, long := map[string]time.Duration{"d": 24 * time.Hour, "w": 7 * 24 * time.Hour}[unit]
	if !long {
		d, err := time.ParseDuration(strings.TrimSpace(text))
		if err != nil || d < 0 {
			return 0, bad
		}
		return d, nil
	}
	n, err := strconv.ParseFloat(number, 64)
	if err != nil {
		return 0, bad
	}
	if n *= float64(scale); n >= math.MaxInt64 {
		return 0, fmt.Errorf("%q is too long", text)
	}
	return time.Duration(n), nil
}

// splitUnit parts "20 GiB" into "20" and "GiB". A sign is left with the unit,
// where it is refused.
func splitUnit(text string) (number, unit string) {
	text = strings.TrimSpace(text)
	end := strings.IndexFunc(text, func(r rune) bool { return (r < '0' || r > '9') && r != '.' })
	if end < 0 {
		end = len(text)
	}
	return text[:end], strings.TrimSpace(text[end:])
}
