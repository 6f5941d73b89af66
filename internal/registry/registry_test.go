package registry_test

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/pager/pagertest"
	"saltmine/internal/registry"
	"saltmine/internal/seal"
	"saltmine/internal/testkit"
)

var shared testkit.Shared

func TestMain(m *testing.M) { os.Exit(testkit.Main(m, &shared)) }

// start is the first moment of every test.
func start() time.Time { return time.Date(2026, 8, 5, 10, 0, 0, 123456000, time.UTC) }

// both runs a test on SQLite and on a real MariaDB: the contract is one.
func both(t *testing.T, test func(t *testing.T, r *registry.Registry)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		test(t, openAt(t, "sqlite:"+filepath.Join(t.TempDir(), "r.db"), vault(t)))
	})
	t.Run("mariadb", func(t *testing.T) {
		t.Parallel()
		dsn, _ := shared.MariaDB(t).Database(t)
		test(t, openAt(t, "mysql://"+dsn, vault(t)))
	})
}

func vault(t testing.TB) *seal.Vault {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "keys")
	if err := seal.Generate(dir); err != nil {
		t.Fatal(err)
	}
	k, err := seal.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	return k.Vault
}

func openAt(t testing.TB, dsn string, v *seal.Vault) *registry.Registry {
	t.Helper()
	r, err := registry.Open(t.Context(), registry.Config{DSN: dsn, Vault: v, Now: start, Log: slog.New(slog.DiscardHandler), Pool: poolRules()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestOutboxContract(t *testing.T) {
	t.Parallel()
	open := func(dsn func(*testing.T) string) func(*testing.T) pagertest.Rig {
		return func(t *testing.T) pagertest.Rig {
			r := openAt(t, dsn(t), vault(t))
			return pagertest.Rig{
				Outbox: r.Outbox(),
				Write: func(t *testing.T, page canary.Page, at time.Time, steps ...canary.Delivery) {
					t.Helper()
					page.At = at
					o := canary.Outcome{
						Incidents: []canary.Incident{{ID: page.Incident, Place: page.Place, Severity: page.Severity, Opened: at, Updated: at, Reasons: []string{}}},
						Pages:     []canary.Page{page},
					}
					for _, d := range steps {
						d.Page = page.ID
						o.Deliveries = append(o.Deliveries, d)
					}
					must(t, r.Commit(t.Context(), o))
				},
				Acknowledge: func(t *testing.T, id canary.IncidentID) {
					t.Helper()
					must(t, r.Acknowledge(t.Context(), id, registry.By{Who: "dana", Via: "cli"}))
				},
				Close: func(t *testing.T, id canary.IncidentID, v canary.Verdict) {
					t.Helper()
					must(t, r.SetVerdict(t.Context(), id, v, registry.By{Who: "dana", Via: "cli"}))
				},
			}
		}
	}
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		pagertest.TestOutbox(t, open(func(t *testing.T) string { return "sqlite:" + filepath.Join(t.TempDir(), "r.db") }))
	})
	t.Run("mariadb", func(t *testing.T) {
		t.Parallel()
		pagertest.TestOutbox(t, open(func(t *testing.T) string {
			dsn, _ := shared.MariaDB(t).Database(t)
			return "mysql://" + dsn
		}))
	})
}

func TestOpenAgainKeepsWhatIsThere(t *testing.T) {
	t.Parallel()
	path, v := filepath.Join(t.TempDir(), "deep", "r.db"), vault(t)
	r := openAt(t, "sqlite:"+path, v)
	must(t, r.Intend(t.Context(), []canary.Planting{planting(1)}))
	again := openAt(t, "sqlite:"+path, v)
	if list, err := again.Plantings(t.Context(), canary.Filter{}); err != nil || len(list) != 1 {
		t.Errorf("%d plantings, %v", len(list), err)
	}
	must(t, again.Ping(t.Context()))
	if info, err := os.Stat(path); err != nil || info.Mode() != fs.FileMode(0o600) {
		t.Errorf("the file's mode: %v, %v", info.Mode(), err)
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	dsn, _ := shared.MariaDB(t).Database(t)
	for name, c := range map[string]struct{ dsn, want string }{
		"unknown database": {"postgres://x", "unknown database"},
		"unreadable dsn":   {"mysql://user:secretpassword@tcp(", "cannot be read"},
		"wrong password":   {"mysql://" + strings.Replace(dsn, ":", ":secretpassword", 1), "denied"},
		"nobody there":     {"mysql://u:secretpassword@tcp(127.0.0.1:1)/x", "refused"},
		"a directory":      {"sqlite:" + t.TempDir(), "directory"},
	} {
		_, err := registry.Open(t.Context(), registry.Config{DSN: c.dsn, Vault: vault(t), Now: start})
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "secretpassword") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestLockIsHeldOnce(t *testing.T) {
	t.Parallel()
	dsn, _ := shared.MariaDB(t).Database(t)
	r, busy := openAt(t, "mysql://"+dsn, vault(t)), errors.New("busy")
	unlock, err := r.Lock(t.Context(), t.Name(), busy)
	must(t, err)
	if _, err := r.Lock(t.Context(), t.Name(), busy); !errors.Is(err, busy) {
		t.Errorf("a second lock: %v", err)
	}
	unlock()
	unlock, err = r.Lock(context.WithoutCancel(t.Context()), t.Name(), busy)
	must(t, err)
	unlock()
}
