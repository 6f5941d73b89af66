package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"saltmine/internal/backup"
	"saltmine/internal/canary"
	"saltmine/internal/registry"
	"saltmine/internal/spool"
)

// backingUp are the flags of backup.
type backingUp struct {
	out, keys       string
	lock, keysLock  lockFlags
	replace, dryRun bool
	noSpool         bool
}

func (a *app) backupCmd() *cobra.Command {
	var b backingUp
	cmd := &cobra.Command{
		Use:   "backup [OUT]",
		Short: "The registry, configuration and spool in one encrypted file; the keys in another",
		Long: `Writes the registry, as it is at one moment, with the configuration, those of the files
that it names which are not secret, and what the spool still holds, into OUT; 'saltmine serve' goes on meanwhile. A
registry on SQLite can be restored to MySQL and the other way round.

With --keys the keys folder, the secrets that the configuration names, and the lists of
mailboxes and numbers of [pool], which are canaries, go into a second file, which has a passphrase or recipient of its own: keep it elsewhere. The key
of each contact then goes there too, and OUT has none. So keep many OUT, and of the keys
files only the newest (--replace): what 'saltmine retention' and 'redact' gave up
before it was made cannot be opened with any OUT, however old. Without --keys, OUT
holds the contacts' keys, and whoever also has the master key can open in it what was
given up since; the keys, secrets and lists of [pool] are then in no file.

Passphrases come from --passphrase-file and --keys-passphrase-file, from the environment
(SALTMINE_BACKUP_PASSPHRASE, SALTMINE_KEYS_PASSPHRASE) or from the terminal; instead,
--recipient and --keys-recipient encrypt to public keys of age (age-keygen makes them),
so that the machine itself cannot open what it wrote. OUT is there as a whole or not at
all: until then it is called OUT.part. That it was made is on the evidence log.`,
		Example: "  saltmine backup /mnt/backup/today.backup --passphrase-file backup.pass\n  saltmine backup today.backup --recipient age1… --keys /mnt/safe/saltmine.keys --keys-passphrase-file keys.pass --replace\n  saltmine restore today.backup --dry-run",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				b.out = args[0]
			}
			return a.backUp(cmd.Context(), &b)
		},
	}
	b.lock.flags(cmd, "", "OUT")
	cmd.Flags().StringVar(&b.keys, "keys", "", "write the keys and secrets to another `FILE`")
	b.keysLock.flags(cmd, "keys-", "the keys file")
	cmd.Flags().BoolVar(&b.replace, "replace", false, "write over files that are there, when the new ones are whole")
	cmd.Flags().BoolVar(&b.noSpool, "no-spool", false, "leave out what the spool holds: contacts that were not taken in yet")
	cmd.Flags().BoolVar(&b.dryRun, "dry-run", false, "say what would be in it, write nothing")
	return cmd
}

// backedUp is what backup prints.
type backedUp struct {
	File     string            `json:"file,omitempty"`
	Keys     string            `json:"keys,omitempty"`
	DryRun   bool              `json:"dry_run,omitempty"`
	Bytes    int64             `json:"bytes,omitempty"`
	Snapshot registry.Snapshot `json:"registry"`
	Files    []string          `json:"files"`
	Secrets  []string          `json:"secrets,omitempty"` // with the keys
	Left     int               `json:"secrets_in_no_file,omitempty"`
	Spool    int64             `json:"spool_bytes"`
}

// backupHead is what stands first in a backup.
type backupHead struct {
	What     string            `json:"what"` // backupOfRegistry or backupOfKeys
	Made     time.Time         `json:"made"`
	Program  string            `json:"program"`
	Config   string            `json:"config"`   // the name of the configuration's file
	Registry string            `json:"registry"` // where it is, below the folder of the configuration; empty: elsewhere
	Keys     string            `json:"keys"`     // so the keys
	Spool    string            `json:"spool"`    // and the spool
	Snapshot registry.Snapshot `json:"snapshot"`
}

const (
	backupOfRegistry = "registry"
	backupOfKeys     = "keys"
)

func (b *backingUp) check() error {
	switch {
	case b.out == "" && b.keys == "":
		return usage("want OUT, or --keys FILE, or both")
	case b.out != "" && b.keys != "" && samePlace(b.out, b.keys):
		return usage("--keys %s is the same file as OUT: who has one of them is not to have both", b.keys)
	case b.keys == "" && b.keysLock.given():
		return usage("there is no --keys FILE for which a passphrase or recipient would be")
	}
	return nil
}

