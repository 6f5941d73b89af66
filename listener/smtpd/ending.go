package smtpd

import (
	"errors"
	"fmt"
	"io"
	"net"
	"time"
)

// errHungUp says that the ear ended the connection of its own accord.
var errHungUp = errors.New("hung up")

// interrupt ends whatever the connection waits for. The first cause stays.
func (w *wire) interrupt(cause string) {
	w.because(cause)
	_ = w.raw.SetDeadline(time.Unix(1, 0))
}

// because notes a cause, if none is known yet, and returns the one that is.
func (w *wire) because(cause string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.cause == "" {
		w.cause = cause
	}
	return w.cause
}

// lost notes why nothing more can be read, and tells the client where it may
// still be listening.
func (w *wire) lost(err error) error {
	cause := w.because(endDisconnect)
	switch cause {
	case endIdle, endSession, endSlow:
		if w.tape.mail != nil {
			w.farewell(sayDataTimeout)
		}
		w.farewell(sayTimeout)
	case endShutdown:
		w.farewell(sayClosing)
	}
	w.over = true
	return fmt.Errorf("%s: %w", cause, err)
}

// farewell sends the last words, whatever became of the deadlines.
func (w *wire) farewell(what saying) { w.last(remark{what, ""}) }

// last is farewell with a text that it is about.
func (w *wire) last(r remark) {
	if w.over {
		return
	}
	_ = w.raw.SetDeadline(time.Time{})
	t := time.AfterFunc(time.Second, func() { _ = w.raw.Close() })
	defer t.Stop()
	w.speak(r.what, r.arg)
	w.over = true
}

// hangUp ends the connection with last words: the client broke a rule after
// which its bytes could be misread.
func (w *wire) hangUp(cause string, what saying) error {
	w.because(cause)
	w.rude = true
	w.farewell(what)
	return errHungUp
}

// turnAway tells a client for whom there is no room, and closes.
func (w *wire) turnAway(what saying) {
	defer w.life.Stop()
	defer w.patience.stop()
	t := time.AfterFunc(time.Second, func() { _ = w.raw.Close() })
	defer t.Stop()
	w.speak(what, "")
	_ = w.raw.Close()
}

// drain asks a connection to end when its transaction does.
func (w *wire) drain() {
	w.mu.Lock()
	w.draining = true
	waiting := w.waiting
	w.mu.Unlock()
	if waiting {
		w.interrupt(endShutdown)
	}
}

// cutOff ends a connection at once.
func (w *wire) cutOff() {
	w.because(endShutdown)
	_ = w.raw.Close()
}

// park notes that the wire is about to wait for a command. It reports false
// when the ear is stopping and there is nothing to wait for.
func (w *wire) park() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.waiting = !w.busy()
	return !w.waiting || !w.draining
}

func (w *wire) unpark() {
	w.mu.Lock()
	w.waiting = false
	w.mu.Unlock()
}

// Close closes the connection. The library calls it after it has logged the
// session out, so whatever was heard has been given to Hear by then.
func (w *wire) Close() error {
	w.mu.Lock()
	first := !w.closed
	w.closed = true
	w.mu.Unlock()
	if !first {
		return nil
	}
	defer w.onClose()
	w.over = true
	w.life.Stop()
	w.patience.stop()
	if w.rude {
		w.linger()
	}
	err := w.conn.Close()
	w.s.paper.unread(w.in)
	w.in = nil
	clear(w.line[:cap(w.line)])
	w.tape.forget()
	return err
}

// linger lets the last words arrive: closing a socket with unread bytes in it
// would reset the connection and take them back.
func (w *wire) linger() {
	half, ok := w.raw.(interface{ CloseWrite() error })
	if !ok || half.CloseWrite() != nil {
		return
	}
	t := time.AfterFunc(time.Second, func() { _ = w.raw.Close() })
	defer t.Stop()
	_, _ = io.Copy(io.Discard, io.LimitReader(w.raw, lingerBytes))
}

// LocalAddr returns the ear's address.
func (w *wire) LocalAddr() net.Addr { return w.raw.LocalAddr() }

// RemoteAddr returns the client's address.
func (w *wire) RemoteAddr() net.Addr { return w.raw.RemoteAddr() }

// SetDeadline does nothing: the wire has its own limits.
func (w *wire) SetDeadline(time.Time) error { return nil }

// SetReadDeadline does nothing: the wire has its own limits.
func (w *wire) SetReadDeadline(time.Time) error { return nil }

// SetWriteDeadline does nothing: the wire has its own limits.
func (w *wire) SetWriteDeadline(time.Time) error { return nil }
