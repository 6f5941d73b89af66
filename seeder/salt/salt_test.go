package salt_test

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"saltmine/internal/canary"
	"saltmine/seeder/salt"
)

// world is a list as somebody may have written it.
type world struct {
	style
	by       string
	from     int
	headed   bool
	newlines bool
}

func worlds() *rapid.Generator[world] {
	return rapid.Custom(func(t *rapid.T) world {
		return world{
			style: style{
				delimiter: rapid.SampledFrom([]string{",", ";", "\t", "|"}).Draw(t, "delimiter"), eol: rapid.SampledFrom([]string{"\n", "\r\n"}).Draw(t, "eol"),
				quote: rapid.SampledFrom([]quoting{minimal, all, texts}).Draw(t, "quoting"), bom: rapid.Bool().Draw(t, "bom"),
				json: rapid.IntRange(0, 3).Draw(t, "json") == 0, open: rapid.Bool().Draw(t, "open"),
			},
			by: rapid.SampledFrom([]string{"id", "-id", "name", "country", "none"}).Draw(t, "order"), from: rapid.IntRange(0, 2700).Draw(t, "from"),
			headed: rapid.Bool().Draw(t, "header"), newlines: rapid.Bool().Draw(t, "newlines"),
		}
	})
}

func (w *world) list() []byte {
	list := rows(3000)[w.from:][:200]
	sortBy(list, w.by)
	if w.newlines && !w.json && strings.ContainsAny(w.delimiter, ",;") {
		for i := range list {
			list[i][colProduct] += "\n\"home\""
		}
	}
	if w.headed {
		return w.write(header(), list)
	}
	return w.write(nil, list)
}

// TestCopyIsTheListWithCanaries is the promise: in any dialect and any order,
// a copy without its canaries is the list, byte for byte.
func TestCopyIsTheListWithCanaries(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.cfg.PlacebosPerEmail = 1
	for i := range 12 {
		w := worlds().Example(i)
		in := w.list()
		name := fmt.Sprintf("r%d", i)
		out, report, err := s.try(order(name, in, 6))
		if err != nil {
			t.Errorf("%+v: %v", w, err)
			continue
		}
		canaries, rest := s.parted(name, out, !w.json)
		if w.open {
			rest = strings.TrimSuffix(rest, w.eol)
		}
		if len(canaries) != report.Canaries || rest != string(in) {
			t.Errorf("%+v: %d of %d canaries found; the rest is the list: %v", w, len(canaries), report.Canaries, rest == string(in))
		}
	}
}

func sortBy(list [][]string, by string) {
	slices.SortStableFunc(list, func(a, b []string) int {
		switch by {
		case "-id":
			return cmp.Or(cmp.Compare(len(b[colID]), len(a[colID])), strings.Compare(b[colID], a[colID]))
		case "name":
			return cmp.Or(strings.Compare(a[colLast], b[colLast]), strings.Compare(a[colFirst], b[colFirst]))
		case "country":
			return strings.Compare(a[colCountry], b[colCountry])
		case "none":
			return strings.Compare(a[colToken], b[colToken][4:])
		}
		return 0
	})
}

// TestCanaryFitsItsPlace wants ids, tickets and times between the neighbours',
// and nothing of the donor.
func TestCanaryFitsItsPlace(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	list := rows(1500)
	in := csvOf(header(), list)
	out, report := s.release(order("acme", in, 60))
	if report.Canaries != 60 || report.Tokens[canary.Email] != 60 || report.Placebos[canary.Email] != 180 || report.Tokens[canary.Ticket] != 60 {
		t.Errorf("report: %+v", report)
	}
	emails, people, theirs := s.texts("acme", canary.Email), map[string]bool{}, map[string]bool{}
	for _, row := range list {
		people[row[colFirst]+" "+row[colLast]] = true
		for _, c := range []int{colEmail, colTicket, colToken, colID, colComment} {
			theirs[fmt.Sprint(c)+row[c]] = true
		}
	}
	all := readCSV(t, string(out))
	namesakes := 0
	for i, row := range all {
		if i == 0 || !emails[strings.ToLower(row[colEmail])] {
			continue
		}
		before, after := all[i-1], all[i+1]
		for _, c := range []int{colID, colTicket} {
			if !between(before[c], row[c], after[c]) {
				t.Errorf("column %d: %s does not lie between %s and %s", c, row[c], before[c], after[c])
			}
		}
		if row[colCreated] < before[colCreated] || row[colCreated] > after[colCreated] || row[colUpdated] < row[colCreated] {
			t.Errorf("created %s, updated %s between rows created %s and %s", row[colCreated], row[colUpdated], before[colCreated], after[colCreated])
		}
		for _, c := range []int{colEmail, colTicket, colToken, colID, colComment} {
			if theirs[fmt.Sprint(c)+row[c]] && (c != colComment || !people[row[colFirst]+" "+row[colLast]]) {
				t.Errorf("column %d: %q is somebody's", c, row[c])
			}
		}
		if people[row[colFirst]+" "+row[colLast]] {
			namesakes++
		}
		if row[colPhone] != "" {
			t.Errorf("a phone number without a pool: %q", row[colPhone])
		}
		if !strings.Contains(row[colComment], row[colFirst]) {
			t.Errorf("%s %s has the comment %q", row[colFirst], row[colLast], row[colComment])
		}
	}
	if namesakes > 20 {
		t.Errorf("%d of 60 canaries have the full name of a customer", namesakes)
	}
}

