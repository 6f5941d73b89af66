package mention

import (
	"strings"

	"saltmine/internal/canary"
)

// piece is a run of ASCII letters and digits, and what stands before it.
type piece struct {
	gap  string
	text string
	told bool // it says that a ticket number comes
}

// pieces cuts a line.
func (f *finder) pieces(line string) []piece {
	var out []piece
	gap := 0
	for i := 0; i < len(line); {
		if !isAlnum(line[i]) {
			i++
			continue
		}
		end := i
		for end < len(line) && isAlnum(line[end]) {
			end++
		}
		told := end-i < 20 && f.told[strings.ToLower(line[i:end])]
		out = append(out, piece{line[gap:i], line[i:end], told})
		i, gap = end, end
	}
	return out
}

const (
	mostPieces    = 6  // of a ticket number
	shortestTold  = 3  // characters of a ticket number behind a word for it
	shortestMixed = 6  // of letters and digits that stand alone
	shortestPlain = 7  // of digits that stand alone
	longestTicket = 64 // see package token
	lookBack      = 4  // pieces before a number among which the word for it may stand
)

// tickets tries what may be a ticket number, line by line.
func (f *finder) tickets(text string) {
	for line := range strings.Lines(text) {
		list := f.pieces(line)
		for i := range list {
			if !f.ticket(list, i) {
				return
			}
		}
	}
}

// ticket tries what begins at a piece, from one piece to several.
func (f *finder) ticket(list []piece, i int) bool {
	told := isTold(list, i)
	var joined string
	for j := i; j < len(list) && j < i+mostPieces; j++ {
		if j > i && !joins(list[j].gap, told) {
			break
		}
		joined = joined + list[j].text
		if len(joined) > longestTicket {
			break
		}
		if isTicket(joined, told) && !f.add(canary.Ticket, joined, maxTickets) {
			return false
		}
	}
	return true
}

// isTold reports whether something before a piece says that it is a ticket.
func isTold(list []piece, i int) bool {
	for back := i; back >= max(0, i-lookBack); back-- {
		if back < i && list[back].told || strings.Contains(list[back].gap, "#") {
			return true
		}
	}
	return false
}

// Told reports whether the end of a text says that a ticket number comes: the text
// before one.
func Told(before string) bool {
	f := finder{told: ticketWords()}
	before = before[strings.LastIndexByte(before, '\n')+1:]
	list := f.pieces(before + "0") // in place of the number
	return len(list) > 0 && isTold(list, len(list)-1)
}

// ticketWords come before ticket numbers: what they are called, and what begins
// the subject of an answer.
func ticketWords() map[string]bool {
	out := map[string]bool{}
	for word := range strings.FieldsSeq("ticket tickets ticketid case request incident ref reference issue number no nr id nummer ticketnummer ticketnumber" +
		" vorgang vorgangsnummer fall fallnummer anfrage aktenzeichen az re aw antw fw fwd wg sv subject betreff rt sr cs") {
		out[word] = true
	}
	return out
}

// joins reports whether a number may go on behind a gap: over a sign or two,
// and over spaces only where a word said what it is.
func joins(gap string, told bool) bool {
	signs := "-_/.:#"
	if told {
		signs += " ,"
	}
	return len(gap) <= 3 && strings.Trim(gap, signs) == ""
}

func isTicket(s string, told bool) bool {
	digits := 0
	for i := range len(s) {
		if isDigit(s[i]) {
			digits++
		}
	}
	switch {
	case told:
		return digits >= 2 && len(s) >= shortestTold
	case digits == len(s):
		return len(s) >= shortestPlain
	}
	return digits > 0 && len(s) >= shortestMixed
}

// Bounds of phone numbers (ITU-T E.164).
const (
	fewestDigits = 7
	mostDigits   = 15
	mostGroups   = 16
	mostNational = 350 // numbers of one text that are tried with every country
)

// phones tries runs of digits with what people put between them.
func (f *finder) phones(text string) {
	national := 0
	for line := range strings.Lines(text) {
		for i := 0; i < len(line); {
			if !isDigit(line[i]) || i > 0 && isAlnum(line[i-1]) {
				i++
				continue
			}
			groups, end := groupsAt(line, i)
			plus := strings.HasSuffix(strings.TrimRight(line[max(0, i-3):i], " ("), "+")
			if !f.run(groups, plus, &national) {
				return
			}
			i = end
		}
	}
}

// groupsAt gives the groups of digits from a place on, and where they end. A
// "(0)" is written for those who dial from abroad, and is none.
func groupsAt(line string, at int) (groups []string, end int) {
	for len(groups) < mostGroups {
		end = at
		for end < len(line) && isDigit(line[end]) {
			end++
		}
		if group := line[at:end]; len(groups) == 0 || group != "0" || line[at-1] != '(' {
			groups = append(groups, group)
		}
		if at = nextGroup(line, end); at < 0 {
			break
		}
	}
	return groups, end
}

// nextGroup finds the digit behind the signs that people put into numbers; -1
// is none.
func nextGroup(line string, at int) int {
	const most = 3
	for i := at; i < min(len(line), at+most+1); i++ {
		if isDigit(line[i]) && i > at {
			return i
		}
		if strings.IndexByte(" .-/()", line[i]) < 0 {
			break
		}
	}
	return -1
}

// run tries every row of groups that has as many digits as a number.
func (f *finder) run(groups []string, plus bool, national *int) bool {
	for i := range groups {
		digits := ""
		for j := i; j < len(groups) && len(digits) <= mostDigits+3; j++ {
			digits += groups[j]
			if len(digits) >= fewestDigits && !f.phone(digits, plus && i == 0, national) {
				return false
			}
		}
	}
	return true
}

// phone tries digits as a number with its country, and as one without.
func (f *finder) phone(digits string, plus bool, national *int) bool {
	switch {
	case plus:
		return f.add(canary.Phone, "+"+digits, maxPhones)
	case strings.HasPrefix(digits, "00"):
		return f.add(canary.Phone, "+"+digits[2:], maxPhones)
	case strings.HasPrefix(digits, "011"):
		f.add(canary.Phone, "+"+digits[3:], maxPhones)
	case digits[0] != '0' && !f.add(canary.Phone, "+"+digits, maxPhones):
		return false
	}
	if *national++; *national > mostNational || len(digits) > 12 {
		return true
	}
	own := strings.TrimPrefix(digits, "0")
	for _, code := range codes() {
		number := own
		if code == "39" { // Italy's numbers keep the zero
			number = digits
		}
		if !f.add(canary.Phone, "+"+code+number, maxPhones) {
			return false
		}
	}
	return true
}

// codes are the country codes that are tried with a number that has none:
// Europe, North America, and where else English and German speakers have numbers.
func codes() []string {
	return strings.Fields("1 20 27 30 31 32 33 34 36 39 40 41 43 44 45 46 47 48 49 52 55 61 64 65 81 91 351 352 353 354 356 357 358 359 370 371 372 385 386 420 421 423 852 971 972")
}
