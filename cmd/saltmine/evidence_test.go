package main

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"saltmine/internal/canary"
	"saltmine/internal/evidence/pack"
	"saltmine/internal/registry"
)

// thirdParty runs a verifier as somebody does who has only what is given.
func thirdParty(t *testing.T, name string, args ...string) (string, int) {
	t.Helper()
	cmd := command(t, args...)
	if name != "" {
		cmd = exec.CommandContext(t.Context(), name, args...)
	}
	cmd.Dir = t.TempDir()
	text, _ := cmd.CombinedOutput()
	return string(text), cmd.ProcessState.ExitCode()
}

// bothVerify holds the verdicts of the two verifiers against what is wanted.
func bothVerify(t *testing.T, want int, says, file string, more ...string) {
	t.Helper()
	script, err := filepath.Abs(filepath.Join("..", "..", "configs", "verify.py"))
	if err != nil {
		t.Fatal(err)
	}
	text, code := thirdParty(t, "", append([]string{"evidence", "verify", file}, more...)...)
	if wants(t, text, says); code != want {
		t.Errorf("saltmine: exit code %d: %s", code, text)
	}
	text, code = thirdParty(t, "python3", slices.Concat([]string{script}, more, []string{file})...)
	if wants(t, text, says); code != want {
		t.Errorf("verify.py: exit code %d: %s", code, text)
	}
}

// TestEvidencePack: an incident with a mail, a call and a quoted ticket becomes a pack
// that others verify with the public key, and in which no other canary is.
func TestEvidencePack(t *testing.T) {
	t.Parallel()
	s, reg, all := planted(t, 8)
	srv := s.serve()
	var tokens []canary.TokenID
	for i, p := range all[:3] {
		s.contact(srv, []int{0, 3, 0}[i], p)
	}
	reached := map[canary.ID]bool{all[0].id: true, all[1].id: true, all[2].id: true}
	for _, p := range s.plantings(reg) {
		for _, tok := range p.Tokens {
			if tok.Text == all[0].email || tok.Text == all[2].email || tok.Text == all[1].phone {
				tokens = append(tokens, tok.ID)
			}
		}
	}
	id := string(s.hits(reg, tokens...))
	eventually(t, "a page is accepted", func() bool {
		list, err := reg.Acts(t.Context(), registry.ActFilter{About: id, Filed: true})
		return err == nil && slices.ContainsFunc(list, func(a canary.Act) bool { return strings.HasSuffix(a.Outcome, " by on-call") })
	})
	s.checkpoint("early.checkpoint")
	s.run("verdict", id, "leak")
	srv.kill()
	ca := s.stamped(reg)

	beside := s.beside(reg, id, reached)
	wants(t, s.run("evidence", "export", "--incident", id, s.path("case.zip"), "--dry-run"), id, "3 canaries (and 1 that these contacts name beside)")
	if strings.Contains(s.run("acts", "--limit", "0"), "reveal") {
		t.Error("a dry run opens identities")
	}
	wants(t, s.run("evidence", "export", "--incident", id, s.path("case.zip")), "wrote ", "manifest sha256")
	key := strings.TrimSpace(s.run("evidence", "key"))
	s.write("key.pub", key+"\n")
	for _, k := range []string{key, s.path("key.pub"), s.path("keys/sign.pub")} {
		bothVerify(t, exitOK, "good: "+id, s.path("case.zip"), "--key", k)
	}
	bothVerify(t, exitOK, "of the checkpoint", s.path("case.zip"), "--key", key, "--checkpoint", s.path("early.checkpoint"))
	bothVerify(t, exitOK, "good", s.path("case.zip"), "--key", key, "--tsa-ca", ca)
	text, _ := thirdParty(t, "", "evidence", "verify", s.path("case.zip"), "--key", key, "--tsa-ca", ca)
	wants(t, text, "notary (CN=test tsa) says that it was there at")
	other, _, _ := newTSA(t)
	bothVerify(t, exitFound, ".notary.tsr: ", s.path("case.zip"), "--key", key, "--tsa-ca", filepath.Join(other, "ca.pem"))
	s.contents(id, reached)
	wants(t, s.run("acts", "--about", id), "export", "begun", "sha256 ")
	wants(t, s.run("acts", "--about", string(all[0].id)), "reveal")
	wants(t, s.run("acts", "--about", string(beside[0])), "reveal")
	if said := s.run("acts", "--about", string(beside[1])); strings.Contains(said, "reveal") {
		t.Errorf("a canary is opened of which a token was one letter off: %s", said)
	}
	wants(t, s.run("acts", "--verify"), "whole, up to ", "signed checkpoints")
	wants(t, s.fails(exitUsage, "evidence", "export", "--incident", id, s.path("case.zip")), "not overwritten")
	wants(t, s.fails(exitUsage, "evidence", "export", s.path("x.zip")), "--incident is wanted")
	wants(t, s.fails(exitFailed, "evidence", "export", "--incident", "i_nobody", s.path("x.zip")), "not in the registry")
	s.misuses(key)
	s.tampersWith(id, key)
	s.replacesKey(id, key)
}