// between compares counters of any width.
func between(a, x, b string) bool {
	less := func(a, b string) bool { return len(a) < len(b) || len(a) == len(b) && a < b }
	return less(a, x) && less(x, b)
}

// TestSortedByNames wants canaries where their names belong.
func TestSortedByNames(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	list := rows(1500)
	sortBy(list, "name")
	out, _ := s.release(order("acme", csvOf(header(), list), 60))
	all := readCSV(t, string(out))[1:]
	for i := range all[1:] {
		a, b := all[i][colLast]+"\x00"+all[i][colFirst], all[i+1][colLast]+"\x00"+all[i+1][colFirst]
		if a > b {
			t.Errorf("%q stands before %q", a, b)
		}
	}
	last, at := 0, 0
	emails := s.texts("acme", canary.Email)
	for i, row := range all {
		if emails[strings.ToLower(row[colEmail])] {
			last, at = i, at+1
		}
	}
	if at != 60 || last < len(all)/2 {
		t.Errorf("%d canaries, the last one at row %d of %d", at, last, len(all))
	}
}

// TestSortedByCountry wants canaries in the block of their country.
func TestSortedByCountry(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	list := rows(1500)
	sortBy(list, "country")
	out, _ := s.release(order("acme", csvOf(header(), list), 60))
	all := readCSV(t, string(out))[1:]
	if !slices.IsSortedFunc(all, func(a, b []string) int { return strings.Compare(a[colCountry], b[colCountry]) }) {
		t.Error("the copy is not sorted by country")
	}
	language := map[string]string{}
	for _, row := range list {
		language[row[colCountry]] = row[colLanguage]
	}
	emails := s.texts("acme", canary.Email)
	for _, row := range all {
		if emails[strings.ToLower(row[colEmail])] && row[colLanguage] != language[row[colCountry]] {
			t.Errorf("a canary in %s speaks %s", row[colCountry], row[colLanguage])
		}
	}
}

func TestPhones(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for i := range 300 {
		s.cfg.Phones = append(s.cfg.Phones, fmt.Sprintf("+447700900%03d", i), fmt.Sprintf("+4930231255%03d", i), fmt.Sprintf("+331990000%02d", i%100))
	}
	list := rows(600)
	in := csvOf(header(), list)
	out, report := s.release(order("acme", in, 30))
	n := report.Tokens[canary.Phone]
	if n < 5 || n > 30 || report.Placebos[canary.Phone] == 0 || report.PhonesFree != 700 {
		t.Errorf("%d canaries with phone numbers, %d placebos, %d were free", n, report.Placebos[canary.Phone], report.PhonesFree)
	}
	written := 0
	emails := s.texts("acme", canary.Email)
	for _, row := range readCSV(t, string(out)) {
		if emails[strings.ToLower(row[colEmail])] && row[colPhone] != "" {
			written++
		}
	}
	if written != n {
		t.Errorf("%d numbers are written, %d are tokens", written, n)
	}
	o := order("beta", in, 30)
	o.Phones = 0
	if _, report := s.release(o); report.Tokens[canary.Phone] != 0 {
		t.Errorf("%d phone numbers were used, none allowed", report.Tokens[canary.Phone])
	}
	for _, row := range list {
		row[colPhone] = cmp.Or(row[colPhone], "+44 7700 900999")
	}
	o = order("gamma", csvOf(header(), list), 30)
	o.Phones = 0
	if _, _, err := s.try(o); err == nil || !strings.Contains(err.Error(), "every row of the list has a phone number") {
		t.Errorf("where every row has a number: %v", err)
	}
}

