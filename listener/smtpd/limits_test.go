package smtpd_test

import (
	"bufio"
	"context"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/dialogue"
	"saltmine/listener/smtpd"
)

// pipes is a listener whose connections are made inside the process, so that
// time can be synctest's.
type pipes struct {
	in   chan net.Conn
	shut chan struct{}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.in:
		return c, nil
	case <-p.shut:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	select {
	case <-p.shut:
	default:
		close(p.shut)
	}
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipes"} }

// inside runs an ear in a bubble and calls f with a connection to it; then it
// stops the ear.
func inside(t *testing.T, cfg smtpd.Config, f func(t *testing.T, c *caller, stop context.CancelFunc, done <-chan error)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s, err := smtpd.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		ln := &pipes{make(chan net.Conn), make(chan struct{})}
		done := make(chan error, 1)
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			done <- s.Run(ctx, ln)
		}()
		ours, theirs := net.Pipe()
		defer ours.Close() // a pipe
		ln.in <- theirs
		f(t, &caller{t, ours, bufio.NewReader(ours)}, cancel, done)
		cancel()
		<-ended
	})
}

var envelope = []string{"220", "250 HELO c.example", "250 MAIL FROM:<a@b.example>", "250 RCPT TO:<dana@example.net>"}

func TestNoYesBeforeTheEvidence(t *testing.T) {
	t.Parallel()
	b := newBook()
	cfg := config(b)
	var gate chan struct{} // made inside, so that waiting for it lets time stand still
	inside(t, withHear(cfg, func(ctx context.Context, c canary.Contact) error {
		<-gate
		return b.hear(ctx, c)
	}), func(t *testing.T, c *caller, _ context.CancelFunc, _ <-chan error) {
		gate = make(chan struct{})
		answers := make(chan string, 10)
		c.say("220", "250 HELO c.example", "250 MAIL FROM:<a@b.example>")
		go func() {
			for range 4 {
				answers <- c.reply()
			}
		}()
		silent := func(after string) {
			synctest.Wait()
			if len(answers) > 0 {
				t.Fatalf("after %s: %q before the evidence", after, <-answers)
			}
			gate <- struct{}{}
			if got := <-answers; !strings.HasPrefix(got, "250") {
				t.Fatalf("after %s and the evidence: %q", after, got)
			}
		}
		c.send("RCPT TO:<dana@example.net>\r\n")
		silent("RCPT")
		c.send("DATA\r\n")
		if got := <-answers; !strings.HasPrefix(got, "354") {
			t.Fatalf("DATA: %q", got)
		}
		c.send("x\r\n.\r\n")
		silent("the message")
		c.send("QUIT\r\n")
		<-answers
	})
}

func withHear(cfg smtpd.Config, hear func(context.Context, canary.Contact) error) smtpd.Config {
	cfg.Hear = hear
	return cfg
}

func TestAHearThatNeverReturnsIsGivenUp(t *testing.T) {
	t.Parallel()
	cfg := withHear(config(newBook()), func(ctx context.Context, _ canary.Contact) error {
		<-ctx.Done()
		return ctx.Err()
	})
	inside(t, cfg, func(_ *testing.T, c *caller, _ context.CancelFunc, _ <-chan error) {
		c.say("220", "250 HELO c.example", "250 MAIL FROM:<a@b.example>", "451 RCPT TO:<dana@example.net>")
	})
}

func TestSilenceEndsTheConnection(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		data string
		want string
	}{
		{"between commands", "", "part=1 probe from=a@b.example to=dana@example.net helo=c.example end=idle"},
		{"inside a message", "half\r\n", "part=1 from=a@b.example to=dana@example.net helo=c.example end=idle bytes=6 truncated=idle"},
		{"before the first byte of a message", "-", "part=1 probe from=a@b.example to=dana@example.net helo=c.example end=idle bytes=0 truncated=idle"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			b := newBook()
			inside(t, config(b), func(t *testing.T, c *caller, _ context.CancelFunc, _ <-chan error) {
				c.say(envelope...)
				if tc.data != "" {
					c.say("354 DATA")
					c.send(strings.TrimPrefix(tc.data, "-"))
				}
				began := time.Now()
				if got := c.reply() + c.reply(); got != "421 4.4.2 mx.example.net Error: timeout exceeded\r\nEOF" {
					t.Errorf("after the silence: %q", got)
				}
				if waited := time.Since(began); waited != 5*time.Minute {
					t.Errorf("the ear waited %s", waited)
				}
				synctest.Wait()
				if got := describe(b.all()[1]); got != tc.want {
					t.Errorf("heard %s, want %s", got, tc.want)
				}
			})
		})
	}
}

