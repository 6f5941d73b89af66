package conf

import (
	"bufio"
	"fmt"
	"os"
	"strings"

	"saltmine/internal/canary"
	"saltmine/internal/token"
)

// maxNumbers bounds the lines of a numbers file.
const maxNumbers = 1_000_000

// Numbers reads a file of owned phone numbers, one a line in international
// form with a leading '+'. A first line "number" is a header; empty lines and
// lines that begin with '#' are passed over; of a line with commas the first
// field counts. The numbers come back in canonical form and in the file's
// order. Every bad line is reported by its number: the phone numbers
// themselves never stand in an error, because some of them will be canaries.
//
//	number
//	+14155550142
func Numbers(path string) ([]string, error) {
	f, err := os.Open(path) // the operator names the file
	if err != nil {
		return nil, fmt.Errorf("numbers file: %w", err)
	}
	defer f.Close() //nolint:errcheck // read only
	k := &checks{}
	var numbers []string
	first := map[string]int{}
	lines := bufio.NewScanner(f)
	n := 0
	for lines.Scan() {
		n++
		text, skip := numberField(lines.Text(), n)
		if skip {
			continue
		}
		if n > maxNumbers {
			return nil, fmt.Errorf("numbers file %s: more than %d lines", path, maxNumbers)
		}
		if canon, ok := k.number(text, n, first); ok {
			first[canon] = n
			numbers = append(numbers, canon)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("numbers file %s: line %d: %w", path, n+1, err)
	}
	if len(k.found) == 0 && len(numbers) == 0 {
		k.bad("", "no number in it")
	}
	if err := joinFaults(k.found); err != nil {
		return nil, fmt.Errorf("numbers file %s: %w", path, err)
	}
	return numbers, nil
}

// number brings the number of line n to its canonical form; first says on
// which lines numbers stood before.
func (k *checks) number(text string, n int, first map[string]int) (canon string, ok bool) {
	where := fmt.Sprintf("line %d", n)
	canon, err := token.Canon(canary.Phone, text)
	switch {
	case err != nil:
		k.bad(where, "%w", err)
	case !strings.HasPrefix(text, "+"):
		k.bad(where, "the number has no leading '+' and country code")
	case first[canon] > 0:
		k.bad(where, "the number stands on line %d already", first[canon])
	default:
		return canon, true
	}
	return "", false
}

// numberField gives the first field of line n, or says that it holds none.
func numberField(line string, n int) (text string, skip bool) {
	if n == 1 {
		line = strings.TrimPrefix(line, "\ufeff")
	}
	text, _, _ = strings.Cut(line, ",")
	text = strings.Trim(strings.TrimSpace(text), `"`)
	header := n == 1 && strings.EqualFold(text, "number")
	return text, text == "" || header || text[0] == '#'
}
