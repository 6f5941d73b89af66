package supportdb

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"
	"time"
)

var errNotNoted = errors.New("the session that was opened could not be noted")

// noted dials, and tells the number that the server gave a session before anything is sent
// in it: the server's logs name sessions by it. It stands in the greeting, so that no
// statement has to ask for it, which would tell an administrator whose session it is.
func noted(opened func(ctx context.Context, session uint32) error) func(ctx context.Context, network, addr string) (net.Conn, error) {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		var d net.Dialer
		conn, err := d.DialContext(ctx, network, addr)
		if err != nil {
			return nil, err //nolint:wrapcheck // as the driver's own would be
		}
		g := &greeted{Conn: conn}
		session, told, err := g.listen(ctx)
		if err == nil && told {
			if err = opened(ctx, session); err != nil {
				err = fmt.Errorf("%w: %w", errNotNoted, err)
			}
		}
		if err != nil {
			return nil, errors.Join(err, conn.Close())
		}
		return g, nil
	}
}

// greeted is a connection whose greeting was read already.
type greeted struct {
	net.Conn
	head []byte
}

// maxGreeting is more than any server's greeting.
const maxGreeting = 4096

// listen reads the greeting: three bytes of length, one of sequence, the protocol (10), the
// version with a zero behind it, the number of the session. A refusal has none.
func (g *greeted) listen(ctx context.Context) (session uint32, told bool, err error) {
	if until, bounded := ctx.Deadline(); bounded {
		if err := g.SetReadDeadline(until); err != nil {
			return 0, false, err //nolint:wrapcheck // a connection's own error
		}
	}
	g.head = make([]byte, 4)
	if _, err := io.ReadFull(g.Conn, g.head); err != nil {
		return 0, false, err //nolint:wrapcheck // as above
	}
	length := int(g.head[0]) | int(g.head[1])<<8 | int(g.head[2])<<16
	if length > maxGreeting {
		return 0, false, g.SetReadDeadline(time.Time{})
	}
	packet := make([]byte, length)
	if _, err := io.ReadFull(g.Conn, packet); err != nil {
		return 0, false, err //nolint:wrapcheck // as above
	}
	g.head = append(g.head, packet...)
	end := bytes.IndexByte(packet, 0)
	if told = length > 0 && packet[0] == 10 && end > 0 && len(packet) >= end+5; told {
		session = binary.LittleEndian.Uint32(packet[end+1:])
	}
	return session, told, g.SetReadDeadline(time.Time{})
}

// Read gives the greeting first.
func (g *greeted) Read(p []byte) (int, error) {
	if len(g.head) > 0 {
		n := copy(p, g.head)
		g.head = g.head[n:]
		return n, nil
	}
	return g.Conn.Read(p) //nolint:wrapcheck // a connection's own error
}

// SyscallConn lets the driver see whether a session that lay idle was ended.
func (g *greeted) SyscallConn() (syscall.RawConn, error) {
	if raw, ok := g.Conn.(syscall.Conn); ok {
		return raw.SyscallConn() //nolint:wrapcheck // as above
	}
	return nil, errors.ErrUnsupported
}
