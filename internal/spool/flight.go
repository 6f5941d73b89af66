package spool

import (
	"errors"
	"fmt"
	"os"
	"slices"
)

// A disk is at work on mostFlights batches at a time: while the sync of one is
// under way, what has come meanwhile is written and its sync begun. Batches are
// answered in their order, and none when one before it has failed.
const mostFlights = 2

// flight is a batch that has been written and whose sync is under way.
type flight struct {
	number   uint64
	requests []*request
	entries  []entry
	size     int64
	chain    sum // of its last frame
	ended    bool
	err      error
}

// end is how the sync of a flight ended; of number 0, of all that are under way.
type end struct {
	number uint64
	err    error
}

// launch begins the sync of what has just been written. Each of the flights at
// a time has a file description of its own: the kernel tells each of them of a
// failed write once, so that the sync of one cannot take the other's error
// (errseq_t, Linux 4.13).
func (s *Spool) launch(fl *flight) {
	s.launched++
	fl.number = s.launched
	s.flights = append(s.flights, fl)
	f := s.files[fl.number%mostFlights]
	if s.ring != nil && s.ring.begin(f, fl.number) == nil {
		return
	}
	go func() { s.ends <- end{fl.number, s.cfg.Hooks.Sync(f)} }()
}

// aloft gives what the flights carry.
func (s *Spool) aloft() (size int64, records int) {
	for _, fl := range s.flights {
		size, records = size+fl.size, records+len(fl.entries)
	}
	return size, records
}

// tip gives the chain value of the last frame that was written.
func (s *Spool) tip() sum {
	if n := len(s.flights); n > 0 {
		return s.flights[n-1].chain
	}
	return s.chain
}

// note writes down the end of a sync.
func note(list []*flight, e end) {
	for _, fl := range list {
		if fl.number == e.number || e.number == 0 {
			fl.ended, fl.err = true, e.err
		}
	}
}

// land notes the end of a sync, and answers the flights before which none is
// under way any more.
func (s *Spool) land(e end) {
	note(s.flights, e)
	for len(s.flights) > 0 && s.flights[0].ended {
		fl := s.flights[0]
		if fl.err != nil {
			s.crash(fl.err)
			return
		}
		s.flights = s.flights[1:]
		s.chain = fl.chain
		s.publish(s.active, fl.entries, fl.size)
		s.settle(fl.requests, nil)
	}
}

// crash gives up the segment, and all flights with it: a later sync may say yes
// although the data is lost, so none is asked again.
func (s *Spool) crash(cause error) {
	lost := s.flights
	for slices.ContainsFunc(lost, func(fl *flight) bool { return !fl.ended }) {
		note(lost, <-s.ends)
	}
	s.flights = nil
	s.abandon(s.active, cause)
	for _, fl := range lost {
		s.settle(fl.requests, fmt.Errorf("%w: sync: %w", ErrBroken, cause))
	}
}

// ground waits until no flight is under way.
func (s *Spool) ground() {
	for len(s.flights) > 0 {
		s.land(<-s.ends)
	}
}

// settle answers requests of which each has its key in pending.
func (s *Spool) settle(requests []*request, err error) {
	for _, r := range requests {
		delete(s.pending, r.Key)
		r.settle(err)
	}
}

// closeFiles closes the active segment's, in which nothing that counts is unwritten.
func (s *Spool) closeFiles() error {
	var errs []error
	for i, f := range s.files {
		if f != nil {
			errs = append(errs, f.Close())
		}
		s.files[i] = nil
	}
	return errors.Join(errs...)
}

// openFiles opens a segment, which is open as first already, for as many flights.
func (s *Spool) openFiles(name string, first *os.File) ([mostFlights]*os.File, error) {
	files := [mostFlights]*os.File{first}
	for i := 1; i < mostFlights; i++ {
		f, err := s.root.OpenFile(name, os.O_RDWR, 0)
		if err != nil {
			for _, f := range files[1:i] {
				_ = f.Close() // the opening's error says more
			}
			return [mostFlights]*os.File{first}, err
		}
		files[i] = f
	}
	return files, nil
}
