package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"saltmine/internal/conf"
	"saltmine/listener/phone"
)

// TestEveryProviderOfTheExample makes each provider of configs/phone.toml: what
// the configuration lets pass must be a provider, and each kind must stand there.
func TestEveryProviderOfTheExample(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../configs/phone.toml")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	secrets := map[string]string{"pbx.secret": testHook, "sinch.secret": "BeIukql3pTKJ8RGL5zo0DA=="}
	for _, name := range []string{"saltmine.toml", "pbx.secret", "sinch.secret", "twilio.token", "signalwire.key", "vonage.secret", "vonage.pem", "plivo.token", "bandwidth.password", "sinch-sms.secret"} {
		content := secrets[name]
		if content == "" {
			content = testTwilio
		}
		if name == "saltmine.toml" {
			content = string(text)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cfg, err := conf.Load(filepath.Join(dir, "saltmine.toml"))
	if err != nil {
		t.Fatal(err)
	}
	missing := map[string]bool{}
	for _, kind := range phone.Kinds() {
		missing[kind] = true
	}
	for _, p := range cfg.Phone.Providers {
		delete(missing, p.Kind)
		if err := checkProvider(cfg.Phone, p, time.Now); err != nil {
			t.Errorf("%s: %v", p.Name, err)
		}
		p.Secret, p.PublicKey = conf.Secret{}, ""
		if err := checkProvider(cfg.Phone, p, time.Now); !errors.Is(err, phone.ErrConfig) || strings.Contains(err.Error(), testTwilio) {
			t.Errorf("%s without a secret: %v", p.Name, err)
		}
	}
	if len(missing) > 0 {
		t.Errorf("no example of %v", missing)
	}
}