// beside puts into the registry what is no business of the incident's: a hit of one of its
// contacts on another incident's canary, which is named; one on what is one letter off a
// canary's, which is not; looks at it; and an extract of somewhere else.
func (s *site) beside(reg *registry.Registry, id string, reached map[canary.ID]bool) (named []canary.ID) {
	t := s.t
	t.Helper()
	hits, err := reg.IncidentHits(t.Context(), canary.IncidentID(id))
	if err != nil || len(hits) == 0 {
		t.Fatal(hits, err)
	}
	db := s.sqlite()
	for _, p := range s.plantings(reg) {
		if reached[p.ID] || len(named) == 2 {
			continue
		}
		incident, stratum := "i_aaaaaaaaaaaaaaaa", "x"
		if named = append(named, p.ID); len(named) == 2 {
			incident, stratum = id, canary.VariantStratum+"x"
		}
		_, err := db.ExecContext(t.Context(), `INSERT INTO hits (contact, token, canary, role, origin, domain, incident, clean, class, channel, stratum, counts, heard, content)
			SELECT contact, ?, ?, role, origin, domain, ?, 0, class, channel, ?, counts, heard, content FROM hits WHERE contact = ? AND token = ?`,
			p.Tokens[0].ID, p.ID, incident, stratum, hits[0].Contact, hits[0].Token)
		if err != nil {
			t.Fatal(err)
		}
	}
	for range 3 {
		if err := reg.Record(t.Context(), canary.Act{Who: "noor", Via: "api", What: "GET /v1/incidents/{id}", About: id, Outcome: "200"}); err != nil {
			t.Fatal(err)
		}
	}
	s.write("extracts.csv", "id,actor,taken_at,place\nelsewhere-7,someoneelse,2020-01-02T03:04:05Z,copy:elsewhere\n")
	s.run("extracts", "import", s.path("extracts.csv"))
	wants(t, s.run("acts", "--about", "extracts"), "import", fmt.Sprintf("sha256 %x", sha256.Sum256([]byte(s.read("extracts.csv")))))
	return named
}

// replacesKey has another key sign: the old pack is good by the old key and by both, the
// new one, in which are checkpoints of the old, by both.
func (s *site) replacesKey(id, old string) {
	s.t.Helper()
	first := s.read("keys/sign.pub")
	s.run("keys", "rotate", "sign")
	s.run("evidence", "export", "--incident", id, s.path("later.zip"))
	s.write("keys.pub", strings.TrimSpace(s.run("evidence", "key")))
	for name, key := range map[string]string{"case.zip": old, "later.zip": s.path("keys.pub")} {
		bothVerify(s.t, exitOK, "good: "+id, s.path(name), "--key", key)
	}
	bothVerify(s.t, exitOK, "good: "+id, s.path("case.zip"), "--key", s.path("keys.pub"))
	bothVerify(s.t, exitOK, "signed by a key that was replaced since: hold it against --checkpoint", s.path("case.zip"), "--key", s.path("keys.pub"))
	s.write("raw.pub", first+s.read("keys/sign.pub"))
	bothVerify(s.t, exitOK, "good: "+id, s.path("later.zip"), "--key", s.path("raw.pub"))
	bothVerify(s.t, exitFound, "", s.path("later.zip"), "--key", old)
}

// stamped has an authority stamp the log, and gives its roots.
func (s *site) stamped(reg *registry.Registry) (roots string) {
	s.t.Helper()
	dir, address, _ := newTSA(s.t)
	roots = filepath.Join(dir, "ca.pem")
	s.configure("[[evidence.tsa]]\nname = \"notary\"\nurl = \"" + address + "\"\nroots_file = \"" + roots + "\"\n")
	srv := s.serve()
	defer srv.kill()
	eventually(s.t, "the log is stamped", func() bool {
		one, err := reg.LastStamp(s.t.Context(), "notary")
		return err == nil && one.Size > 0
	})
	return roots
}

