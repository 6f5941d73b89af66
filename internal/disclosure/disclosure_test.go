package disclosure_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"
	"pgregory.net/rapid"

	"saltmine/internal/canary"
	"saltmine/internal/disclosure"
)

type signer struct{ key ed25519.PrivateKey }

func (s signer) Sign(m []byte) []byte      { return ed25519.Sign(s.key, m) }
func (s signer) Public() ed25519.PublicKey { return s.key.Public().(ed25519.PublicKey) }

func testSigner(fill byte) signer {
	return signer{ed25519.NewKeyFromSeed(bytes.Repeat([]byte{fill}, ed25519.SeedSize))}
}

func planted(n int) *disclosure.Leaf {
	return &disclosure.Leaf{Role: canary.RolePlanted, Canary: canary.ID(fmt.Sprintf("c_%d", n)), Place: "db:main", Tokens: []disclosure.Token{
		{ID: canary.TokenID(fmt.Sprintf("t_%d", n)), Kind: canary.Email, Text: fmt.Sprintf("dana%d@example.net", n), From: canary.After(time.Unix(1_700_000_000, 0).UTC())},
	}}
}

func placebo(kind canary.Kind, n int) *disclosure.Leaf {
	return &disclosure.Leaf{Role: canary.RolePlacebo, Tokens: []disclosure.Token{{ID: canary.TokenID(fmt.Sprintf("t_p%d", n)), Kind: kind, Text: fmt.Sprintf("p%d", n)}}}
}

// build makes a tree of canaries, each with placebos behind it.
func build(t rapid.TB, secret []byte, canaries, placebos int) (tree *disclosure.Tree, texts [][]byte, at []int64) {
	t.Helper()
	tree = disclosure.NewTree(secret)
	add := func(l *disclosure.Leaf) {
		text, err := tree.Add(l)
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, text)
	}
	for n := range canaries {
		at = append(at, tree.Len())
		add(planted(n))
		for p := range placebos {
			add(placebo([]canary.Kind{canary.Email, canary.Phone}[p%2], n*1000+p))
		}
	}
	return tree, texts, at
}

func act(s disclosure.Statement) canary.Act {
	return canary.Act{Seq: 7, At: time.Unix(1_700_000_000, 0).UTC(), Who: "-", Via: "registry", What: canary.ActCommit, About: "m_1", Outcome: s.String(), Link: "00"}
}

