package main

import (
	"context"
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

	"saltmine/internal/canary"
	"saltmine/internal/conf"
	"saltmine/internal/incident"
	"saltmine/internal/people"
	"saltmine/internal/registry"
	"saltmine/internal/scan"
)

// scanFlags are those of scan.
type scanFlags struct {
	dryRun     bool
	filter     string
	passphrase string
	limits     scan.Limits
	most       string
	foundAt    string
	seen       time.Time // when the files had been seen
}

func (a *app) scanCmd() *cobra.Command {
	var f scanFlags
	cmd := &cobra.Command{
		Use:   "scan FILE...",
		Short: "Find canaries in dumps, mail archives and chat logs, and file what is found",
		Long: `Looks for all planted tokens and all placebos in files of any size: SQL, CSV, JSON
lines, mbox and eml, plain text; in UTF-8, UTF-16 and Latin-1; in gzip, zstd, bzip2 and zip,
also one in another; in any case and punctuation, with the country or the leading zero of
a number, percent-encoded, as quoted-printable, base64 or hexadecimal digits, with the
escapes of HTML, JSON and SQL. FILE may be a folder, or "-" for standard input; a file that
is called as a subcommand is ./filter. Encrypted archives, 7z, rar, xz, lz4 and what PDFs
compress are to be unpacked first.

Each find is filed as a contact by dump, P1, with 160 bytes on either side as its evidence,
so that 'saltmine trace' weighs it. What is filed stands in the incident at once; pages
go out by a running 'saltmine serve', within a minute. To scan a file again files nothing twice, so a scan that
was broken off is simply begun again. Of one token 100 places in a file are filed, the rest
are counted. --found-at says by when the files had been seen: what was taken later cannot
be in them.

A number that stands in any file now and then (a ticket number of few digits, a telephone
number without its country) is told as weak, and as chance where as many placebos are
in the same file: neither opens a page by itself. Of less than seven digits a
ticket number counts only behind a word or sign for it ("ticket", "#"). Finds of placebos
alone are noise.

What is printed names canaries by their ids. Whoever has the file as well can
read there what they are, and a scan of an extract would show every canary in it. So it
takes the role forensics, --dry-run too, and a second person's approval where the
configuration wants one, and is on the evidence log before a file is read. What was found is there
once more, a line for each file.

Who may not hold the registry scans with a filter: see 'saltmine scan filter --help'.

Exit code 3: something was found. 1: nothing was found, and not all could be read.`,
		Example: "  saltmine scan leak.sql.gz\n  saltmine scan --dry-run --output json mails.mbox chat.zip\n  zcat dump.gz | saltmine scan -\n  saltmine scan --filter case7.filter --passphrase-file case7.pass leak.sql --output json\n  saltmine scan leak.sql.gz --token-file f.law.token",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.check(a.now()); err != nil {
				return err
			}
			if f.filter != "" {
				return a.scanFiltered(cmd.Context(), &f, args)
			}
			return a.withCore(cmd.Context(), func(c *core) error { return a.scan(cmd.Context(), c, &f, args, asked(cmd, args, people.Forensics)) })
		},
	}
	cmd.Flags().BoolVar(&f.dryRun, "dry-run", false, "file nothing")
	cmd.Flags().StringVar(&f.filter, "filter", "", "scan without the registry, with the filter in this `FILE`")
	cmd.Flags().StringVar(&f.foundAt, "found-at", "", "`TIME` by which the files had been seen, as 2026-12-31 (UTC) or a time (default now)")
	cmd.Flags().StringVar(&f.passphrase, "passphrase-file", "", "`FILE` with the filter's passphrase")
	cmd.Flags().StringVar(&f.most, "max-unpacked", "", "most `BYTES` that one file may unpack to, such as 500GiB (default 64GiB and 200 times its size)")
	a.tokenFlag(cmd)
	cmd.AddCommand(a.scanFilterCmd(), a.scanImportCmd())
	return cmd
}

func (f *scanFlags) check(now time.Time) (err error) {
	if f.seen, err = seenBy(f.foundAt, now); err != nil {
		return err
	}
	if f.most != "" {
		if f.limits.Unpacked, err = conf.ParseSize(f.most); err != nil {
			return usage("--max-unpacked: %w", err)
		}
	}
	switch {
	case f.filter == "" && f.passphrase != "":
		return usage("--passphrase-file belongs to --filter")
	case f.filter != "" && f.passphrase == "":
		return usage("--filter wants --passphrase-file: the file with what 'saltmine scan filter' printed")
	}
	return nil
}

