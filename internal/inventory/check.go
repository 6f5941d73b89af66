package inventory

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Check is the result of looking at an item.
type Check struct {
	At       time.Time `json:"at,omitzero"`
	Findings []Finding `json:"findings,omitempty"`
	Seen     Seen      `json:"seen,omitzero"`
	// Expires and Registrar are what the registration data said, when they
	// were asked.
	Expires   time.Time `json:"expires,omitzero"`
	Registrar string    `json:"registrar,omitempty"`
}

// Faulty reports whether the check found something wrong with the item itself.
func (c *Check) Faulty() bool {
	return slices.ContainsFunc(c.Findings, func(f Finding) bool { return !f.Unasked })
}

// Finding is one fault of an item and what to do about it. Neither text shows
// an address or a number.
type Finding struct {
	What string `json:"what"`
	Do   string `json:"do"`
	// Unasked: it is no fault of the item, it could not be looked at.
	Unasked bool `json:"unasked,omitempty"`
}

// Seen is how a domain looked from outside, to be compared the next time.
// Names are in lower case; every list is sorted.
type Seen struct {
	NS []string `json:"ns,omitempty"`
	MX []string `json:"mx,omitempty"`
	A  []string `json:"a,omitempty"` // addresses of both families
	// Issuer is who signed the certificate of the first mail exchanger; empty
	// when it showed none.
	Issuer string `json:"issuer,omitempty"`
	// Leaf is the SHA-256 of that certificate, in hex.
	Leaf string `json:"leaf,omitempty"`
}

// Changes compares what was seen with what is seen now. What was not seen
// before is no change. A new certificate of the same issuer is a renewal, and
// no change either.
func (before Seen) Changes(now Seen) []Finding {
	var out []Finding
	for _, c := range []struct {
		what     string
		was, now []string
	}{
		{"its name servers", before.NS, now.NS}, {"its mail exchangers", before.MX, now.MX}, {"its addresses", before.A, now.A},
		{"the issuer of its mail exchanger's certificate", one(before.Issuer), one(now.Issuer)},
	} {
		if len(c.was) == 0 || slices.Equal(c.was, c.now) {
			continue
		}
		out = append(out, Finding{
			What: fmt.Sprintf("%s changed from %s to %s", c.what, list(c.was), list(c.now)),
			Do:   "if you did not change this, somebody else did: look at the registrar's account first; if you did, check again, and it is taken as right",
		})
	}
	return out
}

func one(text string) []string {
	if text == "" {
		return nil
	}
	return []string{text}
}

func list(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

// Running reports an item that runs out within [Notice], or has.
func (i *Item) Running(now time.Time) []Finding {
	until := i.Until()
	if until.IsZero() || until.After(now.Add(Notice)) {
		return nil
	}
	day := until.UTC().Format(time.DateOnly)
	if !until.After(now) {
		return []Finding{{What: ranOut + day, Do: "renew it at once, or retire it and rotate its tokens out; if it was renewed, give the new date"}}
	}
	return []Finding{{What: runsOut + day, Do: "renew it; then give the new date"}}
}

const (
	ranOut  = "it ran out on "
	runsOut = "it runs out on "
)

// Standing gives the findings of the last check, and whether the item runs out
// as of now: that needs no look from outside.
func (i *Item) Standing(now time.Time) []Finding {
	kept := slices.DeleteFunc(slices.Clone(i.Check.Findings), func(f Finding) bool {
		return strings.HasPrefix(f.What, ranOut) || strings.HasPrefix(f.What, runsOut)
	})
	return append(kept, i.Running(now)...)
}

// Strays reports an item whose token stands in a row although it is retired,
// or in no file of the configuration any more.
func (i *Item) Strays(now time.Time) []Finding {
	if i.Used() == 0 {
		return nil
	}
	if !i.Retired.IsZero() && !now.Before(i.Retired) {
		return []Finding{{What: "it is retired, and a token of it still stands in a row", Do: "rotate the token out, or withdraw its canary"}}
	}
	if !i.Unlisted.IsZero() {
		return []Finding{{What: "the file that listed it does so no more, and a token of it still stands in a row", Do: "put the line back; or, if it is lost, rotate the token out"}}
	}
	return nil
}

var (
	// A number of the North American plan: area and exchange begin with 2 to 9.
	northAmerican = regexp.MustCompile(`^\+1[2-9][0-9]{2}[2-9][0-9]{6}$`)
	// Numbers kept for films and examples: 555-0100 to 555-0199 in the North
	// American plan, Ofcom's drama numbers in the United Kingdom.
	fictional = regexp.MustCompile(`^(\+1[0-9]{3}55501[0-9]{2}|\+442079460[0-9]{3}|\+447700900[0-9]{3}|\+441632960[0-9]{3})$`)
	e164      = regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`)
)

// Dials reports a number that cannot be dialled, or that everybody can see is
// made up.
func (i *Item) Dials() []Finding {
	switch {
	case i.Kind != Phone:
	case !e164.MatchString(i.Text), strings.HasPrefix(i.Text, "+1") && !northAmerican.MatchString(i.Text):
		return []Finding{{What: "its number cannot be dialled", Do: "correct the line in the numbers file"}}
	case fictional.MatchString(i.Text):
		return []Finding{{What: "its number is one of those kept for films and examples", Do: "rent another: whoever sees it knows that the customer is made up"}}
	}
	return nil
}
