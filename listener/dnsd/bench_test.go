package dnsd_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/miekg/dns"

	"saltmine/internal/seal"
	"saltmine/listener"
	"saltmine/listener/dnsd"
)

// BenchmarkRepeat is the handler alone: a name that was asked for before.
func BenchmarkRepeat(b *testing.B) {
	srv, err := dnsd.New(config(new(store)))
	if err != nil {
		b.Fatal(err)
	}
	wire, err := question("known-17.example.net", dns.TypeMX).Pack()
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if out := srv.Respond(b.Context(), wire, mustPeer("198.51.100.1:53"), true); out == nil {
			b.Fatal("no answer")
		}
	}
}

// BenchmarkFirst is names that nobody has asked for, as many at once as come from
// the socket in one call, up to the sealed record; the spool says yes at once. A
// round is one question.
func BenchmarkFirst(b *testing.B) {
	dir := filepath.Join(b.TempDir(), "keys")
	if err := seal.Generate(dir); err != nil {
		b.Fatal(err)
	}
	keys, err := seal.Load(dir)
	if err != nil {
		b.Fatal(err)
	}
	road := listener.New(listener.Config{
		Seal:      keys.Core.Lid().AppendSealed,
		AppendAll: func(_ context.Context, records []listener.Record) []error { return make([]error, len(records)) },
	})
	cfg := config(new(store))
	cfg.Hear = road.HearAll
	srv, err := dnsd.New(cfg)
	if err != nil {
		b.Fatal(err)
	}
	const together = 50
	wires := make([][]byte, together)
	for i := range wires {
		if wires[i], err = question(fmt.Sprintf("new00000000-%02d.example.net", i), dns.TypeMX).Pack(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		if n%together != 0 {
			continue
		}
		for _, wire := range wires {
			copy(wire[16:24], fmt.Appendf(nil, "%08d", n/together))
		}
		if out := srv.RespondAll(b.Context(), wires, mustPeer("198.51.100.1:53")); len(out) != together || binary.BigEndian.Uint16(out[0][6:]) != 1 {
			b.Fatalf("%d answers, the first %x", len(out), out[0])
		}
	}
}
