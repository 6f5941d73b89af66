package webhook_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"saltmine/internal/webhook"
)

const jsonCT = "application/json"

// vector is a request that its provider's own tests, or a standard, say is
// signed; verify checks it with the right secret, or with an empty one.
type vector struct {
	name, source string
	q            webhook.Request
	verify       func(q webhook.Request) error
	empty        func(q webhook.Request) error
	signed       []string // headers without which it must be refused
	open         bool     // the body is not covered, the provider's weakness
	timed        bool
}

func post(address, contentType, body string, header ...string) webhook.Request {
	h := http.Header{"Content-Type": {contentType}}
	for i := 0; i < len(header); i += 2 {
		h.Set(header[i], header[i+1])
	}
	return webhook.Request{Method: http.MethodPost, Address: address, Header: h, Body: []byte(body)}
}

func at(q webhook.Request, now time.Time) webhook.Request {
	q.Now = now
	return q
}

func plivoForm() url.Values {
	return url.Values{
		"Direction": {"outbound"}, "From": {"19792014278"}, "ALegUUID": {"3e82ae9d-2c78-4d85-b1a4-6eae7dbafb36"}, "CallStatus": {"in-progress"},
		"BillRate": {"0.002"}, "ParentAuthID": {"MANWVLYTK4ZWU1YTY4QA"}, "To": {"sip:PlivoSignature382029104058171078704104@phone-qa.voice.plivodev.com"},
		"ALegRequestUUID": {"3e82ae9d-2c78-4d85-b1a4-6eae7dbafb36"}, "CallUUID": {"3e82ae9d-2c78-4d85-b1a4-6eae7dbafb36"},
		"RequestUUID": {"3e82ae9d-2c78-4d85-b1a4-6eae7dbafb36"}, "SIP-H-To": {"<sip:PlivoSignature382029104058171078704104@52.9.11.55;transport=udp>;tag=1"},
		"SessionStart": {"2020-04-08 11:34:33.238707"}, "Event": {"StartApp"},
	}
}

const (
	plivoURL   = "https://plivobin.non-prod.plivops.com/api/v1/validate_signature03.xml"
	plivoToken = "Y2Q2ZDgxZmY5YWRiOTI5YmQ1Njg0MTAxZWIyOTc4"
	plivoNonce = "31627761595286130198"
)

func plivoVectors() []vector {
	verify := func(q webhook.Request) error { return webhook.VerifyPlivo(plivoToken, q) }
	empty := func(q webhook.Request) error { return webhook.VerifyPlivo("", q) }
	signed := []string{"X-Plivo-Signature-V3", "X-Plivo-Signature-V3-Nonce"}
	source := "plivo/plivo-go utils_test.go"
	posted := func(address, sig string) webhook.Request {
		return post(address, formCT, plivoForm().Encode(), signed[0], sig, signed[1], plivoNonce)
	}
	got := func(address, sig string) webhook.Request {
		q := post(address+plivoForm().Encode(), "", "", signed[0], sig, signed[1], plivoNonce)
		q.Method = http.MethodGet
		return q
	}
	v2 := post("https://answer.url", formCT, "Text=whatever", "X-Plivo-Signature-V2", "ehV3IKhLysWBxC1sy8INm0qGoQYdYsHwuoKjsX7FsXc=", "X-Plivo-Signature-V2-Nonce", "12345")
	return []vector{
		{name: "plivo v3 post query", source: source, q: posted(plivoURL+"/?a=b&c=d", "k7Pusd4OxCIjR5IfA9iedDNu/h/gbdYqdzG/MiYtd1c="), verify: verify, empty: empty, signed: signed},
		{name: "plivo v3 get query", source: source, q: got(plivoURL+"/?a=b&c=d&", "UBq8jAtd32wR8EK9VgxbBn4n5rpI/l1H9iN4WfSEHFQ="), verify: verify, empty: empty, signed: signed},
		{name: "plivo v3 post", source: source, q: posted(plivoURL, "iAjE5QqI37mbkYe4w3jTMudqEzbDufdqi7sYwTu64e0="), verify: verify, empty: empty, signed: signed},
		{name: "plivo v3 get", source: source, q: got(plivoURL+"?", "i/MQsaQSAd6fiKhOh2qeeeLHZ9faldADSb3/7+Akfbc="), verify: verify, empty: empty, signed: signed},
		{
			name: "plivo v2", source: source, q: v2, open: true, signed: []string{"X-Plivo-Signature-V2", "X-Plivo-Signature-V2-Nonce"},
			verify: func(q webhook.Request) error { return webhook.VerifyPlivoV2("my_auth_token", q) },
			empty:  func(q webhook.Request) error { return webhook.VerifyPlivoV2("", q) },
		},
	}
}

