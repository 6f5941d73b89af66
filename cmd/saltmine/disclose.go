package main

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"saltmine/internal/canary"
	"saltmine/internal/disclosure"
	"saltmine/internal/evidence/stamp"
	"saltmine/internal/people"
)

// disclosed is what disclose prints.
type disclosed struct {
	Canary      canary.ID `json:"canary"`
	File        string    `json:"file"`
	SHA256      string    `json:"sha256"`
	Commitments int       `json:"commitments"`
}

func (a *app) discloseCmd() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "disclose CANARY OUT",
		Short: "Prove of one canary that it was registered when it is said to have been",
		Long: `When canaries and placebos are registered ('plant', 'rotate', 'export-form', 'extracts
release'), the root of a tree over them goes upon the evidence log, with how many there
are. This writes a file that shows one canary's tokens, and that they are under those
roots, and nothing of any other. Who asked is on the evidence log first, with the file's
SHA-256; where a second person has to approve, that is asked for.

'saltmine evidence check-disclosure' reads the file with what 'saltmine evidence key' prints, and
no more.`,
		Example: "  saltmine evidence disclose c_abcdefghijklmnop canary.json",
		Args:    cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withCore(cmd.Context(), func(c *core) error {
				return a.disclose(cmd.Context(), c, canary.ID(args[0]), args[1], asked(cmd, args, people.Forensics))
			})
		},
	}
	a.tokenFlag(cmd)
	return cmd
}

func (a *app) disclose(ctx context.Context, c *core, id canary.ID, out string, q request) error {
	if _, err := c.reg.MakeCheckpoint(ctx, c.key()); err != nil { // so that every commitment is in one
		return err
	}
	shown, err := c.reg.Commitments(ctx, id)
	if err != nil {
		return err
	}
	file, err := disclosure.New(id, shown, c.keys.Signer, c.keys.Signer.Past()...)
	if err != nil {
		return err
	}
	by, err := a.may(ctx, c, q)
	if err != nil {
		return err
	}
	if _, err := os.Lstat(out); !errors.Is(err, fs.ErrNotExist) {
		return usage("%s is already there and is not overwritten", out)
	}
	if err := c.reg.Reveal(ctx, by, id); err != nil {
		return err
	}
	d := disclosed{id, out, fmt.Sprintf("%x", sha256.Sum256(file)), len(shown)}
	if err := c.reg.Record(ctx, canary.Act{Who: by.Who, Via: by.Via, What: canary.ActDisclose, About: string(id), Outcome: "sha256 " + d.SHA256}); err != nil {
		return err
	}
	if err := writeNew(out, string(file)); err != nil {
		return fmt.Errorf("disclose: %w", err)
	}
	return a.print(d, func(w io.Writer) error {
		_, err := fmt.Fprintf(w, "made %s: %s in %d commitments (sha256 %s)\nwhoever has the output of 'saltmine evidence key', by another way, checks it: saltmine evidence check-disclosure %s --key saltmine.pub\n", d.File, d.Canary, d.Commitments, d.SHA256, d.File)
		return err
	})
}

// checkedDisclosure is what check-disclosure prints.
type checkedDisclosure struct {
	Good   bool                `json:"good"`
	Fault  string              `json:"fault,omitempty"`
	Proved []disclosure.Proved `json:"proved,omitempty"`
}

func (a *app) checkDisclosureCmd() *cobra.Command {
	var key, roots string
	var witnesses []string
	cmd := &cobra.Command{
		Use:   "check-disclosure FILE",
		Short: "Check what 'evidence disclose' wrote, with the public key alone",
		Long: `Reads a disclosure and tells what it proves: which tokens of the canary were
registered, and with how many other canaries and placebos. It needs no registry and no
configuration, only what 'saltmine evidence key' prints, or a file of it. The line of sign.pub
does as long as the key was never replaced: the log is named after its first key. Exit code 3
when the file is not as it was made, with what is wrong first; 2 when the keys are of another log.

The time of each registration is that of the act on the evidence log, which is the core's
own word; what proves it are checkpoints of the log that others have stamped or cosigned,
where the file has some. Those of time stamping authorities are verified with --roots, those of
witnesses with --witness.`,
		Example: "  saltmine evidence check-disclosure canary.json --key saltmine.pub",
		Args:    cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			keys, err := publicKeys(key)
			if err != nil {
				return err
			}
			by, err := outsiders(roots, witnesses)
			if err != nil {
				return err
			}
			return a.checkDisclosure(args[0], keys, by)
		},
	}
	cmd.Flags().StringVar(&key, "key", "", "the core's public `KEY`, as 'evidence key' prints it, or a file of it")
	cmd.Flags().StringVar(&roots, "roots", "", "`FILE` (PEM) with the roots of time stamping authorities")
	cmd.Flags().StringArrayVar(&witnesses, "witness", nil, "`KEY` of a witness, NAME+HASH+BASE64; may be repeated")
	return cmd
}

