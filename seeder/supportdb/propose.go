package supportdb

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"saltmine/seeder/recipe"
)

// role is what a column could be: names by which it goes, the most telling
// first, and how its values look.
type role struct {
	words  []string
	fits   func(c *Column) bool
	values func(string) bool
	share  float64 // of the values that must look right, when there are any
}

func isDate(c *Column) bool { return c.IsTime() }

func textOrNumber(c *Column) bool { return c.IsText() || c.IsInteger() }

func dividing(c *Column) bool { return c.IsText() || c.Type == "enum" }

func roleEmail() role {
	return role{[]string{"email", "e_mail", "emailaddress", "mail", "mailaddress", "emailaddr", "login", "username"}, (*Column).IsText, looksEmail, .8}
}

func rolePhone() role {
	return role{[]string{"phone", "phonenumber", "telephone", "tel", "mobile", "cell", "mobilephone", "contactnumber", "phonemobile", "homephone"}, (*Column).IsText, looksPhone, .6}
}

func roleFirst() role {
	return role{[]string{"firstname", "first", "givenname", "forename", "fname", "vorname", "prenom"}, (*Column).IsText, looksName, .5}
}

func roleLast() role {
	return role{[]string{"lastname", "last", "surname", "familyname", "lname", "nachname", "realname"}, (*Column).IsText, looksName, .5}
}

func roleName() role {
	return role{[]string{"fullname", "realname", "name", "customername", "displayname", "contactname"}, (*Column).IsText, looksName, .5}
}

func roleSalutation() role {
	return role{[]string{"salutation", "gender", "sex", "title", "anrede"}, dividing, nil, 0}
}

func roleGender() role {
	return role{[]string{"gender", "sex", "geschlecht"}, dividing, nil, 0}
}

func roleBorn() role {
	day := func(c *Column) bool { return c.Type == "date" }
	return role{[]string{"birthday", "birthdate", "dateofbirth", "dob", "born", "bornon", "geburtsdatum", "geburtstag", "datebirth"}, day, nil, 0}
}

func roleNumber() role {
	return role{[]string{"number", "ticketnumber", "ticketno", "tn", "casenumber", "caseno", "reference", "ticketref", "ref", "ticketid", "code", "mask", "no"}, textOrNumber, nil, 0}
}

func roleSubject() role {
	return role{[]string{"subject", "title", "summary", "topic", "name"}, (*Column).IsText, nil, 0}
}

func roleStatus() role {
	return role{[]string{"status", "state", "statusid", "stateid", "ticketstateid"}, func(c *Column) bool { return dividing(c) || c.IsInteger() }, nil, 0}
}

func roleCreated() role {
	return role{[]string{"createdat", "created", "datecreated", "dateentered", "createdon", "createtime", "creationdate", "datecreation", "registeredat", "registered", "signupat", "signup", "opened", "openedat", "date"}, isDate, nil, 0}
}

func roleUpdated() role {
	return role{[]string{"updatedat", "updated", "lastupdated", "lastupdate", "datemodified", "modifiedat", "modified", "changetime", "datemod", "changedat", "changed"}, isDate, nil, 0}
}

// segments are the dividing attributes that are proposed, with their names.
func segments() [][]string {
	return [][]string{
		{"country", "countrycode", "nation", "countryiso"},
		{"language", "lang", "locale", "languagecode"},
		{"product", "productname", "productcode", "plan", "edition", "subscription"},
		{"brand"}, {"region"}, {"site"}, {"tenant"},
	}
}

// inspector holds what was seen and what was concluded.
type inspector struct {
	tables  map[string]*Table
	samples map[string]*sample
	recipe  recipe.Recipe
	doubts  []string
	reasons map[string]string // by table.key of the recipe
}

// pick returns the column of the table that fits the role best.
func (in *inspector) pick(t *Table, r role) string {
	s := in.samples[t.Name]
	for _, word := range r.words {
		for i := range t.Columns {
			c := &t.Columns[i]
			if !sameName(c.Name, word, t.Name) || !r.fits(c) || c.Generated {
				continue
			}
			if r.values == nil || s == nil || len(s.values[c.Name]) == 0 || s.share(c.Name, r.values) >= r.share {
				return c.Name
			}
		}
	}
	return ""
}

