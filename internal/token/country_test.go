package token_test

import (
	"testing"

	"saltmine/internal/token"
)

func TestCountry(t *testing.T) {
	t.Parallel()
	for number, want := range map[string]string{
		"+4930123456": "DE", "+442079460000": "GB", "+12025550143": "US", "+14165550143": "CA", "+18765550143": "JM", "+77011234567": "KZ", "+74951234567": "RU",
		"+3531234567": "IE", "+35212345": "LU", "+3912345678": "IT", "+8613912345678": "CN", "+88691234567": "TW", "+97212345678": "IL", "+1": "US",
		"+999123": "", "+8001234567": "", "+": "", "": "", "4930123456": "", "030123456": "", "+2": "",
	} {
		if got := token.Country(number); got != want {
			t.Errorf("%s is of %q, want %q", number, got, want)
		}
	}
}
