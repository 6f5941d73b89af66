package incident

import (
	"regexp"
	"slices"
	"strings"

	"saltmine/internal/canary"
	"saltmine/internal/mention"
	"saltmine/internal/token"
)

// Bounds of what a contact is recognised by.
const (
	mostNumbers   = 60 // a number without its country may be one of any
	mostAddresses = 4
)

// authors are the numbers and the addresses that a contact comes from, or that a
// report says it came from, in canonical form.
func authors(c *canary.Contact, said reading) (numbers, addresses []string) {
	switch {
	case reported(c):
		numbers, addresses = numbersIn(c.Facts[canary.ReportedBy]), mention.In(c.Facts[canary.ReportedBy])[canary.Email]
	case c.Channel == canary.ByTicket:
		numbers = numbersIn(c.Facts["caller"])
	case c.Channel == canary.Voice, c.Channel == canary.SMS:
		if canon, err := token.Canon(canary.Phone, c.Source); err == nil && !nameless(c) {
			numbers = []string{canon}
		}
	case c.Channel == canary.SMTP, c.Channel == canary.IMAP:
		if canon, err := token.Canon(canary.Email, token.Sender(c.Source)); err == nil {
			addresses = append(addresses, canon)
		}
		for _, a := range said.mail.From {
			if canon, err := token.Canon(canary.Email, a.Mail); err == nil {
				addresses = append(addresses, canon)
			}
		}
	}
	return numbers[:min(len(numbers), mostNumbers)], addresses[:min(len(addresses), mostAddresses)]
}

// numbersIn are the numbers that a text may name, each whole: two that end alike are
// not the same. One without its country may be one of any country.
func numbersIn(text string) (numbers []string) {
	folded := strings.ReplaceAll(mention.Fold(text), "(0)", "")
	for _, n := range numberForm.FindAllString(folded, 3) {
		digits := strings.Map(func(r rune) rune {
			if r == '+' || '0' <= r && r <= '9' {
				return r
			}
			return -1
		}, n)
		if canon, err := token.Canon(canary.Phone, digits); err == nil && (strings.HasPrefix(digits, "+") || strings.HasPrefix(digits, "00")) {
			numbers = append(numbers, canon)
			continue
		}
		numbers = append(numbers, mention.In(digits)[canary.Phone]...)
	}
	return numbers
}

// numberForm is a number with what people put between its digits.
var numberForm = regexp.MustCompile(`\+?[0-9][0-9 ()./-]{5,28}[0-9]`)

// everybodys reports whether a domain is one at which anybody has an address: that
// two senders share it says nothing.
func everybodys(domain string) bool {
	name, under, _ := strings.Cut(strings.ToLower(domain), ".")
	return providers(under) && slices.Contains(strings.Fields("gmail googlemail outlook hotmail live msn yahoo ymail rocketmail aol icloud me mac gmx web t-online freenet proton protonmail pm "+
		"mail inbox yandex ya rambler qq 163 126 sina naver daum orange wanadoo free laposte sfr libero virgilio tiscali alice wp o2 onet interia ziggo kpnmail telenet "+
		"bluewin seznam comcast verizon att sbcglobal bellsouth cox charter btinternet sky talktalk virginmedia ntlworld bigpond optusnet uol terra bol zoho fastmail hey tutanota"), name)
}

// providers reports whether names below a domain may be providers': it is a top-level
// one, or a country's like co.uk. What anybody registers has names of the same kind
// below it (mail.scam.example), which are that somebody's.
func providers(domain string) bool {
	kind, country, below := strings.Cut(domain, ".")
	return !below || len(country) == 2 && slices.Contains(strings.Fields("co com net org ne or"), kind)
}