// seenBy reads when a file had been seen: by now, by a time, or by the end of a day.
func seenBy(text string, now time.Time) (time.Time, error) {
	if text == "" {
		return now, nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if day, err2 := time.Parse(time.DateOnly, text); err2 == nil {
		if at, err = day.AddDate(0, 0, 1), nil; at.After(now) && !day.After(now) {
			at = now
		}
	}
	switch {
	case err != nil:
		return at, usage("--found-at %q: want a day such as 2026-12-31 (UTC), or a time such as 2026-12-31T18:00:00Z", text)
	case at.After(now):
		return at, usage("--found-at %s has not come yet", text)
	}
	return at.UTC(), nil
}

// scannedFile is what is printed of one file.
type scannedFile struct {
	File     string              `json:"file"`
	SHA256   string              `json:"sha256"`
	Bytes    int64               `json:"bytes"`
	Whole    bool                `json:"whole"`
	Canaries int                 `json:"canaries"`
	Planted  map[canary.Kind]int `json:"planted"`
	Placebos map[canary.Kind]int `json:"placebos"`
	Finds    []scannedFind       `json:"finds"`
	More     int                 `json:"more"` // that are counted and not told
	Faults   []scannedFault      `json:"faults"`
	Filed    int                 `json:"filed"`
}

// scannedFind is one find, without what it is.
type scannedFind struct {
	Contact canary.ContactID `json:"contact"`
	Kind    canary.Kind      `json:"kind"`
	Role    canary.Role      `json:"role"`
	Token   canary.TokenID   `json:"token"`
	Canary  canary.ID        `json:"canary,omitempty"`
	Inside  string           `json:"inside,omitempty"`
	Offset  int64            `json:"offset"`
	Line    int64            `json:"line"`
	Bytes   int              `json:"bytes"`
	Form    string           `json:"form,omitempty"`
	Weight  scan.Weight      `json:"weight,omitempty"`
}

type scannedFault struct {
	Inside string `json:"inside,omitempty"`
	Fault  string `json:"fault"`
}

// scanned is the answer of a scan.
type scanned struct {
	Files     []scannedFile       `json:"files"`
	Incidents []canary.IncidentID `json:"incidents"`
	DryRun    bool                `json:"dry_run,omitempty"`
}

// scan looks through files one after another, and files what it finds in each. Even how
// many are in a file of one's own choice tells which of its rows are canaries, so there is no
// part of it that is everybody's.
func (a *app) scan(ctx context.Context, c *core, f *scanFlags, args []string, q request) error {
	files, err := filesOf(args)
	if err != nil {
		return err
	}
	by, err := a.may(ctx, c, q)
	if err != nil {
		return err
	}
	book, err := scan.NewBook(c.reg.AllTokens(ctx))
	if err != nil {
		return err
	}
	if book.Len() == 0 {
		return errors.New("there is nothing to look for: no canary has been planted")
	}
	act := canary.Act{What: canary.ActScan, Outcome: fmt.Sprintf("begun, of %d files", len(files))}
	if err := c.reg.RecordUnder(ctx, by, act); err != nil {
		return err
	}
	a.say("looking for %d tokens and placebos", book.Len())
	answer := scanned{Files: []scannedFile{}, Incidents: []canary.IncidentID{}, DryRun: f.dryRun}
	for _, name := range files {
		r, err := a.scanFile(ctx, book, name, f.limits)
		if err != nil {
			return err
		}
		if err := ctx.Err(); err != nil { // under the hash of a part it would be filed once more by the whole
			return errors.Join(fmt.Errorf("broken off: nothing of %s is filed, begin again: %w", name, err), a.print(answer, answer.Text))
		}
		judged := scan.Judge(book, r)
		if err := a.take(ctx, c, &answer, scannedOne{by, book, name, r, judged, contactsOf(book, name, r, judged.Weights, f.seen)}); err != nil {
			return err
		}
	}
	if err := a.print(answer, answer.Text); err != nil {
		return err
	}
	return answer.outcome()
}

// scannedOne is what a scan of one file came to.
type scannedOne struct {
	by       registry.By // who scanned it
	book     *scan.Book
	name     string
	report   *scan.Report
	judged   scan.Judged
	contacts []canary.Contact
}

// take puts one file to the answer: on the evidence log first, and filed.
func (a *app) take(ctx context.Context, c *core, answer *scanned, one scannedOne) error {
	out := reportOf(one.book, one.name, one.report, one.judged, one.contacts)
	err := c.recordScan(ctx, one.by, &out, answer.DryRun)
	if err != nil {
		return err
	}
	if !answer.DryRun {
		if out.Filed, err = a.fileFinds(ctx, c, one.contacts); err != nil {
			return fmt.Errorf("file what was found in %s (to do it again files nothing twice): %w", one.name, err)
		}
		if answer.Incidents, err = c.incidentsOf(context.WithoutCancel(ctx), one.contacts, answer.Incidents); err != nil {
			return err
		}
	}
	answer.Files = append(answer.Files, out)
	return nil
}

// outcome is the exit code.
func (s *scanned) outcome() error {
	var faults []error
	for i := range s.Files {
		if len(s.Files[i].Finds) > 0 {
			return &exitError{code: exitFound}
		}
		if len(s.Files[i].Faults) > 0 {
			faults = append(faults, fmt.Errorf("%s: not all of it could be read", s.Files[i].File))
		}
	}
	return errors.Join(faults...)
}

// filesOf are the files that were named, and those of folders.
func filesOf(args []string) ([]string, error) {
	var out []string
	for _, name := range args {
		if name == "-" {
			out = append(out, name)
			continue
		}
		err := filepath.WalkDir(name, func(path string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() && (path == name || d.Type().IsRegular()) {
				out = append(out, path)
			}
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("scan: %w", err)
		}
	}
	if len(out) == 0 {
		return nil, usage("there is no file in %s", strings.Join(args, ", "))
	}
	return out, nil
}

// scanFile looks through one file, and tells on standard error how far it is and what
// cannot be read.
func (a *app) scanFile(ctx context.Context, look scan.Lookup, name string, limits scan.Limits) (*scan.Report, error) {
	in, size := a.stdin, int64(0)
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, fmt.Errorf("scan: %w", err)
		}
		defer f.Close() //nolint:errcheck // it was only read
		if info, err := f.Stat(); err == nil {
			size = info.Size()
		}
		in = f
	}
	const unit = 1 << 20
	step, done := a.progress("scanning " + filepath.Base(name) + ", MiB")
	r := scan.Scan(ctx, look, in, limits, func(read int64) { step(int(read/unit), int(max(size, read)/unit)) })
	done()
	for _, fault := range r.Faults {
		a.say("%s: %s", inside(name, fault.Inside), fault.Err)
	}
	return r, nil
}