// outsiders are with what the word of others is verified.
func outsiders(roots string, witnesses []string) (by disclosure.Outside, err error) {
	if by.Roots, err = rootsOf(roots); err != nil {
		return by, &exitError{exitUsage, err}
	}
	for _, text := range witnesses {
		w, err := stamp.ParseCosigner(text)
		if err != nil {
			return by, usage("--witness: %w", err)
		}
		by.Witnesses = append(by.Witnesses, w)
	}
	return by, nil
}

// publicKeys reads keys from the file of that name, or from the text itself: one a line,
// the first first; the last is that of now.
func publicKeys(arg string) ([]ed25519.PublicKey, error) {
	if arg == "" {
		return nil, usage("--key is wanted: what 'saltmine evidence key' prints, from whom you trust")
	}
	text, err := os.ReadFile(arg) // the operator names the file
	if errors.Is(err, fs.ErrNotExist) {
		text, err = []byte(arg), nil
	}
	if err != nil {
		return nil, usage("--key: %w", err)
	}
	var keys []ed25519.PublicKey
	for line := range strings.FieldsSeq(string(text)) {
		raw, err := rawKey(line)
		if err != nil {
			return nil, err
		}
		keys = append(keys, raw)
	}
	if len(keys) == 0 {
		return nil, usage("--key: there is none")
	}
	return keys, nil
}

func rawKey(line string) (ed25519.PublicKey, error) {
	if parts := strings.Split(line, "+"); strings.HasPrefix(line, "saltmine/") && len(parts) > 2 { // as 'evidence key' prints it
		raw, err := base64.StdEncoding.DecodeString(strings.Join(parts[2:], "+"))
		if err == nil && len(raw) == 1+ed25519.PublicKeySize {
			return raw[1:], nil
		}
	}
	raw, err := base64.StdEncoding.DecodeString(line)
	if err != nil || len(raw) != ed25519.PublicKeySize {
		return nil, usage("--key: want a file, or text, of 32 bytes in base64")
	}
	return raw, nil
}

// maxDisclosure bounds a file that is read: a canary that has changed its address each
// day for ten years is smaller.
const maxDisclosure = 64 << 20

func (a *app) checkDisclosure(path string, keys []ed25519.PublicKey, by disclosure.Outside) error {
	f, err := os.Open(path) // the operator names the file
	if err != nil {
		return err
	}
	defer f.Close() //nolint:errcheck // it was only read
	file, err := io.ReadAll(io.LimitReader(f, maxDisclosure))
	if err != nil {
		return err
	}
	proved, err := disclosure.Check(file, by, keys[len(keys)-1], keys[:len(keys)-1]...)
	if errors.Is(err, disclosure.ErrLog) {
		return usage("--key: %w", err)
	}
	if err != nil && !errors.Is(err, disclosure.ErrFalse) {
		return err
	}
	out := checkedDisclosure{Good: err == nil, Proved: proved}
	if err != nil {
		out.Fault = err.Error()
	}
	if err := a.print(out, func(w io.Writer) error { return lines(w, provedLines(&out)) }); err != nil {
		return err
	}
	if !out.Good {
		return &exitError{code: exitFound}
	}
	return nil
}

func provedLines(c *checkedDisclosure) []string {
	if !c.Good {
		return []string{c.Fault}
	}
	out := []string{"good: every leaf is under its root, and all of it is signed by this key"}
	for i := range c.Proved {
		p := &c.Proved[i]
		out = append(out, fmt.Sprintf("act %d, %s: %s in %s was registered (%s)", p.Act.Seq, p.Act.At.UTC().Format(time.RFC3339), p.Leaf.Canary, p.Leaf.Place, p.Statement))
		for _, t := range p.Leaf.Tokens {
			out = append(out, fmt.Sprintf("  %-6s  %s  %s", t.Kind, t.ID, t.Text))
		}
		for _, said := range p.Log {
			out = append(out, "  "+said)
		}
	}
	return out
}
