package supportdb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/bits"
	"math/rand/v2"
	"slices"
	"strconv"
)

// Bounds of choosing keys.
const (
	pilotKeys  = 500
	pilotFound = pilotKeys / 50 // of them, where drawing whole numbers pays
	walkKeys   = 5000           // of one statement
	mostKeys   = 400_000        // that are kept
)

// keys returns a function that gives so many keys of the part at random, in
// their order and none twice; fewer at the table's end. Every row is as likely
// as any other: whole numbers are drawn from the range that they span, and
// those that no row has are tried in vain; where that would be too often, or
// where reading every key costs less, all are read and chosen among.
func (s *sampler) keys(ctx context.Context) (func(n int) []any, error) {
	low, n, err := s.span(ctx)
	if err != nil {
		return nil, err
	}
	if n >= pilotKeys {
		drawn := shuffle(s.rng, n)
		found, err := s.pilot(ctx, low, drawn)
		if err != nil {
			return nil, err
		}
		rows := float64(n) * float64(found) / pilotKeys
		if tries := float64(s.want) * pilotKeys / float64(max(found, 1)); found >= pilotFound && 2*tries < rows {
			return func(n int) []any { return drawn.take(low, n) }, nil
		}
	}
	kept, err := s.walk(ctx)
	if err != nil {
		return nil, err
	}
	if s.every = s.walked <= s.want; !s.every {
		s.rng.Shuffle(len(kept), func(i, j int) { kept[i], kept[j] = kept[j], kept[i] })
	}
	return func(n int) []any {
		some := kept[:min(n, len(kept))]
		kept = kept[len(some):]
		if !s.every {
			slices.Sort(some)
		}
		return s.args(some)
	}, nil
}

// span is the lowest of the keys and how many whole numbers there are up to the
// highest; none where keys are no whole numbers, or too far apart.
func (s *sampler) span(ctx context.Context) (low int64, n uint64, err error) {
	key := quote(s.part.Key[0])
	var first, last sql.NullString
	q := "SELECT MIN(" + key + "), MAX(" + key + ") FROM " + quote(s.part.Table.Name)
	err = s.db.each(ctx, q, nil, func(rows *sql.Rows) error { return rows.Scan(&first, &last) })
	if err != nil {
		return 0, 0, err
	}
	if !first.Valid {
		return 0, 0, fmt.Errorf("%w: table %s is empty", ErrTooFew, s.part.Table.Name)
	}
	low, fault := strconv.ParseInt(first.String, 10, 64)
	high, also := strconv.ParseInt(last.String, 10, 64)
	if c, _ := s.part.Table.Column(s.part.Key[0]); !c.IsInteger() || errors.Join(fault, also) != nil {
		return 0, 0, nil //nolint:nilerr // keys that are no numbers are no fault
	}
	if n = uint64(high) - uint64(low) + 1; n > 1<<62 || n == 0 { //nolint:gosec // their difference, whatever their signs
		return 0, 0, nil
	}
	return low, n, nil
}

// pilot counts how many of some numbers are keys.
func (s *sampler) pilot(ctx context.Context, low int64, drawn *shuffled) (found int, err error) {
	start := *drawn
	some := start.take(low, pilotKeys)
	q := "SELECT COUNT(*) FROM " + quote(s.part.Table.Name) + " WHERE " + quote(s.part.Key[0]) + " IN (" + marks(len(some)) + ")"
	err = s.db.each(ctx, q, some, func(rows *sql.Rows) error { return rows.Scan(&found) })
	s.db.pace.read(len(some))
	return found, err
}

// walk reads all keys and keeps some, each as likely as any other (reservoir
// sampling, Vitter's algorithm R): as many as are wanted, more where not every
// row will do.
func (s *sampler) walk(ctx context.Context) ([]string, error) {
	keep := mostKeys
	if s.whole {
		keep = min(keep, s.want)
	}
	key := quote(s.part.Key[0])
	rest := " ORDER BY " + key + " LIMIT " + strconv.Itoa(walkKeys)
	query, args := "SELECT "+key+" FROM "+quote(s.part.Table.Name), []any(nil)
	var kept []string
	var last []byte
	for {
		read := 0
		err := s.db.each(ctx, query+rest, args, func(rows *sql.Rows) error {
			var k sql.RawBytes
			if err := rows.Scan(&k); err != nil {
				return err
			}
			last = append(last[:0], k...)
			read++
			s.walked++
			if len(kept) < keep {
				kept = append(kept, string(k))
			} else if at := s.rng.IntN(s.walked); at < keep {
				kept[at] = string(k)
			}
			return nil
		})
		if err != nil || read < walkKeys {
			return kept, err
		}
		query, args = "SELECT "+key+" FROM "+quote(s.part.Table.Name)+" WHERE "+key+" > ?", s.args([]string{string(last)})
		if s.progress != nil {
			s.progress(s.walked, max(s.walked, int(s.part.Table.Rows))+s.want)
		}
	}
}

// args are keys as the driver takes them: a number that is written as a text
// would be compared in another way by some servers.
func (s *sampler) args(keys []string) []any {
	c, _ := s.part.Table.Column(s.part.Key[0])
	out := make([]any, len(keys))
	for i, k := range keys {
		if out[i] = k; !c.IsInteger() {
			continue
		}
		if n, err := strconv.ParseInt(k, 10, 64); err == nil {
			out[i] = n
		} else if n, err := strconv.ParseUint(k, 10, 64); err == nil {
			out[i] = n
		}
	}
	return out
}

// shuffled goes through 0 … n-1 in a random order that it need not keep: a
// Feistel network of four rounds is a permutation of as many bits as n-1 has,
// and where it leads beyond n it is followed until it leads back (Black and
// Rogaway, Ciphers with Arbitrary Finite Domains, 2002).
type shuffled struct {
	n, next uint64
	half    int // bits
	keys    [4]uint64
}

func shuffle(rng *rand.Rand, n uint64) *shuffled {
	return &shuffled{n: n, half: max(bits.Len64(n-1)+1, 2) / 2, keys: [4]uint64{rng.Uint64(), rng.Uint64(), rng.Uint64(), rng.Uint64()}}
}

// take gives the next ones, from low on and in their order.
func (s *shuffled) take(low int64, n int) []any {
	some := make([]int64, 0, n)
	for ; len(some) < n && s.next < s.n; s.next++ {
		some = append(some, low+int64(s.at(s.next))) //nolint:gosec // below 1<<62
	}
	slices.Sort(some)
	out := make([]any, len(some))
	for i, k := range some {
		out[i] = k
	}
	return out
}

func (s *shuffled) at(i uint64) uint64 {
	mask := uint64(1)<<s.half - 1
	for {
		left, right := i>>s.half, i&mask
		for _, key := range s.keys {
			h := (right ^ key) * 0x9e3779b97f4a7c15
			left, right = right, left^(h^h>>29)>>17&mask
		}
		if i = left<<s.half | right; i < s.n {
			return i
		}
	}
}
