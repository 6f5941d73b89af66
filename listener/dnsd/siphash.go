package dnsd

import (
	"encoding/binary"
	"math/bits"
)

// sipKey is a key of SipHash.
type sipKey struct{ k0, k1 uint64 }

func newSipKey(b [16]byte) sipKey {
	return sipKey{binary.LittleEndian.Uint64(b[:8]), binary.LittleEndian.Uint64(b[8:])}
}

// sum is SipHash-2-4 with 64 bits (Aumasson and Bernstein, 2012), the hash that
// RFC 9018 §4.4 wants of server cookies. It is short enough to be used as the
// keyed hash of tables too.
func (k sipKey) sum(b []byte) uint64 {
	s := k.absorb(b, 0)
	s.v2 ^= 0xff
	return s.finish()
}

// sum128 is SipHash-2-4 with 128 bits, as its authors' own code has it.
func (k sipKey) sum128(b []byte) (lo, hi uint64) {
	s := k.absorb(b, 0xee)
	s.v2 ^= 0xee
	lo = s.finish()
	s.v1 ^= 0xdd
	return lo, s.finish()
}

type sipState struct{ v0, v1, v2, v3 uint64 }

// absorb gives the state after all of b; wide tells the long sum from the short.
// The state is four variables here, for the compiler keeps those in registers.
func (k sipKey) absorb(b []byte, wide uint64) sipState {
	v0, v1, v2, v3 := k.k0^0x736f6d6570736575, k.k1^0x646f72616e646f6d^wide, k.k0^0x6c7967656e657261, k.k1^0x7465646279746573
	last := uint64(len(b)) << 56
	for ; len(b) >= 8; b = b[8:] {
		m := binary.LittleEndian.Uint64(b)
		v3 ^= m
		v0, v1, v2, v3 = sipRound(v0, v1, v2, v3)
		v0, v1, v2, v3 = sipRound(v0, v1, v2, v3)
		v0 ^= m
	}
	for i, c := range b {
		last |= uint64(c) << (8 * i)
	}
	v3 ^= last
	v0, v1, v2, v3 = sipRound(v0, v1, v2, v3)
	v0, v1, v2, v3 = sipRound(v0, v1, v2, v3)
	return sipState{v0 ^ last, v1, v2, v3}
}

func (s *sipState) finish() uint64 {
	v0, v1, v2, v3 := s.v0, s.v1, s.v2, s.v3
	for range 4 {
		v0, v1, v2, v3 = sipRound(v0, v1, v2, v3)
	}
	*s = sipState{v0, v1, v2, v3}
	return v0 ^ v1 ^ v2 ^ v3
}

func sipRound(v0, v1, v2, v3 uint64) (uint64, uint64, uint64, uint64) {
	v0 += v1
	v1 = bits.RotateLeft64(v1, 13) ^ v0
	v0 = bits.RotateLeft64(v0, 32)
	v2 += v3
	v3 = bits.RotateLeft64(v3, 16) ^ v2
	v0 += v3
	v3 = bits.RotateLeft64(v3, 21) ^ v0
	v2 += v1
	v1 = bits.RotateLeft64(v1, 17) ^ v2
	v2 = bits.RotateLeft64(v2, 32)
	return v0, v1, v2, v3
}
