package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"saltmine/internal/backup"
	"saltmine/internal/conf"
	"saltmine/internal/registry"
)

// Where files stand in a backup.
const (
	inFolder  = "files/"     // below the folder of the configuration
	inOutside = "inOutside/" // elsewhere on the machine: the path without its first slash
	inKeys    = "keys/"
	inSpool   = "spool/"
)

// baggage is a file that goes into a backup.
type baggage struct {
	path   string // on this machine
	name   string // in the backup
	secret bool   // it goes with the keys
}

type fileList []baggage

func configDir(config string) string {
	abs, err := filepath.Abs(config)
	if err != nil {
		return filepath.Dir(config)
	}
	return filepath.Dir(abs)
}

// below is where a path lies below a folder, with slashes; empty when it does not.
func below(dir, path string) string {
	rel, err := filepath.Rel(dir, path)
	if err != nil || rel == "." || !filepath.IsLocal(rel) {
		return ""
	}
	return filepath.ToSlash(rel)
}

func nameInBackup(dir, path string) string {
	if rel := below(dir, path); rel != "" {
		return inFolder + rel
	}
	return inOutside + strings.TrimPrefix(filepath.ToSlash(filepath.Clean(path)), "/")
}

// backupFiles lists what belongs to a configuration.
func backupFiles(config string, cfg *conf.Config) (fileList, error) {
	dir := configDir(config)
	named, err := cfg.Files()
	if err != nil {
		return nil, err
	}
	keys := cfg.Registry.Keys
	list := fileList{{path: filepath.Join(dir, filepath.Base(config)), name: inFolder + filepath.Base(config)}}
	for _, f := range named {
		if list, err = list.add(f.Path, func(path string) string { return nameInBackup(dir, path) }, f.Secret); err != nil {
			return nil, fmt.Errorf("%s: %w", f.Key, err)
		}
	}
	// What lies in the keys folder goes with that, once.
	list = slices.DeleteFunc(list, func(f baggage) bool { return below(keys, f.path) != "" })
	if list, err = list.add(keys, func(path string) string { return inKeys + below(keys, path) }, true); err != nil {
		return nil, fmt.Errorf("registry.keys: %w", err)
	}
	return list, nil
}

// add adds a file, or the files in a folder.
func (l fileList) add(path string, name func(string) string, secret bool) (fileList, error) {
	err := filepath.WalkDir(path, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := os.Stat(path) // what a link leads to
		if err == nil && info.Mode().IsRegular() {
			l = append(l, baggage{path: path, name: name(path), secret: secret})
		}
		return err
	})
	return l, err
}

// write writes those that are secret, or those that are not.
func (l fileList) write(w *backup.Writer, secret bool) error {
	for _, f := range l {
		if f.secret != secret {
			continue
		}
		if err := writeBaggage(w, f); err != nil {
			return fmt.Errorf("%s: %w", f.path, err)
		}
	}
	return nil
}

func writeBaggage(w *backup.Writer, l baggage) error {
	f, err := os.Open(l.path)
	if err != nil {
		return err
	}
	defer f.Close() //nolint:errcheck // only read
	info, err := f.Stat()
	if err != nil {
		return err
	}
	return w.File(backup.File{Name: l.name, Mode: info.Mode().Perm(), Size: info.Size()}, f)
}

// newFile is a file that is there as a whole or not at all: it is written beside its
// place, as NAME.part.
type newFile struct {
	f    *os.File
	path string
	size int64
}

// createFile begins one; replace says whether it may take the place of another.
func createFile(path string, replace bool) (*newFile, error) {
	if _, err := os.Lstat(path); !replace && !errors.Is(err, fs.ErrNotExist) {
		return nil, usage("%s is already there and is not overwritten (--replace does)", path)
	}
	f, err := os.OpenFile(path+".part", os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(fmt.Errorf("%s.part is being written by another process", path), f.Close())
	}
	if err := f.Truncate(0); err != nil { // of one that was killed
		return nil, errors.Join(err, f.Close())
	}
	return &newFile{f: f, path: path}, nil
}

// Write writes on.
func (n *newFile) Write(b []byte) (int, error) {
	k, err := n.f.Write(b)
	n.size += int64(k)
	return k, err
}

// commit makes it durable and puts it in its place.
func (n *newFile) commit() error {
	if err := n.f.Sync(); err != nil {
		return err
	}
	if err := os.Rename(n.path+".part", n.path); err != nil {
		return err
	}
	err := n.f.Close()
	n.f = nil
	return errors.Join(err, syncDir(filepath.Dir(n.path)))
}

// discard takes back one that was not put in its place.
func (n *newFile) discard() error {
	if n == nil || n.f == nil {
		return nil
	}
	err := os.Remove(n.path + ".part")
	return errors.Join(err, n.f.Close())
}

func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// headOf is what a backup says of the whole.
func headOf(a *app, cfg *conf.Config, s registry.Snapshot) backupHead {
	dir := configDir(a.config)
	h := backupHead{What: backupOfRegistry, Made: a.now().UTC(), Program: version(), Config: filepath.Base(a.config), Snapshot: s,
		Keys: below(dir, cfg.Registry.Keys), Spool: below(dir, cfg.Spool.Dir)}
	if cfg.Registry.Source.Engine == conf.SQLite {
		h.Registry = below(dir, cfg.Registry.Source.Path)
	}
	return h
}

func (l fileList) names(secret bool) []string {
	var out []string
	for _, x := range l {
		if x.secret == secret {
			out = append(out, x.path)
		}
	}
	slices.Sort(out)
	return out
}
