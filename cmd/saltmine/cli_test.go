package main

import (
	"cmp"
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestScripts runs testdata/*.txtar: what a user types and sees.
func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(env *testscript.Env) error {
			bin := filepath.Join(env.WorkDir, ".bin")
			if err := os.Mkdir(bin, 0o700); err != nil {
				return err
			}
			env.Setenv("PATH", bin+string(filepath.ListSeparator)+env.Getenv("PATH"))
			return os.Symlink(program, filepath.Join(bin, "saltmine"))
		},
		Cmds:                map[string]func(*testscript.TestScript, bool, []string){"exits": exits, "isjson": isJSON, "chmods": chmods},
		RequireExplicitExec: true,
	})
}

// exits runs a command that must end with a code: exits 2 saltmine plant
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND ARGS…")
	}
	want, err := strconv.Atoi(args[0])
	if err != nil {
		ts.Fatalf("exits: %v", err)
	}
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		exit, ok := err.(interface{ ExitCode() int })
		if !ok {
			ts.Fatalf("%v", err)
		}
		got = exit.ExitCode()
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
	if strings.Contains(ts.ReadFile("stdout")+ts.ReadFile("stderr"), "\x1b") {
		ts.Fatalf("it paints where there is no terminal")
	}
}

// isJSON checks that a file, or stdout, is one JSON value.
func isJSON(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: isjson FILE")
	}
	if text := ts.ReadFile(args[0]); !json.Valid([]byte(text)) {
		ts.Fatalf("no JSON: %q", text)
	}
}

// chmods changes a mode: chmods 644 FILE
func chmods(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: chmods MODE FILE")
	}
	mode, err := strconv.ParseUint(args[0], 8, 9)
	if err == nil {
		err = os.Chmod(ts.MkAbs(args[1]), os.FileMode(mode))
	}
	if err != nil {
		ts.Fatalf("chmods: %v", err)
	}
}

// TestHelp asks every command for help: it says what it is for and shows
// examples that the command line itself accepts.
func TestHelp(t *testing.T) {
	t.Parallel()
	root := newRoot(strings.NewReader(""), t.Output(), t.Output())
	seen := 0
	commands := root.Commands()
	for i := 0; i < len(commands); i++ {
		c := commands[i]
		commands = append(commands, c.Commands()...)
		if c.Name() == "help" || c.Name() == "completion" || c.Parent().Name() == "completion" {
			continue
		}
		if c.Short == "" || !strings.Contains(c.Example, c.CommandPath()) {
			t.Errorf("%s has no example, or no description", c.CommandPath())
		}
		for line := range strings.Lines(c.Example) {
			for part := range strings.SplitSeq(line, " && ") {
				checkExample(t, part)
			}
		}
		seen++
	}
	if seen < 15 {
		t.Errorf("only %d commands were looked at", seen)
	}
}

// checkExample parses an example line of a help text without running it.
func checkExample(t *testing.T, line string) {
	t.Helper()
	_, after, _ := strings.Cut(" "+line, "| ") // zcat … | saltmine …
	line, ok := strings.CutPrefix(strings.TrimSpace(cmp.Or(after, line)), "saltmine ")
	if !ok {
		return
	}
	var args []string
	for i, part := range strings.Split(line, "'") {
		if i%2 == 1 {
			args = append(args, part) // quoted
			continue
		}
		args = append(args, strings.Fields(part)...)
	}
	root := newRoot(strings.NewReader(""), t.Output(), t.Output())
	cmd, rest, err := root.Find(args)
	if err != nil || cmd == root {
		t.Errorf("example %q: %v", line, err)
		return
	}
	if err := cmd.ParseFlags(rest); err != nil {
		t.Errorf("example %q: %v", line, err)
	}
	if cmd.Args != nil {
		if err := cmd.Args(cmd, cmd.Flags().Args()); err != nil {
			t.Errorf("example %q: %v", line, err)
		}
	}
}
