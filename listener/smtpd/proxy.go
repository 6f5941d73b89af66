package smtpd

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// errProxy says that a trusted proxy did not say who its client is.
var errProxy = errors.New("no PROXY header")

const (
	proxyMark = "\r\n\r\n\x00\r\nQUIT\n" // of version 2
	proxyText = "PROXY "                 // of version 1
	proxyLine = 107                      // bytes of a header of version 1, at most
	proxyMost = 4096                     // bytes of a header of version 2 that are borne
)

// proxied is a connection through a proxy, with the addresses that it told.
type proxied struct {
	net.Conn
	peer, here net.Addr
}

// RemoteAddr returns the client's address.
func (p *proxied) RemoteAddr() net.Addr { return p.peer }

// LocalAddr returns the address that the client called.
func (p *proxied) LocalAddr() net.Addr { return p.here }

// CloseWrite lets last words arrive.
func (p *proxied) CloseWrite() error {
	half, ok := p.Conn.(interface{ CloseWrite() error })
	if !ok {
		return errors.ErrUnsupported
	}
	return half.CloseWrite()
}

// unproxied reads the header that a trusted proxy sends first (HAProxy's PROXY
// protocol, version 2 or 1) and returns the connection as the proxy's client
// made it. Any other connection comes back as it is, unread. A proxy that speaks
// for itself (LOCAL, UNKNOWN) is its own client.
func (s *Server) unproxied(ctx context.Context, c net.Conn) (net.Conn, error) {
	stop := context.AfterFunc(ctx, func() { _ = c.Close() })
	defer stop()
	if err := c.SetReadDeadline(time.Now().Add(s.cfg.Limits.Proxy)); err != nil { //nolint:forbidigo // a deadline of the socket
		return nil, err
	}
	peer, here, err := readProxy(c)
	if err != nil {
		return nil, err
	}
	if err := c.SetReadDeadline(time.Time{}); err != nil {
		return nil, err
	}
	if !peer.IsValid() {
		return c, nil
	}
	return &proxied{c, net.TCPAddrFromAddrPort(peer), net.TCPAddrFromAddrPort(here)}, nil
}

// trusts reports whether a connection comes from a proxy that may speak for others.
func (s *Server) trusts(c net.Conn) bool {
	return contains(s.cfg.ProxyFrom, c.RemoteAddr())
}

// contains reports whether an address lies in one of the networks.
func contains(list []netip.Prefix, addr net.Addr) bool {
	if len(list) == 0 {
		return false
	}
	at, ok := addrPort(addr)
	return ok && slices.ContainsFunc(list, func(p netip.Prefix) bool { return p.Contains(at.Addr().Unmap()) })
}

// readProxy reads one header and not a byte behind it. Addresses that are not
// told are zero.
func readProxy(r io.Reader) (peer, here netip.AddrPort, err error) {
	head := make([]byte, len(proxyMark)) // no header is shorter
	if _, err := io.ReadFull(r, head); err != nil {
		return peer, here, fmt.Errorf("%w: %w", errProxy, err)
	}
	switch {
	case string(head) == proxyMark:
		return readProxy2(r)
	case bytes.HasPrefix(head, []byte(proxyText)):
		return readProxy1(r, head)
	}
	return peer, here, errProxy
}

func readProxy2(r io.Reader) (peer, here netip.AddrPort, err error) {
	var head [4]byte // version and command, family, length
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return peer, here, fmt.Errorf("%w: %w", errProxy, err)
	}
	size := int(binary.BigEndian.Uint16(head[2:]))
	if head[0]>>4 != 2 || head[0]&15 > 1 || size > proxyMost {
		return peer, here, errProxy
	}
	rest := make([]byte, size)
	if _, err := io.ReadFull(r, rest); err != nil {
		return peer, here, fmt.Errorf("%w: %w", errProxy, err)
	}
	width := map[byte]int{0x11: 4, 0x21: 16}[head[1]] // TCP over IPv4 and IPv6
	switch {
	case head[0]&15 == 0, head[1] == 0: // the proxy itself
		return peer, here, nil
	case width == 0 || size < 2*width+4:
		return peer, here, errProxy
	}
	from, _ := netip.AddrFromSlice(rest[:width])
	to, _ := netip.AddrFromSlice(rest[width : 2*width])
	ports := rest[2*width:]
	return netip.AddrPortFrom(from, binary.BigEndian.Uint16(ports)), netip.AddrPortFrom(to, binary.BigEndian.Uint16(ports[2:])), nil
}

func readProxy1(r io.Reader, line []byte) (peer, here netip.AddrPort, err error) {
	for one := make([]byte, 1); !bytes.HasSuffix(line, []byte("\r\n")); line = append(line, one[0]) {
		if len(line) >= proxyLine {
			return peer, here, errProxy
		}
		if _, err := io.ReadFull(r, one); err != nil {
			return peer, here, fmt.Errorf("%w: %w", errProxy, err)
		}
	}
	f := strings.Split(strings.TrimSuffix(string(line), "\r\n"), " ")
	if f[1] == "UNKNOWN" {
		return peer, here, nil
	}
	if len(f) != 6 || f[1] != "TCP4" && f[1] != "TCP6" {
		return peer, here, errProxy
	}
	from, err1 := netip.ParseAddrPort(net.JoinHostPort(f[2], f[4]))
	to, err2 := netip.ParseAddrPort(net.JoinHostPort(f[3], f[5]))
	if err1 != nil || err2 != nil || from.Addr().Is4() != (f[1] == "TCP4") || to.Addr().Is4() != from.Addr().Is4() {
		return peer, here, errProxy
	}
	return from, to, nil
}
