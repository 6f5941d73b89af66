package pack

import (
	"bytes"
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"strings"
	"time"

	"saltmine/internal/evidence"
)

func compare(a, b string) int { return cmp.Compare(a, b) }

// Options are what a pack is held against.
type Options struct {
	Key *evidence.Verifier
	// Outside, where there is one, is a checkpoint of the log that was kept by others:
	// the pack's log must begin with that one's.
	Outside []byte
	// Stamp checks what somebody outside said of a checkpoint, and says what it proves,
	// or "" where it cannot tell; file is NAME.tsr or the like. Without it they are not
	// looked at.
	Stamp func(file string, checkpoint, stamp []byte) (string, error)
	// Canary checks canaries/ID.json; by is which of the keys has signed the pack, from 0.
	// Without it they are not looked at.
	Canary func(id string, file []byte, by int) error
}

// Verified is what was proved.
type Verified struct {
	Manifest Manifest `json:"manifest"`
	Acts     int      `json:"acts_shown"`
	Contacts int      `json:"contacts"`
	Pages    int      `json:"pages"`
	Windows  int      `json:"windows"`
	Earlier  int      `json:"earlier_checkpoints"`
	Stamps   []string `json:"stamps,omitempty"`  // what those prove that were checked
	Outside  int64    `json:"outside,omitempty"` // acts of the checkpoint from outside
	// Replaced is set when a key has signed that another one replaced since: who has the
	// old one can make packs of any time before.
	Replaced bool `json:"by_a_replaced_key"`
}

// Verify reads a pack of so many bytes. What is wrong with it is a [*Fault], the first
// that was found; any other error is that it could not be read.
func Verify(r io.ReaderAt, size int64, o Options) (*Verified, error) {
	a, err := readZip(r, size)
	if err != nil {
		return nil, err
	}
	v := &verifier{archive: a, o: o, acts: map[int64]act{}, lists: map[string]map[string]bool{}, claimed: map[string]bool{}}
	for _, step := range []func() error{v.manifest, v.files, v.checkpoint, v.earlier, v.readProof, v.showActs, v.showLists, v.contacts, v.pages, v.unclaimed, v.canaries, v.outside} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return &v.out, nil
}

type verifier struct {
	*archive

	o       Options
	by      int // which key has signed
	out     Verified
	leaves  []byte
	proof   Proof
	acts    map[int64]act
	lists   map[string]map[string]bool // the lines of each
	claimed map[string]bool
}

// manifest checks the signature, and then what was signed.
func (v *verifier) manifest() error {
	note, err := v.read(noteFile)
	if err != nil {
		return err
	}
	text, err := v.read(manifestFile)
	if err != nil {
		return err
	}
	signed, by, err := v.o.Key.OpenBy(note, false)
	if err != nil {
		return fault(noteFile, "%v", err)
	}
	lines := strings.Split(signed, "\n")
	if len(lines) != 4 || signed != statement(v.o.Key.Name(), lines[1], text) {
		return fault(noteFile, "it was not signed of this manifest")
	}
	v.by, v.out.Replaced = by, by < v.o.Key.Last()
	m := &v.out.Manifest
	if err := decode(manifestFile, text, m); err != nil {
		return err
	}
	if !m.valid() || m.Log != v.o.Key.Name() || m.Incident != lines[1] {
		return fault(manifestFile, "its format, log or incident is another")
	}
	return nil
}

// valid reports whether a manifest is one at all.
func (m *Manifest) valid() bool {
	return m.Files != nil && m.Format == Format && incidents.MatchString(m.Incident) && m.At.Location() == time.UTC
}

// files holds the files against the manifest.
func (v *verifier) files() error {
	names := v.listed()
	for i, f := range v.out.Manifest.Files {
		if i >= len(names) || f.Name < names[i] {
			return fault(f.Name, "it is missing")
		}
		if f.Name > names[i] {
			return fault(names[i], "it is not in the manifest")
		}
		if !known.MatchString(f.Name) {
			return fault(f.Name, "no file of a pack has this name")
		}
		sum := sha256.New()
		if _, err := io.Copy(sum, v.content(v.index[f.Name])); err != nil {
			return err
		}
		if f.Size != v.index[f.Name].size || f.SHA256 != hex.EncodeToString(sum.Sum(nil)) {
			return fault(f.Name, "its size or SHA-256 is not the manifest's")
		}
	}
	if n := len(v.out.Manifest.Files); n < len(names) {
		return fault(names[n], "it is not in the manifest")
	}
	return nil
}

// listed are the names of the files that the manifest is of.
func (v *verifier) listed() (names []string) {
	for _, m := range v.list {
		if m.name != manifestFile && m.name != noteFile {
			names = append(names, m.name)
		}
	}
	return names
}

// checkpoint checks the log's root over the leaves.
func (v *verifier) checkpoint() error {
	note, err := v.read(checkpointFile)
	if err != nil {
		return err
	}
	c, err := v.o.Key.OpenCheckpoint(note)
	if err != nil {
		return fault(checkpointFile, "%v", err)
	}
	if v.leaves, err = v.read(leavesFile); err != nil {
		return err
	}
	if int64(len(v.leaves)) != c.Size*sha256.Size || c.Size != v.out.Manifest.Acts {
		return fault(leavesFile, "there are %d bytes, and the log has %d acts", len(v.leaves), c.Size)
	}
	if v.root(c.Size) != c.Root {
		return fault(leavesFile, "their root is not the one that was signed")
	}
	return nil
}