// samePlace reports whether two paths are one file.
func samePlace(a, b string) bool {
	place := func(path string) string {
		abs, err := filepath.Abs(path)
		if err != nil {
			return path
		}
		if dir, err := filepath.EvalSymlinks(filepath.Dir(abs)); err == nil {
			abs = filepath.Join(dir, filepath.Base(abs))
		}
		return abs
	}
	if x, err := os.Stat(a); err == nil {
		if y, err := os.Stat(b); err == nil && os.SameFile(x, y) {
			return true
		}
	}
	return place(a) == place(b)
}

func (a *app) backUp(ctx context.Context, b *backingUp) error {
	if err := b.check(); err != nil {
		return err
	}
	return a.withCore(ctx, func(c *core) error {
		files, err := backupFiles(a.config, c.cfg)
		if err != nil {
			return err
		}
		if b.dryRun {
			return a.sayBackup(ctx, c, b, files)
		}
		done := backedUp{File: b.out, Keys: b.keys, Files: files.names(false)}
		done.secrets(files)
		about := "registry"
		if b.out == "" {
			about = "keys"
		} else if b.keys != "" {
			about = "registry, keys"
		}
		err = c.onRecord(ctx, canary.ActBackup, about, false, func() (string, error) {
			err := a.writeBackup(ctx, c, b, files, &done)
			return fmt.Sprintf("made, up to act %d", done.Snapshot.End.Seq), err
		})
		if err != nil {
			return err
		}
		return a.print(done, func(w io.Writer) error { return lines(w, done.text()) })
	})
}

// secrets says where secret files go.
func (d *backedUp) secrets(files fileList) {
	list := files.names(true)
	if d.Keys == "" {
		d.Left = len(list)
		return
	}
	d.Secrets = list
}

func (d *backedUp) text() []string {
	s := &d.Snapshot
	what := fmt.Sprintf("%d canaries, %d contacts, the evidence log up to %s", s.Rows["canaries"], s.Rows["contacts"], s.End)
	verb := "made"
	if d.DryRun {
		verb = "would make"
	}
	var out []string
	if d.File != "" {
		out = append(out, fmt.Sprintf("%s %s: %s", verb, d.File, what), fmt.Sprintf("  with %d files and %d bytes of the spool", len(d.Files), d.Spool))
	}
	if d.Keys != "" {
		out = append(out, fmt.Sprintf("%s %s: the keys, %d secrets, and the keys of %d contacts; keep it apart", verb, d.Keys, len(d.Secrets), s.Rows["contact_keys"]))
	} else {
		out = append(out, fmt.Sprintf("%d secret files, the keys among them, are in no file: 'saltmine backup --keys FILE' writes them to one of their own", d.Left))
	}
	if n := len(s.Waiting); n > 0 {
		out = append(out, fmt.Sprintf("%d pages were on their way: a restore does not send them again", n))
	}
	if !d.DryRun {
		out = append(out, fmt.Sprintf("note %s elsewhere: 'saltmine restore --head' then says what is missing", s.End))
	}
	return out
}

var errLooked = errors.New("looked")

// sayBackup tells what a backup would hold.
func (a *app) sayBackup(ctx context.Context, c *core, b *backingUp, files fileList) error {
	d := backedUp{File: b.out, Keys: b.keys, DryRun: true, Files: files.names(false)}
	d.secrets(files)
	_, err := c.reg.Export(ctx, registry.Sink{Begin: func(s registry.Snapshot) error { d.Snapshot = s; return errLooked }})
	if err != nil && !errors.Is(err, errLooked) {
		return err
	}
	if !b.noSpool {
		held, err := spool.OpenCopy(c.cfg.Spool.Dir)
		if err != nil {
			return err
		}
		defer held.Close() //nolint:errcheck // only read
		d.Spool = held.Size()
	}
	return a.print(d, func(w io.Writer) error { return lines(w, d.text()) })
}

// writeBackup writes both files, and puts them in their places when both are whole.
func (a *app) writeBackup(ctx context.Context, c *core, b *backingUp, files fileList, done *backedUp) (err error) {
	w := &backupRun{app: a, core: c, files: files, flags: b, done: done}
	defer func() { err = errors.Join(err, w.close()) }()
	if err := w.begin(); err != nil {
		return err
	}
	if _, err := c.reg.Export(ctx, w.sink()); err != nil {
		return err
	}
	return w.finish()
}