// TestAStalledMessageIsNotObeyed is the library's worst trap: what follows a
// stalled message must not be read as commands.
func TestAStalledMessageIsNotObeyed(t *testing.T) {
	t.Parallel()
	b := newBook()
	inside(t, config(b), func(t *testing.T, c *caller, _ context.CancelFunc, _ <-chan error) {
		c.say(append(envelope, "354 DATA")...)
		c.send("Subject: real\r\n")
		time.Sleep(5*time.Minute - time.Second)
		c.send("\r\nstill real\r\n")
		if got := c.reply(); !strings.HasPrefix(got, "421") {
			t.Fatalf("after the stall: %q", got)
		}
		if _, err := c.conn.Write([]byte("RSET\r\nMAIL FROM:<forged@b.example>\r\n")); err == nil {
			t.Error("the ear still reads")
		}
		synctest.Wait()
		for _, k := range b.all() {
			if k.Source != "a@b.example" {
				t.Errorf("heard of %s", k.Source)
			}
		}
	})
}

func TestADripOfBytesIsTooSlow(t *testing.T) {
	t.Parallel()
	b := newBook()
	inside(t, config(b), func(t *testing.T, c *caller, _ context.CancelFunc, _ <-chan error) {
		c.say(append(envelope, "354 DATA")...)
		ended := make(chan string, 1)
		go func() { ended <- c.reply() }()
		_, _ = c.conn.Write(make([]byte, 100_000)) // what was fast once excuses nothing later
		began := time.Now()
		for len(ended) == 0 && time.Since(began) < time.Hour {
			_, _ = c.conn.Write([]byte("x"))
			time.Sleep(time.Second)
		}
		if waited := time.Since(began); waited > 5*time.Minute {
			t.Errorf("the ear let %s pass", waited)
		}
		synctest.Wait()
		if got := b.all()[1].Facts["end"]; got != "slow" {
			t.Errorf("ended: %s", got)
		}
	})
}

func TestASessionHasAnEnd(t *testing.T) {
	t.Parallel()
	b := newBook()
	inside(t, config(b), func(t *testing.T, c *caller, _ context.CancelFunc, _ <-chan error) {
		c.say(envelope...)
		began := time.Now()
		for time.Since(began) < time.Hour {
			time.Sleep(time.Minute)
			if _, err := c.conn.Write([]byte("NOOP\r\n")); err != nil {
				break
			}
			if got := c.reply(); !strings.HasPrefix(got, "250") {
				break
			}
		}
		if waited := time.Since(began); waited > 31*time.Minute {
			t.Errorf("the session lasted %s", waited)
		}
		synctest.Wait()
		if got := b.all()[1].Facts["end"]; got != "session" {
			t.Errorf("ended: %s", got)
		}
	})
}

func TestStoppingSendsIdleClientsAway(t *testing.T) {
	t.Parallel()
	inside(t, config(newBook()), func(t *testing.T, c *caller, stop context.CancelFunc, done <-chan error) {
		c.say("220", "250 HELO c.example")
		synctest.Wait()
		began := time.Now()
		stop()
		if got := c.reply() + c.reply(); got != "421 4.3.2 mx.example.net Service shutting down\r\nEOF" {
			t.Errorf("on stopping: %q", got)
		}
		if err := <-done; err != nil || time.Since(began) != 0 {
			t.Errorf("Run returned %v after %s", err, time.Since(began))
		}
	})
}

func TestStoppingLetsAMailFinish(t *testing.T) {
	t.Parallel()
	b := newBook()
	inside(t, config(b), func(t *testing.T, c *caller, stop context.CancelFunc, done <-chan error) {
		c.say(append(envelope, "354 DATA")...)
		began := time.Now()
		stop()
		time.Sleep(4 * time.Second)
		c.send("x\r\n.\r\n")
		c.say("250", "421")
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
		if waited := time.Since(began); waited != 4*time.Second {
			t.Errorf("Run returned after %s, the mail was done after 4 s", waited)
		}
		if msg, whole := dialogue.Message(b.all()[1].Raw); string(msg) != "x\r\n" || !whole {
			t.Errorf("%q, %v", msg, whole)
		}
	})
}

