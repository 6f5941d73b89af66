package seeder

import (
	"context"
	"math/rand/v2"
	"slices"
	"sort"
	"time"

	"saltmine/internal/canary"
	"saltmine/seeder/recipe"
	"saltmine/seeder/supportdb"
)

// history puts canaries into a table's past: into keys that it has passed over,
// with the dates of the rows beside them, so that in an extract they are as old
// as everybody. The statements of an INSERT still tell when it was sent; who
// fears those who read the server's logs plants over many days instead.
type history struct {
	s       *Seeder
	rng     *rand.Rand
	free    []supportdb.Slot // for customers, the next one last
	rooms   rooms
	marks   map[string][]supportdb.Mark
	read    map[string][]supportdb.Stretch
	taken   map[string]map[int64]bool
	donors  []dated // of the lessons, by sign-up
	numbers func(slot *supportdb.Slot, at time.Time) string
	running bool // numbers go with the dates
	given   map[string]bool
	uses    map[int]int // of donors
	hours   [24]float64 // sign-ups of donors
	busiest float64
	between map[string][]float64 // where rows lie between their neighbours, by part
	back    map[int64]int        // slots that were given back, by key
	moments map[int64]time.Time  // of sign-ups, by the key of the slot
}

// dated is a donor with the day of sign-up.
type dated struct {
	n  int // of the lessons
	at time.Time
}

// Bounds of looking for slots.
const (
	partStretches = 12 // of other tables, to see whether they have room
	shortStretch  = 60 // rows of the customer table that are read for slots; more where they yield few
	longStretch   = 600
	fromStretch   = 2              // slots taken from one, so that they lie everywhere
	mostStretches = 4000           // of the customer table
	surelyEnough  = 80             // stretches that tell whether the others will yield enough
	fewBetween    = 200            // rows that tell too little of where rows lie between neighbours
	slotReserve   = 2              // slots wanted for a canary, so that the choice is free
	nearDonors    = 24             // donors near a slot's date from which one is drawn
	slotWithin    = 72 * time.Hour // a row's date may move so far to find a slot
	aboutThen     = 3 * time.Hour  // later than the nearest slot, and as good
	signUpSpan    = 2 * time.Hour  // what belongs to the sign-up itself
	jitter        = 20 * time.Minute
)

// newHistory looks for room in the table's past. It is nil when the tables
// have too little of it, or keys that show no order.
func (s *Seeder) newHistory(ctx context.Context, rng *rand.Rand, l *lessons, count int) (*history, error) {
	h := &history{s: s, rng: rng, marks: map[string][]supportdb.Mark{}, read: map[string][]supportdb.Stretch{}, taken: map[string]map[int64]bool{}, given: map[string]bool{}, uses: map[int]int{}, back: map[int64]int{}, moments: map[int64]time.Time{}, between: map[string][]float64{}}
	customer := s.cfg.Desk.Part(recipe.CustomerPart)
	if !customer.Counted() || slices.ContainsFunc(s.cfg.Desk.Parts(), func(p *supportdb.Part) bool { return p.Counted() && !s.cfg.Desk.Dated(p) }) {
		return nil, nil
	}
	for i := range l.donors {
		if at, ok := s.signedUp(&l.donors[i].Image); ok {
			h.donors = append(h.donors, dated{i, at})
		}
	}
	h.learnHours()
	slices.SortFunc(h.donors, func(a, b dated) int { return a.at.Compare(b.at) })
	h.numbers = l.between(rng)
	h.running = l.rule != nil && l.rule.Running && !s.cfg.Desk.NumberIsKey()
	if err := h.collect(ctx, customer, 2*slotReserve*count); err != nil {
		return nil, err
	}
	if len(h.free) < slotReserve*count {
		return nil, nil
	}
	if ok, err := h.roomFor(ctx, l, count); err != nil || !ok {
		return nil, err
	}
	return h, nil
}

// roomFor reports whether the tables behind the customers' have room for what
// so many canaries bring with them.
func (h *history) roomFor(ctx context.Context, l *lessons, count int) (bool, error) {
	rows := map[string]int{}
	for i := range l.donors {
		for _, it := range l.donors[i].Items {
			rows[it.Part]++
		}
	}
	for _, p := range h.s.cfg.Desk.Parts()[1:] {
		if ok, err := h.roomIn(ctx, p, slotReserve*count*rows[p.Name]/len(l.donors)); err != nil || !ok {
			return false, err
		}
	}
	return true, nil
}

