package checkdigit_test

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"saltmine/seeder/persona/checkdigit"
)

func TestKnownCodes(t *testing.T) {
	t.Parallel()
	for code, s := range map[string]checkdigit.Scheme{
		"79927398713":            checkdigit.Luhn,
		"4539-1488-0343-6467":    checkdigit.Luhn,
		"4006381333931":          checkdigit.GS1,
		"036000291452":           checkdigit.GS1,
		"0306406152":             checkdigit.Mod11,
		"043942089X":             checkdigit.Mod11,
		"0000-0002-1825-0097":    checkdigit.Mod112,
		"000000021694233X":       checkdigit.Mod112,
		"86095742719":            checkdigit.Mod1110,
		"GB82WEST12345698765432": checkdigit.IBAN,
		"DE89370400440532013000": checkdigit.IBAN,
		"2002062310100011":       checkdigit.OTRS,
	} {
		if !s.Valid(code) {
			right, _ := s.Complete(code)
			t.Errorf("%s: %s is refused, %s wanted", s, code, right)
		}
		wrong := []byte(code)
		at := strings.IndexAny(code[4:], "123456789") + 4
		wrong[at] = '0' + (wrong[at]-'0'+3)%10
		if s.Valid(string(wrong)) {
			t.Errorf("%s: %s is taken", s, wrong)
		}
	}
}

func TestDetect(t *testing.T) {
	t.Parallel()
	for _, s := range []checkdigit.Scheme{checkdigit.Luhn, checkdigit.GS1, checkdigit.Mod11, checkdigit.Mod112, checkdigit.Mod1110, checkdigit.Mod97, checkdigit.IBAN, checkdigit.OTRS} {
		var codes []string
		for i := range 60 {
			text := fmt.Sprintf("%010d0", 7919*i*i+104729*i)
			if s == checkdigit.IBAN {
				text = "DE00" + text
			}
			if code, ok := s.Complete(text); ok {
				codes = append(codes, code)
			}
		}
		if got := checkdigit.Detect(codes); got != s {
			t.Errorf("%s is taken for %q", s, got)
		}
		if got := checkdigit.Detect(codes[:10]); got != checkdigit.None {
			t.Errorf("ten codes are taken for %q", got)
		}
	}
	var plain []string
	for i := range 60 {
		plain = append(plain, fmt.Sprint(1000003*i))
	}
	if got := checkdigit.Detect(plain); got != checkdigit.None {
		t.Errorf("numbers without a check are taken for %q", got)
	}
}

func TestCompleteIsValid(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.SampledFrom([]checkdigit.Scheme{checkdigit.Luhn, checkdigit.GS1, checkdigit.Mod11, checkdigit.Mod112, checkdigit.Mod1110, checkdigit.Mod97, checkdigit.IBAN, checkdigit.OTRS}).Draw(t, "scheme")
		code := rapid.StringMatching(`[A-Z]{0,3}[0-9 -]{3,20}[0-9X]`).Draw(t, "code")
		if right, ok := s.Complete(code); ok && (!s.Valid(right) || len(right) != len(code)) {
			t.Fatalf("%s makes %s of %s", s, right, code)
		}
	})
}
