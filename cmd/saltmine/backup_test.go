package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"filippo.io/age"

	"saltmine/internal/canary"
	"saltmine/internal/registry"
)

const (
	testPhrase     = "test-only passphrase of a backup"
	testKeysPhrase = "test-only passphrase of the keys"
)

// safe is where a site's backups are: two files and what opens them.
type safe struct {
	t                 *testing.T
	dir               string
	out, keys         string
	recipient         string
	identity          string
	pass, keysPass    string
	backing, reading  []string // flags, with passphrases
	sealing, unsealed []string // flags, with a recipient: no passphrase to work out
}

func newSafe(t *testing.T) *safe {
	t.Helper()
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	f := &safe{t: t, dir: t.TempDir(), recipient: id.Recipient().String()}
	put := func(name, text string) string {
		path := filepath.Join(f.dir, name)
		if err := os.WriteFile(path, []byte(text+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	f.out, f.keys = filepath.Join(f.dir, "s.backup"), filepath.Join(f.dir, "s.keys")
	f.identity, f.pass, f.keysPass = put("identity", id.String()), put("pass", testPhrase), put("keys.pass", testKeysPhrase)
	f.backing = []string{"--passphrase-file", f.pass, "--keys-passphrase-file", f.keysPass}
	f.reading = f.backing
	f.sealing = []string{"--recipient", f.recipient, "--keys-recipient", f.recipient}
	f.unsealed = []string{"--identity", f.identity, "--keys-identity", f.identity}
	return f
}

// load sends mails to planted addresses until it is told to stop.
type load struct {
	mu   sync.Mutex
	yes  []string // marks of what was acknowledged
	stop context.CancelFunc
	done sync.WaitGroup
}

func (l *load) acknowledged() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.yes)
}

func (s *site) load(addr string, tokens []canary.DatedToken) *load {
	ctx, stop := context.WithCancel(s.t.Context())
	l := &load{stop: stop}
	for g := range 4 {
		l.done.Go(func() { // ends with stop
			pace := time.NewTicker(20 * time.Millisecond)
			defer pace.Stop()
			for i := 0; ctx.Err() == nil; i++ {
				<-pace.C
				mark := fmt.Sprintf("mark%d%06dz", g, i)
				if sendMarked(ctx, addr, tokens[(i+g)%len(tokens)].Text, mark) {
					l.mu.Lock()
					l.yes = append(l.yes, mark)
					l.mu.Unlock()
				}
			}
		})
	}
	s.t.Cleanup(stop)
	return l
}

func (l *load) end() { l.stop(); l.done.Wait() }

func triesOf(list []string) (out []try) {
	for _, m := range list {
		out = append(out, try{mark: m})
	}
	return out
}

// bare is a machine that has nothing but the program and what is carried there.
func bare(t *testing.T, dir string, args ...string) *exec.Cmd {
	t.Helper()
	own := filepath.Join(dir, "saltmine")
	if _, err := os.Stat(own); errors.Is(err, fs.ErrNotExist) {
		text, err := os.ReadFile(program)
		if err == nil {
			err = os.WriteFile(own, text, 0o700)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), own, args...)
	cmd.Dir, cmd.Env = dir, []string{"HOME=" + filepath.Join(dir, "home")}
	return cmd
}

func carry(t *testing.T, dir string, paths ...string) {
	t.Helper()
	for _, path := range paths {
		b, err := os.ReadFile(path)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, filepath.Base(path)), b, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// TestBackupOnABareMachine takes a backup while contacts come in, loses the machine,
// and goes on elsewhere with two files and two passphrases.
func TestBackupOnABareMachine(t *testing.T) {
	t.Parallel()
	s, f := bareSite(t, "[pool.accept]\n\""+strings.Join(testDomains(), "\" = \"all\"\n\"")+"\" = \"all\"\n"), newSafe(t)
	reg := s.open()
	register(t, reg)
	tokens, err := reg.PlantedTokens(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	srv := s.serve()
	l := s.load(srv.addrs["smtp"], tokens)
	eventually(t, "contacts come in and page", func() bool {
		pages, _ := s.hook.received()
		return len(l.acknowledged()) >= 60 && len(pages) > 0
	})
	before := l.acknowledged()
	noted, err := reg.ActsHead(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var made backedUp
	if err := json.Unmarshal([]byte(s.run(append([]string{"--output", "json", "backup", f.out, "--keys", f.keys}, f.backing...)...)), &made); err != nil {
		t.Fatal(err)
	}
	l.end()
	srv.kill()
	last, err := reg.ActsHead(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	holdsNoSecret(t, s, f)

	dir := t.TempDir()
	carry(t, dir, f.out, f.keys, f.pass, f.keysPass)
	out, err := bare(t, dir, "restore", "s.backup", "--to", "new/site", "--keys-from", "s.keys", "--passphrase-file", "pass", "--keys-passphrase-file", "keys.pass",
		"--head", noted.String(), "--head", last.String()).CombinedOutput()
	if err != nil {
		t.Fatalf("restore: %v\n%s", err, out)
	}
	wants(t, string(out), fmt.Sprintf("OLDER than what is known: there was an act %d, so %d acts", last.Seq, last.Seq-made.Snapshot.End.Seq), "saltmine serve --config", "a spool still holds")
	if len(made.Snapshot.Waiting) > 0 {
		wants(t, string(out), "pages were on their way")
	}

	was, _ := s.hook.received()
	posts := s.hook.posted()
	again, ready := launch(t, bare(t, dir, "serve", "--config", "new/site/saltmine.toml"))
	if !ready {
		t.Fatalf("serve ended:\n%s", again.log)
	}
	there := &site{t: t, dir: filepath.Join(dir, "new", "site"), hook: s.hook}
	back := there.open()
	if !sendMarked(t.Context(), again.addrs["smtp"], tokens[0].Text, "markafterz") {
		t.Fatal("the new machine takes no mail")
	}
	tries := triesOf(append(before, "markafterz"))
	eventually(t, "everything that was acknowledged before the backup is recorded", func() bool {
		seen := there.marks(back, tries)
		return len(seen) == len(tries)
	})
	for mark, n := range there.marks(back, tries) {
		if n != 1 {
			t.Errorf("%s is recorded %d times", mark, n)
		}
	}
	now, _ := s.hook.received()
	if fresh, sent := len(now)-len(was), s.hook.posted()-posts; sent != fresh {
		t.Errorf("%d posts for %d new pages: some were sent again", sent, fresh)
	}
	again.kill()
	if out, err := bare(t, dir, "acts", "--verify", "--noted", noted.String(), "--config", "new/site/saltmine.toml").CombinedOutput(); err != nil {
		t.Errorf("the evidence of before: %v\n%s", err, out)
	}
	acts, err := bare(t, dir, "acts", "--about", made.Snapshot.End.String(), "--config", "new/site/saltmine.toml").CombinedOutput()
	if err != nil {
		t.Errorf("acts: %v", err)
	}
	wants(t, string(acts), fmt.Sprintf("%d acts are missing, %s was noted", last.Seq-made.Snapshot.End.Seq, last))
}

func (h *hookServer) posted() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.posts
}

// holdsNoSecret looks for what neither file may show.
func holdsNoSecret(t *testing.T, s *site, f *safe) {
	t.Helper()
	for _, path := range []string{f.out, f.keys} {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: mode %v, %v", path, info.Mode(), err)
		}
		for _, text := range []string{strings.TrimSpace(s.read("keys/master.key")), testHook, "marlowpost", "mark00", "CREATE"} {
			if strings.Contains(string(b), text) {
				t.Errorf("%s shows %q", path, text)
			}
		}
	}
}

// TestBackupRefuses shows what is not done, and that nothing is left of it.
func TestBackupRefuses(t *testing.T) {
	t.Parallel()
	s, f := bareSite(t, ""), newSafe(t)
	register(t, s.open())
	wants(t, s.fails(exitUsage, "backup"), "want OUT")
	wants(t, s.fails(exitUsage, append([]string{"backup", f.out, "--keys", f.dir + "/./s.backup"}, f.sealing...)...), "the same file")
	wants(t, s.fails(exitUsage, "backup", f.out), "SALTMINE_BACKUP_PASSPHRASE")
	wants(t, s.fails(exitUsage, "backup", f.out, "--keys", f.keys, "--passphrase-file", f.pass, "--keys-passphrase-file", f.pass), "the same passphrase")
	for _, path := range []string{f.out, f.keys} {
		for _, name := range []string{path, path + ".part"} {
			if _, err := os.Stat(name); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%s is there: %v", name, err)
			}
		}
	}
	wants(t, s.run(append([]string{"backup", f.out, "--keys", f.keys, "--dry-run"}, f.sealing...)...), "would make "+f.out+": 8 canaries")
	s.run(append([]string{"backup", f.out, "--keys", f.keys}, f.sealing...)...)
	wants(t, s.fails(exitUsage, append([]string{"backup", f.out}, f.sealing[:2]...)...), "not overwritten")
	wants(t, s.run("acts"), "backup  registry, keys  made, up to act")

	to := filepath.Join(f.dir, "new")
	args := append([]string{"restore", f.out, "--to", to, "--keys-from", f.keys}, f.unsealed...)
	wants(t, s.fails(exitUsage, append([]string{"restore", f.keys, "--to", to, "--keys-from", f.keys}, f.unsealed...)...), "holds the keys, where a backup of the registry is wanted")
	wants(t, s.fails(exitFailed, "restore", f.out, "--dry-run", "--passphrase-file", f.pass), "does not open with this passphrase")
	wants(t, s.fails(exitUsage, append([]string{"restore", f.out, "--to", s.dir, "--keys-from", f.keys}, f.unsealed...)...), "is not empty")
	wants(t, s.fails(exitUsage, append([]string{"restore", f.out, "--to", to, "--keys-from", s.path("keys")}, f.unsealed[:2]...)...), "the keys of the contacts are not in")
	wants(t, s.fails(exitFailed, append(args, "--head", "1:"+strings.Repeat("0", 32))...), "another link than was noted")
	whole, err := os.ReadFile(f.out)
	if err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string][]byte{"cut off": whole[:len(whole)-1], "half": whole[:len(whole)/2], "changed": changed(whole), "longer": append(slices.Clone(whole), 'x')} {
		if err := os.WriteFile(f.out, b, 0o600); err != nil {
			t.Fatal(err)
		}
		if out := s.fails(exitFailed, args...); !strings.Contains(out, "damaged") {
			t.Errorf("%s: %s", name, out)
		}
	}
	left, err := filepath.Glob(to + "*")
	if err != nil || len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}

func changed(b []byte) []byte {
	b = slices.Clone(b)
	b[rand.IntN(len(b))] ^= 1
	return b
}

// TestBackupWithKeysOfThisMachine restores from one file and a copy of the folder.
func TestBackupWithKeysOfThisMachine(t *testing.T) {
	t.Parallel()
	s, f := bareSite(t, ""), newSafe(t)
	register(t, s.open())
	s.run("backup", f.out, "--recipient", f.recipient)
	to := filepath.Join(f.dir, "new")
	var r restored
	if err := json.Unmarshal([]byte(s.run("--output", "json", "restore", f.out, "--to", to, "--keys-from", s.path("keys"), "--identity", f.identity)), &r); err != nil {
		t.Fatal(err)
	}
	if r.Dir != to || r.Rows == 0 || len(r.Next) == 0 {
		t.Errorf("%+v", r)
	}
	modes := map[string]fs.FileMode{}
	err := filepath.WalkDir(to, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			info, err2 := d.Info()
			err = err2
			modes[path] = info.Mode().Perm()
		}
		return err
	})
	if err != nil || len(modes) < 8 {
		t.Fatalf("%v, %v", modes, err)
	}
	for path, mode := range modes {
		if mode&0o077 != 0 {
			t.Errorf("%s may be read by others: %v", path, mode)
		}
	}
	if _, err := os.Stat(filepath.Join(to, "hook.secret")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a secret is in the backup that has no keys: %v", err)
	}
}

