package webhook_test

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"saltmine/internal/webhook"
)

// signalWire signs as signalwire-python does, in the test's own words.
func signalWire(key, text string) string {
	mac := hmac.New(sha1.New, []byte(key))
	mac.Write([]byte(text))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

func TestSignalWirePitfalls(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name, address, body, signed string
		fits                        bool
	}{
		{"repeats keep their order", "https://c.example/v", "To=b&From=1&To=a&To=b", "https://c.example/vFrom1TobToaTob", true},
		{"repeats sorted as Twilio does", "https://c.example/v", "To=b&To=a&To=b", "https://c.example/vToaTob", false},
		{"port said", "https://c.example/v", "To=a", "https://c.example:443/vToa", true},
		{"port left out", "https://c.example:443/v", "To=a", "https://c.example/vToa", true},
		{"port of http", "http://c.example/v", "To=a", "http://c.example:80/vToa", true},
		{"own port stays", "https://c.example:8443/v", "To=a", "https://c.example:8443/vToa", true},
		{"own port is not left out", "https://c.example:8443/v", "To=a", "https://c.example/vToa", false},
		{"ipv6", "https://[2001:db8::1]/v", "To=a", "https://[2001:db8::1]:443/vToa", true},
		{"escapes stay", "https://c.example/v%2Fw?a=%3a", "To=a", "https://c.example/v%2Fw?a=%3aToa", true},
		{"escapes are not rewritten", "https://c.example/v%2Fw?a=%3a", "To=a", "https://c.example/v%2Fw?a=%3AToa", false},
		{"case of the host", "https://C.example/v", "To=a", "https://c.example/vToa", false},
	}
	for _, c := range cases {
		q := post(c.address, formCT, c.body, "X-Twilio-Signature", signalWire("key", c.signed))
		if err := webhook.VerifySignalWire("key", q); c.fits != (err == nil) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	// The hexadecimal form covers the body whatever its type.
	mac := "X-SignalWire-Signature"
	q := post("https://c.example/v", jsonCT, `{}`, mac, signalWire("key", "https://c.example/v"))
	if err := webhook.VerifySignalWire("key", q); !errors.Is(err, webhook.ErrSignature) {
		t.Errorf("a body that nothing covers: %v", err)
	}
}

func TestPlivoPitfalls(t *testing.T) {
	t.Parallel()
	v := plivoVectors()[2]
	right := v.q.Header.Get("X-Plivo-Signature-V3")
	with := func(sig string) webhook.Request {
		q := v.q
		q.Header = v.q.Header.Clone()
		q.Header.Set("X-Plivo-Signature-V3", sig)
		return q
	}
	wrong := base64.StdEncoding.EncodeToString(make([]byte, 32))
	for name, c := range map[string]struct {
		q    webhook.Request
		want error
	}{
		"while tokens change": {with(wrong + "," + right), nil},
		"with spaces":         {with(wrong + ", " + right), nil},
		"none of two":         {with(wrong + "," + wrong), webhook.ErrSignature},
		"too many":            {with(strings.Repeat(wrong+",", 8) + right), webhook.ErrHeader},
		"another nonce":       {func() webhook.Request { q := with(right); q.Header.Set("X-Plivo-Signature-V3-Nonce", "1"); return q }(), webhook.ErrSignature},
		"called a GET":        {func() webhook.Request { q := with(right); q.Method = http.MethodGet; return q }(), webhook.ErrBody},
		"no form":             {func() webhook.Request { q := with(right); q.Header.Set("Content-Type", jsonCT); return q }(), webhook.ErrBody},
		"charset of the form": {func() webhook.Request {
			q := with(right)
			q.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			return q
		}(), nil},
		"fields given anew":   {func() webhook.Request { q := with(right); q.Address += "?To=x"; return q }(), webhook.ErrSignature},
		"an unreadable query": {func() webhook.Request { q := with(right); q.Address += "?a=%zz"; return q }(), webhook.ErrBody},
		"V2 in the place of V3": {func() webhook.Request {
			q := plivoVectors()[4].q
			q.Header = http.Header{"X-Plivo-Signature-V3": q.Header["X-Plivo-Signature-V2"], "X-Plivo-Signature-V3-Nonce": q.Header["X-Plivo-Signature-V2-Nonce"], "Content-Type": {formCT}}
			return q
		}(), webhook.ErrSignature},
	} {
		if err := v.verify(c.q); !errors.Is(err, c.want) || c.want == nil && err != nil {
			t.Errorf("%s: got %v, want %v", name, err, c.want)
		}
	}
}

func TestVonageTokens(t *testing.T) {
	t.Parallel()
	now := time.Unix(1700000000, 0)
	body := `{"to":"1"}`
	good := vonageClaims(body)
	unsigned := func(head string) string {
		full := bearer(vonageSecret, head, good)
		return full[:strings.LastIndexByte(full, '.')+1]
	}
	for name, c := range map[string]struct {
		auth string
		want error
	}{
		"good":            {bearer(vonageSecret, `{"alg":"HS256","typ":"JWT"}`, good), nil},
		"other secret":    {bearer("another", `{"alg":"HS256"}`, good), webhook.ErrSignature},
		"alg none":        {unsigned(`{"alg":"none"}`), webhook.ErrHeader},
		"no signature":    {unsigned(`{"alg":"HS256"}`), webhook.ErrSignature},
		"alg HS512":       {bearer(vonageSecret, `{"alg":"HS512"}`, good), webhook.ErrHeader},
		"alg RS256":       {bearer(vonageSecret, `{"alg":"RS256"}`, good), webhook.ErrHeader},
		"alg in capitals": {bearer(vonageSecret, `{"alg":"hs256"}`, good), webhook.ErrHeader},
		"crit":            {bearer(vonageSecret, `{"alg":"HS256","crit":["b64"]}`, good), webhook.ErrHeader},
		"no payload_hash": {bearer(vonageSecret, `{"alg":"HS256"}`, `{"iat":1700000000}`), webhook.ErrSignature},
		"other payload":   {bearer(vonageSecret, `{"alg":"HS256"}`, vonageClaims(`{"to":"2"}`)), webhook.ErrSignature},
		"no iat":          {bearer(vonageSecret, `{"alg":"HS256"}`, strings.Replace(good, `"iat":1700000000,`, "", 1)), webhook.ErrTime},
		"iat a text":      {bearer(vonageSecret, `{"alg":"HS256"}`, strings.Replace(good, `1700000000`, `"1700000000"`, 1)), webhook.ErrHeader},
		"expired":         {bearer(vonageSecret, `{"alg":"HS256"}`, strings.Replace(good, `"jti"`, `"exp":1700000000,"jti"`, 1)), webhook.ErrTime},
		"not yet expired": {bearer(vonageSecret, `{"alg":"HS256"}`, strings.Replace(good, `"jti"`, `"exp":1700000001,"jti"`, 1)), nil},
		"two parts":       {"Bearer a.b", webhook.ErrHeader},
		"basic":           {"Basic QTpi", webhook.ErrHeader},
		"very long":       {"Bearer " + strings.Repeat("a", 5000) + ".b.c", webhook.ErrHeader},
		"padded":          {bearer(vonageSecret, `{"alg":"HS256"}`, good) + "=", webhook.ErrHeader},
	} {
		err := webhook.VerifyVonage(vonageSecret, at(post("https://c.example/v", jsonCT, body, "Authorization", c.auth), now))
		if !errors.Is(err, c.want) || c.want == nil && err != nil {
			t.Errorf("%s: got %v, want %v", name, err, c.want)
		}
	}
	// The order of a query's fields is part of what is signed.
	get := vonageVectors()[1].q
	get.Address = strings.Replace(get.Address, "to=14155550199&from=14155550100", "from=14155550100&to=14155550199", 1)
	if err := webhook.VerifyVonage(vonageSecret, get); !errors.Is(err, webhook.ErrSignature) {
		t.Errorf("fields in another order: %v", err)
	}
}

func TestVonageSMSPitfalls(t *testing.T) {
	t.Parallel()
	v := vonageVectors()[3]
	for name, c := range map[string]struct {
		kind, body string
		want       error
	}{
		"another kind":      {"md5hash", string(v.q.Body), webhook.ErrSignature},
		"no kind":           {"", string(v.q.Body), webhook.ErrSecret},
		"unknown kind":      {"crc32", string(v.q.Body), webhook.ErrSecret},
		"a field twice":     {"sha256", string(v.q.Body) + "&to=1", webhook.ErrBody},
		"sig twice":         {"sha256", string(v.q.Body) + "&sig=00", webhook.ErrBody},
		"no sig":            {"sha256", "to=1&timestamp=1385047698", webhook.ErrHeader},
		"no time":           {"sha256", "to=1&sig=00", webhook.ErrHeader},
		"values for fields": {"sha256", strings.Replace(string(v.q.Body), "Test+again", "Test+again%26to%3D1", 1), webhook.ErrSignature},
	} {
		q := v.q
		q.Body = []byte(c.body)
		if err := webhook.VerifyVonageSMS("my_secret_key_for_testing", c.kind, q); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", name, err, c.want)
		}
	}
	for _, body := range []string{`[]`, `{"a":{}}`, `{"a":1`, `{"a":1,"a":2}`, `{"a":1}{}`, strings.Repeat(`{"a":`, 20000), ``} {
		q := post("https://c.example/v", jsonCT, body)
		if _, err := webhook.VonageFields(q); !errors.Is(err, webhook.ErrBody) {
			t.Errorf("%.20s: %v", body, err)
		}
	}
}

