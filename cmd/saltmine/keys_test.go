package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/registry"
)

// acceptAll has an ear take every name.
func acceptAll() string {
	return "[pool.accept]\n\"" + strings.Join(testDomains(), "\" = \"all\"\n\"") + "\" = \"all\"\n"
}

func (s *site) keyList() (l keyList) {
	s.t.Helper()
	if err := json.Unmarshal([]byte(s.run("--output", "json", "keys", "list")), &l); err != nil {
		s.t.Fatal(err)
	}
	return l
}

// planted registers canaries and gives their addresses.
func (s *site) planted() (*registry.Registry, []canary.DatedToken) {
	s.t.Helper()
	reg := s.open()
	register(s.t, reg)
	tokens, err := reg.PlantedTokens(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	return reg, tokens
}

// TestKeysRotate replaces every key while serve hears mails and files them: nothing
// is missed, and what was sealed, signed, noted and linked before stays so.
func TestKeysRotate(t *testing.T) {
	t.Parallel()
	s := bareSite(t, acceptAll()+"[[witness]]\nkind = \"file\"\npath = \"heads\"\n")
	reg, tokens := s.planted()
	first := strings.TrimSpace(s.run("evidence", "key"))
	s.run("evidence", "checkpoint")
	srv := s.serve()
	l := s.load(srv.addrs["smtp"], tokens)
	eventually(t, "contacts come in, and the witness is told", func() bool {
		b, err := os.ReadFile(s.path("heads"))
		return err == nil && len(b) > 0 && len(l.acknowledged()) > 20
	})
	before, err := reg.ActsHead(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	wants(t, s.run("keys", "rotate", "master", "core", "sign", "--dry-run"), "would replace master.key and seal", "would replace core.key", "would replace sign.key")
	if k := s.keyList(); k.Master != 0 || k.OldFields != 0 || k.CoreOld != 0 {
		t.Errorf("a dry run: %+v", k)
	}
	for range 2 {
		wants(t, s.run("keys", "rotate", "master", "core", "sign"), "replaced master.key", "sealed anew", "replaced core.key", "replaced sign.key", "saltmine backup --keys")
		some := len(l.acknowledged())
		eventually(t, "contacts come in afterwards", func() bool { return len(l.acknowledged()) > some+20 })
	}
	s.run("evidence", "checkpoint")
	l.end()
	tries := triesOf(l.acknowledged())
	eventually(t, "everything that was acknowledged is filed", func() bool { return len(s.marks(reg, tries)) == len(tries) })
	for mark, n := range s.marks(reg, tries) {
		if n != 1 {
			t.Errorf("%s is recorded %d times", mark, n)
		}
	}
	k := s.keyList()
	if k.Master != 2 || k.CoreOld != 2 || len(k.SignPast) != 2 || k.Verifiers[0] != first {
		t.Errorf("%+v, the first was %s", k, first)
	}
	now := strings.Fields(s.run("evidence", "key"))
	if len(now) != 3 || now[0] != first || now[2] == first || strings.Split(now[2], "+")[0] != strings.Split(first, "+")[0] {
		t.Errorf("the log's key was %s, and they are %v: others of the same log are wanted", first, now)
	}
	wants(t, s.run("acts", "--verify", "--noted", before.String(), "--against", s.path("heads")), "whole, up to")
	wants(t, s.run("acts"), "keys  master  replaced, ", "keys  sign  begun")
	srv.kill()
	srv = s.serve()
	if !sendMarked(t.Context(), srv.addrs["smtp"], tokens[0].Text, "markafterz") {
		t.Fatal("no mail is taken afterwards")
	}
	eventually(t, "it is filed", func() bool { return s.marks(reg, triesOf([]string{"markafterz"}))["markafterz"] == 1 })
	if strings.Contains(srv.log.String(), "level=ERROR") {
		t.Error(srv.log)
	}
}

// TestKillKeysRotate kills rotations at random moments: everything opens at each of
// them, and the next one goes on.
func TestKillKeysRotate(t *testing.T) {
	t.Parallel()
	s := bareSite(t, "")
	reg, tokens := s.planted()
	var more []canary.Planting
	for i := range 400 {
		id := canary.ID(canary.NewID("c"))
		more = append(more, canary.Planting{ID: id, State: canary.Verified, Batch: "b", Place: "db:main", Name: "Tom Moorcroft", Rows: []byte("row"), Tokens: []canary.DatedToken{{
			Token:  canary.Token{ID: canary.TokenID(canary.NewID("t")), Kind: canary.Email, Role: canary.RolePlanted, Canary: id, Text: fmt.Sprintf("tom%d@%s", i, testDomains()[0])},
			Window: canary.Window{Place: "db:main", From: canary.At(time.Now().UTC())},
		}}})
	}
	if err := reg.Intend(t.Context(), more); err != nil {
		t.Fatal(err)
	}
	killed := 0
	for range 14 {
		killed += killAfter(s.command("keys", "rotate", "master", "core", "sign"), time.Duration(rand.IntN(400))*time.Millisecond)
		wants(t, s.run("acts", "--verify"), "whole, up to")
		again, err := s.open().PlantedTokens(t.Context())
		if err != nil || len(again) != len(more)+len(tokens) {
			t.Fatalf("%d tokens, %v", len(again), err)
		}
	}
	if killed < 7 {
		t.Errorf("only %d were killed", killed)
	}
	s.run("keys", "rotate", "master")
	if k := s.keyList(); k.OldFields != 0 || k.Master == 0 {
		t.Errorf("%+v", k)
	}
	for _, name := range []string{"master.key", "core.key", "sign.key", "core.pub", "sign.pub"} {
		if info, err := os.Stat(s.path("keys/" + name)); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
}

func TestKeysRotateRefuses(t *testing.T) {
	t.Parallel()
	s := bareSite(t, "")
	was := s.read("keys/accept.key")
	wants(t, s.fails(exitUsage, "keys", "rotate", "accept"), "the names of planted canaries were chosen to pass it")
	wants(t, s.fails(exitUsage, "keys", "rotate", "index"), "there is no key")
	wants(t, s.fails(exitUsage, "keys", "rotate", "tls"), "saltmine edge enroll")
	wants(t, s.fails(exitUsage, "keys", "rotate", "core", "--finish"), "with tls alone")
	if s.read("keys/accept.key") != was {
		t.Error("the key of the acceptance rule is another one")
	}
	s.run("agent", "d.ops", "--file", s.path("people.txt"), "--role", "responder,auditor")
	s.run("agent", "f.law", "--file", s.path("people.txt"), "--role", "forensics")
	people := s.read("people.txt")
	token := strings.TrimSpace(s.run("agent", "d.ops", "--file", s.path("people.txt"), "--replace"))
	now := s.read("people.txt")
	line := func(text, name string) string {
		_, rest, _ := strings.Cut(text, name+" ")
		line, _, _ := strings.Cut(rest, "\n")
		return line
	}
	if line(people, "f.law") != line(now, "f.law") || line(people, "d.ops") == line(now, "d.ops") || !strings.HasSuffix(line(now, "d.ops"), " responder,auditor") || strings.Contains(now, token) {
		t.Errorf("before:\n%s\nnow:\n%s", people, now)
	}
	wants(t, s.fails(exitFailed, "agent", "nobody", "--file", s.path("people.txt"), "--replace"), "is not in it")
}

// TestKeysRotateTLS replaces the core's certificate and the key that an edge seals to.
func TestKeysRotateTLS(t *testing.T) {
	t.Parallel()
	s := bareSite(t, acceptAll())
	reg, tokens := s.planted()
	e := s.enrollEdge()
	edge := e.start("edge")
	wants(t, s.run("keys", "rotate", "tls"), "made "+s.path("keys/edges/core-next.crt"))
	wants(t, s.fails(exitFailed, "keys", "rotate", "tls", "--finish"), "does not let the new certificate in")
	edge.kill()
	e.write("keys/core.crt", e.read("keys/core.crt")+s.read("keys/edges/core-next.crt"))
	edge = e.start("edge")
	sends := func(edge *running, mark string) {
		t.Helper()
		if !sendMarked(t.Context(), edge.addrs["smtp"], tokens[0].Text, mark) {
			t.Fatalf("%s was not taken", mark)
		}
	}
	sends(edge, "markoneaz")
	old := s.read("keys/edges/core.crt")
	wants(t, s.run("keys", "rotate", "tls", "--finish"), "the core has the new certificate")
	wants(t, s.run("keys", "rotate", "core"), "on the edge")
	if s.read("keys/edges/core.crt") == old {
		t.Error("the core has its old certificate")
	}
	srv := s.serve()
	sends(edge, "marktwoaz") // sealed to the old key
	filed := func(marks ...string) {
		t.Helper()
		eventually(t, "the core has what the edge heard", func() bool { return len(s.marks(reg, triesOf(marks))) == len(marks) })
	}
	filed("markoneaz", "marktwoaz")
	edge.kill()
	if err := os.Rename(filepath.Join(e.dir, "keys", "core.pub"), filepath.Join(e.dir, "old.pub")); err != nil {
		t.Fatal(err)
	}
	e.write("keys/core.pub", strings.TrimSpace(s.read("keys/core.pub")))
	e.write("keys/core.crt", strings.TrimSpace(s.read("keys/edges/core.crt")))
	edge = e.start("edge")
	sends(edge, "markthreeaz") // sealed to the new one
	filed("markoneaz", "marktwoaz", "markthreeaz")
	srv.kill()
	edge.kill()
}
