package stamp

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"math/big"
	"net/http"
	"slices"
	"time"
)

// imprint is MessageImprint, RFC 3161 §2.4.1.
type imprint struct {
	Algorithm pkix.AlgorithmIdentifier
	Hash      []byte
}

// request is TimeStampReq.
type request struct {
	Version int
	Imprint imprint
	Nonce   *big.Int
	CertReq bool
}

// response is TimeStampResp, RFC 3161 §2.4.2.
type response struct {
	Status struct {
		Status int
		Text   []asn1.RawValue `asn1:"optional"`
		Fail   asn1.BitString  `asn1:"optional"`
	}
	Token asn1.RawValue `asn1:"optional"`
}

// info is TSTInfo.
type info struct {
	Version    int
	Policy     asn1.ObjectIdentifier
	Imprint    imprint
	Serial     *big.Int
	Time       time.Time        `asn1:"generalized"` //nolint:misspell // the word of encoding/asn1
	Accuracy   accuracy         `asn1:"optional"`
	Ordering   bool             `asn1:"optional,default:false"`
	Nonce      *big.Int         `asn1:"optional"`
	TSA        asn1.RawValue    `asn1:"optional,tag:0"`
	Extensions []pkix.Extension `asn1:"optional,tag:1"`
}

type accuracy struct {
	Seconds int `asn1:"optional"`
	Millis  int `asn1:"optional,tag:0"`
	Micros  int `asn1:"optional,tag:1"`
}

func oidSHA256() asn1.ObjectIdentifier { return asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 1} }

// Token is a time stamp that was verified.
type Token struct {
	Time     time.Time     // UTC
	Accuracy time.Duration // 0: it says nothing
	Policy   string
	Serial   *big.Int
	Signer   *x509.Certificate
	nonce    *big.Int
}

// NewRequest makes a request (DER) for a message's SHA-256, with a nonce of 128 bits,
// that asks for the authority's certificates.
func NewRequest(message []byte) (der []byte, nonce *big.Int, err error) {
	var random [16]byte
	rand.Read(random[:]) // never fails since Go 1.24
	random[0] |= 1       // never shorter
	nonce = new(big.Int).SetBytes(random[:])
	sum := sha256.Sum256(message)
	der, err = asn1.Marshal(request{1, imprint{pkix.AlgorithmIdentifier{Algorithm: oidSHA256(), Parameters: asn1.NullRawValue}, sum[:]}, nonce, true})
	if err != nil {
		return nil, nil, fmt.Errorf("time stamp request: %w", err)
	}
	return der, nonce, nil
}

// Authority is a time stamping authority.
type Authority struct {
	URL    string
	Roots  *x509.CertPool // of its certificate
	Client *http.Client
	Now    func() time.Time
}

// clockOff is by how much a stamp may be off our clock.
const clockOff = 5 * time.Minute

// Stamp asks for a time stamp of a message, and returns the verified answer.
func (a *Authority) Stamp(ctx context.Context, message []byte) (answer []byte, t *Token, err error) {
	der, nonce, err := NewRequest(message)
	if err != nil {
		return nil, nil, err
	}
	c := call{http.MethodPost, a.URL, "application/timestamp-query", "application/timestamp-reply", der, maxAnswer}
	status, kind, answer, err := c.do(ctx, a.Client)
	if err != nil {
		return nil, nil, err
	}
	if status != http.StatusOK || kind != "application/timestamp-reply" {
		return nil, nil, fmt.Errorf("the authority answers with status %d and %.60q, no time stamp", status, kind)
	}
	if t, err = VerifyToken(answer, message, a.Roots); err != nil {
		return nil, nil, err
	}
	if t.nonce == nil || t.nonce.Cmp(nonce) != 0 {
		return nil, nil, falsely("it is an answer to another request: the nonce is not ours")
	}
	if off := t.Time.Sub(a.Now()); off.Abs() > clockOff+t.Accuracy {
		return nil, nil, falsely("its time is %s off our clock", off.Round(time.Second))
	}
	return answer, t, nil
}

