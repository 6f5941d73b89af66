package deskkit

import (
	"fmt"
	"strconv"
	"time"
)

// number counts by day and ends in a check digit: year, month, day, the id of
// the system, five digits, the check digit. A number that is given to a spam
// ticket is spent.
func (z *znuny) number(at time.Time) string {
	if day := at.Format("20060102"); !z.running && day != z.day {
		z.day, z.counter = day, 0
	}
	z.counter++
	z.auto("ticket_number_counter", "id", row{"counter": z.counter, "counter_uid": z.hex(32), "create_time": at})
	if z.running {
		return fmt.Sprintf("10%05d", z.counter)
	}
	digits := fmt.Sprintf("%s10%05d", z.day, z.counter)
	sum := 0
	for i, d := range []byte(digits) {
		sum += int(d-'0') * (1 + i%2)
	}
	check := 10 - sum%10
	if check == 10 {
		check = 1
	}
	return digits + strconv.Itoa(check)
}

// end cleans the counters up, as the daemon does: the last ten stay.
func (z *znuny) end() {
	s := z.sheet("ticket_number_counter")
	for i := range max(0, len(s.rows)-10) {
		s.gone[i] = true
	}
	z.index()
}
