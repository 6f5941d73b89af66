package main

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/helpdesk"
	"saltmine/internal/registry"
	"saltmine/internal/webhook"
	"saltmine/listener/desk"
)

// TestMainJob is the main job on real input: 500 canaries among 100,000
// customers and 150,000 tickets in MariaDB, 1,000 extracts, 20 contacts by real
// clients, one incident, one page, the right extract, and no token in the open.
func TestMainJob(t *testing.T) {
	dsn, db := mariadb.MariaDB(t).HelpDesk(t, helpdesk.Config{
		Customers: 100_000, Tickets: 150_000, Seed: 7,
		From: time.Date(2019, 1, 1, 0, 0, 0, 0, time.UTC), To: time.Now().UTC().Add(-time.Hour),
	})
	s := newSite(t, dsn, db)
	planted := s.run("plant", "--count", "500", "--batch", "first", "--output", "json")
	var report struct{ Live int }
	if err := json.Unmarshal([]byte(planted), &report); err != nil || report.Live != 500 {
		t.Fatalf("plant said %s (%v)", planted, err)
	}
	s.run("verify")
	srv := s.serve()
	reg := s.open()
	leak := s.takeExtracts(reg, 1000)
	s.run("extracts", "import", s.path("extracts.csv"))

	prey := s.choosePrey(reg, leak, 20)
	sent := map[canary.Channel]int{}
	for i, p := range prey {
		sent[s.contact(srv, i, p)]++
	}
	s.checkIncident(reg, sent)
	s.checkTrace(leak)
	s.checkSecrecy(reg, srv)
	incidents, err := reg.Incidents(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	s.run("verdict", string(incidents[0].ID), "drill")
	if out := s.run("incidents"); !strings.Contains(out, string(incidents[0].ID)) || !strings.Contains(out, "drill") {
		t.Errorf("after the verdict: %s", out)
	}
}

// leakedExtract is the one of the extracts that is given away.
type leakedExtract struct {
	id, actor string
	held      map[canary.ID]bool
}

// takeExtracts runs n queries on the support database and logs them as CSV with
// the canaries whose rows came back.
func (s *site) takeExtracts(reg *registry.Registry, n int) leakedExtract {
	s.t.Helper()
	emails := map[string]canary.ID{}
	for _, p := range s.plantings(reg) {
		for _, tok := range p.Tokens {
			if tok.Kind == canary.Email {
				emails[tok.Text] = p.ID
			}
		}
	}
	rows := s.canaryRows(emails)
	f, err := os.Create(s.path("extracts.csv"))
	if err != nil {
		s.t.Fatal(err)
	}
	defer f.Close()
	w := csv.NewWriter(f)
	w.Write([]string{"id", "actor", "taken_at", "place", "canaries"}) //nolint:errcheck // Error tells
	rng := rand.New(rand.NewPCG(1, 2))
	leak := leakedExtract{id: "X-0417", held: map[canary.ID]bool{}}
	for i := range n {
		id, actor := fmt.Sprintf("X-%04d", i), fmt.Sprintf("agent%02d", rng.IntN(80))
		pick := somePredicate(rng)
		if id == leak.id {
			leak.actor = actor
			pick = oneIn(3, 68000) // a list of its own, such as a range of keys
		}
		var held []string
		for _, r := range rows {
			if pick(r) {
				held = append(held, string(r.id))
				if id == leak.id {
					leak.held[r.id] = true
				}
			}
		}
		w.Write([]string{id, actor, time.Now().UTC().Format(time.RFC3339Nano), "db:main", strings.Join(held, " ")}) //nolint:errcheck // Error tells
	}
	w.Flush()
	if err := w.Error(); err != nil {
		s.t.Fatal(err)
	}
	return leak
}

// canaryRow is a canary as it stands in the support database.
type canaryRow struct {
	id                                 canary.ID
	country, language, product, status string
}

// canaryRows reads the canaries' rows back out of the support database.
func (s *site) canaryRows(emails map[string]canary.ID) []canaryRow {
	s.t.Helper()
	rows, err := s.db.QueryContext(s.t.Context(), "SELECT email, country, language, product, status FROM customers ORDER BY id")
	if err != nil {
		s.t.Fatal(err)
	}
	defer rows.Close()
	var out []canaryRow
	for rows.Next() {
		var email string
		var r canaryRow
		if err := rows.Scan(&email, &r.country, &r.language, &r.product, &r.status); err != nil {
			s.t.Fatal(err)
		}
		if r.id = emails[strings.ToLower(email)]; r.id != "" {
			out = append(out, r)
		}
	}
	if err := rows.Err(); err != nil {
		s.t.Fatal(err)
	}
	if len(out) != len(emails) {
		s.t.Fatalf("%d of %d canaries stand in the support database", len(out), len(emails))
	}
	return out
}

func somePredicate(rng *rand.Rand) func(canaryRow) bool {
	country := []string{"GB", "DE", "FR", "US", "AT", "IE"}[rng.IntN(6)]
	switch rng.IntN(4) {
	case 0:
		return func(r canaryRow) bool { return r.country == country }
	case 1:
		return func(r canaryRow) bool { return r.country == country && r.status == "active" }
	case 2:
		return oneIn(10, rng.Uint64())
	}
	return func(canaryRow) bool { return true } // a backup
}

// oneIn chooses one row in n, others for each salt.
func oneIn(n, salt uint64) func(canaryRow) bool {
	return func(r canaryRow) bool {
		h := fnv.New64a()
		fmt.Fprintf(h, "%d %s", salt, r.id) //nolint:errcheck // a hash takes everything
		return h.Sum64()%n == 0
	}
}

func (s *site) plantings(reg *registry.Registry) []canary.Planting {
	s.t.Helper()
	list, err := reg.Plantings(s.t.Context(), canary.Filter{})
	if err != nil {
		s.t.Fatal(err)
	}
	return list
}

// choosePrey takes n canaries of the leak, the ith with the token that contact
// uses for it: only canaries of the numbers' own countries have a number, and
// hits among them alone would fit an extract of that country better.
func (s *site) choosePrey(reg *registry.Registry, leak leakedExtract, n int) []prey {
	s.t.Helper()
	var held []prey
	for _, p := range s.plantings(reg) {
		if !leak.held[p.ID] {
			continue
		}
		held = append(held, preyOf(p))
	}
	out := make([]prey, n)
	for i := range out {
		at := slices.IndexFunc(held, func(q prey) bool {
			return i%5 < 3 || i%5 == 3 && q.phone != "" && q.ticket != "" || i%5 == 4 && q.ticket != ""
		})
		if at < 0 {
			s.t.Fatalf("the leak holds no further canary for contact %d of %d", i+1, n)
		}
		out[i] = held[at]
		held = slices.Delete(held, at, at+1)
	}
	return out
}

// prey is a leaked canary as the thief has it.
type prey struct {
	id                         canary.ID
	name, email, phone, ticket string
}

func preyOf(p canary.Planting) prey {
	q := prey{id: p.ID, name: p.Name}
	for _, tok := range p.Tokens {
		if !tok.Window.Until.IsZero() {
			continue // changed since
		}
		switch tok.Kind {
		case canary.Email:
			q.email = tok.Text
		case canary.Phone:
			q.phone = tok.Text
		case canary.Ticket:
			q.ticket = tok.Text
		}
	}
	return q
}

// contact reaches the ith canary by one of the real ways and says which.
func (s *site) contact(srv *running, i int, p prey) canary.Channel {
	s.t.Helper()
	switch i % 5 {
	case 0, 1, 2:
		_, domain, _ := strings.Cut(p.email, "@")
		host, port, _ := strings.Cut(srv.addrs["dns"], ":")
		s.tool("kdig", "@"+host, "-p", port, "+noall", "+answer", domain, "MX")
		s.tool("swaks", "--server", srv.addrs["smtp"], "--to", p.email, "--from", "billing@scam.example", "--helo", "mail.scam.example",
			"--header", "Subject: Your subscription", "--body", "Call us at once.", "--suppress-data")
		return canary.SMTP
	case 3:
		if i%2 == 1 {
			s.signedCall(srv, p, i)
			return canary.Voice
		}
		s.signedGeneric(srv, p, i)
		return canary.Voice
	}
	err := desk.Post(s.t.Context(), http.DefaultClient, "http://"+srv.addrs["ticket"], webhook.Hidden(testAgent), desk.Quote{Ticket: p.ticket, Caller: "+12025550143"})
	if err != nil {
		s.t.Fatal(err)
	}
	return canary.ByTicket
}

func (s *site) tool(name string, args ...string) {
	s.t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		s.t.Fatalf("%s is needed: run 'make test', which installs it", name)
	}
	out, err := exec.CommandContext(s.t.Context(), name, args...).CombinedOutput()
	if err != nil {
		s.t.Fatalf("%s: %v\n%s", name, err, out)
	}
}

