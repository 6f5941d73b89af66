package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"saltmine/internal/backup"
	"saltmine/internal/registry"
	"saltmine/internal/seal"
	"saltmine/internal/spool"
)

// place is where a file of a backup goes, below the folder that is made; empty where
// no backup of ours has such a file.
func (h *backupHead) place(name string) string {
	kind, rest, _ := strings.Cut(name, "/")
	var at string
	switch kind + "/" {
	case inFolder:
		at = rest
	case inOutside:
		at = name
	case inKeys:
		at = path.Join(h.keysDir(), rest)
	case inSpool:
		if !spool.IsFile(rest) {
			return ""
		}
		at = path.Join(cmp.Or(h.Spool, "spool"), rest)
	}
	if rest == "" || !fs.ValidPath(at) {
		return ""
	}
	return at
}

// putting puts a backup back.
type putting struct {
	app        *app
	flags      *restoringFlags
	main, keys *source
	out        *restored

	rules     int // of [[response]]
	approvals int // that were given, and are ended

	filled bool // what is in the database stays there

	dir  string // until it is whole
	root *os.Root
}

func (p *putting) run(ctx context.Context) (err error) {
	to := filepath.Clean(p.flags.to)
	unlock, err := p.begin(to)
	if err != nil {
		return err
	}
	defer unlock()
	defer func() {
		err = errors.Join(err, p.root.Close())
		if err != nil {
			err = errors.Join(p.stays(err), os.RemoveAll(p.dir))
		}
	}()
	if err := p.files(); err != nil {
		return err
	}
	if err := p.registry(ctx, to); err != nil {
		return err
	}
	if err := syncTree(p.dir); err != nil {
		return err
	}
	if err := os.Rename(p.dir, to); err != nil { // in the place of an empty folder, or of none
		return err
	}
	p.out.Dir = to
	p.say(to)
	return syncDir(filepath.Dir(to))
}

// stays says of a fault that it does not undo what is in a database of MySQL.
func (p *putting) stays(err error) error {
	if p.filled && p.flags.dsnFile != "" {
		err = fmt.Errorf("%w; what was put into the database is still in it: empty the database, then run this again", err)
	}
	return err
}

// begin makes the folder in which all is done until it is whole, and takes away what
// was left of one that was killed.
func (p *putting) begin(to string) (unlock func(), err error) {
	p.dir = to + ".restoring"
	if err := os.MkdirAll(filepath.Dir(p.dir), 0o700); err != nil {
		return nil, err
	}
	lock, err := os.OpenFile(p.dir+".lock", os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(fmt.Errorf("another process restores to %s", to), lock.Close())
	}
	unlock = func() {
		_ = os.Remove(lock.Name()) // it holds nothing
		_ = lock.Close()
	}
	err = os.RemoveAll(p.dir)
	if err == nil {
		err = os.Mkdir(p.dir, 0o700)
	}
	if err == nil {
		p.root, err = os.OpenRoot(p.dir)
	}
	if err != nil {
		unlock()
		return nil, err
	}
	return unlock, nil
}

// files writes every file of both backups.
func (p *putting) files() error {
	sources := []*source{p.main}
	if p.keys != nil {
		sources = append(sources, p.keys)
	}
	for _, s := range sources {
		if err := s.take(backup.Taker{File: func(f backup.File, content io.Reader) error { return p.file(s, f, content) }}); err != nil {
			return err
		}
	}
	if p.keys != nil {
		return nil
	}
	return p.keysFolder()
}

// keysFolder copies the keys from a folder.
func (p *putting) keysFolder() error {
	from, err := os.OpenRoot(p.flags.keys)
	if err != nil {
		return err
	}
	defer from.Close() //nolint:errcheck // only read
	return fs.WalkDir(from.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		f, err := from.Open(name)
		if err != nil {
			return err
		}
		defer f.Close() //nolint:errcheck // only read
		return p.file(p.main, backup.File{Name: inKeys + name, Mode: 0o600}, f)
	})
}

// keysDir is where the keys are, below the folder that is made.
func (h *backupHead) keysDir() string {
	if h.Keys == "" {
		return "keys"
	}
	return h.Keys
}

func (p *putting) file(s *source, f backup.File, content io.Reader) error {
	at := s.head.place(f.Name)
	if rest, elsewhere := strings.CutPrefix(f.Name, inOutside); elsewhere {
		p.out.Outside = append(p.out.Outside, "/"+rest)
	}
	if err := p.root.MkdirAll(path.Dir(at), 0o700); err != nil {
		return err
	}
	w, err := p.root.OpenFile(at, os.O_WRONLY|os.O_CREATE|os.O_EXCL, f.Mode&0o700)
	if err != nil {
		return err
	}
	_, err = io.Copy(w, content)
	return errors.Join(err, w.Close())
}

// registry loads the registry, and looks whether all of it is there.
func (p *putting) registry(ctx context.Context, to string) error {
	at := p.main.head.Registry
	if at == "" || p.flags.dsnFile != "" {
		at = "saltmine.db"
	}
	dsn, err := targetDSN(p.flags.dsnFile, filepath.Join(p.dir, filepath.FromSlash(at)))
	if err != nil {
		return err
	}
	if p.out.Registry = filepath.Join(to, at); p.flags.dsnFile != "" {
		p.out.Registry = "in " + p.flags.dsnFile
	}
	p.out.Config = filepath.Join(to, p.main.head.Config)
	keys, err := seal.Load(filepath.Join(p.dir, filepath.FromSlash(p.main.head.keysDir())))
	if err != nil {
		return &exitError{exitUsage, &keysError{err}}
	}
	l, err := registry.Load(ctx, registry.Config{DSN: dsn, Vault: keys.Vault, Now: p.app.now, Log: p.app.quietLogger()}, p.main.head.Snapshot.Tables)
	if err != nil {
		return err
	}
	defer l.Abort() //nolint:errcheck // after Finish it does nothing, and before there is another error
	if err := p.rows(ctx, l); err != nil {
		return err
	}
	reg, done, err := l.Finish(ctx, registry.Restoring{
		By: here(), From: p.main.head.Made, Snapshot: p.main.head.Snapshot, KeysApart: p.newerKeys(), Send: p.flags.send, GivenUp: p.flags.givenUpAlready,
		Noted: p.noted(), Missing: p.out.Missing,
	})
	p.filled = l.Committed()
	if err != nil {
		return err
	}
	p.out.Restored = done
	return errors.Join(p.look(ctx, reg), reg.Close())
}