// backupRun is a backup being written.
type backupRun struct {
	app   *app
	core  *core
	files fileList
	flags *backingUp
	done  *backedUp

	head     backupHead
	lock     backup.Lock
	keysLock backup.Lock
	out      *newFile // nil: only the keys
	keysOut  *newFile // nil: only the registry
	main     *backup.Writer
	keys     *backup.Writer
	spool    *spool.Copy
	step     func(done, total int)
	stop     func()
	rows     int
}

func (w *backupRun) begin() (err error) {
	if err := w.locks(); err != nil {
		return err
	}
	if w.flags.out != "" {
		if w.out, err = createFile(w.flags.out, w.flags.replace); err != nil {
			return err
		}
	}
	if w.flags.keys != "" {
		if w.keysOut, err = createFile(w.flags.keys, w.flags.replace); err != nil {
			return err
		}
	}
	// Before the registry's moment is fixed: what is taken in after it may be trimmed.
	if w.flags.out != "" && !w.flags.noSpool {
		if w.spool, err = spool.OpenCopy(w.core.cfg.Spool.Dir); err != nil {
			return err
		}
	}
	w.step, w.stop = w.app.progress("backup")
	return nil
}

// locks finds out for whom the files are encrypted, before there are any.
func (w *backupRun) locks() (err error) {
	if w.flags.out != "" {
		if w.lock, err = w.app.lockFor(&w.flags.lock, backupEnv, "passphrase for "+w.flags.out); err != nil {
			return err
		}
	}
	if w.flags.keys == "" {
		return nil
	}
	if w.keysLock, err = w.app.lockFor(&w.flags.keysLock, keysEnv, "passphrase for "+w.flags.keys); err != nil {
		return err
	}
	if w.flags.lock.phrase != "" && w.flags.lock.phrase == w.flags.keysLock.phrase {
		return usage("both files have the same passphrase: who learns it would have both; choose another one for the keys")
	}
	return nil
}

// moment begins both files when the registry's moment is fixed.
func (w *backupRun) moment(s registry.Snapshot) (err error) {
	w.done.Snapshot = s
	w.head = headOf(w.app, w.core.cfg, s)
	if w.spool != nil {
		if err := w.spool.Sight(); err != nil {
			return err
		}
		w.done.Spool = w.spool.Size()
	}
	if w.keysOut != nil {
		head := w.head
		head.What = backupOfKeys
		if w.keys, err = backup.NewWriter(w.keysOut, w.keysLock, head); err != nil {
			return err
		}
		if err := w.files.write(w.keys, true); err != nil {
			return err
		}
	}
	if w.out == nil {
		return nil
	}
	if w.main, err = backup.NewWriter(w.out, w.lock, w.head); err != nil {
		return err
	}
	if err := w.files.write(w.main, false); err != nil || w.spool == nil {
		return err
	}
	return w.spool.Each(func(name string, size int64, content io.Reader) error {
		return w.main.File(backup.File{Name: inSpool + name, Mode: 0o600, Size: size}, content)
	})
}

func (w *backupRun) sink() registry.Sink {
	total := 0
	to := func(into **backup.Writer) registry.Sink {
		return registry.Sink{
			Table: func(t backup.Table) error {
				if *into == nil {
					return nil
				}
				return (*into).Table(t)
			},
			Row: func(values []any) error {
				if w.rows++; total == 0 {
					total = int(w.done.Snapshot.Total())
				}
				if *into == nil {
					return nil
				}
				w.step(w.rows, total)
				return (*into).Row(values)
			},
		}
	}
	sink := to(&w.main)
	sink.Begin = w.moment
	if w.flags.keys != "" {
		keys := to(&w.keys)
		sink.Keys = &keys
	}
	return sink
}

// finish puts the files in their places, that of the keys first.
func (w *backupRun) finish() error {
	for _, f := range []struct {
		w    *backup.Writer
		file *newFile
	}{{w.keys, w.keysOut}, {w.main, w.out}} {
		if f.w == nil {
			continue
		}
		if err := f.w.Close(); err != nil {
			return err
		}
		if err := f.file.commit(); err != nil {
			return err
		}
		w.done.Bytes += f.file.size
	}
	return nil
}

func (w *backupRun) close() error {
	if w.stop != nil {
		w.stop()
	}
	var err error
	if w.spool != nil {
		err = w.spool.Close()
	}
	return errors.Join(err, w.out.discard(), w.keysOut.discard())
}
