package pull

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"time"
)

// Identity is a key and the certificate that the other side holds a copy of.
type Identity struct {
	Key  []byte // PKCS #8 in PEM; a secret
	Cert []byte // X.509 in PEM, signed by itself
}

// String keeps the key out of texts and logs.
func (Identity) String() string { return "identity" }

// GoString keeps the key out of texts.
func (Identity) GoString() string { return "identity" }

// lifetime of a certificate: it is trusted because the other side has a copy,
// and ends when the edge is set up anew.
const lifetime = 20 * 365 * 24 * time.Hour

// NewIdentity makes an Ed25519 key (RFC 8032) and its certificate for a host
// name or an IP address.
func NewIdentity(host string, now time.Time) (Identity, error) {
	pub, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return Identity{}, fmt.Errorf("make an identity: %w", err)
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return Identity{}, fmt.Errorf("make an identity: %w", err)
	}
	form := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: host}, NotBefore: now.Add(-24 * time.Hour), NotAfter: now.Add(lifetime),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}, BasicConstraintsValid: true,
	}
	if ip := net.ParseIP(host); ip != nil {
		form.IPAddresses = []net.IP{ip}
	} else {
		form.DNSNames = []string{host}
	}
	cert, err := x509.CreateCertificate(rand.Reader, form, form, pub, key)
	if err != nil {
		return Identity{}, fmt.Errorf("make an identity: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return Identity{}, fmt.Errorf("make an identity: %w", err)
	}
	return Identity{
		Key:  pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}),
		Cert: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert}),
	}, nil
}

// Fingerprint names a certificate (PEM): its SHA-256, in hex digits.
func Fingerprint(cert []byte) (string, error) {
	block, _ := pem.Decode(cert)
	if block == nil {
		return "", errors.New("the certificate is not one in PEM")
	}
	c, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return "", fmt.Errorf("certificate: %w", err)
	}
	return FingerprintOf(c), nil
}

// FingerprintOf names a certificate.
func FingerprintOf(c *x509.Certificate) string { return fmt.Sprintf("%x", sha256.Sum256(c.Raw)) }

// Serving is the TLS configuration of an edge that answers only the holder of
// the core's certificate.
func (i Identity) Serving(core []byte) (*tls.Config, error) {
	pair, pool, err := i.with(core)
	if err != nil {
		return nil, err
	}
	return &tls.Config{MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{pair}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool}, nil
}

// Asking is the TLS configuration of a core that asks only the holder of the
// edge's certificate.
func (i Identity) Asking(edge []byte) (*tls.Config, error) {
	pair, pool, err := i.with(edge)
	if err != nil {
		return nil, err
	}
	return &tls.Config{MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{pair}, RootCAs: pool}, nil
}

func (i Identity) with(other []byte) (tls.Certificate, *x509.CertPool, error) {
	pair, err := tls.X509KeyPair(i.Cert, i.Key)
	if err != nil {
		return pair, nil, fmt.Errorf("own certificate: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(other) {
		return pair, nil, errors.New("the other side's certificate is not one in PEM")
	}
	return pair, pool, nil
}
