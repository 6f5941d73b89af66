package conf

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"strings"

	"saltmine/internal/token"
)

const maxDomainsFile = 64 << 20 // bytes of a list of domains

// Domains is a list of domains that somebody else keeps.
type Domains struct{ names map[string]bool }

// ReadDomains reads a file with one domain a line, such as a list of disposable
// mail domains; empty lines and those that begin with '#' or '//' are passed
// over, "*." in front of a name too. Bad lines are reported with file and line.
func ReadDomains(path string) (Domains, error) {
	data, err := readBounded(path, maxDomainsFile)
	if err != nil {
		return Domains{}, fmt.Errorf("list of domains: %w", err)
	}
	d, b := Domains{map[string]bool{}}, &book{file: path}
	lines := bufio.NewScanner(bytes.NewReader(bytes.TrimPrefix(data, []byte("\ufeff"))))
	n := 1
	for ; lines.Scan() && len(b.faults) < maxFaults; n++ {
		text := strings.TrimSpace(lines.Text())
		if text == "" || text[0] == '#' || strings.HasPrefix(text, "//") {
			continue
		}
		name, err := token.Domain(strings.TrimPrefix(text, "*."))
		if err != nil || !strings.Contains(name, ".") {
			b.faults = append(b.faults, &Fault{File: path, Line: n, Err: fmt.Errorf("%.80q is not a domain name", text)})
			continue
		}
		d.names[name] = true
	}
	if err := lines.Err(); err != nil {
		b.faults = append(b.faults, &Fault{File: path, Line: n, Err: err})
	}
	if len(b.faults) == 0 && len(d.names) == 0 {
		b.faults = append(b.faults, &Fault{File: path, Line: 1, Err: errors.New("no domain in it")})
	}
	return d, b.err()
}

// Has reports whether a domain in canonical form, or one above it, is listed.
func (d Domains) Has(domain string) bool {
	for name, found := domain, true; found; _, name, found = strings.Cut(name, ".") {
		if d.names[name] {
			return true
		}
	}
	return false
}
