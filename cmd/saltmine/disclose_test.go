package main

import (
	"os"
	"strings"
	"testing"
)

// TestDisclose plants, rotates one canary, and shows it to a third party, who has the
// public key alone: the others stay hidden, and no changed byte passes.
func TestDisclose(t *testing.T) {
	t.Parallel()
	s, reg, all := planted(t, 6)
	one := all[0]
	out, key := s.path("one.json"), s.path("keys/sign.pub")
	wants(t, s.run("evidence", "disclose", string(one.id), out), "made "+out, "sha256")
	file, old := s.read("one.json"), s.read("keys/sign.pub")
	for _, p := range s.plantings(reg) {
		for _, token := range p.Tokens {
			if shown := strings.Contains(file, token.Text); shown != (p.ID == one.id) {
				t.Errorf("%s of %s is shown: %v", token.Token, p.ID, shown)
			}
		}
	}
	third := func(args ...string) (string, int) { // no configuration, another folder
		cmd := command(t, append([]string{"evidence", "check-disclosure"}, args...)...)
		cmd.Dir = t.TempDir()
		text, _ := cmd.CombinedOutput()
		return string(text), cmd.ProcessState.ExitCode()
	}
	text, code := third(out, "--key", key)
	if wants(t, text, "good", one.email, "canaries=6", "email=", "in the checkpoint of "); code != exitOK {
		t.Errorf("exit code %d", code)
	}
	if text, code = third(out, "--key", strings.TrimSpace(s.read("keys/sign.pub")), "--output", "json"); code != exitOK || !strings.Contains(text, `"good": true`) {
		t.Errorf("%d: %s", code, text)
	}
	s.write("changed.json", strings.Replace(file, "canaries=6", "canaries=7", 1))
	if text, code = third(s.path("changed.json"), "--key", key); code != exitFound || !strings.Contains(text, "not as it was made") {
		t.Errorf("changed: %d: %s", code, text)
	}
	if text, code = third(out); code != exitUsage {
		t.Errorf("without a key: %d: %s", code, text)
	}
	if text, code = third(out, "--key", s.path("keys/core.pub")); code != exitFound {
		t.Errorf("another key: %d: %s", code, text)
	}
	wants(t, s.run("acts", "--about", string(one.id)), "reveal", "disclose", "sha256")
	// The key is replaced: the log is still named after the first.
	s.run("keys", "rotate", "sign")
	wants(t, s.run("evidence", "disclose", string(one.id), s.path("later.json")), "evidence key")
	s.write("keys.pub", s.run("evidence", "key"))
	if text, code = third(s.path("later.json"), "--key", s.path("keys.pub")); code != exitOK {
		t.Errorf("after the key was replaced: %d: %s", code, text)
	}
	if text, code = third(s.path("later.json"), "--key", key); code != exitUsage {
		t.Errorf("by the key of now alone: %d", code)
	}
	wants(t, text, "the checkpoint is of log \"saltmine/", "give every line that 'saltmine evidence key' prints")
	s.write("raw.pub", old+s.read("keys/sign.pub"))
	if text, code = third(s.path("later.json"), "--key", s.path("raw.pub")); code != exitOK {
		t.Errorf("by the lines of sign.pub, the first first: %d: %s", code, text)
	}
	wants(t, s.run("acts", "--verify"), "whole")
	wants(t, s.fails(exitUsage, "evidence", "disclose", string(one.id), out), "not overwritten")
	wants(t, s.fails(exitFailed, "evidence", "disclose", "c_nobody", s.path("other.json")), "not in the registry")
	if _, err := os.Stat(s.path("other.json")); err == nil {
		t.Error("a file was made of nobody")
	}
}
