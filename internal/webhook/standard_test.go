package webhook_test

import (
	"encoding/base64"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"saltmine/internal/webhook"
)

// The vector of standard-webhooks/libraries go/webhook_test.go.
const (
	vecSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	vecID     = "msg_p5jXN8AQM9LWM0D4loKWxJek"
	vecBody   = `{"test": 2432232314}`
	vecSig    = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
)

func vecTime() time.Time { return time.Unix(1614265330, 0) }

func secret(tb testing.TB, text string) webhook.Secret {
	tb.Helper()
	s, err := webhook.ParseSecret(text)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

func vecHeaders() http.Header {
	h := http.Header{}
	h.Set("webhook-id", vecID)
	h.Set("webhook-timestamp", "1614265330")
	h.Set("webhook-signature", vecSig)
	return h
}

func TestPublishedStandardVector(t *testing.T) {
	t.Parallel()
	s := secret(t, vecSecret)
	if got := webhook.Sign(s, vecID, vecTime(), []byte(vecBody)); got != vecSig {
		t.Errorf("Sign = %s, want %s", got, vecSig)
	}
	if err := webhook.Verify([]webhook.Secret{s}, vecHeaders(), []byte(vecBody), vecTime()); err != nil {
		t.Errorf("Verify: %v", err)
	}
	plain := secret(t, strings.TrimPrefix(vecSecret, "whsec_")+"\n")
	if err := webhook.Verify([]webhook.Secret{plain}, vecHeaders(), []byte(vecBody), vecTime()); err != nil {
		t.Errorf("Verify with the secret without prefix: %v", err)
	}
}

func TestSetHeadersVerifies(t *testing.T) {
	t.Parallel()
	s, h := secret(t, vecSecret), http.Header{}
	webhook.SetHeaders(h, s, "msg_1", vecTime(), []byte("body"))
	if err := webhook.Verify([]webhook.Secret{s}, h, []byte("body"), vecTime()); err != nil {
		t.Fatal(err)
	}
}

func TestVerifyRefuses(t *testing.T) {
	t.Parallel()
	other := "whsec_" + base64.StdEncoding.EncodeToString([]byte("another key of 24 bytes!"))
	cases := []struct {
		name   string
		change func(h http.Header)
		body   string
		want   error
	}{
		{"no id", func(h http.Header) { h.Del("webhook-id") }, vecBody, webhook.ErrHeader},
		{"no time", func(h http.Header) { h.Del("webhook-timestamp") }, vecBody, webhook.ErrHeader},
		{"no signature", func(h http.Header) { h.Del("webhook-signature") }, vecBody, webhook.ErrHeader},
		{"empty signature", func(h http.Header) { h.Set("webhook-signature", "") }, vecBody, webhook.ErrHeader},
		{"two ids", func(h http.Header) { h.Add("webhook-id", vecID) }, vecBody, webhook.ErrHeader},
		{"two times", func(h http.Header) { h.Add("webhook-timestamp", "1614265330") }, vecBody, webhook.ErrHeader},
		{"two signature headers", func(h http.Header) { h.Add("webhook-signature", vecSig) }, vecBody, webhook.ErrHeader},
		{"full stop in id", func(h http.Header) { h.Set("webhook-id", "msg.1") }, vecBody, webhook.ErrHeader},
		{"signed time", func(h http.Header) { h.Set("webhook-timestamp", "+1614265330") }, vecBody, webhook.ErrHeader},
		{"negative time", func(h http.Header) { h.Set("webhook-timestamp", "-1") }, vecBody, webhook.ErrHeader},
		{"huge time", func(h http.Header) { h.Set("webhook-timestamp", "99999999999999999999") }, vecBody, webhook.ErrHeader},
		{"time as a fraction", func(h http.Header) { h.Set("webhook-timestamp", "1614265330.5") }, vecBody, webhook.ErrHeader},
		{"other time", func(h http.Header) { h.Set("webhook-timestamp", "1614265331") }, vecBody, webhook.ErrSignature},
		{"other id", func(h http.Header) { h.Set("webhook-id", "msg_2") }, vecBody, webhook.ErrSignature},
		{"encoded again", func(http.Header) {}, `{"test":2432232314}`, webhook.ErrSignature},
		{"short base64", func(h http.Header) { h.Set("webhook-signature", vecSig[:len(vecSig)-4]) }, vecBody, webhook.ErrSignature},
		{"no padding", func(h http.Header) { h.Set("webhook-signature", vecSig[:len(vecSig)-1]) }, vecBody, webhook.ErrSignature},
		{"long base64", func(h http.Header) { h.Set("webhook-signature", strings.TrimSuffix(vecSig, "=")+"AAAA=") }, vecBody, webhook.ErrSignature},
		{"empty base64", func(h http.Header) { h.Set("webhook-signature", "v1,") }, vecBody, webhook.ErrSignature},
		{"other version only", func(h http.Header) { h.Set("webhook-signature", "v1a"+vecSig[2:]) }, vecBody, webhook.ErrSignature},
		{"no version", func(h http.Header) { h.Set("webhook-signature", vecSig[3:]) }, vecBody, webhook.ErrSignature},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			h := vecHeaders()
			c.change(h)
			err := webhook.Verify([]webhook.Secret{secret(t, vecSecret)}, h, []byte(c.body), vecTime())
			if !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
	if err := webhook.Verify([]webhook.Secret{secret(t, other)}, vecHeaders(), []byte(vecBody), vecTime()); !errors.Is(err, webhook.ErrSignature) {
		t.Errorf("another secret: %v", err)
	}
}

func TestVerifyTolerance(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		off  time.Duration
		want error
	}{
		{0, nil},
		{webhook.Tolerance, nil},
		{-webhook.Tolerance, nil},
		{webhook.Tolerance + time.Second, webhook.ErrTime},
		{-webhook.Tolerance - time.Second, webhook.ErrTime},
		{100 * 365 * 24 * time.Hour, webhook.ErrTime},
	} {
		err := webhook.Verify([]webhook.Secret{secret(t, vecSecret)}, vecHeaders(), []byte(vecBody), vecTime().Add(c.off))
		if !errors.Is(err, c.want) {
			t.Errorf("%v later: got %v, want %v", c.off, err, c.want)
		}
	}
}

func TestVerifyRotation(t *testing.T) {
	t.Parallel()
	older := secret(t, base64.StdEncoding.EncodeToString([]byte("the older key, 24 bytes.")))
	newer := secret(t, vecSecret)
	h := vecHeaders()
	h.Set("webhook-signature", "v1a,AAAA "+webhook.Sign(older, vecID, vecTime(), []byte(vecBody))+" "+vecSig)
	for _, set := range [][]webhook.Secret{{older}, {newer}, {older, newer}} {
		if err := webhook.Verify(set, h, []byte(vecBody), vecTime()); err != nil {
			t.Errorf("%d secrets: %v", len(set), err)
		}
	}
}

func TestEmptySecretAcceptsNothing(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "whsec_", " \n", "c2hvcnQ=", "whpk_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "not base64!",
		base64.StdEncoding.EncodeToString(make([]byte, 23)), base64.StdEncoding.EncodeToString(make([]byte, 65))} {
		if s, err := webhook.ParseSecret(text); !errors.Is(err, webhook.ErrSecret) || s.Usable() {
			t.Errorf("%q: got %v", text, err)
		}
	}
	if got := webhook.Sign(webhook.Secret{}, vecID, vecTime(), nil); got != "" {
		t.Errorf("the zero secret signs: %q", got)
	}
	for _, set := range [][]webhook.Secret{nil, {}, {{}}, {secret(t, vecSecret), {}}} {
		if err := webhook.Verify(set, vecHeaders(), []byte(vecBody), vecTime()); !errors.Is(err, webhook.ErrSecret) {
			t.Errorf("%d secrets: got %v", len(set), err)
		}
	}
}

