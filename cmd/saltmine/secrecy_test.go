package main

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"saltmine/internal/canary"
	"saltmine/internal/registry"
)

// spellings are the forms in which a token could lie in the open.
func spellings(text string) map[string][]byte {
	out := map[string][]byte{
		"plain": []byte(text), "hex": []byte(hex.EncodeToString([]byte(text))), "percent": []byte(percent(text, "%")), "quoted-printable": []byte(percent(text, "=")),
	}
	for shift := range 3 { // base64 of text that begins anywhere in a group of three bytes
		enc := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("x", shift) + text))
		from, to := (shift*8+5)/6, len(enc)
		if rest := (shift + len(text)) % 3; rest != 0 {
			to = (shift+len(text))/3*4 + (rest*8)/6
		}
		out[fmt.Sprintf("base64 at %d", shift)] = []byte(enc[from:to])
	}
	return out
}

// percent escapes every byte that is no letter or digit.
func percent(text, mark string) string {
	var b strings.Builder
	for _, c := range []byte(text) {
		if c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%s%02X", mark, c)
		}
	}
	return b.String()
}

// checkSecrecy greps everything that lies or goes about for every planted
// token, and then shows with the keys' help that the same grep finds them.
func (s *site) checkSecrecy(reg *registry.Registry, srv *running) {
	s.t.Helper()
	open := map[string][]byte{"log": []byte(srv.log.String()), "metrics": s.get("http://" + srv.addrs["admin"] + "/metrics")}
	_, raw := s.hook.received()
	open["pages"] = []byte(raw)
	open["console"] = s.get("http://" + srv.addrs["api"] + "/v1/incidents")
	incidents, err := reg.Incidents(s.t.Context(), 1)
	if err != nil {
		s.t.Fatal(err)
	}
	open["incident page"] = s.get("http://" + srv.addrs["api"] + "/incidents/" + string(incidents[0].ID))
	for _, pattern := range []string{"saltmine.db*", "spool/*"} {
		files, err := filepath.Glob(s.path(pattern))
		if err != nil || len(files) == 0 {
			s.t.Fatalf("no files %s (%v)", pattern, err)
		}
		for _, name := range files {
			if open[name], err = os.ReadFile(name); err != nil { //nolint:gosec // the test's own file
				s.t.Fatal(err)
			}
		}
	}
	var opened bytes.Buffer // what the keys show: the test of the test
	tokens := 0
	for _, p := range s.plantings(reg) {
		for _, tok := range p.Tokens {
			if len(tok.Text) < 6 {
				continue
			}
			tokens++
			for form, needle := range spellings(tok.Text) {
				for where, hay := range open {
					if bytes.Contains(hay, needle) {
						s.t.Errorf("%s stands in %s in %s form", tok.Token, filepath.Base(where), form)
					}
				}
			}
			opened.WriteString(tok.Text + " " + hex.EncodeToString([]byte(tok.Text)) + " " + base64.StdEncoding.EncodeToString([]byte("x"+tok.Text)) + " " + percent(tok.Text, "%") + percent(tok.Text, "=") + "\n")
		}
	}
	if tokens < 1000 {
		s.t.Errorf("only %d tokens were looked for", tokens)
	}
	s.grepFinds(reg, opened.Bytes())
}

// grepFinds makes sure that the grep would have found the tokens.
func (s *site) grepFinds(reg *registry.Registry, opened []byte) {
	s.t.Helper()
	list, err := reg.PlantedTokens(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	for _, tok := range list {
		if len(tok.Text) < 6 {
			continue
		}
		for form, needle := range spellings(tok.Text) {
			if strings.HasPrefix(form, "base64") && form != "base64 at 1" {
				continue
			}
			if !bytes.Contains(opened, needle) {
				s.t.Fatalf("the grep does not find a token of kind %s in %s form", tok.Kind, form)
			}
		}
		if tok.Role != canary.RolePlanted {
			s.t.Fatalf("%s is no planted token", tok.Token)
		}
	}
}

func (s *site) get(address string) []byte {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, address, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close() //nolint:errcheck // it was read
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		s.t.Fatalf("%s: status %d, %v", address, resp.StatusCode, err)
	}
	return body
}
