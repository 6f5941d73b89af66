package dnsd_test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/miekg/dns"

	"saltmine/listener/dnsd"
)

// onlooker is a pipe that remembers where the ear keeps what it reads and says.
type onlooker struct {
	*pipe
	mu         sync.Mutex // there are several readers
	read, said [][]byte
}

func (o *onlooker) ReadFrom(b []byte) (int, net.Addr, error) {
	n, from, err := o.pipe.ReadFrom(b)
	o.mu.Lock()
	defer o.mu.Unlock()
	o.read = append(o.read, b[:n])
	return n, from, err
}

func (o *onlooker) WriteTo(b []byte, to net.Addr) (int, error) {
	o.mu.Lock()
	o.said = append(o.said, b)
	o.mu.Unlock()
	return o.pipe.WriteTo(b, to)
}

// TestAReaderKeepsNoPacket looks into the reader's memory when the answers are out.
func TestAReaderKeepsNoPacket(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv, err := dnsd.New(config(new(store)))
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		o, ended := &onlooker{pipe: newPipe()}, make(chan error, 1)
		go func() { ended <- srv.Run(ctx, []net.PacketConn{o}, nil) }()
		for range 2 { // a first sighting, and a repeat, which the reader answers itself
			o.ask(t, "dana-17.example.net")
			synctest.Wait()
		}
		o.mu.Lock()
		for _, b := range [][]byte{o.read[0], o.read[1], o.said[1]} {
			if len(b) == 0 || !bytes.Equal(b, make([]byte, len(b))) {
				t.Errorf("%q is still there", b)
			}
		}
		o.mu.Unlock()
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// TestWhatIsUsedAgainIsEmpty looks for names in the memory of those who waited
// for the store, and whether the next ones get their own answers.
func TestWhatIsUsedAgainIsEmpty(t *testing.T) {
	t.Parallel()
	s := new(store)
	srv, err := dnsd.New(config(s))
	if err != nil {
		t.Fatal(err)
	}
	const rounds, together = 10, 40
	looked := 0
	for round := range rounds {
		wires := make([][]byte, together)
		for i := range wires {
			// Every third is asked for twice: the second waits for the first.
			name := fmt.Sprintf("secret-%d-%d.example.net", round, i-i%3/2)
			if wires[i], err = question(name, dns.TypeMX).Pack(); err != nil {
				t.Fatal(err)
			}
		}
		for i, out := range srv.RespondAll(t.Context(), wires, mustPeer("198.51.100.1:53")) {
			if !bytes.Equal(out[12:40], wires[i][12:40]) || out[7] == 0 {
				t.Errorf("%q was answered %q", wires[i], out)
			}
		}
		memory, some := srv.Spare()
		if some {
			looked++
		}
		if strings.Contains(memory, "secret") {
			t.Fatalf("in the memory that is used again: %q", memory)
		}
	}
	if looked == 0 {
		t.Error("nothing was used again") // the pool of a race detector drops one in four
	}
	seen := map[string]bool{}
	for _, c := range s.all() {
		if !bytes.Contains(c.Raw, []byte(c.Facts["qname"][:strings.IndexByte(c.Facts["qname"], '.')])) || c.Targets[0].Text != c.Facts["qname"] || len(c.Facts) != 4 {
			t.Errorf("heard %v %v %q", c.Targets, c.Facts, c.Raw)
		}
		seen[c.Facts["qname"]] = true
	}
	if want := rounds * (together - together/3); len(seen) != want {
		t.Errorf("%d names were heard, want %d", len(seen), want)
	}
}
