package main

import (
	"slices"
	"strings"
	"testing"

	"saltmine/internal/conf"
)

// TestFrontsOfTwoCores: own fronts of two cores that listen on the same address have
// different names, or the one would speak for the other; a front that is named is
// the same for both.
func TestFrontsOfTwoCores(t *testing.T) {
	t.Parallel()
	cfg := &conf.Config{
		SMTP: &conf.SMTP{Listen: []string{"0.0.0.0:25"}}, DNS: &conf.DNS{Listen: []string{"0.0.0.0:53"}},
		Phone:   &conf.Phone{Listen: "0.0.0.0:8081", Providers: []conf.Provider{{Kind: "twilio"}}},
		Deadman: &conf.Deadman{},
	}
	names := func(core string) (list []string) {
		for _, f := range fronts(cfg, nil, core) {
			list = append(list, f.Name())
		}
		return list
	}
	x, y := names(coreOf([16]byte{0xab, 1})), names(coreOf([16]byte{0xab, 2}))
	if !slices.Equal(x, []string{"smtp 127.0.0.1:25 of core ab010000", "dns 127.0.0.1:53 of core ab010000", "phone/twilio 127.0.0.1:8081 of core ab010000"}) {
		t.Errorf("%q", x)
	}
	for _, name := range x {
		if slices.Contains(y, name) {
			t.Errorf("two cores have %s", name)
		}
	}
	cfg.Deadman.SMTP = []string{"mx1.example.net:25"}
	if x, y := names("ab010000"), names("ab020000"); x[0] != "smtp mx1.example.net:25" || y[0] != x[0] || x[1] == y[1] {
		t.Errorf("%q and %q", x, y)
	}
	cfg.DNS.Listen = []string{strings.Repeat("long.", 40) + "example:53"}
	if name := names("ab010000")[1]; len(name) > 80 || !strings.HasSuffix(name, " of core ab010000") {
		t.Errorf("%q", name)
	}
}
