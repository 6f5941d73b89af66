package main

import (
	"context"
	"crypto/x509"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"saltmine/internal/conf"
	"saltmine/internal/evidence/stamp"
)

// shownStamp is a stamp as it is printed.
type shownStamp struct {
	Source  string     `json:"source"`
	Kind    stamp.Kind `json:"kind"`
	Acts    int64      `json:"acts"`
	Made    time.Time  `json:"made"`
	Pending bool       `json:"pending,omitempty"`
	Proves  string     `json:"proves,omitempty"`
	Fault   string     `json:"fault,omitempty"`
	Files   []string   `json:"files,omitempty"`
}

func (a *app) stampsCmd() *cobra.Command {
	var out string
	var limit *rowLimit
	cmd := &cobra.Command{
		Use:   "stamps",
		Short: "What others have said of the evidence log, each verified again",
		Long: `Lists what time stamping authorities, OpenTimestamps calendars and witnesses of
[evidence] have said of checkpoints of the evidence log, the newest first, and verifies
each again; exit code 3 when one does not stand. What no section names any more cannot
be verified, and is told so.

--out writes each with its checkpoint into a new folder, for other programs:
  openssl ts -verify -in 4711.tsa-1.tsr -data 4711.checkpoint -CAfile tsa-roots.pem
  ots verify -f 4711.checkpoint 4711.opentimestamps.ots
A cosignature (.sig) is a line to be put at the end of its checkpoint.`,
		Example: "  saltmine evidence stamps\n  saltmine evidence stamps --limit 0 --out stamps/",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withCore(cmd.Context(), func(c *core) error { return a.showStamps(cmd.Context(), c, limit, out) })
		},
	}
	cmd.Flags().StringVar(&out, "out", "", "write them into this `DIR`, which is made")
	limit = limited(cmd, actsShown)
	return cmd
}

func (a *app) showStamps(ctx context.Context, c *core, limit *rowLimit, out string) error {
	all, err := c.reg.Stamps(ctx, limit.oneMore())
	if err != nil {
		return err
	}
	all = newest(a, all, limit)
	by, err := stampers(&c.cfg.Evidence)
	if err != nil {
		return err
	}
	if out != "" {
		if err := os.Mkdir(out, 0o700); err != nil {
			return fmt.Errorf("evidence stamps: %w", err)
		}
	}
	list, bad := []shownStamp{}, 0
	for i := range all {
		shown := by.look(&all[i])
		if shown.Fault != "" {
			bad++
		}
		if out != "" {
			if shown.Files, err = writeStamp(out, &all[i]); err != nil {
				return err
			}
		}
		list = append(list, shown)
	}
	if err := a.print(list, func(w io.Writer) error { return lines(w, stampLines(list)) }); err != nil {
		return err
	}
	if bad > 0 {
		return &exitError{code: exitFound}
	}
	return nil
}

// known are those who stamp, by what they are verified with.
type known struct {
	roots     map[string]*x509.CertPool
	witnesses map[string]*stamp.Cosigner
}

func stampers(e *conf.Evidence) (k known, err error) {
	k = known{map[string]*x509.CertPool{}, map[string]*stamp.Cosigner{}}
	for _, a := range e.TSA {
		if k.roots[a.Name], err = rootsOf(a.RootsFile); err != nil {
			return k, &exitError{exitUsage, fmt.Errorf("[[evidence.tsa]] %s: %w", a.Name, err)}
		}
	}
	for _, w := range e.Witnesses {
		if k.witnesses[w.Name], err = stamp.ParseCosigner(w.Key); err != nil {
			return k, fmt.Errorf("[[evidence.witnesses]] %s: %w", w.Name, err)
		}
	}
	return k, nil
}

// look verifies a stamp as far as it is known by whom it is.
func (k known) look(s *stamp.Stamp) shownStamp {
	out := shownStamp{Source: s.Source, Kind: s.Kind, Acts: s.Size, Made: s.Made, Pending: s.Pending}
	if s.Kind == stamp.TSA && k.roots[s.Source] == nil || s.Kind == stamp.Cosignature && k.witnesses[s.Source] == nil {
		out.Proves = "not verified: no section of the configuration names it any more"
		return out
	}
	said, err := s.Verify(k.roots[s.Source], k.witnesses[s.Source])
	if out.Proves = said; err != nil {
		out.Fault = err.Error()
	}
	return out
}

// writeStamp writes a stamp and its checkpoint. Several of one checkpoint share that.
func writeStamp(dir string, s *stamp.Stamp) ([]string, error) {
	note := filepath.Join(dir, fmt.Sprintf("%d.checkpoint", s.Size))
	proof := filepath.Join(dir, fmt.Sprintf("%d.%s%s", s.Size, s.Source, map[stamp.Kind]string{stamp.TSA: ".tsr", stamp.OTS: ".ots", stamp.Cosignature: ".sig"}[s.Kind]))
	if err := os.WriteFile(note, s.Checkpoint, 0o600); err != nil {
		return nil, fmt.Errorf("evidence stamps: %w", err)
	}
	if err := os.WriteFile(proof, s.Proof, 0o600); err != nil {
		return nil, fmt.Errorf("evidence stamps: %w", err)
	}
	return []string{note, proof}, nil
}

func stampLines(list []shownStamp) []string {
	if len(list) == 0 {
		return []string{"nobody has stamped the evidence log; [evidence] names who is asked"}
	}
	var out []string
	for _, s := range list {
		what := s.Proves
		if s.Fault != "" {
			what = "FALSE: " + s.Fault
		}
		out = append(out, fmt.Sprintf("%7d acts  %s  %s (%s)  %s", s.Acts, s.Made.Format(time.RFC3339), s.Source, s.Kind, what))
	}
	return out
}
