package recording_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"saltmine/internal/recording"
	"saltmine/internal/webhook"
)

// TestCallsAreOpenedOnce: after the first look no sweep goes back to calls of
// hours ago, and what was not fetched of them is still tried.
func TestCallsAreOpenedOnce(t *testing.T) {
	t.Parallel()
	ready := false
	p := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if !ready {
			http.NotFound(w, r)
			return
		}
		audio("late")(w, r)
	})
	c := newCore(p.srv.URL + "/2010/RE1")
	f := c.fetcher(t, p, nil)
	for range 4 {
		c.sweep(t, f)
		c.now = c.now.Add(20 * time.Minute)
	}
	if first := c.since[0]; !first.Equal(noon().Add(-recording.Horizon)) {
		t.Errorf("the first look begins at %s", first)
	}
	for i, since := range c.since[1:] {
		if before := noon().Add(time.Duration(i) * 20 * time.Minute); since.Before(before.Add(-5*time.Minute)) || since.After(before.Add(-time.Minute)) {
			t.Errorf("look %d goes back to %s, the one before was at %s", i+2, since, before)
		}
	}
	ready = true
	c.now = c.now.Add(time.Hour)
	c.sweep(t, f)
	if len(c.kept) != 1 {
		t.Fatalf("%d kept", len(c.kept))
	}
	next := c.calls[0] // one that is new
	next.ID, next.At, next.Facts = "k_tw-00000009", c.now, map[string]string{"recording_url": p.srv.URL + "/2010/RE2"}
	c.calls = append(c.calls, next)
	c.sweep(t, f)
	if len(c.kept) != 2 {
		t.Errorf("%d kept", len(c.kept))
	}
}

func rsaKey(t *testing.T) *rsa.PrivateKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// TestVonageToken checks the token of a request with the public key.
func TestVonageToken(t *testing.T) {
	t.Parallel()
	key := rsaKey(t)
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for i, block := range []*pem.Block{{Type: "PRIVATE KEY", Bytes: pkcs8}, {Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}} {
		p := serve(t, audio("the caller's voice"))
		c := newCore(fmt.Sprint(p.srv.URL, "/v1/files/", i))
		c.calls[0].Ear = "phone/vonage"
		c.sweep(t, c.fetcher(t, p, func(cfg *recording.Config) {
			cfg.Accounts = []recording.Account{{Kind: "vonage", User: "app-1", Key: webhook.Hidden(pem.EncodeToMemory(block))}}
			cfg.Hosts = map[string][]string{"vonage": {p.host}}
		}))
		if len(c.kept) != 1 {
			t.Fatalf("%d kept", len(c.kept))
		}
		parts := strings.Split(strings.TrimPrefix(p.asked()[0].Header.Get("Authorization"), "Bearer "), ".")
		if len(parts) != 3 {
			t.Fatalf("%d parts of a token", len(parts))
		}
		var head struct{ Alg, Typ string }
		var claims struct {
			Application string `json:"application_id"`
			From        int64  `json:"iat"`
			Until       int64  `json:"exp"`
			ID          string `json:"jti"`
		}
		decode(t, parts[0], &head)
		decode(t, parts[1], &claims)
		sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
		sig, err := base64.RawURLEncoding.DecodeString(parts[2])
		if err != nil || rsa.VerifyPKCS1v15(&key.PublicKey, crypto.SHA256, sum[:], sig) != nil {
			t.Errorf("the signature does not fit: %v", err)
		}
		if head.Alg != "RS256" || claims.Application != "app-1" || claims.From != noon().Unix() || claims.Until <= claims.From || claims.ID == "" || seen[claims.ID] {
			t.Errorf("head %+v, claims %+v", head, claims)
		}
		seen[claims.ID] = true
	}
}

func decode(t *testing.T, part string, into any) {
	t.Helper()
	text, err := base64.RawURLEncoding.DecodeString(part)
	if err == nil {
		err = json.Unmarshal(text, into)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestKeysThatAreNone(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"hunter2", "-----BEGIN PRIVATE KEY-----\naHVudGVyMg==\n-----END PRIVATE KEY-----\n"} {
		_, err := recording.New(recording.Config{Accounts: []recording.Account{{Kind: "vonage", Key: webhook.Hidden(text)}}})
		if !errors.Is(err, recording.ErrConfig) || strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "aHVudGVyMg") {
			t.Errorf("%v", err)
		}
	}
}
