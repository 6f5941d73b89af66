package smtpd

import (
	"bufio"
	"sync"
)

// paper is the memory that one connection leaves to the next: buffers of what is
// read and of what goes on the record. It is blank whenever it lies here.
type paper struct{ sheets, readers sync.Pool }

const (
	sheet      = 8 << 10 // bytes: most mails fit, so that they are not copied again and again while they come
	largeSheet = 1 << 20 // bytes; what is larger is not kept
)

// take gives an empty sheet with room for n bytes at least.
func (p *paper) take(n int) []byte {
	if b, ok := p.sheets.Get().(*[]byte); ok && cap(*b) >= n {
		return *b
	}
	return make([]byte, 0, max(n, sheet))
}

// back wipes a sheet, which its owner no longer uses.
func (p *paper) back(b []byte) {
	clear(b)
	if cap(b) >= sheet && cap(b) <= largeSheet {
		b = b[:0]
		p.sheets.Put(&b)
	}
}

// reader gives a buffered reader from a source.
func (p *paper) reader(from readerFunc) *bufio.Reader {
	if r, ok := p.readers.Get().(*bufio.Reader); ok {
		r.Reset(from)
		return r
	}
	return bufio.NewReader(from)
}

// unread wipes a reader, which its owner no longer uses.
func (p *paper) unread(r *bufio.Reader) {
	blank := readerFunc(func(b []byte) (int, error) {
		clear(b)
		return len(b), nil
	})
	r.Reset(blank)
	if _, err := r.Peek(r.Size()); err != nil {
		return // it cannot be: blanks have no end
	}
	r.Reset(nil)
	p.readers.Put(r)
}
