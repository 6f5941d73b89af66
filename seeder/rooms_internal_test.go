package seeder

import (
	"math/rand/v2"
	"testing"
	"time"

	"saltmine/seeder/supportdb"
)

// Half of the slots have no time for a row between their neighbours; of those
// that are taken first none has.
func TestRoomsOrder(t *testing.T) {
	t.Parallel()
	const n, wanted = 400, 100
	start := time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)
	hour := func(k int) time.Time { return start.Add(time.Duration(60*k+k*k*37%29) * time.Minute) }
	st := supportdb.Stretch{First: supportdb.Mark{Key: 1, At: hour(0)}, Last: supportdb.Mark{Key: n, At: hour(n - 1)}, Rows: n}
	for k := 1; k < n; k++ {
		st.Rooms = append(st.Rooms, supportdb.Room{After: hour(k - 1), At: hour(k), Before: hour(k + 1)})
		st.Slots = append(st.Slots, supportdb.Slot{Key: int64(k), After: hour(k - 1), Before: hour(k + k%2)})
	}
	var r rooms
	r.meet(&st, func(time.Time) float64 { return 1 })
	all := r.order(rand.New(rand.NewPCG(1, 2)), st.Slots, func(*supportdb.Slot) float64 { return 1 })
	if len(all) != n-1 {
		t.Fatalf("%d of %d slots are left", len(all), n-1)
	}
	narrow := 0
	for _, s := range all[len(all)-wanted:] {
		if s.Before.Sub(s.After) < 90*time.Minute {
			narrow++
		}
	}
	if narrow > wanted/10 {
		t.Errorf("%d of the first %d slots are narrower than any row's", narrow, wanted)
	}
}
