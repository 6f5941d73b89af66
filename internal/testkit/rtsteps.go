package testkit

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// RTStep is one thing done in Request Tracker through its own API, by a
// customer's mail or by an agent at his page.
type RTStep struct {
	// Do is what is done: "mail" by a customer, which opens a ticket or answers
	// in one; "user", "edit", "open", "reply", "comment" and "set" by an agent.
	Do string `json:"do"`
	At int64  `json:"at,omitempty"` // Unix seconds that RT takes for the time; 0 is the machine's time
	By string `json:"by,omitempty"` // an agent's login
	// Key names a ticket: its id in digits, or any name that an earlier step
	// of the same call gave it ("mail" and "open").
	Key    string  `json:"key,omitempty"`
	From   string  `json:"from,omitempty"` // the customer's address: the sender, the requestor, the user to edit
	Name   string  `json:"name,omitempty"` // of a sender
	Queue  string  `json:"queue,omitempty"`
	Title  string  `json:"subject,omitempty"`
	Text   string  `json:"body,omitempty"`  // plain in a mail, HTML from an agent
	Quote  bool    `json:"quote,omitempty"` // a reply begins with the customer's own words
	Attach *RTFile `json:"attach,omitempty"`
	// Fields are columns of Users ("user", "edit") or of Tickets ("set").
	Fields map[string]string `json:"fields,omitempty"`
}

// RTFile is an attachment.
type RTFile struct {
	Name string `json:"name"`
	Type string `json:"type"`
	Data []byte `json:"data"`
}

// Do does the steps one after the other and returns the id of the ticket, or
// of the user, that each was about.
func (r *RT) Do(tb testing.TB, steps ...RTStep) []int64 {
	tb.Helper()
	ids, err := r.kit.do(tb.Context(), steps)
	if err != nil {
		tb.Fatal(err)
	}
	return ids
}

func (k rtKit) do(ctx context.Context, steps []RTStep) ([]int64, error) {
	var in, out, said bytes.Buffer
	write := json.NewEncoder(&in)
	for i := range steps {
		if err := write.Encode(&steps[i]); err != nil {
			return nil, fmt.Errorf("rt: step %d: %w", i, err)
		}
	}
	cmd := k.command(ctx, perl, filepath.Join(k.dir, "steps.pl"))
	cmd.Env = append(cmd.Env, "SB_PREFER_BIND=0") // saves RT's parsing its own SQL; the rows are the same
	cmd.Stdin, cmd.Stdout, cmd.Stderr = &in, &out, &said
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("rt: steps: %w\n%s", err, lastLines(said.String()))
	}
	var ids []int64
	for scan := bufio.NewScanner(&out); scan.Scan(); {
		var did struct{ ID int64 }
		if err := json.Unmarshal(scan.Bytes(), &did); err != nil {
			return nil, fmt.Errorf("rt: step %d answered %q: %w", len(ids), scan.Text(), err)
		}
		ids = append(ids, did.ID)
	}
	if len(ids) != len(steps) {
		return nil, fmt.Errorf("rt: %d of %d steps answered\n%s", len(ids), len(steps), lastLines(said.String()))
	}
	return ids, nil
}

func lastLines(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-10):], "\n")
}

// setUp makes the tables and RT's own rows in the empty database.
func (k rtKit) setUp(ctx context.Context) error {
	program, err := findRT("rt-setup-database-5")
	if err != nil {
		return err
	}
	return finish(k.command(ctx, program, "--action", "init", "--skip-create", "--root-password-file", filepath.Join(k.dir, "root.txt")))
}

func finish(cmd *exec.Cmd) error {
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("rt: %s: %w\n%s", filepath.Base(cmd.Path), err, lastLines(string(out)))
	}
	return nil
}
