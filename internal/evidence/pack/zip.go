package pack

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"strings"
)

// The parts of a ZIP file (APPNOTE.TXT 4.3), each of which has one form here: stored,
// no flags, no time, no extra field, no comment. 32-bit sizes bound a pack to 4 GiB.
const (
	localSize   = 30
	centralSize = 46
	endSize     = 22
	day         = 0x0021 // 1980-01-01, the first that there is
	maxName     = 200
	// MaxFiles is how many files a pack has at most.
	MaxFiles = 65_000
)

// member is a file in the archive.
type member struct {
	name   string
	size   int64
	crc    uint32
	at     int64 // of its local header
	offset int64 // of its content
}

// middle is what local header and directory both say of a file.
func (m *member) middle(b []byte) []byte {
	b = binary.LittleEndian.AppendUint16(b, 10) // version that is needed
	b = binary.LittleEndian.AppendUint16(b, 0)  // flags
	b = binary.LittleEndian.AppendUint16(b, 0)  // stored
	b = binary.LittleEndian.AppendUint16(b, 0)  // time
	b = binary.LittleEndian.AppendUint16(b, day)
	b = binary.LittleEndian.AppendUint32(b, m.crc)
	b = binary.LittleEndian.AppendUint32(b, uint32(m.size))      //nolint:gosec // bounded where it is set
	b = binary.LittleEndian.AppendUint32(b, uint32(m.size))      //nolint:gosec // as above
	b = binary.LittleEndian.AppendUint16(b, uint16(len(m.name))) //nolint:gosec // bounded by maxName
	return binary.LittleEndian.AppendUint16(b, 0)                // extra field
}

func (m *member) local() []byte {
	return append(m.middle([]byte("PK\x03\x04")), m.name...)
}

func (m *member) central() []byte {
	b := m.middle([]byte("PK\x01\x02\x0a\x00"))
	b = append(b, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)           // comment, disk, attributes
	b = binary.LittleEndian.AppendUint32(b, uint32(m.at)) //nolint:gosec // bounded where it is set
	return append(b, m.name...)
}

// tail is all behind the files: the directory, and its end.
func tail(list []member, at int64) ([]byte, error) {
	var b []byte
	for i := range list {
		b = append(b, list[i].central()...)
	}
	size := len(b)
	if at+int64(size) > math.MaxUint32 || len(list) > MaxFiles {
		return nil, fmt.Errorf("pack: %d files, %d bytes: a pack has %d files and 4 GiB at most", len(list), at, MaxFiles)
	}
	b = append(b, "PK\x05\x06\x00\x00\x00\x00"...)
	b = binary.LittleEndian.AppendUint16(b, uint16(len(list))) //nolint:gosec // bounded above
	b = binary.LittleEndian.AppendUint16(b, uint16(len(list))) //nolint:gosec // as above
	b = binary.LittleEndian.AppendUint32(b, uint32(size))      //nolint:gosec // as above
	b = binary.LittleEndian.AppendUint32(b, uint32(at))        //nolint:gosec // as above
	return append(b, 0, 0), nil
}

// zipper writes an archive, file after file in the order of their names.
type zipper struct {
	w    io.Writer
	at   int64
	list []member
}

func (z *zipper) put(name string, content []byte) error {
	m := member{name: name, size: int64(len(content)), crc: crc32.ChecksumIEEE(content), at: z.at}
	if n := len(z.list); n > 0 && z.list[n-1].name >= name || len(name) > maxName {
		return fmt.Errorf("pack: %s comes out of turn, or its name is too long", name)
	}
	if z.at+m.size > math.MaxUint32-localSize-maxName {
		return errors.New("pack: it would be larger than 4 GiB")
	}
	for _, b := range [][]byte{m.local(), content} {
		n, err := z.w.Write(b)
		z.at += int64(n)
		if err != nil {
			return err
		}
	}
	z.list = append(z.list, m)
	return nil
}

func (z *zipper) close() error {
	b, err := tail(z.list, z.at)
	if err == nil {
		_, err = z.w.Write(b)
	}
	return err
}

