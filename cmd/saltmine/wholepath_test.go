package main

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/smtp"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"saltmine/internal/canary"
	"saltmine/internal/registry"
	"saltmine/internal/testkit"
	"saltmine/seeder/supportdb"
)

var (
	wholeSeeds   = flag.Int("wholepath.seeds", 1, "how many leaks TestWholePath stages")
	wholeFirst   = flag.Uint64("wholepath.first", 1, "the first of their seeds")
	wholeQueries = flag.Int("wholepath.queries", 500, "how many statements employees send before each")
)

// The size of a leak: the extract is one row in ten, so about 20 of 200 canaries are in
// it, and 0.5 of those are contacted, or as many more as it takes to expect 10. Where six
// are expected three are made now and then, and of the hundreds of statements that returned
// those nobody can tell which it was.
const (
	wholeCanaries  = 200
	wholeEmployees = 20
	wholeRounds    = 5
	wholeRotated   = 12 // canaries in each
	wholeShare     = .1
	wholeContacted = .5
	wholeLeast     = 10
	wholeSilence   = 15 * time.Second
)

// TestWholePath has employees send statements of 60 shapes to a MariaDB that logs them,
// while canaries' addresses change. One sells an extract, and some of it is written to.
// What the import of the log says each statement returned is compared with the rows that
// the server sent; then the trace has to name who sold it.
func TestWholePath(t *testing.T) {
	t.Parallel()
	server := testkit.MariaDB(t)
	_, db := server.Database(t)
	if _, err := db.ExecContext(t.Context(), "INSTALL SONAME 'server_audit'"); err != nil {
		t.Fatal(err)
	}
	// Without it the log has what was prepared, and not with which values.
	if _, err := db.ExecContext(t.Context(), "SET GLOBAL log_output = 'NONE', general_log = ON"); err != nil {
		t.Fatal(err)
	}
	var files string
	if err := db.QueryRowContext(t.Context(), "SELECT @@secure_file_priv").Scan(&files); err != nil {
		t.Fatal(err)
	}
	all := &pairs{shapes: map[string]*counted{}}
	named := 0
	for n := range *wholeSeeds {
		seed := *wholeFirst + uint64(n)
		t.Run(fmt.Sprintf("seed%d", seed), func(t *testing.T) {
			if stageLeak(t, server, files, seed, all) {
				named++
			}
		})
	}
	all.report(t)
	t.Logf("the seller is named first in %d of %d leaks", named, *wholeSeeds)
	if 10*named < 9**wholeSeeds {
		t.Errorf("the seller is named first in %d of %d leaks", named, *wholeSeeds)
	}
	if all.lost+all.wrong > 0 || all.possible*10 > all.possible+all.right {
		t.Errorf("%d pairs that were returned are excluded, %d called returned were not, %d of %d are only possible", all.lost, all.wrong, all.possible, all.possible+all.right)
	}
}

// wholePath is one leak.
type wholePath struct {
	*audited
	server *testkit.Server
	files  string // where it may write to
	rng    *rand.Rand
	reg    *registry.Registry
	facts  *facts
	staff  []*employee
	mu     sync.Mutex
	sent   []*truth
}

// truth is what a statement returned.
type truth struct {
	mark    string // in its text; empty for dumps
	account string
	shape   string
	ids     map[canary.ID]bool
	emails  map[string]bool // of the canaries, as they stood
}

type employee struct {
	account  string
	dsn      string
	db       *sql.DB
	prepares *sql.DB
}

func stageLeak(t *testing.T, server *testkit.Server, files string, seed uint64, all *pairs) (named bool) {
	dsn, db := server.HelpDesk(t, smallDesk())
	w := &wholePath{audited: &audited{site: newSite(t, dsn, db)}, server: server, files: files, rng: rand.New(rand.NewPCG(seed, 77))}
	for _, text := range []string{
		// Customers who are gone leave room for canaries among those who are not.
		"DELETE t FROM tickets t JOIN customers c ON c.id = t.customer_id WHERE c.id % 4 = 1",
		"DELETE FROM customers WHERE id % 4 = 1",
		"CREATE TABLE orders (id INT PRIMARY KEY AUTO_INCREMENT, customer_id BIGINT, total INT)",
		"INSERT INTO orders (customer_id, total) SELECT id, id % 90 FROM customers WHERE id % 3 = 0",
		"CREATE VIEW v_active AS SELECT id AS cid, email, country FROM customers WHERE status = 'active'",
		"CREATE VIEW v_open AS SELECT t.number, t.channel, c.email FROM tickets t JOIN customers c ON c.id = t.customer_id WHERE t.status <> 'closed'",
		"CREATE VIEW v_english AS SELECT v.cid, v.email FROM v_active v JOIN customers c ON c.id = v.cid WHERE c.language = 'en'",
	} {
		w.exec(text)
	}
	w.run("plant", "--count", fmt.Sprint(wholeCanaries), "--batch", "first", "--dates", "past")
	time.Sleep(4 * time.Second) // what is logged two seconds after something may have run before it
	w.reg = w.open()
	w.log = w.path("server_audit.log")
	w.exec("SET GLOBAL server_audit_logging=OFF")
	w.exec("SET GLOBAL server_audit_file_path='" + w.log + "', server_audit_query_log_limit=8192, server_audit_logging=ON")
	t.Cleanup(func() { w.exec("SET GLOBAL server_audit_logging=OFF") })
	w.configure("[[audit]]\nname = \"db1\"\nfile = \"server_audit.log\"\ntext_limit = 8192\nlongest = \"2s\"\nclock_error = \"0s\"\nignore = [\"testkit@127.0.0.1\", \"root@localhost\"]\n")
	w.hire(dsn)
	w.learnFacts()
	seller := w.staff[w.rng.IntN(len(w.staff))]
	leak := w.work(seller)
	w.settle()
	w.know()
	summary := w.importLog()
	w.compare(all)
	return w.sell(seller, leak, summary)
}