// sameName compares without case, underscores and the table's own name as prefix.
func sameName(column, word, table string) bool {
	flat := func(s string) string { return strings.ToLower(strings.ReplaceAll(s, "_", "")) }
	c, w, t := flat(column), flat(word), strings.TrimSuffix(flat(table), "s")
	return c == w || strings.TrimPrefix(c, t) == w
}

func (in *inspector) doubt(format string, args ...any) {
	in.doubts = append(in.doubts, fmt.Sprintf(format, args...))
}

func (in *inspector) reason(key, format string, args ...any) {
	if in.reasons == nil {
		in.reasons = map[string]string{}
	}
	in.reasons[key] = fmt.Sprintf(format, args...)
}

// customer fills in the customer's half of the recipe.
func (in *inspector) customer(t *Table) {
	c, s := &in.recipe.Customer, in.samples[t.Name]
	in.recipe.Name = "generic"
	c.Table, c.Key = t.Name, t.PrimaryKey()[0]
	c.Email = in.pick(t, roleEmail())
	if n := len(s.values[c.Email]); n > 0 {
		in.reason("customer.email", "%.0f %% of %d values are addresses", 100*s.share(c.Email, looksEmail), n)
	}
	c.Phone = in.pick(t, rolePhone())
	if n := len(s.values[c.Phone]); n > 0 {
		in.reason("customer.phone", "%.0f %% of %d values look like numbers, %d rows have none", 100*s.share(c.Phone, looksPhone), n, s.rows-n)
	}
	c.FirstName, c.LastName = in.pick(t, roleFirst()), in.pick(t, roleLast())
	if c.FirstName == "" || c.LastName == "" {
		c.FirstName, c.LastName, c.Name = "", "", in.pick(t, roleName())
	}
	c.Salutation = in.pick(t, roleSalutation())
	if gender := in.pick(t, roleGender()); gender != c.Salutation {
		c.Gender = gender
	}
	c.Born = in.pick(t, roleBorn())
	c.Created, c.Updated = in.created(t), in.pick(t, roleUpdated())
	c.Segment = in.segment(t)
	in.doubtTable(t, c.Key)
	if c.Phone == "" {
		in.doubt("no column of %s holds phone numbers: canaries will have none", t.Name)
	}
	if c.FirstName == "" && c.Name == "" {
		in.doubt("no column of %s was recognised as the name: fill in customer.name", t.Name)
	}
	if !t.Unique(c.Email) {
		in.doubt("%s.%s is not a unique key: planting looks for an address before it inserts, the server does not forbid a second one", t.Name, c.Email)
	}
}

// ticket fills in the ticket's half.
func (in *inspector) ticket(t *Table, l link) {
	r := &in.recipe.Ticket
	r.Table, r.Key, r.Customer = t.Name, t.PrimaryKey()[0], l.column
	if l.declared {
		in.reason("ticket.customer", "a foreign key to %s", in.recipe.Customer.Table)
	} else {
		in.reason("ticket.customer", "by its name alone")
		in.doubt("%s.%s has no foreign key to %s: make sure that it holds the customer's key", t.Name, l.column, in.recipe.Customer.Table)
	}
	number := roleNumber()
	fits := number.fits
	// A column beside the key that could be the number is what people quote.
	number.fits = func(c *Column) bool { return fits(c) && c.Name != r.Key }
	r.Number = in.pick(t, number)
	if r.Number == "" || r.Number != r.Key && !t.Unique(r.Number) && in.samples[t.Name].distinct(r.Number) < len(in.samples[t.Name].values[r.Number]) {
		in.reason("ticket.number", "no column with numbers of its own, so the key is the number")
		r.Number = r.Key
	}
	r.Subject, r.Status = in.pick(t, roleSubject()), in.pick(t, roleStatus())
	r.Created, r.Updated = in.created(t), in.pick(t, roleUpdated())
	in.doubtTable(t, r.Key)
}

