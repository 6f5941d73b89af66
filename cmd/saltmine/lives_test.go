package main

import (
	"database/sql"
	"encoding/json"
	"net/http"
	"os/user"
	"slices"
	"strings"
	"testing"

	"saltmine/internal/canary"
	"saltmine/internal/registry"
	"saltmine/internal/webhook"
	"saltmine/listener/desk"
)

// sqlite is a connection to the site's registry, past everything of ours.
func (s *site) sqlite() *sql.Conn {
	s.t.Helper()
	db, err := sql.Open("sqlite", "file:"+s.path("saltmine.db")+"?_pragma=busy_timeout(20000)")
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { db.Close() }) // the test is over
	conn, err := db.Conn(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	return conn
}

// tokens are the texts of a canary's tokens of one kind, oldest first.
func (s *site) tokens(reg *registry.Registry, id canary.ID, kind canary.Kind) []canary.DatedToken {
	s.t.Helper()
	list, err := reg.Plantings(s.t.Context(), canary.Filter{IDs: []canary.ID{id}})
	if err != nil || len(list) != 1 {
		s.t.Fatalf("%d canaries, %v", len(list), err)
	}
	var out []canary.DatedToken
	for _, tok := range list[0].Tokens {
		if tok.Kind == kind {
			out = append(out, tok)
		}
	}
	slices.SortFunc(out, func(a, b canary.DatedToken) int { return a.Window.From.Earliest.Compare(b.Window.From.Earliest) })
	return out
}

// TestLives follows canaries through what can happen to them: looked at,
// changed in place, withdrawn, deleted by somebody; and what still comes of
// contacts to them. Every command speaks JSON on the way.
func TestLives(t *testing.T) {
	t.Parallel()
	s, reg, marks := planted(t, 10)
	srv := s.serve()
	t.Run("reveal is recorded", func(t *testing.T) { s.as(t).reveals(marks[0]) })
	var changed canary.ID
	t.Run("old and new address", func(t *testing.T) { changed = s.as(t).rotates(reg, srv) })
	marks = slices.DeleteFunc(marks, func(p prey) bool { return p.id == changed })
	t.Run("withdrawn", func(t *testing.T) { s.as(t).withdraws(reg, srv, marks[1]) })
	t.Run("deleted by hand", func(t *testing.T) { s.as(t).deleted(marks[2]) })
	t.Run("json", func(t *testing.T) { s.as(t).speaksJSON(srv, marks[3]) })
}

func (s *site) reveals(p prey) {
	s.t.Helper()
	conn := s.sqlite()
	recorded := func() (who []string) {
		rows, err := conn.QueryContext(s.t.Context(), "SELECT who FROM reveals WHERE canary = ?", p.id)
		if err != nil {
			s.t.Fatal(err)
		}
		defer rows.Close() // Err tells
		for rows.Next() {
			var name string
			if err := rows.Scan(&name); err != nil {
				s.t.Fatal(err)
			}
			who = append(who, name)
		}
		if err := rows.Err(); err != nil {
			s.t.Fatal(err)
		}
		return who
	}
	masked := s.run("show", string(p.id)) + s.run("list")
	for _, secret := range []string{p.name, p.email, p.phone, p.ticket} {
		if strings.Contains(masked, secret) {
			s.t.Errorf("%q is shown without --reveal", secret)
		}
	}
	if who := recorded(); len(who) != 0 {
		s.t.Errorf("recorded without --reveal: %v", who)
	}
	wants(s.t, s.run("show", string(p.id), "--reveal"), p.name, p.email, p.phone, p.ticket)
	me, err := user.Current()
	if err != nil {
		s.t.Fatal(err)
	}
	if who := recorded(); !slices.Equal(who, []string{me.Username}) {
		s.t.Errorf("recorded: %v, want %s once", who, me.Username)
	}
	wants(s.t, s.fails(exitFailed, "show", "c_nosuchnosuchnosu"), "canary c_nosuchnosuchnosu", "not in the registry", "hint: 'saltmine list'")
}

// hits waits until a token of the canary is hit by so many contacts, and gives
// the newest incident.
func (s *site) hits(reg *registry.Registry, tokens ...canary.TokenID) canary.IncidentID {
	s.t.Helper()
	var id canary.IncidentID
	eventually(s.t, "the contacts are hits of an incident", func() bool {
		list, err := reg.Incidents(s.t.Context(), 10)
		if err != nil {
			s.t.Fatal(err)
		}
		found := map[canary.TokenID]bool{}
		for _, inc := range list {
			hits, err := reg.IncidentHits(s.t.Context(), inc.ID)
			if err != nil {
				s.t.Fatal(err)
			}
			for _, h := range hits {
				found[h.Token], id = true, inc.ID
			}
		}
		return !slices.ContainsFunc(tokens, func(tok canary.TokenID) bool { return !found[tok] })
	})
	return id
}