func callForm(p prey, i int) url.Values {
	return url.Values{
		"CallSid": {fmt.Sprintf("CA%032d", i)}, "AccountSid": {"AC1"}, "From": {"+12025550143"}, "To": {p.phone}, "CallStatus": {"ringing"}, "Direction": {"inbound"},
		"SpeechResult": {"This is support, am I speaking to " + p.name + "?"},
	}
}

// postForm posts a Twilio form with a signature made with key and returns the status.
func postForm(t *testing.T, addr, path string, form url.Values, key string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+addr+path, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("X-Twilio-Signature", webhook.TwilioSignature(key, testCalls+path, form))
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0
	}
	resp.Body.Close()
	return resp.StatusCode
}

func (s *site) signedCall(srv *running, p prey, i int) {
	s.t.Helper()
	if status := postForm(s.t, srv.addrs["phone"], "/twilio/voice", callForm(p, i), testTwilio); status != http.StatusOK {
		s.t.Fatalf("signed call: status %d", status)
	}
}

func (s *site) signedGeneric(srv *running, p prey, i int) {
	s.t.Helper()
	body, err := json.Marshal(map[string]string{"id": fmt.Sprintf("ev-%06d", i), "type": "voice", "from": "+12025550144", "to": p.phone, "text": "Good day " + p.name + ", your ticket " + p.ticket})
	if err != nil {
		s.t.Fatal(err)
	}
	secret, err := webhook.ParseSecret(testGeneric)
	if err != nil {
		s.t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost, "http://"+srv.addrs["phone"]+"/generic", strings.NewReader(string(body)))
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	webhook.SetHeaders(req.Header, secret, fmt.Sprintf("msg_%06d", i), time.Now(), body)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		s.t.Fatalf("signed generic call: status %d", resp.StatusCode)
	}
}

