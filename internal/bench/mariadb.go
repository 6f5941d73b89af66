package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// mariadb is a private MariaDB, spoken to with its own client. It is as durable
// as one that nobody has tuned; only its memory is larger.
type mariadb struct {
	peer
	dir, addr string
	options   []string
}

const desk = "desk" // the support database

func startMariaDB(ctx context.Context, dir string) (*mariadb, error) {
	addr, err := freeAddr(ctx)
	if err != nil {
		return nil, err
	}
	m := &mariadb{dir: dir, addr: addr}
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, err
	}
	options := []string{
		"--no-defaults", "--datadir=" + filepath.Join(dir, "data"), "--skip-name-resolve", "--tmpdir=" + dir,
		"--innodb-buffer-pool-size=1G", "--innodb-log-file-size=512M", "--skip-innodb-buffer-pool-load-at-startup",
	}
	if os.Geteuid() == 0 {
		options = append(options, "--user=root")
	}
	install := exec.CommandContext(ctx, program("mariadb-install-db"), append(options, "--auth-root-authentication-method=normal", "--skip-test-db")...)
	if out, err := install.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("mariadb-install-db: %w\n%s", err, out)
	}
	_, port, _ := strings.Cut(addr, ":")
	m.options = append(options, "--bind-address=127.0.0.1", "--port="+port, "--socket="+filepath.Join(dir, "sock"), "--pid-file="+filepath.Join(dir, "pid"),
		"--skip-log-bin", "--character-set-server=utf8mb4", "--default-time-zone=+00:00", "--local-infile=1", "--max-allowed-packet=64M", "--secure-file-priv="+dir)
	if err := m.open(ctx); err != nil {
		return nil, err
	}
	err = m.run(ctx, "", "CREATE DATABASE "+desk, "CREATE USER bench@'127.0.0.1'", "GRANT ALL ON "+desk+".* TO bench@'127.0.0.1'")
	if err != nil {
		return nil, errors.Join(err, m.stop())
	}
	return m, nil
}

func (m *mariadb) open(ctx context.Context) error {
	return m.start(ctx, m.addr, append([]string{program("mariadbd")}, m.options...)...)
}

// keep puts the data aside as they are, for again.
func (m *mariadb) keep(ctx context.Context) error {
	if err := m.stop(); err != nil {
		return err
	}
	if err := os.Rename(filepath.Join(m.dir, "data"), filepath.Join(m.dir, "kept")); err != nil {
		return err
	}
	return m.again(ctx)
}

// again starts the server with the data that were kept and all tables and
// indexes in its memory. Nothing is left to be written to the disk.
func (m *mariadb) again(ctx context.Context) error {
	data := filepath.Join(m.dir, "data")
	if err := errors.Join(m.stop(), os.RemoveAll(data)); err != nil {
		return err
	}
	if err := os.CopyFS(data, os.DirFS(filepath.Join(m.dir, "kept"))); err != nil {
		return err
	}
	if err := m.open(ctx); err != nil {
		return err
	}
	if err := m.run(ctx, desk, "CHECK TABLE "+strings.Join(tables(), ", ")); err != nil {
		return err
	}
	syscall.Sync()
	return nil
}

// client is MariaDB's own with some statements.
func (m *mariadb) client(ctx context.Context, database string, statements ...string) *exec.Cmd {
	return exec.CommandContext(ctx, program("mariadb"), "--no-defaults", "--user=root", "--socket="+filepath.Join(m.dir, "sock"),
		"--default-character-set=utf8mb4", "--local-infile=1", "--quick", "--skip-column-names", "--batch", "--execute="+strings.Join(statements, ";\n"), database)
}

func (m *mariadb) run(ctx context.Context, database string, statements ...string) error {
	return finish(m.client(ctx, database, statements...))
}

func finish(cmd *exec.Cmd) error {
	var words bytes.Buffer
	cmd.Stderr = &words
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w\n%s", filepath.Base(cmd.Path), err, words.String())
	}
	return nil
}

// number asks for one whole number.
func (m *mariadb) number(ctx context.Context, query string) (int64, error) {
	out, err := m.client(ctx, desk, query).Output()
	if err != nil {
		return 0, fmt.Errorf("mariadb: %w", err)
	}
	return strconv.ParseInt(strings.TrimSpace(string(out)), 10, 64)
}

// load fills a table with rows that are written as tab-separated values.
func (m *mariadb) load(ctx context.Context, table string, write func(io.Writer) error) error {
	cmd := m.client(ctx, desk, "SET foreign_key_checks = 0, unique_checks = 0", "LOAD DATA LOCAL INFILE '/dev/stdin' INTO TABLE "+table+" CHARACTER SET utf8mb4")
	pipe, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	wrote := make(chan error, 1)
	go func() { // ends when all is written, or with the client
		wrote <- errors.Join(write(pipe), pipe.Close())
	}()
	return errors.Join(finish(cmd), <-wrote)
}