// VerifyToken verifies an answer (TimeStampResp, DER) for a message: status, imprint,
// signature, and the signer's certificate, which must be for time stamping alone
// (RFC 3161 §2.3) and lead to the roots at the stamp's time.
func VerifyToken(answer, message []byte, roots *x509.CertPool) (*Token, error) {
	var r response
	if err := unmarshal(answer, &r); err != nil {
		return nil, falsely("the answer is not a time stamp: %w", err)
	}
	const granted, grantedWithMods = 0, 1
	if s := r.Status.Status; s != granted && s != grantedWithMods {
		return nil, falsely("the authority has refused, with status %d%s", s, failText(r.Status.Fail))
	}
	if len(r.Token.FullBytes) == 0 {
		return nil, falsely("the answer has no time stamp")
	}
	content, signer, others, err := verifySigned(r.Token.FullBytes)
	if err != nil {
		return nil, err
	}
	var i info
	if err := unmarshal(content, &i); err != nil {
		return nil, falsely("the time stamp cannot be read: %w", err)
	}
	sum := sha256.Sum256(message)
	switch {
	case i.Version != 1:
		return nil, falsely("the time stamp is of version %d", i.Version)
	case !i.Imprint.Algorithm.Algorithm.Equal(oidSHA256()) || !bytes.Equal(i.Imprint.Hash, sum[:]):
		return nil, falsely("it stamps something else")
	case slices.ContainsFunc(i.Extensions, func(e pkix.Extension) bool { return e.Critical }):
		return nil, falsely("the time stamp has an extension that is not known")
	}
	if err := verifyAuthority(signer, others, roots, i.Time); err != nil {
		return nil, err
	}
	off := time.Duration(i.Accuracy.Seconds)*time.Second + time.Duration(i.Accuracy.Millis)*time.Millisecond + time.Duration(i.Accuracy.Micros)*time.Microsecond
	return &Token{i.Time.UTC(), off, i.Policy.String(), i.Serial, signer, i.Nonce}, nil
}

func failText(fail asn1.BitString) string {
	for bit, why := range map[int]string{0: "it does not know the algorithm", 2: "the request is malformed", 5: "the request's data are malformed", 14: "its clock is not available", 15: "it does not know the policy", 16: "it does not know an extension", 17: "it has not what was asked for", 25: "it has failed"} {
		if fail.At(bit) == 1 {
			return " (" + why + ")"
		}
	}
	return ""
}

// verifyAuthority holds a signer against the roots.
func verifyAuthority(signer *x509.Certificate, others []*x509.Certificate, roots *x509.CertPool, at time.Time) error {
	critical := slices.ContainsFunc(signer.Extensions, func(e pkix.Extension) bool {
		return e.Critical && e.Id.Equal(asn1.ObjectIdentifier{2, 5, 29, 37})
	})
	if !critical || len(signer.ExtKeyUsage) != 1 || signer.ExtKeyUsage[0] != x509.ExtKeyUsageTimeStamping || len(signer.UnknownExtKeyUsage) > 0 {
		return falsely("the signer's certificate is not for time stamping alone")
	}
	if roots == nil {
		return falsely("no roots are given that its certificate could lead to") // those of the system are for web servers
	}
	between := x509.NewCertPool()
	for _, c := range others {
		between.AddCert(c)
	}
	_, err := signer.Verify(x509.VerifyOptions{Roots: roots, Intermediates: between, CurrentTime: at, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageTimeStamping}})
	if err != nil {
		return falsely("the signer's certificate: %w", err)
	}
	return nil
}

// unmarshal reads all of der.
func unmarshal(der []byte, into any) error {
	rest, err := asn1.Unmarshal(der, into)
	if err == nil && len(rest) > 0 {
		err = fmt.Errorf("%d bytes more than it should have", len(rest))
	}
	return err
}