// TestBackupBetweenDatabases carries a registry of SQLite to MariaDB and back.
func TestBackupBetweenDatabases(t *testing.T) {
	t.Parallel()
	s, f := bareSite(t, ""), newSafe(t)
	reg := s.open()
	register(t, reg)
	want, err := reg.PlantedTokens(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	dsn, _ := mariadb.MariaDB(t).Database(t)
	file := filepath.Join(f.dir, "registry.dsn")
	if err := os.WriteFile(file, []byte("mysql://"+dsn+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.run(append([]string{"backup", f.out, "--keys", f.keys}, f.sealing...)...)
	there := &site{t: t, dir: filepath.Join(f.dir, "there"), hook: s.hook}
	args := append([]string{"restore", f.out, "--to", there.dir, "--keys-from", f.keys, "--registry-dsn-file", file}, f.unsealed...)
	wants(t, s.run(args...), "the configuration names another registry")
	there.write("saltmine.toml", "[registry]\ndsn_file = \""+file+"\"\n"+there.read("saltmine.toml"))
	wants(t, there.run("acts", "--verify"), "whole, up to")
	wants(t, there.run("list"), "8 verified")
	args[3] = filepath.Join(f.dir, "other")
	wants(t, s.fails(exitFailed, args...), "nothing is put over it")

	there.run(append([]string{"backup", f.out, "--keys", f.keys, "--replace"}, f.sealing...)...)
	wants(t, there.run(append([]string{"restore", f.out, "--to", filepath.Join(f.dir, "back"), "--keys-from", f.keys}, f.unsealed...)...), "the evidence log is whole")
	_, back := registryIn(t, filepath.Join(f.dir, "back"), time.Now)
	defer back.Close()
	got, err := back.PlantedTokens(t.Context())
	if err != nil || len(got) != len(want) || !maps.Equal(texts(got), texts(want)) {
		t.Errorf("%d tokens, want %d: %v", len(got), len(want), err)
	}
}

func texts(list []canary.DatedToken) map[canary.TokenID]string {
	out := map[canary.TokenID]string{}
	for _, t := range list {
		out[t.ID] = t.Text
	}
	return out
}

// TestKillBackup kills backup and restore at many moments: a file or a folder is
// there as a whole or not at all, and the next one succeeds.
func TestKillBackup(t *testing.T) {
	t.Parallel()
	s, f := bareSite(t, ""), newSafe(t)
	reg := s.open()
	register(t, reg)
	end := func() registry.Head {
		head, err := reg.ActsHead(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return head
	}
	args := append([]string{"backup", f.out, "--keys", f.keys, "--replace"}, f.sealing...)
	killed := 0
	for range 12 {
		killed += killAfter(s.command(args...), time.Duration(rand.IntN(500))*time.Millisecond)
		if _, err := os.Stat(f.out); errors.Is(err, fs.ErrNotExist) {
			continue
		}
		s.run("restore", f.out, "--dry-run", "--identity", f.identity)
	}
	s.run(args...)
	head := end()
	to := filepath.Join(f.dir, "new")
	args = append([]string{"restore", f.out, "--to", to, "--keys-from", f.keys}, f.unsealed...)
	for range 12 {
		killed += killAfter(s.command(args...), time.Duration(rand.IntN(700))*time.Millisecond)
		if _, err := os.Stat(to); errors.Is(err, fs.ErrNotExist) {
			continue
		}
		whole := &site{t: t, dir: to}
		wants(t, whole.run("acts", "--verify"), "whole, up to")
		if err := os.RemoveAll(to); err != nil {
			t.Fatal(err)
		}
	}
	wants(t, s.run(append(args, "--head", head.String())...), "OLDER than what is known")
	if left, err := filepath.Glob(to + "*"); err != nil || len(left) != 1 {
		t.Errorf("left: %v, %v", left, err)
	}
	t.Logf("killed %d times", killed)
	if killed < 8 {
		t.Errorf("only %d were killed", killed)
	}
}

// killAfter starts a command and kills it after a while.
func killAfter(cmd *exec.Cmd, after time.Duration) int {
	if cmd.Start() != nil {
		return 0
	}
	kill := time.AfterFunc(after, func() { cmd.Process.Kill() }) //nolint:errcheck // it may have ended
	defer kill.Stop()
	if cmd.Wait() != nil {
		return 1
	}
	return 0
}
