package incident_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/incident"
	"saltmine/internal/registry"
	"saltmine/internal/seal"
	"saltmine/internal/spool"
)

// start is the first moment of every test.
func start() time.Time { return time.Date(2026, 8, 5, 10, 0, 0, 123456000, time.UTC) }

// fataler is a test, or one check of a property.
type fataler interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
	Errorf(format string, args ...any)
}

// world is a registry on SQLite, a spool and the keys of both, on a disk.
type world struct {
	t     fataler
	ctx   context.Context
	keys  *seal.Keys
	reg   *registry.Registry
	spool *spool.Spool
	log   *slog.Logger
	clock atomic.Int64 // microseconds that have passed since start
	n     int
	cfg   incident.Config
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := worldIn(t.Context(), t, t.TempDir())
	t.Cleanup(w.close)
	return w
}

func worldIn(ctx context.Context, t fataler, dir string) *world {
	t.Helper()
	w := &world{t: t, ctx: ctx, log: slog.New(slog.DiscardHandler)}
	must(t, seal.Generate(filepath.Join(dir, "keys")))
	var err error
	w.keys, err = seal.Load(filepath.Join(dir, "keys"))
	must(t, err)
	w.reg, err = registry.Open(ctx, registry.Config{DSN: "sqlite:" + filepath.Join(dir, "r.db"), Vault: w.keys.Vault, Now: w.now, Log: w.log})
	must(t, err)
	must(t, os.Mkdir(filepath.Join(dir, "spool"), 0o700))
	w.spool, err = spool.Open(spool.Config{Dir: filepath.Join(dir, "spool"), Now: w.now, MinFree: -1})
	must(t, err)
	w.cfg = incident.Config{
		Name: "local", Source: w.spool, Open: w.keys.Core.Open, Finder: w.reg, Filer: w.reg, Blind: w.reg, Known: w.reg.KnownAmong, Alike: w.reg.Alike, Variants: w.reg.Variants, Unmet: w.reg.Unmet, Rates: w.reg, Written: w.reg.PagesSince,
		Routes: []incident.Route{{Name: "duty", Min: canary.P2}, {Name: "log", Min: canary.P4}},
		Link:   func(id canary.IncidentID) string { return "https://console.example.net/incidents/" + string(id) },
		Now:    w.now, Log: w.log,
	}
	return w
}

func (w *world) close() {
	must(w.t, w.spool.Close())
	must(w.t, w.reg.Close())
}

