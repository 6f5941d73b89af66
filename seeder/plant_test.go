package seeder_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/inventory"
	"saltmine/internal/token"
	"saltmine/seeder"
	"saltmine/seeder/supportdb"
)

func TestPlant(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	before := w.number(t, "SELECT COUNT(*) FROM customers")
	seen := 0
	cfg := plan("one", 25)
	cfg.PlacebosPerEmail = 0 // the default
	cfg.Progress = func(done, total int) {
		if done != seen+1 || total != 25 {
			t.Errorf("progress %d of %d after %d", done, total, seen)
		}
		seen = done
	}
	report := w.mustPlant(t, cfg)
	if report.Inserted != 25 || report.Live != 25 || seen != 25 {
		t.Errorf("report %+v", report)
	}
	if got := w.number(t, "SELECT COUNT(*) FROM customers"); got != before+25 {
		t.Errorf("%d customers, %d wanted", got, before+25)
	}
	if n := len(w.ledger.placebos[canary.Email]); n != 25*99 {
		t.Errorf("%d placebo addresses", n)
	}
	if n := len(w.ledger.placebos[canary.Phone]); n != 3 {
		t.Errorf("%d placebo numbers for 25 phones, 3 wanted", n)
	}
	if n := len(w.ledger.placebos[canary.Ticket]); n < 3 {
		t.Errorf("%d placebo tickets", n)
	}
	w.wantControlGroup(t)
	again, err := w.seeder.Plant(t.Context(), cfg)
	if err != nil || again.Inserted != 0 || again.Live != 25 {
		t.Errorf("a finished batch: %+v, %v", again, err)
	}
	w.wantExactly(t, 25)
}

// wantControlGroup checks what all tokens have in common: they pass the rule,
// stand on own domains, and no placebo stands in the support database.
func (w *world) wantControlGroup(t *testing.T) {
	t.Helper()
	all, err := w.ledger.Plantings(t.Context(), canary.Filter{})
	if err != nil {
		t.Fatal(err)
	}
	var emails []string
	for _, p := range all {
		for _, tok := range p.Tokens {
			if tok.Kind == canary.Email {
				emails = append(emails, tok.Text)
			}
		}
	}
	for _, tok := range w.ledger.placebos[canary.Email] {
		emails = append(emails, tok.Text)
	}
	for _, email := range emails {
		local, domain, err := token.SplitEmail(email)
		if err != nil || !w.rule.Passes(local, domain) || !ownDomain(domain) {
			t.Errorf("an address of %d bytes does not pass the rule on an own domain: %v", len(email), err)
		}
	}
	numbers := w.strings(t, "SELECT number FROM tickets")
	for i := range numbers {
		numbers[i], _ = token.Canon(canary.Ticket, numbers[i])
	}
	for _, tok := range w.ledger.placebos[canary.Ticket] {
		if slices.Contains(numbers, tok.Text) {
			t.Errorf("a placebo ticket stands in the table")
		}
	}
}

func TestPlantedRowsFitIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	top := w.number(t, "SELECT MAX(id) FROM customers")
	w.mustPlant(t, plan("fit", 40))
	mails := w.strings(t, "SELECT email FROM customers WHERE id <= ?", top)
	calls := w.strings(t, "SELECT phone FROM customers WHERE id <= ? AND phone IS NOT NULL", top)
	for _, mail := range w.strings(t, "SELECT email FROM customers WHERE id > ?", top) {
		if slices.Contains(mails, mail) {
			t.Error("a canary has a customer's address")
		}
	}
	for _, call := range w.strings(t, "SELECT phone FROM customers WHERE id > ?", top) {
		if call == "" || slices.Contains(calls, call) {
			t.Error("a canary has no number, or a customer's")
		}
	}
	for _, q := range []string{
		"SELECT COUNT(*) FROM customers a JOIN customers b ON b.id > a.id AND b.created_at < a.created_at WHERE b.id > ?",
		"SELECT COUNT(*) FROM tickets a JOIN tickets b ON b.id > a.id AND b.created_at < a.created_at JOIN customers c ON c.id = b.customer_id WHERE c.id > ?",
	} {
		if n := w.number(t, q, top); n != 0 {
			t.Errorf("%d pairs contradict the order of keys: %s", n, q)
		}
	}
	now := w.now()
	for _, q := range []string{
		"SELECT COUNT(*) FROM customers WHERE id > ? AND (created_at > ? OR updated_at > ? OR updated_at < created_at)",
		"SELECT COUNT(*) FROM tickets t JOIN customers c ON c.id = t.customer_id WHERE c.id > ? AND (t.created_at > ? OR t.updated_at > ? OR t.created_at < c.created_at)",
	} {
		if n := w.number(t, q, top, now, now); n != 0 {
			t.Errorf("%d rows have impossible dates: %s", n, q)
		}
	}
	if n := w.number(t, "SELECT COUNT(*) FROM tickets t JOIN customers c ON c.id = t.customer_id WHERE c.id > ? AND t.number NOT REGEXP '^TK-2025-[0-9]{6}$'", top); n != 0 {
		t.Errorf("%d ticket numbers of another form", n)
	}
}

