package main

import (
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"saltmine/internal/audit"
	"saltmine/internal/canary"
)

// counted are the pairs of a statement and a canary.
type counted struct{ statements, truth, right, possible, lost, wrong int }

type pairs struct {
	counted
	shapes map[string]*counted
}

func (p *pairs) report(t *testing.T) {
	t.Helper()
	for _, name := range slices.Sorted(maps.Keys(p.shapes)) {
		c := p.shapes[name]
		t.Logf("%-32s %5d statements, %6d returned; called returned %6d, possible %6d (%3.0f %%), excluded and returned %d, called returned and not %d", name, c.statements, c.truth, c.right, c.possible,
			100*float64(c.possible)/float64(max(1, c.possible+c.right)), c.lost, c.wrong)
	}
	t.Logf("%-32s %5d statements, %6d returned; called returned %6d, possible %6d (%.1f %%), excluded and returned %d, called returned and not %d", "all", p.statements, p.truth, p.right, p.possible,
		100*float64(p.possible)/float64(max(1, p.possible+p.right)), p.lost, p.wrong)
}

// events are the statements of the log by their marks; those of dumps by account and
// connection, in order.
func (w *wholePath) events() (byMark map[string][]string, byAccount map[string][][]string) {
	w.t.Helper()
	byMark, byAccount = map[string][]string{}, map[string][][]string{}
	last := map[string]uint64{}
	w.eachQuery(func(e *audit.Event) {
		id := w.reg.ReadID("db:main", e.Digest())
		text, account := string(e.Text), e.User+"@"+e.Host
		if from := strings.Index(text, "/*q"); from >= 0 || strings.Contains(text, "/*sale*/") {
			from = max(from, strings.Index(text, "/*sale*/"))
			mark := text[from : from+strings.Index(text[from:], "*/")+2]
			byMark[mark] = append(byMark[mark], id)
			return
		}
		if !strings.Contains(text, "SQL_NO_CACHE") {
			return
		}
		if list := byAccount[account]; len(list) == 0 || last[account] != e.Connection {
			byAccount[account] = append(list, nil)
		}
		last[account] = e.Connection
		list := byAccount[account]
		list[len(list)-1] = append(list[len(list)-1], id)
	})
	return byMark, byAccount
}

// logs are the log and the files that the server has rotated it to, the oldest first.
func (w *wholePath) logs() (files []string) {
	w.t.Helper()
	files, err := filepath.Glob(w.log + ".*")
	if err != nil {
		w.t.Fatal(err)
	}
	slices.Sort(files)
	slices.Reverse(files)
	return append(files, w.log)
}

func (w *wholePath) eachQuery(see func(*audit.Event)) {
	w.t.Helper()
	for _, name := range w.logs() {
		f, err := os.Open(name)
		if err != nil {
			w.t.Fatal(err)
		}
		r, err := audit.Open(f, audit.Config{TextLimit: 8192})
		for err == nil {
			var e *audit.Event
			if e, err = r.Next(); err == nil && e.Kind == audit.Query {
				see(e)
			}
		}
		f.Close()
		if !errors.Is(err, io.EOF) {
			w.t.Fatal(err)
		}
	}
}

// compare counts how what was worked out agrees with what the server sent.
func (w *wholePath) compare(all *pairs) {
	w.t.Helper()
	reads, err := w.reg.ReadsSince(w.t.Context(), "db:main", time.Time{})
	if err != nil {
		w.t.Fatal(err)
	}
	byID := map[string]*canary.Read{}
	for i := range reads {
		byID[reads[i].ID] = &reads[i]
	}
	byMark, dumps := w.events()
	slices.SortStableFunc(w.sent, func(a, b *truth) int { return strings.Compare(a.account, b.account) })
	for _, s := range w.sent {
		ids := byMark[s.mark]
		if s.mark == "" {
			if len(dumps[s.account]) == 0 {
				w.t.Errorf("a dump of %s is not in the log", s.account)
				continue
			}
			ids, dumps[s.account] = dumps[s.account][0], dumps[s.account][1:]
		}
		if len(ids) == 0 {
			w.t.Errorf("%s is not in the log", s.shape)
		}
		returned, possible, why := map[canary.ID]bool{}, map[canary.ID]bool{}, ""
		for _, id := range ids {
			if r := byID[id]; r != nil {
				why = r.Why + " " + r.Shape
				for _, c := range r.Returned {
					returned[c] = true
				}
				for _, c := range r.Possible {
					possible[c] = true
				}
			}
		}
		one := all.shapes[s.shape]
		if one == nil {
			one = &counted{}
			all.shapes[s.shape] = one
		}
		var sum counted
		sum.statements, sum.truth = 1, len(s.ids)
		for id := range s.ids {
			if !returned[id] && !possible[id] {
				sum.lost++
			}
		}
		for id := range returned {
			if sum.right++; !s.ids[id] {
				sum.wrong++
			}
			delete(possible, id)
		}
		sum.possible = len(possible)
		if sum.lost+sum.wrong > 0 {
			w.t.Errorf("%s: %d lost, %d wrong: %.300s", s.shape, sum.lost, sum.wrong, why)
		}
		one.add(sum)
		all.add(sum)
	}
}

func (c *counted) add(d counted) {
	c.statements, c.truth, c.right = c.statements+d.statements, c.truth+d.truth, c.right+d.right
	c.possible, c.lost, c.wrong = c.possible+d.possible, c.lost+d.lost, c.wrong+d.wrong
}
