package seeder

import (
	"context"
	"math/rand/v2"
	"slices"
	"sort"
	"time"

	"saltmine/seeder/supportdb"
)

// rooms are the times between the rows on both sides of a row, in a table whose
// keys grow with the dates. A key that was passed over without a row, by a
// restart of the server, has less room than a row has: who stood in many of
// these would be found by it.
type rooms struct {
	rows  []float64         // of rows, in mean times between two rows thereabouts
	means map[int64]float64 // these times, by the key of a slot
}

// meet notes the rooms in a stretch. Of hours in which few sign up they count
// for as much less as rows are farther apart then.
func (r *rooms) meet(st *supportdb.Stretch, busy func(time.Time) float64) {
	mean := float64(st.Last.At.Sub(st.First.At)) / float64(max(st.Rows-1, 1))
	if mean <= 0 {
		return
	}
	if r.means == nil {
		r.means = map[int64]float64{}
	}
	for _, room := range st.Rooms {
		r.rows = append(r.rows, float64(room.Before.Sub(room.After))/mean*busy(room.At))
	}
	for _, s := range st.Slots {
		r.means[s.Key] = mean
	}
}

// order puts slots in an order in which, from the last on, those of each size
// come as often as among the rows, as long as there are some. busy is for the
// moment in a slot at which somebody is to sign up.
func (r *rooms) order(rng *rand.Rand, slots []supportdb.Slot, busy func(*supportdb.Slot) float64) []supportdb.Slot {
	const sizes = 20
	rng.Shuffle(len(slots), func(i, j int) { slots[i], slots[j] = slots[j], slots[i] })
	if len(r.rows) < fewBetween {
		return slots
	}
	slices.Sort(r.rows)
	var bySize [sizes][]supportdb.Slot
	for _, s := range slots {
		size := float64(s.Before.Sub(s.After)) / r.means[s.Key] * busy(&s)
		at := sort.SearchFloat64s(r.rows, size) * sizes / len(r.rows)
		at = min(at, sizes-1)
		bySize[at] = append(bySize[at], s)
	}
	out := make([]supportdb.Slot, 0, len(slots))
	for len(out) < len(slots) {
		for _, at := range rng.Perm(sizes) {
			if n := len(bySize[at]); n > 0 {
				out, bySize[at] = append(out, bySize[at][n-1]), bySize[at][:n-1]
			}
		}
	}
	slices.Reverse(out)
	return out
}

// near takes the slot of a part whose neighbours are of about that time.
func (h *history) near(ctx context.Context, p *supportdb.Part, at time.Time) (supportdb.Slot, bool, error) {
	st, err := h.stretch(ctx, p, at)
	if err != nil || st == nil {
		return supportdb.Slot{}, false, err
	}
	far := slotWithin
	for _, slot := range st.Slots {
		if !h.taken[p.Name][slot.Gap] {
			far = min(far, distance(slot, at))
		}
	}
	var near []supportdb.Slot // of wide gaps more: half of the rows in one have another missing key beside them
	for _, slot := range st.Slots {
		if d := distance(slot, at); d < slotWithin && d <= far+aboutThen && !h.taken[p.Name][slot.Gap] {
			near = append(near, slot)
		}
	}
	if len(near) == 0 {
		return supportdb.Slot{}, false, nil
	}
	slot := near[h.rng.IntN(len(near))]
	h.hold(p.Name, slot.Gap)
	return slot, true, nil
}

func (h *history) hold(part string, gap int64) {
	if h.taken[part] == nil {
		h.taken[part] = map[int64]bool{}
	}
	h.taken[part][gap] = true
}

func distance(s supportdb.Slot, at time.Time) time.Duration {
	switch {
	case at.Before(s.After):
		return s.After.Sub(at)
	case at.After(s.Before):
		return at.Sub(s.Before)
	}
	return 0
}
