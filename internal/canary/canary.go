// Package canary holds the words of Saltmine as types: canary, token, place,
// window, contact, incident, page, extract. Every other package speaks with
// these words, and so do the SQL columns, the JSON, the flags and the pages.
//
// The package parses, prints and validates; it does no I/O and imports nothing
// of ours. A value that parsed is valid; a zero value is unusable and says so
// through Validate.
//
// Two rules hold for everything here. First, times are UTC and cut to the
// microsecond, because that is what both databases keep. Second, types that
// carry a token's text ([Token], [Target], [Contact]) do not print it: their
// String and LogValue methods give kinds, ids and lengths, so that a log line
// or an error text can never become a list of canaries.
package canary

import (
	"crypto/rand"
	"encoding/base32"
	"errors"
	"fmt"
	"strings"
	"time"
)

// ErrInvalid is wrapped by every parse and validation error of this package.
var ErrInvalid = errors.New("invalid")

// ErrUnreadable is wrapped when a kept record does not open, or holds something
// else: trying again does not help.
var ErrUnreadable = errors.New("a kept record cannot be read")

// ID names one canary. It is random and says nothing about the record.
// Shape: "c_" and 16 lower-case base-32 characters.
type ID string

// TokenID names one token. Shape: "t_" and 16 lower-case base-32 characters.
type TokenID string

// ContactID names one contact. An ear chooses it so that the same event heard
// twice (a webhook sent again) has the same id. Shape: "k_" and 8 to 120
// characters of [A-Za-z0-9._-].
type ContactID string

// IncidentID names one incident. Shape: "i_" and 16 lower-case base-32 characters.
type IncidentID string

// PageID names one page. Shape: "p_" and 16 lower-case base-32 characters.
type PageID string

// ExtractID names one extract in the words of whoever logged it: 1 to 200
// printable characters.
type ExtractID string

// BatchID names one run of plant. Shape: 1 to 64 characters of [A-Za-z0-9._-].
type BatchID string

// NewID returns prefix, an underscore and 80 random bits. It is the one source
// of identifiers; a repeat is not to be expected in the life of a registry.
func NewID(prefix string) string { return NewIDs(prefix, 1)[0] }

// NewIDs returns n of NewID's, which cost less together than one by one.
func NewIDs(prefix string, n int) []string {
	const bits, letters = 10, 16 // 80 bits are 16 whole characters: there is no padding
	random := make([]byte, n*bits)
	rand.Read(random) // never fails since Go 1.24
	each := len(prefix) + 1 + letters
	text := make([]byte, 0, n*each)
	for i := range n {
		text = append(append(text, prefix...), '_')
		text = base32.StdEncoding.AppendEncode(text, random[i*bits:(i+1)*bits])
		for j, c := range text[len(text)-letters:] {
			if 'A' <= c && c <= 'Z' {
				text[len(text)-letters+j] += 'a' - 'A'
			}
		}
	}
	all, ids := string(text), make([]string, n)
	for i := range ids {
		ids[i] = all[i*each : (i+1)*each]
	}
	return ids
}

// Micro brings a time to the form in which it is stored: UTC, whole microseconds.
func Micro(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

// State is how far a canary has come on its way into the support database.
type State string

// The states of a canary, in the order in which they follow one another.
const (
	Intended State = "intended" // registered, perhaps not yet inserted
	Planted  State = "planted"  // the insert was committed
	Verified State = "verified" // read back and found as it should be
	Retired  State = "retired"  // withdrawn, or never inserted; still listened for
)

// Place is where a token could be read: "db:NAME" for a support database,
// "copy:NAME" for a released copy, a backup or a copied table.
type Place string

// Names of places have at most so many characters.
const longestPlace = 64

// valid is asked of every one of a million extracts.
func (p Place) valid() bool {
	kind, name, found := strings.Cut(string(p), ":")
	if !found || kind != "db" && kind != "copy" || name == "" || len(name) > longestPlace {
		return false
	}
	for i := range len(name) {
		if c := name[i]; !alphanumeric(c) && (i == 0 || c != '.' && c != '_' && c != '-') {
			return false
		}
	}
	return true
}

func alphanumeric(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

// ParsePlace reads a place.
func ParsePlace(s string) (Place, error) {
	if !Place(s).valid() {
		return "", fmt.Errorf("place %q: %w: want db:NAME or copy:NAME, NAME of letters, digits, '.', '_' and '-'", s, ErrInvalid)
	}
	return Place(s), nil
}

// Segment is the value of a row's dividing attributes (country, product …) as
// "key=value" pairs with sorted keys, joined by commas. The empty segment is
// the whole table.
type Segment string

// ParseSegment reads a segment as typed by a person: pairs in any order,
// spaces around commas allowed.
func ParseSegment(s string) (Segment, error) {
	if strings.TrimSpace(s) == "" {
		return "", nil
	}
	pairs := map[string]string{}
	for part := range strings.SplitSeq(s, ",") {
		k, v, ok := strings.Cut(strings.TrimSpace(part), "=")
		if !ok || k == "" || v == "" {
			return "", fmt.Errorf("segment %q: %w: want key=value[,key=value…]", s, ErrInvalid)
		}
		if _, twice := pairs[k]; twice {
			return "", fmt.Errorf("segment %q: %w: %q is named twice", s, ErrInvalid, k)
		}
		pairs[k] = v
	}
	return MakeSegment(pairs), nil
}

// Covers reports whether a row of segment row belongs to s: every pair of s
// stands in row. The empty segment covers every row.
func (s Segment) Covers(row Segment) bool {
	has := row.Pairs()
	for k, v := range s.Pairs() {
		if has[k] != v {
			return false
		}
	}
	return true
}
