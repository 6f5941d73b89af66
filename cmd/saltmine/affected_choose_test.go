package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"saltmine/internal/audit/replay"
	"saltmine/internal/canary"
	"saltmine/internal/forensics"
	"saltmine/internal/registry"
	"saltmine/internal/response"
	"saltmine/seeder/supportdb"
)

// suspects are those of a trace: extract, actor, probability, hits explained of 4.
func suspects(list ...forensics.Suspect) *forensics.Answer {
	for i := range list {
		list[i].Of = 4
	}
	a := contacted(4)
	a.Suspects = append([]forensics.Suspect{{Unlogged: true, Explains: 4, Of: 4}}, list...)
	return a
}

// contacted is the trace of so many canaries that were contacted, a day after another.
func contacted(n int) *forensics.Answer {
	begin := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	q := forensics.Question{Now: begin.AddDate(0, 1, 0)}
	for i := range n {
		h := forensics.Hit{
			Token: canary.TokenID(fmt.Sprint("t_", i)), Canary: canary.ID(fmt.Sprint("c_", i)), Kind: canary.Email, Channel: canary.SMTP,
			At: begin.AddDate(0, 0, 10+i), Window: canary.Window{Place: "db:main", From: canary.At(begin)}, Contact: canary.ContactID(fmt.Sprint("k_", i)),
		}
		q.Hits, q.Tokens = append(q.Hits, h), append(q.Tokens, forensics.Live{Token: h.Token, Canary: h.Canary, Window: h.Window})
	}
	a := forensics.Trace(q)
	return &a
}

// TestPageNames: a page has one line for each actor, gives an extract no probability but
// its own, and the times that are likely.
func TestPageNames(t *testing.T) {
	t.Parallel()
	list := func(p ...float64) (out []forensics.Suspect) {
		for i, p := range p {
			out = append(out, forensics.Suspect{Extract: canary.ExtractID(fmt.Sprint("e", i)), Actor: "j.doe", P: p, ActorP: .95, Explains: 4})
		}
		return append(out, forensics.Suspect{Extract: "k1", Actor: "k", P: .03, ActorP: .03, Explains: 2})
	}
	once := list(.48, .2)
	once[1].Explains = 3
	for want, of := range map[string][]forensics.Suspect{
		"extract e0: 48 %, its actor 95 %, a suspect, explains 4 of 4 hits":          once,
		"extract e0: 95 %, a suspect, explains 4 of 4 hits":                          list(.95),
		"extract e0 or 2 others of its actor: 95 %, a suspect, explains 4 of 4 hits": list(.33, .32, .3),
		"extract e0 and another of its actor: 95 %, a suspect, explains 4 of 4 hits": list(.95, .94),
	} {
		window, lines := brief(*suspects(of...))
		if len(window) == 0 || len(lines) != 3 || lines[1] != want || lines[2] != "extract k1: 3 %, explains 2 of 4 hits" {
			t.Errorf("%q, %q; want %q", window, lines, want)
		}
	}
}

// TestAloneOfALongLog: of a log of which not all are listed nobody is the only one.
func TestAloneOfALongLog(t *testing.T) {
	t.Parallel()
	one := suspects(forensics.Suspect{Extract: "e1", Actor: "j.doe", P: .95, ActorP: .95, Explains: 4, Verdict: forensics.ExplainsAll})
	for all, want := range map[int]bool{1: true, 2: false} {
		var f response.Facts
		one.All = all
		if suspected(&f, one); f.Alone != want {
			t.Errorf("of %d that explain all one is listed: %+v", all, f)
		}
	}
}

