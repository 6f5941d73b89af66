package main

import (
	"testing"

	"saltmine/internal/people"
)

// TestOriginOf: any public address that the configuration takes lets serve start.
func TestOriginOf(t *testing.T) {
	t.Parallel()
	for public, want := range map[string]string{
		"https://console.example.net":      "https://console.example.net",
		"https://example.net/saltmine":     "https://example.net",
		"http://127.0.0.1:8080":            "http://127.0.0.1:8080",
		"http://:80":                       "",
		"http://:8080":                     "",
		"http://[::1]:8080":                "http://[::1]:8080",
		"https://Console.Example.net:443/": "https://Console.Example.net:443",
	} {
		got := originOf(public)
		if got != want {
			t.Errorf("%s: %q, want %q", public, got, want)
		}
		if _, err := people.Forms(got); err != nil {
			t.Errorf("%s: %v", public, err)
		}
	}
}