func must(t fataler, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (w *world) now() time.Time {
	return start().Add(time.Duration(w.clock.Load()) * time.Microsecond)
}

// pass moves the clock.
func (w *world) pass(d time.Duration) { w.clock.Add(d.Microseconds()) }

func address(n int) string { return fmt.Sprintf("dana.whitfield%d@example.net", n) }
func number(n int) string  { return fmt.Sprintf("+4420794%05d", n) }
func ticket(n int) string  { return fmt.Sprintf("TK2025%05d", n) }
func placebo(n int) string { return fmt.Sprintf("tom.placebo%d@example.net", n) }
func name(n int) string    { return fmt.Sprintf("Dana Whitfield%d", n) }

func canaryID(n int) canary.ID { return canary.ID(fmt.Sprintf("c_%016d", n)) }

// plant registers canary n, with a placebo of its address and of its number.
func (w *world) plant(place canary.Place, numbers ...int) {
	w.t.Helper()
	for _, n := range numbers {
		id := canaryID(n)
		token := func(kind canary.Kind, text string) canary.DatedToken {
			return canary.DatedToken{Window: canary.Window{Place: place, From: canary.After(start())}, Token: canary.Token{
				ID: canary.TokenID(fmt.Sprintf("t_%s%012d", kind[:1], n)), Kind: kind, Role: canary.RolePlanted, Canary: id, Text: text}}
		}
		must(w.t, w.reg.Intend(w.ctx, []canary.Planting{{
			ID: id, State: canary.Intended, Batch: "batch-1", Place: place, Name: name(n), Rows: []byte("row"),
			Tokens: []canary.DatedToken{token(canary.Email, address(n)), token(canary.Phone, number(n)), token(canary.Ticket, ticket(n))},
			Placebos: []canary.Token{
				{ID: canary.TokenID(fmt.Sprintf("t_x%012d", n)), Kind: canary.Email, Role: canary.RolePlacebo, Text: placebo(n)},
				{ID: canary.TokenID(fmt.Sprintf("t_y%012d", n)), Kind: canary.Phone, Role: canary.RolePlacebo, Text: number(50000 + n)},
			},
		}}))
	}
}

func (w *world) contact(channel canary.Channel, targets ...canary.Target) canary.Contact {
	w.n++
	return canary.Contact{
		ID: canary.ContactID(fmt.Sprintf("k_contact%04d", w.n)), Channel: channel, At: w.now(), Ear: "test",
		Peer: fmt.Sprintf("192.0.2.%d:4711", w.n%250), Source: fmt.Sprintf("sam%d@example.org", w.n), Targets: targets, Facts: map[string]string{"a": "b"},
	}
}

// mail is a message to addresses.
func (w *world) mail(to ...string) canary.Contact {
	var targets []canary.Target
	for _, a := range to {
		targets = append(targets, canary.Target{Kind: canary.Email, Text: "<" + a + ">"})
	}
	c := w.contact(canary.SMTP, targets...)
	c.Raw = mailRaw("hello", "buy now")
	return c
}

// boxed is a message in a provider's mailbox.
func (w *world) boxed(to, from string) canary.Contact {
	c := w.contact(canary.IMAP, canary.Target{Kind: canary.Email, Text: to})
	c.Peer, c.Source, c.Raw = "", from, []byte("Subject: hello\r\n\r\nbuy now\r\n")
	return c
}

func (w *world) call(channel canary.Channel, to, said string) canary.Contact {
	c := w.contact(channel, canary.Target{Kind: canary.Phone, Text: to})
	c.Source, c.Text = fmt.Sprintf("+1212555%04d", w.n), said
	return c
}

func (w *world) query(domain string) canary.Contact {
	c := w.contact(canary.DNS, canary.Target{Text: "mx." + domain})
	c.Facts["zone"] = domain
	return c
}

// hear seals contacts and makes them durable, as the ears do.
func (w *world) hear(list ...canary.Contact) {
	w.t.Helper()
	for _, c := range list {
		plain, err := c.MarshalBinary()
		must(w.t, err)
		w.append(fmt.Sprint(c.ID, c.Part, c.Open), plain)
	}
}

func (w *world) append(key string, plain []byte) {
	w.t.Helper()
	sealed, err := w.keys.Core.Lid().Seal(plain)
	must(w.t, err)
	w.appendRaw(key, sealed)
}

func (w *world) appendRaw(key string, sealed []byte) {
	w.t.Helper()
	sum := sha256.Sum256([]byte(key))
	must(w.t, w.spool.Append(w.ctx, [16]byte(sum[:16]), sealed))
}

// drain takes in what is in the spool, with an intake that knows nothing yet.
func (w *world) drain() {
	w.t.Helper()
	must(w.t, w.intake().Drain(w.ctx))
	w.search()
}

// search searches what waits, with a searcher that knows nothing yet.
func (w *world) search() {
	w.t.Helper()
	must(w.t, incident.NewSearcher(w.cfg, w.reg).Drain(w.ctx))
}

// take hears contacts and drains them as one group.
func (w *world) take(list ...canary.Contact) {
	w.t.Helper()
	w.hear(list...)
	w.drain()
}

// intake is one that knows nothing yet, as after a crash.
func (w *world) intake() *incident.Intake { return incident.New(w.cfg) }

func (w *world) incidents() []canary.Incident {
	w.t.Helper()
	list, err := w.reg.Incidents(w.ctx, 1000)
	must(w.t, err)
	return list
}

// only is the one incident that there must be.
func (w *world) only() canary.Incident {
	w.t.Helper()
	list := w.incidents()
	if len(list) != 1 {
		w.t.Fatalf("%d incidents, want 1: %+v", len(list), list)
	}
	return list[0]
}

func (w *world) want(sev canary.Severity, contacts, canaries, support int) {
	w.t.Helper()
	inc := w.only()
	if inc.Severity != sev || inc.Contacts != contacts || inc.Canaries != canaries || inc.Support != support {
		w.t.Errorf("incident %+v, want %s, %d contacts, %d canaries, %d support", inc, sev, contacts, canaries, support)
	}
}

func (w *world) filed(want int) {
	w.t.Helper()
	ids, err := w.reg.ContactIDs(w.ctx)
	must(w.t, err)
	if len(ids) != want {
		w.t.Errorf("%d contacts filed, want %d: %v", len(ids), want, ids)
	}
}

func (w *world) pages(id canary.IncidentID) []registry.PageStatus {
	w.t.Helper()
	list, err := w.reg.PagesOf(w.ctx, id)
	must(w.t, err)
	return list
}
