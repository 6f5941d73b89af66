package push_test

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/pager"
	"saltmine/internal/pager/push"
)

// startAlertmanager runs Debian's own on a free port, and returns its address.
func startAlertmanager(t *testing.T) string {
	t.Helper()
	program, err := exec.LookPath("prometheus-alertmanager")
	if err != nil {
		t.Fatalf("prometheus-alertmanager is needed (.ci/deps test): %v", err)
	}
	dir := t.TempDir()
	conf := filepath.Join(dir, "am.yml")
	if err := os.WriteFile(conf, []byte("route:\n  receiver: none\n  group_by: [incident]\nreceivers:\n- name: none\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	ln, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := ln.Addr().String()
	ln.Close()
	ctx, stop := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, program, "--config.file="+conf, "--storage.path="+dir, "--web.listen-address="+addr, "--cluster.listen-address=")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(); cmd.Wait() }) //nolint:errcheck // it was killed
	return "http://" + addr
}

// shown is what Alertmanager shows of alerts: groups with their alerts.
type shown []struct {
	Labels map[string]string `json:"labels"`
	Alerts []struct {
		Labels      map[string]string `json:"labels"`
		Annotations map[string]string `json:"annotations"`
	} `json:"alerts"`
}

func groups(t *testing.T, base string) shown {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+"/api/v2/alerts/groups", nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, _ := io.ReadAll(res.Body)
	var g shown
	if err := json.Unmarshal(body, &g); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	return g
}

// wantGroups waits until the alerts that fire are these, "incident severity" each.
func wantGroups(t *testing.T, base string, want ...string) {
	t.Helper()
	var got []string
	for range 200 {
		got = nil
		for _, g := range groups(t, base) {
			for _, a := range g.Alerts {
				got = append(got, g.Labels["incident"]+" "+a.Labels["severity"])
				if a.Annotations["summary"] == "" || a.Annotations["description"] == "" {
					t.Fatalf("an alert that says nothing: %+v", a)
				}
			}
		}
		if len(got) == len(want) && (len(want) == 0 || got[0] == want[0]) && (len(want) < 2 || got[1] == want[1]) {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Errorf("alertmanager shows %q, want %q", got, want)
}

// TestAlertmanager: the real one takes, groups and shows the alerts; a repeat
// changes nothing, a rise is one alert, and a verdict ends it.
func TestAlertmanager(t *testing.T) {
	t.Parallel()
	base := startAlertmanager(t)
	c := config(t, "alertmanager", base)
	c.Now, c.Secret = time.Now, ""
	r, err := push.New(c)
	if err != nil {
		t.Fatal(err)
	}
	for try := 0; ; try++ { // it is starting
		if err = r.Check(t.Context()); err == nil {
			break
		}
		if try == 400 {
			t.Fatal(err)
		}
		time.Sleep(50 * time.Millisecond)
	}
	send := func(incident string, s canary.Severity, kind string) {
		t.Helper()
		d := delivery()
		d.Page.Incident, d.Page.Severity, d.Page.At, d.Kind = canary.IncidentID(incident), s, time.Now(), kind
		if receipt, err := r.Send(t.Context(), d); err != nil || receipt != "status 200" {
			t.Errorf("%s: %q, %v", incident, receipt, err)
		}
	}
	send("i_1", canary.P3, pager.Trigger)
	send("i_2", canary.P2, pager.Trigger)
	send("i_2", canary.P2, pager.Trigger)
	wantGroups(t, base, "i_1 warning", "i_2 error")
	send("i_1", canary.P1, pager.Trigger)
	wantGroups(t, base, "i_1 critical", "i_2 error")
	send("i_2", canary.P2, pager.Update) // with another text the same alert
	wantGroups(t, base, "i_1 critical", "i_2 error")
	send("i_2", canary.P2, pager.Resolve)
	wantGroups(t, base, "i_1 critical")
}
