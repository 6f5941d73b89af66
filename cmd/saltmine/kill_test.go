package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/smtp"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/helpdesk"
	"saltmine/internal/registry"
	"saltmine/internal/webhook"
	"saltmine/listener/desk"
)

func smallDesk() helpdesk.Config {
	return helpdesk.Config{Customers: 3000, Tickets: 4500, Seed: 11, From: time.Date(2021, 1, 1, 0, 0, 0, 0, time.UTC), To: time.Now().UTC().Add(-time.Hour)}
}

// TestKillServe kills serve again and again while 200 contacts are made:
// acknowledged ⊆ recorded ⊆ tried, nothing twice, every planted hit paged.
func TestKillServe(t *testing.T) {
	t.Parallel()
	dsn, db := mariadb.MariaDB(t).HelpDesk(t, smallDesk())
	s := newSite(t, dsn, db)
	s.run("plant", "--count", "60", "--batch", "first", "--with", "phone,ticket")
	reg := s.open()
	tries := s.tries(reg, 200)

	var mu sync.Mutex
	srv := s.serve()
	addr := func(ear string) string {
		mu.Lock()
		defer mu.Unlock()
		return srv.addrs[ear]
	}
	acked := make(chan string, len(tries))
	working := make(chan struct{})
	go func() { // ends when all contacts were tried
		defer close(working)
		var wg sync.WaitGroup
		lanes := make(chan try)
		for range 4 {
			wg.Go(func() {
				for x := range lanes {
					if x.make(t.Context(), addr) {
						acked <- x.mark
					}
				}
			})
		}
		for _, x := range tries {
			lanes <- x
			time.Sleep(20 * time.Millisecond) // so that the kills fall among the contacts
		}
		close(lanes)
		wg.Wait()
	}()
	kills := 0
	for running := true; running; {
		select {
		case <-working:
			running = false
		case <-time.After(time.Duration(150+rand.IntN(500)) * time.Millisecond):
			mu.Lock()
			srv.kill()
			kills++
			srv = s.serve()
			mu.Unlock()
		}
	}
	close(acked)
	srv.kill()
	srv = s.serve() // the last start takes in whatever is left, and closes cut dialogues
	if kills < 3 {
		t.Errorf("only %d kills fell among the contacts", kills)
	}
	var yes []string
	for mark := range acked {
		yes = append(yes, mark)
	}
	if len(yes) < 20 {
		t.Fatalf("only %d contacts were acknowledged", len(yes))
	}
	s.checkRecorded(reg, srv, tries, yes)
}

// try is one contact with a mark that is found again in its evidence.
type try struct {
	mark string
	make func(ctx context.Context, addr func(ear string) string) (acknowledged bool)
}