func signalWireVectors() []vector {
	key := "PSKtest1234567890abcdef"
	source := "signalwire/signalwire-python tests/unit/security/test_webhook_validator.py"
	verify := func(q webhook.Request) error { return webhook.VerifySignalWire(key, q) }
	empty := func(q webhook.Request) error { return webhook.VerifySignalWire("", q) }
	address, name := "https://example.ngrok.io/webhook", "X-SignalWire-Signature"
	return []vector{
		{
			name: "signalwire a", source: source, verify: verify, empty: empty, signed: []string{name},
			q: post(address, jsonCT, `{"event":"call.state","params":{"call_id":"abc-123","state":"answered"}}`, name, "c3c08c1fefaf9ee198a100d5906765a6f394bf0f"),
		},
		{
			name: "signalwire b", source: source, empty: empty, signed: []string{name},
			verify: func(q webhook.Request) error { return webhook.VerifySignalWire(twToken, q) },
			q:      post(twURL, formCT, twForm(nil).Encode(), name, "RSOYDt4T1cUTdK1PDd93/VVr8B8="),
		},
		{
			name: "signalwire c", source: source, verify: verify, empty: empty, signed: []string{name},
			q: post(address+"?bodySHA256=69f3cbfc18e386ef8236cb7008cd5a54b7fed637a8cb3373b5a1591d7f0fd5f4", jsonCT, `{"event":"call.state"}`, name, "dfO9ek8mxyFtn2nMz24plPmPfIY="),
		},
	}
}

func sinchVectors() []vector {
	secret, _ := webhook.ParseSinchSecret("BeIukql3pTKJ8RGL5zo0DA==\n")
	key := "669E367E-6BBA-48AB-AF15-266871C28135"
	voice := post("https://calls.example.net/sinch/callback/ace", jsonCT,
		`{"event":"ace","callid":"822aa4b7-05b4-4d83-87c7-1f835ee0b6f6_257","timestamp":"2014-09-24T10:59:41Z","version":1}`,
		"Authorization", "application "+key+":Tg6fMyo8mj9pYfWQ9ssbx3Tc1BNC87IEygAfLbJqZb4=", "X-Timestamp", "2014-09-24T10:59:41Z")
	sms := post("https://calls.example.net/sinch/sms", jsonCT,
		`{"at":"2025-01-13T09:22:40.914Z","batch_id":"01JHFFHQ0P99JPPNQPJDV7JTBP","client_reference":"a client reference","code":0,"operator_status_at":"2025-01-13T09:22:00Z","recipient":"33662162466","status":"Delivered","type":"recipient_delivery_report_sms"}`,
		"X-Sinch-Webhook-Signature", "ZoHei66PPN/kZjw7hFVfGhJOnml3iGNCMWoyQVcE5o0=", "X-Sinch-Webhook-Signature-Nonce", "01JHFFHWYY7HSS4FWTMDTQEK8V",
		"X-Sinch-Webhook-Signature-Timestamp", "1736760161", "X-Sinch-Webhook-Signature-Algorithm", "HmacSHA256")
	return []vector{
		{
			name: "sinch voice", source: "developers.sinch.com callback-signed-request", q: at(voice, time.Date(2014, 9, 24, 10, 59, 41, 0, time.UTC)), timed: true,
			verify: func(q webhook.Request) error { return webhook.VerifySinchVoice(key, secret, q) },
			empty:  func(q webhook.Request) error { return webhook.VerifySinchVoice(key, "", q) },
			signed: []string{"Authorization", "X-Timestamp", "Content-Type"},
		},
		{
			name: "sinch sms", source: "sinch/sinch-sdk-node packages/sms/tests callbacks-webhook.test.ts", q: at(sms, time.Unix(1736760161, 0)), timed: true,
			verify: func(q webhook.Request) error { return webhook.VerifySinchSMS("SMSWebhooksSecret", q) },
			empty:  func(q webhook.Request) error { return webhook.VerifySinchSMS("", q) },
			signed: []string{"X-Sinch-Webhook-Signature", "X-Sinch-Webhook-Signature-Nonce", "X-Sinch-Webhook-Signature-Timestamp"},
		},
	}
}

// bearer makes a token of Vonage's form, in the test's own words.
func bearer(secret, head, body string) string {
	text := base64.RawURLEncoding.EncodeToString([]byte(head)) + "." + base64.RawURLEncoding.EncodeToString([]byte(body))
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(text))
	return "Bearer " + text + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

func vonageClaims(payload string) string {
	sum := sha256.Sum256([]byte(payload))
	return fmt.Sprintf(`{"iat":1700000000,"jti":"a1","iss":"Vonage","payload_hash":"%s"}`, hex.EncodeToString(sum[:]))
}

const vonageSecret = "qwertyuiopasdfghjklzxcvbnm123456"

