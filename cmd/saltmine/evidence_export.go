package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"saltmine/internal/canary"
	"saltmine/internal/evidence/pack"
	"saltmine/internal/people"
	"saltmine/internal/registry"
)

// exportedPack is what export prints.
type exportedPack struct {
	Incident canary.IncidentID `json:"incident"`
	File     string            `json:"file,omitempty"` // none in a dry run
	Size     int64             `json:"size,omitempty"`
	Manifest string            `json:"manifest_sha256,omitempty"`
	Contacts int               `json:"contacts"`
	GivenUp  int               `json:"given_up"`
	Unproved int               `json:"unproved"`
	Canaries int               `json:"canaries"`
	Pages    int               `json:"pages"`
	Named    int               `json:"canaries_named"` // beside, by these contacts
	Acts     int               `json:"acts_shown"`
	Log      int64             `json:"acts"` // of the log
}

func (a *app) exportCmd() *cobra.Command {
	var id string
	var dryRun bool
	cmd := &cobra.Command{
		Use:   "export OUT.zip",
		Short: "Write what is known of an incident as a pack that a third party can verify",
		Long: `Writes a ZIP file with the report (HTML and PDF), each contact byte for byte with its
DNS answers and recordings, the pages, the trace, the canaries that were reached, who
opened what and when, and the proofs: every contact, page and act in it is a leaf of the
evidence log, whose signed checkpoint is in the pack too. No other canary is in it but what
the contacts themselves name. HOW-TO-VERIFY.txt in the pack says how to check it by hand.

The canaries' identities are opened by this, which is recorded for each of them, and for
those that the contacts name beside; and that it was exported, with the SHA-256 of the
pack's manifest. Where a second person has to approve, that is asked for.

Before anything is written, the whole log and every contact, page, planting and window are
held against what was signed, and the verdict against its act; the pack is verified before
it gets its name. Where one of these was changed nothing is exported. Which contact reached
which token (hits), severity and reasons of the incident, and the known extracts are plain
rows that nothing signs: the report and the trace rest on them. Of the extracts, the log
has the SHA-256 of each file that was imported.

--dry-run says what would be in it, and opens nothing.

A suspect that is a statement of an audit log is shown without its values, with the place
in the log and the act that has the log's SHA-256.

Of one state of the registry the pack is the same each time, but for that each export is
itself on the log.`,
		Example: "  saltmine evidence export --incident i_abcdefghijklmnop case.zip --dry-run\n  saltmine evidence export --incident i_abcdefghijklmnop case.zip",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if id == "" {
				return usage("--incident is wanted: 'saltmine incidents' lists them")
			}
			return a.withCore(cmd.Context(), func(c *core) error {
				return a.export(cmd.Context(), c, canary.IncidentID(id), args[0], dryRun, asked(cmd, args, people.Forensics))
			})
		},
	}
	a.tokenFlag(cmd)
	cmd.Flags().StringVar(&id, "incident", "", "`ID` of the incident, as on the page")
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "say what would be in it, and open nothing")
	return cmd
}

func (a *app) export(ctx context.Context, c *core, id canary.IncidentID, out string, dryRun bool, q request) error {
	d := &dossier{core: c, now: a.now(), listed: map[string]bool{}}
	if err := d.choose(ctx, id); err != nil {
		return err
	}
	if err := d.fits(); err != nil {
		return err
	}
	if dryRun {
		return a.printExported(d.summary())
	}
	if _, err := os.Lstat(out); !errors.Is(err, fs.ErrNotExist) {
		return usage("%s is already there and is not overwritten", out)
	}
	if err := errors.Join(c.sound(ctx), d.verdictHolds(ctx)); err != nil {
		return fmt.Errorf("nothing is exported: %w", err)
	}
	by, err := a.may(ctx, c, q)
	if err != nil {
		return err
	}
	if err := c.reg.Reveal(ctx, by, slices.Concat(d.canaryIDs(), d.named)...); err != nil {
		return err
	}
	act := canary.Act{Who: by.Who, Via: by.Via, What: canary.ActExport, About: string(id), Outcome: "begun"}
	if err := c.reg.Record(ctx, act); err != nil {
		return err
	}
	result, err := d.write(ctx, out)
	act.Outcome = "failed"
	if err == nil {
		act.Outcome = "sha256 " + result.Manifest
	}
	done, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordLimit)
	defer cancel()
	if err := errors.Join(err, c.reg.Record(done, act)); err != nil {
		return fmt.Errorf("evidence export: %w", err)
	}
	return a.printExported(result)
}

