package main

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// disk is a small file system of its own.
type disk struct {
	t       *testing.T
	ballast string
}

// diskSize is more than the spool leaves free for others (64 MiB).
const diskSize = "80m"

// newDisk mounts a small file system on dir. Where that is not permitted the
// test is skipped, and in CI it fails.
func newDisk(t *testing.T, dir string) *disk {
	t.Helper()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+diskSize+",mode=0700")
	if errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.EACCES) {
		if os.Getenv("CI") != "" {
			t.Fatalf("a disk is to be filled here, and none may be mounted: %v", err)
		}
		t.Skip("this user may not mount a disk; TestSpoolLimit shows the same answers without one")
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return &disk{t: t, ballast: filepath.Join(dir, "ballast")}
}

// fill writes until nothing more goes in.
func (d *disk) fill() {
	d.t.Helper()
	f, err := os.OpenFile(d.ballast, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		d.t.Fatal(err)
	}
	defer f.Close() // full is what it is to be
	block := make([]byte, 1<<20)
	for err == nil {
		_, err = f.Write(block)
	}
}

// empty gives the room back.
func (d *disk) empty() {
	d.t.Helper()
	if err := os.Remove(d.ballast); err != nil {
		d.t.Fatal(err)
	}
}
