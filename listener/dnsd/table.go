package dnsd

// The table's own order: an array of sightings, which are found by their digest
// and are chained from the oldest to the newest. The caller has its mutex.

func (t *sightings) head(key digest) *place {
	return &t.heads[key.lo&uint64(len(t.heads)-1)] //nolint:gosec // a length is not negative
}

// headsEach is how many heads there are for a sighting, at least: a new name
// then as a rule finds an empty one, and no sighting need be looked at.
const headsEach = 2

// find gives the sighting of the key, or 0.
func (t *sightings) find(key digest) place {
	at := *t.head(key)
	for at != 0 && t.all[at].key != key {
		at = t.all[at].chain
	}
	return at
}

// add puts a sighting of the key, which has none, in the table as the newest.
func (t *sightings) add(key digest) place {
	at := t.free
	if at != 0 {
		t.free = t.all[at].chain
	} else {
		if len(t.all)*headsEach > len(t.heads) {
			t.widen()
		}
		at = place(len(t.all)) //nolint:gosec // bounded by Limits.Names and Handlers
		t.all = append(t.all, sighting{})
	}
	head, newest := t.head(key), t.all[0].older
	t.all[at] = sighting{key: key, older: newest, chain: *head}
	*head, t.all[newest].newer, t.all[0].older = at, at, at
	t.held++
	return at
}

// widen doubles the heads.
func (t *sightings) widen() {
	t.heads = make([]place, 2*len(t.heads))
	for at := t.all[0].newer; at != 0; at = t.all[at].newer {
		s := &t.all[at]
		head := t.head(s.key)
		s.chain, *head = *head, at
	}
}

// remove takes a sighting out.
func (t *sightings) remove(at place) {
	s := &t.all[at]
	t.all[s.older].newer, t.all[s.newer].older = s.newer, s.older
	link := t.head(s.key)
	for *link != at {
		link = &t.all[*link].chain
	}
	*link = s.chain
	*s = sighting{chain: t.free}
	t.free = at
	t.held--
}
