package persona_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"saltmine/seeder/persona"
	"saltmine/seeder/persona/checkdigit"
)

func checked(s checkdigit.Scheme, text string) string {
	out, _ := s.Complete(text)
	return out
}

// Numbers with a check digit are read, and new ones have the right one.
func TestCheckedNumbers(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		form func(i int, at time.Time) string
		next string // on the day after the last, counter 401
		good func(string) bool
	}{
		"otrs": {
			func(i int, at time.Time) string {
				return checked(checkdigit.OTRS, at.Format("20060102")+fmt.Sprintf("10%05d0", i+1))
			}, checked(checkdigit.OTRS, "2025120610004010"), checkdigit.OTRS.Valid,
		},
		"luhn": {
			func(i int, _ time.Time) string { return "CASE-" + checked(checkdigit.Luhn, fmt.Sprintf("%06d0", i+1)) },
			"CASE-" + checked(checkdigit.Luhn, "0004010"), checkdigit.Luhn.Valid,
		},
		"mod 97, of a year": {
			func(i int, at time.Time) string {
				return "TK/" + checked(checkdigit.Mod97, fmt.Sprintf("%d-%d00", at.Year(), i+1))
			}, "TK/" + checked(checkdigit.Mod97, "2025-40100"), checkdigit.Mod97.Valid,
		},
		"of the counter alone": {
			func(i int, at time.Time) string {
				return at.Format("06") + "-" + checked(checkdigit.Luhn, fmt.Sprintf("%05d0", i+1))
			},
			"25-" + checked(checkdigit.Luhn, "004010"), func(s string) bool { return checkdigit.Luhn.Valid(s[3:]) },
		},
		"apart": {
			func(i int, _ time.Time) string { return checked(checkdigit.Luhn, fmt.Sprintf("%06d-0", i+1)) },
			checked(checkdigit.Luhn, "000401-0"), checkdigit.Luhn.Valid,
		},
	} {
		rows := numbered(c.form)
		rule, err := persona.LearnNumbers(rows)
		if err != nil || !rule.Running {
			t.Errorf("%s: %+v, %v", name, rule, err)
			continue
		}
		for _, row := range rows {
			if _, counter, ok := rule.Read(row.Text); !ok || rule.Write(row.Created, counter) != row.Text {
				t.Fatalf("%s: %q is read as %d and written %q", name, row.Text, counter, rule.Write(row.Created, counter))
			}
		}
		_, last, _ := rule.Read(rows[399].Text)
		if got := rule.Write(day(400), last+1); got != c.next || !c.good(got) {
			t.Errorf("%s: %q follows, wanted %q", name, got, c.next)
		}
		wrong := []byte(rows[7].Text)
		wrong[len(wrong)-1] = '0' + (wrong[len(wrong)-1]-'0'+4)%10
		if _, _, ok := rule.Read(string(wrong)); ok {
			t.Errorf("%s: %s has a wrong check and is read", name, wrong)
		}
	}
}

// Numbers that follow from the row's key are told by it.
func TestKeyedNumbers(t *testing.T) {
	t.Parallel()
	rows := numbered(func(i int, _ time.Time) string { return fmt.Sprintf("#%d", 3*i+1007) })
	for i := range rows {
		rows[i].ID = int64(3*i + 7)
	}
	rule, err := persona.LearnNumbers(rows)
	if err != nil {
		t.Fatal(err)
	}
	if got, ok := rule.OfKey(5001, day(1)); !ok || got != "#6001" {
		t.Errorf("%q, %v", got, ok)
	}
	for i := range rows {
		rows[i].ID += int64(i % 2)
	}
	if rule, err = persona.LearnNumbers(rows); err != nil {
		t.Fatal(err)
	}
	if got, ok := rule.OfKey(5001, day(1)); ok {
		t.Errorf("%q does not follow from the key", got)
	}
}

// A number for a day in the past is one that was skipped at that time.
func TestSeriesInThePast(t *testing.T) {
	t.Parallel()
	var rows []persona.Numbered
	for i := range 2000 {
		if i%9 != 0 {
			rows = append(rows, persona.Numbered{Text: fmt.Sprintf("TK-%05d", i), Created: day(0).Add(time.Duration(i) * time.Hour)})
		}
	}
	rule, err := persona.LearnNumbers(rows)
	if err != nil {
		t.Fatal(err)
	}
	times := []time.Time{day(0).Add(500 * time.Hour), day(0).Add(503 * time.Hour), day(0).Add(1200 * time.Hour)}
	got, continued, err := rule.Series(rng(3), rows, times, func(string) bool { return false })
	if err != nil || continued != 0 || !slices.IsSorted(got) || got[0] < "TK-00460" || got[1] > "TK-00545" || got[2] < "TK-01160" || got[2] > "TK-01240" {
		t.Errorf("%v, %d, %v", got, continued, err)
	}
	if gaps := rule.Gaps(rows); gaps < 0.1 || gaps > 0.12 {
		t.Errorf("%.3f of the numbers are missing", gaps)
	}
	full := numbered(func(i int, _ time.Time) string { return fmt.Sprintf("TK-%05d", i) })
	if rule, err = persona.LearnNumbers(full); err != nil || rule.Gaps(full) != 0 {
		t.Errorf("%.3f of the numbers are missing, %v", rule.Gaps(full), err)
	}
	if got, continued, err = rule.Series(rng(3), full, []time.Time{day(200)}, func(string) bool { return false }); err != nil || continued != 1 || got[0] != "TK-00400" {
		t.Errorf("no gap: %v, %d, %v", got, continued, err)
	}
}
