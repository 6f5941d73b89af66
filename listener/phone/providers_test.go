package phone_test

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"hash"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"saltmine/internal/canary"
	"saltmine/internal/webhook"
	"saltmine/listener/phone"
)

// The ends of every call and message of these tests.
const (
	caller = "+14155550100"
	called = "+14155550199"
	said   = "this is Dana <\"Microsoft\"> about ticket 4711 & more é"
)

// hook is a webhook as its provider sends it.
type hook struct {
	uri, kind, body string // kind: content type; empty: a GET
	header          http.Header
}

func (h *hook) request(t *testing.T, base string) *http.Request {
	t.Helper()
	method := http.MethodPost
	if h.kind == "" {
		method = http.MethodGet
	}
	r, err := http.NewRequestWithContext(t.Context(), method, base+h.uri, strings.NewReader(h.body))
	if err != nil {
		t.Fatal(err)
	}
	maps.Copy(r.Header, h.header)
	if h.kind != "" {
		r.Header.Set("Content-Type", h.kind)
	}
	return r
}

func mac(h func() hash.Hash, key, text string) []byte {
	m := hmac.New(h, []byte(key))
	m.Write([]byte(text))
	return m.Sum(nil)
}

func b64(b []byte) string { return base64.StdEncoding.EncodeToString(b) }

// sorted writes fields down as Twilio, SignalWire and Plivo sign those of a form.
func sorted(form url.Values) (text string) {
	for _, k := range slices.Sorted(maps.Keys(form)) {
		text += k + form.Get(k)
	}
	return text
}

const (
	formType = "application/x-www-form-urlencoded; charset=UTF-8"
	jsonType = "application/json"
)

func signalWireHook(uri string, form url.Values) hook {
	return hook{uri, formType, form.Encode(), http.Header{"X-Signalwire-Signature": {b64(mac(sha1.New, token, public+uri+sorted(form)))}}}
}

func plivoHook(uri string, form url.Values) hook {
	sig := b64(mac(sha256.New, token, public+uri+"?"+sorted(form)+".4711"))
	return hook{uri, formType, form.Encode(), http.Header{"X-Plivo-Signature-V3": {sig}, "X-Plivo-Signature-V3-Nonce": {"4711"}}}
}

