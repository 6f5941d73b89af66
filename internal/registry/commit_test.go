package registry_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"saltmine/internal/canary"
	"saltmine/internal/pager/pagertest"
	"saltmine/internal/registry"
)

func contact(n int, channel canary.Channel, at time.Time) canary.Contact {
	return canary.Contact{
		ID: canary.ContactID(fmt.Sprintf("k_contact%04d", n)), Channel: channel, At: at, Ear: "smtpd",
		Peer: "192.0.2.7:4711", Source: "sam.scammer@example.org", Raw: []byte("RCPT TO:<dana.whitfield1@example.net>\r\n"),
		Targets: []canary.Target{{Kind: canary.Email, Text: "dana.whitfield1@example.net"}},
	}
}

// outcome is one whole intake: a mail to canary 1, a DNS query beside it, a new
// incident and its page on two routes.
func outcome(r *registry.Registry) canary.Outcome {
	mail, dns := contact(1, canary.SMTP, start()), contact(2, canary.DNS, start().Add(-time.Second))
	page := pagertest.Page(1, start())
	page.Link = ""
	inc := canary.Incident{ID: page.Incident, Place: "db:main", Severity: canary.P2, Opened: start(), Updated: start(), Reasons: []string{"a message from a stranger", "zweitens: ü"}}
	domain := r.BlindDomain("example.net")
	return canary.Outcome{
		Spool: "local", From: "", To: "000001:77",
		Entries: []canary.Entry{{Contact: mail, Origin: r.BlindOrigin("smtp|192.0.2.7")}, {Contact: dns, Domain: domain}},
		Hits: []canary.Hit{{Contact: mail.ID, Token: planting(1).Tokens[0].ID, Canary: planting(1).ID, Role: canary.RolePlanted,
			Incident: inc.ID, Origin: r.BlindOrigin("smtp|192.0.2.7"), Domain: domain, Clean: true, At: start()}},
		Supports:   []canary.Support{{Incident: inc.ID, Contact: dns.ID}},
		Incidents:  []canary.Incident{inc},
		Pages:      []canary.Page{page},
		Deliveries: []canary.Delivery{{Page: page.ID, Route: "hook"}, {Page: page.ID, Route: "duty"}},
	}
}

func TestCommitFilesTheWhole(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, r *registry.Registry) {
		ctx, o := t.Context(), outcome(r)
		must(t, r.Intend(ctx, []canary.Planting{planting(1)}))
		if at, err := r.Position(ctx, "local"); err != nil || at != "" {
			t.Errorf("position before: %q, %v", at, err)
		}
		must(t, r.Commit(ctx, o))
		if at, err := r.Position(ctx, "local"); err != nil || at != o.To {
			t.Errorf("position: %q, %v", at, err)
		}
		for _, e := range o.Entries {
			got, err := r.Contact(ctx, e.Contact.ID)
			if d := cmp.Diff(&e.Contact, got); err != nil || d != "" {
				t.Errorf("%v %s", err, d)
			}
		}
		inc, err := r.Incident(ctx, o.Incidents[0].ID)
		want := o.Incidents[0]
		want.Contacts, want.Canaries, want.Support = 1, 1, 1
		if d := cmp.Diff(want, inc); err != nil || d != "" {
			t.Errorf("%v %s", err, d)
		}
		hits, err := r.IncidentHits(ctx, inc.ID)
		if d := cmp.Diff(o.Hits, hits); err != nil || d != "" {
			t.Errorf("%v %s", err, d)
		}
		if ids, err := r.Supports(ctx, inc.ID); err != nil || len(ids) != 1 || ids[0] != o.Supports[0].Contact {
			t.Errorf("supports %v, %v", ids, err)
		}
		if by, err := r.Channels(ctx, inc.ID); err != nil || len(by) != 1 || by[o.Hits[0].Contact] != canary.SMTP {
			t.Errorf("channels %v, %v", by, err)
		}
		pages, err := r.PagesOf(ctx, inc.ID)
		if err != nil || len(pages) != 2 || pages[0].Route != "duty" || pages[0].State != "due" || pages[1].Page.Summary != o.Pages[0].Summary {
			t.Errorf("pages %+v, %v", pages, err)
		}
		if n, err := r.DeliveryCounts(ctx); err != nil || n["due"] != 2 {
			t.Errorf("deliveries %v, %v", n, err)
		}
		if ids, err := r.Queries(ctx, r.BlindDomain("example.net"), start().Add(-time.Minute), start()); err != nil || len(ids) != 1 {
			t.Errorf("queries %v, %v", ids, err)
		}
		if n, err := r.ContactCounts(ctx); err != nil || n["smtp"] != 1 || n["dns"] != 1 || n["pending"] != 0 {
			t.Errorf("contacts %v, %v", n, err)
		}
	})
}

