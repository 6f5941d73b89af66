package persona

import "strings"

// capitals is how somebody types an address.
type capitals uint8

const (
	capsNone  capitals = iota // dana.whitfield@example.net
	capsFirst                 // Dana.whitfield@example.net
	capsWords                 // Dana.Whitfield@example.net
	capsLocal                 // DANA.WHITFIELD@example.net
	capsAll                   // DANA.WHITFIELD@EXAMPLE.NET
)

func capitalsOf(email string) capitals {
	if email == strings.ToLower(email) {
		return capsNone
	}
	local, domain, _ := strings.Cut(strings.ToLower(email), "@")
	for _, c := range []capitals{capsAll, capsLocal, capsWords, capsFirst} {
		if c.write(local, domain) == email {
			return c
		}
	}
	return capsNone
}

func (c capitals) write(local, domain string) string {
	switch c {
	case capsFirst:
		local = upperFirst(local)
	case capsWords:
		parts := strings.SplitAfter(local, ".")
		for i := range parts {
			parts[i] = upperFirst(parts[i])
		}
		local = strings.Join(parts, "")
	case capsLocal:
		local = strings.ToUpper(local)
	case capsAll:
		return strings.ToUpper(local + "@" + domain)
	case capsNone:
	}
	return local + "@" + domain
}

func upperFirst(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
