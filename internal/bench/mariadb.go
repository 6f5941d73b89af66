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
)

// mariadb is a private MariaDB, spoken to with its own client. It is as durable
// as one that nobody has tuned; only its memory is larger.
type mariadb struct {
	peer
	dir, addr string
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
		"--innodb-buffer-pool-size=1G", "--innodb-log-file-size=512M",
	}
	if os.Geteuid() == 0 {
		options = append(options, "--user=root")
	}
	install := exec.CommandContext(ctx, program("mariadb-install-db"), append(options, "--auth-root-authentication-method=normal", "--skip-test-db")...)
	if out, err := install.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("mariadb-install-db: %w\n%s", err, out)
	}
	_, port, _ := strings.Cut(addr, ":")
	options = append(options, "--bind-address=127.0.0.1", "--port="+port, "--socket="+filepath.Join(dir, "sock"), "--pid-file="+filepath.Join(dir, "pid"),
		"--skip-log-bin", "--character-set-server=utf8mb4", "--default-time-zone=+00:00", "--local-infile=1", "--max-allowed-packet=64M", "--secure-file-priv="+dir)
	if err := m.start(ctx, "tcp", addr, program("mariadbd"), options...); err != nil {
		return nil, err
	}
	err = m.run(ctx, "", "CREATE DATABASE "+desk, "CREATE USER bench@'127.0.0.1'", "GRANT ALL ON "+desk+".* TO bench@'127.0.0.1'")
	if err != nil {
		return nil, errors.Join(err, m.stop())
	}
	return m, nil
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
