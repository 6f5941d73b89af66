package smtpd

import (
	"bytes"
	"time"
)

// Why a message is not whole although its sender ended it.
const (
	cutSize   = "size"
	cutMemory = "memory"
)

// readMessage reads what the client sends after the answer to DATA, onto the
// tape, up to CR LF . CR LF and not a byte further. The library then gets an empty
// message to read. It returns the bytes that came and, when they are not all
// kept, why. After an error the connection is at its end: whatever else the
// client sends is never read, let alone obeyed.
func (w *wire) readMessage() (size int64, cut string, err error) {
	w.tape.mailAt, w.tape.mail = w.tape.since(), w.s.paper.take(0)
	end := ending(2) // the answer to DATA stands at the beginning of a line
	pace := time.NewTimer(w.s.cfg.Limits.Slow)
	defer pace.Stop()
	var lately int64
	for {
		if _, err := w.in.Peek(1); err != nil {
			return size, cut, w.lost(err)
		}
		b, _ := w.in.Peek(w.in.Buffered())
		n, done := end.find(b)
		cut = w.keep(b[:n], cut)
		size, lately = size+int64(n), lately+int64(n)
		_, _ = w.in.Discard(n) // n bytes are buffered
		if done {
			w.out = []byte(".\r\n")
			return size, cut, nil
		}
		select {
		case <-pace.C:
			if lately < int64(w.s.cfg.Limits.Slow.Seconds()*float64(w.s.cfg.Limits.Rate)) {
				w.interrupt(endSlow)
			}
			lately = 0
			pace.Reset(w.s.cfg.Limits.Slow)
		default:
		}
	}
}

// keep puts bytes of the message on the tape as long as there is room, and
// returns why there was none, now or before.
func (w *wire) keep(b []byte, cut string) string {
	if cut != "" {
		return cut
	}
	if room := w.s.cfg.Limits.Message - int64(len(w.tape.mail)); int64(len(b)) > room {
		b, cut = b[:room], cutSize
	}
	if w.s.held.Add(int64(len(b))) > w.s.cfg.Limits.Held {
		w.s.held.Add(-int64(len(b)))
		return cutMemory
	}
	w.held += len(b)
	w.tape.mail = append(w.tape.mail, b...)
	return cut
}

// ending looks for CR LF . CR LF in a stream: it is how many bytes of it have
// been seen. Nothing else ends a message, whatever other servers take for a line.
type ending int

// find returns how many bytes of b belong to the message, the ending included,
// and whether it ended.
func (e *ending) find(b []byte) (n int, done bool) {
	const mark = "\r\n.\r\n"
	for n < len(b) {
		if *e == 0 {
			skip := bytes.IndexByte(b[n:], '\r')
			if skip < 0 {
				return len(b), false
			}
			n += skip
		}
		switch c := b[n]; {
		case c == mark[*e]:
			*e++
		case c == '\r':
			*e = 1
		default:
			*e = 0
		}
		n++
		if int(*e) == len(mark) {
			return n, true
		}
	}
	return n, false
}
