package main

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
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
			if open[name], err = os.ReadFile(name); err != nil {
				s.t.Fatal(err)
			}
		}
	}
	n := needles{}
	var opened bytes.Buffer // what the keys show: the test of the test
	planted, err := reg.PlantedTokens(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	if len(planted) < 1000 {
		s.t.Errorf("only %d tokens are looked for", len(planted))
	}
	for _, tok := range planted {
		for form, text := range spellings(tok.Text) {
			n.add(text, tok.String()+" in "+form+" form")
			opened.Write(text)
			opened.WriteByte('\n')
		}
	}
	for where, hay := range open {
		for _, found := range n.in(hay) {
			s.t.Errorf("%s stands in %s", found, filepath.Base(where))
		}
	}
	if found, want := len(n.in(opened.Bytes())), len(planted)*len(spellings("x")); found != want {
		s.t.Errorf("where all tokens stand open, the same grep finds %d of %d spellings", found, want)
	}
	s.findsWhatKeysOpen(reg, n)
}

// findsWhatKeysOpen is the test of the test on real data: in the support
// database, and in the contacts once the keys have opened them, the same grep
// finds the tokens.
func (s *site) findsWhatKeysOpen(reg *registry.Registry, n needles) {
	s.t.Helper()
	emails := s.emails(s.t)
	if found := n.in([]byte(strings.Join(slices.Sorted(maps.Keys(emails)), "\n"))); len(found) != len(emails) {
		s.t.Errorf("the grep finds %d of the %d addresses that stand in the support database", len(found), len(emails))
	}
	ids, err := reg.ContactIDs(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	mails := 0
	for _, id := range ids {
		c, err := reg.Contact(s.t.Context(), id)
		if err != nil {
			s.t.Fatal(err)
		}
		if c.Channel != canary.SMTP {
			continue
		}
		mails++
		if len(n.in(c.Raw)) == 0 {
			s.t.Errorf("the grep finds no token in the opened evidence of %s", c.ID)
		}
	}
	if mails == 0 {
		s.t.Error("no mail was opened")
	}
}

// needles are texts to look for, by their first bytes.
type needles map[[needleHead]byte][]needle

const needleHead = 6

type needle struct {
	text []byte
	name string
}

func (n needles) add(text []byte, name string) {
	head := [needleHead]byte(text)
	n[head] = append(n[head], needle{text, name})
}

// in names the needles that stand in hay.
func (n needles) in(hay []byte) []string {
	found := map[string]bool{}
	for i := 0; i+needleHead <= len(hay); i++ {
		for _, x := range n[[needleHead]byte(hay[i:i+needleHead])] {
			if bytes.HasPrefix(hay[i:], x.text) {
				found[x.name] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(found))
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
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		s.t.Fatalf("%s: status %d, %v", address, resp.StatusCode, err)
	}
	return body
}
