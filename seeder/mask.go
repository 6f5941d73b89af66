package seeder

import (
	"regexp"
	"strings"
	"unicode"

	"saltmine/internal/canary"
)

// Texts that jobs which anonymise leave behind. A person who corrects an
// address does not write them.
var (
	maskRuns  = regexp.MustCompile(`[*#•]{2,}|\*|(?i:x{3,})`)
	maskWords = regexp.MustCompile(`(?i)anonym|redact|deleted|removed|erased|masked|obfusc|scrambl|gdpr|forgotten`)
	maskHash  = regexp.MustCompile(`^(?i:[0-9a-f]{16,}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})$`)
	digitRuns = regexp.MustCompile(`[0-9]+`)
)

// looksMasked reports whether a value that took the place of another one is a
// pattern and no value. key is the customer's primary key, which such jobs
// like to put into addresses.
func looksMasked(kind canary.Kind, value, key string) bool {
	value = strings.TrimSpace(value)
	switch {
	case maskRuns.MatchString(value), maskWords.MatchString(value):
		return true
	case kind == canary.Phone:
		return flatNumber(value)
	case kind == canary.Email:
		local, domain, whole := strings.Cut(value, "@")
		return !whole || strings.HasSuffix(strings.ToLower(domain), ".invalid") || maskHash.MatchString(local) ||
			oneRune(local) || key != "" && digitRuns.FindString(local) == key
	}
	return value == "" || maskHash.MatchString(value) || oneRune(value)
}

// flatNumber reports whether a phone number is one digit again and again behind
// the code of a country, or the digits in a row.
func flatNumber(value string) bool {
	digits := digitsOf(value)
	if len(digits) < 7 {
		return value != ""
	}
	for code := range 4 {
		if oneRune(digits[code:]) {
			return true
		}
	}
	return strings.Contains("01234567890", digits)
}

// oneRune reports whether a text of two or more letters is the same one again and again.
func oneRune(text string) bool {
	return len(text) > 1 && strings.Trim(text, text[:1]) == "" && !unicode.IsSpace(rune(text[0]))
}

// skeleton is what a value has in common with others that were made by the same
// pattern: all but its digits. A hash keeps nothing but its length.
func skeleton(value string) string {
	local, domain, _ := strings.Cut(strings.ToLower(value), "@")
	if maskHash.MatchString(local) {
		local = strings.Repeat("h", len(local))
	}
	return digitRuns.ReplaceAllString(local, "0") + "@" + domain
}
