package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/helpdesk"
	"saltmine/seeder"
)

// scheduledWorld is serve's chores on a real support database, under a clock
// that is set from tick to tick.
type scheduledWorld struct {
	a     *app
	s     *server
	at    time.Time
	start time.Time
	batch int
}

const (
	simulatedLive = 36
	simulatedStay = 18 // days
)

// newScheduledWorld has 36 canaries whose addresses are to stand 18 days each,
// with ticks every six hours.
func newScheduledWorld(t *testing.T) *scheduledWorld {
	t.Helper()
	end := time.Date(2026, 8, 1, 0, 0, 0, 0, time.UTC)
	dsn, _ := mariadb.MariaDB(t).HelpDesk(t, helpdesk.Config{Customers: 250, Tickets: 250, Seed: 12, From: end.AddDate(-4, 0, 0), To: end})
	dir := t.TempDir()
	if code := run(t.Context(), []string{"init", dir}, nil, io.Discard, t.Output()); code != exitOK {
		t.Fatalf("init: exit code %d", code)
	}
	for name, text := range map[string]string{
		"saltmine.toml": "[support.main]\ndsn_file = \"support.dsn\"\nrecipe = \"recipe.toml\"\nchange_rate = 20.0\nchange_rate_max = 1.5\n" +
			"[pool]\ndomains = [\"" + strings.Join(testDomains(), `", "`) + "\"]\nplacebos_per_email = 1\n" +
			"[gate]\noff = true\n[rotate]\nschedule = \"17 */6 * * *\"\nlifetime = \"18d\"\nhorizon = \"60d\"\n",
		"support.dsn": "mysql://" + dsn + "\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	config := filepath.Join(dir, "saltmine.toml")
	if code := run(t.Context(), []string{"--config", config, "inspect", "--write", filepath.Join(dir, "recipe.toml")}, nil, io.Discard, t.Output()); code != exitOK {
		t.Fatalf("inspect: exit code %d", code)
	}
	w := &scheduledWorld{start: end.Add(time.Hour), at: end.Add(time.Hour)}
	w.a = &app{stdout: io.Discard, stderr: t.Output(), config: config, output: "text", now: func() time.Time { return w.at }}
	c, err := w.a.openCore(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.close() }) //nolint:errcheck // the test is over
	w.s = &server{core: c, app: w.a, log: w.a.quietLogger()}
	w.plant(t, simulatedLive)
	return w
}

func (w *scheduledWorld) plant(t *testing.T, count int) {
	t.Helper()
	w.batch++
	if err := w.a.plant(t.Context(), plantFlags{count: count, batch: fmt.Sprint("b", w.batch), dates: "auto"}); err != nil {
		t.Fatal(err)
	}
}