// rotates lets the program choose a canary to change, and gives its id.
func (s *site) rotates(reg *registry.Registry, srv *running) canary.ID {
	s.t.Helper()
	wants(s.t, s.run("rotate", "--count", "1"), "1 changed")
	var id canary.ID
	for _, p := range s.plantings(reg) {
		if len(s.tokens(reg, p.ID, canary.Email)) == 2 {
			id = p.ID
		}
	}
	both := s.tokens(reg, id, canary.Email)
	if both[0].Window.Until.IsZero() || !both[1].Window.Until.IsZero() {
		s.t.Fatalf("windows after the change: %+v, %+v", both[0].Window, both[1].Window)
	}
	if n := s.count("SELECT COUNT(*) FROM customers WHERE email = ?", both[1].Text); n != 1 {
		s.t.Errorf("%d rows have the new address", n)
	}
	for _, tok := range both {
		if !sendMarked(s.t.Context(), srv.addrs["smtp"], tok.Text, "hello") {
			s.t.Errorf("mail to the address of window %+v is refused", tok.Window)
		}
	}
	incident := s.hits(reg, both[0].ID, both[1].ID)
	var got struct {
		Trace struct {
			Hits []struct {
				Token   canary.TokenID
				Canary  canary.ID
				Windows []canary.Window
			}
		}
	}
	if err := json.Unmarshal([]byte(s.run("trace", "--incident", string(incident), "--output", "json")), &got); err != nil {
		s.t.Fatal(err)
	}
	seen := map[canary.TokenID]canary.Window{}
	for _, h := range got.Trace.Hits {
		if h.Canary == id && len(h.Windows) == 1 {
			seen[h.Token] = h.Windows[0]
		}
	}
	for _, tok := range both {
		if w := seen[tok.ID]; w.From != tok.Window.From || w.Until != tok.Window.Until {
			s.t.Errorf("trace gives the window %+v for a token of %+v", w, tok.Window)
		}
	}
	wants(s.t, s.run("trace", "--incident", string(incident)), string(both[0].ID), string(both[1].ID))
	return id
}

func (s *site) withdraws(reg *registry.Registry, srv *running, p prey) {
	s.t.Helper()
	wants(s.t, s.run("withdraw", string(p.id), "--dry-run"), "DELETE FROM `tickets`", "DELETE FROM `customers`")
	if n := s.count("SELECT COUNT(*) FROM customers WHERE email = ?", p.email); n != 1 {
		s.t.Fatalf("%d rows have the canary's address after a dry run", n)
	}
	wants(s.t, s.run("withdraw", string(p.id)), "1 withdrawn, 0 were gone already")
	if n := s.count("SELECT COUNT(*) FROM customers WHERE email = ?", p.email); n != 0 {
		s.t.Fatalf("%d rows have the canary's address after it was withdrawn", n)
	}
	tok := s.tokens(reg, p.id, canary.Ticket)[0]
	if err := desk.Post(s.t.Context(), http.DefaultClient, "http://"+srv.addrs["ticket"], webhook.Hidden(testAgent), desk.Quote{Ticket: tok.Text}); err != nil {
		s.t.Fatal(err)
	}
	if !sendMarked(s.t.Context(), srv.addrs["smtp"], p.email, "hello") {
		s.t.Error("mail to a withdrawn canary is refused")
	}
	s.hits(reg, tok.ID, s.tokens(reg, p.id, canary.Email)[0].ID)
	wants(s.t, s.fails(exitFailed, "withdraw", string(p.id), "c_nosuchnosuchnosu"), "canary c_nosuchnosuchnosu in db:main: not in the registry")
	wants(s.t, s.fails(exitFailed, "withdraw", "--batch", "nosuch"), "batch nosuch in db:main: not in the registry")
	wants(s.t, s.fails(exitFailed, "verify", "--batch", "nosuch"), "batch nosuch in db:main: not in the registry")
	wants(s.t, s.fails(exitUsage, "withdraw"), "say which")
}

func (s *site) deleted(p prey) {
	s.t.Helper()
	wants(s.t, s.run("verify"), " 0 findings")
	for _, query := range []string{"DELETE FROM tickets WHERE customer_id = (SELECT id FROM customers WHERE email = ?)", "DELETE FROM customers WHERE email = ?"} {
		if _, err := s.db.ExecContext(s.t.Context(), query, p.email); err != nil {
			s.t.Fatal(err)
		}
	}
	out := s.fails(exitFound, "verify", "--output", "json")
	if !json.Valid([]byte(out)) {
		s.t.Errorf("verify with findings prints no JSON:\n%s", out)
	}
	wants(s.t, out, string(p.id), `"problem": "deleted"`, `"vanished": 1`)
	if strings.Contains(out, p.email) || strings.Contains(out, p.name) {
		s.t.Errorf("verify names the canary: %s", out)
	}
	wants(s.t, s.run("verify"), " 0 findings") // it vanishes once
}

// speaksJSON runs every command that prints a result with --output json.
func (s *site) speaksJSON(srv *running, p prey) {
	s.t.Helper()
	s.write("extracts.csv", "id,actor,taken_at,place\nX-1,anna,2025-03-01T09:30:00Z,db:main")
	s.write("me.token", testAgent)
	for _, args := range [][]string{
		{"init", s.path("another")}, {"check"}, {"inspect"}, {"plant", "--count", "2", "--dry-run"}, {"plant", "--count", "2"}, {"rotate", "--dry-run"}, {"rotate", "--kind", "phone"},
		{"withdraw", string(p.id), "--dry-run"}, {"withdraw", string(p.id)}, {"list"}, {"show", string(p.id)}, {"incidents"}, {"trace"},
		{"extracts", "import", s.path("extracts.csv")}, {"ticket", p.ticket, "--token-file", s.path("me.token"), "--url", "http://" + srv.addrs["ticket"]},
	} {
		out := s.run(append(args, "--output", "json")...)
		if !json.Valid([]byte(out)) {
			s.t.Errorf("saltmine %s --output json:\n%s", strings.Join(args, " "), out)
		}
		if strings.Contains(out, "\x1b") {
			s.t.Errorf("saltmine %s paints where there is no terminal", args[0])
		}
	}
}
