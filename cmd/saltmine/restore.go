package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"saltmine/internal/backup"
	"saltmine/internal/canary"
	"saltmine/internal/conf"
	"saltmine/internal/registry"
)

// restoringFlags are the flags of restore.
type restoringFlags struct {
	in, to, keys   string
	key, keysKey   lockFlags
	dsnFile        string
	noted          []string
	givenUp        string
	send, dryRun   bool
	heads          []registry.Head
	givenUpAlready []canary.ContactID
}

func (a *app) restoreCmd() *cobra.Command {
	var r restoringFlags
	cmd := &cobra.Command{
		Use:   "restore IN",
		Short: "Put a backup back, on this machine or a bare one, and look whether it is whole",
		Long: `Reads IN, and the keys file, to their ends before it writes anything: what was damaged
or cut off is refused, and under a passphrase what somebody changed; a public key proves
nobody, so a file that somebody else made for it is told by --head alone. Then it makes DIR, which must be empty or not there, with the
configuration, the files it names, the keys, the registry and what the spool held, and
checks the evidence log and every contact. DIR is there as a whole or not at all; until
then it is called DIR.restoring. A database of MySQL is not: when it was filled and the
rest fails, the error says so; empty it then, and run this again. With --dry-run it only reads and says what is in them.

--keys-from is the keys file of 'saltmine backup --keys', or a folder with a copy of
keys/. A registry of MySQL is put into SQLite, unless --registry-dsn-file names a file
with mysql://… of an empty database.

A backup is older than what it is put in place of, and this says what follows: with
--head NUMBER:LINK, as 'saltmine acts --verify', serve's log or a witness has it, which
acts are missing; which pages were on their way, and are not sent again, because they
may have been sent since (--send-pages does); from where on contacts are missing that
a spool has let go of. What edges still hold is taken in again by itself, once.
Edges that were revoked since are trusted again: revoke them anew before 'saltmine serve'
is started. Contacts that were given up since are given up again where the keys file is newer, or
where --given-up names a list of 'saltmine acts --shredded --output json'.`,
		Example: "  saltmine restore today.backup --to /etc/saltmine --keys-from saltmine.keys --head 4711:0f5c…\n  saltmine restore today.backup --dry-run --passphrase-file backup.pass",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			r.in = args[0]
			return a.restore(cmd.Context(), &r)
		},
	}
	cmd.Flags().StringVar(&r.to, "to", "", "the `DIR` to make")
	cmd.Flags().StringVar(&r.keys, "keys-from", "", "the keys: a `FILE` of backup --keys, or a folder")
	r.key.openFlags(cmd, "", "IN")
	r.keysKey.openFlags(cmd, "keys-", "the keys file")
	cmd.Flags().StringVar(&r.dsnFile, "registry-dsn-file", "", "`FILE` with the mysql://… into which the registry goes")
	cmd.Flags().StringSliceVar(&r.noted, "head", nil, "an end of the evidence log, `NUMBER:LINK`, that was noted")
	cmd.Flags().StringVar(&r.givenUp, "given-up", "", "`FILE` of 'acts --shredded --output json': what was given up since")
	cmd.Flags().BoolVar(&r.send, "send-pages", false, "send the pages that were on their way, perhaps for the second time")
	cmd.Flags().BoolVar(&r.dryRun, "dry-run", false, "read and check the files, write nothing")
	return cmd
}

// restored is what restore prints.
type restored struct {
	Dir      string        `json:"dir,omitempty"`
	DryRun   bool          `json:"dry_run,omitempty"`
	Made     time.Time     `json:"made"`
	Config   string        `json:"config,omitempty"`
	Registry string        `json:"registry,omitempty"` // where it is now; of MySQL without its password
	End      registry.Head `json:"end"`                // of the backup
	Rows     int64         `json:"rows"`
	Contacts int           `json:"contacts"`
	registry.Restored
	// Missing are the acts after the backup, as far as is known.
	Missing  int64             `json:"missing_acts"`
	LastAct  int64             `json:"last_known_act"`
	Spools   map[string]string `json:"spools,omitempty"` // how far each was taken in
	Outside  []string          `json:"outside,omitempty"`
	Warnings []string          `json:"warnings,omitempty"`
	Next     []string          `json:"next,omitempty"`
}

// source is a backup that was read to its end.
type source struct {
	path   string
	key    backup.Key
	head   backupHead
	counts backup.Counts
	acts   map[int64]string // the links of acts that were noted
	broken []string         // names that no backup of ours has
	places map[string]bool  // where its files go
	twice  []string         // files for a place that another one has
}

