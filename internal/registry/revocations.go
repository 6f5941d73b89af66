package registry

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"saltmine/internal/canary"
)

// Which certificates of edges are revoked is what the evidence log says, and no table
// beside it: whoever takes a revocation out of the database is found by CheckActs.

// Revocation ends the trust in one certificate of an edge.
type Revocation struct {
	Edge string    // its name
	Cert string    // SHA-256 of the certificate, in hex digits
	At   time.Time // when it was revoked
	// Since is from when on the edge is not trusted: the theft, not its discovery.
	Since  time.Time
	Reason string
}

// Revoke revokes a certificate, and marks what came from the edge's spool since then as
// unverified; it returns how many contacts that are.
func (r *Registry) Revoke(ctx context.Context, by By, v Revocation, spool string) (marked int, err error) {
	err = r.inTx(ctx, func(tx *sql.Tx) error {
		if marked, err = r.doubt(ctx, tx, spool, v.Since); err != nil {
			return err
		}
		return r.record(ctx, tx, canary.Act{
			Who: by.Who, Via: by.Via, What: canary.ActRevoke, About: v.Edge,
			Outcome: fmt.Sprintf("%s since %s, %d contacts: %s", v.Cert, v.Since.UTC().Format(time.RFC3339), marked, v.Reason),
		})
	})
	if err != nil {
		return 0, fmt.Errorf("registry: revoke edge %s: %w", v.Edge, err)
	}
	return marked, nil
}

// Doubt marks what came from a spool since then as unverified, as Revoke does: it is for
// what was being filed meanwhile.
func (r *Registry) Doubt(ctx context.Context, spool string, since time.Time) (marked int, err error) {
	err = r.inTx(ctx, func(tx *sql.Tx) error {
		marked, err = r.doubt(ctx, tx, spool, since)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("registry: mark contacts of %s: %w", spool, err)
	}
	return marked, nil
}

func (r *Registry) doubt(ctx context.Context, tx *sql.Tx, spool string, since time.Time) (int, error) {
	if spool == "" {
		return 0, nil
	}
	res, err := tx.ExecContext(ctx, "UPDATE contacts SET unverified = 1 WHERE spool = ? AND received >= ? AND unverified = 0", spool, micros(since))
	if err != nil {
		return 0, err
	}
	n, err := res.RowsAffected()
	return int(n), err
}

// Revoked returns the revocation of a certificate, whatever its edge was called then:
// names change with the configuration. Found is false where it is trusted.
func (r *Registry) Revoked(ctx context.Context, cert string) (v Revocation, found bool, err error) {
	err = eachAct(ctx, r.db, "what = ? ORDER BY seq", []any{canary.ActRevoke}, func(a canary.Act) error {
		whose, rest, _ := strings.Cut(a.Outcome, " since ")
		if whose != cert || found {
			return nil
		}
		since, rest, _ := strings.Cut(rest, ", ")
		_, reason, _ := strings.Cut(rest, ": ")
		v = Revocation{Edge: a.About, Cert: cert, At: a.At, Reason: reason}
		found = true
		var err error
		if v.Since, err = time.Parse(time.RFC3339, since); err != nil {
			v.Since = a.At // it is revoked all the same
		}
		return nil
	})
	if err != nil {
		return v, false, fmt.Errorf("registry: revocations: %w", err)
	}
	return v, found, nil
}
