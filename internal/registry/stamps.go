package registry

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"saltmine/internal/canary"
	"saltmine/internal/disclosure"
	"saltmine/internal/evidence/stamp"
)

// What others have said of checkpoints stands beside them, each with the note that it
// was said of. None of it is secret.

const stampColumns = "source, kind, tree_size, made, pending, note, proof"

// LatestCheckpoint returns the newest checkpoint; it is empty where there is none.
func (r *Registry) LatestCheckpoint(ctx context.Context) (c Checkpoint, err error) {
	var made int64
	err = r.db.QueryRowContext(ctx, "SELECT tree_size, made, note FROM checkpoints ORDER BY tree_size DESC LIMIT 1").Scan(&c.Size, &made, &c.Note)
	if errors.Is(err, sql.ErrNoRows) {
		return c, nil
	}
	if err != nil {
		return c, fmt.Errorf("registry: checkpoint: %w", err)
	}
	c.Made = fromMicros(made)
	return c, nil
}

// KeepStamp keeps a stamp in the place of one of the same source and size. A second
// core's of the same checkpoint is as good.
func (r *Registry) KeepStamp(ctx context.Context, s stamp.Stamp) error {
	err := r.inTx(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, "DELETE FROM stamps WHERE source = ? AND tree_size = ?", s.Source, s.Size); err != nil {
			return err
		}
		pending := 0
		if s.Pending {
			pending = 1
		}
		_, err := tx.ExecContext(ctx, "INSERT INTO stamps ("+stampColumns+") VALUES (?,?,?,?,?,?,?)",
			s.Source, string(s.Kind), s.Size, micros(s.Made), pending, s.Checkpoint, s.Proof)
		return err
	})
	if err != nil {
		return fmt.Errorf("registry: stamp of %s: %w", s.Source, err)
	}
	return nil
}

// LastStamp returns a source's stamp of the newest checkpoint that it has stamped; the
// zero Stamp is none.
func (r *Registry) LastStamp(ctx context.Context, source string) (s stamp.Stamp, err error) {
	list, err := r.stamps(ctx, "source = ? ORDER BY tree_size DESC LIMIT 1", source)
	if err == nil && len(list) > 0 {
		s = list[0]
	}
	return s, err
}

// PendingStamps returns those of a source that promise something, the oldest first.
func (r *Registry) PendingStamps(ctx context.Context, source string) ([]stamp.Stamp, error) {
	return r.stamps(ctx, "source = ? AND pending = 1 ORDER BY tree_size", source)
}

// Stamps returns stamps, those of the newest checkpoints first; at most so many, and 0
// is no limit.
func (r *Registry) Stamps(ctx context.Context, limit int) ([]stamp.Stamp, error) {
	where, args := "1=1 ORDER BY tree_size DESC, source", []any(nil)
	if limit > 0 {
		where, args = where+" LIMIT ?", append(args, limit)
	}
	return r.stamps(ctx, where, args...)
}

func (r *Registry) stamps(ctx context.Context, where string, args ...any) (list []stamp.Stamp, err error) {
	err = r.each(ctx, "SELECT "+stampColumns+" FROM stamps WHERE "+where, args, func(row *sql.Rows) error {
		var s stamp.Stamp
		var made int64
		err := row.Scan(&s.Source, &s.Kind, &s.Size, &made, &s.Pending, &s.Checkpoint, &s.Proof)
		s.Made = fromMicros(made)
		list = append(list, s)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("registry: stamps: %w", err)
	}
	return list, nil
}

// ProveGrowth proves that the evidence log of old acts is the beginning of the one of
// size acts. Both must have had a checkpoint.
func (r *Registry) ProveGrowth(ctx context.Context, old, size int64) (tlog.TreeProof, error) {
	proof, err := tlog.ProveTree(size, old, treeIn(ctx, r.db))
	if err != nil {
		return nil, fmt.Errorf("registry: evidence log: %w", err)
	}
	return proof, nil
}

// onLog proves of an act that it stands in the evidence log: by the first checkpoint
// that has it, and by the first of those that each source outside has stamped.
func (r *Registry) onLog(ctx context.Context, a canary.Act, s *disclosure.Shown) (err error) {
	s.Log = []disclosure.Logged{}
	if s.Seal, err = hex.DecodeString(a.Salt); err != nil {
		return fmt.Errorf("%w: the salt of act %d is none", ErrTampered, a.Seq)
	}
	var first Checkpoint
	err = r.db.QueryRowContext(ctx, "SELECT tree_size, note FROM checkpoints WHERE tree_size >= ? ORDER BY tree_size LIMIT 1", a.Seq).Scan(&first.Size, &first.Note)
	if errors.Is(err, sql.ErrNoRows) {
		return nil // none has it yet
	}
	if err != nil {
		return err
	}
	stamps, err := r.stamps(ctx, "tree_size >= ? ORDER BY tree_size, source", a.Seq)
	if err != nil {
		return err
	}
	list := []stamp.Stamp{{Size: first.Size, Checkpoint: first.Note}} // nobody's
	known := map[string]bool{}
	for _, one := range stamps {
		if !known[one.Source] {
			known[one.Source], list = true, append(list, one)
		}
	}
	for _, one := range list {
		l := disclosure.Logged{Checkpoint: string(one.Checkpoint)}
		if one.Source != "" {
			l.Said = &disclosure.Said{Source: one.Source, Kind: one.Kind, Proof: one.Proof}
		}
		if l.Path, err = tlog.ProveRecord(one.Size, a.Seq-1, treeIn(ctx, r.db)); err != nil {
			return err
		}
		s.Log = append(s.Log, l)
	}
	return nil
}
