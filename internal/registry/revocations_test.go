package registry_test

import (
	"testing"
	"time"

	"saltmine/internal/registry"
)

// TestRevokedByCertificate: a certificate stays revoked when its edge has another name.
func TestRevokedByCertificate(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, r *registry.Registry) {
		ctx := t.Context()
		_, err := r.Revoke(ctx, registry.By{Who: "dana", Via: "cli"}, registry.Revocation{Edge: "old-name", Cert: "ab12", Since: start(), Reason: "stolen"}, "")
		must(t, err)
		for cert, want := range map[string]bool{"ab12": true, "ab1": false, "cd34": false} {
			v, found, err := r.Revoked(ctx, cert)
			must(t, err)
			if found != want || found && (v.Edge != "old-name" || !v.Since.Equal(start().Truncate(time.Second)) || v.Reason != "stolen") {
				t.Errorf("%s: %v %+v", cert, found, v)
			}
		}
	})
}
