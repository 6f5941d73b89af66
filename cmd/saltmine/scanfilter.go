package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"saltmine/internal/canary"
	"saltmine/internal/conf"
	"saltmine/internal/people"
	"saltmine/internal/scan"
	"saltmine/internal/seal"
)

// whatThief is what a filter gives away.
const whatThief = `The filter holds no token, no domain and no count: tags of the addresses and telephone
numbers, filled up to a power of two and sealed with the passphrase. It says in the
clear for whom it is, until when, and which countries its numbers are of.

Who steals the filter alone learns no more than that: the passphrase has 130 random bits.
Who has the filter and its passphrase, as its holder does, can ask of any address or number
whether it is one; each question takes some 50 microseconds of one core, a million a
minute. So whoever has an extract too can find the canaries in it (12 million
customers: ten minutes) and take them out, and addresses can be guessed, name by
name, at that rate. It tells nothing of which canary, which customer record or which time.
A filter that was lost is a leak of the canaries to whoever has extracts: rotate.

Expiry binds the program, not a thief: whoever changes the program, or the clock, can go
on. Holder and expiry cannot be changed in the file: they are signed, and bound to what
is sealed.`

func (a *app) scanFilterCmd() *cobra.Command {
	var holder, expires string
	cmd := &cobra.Command{
		Use:   "filter --for HOLDER --expires DATE OUT",
		Short: "Write a filter with which somebody can scan who may not hold the registry",
		Long: `Writes a filter of the addresses and telephone numbers (no tickets) to OUT, and prints
its passphrase once: send it by another way than the filter. With both

  saltmine scan --filter OUT --passphrase-file FILE --output json LEAK > finds.json

finds tokens on a machine without registry and keys, and 'saltmine scan import' files
what was found. In finds.json the tokens are sealed to the core, their places are not.

It takes the role forensics, a second person's approval where the configuration wants
one, and is on the evidence log.

` + whatThief,
		Example: "  saltmine scan filter --for 'K. Holm, state police' --expires 2026-12-31 case7.filter",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			until, err := expiry(expires, a.now())
			switch {
			case strings.TrimSpace(holder) == "" || len(holder) > 200:
				return usage("--for is wanted: who is going to use the filter, in at most 200 bytes")
			case err != nil:
				return err
			}
			return a.withCore(cmd.Context(), func(c *core) error {
				return a.writeFilter(cmd.Context(), c, scan.Head{Holder: holder, Expires: until}, args[0], asked(cmd, args, people.Forensics))
			})
		},
	}
	a.tokenFlag(cmd)
	cmd.Flags().StringVar(&holder, "for", "", "`HOLDER`: who is going to use it")
	cmd.Flags().StringVar(&expires, "expires", "", "last `DAY` on which it opens, as 2026-12-31 (UTC), or a time")
	return cmd
}

// expiry reads the end of a day, or a time.
func expiry(text string, now time.Time) (time.Time, error) {
	until, err := time.Parse(time.RFC3339, text)
	if day, err2 := time.Parse(time.DateOnly, text); err2 == nil {
		until, err = day.AddDate(0, 0, 1), nil
	}
	switch {
	case err != nil:
		return until, usage("--expires %q: want a day such as 2026-12-31, or a time such as 2026-12-31T18:00:00Z", text)
	case !until.After(now):
		return until, usage("--expires %s is over already", text)
	}
	return until.UTC(), nil
}

// writtenFilter is what is printed of a filter.
type writtenFilter struct {
	ID         string    `json:"id"`
	File       string    `json:"file"`
	Holder     string    `json:"holder"`
	Expires    time.Time `json:"expires"`
	Passphrase string    `json:"passphrase"`
}

func (a *app) writeFilter(ctx context.Context, c *core, head scan.Head, out string, q request) error {
	by, err := a.may(ctx, c, q)
	if err != nil {
		return err
	}
	head.ID, head.Made, head.Rounds = canary.NewID("f"), canary.Micro(a.now()), scan.Rounds
	head.Sign, head.Core = c.keys.Signer.Public(), c.keys.Core.Lid().Public()
	passphrase := rand.Text()
	a.say("making the filter: this takes a minute for a million tokens")
	file, err := scan.NewFilter(head, c.reg.AllTokens(ctx), passphrase, c.keys.Signer.Sign)
	if err != nil {
		return err
	}
	// On the record before anybody can have it.
	act := canary.Act{What: canary.ActFilter, About: head.ID, Outcome: "for " + head.Holder + " until " + head.Expires.Format(time.RFC3339)}
	if err := c.reg.RecordUnder(ctx, by, act); err != nil {
		return err
	}
	if err := writeNew(out, string(file)); err != nil {
		return err
	}
	w := writtenFilter{head.ID, out, head.Holder, head.Expires, passphrase}
	return a.print(w, func(to io.Writer) error {
		_, err := fmt.Fprintf(to, "filter %s for %s until %s: %s\npassphrase, which is shown this once: %s\n", w.ID, w.Holder, w.Expires.Format(time.RFC3339), w.File, w.Passphrase)
		return err
	})
}

// filterFinds is what a scan with a filter finds, for the core to import.
type filterFinds struct {
	Filter  string       `json:"filter"`
	Holder  string       `json:"holder"`
	Expires time.Time    `json:"expires"`
	Files   []filterFile `json:"files"`
}

type filterFile struct {
	File   string         `json:"file"`
	SHA256 string         `json:"sha256"`
	Bytes  int64          `json:"bytes"`
	Whole  bool           `json:"whole"`
	Finds  []filterFind   `json:"finds"`
	More   int            `json:"more"`
	Faults []scannedFault `json:"faults"`
}