func inside(name, part string) string {
	if part == "" {
		return name
	}
	return name + " > " + part
}

// recordScan puts on the evidence log that somebody learned where canaries are.
func (c *core) recordScan(ctx context.Context, by registry.By, s *scannedFile, dryRun bool) error {
	outcome := fmt.Sprintf("%d canaries at %d places", s.Canaries, len(s.Finds)+s.More)
	if dryRun {
		outcome += ", not filed"
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordLimit)
	defer cancel()
	return c.reg.Record(ctx, canary.Act{Who: by.Who, Via: by.Via, What: canary.ActScan, About: s.SHA256, Outcome: outcome})
}

// fileFinds takes finds in, and tells how many of them are new.
func (a *app) fileFinds(ctx context.Context, c *core, contacts []canary.Contact) (fresh int, err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), filingLimit) // what was found is filed, whoever breaks it off
	defer cancel()
	step, done := a.progress("filing")
	defer done()
	s := &server{core: c, app: a, log: a.quietLogger(), told: steps(c.cfg)}
	cfg := s.taking([16]byte{}, nil)
	cfg.Name, cfg.Wake, cfg.Stray = canary.EarScan, nil, nil
	in := incident.New(cfg)
	const together = 256
	for part := range slices.Chunk(contacts, together) {
		ids := make([]canary.ContactID, len(part))
		for i := range part {
			ids[i] = part[i].ID
		}
		known, err := c.reg.Filed(ctx, ids)
		if err != nil {
			return fresh, err
		}
		if err := in.File(ctx, part); err != nil {
			return fresh, err
		}
		fresh += len(part) - len(known)
		step(fresh, len(contacts))
	}
	return fresh, nil
}

// filingLimit bounds how long finds are filed that somebody does not wait for.
const filingLimit = time.Hour

// Text prints what was found for a person.
func (s scanned) Text(w io.Writer) error {
	for i := range s.Files {
		if err := lines(w, s.Files[i].lines(s.DryRun)); err != nil {
			return err
		}
	}
	for _, id := range s.Incidents {
		if _, err := fmt.Fprintf(w, "incident %s: saltmine trace --incident %s\n", id, id); err != nil {
			return err
		}
	}
	return nil
}