// take reads a backup.
func (s *source) take(t backup.Taker) error {
	f, err := os.Open(s.path) // the operator names the file
	if err != nil {
		return err
	}
	defer f.Close() //nolint:errcheck // only read
	s.counts, err = backup.Read(f, s.key, t)
	if err != nil {
		return fmt.Errorf("%s: %w", s.path, err)
	}
	return nil
}

// verify reads a backup to its end and keeps what it says of itself.
func (s *source) verify(what string, heads []registry.Head) error {
	links := linkReader{want: map[int64]bool{}, found: map[int64]string{}}
	for _, h := range heads {
		links.want[h.Seq] = true
	}
	s.acts, s.places = links.found, map[string]bool{}
	err := s.take(backup.Taker{
		Head: func(text json.RawMessage) error { return json.Unmarshal(text, &s.head) },
		File: func(f backup.File, _ io.Reader) error {
			at := s.head.place(f.Name)
			if at == "" {
				s.broken = append(s.broken, f.Name)
			} else if s.places[at] {
				s.twice = append(s.twice, f.Name)
			}
			s.places[at] = true
			return nil
		},
		Table: links.table, Row: links.row,
	})
	switch {
	case err != nil:
		return err
	case s.head.What != what:
		return usage("%s holds the %s, where a backup of the %s is wanted", s.path, s.head.What, what)
	case len(s.broken) > 0:
		return fmt.Errorf("%s: %w: a file %q belongs nowhere", s.path, backup.ErrDamaged, s.broken[0])
	case len(s.twice) > 0:
		return s.clash(s.twice[0])
	}
	return nil
}

// apartFrom refuses a file that goes to a place to which one of another backup goes.
func (s *source) apartFrom(other *source) error {
	for at := range s.places {
		if other.places[at] {
			return s.clash(at)
		}
	}
	return nil
}

func (s *source) clash(name string) error {
	return fmt.Errorf("%s: the file %q goes to a place to which another one goes: nothing can be restored from it; make a new backup", s.path, name)
}

// linkReader finds the links of some acts in the rows of a backup.
type linkReader struct {
	want      map[int64]bool
	found     map[int64]string
	seq, link int // their columns
	acts      bool
}

func (l *linkReader) table(t backup.Table) error {
	index := func(name string) int {
		return slices.IndexFunc(t.Columns, func(c backup.Column) bool { return c.Name == name })
	}
	l.seq, l.link = index("seq"), index("link")
	l.acts = t.Name == "acts" && l.seq >= 0 && l.link >= 0
	return nil
}

func (l *linkReader) row(values []any) error {
	if !l.acts {
		return nil
	}
	if n, ok := values[l.seq].(int64); ok && l.want[n] {
		l.found[n], _ = values[l.link].(string)
	}
	return nil
}

func (a *app) restore(ctx context.Context, r *restoringFlags) error {
	if r.to == "" && !r.dryRun {
		return usage("want --to DIR, or --dry-run")
	}
	if r.to != "" && r.keys == "" {
		return usage("want --keys-from: the keys file of 'saltmine backup --keys', or a copy of the folder keys/; without them nobody can open the registry")
	}
	var err error
	if r.heads, err = parseHeads(r.noted); err != nil {
		return err
	}
	if r.givenUpAlready, err = readGivenUp(r.givenUp); err != nil {
		return err
	}
	if err := emptyTarget(r.to); err != nil {
		return err
	}
	main, keys, err := a.readSources(r)
	if err != nil {
		return err
	}
	out := &restored{DryRun: r.dryRun, Made: main.head.Made, End: main.head.Snapshot.End, Rows: main.counts.Rows, Spools: main.head.Snapshot.Positions}
	if err := out.gap(r, main, keys); err != nil {
		return err
	}
	if !r.dryRun {
		p := &putting{app: a, flags: r, main: main, keys: keys, out: out}
		if err := p.run(ctx); err != nil {
			return err
		}
	}
	return a.print(out, func(w io.Writer) error { return lines(w, out.text(r)) })
}

