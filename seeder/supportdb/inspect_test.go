package supportdb_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"saltmine/seeder/recipe"
	"saltmine/seeder/supportdb"
)

// inspect makes a schema, inspects it, and reads the proposal back.
func inspect(t *testing.T, statements ...string) (supportdb.Proposal, *supportdb.DB) {
	t.Helper()
	dsn, raw := shared.MariaDB(t).Database(t)
	exec(t, raw, statements...)
	db := open(t, dsn)
	p, err := db.Inspect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := recipe.Parse([]byte(p.Text)); err != nil {
		t.Errorf("the proposal cannot be read: %v\n%s", err, p.Text)
	}
	return p, db
}

func TestInspectHelpDesk(t *testing.T) {
	t.Parallel()
	_, dsn, _ := helpDesk(t)
	p, err := open(t, dsn).Inspect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := generic(t)
	got, err := recipe.Parse([]byte(p.Text))
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got.Ticket, want.Ticket) || got.Customer.Email != "email" || got.Customer.Phone != "phone" || got.Customer.FirstName != "first_name" ||
		got.Customer.LastName != "last_name" || got.Customer.Updated != "updated_at" || got.Customer.Segment["product"] != "product" || len(got.Customer.Segment) != 3 {
		t.Errorf("proposal:\n%s", p.Text)
	}
	if len(p.Doubts) != 0 || !strings.Contains(p.Text, "# a foreign key to customers") {
		t.Errorf("doubts %q in\n%s", p.Doubts, p.Text)
	}
}

// Other names, full names, UUID keys, staff who have addresses too, decoys.
func TestInspectOtherSchema(t *testing.T) {
	t.Parallel()
	p, db := inspect(t,
		"CREATE TABLE hd_staff (id int AUTO_INCREMENT PRIMARY KEY, email varchar(99) UNIQUE, name varchar(99), phone varchar(40), created datetime)",
		"CREATE TABLE hd_Contacts (ContactUUID char(36) PRIMARY KEY, FullName varchar(99) NOT NULL, EMail varchar(120) NOT NULL, Mobile varchar(40), CountryCode char(2), lang varchar(5), Plan enum('a','b'), dateCreated datetime(6), lastUpdated timestamp NULL, legacy_no varchar(20) UNIQUE)",
		"CREATE TABLE hd_cases (id int AUTO_INCREMENT PRIMARY KEY, case_number int NOT NULL UNIQUE, contact_id char(36) NOT NULL, title varchar(200), state varchar(20), opened_at datetime, modified datetime, assignee int, FOREIGN KEY (assignee) REFERENCES hd_staff(id), KEY (contact_id))",
		"CREATE TABLE hd_case_comments (id int AUTO_INCREMENT PRIMARY KEY, contact_id char(36), subject text, status text, created datetime)",
		"CREATE TABLE mail_log (id int AUTO_INCREMENT PRIMARY KEY, email varchar(99), subject text, status text, number int)",
		"INSERT INTO hd_Contacts VALUES (UUID(),'Dana Whitfield','dana@x.test','+44 20 7946 0018','GB','en','a',NOW(),NULL,'L1')",
		"INSERT INTO hd_cases (case_number,contact_id,title,state,opened_at) SELECT 1001, ContactUUID, 'x', 'new', NOW() FROM hd_Contacts",
	)
	c, k := p.Recipe.Customer, p.Recipe.Ticket
	if c.Table != "hd_Contacts" || c.Key != "ContactUUID" || c.Email != "EMail" || c.Name != "FullName" || c.Phone != "Mobile" || c.Created != "dateCreated" || c.Updated != "lastUpdated" ||
		c.Segment["country"] != "CountryCode" || c.Segment["language"] != "lang" || c.Segment["product"] != "Plan" {
		t.Errorf("customer %+v", c)
	}
	if k.Table != "hd_cases" || k.Number != "case_number" || k.Customer != "contact_id" || k.Subject != "title" || k.Status != "state" || k.Created != "opened_at" || k.Updated != "modified" {
		t.Errorf("ticket %+v", k)
	}
	doubts := strings.Join(p.Doubts, "\n")
	for _, want := range []string{"no foreign key", "not a unique key", "legacy_no"} {
		if !strings.Contains(doubts, want) {
			t.Errorf("no doubt about %q in\n%s", want, doubts)
		}
	}
	if err := db.Check(t.Context(), p.Recipe); err != nil {
		t.Errorf("the proposal does not fit its own schema: %v", err)
	}
}

// The number is the key, a trigger is about, one table has no transactions.
func TestInspectDoubts(t *testing.T) {
	t.Parallel()
	p, _ := inspect(t,
		"CREATE TABLE users (id int AUTO_INCREMENT PRIMARY KEY, email varchar(99) UNIQUE, name varchar(99), created datetime)",
		"CREATE TABLE tickets (id int AUTO_INCREMENT PRIMARY KEY, user_id int, subject text, status text, created datetime) ENGINE=MyISAM",
		"CREATE TRIGGER welcome AFTER INSERT ON users FOR EACH ROW SET @x = 1",
	)
	if p.Recipe.Ticket.Number != "id" || p.Recipe.Customer.Phone != "" {
		t.Errorf("recipe %+v", p.Recipe)
	}
	doubts := strings.Join(p.Doubts, "\n")
	for _, want := range []string{"MyISAM", "welcome", "phone numbers", "users is empty"} {
		if !strings.Contains(doubts, want) {
			t.Errorf("no doubt about %q in\n%s", want, doubts)
		}
	}
}

func TestInspectNothing(t *testing.T) {
	t.Parallel()
	dsn, raw := shared.MariaDB(t).Database(t)
	exec(t, raw, "CREATE TABLE parts (id int AUTO_INCREMENT PRIMARY KEY, name text)")
	if _, err := open(t, dsn).Inspect(t.Context()); !errors.Is(err, supportdb.ErrSchema) {
		t.Errorf("error %v", err)
	}
}
