package mailauth

import (
	"cmp"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// maxSignatures of a mail are verified, the uppermost: those were made last.
const maxSignatures = 10

// verdict is why a signature did not pass.
type verdict struct {
	result Result
	why    string
}

func perm(format string, args ...any) *verdict {
	return &verdict{PermError, fmt.Sprintf(format, args...)}
}

// verify judges every signature, and counts those beyond the bound.
func verify(m mail, at time.Time, r *recorder) (out []Signature, beyond int) {
	if m.large {
		return []Signature{{Result: PermError, Why: "the header is too large"}}, 0
	}
	v := verifier{mail: m, at: at, answers: r}
	for i := range m.fields {
		if m.fields[i].name != "dkim-signature" {
			continue
		}
		if len(out) == maxSignatures {
			beyond++
			continue
		}
		out = append(out, v.signature(&m.fields[i]))
	}
	return out, beyond
}

// verifier is a mail with what its signatures have in common.
type verifier struct {
	mail    mail
	at      time.Time
	answers *recorder
	bodies  map[string][]byte // canonical, by the method
}

// signed is a signature field, read.
type signed struct {
	tags   map[string]string
	names  []string // of the signed fields
	method string   // "rsa" or "ed25519"
	head   string   // canonicalization of the header, "simple" or "relaxed"
	body   string   // and of the body
	length int      // signed bytes of the body, -1 is all
}

func (v *verifier) signature(f *field) Signature {
	tags, fault := parseTags(f.value())
	s := signed{tags: tags}
	out := Signature{Domain: strings.ToLower(bare(tags["d"])), Selector: bare(tags["s"]), Algorithm: bare(tags["a"]), Result: Pass}
	out.Domain, out.Selector, out.Algorithm = clip(out.Domain), clip(out.Selector), clip(out.Algorithm)
	if fault == nil {
		fault = s.read(v.at)
	}
	if fault == nil {
		fault = v.check(f, &s, &out)
	}
	if fault != nil {
		out.Result, out.Why, out.Weak = fault.result, fault.why, ""
	}
	return out
}

// clip bounds what a stranger wrote into a report, and keeps what names consist
// of: it is shown in terminals.
func clip(s string) string {
	s = strings.Map(func(c rune) rune {
		if c > ' ' && c < 0x7f && c != '@' {
			return c
		}
		return '?'
	}, s)
	return s[:min(len(s), 253)]
}

// read checks the tags (RFC 6376 §3.5, §6.1.1).
func (s *signed) read(at time.Time) *verdict {
	if fault := s.complete(); fault != nil {
		return fault
	}
	var hash string
	s.method, hash, _ = strings.Cut(bare(s.tags["a"]), "-")
	if hash != "sha256" || s.method != "rsa" && s.method != "ed25519" {
		return perm("the algorithm is unknown or too weak") // rsa-sha1: RFC 8301 §3.1
	}
	for name := range strings.SplitSeq(s.tags["h"], ":") {
		s.names = append(s.names, strings.ToLower(bare(name)))
	}
	if !slices.Contains(s.names, "from") {
		return perm("From is not signed")
	}
	if q, has := s.tags["q"]; has && !slices.Contains(strings.Split(bare(q), ":"), "dns/txt") {
		return perm("unknown way to the key")
	}
	if fault := s.readAgent(); fault != nil {
		return fault
	}
	if fault := s.readForms(); fault != nil {
		return fault
	}
	return s.readTimes(at)
}

func (s *signed) complete() *verdict {
	for _, name := range []string{"v", "a", "b", "bh", "d", "h", "s"} {
		if _, has := s.tags[name]; !has {
			return perm("the tag %s= is missing", name)
		}
	}
	if bare(s.tags["v"]) != "1" {
		return perm("unknown version")
	}
	return nil
}

// readAgent checks that i= lies within d=.
func (s *signed) readAgent() *verdict {
	agent, has := s.tags["i"]
	if !has {
		return nil
	}
	_, domain, ok := strings.Cut(strings.ToLower(bare(agent)), "@")
	d := strings.ToLower(bare(s.tags["d"]))
	if !ok || domain != d && !strings.HasSuffix(domain, "."+d) {
		return perm("i= is outside of d=")
	}
	return nil
}

func (s *signed) readForms() *verdict {
	s.head, s.body, _ = strings.Cut(bare(s.tags["c"]), "/")
	s.head, s.body = cmp.Or(s.head, simple), cmp.Or(s.body, simple)
	for _, form := range []string{s.head, s.body} {
		if form != simple && form != relaxed {
			return perm("unknown canonicalization")
		}
	}
	s.length = -1
	if l, has := s.tags["l"]; has {
		n, err := strconv.ParseUint(bare(l), 10, 31)
		if err != nil {
			return perm("broken l=")
		}
		s.length = int(n)
	}
	return nil
}

func (s *signed) readTimes(at time.Time) *verdict {
	for _, name := range []string{"t", "x"} {
		text, has := s.tags[name]
		if !has {
			continue
		}
		sec, err := strconv.ParseUint(bare(text), 10, 62)
		if err != nil {
			return perm("broken %s=", name)
		}
		if name == "x" && at.Unix() > int64(sec) {
			return &verdict{Fail, "expired when it came"}
		}
	}
	return nil
}

// check fetches the key and verifies body and header.
func (v *verifier) check(f *field, s *signed, out *Signature) *verdict {
	key, fault := v.key(s, out)
	if fault != nil {
		return fault
	}
	bodyHash, err := base64.StdEncoding.DecodeString(bare(s.tags["bh"]))
	sig, err2 := base64.StdEncoding.DecodeString(bare(s.tags["b"]))
	if err != nil || err2 != nil {
		return perm("broken base64")
	}
	body := v.body(s.body)
	if s.length > len(body) {
		return &verdict{Fail, "the body is shorter than was signed"}
	}
	if s.length >= 0 && s.length < len(body) {
		out.Weak = fmt.Sprintf("only %d of %d bytes of the body are signed", s.length, len(body))
		body = body[:s.length]
	}
	if sum := sha256.Sum256(body); subtle.ConstantTimeCompare(sum[:], bodyHash) != 1 {
		return &verdict{Fail, "the body was changed"}
	}
	if sum := v.headHash(f, s); !key.verify(sum, sig) {
		return &verdict{Fail, "the signature does not verify"}
	}
	if key.testing && out.Weak == "" {
		out.Weak = "the domain says that it is testing"
	}
	return nil
}

// headHash hashes the signed fields, each name from the bottom up, and the
// signature itself without its value (RFC 6376 §3.7, §5.4.2).
func (v *verifier) headHash(f *field, s *signed) []byte {
	byName := map[string][]int{}
	for i := range v.mail.fields {
		byName[v.mail.fields[i].name] = append(byName[v.mail.fields[i].name], i)
	}
	sum := sha256.New()
	for _, name := range s.names {
		if at := byName[name]; len(at) > 0 {
			byName[name] = at[:len(at)-1]
			sum.Write([]byte(canonField(v.mail.fields[at[len(at)-1]].text(), s.head)))
		}
	}
	sum.Write([]byte(strings.TrimRight(canonField(withoutValue(f.text()), s.head), "\r\n")))
	return sum.Sum(nil)
}

// withoutValue takes the value of the tag b out of a signature field.
func withoutValue(text string) string {
	name, value, _ := strings.Cut(text, ":")
	tags := strings.Split(value, ";")
	for i, tag := range tags {
		if k, _, ok := strings.Cut(tag, "="); ok && bare(k) == "b" {
			tags[i] = k + "="
		}
	}
	return name + ":" + strings.Join(tags, ";")
}

// parseTags reads a tag list (RFC 6376 §3.2).
func parseTags(text string) (map[string]string, *verdict) {
	tags := map[string]string{}
	for tag := range strings.SplitSeq(text, ";") {
		k, val, ok := strings.Cut(tag, "=")
		k = bare(k)
		if !ok && k == "" {
			continue
		}
		if _, twice := tags[k]; !ok || twice {
			return tags, perm("broken list of tags")
		}
		tags[k] = strings.TrimSpace(val)
	}
	return tags, nil
}

// bare takes out the space that folding leaves.
func bare(s string) string {
	return strings.Map(func(c rune) rune {
		if c == ' ' || c == '\t' || c == '\r' || c == '\n' {
			return -1
		}
		return c
	}, s)
}
