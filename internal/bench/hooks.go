package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"saltmine/internal/webhook"
)

// The load of webhooks.
const (
	hookSecret = "whsec_c2FsdG1pbmUgYmVuY2ggc2VjcmV0IDEyMzQ1Njc4"
	hookConns  = 64
)

// compareHooks measures the webhooks' handler with the store beside the same
// handler without one.
func compareHooks(ctx context.Context, p *plan, e *ear) (comparison, error) {
	c := comparison{what: "webhooks, signature verified and event durable", peer: "same handler without a store", wanted: wantedHooks}
	for round := range p.rounds + 1 {
		before, err := e.counted()
		if err != nil {
			return c, err
		}
		ours, err := sendHooks(ctx, e.at.Hooks, p.hooks)
		if err != nil {
			return c, err
		}
		after, err := e.counted()
		if err != nil {
			return c, err
		}
		if got := after.Hooks - before.Hooks; got != int64(p.hooks) {
			return c, fmt.Errorf("of %d webhooks %d are in the spool", p.hooks, got)
		}
		theirs, err := sendHooks(ctx, e.at.Bare, p.hooks)
		if err != nil {
			return c, err
		}
		if round > 0 { // the first is for warmth
			c.add(ours, theirs)
		}
	}
	return c, nil
}

// sendHooks has a process of its own send n webhooks.
func sendHooks(ctx context.Context, addr string, n int) (float64, error) {
	self, err := os.Executable()
	if err != nil {
		return 0, err
	}
	out, err := onLoadCores(ctx, self, "-hooks", strconv.Itoa(n), "-to", addr).CombinedOutput()
	if err != nil {
		return 0, fmt.Errorf("webhooks: %w\n%s", err, out)
	}
	return strconv.ParseFloat(strings.TrimSpace(string(out)), 64)
}

// beHooks sends n events, each signed and new, over connections that are kept,
// and prints how many were taken in a second. All are made before the first is
// sent.
func beHooks(ctx context.Context, addr string, n int) error {
	secret, err := webhook.ParseSecret(hookSecret)
	if err != nil {
		return err
	}
	began := time.Now()
	requests := make([][]byte, n)
	for i := range requests {
		if requests[i], err = hookRequest(addr, secret, fmt.Sprintf("ev-%d-%d", began.UnixNano(), i), began); err != nil {
			return err
		}
	}
	var all sync.WaitGroup
	failed := make([]error, hookConns)
	began = time.Now()
	for lane := range hookConns {
		all.Go(func() { failed[lane] = sendLane(ctx, addr, requests[lane*n/hookConns:(lane+1)*n/hookConns]) })
	}
	all.Wait()
	fmt.Println(float64(n) / time.Since(began).Seconds())
	return errors.Join(failed...)
}

func hookRequest(addr string, secret webhook.Secret, id string, at time.Time) ([]byte, error) {
	body := fmt.Appendf(nil, `{"id":%q,"type":"voice","from":"+12025550123","to":"+12025550188","text":"this is about your ticket"}`, id)
	req, err := http.NewRequest(http.MethodPost, "http://"+addr+"/generic", bytes.NewReader(body)) //nolint:noctx // it is written out and not sent
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	webhook.SetHeaders(req.Header, secret, id, at, body)
	var raw bytes.Buffer
	err = req.Write(&raw)
	return raw.Bytes(), err
}

// sendLane sends requests one after the other over one connection.
func sendLane(ctx context.Context, addr string, requests [][]byte) error {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	defer conn.Close() //nolint:errcheck // everything was answered, or failed
	in := bufio.NewReader(conn)
	for _, raw := range requests {
		if _, err := conn.Write(raw); err != nil {
			return err
		}
		if err := readOK(in); err != nil {
			return err
		}
	}
	return nil
}

// readOK reads an answer of 200. It does as little as it can: the load must not
// take longer than the server.
func readOK(in *bufio.Reader) error {
	length := 0
	for first := true; ; first = false {
		line, err := in.ReadSlice('\n')
		switch {
		case err != nil:
			return err
		case first && !bytes.HasPrefix(line, []byte("HTTP/1.1 200 ")):
			return fmt.Errorf("answered %q", line)
		case len(line) <= 2:
			_, err := io.CopyN(io.Discard, in, int64(length))
			return err
		}
		if text, ok := bytes.CutPrefix(line, []byte("Content-Length: ")); ok {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(text))); err != nil {
				return err
			}
		}
	}
}
