package dnsd

import (
	"context"
	"net/netip"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// Respond gives the handler's answer to one packet, without sockets.
func (s *Server) Respond(ctx context.Context, wire []byte, peer netip.AddrPort, udp bool) []byte {
	proto := protoTCP
	if udp {
		proto = protoUDP
	}
	q := s.read(wire, peer, proto)
	if !s.known(&q) {
		asked := []query{q}
		s.witness(ctx, asked)
		q = asked[0]
	}
	return s.answer(&q)
}

// SipSum is the keyed hash.
func SipSum(key [16]byte, b []byte) uint64 { return newSipKey(key).sum(b) }

// Bake makes a COOKIE option with a secret that is given.
func Bake(secret [16]byte, client []byte, peer netip.Addr, at time.Time) []byte {
	return bake(newSipKey(secret), client, peer, at)
}

// SameCookie checks the hash of a server cookie alone.
func SameCookie(secret [16]byte, client, server []byte, peer netip.Addr) bool {
	return sameCookie(newSipKey(secret), client, server, peer)
}

// Jar makes and checks cookies with secrets of its own.
type Jar struct{ jar }

// Check is what the ear does with a COOKIE option.
func (j *Jar) Check(option []byte, peer netip.Addr, at time.Time) (valid bool, answer []byte) {
	return j.check(option, peer, at)
}

// Master gives a zone as a master file.
func Master(z Zone, seed []byte) (string, error) {
	built, err := newZone(z, seed)
	if err != nil {
		return "", err
	}
	var text strings.Builder
	text.WriteString(built.nodes[built.name].one(dns.TypeSOA).String() + "\n")
	for _, sets := range built.nodes {
		for kind, set := range sets {
			for _, rr := range set {
				if kind != dns.TypeSOA {
					text.WriteString(rr.String() + "\n")
				}
			}
		}
	}
	return text.String(), nil
}
