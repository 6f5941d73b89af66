package seeder_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/testkit"
	"saltmine/seeder"
	"saltmine/seeder/supportdb"
)

// odd makes a support database that is unlike the usual one: UUID keys, one
// name column, ticket numbers that are the tickets' keys, no foreign key, and
// columns that hold more of the customer than the recipe names.
func odd(t *testing.T, more ...string) *world {
	t.Helper()
	dsn, db := shared.MariaDB(t).Database(t)
	w := &world{db: db}
	w.exec(t, `CREATE TABLE contacts (uuid char(36) PRIMARY KEY, fullname varchar(60) NOT NULL, email varchar(60) NOT NULL, login varchar(40) NOT NULL UNIQUE,
		mobile varchar(30) NULL, second_email varchar(60) NULL, api_token char(24) NOT NULL, customer_no int NOT NULL UNIQUE, birthday date NULL, avatar blob NULL,
		notes text NULL, created_at datetime(6) NOT NULL, last_seen datetime NULL, expires date NULL, shout varchar(70) AS (UPPER(fullname)) STORED, KEY (email))`)
	w.exec(t, `CREATE TABLE cases (id int AUTO_INCREMENT PRIMARY KEY, contact_uuid char(36) NOT NULL, title varchar(80) NOT NULL, state varchar(20) NOT NULL, created_at datetime NOT NULL, closed_at datetime NULL, KEY (contact_uuid))`)
	r := rand.New(rand.NewPCG(11, 12))
	first, last := []string{"Ann", "Bob", "Cleo", "Dan", "Eve", "Finn", "Gus"}, []string{"Archer", "Baker", "Cook", "Dyer", "Fisher", "Glover", "Hunter"}
	for i := range 150 {
		f, l := first[r.IntN(7)], last[r.IntN(7)]
		at := until().AddDate(0, 0, i-150)
		key := supportdb.NewUUID(r)
		local := strings.ToLower(fmt.Sprintf("%s.%s%d", f, l, i))
		w.exec(t, "INSERT INTO contacts (uuid,fullname,email,login,mobile,second_email,api_token,customer_no,birthday,avatar,notes,created_at,last_seen,expires) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
			key, f+" "+l, local+"@real.test", local, fmt.Sprintf("0171 %07d", i), local+"@work.test", fmt.Sprintf("%024x", r.Uint64()), 5000+2*i, "1980-05-06", []byte{0xff, 0, 1},
			fmt.Sprintf("%s wants a call back, mail %s@real.test", f, local), at, at.Add(5*time.Hour), at.AddDate(1, 0, 0))
		for range 1 + r.IntN(2) {
			w.exec(t, "INSERT INTO cases (contact_uuid,title,state,created_at,closed_at) VALUES (?,?,?,?,?)", key, "cannot log in", "closed", at.Add(time.Hour), at.Add(2*time.Hour))
		}
		if i%10 == 0 { // ids that were passed over
			w.exec(t, "ALTER TABLE cases AUTO_INCREMENT = "+fmt.Sprint(w.number(t, "SELECT MAX(id) FROM cases")+3))
		}
	}
	for _, statement := range more {
		w.exec(t, statement)
	}
	return worldOn(t, dsn, db)
}

func TestOddSchema(t *testing.T) {
	t.Parallel()
	w := odd(t)
	if !w.desk.NumberIsKey() {
		t.Fatalf("recipe %+v", w.desk.Recipe())
	}
	cfg := plan("odd", 10)
	report, err := w.seeder.Plant(t.Context(), cfg)
	if err != nil || report.Inserted != 10 || report.Placebos[canary.Ticket] == 0 {
		t.Fatalf("report %+v, %v", report, err)
	}
	const ours = " FROM contacts WHERE email NOT LIKE '%@real.test'"
	for query, want := range map[string]int{
		"SELECT COUNT(*)" + ours: 10,
		"SELECT COUNT(DISTINCT login)" + ours + " AND login LIKE CONCAT(SUBSTRING_INDEX(email,'@',1), '%')":           10,
		"SELECT COUNT(*)" + ours + " AND (second_email IS NOT NULL OR notes LIKE '%real.test%')":                      0,
		"SELECT COUNT(*)" + ours + " AND birthday = '1980-05-06' AND HEX(avatar) = 'FF0001' AND mobile LIKE '0%'":     10,
		"SELECT COUNT(*)" + ours + " AND expires > '2026-06-01' AND last_seen >= created_at - INTERVAL 1 SECOND":      10,
		"SELECT COUNT(*)" + ours + " AND shout = UPPER(fullname)":                                                     10,
		"SELECT COUNT(*)" + ours + " AND api_token IN (SELECT api_token FROM contacts WHERE email LIKE '%real.test')": 0,
		"SELECT COUNT(*)" + ours + " AND customer_no BETWEEN 5001 AND 5400":                                           10,
		"SELECT COUNT(*) FROM cases WHERE contact_uuid NOT IN (SELECT uuid FROM contacts)":                            0,
	} {
		if got := w.number(t, query); got != want {
			t.Errorf("%s: %d, wanted %d", query, got, want)
		}
	}
	all, err := w.ledger.Plantings(t.Context(), canary.Filter{})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range all {
		customer, tickets := keysOf(t, p)
		numbers := 0
		for _, tok := range p.Tokens {
			if tok.Kind == canary.Ticket {
				numbers++
				if w.number(t, "SELECT COUNT(*) FROM cases WHERE id = ? AND contact_uuid = ?", tok.Text, customer) != 1 {
					t.Errorf("ticket token without its ticket")
				}
			}
		}
		if numbers == 0 || numbers != len(tickets) {
			t.Errorf("%d ticket tokens, %d keys", numbers, len(tickets))
		}
	}
	verify, err := w.seeder.Verify(t.Context(), seeder.VerifyConfig{})
	if err != nil || verify.Verified != 10 {
		t.Errorf("verify %+v, %v", verify, err)
	}
	rotated, err := w.seeder.Rotate(t.Context(), rotation(canary.Email, "odd"))
	if err != nil || rotated.Rotated != 10 {
		t.Errorf("rotate %+v, %v", rotated, err)
	}
	withdrawn, err := w.seeder.Withdraw(t.Context(), seeder.WithdrawConfig{All: true})
	if err != nil || withdrawn.Withdrawn != 10 || w.number(t, "SELECT COUNT(*)"+ours) != 0 || w.number(t, "SELECT COUNT(*) FROM cases WHERE contact_uuid NOT IN (SELECT uuid FROM contacts)") != 0 {
		t.Errorf("withdraw %+v, %v", withdrawn, err)
	}
}

