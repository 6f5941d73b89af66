package seeder_test

import (
	"testing"

	"saltmine/internal/canary"
	"saltmine/seeder"
)

func TestLooksMasked(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		kind  canary.Kind
		value string
		want  bool
	}{
		{canary.Email, "d***@mailhouse.com", true},
		{canary.Email, "XXXX@mailhouse.com", true},
		{canary.Email, "user4711@mailhouse.com", true}, // the row's key
		{canary.Email, "user4712@mailhouse.com", false},
		{canary.Email, "deleted-20251@mailhouse.com", true},
		{canary.Email, "n/a", true},
		{canary.Email, "someone@nowhere.invalid", true},
		{canary.Email, "5f4dcc3b5aa765d61d8327deb882cf99@mailhouse.com", true},
		{canary.Email, "aaaaaaa@mailhouse.com", true},
		{canary.Email, "dana.whitfield@mailhouse.com", false},
		{canary.Email, "alexxander@mailhouse.com", false},
		{canary.Phone, "+1 000 000 0000", true},
		{canary.Phone, "0000000000", true},
		{canary.Phone, "+44 999 9999999", true},
		{canary.Phone, "123456789", true},
		{canary.Phone, "+44 20 79** **18", true},
		{canary.Phone, "12", true},
		{canary.Phone, "+44 20 7946 0018", false},
		{canary.Phone, "020 7946 0000", false},
		{"", "Anonymous", true},
		{"", "XXXXX", true},
		{"", "Whitfield", false},
		{"", "O", false},
		{"", "Aaron", false},
	} {
		if got := seeder.LooksMasked(c.kind, c.value, "4711"); got != c.want {
			t.Errorf("%s %q: %v", c.kind, c.value, got)
		}
	}
}
