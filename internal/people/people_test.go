package people_test

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"saltmine/internal/people"
)

const token = "test-only-token-0123456789"

func door(now *time.Time, roles ...people.Role) *people.Door {
	return people.New([]people.Person{
		{Name: "dana", Sum: sha256.Sum256([]byte(token)), Roles: roles},
		{Name: "sam", Sum: sha256.Sum256([]byte("another-token-of-a-person")), Roles: []people.Role{people.Auditor}},
	}, func() time.Time { return *now })
}

func request(t *testing.T, from, authorization string) *http.Request {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", http.NoBody)
	r.RemoteAddr = from
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	return r
}

func TestEnter(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 8, 5, 10, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		authorization, want string
	}{
		{"Bearer " + token, "dana"},
		{"bearer  " + token + " ", "dana"},
		{"Bearer another-token-of-a-person", "sam"},
		{basic("dana", token), "dana"},
		{basic("sam", token), ""},
		{basic("", token), ""},
		{"", ""},
		{"Bearer", ""},
		{"Bearer " + token + "x", ""},
		{"Bearer " + token[1:], ""},
		{"Token " + token, ""},
		{token, ""},
		{fmt.Sprintf("Bearer sha256:%x", sha256.Sum256([]byte(token))), ""},
	} {
		who, failed := door(&now).Enter(request(t, "192.0.2.7:1", c.authorization))
		switch {
		case c.want == "" && (who != nil || failed == nil || failed.Wait != 0):
			t.Errorf("%q lets %v in", c.authorization, who)
		case c.want != "" && (who == nil || who.Name != c.want || failed != nil):
			t.Errorf("%q: %v, %v", c.authorization, who, failed)
		}
	}
	twice := request(t, "192.0.2.7:1", "Bearer "+token)
	twice.Header.Add("Authorization", "Bearer "+token)
	if who, _ := door(&now).Enter(twice); who != nil {
		t.Error("two tokens let in")
	}
	if !people.New(nil, nil).Ajar() || door(&now).Ajar() {
		t.Error("a door is ajar when nobody is configured, and else not")
	}
}

func basic(name, token string) string {
	r := http.Request{Header: http.Header{}}
	r.SetBasicAuth(name, token)
	return r.Header.Get("Authorization")
}

func TestHas(t *testing.T) {
	t.Parallel()
	p := people.Person{Roles: []people.Role{people.Seeder, people.Auditor}}
	if !p.Has(people.Responder, people.Auditor) || p.Has(people.Responder, people.Forensics) || p.Has() {
		t.Error("roles")
	}
}

// TestFailures: an address that guesses is slowed down, others of its network
// with it, and nobody with a right token; the rest of the world shares a rate.
func TestFailures(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 8, 5, 10, 0, 0, 0, time.UTC)
	d := door(&now)
	guess := func(from string) *people.Failure {
		t.Helper()
		_, failed := d.Enter(request(t, from, "Bearer wrong"))
		return failed
	}
	over := 0
	for range 30 {
		if guess("[2001:db8::1]:1").Wait > 0 {
			over++
		}
	}
	if over != 20 {
		t.Errorf("%d of 30 were over the rate", over)
	}
	if f := guess("[2001:db8::2]:9"); f.Wait <= 0 || f.Wait > 6*time.Second {
		t.Errorf("the same network: %+v", f)
	}
	if who, _ := d.Enter(request(t, "[2001:db8::1]:1", "Bearer "+token)); who == nil {
		t.Error("a right token is refused")
	}
	if f := guess("[2001:db8:0:1::1]:1"); f.Wait != 0 || f.Missed != 21 {
		t.Errorf("another network: %+v", f)
	}
	now = now.Add(6 * time.Second)
	if f := guess("[2001:db8::1]:1"); f.Wait != 0 || f.Missed != 0 {
		t.Errorf("later: %+v", f)
	}
	now = now.Add(time.Hour)
	over = 0
	for i := range 6000 { // more addresses than are remembered
		if guess(fmt.Sprintf("10.0.%d.%d:1", i/250, i%250)).Wait > 0 {
			over++
		}
	}
	if over != 6000-100 {
		t.Errorf("%d of 6000 strangers were over the rate", over)
	}
	if f := guess("no address"); f.Wait == 0 {
		t.Errorf("no address: %+v", f)
	}
}

func TestMisled(t *testing.T) {
	t.Parallel()
	d := people.New(nil, time.Now, "saltmine.example.net")
	for host, want := range map[string]bool{
		"127.0.0.1:8080": false, "[::1]:8080": false, "[::1]": false, "localhost": false, "LOCALHOST.:8080": false, "saltmine.example.net": false, "Saltmine.Example.Net:443": false,
		"evil.example": true, "evil.example:8080": true, "127.0.0.1.evil.example:8080": true, "saltmine.example.net.evil.example": true,
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Host = host
		if got := d.Misled(r); got != want {
			t.Errorf("%s: %t", host, got)
		}
	}
}
