package registry

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/evidence"
)

// The links of the acts are checked with the registry's keys. So that others can check
// the log, a Merkle tree stands over the acts (package evidence), and signed
// checkpoints of it. The tree grows when a checkpoint is made and not with each act;
// what it has stored is then the acts up to the last checkpoint, no more and no less.

// growAtOnce bounds the acts that one checkpoint adds to the tree: others wait.
const growAtOnce = 20_000

// Checkpoint is a signed checkpoint that was made of the evidence log.
type Checkpoint struct {
	Size int64
	Made time.Time
	Note []byte
}

// MakeCheckpoint grows the tree by the acts since the last checkpoint and signs a new
// one; it is the last one where there are none. Before it is signed, the acts since
// the last are held against their links, the last against the key and the tree, and
// that it is the beginning of the new one is proved: else it is [ErrTampered] and
// nothing is signed.
func (r *Registry) MakeCheckpoint(ctx context.Context, key evidence.Key) (c Checkpoint, err error) {
	for more := true; more && err == nil; {
		err = r.inTx(ctx, func(tx *sql.Tx) error {
			c, more, err = r.grow(ctx, tx, key)
			return err
		})
	}
	if err != nil {
		return c, fmt.Errorf("registry: checkpoint: %w", err)
	}
	return c, nil
}

// grow makes one checkpoint; more is set when there are acts behind it.
func (r *Registry) grow(ctx context.Context, tx *sql.Tx, key evidence.Key) (c Checkpoint, more bool, err error) {
	end, err := r.lockHead(ctx, tx)
	if err != nil {
		return c, false, err
	}
	last, before, err := r.lastCheckpoint(ctx, tx, key)
	if err != nil {
		return c, false, err
	}
	switch {
	case last.Size > end.Seq:
		return c, false, fmt.Errorf("%w: it has %d acts, and a checkpoint of %d was signed", ErrTampered, end.Seq, last.Size)
	case last.Size == end.Seq && last.Note != nil:
		return last, false, nil
	}
	size := min(end.Seq, last.Size+growAtOnce)
	stored, err := r.newHashes(ctx, tx, last.Size, size, end)
	if err != nil {
		return c, false, err
	}
	if err := insertRows(ctx, tx, "tree (n, hash)", 2, stored); err != nil {
		return c, false, err
	}
	signed := evidence.Checkpoint{Log: key.Log(), Size: size}
	if signed.Root, err = evidence.Root(size, treeIn(ctx, tx)); err != nil {
		return c, false, err
	}
	if err := evidence.Extends(last.Size, before, size, signed.Root, treeIn(ctx, tx)); err != nil {
		return c, false, fmt.Errorf("%w: its tree does not begin with that of the last checkpoint: %w", ErrTampered, err)
	}
	c = Checkpoint{Size: size, Made: canary.Micro(r.now())}
	if c.Note, err = key.Sign(signed.Text()); err != nil {
		return c, false, err
	}
	_, err = tx.ExecContext(ctx, "INSERT INTO checkpoints (tree_size, made, note) VALUES (?,?,?)", c.Size, micros(c.Made), string(c.Note))
	return c, size < end.Seq, err
}

// lastCheckpoint is the last one that was made, with the root that it signed. It is
// empty, of no acts, where there is none.
func (r *Registry) lastCheckpoint(ctx context.Context, q querier, key evidence.Key) (c Checkpoint, root evidence.Hash, err error) {
	var made int64
	err = q.QueryRowContext(ctx, "SELECT tree_size, made, note FROM checkpoints ORDER BY tree_size DESC LIMIT 1").Scan(&c.Size, &made, &c.Note)
	if errors.Is(err, sql.ErrNoRows) {
		return c, root, onlyHashes(ctx, q, 0)
	}
	if err != nil {
		return c, root, err
	}
	c.Made = fromMicros(made)
	signed, err := checkSigned(key, c)
	if err != nil {
		return c, root, err
	}
	if err := onlyHashes(ctx, q, evidence.Stored(c.Size)); err != nil {
		return c, root, err
	}
	root, err = evidence.Root(c.Size, treeIn(ctx, q))
	if err == nil && root != signed.Root {
		err = fmt.Errorf("%w: its tree of %d acts has another root than was signed", ErrTampered, c.Size)
	}
	return c, root, err
}

