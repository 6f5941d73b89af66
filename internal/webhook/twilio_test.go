package webhook_test

import (
	"errors"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"saltmine/internal/webhook"
)

// Vectors of twilio/twilio-python tests/unit/test_request_validator.py,
// twilio-go client/request_validator_test.go and github.com/twilio/twilio-java/issues/601.
const (
	twToken = "12345"
	twURL   = "https://mycompany.com/myapp.php?foo=1&bar=2"
	twJSON  = `{"property": "value", "boolean": true}`
	twSHA   = "0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620"
)

func twForm(extra url.Values) url.Values {
	form := url.Values{"CallSid": {"CA1234567890ABCDE"}, "Digits": {"1234"}, "From": {"+14158675309"},
		"To": {"+18005551212"}, "Caller": {"+14158675309"}}
	maps.Copy(form, extra)
	return form
}

func TestPublishedTwilioVectors(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name, token, url, want string
		form                   url.Values
	}{
		{"form", twToken, twURL, "RSOYDt4T1cUTdK1PDd93/VVr8B8=", twForm(nil)},
		{"port 443", twToken, "https://mycompany.com:443/myapp.php?foo=1&bar=2", "kvajT1Ptam85bY51eRf/AJRuM3w=", twForm(nil)},
		{"http port 80", twToken, "http://mycompany.com:80/myapp.php?foo=1&bar=2", "0ZXoZLH/DfblKGATFgpif+LLRf4=", twForm(nil)},
		{"repeated key", twToken, twURL, "IK+Dwps556ElfBT0I3Rgjkr1wJU=",
			url.Values{"Sid": {"CA123"}, "SidAccount": {"AC123"}, "Digits": {"5678", "1234", "1234"}}},
		{"prefix keys", twToken, twURL, "vOEb5UThFn24KEfnOFLQY2AE5FY=",
			twForm(url.Values{"ReasonConferenceEnded": {"test"}, "Reason": {"Participant"}})},
		{"json", twToken, twURL + "&bodySHA256=" + twSHA, "a9nBmqA0ju/hNViExpshrM61xv4=", nil},
		{"json, only bodySHA256", twToken, "https://mycompany.com/myapp.php?bodySHA256=" + twSHA, "y77kIzt2vzLz71DgmJGsen2scGs=", nil},
		{"escaped query", "1234567890", "https://someurl.com/somepath?param1=client%3AAnonymous", "PM+bjB+ITJ9a3LIYStKWOTMZMlU=", nil},
		{"form body", twToken, twURL, "NBdBDr/T/lgjI+tlgpXjKZQZs/k=", url.Values{"property": {"value"}, "boolean": {"true"}}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := webhook.TwilioSignature(c.token, c.url, c.form); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func twHeader(sig, contentType string) http.Header {
	return http.Header{"X-Twilio-Signature": {sig}, "Content-Type": {contentType}}
}

const formCT = "application/x-www-form-urlencoded; charset=UTF-8"

func TestVerifyTwilioForm(t *testing.T) {
	t.Parallel()
	repeated := url.Values{"Sid": {"CA123"}, "SidAccount": {"AC123"}, "Digits": {"5678", "1234", "1234"}}
	cases := []struct {
		name, url, sig, body string
	}{
		{"as given", twURL, "RSOYDt4T1cUTdK1PDd93/VVr8B8=", twForm(nil).Encode()},
		{"signed with port, configured without", twURL, "kvajT1Ptam85bY51eRf/AJRuM3w=", twForm(nil).Encode()},
		{"signed with http port, configured without", strings.Replace(twURL, "https", "http", 1), "0ZXoZLH/DfblKGATFgpif+LLRf4=", twForm(nil).Encode()},
		{"signed without port, configured with", "https://mycompany.com:443/myapp.php?foo=1&bar=2", "RSOYDt4T1cUTdK1PDd93/VVr8B8=", twForm(nil).Encode()},
		{"repeated values", twURL, "IK+Dwps556ElfBT0I3Rgjkr1wJU=", repeated.Encode()},
		{"form body in another order", twURL, "NBdBDr/T/lgjI+tlgpXjKZQZs/k=", "property=value&boolean=true"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			form, err := webhook.VerifyTwilio(twToken, c.url, twHeader(c.sig, formCT), []byte(c.body))
			if err != nil || len(form) == 0 {
				t.Errorf("got %d fields, %v", len(form), err)
			}
		})
	}
}

func TestVerifyTwilioBody(t *testing.T) {
	t.Parallel()
	sig, with := "a9nBmqA0ju/hNViExpshrM61xv4=", twURL+"&bodySHA256="+twSHA
	if _, err := webhook.VerifyTwilio(twToken, with, twHeader(sig, "application/json"), []byte(twJSON)); err != nil {
		t.Errorf("json: %v", err)
	}
	refused := []struct{ name, url, sig, ct, body string }{
		{"other body", with, sig, "application/json", `{"property":"value","boolean":true}`},
		{"json without bodySHA256", twURL, webhook.TwilioSignature(twToken, twURL, nil), "application/json", twJSON},
		{"json signature with an empty form in its place", with, sig, formCT, "&&&"},
		{"json signature with no body", with, sig, formCT, ""},
		{"unsigned body called a form", twURL, webhook.TwilioSignature(twToken, twURL, nil), formCT, "&&"},
		{"form under another type", twURL, "RSOYDt4T1cUTdK1PDd93/VVr8B8=", "text/plain", twForm(nil).Encode()},
	}
	for _, c := range refused {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if _, err := webhook.VerifyTwilio(twToken, c.url, twHeader(c.sig, c.ct), []byte(c.body)); !errors.Is(err, webhook.ErrSignature) {
				t.Errorf("got %v", err)
			}
		})
	}
	// A hook without body, as Twilio sends for some events: the URL alone is signed.
	if _, err := webhook.VerifyTwilio("1234567890", "https://someurl.com/somepath?param1=client%3AAnonymous",
		twHeader("PM+bjB+ITJ9a3LIYStKWOTMZMlU=", ""), nil); err != nil {
		t.Errorf("no body: %v", err)
	}
}

