package scan_test

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/scan"
)

func morning() time.Time { return time.Date(2026, 8, 5, 10, 0, 0, 0, time.UTC) }

// filterOf makes a filter of few rounds.
func filterOf(t *testing.T, list []canary.Token, passphrase string) []byte {
	t.Helper()
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	head := scan.Head{ID: "f_1", Holder: "K. Holm", Made: morning(), Expires: morning().Add(time.Hour), Rounds: 2, Sign: key.Public().(ed25519.PublicKey), Core: make([]byte, 32)}
	file, err := scan.NewFilter(head, tokens(list), passphrase, func(b []byte) []byte { return ed25519.Sign(key, b) })
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// TestFilter finds with a filter the addresses and numbers in all their spellings, and
// no ticket.
func TestFilter(t *testing.T) {
	t.Parallel()
	file := filterOf(t, few(), "secret")
	f, err := scan.OpenFilter(file, "secret", morning())
	if err != nil {
		t.Fatal(err)
	}
	if f.Head.Holder != "K. Holm" || !slices.Equal(f.Head.Codes, []string{"1", "39", "44", "49"}) || f.Head.Tags != 1024 {
		t.Errorf("%+v", f.Head)
	}
	for _, tok := range few() {
		if bytes.Contains(file, []byte(tok.Text[1:])) {
			t.Errorf("the filter shows %s", tok.Text)
		}
	}
	for want, all := range spelt() {
		for _, s := range all {
			r := scanned(t, f, []byte("x;"+s+";y"), 0)
			var got []string
			for _, find := range r.Finds {
				got = append(got, find.Text)
			}
			ticket := !strings.ContainsAny(want[:1]+want, "+@")
			if ticket != (len(got) == 0) || !ticket && !slices.Equal(got, []string{want}) {
				t.Errorf("%q: found %q, want %s", s, got, want)
			}
		}
	}
}

// TestFilterAsBook finds the same with a filter as with its book.
func TestFilterAsBook(t *testing.T) {
	t.Parallel()
	var list []canary.Token
	for _, tok := range crowd(300) {
		if tok.Kind != canary.Ticket {
			list = append(list, tok)
		}
	}
	f, err := scan.OpenFilter(filterOf(t, list, "secret"), "secret", morning())
	if err != nil {
		t.Fatal(err)
	}
	text := dump(200_000, 4)
	for i, tok := range list {
		at := i * len(text) / len(list)
		at += bytes.IndexByte(text[at:], '\'') + 1
		text = slices.Insert(text, at, []byte(tok.Text+"','")...)
	}
	b := book(t, list...)
	one, other := scanned(t, b, text, 2), scanned(t, f, text, 3)
	var want, got []string
	for _, find := range one.Finds {
		want = append(want, b.Token(find.Ref).Text)
	}
	for _, find := range other.Finds {
		got = append(got, find.Text)
	}
	slices.Sort(want)
	slices.Sort(got)
	if len(want) != len(list) || !slices.Equal(got, want) {
		t.Errorf("%d finds with the filter, %d with the book, of %d", len(got), len(want), len(list))
	}
}

// TestFilterRefuses opens no filter that is over, changed, or another's.
func TestFilterRefuses(t *testing.T) {
	t.Parallel()
	file := filterOf(t, few(), "secret")
	if _, err := scan.OpenFilter(file, "Secret", morning()); !errors.Is(err, scan.ErrPassphrase) {
		t.Errorf("another passphrase: %v", err)
	}
	if _, err := scan.OpenFilter(file, "secret", morning().Add(time.Hour)); !errors.Is(err, scan.ErrExpired) || !strings.Contains(err.Error(), "K. Holm") {
		t.Errorf("too late: %v", err)
	}
	for i := 0; i < len(file); i += 1 + len(file)/300 {
		bad := bytes.Clone(file)
		bad[i] ^= 4
		if _, err := scan.OpenFilter(bad, "secret", morning()); err == nil {
			t.Errorf("it opens with byte %d changed", i)
		}
	}
	// Signed by somebody else, with another expiry: what is sealed does not open.
	key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{1}, ed25519.SeedSize))
	forged, err := scan.Resign(file, func(h *scan.Head) { h.Expires = morning().AddDate(9, 0, 0); h.Sign = key.Public().(ed25519.PublicKey) }, key)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := scan.OpenFilter(forged, "secret", morning().Add(time.Hour)); !errors.Is(err, scan.ErrPassphrase) {
		t.Errorf("forged: %v", err)
	}
}

func FuzzOpenFilter(f *testing.F) {
	f.Add([]byte("saltmine filter 1\n{}\n\n"))
	f.Add([]byte("saltmine filter 1\n{\"id\":\"f_1\",\"tags\":-1}\nAAAA\nx"))
	f.Fuzz(func(t *testing.T, file []byte) {
		if _, err := scan.OpenFilter(file, "secret", morning()); err == nil {
			t.Error("it opens")
		}
	})
}

// repeated gives planted tokens and placebos.
func repeated(kind canary.Kind, planted, placebos int, text func(int) string) iter.Seq2[canary.DatedToken, error] {
	return func(yield func(canary.DatedToken, error) bool) {
		for i := range planted + placebos {
			tok := tok(kind, text(i))
			tok.Canary = canary.ID(text(i))
			if i >= planted {
				tok.Role, tok.Canary = canary.RolePlacebo, ""
			}
			if !yield(canary.DatedToken{Token: tok}, nil) {
				return
			}
		}
	}
}
