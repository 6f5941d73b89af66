package main

import (
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/inventory"
	"saltmine/internal/registry"
	"saltmine/internal/seal"
)

// TestStray calls a number of the pool while it soaks, by a signed call to a
// running serve: it is retired, which is said once, and is never planted.
func TestStray(t *testing.T) {
	t.Parallel()
	dsn, db := mariadb.MariaDB(t).HelpDesk(t, smallDesk())
	s := newSite(t, dsn, db)
	number := testNumbers()[0]
	s.write("numbers.csv", "number\n"+strings.Join(testNumbers()[:2], "\n"))
	text, err := os.ReadFile(s.path("saltmine.toml"))
	if err != nil {
		t.Fatal(err)
	}
	s.write("saltmine.toml", strings.Replace(string(text), `soak = "0s"`, `soak = "30d"`, 1))
	s.run("pool", "list")
	srv := s.serve()
	for i := range 2 {
		if status := postForm(t, srv.addrs["phone"], "/twilio/voice", callForm(prey{phone: number}, i), testTwilio); status != http.StatusOK {
			t.Fatalf("call: status %d", status)
		}
	}
	reg := s.open()
	eventually(t, "the call is taken in", func() bool {
		list, err := reg.Notices(t.Context(), registry.NoticeFilter{Unread: true})
		return err == nil && len(list) > 0
	})
	srv.kill()
	said := s.run("notices")
	wants(t, said, "was contacted by a stranger", "while it soaked, and is retired", "1 notices")
	list := s.run("pool", "list", "--kind", "phone", "--output", "json")
	wants(t, list, `"contacted while it soaked"`)
	if strings.Contains(said+list, number) {
		t.Error("the number is shown")
	}
	items, err := reg.PoolItems(t.Context(), inventory.Filter{})
	if err != nil {
		t.Fatal(err)
	}
	rules := inventory.Rules{Soak: 30 * 24 * time.Hour}
	for n := range items {
		i := &items[n]
		if gone := rules.State(i, time.Now().AddDate(0, 0, 40)) == inventory.Retired; i.Kind == inventory.Phone && gone != (i.Text == number) {
			t.Errorf("%s: retired %v", i, gone)
		}
	}
}

// TestTraceOfAReusedMailbox: a mailbox stood in one row and stands in another.
// Mail that names nobody may come from a copy of either time.
func TestTraceOfAReusedMailbox(t *testing.T) {
	t.Parallel()
	dir := poolSite(t)
	keys, err := seal.Load(filepath.Join(dir, "keys"))
	if err != nil {
		t.Fatal(err)
	}
	day := func(n int) time.Time { return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, n) }
	at := day(0)
	reg, err := registry.Open(t.Context(), registry.Config{DSN: "sqlite:" + filepath.Join(dir, "traced.db"), Vault: keys.Vault, Now: func() time.Time { return at }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { reg.Close() }) // the test is over
	const box = "dana.whitfield@mail.example"
	entered, err := reg.AddPoolItems(t.Context(), []inventory.Item{{Kind: inventory.Mailbox, Text: box, Added: day(-400), Reading: inventory.Reading{ForwardTo: "x@example.net"}}})
	if err != nil {
		t.Fatal(err)
	}
	stand := func(id canary.ID, from time.Time) canary.DatedToken {
		tok := canary.DatedToken{Window: canary.Window{Place: "db:main", From: canary.At(from)}, Token: canary.Token{ID: canary.TokenID(canary.NewID("t")), Kind: canary.Email, Role: canary.RolePlanted, Canary: id, Text: box}}
		p := canary.Planting{ID: id, State: canary.Intended, Batch: "b", Place: "db:main", Name: "Dana Whitfield", Rows: []byte("row"), Tokens: []canary.DatedToken{tok}, Uses: []canary.Use{{Item: entered.Added[0].ID, Token: tok.ID}}}
		if err := reg.Intend(t.Context(), []canary.Planting{p}); err != nil {
			t.Fatal(err)
		}
		return tok
	}
	old := stand("c_aaaaaaaaaaaaaaaa", day(0))
	at = day(30)
	old.Window.Until = canary.At(at)
	if err := reg.Amend(t.Context(), canary.Amendment{Canary: old.Canary, State: canary.Retired, Windows: map[canary.TokenID]canary.Window{old.ID: old.Window}}); err != nil {
		t.Fatal(err)
	}
	at = day(90)
	tok := stand("c_bbbbbbbbbbbbbbbb", at)
	extracts := []canary.Extract{
		{ID: "E-old", Actor: "a", Taken: canary.At(day(10)), Held: []canary.ID{old.Canary}}, {ID: "E-new", Actor: "b", Taken: canary.At(day(95)), Held: []canary.ID{tok.Canary}},
		{ID: "E-between", Actor: "c", Taken: canary.At(day(60)), Held: []canary.ID{old.Canary, tok.Canary}},
	}
	if _, err := reg.ImportExtracts(t.Context(), extracts); err != nil {
		t.Fatal(err)
	}
	at = day(100)
	trace := func(id canary.IncidentID, of canary.DatedToken) map[canary.ExtractID]int {
		o := canary.Outcome{
			Entries:   []canary.Entry{{Contact: canary.Contact{ID: canary.ContactID("k_" + id), Channel: canary.SMTP, At: at, Ear: "smtpd"}}},
			Incidents: []canary.Incident{{ID: id, Place: "db:main", Severity: canary.P2, Opened: at, Updated: at, Contacts: 1, Canaries: 1}},
			Hits:      []canary.Hit{{Contact: canary.ContactID("k_" + id), Token: of.ID, Canary: of.Canary, Role: canary.RolePlanted, Incident: id, Clean: true, At: at}},
		}
		if err := reg.Commit(t.Context(), o); err != nil {
			t.Fatal(err)
		}
		got, err := traceIncident(t.Context(), reg, id, at)
		if err != nil {
			t.Fatal(err)
		}
		out := map[canary.ExtractID]int{"windows": len(got.Answer.Window)}
		for _, s := range got.Answer.Suspects {
			out[s.Extract] = s.Explains
		}
		delete(out, "") // not in the log
		return out
	}
	if got, want := trace("i_aaaaaaaaaaaaaaaa", tok), (map[canary.ExtractID]int{"windows": 2, "E-old": 1, "E-new": 1, "E-between": 0}); !maps.Equal(got, want) {
		t.Errorf("put down to the last: %v, want %v", got, want)
	}
	if got, want := trace("i_bbbbbbbbbbbbbbbb", old), (map[canary.ExtractID]int{"windows": 1, "E-old": 1, "E-new": 0, "E-between": 0}); !maps.Equal(got, want) {
		t.Errorf("it named the first: %v, want %v", got, want)
	}
}