func TestVerifyTwilioRefuses(t *testing.T) {
	t.Parallel()
	good, body := "RSOYDt4T1cUTdK1PDd93/VVr8B8=", twForm(nil).Encode()
	cases := []struct {
		name, token, url, body string
		sigs                   []string
		want                   error
	}{
		{"empty token", "", twURL, body, []string{webhook.TwilioSignature("", twURL, twForm(nil))}, webhook.ErrSecret},
		{"other token", "12346", twURL, body, []string{good}, webhook.ErrSignature},
		{"no header", twToken, twURL, body, nil, webhook.ErrHeader},
		{"empty header", twToken, twURL, body, []string{""}, webhook.ErrHeader},
		{"two headers", twToken, twURL, body, []string{good, good}, webhook.ErrHeader},
		{"short base64", twToken, twURL, body, []string{good[:24]}, webhook.ErrHeader},
		{"no base64", twToken, twURL, body, []string{"%%%"}, webhook.ErrHeader},
		{"trailing bits", twToken, twURL, body, []string{good[:26] + "9="}, webhook.ErrHeader},
		{"changed field", twToken, twURL, strings.Replace(body, "1234&", "1235&", 1), []string{good}, webhook.ErrSignature},
		{"added field", twToken, twURL, body + "&x=y", []string{good}, webhook.ErrSignature},
		{"unreadable form", twToken, twURL, "CallSid=%zz", []string{good}, webhook.ErrBody},
		{"host in capitals", twToken, strings.Replace(twURL, "mycompany", "MyCompany", 1), body, []string{good}, webhook.ErrSignature},
		{"query in another order", twToken, "https://mycompany.com/myapp.php?bar=2&foo=1", body, []string{good}, webhook.ErrSignature},
		{"escaped otherwise", twToken, "https://mycompany.com/myapp%2Ephp?foo=1&bar=2", body, []string{good}, webhook.ErrSignature},
		{"another port", twToken, "https://mycompany.com/myapp.php?foo=1&bar=2", body,
			[]string{webhook.TwilioSignature(twToken, "https://mycompany.com:8443/myapp.php?foo=1&bar=2", twForm(nil))}, webhook.ErrSignature},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			h := http.Header{"Content-Type": {formCT}}
			for _, s := range c.sigs {
				h.Add("x-twilio-signature", s)
			}
			if _, err := webhook.VerifyTwilio(c.token, c.url, h, []byte(c.body)); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
}

func TestVerifyTwilioHosts(t *testing.T) {
	t.Parallel()
	cases := []struct{ configured, signed string }{
		{"https://[2001:db8::1]/v", "https://[2001:db8::1]/v"},
		{"https://[2001:db8::1]/v", "https://[2001:db8::1]:443/v"},
		{"https://[2001:db8::1]:8443/v", "https://[2001:db8::1]/v"},
		{"http://[::1]?a=b:c", "http://[::1]:80?a=b:c"},
		{"https://user:pa55@example.net/v", "https://user:pa55@example.net:443/v"},
		{"https://user:pa55@example.net:444/v", "https://user:pa55@example.net/v"},
		{"https://example.net:444", "https://example.net:444"},
	}
	for _, c := range cases {
		h := twHeader(webhook.TwilioSignature(twToken, c.signed, twForm(nil)), formCT)
		if _, err := webhook.VerifyTwilio(twToken, c.configured, h, []byte(twForm(nil).Encode())); err != nil {
			t.Errorf("configured %s, signed %s: %v", c.configured, c.signed, err)
		}
	}
}

func FuzzVerifyTwilio(f *testing.F) {
	f.Add(twURL, "RSOYDt4T1cUTdK1PDd93/VVr8B8=", formCT, "CallSid=CA1234567890ABCDE")
	f.Add("https://[::1", "", "application/json", twJSON)
	f.Add("://@:?bodySHA256=#", "AAAAAAAAAAAAAAAAAAAAAAAAAAA=", "", "")
	f.Fuzz(func(t *testing.T, address, sig, ct, body string) {
		h := twHeader(sig, ct)
		_, err := webhook.VerifyTwilio(twToken, address, h, []byte(body))
		form, ferr := webhook.Form(h, []byte(body))
		if ferr != nil {
			if err == nil {
				t.Error("accepted a form that cannot be read")
			}
			return
		}
		// What the token's holder signs is accepted, if it is a form at all.
		h.Set("X-Twilio-Signature", webhook.TwilioSignature(twToken, address, form))
		_, err = webhook.VerifyTwilio(twToken, address, h, []byte(body))
		if len(form) > 0 && !strings.Contains(address, "bodySHA256=") && err != nil {
			t.Errorf("own signature refused: %v", err)
		}
		if len(form) == 0 && body != "" && !strings.Contains(address, "bodySHA256=") && err == nil {
			t.Error("accepted a body that nothing covers")
		}
	})
}
