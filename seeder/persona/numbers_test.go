package persona_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"saltmine/seeder/persona"
)

func day(n int) time.Time {
	return time.Date(2024, 11, 1, 8, 0, 0, 0, time.UTC).AddDate(0, 0, n)
}

// numbered makes 400 numbers over 400 days by a rule.
func numbered(form func(i int, at time.Time) string) []persona.Numbered {
	var out []persona.Numbered
	for i := range 400 {
		out = append(out, persona.Numbered{Text: form(i, day(i)), Created: day(i)})
	}
	return out
}

func TestLearnNumbers(t *testing.T) {
	t.Parallel()
	r := rng(4)
	at := day(399).Add(time.Hour)
	for name, c := range map[string]struct {
		form    func(i int, at time.Time) string
		running bool
		want    string // the number after the last one
	}{
		"year":      {func(i int, at time.Time) string { return fmt.Sprintf("TK-%d-%06d", at.Year(), i+1) }, true, "TK-2025-000401"},
		"day":       {func(i int, at time.Time) string { return at.Format("20060102") + fmt.Sprintf("10%06d", i) }, true, "2025120510000400"},
		"month":     {func(i int, at time.Time) string { return at.Format("0601") + "/" + fmt.Sprint(2*i+7) }, true, "2512/806"},
		"plain":     {func(i int, _ time.Time) string { return fmt.Sprint(104000 + 3*i) }, true, "105198"},
		"prefix":    {func(i int, _ time.Time) string { return fmt.Sprintf("[case #%d]", i+9) }, true, "[case #409]"},
		"scattered": {func(_ int, _ time.Time) string { return fmt.Sprintf("%06d", r.IntN(900000)+100000) }, false, ""},
	} {
		rows := numbered(c.form)
		rule, err := persona.LearnNumbers(rows)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, row := range rows {
			if _, counter, ok := rule.Read(row.Text); !ok || rule.Write(row.Created, counter) != row.Text {
				t.Fatalf("%s: %q is read as %d and written %q", name, row.Text, counter, rule.Write(row.Created, counter))
			}
		}
		if rule.Running != c.running {
			t.Errorf("%s: running %v", name, rule.Running)
		}
		_, last, _ := rule.Read(rows[399].Text)
		if got := rule.Write(at, last+1); c.want != "" && got != c.want {
			t.Errorf("%s: %q follows, wanted %q", name, got, c.want)
		}
	}
}

// The day in a number is that of the dates it was learned from.
func TestNumbersOfAZone(t *testing.T) {
	t.Parallel()
	zone := time.FixedZone("east", 9*3600)
	rows := numbered(func(i int, at time.Time) string { return at.In(zone).Format("20060102") + fmt.Sprintf("%04d", i) })
	for i := range rows {
		rows[i].Created = rows[i].Created.In(zone)
	}
	rule, err := persona.LearnNumbers(rows)
	if err != nil {
		t.Fatal(err)
	}
	if got := rule.Write(time.Date(2025, 12, 5, 20, 0, 0, 0, time.UTC), 400); got != "202512060400" {
		t.Errorf("%s at five in the morning of the sixth", got)
	}
}

