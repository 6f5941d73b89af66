package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/inventory"
	"saltmine/internal/registry"
	"saltmine/seeder"
)

// TestVanishedIsTold removes canaries behind Saltmine's back. Verify finds them
// once and says so with exit code 3, and the notice is paged and can be
// acknowledged; what stands otherwise than it was planted is another one.
func TestVanishedIsTold(t *testing.T) {
	t.Parallel()
	dsn, db := mariadb.MariaDB(t).HelpDesk(t, smallDesk())
	s := newSite(t, dsn, db)
	s.run("plant", "--count", "5", "--batch", "b")
	s.run("verify")
	exec := func(query string) {
		t.Helper()
		if _, err := db.ExecContext(t.Context(), query); err != nil {
			t.Fatal(err)
		}
	}
	const ours = " WHERE email LIKE '%.example'"
	exec("DELETE FROM tickets WHERE customer_id IN (SELECT id FROM (SELECT id FROM customers" + ours + " ORDER BY id LIMIT 3) AS three)")
	exec("DELETE FROM customers" + ours + " ORDER BY id LIMIT 3")
	exec("UPDATE customers SET last_name = 'Newlywed'" + ours + " ORDER BY id DESC LIMIT 1")
	out := s.fails(exitFound, "verify")
	if !strings.Contains(out, "5 checked, 1 as planted, 4 findings; 3 vanished and are retired") {
		t.Errorf("verify says:\n%s", out)
	}
	s.fails(exitFound, "verify") // the edited one is found again, and told once
	var list []canary.Notice
	if err := json.Unmarshal([]byte(s.run("notices", "--output", "json")), &list); err != nil || len(list) != 2 {
		t.Fatalf("%d notices, %v: %+v", len(list), err, list)
	}
	for _, n := range list {
		switch n.Kind {
		case canary.NoticeVanished:
			if n.Severity != canary.P2 || !strings.HasPrefix(n.Text, "3 of 5 canaries vanished from db:main after 20") {
				t.Errorf("of what vanished: %+v", n)
			}
		default:
			if n.Severity != canary.P4 || n.Text != "1 canaries in db:main were edited" {
				t.Errorf("of what was edited: %+v", n)
			}
		}
		s.run("notices", "--ack", string(n.ID))
	}
	s.fails(exitFailed, "notices", "--ack", "n_nobody")
	if out := s.run("notices"); out != "0 notices\n" {
		t.Errorf("after they were acknowledged:\n%s", out)
	}
	s.serve()
	eventually(t, "the page of what vanished", func() bool {
		pages, _ := s.hook.received()
		return len(pages) == 1 && pages[0].Notice != "" && pages[0].Incident == "" && pages[0].Severity == canary.P2
	})
}

// TestVanishedIsToldBeforeItIsRetired: when the notice cannot be written, the
// next run finds the same again.
func TestVanishedIsToldBeforeItIsRetired(t *testing.T) {
	t.Parallel()
	_, c := poolCore(t, poolSite(t))
	r := seeder.VerifyReport{Checked: 2, Vanished: 1, Findings: []seeder.Finding{{Canary: "c_1", Problem: seeder.Deleted, Vanished: true, Seen: time.Unix(1e9, 0).UTC()}}}
	for want := range 2 {
		raised, err := c.reg.RaiseNotice(t.Context(), c.vanished("db:main", r), c.compose())
		if err != nil || raised != (want == 0) {
			t.Errorf("told for time %d: %v, %v", want+1, raised, err)
		}
	}
	n := c.vanished("db:main", r)
	if n.Severity != canary.P3 || strings.Contains(fmt.Sprint(n.Text, n.Next), "c_1") {
		t.Errorf("notice %+v", n)
	}
}

// TestPoolNotices: findings are told once, without the domain, and what runs
// out is seen without a look from outside.
func TestPoolNotices(t *testing.T) {
	t.Parallel()
	dir := poolSite(t)
	a, c := poolCore(t, dir)
	bad := poolChecker{now: a.now, resolver: zone(t, "example.net. NS ns1.example.org.", "example.net.dbl.example. A 127.0.1.2")}
	a.stdout = t.Output()
	for range 2 {
		if exit, ok := errors.AsType[*exitError](a.poolCheck(t.Context(), c, bad)); !ok || exit.code != exitFound {
			t.Fatal("nothing was found")
		}
	}
	texts := func() string {
		t.Helper()
		list, err := c.reg.Notices(t.Context(), registry.NoticeFilter{})
		if err != nil {
			t.Fatal(err)
		}
		var out []string
		for _, n := range list {
			out = append(out, n.Text+fmt.Sprint(n.Next))
		}
		return strings.Join(out, "\n")
	}
	before := texts()
	for part, times := range map[string]int{"on the block list": 1, "runs out on 2026-09-01": 1, "example.net": 0, "whitfield": 0, "2012345678": 0} {
		if got := strings.Count(before, part); got != times {
			t.Errorf("%q is told %d times, wanted %d:\n%s", part, got, times, before)
		}
	}
	if err := c.filePool(t.Context(), a.now().AddDate(0, 1, 0)); err != nil {
		t.Fatal(err)
	}
	if after := texts(); strings.Count(after, "it ran out on 2026-09-01") != 1 {
		t.Errorf("a month later:\n%s", after)
	}
}

func TestDueItems(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 8, 5, 10, 0, 0, 0, time.UTC)
	var all []inventory.Item
	for n := range 60 { // the first two were never looked at, then one each day
		i := inventory.Item{ID: inventory.ID(fmt.Sprintf("o_%d", n))}
		if n > 1 {
			i.Check.At = now.AddDate(0, 0, -n)
		}
		all = append(all, i)
	}
	var ids []string
	for _, i := range dueItems(all, now) {
		ids = append(ids, string(i.ID))
	}
	if got := strings.Join(ids, " "); got != "o_0 o_1 o_59 o_58" {
		t.Errorf("due are %s", got)
	}
}

// TestWatchChores: serve does both by their timetables, and "" switches them off.
func TestWatchChores(t *testing.T) {
	t.Parallel()
	_, c := poolCore(t, poolSite(t))
	s := &server{core: c}
	names := func() string {
		t.Helper()
		list, err := s.chores()
		if err != nil {
			t.Fatal(err)
		}
		var out []string
		for _, c := range list {
			out = append(out, c.name)
		}
		return strings.Join(out, ", ")
	}
	if got := names(); got != "pool check on schedule" {
		t.Errorf("chores: %s", got)
	}
	c.cfg.Pool.Check.Schedule = ""
	if got := names(); got != "" {
		t.Errorf("chores: %s", got)
	}
	c.cfg.Pool.Check.Schedule = "0 0 30 2 *"
	if _, err := s.chores(); err == nil || !strings.Contains(err.Error(), "[pool] check_schedule") {
		t.Errorf("a time that never comes: %v", err)
	}
}
