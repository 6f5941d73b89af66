package smtpd_test

import (
	"errors"
	"flag"
	"net"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"
)

var idlers = flag.Int("idlers", 300, "how many silent connections TestManySilentConnections opens")

func TestUnderStressTheSilentMakeRoom(t *testing.T) {
	t.Parallel()
	cfg := config(newBook())
	cfg.Limits.Connections, cfg.Limits.PerAddress = 4, 4
	cfg.Limits.Stress = 50 * time.Millisecond
	addr := start(t, cfg)
	var calm []*caller
	for range 3 {
		c := call(t, addr)
		c.say("220", "250 EHLO c.example", "500 XYZZY", "500 XYZZY")
		calm = append(calm, c)
	}
	_ = calm[0].conn.SetReadDeadline(time.Now().Add(200 * time.Millisecond))
	if _, err := calm[0].in.ReadByte(); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("with room left a silent client is told something: %v", err)
	}
	_ = calm[0].conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	heard := make(chan string, 4)
	for _, c := range append(calm, call(t, addr)) {
		go func() { // ends with the connection, at the end of the test
			got := c.reply()
			if strings.HasPrefix(got, "220") {
				got = c.reply()
			}
			heard <- got
		}()
	}
	if got := <-heard; got != "421 4.4.2 mx.example.net Error: timeout exceeded\r\n" {
		t.Errorf("under stress a silent client heard %q", got)
	}
	// There is room once the ear has closed what it took leave of.
	said := ""
	for range 100 {
		c := call(t, addr)
		if said = c.reply(); strings.HasPrefix(said, "220 ") {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Errorf("no room was made: %q", said)
}

func TestUnderStressOneErrorIsEnough(t *testing.T) {
	t.Parallel()
	cfg := config(newBook())
	cfg.Limits.Connections = 1
	c := call(t, start(t, cfg))
	c.say("220", "250 EHLO c.example", "500 XYZZY")
	if got := c.reply(); got != "421 4.7.0 mx.example.net Error: too many errors\r\n" {
		t.Errorf("heard %q", got)
	}
}

// TestManySilentConnections measures what a silent connection costs: 10,000 of
// them must leave the process under 512 MB. `-idlers 10000` opens as many; the
// clients are in the same process and are counted, too.
func TestManySilentConnections(t *testing.T) { //nolint:paralleltest // it measures the memory of the process
	b := newBook()
	cfg := config(b)
	cfg.Limits.Connections, cfg.Limits.PerAddress = 2**idlers, 2**idlers
	addr := start(t, cfg)
	before := inUse()
	conns := make([]net.Conn, 0, *idlers)
	defer func() {
		for _, c := range conns {
			_ = c.Close()
		}
	}()
	greeting := make([]byte, 256)
	for range *idlers {
		c, err := new(net.Dialer).DialContext(t.Context(), "tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		conns = append(conns, c)
		if _, err := c.Write([]byte("EHLO c.example\r\n")); err != nil {
			t.Fatal(err)
		}
		for n := 0; !strings.Contains(string(greeting[:n]), "SMTPUTF8"); {
			m, err := c.Read(greeting[n:])
			if err != nil {
				t.Fatal(err)
			}
			n += m
		}
	}
	each := (inUse() - before) / int64(*idlers)
	t.Logf("%d silent connections: %d bytes each, resident %s", *idlers, each, resident(t))
	if each > 40<<10 {
		t.Errorf("a silent connection costs %d bytes: 10,000 are too many for 512 MB", each)
	}
	c := call(t, addr)
	c.say("220", "250 EHLO c.example", "250 MAIL FROM:<a@b.example>", "250 RCPT TO:<dana@example.net>", "221 QUIT")
	b.wait(t, 2)
}

// inUse gives the bytes that live objects and stacks take.
func inUse() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc + m.StackInuse)
}

// resident gives the memory of the process as the kernel counts it.
func resident(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return "unknown"
	}
	pages, err := strconv.Atoi(strings.Fields(string(text))[1])
	if err != nil {
		t.Fatal(err)
	}
	return strconv.Itoa(pages*os.Getpagesize()>>20) + " MiB"
}
