package main

import (
	"bufio"
	"bytes"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"saltmine/internal/disclosure"
	"saltmine/internal/evidence"
	"saltmine/internal/evidence/pack"
	"saltmine/internal/evidence/stamp"
)

// verifiedPack is what verify prints.
type verifiedPack struct {
	Good  bool           `json:"good"`
	Where string         `json:"where,omitempty"` // of the first fault
	Fault string         `json:"fault,omitempty"`
	Pack  *pack.Verified `json:"pack,omitempty"`
}

func (a *app) verifyPackCmd() *cobra.Command {
	var key, outside, roots string
	var witnesses []string
	cmd := &cobra.Command{
		Use:   "verify PACK.zip",
		Short: "Verify an evidence pack with the public key alone",
		Long: `Reads a pack that 'saltmine evidence export' wrote and checks every byte of it: the
archive's form, the signature on the manifest, each file's SHA-256, that the contacts,
pages and acts in it are leaves of the log, that the log is the one that was signed, and
what is disclosed of the canaries.
It needs no configuration and no registry. --key is what 'saltmine evidence key' prints,
or a file of it; have it from the log's owner, not from who gave you the pack.

--checkpoint is a checkpoint of the log that somebody else has kept: the log of the pack
must begin with it, or it was changed, cut, filled or reordered since, by whoever has the
key.

--tsa-ca is a file with the roots of time stamping authorities, --witness the key of one
who signs that the log only grew: with them, the stamps that are in the pack are verified
too, and it is said when the log was there by the word of others. OpenTimestamps are
always looked at.

Where a key that was replaced since has signed the pack, that is said: who has the old key
can have made it at any time, and only a checkpoint from before shows that he has not.

Exit code 0 when all is good, 3 with the first fault, 1 when it could not be read, 2 for
wrong use. configs/verify.py does the same with nothing but Python, but for the canaries'
disclosures, OpenTimestamps and witnesses. Neither looks at what is merely signed: report,
trace, incident.json, mail.json.`,
		Example: "  saltmine evidence verify case.zip --key saltmine.pub\n  saltmine evidence verify case.zip --key saltmine.pub --checkpoint friday.checkpoint",
		Args:    cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			v, err := readVerifier(key)
			if err != nil {
				return err
			}
			keys, err := publicKeys(key)
			if err != nil {
				return err
			}
			o := pack.Options{Key: v, Canary: canariesBy(keys)}
			if o.Stamp, err = stampsIn(roots, witnesses); err != nil {
				return err
			}
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
	cmd.Flags().StringVar(&roots, "tsa-ca", "", "`FILE` with the roots of time stamping authorities, PEM")
	cmd.Flags().StringArrayVar(&witnesses, "witness", nil, "the `KEY` of a witness of the log; may be given again")
	return cmd
}

// canariesBy checks the disclosures of a pack, which the same key has signed.
func canariesBy(keys []ed25519.PublicKey) func(id string, file []byte, by int) error {
	return func(id string, file []byte, by int) error {
		if by >= len(keys) {
			return fmt.Errorf("there is no key %d", by)
		}
		list, err := disclosure.Check(file, disclosure.Outside{}, keys[by], keys[:by]...)
		if err == nil && string(list[0].Leaf.Canary) != id {
			err = fmt.Errorf("it is of %s", list[0].Leaf.Canary)
		}
		return err
	}
}

// stampsIn verifies the stamps of a pack, as far as it is known by whom they may be.
func stampsIn(rootsFile string, keys []string) (func(file string, checkpoint, proof []byte) (string, error), error) {
	roots, err := rootsOf(rootsFile)
	if err != nil {
		return nil, usage("--tsa-ca: %w", err)
	}
	var witnesses []*stamp.Cosigner
	for _, text := range keys {
		w, err := stamp.ParseCosigner(text)
		if err != nil {
			return nil, usage("--witness: %w", err)
		}
		witnesses = append(witnesses, w)
	}
	return func(file string, checkpoint, proof []byte) (string, error) {
		name, ext := strings.TrimSuffix(file, filepath.Ext(file)), filepath.Ext(file)
		s := stamp.Stamp{Source: name, Checkpoint: checkpoint, Proof: proof}
		switch {
		case ext == ".ots":
			s.Kind = stamp.OTS
		case ext == ".tsr" && roots != nil:
			s.Kind = stamp.TSA
		case ext == ".sig" && len(witnesses) > 0:
			return cosigned(&s, witnesses)
		default:
			return "", nil
		}
		return s.Verify(roots, nil)
	}, nil
}

// cosigned looks for the witness whose line it is: one that nobody named says nothing.
func cosigned(s *stamp.Stamp, witnesses []*stamp.Cosigner) (string, error) {
	list, err := stamp.Cosignatures(slices.Concat(s.Checkpoint, s.Proof), witnesses...)
	if err != nil || len(list) == 0 {
		return "", err
	}
	return fmt.Sprintf("%s saw the log grow to it at %s", list[0].Witness, list[0].Time.Format(time.RFC3339)), nil
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
	fmt.Fprintf(b, "good: %s, made at %s from the log %s, signed by its key\n%d contacts, %d pages and %d windows are as they were filed; %d acts are shown of %d\n", //nolint:errcheck // as above
		m.Incident, m.At.Format(time.RFC3339), m.Log, v.Pack.Contacts, v.Pack.Pages, v.Pack.Windows, v.Pack.Acts, m.Acts)
	if v.Pack.Replaced {
		fmt.Fprintln(b, "signed by a key that was replaced since: hold it against --checkpoint") //nolint:errcheck // as above
	}
	for _, said := range v.Pack.Stamps {
		fmt.Fprintln(b, said) //nolint:errcheck // as above
	}
	if v.Pack.Outside > 0 {
		fmt.Fprintf(b, "the log begins with the %d acts of the checkpoint from outside\n", v.Pack.Outside) //nolint:errcheck // as above
	}
	return b.Flush()
}
