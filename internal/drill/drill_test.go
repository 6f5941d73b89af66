package drill_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"saltmine/internal/drill"
)

// TestErrorsNameNoTarget: whatever goes wrong at a front, the error is silent about
// what was sent.
func TestErrorsNameNoTarget(t *testing.T) {
	t.Parallel()
	echo := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, r.FormValue("To")+r.FormValue("Body"), http.StatusForbidden)
	}))
	defer echo.Close()
	ln, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	go func() { // ends with the listener; a server that repeats what it is told
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			conn.Write([]byte("554 mona.drill+hunter2@example.net example.net +99912345678\r\n")) //nolint:errcheck // the client may have gone
			conn.Close()
		}
	}()
	gone, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	gone.Close()
	for _, f := range []drill.Front{
		{Kind: drill.SMTP, Address: ln.Addr().String()},
		{Kind: drill.SMTP, Address: gone.Addr().String()},
		{Kind: drill.DNS, Address: gone.Addr().String()},
		{Kind: drill.Phone, Address: echo.URL, Provider: drill.Twilio, Secret: "secret-of-twilio", Public: "https://calls.example.net"},
		{Kind: drill.Phone, Address: "http://" + gone.Addr().String(), Provider: drill.Generic, Secret: "whsec_Z2VuZXJpYy10ZXN0LW9ubHktbm90LWEtc2VjcmV0LSE="},
		{Kind: drill.Phone, Address: echo.URL, Provider: drill.Generic, Secret: "secret-of-none"},
		{Kind: drill.Phone, Address: echo.URL, Provider: "telnyx"},
	} {
		target := map[string]string{drill.SMTP: "mona.drill@example.net", drill.DNS: "example.net", drill.Phone: "+99912345678"}[f.Kind]
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		err := f.Make(ctx, drill.Contact{Target: target, Mark: "hunter2", At: time.Now()})
		cancel()
		if err == nil {
			t.Errorf("%s: no error", f.Name())
			continue
		}
		for _, word := range []string{"hunter2", "mona", "example.net", "99912345678", "secret-of"} {
			if strings.Contains(err.Error(), word) {
				t.Errorf("%s: %v", f.Name(), err)
			}
		}
	}
	if err := (&drill.Front{Kind: drill.Phone, Provider: "telnyx"}).Playable(); !errors.Is(err, drill.ErrUnplayable) {
		t.Errorf("%v", err)
	}
}

func TestLeaves(t *testing.T) {
	t.Parallel()
	for f, want := range map[drill.Front]bool{
		{Kind: drill.SMTP, Address: "127.0.0.1:25"}:               false,
		{Kind: drill.DNS, Address: "[::1]:53"}:                    false,
		{Kind: drill.SMTP, Address: "192.0.2.1:25"}:               true,
		{Kind: drill.Phone, Address: "http://127.0.0.1:8081"}:     false,
		{Kind: drill.Phone, Address: "https://192.0.2.7/webhook"}: true,
		{Kind: drill.SMTP, Address: "nonsense"}:                   true,
	} {
		if got, why := f.Leaves(t.Context()); got != want || why == "" {
			t.Errorf("%s: %v, %s", f.Name(), got, why)
		}
	}
}

func TestAddress(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 2))
	n := 0
	passes := func(local, _ string) bool { n++; return n%64 == 0 && len(local) <= 64-1-36 }
	email, ok := drill.Address(rng, "example.net", passes, func(string) bool { return false })
	if !ok || !strings.HasSuffix(email, "@example.net") {
		t.Errorf("%q, %v", email, ok)
	}
	if _, ok := drill.Address(rng, "example.net", passes, func(string) bool { return true }); ok {
		t.Error("an address that is used was given")
	}
	if a, b := drill.Number(rng), drill.Number(rng); a == b || len(a) != 13 || !strings.HasPrefix(a, "+999") {
		t.Errorf("%s, %s", a, b)
	}
}