func TestSinchPitfalls(t *testing.T) {
	t.Parallel()
	list := sinchVectors()
	voice, sms := list[0], list[1]
	set := func(v vector, name, value string) webhook.Request {
		q := v.q
		q.Header = v.q.Header.Clone()
		q.Header.Set(name, value)
		return q
	}
	auth := voice.q.Header.Get("Authorization")
	for name, c := range map[string]struct {
		v    vector
		q    webhook.Request
		want error
	}{
		"charset":          {voice, set(voice, "Content-Type", "application/json; charset=utf-8"), webhook.ErrSignature},
		"other key":        {voice, set(voice, "Authorization", strings.Replace(auth, "669E", "569E", 1)), webhook.ErrSignature},
		"key in lower":     {voice, set(voice, "Authorization", strings.Replace(auth, "BBA", "bba", 1)), nil},
		"version 2":        {voice, set(voice, "Authorization", strings.Replace(auth, "application", "service", 1)), nil},
		"basic":            {voice, set(voice, "Authorization", "Basic "+auth), webhook.ErrHeader},
		"time of no form":  {voice, set(voice, "X-Timestamp", "yesterday"), webhook.ErrHeader},
		"other host":       {voice, func() webhook.Request { q := voice.q; q.Address = "https://other.example/sinch/callback/ace"; return q }(), nil},
		"other path":       {voice, func() webhook.Request { q := voice.q; q.Address = "https://calls.example.net/ace"; return q }(), webhook.ErrSignature},
		"another verb":     {voice, func() webhook.Request { q := voice.q; q.Method = http.MethodGet; return q }(), webhook.ErrSignature},
		"other algorithm":  {sms, set(sms, "X-Sinch-Webhook-Signature-Algorithm", "HmacSHA1"), webhook.ErrHeader},
		"split elsewhere":  {sms, set(sms, "X-Sinch-Webhook-Signature-Nonce", "a.b"), webhook.ErrHeader},
		"another nonce":    {sms, set(sms, "X-Sinch-Webhook-Signature-Nonce", "ab"), webhook.ErrSignature},
		"time not seconds": {sms, set(sms, "X-Sinch-Webhook-Signature-Timestamp", "1736760161.0"), webhook.ErrHeader},
	} {
		if err := c.v.verify(c.q); !errors.Is(err, c.want) || c.want == nil && err != nil {
			t.Errorf("%s: got %v, want %v", name, err, c.want)
		}
	}
}

