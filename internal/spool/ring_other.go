//go:build !linux

package spool

import (
	"errors"
	"os"
)

// ring is of Linux alone.
type ring struct{}

func openRing() (*ring, error) { return nil, errors.ErrUnsupported }

func (*ring) sync(f *os.File) error { return syncFile(f) }

func (*ring) close() {}