// root is that of the first leaves.
func (v *verifier) root(size int64) evidence.Hash {
	var tree evidence.Range
	for n := range size {
		tree.Add(evidence.Hash(v.leaves[n*sha256.Size : (n+1)*sha256.Size]))
	}
	return tree.Root()
}

func (v *verifier) readProof() error {
	b, err := v.read(proofFile)
	if err != nil {
		return err
	}
	if err := decode(proofFile, b, &v.proof); err != nil {
		return err
	}
	if p := &v.proof; p.Acts == nil || p.Lists == nil || p.Contacts == nil || p.Pages == nil || p.Windows == nil {
		return fault(proofFile, "a list is null")
	}
	return nil
}

// claim reads a file that the proof speaks of, once.
func (v *verifier) claim(name string) error {
	if v.claimed[name] {
		return fault(name, "it is proved twice")
	}
	v.claimed[name] = true
	return nil
}

// act is what is shown of one.
type act struct{ what, about, outcome string }

func (v *verifier) showActs() error {
	for _, p := range v.proof.Acts {
		name := ActFile(p.Seq)
		if err := v.claim(name); err != nil {
			return err
		}
		text, err := v.read(name)
		if err != nil {
			return err
		}
		salt, err := hex.DecodeString(p.Salt)
		if err != nil || p.Seq < 1 || p.Seq > v.out.Manifest.Acts {
			return fault(name, "its salt or number is none")
		}
		leaf := evidence.Leaf(salt, text)
		if at := (p.Seq - 1) * sha256.Size; !bytes.Equal(leaf[:], v.leaves[at:at+sha256.Size]) {
			return fault(name, "it is not the act of this number on the log")
		}
		got, err := evidence.ParseText(text)
		if err != nil {
			return fault(name, "%v", err)
		}
		if got.Seq != p.Seq {
			return fault(name, "it says to be act %d", got.Seq)
		}
		v.acts[p.Seq] = act{got.What, got.About, got.Outcome}
		v.out.Acts++
	}
	return nil
}

func (v *verifier) showLists() error {
	for _, p := range v.proof.Lists {
		name := ListFile(p.ID)
		if err := v.claim(name); err != nil {
			return err
		}
		text, err := v.read(name)
		if err != nil {
			return err
		}
		a := v.acts[p.Act]
		if a.what != "filed" && a.what != "windows" || a.about != p.ID || a.outcome != fmt.Sprintf("%x", sha256.Sum256(text)) {
			return fault(name, "act %d does not stand for it", p.Act)
		}
		v.lists[p.ID] = map[string]bool{}
		for l := range strings.Lines(string(text)) {
			v.lists[p.ID][strings.TrimSuffix(l, "\n")] = true
		}
	}
	return nil
}

func (v *verifier) contacts() error {
	for _, p := range v.proof.Contacts {
		name := RawFile(p.ID)
		if err := v.claim(name); err != nil {
			return err
		}
		v.claimed[HeaderFile(p.ID)] = true
		header, err := v.read(HeaderFile(p.ID))
		if err != nil {
			return err
		}
		raw := v.index[name]
		if raw == nil {
			return fault(name, "it is missing")
		}
		salt, err := hex.DecodeString(p.Salt)
		if err != nil {
			return fault(name, "its salt is none")
		}
		mac := hmac.New(sha256.New, salt)
		mac.Write(binary.BigEndian.AppendUint32([]byte("SMC1"), uint32(len(header)))) //nolint:gosec // bounded by maxSmall
		mac.Write(header)
		if _, err := io.Copy(mac, v.content(raw)); err != nil {
			return err
		}
		if !v.lists[p.List][evidence.Line(p.ID, hex.EncodeToString(mac.Sum(nil)))] {
			return fault(name, "contact %s does not stand in list %s", p.ID, p.List)
		}
		v.out.Contacts++
	}
	return nil
}

func (v *verifier) pages() error {
	v.out.Pages, v.out.Windows = len(v.proof.Pages), len(v.proof.Windows)
	if err := v.texts(v.proof.Pages, PageFile); err != nil {
		return err
	}
	return v.texts(v.proof.Windows, WindowFile)
}

// texts checks what stands in lists by its own SHA-256.
func (v *verifier) texts(list []Page, file func(id string) string) error {
	for _, p := range list {
		name := file(p.ID)
		if err := v.claim(name); err != nil {
			return err
		}
		text, err := v.read(name)
		if err != nil {
			return err
		}
		if !v.lists[p.List][evidence.Line(p.ID, fmt.Sprintf("%x", sha256.Sum256(text)))] {
			return fault(name, "%s does not stand in list %s", p.ID, p.List)
		}
	}
	return nil
}

// unclaimed finds what should be proved and is not.
func (v *verifier) unclaimed() error {
	for _, m := range v.list {
		if proved.MatchString(m.name) && !v.claimed[m.name] {
			return fault(m.name, "nothing proves it")
		}
	}
	return nil
}