// testKey is the private key 1 of RFC 8032 §7.1.
func testKey() ed25519.PrivateKey {
	seed, _ := hex.DecodeString("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
	return ed25519.NewKeyFromSeed(seed)
}

func telnyxHook(uri, kind, body string) hook {
	stamp := strconv.FormatInt(noon().Unix(), 10)
	return hook{uri, kind, body, http.Header{"Telnyx-Timestamp": {stamp}, "Telnyx-Signature-Ed25519": {b64(ed25519.Sign(testKey(), []byte(stamp+"|"+body)))}}}
}

func vonageHook(uri, kind, body, signed string) hook {
	raw := base64.RawURLEncoding.EncodeToString
	sum := sha256.Sum256([]byte(signed))
	text := raw([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "." + raw(fmt.Appendf(nil, `{"iat":%d,"jti":"j","payload_hash":"%x"}`, noon().Unix(), sum))
	return hook{uri, kind, body, http.Header{"Authorization": {"Bearer " + text + "." + raw(mac(sha256.New, token, text))}}}
}

func vonageSMSHook(uri string, form url.Values) hook {
	form.Set("timestamp", strconv.FormatInt(noon().Unix(), 10))
	var text strings.Builder
	for _, k := range slices.Sorted(maps.Keys(form)) {
		text.WriteString("&" + k + "=" + strings.NewReplacer("&", "_", "=", "_").Replace(form.Get(k)))
	}
	form.Set("sig", strings.ToUpper(hex.EncodeToString(mac(sha512.New, "sms"+token, text.String()))))
	return hook{uri: uri + "?" + form.Encode()}
}

func bandwidthHook(uri, body string) hook {
	return hook{uri, jsonType, body, http.Header{"Authorization": {"Basic " + b64([]byte("hooks:"+token))}}}
}

const sinchKey, sinchSecret = "669E367E-6BBA-48AB-AF15-266871C28135", "BeIukql3pTKJ8RGL5zo0DA=="

func sinchHook(uri, body string) hook {
	secret, _ := base64.StdEncoding.DecodeString(sinchSecret)
	stamp, digest := noon().Format("2006-01-02T15:04:05Z"), ""
	if body != "" {
		sum := md5.Sum([]byte(body))
		digest = b64(sum[:])
	}
	text := "POST\n" + digest + "\n" + jsonType + "\nx-timestamp:" + stamp + "\n/hooks" + uri
	return hook{uri, jsonType, body, http.Header{"X-Timestamp": {stamp}, "Authorization": {"application " + sinchKey + ":" + b64(mac(sha256.New, string(secret), text))}}}
}

func sinchSMSHook(uri, body string) hook {
	stamp := strconv.FormatInt(noon().Unix(), 10)
	return hook{uri, jsonType, body, http.Header{
		"X-Sinch-Webhook-Signature-Nonce": {"n"}, "X-Sinch-Webhook-Signature-Timestamp": {stamp}, "X-Sinch-Webhook-Signature-Algorithm": {"HmacSHA256"},
		"X-Sinch-Webhook-Signature": {b64(mac(sha256.New, "sms"+token, body+".n."+stamp))},
	}}
}

func quoted(text string) string { return strconv.Quote(text) }

func form(pairs ...string) url.Values {
	v := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		v.Set(pairs[i], pairs[i+1])
	}
	return v
}

// all configures every provider.
func all(change func(*phone.Provider)) func(*phone.Config) {
	return func(c *phone.Config) {
		c.Providers = []phone.Provider{
			{Kind: phone.Twilio, Secret: token}, {Kind: phone.SignalWire, Secret: token}, {Kind: phone.Plivo, Secret: token},
			{Kind: phone.Telnyx, PublicKey: b64(testKey().Public().(ed25519.PublicKey))}, //nolint:forcetypeassert // it is
			{Kind: phone.Vonage, Secret: token}, {Kind: phone.Vonage, Secret: "sms" + token, Signature: "sha512"},
			{Kind: phone.Bandwidth, Secret: token, User: "hooks"},
			{Kind: phone.Sinch, Secret: sinchSecret, User: sinchKey}, {Kind: phone.Sinch, Secret: "sms" + token},
			{Kind: phone.Generic, Secret: whsec},
		}
		for i := range c.Providers {
			if change != nil {
				change(&c.Providers[i])
			}
		}
	}
}

// saying is what a provider sends about one call and one message.
type saying struct {
	kind                  string
	call, speech, message hook
	level, verdict        string
	greeting              string // begins the answer to the call
}

func sayings() []saying {
	cxml := form("CallSid", "CA1", "From", caller, "To", called, "StirVerstat", "TN-Validation-Passed-A")
	spoken := maps.Clone(cxml)
	spoken.Set("SpeechResult", said)
	texml := form("CallSid", "v3:1", "From", caller, "To", called, "ShakenStirAttestation", "B", "ShakenStirValidated", "true").Encode()
	plivoCall := form("CallUUID", "u-1", "From", caller[1:], "To", called[1:], "Event", "StartApp", "STIRVerification", "Verified")
	plivoSpoken := maps.Clone(plivoCall)
	plivoSpoken.Set("Speech", said)
	query := "to=" + called[1:] + "&from=" + caller[1:] + "&uuid=u-2&conversation_uuid=CON-1"
	vonageSpoken := `{"to":"` + called[1:] + `","from":"` + caller[1:] + `","uuid":"u-2","conversation_uuid":"CON-1","speech":{"recording_url":"https://api.nexmo.com/r/1","results":[{"confidence":"0.9","text":` + quoted(said) + `}]}}`
	return []saying{
		{
			phone.SignalWire, signalWireHook("/signalwire/voice", cxml), signalWireHook("/signalwire/voice", spoken),
			signalWireHook("/signalwire/sms", form("MessageSid", "SM1", "From", caller, "To", called, "Body", said)), "A", "passed", "<Response><Say",
		},
		{
			phone.Telnyx, telnyxHook("/telnyx/voice", formType, texml), telnyxHook("/telnyx/voice", formType, texml+"&TranscriptionText="+url.QueryEscape(said)),
			telnyxHook("/telnyx/sms", jsonType, `{"data":{"id":"d-1","event_type":"message.received","payload":{"id":"m-1","from":{"phone_number":"`+caller+`"},"to":[{"phone_number":"`+called+`"}],"text":`+quoted(said)+`}}}`),
			"B", "passed", "<Response><Say",
		},
		{
			phone.Plivo, plivoHook("/plivo/voice", plivoCall), plivoHook("/plivo/voice", plivoSpoken),
			plivoHook("/plivo/sms", form("MessageUUID", "m-2", "From", caller[1:], "To", called[1:], "Text", said, "Type", "sms")), "none", "passed", "<Response><Speak",
		},
		{
			phone.Vonage, vonageHook("/vonage/voice?"+query, "", "", `{"to":"`+called[1:]+`","from":"`+caller[1:]+`","uuid":"u-2","conversation_uuid":"CON-1"}`),
			vonageHook("/vonage/voice", jsonType, vonageSpoken, vonageSpoken),
			vonageSMSHook("/vonage/sms", form("msisdn", caller[1:], "to", called[1:], "messageId", "m-3", "text", said, "type", "text")), "", "", `[{"action":"talk"`,
		},
		{
			phone.Bandwidth,
			bandwidthHook("/bandwidth/voice", `{"eventType":"initiate","callId":"c-1","from":"`+caller+`","to":"`+called+`","direction":"inbound","stirShaken":{"verstat":"TN-Validation-Passed","attestationIndicator":"A"}}`),
			hook{},
			bandwidthHook("/bandwidth/sms", `[{"time":"2025-11-22T12:00:00Z","type":"message-received","to":"`+called+`","message":{"id":"m-4","to":["`+called+`"],"from":"`+caller+`","text":`+quoted(said)+`}}]`),
			"A", "passed", `<Response><SpeakSentence locale="en_US">`,
		},
		{
			phone.Sinch, sinchHook("/sinch/voice", `{"event":"ice","callid":"c-2","version":1,"cli":"`+caller[1:]+`","to":{"type":"did","endpoint":"`+called+`"}}`),
			sinchHook("/sinch/voice", `{"event":"pie","callid":"c-2","version":1,"to":{"endpoint":"`+called+`"},"menuResult":{"inputMethod":"voice","value":`+quoted(said)+`}}`),
			sinchSMSHook("/sinch/sms", `{"id":"m-5","type":"mo_text","from":"`+caller[1:]+`","to":"`+called[1:]+`","body":`+quoted(said)+`}`), "none", "unknown", `{"action":`,
		},
	}
}

func TestEveryProvider(t *testing.T) {
	t.Parallel()
	for _, s := range sayings() {
		t.Run(s.kind, func(t *testing.T) {
			t.Parallel()
			e, heard := open(t, all(nil))
			base := serve(t, e)
			resp, text := send(t, s.call.request(t, base))
			if resp.StatusCode != http.StatusOK || !strings.Contains(text, s.greeting) {
				t.Errorf("the call: status %d: %s", resp.StatusCode, text)
			}
			c := heard.last(t, 1)
			checkEnds(t, c, canary.Voice, s.kind)
			if c.Facts["attestation"] != s.level || c.Facts["verdict"] != s.verdict {
				t.Errorf("attestation %q, %q", c.Facts["attestation"], c.Facts["verdict"])
			}
			n := 1
			if s.speech.uri != "" {
				resp, text = send(t, s.speech.request(t, base))
				later := heard.last(t, 2)
				if resp.StatusCode != http.StatusOK || strings.Contains(text, "who is calling") {
					t.Errorf("what was said: status %d: %s", resp.StatusCode, text)
				}
				if later.Text != said || later.Facts["call"] != string(c.ID) || later.ID == c.ID || len(later.Targets) != 1 {
					t.Errorf("what was said: %+v", later)
				}
				n++
			}
			for range 2 {
				if resp, text = send(t, s.message.request(t, base)); resp.StatusCode != http.StatusOK {
					t.Errorf("the message: status %d: %s", resp.StatusCode, text)
				}
			}
			m := heard.last(t, n+1)
			checkEnds(t, m, canary.SMS, s.kind)
			if m.Text != said {
				t.Errorf("text %q", m.Text)
			}
		})
	}
}

func checkEnds(t *testing.T, c canary.Contact, channel canary.Channel, kind string) {
	t.Helper()
	bare := func(number string) string { return strings.TrimPrefix(number, "+") }
	if c.Unverified || c.Channel != channel || c.Ear != "phone/"+kind || bare(c.Source) != bare(caller) || c.Facts["malformed"] != "" {
		t.Errorf("contact %+v", c)
	}
	if len(c.Targets) != 1 || bare(c.Targets[0].Text) != bare(called) || c.Targets[0].Kind != canary.Phone {
		t.Errorf("targets %+v", c.Targets)
	}
}

// refused is the answer to what is not verified: Vonage forgets to sign now and
// then, and sends again what is answered 503.
func refused(kind string, c canary.Contact) int {
	if kind == phone.Vonage && c.Facts["refused"] == "header" {
		return http.StatusServiceUnavailable
	}
	return http.StatusForbidden
}

func TestForgedOfEveryProvider(t *testing.T) {
	t.Parallel()
	e, heard := open(t, all(nil))
	base := serve(t, e)
	n := 0
	for _, s := range sayings() {
		for _, h := range []hook{s.call, s.message} {
			for name, values := range h.header {
				h.header = maps.Clone(h.header)
				h.header.Set(name, "A"+values[0])
				resp, _ := send(t, h.request(t, base))
				n++
				c := heard.last(t, n)
				if resp.StatusCode != refused(s.kind, c) || !c.Unverified || c.Facts["refused"] == "" {
					t.Errorf("%s with a forged %s: status %d, %+v", s.kind, name, resp.StatusCode, c)
				}
				h.header[name] = values
			}
		}
	}
	// What an account signs is no other account's.
	odd := sayings()[0].call
	odd.uri = "/twilio/voice"
	if resp, _ := send(t, odd.request(t, base)); resp.StatusCode != http.StatusForbidden {
		t.Errorf("signed for another path: status %d", resp.StatusCode)
	}
}

// TestOldRequestsAreUnverified moves the clock on: who signs the time cannot be
// replayed for long.
func TestOldRequestsAreUnverified(t *testing.T) {
	t.Parallel()
	timed := map[string]bool{phone.Telnyx: true, phone.Vonage: true, phone.Sinch: true}
	for _, s := range sayings() {
		e, heard := open(t, all(nil))
		base := serve(t, e)
		heard.set(func(p *memory) { p.now = noon().Add(webhook.Tolerance + 1e9) })
		resp, _ := send(t, s.call.request(t, base))
		c := heard.last(t, 1)
		if c.Unverified != timed[s.kind] || timed[s.kind] && (resp.StatusCode != http.StatusForbidden || c.Facts["refused"] != "time") {
			t.Errorf("%s: status %d, %+v", s.kind, resp.StatusCode, c)
		}
	}
}
