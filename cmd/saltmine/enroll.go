package main

import (
	"bytes"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"saltmine/internal/conf"
	"saltmine/internal/pull"
)

// The names of identities in a folder: NAME.key and NAME.crt.
const (
	edgeName = "edge"
	coreName = "core"
)

func certFile(dir, name string) string { return filepath.Join(dir, name+".crt") }
func keyFile(dir, name string) string  { return filepath.Join(dir, name+".key") }

// edgesDir holds the core's identity and the certificates of its edges.
func edgesDir(cfg *conf.Config) string { return filepath.Join(cfg.Registry.Keys, "edges") }

func loadIdentity(dir, name string) (pull.Identity, error) {
	key, err := os.ReadFile(keyFile(dir, name))
	cert, err2 := os.ReadFile(certFile(dir, name))
	if err := errors.Join(err, err2); err != nil {
		return pull.Identity{}, &exitError{exitUsage, fmt.Errorf("certificates: %w; 'saltmine edge enroll' makes them", err)}
	}
	return pull.Identity{Key: key, Cert: cert}, nil
}

// enrolling are the flags of enroll.
type enrolling struct{ url, out, bundle, dir string }

func (a *app) enrollCmd() *cobra.Command {
	var e enrolling
	cmd := &cobra.Command{
		Use:   "enroll",
		Short: "Make the certificates of an edge: one command on the core, one on the edge",
		Long: `On the core, --url says under which address the edge will be reached and --out
where the bundle goes: a file with the edge's certificate and key, the core's
certificate, the key of the acceptance rule, the core's public key and a
configuration with the pool's domains. Carry it to the edge in secret, for
example with scp, and remove it afterwards.

On the edge, --bundle unpacks it into --dir. Nothing is overwritten on either
side; an edge that is enrolled again gets new certificates, and the old ones are
no longer accepted.`,
		Example: `  saltmine edge enroll --url https://edge1.example.net:7443 --out edge1.bundle
  saltmine edge enroll --bundle edge1.bundle --dir /etc/saltmine`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			switch {
			case e.url != "" && e.out != "" && e.bundle == "" && e.dir == "":
				return a.enrollHere(e)
			case e.bundle != "" && e.dir != "" && e.url == "" && e.out == "":
				return a.unpack(e)
			}
			return usage("want --url and --out on the core, or --bundle and --dir on the edge")
		},
	}
	cmd.Flags().StringVar(&e.url, "url", "", "on the core: the edge's `URL`, https://host:port")
	cmd.Flags().StringVar(&e.out, "out", "", "on the core: the `FILE` to carry to the edge")
	cmd.Flags().StringVar(&e.bundle, "bundle", "", "on the edge: the `FILE` from the core")
	cmd.Flags().StringVar(&e.dir, "dir", "", "on the edge: the `DIR` for keys/ and saltmine.toml")
	return cmd
}

// enrolled is what enroll prints.
type enrolled struct {
	URL    string   `json:"url,omitempty"`
	Bundle string   `json:"bundle,omitempty"`
	Made   []string `json:"made"`
}

func (a *app) enrollHere(e enrolling) error {
	cfg, keys, err := a.load()
	if err != nil {
		return err
	}
	if len(cfg.Pool.Domains) == 0 {
		return usage("[pool] has no domains: an edge would have nothing to listen for")
	}
	p := conf.Pull{URL: strings.TrimRight(e.url, "/")}
	if !p.Valid() {
		return usage("--url %q: want https://host:port", e.url)
	}
	host, port := p.Host()
	if _, err := os.Lstat(e.out); !errors.Is(err, fs.ErrNotExist) {
		return usage("--out %s is already there and is not overwritten", e.out)
	}
	dir := edgesDir(cfg)
	core, err := a.ownIdentity(dir)
	if err != nil {
		return err
	}
	edge, err := pull.NewIdentity(host, a.now())
	if err != nil {
		return err
	}
	text, err := edgeConfig(cfg, port)
	if err != nil {
		return err
	}
	files := map[string][]byte{"keys/edge.key": edge.Key, "keys/edge.crt": edge.Cert, "keys/core.crt": core.Cert, "saltmine.toml": text}
	for name, content := range keys.ForEdge() {
		files["keys/"+name] = content
	}
	// The bundle comes first: with a certificate and without it the edge that runs
	// now would be shut out, and nobody could enroll it again.
	if err := writeNew(e.out, string(bundled(files))); err != nil {
		return fmt.Errorf("enroll: %w", err)
	}
	pinned := certFile(dir, p.FileName())
	if err := replaceFile(pinned, edge.Cert); err != nil {
		return fmt.Errorf("enroll: %w", err)
	}
	return a.print(enrolled{URL: p.URL, Bundle: e.out, Made: []string{e.out, pinned}}, func(w io.Writer) error {
		_, err := fmt.Fprintf(w, `made %s (secret: carry it to the edge, then remove it)
made %s
on the edge:
  saltmine edge enroll --bundle %s --dir /etc/saltmine
  saltmine edge --config /etc/saltmine/saltmine.toml
in the core's configuration, then start serve again:
  [[core.pull]]
  url = %q
`, e.out, pinned, filepath.Base(e.out), p.URL)
		return err
	})
}

