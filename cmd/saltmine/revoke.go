package main

import (
	"context"
	"crypto/tls"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"saltmine/internal/canary"
	"saltmine/internal/conf"
	"saltmine/internal/pull"
	"saltmine/internal/registry"
)

// maxReason leaves room beside it in an act.
const maxReason = 80

func (a *app) revokeCmd() *cobra.Command {
	var since, reason string
	cmd := &cobra.Command{
		Use:   "revoke NAME",
		Short: "Trust an edge no longer: its machine was stolen or taken over",
		Long: `Revokes the certificate of the edge that [[core.pull]] has under this name or URL. A
'saltmine serve' that runs takes nothing from it any more, from the next answer on, and
neither does one that is started later; that is on the evidence log with the certificate.

--since says when the machine was lost, if that was earlier. What came from it since is
marked as unverified ('saltmine incidents' and pages that it has made stay: judge them).
What the edge has heard and the core had not taken in is not taken in.

Afterwards: 'saltmine edge enroll' makes new certificates, for a new machine. The other
edges are not touched; but whoever has the stolen one has the key of the acceptance
rule, and can tell which made-up names an edge takes. It holds no canary.`,
		Example: "  saltmine edge revoke edge1.example.net-7443 --reason 'stolen from the rack'\n  saltmine edge revoke edge1.example.net-7443 --since 2026-11-27T18:00:00Z --reason 'root shell found'",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withCore(cmd.Context(), func(c *core) error { return a.revoke(cmd.Context(), c, args[0], since, reason) })
		},
	}
	cmd.Flags().StringVar(&since, "since", "", "from this `TIME` on it is not trusted (RFC 3339); now where nothing is said")
	cmd.Flags().StringVar(&reason, "reason", "", "why, in a few `WORDS`, for the evidence log")
	return cmd
}

// revoked is what revoke prints.
type revoked struct {
	Edge   string    `json:"edge"`
	Cert   string    `json:"certificate"`
	Since  time.Time `json:"since"`
	Marked int       `json:"marked"` // contacts that came since
}

func (a *app) revoke(ctx context.Context, c *core, name, since, reason string) error {
	p, err := findEdge(c.cfg, name)
	if err != nil {
		return err
	}
	v, err := a.revocation(c.cfg, p, since, reason)
	if err != nil {
		return err
	}
	old, found, err := c.reg.Revoked(ctx, v.Cert)
	if err != nil {
		return err
	}
	if found && !v.Since.Before(old.Since) {
		return usage("edge %s is revoked already, since %s", old.Edge, old.Since.UTC().Format(time.RFC3339))
	}
	spool, err := c.spoolOf(ctx, p.Name)
	if err != nil {
		return err
	}
	out := revoked{Edge: v.Edge, Cert: v.Cert, Since: v.Since.UTC()}
	if out.Marked, err = c.reg.Revoke(ctx, here(), v, spool); err != nil {
		return err
	}
	return a.print(out, func(w io.Writer) error {
		_, err := fmt.Fprintf(w, "edge %s is trusted no longer, since %s (certificate %s)\n%d contacts that came since are marked as unverified\nnext: saltmine edge enroll --url %s --out FILE for a new machine, then start serve again\n",
			out.Edge, out.Since.Format(time.RFC3339), out.Cert, out.Marked, p.URL)
		return err
	})
}

// revocation reads what is asked for.
func (a *app) revocation(cfg *conf.Config, p conf.Pull, since, reason string) (v registry.Revocation, err error) {
	v = registry.Revocation{Edge: p.Name, Since: canary.Micro(a.now()).Truncate(time.Second), Reason: strings.TrimSpace(reason)}
	if v.Reason == "" || len(v.Reason) > maxReason {
		return v, usage("--reason is wanted, %d letters at most: why is it trusted no longer", maxReason)
	}
	if since != "" {
		if v.Since, err = time.Parse(time.RFC3339, since); err != nil || v.Since.After(a.now()) {
			return v, usage("--since %q: want a time that has come, such as %s", since, a.now().UTC().Format(time.RFC3339))
		}
	}
	v.Cert, err = edgeCert(cfg, p)
	return v, err
}

// findEdge finds an edge by its name or URL.
func findEdge(cfg *conf.Config, name string) (p conf.Pull, err error) {
	var names []string
	for _, p := range cfg.Core.Edges() {
		if p.Name == name || p.URL == strings.TrimRight(name, "/") {
			return p, nil
		}
		names = append(names, p.Name)
	}
	if len(names) == 0 {
		return p, usage("the configuration names no edge: there is no [[core.pull]]")
	}
	return p, usage("there is no edge %q; there is %s", name, strings.Join(names, ", "))
}

// edgeCert is the fingerprint of the certificate that the core has of an edge.
func edgeCert(cfg *conf.Config, p conf.Pull) (string, error) {
	cert, err := os.ReadFile(certFile(edgesDir(cfg), p.FileName()))
	if err != nil {
		return "", fmt.Errorf("edge %s: %w", p.Name, err)
	}
	return pull.Fingerprint(cert)
}

// spoolOf is under which name contacts of an edge are filed; empty where it never
// answered.
func (c *core) spoolOf(ctx context.Context, edge string) (string, error) {
	id, err := c.reg.Position(ctx, edgePlace(edge))
	if err != nil || id == "" {
		return "", err
	}
	raw, err := hex.DecodeString(id)
	if err != nil || len(raw) != 16 {
		return "", fmt.Errorf("edge %s: the spool that is noted is none", edge)
	}
	return spoolName([16]byte(raw)), nil
}

// revokedError says that an edge is trusted no longer.
type revokedError struct{ registry.Revocation }

func (e *revokedError) Error() string {
	return fmt.Sprintf("its certificate is revoked since %s (%s): nothing is taken from it", e.Since.UTC().Format(time.RFC3339), e.Reason)
}

// trusts is an error for an edge whose certificate was revoked.
func trusts(ctx context.Context, reg *registry.Registry, cert string) error {
	v, found, err := reg.Revoked(ctx, cert)
	if err == nil && found {
		err = &revokedError{v}
	}
	return err
}

// guarded has a TLS configuration refuse the certificate of an edge that was revoked,
// at every handshake. It fails closed: who cannot be asked about is not trusted.
func guarded(asking *tls.Config, reg *registry.Registry) {
	const patience = 10 * time.Second
	asking.VerifyConnection = func(s tls.ConnectionState) error {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		return trusts(ctx, reg, pull.FingerprintOf(s.PeerCertificates[0]))
	}
}

// lost reports whether an edge was revoked. Then nothing is asked of it any more, what
// was being filed meanwhile is marked, and that is told.
func (s *server) lost(ctx context.Context, p *puller) bool {
	v, found, err := s.reg.Revoked(ctx, p.cert)
	if err != nil || !found {
		if err != nil && ctx.Err() == nil {
			p.log.Warn("whether the edge is revoked cannot be read; it is not asked", "err", err)
		}
		return false
	}
	p.revoked.Store(true)
	name, err := s.spoolOf(ctx, p.name)
	if err == nil {
		_, err = s.reg.Doubt(ctx, name, v.Since)
	}
	if err == nil { // what was told of it is over
		_, err = s.reg.FileNotices(ctx, canary.NoticeEdge, p.name, nil, s.compose())
	}
	p.log.Warn("edge is revoked, and nothing is taken from it", "since", v.Since, "reason", v.Reason, "err", err)
	return true
}