// hire makes the employees' accounts, and another for the seeder, whose changes the log
// has under its name.
func (w *wholePath) hire(dsn string) {
	w.t.Helper()
	for range wholeEmployees {
		e := &employee{dsn: w.server.User(w.t, dsn, "SELECT, CREATE, INSERT, DROP, LOCK TABLES, SHOW VIEW, TRIGGER")}
		cfg, err := mysql.ParseDSN(e.dsn)
		if err != nil {
			w.t.Fatal(err)
		}
		w.exec("GRANT FILE ON *.* TO '" + cfg.User + "'@'127.0.0.1'")
		e.account, e.db = cfg.User+"@127.0.0.1", w.account(e.dsn)
		e.prepares = w.account(strings.Replace(e.dsn, "interpolateParams=true", "interpolateParams=false", 1))
		e.db.SetMaxOpenConns(2)
		e.prepares.SetMaxOpenConns(1)
		w.staff = append(w.staff, e)
	}
	w.write("support.dsn", "mysql://"+w.server.User(w.t, dsn, "ALL"))
}

func (w *wholePath) column(query string) (out []string) {
	w.t.Helper()
	rows, err := w.db.QueryContext(w.t.Context(), query)
	if err != nil {
		w.t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			w.t.Fatal(err)
		}
		out = append(out, s)
	}
	if err := rows.Err(); err != nil {
		w.t.Fatal(err)
	}
	return out
}

func (w *wholePath) learnFacts() {
	w.t.Helper()
	w.facts = &facts{
		ids: w.column("SELECT id FROM customers"), tickets: w.column("SELECT id FROM tickets"), emails: w.column("SELECT email FROM customers"),
		numbers: w.column("SELECT number FROM tickets"), phones: w.column("SELECT phone FROM customers WHERE phone IS NOT NULL"),
		first: w.column("SELECT first_name FROM customers"), last: w.column("SELECT last_name FROM customers"),
		countries: w.column("SELECT DISTINCT country FROM customers"), products: w.column("SELECT DISTINCT product FROM customers"),
		days: w.column("SELECT DATE_FORMAT(created_at, '%Y-%m-%d') FROM customers ORDER BY created_at"), statuses: w.column("SELECT DISTINCT status FROM tickets"),
		priorities: w.column("SELECT DISTINCT priority FROM tickets"), by: w.column("SELECT DISTINCT channel FROM tickets"),
	}
}

// work has everybody send statements while canaries change, and the seller take the
// extract in the middle.
func (w *wholePath) work(seller *employee) *truth {
	w.t.Helper()
	list := shapes()
	each := *wholeQueries / wholeRounds / len(w.staff)
	var leak *truth
	for round := range wholeRounds {
		var group sync.WaitGroup
		group.Go(func() {
			if out, err := w.command("rotate", "--count", fmt.Sprint(wholeRotated)).CombinedOutput(); err != nil {
				w.t.Errorf("rotate: %v\n%s", err, out)
			}
		})
		for n, e := range w.staff {
			rng := rand.New(rand.NewPCG(w.rng.Uint64(), uint64(n)))
			group.Go(func() {
				for i := range each {
					w.send(e, rng, &list[rng.IntN(len(list))], fmt.Sprintf("/*q%d.%d.%d*/", round, n, i))
				}
			})
		}
		group.Wait()
		if round == wholeRounds/2 {
			from, until := w.facts.between(w.rng, wholeShare)
			extract := plain("the sale", "SELECT %%m id AS cid, first_name, last_name, email, phone FROM customers WHERE created_at BETWEEN %s AND %s",
				func(*rand.Rand, *facts) string { return literal(from) }, func(*rand.Rand, *facts) string { return literal(until) })
			leak = w.send(seller, w.rng, &extract, "/*sale*/")
		}
	}
	return leak
}