// checkSigned opens the note of a checkpoint.
func checkSigned(key evidence.Key, c Checkpoint) (evidence.Checkpoint, error) {
	signed, err := key.OpenCheckpoint(c.Note)
	if err != nil || signed.Size != c.Size {
		return signed, fmt.Errorf("%w: the checkpoint of %d acts is not as it was signed", ErrTampered, c.Size)
	}
	return signed, nil
}

// onlyHashes is [ErrTampered] unless the tree has stored as many hashes as it must.
func onlyHashes(ctx context.Context, q querier, want int64) error {
	var have, first, last sql.NullInt64
	if err := q.QueryRowContext(ctx, "SELECT COUNT(*), MIN(n), MAX(n) FROM tree").Scan(&have, &first, &last); err != nil {
		return err
	}
	if have.Int64 != want || want > 0 && (first.Int64 != 0 || last.Int64 != want-1) {
		return fmt.Errorf("%w: its tree has stored %d hashes, and there were %d", ErrTampered, have.Int64, want)
	}
	return nil
}

func treeIn(ctx context.Context, q querier) evidence.Reader {
	return func(at []int64) ([]evidence.Hash, error) {
		found := map[int64]evidence.Hash{}
		err := selectIn(ctx, q, "SELECT n, hash FROM tree WHERE n IN", at, func(row *sql.Rows) error {
			var n int64
			var text string
			if err := row.Scan(&n, &text); err != nil {
				return err
			}
			h, err := parseHash(n, text)
			found[n] = h
			return err
		})
		if err != nil {
			return nil, err
		}
		out := make([]evidence.Hash, len(at))
		for i, n := range at {
			h, there := found[n]
			if !there {
				return nil, fmt.Errorf("%w: hash %d of its tree is gone", ErrTampered, n)
			}
			out[i] = h
		}
		return out, nil
	}
}

func parseHash(n int64, text string) (h evidence.Hash, err error) {
	raw, err := hex.DecodeString(text)
	if err != nil || len(raw) != len(h) {
		return h, fmt.Errorf("%w: hash %d of its tree is none", ErrTampered, n)
	}
	copy(h[:], raw)
	return h, nil
}

// newHashes are the rows that the acts after the first from add to the tree.
func (r *Registry) newHashes(ctx context.Context, tx *sql.Tx, from, size int64, end Head) (rows []any, err error) {
	tree, err := evidence.Continue(from, treeIn(ctx, tx))
	if err != nil {
		return nil, err
	}
	s := scan{r: r, end: end}
	if from > 0 {
		s.last.Seq = from
		if err := tx.QueryRowContext(ctx, "SELECT link FROM acts WHERE seq = ?", from).Scan(&s.last.Link); err != nil {
			return nil, fmt.Errorf("%w: act %d: %w", ErrTampered, from, err)
		}
	}
	n := evidence.Stored(from)
	err = eachAct(ctx, tx, "seq > ? AND seq <= ? ORDER BY seq", []any{from, size}, func(a canary.Act) error {
		if err := s.take(a); err != nil {
			return err
		}
		leaf, err := leafOf(a)
		for _, h := range tree.Add(leaf) {
			rows, n = append(rows, n, hex.EncodeToString(h[:])), n+1
		}
		return err
	})
	if err == nil && s.last.Seq != size {
		err = fmt.Errorf("%w: act %d is missing", ErrTampered, s.last.Seq+1)
	}
	return rows, err
}

// leafOf is what stands for an act in the tree.
func leafOf(a canary.Act) (h evidence.Hash, err error) {
	salt, err := hex.DecodeString(a.Salt)
	if err != nil || len(salt) != evidence.SaltSize {
		return h, fmt.Errorf("%w: the salt of act %d is none", ErrTampered, a.Seq)
	}
	text, err := evidence.Text(a)
	return evidence.Leaf(salt, text), err
}