// TestCommitTwiceChangesNothing: two cores work out the same records; the
// second is told, and nothing is filed or paged twice.
func TestCommitTwiceChangesNothing(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, r *registry.Registry) {
		ctx, o := t.Context(), outcome(r)
		must(t, r.Commit(ctx, o))
		for _, from := range []string{"", "000001:76", "elsewhere"} {
			again := o
			again.From, again.To = from, "000002:1"
			again.Entries = []canary.Entry{{Contact: contact(9, canary.SMTP, start())}}
			again.Hits, again.Pages, again.Deliveries, again.Supports, again.Incidents = nil, nil, nil, nil, nil
			if err := r.Commit(ctx, again); !errors.Is(err, registry.ErrMoved) {
				t.Errorf("from %q: %v", from, err)
			}
		}
		if err := r.Commit(ctx, o); !errors.Is(err, registry.ErrMoved) {
			t.Errorf("the same again: %v", err)
		}
		if filed, err := r.Filed(ctx, []canary.ContactID{"k_contact0009", "k_contact0001"}); err != nil || len(filed) != 1 || !filed["k_contact0001"] {
			t.Errorf("filed %v, %v", filed, err)
		}
		if n, err := r.DeliveryCounts(ctx); err != nil || n["due"] != 2 {
			t.Errorf("deliveries %v, %v", n, err)
		}
	})
}

// TestCommitIsAllOrNothing: the last part fails and the first is not there.
func TestCommitIsAllOrNothing(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, r *registry.Registry) {
		ctx, o := t.Context(), outcome(r)
		o.Deliveries = append(o.Deliveries, o.Deliveries[0])
		if err := r.Commit(ctx, o); err == nil {
			t.Fatal("one page was written to one route twice")
		}
		if at, err := r.Position(ctx, "local"); err != nil || at != "" {
			t.Errorf("position %q, %v", at, err)
		}
		if _, err := r.Contact(ctx, o.Entries[0].Contact.ID); !errors.Is(err, registry.ErrNotFound) {
			t.Errorf("the contact: %v", err)
		}
		if _, err := r.Incident(ctx, o.Incidents[0].ID); !errors.Is(err, registry.ErrNotFound) {
			t.Errorf("the incident: %v", err)
		}
		o.Deliveries = o.Deliveries[:2]
		must(t, r.Commit(ctx, o))
	})
}

