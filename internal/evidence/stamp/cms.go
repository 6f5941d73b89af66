package stamp

import (
	"bytes"
	"crypto"
	"crypto/sha1" //nolint:gosec // names a certificate, beside a signature that binds it; RFC 3161 §2.4.1
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"math/big"
)

// contentInfo is ContentInfo, RFC 5652 §3.
type contentInfo struct {
	Type    asn1.ObjectIdentifier
	Content asn1.RawValue `asn1:"explicit,tag:0"`
}

// signedData is SignedData, RFC 5652 §5.1.
type signedData struct {
	Version      int
	Algorithms   []pkix.AlgorithmIdentifier `asn1:"set"`
	Encapsulated struct {
		Type    asn1.ObjectIdentifier
		Content []byte `asn1:"explicit,tag:0"`
	}
	Certificates asn1.RawValue `asn1:"optional,tag:0"`
	Revocations  asn1.RawValue `asn1:"optional,tag:1"`
	Signers      []signerInfo  `asn1:"set"`
}

// signerInfo is SignerInfo, RFC 5652 §5.3.
type signerInfo struct {
	Version    int
	ID         asn1.RawValue
	Digest     pkix.AlgorithmIdentifier
	Attributes asn1.RawValue `asn1:"optional,tag:0"`
	Algorithm  pkix.AlgorithmIdentifier
	Signature  []byte
	Unsigned   asn1.RawValue `asn1:"optional,tag:1"`
}

type attribute struct {
	Type   asn1.ObjectIdentifier
	Values []asn1.RawValue `asn1:"set"`
}

// What is signed, and the attributes that say so.
const (
	oidSignedData  = "1.2.840.113549.1.7.2"
	oidTimeStamp   = "1.2.840.113549.1.9.16.1.4"
	oidContentType = "1.2.840.113549.1.9.3"
	oidDigest      = "1.2.840.113549.1.9.4"
	oidCert        = "1.2.840.113549.1.9.16.2.12" // RFC 2634 §5.4, by SHA-1
	oidCertV2      = "1.2.840.113549.1.9.16.2.47" // RFC 5035 §3
)

func hashOf(id asn1.ObjectIdentifier) (crypto.Hash, error) {
	switch id.String() {
	case "2.16.840.1.101.3.4.2.1":
		return crypto.SHA256, nil
	case "2.16.840.1.101.3.4.2.2":
		return crypto.SHA384, nil
	case "2.16.840.1.101.3.4.2.3":
		return crypto.SHA512, nil
	}
	return 0, falsely("the digest %s is not taken", id)
}

// signatureOf says how a signature is made, by its algorithm and the digest's.
func signatureOf(id asn1.ObjectIdentifier, digest crypto.Hash) (x509.SignatureAlgorithm, error) {
	type way struct {
		id   string
		hash crypto.Hash
	}
	known := map[way]x509.SignatureAlgorithm{}
	for i, hash := range []crypto.Hash{crypto.SHA256, crypto.SHA384, crypto.SHA512} {
		rsa, pss := []x509.SignatureAlgorithm{x509.SHA256WithRSA, x509.SHA384WithRSA, x509.SHA512WithRSA}[i], []x509.SignatureAlgorithm{x509.SHA256WithRSAPSS, x509.SHA384WithRSAPSS, x509.SHA512WithRSAPSS}[i]
		ecdsa := []x509.SignatureAlgorithm{x509.ECDSAWithSHA256, x509.ECDSAWithSHA384, x509.ECDSAWithSHA512}[i]
		known[way{"1.2.840.113549.1.1.1", hash}] = rsa
		known[way{"1.2.840.113549.1.1.1" + string(rune('1'+i)), hash}] = rsa // sha256WithRSAEncryption is 11
		known[way{"1.2.840.113549.1.1.10", hash}] = pss
		known[way{"1.2.840.10045.2.1", hash}] = ecdsa
		known[way{"1.2.840.10045.4.3." + string(rune('2'+i)), hash}] = ecdsa
		known[way{"1.3.101.112", hash}] = x509.PureEd25519
	}
	alg, ok := known[way{id.String(), digest}]
	if !ok {
		return 0, falsely("the signature's algorithm %s is not taken with this digest", id)
	}
	return alg, nil
}

// verifySigned verifies a token (ContentInfo with SignedData) and returns what it signs,
// the certificate of its signer, and the other certificates that came with it.
func verifySigned(der []byte) (content []byte, signer *x509.Certificate, others []*x509.Certificate, err error) {
	var outer contentInfo
	var s signedData
	if err := unmarshal(der, &outer); err != nil {
		return nil, nil, nil, falsely("the token cannot be read: %w", err)
	}
	if outer.Type.String() != oidSignedData {
		return nil, nil, nil, falsely("the token is not signed")
	}
	if err := unmarshal(outer.Content.Bytes, &s); err != nil {
		return nil, nil, nil, falsely("the token cannot be read: %w", err)
	}
	if s.Encapsulated.Type.String() != oidTimeStamp || len(s.Signers) != 1 {
		return nil, nil, nil, falsely("the token is not a time stamp with one signer")
	}
	all, err := x509.ParseCertificates(s.Certificates.Bytes)
	if err != nil {
		return nil, nil, nil, falsely("its certificates: %w", err)
	}
	if signer, others = s.Signers[0].of(all); signer == nil {
		return nil, nil, nil, falsely("the signer's certificate is not in it")
	}
	return s.Encapsulated.Content, signer, others, s.Signers[0].verify(s.Encapsulated.Content, signer)
}

