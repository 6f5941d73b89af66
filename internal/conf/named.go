package conf

import (
	"cmp"
	"maps"
	"path/filepath"
	"slices"
	"strings"
)

// NamedFile is a file, or a folder of files, that a configuration names and that
// belongs to it: without it the configuration says less on another machine.
type NamedFile struct {
	Key    string // dotted, of the configuration; of the pool's mailboxes with their file's name before it
	Path   string // absolute
	Secret bool   // it holds a secret, or canaries: mailboxes and numbers
}

// name writes down that a key names a file.
func (b *book) name(key, path string) {
	last := key[strings.LastIndexByte(key, '.')+1:]
	switch last {
	case "keys", "dir", "file", "lmtp", "path":
		return // what is made here, or by others: not part of the configuration
	}
	secret := strings.HasSuffix(last, "_file") || last == "tls_key" || last == "acme_dir" || key == "pool.mailboxes" || key == "pool.phones"
	b.named = append(b.named, NamedFile{Key: key, Path: path, Secret: secret})
}

// Files are the files that the configuration names, in the order of their paths, each
// once: recipes, lists, certificates, templates, and secrets. The keys, the spool and
// the registry are not among them, nor are logs of others.
func (c *Config) Files() ([]NamedFile, error) {
	list := slices.Clone(c.named)
	if c.Pool.Mailboxes != "" {
		more, err := mailboxFiles(c.Pool.Mailboxes)
		if err != nil {
			return nil, err
		}
		list = append(list, more...)
	}
	for _, name := range slices.Sorted(maps.Keys(c.Support)) {
		if r := c.Support[name].Recipe; filepath.IsAbs(r) { // else a built-in one
			list = append(list, NamedFile{Key: "support." + name + ".recipe", Path: r})
		}
	}
	slices.SortStableFunc(list, func(a, b NamedFile) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(b2i(b.Secret), b2i(a.Secret)))
	})
	return slices.CompactFunc(list, func(a, b NamedFile) bool { return a.Path == b.Path }), nil
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}
