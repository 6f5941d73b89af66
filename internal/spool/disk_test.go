package spool_test

import (
	"bytes"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"

	"saltmine/internal/spool"
)

const sector = 512

// disk remembers what has been synced and can make what a power cut would
// leave: of a file its last synced bytes and perhaps some of what was written
// since, sector by sector, of the directory the names of its last sync or those of now.
type disk struct {
	mu     sync.Mutex
	dir    string
	serial map[uint64]int // of the file that has this inode number now
	births int
	files  map[int][]byte // synced bytes
	listed map[string]int // synced names
	left   int            // calls until onCut; negative is never
	onCut  func()
	fault  error // what the next write or sync of a segment fails with
	inSync bool  // the fault strikes the sync
	begun  chan struct{}
	ends   []chan error // of the next syncs of segments
}

func newDisk(dir string) *disk {
	return &disk{dir: dir, serial: map[uint64]int{}, files: map[int][]byte{}, listed: map[string]int{}, left: -1}
}

func (d *disk) hooks() spool.Hooks {
	return spool.Hooks{
		Write: func(f *os.File, b []byte, off int64) (int, error) {
			d.step()
			if err := d.strike(f, false); err != nil {
				n, _ := f.WriteAt(b[:len(b)/2], off)
				return n, err
			}
			if _, size := inode(f); size == 0 {
				d.born(f)
			}
			return f.WriteAt(b, off)
		},
		Sync: func(f *os.File) error {
			d.step()
			if err := errors.Join(d.strike(f, true), d.await(f)); err != nil {
				return err
			}
			return d.sync(f)
		},
		Truncate: func(f *os.File, size int64) error {
			d.step()
			return f.Truncate(size)
		},
		Free: func(string) (int64, error) { return 1 << 40, nil },
	}
}

// hold keeps the next two syncs of segments under way, each until its end comes.
func (d *disk) hold() (begun <-chan struct{}, ends []chan error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.begun = make(chan struct{}, 2)
	d.ends = []chan error{make(chan error, 1), make(chan error, 1)}
	return d.begun, d.ends
}

func (d *disk) release() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.ends = nil
}

func (d *disk) await(f *os.File) error {
	d.mu.Lock()
	if len(d.ends) == 0 || filepath.Ext(f.Name()) != ".seg" {
		d.mu.Unlock()
		return nil
	}
	end := d.ends[0]
	d.ends = d.ends[1:]
	d.begun <- struct{}{}
	d.mu.Unlock()
	return <-end
}

// never lets no call be the last before the cut.
func (d *disk) never() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.left = -1
}

func (d *disk) step() {
	d.mu.Lock()
	cut := d.left == 0
	d.left--
	d.mu.Unlock()
	if cut {
		d.onCut()
	}
}

func (d *disk) strike(f *os.File, sync bool) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.fault == nil || d.inSync != sync || filepath.Ext(f.Name()) != ".seg" {
		return nil
	}
	err := d.fault
	d.fault = nil
	return err
}

func (d *disk) born(f *os.File) {
	d.mu.Lock()
	defer d.mu.Unlock()
	ino, _ := inode(f)
	d.births++
	d.serial[ino], d.files[d.births] = d.births, []byte{}
}

func (d *disk) sync(f *os.File) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	st, err := f.Stat()
	if err != nil {
		return err
	}
	if st.IsDir() {
		d.listed = d.names()
		return nil
	}
	b := make([]byte, st.Size())
	if _, err := f.ReadAt(b, 0); err != nil {
		return err
	}
	ino, _ := inode(f)
	d.files[d.serial[ino]] = b
	return nil
}

func (d *disk) names() map[string]int {
	all := map[string]int{}
	entries, _ := os.ReadDir(d.dir)
	for _, e := range entries {
		st, err := os.Stat(filepath.Join(d.dir, e.Name()))
		if err != nil {
			continue
		}
		all[e.Name()] = 0 // a new file, whose inode number may have been another's
		if st.Size() > 0 {
			all[e.Name()] = d.serial[st.Sys().(*syscall.Stat_t).Ino]
		}
	}
	return all
}

// cut writes to another directory what a power cut would leave now. pick gives
// a number from 0 to n.
func (d *disk) cut(to string, pick func(n int) int) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	now, written := d.names(), map[int][]byte{}
	for name, serial := range now {
		b, err := os.ReadFile(filepath.Join(d.dir, name))
		if err != nil {
			return err
		}
		written[serial] = b
	}
	names := d.listed
	if pick(1) == 1 {
		names = now
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		serial := names[name]
		b := mix(name, d.files[serial], written[serial], pick)
		if err := os.WriteFile(filepath.Join(to, name), b, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// mix gives synced bytes with a part of what has been written over or behind
// them: of a segment any sectors and any length, of the file acked a beginning.
func mix(name string, synced, written []byte, pick func(n int) int) []byte {
	if written == nil || len(written) < len(synced) {
		return synced
	}
	if filepath.Ext(name) != ".seg" {
		n := pick(len(written))
		return append(bytes.Clone(written[:n]), synced[min(n, len(synced)):]...)
	}
	b := make([]byte, len(synced)+pick(len(written)-len(synced)))
	copy(b, synced)
	for off := 0; off < len(b); off += sector {
		end := min(off+sector, len(b))
		if !bytes.Equal(b[off:end], written[off:end]) && pick(1) == 1 {
			copy(b[off:end], written[off:end])
		}
	}
	return b
}

func inode(f *os.File) (ino uint64, size int64) {
	st, err := f.Stat()
	if err != nil {
		return 0, 0
	}
	return st.Sys().(*syscall.Stat_t).Ino, st.Size()
}