func TestLearnNumbersFails(t *testing.T) {
	t.Parallel()
	for name, rows := range map[string][]persona.Numbered{
		"none":   nil,
		"mixed":  numbered(func(i int, _ time.Time) string { return strings.Repeat("x", i%9+1) + fmt.Sprint(i) }),
		"words":  numbered(func(int, time.Time) string { return "ticket" }),
		"random": numbered(func(i int, _ time.Time) string { return fmt.Sprintf("%x", rng(uint64(i)).Uint64()) }),
	} {
		if _, err := persona.LearnNumbers(rows); !errors.Is(err, persona.ErrSample) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Numbers of a series are new, of the rule's form, and grow with their dates.
func TestSeries(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		skip := rapid.IntRange(2, 30).Draw(t, "skip")
		var rows []persona.Numbered
		for i := range 600 {
			if i%skip != 0 {
				rows = append(rows, persona.Numbered{Text: fmt.Sprintf("TK-%05d", i), Created: day(0).Add(time.Duration(i) * time.Hour)})
			}
		}
		rule, err := persona.LearnNumbers(rows)
		if err != nil || !rule.Running {
			t.Fatal(err)
		}
		var times []time.Time
		for i := range rapid.IntRange(1, 40).Draw(t, "want") {
			times = append(times, day(25).Add(time.Duration(i)*time.Minute))
		}
		taken := map[string]bool{}
		for _, row := range rows {
			taken[row.Text] = true
		}
		banned := fmt.Sprintf("TK-%05d", 601)
		got, continued, err := rule.Series(rng(rapid.Uint64().Draw(t, "seed")), rows, times, func(s string) bool { return s == banned })
		if err != nil || len(got) != len(times) || !slices.IsSorted(got) {
			t.Fatalf("%v, %v", got, err)
		}
		beyond := 0
		for i, text := range got {
			if taken[text] || text == banned || slices.Contains(got[:i], text) {
				t.Fatalf("%s is in use", text)
			}
			if text > rows[len(rows)-1].Text {
				beyond++
			}
			if text < "TK-00299" {
				t.Fatalf("%s is far from its date", text)
			}
		}
		if beyond != continued {
			t.Fatalf("%d go on after the last, %d reported", beyond, continued)
		}
		for _, text := range rule.Skipped(rows, func(string) bool { return false }) {
			if taken[text] || text > rows[len(rows)-1].Text {
				t.Fatalf("%s was not skipped", text)
			}
		}
		last := rows[len(rows)-1].Text
		_, from, _ := rule.Read(last)
		for i, text := range rule.Ahead(last, day(25), 3) {
			if _, c, ok := rule.Read(text); !ok || c != from+int64(i)+1 {
				t.Fatalf("%s is not the next but %d behind %s", text, i, last)
			}
		}
	})
}

// The new year begins a new series; numbers at random need room.
func TestSeriesPeriods(t *testing.T) {
	t.Parallel()
	rows := numbered(func(_ int, at time.Time) string { return fmt.Sprintf("%d-%04d", at.Year(), at.YearDay()) })
	rule, err := persona.LearnNumbers(rows)
	if err != nil {
		t.Fatal(err)
	}
	got, continued, err := rule.Series(rng(1), rows, []time.Time{day(399).Add(time.Hour), time.Date(2026, 1, 1, 1, 0, 0, 0, time.UTC)}, func(string) bool { return false })
	if err != nil || len(got) != 2 || !strings.HasPrefix(got[0], "2025-") || got[1] != "2026-0001" || continued != 2 {
		t.Errorf("%v, %d, %v", got, continued, err)
	}
	full := numbered(func(i int, _ time.Time) string { return fmt.Sprintf("%03d", i*181%400) })
	if rule, err = persona.LearnNumbers(full); err != nil || rule.Running {
		t.Fatalf("running %v, %v", rule, err)
	}
	if _, _, err := rule.Series(rng(1), full, []time.Time{day(1)}, func(string) bool { return true }); !errors.Is(err, persona.ErrVariety) {
		t.Errorf("no number is left: %v", err)
	}
}

func FuzzLearnNumbers(f *testing.F) {
	f.Add("TK-2025-000001", "TK-2025-000002")
	f.Add("2025112210000042", "")
	f.Add("#9\x00-", "é12٣")
	f.Fuzz(func(t *testing.T, a, b string) {
		var rows []persona.Numbered
		for i := range 12 {
			rows = append(rows, persona.Numbered{Text: a + fmt.Sprint(i), Created: day(i)}, persona.Numbered{Text: b + a, Created: day(i)})
		}
		rule, err := persona.LearnNumbers(rows)
		if err != nil {
			return
		}
		for _, row := range rows {
			if _, counter, ok := rule.Read(row.Text); ok && counter < 0 {
				t.Errorf("%q counts %d", row.Text, counter)
			}
		}
	})
}