func TestStoppingDoesNotWaitForEver(t *testing.T) {
	t.Parallel()
	b := newBook()
	inside(t, config(b), func(t *testing.T, c *caller, stop context.CancelFunc, done <-chan error) {
		c.say(append(envelope, "354 DATA")...)
		c.send("half\r\n")
		began := time.Now()
		stop()
		if err := <-done; err != nil || time.Since(began) != 5*time.Second {
			t.Errorf("Run returned %v after %s", err, time.Since(began))
		}
		if got := b.all()[1].Facts["end"]; got != "shutdown" {
			t.Errorf("ended: %s", got)
		}
		if got := c.reply(); got != "EOF" {
			t.Errorf("the connection is still open: %q", got)
		}
	})
}

func TestStoppingCancelsAHearThatHangs(t *testing.T) {
	t.Parallel()
	cfg := withHear(config(newBook()), func(ctx context.Context, _ canary.Contact) error {
		<-ctx.Done()
		return ctx.Err()
	})
	cfg.Limits.Store = time.Hour
	inside(t, cfg, func(t *testing.T, c *caller, stop context.CancelFunc, done <-chan error) {
		c.say("220", "250 HELO c.example", "250 MAIL FROM:<a@b.example>")
		c.send("RCPT TO:<dana@example.net>\r\n")
		synctest.Wait()
		began := time.Now()
		stop()
		if err := <-done; err != nil || time.Since(began) > 11*time.Second {
			t.Errorf("Run returned %v after %s", err, time.Since(began))
		}
	})
}

func TestACommandFloodIsCutOff(t *testing.T) {
	t.Parallel()
	b := newBook()
	c := call(t, start(t, config(b)))
	c.say(envelope...)
	var code string
	n := 3
	for ; n < 1000 && code != "421"; n++ {
		c.send("NOOP\r\n")
		code = c.reply()[:3]
	}
	if n != 201 {
		t.Errorf("cut off at command %d", n)
	}
	if got := b.wait(t, 2)[1].Facts["end"]; got != "commands" {
		t.Errorf("ended: %s", got)
	}
}

func TestAnEndlessCommandIsCutOff(t *testing.T) {
	t.Parallel()
	c := call(t, start(t, config(newBook())))
	c.say("220")
	c.send("NOOP " + strings.Repeat("x", 5000))
	if got := c.reply(); got != "500 5.5.2 Error: bad syntax\r\n" {
		t.Errorf("answered with %q", got)
	}
}

func TestLastWordsArriveThoughTheClientStillTalks(t *testing.T) {
	t.Parallel()
	addr := start(t, config(newBook()))
	for range 20 {
		c := call(t, addr)
		c.say(envelope...)
		c.send("BDAT 200000 LAST\r\n" + strings.Repeat("0123456789abcdef\r\n", 10_000))
		if got := c.reply() + c.reply(); got != "521 5.5.1 Error: command not implemented\r\nEOF" {
			t.Fatalf("heard %q", got)
		}
	}
}

func TestHalfAConnectionIsNoConnection(t *testing.T) {
	t.Parallel()
	b := newBook()
	c := call(t, start(t, config(b)))
	c.say(append(envelope, "354 DATA")...)
	c.send("half\r\n")
	if err := c.conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if got := c.reply(); got != "EOF" {
		t.Errorf("after half a mail and no more: %q", got)
	}
	if got := describe(b.wait(t, 2)[1]); !strings.HasSuffix(got, "end=disconnect bytes=6 truncated=disconnect") {
		t.Errorf("heard %s", got)
	}
}

func TestRecipientsAreBounded(t *testing.T) {
	t.Parallel()
	b := newBook()
	cfg := config(b)
	cfg.Limits.Recipients = 2
	c := call(t, start(t, cfg))
	c.say(append(envelope, "250 RCPT TO:<amir@example.net>", "452 RCPT TO:<yes@example.net>", "354 DATA")...)
	c.send("x\r\n.\r\n")
	c.say("250", "221 QUIT")
	if got := describe(b.all()[2]); !strings.Contains(got, "to=dana@example.net,amir@example.net,yes@example.net! ") {
		t.Errorf("heard %s", got)
	}
}