// readSources reads both files to their ends. The second is nil where the keys come
// from a folder.
func (a *app) readSources(r *restoringFlags) (main, keys *source, err error) {
	main = &source{path: r.in}
	if main.key, err = a.keyFor(&r.key, backupEnv, "passphrase of "+r.in); err != nil {
		return nil, nil, err
	}
	if err := main.verify(backupOfRegistry, r.heads); err != nil {
		return nil, nil, err
	}
	if r.keys == "" {
		return main, nil, nil
	}
	info, err := os.Stat(r.keys)
	if err != nil {
		return nil, nil, fmt.Errorf("--keys-from: %w", err)
	}
	if info.IsDir() {
		if main.head.Snapshot.Apart {
			return nil, nil, usage("the keys of the contacts are not in %s but in the keys file that was made with it, or a later one: give that to --keys-from", r.in)
		}
		return main, nil, nil
	}
	keys = &source{path: r.keys}
	if keys.key, err = a.keyFor(&r.keysKey, keysEnv, "passphrase of "+r.keys); err != nil {
		return nil, nil, err
	}
	if err := keys.verify(backupOfKeys, nil); err != nil {
		return nil, nil, err
	}
	if err := keys.apartFrom(main); err != nil {
		return nil, nil, err
	}
	if main.head.Snapshot.Apart && keys.head.Snapshot.End.Seq < main.head.Snapshot.End.Seq {
		return nil, nil, usage("%s was made before %s, which has contacts whose keys are not in it: take the keys file of the same backup, or a later one", r.keys, r.in)
	}
	return main, keys, nil
}

// gap works out what is known of the time after the backup.
func (o *restored) gap(r *restoringFlags, main, keys *source) error {
	o.LastAct = o.End.Seq
	for _, h := range r.heads {
		o.LastAct = max(o.LastAct, h.Seq)
		if link, there := main.acts[h.Seq]; there && link != h.Link {
			return fmt.Errorf("%s: %w: act %d has another link than was noted: it is a backup of another registry, or of one that was changed", r.in, registry.ErrTampered, h.Seq)
		}
	}
	if keys != nil {
		o.LastAct = max(o.LastAct, keys.head.Snapshot.End.Seq)
	}
	o.Missing = o.LastAct - o.End.Seq
	return nil
}

// readGivenUp reads the contacts in a list of acts.
func readGivenUp(path string) (list []canary.ContactID, err error) {
	if path == "" {
		return nil, nil
	}
	b, err := os.ReadFile(path) // the operator names the file
	if err != nil {
		return nil, err
	}
	var acts []canary.Act
	if err := json.Unmarshal(b, &acts); err != nil {
		return nil, usage("--given-up %s: want what 'saltmine acts --shredded --limit 0 --output json' prints: %w", path, err)
	}
	for _, a := range acts {
		if a.What == canary.ActShred {
			list = append(list, canary.ContactID(a.About))
		}
	}
	return list, nil
}

// emptyTarget refuses a folder in which there is something.
func emptyTarget(dir string) error {
	if dir == "" {
		return nil
	}
	list, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil
	case err != nil:
		return err
	case len(list) > 0:
		return usage("%s is not empty, and nothing is put over what is there: name another folder, or move that away", dir)
	}
	return nil
}

func (o *restored) text(r *restoringFlags) []string {
	var out []string
	add := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	if o.DryRun {
		add("whole: a backup of %s with %d rows, the evidence log up to %s", o.Made.Format(time.RFC3339), o.Rows, o.End)
	} else {
		add("restored %s from the backup of %s: %d rows, registry %s", o.Dir, o.Made.Format(time.RFC3339), o.Rows, o.Registry)
		add("the evidence log is whole up to %s, and %d contacts are as they were filed", o.End, o.Contacts)
	}
	switch {
	case o.Missing > 0:
		add("OLDER than what is known: there was an act %d, so %d acts after it are missing: contacts, verdicts, plantings of that time", o.LastAct, o.Missing)
	case len(r.heads) == 0:
		add("whether there were acts after it nobody has said: --head NUMBER:LINK does, from serve's log or a witness")
	}
	if n := len(o.Stopped); n > 0 {
		add("%d pages were on their way then, and are not sent again:", n)
		for _, w := range o.Stopped {
			add("  %s to %s, about %s (%s after %d attempts)", w.Page, w.Route, w.About, w.State, w.Attempts)
		}
	}
	if o.GivenUp > 0 {
		add("%d contacts were given up again", o.GivenUp)
	}
	for _, w := range o.Warnings {
		add("note: %s", w)
	}
	if len(o.Next) > 0 {
		add("next: %s", strings.Join(o.Next, "\n      "))
	}
	return out
}

// targetDSN is where the registry goes.
func targetDSN(dsnFile, path string) (dsn string, err error) {
	if dsnFile == "" {
		return "sqlite:" + path, nil
	}
	secret, err := conf.ReadSecret(dsnFile)
	if err != nil {
		return "", &exitError{exitUsage, err}
	}
	src, err := conf.ParseSource(strings.TrimSpace(secret.Reveal()), ".")
	if err != nil || src.Engine != conf.MySQL {
		return "", usage("--registry-dsn-file %s: want mysql://user:password@tcp(host:port)/name", dsnFile)
	}
	return "mysql://" + src.DSN.Reveal(), nil
}
