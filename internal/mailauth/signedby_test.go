package mailauth_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/miekg/dns"

	"saltmine/internal/mailauth"
)

func TestSignedBy(t *testing.T) {
	t.Parallel()
	r := serve(t, txt("brisbane._domainkey.football.example.com", "v=DKIM1; k=ed25519; p="+brisbaneKey), txt("test._domainkey.football.example.com", "v=DKIM1; k=rsa; p="+testKey))
	raw := message(t, "rfc8463.eml")
	for name, c := range map[string]struct {
		old, made string
		by        []string
		want      mailauth.Result
		asked     bool
	}{
		"signed":                 {by: []string{"shop.example", "football.example.com"}, want: mailauth.Pass, asked: true},
		"of the organisation":    {by: []string{"example.com"}, want: mailauth.Pass, asked: true},
		"somebody else's":        {by: []string{"shop.example"}, want: mailauth.None},
		"of nobody":              {want: mailauth.None},
		"changed":                {old: "hungry", made: "thirsty", by: []string{"football.example.com"}, want: mailauth.Fail, asked: true},
		"signed by another":      {old: "d=football.example.com", made: "d=other.example", by: []string{"football.example.com", "other.example"}, want: mailauth.Fail},
		"From was exchanged":     {old: "From: Joe SixPack <joe@football.example.com>", made: "From: Joe <joe@shop.example>", by: []string{"shop.example"}, want: mailauth.Fail},
		"with two From fields":   {old: "Subject:", made: "From: joe@shop.example\r\nSubject:", by: []string{"football.example.com"}, want: mailauth.None},
		"not signed at all":      {old: "DKIM-Signature:", made: "X-Signature:", by: []string{"football.example.com"}, want: mailauth.Fail},
		"a key that was revoked": {old: "s=", made: "s=no", by: []string{"football.example.com"}, want: mailauth.Fail, asked: true},
	} {
		before := r.questions()
		j := mailauth.New(mailauth.Config{Resolver: r.addr, Now: time.Now})
		m := mailauth.Message{At: came, Raw: raw}
		if c.old != "" {
			m.Raw = bytes.ReplaceAll(raw, []byte(c.old), []byte(c.made))
			if bytes.Equal(m.Raw, raw) {
				t.Fatalf("%s: nothing was changed", name)
			}
		}
		if got := j.SignedBy(t.Context(), m, c.by...); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
		if asked := r.questions() > before; asked != c.asked {
			t.Errorf("%s: the resolver was asked: %t", name, asked)
		}
	}
	r.breaks("brisbane._domainkey.football.example.com.", dns.RcodeServerFailure)
	r.breaks("test._domainkey.football.example.com.", dns.RcodeServerFailure)
	if got := mailauth.New(mailauth.Config{Resolver: r.addr, Now: time.Now}).SignedBy(t.Context(), mailauth.Message{At: came, Raw: raw}, "football.example.com"); got != mailauth.TempError {
		t.Errorf("a key that cannot be had: %s", got)
	}
}