// ownIdentity loads the core's identity, and makes it the first time.
func (a *app) ownIdentity(dir string) (pull.Identity, error) {
	if _, err := os.Lstat(keyFile(dir, coreName)); !errors.Is(err, fs.ErrNotExist) {
		return loadIdentity(dir, coreName)
	}
	return a.makeIdentity(dir, coreName)
}

// makeIdentity makes an identity of the core, under a name.
func (a *app) makeIdentity(dir, name string) (pull.Identity, error) {
	id, err := pull.NewIdentity("core", a.now())
	if err != nil {
		return id, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return id, fmt.Errorf("enroll: %w", err)
	}
	if err := replaceFile(certFile(dir, name), id.Cert); err != nil {
		return id, fmt.Errorf("enroll: %w", err)
	}
	// The key comes last: with it the identity is whole.
	if err := replaceFile(keyFile(dir, name), id.Key); err != nil {
		return id, fmt.Errorf("enroll: %w", err)
	}
	return id, nil
}

// bundleBlock is the type of the PEM blocks of a bundle, one a file.
const bundleBlock = "SALTMINE EDGE"

func bundled(files map[string][]byte) []byte {
	var b bytes.Buffer
	for _, name := range slices.Sorted(maps.Keys(files)) {
		pem.Encode(&b, &pem.Block{Type: bundleBlock, Headers: map[string]string{"File": name}, Bytes: files[name]}) //nolint:errcheck // a buffer takes it
	}
	return b.Bytes()
}

// unbundled reads a bundle: every file that an edge needs, and no other.
func unbundled(b []byte) (map[string][]byte, error) {
	want := []string{"keys/accept.key", "keys/core.crt", "keys/core.pub", "keys/edge.crt", "keys/edge.key", "saltmine.toml"}
	files := map[string][]byte{}
	for {
		block, rest := pem.Decode(b)
		if block == nil {
			break
		}
		name := block.Headers["File"]
		if block.Type != bundleBlock || !slices.Contains(want, name) || files[name] != nil {
			return nil, errors.New("is not a bundle of 'saltmine edge enroll'")
		}
		files[name], b = block.Bytes, rest
	}
	for _, name := range want {
		if files[name] == nil {
			return nil, fmt.Errorf("is not a whole bundle: %s is missing", name)
		}
	}
	return files, nil
}

func (a *app) unpack(e enrolling) error {
	const most = 1 << 20
	f, err := os.Open(e.bundle)
	if err != nil {
		return fmt.Errorf("enroll: %w", err)
	}
	defer f.Close() //nolint:errcheck // only read
	b, err := io.ReadAll(io.LimitReader(f, most))
	if err != nil {
		return fmt.Errorf("enroll: %w", err)
	}
	files, err := unbundled(b)
	if err != nil {
		return usage("%s %w", e.bundle, err)
	}
	names := slices.Sorted(maps.Keys(files))
	for _, name := range names {
		if _, err := os.Lstat(filepath.Join(e.dir, name)); !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("enroll: %s is already there and is not overwritten", filepath.Join(e.dir, name))
		}
	}
	if err := os.MkdirAll(filepath.Join(e.dir, "keys"), 0o700); err != nil {
		return fmt.Errorf("enroll: %w", err)
	}
	done := enrolled{}
	for _, name := range names {
		path := filepath.Join(e.dir, name)
		if err := writeNew(path, string(files[name])); err != nil {
			return fmt.Errorf("enroll: %w", err)
		}
		done.Made = append(done.Made, path)
	}
	return a.print(done, func(w io.Writer) error {
		_, err := fmt.Fprintf(w, "made %s\nnext: remove the bundle, read saltmine.toml, then\n  saltmine edge --config %s\n", strings.Join(done.Made, "\nmade "), filepath.Join(e.dir, "saltmine.toml"))
		return err
	})
}

// replaceFile puts a file in the place of another, or of none.
func replaceFile(path string, content []byte) error {
	tmp := path + ".new"
	if err := os.Remove(tmp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := writeNew(tmp, string(content)); err != nil {
		return err
	}
	return os.Rename(tmp, path)
}