// filterFind is one find: where, and, sealed to the core, what.
type filterFind struct {
	Contact canary.ContactID `json:"contact"`
	Kind    canary.Kind      `json:"kind"`
	Inside  string           `json:"inside,omitempty"`
	Offset  int64            `json:"offset"`
	Line    int64            `json:"line"`
	Bytes   int              `json:"bytes"`
	Form    string           `json:"form,omitempty"`
	Weak    bool             `json:"weak,omitempty"`
	Sealed  []byte           `json:"sealed"`
}

// openFilter opens the filter that the flags name.
func (a *app) openFilter(f *scanFlags) (*scan.Filter, *seal.Lid, error) {
	file, err := os.ReadFile(f.filter)
	if err != nil {
		return nil, nil, fmt.Errorf("scan: %w", err)
	}
	passphrase, err := conf.ReadSecret(f.passphrase)
	if err != nil {
		return nil, nil, &exitError{exitUsage, err}
	}
	filter, err := scan.OpenFilter(file, passphrase.Reveal(), a.now())
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", f.filter, err)
	}
	lid, err := seal.NewLid(filter.Head.Core)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", f.filter, err)
	}
	return filter, lid, nil
}

// scanFiltered looks through files with a filter; it needs no configuration.
func (a *app) scanFiltered(ctx context.Context, f *scanFlags, args []string) error {
	files, err := filesOf(args)
	if err != nil {
		return err
	}
	filter, lid, err := a.openFilter(f)
	if err != nil {
		return err
	}
	a.say("filter %s, made for %s, opens until %s", filter.Head.ID, filter.Head.Holder, filter.Head.Expires.Format(time.RFC3339))
	answer := filterFinds{Filter: filter.Head.ID, Holder: filter.Head.Holder, Expires: filter.Head.Expires, Files: []filterFile{}}
	for _, name := range files {
		r, err := a.scanFile(ctx, filter, name, f.limits)
		if err != nil {
			return err
		}
		if err := ctx.Err(); err != nil { // a part has another hash than the whole
			return errors.Join(fmt.Errorf("broken off: nothing of %s is told, begin again: %w", name, err), a.print(answer, answer.Text))
		}
		one, err := sealFinds(filter, lid, name, r, f.seen)
		if err != nil {
			return err
		}
		answer.Files = append(answer.Files, one)
	}
	if err := a.print(answer, answer.Text); err != nil {
		return err
	}
	return answer.outcome()
}

func sealFinds(filter *scan.Filter, lid *seal.Lid, name string, r *scan.Report, seen time.Time) (filterFile, error) {
	out := filterFile{File: name, SHA256: r.SHA256, Bytes: r.Bytes, Whole: r.Whole && len(r.Faults) == 0, Finds: []filterFind{}, More: r.More, Faults: faultsOf(r)}
	for i := range r.Finds {
		f := &r.Finds[i]
		weight := scan.Evidence
		if f.Weak {
			weight = scan.Weak
		}
		c := findContact(f.Text, name, r.SHA256, f, weight)
		c.At = canary.Micro(seen)
		c.Facts[factFilter], c.Facts["holder"] = filter.Head.ID, filter.Head.Holder
		plain, err := c.MarshalBinary()
		if err != nil {
			return out, err
		}
		sealed, err := lid.Seal(plain)
		if err != nil {
			return out, err
		}
		out.Finds = append(out.Finds, filterFind{c.ID, f.Kind, f.Inside, f.Offset, f.Line, f.Size, f.Form, f.Weak, sealed})
	}
	return out, nil
}

// factFilter is the fact of a find that names the filter with which it was made.
const factFilter = "filter"

func (s *filterFinds) outcome() error {
	as := scanned{}
	for i := range s.Files {
		f := &s.Files[i]
		as.Files = append(as.Files, scannedFile{File: f.File, Finds: make([]scannedFind, len(f.Finds)), Faults: f.Faults})
	}
	return as.outcome()
}

// Text prints for a person what was found with a filter.
func (s filterFinds) Text(w io.Writer) error {
	var out []string
	for i := range s.Files {
		f := &s.Files[i]
		out = append(out, fmt.Sprintf("%s  %d bytes  sha256 %s: found at %d places", f.File, f.Bytes, f.SHA256, len(f.Finds)+f.More))
		for _, one := range f.Finds[:min(len(f.Finds), findsShown)] {
			line := scannedFind{Kind: one.Kind, Canary: "a token", Inside: one.Inside, Offset: one.Offset, Line: one.Line, Form: one.Form}
			out = append(out, "  "+line.line())
		}
		for _, fault := range f.Faults {
			out = append(out, "  NOT ALL WAS READ: "+inside("", fault.Inside)+" "+fault.Fault)
		}
	}
	if slices.ContainsFunc(s.Files, func(f filterFile) bool { return len(f.Finds) > 0 }) {
		out = append(out, "which tokens these are, the core tells: scan with --output json, and send it what that prints for 'saltmine scan import'")
	}
	return lines(w, out)
}

// readFinds reads what a scan with a filter printed.
func (a *app) readFinds(name string) (s filterFinds, err error) {
	in := a.stdin
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return s, fmt.Errorf("import: %w", err)
		}
		defer f.Close() //nolint:errcheck // it was only read
		in = f
	}
	const most = 4 << 30
	text, err := io.ReadAll(io.LimitReader(in, most))
	if err != nil {
		return s, fmt.Errorf("import %s: %w", name, err)
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&s); err != nil || s.Filter == "" {
		return s, errors.Join(fmt.Errorf("import %s: this is not what 'saltmine scan --filter … --output json' prints", name), err)
	}
	return s, nil
}
