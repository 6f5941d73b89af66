package dnsd_test

import (
	"testing"

	"github.com/miekg/dns"

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
