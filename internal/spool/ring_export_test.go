//go:build linux

package spool

import "os"

// Ring is what the writer syncs with.
type Ring = ring

// Rings reports whether the writer syncs with a ring.
func (s *Spool) Rings() bool { return s.ring != nil }

// RingEvents is how many syncs a ring can have under way.
const RingEvents = ringEvents

// OpenRing makes a ring.
func OpenRing() (*Ring, error) { return openRing() }

// Sync begins a sync and waits for its end.
func (r *ring) Sync(f *os.File) error { return r.sync(f) }

// Begin begins a sync for whose end nobody waits.
func (r *ring) Begin(f *os.File) error { return r.begin(f) }

// Close ends the ring.
func (r *ring) Close() { r.close() }

// Ended is what a sync is said to have come to.
func Ended(result int64) error { return event{result: result}.err() }