// archive is one that was read and found to be as it must be.
type archive struct {
	r     io.ReaderAt
	list  []member
	index map[string]*member
}

// readZip reads an archive of so many bytes and holds every byte against what it must
// be. Each file is read once for its checksum.
func readZip(r io.ReaderAt, size int64) (*archive, error) {
	a := &archive{r: r, index: map[string]*member{}}
	var at int64
	for {
		m, err := a.next(at, size)
		if err != nil {
			return nil, err
		}
		if m == nil {
			break
		}
		if n := len(a.list); n > 0 && a.list[n-1].name >= m.name || n >= MaxFiles {
			return nil, fault("zip", "%s at byte %d is out of order, or there twice", plain(m.name), at)
		}
		a.list = append(a.list, *m)
		at = m.offset + m.size
	}
	for i := range a.list {
		a.index[a.list[i].name] = &a.list[i]
	}
	return a, a.checkTail(at, size)
}

// checkTail holds all behind the files against what it must be.
func (a *archive) checkTail(at, size int64) error {
	want, err := tail(a.list, at)
	if err != nil {
		return fault("zip", "%v", err)
	}
	if size-at != int64(len(want)) {
		return fault("zip", "behind the last file, at byte %d, stand %d bytes and not %d", at, size-at, len(want))
	}
	have := make([]byte, len(want))
	if _, err := a.r.ReadAt(have, at); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	for i := range want {
		if have[i] != want[i] {
			return fault("zip", "byte %d of the directory is not what it must be", at+int64(i))
		}
	}
	return nil
}

// next reads the file that begins at a byte; nil where the directory begins.
func (a *archive) next(at, size int64) (*member, error) {
	head := make([]byte, min(localSize+maxName, size-at))
	if _, err := a.r.ReadAt(head, at); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if bytes.HasPrefix(head, []byte("PK\x01\x02")) || bytes.HasPrefix(head, []byte("PK\x05\x06")) {
		return nil, nil //nolint:nilnil // there is none
	}
	if len(head) < localSize {
		return nil, fault("zip", "it breaks off at byte %d", at)
	}
	m, err := header(head, at, size)
	if err != nil {
		return nil, err
	}
	sum := crc32.NewIEEE()
	if _, err := io.Copy(sum, a.content(m)); err != nil {
		return nil, err
	}
	if sum.Sum32() != m.crc {
		return nil, fault("zip", "the content at byte %d has another checksum", m.offset)
	}
	return m, nil
}

// header reads what stands before the content of the file that begins at a byte.
func header(head []byte, at, size int64) (*member, error) {
	m := &member{at: at, crc: binary.LittleEndian.Uint32(head[14:]), size: int64(binary.LittleEndian.Uint32(head[18:]))}
	named := int64(binary.LittleEndian.Uint16(head[26:]))
	m.offset = at + localSize + named
	if named > maxName || int64(len(head)) < localSize+named || m.size > size-m.offset {
		return nil, fault("zip", "the file at byte %d does not end within it", at)
	}
	m.name = string(head[localSize : localSize+named])
	if !bytes.Equal(head[:localSize+named], m.local()) {
		return nil, fault("zip", "the header at byte %d is not as it must be", at)
	}
	if m.name == "" || shown(m.name) != m.name || strings.Contains(m.name, " ") {
		return nil, fault("zip", "the file at byte %d has a name of other characters than ! to ~", at)
	}
	return m, nil
}

func (a *archive) content(m *member) io.Reader { return io.NewSectionReader(a.r, m.offset, m.size) }

// maxSmall bounds what is read into memory at once.
const maxSmall = 256 << 20

// read returns a file that there is.
func (a *archive) read(name string) ([]byte, error) {
	m := a.index[name]
	if m == nil {
		return nil, fault(name, "it is missing")
	}
	if m.size > maxSmall {
		return nil, fault(name, "it is larger than %d bytes", maxSmall)
	}
	b := make([]byte, m.size)
	_, err := io.ReadFull(a.content(m), b)
	return b, err
}
