package stamp_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"saltmine/internal/evidence/stamp"
)

// authority is `openssl ts` behind HTTP, with certificates of a CA of the test's.
type authority struct {
	dir   string
	url   string
	roots *x509.CertPool
	// swap takes the place of the answer; nil leaves it.
	swap func([]byte) []byte
	// kind of the answer
	kind string
}

func testKey(t *testing.T, kind string) crypto.Signer {
	t.Helper()
	var key crypto.Signer
	var err error
	if kind == "rsa" {
		key, err = rsa.GenerateKey(rand.Reader, 2048)
	} else {
		key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	}
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// usage is an extended key usage of time stamping, with others.
func usage(t *testing.T, critical bool, more ...asn1.ObjectIdentifier) pkix.Extension {
	t.Helper()
	value, err := asn1.Marshal(append([]asn1.ObjectIdentifier{{1, 3, 6, 1, 5, 5, 7, 3, 8}}, more...))
	if err != nil {
		t.Fatal(err)
	}
	return pkix.Extension{Id: asn1.ObjectIdentifier{2, 5, 29, 37}, Critical: critical, Value: value}
}

type certified struct {
	cert *x509.Certificate
	key  crypto.Signer
}

func certify(t *testing.T, form *x509.Certificate, key crypto.Signer, by *certified) certified {
	t.Helper()
	form.SerialNumber = big.NewInt(time.Now().UnixNano())
	if form.NotBefore.IsZero() {
		form.NotBefore, form.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	}
	if by == nil {
		by = &certified{form, key}
	}
	der, err := x509.CreateCertificate(rand.Reader, form, by.cert, key.Public(), by.key)
	if err != nil {
		t.Fatal(err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return certified{c, key}
}

func newCA(t *testing.T, name string) certified {
	t.Helper()
	return certify(t, &x509.Certificate{Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}, testKey(t, "ec"), nil)
}

func pool(list ...certified) *x509.CertPool {
	p := x509.NewCertPool()
	for _, c := range list {
		p.AddCert(c.cert)
	}
	return p
}

func put(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

func pemOf(list ...certified) []byte {
	var b bytes.Buffer
	for _, c := range list {
		pem.Encode(&b, &pem.Block{Type: "CERTIFICATE", Bytes: c.cert.Raw}) //nolint:errcheck // a buffer takes it
	}
	return b.Bytes()
}

// newAuthority makes a CA, one below it, and an authority below that, and serves it.
// lines are further ones of its configuration.
func newAuthority(t *testing.T, kind, lines string) *authority {
	t.Helper()
	if _, err := exec.LookPath("openssl"); err != nil {
		t.Fatal("openssl is wanted here: install it")
	}
	root := newCA(t, "test root")
	between := certify(t, &x509.Certificate{Subject: pkix.Name{CommonName: "test between"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}, testKey(t, "ec"), &root)
	tsa := certify(t, &x509.Certificate{Subject: pkix.Name{CommonName: "test tsa"}, KeyUsage: x509.KeyUsageDigitalSignature, ExtraExtensions: []pkix.Extension{usage(t, true)}}, testKey(t, kind), &between)
	a := &authority{dir: t.TempDir(), roots: pool(root), kind: "application/timestamp-reply"}
	der, err := x509.MarshalPKCS8PrivateKey(tsa.key)
	if err != nil {
		t.Fatal(err)
	}
	put(t, a.path("tsa.key"), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	put(t, a.path("tsa.pem"), pemOf(tsa))
	put(t, a.path("chain.pem"), pemOf(between))
	put(t, a.path("roots.pem"), pemOf(root))
	put(t, a.path("ts.cnf"), fmt.Appendf(nil, `[tsa]
default_tsa = t
[t]
serial = %s
crypto_device = builtin
signer_cert = %s
certs = %s
signer_key = %s
default_policy = 1.2.3.4.1
accuracy = secs:1, millisecs:500, microsecs:100
clock_precision_digits = 3
ordering = no
tsa_name = yes
ess_cert_id_chain = no
%s`, a.path("serial"), a.path("tsa.pem"), a.path("chain.pem"), a.path("tsa.key"), lines))
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		q, err := io.ReadAll(io.LimitReader(r.Body, 1<<16))
		if err != nil || r.Header.Get("Content-Type") != "application/timestamp-query" {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		answer := a.reply(t, q)
		if a.swap != nil {
			answer = a.swap(answer)
		}
		w.Header().Set("Content-Type", a.kind)
		w.Write(answer) //nolint:errcheck // the reader went away
	}))
	t.Cleanup(s.Close)
	a.url = s.URL
	return a
}

func (a *authority) path(name string) string { return filepath.Join(a.dir, name) }

// openssl runs it and returns what it prints.
func (a *authority) openssl(t *testing.T, args ...string) (string, error) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "openssl", args...).CombinedOutput()
	return string(out), err
}

func (a *authority) reply(t *testing.T, query []byte) []byte {
	t.Helper()
	put(t, a.path("q.tsq"), query)
	if out, err := a.openssl(t, "ts", "-reply", "-config", a.path("ts.cnf"), "-queryfile", a.path("q.tsq"), "-out", a.path("r.tsr")); err != nil {
		t.Errorf("openssl ts -reply: %v\n%s", err, out)
	}
	answer, err := os.ReadFile(a.path("r.tsr"))
	if err != nil {
		t.Error(err)
	}
	return answer
}

func (a *authority) client() *stamp.Authority {
	return &stamp.Authority{URL: a.url, Roots: a.roots, Client: stamp.NewClient(), Now: time.Now}
}

// ways are how authorities sign.
func ways() map[string][2]string {
	return map[string][2]string{
		"rsa":                   {"rsa", "digests = sha256\nsigner_digest = sha256\n"},
		"ecdsa":                 {"ec", "digests = sha256\nsigner_digest = sha256\n"},
		"sha512":                {"rsa", "digests = sha256\nsigner_digest = sha512\ness_cert_id_alg = sha512\n"},
		"named by sha1":         {"ec", "digests = sha256\nsigner_digest = sha384\ness_cert_id_alg = sha1\n"},
		"names the whole chain": {"ec", "digests = sha256\nsigner_digest = sha256\ness_cert_id_chain = yes\n"},
	}
}

// TestOpensslStamps has openssl stamp what is asked for here, and verify what was kept.
func TestOpensslStamps(t *testing.T) {
	t.Parallel()
	for name, way := range ways() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newAuthority(t, way[0], way[1])
			message := []byte("saltmine/93a1\n4711\nroot\n")
			before := time.Now().Add(-time.Second)
			answer, token, err := a.client().Stamp(t.Context(), message)
			if err != nil {
				t.Fatal(err)
			}
			if token.Time.Before(before) || token.Time.After(time.Now().Add(time.Second)) || token.Policy != "1.2.3.4.1" || token.Accuracy != 1500100*time.Microsecond || token.Signer.Subject.CommonName != "test tsa" {
				t.Errorf("%+v", token)
			}
			put(t, a.path("kept.tsr"), answer)
			put(t, a.path("note"), message)
			verify := []string{"ts", "-verify", "-in", a.path("kept.tsr"), "-data", a.path("note"), "-CAfile", a.path("roots.pem")}
			if out, err := a.openssl(t, verify...); err != nil || !strings.Contains(out, "Verification: OK") {
				t.Errorf("openssl ts -verify: %v\n%s", err, out)
			}
			put(t, a.path("note"), append(message, 'x'))
			if out, err := a.openssl(t, verify...); err == nil {
				t.Errorf("openssl takes it for another message:\n%s", out)
			}
			if _, err := stamp.VerifyToken(answer, append(message, 'x'), a.roots); !errors.Is(err, stamp.ErrFalse) {
				t.Errorf("another message: %v", err)
			}
			if _, err := stamp.VerifyToken(answer, message, pool(newCA(t, "test root"))); !errors.Is(err, stamp.ErrFalse) {
				t.Errorf("another root of the same name: %v", err)
			}
			changed(t, answer, message, a.roots, token)
		})
	}
}