func (in *inspector) created(t *Table) string {
	if c := in.pick(t, roleCreated()); c != "" {
		return c
	}
	for _, c := range t.Columns {
		if c.IsTime() {
			in.doubt("%s.%s was taken for the date of creation only because it is the first date", t.Name, c.Name)
			return c.Name
		}
	}
	in.doubt("%s has no date of creation: fill in created", t.Name)
	return ""
}

func (in *inspector) segment(t *Table) map[string]string {
	out := map[string]string{}
	s := in.samples[t.Name]
	for _, words := range segments() {
		column := in.pick(t, role{words: words, fits: dividing})
		if column == "" {
			continue
		}
		out[words[0]] = column
		if n := s.distinct(column); n > 0 {
			in.reason("customer.segment."+words[0], "%d different values in %d rows", n, s.rows)
		}
	}
	return out
}

func (in *inspector) doubtTable(t *Table, key string) {
	if e := strings.ToLower(t.Engine); e == "myisam" || e == "aria" {
		in.doubt("%s is a %s table without transactions: a canary that fails half-way is taken back row by row", t.Name, t.Engine)
	}
	if col, ok := t.Column(key); ok && !col.Auto && !col.isUUID() {
		in.doubt("%s.%s is neither AUTO_INCREMENT nor a UUID: planting will be refused", t.Name, key)
	}
	if len(t.Triggers) > 0 {
		in.doubt("%s has triggers (%s): nothing is planted until those that neither mail customers nor copy rows are listed in allow_triggers", t.Name, strings.Join(t.Triggers, ", "))
	}
	for _, c := range t.Columns {
		if t.Unique(c.Name) && !in.names(t, c.Name) {
			in.doubt("%s.%s is a unique key that the recipe does not name: canaries get a value of the same shape, or none", t.Name, c.Name)
		}
	}
	if in.samples[t.Name].rows == 0 {
		in.doubt("%s is empty: there is nobody to learn from", t.Name)
	}
}

// names reports whether the recipe names the table's column.
func (in *inspector) names(t *Table, column string) bool {
	facts := in.recipe.TicketFacts()
	if t.Name == in.recipe.Customer.Table {
		facts = in.recipe.CustomerFacts()
	}
	return strings.EqualFold(column, in.recipe.Ticket.Customer) && t.Name == in.recipe.Ticket.Table ||
		slices.ContainsFunc(facts, func(f recipe.Fact) bool { return strings.EqualFold(f.Place.Column, column) })
}

// text writes the recipe as TOML with its reasons.
func (in *inspector) text() string {
	var b strings.Builder
	b.WriteString("# A recipe proposed from the schema. Look at it, correct it, keep it.\n")
	for _, d := range in.doubts {
		b.WriteString("# DOUBT: " + d + "\n")
	}
	fmt.Fprintf(&b, "\nname = %q\n", in.recipe.Name)
	c, t := &in.recipe.Customer, &in.recipe.Ticket
	in.section(&b, "customer", [][2]string{
		{"table", c.Table}, {"key", c.Key}, {"email", c.Email}, {"phone", c.Phone}, {"name", c.Name}, {"first_name", c.FirstName},
		{"last_name", c.LastName}, {"salutation", c.Salutation}, {"gender", c.Gender}, {"born", c.Born}, {"created", c.Created}, {"updated", c.Updated},
	})
	var pairs [][2]string
	for _, word := range slices.Sorted(maps.Keys(c.Segment)) {
		pairs = append(pairs, [2]string{word, c.Segment[word]})
	}
	if len(pairs) > 0 {
		in.section(&b, "customer.segment", pairs)
	}
	in.section(&b, "ticket", [][2]string{
		{"table", t.Table}, {"key", t.Key}, {"customer", t.Customer}, {"number", t.Number}, {"subject", t.Subject},
		{"status", t.Status}, {"created", t.Created}, {"updated", t.Updated},
	})
	return b.String()
}

func (in *inspector) section(b *strings.Builder, head string, pairs [][2]string) {
	fmt.Fprintf(b, "\n[%s]\n", head)
	for _, p := range pairs {
		if p[1] == "" {
			continue
		}
		fmt.Fprintf(b, "%-10s = %q", p[0], p[1])
		if why := in.reasons[head+"."+p[0]]; why != "" {
			b.WriteString("  # " + why)
		}
		b.WriteByte('\n')
	}
}
