package scan

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ed25519"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"maps"
	"math/bits"
	"slices"
	"sync"
	"time"

	"golang.org/x/crypto/argon2"

	"saltmine/internal/canary"
)

// A filter is for those who may not hold the registry. It is a file:
//
//	saltmine filter 1\n
//	the head, one line of JSON, see Head\n
//	base64 of an Ed25519 signature by the core's signing key, over the first two
//	lines and the SHA-256 of what follows\n
//	AES-256-GCM of the tags, with a nonce of zeros, bound to the first two lines
//
// A tag is 8 bytes of PBKDF2-HMAC-SHA256 (RFC 8018) over kind, a zero byte and the
// canonical text, in Head.Rounds rounds, with a key as its salt. Tags are sorted, and
// filled up with random ones to a power of two, 1,024 at least. The keys of the tags
// and of AES are made of passphrase and salt by Argon2id (RFC 9106), 64 MiB, 3 passes.

// Faults of a filter.
var (
	ErrExpired    = errors.New("the filter has expired")
	ErrPassphrase = errors.New("the filter does not open with this passphrase, or has been changed")
	ErrFilter     = errors.New("this is no filter, or it has been changed")
)

// Head is what a filter says of itself.
type Head struct {
	ID      string    `json:"id"`
	Holder  string    `json:"holder"` // who may use it
	Made    time.Time `json:"made"`
	Expires time.Time `json:"expires"`
	Rounds  int       `json:"rounds"`
	Salt    []byte    `json:"salt"`
	// Codes are the country codes of its numbers: one without a country is tried
	// with each of them.
	Codes []string `json:"codes"`
	Tags  int      `json:"tags"` // with those that fill it up
	Sign  []byte   `json:"sign"` // the key that its signature is checked with
	Core  []byte   `json:"core"` // the key that finds are sealed to
}

const (
	filterMagic = "saltmine filter 1\n"
	tagBytes    = 8
	leastTags   = 1 << 10
	mostTags    = 1 << 26
	mostRounds  = 1 << 20
	// Rounds is the work for one candidate: some 50 microseconds.
	Rounds = 400
)

// Filter is an open filter. It is safe for concurrent use.
type Filter struct {
	Head Head

	tags  []uint64
	key   []byte
	codes []string

	mu    sync.Mutex
	known map[string]bool // candidates tried of late
}

// NewFilter makes a filter of the addresses and numbers among some tokens. Of the
// placebos of addresses, which are many, it takes as many as there are planted ones.
func NewFilter(head Head, tokens iter.Seq2[canary.DatedToken, error], passphrase string, sign func([]byte) []byte) ([]byte, error) {
	head.Salt = make([]byte, 16)
	rand.Read(head.Salt) // never fails since Go 1.24
	sealing, tagging, err := filterKeys(passphrase, head.Salt)
	if err != nil {
		return nil, err
	}
	texts, codes, err := filterTexts(tokens)
	if err != nil {
		return nil, err
	}
	head.Codes = slices.Sorted(maps.Keys(codes))
	tags, err := tagsOf(texts, tagging, head.Rounds)
	if err != nil {
		return nil, err
	}
	head.Tags = len(tags)
	line, err := json.Marshal(head)
	if err != nil {
		return nil, fmt.Errorf("filter: %w", err)
	}
	plain := make([]byte, 0, len(tags)*tagBytes)
	for _, t := range tags {
		plain = binary.BigEndian.AppendUint64(plain, t)
	}
	start := append([]byte(filterMagic), append(line, '\n')...)
	body := sealing.Seal(nil, make([]byte, sealing.NonceSize()), plain, start) //nolint:gosec // the key is used once
	out := append(bytes.Clone(start), base64.StdEncoding.EncodeToString(sign(signedPart(start, body)))...)
	return append(append(out, '\n'), body...), nil
}

// tagsOf are the tags of texts, filled up with random ones.
func tagsOf(texts []string, key []byte, rounds int) ([]uint64, error) {
	tags := make([]uint64, 0, len(texts))
	for _, text := range texts {
		t, err := tagOf(key, text, rounds)
		if err != nil {
			return nil, err
		}
		tags = append(tags, t)
	}
	for most := max(leastTags, 1<<bits.Len(uint(len(tags)))); len(tags) < most; {
		var random [tagBytes]byte
		rand.Read(random[:]) // never fails since Go 1.24
		tags = append(tags, binary.BigEndian.Uint64(random[:]))
	}
	slices.Sort(tags)
	return tags, nil
}