// changed changes every byte of an answer: then it is refused, or what it proves is the
// same (an authority's words to people, and certificates that nobody needs, are not signed).
func changed(t *testing.T, answer, message []byte, roots *x509.CertPool, want *stamp.Token) {
	t.Helper()
	same := 0
	for i := range answer {
		bad := bytes.Clone(answer)
		bad[i] ^= 1
		got, err := stamp.VerifyToken(bad, message, roots)
		switch {
		case err == nil && (!got.Time.Equal(want.Time) || got.Serial.Cmp(want.Serial) != 0 || got.Policy != want.Policy || !got.Signer.Equal(want.Signer)):
			t.Fatalf("byte %d changes what is proved", i)
		case err == nil:
			same++
		case !errors.Is(err, stamp.ErrFalse):
			t.Fatalf("byte %d: %v", i, err)
		}
	}
	if same > len(answer)/20 {
		t.Errorf("%d of %d bytes can be changed", same, len(answer))
	}
}

// TestStampRefuses shows a client what it must not take.
func TestStampRefuses(t *testing.T) {
	t.Parallel()
	first := newAuthority(t, "ec", "digests = sha256\nsigner_digest = sha256\n")
	message := []byte("note\n")
	old, _, err := first.client().Stamp(t.Context(), message)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		lines string
		spoil func(a *authority, c *stamp.Authority)
		want  string
	}{
		"an answer to another request": {spoil: func(a *authority, c *stamp.Authority) {
			c.Roots = first.roots
			a.swap = func([]byte) []byte { return old }
		}, want: "nonce"},
		"a refusal":       {lines: "digests = sha512\nsigner_digest = sha256\n", want: "status 2 (it does not know the algorithm)"},
		"another root":    {spoil: func(_ *authority, c *stamp.Authority) { c.Roots = first.roots }, want: "certificate"},
		"a web page":      {spoil: func(a *authority, _ *stamp.Authority) { a.kind = "text/html" }, want: "no time stamp"},
		"half an answer":  {spoil: func(a *authority, _ *stamp.Authority) { a.swap = func(b []byte) []byte { return b[:len(b)/2] } }, want: "not a time stamp"},
		"too much":        {spoil: func(a *authority, _ *stamp.Authority) { a.swap = func([]byte) []byte { return make([]byte, 1<<20) } }, want: "larger"},
		"one byte more":   {spoil: func(a *authority, _ *stamp.Authority) { a.swap = func(b []byte) []byte { return append(b, 0) } }, want: "bytes more"},
		"a clock far off": {spoil: func(_ *authority, c *stamp.Authority) { c.Now = func() time.Time { return time.Now().Add(time.Hour) } }, want: "off our clock"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if c.lines == "" {
				c.lines = "digests = sha256\nsigner_digest = sha256\n"
			}
			a := newAuthority(t, "ec", c.lines)
			client := a.client()
			if c.spoil != nil {
				c.spoil(a, client)
			}
			if _, _, err := client.Stamp(t.Context(), message); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("want %q: %v", c.want, err)
			}
		})
	}
	client := first.client()
	moved := httptest.NewServer(http.RedirectHandler(first.url, http.StatusTemporaryRedirect))
	t.Cleanup(moved.Close)
	client.URL = moved.URL
	if _, _, err := client.Stamp(t.Context(), message); err == nil || !strings.Contains(err.Error(), "307") {
		t.Errorf("a redirection: %v", err)
	}
}