func FuzzVerify(f *testing.F) {
	f.Add(vecID, "1614265330", vecSig, []byte(vecBody))
	f.Add("a.b", "00", "v1, v1,,", []byte{})
	f.Add("", "9223372036854775808", "v1a,x v2,y", []byte{0xff})
	s := secret(f, vecSecret)
	f.Fuzz(func(t *testing.T, id, stamp, sig string, body []byte) {
		h := http.Header{"Webhook-Id": {id}, "Webhook-Timestamp": {stamp}, "Webhook-Signature": {sig}}
		err := webhook.Verify([]webhook.Secret{s}, h, body, vecTime())
		if err == nil && !strings.Contains(sig, "v1,") {
			t.Error("accepted without a signature")
		}
		// The fuzzer has no key: whatever it changes, only the vector passes.
		if err == nil && (id != vecID || string(body) != vecBody) {
			t.Errorf("accepted id %q, body %q", id, body)
		}
	})
}

func FuzzParseSecret(f *testing.F) {
	f.Add(vecSecret)
	f.Add("")
	f.Add("whsec_whsec_")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := webhook.ParseSecret(text)
		if (err == nil) != s.Usable() {
			t.Errorf("usable %v with error %v", s.Usable(), err)
		}
		if err == nil && webhook.Sign(s, "m", vecTime(), nil) == "" {
			t.Error("a usable secret does not sign")
		}
	})
}