// checkIncident wants every contact filed once, one incident, one page.
func (s *site) checkIncident(reg *registry.Registry, sent map[canary.Channel]int) {
	s.t.Helper()
	total := 0
	for _, n := range sent {
		total += n
	}
	var list []canary.Incident
	eventually(s.t, "all contacts in one incident, paged", func() bool {
		var err error
		if list, err = reg.Incidents(s.t.Context(), 10); err != nil {
			s.t.Fatal(err)
		}
		// The agent who was told four planted numbers has an incident besides.
		list = slices.DeleteFunc(list, func(inc canary.Incident) bool { return inc.Place != "db:main" })
		return len(list) == 1 && list[0].Contacts == total && len(s.pagesAbout("db:main")) == 1
	})
	counts, err := reg.ContactCounts(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	for ch, n := range sent {
		if counts[string(ch)] != n {
			s.t.Errorf("%d %s contacts are filed, %d were made", counts[string(ch)], ch, n)
		}
	}
	inc := list[0]
	if inc.Canaries != total || inc.Support == 0 || inc.Severity != canary.P1 {
		s.t.Errorf("incident: %+v", inc)
	}
	all, _ := s.hook.received()
	if pages := s.pagesAbout("db:main"); len(pages) != 1 || s.hook.posts != len(all) || pages[0].Incident != inc.ID {
		s.t.Errorf("%d pages for one incident; %d in %d posts", len(pages), len(all), s.hook.posts)
	}
}

// pagesAbout are the pages that came about a place.
func (s *site) pagesAbout(place canary.Place) []canary.Page {
	pages, _ := s.hook.received()
	return slices.DeleteFunc(pages, func(p canary.Page) bool { return p.Place != place })
}

// checkTrace wants the leaked extract first, DNS without weight.
func (s *site) checkTrace(leak leakedExtract) {
	s.t.Helper()
	var got struct {
		Trace struct {
			Hits     []any
			Suspects []struct {
				Extract, Actor string
				Unlogged       bool
				Explains, Of   int
			}
		}
	}
	out := s.run("trace", "--output", "json")
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		s.t.Fatal(err)
	}
	const hits = 20 + 2 // two of the callers quote the ticket of the record as well
	first := got.Trace.Suspects[0]
	if first.Extract != leak.id || first.Actor != leak.actor || first.Explains != hits || len(got.Trace.Hits) != hits {
		s.t.Errorf("first suspect %+v of %d hits, want %s by %s and all", first, len(got.Trace.Hits), leak.id, leak.actor)
	}
	if len(got.Trace.Suspects) != 1001 {
		s.t.Errorf("%d suspects, want 1,000 extracts and the log's gap", len(got.Trace.Suspects))
	}
	if text := s.run("trace"); !strings.Contains(text, "access window") || !strings.Contains(text, leak.id) {
		s.t.Errorf("trace as text:\n%s", text)
	}
}
