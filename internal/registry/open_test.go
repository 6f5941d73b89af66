package registry_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/registry"
	"saltmine/internal/testkit"
)

// TestManyOpenANewRegistry: an administrator starts the program, a timer and a
// planting at once on a registry that is not there yet.
func TestManyOpenANewRegistry(t *testing.T) {
	t.Parallel()
	for name, dsn := range map[string]func() string{
		"sqlite":  func() string { return "sqlite:" + filepath.Join(t.TempDir(), "deep", "r.db") },
		"mariadb": func() string { dsn, _ := shared.MariaDB(t).Database(t); return "mysql://" + dsn },
	} {
		t.Run(name, func(t *testing.T) {
			at, v := dsn(), vault(t)
			begin := make(chan struct{})
			var all sync.WaitGroup
			for range 6 {
				all.Go(func() {
					<-begin
					r, err := registry.Open(t.Context(), registry.Config{DSN: at, Vault: v, Now: start})
					if err != nil {
						t.Error(err)
						return
					}
					if _, err := r.ContactIDs(t.Context()); err != nil {
						t.Error(err)
					}
					if err := r.Close(); err != nil {
						t.Error(err)
					}
				})
			}
			close(begin)
			all.Wait()
		})
	}
}

// TestOpenWaitsForWhoMakesTheTables holds the lock as another process would.
func TestOpenWaitsForWhoMakesTheTables(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "r.db")
	f, err := os.OpenFile(path+".migrate", os.O_RDWR|os.O_CREATE, 0o600)
	must(t, err)
	must(t, syscall.Flock(int(f.Fd()), syscall.LOCK_EX))
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if _, err := registry.Open(ctx, registry.Config{DSN: "sqlite:" + path, Vault: vault(t), Now: start}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("opened beside another process that makes the tables: %v", err)
	}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the database was touched without the lock: %v", err)
	}
	must(t, f.Close())
	openAt(t, "sqlite:"+path, vault(t))
}

func TestServerWithSmallPacketsIsRefused(t *testing.T) {
	t.Parallel()
	dsn, db := testkit.MariaDB(t).Database(t) // its own: the setting is the whole server's
	if _, err := db.ExecContext(t.Context(), "SET GLOBAL max_allowed_packet = 67108864"); err != nil {
		t.Fatal(err)
	}
	_, err := registry.Open(t.Context(), registry.Config{DSN: "mysql://" + dsn, Vault: vault(t), Now: start})
	if err == nil || !strings.Contains(err.Error(), "SET GLOBAL max_allowed_packet = 134217728") {
		t.Errorf("opened on a server that takes 64 MiB: %v", err)
	}
}

func TestLargeContactIsFiled(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, r *registry.Registry) {
		c := contact(1, canary.SMTP, start())
		c.Raw = make([]byte, 40<<20)
		rand.Read(c.Raw)
		must(t, r.Commit(t.Context(), canary.Outcome{Entries: []canary.Entry{{Contact: c}}}))
		got, err := r.Contact(t.Context(), c.ID)
		must(t, err)
		if !bytes.Equal(got.Raw, c.Raw) {
			t.Error("the evidence is not what was filed")
		}
	})
}

func TestLockWithALongNameIsHeldOnce(t *testing.T) {
	t.Parallel()
	dsn, _ := shared.MariaDB(t).Database(t)
	r, busy := openAt(t, "mysql://"+dsn, vault(t)), errors.New("busy")
	long := strings.Repeat("ü", 300) + t.Name()
	unlock, err := r.Lock(t.Context(), long, busy)
	must(t, err)
	defer unlock()
	if _, err := r.Lock(t.Context(), long, busy); !errors.Is(err, busy) {
		t.Errorf("a second lock: %v", err)
	}
	other, err := r.Lock(t.Context(), long+"2", busy)
	must(t, err)
	other()
}

// TestLockOutlivesIdleTime holds a lock on a server that ends connections after
// a second of silence, for longer than that.
func TestLockOutlivesIdleTime(t *testing.T) {
	t.Parallel()
	dsn, _ := shared.MariaDB(t).Database(t)
	busy := errors.New("busy")
	v := vault(t)
	r := openAt(t, "mysql://"+dsn, v) // making the tables may take longer than a second
	holder, err := registry.Open(t.Context(), registry.Config{DSN: "mysql://" + dsn + "&wait_timeout=1", Vault: v, Now: start})
	must(t, err)
	defer holder.Close()
	unlock, err := holder.Lock(t.Context(), t.Name(), busy)
	must(t, err)
	defer unlock()
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	for range 6 {
		<-tick.C
		if _, err := r.Lock(t.Context(), t.Name(), busy); !errors.Is(err, busy) {
			t.Fatalf("the lock was lost while it was held: %v", err)
		}
	}
}

func TestCountingChannelsReadsAnIndex(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "r.db")
	openAt(t, "sqlite:"+path, vault(t))
	db, err := sql.Open("sqlite", "file:"+path)
	must(t, err)
	defer db.Close()
	var id, parent, unused int
	var plan string
	must(t, db.QueryRowContext(t.Context(), "EXPLAIN QUERY PLAN SELECT channel, COUNT(*) FROM contacts GROUP BY channel").Scan(&id, &parent, &unused, &plan))
	if !strings.Contains(plan, "COVERING INDEX contacts_by_channel") {
		t.Errorf("plan: %s", plan)
	}
}