func TestPlantSegment(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	top := w.number(t, "SELECT MAX(id) FROM customers")
	cfg := plan("us", 12)
	cfg.Segment = "country=US"
	w.mustPlant(t, cfg)
	if n := w.number(t, "SELECT COUNT(*) FROM customers WHERE id > ? AND country <> 'US'", top); n != 0 {
		t.Errorf("%d canaries outside the segment", n)
	}
	cfg = plan("nowhere", 1)
	cfg.Segment = "town=Ghent"
	if _, err := w.seeder.Plant(t.Context(), cfg); !errors.Is(err, supportdb.ErrSchema) {
		t.Errorf("a segment that the recipe does not have: %v", err)
	}
}

// TestPlantBulk registers more canaries than go into one entry, each with its
// placebos, and inserts them together.
func TestPlantBulk(t *testing.T) {
	t.Parallel()
	const count = 110
	w := newWorld(t)
	steps := map[string]int{}
	w.ledger.step = func(name string) { steps[name]++ }
	cfg := plan("bulk", count)
	cfg.Bulk = true
	if report := w.mustPlant(t, cfg); report.Inserted != count || report.Placebos[canary.Email] != count*cfg.PlacebosPerEmail {
		t.Errorf("report %+v", report)
	}
	if entries, groups := steps["after intend"], steps["after amend planted"]; entries != 2 || groups != 1 {
		t.Errorf("registered in %d entries, inserted in %d groups", entries, groups)
	}
	if n := len(w.ledger.placebos[canary.Email]); n != count*cfg.PlacebosPerEmail {
		t.Errorf("%d placebo addresses", n)
	}
}

func TestPlantWithoutPhones(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	top := w.number(t, "SELECT MAX(id) FROM customers")
	cfg := plan("mute", 5)
	w.ledger.drop(inventory.Phone)
	report := w.mustPlant(t, cfg)
	if n := w.number(t, "SELECT COUNT(*) FROM customers WHERE id > ? AND phone IS NOT NULL", top); n != 0 {
		t.Errorf("%d canaries have a number from nowhere", n)
	}
	if !slices.ContainsFunc(report.Warnings, func(s string) bool { return strings.Contains(s, "no phone number") }) {
		t.Errorf("warnings %q", report.Warnings)
	}
	w.exec(t, "UPDATE customers SET phone = '' WHERE phone IS NULL")
	w.exec(t, "ALTER TABLE customers MODIFY phone varchar(32) NOT NULL")
	w.connect(t, w.dsn)
	cfg.Batch = "mute2"
	if _, err := w.seeder.Plant(t.Context(), cfg); !errors.Is(err, seeder.ErrPool) {
		t.Errorf("a phone column that needs a value: %v", err)
	}
}

func TestPlantPoolTooSmall(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	cfg := plan("short", 20)
	w.ledger.drop(inventory.Phone)
	w.ledger.stock(items(nil, phones(2)[:20])...)
	_, err := w.seeder.Plant(t.Context(), cfg)
	if !errors.Is(err, seeder.ErrPool) || !strings.Contains(err.Error(), "22 free phone numbers are needed (20 canaries and 2 placebos), the pool has 20") {
		t.Errorf("error %v", err)
	}
	if len(w.ledger.batches) != 0 || len(w.ledger.plantings) != 0 {
		t.Error("something was registered")
	}
}