// Ticket numbers that the server gives are registered before COMMIT too, and
// those of a transaction that did not come are closed.
func TestOddSchemaDiesAnywhere(t *testing.T) {
	t.Parallel()
	w := odd(t)
	for n := range 40 {
		cfg := plan(canary.BatchID(fmt.Sprintf("die-%d", n)), 1)
		cfg.PlacebosPerEmail = 1
		at, survived := w.dieAt(t, n, func() { _, _ = w.seeder.Plant(t.Context(), cfg) })
		if report, err := w.seeder.Plant(t.Context(), cfg); err != nil || report.Live != 1 {
			t.Fatalf("resumed after dying %s: %+v, %v", at, report, err)
		}
		if got := w.number(t, "SELECT COUNT(*) FROM contacts WHERE email NOT LIKE '%@real.test'"); got != n+1 {
			t.Fatalf("after dying %s: %d canaries stand, %d wanted", at, got, n+1)
		}
		all, err := w.ledger.Plantings(t.Context(), canary.Filter{Batch: cfg.Batch})
		if err != nil {
			t.Fatal(err)
		}
		for _, tok := range all[0].Tokens {
			stands := tok.Kind != canary.Ticket || w.number(t, "SELECT COUNT(*) FROM cases WHERE id = ? AND contact_uuid = ?", tok.Text, keyOf(t, all[0])) == 1
			if stands != tok.Window.Possible(w.now()) {
				t.Errorf("after dying %s: a %s token stands %v, its window is %+v", at, tok.Kind, stands, tok.Window)
			}
		}
		if survived {
			return
		}
	}
	t.Fatal("the run never came to its end")
}

func TestUniqueKeysWithoutARule(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		statement, column string
	}{
		"unique":    {"ALTER TABLE contacts ADD COLUMN pet varchar(60) NOT NULL DEFAULT (CONCAT('my pet ', uuid)), ADD UNIQUE (pet)", "pet"},
		"composite": {"ALTER TABLE cases ADD COLUMN seq int NOT NULL DEFAULT 0, ADD UNIQUE together (contact_uuid, id), ADD UNIQUE apart (seq, avatar_no)", "seq+avatar_no"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := odd(t)
			if name == "composite" {
				w.exec(t, "ALTER TABLE cases ADD COLUMN avatar_no int NULL")
			}
			w.exec(t, c.statement)
			w.connect(t, w.dsn)
			_, err := w.seeder.Plant(t.Context(), plan("u", 1))
			fault, ok := errors.AsType[*supportdb.SchemaError](err)
			if !ok || fault.Column != c.column {
				t.Errorf("error %v", err)
			}
			if len(w.ledger.batches) != 0 {
				t.Error("the batch was registered")
			}
		})
	}
}

// A column that may not be NULL and holds other people's numbers: no donor is left.
func TestNoDonorLeft(t *testing.T) {
	t.Parallel()
	w := odd(t, "UPDATE contacts SET second_email = CONCAT('x', email)", "ALTER TABLE contacts MODIFY second_email varchar(60) NOT NULL")
	if _, err := w.seeder.Plant(t.Context(), plan("none", 1)); !errors.Is(err, seeder.ErrSample) || !strings.Contains(err.Error(), "no donor is left") {
		t.Errorf("error %v", err)
	}
	w = odd(t, "DELETE FROM cases")
	if _, err := w.seeder.Plant(t.Context(), plan("none", 1)); !errors.Is(err, supportdb.ErrTooFew) && !errors.Is(err, seeder.ErrSample) {
		t.Errorf("error %v", err)
	}
}

func TestVerifyAfterRestart(t *testing.T) {
	t.Parallel()
	server := testkit.MariaDB(t)
	dsn, db := server.HelpDesk(t, tables())
	w := worldOn(t, dsn, db)
	w.planted(t, 3)
	server.Kill(t)
	if _, err := w.seeder.Verify(t.Context(), seeder.VerifyConfig{}); !errors.Is(err, supportdb.ErrUnreachable) {
		t.Errorf("a dead server: %v", err)
	}
	server.Restart(t)
	if report, err := w.seeder.Verify(t.Context(), seeder.VerifyConfig{}); err != nil || report.Verified != 3 {
		t.Errorf("report %+v, %v", report, err)
	}
}