func TestPendingIsReplaced(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, r *registry.Registry) {
		ctx, c := t.Context(), contact(1, canary.SMTP, start())
		c.Open = true
		must(t, r.Commit(ctx, canary.Outcome{Spool: "local", To: "1", Entries: []canary.Entry{{Contact: c, Pending: true}}}))
		if list, err := r.Pending(ctx, "local", start(), 10); err != nil || len(list) != 0 {
			t.Errorf("pending before it was heard: %v, %v", list, err)
		}
		if list, err := r.Pending(ctx, "edge", start().Add(time.Second), 10); err != nil || len(list) != 0 {
			t.Errorf("another spool has %d of them, %v", len(list), err)
		}
		list, err := r.Pending(ctx, "local", start().Add(time.Second), 10)
		if err != nil || len(list) != 1 || list[0].ID != c.ID || !list[0].Open {
			t.Errorf("pending: %v, %v", list, err)
		}
		if filed, err := r.Filed(ctx, []canary.ContactID{c.ID}); err != nil || filed[c.ID] || len(filed) != 1 {
			t.Errorf("filed %v, %v", filed, err)
		}
		c.Open, c.Part, c.Raw = false, 1, []byte("the whole dialogue")
		must(t, r.Commit(ctx, canary.Outcome{Spool: "local", From: "1", To: "2", Entries: []canary.Entry{{Contact: c, Replaces: true}}}))
		got, err := r.Contact(ctx, c.ID)
		if err != nil || got.Open || string(got.Raw) != "the whole dialogue" {
			t.Errorf("%v, %v", got, err)
		}
		again := canary.Outcome{Spool: "local", From: "2", To: "3", Entries: []canary.Entry{{Contact: c, Replaces: true}}}
		if err := r.Commit(ctx, again); err == nil {
			t.Error("a complete contact was replaced")
		}
		if filed, err := r.Filed(ctx, []canary.ContactID{c.ID}); err != nil || !filed[c.ID] {
			t.Errorf("filed %v, %v", filed, err)
		}
	})
}

// TestIDsThatDifferInCase: providers' ids tell upper from lower case, and the
// default comparison of some databases does not.
func TestEachCall(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, r *registry.Registry) {
		var entries []canary.Entry
		for i, change := range []func(*canary.Entry){
			func(*canary.Entry) {},
			func(e *canary.Entry) { e.Contact.Ear = "phone/plivo" },
			func(e *canary.Entry) { e.Contact.Channel = canary.SMS },
			func(e *canary.Entry) { e.Contact.Unverified = true },
			func(e *canary.Entry) { e.Pending = true },
			func(*canary.Entry) {},
		} {
			e := canary.Entry{Contact: contact(i, canary.Voice, start())}
			e.Contact.Ear, e.Contact.Facts = "phone/twilio", map[string]string{"recording_url": "https://api.twilio.com/RE1"}
			change(&e)
			entries = append(entries, e)
		}
		must(t, r.Commit(t.Context(), canary.Outcome{Spool: "local", To: "1", Entries: entries}))
		var got []canary.Contact
		keep := func(c *canary.Contact) error { got = append(got, *c); return nil }
		must(t, r.EachCall(t.Context(), "phone/twilio", start(), keep))
		if d := cmp.Diff([]canary.Contact{entries[0].Contact, entries[5].Contact}, got); d != "" {
			t.Error(d)
		}
		must(t, r.EachCall(t.Context(), "phone/twilio", start().Add(1000*time.Hour), keep))
		if len(got) != 2 {
			t.Errorf("%d calls, later ones too", len(got))
		}
		if err := r.EachCall(t.Context(), "phone/twilio", start(), func(*canary.Contact) error { return errors.ErrUnsupported }); !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("got %v", err)
		}
	})
}

func TestIDsThatDifferInCase(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, r *registry.Registry) {
		ctx, upper, lower := t.Context(), contact(1, canary.SMS, start()), contact(2, canary.SMS, start())
		upper.ID, lower.ID = "k_SMabcdEF", "k_SMabcdef"
		must(t, r.Commit(ctx, canary.Outcome{Entries: []canary.Entry{{Contact: upper}, {Contact: lower}}}))
		if got, err := r.Contact(ctx, lower.ID); err != nil || got.ID != lower.ID {
			t.Errorf("%v, %v", got, err)
		}
		now := canary.At(start())
		added, err := r.ImportExtracts(ctx, []canary.Extract{{ID: "Ex", Actor: "a", Taken: now, Place: "db:main"}, {ID: "EX", Actor: "a", Taken: now, Place: "db:main"}, {ID: "É", Actor: "a", Taken: now, Place: "db:main"}, {ID: "E", Actor: "a", Taken: now, Place: "db:main"}})
		if err != nil || added != 4 {
			t.Errorf("%d of 4 extracts were new, %v", added, err)
		}
	})
}