// tries makes n contacts to the tokens that are planted, each token at most twice.
func (s *site) tries(reg *registry.Registry, n int) []try {
	s.t.Helper()
	tokens, err := reg.PlantedTokens(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	var out []try
	for i := range n {
		tok := tokens[i%len(tokens)]
		mark := fmt.Sprintf("mark%06dz", i)
		x := try{mark: mark}
		switch tok.Kind {
		case canary.Email:
			x.make = func(ctx context.Context, addr func(string) string) bool {
				return sendMarked(ctx, addr("smtp"), tok.Text, mark)
			}
		case canary.Phone:
			x.make = func(_ context.Context, addr func(string) string) bool {
				return postForm(s.t, addr("phone"), "/twilio/voice", callForm(prey{phone: tok.Text, name: mark}, i), testTwilio) == http.StatusOK
			}
		case canary.Ticket:
			x.make = func(ctx context.Context, addr func(string) string) bool {
				return desk.Post(ctx, http.DefaultClient, "http://"+addr("ticket"), webhook.Hidden(testAgent), desk.Quote{Ticket: tok.Text, Note: mark}) == nil
			}
		}
		out = append(out, x)
	}
	return out
}

func sendMarked(_ context.Context, addr, to, mark string) bool {
	text := "From: a@scam.example\r\nTo: " + to + "\r\nSubject: " + mark + "\r\n\r\nCall us.\r\n"
	return smtp.SendMail(addr, nil, "a@scam.example", []string{to}, []byte(text)) == nil
}

// marks counts in how many recorded contacts each try is found.
func (s *site) marks(reg *registry.Registry, tries []try) map[string]int {
	s.t.Helper()
	ids, err := reg.ContactIDs(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	seen := map[string]int{}
	for _, id := range ids {
		c, err := reg.Contact(s.t.Context(), id)
		if err != nil {
			s.t.Fatal(err)
		}
		for _, x := range tries {
			if strings.Contains(string(c.Raw), x.mark) {
				seen[x.mark]++
			}
		}
	}
	return seen
}

// checkRecorded compares what was acknowledged and tried with the registry.
func (s *site) checkRecorded(reg *registry.Registry, srv *running, tries []try, yes []string) {
	s.t.Helper()
	var incidents []canary.Incident
	var seen map[string]int
	// Some that were filed were never acknowledged: a count alone says nothing.
	eventually(s.t, "everything acknowledged is filed and paged", func() bool {
		counts, err := reg.ContactCounts(s.t.Context())
		if err != nil {
			s.t.Fatal(err)
		}
		if incidents, err = reg.Incidents(s.t.Context(), 10); err != nil {
			s.t.Fatal(err)
		}
		pages, _ := s.hook.received()
		sum := counts["smtp"] + counts["voice"] + counts["ticket"]
		if sum < len(yes) || counts["pending"] != 0 || len(incidents) == 0 || len(pages) == 0 {
			return false
		}
		seen = s.marks(reg, tries)
		return !slices.ContainsFunc(yes, func(mark string) bool { return seen[mark] == 0 })
	})
	for mark, n := range seen {
		if n > 1 {
			s.t.Errorf("%s is recorded %d times", mark, n)
		}
	}
	// The agent who quotes so many planted tickets is an incident of its own.
	desk := map[canary.IncidentID]bool{}
	incidents = slices.DeleteFunc(incidents, func(inc canary.Incident) bool {
		_, at := inc.Place.Agent()
		desk[inc.ID] = at
		return at
	})
	if len(incidents) != 1 {
		s.t.Fatalf("%d incidents for one place and minute", len(incidents))
	}
	hits, err := reg.IncidentHits(s.t.Context(), incidents[0].ID)
	if err != nil {
		s.t.Fatal(err)
	}
	hit := map[canary.ContactID]bool{}
	for _, h := range hits {
		hit[h.Contact] = true
	}
	if len(hit) < len(yes) {
		s.t.Errorf("%d contacts hit planted tokens and were paged, %d were acknowledged", len(hit), len(yes))
	}
	pages, _ := s.hook.received()
	pages = slices.DeleteFunc(pages, func(p canary.Page) bool { return desk[p.Incident] })
	for _, p := range pages {
		if p.Incident != incidents[0].ID {
			s.t.Errorf("page %s is about incident %s", p.ID, p.Incident)
		}
	}
	if len(pages) != 1 {
		s.t.Errorf("%d different pages for one incident", len(pages))
	}
	s.t.Logf("%d tried, %d acknowledged, %d filed; log of the last run: %d bytes", len(tries), len(yes), len(seen), len(srv.log.String()))
}

// TestKillPlant kills plant 50 times at random moments and resumes it: the
// count asked for stands exactly, registered, with no orphan in either database.
func TestKillPlant(t *testing.T) {
	t.Parallel()
	dsn, db := mariadb.MariaDB(t).HelpDesk(t, smallDesk())
	s := newSite(t, dsn, db)
	var before int
	if err := db.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM customers").Scan(&before); err != nil {
		t.Fatal(err)
	}
	asked, kills := 0, 0
	for batch := 0; kills < 50; batch++ {
		asked += 150
		args := []string{"plant", "--count", "150", "--with", "phone,ticket", "--batch", fmt.Sprintf("b%d", batch)}
		for done := false; !done; {
			cmd := s.command(args...)
			var said bytes.Buffer
			cmd.Stderr = &said
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			ended := make(chan error, 1)
			go func() { ended <- cmd.Wait() }() // ends with the process
			var wait <-chan time.Time
			if kills < 50 {
				wait = time.After(time.Duration(300+rand.IntN(1200)) * time.Millisecond)
			}
			select {
			case err := <-ended:
				if err != nil {
					t.Fatalf("plant: %v\n%s", err, said.String())
				}
				done = true
			case <-wait:
				cmd.Process.Kill() //nolint:errcheck // it may have ended
				err := <-ended
				exit, ok := errors.AsType[*exec.ExitError](err)
				switch {
				case ok && exit.ExitCode() == -1: // by our signal
					kills++
				case err != nil:
					t.Fatalf("plant: %v\n%s", err, said.String())
				}
			}
		}
	}
	s.checkPlanted(asked, before)
	t.Logf("%d kills, %d canaries", kills, asked)
}

func (s *site) checkPlanted(asked, before int) {
	s.t.Helper()
	reg := s.open()
	stands := map[string]bool{}
	tickets := map[string]bool{}
	n := 0
	for _, p := range s.plantings(reg) {
		if p.State != canary.Planted && p.State != canary.Verified {
			continue
		}
		n++
		for _, tok := range p.Tokens {
			switch tok.Kind {
			case canary.Email:
				stands[tok.Text] = true
			case canary.Ticket:
				tickets[tok.Text] = true
			}
			if !tok.Window.From.Come() {
				s.t.Errorf("the window of %s never opened", tok.Token)
			}
		}
	}
	if n != asked || len(stands) != asked {
		s.t.Errorf("%d canaries with %d addresses stand in the registry, %d were asked for", n, len(stands), asked)
	}
	var customers int
	if err := s.db.QueryRowContext(s.t.Context(), "SELECT COUNT(*) FROM customers").Scan(&customers); err != nil {
		s.t.Fatal(err)
	}
	if customers != before+asked {
		s.t.Errorf("%d customers stand in the support database, %d and %d canaries are wanted", customers, before, asked)
	}
	orphans := 0
	rows, err := s.db.QueryContext(s.t.Context(), "SELECT c.email, t.number FROM customers c LEFT JOIN tickets t ON t.customer_id = c.id WHERE c.email LIKE '%.example'")
	if err != nil {
		s.t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var email, number string
		if err := rows.Scan(&email, &number); err != nil {
			s.t.Fatal(err)
		}
		if !stands[strings.ToLower(email)] || !tickets[strings.ReplaceAll(number, "-", "")] {
			orphans++
		}
	}
	if err := rows.Err(); err != nil {
		s.t.Fatal(err)
	}
	if orphans > 0 {
		s.t.Errorf("%d rows of the support database are not in the registry", orphans)
	}
	if out := s.run("verify"); !strings.Contains(out, "0 findings") {
		s.t.Errorf("verify: %s", out)
	}
}