// disclosed is the file of canary n.
func disclosed(t rapid.TB, tree *disclosure.Tree, texts [][]byte, at []int64, n int, by signer) []byte {
	t.Helper()
	s := tree.Statement()
	shown, err := tree.Show(act(s), at[n], texts[at[n]])
	if err != nil {
		t.Fatal(err)
	}
	file, err := disclosure.New(canary.ID(fmt.Sprintf("c_%d", n)), []disclosure.Shown{shown}, by)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// TestEveryCanaryCanBeShown draws batches and discloses one of each.
func TestEveryCanaryCanBeShown(t *testing.T) {
	t.Parallel()
	by := testSigner(1)
	rapid.Check(t, func(t *rapid.T) {
		canaries, placebos := rapid.IntRange(1, 9).Draw(t, "canaries"), rapid.IntRange(0, 7).Draw(t, "placebos")
		secret := rapid.SliceOfN(rapid.Byte(), disclosure.SaltSize, disclosure.SaltSize).Draw(t, "secret")
		n := rapid.IntRange(0, canaries-1).Draw(t, "n")
		tree, texts, at := build(t, secret, canaries, placebos)
		file := disclosed(t, tree, texts, at, n, by)
		got, err := disclosure.Check(file, disclosure.Outside{}, by.Public())
		if err != nil || len(got) != 1 {
			t.Fatalf("%d proofs, %v", len(got), err)
		}
		p := got[0]
		if p.Canaries != canaries || p.Placebos[canary.Email]+p.Placebos[canary.Phone] != canaries*placebos || p.Leaf.Tokens[0].Text != fmt.Sprintf("dana%d@example.net", n) {
			t.Fatalf("%+v", p)
		}
		for other := range canaries {
			if other != n && bytes.Contains(file, fmt.Appendf(nil, "dana%d@", other)) {
				t.Fatalf("canary %d is shown with %d", other, n)
			}
		}
	})
}

// TestAnyChangedByteIsFound changes every byte of a disclosure in turn, and cuts and
// lengthens it.
func TestAnyChangedByteIsFound(t *testing.T) {
	t.Parallel()
	by := testSigner(1)
	tree, texts, at := build(t, bytes.Repeat([]byte{9}, disclosure.SaltSize), 4, 6)
	file := disclosed(t, tree, texts, at, 2, by)
	if _, err := disclosure.Check(file, disclosure.Outside{}, testSigner(2).Public()); !errors.Is(err, disclosure.ErrFalse) {
		t.Errorf("another's key: %v", err)
	}
	for i := range file {
		for _, flip := range []byte{1, 0x20, 0x80} {
			bad := bytes.Clone(file)
			bad[i] ^= flip
			if _, err := disclosure.Check(bad, disclosure.Outside{}, by.Public()); !errors.Is(err, disclosure.ErrFalse) {
				t.Fatalf("byte %d with %#x is not found: %v", i, flip, err)
			}
		}
		if _, err := disclosure.Check(file[:i], disclosure.Outside{}, by.Public()); !errors.Is(err, disclosure.ErrFalse) {
			t.Fatalf("cut at %d: %v", i, err)
		}
	}
	if _, err := disclosure.Check(append(file, '\n'), disclosure.Outside{}, by.Public()); !errors.Is(err, disclosure.ErrFalse) {
		t.Errorf("one more byte: %v", err)
	}
}

// TestASignedLieIsFound has the holder of the key sign what the tree does not hold.
func TestASignedLieIsFound(t *testing.T) {
	t.Parallel()
	by := testSigner(1)
	tree, texts, at := build(t, bytes.Repeat([]byte{9}, disclosure.SaltSize), 4, 6)
	s := tree.Statement()
	for name, lie := range map[string]func(d *disclosure.Shown){
		"another text":   func(d *disclosure.Shown) { d.Leaf = strings.Replace(d.Leaf, "dana1@", "dana9@", 1) },
		"another salt":   func(d *disclosure.Shown) { d.Salt = bytes.Repeat([]byte{1}, disclosure.SaltSize) },
		"a shorter salt": func(d *disclosure.Shown) { d.Leaf, d.Salt = string(d.Salt[31:])+d.Leaf, d.Salt[:31] },
		"another place":  func(d *disclosure.Shown) { d.At++ },
		"a smaller tree": func(d *disclosure.Shown) { d.Size-- },
		"another path":   func(d *disclosure.Shown) { d.Path[0][0] ^= 1 },
		"a shorter path": func(d *disclosure.Shown) { d.Path = d.Path[1:] },
		"fewer canaries": func(d *disclosure.Shown) {
			d.Act.Outcome = strings.Replace(d.Act.Outcome, "canaries=4", "canaries=3", 1)
		},
		"fewer placebos":   func(d *disclosure.Shown) { d.Act.Outcome = strings.Replace(d.Act.Outcome, "email=12", "email=11", 1) },
		"another act":      func(d *disclosure.Shown) { d.Act.What = canary.ActReveal },
		"a loose spelling": func(d *disclosure.Shown) { d.Act.Outcome = strings.Replace(d.Act.Outcome, "=4", "=04", 1) },
	} {
		shown, err := tree.Show(act(s), at[1], texts[at[1]])
		if err != nil {
			t.Fatal(err)
		}
		lie(&shown)
		if _, err := disclosure.New("c_1", []disclosure.Shown{shown}, by); !errors.Is(err, disclosure.ErrFalse) {
			t.Errorf("%s: %v", name, err)
		}
	}
	shown, err := tree.Show(act(s), at[1], texts[at[1]])
	if err != nil {
		t.Fatal(err)
	}
	for id, list := range map[canary.ID][]disclosure.Shown{"c_2": {shown}, "c_1": nil} {
		if _, err := disclosure.New(id, list, by); !errors.Is(err, disclosure.ErrFalse) {
			t.Errorf("%s with %d: %v", id, len(list), err)
		}
	}
	shown, err = tree.Show(act(s), at[1]+1, texts[at[1]+1]) // a placebo is no canary
	if err != nil {
		t.Fatal(err)
	}
	if _, err := disclosure.New("", []disclosure.Shown{shown}, by); !errors.Is(err, disclosure.ErrFalse) {
		t.Errorf("a placebo: %v", err)
	}
}

// TestOthersCannotBeGuessed: whoever is shown a leaf has the hash of the one beside it
// and its whole text, and still cannot tell that the text is its, since the salt is not
// known; and no salt is another leaf's, or another commitment's.
func TestOthersCannotBeGuessed(t *testing.T) {
	t.Parallel()
	secret := bytes.Repeat([]byte{9}, disclosure.SaltSize)
	tree, texts, at := build(t, secret, 2, 0)
	file := disclosed(t, tree, texts, at, 0, testSigner(1))
	var d disclosure.Disclosure
	if err := json.Unmarshal(file, &d); err != nil {
		t.Fatal(err)
	}
	beside, shown := d.Shown[0].Path[0], d.Shown[0].Salt
	for name, salt := range map[string][]byte{"none": nil, "the one that is shown": shown} {
		if tlog.RecordHash(append(bytes.Clone(salt), texts[1]...)) == beside {
			t.Errorf("the leaf beside is guessed with salt: %s", name)
		}
	}
	if bytes.Contains(file, secret) {
		t.Error("the secret is in the file")
	}
	seen := map[string]bool{}
	for fill := range byte(3) {
		tree, texts, at := build(t, bytes.Repeat([]byte{fill}, disclosure.SaltSize), 5, 3)
		for n := range at {
			var d disclosure.Disclosure
			if err := json.Unmarshal(disclosed(t, tree, texts, at, n, testSigner(1)), &d); err != nil {
				t.Fatal(err)
			}
			if salt := string(d.Shown[0].Salt); seen[salt] {
				t.Error("a salt is used twice")
			} else {
				seen[salt] = true
			}
		}
	}
}

// The example of the package comment, and what is only like a statement.
func TestStatement(t *testing.T) {
	t.Parallel()
	tree, _, _ := build(t, bytes.Repeat([]byte{9}, disclosure.SaltSize), 5, 2)
	s := tree.Statement()
	const want = "canaries=5 email=5 phone=5"
	if text := s.String(); !strings.HasSuffix(text, want) || len(text) > 150 {
		t.Errorf("%q", text)
	}
	again, err := disclosure.ParseStatement(s.String())
	if err != nil || again.String() != s.String() {
		t.Errorf("%v, %v", again, err)
	}
	for _, bad := range []string{"", "canaries=1", s.String() + " ", s.String() + " email=1", strings.Replace(s.String(), "email", "fax", 1), strings.Replace(s.String(), "=5", "=-5", 1)} {
		if _, err := disclosure.ParseStatement(bad); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}
