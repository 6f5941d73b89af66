package post_test

import (
	"bufio"
	"net"
	"strings"
	"testing"
	"time"

	"saltmine/internal/pager/post"
)

// TestAnErrorNeverQuotesTheURL: nor does one that quotes what the peer said, when
// the peer says what it was asked.
func TestAnErrorNeverQuotesTheURL(t *testing.T) {
	t.Parallel()
	ln, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			line, _ := bufio.NewReader(conn).ReadString('\n')
			_, _ = conn.Write([]byte(strings.TrimPrefix(line, "POST ") + "\r\n\r\n"))
			_ = conn.Close()
		}
	}()
	to, err := post.ParseURL("http://" + ln.Addr().String() + "/services/T0/B0/HUNTER2")
	if err != nil {
		t.Fatal(err)
	}
	_, err = post.New(post.Config{Now: time.Now}).Do(t.Context(), to, nil, []byte("{}"))
	if err == nil || strings.Contains(err.Error(), "HUNTER2") {
		t.Errorf("%v", err)
	}
}