func vonageVectors() []vector {
	now := time.Unix(1700000000, 0)
	verify := func(q webhook.Request) error { return webhook.VerifyVonage(vonageSecret, q) }
	empty := func(q webhook.Request) error { return webhook.VerifyVonage("", q) }
	body := `{"to":"14155550199","from":"14155550100"}`
	get := post("https://calls.example.net/vonage/voice?to=14155550199&from=14155550100&text=a%26%3Cb%C3%A9", "", "",
		"Authorization", bearer(vonageSecret, `{"alg":"HS256"}`, vonageClaims(`{"to":"14155550199","from":"14155550100","text":"a&<bé"}`)))
	get.Method = http.MethodGet
	sms := func(secret webhook.Hidden, kind string) (ok, none func(webhook.Request) error) {
		return func(q webhook.Request) error { return webhook.VerifyVonageSMS(secret, kind, q) },
			func(q webhook.Request) error { return webhook.VerifyVonageSMS("", kind, q) }
	}
	ruby := url.Values{"message-timestamp": {"2013-11-21 15:27:30"}, "messageId": {"020000001B0FE827"}, "msisdn": {"14843472194"}, "text": {"Test again"},
		"timestamp": {"1385047698"}, "to": {"13239877404"}, "type": {"text"}}
	with := func(f url.Values, sig string) string {
		f = maps.Clone(f)
		f.Set("sig", sig)
		return f.Encode()
	}
	md5ok, md5none := sms("my_secret_key_for_testing", "md5hash")
	shaok, shanone := sms("my_secret_key_for_testing", "sha256")
	phpok, phpnone := sms("71efab63122f1d179f51c46bac838fb5", "sha256")
	address := "https://calls.example.net/vonage/sms"
	query := post(address+"?"+with(ruby, "DDB8397C2B90AAC7F3882D306475C9A5058C92322EEF43C92B298B6E0FC0D330"), "", "")
	query.Method = http.MethodGet
	return []vector{
		{name: "vonage post", source: "made here", q: at(post("https://calls.example.net/vonage/voice", jsonCT, body, "Authorization", bearer(vonageSecret, `{"alg":"HS256"}`, vonageClaims(body))), now), verify: verify, empty: empty, signed: []string{"Authorization"}, timed: true},
		{name: "vonage get", source: "made here", q: at(get, now), verify: verify, empty: empty, signed: []string{"Authorization"}, timed: true},
		{name: "vonage sms md5hash", source: "Vonage/vonage-ruby-sdk test/vonage/signature_test.rb", q: at(post(address, formCT, with(ruby, "d2e7b1dc968737c5998ad624e02f90b7")), time.Unix(1385047698, 0)), verify: md5ok, empty: md5none, signed: []string{"Content-Type"}, timed: true},
		{name: "vonage sms sha256", source: "the same", q: at(post(address, formCT, with(ruby, "DDB8397C2B90AAC7F3882D306475C9A5058C92322EEF43C92B298B6E0FC0D330")), time.Unix(1385047698, 0)), verify: shaok, empty: shanone, signed: []string{"Content-Type"}, timed: true},
		{name: "vonage sms get", source: "the same, as a query", q: at(query, time.Unix(1385047698, 0)), verify: shaok, empty: shanone, timed: true},
		{
			name: "vonage sms json", source: "Vonage/vonage-php-sdk-core test/Client/SignatureTest.php, as JSON",
			q:      at(post(address, jsonCT, `{"api_key":"fake_api_key","to":"14155550100","from":"AcmeInc","text":"Test From Nexmo","type":"text","timestamp":1540924779,"sig":"9FEC5EF6D0F2B3D2BB7558B6E4042569823CAB9EA0DD30503472B7B304601975"}`), time.Unix(1540924779, 0)),
			verify: phpok, empty: phpnone, signed: []string{"Content-Type"}, timed: true,
		},
	}
}

