//go:build linux

package spool

import (
	"os"
	"syscall"
)

// Ring is what the writer syncs with.
type Ring = ring

// Rings reports whether the writer syncs with a ring.
func (s *Spool) Rings() bool { return s.ring != nil }

// RingEvents is how many syncs a ring can have under way.
const RingEvents = ringEvents

// OpenRing makes a ring, and what it tells the ends of syncs to.
func OpenRing() (*Ring, <-chan end, error) {
	ends := make(chan end, mostFlights)
	r, err := openRing(ends)
	return r, ends, err
}

// Begin begins a sync.
func (r *ring) Begin(f *os.File, number uint64) error { return r.begin(f, number) }

// What gives the parts of an end.
func (e end) What() (number uint64, err error) { return e.number, e.err }

// Close ends the ring.
func (r *ring) Close() { r.close() }

// Ended is what a sync is said to have come to.
func Ended(result int64) error { return event{result: result}.err() }

// Collect gives what is said of the answers to io_getevents(2): how many ends, of
// syncs numbered from 1, and which error.
func Collect(answers ...func() (int, syscall.Errno)) (numbers []uint64, errs []error) {
	next, call := uint64(1), 0
	collect(func(list *[ringEvents]event) (int, syscall.Errno) {
		n, e := answers[call]()
		call++
		for i := range n {
			list[i].data = next
			next++
		}
		return n, e
	}, func(e end) { numbers, errs = append(numbers, e.number), append(errs, e.err) })
	return numbers, errs
}
