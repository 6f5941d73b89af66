package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"saltmine/internal/evidence"
	"saltmine/internal/evidence/pack"
)

// verifiedPack is what verify prints.
type verifiedPack struct {
	Good  bool           `json:"good"`
	Where string         `json:"where,omitempty"` // of the first fault
	Fault string         `json:"fault,omitempty"`
	Pack  *pack.Verified `json:"pack,omitempty"`
}

func (a *app) verifyPackCmd() *cobra.Command {
	var key, outside string
	cmd := &cobra.Command{
		Use:   "verify PACK.zip",
		Short: "Verify an evidence pack with the public key alone",
		Long: `Reads a pack that 'saltmine evidence export' wrote and checks every byte of it: the
archive's form, the signature on the manifest, each file's SHA-256, that the contacts,
pages and acts in it are leaves of the log, and that the log is the one that was signed.
It needs no configuration and no registry. --key is what 'saltmine evidence key' prints,
or a file of it; have it from the log's owner, not from who gave you the pack.

--checkpoint is a checkpoint of the log that somebody else has kept: the log of the pack
must begin with it, or it was changed, cut, filled or reordered since, by whoever has the
key.

Exit code 0 when all is good, 3 with the first fault, 1 when it could not be read, 2 for
wrong use. configs/verify.py does the same with nothing but Python.`,
		Example: "  saltmine evidence verify case.zip --key saltmine.pub\n  saltmine evidence verify case.zip --key saltmine.pub --checkpoint friday.checkpoint",
		Args:    cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			v, err := readVerifier(key)
			if err != nil {
				return err
			}
			o := pack.Options{Key: v}
			if outside != "" {
				b, err := os.ReadFile(outside) // the operator names the file
				if err != nil {
					return fmt.Errorf("--checkpoint: %w", err)
				}
				// Mail programs change the ends of lines.
				o.Outside = append(bytes.TrimSpace(bytes.ReplaceAll(b, []byte("\r\n"), []byte("\n"))), '\n')
			}
			return a.verifyPack(args[0], o)
		},
	}
	cmd.Flags().StringVar(&key, "key", "", "the log's public `KEY`, or a file of it")
	cmd.Flags().StringVar(&outside, "checkpoint", "", "`FILE` with a checkpoint of the log that was kept elsewhere")
	return cmd
}

func readVerifier(arg string) (*evidence.Verifier, error) {
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
	v, err := evidence.ParseVerifier(string(text))
	if err != nil {
		return nil, usage("--key: %w", err)
	}
	return v, nil
}

func (a *app) verifyPack(path string, o pack.Options) error {
	f, err := os.Open(filepath.Clean(path))
	if err != nil {
		return err
	}
	defer f.Close() //nolint:errcheck // it was only read
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s is not a file", path)
	}
	out := verifiedPack{}
	out.Pack, err = pack.Verify(f, info.Size(), o)
	fault, found := errors.AsType[*pack.Fault](err)
	if err != nil && !found {
		return fmt.Errorf("%s: %w", path, err)
	}
	if out.Good = err == nil; found {
		out.Where, out.Fault = fault.Where, fault.What
	}
	if err := a.print(out, out.text); err != nil {
		return err
	}
	if !out.Good {
		return &exitError{code: exitFound}
	}
	return nil
}

func (v *verifiedPack) text(w io.Writer) error {
	b := bufio.NewWriter(w)
	if !v.Good {
		fmt.Fprintf(b, "fault: %s: %s\n", v.Where, v.Fault) //nolint:errcheck // Flush tells
		return b.Flush()
	}
	m := &v.Pack.Manifest
	fmt.Fprintf(b, "good: %s, made at %s from the log %s, signed by its key\n%d contacts and %d pages are as they were filed; %d acts are shown of %d\n", //nolint:errcheck // as above
		m.Incident, m.At.Format(time.RFC3339), m.Log, v.Pack.Contacts, v.Pack.Pages, v.Pack.Acts, m.Acts)
	if v.Pack.Outside > 0 {
		fmt.Fprintf(b, "the log begins with the %d acts of the checkpoint from outside\n", v.Pack.Outside) //nolint:errcheck // as above
	}
	return b.Flush()
}
