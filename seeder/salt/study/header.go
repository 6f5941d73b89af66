package study

import (
	"slices"
	"strings"
	"unicode"
)

// plain brings a column's name to lower-case letters and digits.
func plain(name string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			return -1
		}
		return unicode.ToLower(r)
	}, name)
}

func says(name string, words ...string) bool {
	return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(name, w) })
}

// known are the names of columns, in the languages in which lists come most.
func known() map[Kind]string {
	return map[Kind]string{
		First:      "first firstname givenname given forename vorname prenom prénom nombre fname voornaam nome",
		Last:       "last lastname surname familyname family nachname familienname nom nomdefamille apellido apellidos lname sname achternaam cognome sobrenome",
		Full:       "name fullname customername customer contactname contact displayname clientname client kunde kundenname cliente person",
		Salutation: "salutation title gender sex anrede civilite civilité honorific nameprefix",
		Country:    "country countrycode land pays pais país nation countryiso billingcountry shippingcountry",
		Language:   "language lang locale sprache langue idioma languagecode preferredlanguage",
		Created:    "created createdat createdon createddate creationdate datecreated dateadded added signup signedup signupdate signedupat registered registeredat registrationdate regdate opened openedat opendate since customersince joined joinedat joindate timestamp inserted insertedat erstellt erstelltam angelegt angelegtam",
		Where:      "zip zipcode postal postalcode postcode plz city town ort stadt ville ciudad street address address1 address2 addressline1 addressline2 addr strasse straße rue calle state province region county lat latitude lon lng longitude timezone tz",
	}
}

// byName says what a column holds by its name, where its values do not
// contradict; else by what they look like.
func byName(c *Column, l *look) Kind {
	name := plain(c.Name)
	if len(l.values) == 0 {
		return Other
	}
	for k, names := range known() {
		if name != "" && slices.Contains(strings.Fields(names), name) && fits(k, c, l) {
			return k
		}
	}
	return byLook(name, c, l)
}

func byLook(name string, c *Column, l *look) Kind {
	switch {
	case isPhone(name, c, l):
		return Phone
	case c.When != nil || findTimes(name, c, l):
		return Date
	case says(name, "ticket", "case", "incident") && l.code > 0.9 && c.Distinct > 0.2:
		return Ticket
	case isKey(name, c, l):
		return Key
	case name == "" && l.short > 0.9 && c.Distinct < 0.3:
		return shortKind(l)
	}
	return Other
}

// fits reports whether the values of a column can be what its name says.
func fits(k Kind, c *Column, l *look) bool {
	const mostly, few, many = 0.8, 0.2, 0.5
	switch k {
	case First, Last, Full:
		return l.letters > mostly && c.Filled > few
	case Created:
		return findTimes("created", c, l)
	case Country, Language, Salutation:
		return c.Distinct < many
	default:
		return true
	}
}

// isPhone takes numbers for phone numbers where the name says so, or where they
// can be nothing else.
func isPhone(name string, c *Column, l *look) bool {
	const often, mostly = 0.5, 0.8
	if says(name, "phone", "mobile", "cell", "handy", "telefon", "msisdn") || slices.Contains([]string{"tel", "gsm", "telno", "telnr"}, name) {
		return l.phone > often
	}
	return l.phone > mostly && l.sign > often && c.When == nil
}

func findTimes(name string, c *Column, l *look) bool {
	found := false
	if l.digits == 1 {
		if says(name, "created", "date", "time", "updat", "login", "seen", "expir") {
			c.When, found = findEpoch(l.values)
		}
		if !found && says(name, "date", "created") {
			c.When, found = findLayout(l.values)
		}
		return found
	}
	if l.code < 0.5 && l.spaced < 0.5 {
		return false
	}
	c.When, found = findLayout(l.values)
	return found
}

// isKey takes values for those of one row or customer: codes that hardly
// repeat, or that are called so. Parts of addresses and amounts are none.
func isKey(name string, c *Column, l *look) bool {
	const mostly = 0.9
	if l.code < mostly && !(l.spaced == 0 && c.Unique && l.email == 0 && longest(l.values) >= 12) {
		return false
	}
	called := slices.ContainsFunc([]string{"id", "key", "no", "nr", "number", "num", "ref", "code", "uuid", "guid", "token", "hash", "account", "serial", "license", "licence"}, func(w string) bool {
		return name == w || strings.HasSuffix(name, w)
	})
	return c.Distinct > mostly && l.decimal < mostly || called && c.Distinct > 0.5
}

func longest(values []string) (n int) {
	for _, v := range values {
		n = max(n, len(v))
	}
	return n
}

func shortKind(l *look) Kind {
	if strings.ToUpper(l.values[0]) == l.values[0] {
		return Country
	}
	return Language
}
