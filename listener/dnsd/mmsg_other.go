//go:build !linux || !(amd64 || arm64)

package dnsd

import (
	"net"

	"golang.org/x/net/ipv4"
)

// newBatchPort leaves it to the library where the numbers of the system's calls
// are not ours to know.
func newBatchPort(udp *net.UDPConn) (packetPort, error) { return ipv4.NewPacketConn(udp), nil }
