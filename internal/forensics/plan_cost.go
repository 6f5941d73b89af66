package forensics

// Stock is what a plan has to be supplied with.
type Stock struct{ Domains, Numbers, Mailboxes int }

// Prices are those of one piece: a domain for a year, a number and a mailbox for
// a month.
type Prices struct{ Domain, Number, Mailbox float64 }

// Cost is one line of the bill.
type Cost struct {
	What  string  `json:"what"`
	Count int     `json:"count"`
	Month float64 `json:"month"`
	Year  float64 `json:"year"`
}

// Costs makes out the bill; the last line is the sum.
func (p Prices) Costs(s Stock) []Cost {
	lines := []Cost{
		{What: "domains", Count: s.Domains, Year: float64(s.Domains) * p.Domain},
		{What: "phone numbers", Count: s.Numbers, Year: float64(s.Numbers) * p.Number * 12},
		{What: "mailboxes", Count: s.Mailboxes, Year: float64(s.Mailboxes) * p.Mailbox * 12},
	}
	all := Cost{What: "together"}
	for i := range lines {
		lines[i].Month = lines[i].Year / 12
		all.Year += lines[i].Year
	}
	all.Month = all.Year / 12
	return append(lines, all)
}
