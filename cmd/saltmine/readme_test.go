package main

import (
	"io"
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestReadmeCommands takes every saltmine line of the README and asks the
// command line whether it would understand it.
func TestReadmeCommands(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for line := range strings.SplitSeq(string(text), "\n") {
		line, ok := strings.CutPrefix(line, "$ saltmine ")
		if !ok {
			continue
		}
		found++
		line, _, _ = strings.Cut(line, " #")
		understands(t, strings.Fields(line))
	}
	if found < 10 {
		t.Errorf("only %d lines were found", found)
	}
}

// TestReadmeTable wants the README's table to name every command there is.
func TestReadmeTable(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range newRoot(nil, io.Discard, io.Discard).Commands() {
		if name := c.Name(); name != "completion" && !regexp.MustCompile("(?m)^\\|.*`"+name+"[ `]").Match(text) {
			t.Errorf("the README's table does not name %s", name)
		}
	}
}

func understands(t *testing.T, args []string) {
	t.Helper()
	root := newRoot(nil, io.Discard, io.Discard)
	cmd, rest, err := root.Find(args)
	if err != nil || cmd == root {
		t.Errorf("saltmine %s: %v", strings.Join(args, " "), err)
		return
	}
	if err := cmd.ParseFlags(rest); err != nil {
		t.Errorf("saltmine %s: %v", strings.Join(args, " "), err)
		return
	}
	if err := cmd.ValidateArgs(cmd.Flags().Args()); err != nil {
		t.Errorf("saltmine %s: %v", strings.Join(args, " "), err)
	}
}
