package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
)

// tool runs a program in a folder and returns what it prints.
func tool(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %q: %v\n%s", name, args, err, out)
	}
	return string(out)
}

// newTSA serves `openssl ts` with a CA of the test's; its roots are in dir/ca.pem.
func newTSA(t *testing.T) (dir, url string, away *atomic.Bool) {
	t.Helper()
	dir, away = t.TempDir(), new(atomic.Bool)
	openssl := func(args ...string) { tool(t, dir, "openssl", args...) }
	if err := os.WriteFile(filepath.Join(dir, "ts.cnf"), []byte("[tsa]\ndefault_tsa = t\n[t]\nserial = serial\ncrypto_device = builtin\nsigner_cert = tsa.pem\nsigner_key = tsa.key\nsigner_digest = sha256\ndefault_policy = 1.2.3.4.1\ndigests = sha256\n[ext]\nextendedKeyUsage = critical,timeStamping\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=test root", "-days", "2")
	openssl("req", "-new", "-newkey", "rsa:2048", "-nodes", "-keyout", "tsa.key", "-out", "tsa.csr", "-subj", "/CN=test tsa")
	openssl("x509", "-req", "-in", "tsa.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "1", "-extfile", "ts.cnf", "-extensions", "ext", "-out", "tsa.pem")
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if away.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		query, err := io.ReadAll(r.Body)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, "q.tsq"), query, 0o600)
		}
		if err != nil {
			t.Error(err)
		}
		openssl("ts", "-reply", "-config", "ts.cnf", "-queryfile", "q.tsq", "-out", "r.tsr")
		w.Header().Set("Content-Type", "application/timestamp-reply")
		http.ServeFile(w, r, filepath.Join(dir, "r.tsr"))
	}))
	t.Cleanup(s.Close)
	return dir, s.URL, away
}

// TestStamps: serve has checkpoints stamped by a real authority and promised by a
// calendar, and openssl verifies what is written out; of an authority that is away the
// other is not held up, and check says so.
func TestStamps(t *testing.T) {
	t.Parallel()
	s := &site{t: t, dir: filepath.Join(t.TempDir(), "site")}
	if out, err := command(t, "init", s.dir).CombinedOutput(); err != nil {
		t.Fatalf("init: %v\n%s", err, out)
	}
	dir, tsa, _ := newTSA(t)
	_, other, away := newTSA(t)
	away.Store(true)
	calendar := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, "\x08\x00\x83\xdf\xe3\x0d\x2e\xf9\x0c\x8e\x09\x08http://c") //nolint:errcheck // the reader went away
	}))
	defer calendar.Close()
	s.write("saltmine.toml", "[pool]\ndomains = [\"hollowbrook.example\"]\n[smtp]\nlisten = [\"127.0.0.1:0\"]\n[admin]\nlisten = \"127.0.0.1:0\"\n[evidence]\nots_calendars = [\""+calendar.URL+"\"]\n"+
		"[[evidence.tsa]]\nname = \"notary\"\nurl = \""+tsa+"\"\nroots_file = \""+filepath.Join(dir, "ca.pem")+"\"\n[[evidence.tsa]]\nurl = \""+other+"\"\nroots_file = \""+filepath.Join(dir, "ca.pem")+"\"\n")
	wants(t, s.fails(exitFailed, "check"), "stamps by notary (rfc3161)", "stamps by opentimestamps (ots)", "stamps by tsa-2 (rfc3161)", "503")
	wants(t, s.run("evidence", "stamps"), "nobody has stamped")
	s.acts("one", "two")
	r := s.serve()
	eventually(t, "two have stamped, and one has failed", func() bool {
		text := get(t, r.addrs["admin"], "/metrics")
		return strings.Contains(text, `saltmine_stamps_total{source="notary",outcome="taken"} 1`) && strings.Contains(text, `saltmine_stamps_total{source="opentimestamps",outcome="taken"} 1`) &&
			strings.Contains(text, `saltmine_stamps_total{source="tsa-2",outcome="failed"} 1`)
	})
	r.kill()
	var list []shownStamp
	if err := json.Unmarshal([]byte(s.run("evidence", "stamps", "--out", s.path("out"), "--output", "json")), &list); err != nil || len(list) != 2 {
		t.Fatalf("%+v, %v", list, err)
	}
	for _, one := range list {
		if one.Fault != "" || one.Proves == "" || len(one.Files) != 2 {
			t.Errorf("%+v", one)
		}
		if one.Kind == "rfc3161" {
			wants(t, tool(t, dir, "openssl", "ts", "-verify", "-in", one.Files[1], "-data", one.Files[0], "-CAfile", "ca.pem"), "Verification: OK")
		}
	}
	wants(t, s.run("evidence", "stamps"), "notary (rfc3161)  notary (CN=test tsa) says that it was there at", "a calendar has promised")
	s.acts("three")
	wants(t, s.run("acts", "--verify"), "whole")
}