func (w *scheduledWorld) canaries(t *testing.T, states ...canary.State) []canary.Planting {
	t.Helper()
	all, err := w.s.reg.Plantings(t.Context(), canary.Filter{States: states})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// turnOver lets one canary be erased and another one sign up.
func (w *scheduledWorld) turnOver(t *testing.T, r *rand.Rand) {
	t.Helper()
	live := w.canaries(t, canary.Planted, canary.Verified)
	id := live[r.IntN(len(live))].ID
	sup, err := w.a.openSupport(t.Context(), w.s.core, "main")
	if err != nil {
		t.Fatal(err)
	}
	defer sup.close() //nolint:errcheck // the next step would fail
	if _, err := sup.seeder.Withdraw(t.Context(), seeder.WithdrawConfig{IDs: []canary.ID{id}}); err != nil {
		t.Fatal(err)
	}
	w.plant(t, 1)
}

// live runs serve's rotation for so many days, with a canary that leaves and
// one that comes every ten days. Serve is down for a day and a half once.
func (w *scheduledWorld) live(t *testing.T, length int) {
	t.Helper()
	chores, err := w.s.rotation()
	if err != nil {
		t.Fatal(err)
	}
	c := chores[0]
	runner := &choreRunner{chore: c, book: w.s.reg, lock: w.s.lockNamed, now: w.a.now, log: w.s.log}
	r := rand.New(rand.NewPCG(4, 4))
	down := w.start.Add(40 * planDay)
	for n := 1; w.at.Before(w.start.Add(time.Duration(length) * planDay)); n++ {
		w.at = c.plan.Next(w.at).Add(2 * time.Second)
		if w.at.After(down) && w.at.Before(down.Add(36*time.Hour)) {
			continue
		}
		if err := runner.attempt(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n%40 == 0 {
			w.turnOver(t, r)
		}
	}
}

// TestServeKeepsThePlan simulates 90 days of serve's ticks on a real support
// database and compares what the windows in the registry say of a leak with
// what 'plan' says for the same settings. Tolerance: a tenth, and a quarter of a
// day, which is the time between two ticks.
func TestServeKeepsThePlan(t *testing.T) {
	t.Parallel()
	w := newScheduledWorld(t)
	const length = 90
	w.live(t, length)
	all := w.canaries(t)
	changes := w.checkPace(t, all)
	measured := w.widths(all, 30, 60)
	for _, said := range planSays(t) {
		got := measured[said.Hits]
		t.Logf("%2d hits: plan says %.2f days, the simulation %.2f", said.Hits, said.Days, got)
		if math.Abs(got-said.Days) > .1*said.Days+.25 {
			t.Errorf("after %d hits plan says %.2f days, serve's windows give %.2f", said.Hits, said.Days, got)
		}
	}
	if want := simulatedLive * length / simulatedStay; changes < want*9/10 || changes > want {
		t.Errorf("%d changes, %d are planned", changes, want)
	}
	late, ticks := 0, 0
	list, err := w.s.reg.Ticks(t.Context(), "rotate main", time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	for _, tick := range list {
		if ticks++; tick.Late {
			late++
		}
	}
	if ticks < 4*length-1 || ticks > 4*length || late != 6 {
		t.Errorf("%d ticks on the record, %d of them late; %d and 6 are wanted", ticks, late, 4*length)
	}
}

// checkPace counts the changes, and looks that no day has more than the plan allows.
func (w *scheduledWorld) checkPace(t *testing.T, all []canary.Planting) int {
	t.Helper()
	total, perDay := 0, map[int]int{}
	for i := range all {
		for n, tok := range addresses(&all[i]) {
			if n == 0 {
				continue
			}
			total++
			perDay[int(tok.Window.From.Latest.Sub(w.start)/planDay)]++
		}
	}
	for day, n := range perDay {
		if n > simulatedLive/simulatedStay+1 { // a day of the calendar may see one more than any day that ends with a tick
			t.Errorf("%d changes on day %d, %d are planned", n, day, simulatedLive/simulatedStay)
		}
	}
	return total
}

// addresses are a canary's, in their order.
func addresses(p *canary.Planting) []canary.DatedToken {
	var out []canary.DatedToken
	for _, tok := range p.Tokens {
		if tok.Kind == canary.Email && tok.Window.From.Come() {
			out = append(out, tok)
		}
	}
	slices.SortFunc(out, func(a, b canary.DatedToken) int { return a.Window.From.Latest.Compare(b.Window.From.Latest) })
	return out
}

// widths draws leaks between two days, and hits among the canaries that stood
// then, and measures how long before and after them all these addresses stood.
func (w *scheduledWorld) widths(all []canary.Planting, first, last float64) map[int]float64 {
	const leaks, half = 2000, 30.0
	r := rand.New(rand.NewPCG(9, 9))
	sums := map[int]float64{}
	for range leaks {
		at := first + r.Float64()*(last-first)
		from, until, hits := at-half, at+half, 0
		for _, i := range r.Perm(len(all)) {
			stood := w.standing(&all[i], at)
			if stood == nil {
				continue
			}
			from, until, hits = max(from, stood[0]), min(until, stood[1]), hits+1
			sums[hits] += (until - from) / leaks
		}
	}
	return sums
}

// standing gives from when until when the address stood that a canary had at a
// time, in days after the start.
func (w *scheduledWorld) standing(p *canary.Planting, at float64) []float64 {
	for _, tok := range addresses(p) {
		from, until := days(tok.Window.From.Latest.Sub(w.start)), math.Inf(1)
		if tok.Window.Until.Come() {
			until = days(tok.Window.Until.Latest.Sub(w.start))
		}
		if from <= at && at < until {
			return []float64{from, until}
		}
	}
	return nil
}

// planSays runs plan with the settings of the simulation.
func planSays(t *testing.T) []plannedWidth {
	t.Helper()
	var out bytes.Buffer
	// A canary comes every ten days, and 36 stand.
	turnover := fmt.Sprint(planYr / 10 / simulatedLive)
	code := run(t.Context(), []string{"--output", "json", "plan", "--population", "250", "--extract", "250", "--contact-rate", "1", "--canaries", fmt.Sprint(simulatedLive),
		"--mailboxes", "0", "--change-rate", "20", "--change-rate-max", "1.5", "--lifetime", "18d", "--horizon", "60d", "--turnover", turnover}, nil, &out, t.Output())
	if code != exitOK {
		t.Fatalf("plan: exit code %d", code)
	}
	var p struct {
		Window plannedWindow `json:"window"`
	}
	if err := json.Unmarshal(out.Bytes(), &p); err != nil {
		t.Fatal(err)
	}
	return p.Window.Widths
}
