package pack

import (
	"crypto/sha256"
	"fmt"
	"io"
	"slices"
	"time"

	"saltmine/internal/evidence"
)

// Content is one file of a new pack. Load is called twice and gives the same each time.
type Content struct {
	Name string
	Load func() ([]byte, error)
}

// Bytes is a content that is at hand.
func Bytes(name string, b []byte) Content {
	return Content{name, func() ([]byte, error) { return b, nil }}
}

// Head is what a manifest says of the whole.
type Head struct {
	Tool     string
	Incident string
	At       time.Time
	Acts     int64
}

// Write writes a pack of the files, whose proof is among them not yet, and returns its
// manifest. The same files and head give the same bytes.
func Write(w io.Writer, key evidence.Key, head Head, p Proof, files []Content) (*Manifest, error) {
	if !incidents.MatchString(head.Incident) {
		return nil, fmt.Errorf("pack: %q is no incident", head.Incident)
	}
	p.sort()
	proof, err := encode(p)
	if err != nil {
		return nil, err
	}
	files = append(slices.Clone(files), Bytes(proofFile, proof))
	slices.SortFunc(files, func(a, b Content) int { return compare(a.Name, b.Name) })
	m := &Manifest{Format: Format, Tool: plain(head.Tool), Log: key.Log(), Incident: head.Incident, At: head.At.UTC(), Acts: head.Acts, Files: []File{}}
	for _, f := range files {
		if !known.MatchString(f.Name) {
			return nil, fmt.Errorf("pack: %s: no file of a pack has this name", f.Name)
		}
		b, err := f.Load()
		if err != nil {
			return nil, fmt.Errorf("pack: %s: %w", f.Name, err)
		}
		m.Files = append(m.Files, File{f.Name, int64(len(b)), fmt.Sprintf("%x", sha256.Sum256(b))})
	}
	text, err := encode(m)
	if err != nil {
		return nil, err
	}
	note, err := key.Sign(statement(m.Log, m.Incident, text))
	if err != nil {
		return nil, fmt.Errorf("pack: %w", err)
	}
	z := &zipper{w: w}
	files = append(files, Bytes(manifestFile, text), Bytes(noteFile, note))
	slices.SortFunc(files, func(a, b Content) int { return compare(a.Name, b.Name) })
	for _, f := range files {
		b, err := f.Load()
		if err == nil {
			err = z.put(f.Name, b)
		}
		if err != nil {
			return nil, fmt.Errorf("pack: %s: %w", f.Name, err)
		}
	}
	return m, z.close()
}

func (p *Proof) sort() {
	p.Acts, p.Lists, p.Contacts = append([]Act{}, p.Acts...), append([]List{}, p.Lists...), append([]Contact{}, p.Contacts...)
	p.Pages, p.Windows = append([]Page{}, p.Pages...), append([]Page{}, p.Windows...)
	slices.SortFunc(p.Acts, func(a, b Act) int { return int(a.Seq - b.Seq) })
	slices.SortFunc(p.Lists, func(a, b List) int { return compare(a.ID, b.ID) })
	slices.SortFunc(p.Contacts, func(a, b Contact) int { return compare(a.ID, b.ID) })
	slices.SortFunc(p.Pages, func(a, b Page) int { return compare(a.ID, b.ID) })
	slices.SortFunc(p.Windows, func(a, b Page) int { return compare(a.ID, b.ID) })
}
