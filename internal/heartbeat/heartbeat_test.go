package heartbeat_test

import (
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"saltmine/internal/heartbeat"
)

func TestNotify(t *testing.T) {
	t.Parallel()
	for _, name := range []string{filepath.Join(t.TempDir(), "n"), "@saltmine-test-" + filepath.Base(t.TempDir()) + time.Now().Format("150405.000000000")} {
		conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"})
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if err := heartbeat.Notify(t.Context(), name, heartbeat.Watchdog); err != nil {
			t.Fatal(err)
		}
		buf := make([]byte, 100)
		n, err := conn.Read(buf)
		if err != nil || string(buf[:n]) != "WATCHDOG=1" {
			t.Errorf("%q, %v", buf[:n], err)
		}
	}
	if err := heartbeat.Notify(t.Context(), "", heartbeat.Ready); err != nil {
		t.Error(err)
	}
	if heartbeat.Notify(t.Context(), filepath.Join(t.TempDir(), "none"), heartbeat.Ready) == nil {
		t.Error("a socket that is not there took it")
	}
}

// TestPingHidesItsAddress: what is wrong is said without the token in the address.
func TestPingHidesItsAddress(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/hunter2" {
			http.Error(w, r.URL.Path, http.StatusNotFound)
		}
	}))
	if err := heartbeat.Ping(t.Context(), srv.URL+"/hunter2"); err != nil {
		t.Error(err)
	}
	refused := heartbeat.Ping(t.Context(), srv.URL+"/hunter22")
	srv.Close()
	for _, err := range []error{refused, heartbeat.Ping(t.Context(), srv.URL+"/hunter2"), heartbeat.Ping(t.Context(), "http://[hunter2")} {
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%v", err)
		}
	}
}