func TestBoard(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, r *registry.Registry) {
		ctx, o := t.Context(), outcome(r)
		probe := o.Hits[0]
		probe.Token, probe.Clean, probe.At = planting(1).Tokens[1].ID, false, start().Add(time.Minute)
		probe.Domain = ""
		o.Hits = append(o.Hits, probe)
		must(t, r.Commit(ctx, o))
		board, err := r.Board(ctx, start())
		must(t, err)
		inc := o.Incidents[0]
		inc.Contacts, inc.Canaries, inc.Support = 1, 1, 1
		id := planting(1).ID
		want := []canary.Standing{{
			Incident: inc, Clean: map[canary.ID]time.Time{id: start()}, Touched: map[canary.ID]time.Time{id: start().Add(time.Minute)},
			Domains: map[string]time.Time{r.BlindDomain("example.net"): start()}, Paged: map[string]canary.Severity{"hook": canary.P2, "duty": canary.P2},
		}}
		if d := cmp.Diff(want, board); d != "" {
			t.Errorf("- want, + got:\n%s", d)
		}
		if board, err := r.Board(ctx, start().Add(time.Second)); err != nil || len(board) != 0 {
			t.Errorf("incidents that were not updated since: %v, %v", board, err)
		}
		inc.Severity, inc.Updated, inc.Reasons = canary.P1, start().Add(time.Hour), []string{"more"}
		must(t, r.Commit(ctx, canary.Outcome{Incidents: []canary.Incident{inc}, Supports: o.Supports}))
		if got, err := r.Incidents(ctx, 5); err != nil || cmp.Diff([]canary.Incident{inc}, got) != "" {
			t.Errorf("updated: %v, %v", got, err)
		}
		must(t, r.SetVerdict(ctx, inc.ID, canary.Leak, registry.By{Who: "dana", Via: "cli"}))
		if board, err := r.Board(ctx, start().Add(-time.Hour)); err != nil || len(board) != 0 {
			t.Errorf("an incident with a verdict is on the board: %v, %v", board, err)
		}
		if err := r.SetVerdict(ctx, "i_nobody", canary.Leak, registry.By{Who: "dana", Via: "cli"}); !errors.Is(err, registry.ErrNotFound) {
			t.Errorf("verdict on nothing: %v", err)
		}
	})
}

func TestPlaceboHits(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, r *registry.Registry) {
		var o canary.Outcome
		for i, c := range []struct {
			token canary.TokenID
			role  canary.Role
			at    int
		}{{"t_1", canary.RolePlacebo, 0}, {"t_1", canary.RolePlacebo, 1}, {"t_2", canary.RolePlacebo, 2}, {"t_3", canary.RolePlanted, 3}, {"t_4", canary.RolePlacebo, -5}} {
			o.Hits = append(o.Hits, canary.Hit{Contact: contact(i, canary.SMTP, start()).ID, Token: c.token, Role: c.role, Origin: "origin", At: start().Add(time.Duration(c.at) * time.Second)})
		}
		must(t, r.Commit(t.Context(), o))
		for origin, want := range map[string]int{"origin": 2, "other": 0} {
			if n, err := r.PlaceboHits(t.Context(), origin, start()); err != nil || n != want {
				t.Errorf("%s: %d, %v", origin, n, err)
			}
		}
	})
}

