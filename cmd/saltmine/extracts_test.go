package main

import (
	"strings"
	"testing"
)

// TestReadExtractsPassesOverTheStart reads what spreadsheets and editors make
// of both forms: a byte order mark, empty lines and spaces in front.
func TestReadExtractsPassesOverTheStart(t *testing.T) {
	t.Parallel()
	const (
		table = "id,actor,taken_at,place\nx1,ann,2025-03-01T09:30:00Z,db:main\n"
		lines = `{"id":"x1","actor":"ann","taken_at":"2025-03-01T09:30:00Z","place":"db:main"}` + "\n"
	)
	for _, start := range []string{"", "\ufeff", " \n", "\ufeff\r\n\t ", "\n\n\n"} {
		for _, form := range []string{table, lines} {
			list, err := readExtracts(strings.NewReader(start + form))
			if err != nil || len(list) != 1 || list[0].ID != "x1" || list[0].Actor != "ann" {
				t.Errorf("%q: %v, %v", start+form, list, err)
			}
		}
	}
	for _, empty := range []string{"", "\ufeff", " \n\r\n"} {
		if _, err := readExtracts(strings.NewReader(empty)); err == nil || !strings.Contains(err.Error(), "empty") {
			t.Errorf("%q: %v", empty, err)
		}
	}
	for form, line := range map[string]string{
		"\ufeff\n\n" + strings.Replace(table, "ann", "", 1): "line 4: ",
		"\n \n" + strings.Replace(lines, "ann", "", 1):      "line 3: ",
	} {
		if _, err := readExtracts(strings.NewReader(form)); err == nil || !strings.HasPrefix(err.Error(), line) {
			t.Errorf("%q: %v, want %s", form, err, line)
		}
	}
}