// TestSuspectNamed names nobody who is no lead, neither to a response nor as whose
// customers are told.
func TestSuspectNamed(t *testing.T) {
	t.Parallel()
	sure := forensics.Suspect{Extract: "e1", Actor: "j.doe", P: .95, Explains: 4}
	again := func(id canary.ExtractID) forensics.Suspect {
		return forensics.Suspect{Extract: id, Actor: "j.doe", P: .33, ActorP: .99, Explains: 4}
	}
	few := contacted(2)
	few.Suspects = []forensics.Suspect{{Extract: "e1", Actor: "j.doe", P: .95, Explains: 2, Of: 2}}
	for name, c := range map[string]struct {
		answer      *forensics.Answer
		named       bool
		alone       bool
		refuse, say string
	}{
		"nobody":   {suspects(), false, false, "no known extract", ""},
		"none":     {suspects(forensics.Suspect{Extract: "e1", P: .8}), false, false, "no known extract", ""},
		"unlikely": {suspects(forensics.Suspect{Extract: "e1", Actor: "j.doe", P: .5, Explains: 4}), false, false, "no extract stands out", ""},
		"a lead":   {suspects(forensics.Suspect{Extract: "e1", Actor: "j.doe", P: .9, Explains: 4}), true, false, "", "puts first with 90 %"},
		"sure":     {suspects(sure, forensics.Suspect{Extract: "e2", Actor: "k", P: .4, Explains: 3}), true, true, "", "puts first with 95 %"},
		"not all":  {suspects(forensics.Suspect{Extract: "e1", Actor: "j.doe", P: .95, Explains: 3}), true, false, "", "95 %"},
		"two":      {suspects(sure, forensics.Suspect{Extract: "e2", Actor: "k", P: .1, Explains: 4}), true, false, "", "95 %"},
		"another":  {suspects(sure, forensics.Suspect{Extract: "e2", Actor: "j.doe", P: .6, Explains: 1}, forensics.Suspect{Extract: "e3", Actor: "j.doe", P: .03, Explains: 1}), true, true, "", "actor's e2 has 60 %"},
		"again":    {suspects(again("e1"), again("e2"), again("e4")), true, true, "", "puts first with 33 %, and its actor with 99.0 %"},
		"too few":  {few, true, false, "", "95 %"},
	} {
		for i := range c.answer.Suspects {
			x := &c.answer.Suspects[i] // whose actor took one, if nothing else is said
			x.ActorP = max(x.ActorP, x.P)
		}
		first, _ := c.answer.Leading()
		var f response.Facts
		suspected(&f, c.answer)
		if (f.Extract == "e1" && f.Actor == "j.doe" && f.Explains > 0) != c.named || (f.Extract+canary.ExtractID(f.Actor) != "") != c.named || f.Alone != c.alone {
			t.Errorf("%s: %+v", name, f)
		}
		var m affecting
		id, err := m.suspect("i_1", c.answer)
		notes := strings.Join(m.out.Notes, "\n")
		if (err == nil) != c.named || !c.named && !strings.Contains(err.Error(), c.refuse) || c.named && (id != "e1" || m.out.P != first.P || f.P != first.ActorP || !strings.Contains(notes, c.say)) || strings.Contains(notes, "e3") {
			t.Errorf("%s: %q, %v, %q", name, id, err, notes)
		}
	}
}

// TestKeyColumn takes the key that was added, and no column that is called like it.
func TestKeyColumn(t *testing.T) {
	t.Parallel()
	values := []supportdb.Value{supportdb.Text("1"), supportdb.Text("a@example.org"), supportdb.Text("2")}
	columns := []string{replay.Label, "email", replay.Label}
	for _, c := range []struct {
		keyed   bool
		columns int
		key     string
	}{{true, 3, "2"}, {false, 3, ""}, {false, 2, ""}} {
		g := gathered{keyed: c.keyed}
		if err := g.row(columns[:c.columns], values[:c.columns]); err != nil {
			t.Fatal(err)
		}
		if g.keys[c.key] != c.keyed || g.emails["a@example.org"] == c.keyed || len(g.keys)+len(g.emails) != 1 {
			t.Errorf("%+v: %+v", c, g)
		}
	}
	for text, want := range map[string]string{"saltmine_key,ID,id": ",saltmine_key,id", "\ufeffid,saltmine_key": "saltmine_key,", "saltmine_key,email": ",email"} {
		var g gathered
		head := strings.Split(text, ",")
		if g.heading(head, "id"); strings.Join(head, ",") != want || g.keyed != strings.Contains(strings.ToLower(text), "id") {
			t.Errorf("%q: %q, %+v", text, head, g)
		}
	}
}