// checkpoint keeps one, byte for byte.
func (s *site) checkpoint(name string) {
	s.t.Helper()
	out, err := s.command("evidence", "checkpoint").Output()
	if err != nil {
		s.t.Fatal(err)
	}
	s.write(name, string(out))
}

// contents looks into the pack.
func (s *site) contents(id string, reached map[canary.ID]bool) {
	t := s.t
	t.Helper()
	r, err := zip.OpenReader(s.path("case.zip"))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	files := map[string][]byte{}
	for _, f := range r.File {
		in, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		if files[f.Name], err = io.ReadAll(in); err != nil {
			t.Fatal(err)
		}
	}
	var whole []byte
	for _, b := range files {
		whole = append(whole, b...)
	}
	for _, p := range s.plantings(s.open()) {
		if reached[p.ID] {
			continue
		}
		for _, tok := range p.Tokens {
			if bytes.Contains(whole, []byte(tok.Text)) {
				t.Errorf("%s of a canary that was not reached is in the pack", tok.Token)
			}
		}
		if bytes.Contains(whole, []byte(p.ID)) {
			t.Errorf("%s was not reached and is in the pack", p.ID)
		}
	}
	for _, other := range []string{"elsewhere-7", "someoneelse"} {
		if bytes.Contains(files["trace.json"], []byte(other)) || bytes.Contains(files["report.html"], []byte(other)) {
			t.Errorf("%s has nothing to do with it and is in the pack", other)
		}
	}
	var told struct {
		Canaries []struct{ ID canary.ID }
		Custody  []canary.Act
		Looks    []packedLooks
	}
	if err := json.Unmarshal(files["incident.json"], &told); err != nil || len(told.Canaries) != len(reached) {
		t.Errorf("%d canaries are told of: %v", len(told.Canaries), err)
	}
	if len(told.Looks) != 1 || told.Looks[0].Times != 3 || told.Looks[0].Who != "noor" {
		t.Errorf("looks: %+v", told.Looks)
	}
	if slices.ContainsFunc(told.Custody, func(a canary.Act) bool { return a.Who == "noor" }) {
		t.Error("looks are in the custody, too")
	}
	for _, what := range []string{"verdict", "reveal", "export", "sent"} {
		if !slices.ContainsFunc(told.Custody, func(a canary.Act) bool { return a.What == what }) {
			t.Errorf("the custody has no %s", what)
		}
	}
	wants(t, string(files["report.html"]), "<svg", id, "Chain of custody", "Canaries that were reached")
	wants(t, string(files["HOW-TO-VERIFY.txt"]), id, "openssl")
	wants(t, string(files["report.pdf"]), "%PDF-1.4", "%%EOF")
	kinds := map[string]int{}
	for name := range files {
		for _, end := range []string{"/raw", "/header.json", "/mail.json", ".note"} {
			if strings.HasSuffix(name, end) {
				kinds[end]++
			}
		}
	}
	if kinds["/raw"] < 3 || kinds["/raw"] != kinds["/header.json"] {
		t.Errorf("files: %v", kinds)
	}
	s.byHand(files)
	for id := range reached {
		name := s.path("one.json")
		if err := os.WriteFile(name, files["canaries/"+string(id)+".json"], 0o600); err != nil {
			t.Fatal(err)
		}
		wants(t, s.run("evidence", "check-disclosure", name, "--key", s.path("key.pub")), "good", string(id))
	}
}