func TestConnectionsAreBounded(t *testing.T) {
	t.Parallel()
	for name, l := range map[string]smtpd.Limits{"total": {Connections: 2}, "per address": {PerAddress: 2}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := config(newBook())
			cfg.Limits = l
			addr := start(t, cfg)
			first, second := call(t, addr), call(t, addr)
			first.say("220")
			second.say("220")
			third := call(t, addr)
			if got := third.reply() + third.reply(); got != "421 4.7.0 mx.example.net Error: too many connections from 127.0.0.1\r\nEOF" {
				t.Errorf("the third is told %q", got)
			}
			first.say("221 QUIT")
			if got := first.reply(); got != "EOF" {
				t.Errorf("after QUIT: %q", got)
			}
			// The place is free a moment after the client sees the end.
			for range 1000 {
				if strings.HasPrefix(call(t, addr).reply(), "220") {
					return
				}
			}
			t.Error("the place of a client that left stays taken")
		})
	}
}

// from is a connection that seems to come from elsewhere.
type from struct {
	net.Conn
	addr net.TCPAddr
}

func (f from) RemoteAddr() net.Addr { return &f.addr }

func TestOneIPv6CustomerIsOneAddress(t *testing.T) {
	t.Parallel()
	cfg := config(newBook())
	cfg.Limits.PerAddress = 1
	s, err := smtpd.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ln := &pipes{make(chan net.Conn), make(chan struct{})}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx, ln) }()
	for _, tc := range []struct{ ip, want string }{
		{"2001:db8::1", "220"}, {"2001:db8::ffff", "421"}, {"2001:db8:0:1::1", "220"},
		{"192.0.2.1", "220"}, {"::ffff:192.0.2.1", "421"}, {"192.0.2.2", "220"},
	} {
		ours, theirs := net.Pipe()
		defer ours.Close() // a pipe
		ln.in <- from{theirs, net.TCPAddr{IP: net.ParseIP(tc.ip), Port: 1}}
		c := &caller{t, ours, bufio.NewReader(ours)}
		if got := c.reply(); !strings.HasPrefix(got, tc.want) {
			t.Errorf("%s is told %q, want %s", tc.ip, got, tc.want)
		}
		go func() { _, _ = c.in.ReadString(0) }() // last words must find a reader
	}
	cancel()
	if err := <-done; err != nil {
		t.Errorf("Run: %v", err)
	}
}

func TestAMessageIsBounded(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, answer, cut string
		limits            smtpd.Limits
	}{
		{"size", "552", "size", smtpd.Limits{Message: 1000}},
		{"memory of all", "452", "memory", smtpd.Limits{Held: 1000}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			b := newBook()
			cfg := config(b)
			cfg.Limits = tc.limits
			c := call(t, start(t, cfg))
			c.say(append(envelope, "354 DATA")...)
			c.send(strings.Repeat("0123456789abcde\n", 1<<10) + "\r\n.\r\n")
			c.say(tc.answer)
			k := b.wait(t, 2)[1]
			if _, whole := dialogue.Message(k.Raw); whole || k.Facts["truncated"] != tc.cut || k.Facts["bytes"] != "16389" || len(k.Raw) > 4000 {
				t.Errorf("truncated %q of %s bytes, %d kept, whole: %v", k.Facts["truncated"], k.Facts["bytes"], len(k.Raw), whole)
			}
			// What was held is given back, so that the next mail has room.
			for range 3 {
				c.say("250 MAIL FROM:<a@b.example>", "250 RCPT TO:<dana@example.net>", "354 DATA")
				c.send(strings.Repeat("y", 800) + "\r\n.\r\n")
				c.say("250")
			}
		})
	}
}

func TestEvidenceOfTalkIsBounded(t *testing.T) {
	t.Parallel()
	b := newBook()
	cfg := config(b)
	cfg.Limits = smtpd.Limits{Line: 64 << 10, Commands: 1000, Errors: 1000}
	c := call(t, start(t, cfg))
	c.say(envelope[:2]...)
	for range 10 {
		c.say("250 NOOP " + strings.Repeat("x", 60<<10))
	}
	c.say("250 MAIL FROM:<a@b.example>", "250 RCPT TO:<dana@example.net>")
	raw := b.wait(t, 1)[0].Raw
	if len(raw) > 130<<10 || !strings.Contains(string(raw), "bytes of commands and replies were left out") {
		t.Errorf("%d bytes of evidence of a chatty client", len(raw))
	}
}

func TestABrokenListenerEndsRun(t *testing.T) {
	t.Parallel()
	s, err := smtpd.New(config(newBook()))
	if err != nil {
		t.Fatal(err)
	}
	ln := &pipes{make(chan net.Conn), make(chan struct{})}
	_ = ln.Close()
	if err := s.Run(t.Context(), ln); err == nil {
		t.Error("Run says nothing of a listener that broke")
	}
}
