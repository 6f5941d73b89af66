package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
)

// postfix is a private Postfix that takes mail for our domain and throws it
// away after queueing.
type postfix struct {
	peer
	dir, addr string
	sent      int // messages that it has delivered to nowhere
}

const mainCF = `compatibility_level = 3.6
queue_directory = %[1]s/queue
data_directory = %[1]s/data
maillog_file = %[1]s/log
maillog_file_prefixes = %[1]s
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = mx.%[2]s
mydestination =
mynetworks =
local_recipient_maps =
alias_maps =
alias_database =
relay_domains = %[2]s
relay_transport = discard:
in_flow_delay = 0
smtpd_peername_lookup = no
smtpd_client_connection_count_limit = 0
`

const masterCF = `%s inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
discard unix - - n - - discard
error unix - - n - - error
anvil unix - - n - 1 anvil
tlsmgr unix - - n 1000? 1 tlsmgr
postlog unix-dgram n - n - 1 postlogd
`

func startPostfix(ctx context.Context, dir string) (*postfix, error) {
	if os.Geteuid() != 0 {
		return nil, errors.New("postfix starts as root only: run the benchmark as root")
	}
	addr, err := freeAddr(ctx)
	if err != nil {
		return nil, err
	}
	for _, sub := range []string{"etc", "queue", "data"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o755); err != nil {
			return nil, err
		}
	}
	owner, err := user.Lookup("postfix")
	if err != nil {
		return nil, err
	}
	uid, err := strconv.Atoi(owner.Uid)
	if err != nil {
		return nil, err
	}
	files := map[string]string{"main.cf": fmt.Sprintf(mainCF, dir, domain), "master.cf": fmt.Sprintf(masterCF, addr)}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, "etc", name), []byte(text), 0o644); err != nil {
			return nil, err
		}
	}
	if err := os.Chown(filepath.Join(dir, "data"), uid, -1); err != nil {
		return nil, err
	}
	p := &postfix{dir: dir, addr: addr}
	if err := p.start(ctx, addr, onServerCore(program("postfix"), "-c", filepath.Join(dir, "etc"), "start-fg")...); err != nil {
		return nil, errors.Join(err, p.stop())
	}
	return p, nil
}

// stop ends Postfix by its own command: its master leaves our process group.
func (p *postfix) stop() error {
	ctx, cancel := context.WithTimeout(context.Background(), startLimit)
	defer cancel()
	out, err := exec.CommandContext(ctx, program("postfix"), "-c", filepath.Join(p.dir, "etc"), "stop").CombinedOutput()
	if err != nil {
		err = fmt.Errorf("postfix stop: %w\n%s", err, out)
	}
	return errors.Join(err, p.peer.stop())
}

// rate sends messages and then waits until Postfix has got rid of them, so
// that no round pays for the one before.
func (p *postfix) rate(ctx context.Context, sessions, n int) (float64, error) {
	rate, err := sendMail(ctx, p.addr, sessions, n)
	if err != nil {
		return 0, err
	}
	p.sent += n
	err = waitFor(ctx, "postfix to deliver", func() error {
		log, err := os.ReadFile(filepath.Join(p.dir, "log"))
		if err != nil {
			return err
		}
		if got := bytes.Count(log, []byte("status=sent")); got != p.sent {
			return fmt.Errorf("of %d messages %d were delivered", p.sent, got)
		}
		return nil
	})
	return rate, err
}
