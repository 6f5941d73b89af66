package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"time"
)

const (
	messageBytes = 4096
	startLimit   = 60 * time.Second
)

// compareMail measures smtpd beside Postfix and beside smtp-sink, which keeps
// nothing, and what it writes to the disk for it.
func compareMail(ctx context.Context, p *plan, e *ear) (list []comparison, writes []bound, err error) {
	post, err := startPostfix(ctx, filepath.Join(p.dir, "postfix"))
	if err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, post.stop()) }()
	sink, err := startSink(ctx)
	if err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, sink.stop()) }()
	disk, err := deviceOf(p.dir)
	if err != nil {
		return nil, nil, err
	}
	for _, sessions := range []int{20, 100} {
		m := &mailRounds{
			sessions: sessions, ear: e, post: post, sink: sink, disk: disk,
			durable: comparison{what: fmt.Sprintf("mail, durable, %d sessions", sessions), peer: "postfix", wanted: wantedPostfix},
			kept:    comparison{what: fmt.Sprintf("mail, %d sessions", sessions), peer: "smtp-sink, which keeps nothing", wanted: wantedSink},
		}
		const warm = 200
		if err := m.round(ctx, warm, false); err != nil {
			return nil, nil, err
		}
		for range p.rounds {
			if err := m.round(ctx, p.messages, true); err != nil {
				return nil, nil, err
			}
		}
		list = append(list, m.durable, m.kept)
		writes = append(writes, bound{
			what: fmt.Sprintf("bytes written to the device for one of a mail, %d sessions", sessions), got: slices.Min(m.written), most: wantedWrites,
			note: "the least of the rounds: others write to the device too",
		})
	}
	return list, writes, nil
}

// mailRounds are rounds of one number of sessions.
type mailRounds struct {
	sessions      int
	ear           *ear
	post          *postfix
	sink          *sink
	disk          device
	durable, kept comparison
	written       []float64 // bytes a byte
}

func (m *mailRounds) round(ctx context.Context, n int, counts bool) error {
	before, err := m.disk.written()
	if err != nil {
		return err
	}
	ours, err := heardRate(ctx, m.ear, m.sessions, n)
	if err != nil {
		return err
	}
	after, err := m.disk.written()
	if err != nil {
		return err
	}
	postfix, err := m.post.rate(ctx, m.sessions, n)
	if err != nil {
		return err
	}
	sink, err := sendMail(ctx, m.sink.addr, m.sessions, n)
	if err != nil {
		return err
	}
	if counts {
		m.durable.add(ours, postfix)
		m.kept.add(ours, sink)
		m.written = append(m.written, (after-before)/float64(n*messageBytes))
	}
	return nil
}

// heardRate sends n messages to the ear and sees that all n are durable.
func heardRate(ctx context.Context, e *ear, sessions, n int) (float64, error) {
	before, err := e.counted()
	if err != nil {
		return 0, err
	}
	rate, err := sendMail(ctx, e.at.Mail, sessions, n)
	if err != nil {
		return 0, err
	}
	after, err := e.counted()
	if err != nil {
		return 0, err
	}
	if got := after.Messages - before.Messages; got != int64(n) {
		return 0, fmt.Errorf("of %d messages %d are in the spool", n, got)
	}
	return rate, nil
}

// sendMail returns the messages a second that a server took. smtp-source fails
// on any answer that is not a yes.
func sendMail(ctx context.Context, addr string, sessions, n int) (float64, error) {
	cmd := onLoadCores(ctx, program("smtp-source"), "-s", strconv.Itoa(sessions), "-m", strconv.Itoa(n), "-l", strconv.Itoa(messageBytes),
		"-f", "sam@example.org", "-t", "dana@"+domain, addr)
	began := time.Now()
	out, err := cmd.CombinedOutput()
	if err != nil {
		return 0, fmt.Errorf("smtp-source: %w\n%s", err, out)
	}
	return float64(n) / time.Since(began).Seconds(), nil
}

// sink is Postfix's test server, which throws everything away.
type sink struct {
	peer
	addr string
}

func startSink(ctx context.Context) (*sink, error) {
	addr, err := freeAddr(ctx)
	if err != nil {
		return nil, err
	}
	s := &sink{addr: addr}
	return s, s.start(ctx, addr, onServerCore(program("smtp-sink"), "-u", "postfix", addr, "1000")...)
}
