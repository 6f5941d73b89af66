package audit

// words keeps one string for each name that comes again and again.
type words map[string]string

// maxWords and maxWord bound what strangers' names can take up.
const (
	maxWords = 1 << 16
	maxWord  = 256
)

// get is the string of b.
func (w *words) get(b []byte) string {
	if len(b) == 0 {
		return ""
	}
	if s, ok := (*w)[string(b)]; ok {
		return s
	}
	s := string(b)
	if len(b) > maxWord {
		return s
	}
	if *w == nil || len(*w) >= maxWords {
		*w = words{}
	}
	(*w)[s] = s
	return s
}

// maxSessions bounds the connections that are remembered.
const maxSessions = 1 << 16

// remember notes who a connection belongs to.
func (k *carry) remember(id uint64, s session) {
	if k.Sessions == nil || len(k.Sessions) >= maxSessions {
		k.Sessions = map[uint64]session{}
	}
	k.Sessions[id] = s
}

// attribute gives an event that names nobody the user who made its connection.
func (k *carry) attribute(e *Event) {
	e.carried = e.User == "" && e.Host == ""
	switch s, known := k.Sessions[e.Connection]; {
	case e.Kind == Connect:
		k.remember(e.Connection, session{User: e.User, Host: e.Host})
	case !e.carried && (!known || s.User != e.User || s.Host != e.Host) && e.Connection != 0 && e.Kind != Refused:
		k.remember(e.Connection, session{User: e.User, Host: e.Host})
	case known && e.carried:
		e.User, e.Host = s.User, s.Host
	}
	if e.Kind == Disconnect {
		delete(k.Sessions, e.Connection)
	}
}

// maxSame bounds the events of one moment that are told apart.
const maxSame = 1 << 16

// repeat numbers equal events of one moment, where the log has no number.
func (r *Reader) repeat(e *Event) {
	if e.Sequence != 0 {
		return
	}
	k := &r.state.Carry
	if k.Same == nil || k.Stamp != e.Stamp || len(k.Same) >= maxSame {
		k.Same, k.Stamp = map[uint64]int{}, e.Stamp
	}
	h := fnv(fnv(fnvStart, e.Op), e.Object)
	if !e.carried {
		h = fnv(h, e.User)
	}
	h = fnv((h^e.Connection)*fnvPrime, e.Text)
	e.Repeat = k.Same[h]
	k.Same[h]++
}

// FNV-1a, which stays the same from one process to the next.
const (
	fnvStart = 14695981039346656037
	fnvPrime = 1099511628211
)

func fnv[T string | []byte](h uint64, s T) uint64 {
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * fnvPrime
	}
	return (h ^ 0xff) * fnvPrime
}

// announced remembers who the connections of a log with bare names belong to, as lines told
// that nobody could have forged, and reports whether such a line supports an event: who
// forges one by a name has to know a connection that is open, and whose it is.
func (k *carry) announced(e *Event, suspect bool) bool {
	switch {
	case suspect:
		s, known := k.Sessions[e.Connection]
		return known && e.Kind != Connect && e.Kind != Disconnect && s.User == e.User && s.Host == e.Host
	case e.Low:
	case e.Kind == Connect:
		k.remember(e.Connection, session{User: e.User, Host: e.Host})
	case e.Kind == Disconnect:
		delete(k.Sessions, e.Connection)
	}
	return false
}
