package conf

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
)

// Engine is a kind of database.
type Engine string

// The engines.
const (
	SQLite Engine = "sqlite"
	MySQL  Engine = "mysql"
)

// Source says how a database is reached. In the configuration it is written
//
//	sqlite:PATH                              PATH relative to the configuration
//	mysql://user:pass@tcp(host:port)/db      only in a file, for its password
//	mysql://user:pass@host:port/db           the same
//	mysql://user:pass@unix(/path/socket)/db
//
// and parameters may follow after '?'.
type Source struct {
	Engine Engine
	// Path is the absolute path of the SQLite file; empty for MySQL.
	Path string
	// DSN is the MySQL driver's form, "user:pass@tcp(host:port)/db?…"; zero for
	// SQLite.
	DSN Secret
}

// ErrSource is returned for text that is no data source name. The text itself
// is never part of the error, because it holds a password.
var ErrSource = errors.New(`want "sqlite:PATH" or "mysql://user:pass@tcp(host:port)/db"`)

// ParseSource reads a data source name; a relative SQLite path is taken from dir.
func ParseSource(text, dir string) (Source, error) {
	if path, ok := strings.CutPrefix(text, "sqlite:"); ok {
		if path == "" {
			return Source{}, fmt.Errorf("no path: %w", ErrSource)
		}
		return Source{Engine: SQLite, Path: resolve(dir, path)}, nil
	}
	rest, ok := strings.CutPrefix(text, "mysql://")
	if !ok {
		return Source{}, fmt.Errorf("unknown scheme: %w", ErrSource)
	}
	return mysqlSource(rest)
}

func mysqlSource(rest string) (Source, error) {
	params := ""
	// A password may hold '?', '/' and '@'; the address begins after the last
	// '@', and neither the address nor the database's name has one.
	at := strings.LastIndexByte(rest, '@')
	if at <= 0 {
		return Source{}, fmt.Errorf("no user: %w", ErrSource)
	}
	user, addr := rest[:at], rest[at+1:]
	if i := strings.IndexByte(addr, '?'); i >= 0 {
		addr, params = addr[:i], addr[i:]
	}
	slash := strings.LastIndexByte(addr, '/')
	if slash <= 0 || slash == len(addr)-1 {
		return Source{}, fmt.Errorf("no database: %w", ErrSource)
	}
	addr, db := addr[:slash], addr[slash+1:]
	if !strings.HasSuffix(addr, ")") {
		addr = "tcp(" + addr + ")"
	}
	if !strings.HasPrefix(addr, "tcp(") && !strings.HasPrefix(addr, "unix(") {
		return Source{}, fmt.Errorf("address is neither tcp(…) nor unix(…): %w", ErrSource)
	}
	return Source{Engine: MySQL, DSN: NewSecret(user + "@" + addr + "/" + db + params)}, nil
}

// String names the source without its password: "sqlite:PATH" or
// "mysql:[secret]"; empty for the zero Source.
func (s Source) String() string {
	switch s.Engine {
	case "":
		return ""
	case SQLite:
		return "sqlite:" + s.Path
	default:
		return string(s.Engine) + ":" + s.DSN.String()
	}
}

// MarshalText gives what String gives.
func (s Source) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// resolve takes a relative path from dir.
func resolve(dir, path string) string {
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}
