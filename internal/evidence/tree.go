package evidence

import (
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"
)

// Reader gives stored hashes of a tree by their numbers.
type Reader func(indexes []int64) ([]Hash, error)

// ReadHashes gives stored hashes.
func (r Reader) ReadHashes(indexes []int64) ([]Hash, error) { return r(indexes) }

// Stored is how many hashes are stored of a tree of n leaves.
func Stored(n int64) int64 { return tlog.StoredHashCount(n) }

// Root is the root of the tree over the first n leaves.
func Root(n int64, r Reader) (Hash, error) {
	if n == 0 {
		return tlog.TreeHash(0, nil)
	}
	h, err := tlog.TreeHash(n, r)
	if err != nil {
		return h, fmt.Errorf("root of %d leaves: %w", n, err)
	}
	return h, nil
}

// Extends proves, and checks the proof, that a tree of n leaves is the beginning of
// one of t leaves.
func Extends(n int64, before Hash, t int64, after Hash, r Reader) error {
	if n == 0 {
		return nil
	}
	proof, err := tlog.ProveTree(t, n, r)
	if err == nil {
		err = tlog.CheckTree(proof, t, after, n, before)
	}
	if err != nil {
		return fmt.Errorf("%d leaves in %d: %w", n, t, err)
	}
	return nil
}

// Range is the tree over a run of leaves from the first on, as few hashes as give its
// root. The zero value is the empty tree.
type Range struct {
	n    int64
	tops []Hash // of the whole trees in it, the largest first
}

// Add puts a leaf at the end, and returns what is to be stored with it: the leaf and
// what it makes whole, in the order of their numbers.
func (r *Range) Add(leaf Hash) []Hash {
	out := []Hash{leaf}
	for n := r.n; n&1 == 1; n >>= 1 {
		last := len(r.tops) - 1
		leaf = tlog.NodeHash(r.tops[last], leaf)
		r.tops, out = r.tops[:last], append(out, leaf)
	}
	r.tops, r.n = append(r.tops, leaf), r.n+1
	return out
}

// Size is how many leaves it has.
func (r *Range) Size() int64 { return r.n }

// Root is the root of the tree over the leaves so far.
func (r *Range) Root() Hash {
	if len(r.tops) == 0 {
		empty, _ := tlog.TreeHash(0, nil) // of no leaves it needs nothing
		return empty
	}
	root := r.tops[len(r.tops)-1]
	for i := len(r.tops) - 2; i >= 0; i-- {
		root = tlog.NodeHash(r.tops[i], root)
	}
	return root
}

var errTops = errors.New("not so many stored hashes as the tree has")

// Continue returns the range over the first n leaves of a stored tree.
func Continue(n int64, r Reader) (*Range, error) {
	var at []int64
	var first int64 // leaf of the next whole tree
	for level := 62; level >= 0; level-- {
		if size := int64(1) << level; n&size != 0 {
			at = append(at, tlog.StoredHashIndex(level, first>>level))
			first += size
		}
	}
	if len(at) == 0 {
		return &Range{}, nil
	}
	tops, err := r(at)
	if err == nil && len(tops) != len(at) {
		err = errTops
	}
	if err != nil {
		return nil, fmt.Errorf("tree of %d leaves: %w", n, err)
	}
	return &Range{n: n, tops: tops}, nil
}

// StoredLeaf is the number under which leaf n, from 0, is stored.
func StoredLeaf(n int64) int64 { return tlog.StoredHashIndex(0, n) }
