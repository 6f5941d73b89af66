package api_test

import (
	"strings"
	"testing"

	"saltmine/internal/api"
)

// FuzzQuery: whatever stands in a query, it is read within bounds, and nothing of
// it comes back.
func FuzzQuery(f *testing.F) {
	for _, seed := range []string{
		"", "limit=7", "limit=201", "since=2026-08-05T10:00:00Z&state=open", "after=1786000000000000.i_aaaaaaaaaaaaaaaa&place=db:main",
		"after=9999999999999999.k_contact0001", "a=%zz", "a;b", "limit=1&limit=2", "state=", "&&&", "since=2026-08-05T10:00:00.123456789%2B14:00", "place=desk:j.doe@example.net", "\xff=\x00",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		since, after, limit, err := api.ParseAll(raw)
		if limit < 1 || limit > 200 {
			t.Errorf("limit %d", limit)
		}
		if since > 253_370_764_800_000_000 || after < -62_135_596_800_000_000 || after > 9_999_999_999_999_999 {
			t.Errorf("times %d, %d", since, after)
		}
		if err != nil && (len(err.Error()) > 1500 || strings.ContainsAny(err.Error(), "<>\"'\x00\n")) {
			t.Errorf("it says %q", err)
		}
	})
}
