// Package heartbeat tells those who watch the process from outside that it is
// alive: systemd, through the socket of sd_notify(3), and whoever rings when an
// address is not asked any more, over HTTP.
//
// The protocol of sd_notify is one datagram of lines NAME=VALUE to the Unix socket
// that NOTIFY_SOCKET names; a name that begins with '@' is an abstract one:
//
//	READY=1        the ports are taken
//	WATCHDOG=1     alive; systemd ends a process that has not said so in time
//	STOPPING=1     it is ending
//
// The package decides nothing: the caller knows whether all is well, and says
// nothing when it is not. It reads no environment. How it fails: an error says what
// failed and never the address that was asked, which may hold a secret.
package heartbeat

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// The states.
const (
	Ready    = "READY=1"
	Watchdog = "WATCHDOG=1"
	Stopping = "STOPPING=1"
)

// Notify tells the service manager a state. Without a socket there is none, and
// nothing is told.
func Notify(ctx context.Context, socket, state string) error {
	if socket == "" {
		return nil
	}
	if rest, ok := strings.CutPrefix(socket, "@"); ok {
		socket = "\x00" + rest
	}
	conn, err := new(net.Dialer).DialContext(ctx, "unixgram", socket)
	if err != nil {
		return fmt.Errorf("tell the service manager: %w", err)
	}
	defer conn.Close() //nolint:errcheck // a datagram is sent or not
	if _, err := io.WriteString(conn, state); err != nil {
		return fmt.Errorf("tell the service manager: %w", err)
	}
	return nil
}

const pingTime = 10 * time.Second

// Ping asks an address once. An answer that is no 2xx is an error.
func Ping(ctx context.Context, address string) error {
	ctx, cancel := context.WithTimeout(ctx, pingTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return errors.New("heartbeat: the address cannot be asked")
	}
	resp, err := http.DefaultClient.Do(req)
	if e, ok := errors.AsType[*url.Error](err); ok {
		err = e.Err // without the address
	}
	if err != nil {
		return fmt.Errorf("heartbeat: %w", err)
	}
	defer resp.Body.Close()                               //nolint:errcheck // its status is what counts
	io.Copy(io.Discard, io.LimitReader(resp.Body, 4<<10)) //nolint:errcheck // as above
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("heartbeat: answered %d", resp.StatusCode)
	}
	return nil
}
