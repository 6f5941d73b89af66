package mailauth

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"net"
	"slices"
	"strings"
)

// Bits of an RSA key: below, it can be broken (RFC 8301 §3.2); above, verifying
// takes our time for nothing.
const (
	fewestBits = 1024
	mostBits   = 8192
)

// publicKey is a key record, read (RFC 6376 §3.6.1).
type publicKey struct {
	rsa     *rsa.PublicKey
	ed25519 ed25519.PublicKey
	testing bool
}

func (k *publicKey) verify(sum, sig []byte) bool {
	if k.rsa != nil {
		return rsa.VerifyPKCS1v15(k.rsa, crypto.SHA256, sum, sig) == nil
	}
	return ed25519.Verify(k.ed25519, sum, sig)
}

// key asks for the key of a signature.
func (v *verifier) key(s *signed, out *Signature) (*publicKey, *verdict) {
	texts, err := v.answers.texts(bare(s.tags["s"]) + "._domainkey." + strings.ToLower(bare(s.tags["d"])))
	var asked *net.DNSError
	switch {
	case errors.As(err, &asked) && asked.IsNotFound:
		return nil, perm("there is no key")
	case err != nil:
		return nil, &verdict{TempError, "the key could not be had"}
	case len(texts) != 1:
		return nil, perm("there are several keys") // §3.6.2.2
	}
	tags, fault := parseTags(texts[0])
	if fault != nil {
		return nil, perm("the key is broken")
	}
	if fault := usable(tags, s); fault != nil {
		return nil, fault
	}
	k, fault := readKey(tags, out)
	if fault == nil {
		k.testing = slices.Contains(strings.Split(bare(tags["t"]), ":"), "y")
	}
	return k, fault
}

// usable reports why a key is not for a signature.
func usable(tags map[string]string, s *signed) *verdict {
	names := func(tag, ifMissing string, words ...string) bool {
		text, has := tags[tag]
		if !has {
			text = ifMissing
		}
		return slices.ContainsFunc(strings.Split(bare(text), ":"), func(w string) bool { return slices.Contains(words, w) })
	}
	switch {
	case !names("v", "DKIM1", "DKIM1"):
		return perm("the key is of an unknown version")
	case !names("k", "rsa", s.method):
		return perm("the key is of another kind")
	case !names("h", "sha256", "sha256"):
		return perm("the key is not for this hash")
	case !names("s", "*", "*", "email"):
		return perm("the key is not for mail")
	case names("t", "", "s") && s.elsewhere():
		return perm("the key is not for subdomains")
	}
	return nil
}

// elsewhere reports whether i= is in a subdomain of d=.
func (s *signed) elsewhere() bool {
	_, domain, ok := strings.Cut(strings.ToLower(bare(s.tags["i"])), "@")
	return ok && domain != strings.ToLower(bare(s.tags["d"]))
}

func readKey(tags map[string]string, out *Signature) (*publicKey, *verdict) {
	p, has := tags["p"]
	if has && bare(p) == "" {
		return nil, perm("the key was revoked")
	}
	der, err := base64.StdEncoding.DecodeString(bare(p))
	if err != nil || !has {
		return nil, perm("the key is broken")
	}
	if tags["k"] == "ed25519" {
		if len(der) != ed25519.PublicKeySize {
			return nil, perm("the key is broken")
		}
		return &publicKey{ed25519: der}, nil
	}
	k := readRSA(der)
	if k == nil {
		return nil, perm("the key is broken")
	}
	if out.Bits = k.N.BitLen(); out.Bits < fewestBits || out.Bits > mostBits {
		return nil, perm("the key has %d bits", out.Bits)
	}
	return &publicKey{rsa: k}, nil
}

// readRSA reads both forms that are in use (erratum 3017 of RFC 6376).
func readRSA(der []byte) *rsa.PublicKey {
	if parsed, err := x509.ParsePKIXPublicKey(der); err == nil {
		k, _ := parsed.(*rsa.PublicKey)
		return k
	}
	k, err := x509.ParsePKCS1PublicKey(der)
	if err != nil {
		return nil
	}
	return k
}
