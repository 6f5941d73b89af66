package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// corednsVersion is not in Debian 12: it is built once, through the module
// proxy, and kept in the user's cache.
const corednsVersion = "v1.14.7"

func corednsProgram(ctx context.Context) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(cache, "saltmine-bench", corednsVersion)
	path := filepath.Join(dir, "coredns")
	if isFile(path) {
		return path, nil
	}
	fmt.Printf("building coredns %s into %s, once; this takes minutes\n", corednsVersion, dir)
	cmd := exec.CommandContext(ctx, "go", "install", "github.com/coredns/coredns@"+corednsVersion)
	cmd.Dir, cmd.Env = os.TempDir(), append(os.Environ(), "GOBIN="+dir, "GOFLAGS=", "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("COREDNS CANNOT BE HAD, and without it nothing is compared: %w\n%s", err, out)
	}
	return path, nil
}

// coredns is a private CoreDNS whose file plugin has the zone that dnsd has.
type coredns struct {
	peer
	addr string
}

const corefile = `%[1]s:%[2]s {
  bind 127.0.0.1
  file %[3]s/zone
}
`

func startCoreDNS(ctx context.Context, dir string) (*coredns, error) {
	program, err := corednsProgram(ctx)
	if err != nil {
		return nil, err
	}
	addr, err := layZone(ctx, dir, "Corefile", func(port string) string { return fmt.Sprintf(corefile, domain, port, dir) })
	if err != nil {
		return nil, err
	}
	c := &coredns{addr: addr}
	return c, c.start(ctx, addr, onServerCore(program, "-conf", filepath.Join(dir, "Corefile"))...)
}