// send sends one statement, and notes what came back.
func (w *wholePath) send(e *employee, rng *rand.Rand, s *shape, mark string) *truth {
	var text string
	var args []any
	if s.make != nil {
		text, args = s.make(rng, w.facts)
	}
	out := &truth{mark: mark, account: e.account, shape: s.name, ids: map[canary.ID]bool{}, emails: map[string]bool{}}
	name := fmt.Sprintf("x%d", time.Now().UnixNano())
	target := name
	if s.way == toFile {
		target = filepath.Join(w.files, name)
	}
	text = strings.NewReplacer("%m", mark, "%f", target).Replace(text)
	var cells [][2]string
	var err error
	switch s.way {
	case prepared:
		cells, err = cellsOf(w.t.Context(), e.prepares, text, args...)
	case toFile:
		if _, err = e.db.ExecContext(w.t.Context(), text); err == nil {
			var written []byte
			written, err = os.ReadFile(target)
			cells = fileCells(s.name, string(written))
		}
	case toTable:
		if _, err = e.db.ExecContext(w.t.Context(), text); err == nil {
			cells, err = cellsOf(w.t.Context(), w.db, "SELECT * FROM "+target)
		}
	case dumped:
		out.mark = ""
		cells, err = dump(w.t.Context(), e.dsn, text)
	default:
		cells, err = cellsOf(w.t.Context(), e.db, text)
	}
	if err != nil {
		w.t.Errorf("%s: %.300s: %v", s.name, text, err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range cells {
		out.emails[c[0]+"|"+strings.ToLower(c[1])] = true
	}
	w.sent = append(w.sent, out)
	return out
}

// cellsOf are the cells that name a customer or a ticket: column and value.
func cellsOf(ctx context.Context, db *sql.DB, text string, args ...any) (cells [][2]string, err error) {
	rows, err := db.QueryContext(ctx, text, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	values := make([]sql.NullString, len(names))
	into := make([]any, len(names))
	for i := range values {
		into[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return nil, err
		}
		for i, name := range names {
			if values[i].Valid && slices.Contains([]string{"cid", "customer_id", "email", "mail", "tid", "number"}, name) {
				for one := range strings.SplitSeq(values[i].String, ",") {
					cells = append(cells, [2]string{name, one})
				}
			}
		}
	}
	return cells, rows.Err()
}

// fileCells are those of a file that the server wrote.
func fileCells(shape, text string) (cells [][2]string) {
	column := "cid"
	if strings.HasPrefix(shape, "tickets") {
		column = "tid"
	}
	for line := range strings.Lines(text) {
		cells = append(cells, [2]string{column, strings.FieldsFunc(line, func(r rune) bool { return r == ',' || r == '\t' })[0]})
	}
	return cells
}

// dump runs mysqldump; what it gives is told by the addresses in it.
func dump(ctx context.Context, dsn, where string) (cells [][2]string, err error) {
	cfg, err := mysql.ParseDSN(dsn)
	if err != nil {
		return nil, err
	}
	host, port, _ := strings.Cut(cfg.Addr, ":")
	args := []string{"--no-defaults", "-h" + host, "-P" + port, "-u" + cfg.User, "--no-tablespaces", "--single-transaction", "--skip-extended-insert"}
	if where != "" {
		args = append(args, "--where="+where)
	}
	cmd := exec.CommandContext(ctx, "mysqldump", append(args, cfg.DBName, "customers")...)
	cmd.Env = append(os.Environ(), "MYSQL_PWD="+cfg.Passwd)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%w: %s", err, stderr.String())
	}
	for line := range bytes.Lines(out) {
		if rest, row := bytes.CutPrefix(line, []byte("INSERT INTO `customers` VALUES (")); row {
			id, _, _ := bytes.Cut(rest, []byte(","))
			cells = append(cells, [2]string{"cid", string(id)})
		}
	}
	return cells, nil
}

// know reads which keys and tokens are canaries', and of which each statement returned
// something.
func (w *wholePath) know() {
	w.t.Helper()
	all, err := w.reg.Plantings(w.t.Context(), canary.Filter{})
	if err != nil {
		w.t.Fatal(err)
	}
	owner := map[string]canary.ID{}
	for i := range all {
		p := &all[i]
		image, err := supportdb.DecodeImage(p.Rows)
		if err != nil {
			w.t.Fatal(err)
		}
		keys, err := supportdb.DecodeKeys(p.Keys)
		if err != nil {
			w.t.Fatal(err)
		}
		for n, it := range image.Items {
			column := map[string]string{"customer": "cid", "ticket": "tid"}[it.Part]
			owner[column+"|"+keys.Rows[n][0]] = p.ID
			if column == "cid" {
				owner["customer_id|"+keys.Rows[n][0]] = p.ID
			}
		}
		for _, tok := range p.Tokens {
			text := strings.ToLower(tok.Text)
			owner["email|"+text], owner["mail|"+text], owner["number|"+text] = p.ID, p.ID, p.ID
		}
	}
	for _, s := range w.sent {
		for cell := range s.emails {
			if id := owner[cell]; id != "" {
				s.ids[id] = true
			}
		}
	}
}

func (w *wholePath) importLog() (s importSummary) {
	s.auditSummary = &auditSummary{}
	w.t.Helper()
	out := w.run(append([]string{"--output", "json", "audit", "import", "--text-limit", "8192", "--longest", "2s", "--clock-error", "0s"}, w.logs()...)...)
	if err := json.Unmarshal([]byte(out), &s); err != nil {
		w.t.Fatal(err)
	}
	w.t.Logf("%d statements, %d reads, %d of them sure, %d own changes; %d ignored", s.Statements, s.Reads, s.Sure, s.Checked, s.Ignored)
	return s
}

// sell has strangers write to a part of what was sold, and traces them.
func (w *wholePath) sell(seller *employee, leak *truth, _ importSummary) (named bool) {
	w.t.Helper()
	if leak == nil {
		w.t.Fatal("nothing was sold")
	}
	tokens, err := w.reg.PlantedTokens(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	var inIt, contacted []string
	for _, tok := range tokens {
		if tok.Kind == canary.Email && leak.emails["email|"+strings.ToLower(tok.Text)] {
			inIt = append(inIt, tok.Text)
		}
	}
	slices.Sort(inIt)
	share := min(1, max(wholeContacted, wholeLeast/float64(max(1, len(inIt)))))
	for _, address := range inIt {
		if w.rng.Float64() < share {
			contacted = append(contacted, address)
		}
	}
	expected := share * float64(len(inIt))
	w.t.Logf("%d canaries in the extract, %.1f contacts expected, %d made", len(inIt), expected, len(contacted))
	if expected < 5 || len(contacted) == 0 {
		w.t.Errorf("the leak is too small to be traced: %.1f contacts are expected, %d were made", expected, len(contacted))
		return false
	}
	r := w.serve()
	defer r.kill()
	for n, address := range contacted {
		w.mail(r, n, address)
		if n > 0 && n < len(contacted)-1 {
			continue
		}
		if n > 0 {
			time.Sleep(wholeSilence) // which tells nothing until it had time to be broken
		}
		answer := w.traced(n + 1)
		if n == 0 && len(contacted) > 1 && !strings.Contains(strings.Join(answer.Answer.Reasons, "\n"), "often the wrong one") {
			w.t.Errorf("one contact is not said to be too few: %s %q", answer.Answer.Conclusion, answer.Answer.Reasons)
		}
		first, _ := answer.Answer.Leading()
		named = first.Actor == seller.account
		if n > 0 {
			for _, s := range answer.Answer.Suspects[:min(len(answer.Answer.Suspects), 3)] {
				w.t.Logf("%s explains %d and holds %d: %.150q", s.Actor, s.Explains, s.Holds, s.Reasons)
			}
			w.t.Logf("first suspect: %s, which explains %d of %d; named: %v. %s", first.Extract, first.Explains, first.Of, named, answer.Answer.Conclusion)
		}
	}
	return named
}

func (w *wholePath) mail(r *running, n int, address string) {
	w.t.Helper()
	body := fmt.Sprintf("Subject: your computer %d\r\n\r\nCall us.\r\n", n)
	if err := smtp.SendMail(r.addrs["smtp"], nil, fmt.Sprintf("help%d@scammers%d.example", n, n), []string{address}, []byte(body)); err != nil {
		w.t.Fatal(err)
	}
}

// traced waits until the canaries reached are an incident, and traces it.
func (w *wholePath) traced(canaries int) (answer traced) {
	w.t.Helper()
	var id canary.IncidentID
	eventually(w.t, "the mails are an incident", func() bool {
		list, err := w.reg.Incidents(w.t.Context(), 100)
		if err != nil {
			w.t.Fatal(err)
		}
		for _, inc := range list {
			if inc.Place == "db:main" && inc.Canaries >= canaries {
				id = inc.ID
			}
		}
		return id != ""
	})
	if err := json.Unmarshal([]byte(w.run("--output", "json", "trace", "--incident", string(id))), &answer); err != nil {
		w.t.Fatal(err)
	}
	return answer
}
