package main

import (
	"slices"
	"strings"
	"testing"

	"saltmine/internal/canary"
	"saltmine/internal/registry"
)

// TestDeadmanThroughAnEdge: the contacts of a core's switch go to the ears of an
// edge, and come back by the pull. A dead edge is a silent front of each of its ears,
// until it lives again; nothing of it makes an incident.
func TestDeadmanThroughAnEdge(t *testing.T) {
	t.Parallel()
	s := bareSite(t, "")
	e := s.enrollEdge()
	fronts := map[string]string{"smtp": "127.0.0.1:" + freePort(t), "dns": "127.0.0.1:" + freePort(t)}
	text := e.read("saltmine.toml")
	for section, addr := range fronts {
		before, after, _ := strings.Cut(text, "["+section+"]")
		text = before + "[" + section + "]" + strings.Replace(after, "127.0.0.1:0", addr, 1)
	}
	e.write("saltmine.toml", text)
	s.write("saltmine.toml", s.read("saltmine.toml")+"[deadman]\nevery = \"1s\"\nsilence = \"5s\"\nsmtp = [\""+fronts["smtp"]+"\"]\ndns = [\""+fronts["dns"]+"\"]\n")
	edge := e.start("edge")
	core := s.serve()
	reg := s.open()
	through := func() (n int) {
		states, err := reg.Fronts(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for kind, addr := range fronts {
			if !states[kind+" "+addr].Came.IsZero() {
				n++
			}
		}
		return n
	}
	silent := func() (n int) {
		list, err := reg.Notices(t.Context(), registry.NoticeFilter{})
		if err != nil {
			t.Fatal(err)
		}
		for _, one := range list {
			if one.Kind == canary.NoticeDeadman && one.Over.IsZero() && slices.ContainsFunc([]string{fronts["smtp"], fronts["dns"]}, func(addr string) bool { return strings.Contains(one.Text, addr) }) {
				n++
			}
		}
		return n
	}
	eventually(t, "both fronts of the edge come through", func() bool { return through() == 2 })
	edge.kill()
	eventually(t, "both are silent", func() bool { return silent() == 2 })
	edge = e.start("edge")
	eventually(t, "neither is silent", func() bool { return silent() == 0 })
	if list, err := reg.Incidents(t.Context(), 10); err != nil || len(list) != 0 {
		t.Errorf("incidents: %+v, %v", list, err)
	}
	tokens, err := reg.DrillTokens(t.Context(), canary.Deadman)
	if err != nil || len(tokens) == 0 {
		t.Fatalf("%v, %v", tokens, err)
	}
	for what, log := range map[string]*logBuffer{"edge": edge.log, "core": core.log} {
		for _, tok := range tokens {
			if strings.Contains(log.String(), tok.Text) {
				t.Errorf("the log of the %s names a token of the switch", what)
			}
		}
	}
}