// roomIn estimates from some stretches whether a part has that many slots.
func (h *history) roomIn(ctx context.Context, p *supportdb.Part, need int) (bool, error) {
	if !p.Counted() || need == 0 {
		return true, nil
	}
	low, high, err := h.s.cfg.Desk.Extent(ctx, p)
	if err != nil || high <= low {
		return false, err
	}
	rows, slots := 0, 0
	for range partStretches {
		st, err := h.s.cfg.Desk.Stretch(ctx, p, low+h.rng.Int64N(high-low+1))
		if err != nil {
			return false, err
		}
		rows += st.Rows
		gap := int64(-1)
		for _, slot := range st.Slots {
			if slot.Gap != gap && (p.Name != recipe.TicketPart || h.numbered(slot)) {
				gap = slot.Gap
				slots++
			}
		}
	}
	return rows > 0 && float64(slots)/float64(rows)*float64(high-low) >= float64(need), nil
}

// number draws a ticket number for a slot that neither this run nor the
// registry has; empty when there is none.
func (h *history) number(ctx context.Context, slot supportdb.Slot, at time.Time) (string, error) {
	for range 8 {
		text := h.numbers(&slot, at)
		if text == "" {
			return "", nil
		}
		known, err := h.s.known(ctx, canary.Ticket, text)
		if err != nil {
			return "", err
		}
		if !known && !h.given[text] {
			h.given[text] = true
			return text, nil
		}
	}
	return "", nil
}

// numbered reports whether a ticket in the slot could have a number.
func (h *history) numbered(slot supportdb.Slot) bool {
	return !h.running || h.numbers(&slot, slot.After) != ""
}

// collect looks for slots behind random keys, a few behind each, so that they
// lie as evenly over the table as its rows do.
func (h *history) collect(ctx context.Context, p *supportdb.Part, want int) error {
	low, high, err := h.s.cfg.Desk.Extent(ctx, p)
	if err != nil || high <= low {
		return err
	}
	seen := map[int64]bool{}
	rows := shortStretch
	for n := range mostStretches {
		hopeless := n >= surelyEnough && len(h.free)*mostStretches < n*want/2
		if len(h.free) >= want || hopeless {
			break
		}
		st, err := h.s.cfg.Desk.StretchOf(ctx, p, low+h.rng.Int64N(high-low+1), rows)
		if err != nil {
			return err
		}
		h.takeSome(st.Slots, seen)
		h.rooms.meet(&st, h.busy)
		h.between[p.Name] = append(h.between[p.Name], st.Between...)
		if n%20 == 19 && len(h.free) < n {
			rows = min(2*rows, longStretch)
		}
	}
	if err := h.leaveReferred(ctx, p); err != nil {
		return err
	}
	for i := range h.free {
		h.moments[h.free[i].Key] = h.within(p, h.free[i])
	}
	h.free = h.rooms.order(h.rng, h.free, func(s *supportdb.Slot) float64 { return h.busy(h.moments[s.Key]) })
	return nil
}

// takeSome takes some slots of a stretch that were not seen before.
func (h *history) takeSome(slots []supportdb.Slot, seen map[int64]bool) {
	h.rng.Shuffle(len(slots), func(i, j int) { slots[i], slots[j] = slots[j], slots[i] })
	for _, slot := range slots[:min(fromStretch, len(slots))] {
		if !seen[slot.Gap] { // two in one gap could come in the wrong order
			seen[slot.Gap] = true
			h.free = append(h.free, slot)
		}
	}
}

// leaveReferred gives up the slots whose keys other tables still name.
func (h *history) leaveReferred(ctx context.Context, p *supportdb.Part) error {
	keys := make([]int64, len(h.free))
	for i, slot := range h.free {
		keys[i] = slot.Key
	}
	left, err := h.s.cfg.Desk.Referred(ctx, p, keys)
	if err != nil {
		return err
	}
	h.free = slices.DeleteFunc(h.free, func(s supportdb.Slot) bool { return left[s.Key] })
	return nil
}

// next takes a slot for a customer, with the moment of sign-up.
func (h *history) next() (slot supportdb.Slot, at time.Time, ok bool) {
	if len(h.free) == 0 {
		return slot, at, false
	}
	slot = h.free[len(h.free)-1]
	h.free = h.free[:len(h.free)-1]
	return slot, h.moments[slot.Key], true
}

// giveBack puts a slot that no donor of its time suited behind the others, some
// times: mailboxes that are left suit fewer and fewer donors.
func (h *history) giveBack(slot supportdb.Slot) {
	const often = 12
	if h.back[slot.Key]++; h.back[slot.Key] <= often {
		h.free = slices.Insert(h.free, 0, slot)
	}
}

// within draws a moment between the rows beside a slot: where rows lie between
// their neighbours, of an hour at which people sign up.
func (h *history) within(p *supportdb.Part, slot supportdb.Slot) time.Time {
	span := slot.Before.Sub(slot.After)
	if span <= 0 {
		return slot.After
	}
	const tries = 20
	var at time.Time
	for range tries {
		share := h.rng.Float64()
		if all := h.between[p.Name]; len(all) > fewBetween {
			share = all[h.rng.IntN(len(all))]
		}
		share = slot.Share(share)
		at = slot.After.Add(time.Duration(share * float64(span))).Truncate(time.Second)
		if h.rng.Float64()*h.busiest <= h.hours[at.Hour()] {
			break
		}
	}
	return at
}