// noted is the last end of the log that was given.
func (p *putting) noted() string {
	if len(p.flags.heads) == 0 {
		return ""
	}
	return slices.MaxFunc(p.flags.heads, func(a, b registry.Head) int { return cmp.Compare(a.Seq, b.Seq) }).String()
}

// newerKeys reports whether the contacts' keys come from the keys file: where the
// backup has none, and where that knows what was given up since.
func (p *putting) newerKeys() bool {
	return p.keys != nil && (p.main.head.Snapshot.Apart || p.keys.head.Snapshot.End.Seq > p.main.head.Snapshot.End.Seq)
}

func (p *putting) rows(ctx context.Context, l *registry.Loading) error {
	step, stop := p.app.progress("restore")
	defer stop()
	n := 0
	take := func(s *source, wanted func(string) bool) error {
		pass := false
		return s.take(backup.Taker{
			Table: func(t backup.Table) error {
				if pass = wanted(t.Name); !pass {
					return nil
				}
				return l.Table(ctx, t)
			},
			Row: func(values []any) error {
				if !pass {
					return nil
				}
				n++
				step(n, int(p.main.head.Snapshot.Total()))
				return l.Row(ctx, values)
			},
		})
	}
	const contactKeys = "contact_keys"
	newer := p.newerKeys()
	if err := take(p.main, func(name string) bool { return !newer || name != contactKeys }); err != nil || !newer {
		return err
	}
	return take(p.keys, func(name string) bool { return name == contactKeys })
}

// look checks what was put back as anybody can check it later.
func (p *putting) look(ctx context.Context, reg *registry.Registry) error {
	heads := []registry.Head{}
	for _, h := range p.flags.heads {
		if h.Seq <= p.out.End.Seq {
			heads = append(heads, h)
		}
	}
	if p.out.End.Seq > 0 {
		heads = append(heads, p.out.End)
	}
	if _, err := reg.CheckActs(ctx, heads...); err != nil {
		return err
	}
	kept, err := reg.CheckContacts(ctx)
	p.out.Contacts = kept.Contacts
	if err != nil {
		return err
	}
	if p.rules, err = reg.RestoredResponses(ctx); err != nil {
		return err
	}
	p.approvals, err = reg.RestoredApprovals(ctx)
	return err
}

// say tells what follows.
func (p *putting) say(to string) {
	o, h := p.out, &p.main.head
	warn := func(format string, args ...any) { o.Warnings = append(o.Warnings, fmt.Sprintf(format, args...)) }
	if h.Keys == "" || h.Spool == "" {
		warn("the configuration names keys or spool outside of its folder: they are in %s now; correct [registry] keys and [spool] dir, or move them", to)
	}
	if len(o.Outside) > 0 {
		slices.Sort(o.Outside)
		warn("%d files were outside of the folder of the configuration, and are in %s: move them to their places: %s", len(o.Outside), filepath.Join(to, strings.TrimSuffix(inOutside, "/")), strings.Join(o.Outside, ", "))
	}
	if p.keys == nil {
		warn("the keys came from a folder: secrets that the configuration names, and the lists of mailboxes and numbers of [pool], are in no backup; put them in their places")
	}
	if h.Registry == "" || p.flags.dsnFile != "" {
		warn("the configuration names another registry than %s: correct dsn or dsn_file in [registry] before anything is started", o.Registry)
	}
	var spools []string
	for name, at := range h.Snapshot.Positions {
		if strings.HasPrefix(name, "spool-") {
			spools = append(spools, name+" up to record "+at)
		}
	}
	if len(spools) > 0 {
		slices.Sort(spools)
		warn("taken in then: %s. What a spool still holds after that is taken in by itself, once, and pages as new; contacts that were taken in after the backup and that the spool has let go of are missing", strings.Join(spools, ", "))
	}
	p.sayDecisions(warn)
	if !h.Snapshot.Apart {
		warn("the backup also holds the keys of contacts: with the keys, those that were given up after it can be opened in it; let it run out, or write keys apart (backup --keys)")
	}
	o.Next = []string{
		"see that the old machine does not serve any more: two of them would write two logs",
		"saltmine check --config " + o.Config,
		"saltmine serve --config " + o.Config,
	}
}

// sayDecisions tells what people and rules had decided, and what became of it.
func (p *putting) sayDecisions(warn func(format string, args ...any)) {
	if p.rules > 0 {
		warn("%d rules of [[response]] begin anew: incidents that stand are left alone, but what pages as new is answered, also if that was done after the backup; set dry_run = true where it must not be", p.rules)
	}
	if p.approvals > 0 {
		warn("%d approvals that were given are ended, for they may have been used after the backup: ask again", p.approvals)
	}
	warn("a certificate of an edge that was revoked after the backup is trusted again: revoke it anew (saltmine edge revoke) before serve is started")
}

// syncTree makes a folder durable, with all that is in it.
func syncTree(dir string) error {
	return filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return syncDir(path)
	})
}