func TestExtracts(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, r *registry.Registry) {
		ctx := t.Context()
		taken := canary.Between(start(), start().Add(time.Minute))
		list := []canary.Extract{
			{ID: "a", Actor: "agent 1", Taken: taken, Held: []canary.ID{"c_1", "c_2"}, Rows: 68_000},
			{ID: "b", Actor: "agent 2", Taken: taken, Place: "db:main", Segment: "country=GB"},
			{ID: "c", Actor: "agent 3", Taken: taken, Held: []canary.ID{}, Place: "db:main"},
		}
		added, err := r.ImportExtracts(ctx, list)
		if err != nil || added != 3 {
			t.Errorf("%d added, %v", added, err)
		}
		list[0].Held, list[0].Actor = []canary.ID{"c_3"}, "agent 9"
		twice := list[0]
		twice.Held = []canary.ID{"c_3", "c_3"}
		if added, err := r.ImportExtracts(ctx, []canary.Extract{twice}); err != nil || added != 0 {
			t.Errorf("again: %d added, %v", added, err)
		}
		bad := []canary.Extract{{ID: "d", Actor: "agent 4", Taken: taken, Place: "db:main"}, {ID: "e"}}
		if _, err := r.ImportExtracts(ctx, bad); !errors.Is(err, canary.ErrInvalid) {
			t.Errorf("an invalid extract: %v", err)
		}
		got, err := r.Extracts(ctx)
		if d := cmp.Diff(list, got, cmpopts.EquateComparable()); err != nil || d != "" {
			t.Errorf("%v, - want, + got:\n%s", err, d)
		}
	})
}

func TestJobsAndReveals(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, r *registry.Registry) {
		ctx := t.Context()
		if at, err := r.LastRun(ctx, "rotate"); err != nil || !at.IsZero() {
			t.Errorf("never: %v, %v", at, err)
		}
		for _, at := range []time.Time{start(), start().Add(time.Hour)} {
			must(t, r.SetLastRun(ctx, "rotate", at))
			if got, err := r.LastRun(ctx, "rotate"); err != nil || !got.Equal(at) {
				t.Errorf("%v, %v", got, err)
			}
		}
		must(t, r.Reveal(ctx, registry.By{Who: "dora", Via: "cli"}, planting(1).ID))
		must(t, r.Reveal(ctx, registry.By{Who: "dora", Via: "cli"}, planting(1).ID))
	})
}

// TestCommitToAClosedIncident fails as a whole, also when nothing of it changes.
func TestCommitToAClosedIncident(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, r *registry.Registry) {
		ctx, o := t.Context(), outcome(r)
		must(t, r.Commit(ctx, o))
		again := canary.Outcome{Incidents: o.Incidents}
		must(t, r.Commit(ctx, again))
		must(t, r.SetVerdict(ctx, o.Incidents[0].ID, canary.Noise, registry.By{Who: "dana", Via: "cli"}))
		if err := r.Commit(ctx, again); !errors.Is(err, registry.ErrMoved) {
			t.Errorf("to a closed incident: %v", err)
		}
	})
}

// TestWhatAHitSaysOnlyRises: what the rest of a contact tells is written to its hit
// with all that follows from it, and nothing takes it back.
func TestWhatAHitSaysOnlyRises(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, r *registry.Registry) {
		ctx, o := t.Context(), outcome(r)
		must(t, r.Intend(ctx, []canary.Planting{planting(1)}))
		o.Hits[0].Content = 1
		must(t, r.Commit(ctx, o))
		hit := o.Hits[0]
		for _, step := range []struct{ told, want float64 }{{100, 100}, {1e5, 1e5}, {100, 1e5}} {
			must(t, r.Commit(ctx, canary.Outcome{Stronger: []canary.Stronger{{Contact: hit.Contact, Token: hit.Token, Content: step.told}}}))
			hits, err := r.IncidentHits(ctx, hit.Incident)
			if err != nil || len(hits) != 1 || hits[0].Content != step.want {
				t.Errorf("told %g: %+v, %v", step.told, hits, err)
			}
		}
	})
}