// TestAffectedElsewhere leaves the keys of another place's canaries to this place's
// customers.
func TestAffectedElsewhere(t *testing.T) {
	t.Parallel()
	_, reg, _ := planted(t, 2)
	for place, want := range map[canary.Place]int{"db:main": 2, "db:other": 0} {
		m := affecting{core: &core{reg: reg}, place: place}
		if got, err := m.canaries(t.Context()); err != nil || len(got) != want {
			t.Errorf("%s: %v, %v", place, got, err)
		}
	}
}

// TestKeptInput reads standard input twice, and leaves nothing in the temporary folder.
func TestKeptInput(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	a := app{stdin: strings.NewReader("a log")}
	drop, err := a.onDisk([]string{"a", "-"})
	if err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(os.Getenv("TMPDIR")); err != nil || len(left) > 0 {
		t.Errorf("%v are left, %v", left, err)
	}
	for range 2 {
		in, size, err := a.openLog("-")
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(in)
		if err := in.Close(); err != nil {
			t.Error(err)
		}
		if string(text) != "a log" || size != 5 || err != nil {
			t.Errorf("%q, %d, %v", text, size, err)
		}
	}
	if err := drop(); err != nil {
		t.Error(err)
	}
}

// affectedAs lists customers as people with and without the role, on the record before a
// row is read.
func (p *past) affectedAs(r *canary.Read) {
	t := p.t
	id := "read:" + r.ID[:12]
	p.with("saltmine.toml", strings.Replace(p.read("saltmine.toml"), "[api]\n", "[api]\npeople_file = \"people.txt\"\n", 1)+"[approval]\nsecond_person = \"never\"\n")
	for who, role := range map[string]string{"f.law": "forensics", "s.eed": "seeder"} {
		p.write(who, strings.TrimSpace(p.run("agent", who, "--file", p.path("people.txt"), "--role", role)))
	}
	for _, args := range [][]string{{"--out", p.path("as.csv")}, {"--rows", p.path("rows.csv")}} {
		args = append([]string{"trace", "--affected", id, "--token-file"}, append([]string{p.path("s.eed")}, args...)...)
		wants(t, p.fails(exitFailed, args...), "has not the role")
		args[4] = p.path("f.law")
		p.run(args...)
	}
	acts, err := p.open().Acts(t.Context(), registry.ActFilter{What: []string{canary.ActAffected}, Limit: 1000})
	if err != nil || !slices.ContainsFunc(acts, func(a canary.Act) bool { return a.Outcome == "begun, for the plan alone" }) {
		t.Errorf("%d acts, %v", len(acts), err)
	}
}

// affectedZone reads times of the application's zone as such, with the session in that of
// the server.
func (p *past) affectedZone(r *canary.Read) {
	t := p.t
	id := "read:" + r.ID[:12]
	p.write("now.sql", "SELECT id FROM customers WHERE created_at <= NOW()")
	count := func() (got affectedReport) {
		t.Helper()
		if err := json.Unmarshal([]byte(p.run("--output", "json", "trace", "--affected", id, "--statement", p.path("now.sql"))), &got); err != nil {
			t.Fatal(err)
		}
		return got
	}
	before := count()
	p.support = "time_zone = \"Asia/Tokyo\"\n"
	p.configure("")
	p.exec("INSERT INTO customers (first_name, last_name, email, country, language, product, created_at, updated_at) VALUES ('An', 'Hour', 'hour@example.org', 'DE', 'de', 'x', UTC_TIMESTAMP() + INTERVAL 8 HOUR, UTC_TIMESTAMP() + INTERVAL 8 HOUR)")
	after := count()
	if after.Customers != before.Customers+1 || after.Later != before.Later || after.Changed != 0 || !strings.Contains(strings.Join(after.Notes, "\n"), "taken to be Asia/Tokyo, +09:00") {
		t.Errorf("%+v, before %+v", after, before)
	}
}