// learnHours counts the sign-ups of donors by the hour.
func (h *history) learnHours() {
	for _, d := range h.donors {
		h.hours[d.at.Hour()]++
	}
	h.busiest = slices.Max(h.hours[:])
}

// busy tells how many sign up at an hour, as a part of what is usual.
func (h *history) busy(at time.Time) float64 {
	return float64(len(h.hours)) * h.hours[at.Hour()] / float64(max(len(h.donors), 1))
}

// donor draws one of those who suit, nil is all, and signed up about then.
func (h *history) donor(at time.Time, suits func(donor int) bool) int {
	all := h.donors
	if suits != nil {
		all = slices.DeleteFunc(slices.Clone(all), func(d dated) bool { return !suits(d.n) })
	}
	i := sort.Search(len(all), func(i int) bool { return all[i].at.After(at) })
	low := min(max(0, i-nearDonors/2), max(0, len(all)-nearDonors))
	high := min(len(all), low+nearDonors)
	near := slices.Clone(all[low:high])
	// Two canaries of one donor are nearer to each other than customers are.
	h.rng.Shuffle(len(near), func(i, j int) { near[i], near[j] = near[j], near[i] })
	n := slices.MinFunc(near, func(a, b dated) int { return h.uses[a.n] - h.uses[b.n] }).n
	h.uses[n]++
	return n
}

// stretch finds the stretch of a part in which a moment lies, by keys and
// dates that are known already.
func (h *history) stretch(ctx context.Context, p *supportdb.Part, at time.Time) (*supportdb.Stretch, error) {
	for i := range h.read[p.Name] {
		st := &h.read[p.Name][i]
		if !at.Before(st.First.At) && !at.After(st.Last.At) {
			return st, nil
		}
	}
	if h.marks[p.Name] == nil {
		if err := h.ends(ctx, p); err != nil {
			return nil, err
		}
	}
	for range 12 {
		from := h.guess(p, at)
		st, err := h.s.cfg.Desk.Stretch(ctx, p, from)
		if err != nil || st.Rows == 0 {
			return nil, err
		}
		h.marks[p.Name] = append(h.marks[p.Name], st.First, st.Last)
		slices.SortFunc(h.marks[p.Name], func(a, b supportdb.Mark) int { return a.At.Compare(b.At) })
		h.read[p.Name] = append(h.read[p.Name], st)
		h.between[p.Name] = append(h.between[p.Name], st.Between...)
		if !at.Before(st.First.At) && !at.After(st.Last.At) {
			return &h.read[p.Name][len(h.read[p.Name])-1], nil
		}
	}
	return nil, nil
}

// ends notes the first and the last row of a part.
func (h *history) ends(ctx context.Context, p *supportdb.Part) error {
	low, high, err := h.s.cfg.Desk.Extent(ctx, p)
	if err != nil {
		return err
	}
	for _, key := range []int64{low, max(low, high-50)} {
		st, err := h.s.cfg.Desk.Stretch(ctx, p, key)
		if err != nil {
			return err
		}
		if st.Rows > 0 {
			h.marks[p.Name] = append(h.marks[p.Name], st.First, st.Last)
			h.read[p.Name] = append(h.read[p.Name], st)
		}
	}
	slices.SortFunc(h.marks[p.Name], func(a, b supportdb.Mark) int { return a.At.Compare(b.At) })
	return nil
}

// guess interpolates the key of a moment between two that are known, a little
// before it.
func (h *history) guess(p *supportdb.Part, at time.Time) int64 {
	marks := h.marks[p.Name]
	i := sort.Search(len(marks), func(i int) bool { return marks[i].At.After(at) })
	if i == 0 || i == len(marks) {
		return marks[min(i, len(marks)-1)].Key
	}
	a, b := marks[i-1], marks[i]
	share := float64(at.Sub(a.At)) / float64(max(1, b.At.Sub(a.At)))
	return max(a.Key, a.Key+int64(share*float64(b.Key-a.Key))-150)
}

// between gives the function that draws a ticket number between those beside a
// slot: empty when there is none. Where the numbers on both sides go on with the
// keys, the slot's does too.
func (l *lessons) between(rng *rand.Rand) func(slot *supportdb.Slot, at time.Time) string {
	return func(slot *supportdb.Slot, at time.Time) string {
		if l.rule == nil || !l.rule.Running {
			return ""
		}
		period, from, okLow := l.rule.Read(slot.Low)
		other, to, okHigh := l.rule.Read(slot.High)
		switch {
		case !okLow || !okHigh || period != other || to-from < 2:
			return ""
		case to-from == slot.Next-slot.Gap:
			return l.rule.Write(at, from+slot.Key-slot.Gap)
		}
		return l.rule.Write(at, from+1+rng.Int64N(to-from-1))
	}
}