// TestTakenTickets writes numbers that customers may have, and listens for none.
func TestTakenTickets(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	in := csvOf(header(), rows(2000))
	s.cfg.Taken = nil
	out, report := s.release(order("acme", in, 20))
	if report.Tokens[canary.Ticket] != 0 || !strings.Contains(strings.Join(report.Notes, "\n"), "not listened for") {
		t.Errorf("report: %+v", report)
	}
	canaries, _ := s.parted("acme", out, true)
	for _, r := range canaries {
		if !strings.Contains(r, ",TK-") {
			t.Errorf("a canary without a ticket: %q", r)
		}
	}
}

func TestHowMany(t *testing.T) {
	t.Parallel()
	if got := salt.Needed(0.95, 0.01); got != 299 {
		t.Errorf("95 %% at 1 %%: %d", got)
	}
	if got := salt.Needed(0.99, 0.01); got != 459 {
		t.Errorf("99 %% at 1 %%: %d", got)
	}
	if got := salt.Chance(299, 0.01); got < 0.95 || got > 0.951 {
		t.Errorf("299 at 1 %%: %g", got)
	}
	s := newSite(t)
	o := order("acme", csvOf(header(), rows(2000)), 299)
	o.MaxShare = 0.01
	if _, report := s.release(o); report.Canaries != 20 || !strings.Contains(strings.Join(report.Notes, "\n"), "1 % of the 2000 rows") {
		t.Errorf("report: %+v", report)
	}
}

// TestWindows wants tokens readable from the release on, and the extract taken then.
func TestWindows(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	start := s.now
	in := csvOf(header(), rows(400))
	c, err := s.salter().Prepare(t.Context(), order("acme", in, 10))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range s.plantings("acme") {
		if p.State != canary.Intended || p.Tokens[0].Window.From.Come() {
			t.Errorf("before the release: %s, %+v", p.State, p.Tokens[0].Window)
		}
	}
	if err := c.WriteTo(t.Context(), &bytes.Buffer{}); err != nil {
		t.Fatal(err)
	}
	var published time.Time
	err = c.Release(t.Context(), func() error {
		list, err := s.reg.Extracts(t.Context())
		if err != nil || len(list) != 1 || len(list[0].Held) != 10 {
			t.Errorf("when the copy appears the registry has the extracts %+v, %v", list, err)
		}
		published = s.cfg.Now()
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	list, err := s.reg.Extracts(t.Context())
	if err != nil || len(list) != 1 || list[0].ID != "copy:acme" || list[0].Actor != "acme" || list[0].Rows != 410 {
		t.Fatalf("extracts %+v, %v", list, err)
	}
	taken := list[0].Taken
	if !taken.Earliest.After(start) || taken.Earliest.After(published) || taken.Latest.Before(published) {
		t.Errorf("taken %+v, published %s", taken, published)
	}
	for _, p := range s.plantings("acme") {
		for _, tok := range p.Tokens {
			if p.State != canary.Planted || tok.Window.From != taken || !tok.Window.Until.IsZero() || tok.Window.Place != "copy:acme" {
				t.Errorf("after the release: %s, %+v", p.State, tok.Window)
			}
		}
	}
}

// BenchmarkWriteTo is the second reading: what was learned is written.
func BenchmarkWriteTo(b *testing.B) {
	s := newSite(b)
	in := bytes.Repeat(csvOf(nil, rows(3000)), 40)
	c, err := s.salter().Prepare(b.Context(), order("acme", in, 100))
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(in)))
	for b.Loop() {
		if err := c.WriteTo(b.Context(), io.Discard); err != nil {
			b.Fatal(err)
		}
	}
}

// TestFewFreeTickets finds the numbers that nobody has, few as they are: where
// those around a canary's own place are all in use, some way off.
func TestFewFreeTickets(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	asked := 0
	s.cfg.Taken = func(_ context.Context, list []string) (taken []string, err error) {
		asked += len(list)
		for _, number := range list { // one in fifty is free
			if n, err := strconv.Atoi(strings.TrimLeft(number, "TK-0")); err != nil || n%50 != 7 {
				taken = append(taken, number)
			}
		}
		return taken, nil
	}
	list := rows(2000)
	for i, row := range rows(2000) { // not in the order of the customers
		list[i*7919%2000][colTicket] = row[colTicket]
	}
	_, report := s.release(order("acme", csvOf(header(), list), 20))
	if n := report.Tokens[canary.Ticket]; n < 15 {
		t.Errorf("%d of 20 canaries have tickets that are listened for, of %d numbers asked for", n, asked)
	}
}
