//go:build amd64 || arm64

package dnsd

import (
	"encoding/binary"
	"net"
	"net/netip"
	"strconv"
	"sync"
	"syscall"
	"unsafe"

	"golang.org/x/net/ipv4"
)

// mmsgPort reads and writes a UDP socket's packets with recvmmsg and sendmmsg.
// It makes the calls without telling the scheduler: they do not block, and
// telling it costs, on one processor, a few changes of thread for each. And it
// allocates nothing for an address.
type mmsgPort struct {
	raw   syscall.RawConn
	calls sync.Pool // of *mmsgCall
}

func newBatchPort(udp *net.UDPConn) (packetPort, error) {
	raw, err := udp.SyscallConn()
	if err != nil {
		return nil, err
	}
	p := &mmsgPort{raw: raw}
	p.calls.New = func() any {
		c := new(mmsgCall)
		c.read, c.write = c.recvmmsg, c.sendmmsg
		return c
	}
	return p, nil
}

// mmsghdr is struct mmsghdr of recvmmsg(2).
type mmsghdr struct {
	syscall.Msghdr
	size uint32
}

// mmsgCall is the room for one call.
type mmsgCall struct {
	headers     [batchSize]mmsghdr
	vectors     [batchSize]syscall.Iovec
	n           int // of messages: given, then done
	errno       syscall.Errno
	read, write func(fd uintptr) bool
}

func (c *mmsgCall) recvmmsg(fd uintptr) bool { return c.do(syscall.SYS_RECVMMSG, fd) }
func (c *mmsgCall) sendmmsg(fd uintptr) bool { return c.do(sysSENDMMSG, fd) }

// do reports whether the call is over, and need not wait for the socket.
func (c *mmsgCall) do(nr, fd uintptr) bool {
	for {
		n, _, errno := syscall.RawSyscall6(nr, fd, uintptr(unsafe.Pointer(&c.headers[0])), uintptr(c.n), syscall.MSG_DONTWAIT, 0, 0) //nolint:gosec // as the package unsafe wants it, in its fourth pattern
		switch errno {
		case syscall.EAGAIN:
			return false
		case syscall.EINTR:
			continue
		default:
		}
		if c.errno = errno; errno == 0 {
			c.n = int(n)
		}
		return true
	}
}

// set prepares the call for as many messages as there is room for.
func (c *mmsgCall) set(ms []ipv4.Message) {
	c.n, c.errno = min(len(ms), batchSize), 0
	for i := range ms[:c.n] {
		m, h, v := &ms[i], &c.headers[i], &c.vectors[i]
		v.Base = &m.Buffers[0][0]
		v.SetLen(len(m.Buffers[0]))
		*h = mmsghdr{Msghdr: syscall.Msghdr{Iov: v, Iovlen: 1}}
		if len(m.OOB) > 0 {
			h.Control = &m.OOB[0]
			h.SetControllen(len(m.OOB))
		}
		if a, ok := m.Addr.(*sockaddr); ok {
			h.Name, h.Namelen = &a.bytes[0], a.size
		}
	}
}

// done gives the messages that were done, after the socket's turn ended with err.
func (c *mmsgCall) done(err error) (int, error) {
	switch {
	case err != nil:
		return 0, err
	case c.errno != 0:
		return 0, c.errno
	}
	return c.n, nil
}

// letGo forgets what the call pointed to: no packet is to live longer for it.
func (c *mmsgCall) letGo() {
	clear(c.headers[:])
	clear(c.vectors[:])
}

// ReadBatch reads what is there, and waits for the first.
func (p *mmsgPort) ReadBatch(ms []ipv4.Message, _ int) (int, error) {
	c := p.calls.Get().(*mmsgCall) //nolint:forcetypeassert // nothing else is in it
	defer p.calls.Put(c)
	defer c.letGo()
	for i := range ms {
		a, ok := ms[i].Addr.(*sockaddr)
		if !ok {
			a = new(sockaddr)
			ms[i].Addr = a
		}
		a.size = uint32(len(a.bytes))
	}
	c.set(ms)
	n, err := c.done(p.raw.Read(c.read))
	for i := range n {
		h := &c.headers[i]
		ms[i].N, ms[i].NN = int(h.size), int(h.Controllen) //nolint:gosec // no longer than the room
		ms[i].Addr.(*sockaddr).size = h.Namelen            //nolint:forcetypeassert // put there above
	}
	return n, err
}

// WriteBatch writes what the socket takes, and waits until it takes the first.
func (p *mmsgPort) WriteBatch(ms []ipv4.Message, _ int) (int, error) {
	c := p.calls.Get().(*mmsgCall) //nolint:forcetypeassert // nothing else is in it
	defer p.calls.Put(c)
	defer c.letGo()
	c.set(ms)
	return c.done(p.raw.Write(c.write))
}

// sockaddr is an address as the system writes it: struct sockaddr_in of 16 bytes
// or sockaddr_in6 of 28.
type sockaddr struct {
	bytes [syscall.SizeofSockaddrInet6]byte
	size  uint32
}

// Network is "udp".
func (a *sockaddr) Network() string { return "udp" }

// String is the address and the port.
func (a *sockaddr) String() string { return a.AddrPort().String() }

// AddrPort gives the invalid one for what is neither of IPv4 nor of IPv6.
func (a *sockaddr) AddrPort() netip.AddrPort {
	port := binary.BigEndian.Uint16(a.bytes[2:])
	switch binary.NativeEndian.Uint16(a.bytes[:]) {
	case syscall.AF_INET:
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte(a.bytes[4:])), port)
	case syscall.AF_INET6:
		addr := netip.AddrFrom16([16]byte(a.bytes[8:]))
		if index := binary.NativeEndian.Uint32(a.bytes[24:]); index != 0 && addr.IsLinkLocalUnicast() {
			addr = addr.WithZone(interfaceName(int(index)))
		}
		return netip.AddrPortFrom(addr, port)
	}
	return netip.AddrPort{}
}

func interfaceName(index int) string {
	if ifi, err := net.InterfaceByIndex(index); err == nil {
		return ifi.Name
	}
	return strconv.Itoa(index)
}
