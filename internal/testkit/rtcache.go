package testkit

import (
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"

	"saltmine/internal/helpdesk"
)

// rtTemplate returns the database that holds the loaded RT, made now if need
// be: from the dump of an earlier process on this machine, or by RT itself.
func (s *Server) rtTemplate(ctx context.Context, cfg helpdesk.Config) (string, error) {
	s.rts.mu.Lock()
	defer s.rts.mu.Unlock()
	if name, ok := s.rts.loaded[cfg]; ok {
		return name, nil
	}
	version, err := rtVersion()
	if err != nil {
		return "", err
	}
	steps, err := donors(cfg)
	if err != nil {
		return "", err
	}
	name := randomName("rt_")
	if err := s.admin(ctx, "CREATE DATABASE "+name+" CHARACTER SET utf8mb4"); err != nil {
		return "", err
	}
	dump, unlock, err := lockedDump(version, steps)
	if err != nil {
		return "", err
	}
	defer unlock()
	if err := s.restore(ctx, name, dump); errors.Is(err, os.ErrNotExist) {
		err = s.load(ctx, name, dump, steps)
		if err != nil {
			return "", err
		}
	} else if err != nil {
		return "", err
	}
	if s.rts.loaded == nil {
		s.rts.loaded = map[helpdesk.Config]string{}
	}
	s.rts.loaded[cfg] = name
	return name, nil
}

// load lets RT make the rows, and keeps them for the next process.
func (s *Server) load(ctx context.Context, name, dump string, steps []RTStep) error {
	dir, err := os.MkdirTemp(s.dir, "rt-load-")
	if err != nil {
		return fmt.Errorf("rt: %w", err)
	}
	defer os.RemoveAll(dir) //nolint:errcheck // goes with the server's directory
	kit, err := newRTKit(dir, s.dsn(adminName, s.password, name))
	if err != nil {
		return err
	}
	if err := kit.setUp(ctx); err != nil {
		return err
	}
	init := RTStep{Do: "init", At: steps[0].At - 86400, Fields: map[string]string{"password": RTPassword}}
	err = errors.Join(
		execOn(ctx, kit.db.FormatDSN(), "UPDATE Scrips SET Disabled = 1 WHERE "+idle),
		second(kit.do(ctx, append([]RTStep{init}, steps...))),
		execOn(ctx, kit.db.FormatDSN(), "UPDATE Scrips SET Disabled = 0 WHERE "+idle))
	if err != nil {
		return err
	}
	return s.dump(ctx, name, dump)
}

// idle are RT's rules that have nobody to write to as long as no ticket has a
// copied reader. They take half of the time of a step.
const idle = `Description IN ('On Comment Notify AdminCcs as Comment', 'On Comment Notify Other Recipients as Comment',
	'On Correspond Notify Other Recipients', 'On Create Notify Owner and AdminCcs', 'On Create Notify Ccs',
	'On Create Notify Other Recipients', 'On Owner Change Notify Owner')`

func second[T any](_ T, err error) error { return err }

// lockedDump is where the dump of these steps lies or is to lie, and no other
// process makes it until unlock.
func lockedDump(version string, steps []RTStep) (path string, unlock func(), err error) {
	key := sha256.New()
	key.Write(rtSteps)
	key.Write(rtSite)
	if err := json.NewEncoder(key).Encode([]any{version, steps}); err != nil {
		return "", nil, fmt.Errorf("rt: %w", err)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", nil, fmt.Errorf("rt: %w", err)
	}
	dir := filepath.Join(cache, "saltmine-testkit")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", nil, fmt.Errorf("rt: %w", err)
	}
	path = filepath.Join(dir, fmt.Sprintf("rt-%x.sql.gz", key.Sum(nil)[:10]))
	lock, err := os.OpenFile(path+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return "", nil, fmt.Errorf("rt: %w", err)
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return "", nil, errors.Join(fmt.Errorf("rt: lock %s: %w", path, err), lock.Close())
	}
	return path, func() { lock.Close() }, nil //nolint:errcheck // nothing was written
}

// dump writes the database to a file that is there whole or not at all.
func (s *Server) dump(ctx context.Context, name, path string) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), ".rt-")
	if err != nil {
		return fmt.Errorf("rt: %w", err)
	}
	defer os.Remove(f.Name()) //nolint:errcheck // it has another name by then
	packed := gzip.NewWriter(f)
	err = s.client(ctx, "mariadb-dump", nil, packed, "--hex-blob", "--no-autocommit", "--skip-lock-tables", name)
	if err = errors.Join(err, packed.Close(), f.Close()); err != nil {
		return fmt.Errorf("rt: dump: %w", err)
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return fmt.Errorf("rt: dump: %w", err)
	}
	return nil
}

// restore fills the empty database from a dump; os.ErrNotExist if there is none.
func (s *Server) restore(ctx context.Context, name, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("rt: restore: %w", err)
	}
	defer f.Close() //nolint:errcheck // it is read
	text, err := gzip.NewReader(f)
	if err != nil {
		return fmt.Errorf("rt: restore %s: %w", path, err)
	}
	return s.client(ctx, "mariadb", text, io.Discard, name)
}

// client runs a client of MariaDB by the socket.
func (s *Server) client(ctx context.Context, program string, in io.Reader, out io.Writer, args ...string) error {
	cmd := exec.CommandContext(ctx, program, append([]string{"--no-defaults", "--user=root", "--socket=" + s.socket(), "--default-character-set=utf8mb4"}, args...)...)
	var said output
	cmd.Stdin, cmd.Stdout, cmd.Stderr = in, out, &said
	said.up = true // nobody waits
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("rt: %s: %w\n%s", program, err, said.text())
	}
	return nil
}
