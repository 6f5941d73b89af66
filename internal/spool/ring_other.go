//go:build !linux

package spool

import (
	"errors"
	"os"
)

// ring is of Linux alone.
type ring struct{}

func openRing(chan<- end) (*ring, error) { return nil, errors.ErrUnsupported }

func (*ring) begin(*os.File, uint64) error { return errors.ErrUnsupported }

func (*ring) close() {}