func vectors(tb testing.TB) []vector {
	tb.Helper()
	key, err := webhook.ParseTelnyxKey("11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n")
	if err != nil {
		tb.Fatal(err)
	}
	telnyx := post("https://calls.example.net/telnyx", jsonCT, `{"data":{"id":"test-id","event_type":"call.initiated"}}`,
		"Telnyx-Signature-Ed25519", "bdJ1Mu2hsj3JBfONA1gtq1XpkNWR2inZvd34KwOCN4Zm7eRYK0N0ihKS+6ga0R6IuPgXkSb5M36RS6MdL8bDBg==", "Telnyx-Timestamp", "1700000000")
	list := []vector{
		{
			name: "telnyx", source: "key 1 of RFC 8032 §7.1", q: at(telnyx, time.Unix(1700000000, 0)), timed: true,
			verify: func(q webhook.Request) error { return webhook.VerifyTelnyx(key, q) },
			empty:  func(q webhook.Request) error { return webhook.VerifyTelnyx(nil, q) },
			signed: []string{"Telnyx-Signature-Ed25519", "Telnyx-Timestamp"},
		},
		{
			name: "bandwidth", source: "RFC 7617 §2", open: true, signed: []string{"Authorization"},
			q:      post("https://calls.example.net/bandwidth/voice", jsonCT, `{}`, "Authorization", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="),
			verify: func(q webhook.Request) error { return webhook.VerifyBasic("Aladdin", "open sesame", q.Header) },
			empty:  func(q webhook.Request) error { return webhook.VerifyBasic("Aladdin", "", q.Header) },
		},
	}
	for _, more := range [][]vector{plivoVectors(), signalWireVectors(), sinchVectors(), vonageVectors()} {
		list = append(list, more...)
	}
	return list
}

func TestPublishedVectors(t *testing.T) {
	t.Parallel()
	for _, v := range vectors(t) {
		if err := v.verify(v.q); err != nil {
			t.Errorf("%s (%s): %v", v.name, v.source, err)
		}
		if err := v.empty(v.q); !errors.Is(err, webhook.ErrSecret) {
			t.Errorf("%s: an empty secret gave %v", v.name, err)
		}
	}
	const token = "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJPbmxpbmUgSldUIEJ1aWxkZXIiLCJpYXQiOjE2OTc2MzQ2ODAsImV4cCI6MzMyNTQ1NDA4MjgsImF1ZCI6IiIsInN1YiI6IiJ9.88vJc3I2HhuqEDixHXVhc9R30tA6U_HQHZTC29y6CGM"
	if err := webhook.ReadToken(vonageSecret, token); err != nil { // Vonage/vonage-python-sdk jwt/tests/test_verify_jwt.py
		t.Errorf("the published token: %v", err)
	}
}

// changed gives the request with a change that no signature may survive.
func changed(v vector) map[string]webhook.Request {
	out := map[string]webhook.Request{}
	add := func(name string, change func(*webhook.Request)) {
		q := v.q
		q.Header = v.q.Header.Clone()
		change(&q)
		out[name] = q
	}
	for _, name := range v.signed {
		add("without "+name, func(q *webhook.Request) { q.Header.Del(name) })
		if name != "Content-Type" {
			add("twice "+name, func(q *webhook.Request) { q.Header.Add(name, q.Header.Get(name)) })
			add("empty "+name, func(q *webhook.Request) { q.Header.Set(name, "") })
			add("other "+name, func(q *webhook.Request) { q.Header.Set(name, "A"+q.Header.Get(name)) })
			add("short "+name, func(q *webhook.Request) { q.Header.Set(name, q.Header.Get(name)[:len(q.Header.Get(name))-1]) })
		}
	}
	if !v.open && v.q.Method == http.MethodPost {
		add("body", func(q *webhook.Request) { q.Body = append([]byte("x=y&"), q.Body...) })
		add("no body", func(q *webhook.Request) { q.Body = nil })
		add("repeated", func(q *webhook.Request) { q.Body = append(append([]byte{}, q.Body...), "&From=%2B1"...) })
	}
	if v.q.Method == http.MethodGet {
		add("query", func(q *webhook.Request) { q.Address += "&x=y" })
		add("body", func(q *webhook.Request) {
			q.Body, q.Header = []byte("From=%2B1"), q.Header.Clone()
			q.Header.Set("Content-Type", formCT)
		})
	}
	if v.timed {
		add("late", func(q *webhook.Request) { q.Now = q.Now.Add(webhook.Tolerance + time.Second) })
		add("early", func(q *webhook.Request) { q.Now = q.Now.Add(-webhook.Tolerance - time.Second) })
	}
	return out
}

func TestChangedRequestsAreRefused(t *testing.T) {
	t.Parallel()
	known := []error{webhook.ErrHeader, webhook.ErrSignature, webhook.ErrBody, webhook.ErrTime}
	for _, v := range vectors(t) {
		for name, q := range changed(v) {
			err := v.verify(q)
			fine := name == "body" && q.Method == http.MethodGet && strings.HasPrefix(v.name, "vonage sms") // fields come from the query alone
			named := false
			for _, k := range known {
				named = named || errors.Is(err, k)
			}
			if !named && !fine {
				t.Errorf("%s, changed %s: %v", v.name, name, err)
			}
			if (name == "late" || name == "early") && !errors.Is(err, webhook.ErrTime) {
				t.Errorf("%s, %s: %v", v.name, name, err)
			}
		}
		if v.timed {
			for _, off := range []time.Duration{webhook.Tolerance, -webhook.Tolerance} {
				if err := v.verify(at(v.q, v.q.Now.Add(off))); err != nil {
					t.Errorf("%s, %s off: %v", v.name, off, err)
				}
			}
		}
	}
}