// of finds the signer's certificate, by issuer and serial number or by its key's id.
func (s *signerInfo) of(all []*x509.Certificate) (signer *x509.Certificate, others []*x509.Certificate) {
	var id struct {
		Issuer asn1.RawValue
		Serial *big.Int
	}
	byKey := s.ID.Class == asn1.ClassContextSpecific && s.ID.Tag == 0
	if !byKey && unmarshal(s.ID.FullBytes, &id) != nil {
		return nil, all
	}
	for _, c := range all {
		its := byKey && len(c.SubjectKeyId) > 0 && bytes.Equal(c.SubjectKeyId, s.ID.Bytes) ||
			!byKey && bytes.Equal(c.RawIssuer, id.Issuer.FullBytes) && c.SerialNumber.Cmp(id.Serial) == 0
		if its && signer == nil {
			signer = c
		} else {
			others = append(others, c)
		}
	}
	return signer, others
}

func (s *signerInfo) verify(content []byte, signer *x509.Certificate) error {
	hash, err := hashOf(s.Digest.Algorithm)
	if err != nil {
		return err
	}
	alg, err := signatureOf(s.Algorithm.Algorithm, hash)
	if err != nil {
		return err
	}
	// What is signed is the SET, whatever tag it has here (RFC 5652 §5.4).
	set := bytes.Clone(s.Attributes.FullBytes)
	if len(set) == 0 {
		return falsely("the token has no signed attributes")
	}
	set[0] = 0x31
	if err := signer.CheckSignature(alg, set, s.Signature); err != nil {
		return falsely("the signature: %w", err)
	}
	var list []attribute
	if rest, err := asn1.UnmarshalWithParams(set, &list, "set"); err != nil || len(rest) > 0 {
		return falsely("the signed attributes cannot be read")
	}
	h := hash.New()
	h.Write(content)
	return checkAttributes(list, h.Sum(nil), signer)
}

// checkAttributes wants each of the attributes that bind content and certificate.
func checkAttributes(list []attribute, digest []byte, signer *x509.Certificate) error {
	seen := map[string]bool{}
	for _, a := range list {
		if len(a.Values) != 1 {
			return falsely("attribute %s has %d values", a.Type, len(a.Values))
		}
		if fault := a.fault(digest, signer); fault != "" {
			return falsely("%s", fault)
		}
		seen[a.Type.String()] = true
	}
	if !seen[oidContentType] || !seen[oidDigest] || !seen[oidCert] && !seen[oidCertV2] {
		return falsely("the token does not say what it signs, and with which certificate")
	}
	return nil
}

// fault says what is wrong with an attribute; nothing is wrong with one that is not known.
func (a *attribute) fault(digest []byte, signer *x509.Certificate) string {
	value := a.Values[0]
	switch kind := a.Type.String(); {
	case kind == oidContentType && !isTimeStamp(value.FullBytes):
		return "what is signed is not a time stamp"
	case kind == oidDigest && !bytes.Equal(value.Bytes, digest):
		return "the time stamp is not the one that is signed"
	case (kind == oidCert || kind == oidCertV2) && !names(value, signer, kind == oidCertV2):
		return "it is signed with another certificate than it names"
	}
	return ""
}

func isTimeStamp(der []byte) bool {
	var id asn1.ObjectIdentifier
	return unmarshal(der, &id) == nil && id.String() == oidTimeStamp
}

// names reports whether the first certificate of SigningCertificate, or of its second
// version, is this one.
func names(value asn1.RawValue, signer *x509.Certificate, second bool) bool {
	var certs struct {
		List     []asn1.RawValue
		Policies []asn1.RawValue `asn1:"optional"`
	}
	if unmarshal(value.FullBytes, &certs) != nil || len(certs.List) == 0 {
		return false
	}
	var first struct {
		Algorithm pkix.AlgorithmIdentifier `asn1:"optional"`
		Hash      []byte
		Serial    asn1.RawValue `asn1:"optional"`
	}
	if unmarshal(certs.List[0].FullBytes, &first) != nil {
		return false
	}
	if !second {
		sum := sha1.Sum(signer.Raw) //nolint:gosec // see the import
		return bytes.Equal(first.Hash, sum[:])
	}
	hash := crypto.SHA256 // the default
	if len(first.Algorithm.Algorithm) > 0 {
		var err error
		if hash, err = hashOf(first.Algorithm.Algorithm); err != nil {
			return false
		}
	}
	h := hash.New()
	h.Write(signer.Raw)
	return bytes.Equal(first.Hash, h.Sum(nil))
}
