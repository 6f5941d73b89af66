package main

import (
	"io"
	"strings"

	"github.com/spf13/cobra"

	"saltmine/internal/evidence"
)

func (a *app) evidenceCmd() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "evidence",
		Short:   "Proof for third parties: signed checkpoints of the evidence log, packs, verification",
		Example: "  saltmine evidence export --incident i_abcdefghijklmnop case.zip\n  saltmine evidence verify case.zip --key saltmine.pub",
	}
	cmd.AddCommand(a.exportCmd(), a.verifyPackCmd(), a.evidenceKeyCmd(), a.checkpointCmd(), a.stampsCmd(), a.discloseCmd(), a.checkDisclosureCmd())
	return cmd
}

// key signs checkpoints and packs.
func (c *core) key() evidence.Key { return evidence.Key{Signer: c.keys.Signer} }

func (a *app) evidenceKeyCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "key",
		Short: "Print the public key with which packs and checkpoints are verified",
		Long: `Prints the public key as NAME+HASH+BASE64, the form of signed notes. Give it to whoever
is to verify, on another way than the packs: a pack proves nothing by a key that came
with it. Where the key was replaced (keys rotate sign), those before it come first, one a
line: what they signed stays signed, and the log is named after the first. Give all lines.
It needs the keys of the configuration and no registry.`,
		Example: "  saltmine evidence key\n  saltmine evidence key --output json",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			_, keys, err := a.load()
			if err != nil {
				return err
			}
			k := evidence.Key{Signer: keys.Signer}
			list, err := k.Verifiers()
			if err != nil {
				return err
			}
			return a.print(map[string]string{"log": k.Log(), "key": strings.Join(list, "\n")}, func(w io.Writer) error { return lines(w, list) })
		},
	}
}

// shownCheckpoint is a checkpoint as it is printed.
type shownCheckpoint struct {
	Log  string `json:"log"`
	Acts int64  `json:"acts"`
	Note string `json:"note"`
}

func (a *app) checkpointCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "checkpoint",
		Short: "Sign the evidence log as it stands, to be kept outside",
		Long: `Prints a signed checkpoint: how many acts the evidence log has, and the root of the
Merkle tree over them. Whoever keeps it, a notary or the other party, can show with
'saltmine evidence verify --checkpoint' that a later pack comes from the same log, in
which nothing of then was changed, put in or taken out since: not by whoever holds the
keys either. It tells nothing of the acts. 'saltmine serve' makes one a minute, and
with each incident, where the log has grown.`,
		Example: "  saltmine evidence checkpoint\n  saltmine evidence checkpoint --output json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withCore(cmd.Context(), func(c *core) error {
				got, err := c.reg.MakeCheckpoint(cmd.Context(), c.key())
				if err != nil {
					return err
				}
				return a.print(shownCheckpoint{c.key().Log(), got.Size, string(got.Note)}, func(w io.Writer) error {
					_, err := w.Write(got.Note)
					return err
				})
			})
		},
	}
}
