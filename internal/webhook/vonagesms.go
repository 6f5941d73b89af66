package webhook

import (
	"bytes"
	"crypto/hmac"
	"crypto/md5"  //nolint:gosec // the account's choice; named in the configuration
	"crypto/sha1" //nolint:gosec // the same
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// VonageSignatures are the kinds of signature that Vonage's SMS API knows, the
// weakest first. An account uses one, which its settings show.
func VonageSignatures() []string { return []string{"md5hash", "md5", "sha1", "sha256", "sha512"} }

// VerifyVonageSMS checks a webhook of Vonage's SMS API: the field "sig" over
// every other field, sorted, as "&key=value" with & and = in values as _, by
// the one kind of signature that is given ("signing messages" of
// developer.vonage.com). Fields come in a query, a form or a flat JSON object;
// one that stands twice is refused, because senders differ in which they sign.
// The field "timestamp" must be fresh. The errors are ErrSecret, ErrHeader,
// ErrBody, ErrSignature and ErrTime.
func VerifyVonageSMS(secret Hidden, kind string, q Request) error {
	if secret == "" || !slices.Contains(VonageSignatures(), kind) {
		return fmt.Errorf("%w: empty, or no kind of signature", ErrSecret)
	}
	fields, err := VonageFields(q)
	if err != nil {
		return err
	}
	given, err := hex.DecodeString(fields.Get("sig"))
	if err != nil || len(given) == 0 {
		return fmt.Errorf("%w: sig is not hexadecimal", ErrHeader)
	}
	sent, err := unixSeconds(fields.Get("timestamp"))
	if err != nil {
		return err
	}
	if !hmac.Equal(vonageMAC(string(secret), kind, fields), given) {
		return ErrSignature
	}
	return q.fresh(sent)
}

// VonageFields reads the fields of an SMS webhook: of the query for GET, else
// of a form or of a JSON object. A field that stands twice gives ErrBody.
func VonageFields(q Request) (url.Values, error) {
	fields, err := q.Values()
	if err != nil {
		return nil, err
	}
	kind, _, _ := mime.ParseMediaType(q.Header.Get("Content-Type"))
	if q.Method != http.MethodGet && kind == "application/json" {
		if fields, err = flatJSON(q.Body); err != nil {
			return nil, err
		}
	}
	for _, values := range fields {
		if len(values) != 1 {
			return nil, fmt.Errorf("%w: a field stands twice", ErrBody)
		}
	}
	return fields, nil
}

// flatJSON reads an object of texts and numbers, repeated names as repeated
// values, which a map would not show.
func flatJSON(body []byte) (url.Values, error) {
	bad := fmt.Errorf("%w: not a flat JSON object", ErrBody)
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	var tokens []json.Token
	for {
		t, err := dec.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, bad
		}
		tokens = append(tokens, t)
	}
	n := len(tokens) - 1
	if n < 1 || n%2 == 0 || tokens[0] != json.Delim('{') || tokens[n] != json.Delim('}') {
		return nil, bad
	}
	fields := url.Values{}
	for pair := range slices.Chunk(tokens[1:n], 2) {
		name, ok := pair[0].(string)
		if _, nested := pair[1].(json.Delim); !ok || nested {
			return nil, bad
		}
		value := ""
		if pair[1] != nil {
			value = fmt.Sprint(pair[1])
		}
		fields.Add(name, value)
	}
	return fields, nil
}

func vonageMAC(secret, kind string, fields url.Values) []byte {
	var b strings.Builder
	for _, key := range slices.Sorted(maps.Keys(fields)) {
		if key != "sig" {
			b.WriteString("&" + key + "=" + strings.NewReplacer("&", "_", "=", "_").Replace(fields.Get(key)))
		}
	}
	var h func() hash.Hash
	switch kind {
	case "md5hash":
		sum := md5.Sum([]byte(b.String() + secret)) //nolint:gosec // the account's choice
		return sum[:]
	case "md5":
		h = md5.New
	case "sha1":
		h = sha1.New
	case "sha256":
		h = sha256.New
	default:
		h = sha512.New
	}
	mac := hmac.New(h, []byte(secret))
	mac.Write([]byte(b.String()))
	return mac.Sum(nil)
}