// TestAuthorityCertificates holds certificates against RFC 3161 §2.3 with which openssl
// would not sign at all.
func TestAuthorityCertificates(t *testing.T) {
	t.Parallel()
	root := newCA(t, "root")
	at := time.Now()
	form := func(change func(*x509.Certificate)) *x509.Certificate {
		c := &x509.Certificate{Subject: pkix.Name{CommonName: "tsa"}, ExtraExtensions: []pkix.Extension{usage(t, true)}}
		change(c)
		return certify(t, c, testKey(t, "ec"), &root).cert
	}
	for name, c := range map[string]struct {
		change func(*x509.Certificate)
		good   bool
	}{
		"as it should be": {func(*x509.Certificate) {}, true},
		"not critical":    {func(c *x509.Certificate) { c.ExtraExtensions[0] = usage(t, false) }, false},
		"also for mail": {func(c *x509.Certificate) {
			c.ExtraExtensions[0] = usage(t, true, asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 3, 4})
		}, false},
		"also for anything": {func(c *x509.Certificate) { c.ExtraExtensions[0] = usage(t, true, asn1.ObjectIdentifier{1, 2, 3, 4}) }, false},
		"for nothing":       {func(c *x509.Certificate) { c.ExtraExtensions = nil }, false},
		"run out":           {func(c *x509.Certificate) { c.NotBefore, c.NotAfter = at.Add(-2*time.Hour), at.Add(-time.Hour) }, false},
		"not begun":         {func(c *x509.Certificate) { c.NotBefore, c.NotAfter = at.Add(time.Hour), at.Add(2*time.Hour) }, false},
	} {
		err := stamp.VerifyAuthority(form(c.change), nil, pool(root), at)
		if (err == nil) != c.good {
			t.Errorf("%s: %v", name, err)
		}
	}
	// What has run out since was good when it stamped.
	past := form(func(c *x509.Certificate) { c.NotBefore, c.NotAfter = at.Add(-30*time.Minute), at.Add(-10*time.Minute) })
	if err := stamp.VerifyAuthority(past, nil, pool(root), at.Add(-20*time.Minute)); err != nil {
		t.Errorf("of then: %v", err)
	}
}

// TestRequestIsRead has openssl read what is asked.
func TestRequestIsRead(t *testing.T) {
	t.Parallel()
	a := newAuthority(t, "ec", "digests = sha256\nsigner_digest = sha256\n")
	query, nonce, err := stamp.NewRequest([]byte("note\n"))
	if err != nil {
		t.Fatal(err)
	}
	put(t, a.path("ours.tsq"), query)
	out, err := a.openssl(t, "ts", "-query", "-in", a.path("ours.tsq"), "-text")
	if err != nil || !strings.Contains(out, "sha256") || !strings.Contains(out, "Certificate required: yes") || !strings.Contains(strings.ToLower(out), nonce.Text(16)) {
		t.Errorf("%v: %x\n%s", err, nonce, out)
	}
}

func FuzzToken(f *testing.F) {
	f.Add([]byte{0x30, 0x03, 0x02, 0x01, 0x00})
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, answer []byte) {
		if _, err := stamp.VerifyToken(answer, []byte("note\n"), x509.NewCertPool()); !errors.Is(err, stamp.ErrFalse) {
			t.Fatalf("%x: %v", answer, err)
		}
	})
}
