package dnsd

// room is memory that the packets of one batch share.
type room struct {
	all  []byte
	used int
}

const roomSize = 12 << 10 // packets and answers of a whole batch, as a rule

// take gives n bytes' room, empty. What finds none, or has no room to share,
// gets its own.
func (r *room) take(n int) []byte {
	if r == nil || n > roomSize {
		return make([]byte, 0, n)
	}
	if len(r.all)-r.used < n {
		r.all, r.used = make([]byte, max(n, min(4*len(r.all), roomSize), 1<<10)), 0
	}
	got := r.all[r.used : r.used : r.used+n]
	r.used += n
	return got
}

// keep gives a copy.
func (r *room) keep(b []byte) []byte { return append(r.take(len(b)), b...) }

// empty makes all of it free again, and leaves nothing of what was in it.
func (r *room) empty() {
	clear(r.all[:r.used])
	r.used = 0
}
