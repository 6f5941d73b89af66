package mailauth_test

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-msgauth/dkim"

	"saltmine/internal/mailauth"
)

// The keys of RFC 6376 appendix C and of RFC 8463 appendix A.
const (
	rfc6376Key  = "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDwIRP/UC3SBsEmGqZ9ZJW3/DkMoGeLnQg1fWn7/zYtIxN2SnFCjxOCKG9v3b4jYfcTNh5ijSsq631uBItLa7od+v/RtdC2UzJ1lWT947qR+Rcac2gbto/NMqJ0fzfVjH4OuKhitdY9tf6mcwGjaNBcWToIMmPSPDdQPNUYckcQ2QIDAQAB"
	brisbaneKey = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
	testKey     = "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQiY/J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB"
)

func TestVectors(t *testing.T) {
	t.Parallel()
	r := serve(t, txt("brisbane._domainkey.example.com", "v=DKIM1; p="+rfc6376Key),
		txt("brisbane._domainkey.football.example.com", "v=DKIM1; k=ed25519; p="+brisbaneKey), txt("test._domainkey.football.example.com", "v=DKIM1; k=rsa; p="+testKey))
	for file, algorithms := range map[string][]string{"rfc6376.eml": {"rsa-sha256"}, "rfc8463.eml": {"ed25519-sha256", "rsa-sha256"}} {
		for _, change := range []struct {
			old, made string
			want      mailauth.Result
		}{
			{"", "", mailauth.Pass}, {"\r\n", "\n", mailauth.Pass},
			{"hungry", "thirsty", mailauth.Fail}, {"Is dinner", "Is lunch", mailauth.Fail}, {"s=", "s=no", mailauth.PermError},
		} {
			m := mailauth.Message{At: came, Raw: bytes.ReplaceAll(message(t, file), []byte(change.old), []byte(change.made))}
			if change.old == "" {
				m.Raw = message(t, file)
			}
			report := r.judge(t, m)
			if len(report.DKIM) != len(algorithms) {
				t.Fatalf("%s: %+v", file, report.DKIM)
			}
			for i, s := range report.DKIM {
				if s.Result != change.want || s.Algorithm != algorithms[i] || s.Algorithm == "rsa-sha256" && change.want == mailauth.Pass && s.Bits != 1024 {
					t.Errorf("%s with %q for %q: %+v, want %s", file, change.made, change.old, s, change.want)
				}
			}
		}
	}
}

// keys are one of each kind, and their records.
func keys(t *testing.T) (rsaKey, edKey crypto.Signer, rsaText, edText string) {
	t.Helper()
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(private.Public())
	if err != nil {
		t.Fatal(err)
	}
	public, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	b64 := base64.StdEncoding.EncodeToString
	return private, ed, "v=DKIM1; p=" + b64(der), "v=DKIM1; k=ed25519; p=" + b64(public)
}

func sign(t *testing.T, raw string, o dkim.SignOptions) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := dkim.Sign(&out, strings.NewReader(raw), &o); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

const plain = "From: Ann <ann@example.org>\r\nTo: b@example.net\r\nSubject:  two   spaces \r\n and a fold\r\n\r\nHello \t there \r\n\r\n  indented\r\n \r\n\r\n"

// TestSameAsTheLibrary signs with the library in every form, and compares what
// both find of the mail and of changed ones.
func TestSameAsTheLibrary(t *testing.T) {
	t.Parallel()
	rsaKey, edKey, rsaText, edText := keys(t)
	r := serve(t, txt("r._domainkey.example.org", rsaText), txt("e._domainkey.example.org", edText))
	lookup := func(name string) ([]string, error) {
		if strings.HasPrefix(name, "r.") {
			return []string{rsaText}, nil
		}
		return []string{edText}, nil
	}
	forms := []dkim.Canonicalization{"simple", "relaxed"}
	changes := [][2]string{{"", ""}, {"Hello \t there \r\n", "Hello there\r\n"}, {"two   spaces", "two spaces"}, {"\r\n\r\n  ind", "\r\n  ind"}, {" \r\n\r\n", " \r\n"}, {"Ann", "Eve"}, {"there", "these"}, {"To:", "Cc: x\r\nTo:"}, {"From: Ann", "From: Eve <e@x.test>\r\nFrom: Ann"}}
	for _, head := range forms {
		for _, body := range forms {
			for selector, key := range map[string]crypto.Signer{"r": rsaKey, "e": edKey} {
				for _, text := range []string{plain, "From: ann@example.org\r\n\r\n", "From: ann@example.org\r\n\r\nx", "From: ann@example.org\r\n\r\n\r\n\r\n"} {
					signed := sign(t, text, dkim.SignOptions{Domain: "example.org", Selector: selector, Signer: key, HeaderCanonicalization: head, BodyCanonicalization: body, HeaderKeys: []string{"From", "Subject", "From"}})
					for _, c := range changes {
						raw := []byte(strings.Replace(string(signed), c[0], c[1], 1))
						theirs, err := dkim.VerifyWithOptions(bytes.NewReader(raw), &dkim.VerifyOptions{LookupTXT: lookup})
						if err != nil {
							t.Fatal(err)
						}
						ours := r.judge(t, mailauth.Message{At: came, Raw: raw}).DKIM
						if len(ours) != 1 || (ours[0].Result == mailauth.Pass) != (theirs[0].Err == nil) {
							t.Errorf("%s/%s %s %q: we find %+v, the library %v", head, body, selector, c, ours, theirs[0].Err)
						}
					}
				}
			}
		}
	}
}

