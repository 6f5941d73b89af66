package phone_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"saltmine/internal/canary"
	"saltmine/listener/phone"
)

// takes are the elements of each provider's answer that begin to take down what is
// said, in the order of sayings; Sinch's account records from its park on.
func takes() []string {
	return []string{"<Record", "<Record", "<GetInput", `"action":"input"`, "<Record", `"name":"park"`}
}

// TestNotice: a caller hears the notice for the called number's country before
// anything is taken down, on every provider, whatever is in it.
func TestNotice(t *testing.T) {
	t.Parallel()
	const home, notice = "Hallo", `Aufnahme <Record/> & "läuft" `
	country := map[bool]string{true: "US", false: "GB"}[strings.HasPrefix(called, "+1")]
	for name, c := range map[string]struct {
		notices map[string]string
		want    string
	}{
		"of the country":      {map[string]string{country: notice, "*": "elsewhere"}, notice},
		"of another":          {map[string]string{"DE": notice, "*": "elsewhere"}, "elsewhere"},
		"none in the country": {map[string]string{country: "", "*": "elsewhere"}, ""},
		"the default":         {nil, "Dieser Anruf wird aufgezeichnet. Wenn Sie das nicht möchten, legen Sie bitte auf."},
		"a default for all":   {map[string]string{"DE": notice}, "Dieser Anruf wird aufgezeichnet. Wenn Sie das nicht möchten, legen Sie bitte auf."},
	} {
		e, _ := open(t, func(cfg *phone.Config) {
			all(func(p *phone.Provider) { p.Greeting, p.Language = home, "de-DE" })(cfg)
			cfg.Notices = c.notices
		})
		base := serve(t, e)
		for i, call := range calls() {
			_, text := send(t, call.request(t, base))
			_, said := flat(t, text)
			if got := strings.TrimSpace(strings.TrimSuffix(said, home)); got != strings.TrimSpace(c.want) || !strings.HasSuffix(said, home) {
				t.Errorf("%s, %s: %q is said, want %q first", name, call.uri, said, c.want)
			}
			// Up to where it is taken down the notice has been read out whole.
			before, _, found := strings.Cut(text, takes()[i])
			if heard := strings.Contains(before, "aufgezeichnet") || strings.Contains(before, "elsewhere") || strings.Contains(before, "Aufnahme"); !found || heard != (c.want != "") && i != 5 {
				t.Errorf("%s, %s: taken down before the notice: %s", name, call.uri, text)
			}
		}
	}
}

// TestNoNotice: where nothing is taken down, nobody is told that it is.
func TestNoNotice(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{phone.Reject, phone.Silence} {
		e, _ := open(t, all(func(p *phone.Provider) { p.Answer = mode }))
		base := serve(t, e)
		for _, call := range calls() {
			if _, text := send(t, call.request(t, base)); strings.Contains(text, "recorded") {
				t.Errorf("%s, %s: %s", call.uri, mode, text)
			}
		}
	}
}

func TestNoticeFaults(t *testing.T) {
	t.Parallel()
	for _, notices := range []map[string]string{{"Germany": "x"}, {"de": "x"}, {"DE": "a\x00b"}, {"*": strings.Repeat("a", 1001)}} {
		_, err := phone.New(phone.Config{PublicURL: public, Providers: []phone.Provider{{Kind: phone.Twilio, Secret: token}}, Notices: notices, Now: noon, Hear: func(context.Context, canary.Contact) error { return nil }})
		if !errors.Is(err, phone.ErrConfig) {
			t.Errorf("%q: %v", notices, err)
		}
	}
}
