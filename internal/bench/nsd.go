package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
)

// nsd is a private NSD with the zone that dnsd has.
type nsd struct {
	peer
	addr string
}

const zoneFile = `$ORIGIN %[1]s.
$TTL 300
@ 3600 SOA ns1 hostmaster 1 7200 3600 1209600 300
@ 3600 NS ns1
@ 3600 NS ns2
@ MX 10 mx
@ A 192.0.2.25
@ TXT "v=spf1 mx -all"
* MX 10 mx
* A 192.0.2.25
mx A 192.0.2.25
ns1 A 192.0.2.25
ns2 A 192.0.2.25
`

const nsdConf = `server:
  ip-address: 127.0.0.1
  port: %[2]s
  do-ip6: no
  server-count: 1
  reuseport: yes
  username: ""
  zonesdir: "%[1]s"
  database: ""
  pidfile: "%[1]s/pid"
  zonelistfile: "%[1]s/zones"
  xfrdfile: "%[1]s/xfrd"
  xfrdir: "%[1]s"
  rrl-ratelimit: 0
  rrl-whitelist-ratelimit: 0
remote-control:
  control-enable: no
zone:
  name: %[3]s
  zonefile: zone
`

func startNSD(ctx context.Context, dir string) (*nsd, error) {
	addr, err := layZone(ctx, dir, "conf", func(port string) string { return fmt.Sprintf(nsdConf, dir, port, domain) })
	if err != nil {
		return nil, err
	}
	n := &nsd{addr: addr}
	return n, n.start(ctx, addr, onServerCore(program("nsd"), "-d", "-c", filepath.Join(dir, "conf"))...)
}

// layZone writes the zone and a server's configuration into dir, and gives the
// free address that the configuration is for.
func layZone(ctx context.Context, dir, name string, conf func(port string) string) (addr string, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	if addr, err = freeAddr(ctx); err != nil {
		return "", err
	}
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return "", err
	}
	for file, text := range map[string]string{"zone": fmt.Sprintf(zoneFile, domain), name: conf(port)} {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600); err != nil {
			return "", err
		}
	}
	return addr, nil
}