// sound holds the whole log, and what is under it, against what was signed.
func (c *core) sound(ctx context.Context) error {
	var v verified
	return v.look(ctx, c, nil, "")
}

func (a *app) printExported(e exportedPack) error {
	return a.print(e, func(w io.Writer) error {
		list := []string{fmt.Sprintf("%s: %d contacts (and %d that were given up, %d that nothing proves), %d canaries (and %d that these contacts name beside), %d pages, %d acts", e.Incident, e.Contacts, e.GivenUp, e.Unproved, e.Canaries, e.Named, e.Pages, e.Acts)}
		if e.File != "" {
			list = append(list, fmt.Sprintf("wrote %s, %d bytes (manifest sha256 %s)", e.File, e.Size, e.Manifest),
				"who verifies it needs the output of 'saltmine evidence key', by another way: saltmine evidence verify "+e.File+" --key KEY")
		}
		return lines(w, list)
	})
}

// write makes the pack, whole or not at all.
func (d *dossier) write(ctx context.Context, out string) (exportedPack, error) {
	c, err := d.reg.MakeCheckpoint(ctx, d.key())
	if err != nil {
		return exportedPack{}, err
	}
	d.checkpoint = c
	if err := d.gather(ctx); err != nil {
		return exportedPack{}, err
	}
	f, err := os.CreateTemp(filepath.Dir(out), ".saltmine-*.zip") // 0600
	if err != nil {
		return exportedPack{}, err
	}
	defer os.Remove(f.Name()) //nolint:errcheck // it has the other name by then, or nobody wants it
	w := bufio.NewWriterSize(f, 1<<20)
	head := pack.Head{Tool: "saltmine " + version(), Incident: string(d.incident.ID), At: d.checkpoint.Made, Acts: c.Size}
	m, err := pack.Write(w, d.key(), head, d.proof, d.files)
	if err == nil {
		err = w.Flush()
	}
	size, err2 := f.Seek(0, io.SeekCurrent)
	if err == nil {
		err = d.holds(f, size)
	}
	if err := errors.Join(err, err2, f.Sync(), f.Close()); err != nil {
		return exportedPack{}, err
	}
	if err := errors.Join(os.Link(f.Name(), out), syncDir(filepath.Dir(out))); err != nil {
		return exportedPack{}, err
	}
	e := d.summary()
	e.File, e.Size, e.Acts, e.Log = out, size, len(d.proof.Acts), c.Size
	e.Manifest, err = m.Hash()
	return e, err
}

// dossier is what is known of an incident, on its way into a pack.
type dossier struct {
	*core

	now        time.Time
	incident   canary.Incident
	ids        []canary.IncidentID // the incident, and those that were merged into it
	contacts   []registry.FiledContact
	hits       []canary.Hit
	canaries   []canary.Planting
	named      []canary.ID // others that the contacts reached
	pages      []registry.PageProof
	checkpoint registry.Checkpoint
	trace      traced
	custody    []canary.Act
	read       []canary.Act // that have the hashes of logs that were read
	looks      []packedLooks
	unproved   []canary.ContactID
	givenUp    []canary.ContactID
	about      []string // ids whose acts are shown

	proof  pack.Proof
	listed map[string]bool // lists in the proof
	files  []pack.Content
}

func (d *dossier) summary() exportedPack {
	return exportedPack{
		Incident: d.incident.ID, Contacts: len(d.contacts) - len(d.givenUp) - len(d.unproved), GivenUp: len(d.givenUp), Unproved: len(d.unproved),
		Canaries: len(d.canaries), Named: len(d.named), Pages: len(d.pages), Acts: len(d.custody),
	}
}

func (d *dossier) canaryIDs() []canary.ID {
	ids := make([]canary.ID, len(d.canaries))
	for i := range d.canaries {
		ids[i] = d.canaries[i].ID
	}
	return ids
}
