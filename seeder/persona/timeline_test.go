package persona_test

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"saltmine/seeder/persona"
)

func TestTimeline(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		signedUp := day(0)
		start := day(rapid.IntRange(-1000, 1000).Draw(t, "start"))
		end := start.Add(time.Duration(rapid.IntRange(0, 1e8).Draw(t, "room")) * time.Second)
		var events []time.Time
		for _, s := range rapid.SliceOf(rapid.IntRange(0, 100_000_000)).Draw(t, "events") {
			events = append(events, signedUp.Add(time.Duration(s)*time.Second))
		}
		slices.SortFunc(events, time.Time.Compare)
		line := persona.NewTimeline(signedUp, day(900), start, end, events)
		last := start
		for _, e := range events {
			moved := line.Move(e)
			if e.After(day(900)) {
				if moved != start.Add(e.Sub(signedUp)) {
					t.Fatalf("a date to come moved to %v", moved)
				}
				continue
			}
			if moved.Before(last) || moved.After(end) || moved != line.Move(e) {
				t.Fatalf("%v moved to %v, after %v, until %v", e, moved, last, end)
			}
			last = moved
		}
		birthday := time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC)
		if line.Move(birthday) != birthday {
			t.Fatal("a birthday moved")
		}
	})
	spread := persona.Spread(rng(1), 50, day(1), day(2))
	if !slices.IsSortedFunc(spread, time.Time.Compare) || !spread[0].After(day(1)) || spread[49].After(day(2)) {
		t.Errorf("spread from %v to %v", spread[0], spread[49])
	}
}

// Weekdays, hours of the day and short gaps are the donor's; the days are not.
func TestTimelineKeepsHabits(t *testing.T) {
	t.Parallel()
	r := rng(6)
	weekdays, hours, sameDay, n := 0, 0, 0, 0
	for range 200 {
		signedUp := day(r.IntN(300)).Add(time.Duration(r.IntN(36000)) * time.Second)
		events := []time.Time{signedUp, signedUp.Add(19 * time.Second)}
		for at := signedUp; len(events) < 8; {
			at = at.Add(time.Duration(3+r.IntN(50)) * 24 * time.Hour).Truncate(24 * time.Hour).Add(9*time.Hour + time.Duration(r.IntN(28800))*time.Second)
			events = append(events, at)
		}
		start := signedUp.Add(time.Duration(r.IntN(20*24)-10*24)*time.Hour + time.Duration(r.IntN(3600))*time.Second)
		line := persona.NewTimeline(signedUp, day(900), start, day(900), events)
		if line.Move(events[0]) != start || line.Move(events[1]).Sub(start) != 19*time.Second {
			t.Fatalf("sign-up and what followed at once: %v, %v", line.Move(events[0]), line.Move(events[1]))
		}
		for _, e := range events[2:] {
			moved := line.Move(e)
			n++
			if moved.Weekday() == e.Weekday() {
				weekdays++
			}
			if moved.Hour() >= 8 && moved.Hour() <= 17 {
				hours++
			}
			if moved.Format(time.DateOnly) == e.Format(time.DateOnly) {
				sameDay++
			}
		}
	}
	t.Logf("of %d dates %d kept the weekday, %d the hours, %d the day", n, weekdays, hours, sameDay)
	if weekdays*10 < n*8 || hours*100 < n*98 || sameDay*20 > n {
		t.Errorf("of %d dates %d kept the weekday, %d the hours, %d the day", n, weekdays, hours, sameDay)
	}
}

// Dates that coincide go on doing so, whole minutes and midnights stay, and a
// life that has to be shorter does not end at the last moment.
func TestTimelineDetails(t *testing.T) {
	t.Parallel()
	signedUp, end := day(0), day(820)
	midnight := day(40).Truncate(24 * time.Hour)
	minute := day(80).Add(17 * time.Minute)
	lastSeen := day(700).Add(5 * time.Second)
	line := persona.NewTimeline(signedUp, day(810), day(800), end, []time.Time{signedUp, midnight, minute, lastSeen, lastSeen})
	if line.Move(signedUp) != day(800) || line.Move(signedUp.In(time.FixedZone("", 3600))) != day(800) {
		t.Error("dates that coincide moved apart")
	}
	if m := line.Move(day(-30).Add(time.Hour)); !m.Before(day(775)) || m.Before(day(765)) || m.Hour() < 8 || m.Hour() > 10 {
		t.Errorf("a date before the sign-up moved to %v", m)
	}
	if m := line.Move(midnight); m.Sub(m.Truncate(24*time.Hour)) != 0 {
		t.Errorf("midnight moved to %v", m)
	}
	if m := line.Move(minute); m.Second() != 0 || m.Hour() == 0 {
		t.Errorf("a whole minute moved to %v", m)
	}
	if m := line.Move(lastSeen); end.Sub(m) < time.Hour || !m.After(line.Move(minute)) {
		t.Errorf("the last date moved to %v, until %v", m, end)
	}
	if m := line.Move(day(60)); m.Before(line.Move(midnight)) || m.After(line.Move(minute)) {
		t.Errorf("a date between moved to %v", m)
	}
}