// Checkpoints returns the checkpoints of more than so many acts, the first first.
func (r *Registry) Checkpoints(ctx context.Context, after int64) ([]Checkpoint, error) {
	var list []Checkpoint
	err := r.eachCheckpoint(ctx, r.db, after, func(c Checkpoint) error {
		list = append(list, c)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("registry: checkpoints: %w", err)
	}
	return list, nil
}

func (r *Registry) eachCheckpoint(ctx context.Context, q querier, after int64, fn func(Checkpoint) error) error {
	return eachOf(ctx, q, "SELECT tree_size, made, note FROM checkpoints WHERE tree_size > ? ORDER BY tree_size", []any{after}, func(row *sql.Rows) error {
		var c Checkpoint
		var made int64
		err := row.Scan(&c.Size, &made, &c.Note)
		c.Made = fromMicros(made)
		return errors.Join(err, fn(c))
	})
}

// CheckTree makes the tree again from the acts, and holds what is stored of it and
// each checkpoint against that. What is not the same is [ErrTampered]. It returns how
// many checkpoints there are. The acts themselves are what CheckActs looks at.
func (r *Registry) CheckTree(ctx context.Context, key evidence.Key) (checkpoints int, err error) {
	err = r.inView(ctx, func(tx *sql.Tx) error {
		checkpoints, err = r.checkTree(ctx, tx, key)
		return err
	})
	if err != nil {
		return checkpoints, fmt.Errorf("registry: evidence log: %w", err)
	}
	return checkpoints, nil
}

func (r *Registry) checkTree(ctx context.Context, q querier, key evidence.Key) (int, error) {
	signed := map[int64]evidence.Hash{}
	var size int64
	err := r.eachCheckpoint(ctx, q, -1, func(c Checkpoint) error {
		got, err := checkSigned(key, c)
		signed[c.Size], size = got.Root, c.Size
		return err
	})
	if err != nil {
		return 0, err
	}
	var tree evidence.Range
	made, had := sha256.New(), sha256.New()
	count := len(signed)
	err = eachAct(ctx, q, "seq <= ? ORDER BY seq", []any{size}, func(a canary.Act) error {
		leaf, err := leafOf(a)
		for _, h := range tree.Add(leaf) {
			made.Write(h[:])
		}
		if root, there := signed[tree.Size()]; there && root != tree.Root() {
			return fmt.Errorf("%w: the acts up to %d are not those of the checkpoint that was signed", ErrTampered, a.Seq)
		}
		delete(signed, tree.Size())
		return err
	})
	delete(signed, 0)
	if err != nil {
		return count, err
	}
	if len(signed) > 0 {
		return count, fmt.Errorf("%w: a checkpoint of %d acts was signed, and there are %d", ErrTampered, size, tree.Size())
	}
	err = errors.Join(onlyHashes(ctx, q, evidence.Stored(size)), eachOf(ctx, q, "SELECT n, hash FROM tree ORDER BY n", nil, func(row *sql.Rows) error {
		var n int64
		var text string
		if err := row.Scan(&n, &text); err != nil {
			return err
		}
		h, err := parseHash(n, text)
		had.Write(h[:])
		return err
	}))
	if err == nil && string(made.Sum(nil)) != string(had.Sum(nil)) {
		err = fmt.Errorf("%w: what is stored of its tree is not what the acts give", ErrTampered)
	}
	return count, err
}

// EachLeaf hands over the leaves of the first size acts, in order, as they are stored.
func (r *Registry) EachLeaf(ctx context.Context, size int64, fn func(evidence.Hash) error) error {
	next := int64(0)
	err := r.each(ctx, "SELECT n, hash FROM tree WHERE n < ? ORDER BY n", []any{evidence.Stored(size)}, func(row *sql.Rows) error {
		var n int64
		var text string
		if err := row.Scan(&n, &text); err != nil || n != evidence.StoredLeaf(next) {
			return err
		}
		next++
		h, err := parseHash(n, text)
		if err == nil {
			err = fn(h)
		}
		return err
	})
	if err == nil && next != size {
		err = fmt.Errorf("%w: of its tree %d leaves are there, and there were %d", ErrTampered, next, size)
	}
	if err != nil {
		return fmt.Errorf("registry: evidence log: %w", err)
	}
	return nil
}