// filterTexts are the kinds and texts that go into a filter, and the country codes.
func filterTexts(tokens iter.Seq2[canary.DatedToken, error]) (texts []string, codes map[string]bool, err error) {
	codes = map[string]bool{}
	planted, placebos, seen := 0, []string{}, map[string]bool{}
	for t, err := range tokens {
		if err != nil {
			return nil, nil, err
		}
		text := string(t.Kind) + "\x00" + t.Text
		if t.Kind == canary.Ticket || t.Role != canary.RolePlanted && t.Role != canary.RolePlacebo || seen[text] {
			continue
		}
		seen[text] = true
		if t.Kind == canary.Phone {
			codes[t.Text[1:1+codeLen(t.Text)]] = true
		}
		if t.Kind == canary.Email && t.Role == canary.RolePlacebo {
			placebos = append(placebos, text)
			continue
		}
		texts = append(texts, text)
		if t.Kind == canary.Email {
			planted++
		}
	}
	return append(texts, placebos[:min(len(placebos), planted)]...), codes, nil
}

func signedPart(start, body []byte) []byte {
	sum := sha256.Sum256(body)
	return append(bytes.Clone(start), sum[:]...)
}

// filterKeys makes the keys of a passphrase: the one that seals, and the one of tags.
func filterKeys(passphrase string, salt []byte) (sealing cipher.AEAD, tagging []byte, err error) {
	const passes, memory, threads, size = 3, 64 << 10, 2, 32
	key := argon2.IDKey([]byte(passphrase), salt, passes, memory, threads, 2*size)
	block, err := aes.NewCipher(key[:size])
	if err == nil {
		sealing, err = cipher.NewGCM(block)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("filter: %w", err)
	}
	return sealing, key[size:], nil
}

func tagOf(key []byte, text string, rounds int) (uint64, error) {
	tag, err := pbkdf2.Key(sha256.New, text, key, rounds, tagBytes)
	if err != nil {
		return 0, fmt.Errorf("filter: %w", err)
	}
	return binary.BigEndian.Uint64(tag), nil
}

// ReadHead reads what a filter says of itself, and checks its signature: by the key
// that it names itself, so whose that is must be known from elsewhere.
func ReadHead(file []byte) (head Head, start, body []byte, err error) {
	lines := bytes.SplitN(file, []byte("\n"), 4)
	if len(lines) < 4 || string(lines[0])+"\n" != filterMagic {
		return head, nil, nil, ErrFilter
	}
	start, body = file[:len(lines[0])+len(lines[1])+2], lines[3]
	dec := json.NewDecoder(bytes.NewReader(lines[1]))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&head); err != nil {
		return head, nil, nil, fmt.Errorf("%w: %w", ErrFilter, err)
	}
	sig, err := base64.StdEncoding.DecodeString(string(lines[2]))
	if err != nil || len(head.Sign) != ed25519.PublicKeySize || !ed25519.Verify(head.Sign, signedPart(start, body), sig) {
		return head, nil, nil, fmt.Errorf("%w: its signature does not fit", ErrFilter)
	}
	if head.Tags < 0 || head.Tags > mostTags || head.Rounds < 1 || head.Rounds > mostRounds {
		return head, nil, nil, fmt.Errorf("%w: %d tags of %d rounds", ErrFilter, head.Tags, head.Rounds)
	}
	return head, start, body, nil
}

// OpenFilter opens a filter that has not expired.
func OpenFilter(file []byte, passphrase string, now time.Time) (*Filter, error) {
	head, start, body, err := ReadHead(file)
	if err != nil {
		return nil, err
	}
	if !now.Before(head.Expires) {
		return nil, fmt.Errorf("%w: it was made for %s until %s", ErrExpired, head.Holder, head.Expires.Format(time.RFC3339))
	}
	sealing, tagging, err := filterKeys(passphrase, head.Salt)
	if err != nil {
		return nil, err
	}
	plain, err := sealing.Open(nil, make([]byte, sealing.NonceSize()), body, start)
	if err != nil || len(plain) != head.Tags*tagBytes {
		return nil, ErrPassphrase
	}
	f := &Filter{Head: head, key: tagging, codes: head.Codes, known: map[string]bool{}}
	for ; len(plain) > 0; plain = plain[tagBytes:] {
		f.tags = append(f.tags, binary.BigEndian.Uint64(plain))
	}
	return f, nil
}

// has reports whether a filter has a text. What was tried is remembered for a time.
func (f *Filter) has(kind canary.Kind, text string) bool {
	const most = 1 << 19
	name := string(kind) + "\x00" + text
	f.mu.Lock()
	defer f.mu.Unlock()
	if is, known := f.known[name]; known {
		return is
	}
	if len(f.known) >= most {
		clear(f.known)
	}
	tag, err := tagOf(f.key, name, f.Head.Rounds)
	_, is := slices.BinarySearch(f.tags, tag)
	is = is && err == nil
	f.known[name] = is
	return is
}
