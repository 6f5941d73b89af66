package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/pull"
	"saltmine/internal/registry"
)

// What stands of an edge follows from what is known of it, and nothing is said
// to be over because serve began anew.
func TestEdgeWatch(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)
	at := func(minutes int) time.Time { return start.Add(time.Duration(minutes) * time.Minute) }
	steps := []struct {
		minute, heard, refused int // heard and refused: 0 is never
		known                  bool
		want                   string
	}{
		{1, 0, 0, false, ""},
		{14, 0, 0, false, ""},
		{15, 0, 0, true, "silent"},
		{17, 16, 0, true, ""},
		{30, 16, 0, true, ""},
		{31, 16, 0, true, "silent"},
		{50, 49, 40, true, "refusing"}, // which it told after its silence
		{60, 59, 40, true, "refusing"},
		{65, 64, 40, true, ""},
		{66, 65, 65, true, "refusing"},
		{70, 69, 0, true, "refusing"}, // the edge began anew
		{81, 80, 0, true, ""},
	}
	w := &edgeWatch{name: "one", silence: 15 * time.Minute, since: start}
	for _, x := range steps {
		e := edgeState{name: "one"}
		if x.heard > 0 {
			e.state.Heard = at(x.heard)
		}
		if x.refused > 0 {
			e.state.Refused = at(x.refused)
		}
		list, known := w.look(e, at(x.minute))
		var marks []string
		for _, n := range list {
			marks = append(marks, n.Mark)
		}
		if got := strings.Join(marks, " "); got != x.want || known != x.known {
			t.Errorf("minute %d: %q, known %v; want %q, %v", x.minute, got, known, x.want, x.known)
		}
	}
	for ahead, want := range map[time.Duration]string{
		2 * time.Hour: "2h0m0s ahead of the core's", -24 * time.Hour: "24h0m0s behind the core's", 59 * time.Second: "", -30 * time.Second: "",
	} {
		w := &edgeWatch{name: "one", silence: time.Hour, since: at(0)}
		list, known := w.look(edgeState{state: pull.State{Heard: at(1), Ahead: ahead, Unsure: time.Millisecond}}, at(1))
		if !known || (len(list) > 0) != (want != "") || want != "" && (list[0].Mark != "clock" || !strings.Contains(list[0].Text, want)) {
			t.Errorf("%s: %+v", ahead, list)
		}
	}
	unsure := &edgeWatch{name: "one", silence: time.Hour, since: at(0)}
	if list, _ := unsure.look(edgeState{state: pull.State{Heard: at(1), Ahead: 2 * time.Minute, Unsure: 3 * time.Minute}}, at(1)); len(list) > 0 {
		t.Errorf("a clock of which that is not sure: %v", list)
	}
	old := &edgeWatch{name: "one", silence: time.Hour, since: at(0)}
	if list, known := old.look(edgeState{state: pull.State{Heard: at(1), Refused: start.AddDate(0, 0, -2)}}, at(1)); len(list) > 0 || !known {
		t.Errorf("a refusal of two days ago is told: %v", list)
	}
}

// An edge whose spool is full and an edge that does not answer are paged, once
// each, and are over when they are.
func TestEdgeInNeed(t *testing.T) {
	t.Parallel()
	dsn, db := mariadb.MariaDB(t).HelpDesk(t, smallDesk())
	s := newSite(t, dsn, db)
	e := s.enrollEdge()
	s.write("saltmine.toml", s.read("saltmine.toml")+"silence = \"4s\"\n")
	e.write("saltmine.toml", strings.Replace(e.read("saltmine.toml"), "max_bytes = 21474836480", "max_bytes = 1048576", 1))
	edge := e.start("edge")
	took := 0
	for took < 20 && sendMarked(t.Context(), edge.addrs["smtp"], "postmaster@"+testDomains()[0], strings.Repeat("x", 900)+strings.Repeat("\r\n "+strings.Repeat("y", 70), 2000)) {
		took++
	}
	if took == 0 || took == 20 {
		t.Fatalf("%d mails fit into the spool:\n%s", took, edge.log)
	}
	s.serve()
	reg := s.open()
	stands := func(text string) bool {
		list, err := reg.Notices(t.Context(), registry.NoticeFilter{})
		if err != nil {
			t.Fatal(err)
		}
		return slices.ContainsFunc(list, func(n canary.Notice) bool {
			return n.Kind == canary.NoticeEdge && n.Over.IsZero() && strings.Contains(n.Text, text)
		})
	}
	eventually(t, "the full spool is told", func() bool { return stands("could not record contacts") })
	edge.kill()
	eventually(t, "the silence is told", func() bool { return stands("has not answered since") })
	again := e.start("edge")
	eventually(t, "the silence is over", func() bool { return !stands("has not answered since") })
	if stands("has another spool") {
		t.Error("a start is told as another spool")
	}
	again.kill()
	if err := os.RemoveAll(filepath.Join(e.dir, "spool")); err != nil {
		t.Fatal(err)
	}
	e.start("edge")
	eventually(t, "another spool is told", func() bool { return stands("has another spool than before") })
	eventually(t, "each was paged, and the end of what ended", func() bool {
		pages, raw := s.hook.received()
		return len(pages) >= 4 && strings.Contains(raw, "notice.resolved")
	})
}