func TestKeysThatCannotBeRead(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "AAAA", "%", strings.Repeat("A", 44)} {
		if _, err := webhook.ParseTelnyxKey(text); !errors.Is(err, webhook.ErrSecret) {
			t.Errorf("key %q: %v", text, err)
		}
	}
	for _, text := range []string{"", "AAAA", "%"} {
		if _, err := webhook.ParseSinchSecret(text); !errors.Is(err, webhook.ErrSecret) {
			t.Errorf("secret %q: %v", text, err)
		}
	}
	for _, auth := range []string{"Basic !", "Bearer QTpi", "Basic QQ==", "Basic QWxhZGRpbjpvcGVu"} {
		err := webhook.VerifyBasic("Aladdin", "open sesame", http.Header{"Authorization": {auth}})
		if !errors.Is(err, webhook.ErrHeader) && !errors.Is(err, webhook.ErrSignature) {
			t.Errorf("%s: %v", auth, err)
		}
	}
}

// FuzzProviders changes signed requests of every provider: whatever differs from
// what was signed must be refused, except where the provider signs no body.
func FuzzProviders(f *testing.F) {
	list := vectors(f)
	for i, v := range list {
		f.Add(i, "", "", string(v.q.Body), v.q.Address, v.q.Header.Get("Content-Type"))
		f.Add(i, "Authorization", "Bearer a.b.c", "a=b&a=c", v.q.Address+"?a=%zz", formCT)
		f.Add(i, "X-Plivo-Signature-V3", ",,,", "\xff\x00", "://", "")
		f.Add(i, "X-Sinch-Webhook-Signature-Nonce", ".", strings.Repeat("[", 100), "https://[::1", jsonCT)
	}
	f.Fuzz(func(t *testing.T, which int, name, value, body, address, contentType string) {
		if which < 0 || which >= len(list) {
			return
		}
		v := list[which]
		q := v.q
		q.Header = v.q.Header.Clone()
		q.Header.Set("Content-Type", contentType)
		if name != "" {
			q.Header.Set(name, value)
		}
		q.Body, q.Address = []byte(body), address
		err := v.verify(q)
		if err != nil && strings.Contains(err.Error(), vonageSecret) {
			t.Error("an error shows a secret")
		}
		same := body == string(v.q.Body)
		if err == nil && !same && !v.open && v.q.Method == http.MethodPost && contentType == v.q.Header.Get("Content-Type") && !sameFields(q, v.q) {
			t.Errorf("%s: accepted another body", v.name)
		}
	})
}

// sameFields reports whether two bodies are spellings of the same fields, which
// is all that schemes over fields can tell apart.
func sameFields(a, b webhook.Request) bool {
	x, errX := webhook.VonageFields(a)
	y, errY := webhook.VonageFields(b)
	if errX != nil || errY != nil || len(x) == 0 {
		return false
	}
	return joinedFields(x) == joinedFields(y)
}

func joinedFields(fields map[string][]string) string {
	keep := map[string][]string{}
	for k, v := range fields {
		if k != "sig" {
			keep[k] = v
		}
	}
	var b strings.Builder
	for _, k := range slices.Sorted(maps.Keys(keep)) {
		b.WriteString(k + strings.NewReplacer("&", "_", "=", "_").Replace(strings.Join(keep[k], ""))) // as Vonage signs
	}
	return b.String()
}