// byHand does what HOW-TO-VERIFY.txt says, with openssl and its like.
func (s *site) byHand(files map[string][]byte) {
	t := s.t
	t.Helper()
	dir := t.TempDir()
	for name, b := range files {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, b, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	var proof pack.Proof
	if err := json.Unmarshal(files["log/proof.json"], &proof); err != nil {
		t.Fatal(err)
	}
	if len(proof.Windows) < 3 {
		t.Errorf("%d windows are proved", len(proof.Windows))
	}
	act, contact, page := proof.Acts[0], proof.Contacts[0], proof.Pages[0]
	list := proof.Lists[slices.IndexFunc(proof.Lists, func(l pack.List) bool { return l.ID == contact.List })]
	// hand runs the lines of a step, which are set in by five.
	hand := func(step, variables string) string {
		t.Helper()
		_, text, found := strings.Cut(string(files["HOW-TO-VERIFY.txt"]), "\n"+step+". ")
		if !found {
			t.Fatalf("there is no step %s", step)
		}
		text, _, _ = strings.Cut(text, "\n\n")
		var script strings.Builder
		script.WriteString("set -euo pipefail\n" + variables + "\n")
		for l := range strings.Lines(text) {
			if c, is := strings.CutPrefix(l, "     "); is {
				script.WriteString(c)
			}
		}
		return tool(t, dir, "bash", "-c", script.String())
	}
	sum := func(name string) string { return fmt.Sprintf("%x", sha256.Sum256(files[name])) }
	said := hand("1", "KEY="+strings.TrimSpace(s.run("evidence", "key")))
	wants(t, said, "Signature Verified Successfully", sum("manifest.json")+"  manifest.json\n"+sum("manifest.json"))
	if said := hand("2", ""); strings.Count(said, sum("report.html")) != 2 {
		t.Errorf("a file by hand: %s", said)
	}
	if said := strings.Fields(hand("4", fmt.Sprintf("SEQ=%d SALT=%s", act.Seq, act.Salt))); len(said) != 2 || said[0] != said[1] {
		t.Errorf("an act by hand: %v", said)
	}
	if said := hand("5", fmt.Sprintf("SEQ=%d LIST=%s", list.Act, list.ID)); strings.Count(said, sum(pack.ListFile(list.ID))) != 2 {
		t.Errorf("a list by hand: %s", said)
	}
	if said := hand("6", "ID="+contact.ID+" SALT="+contact.Salt+" LIST="+contact.List); len(said) != 65 {
		t.Errorf("a contact by hand: %s", said)
	}
	if said := hand("7", "ID="+page.ID+" LIST="+page.List); len(said) != 65 {
		t.Errorf("a page by hand: %s", said)
	}
}

// misuses shows the other exit codes.
func (s *site) misuses(key string) {
	t := s.t
	t.Helper()
	for _, c := range []struct {
		code int
		args []string
	}{
		{exitFailed, []string{s.path("none.zip"), "--key", key}},
		{exitFailed, []string{s.dir, "--key", key}},
		{exitUsage, []string{s.path("case.zip")}},
		{exitUsage, []string{s.path("case.zip"), "--key", "nonsense"}},
		{exitUsage, []string{"--key", key}},
		{exitFound, []string{s.path("key.pub"), "--key", key}},
	} {
		if text, code := thirdParty(t, "", append([]string{"evidence", "verify"}, c.args...)...); code != c.code {
			t.Errorf("%v: exit code %d: %s", c.args, code, text)
		}
	}
}

// tampersWith changes what the registry holds: nothing is exported any more.
func (s *site) tampersWith(id, key string) {
	t := s.t
	t.Helper()
	db := s.sqlite()
	change := func(list ...string) {
		t.Helper()
		for _, q := range list {
			if _, err := db.ExecContext(t.Context(), q); err != nil {
				t.Fatal(err)
			}
		}
	}
	for n, c := range []struct{ do, undo string }{
		{"UPDATE acts SET who = 'mallory' WHERE what = 'verdict'", "UPDATE acts SET who = '" + whoami() + "' WHERE what = 'verdict'"},
		{"UPDATE incidents SET verdict = 'false-alarm' WHERE verdict = 'leak'", "UPDATE incidents SET verdict = 'leak' WHERE verdict = 'false-alarm'"},
		{"UPDATE tree SET hash = '" + strings.Repeat("0", 64) + "' WHERE n = 2", ""},
	} {
		change(c.do)
		out := s.path("bad" + string(rune('a'+n)) + ".zip")
		wants(t, s.fails(exitFailed, "evidence", "export", "--incident", id, out), "nothing is exported", "has been changed")
		if _, err := os.Stat(out); err == nil {
			t.Error("a pack was written")
		}
		if c.undo != "" {
			change(c.undo)
		}
	}
	// A log that was put back and written anew is sound by itself; the checkpoint shows it.
	change("DELETE FROM tree", "DELETE FROM checkpoints")
	s.run("evidence", "export", "--incident", id, s.path("again.zip"))
	bothVerify(t, exitOK, "good", s.path("again.zip"), "--key", key, "--checkpoint", s.path("early.checkpoint"))
	s.checkpoint("later.checkpoint")
	bothVerify(t, exitFound, "checkpoint: it is", s.path("case.zip"), "--key", key, "--checkpoint", s.path("later.checkpoint"))
}
