package incident_test

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"saltmine/internal/canary"
)

// TestMain asks for fewer checks than rapid does by itself: each makes two
// registries on a disk. -rapid.checks asks for more.
func TestMain(m *testing.M) {
	if err := flag.Set("rapid.checks", "8"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	os.Exit(m.Run())
}

// seen is what a registry holds at the end, without the ids that are drawn anew.
type seen struct {
	Contacts  []string
	Incidents []string // each with its place, severity, hits, support and pages
}

func (w *world) seen() seen {
	var s seen
	ids, err := w.reg.ContactIDs(w.ctx)
	must(w.t, err)
	for _, id := range ids {
		c, err := w.reg.Contact(w.ctx, id)
		must(w.t, err)
		s.Contacts = append(s.Contacts, fmt.Sprint(id, " open=", c.Open, " probe=", c.Probe))
	}
	slices.Sort(s.Contacts)
	for _, inc := range w.incidents() {
		lines := []string{fmt.Sprint(inc.Place, " ", inc.Severity, " ", inc.Updated.Sub(start()))}
		hits, err := w.reg.IncidentHits(w.ctx, inc.ID)
		must(w.t, err)
		for _, h := range hits {
			lines = append(lines, fmt.Sprint(h.Contact, " ", h.Token, " clean=", h.Clean))
		}
		support, err := w.reg.Supports(w.ctx, inc.ID)
		must(w.t, err)
		kin, err := w.reg.JoinedTo(w.ctx, inc.ID, 1000)
		must(w.t, err)
		support = slices.DeleteFunc(support, func(id canary.ContactID) bool {
			return slices.ContainsFunc(kin, func(j canary.Joined) bool { return j.Contact == id })
		})
		var why []string
		for _, r := range inc.Reasons {
			// Only what comes later is known to be the author's: strangers' mails to
			// unknown names leave nothing behind.
			if r, _, _ = strings.Cut(r, " i_"); !strings.Contains(r, " came to an address or number ") {
				why = append(why, r)
			}
		}
		lines = append(lines, fmt.Sprint(support), strings.Join(why, "; "))
		s.Incidents = append(s.Incidents, strings.Join(lines, "\n"))
	}
	slices.Sort(s.Incidents)
	return s
}

// membership is the part of it that no order of the records may change.
func (s seen) membership() seen {
	out := seen{Contacts: s.Contacts}
	for _, inc := range s.Incidents {
		lines := strings.Split(inc, "\n")
		place, _, _ := strings.Cut(lines[0], " ")
		for i := range lines {
			lines[i], _, _ = strings.Cut(lines[i], " clean=")
		}
		out.Incidents = append(out.Incidents, place+"\n"+strings.Join(lines[1:len(lines)-1], "\n"))
	}
	return out
}

// drawn are records as ears could have written them, in the order of their parts.
func drawn(rt *rapid.T, w *world, within time.Duration) []canary.Contact {
	var list []canary.Contact
	targets := []string{address(1), address(2), address(3), address(4), placebo(1), "nobody@example.net"}
	for range rapid.IntRange(1, 12).Draw(rt, "contacts") {
		to := rapid.SliceOfN(rapid.SampledFrom(targets), 1, 3).Draw(rt, "to")
		c := w.mail(to...)
		switch rapid.IntRange(0, 5).Draw(rt, "what") {
		case 0:
			c = w.query("example.net")
		case 1:
			c = w.call(canary.SMS, number(rapid.IntRange(1, 4).Draw(rt, "number")), "hello")
		case 2:
			c.Probe = true
		}
		c.At = start().Add(time.Duration(rapid.Int64Range(0, int64(within/time.Minute)).Draw(rt, "minute")) * time.Minute)
		c.Peer, c.Source = rapid.SampledFrom([]string{"192.0.2.1:1", "192.0.2.2:1"}).Draw(rt, "peer"), "sam@example.org"
		c.Unverified = rapid.IntRange(0, 9).Draw(rt, "unverified") == 0
		if c.Channel == canary.SMTP && rapid.Bool().Draw(rt, "in parts") {
			open := c
			open.Open, open.Probe, open.Targets = true, false, c.Targets[:1]
			list = append(list, open)
			c.Part = 1
			if rapid.IntRange(0, 3).Draw(rt, "cut off") == 0 {
				continue
			}
		}
		list = append(list, c)
	}
	return list
}

// taken gives what a new registry holds after it took the records in, in
// groups of the given sizes, some of them twice.
func taken(t *testing.T, rt *rapid.T, groups [][]canary.Contact) seen {
	w := worldIn(t.Context(), rt, t.TempDir()) // another one at each call
	defer w.close()
	w.plant("db:main", 1, 2)
	w.plant("copy:backup", 3, 4)
	w.pass(200 * time.Hour)
	for i, group := range groups {
		for j, c := range group {
			plain, err := c.MarshalBinary()
			must(rt, err)
			w.append(fmt.Sprint(i, "/", j), plain)
		}
		w.drain()
	}
	must(rt, w.intake().CloseCutOff(t.Context(), w.now()))
	return w.seen()
}

// cuts divides records into groups without changing their order.
func cuts(rt *rapid.T, list []canary.Contact) [][]canary.Contact {
	var groups [][]canary.Contact
	for len(list) > 0 {
		n := rapid.IntRange(1, len(list)).Draw(rt, "group")
		groups, list = append(groups, list[:n]), list[n:]
	}
	return groups
}

// Wherever the groups end, and whatever is read twice, the registry holds the same.
func TestGroupsDoNotMatter(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		list := drawn(rt, &world{}, 200*time.Hour)
		whole := taken(t, rt, [][]canary.Contact{list})
		groups := cuts(rt, list)
		for i := range groups { // read again, after a crash
			if rapid.Bool().Draw(rt, "again") {
				groups[i] = slices.Concat(groups[i], groups[i])
			}
		}
		if d := cmp.Diff(whole, taken(t, rt, groups)); d != "" {
			rt.Fatalf("- one group, + %d groups:\n%s", len(groups), d)
		}
	})
}

// In whatever order the records of one quarter of an hour come, the same
// contacts hit the same tokens in the same incidents, and nothing does twice.
func TestOrderDoesNotMatter(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		list := drawn(rt, &world{}, 15*time.Minute)
		mixed := rapid.Permutation(list).Draw(rt, "order")
		a, b := taken(t, rt, cuts(rt, list)).membership(), taken(t, rt, cuts(rt, mixed)).membership()
		if d := cmp.Diff(a, b); d != "" {
			rt.Fatalf("- as heard, + mixed:\n%s", d)
		}
		places := map[string]bool{}
		for _, inc := range a.Incidents {
			place, _, _ := strings.Cut(inc, "\n")
			if places[place] {
				rt.Errorf("two incidents of %s", place)
			}
			places[place] = true
		}
		if want := expected(list); !slices.Equal(slices.Sorted(maps.Keys(places)), want) {
			rt.Errorf("incidents of %q, want %q", slices.Sorted(maps.Keys(places)), want)
		}
	})
}

// expected are the places that the records touch, by the simplest rule.
func expected(list []canary.Contact) []string {
	places := map[string]bool{}
	for _, c := range list {
		for _, target := range c.Targets {
			for n := 1; n <= 4 && !c.Unverified && c.Channel != canary.DNS; n++ {
				if strings.Contains(target.Text, address(n)) || target.Text == number(n) {
					places[[]string{"", "db:main", "db:main", "copy:backup", "copy:backup"}[n]] = true
				}
			}
		}
	}
	return slices.Sorted(maps.Keys(places))
}
