package conf_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"saltmine/internal/conf"
)

func TestAddAgent(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "agents.txt")
	hash := "sha256:" + strings.Repeat("ab", 32)
	if err := conf.AddAgent(path, "ann", hash); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("%v, %v", info, err)
	}
	// The end of a line that a person forgot.
	old, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, append(old, "bob 0123456789abcdef"...), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := conf.AddAgent(path, "cat", hash[:len(hash)-1]+"c"); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"ann": "named twice", "d e": "name is not", "": "name is not", "x\ny": "name is not"} {
		if err := conf.AddAgent(path, name, hash[:len(hash)-1]+"d"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", name, err)
		}
	}
	list, err := conf.Agents(path)
	if err != nil || len(list) != 3 || list[0].Name != "ann" || list[1].Name != "bob" || list[2].Token.Reveal() != hash[:len(hash)-1]+"c" {
		t.Errorf("%v, %v", list, err)
	}
}

func TestPeople(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "people.txt")
	hash := "sha256:" + strings.Repeat("ab", 31)
	if err := conf.AddAgent(path, "ops", hash+"01", "responder", "auditor"); err != nil {
		t.Fatal(err)
	}
	if err := conf.AddAgent(path, "sue", hash+"02", "seeder"); err != nil {
		t.Fatal(err)
	}
	if err := conf.AddAgent(path, "tim", hash+"03", "root"); err == nil || !strings.Contains(err.Error(), `role "root" is none of responder, seeder, forensics, auditor`) {
		t.Errorf("unknown role: %v", err)
	}
	list, err := conf.People(path)
	if err != nil || len(list) != 2 || strings.Join(list[0].Roles, " ") != "responder auditor" || list[1].Name != "sue" {
		t.Errorf("%v, %v", list, err)
	}
	if _, err := conf.Agents(path); err == nil { // a person is no agent
		t.Error("a people file is taken for an agents file")
	}
	file := filepath.Join(filepath.Dir(path), "saltmine.toml")
	if err := os.WriteFile(file, []byte("[api]\nlisten = \"127.0.0.1:0\"\npeople_file = \"people.txt\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := conf.Load(file)
	if err != nil {
		t.Fatal(err)
	}
	if len(c.API.People) != 2 {
		t.Errorf("%d people", len(c.API.People))
	}
}

func TestRatesOfAgents(t *testing.T) {
	t.Parallel()
	for lines, want := range map[string]string{"per_minute = 0": "ticket.per_minute: 0 is not between 1 and 10000", "burst = 10001": "ticket.burst: 10001 is not between"} {
		_, err := conf.Parse([]byte("[ticket]\nlisten = \"127.0.0.1:0\"\n"+lines+"\n"), "saltmine.toml", t.TempDir())
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", lines, err)
		}
	}
}

// FuzzAgents reads any file: no fault shows a token, and who was added is found.
func FuzzAgents(f *testing.F) {
	f.Add("j.doe 5f0c6f0e2b8a47d1\n# x\n", "ann", "responder")
	f.Add("j.doe sha256:00 responder,auditor", "j.doe", "seeder")
	f.Add("a\x00b 0123456789abcdef\n\n\tb 0123456789abcdeg", "b\n", "")
	f.Fuzz(func(t *testing.T, text, name, role string) {
		path := filepath.Join(t.TempDir(), "agents.txt")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		const hash = "sha256:abababababababababababababababababababababababababababababababab"
		var roles []string
		read := conf.Agents
		if role != "" {
			roles, read = []string{role}, conf.People
		}
		if conf.AddAgent(path, name, hash, roles...) != nil {
			return
		}
		list, err := read(path)
		if err != nil || len(list) == 0 || list[len(list)-1].Name != name {
			t.Errorf("%d agents, %v", len(list), err)
		}
	})
}
