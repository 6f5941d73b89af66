package mention_test

import (
	"strings"
	"testing"

	"saltmine/internal/mention"
)

// BenchmarkIn reads a mail of usual size: 4 KB of prose with a number, an
// address and a ticket in it.
func BenchmarkIn(b *testing.B) {
	text := strings.Repeat("We could not reach you about your order of 2 March and would like one of you to call back. ", 44) +
		"Ticket 4711-22, 0171 123 45 67, dana.w@example.net\n"
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		mention.In(text)
	}
}