func TestPlantDryRun(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	before := w.number(t, "SELECT COUNT(*) FROM customers")
	cfg := plan("dry", 10)
	cfg.DryRun = true
	report, err := w.seeder.Plant(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Join(report.Statements, "\n")
	if report.More != 7 || strings.Count(text, "INSERT INTO `customers`") != 3 || strings.Count(text, "COMMIT") != 3 || strings.Contains(text, "(?") {
		t.Errorf("%d more; statements:\n%s", report.More, text)
	}
	if len(w.ledger.texts)+len(w.ledger.batches) != 0 || w.number(t, "SELECT COUNT(*) FROM customers") != before {
		t.Error("a dry run wrote something")
	}
}

func TestPlantSeedRepeats(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	cfg := plan("same", 3)
	cfg.DryRun = true
	first, err := w.seeder.Plant(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	second, err := w.seeder.Plant(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	// Dates follow the clock; the people are the same.
	names := func(r seeder.PlantReport) string {
		var b strings.Builder
		for _, s := range r.Statements {
			if _, values, ok := strings.Cut(s, "INSERT INTO `customers`"); ok {
				_, values, _ = strings.Cut(values, "VALUES (")
				b.WriteString(values[:60])
			}
		}
		return b.String()
	}
	if names(first) != names(second) || names(first) == "" {
		t.Errorf("two people from one seed:\n%s\n%s", names(first), names(second))
	}
}

func TestPlantRefusesOtherSettings(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.mustPlant(t, plan("set", 2))
	cfg := plan("set", 3)
	if _, err := w.seeder.Plant(t.Context(), cfg); !errors.Is(err, seeder.ErrBatch) {
		t.Errorf("another count: %v", err)
	}
	for name, change := range map[string]func(*seeder.PlantConfig){
		"no batch":      func(c *seeder.PlantConfig) { c.Batch = "" },
		"no count":      func(c *seeder.PlantConfig) { c.Count = 0 },
		"many placebos": func(c *seeder.PlantConfig) { c.PlacebosPerScarce = -1 },
	} {
		cfg := plan("bad", 2)
		change(&cfg)
		if _, err := w.seeder.Plant(t.Context(), cfg); !errors.Is(err, seeder.ErrConfig) {
			t.Errorf("%s: %v", name, err)
		}
	}
	cfg = plan("nodomain", 2)
	w.ledger.drop(inventory.Domain)
	if _, err := w.seeder.Plant(t.Context(), cfg); !errors.Is(err, seeder.ErrPool) {
		t.Errorf("no domain: %v", err)
	}
}

func TestPlantReadOnlyUser(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.connect(t, shared.MariaDB(t).User(t, w.dsn, "SELECT"))
	_, err := w.seeder.Plant(t.Context(), plan("ro", 2))
	lack, ok := errors.AsType[*supportdb.PrivilegeError](err)
	if !ok || lack.Privilege != "INSERT" || lack.Table != "customers" || !strings.HasPrefix(lack.Grant, "GRANT SELECT, INSERT, UPDATE, DELETE ON ") {
		t.Fatalf("error %v", err)
	}
	if len(w.ledger.batches) != 0 {
		t.Error("the batch was registered")
	}
}

// The window of every token begins between the stamps around its COMMIT.
func TestPlantWindows(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	start := w.now()
	w.mustPlant(t, plan("win", 4))
	end := w.now()
	all, err := w.ledger.Plantings(t.Context(), canary.Filter{})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range all {
		kinds := map[canary.Kind]int{}
		for _, tok := range p.Tokens {
			kinds[tok.Kind]++
			from := tok.Window.From
			if !from.Earliest.After(start) || !from.Latest.Before(end) || !from.Earliest.Before(from.Latest) || from.Latest.Sub(from.Earliest) > time.Second || !tok.Window.Until.IsZero() {
				t.Errorf("window %+v, run from %v to %v", tok.Window, start, end)
			}
		}
		if kinds[canary.Email] != 1 || kinds[canary.Phone] != 1 || kinds[canary.Ticket] < 1 || p.Name == "" || p.Segment == "" {
			t.Errorf("tokens %v, segment %q", kinds, p.Segment)
		}
	}
}

// Two of the canaries' addresses become somebody else's before the rows are
// inserted. Only these two are given up, and the others still go in together.
func TestBulkHalvesAGroupThatClashes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const count, theirs = 40, 2
	registered, planted := 0, 0
	w.ledger.step = func(name string) {
		switch name {
		case "after intend":
			if registered++; registered > 1 {
				return // those that take the places of the two
			}
			all, err := w.ledger.Plantings(t.Context(), canary.Filter{})
			if err != nil || len(all) != count {
				t.Fatalf("%d canaries registered together, %v", len(all), err)
			}
			for i := range theirs {
				w.exec(t, "INSERT INTO customers (first_name, last_name, email, country, language, product, created_at, updated_at) VALUES ('Not', 'Ours', ?, 'DE', 'de', 'home', NOW(), NOW())",
					w.addressOf(t, &all[i*(count-1)]))
			}
		case "after amend planted":
			planted++
		}
	}
	cfg := plan("halved", count)
	cfg.Bulk = true
	report, err := w.seeder.Plant(t.Context(), cfg)
	if err != nil || report.Live != count || report.Retired != theirs || report.Inserted != count || report.Adopted != 0 {
		t.Fatalf("report %+v, %v", report, err)
	}
	// 40 are halved to 20, 10, 5, 3 or 2 and 1: each clash costs that many
	// groups, and the last two canaries are one more.
	if limit := theirs*6 + 1; planted > limit {
		t.Errorf("%d groups went in: %d are enough", planted, limit)
	}
	if n := w.number(t, "SELECT COUNT(*) FROM customers WHERE last_name = 'Ours'"); n != theirs {
		t.Errorf("%d of the others' rows stand", n)
	}
	w.exec(t, "DELETE FROM customers WHERE last_name = 'Ours'")
	w.wantExactly(t, count)
}
