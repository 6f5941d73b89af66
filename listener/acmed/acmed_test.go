package acmed_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"saltmine/listener/acmed"
)

const pebble = "github.com/letsencrypt/pebble/v2"

// TestCertificateFromAnAuthority has Pebble, Let's Encrypt's server for tests,
// check each kind of proof for real and give the certificate.
func TestCertificateFromAnAuthority(t *testing.T) {
	t.Parallel()
	bin, certs := buildPebble(t)
	for name, way := range map[string]func(*testing.T) (secure, plain net.Listener){
		"on port 443": func(t *testing.T) (secure, plain net.Listener) { t.Helper(); return listen(t), nil },
		"on port 80":  func(t *testing.T) (secure, plain net.Listener) { t.Helper(); return nil, listen(t) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			secure, plain := way(t)
			cfg := authority(t, bin, certs, secure, plain)
			c, err := acmed.New(cfg)
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan error, 1)
			go func() { done <- c.Run(ctx, secure, plain) }()
			first := shown(t, c, "")
			if err := first.VerifyHostname("mx.example.net"); err != nil {
				t.Error(err)
			}
			if again := shown(t, c, "other.example"); !again.Equal(first) {
				t.Error("another name gets another certificate")
			}
			stranger(t, secure, plain)
			cancel()
			if err := <-done; err != nil {
				t.Error(err)
			}
			cfg.Directory = "https://localhost:1/dir" // a restart asks nobody
			if c, err = acmed.New(cfg); err != nil {
				t.Fatal(err)
			}
			if again := shown(t, c, ""); !again.Equal(first) {
				t.Error("the certificate is not kept")
			}
		})
	}
}

// stranger calls the listeners for proofs, which do not show themselves.
func stranger(t *testing.T, secure, plain net.Listener) {
	t.Helper()
	if secure != nil {
		if conn, err := (&tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true}}).DialContext(t.Context(), "tcp", secure.Addr().String()); err == nil {
			_ = conn.Close()
			t.Error("the listener for proofs shows itself to a stranger")
		}
		return
	}
	for _, ask := range []string{
		"GET / HTTP/1.1\r\nHost: mx.example.net\r\n\r\n",
		"GET /.well-known/acme-challenge/x HTTP/1.1\r\nHost: mx.example.net\r\n\r\n",
		"GET /.well-known/acme-challenge/x HTTP/1.1\r\nHost: other.example\r\n\r\n",
	} {
		conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", plain.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
		_, _ = io.WriteString(conn, ask)
		if said, _ := io.ReadAll(conn); len(said) > 0 {
			t.Errorf("a stranger hears %q", said)
		}
		_ = conn.Close()
	}
}

// authority starts Pebble, which looks for proofs at the listeners, and gives
// the configuration of its client.
func authority(t *testing.T, bin, certs string, secure, plain net.Listener) acmed.Config {
	t.Helper()
	port := func(ln net.Listener) string {
		if ln == nil {
			return "1" // where nobody listens
		}
		_, port, _ := net.SplitHostPort(ln.Addr().String())
		return port
	}
	dns, wfe := free(t), free(t)
	run(t, nil, filepath.Join(bin, "pebble-challtestsrv"), "-defaultIPv4", "127.0.0.1", "-defaultIPv6", "", "-dnsserver", dns,
		"-http01", "", "-https01", "", "-tlsalpn01", "", "-doh", "", "-management", free(t))
	conf := filepath.Join(t.TempDir(), "pebble.json")
	text := fmt.Sprintf(`{"pebble":{"listenAddress":%q,"certificate":%q,"privateKey":%q,"httpPort":%s,"tlsPort":%s,"keyAlgorithm":"ecdsa",
		"profiles":{"default":{"description":"x","validityPeriod":7776000}}}}`, wfe, filepath.Join(certs, "localhost/cert.pem"), filepath.Join(certs, "localhost/key.pem"), port(plain), port(secure))
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, []string{"PEBBLE_VA_NOSLEEP=1", "PEBBLE_WFE_NONCEREJECT=0"}, filepath.Join(bin, "pebble"), "-config", conf, "-dnsserver", dns)
	await(t, wfe)
	await(t, dns)
	pem, err := os.ReadFile(filepath.Join(certs, "pebble.minica.pem"))
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	_, wfePort, _ := net.SplitHostPort(wfe)
	return acmed.Config{
		Hostname: "mx.example.net", Directory: "https://localhost:" + wfePort + "/dir", Dir: t.TempDir(), Roots: roots,
		Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
	}
}

// shown gives the certificate that a client sees.
func shown(t *testing.T, c *acmed.Client, name string) *x509.Certificate {
	t.Helper()
	here, there := net.Pipe()
	defer here.Close()
	go func() { _ = tls.Server(there, c.TLS()).HandshakeContext(t.Context()) }() // ends with the pipe
	client := tls.Client(here, &tls.Config{ServerName: name, InsecureSkipVerify: true})
	if err := client.HandshakeContext(t.Context()); err != nil {
		t.Fatal(err)
	}
	return client.ConnectionState().PeerCertificates[0]
}

// buildPebble builds the authority and its name server, outside our module.
func buildPebble(t *testing.T) (bin, certs string) {
	t.Helper()
	const version = "v2.10.3"
	cmd := exec.CommandContext(t.Context(), "go", "mod", "download", "-json", pebble+"@"+version)
	cmd.Dir = "/"
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("pebble is needed: %v\n%s", err, out)
	}
	var module struct{ Dir string }
	if err := json.Unmarshal(out, &module); err != nil {
		t.Fatal(err)
	}
	bin = t.TempDir()
	cmd = exec.CommandContext(t.Context(), "go", "install", pebble+"/cmd/pebble@"+version, pebble+"/cmd/pebble-challtestsrv@"+version)
	cmd.Dir, cmd.Env = "/", append(cmd.Environ(), "GOBIN="+bin)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("pebble is needed: %v\n%s", err, out)
	}
	return bin, filepath.Join(module.Dir, "test", "certs")
}

// run starts a program until the test ends.
func run(t *testing.T, env []string, name string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Env = append(cmd.Environ(), env...)
	cmd.Stdout, cmd.Stderr = t.Output(), t.Output()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	ln, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return ln
}

// free gives an address that nobody listens on.
func free(t *testing.T) string {
	t.Helper()
	ln := listen(t)
	defer ln.Close()
	return ln.Addr().String()
}

// await waits until somebody listens.
func await(t *testing.T, addr string) {
	t.Helper()
	for ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second); ; {
		c, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
		if err == nil {
			cancel()
			_ = c.Close()
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("nobody listens on %s", addr)
		case <-time.After(20 * time.Millisecond):
		}
	}
}
