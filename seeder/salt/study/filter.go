package study

// filter remembers values (Bloom 1970) in a fixed amount of memory. All bits of
// a value lie in one block of 512, that is in one line of a processor's cache
// (Putze, Sanders and Singler 2007).
type filter struct {
	bits   []uint64
	values int64
}

const (
	filterWords = 1 << 20 // 8 MiB
	smallWords  = 1 << 14 // for lists of a megabyte at most: 128 KiB
	blockWords  = 8
	filterBits  = 6 // bits of a value
)

func newFilter(small bool) *filter {
	if small {
		return &filter{bits: make([]uint64, smallWords)}
	}
	return &filter{bits: make([]uint64, filterWords)}
}

// number is FNV-1a, mixed once more: its low bits alone are too regular.
func number(column int, value []byte) uint64 {
	h := uint64(14695981039346656037) ^ uint64(column) //nolint:gosec // any number does
	for _, c := range value {
		h = (h ^ uint64(c)) * 1099511628211
	}
	h ^= h >> 33
	h *= 0xff51afd7ed558ccd
	return h ^ h>>29
}

// block gives the block of a value and, nine bits each, its places in it.
func (f *filter) block(column int, value []byte) (block []uint64, places uint64) {
	h := number(column, value)
	return f.bits[h%uint64(len(f.bits)/blockWords)*blockWords:][:blockWords], h * 0x9e3779b97f4a7c15 >> 9
}

// add enters a value and reports whether it may have been there.
func (f *filter) add(column int, value []byte) (known bool) {
	block, places := f.block(column, value)
	known = true
	for range filterBits {
		word, bit := places>>6&7, uint64(1)<<(places&63)
		known = known && block[word]&bit != 0
		block[word] |= bit
		places >>= 9
	}
	if !known {
		f.values++
	}
	return known
}

// has reports whether a value may have been entered. A filter that is too full
// to tell says that none was.
func (f *filter) has(column int, value []byte) bool {
	block, places := f.block(column, value)
	known := !f.full()
	for range filterBits {
		known = known && block[places>>6&7]&(1<<(places&63)) != 0
		places >>= 9
	}
	return known
}

// full: with less than 3 bits for a value, more than a third of new values are
// taken for old ones.
func (f *filter) full() bool { return f.values > int64(len(f.bits)*64/3) }

// repeats counts how often a column's value was there before.
type repeats struct{ values, known int64 }

// unique reports whether a column hardly ever repeats a value. What a filter
// takes for a repetition by mistake is allowed for.
func (r *repeats) unique(f *filter) bool {
	if r.values == 0 || f.full() {
		return r.values > 0
	}
	return float64(r.known) <= (0.02+f.mistakes())*float64(r.values)
}

// mistakes is about the share of new values that the filter takes for old ones.
func (f *filter) mistakes() float64 {
	load := float64(f.values) / float64(len(f.bits)*64/10) // of ten bits a value
	return min(0.02*load*load, 0.5)
}