// TestSignatures: what a signature or a key says of itself. The signature is
// made with a key of the test over the tags as they stand.
func TestSignatures(t *testing.T) {
	t.Parallel()
	_, edKey, _, edText := keys(t)
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	der := x509.MarshalPKCS1PublicKey(&small.PublicKey)
	weak := base64.StdEncoding.EncodeToString(der[:len(der)/2])
	r := serve(t, txt("e._domainkey.example.org", edText), txt("testing._domainkey.example.org", edText+"; t=y"), txt("strict._domainkey.example.org", edText+"; t=s"),
		txt("sms._domainkey.example.org", edText+"; s=sms"), txt("sha1._domainkey.example.org", edText+"; h=sha1"), txt("v2._domainkey.example.org", strings.Replace(edText, "DKIM1", "DKIM2", 1)),
		txt("gone._domainkey.example.org", "v=DKIM1; p="), txt("two._domainkey.example.org", edText), txt("two._domainkey.example.org", "x"), txt("cut._domainkey.example.org", "p="+weak),
		txt("junk._domainkey.example.org", "p=!!!"))
	r.breaks("down._domainkey.example.org.", 2)
	soon, past := came.Add(time.Second).Unix(), came.Add(-time.Second).Unix()
	for _, tt := range []struct {
		tags string
		want mailauth.Result
		weak bool
	}{
		{"s=e", mailauth.Pass, false},
		{fmt.Sprintf("s=e; x=%d", soon), mailauth.Pass, false}, // past by any clock but that of the reception
		{fmt.Sprintf("s=e; x=%d", past), mailauth.Fail, false},
		{"s=e; x=never", mailauth.PermError, false},
		{"s=e; l=7", mailauth.Pass, false}, {"s=e; l=3", mailauth.Pass, true}, {"s=e; l=8", mailauth.Fail, false}, {"s=e; l=-1", mailauth.PermError, false},
		{"s=testing", mailauth.Pass, true}, {"s=strict", mailauth.Pass, false}, {"s=strict; i=@sub.example.org", mailauth.PermError, false},
		{"s=e; i=ann@sub.example.org", mailauth.Pass, false}, {"s=e; i=ann@evil-example.org", mailauth.PermError, false},
		{"s=sms", mailauth.PermError, false}, {"s=sha1", mailauth.PermError, false}, {"s=v2", mailauth.PermError, false}, {"s=gone", mailauth.PermError, false},
		{"s=two", mailauth.PermError, false}, {"s=cut", mailauth.PermError, false}, {"s=junk", mailauth.PermError, false}, {"s=none", mailauth.PermError, false},
		{"s=down", mailauth.TempError, false}, {"s=e; q=dns/txt:x", mailauth.Pass, false}, {"s=e; q=http", mailauth.PermError, false}, {"s=e; s=e", mailauth.PermError, false},
	} {
		raw := signByHand(t, edKey, tt.tags)
		report := r.judge(t, mailauth.Message{At: came, Raw: raw})
		if got := report.DKIM[0]; got.Result != tt.want || (got.Weak != "") != tt.weak {
			t.Errorf("%s: %+v, want %s, weak %v", tt.tags, got, tt.want, tt.weak)
		}
		if got, want := report.Signed("example.org"), tt.want == mailauth.Pass && !tt.weak; got != want {
			t.Errorf("%s: signed by the domain: %v, want %v", tt.tags, got, want)
		}
	}
}

// signByHand makes an Ed25519 signature with the given tags in the simple form.
func signByHand(t *testing.T, key crypto.Signer, tags string) []byte {
	t.Helper()
	const fromField, body = "From: ann@example.org\r\n", "hello\r\n"
	signed := body
	var n int
	if _, l, ok := strings.Cut(tags, "l="); ok {
		if _, err := fmt.Sscan(l, &n); err == nil && n >= 0 && n < len(body) {
			signed = body[:n]
		}
	}
	bodySum := sha256.Sum256([]byte(signed))
	field := "DKIM-Signature: v=1; a=ed25519-sha256; d=Example.org; h=from; " + tags + "; bh=" + base64.StdEncoding.EncodeToString(bodySum[:]) + ";\r\n b="
	sum := sha256.Sum256([]byte(fromField + field))
	sig, err := key.Sign(rand.Reader, sum[:], crypto.Hash(0))
	if err != nil {
		t.Fatal(err)
	}
	return []byte(field + base64.StdEncoding.EncodeToString(sig) + "\r\n" + fromField + "\r\n" + body)
}
