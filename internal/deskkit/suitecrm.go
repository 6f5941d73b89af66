package deskkit

import (
	"fmt"
	"html"
	"math/rand/v2"
	"strings"
	"time"
)

// suiteCRM writes what data/SugarBean.php, include/SugarEmailAddress and the
// hooks of AOP_Case_Updates write. Times are UTC. Nothing is deleted: it is
// marked, and a job that prunes the database removes what is marked for long.
type suiteCRM struct {
	*book
	r        *rand.Rand
	users    []string // the agents
	accounts []row
	contacts map[*person]*sContact
	cases    map[*matter]*sCase
}

type sContact struct {
	row    row
	phone  string // the column that holds the number
	link   row    // to the address
	member row    // of an account, or nil
}

type sCase struct{ row, link row }

func newSuiteCRM(b *book, seed uint64) *suiteCRM {
	return &suiteCRM{book: b, r: rand.New(rand.NewPCG(seed, 0x5417e)), contacts: map[*person]*sContact{}, cases: map[*matter]*sCase{}} //nolint:gosec // repeatable on purpose
}

// guid is made as create_guid makes it: of the microseconds, of dice, and of the
// upper six digits of the time in seconds. It tells when it was made, to 256 s.
func (s *suiteCRM) guid(at time.Time) string {
	micro := fmt.Sprintf("%x", s.r.IntN(1_000_000))
	micro += strings.Repeat("0", 5-len(micro))
	return fmt.Sprintf("%s%03x-%04x-%04x-%04x-%06x%06x", micro, s.r.IntN(1<<12), s.r.IntN(1<<16), s.r.IntN(1<<16), s.r.IntN(1<<16),
		at.Unix()>>8, s.r.IntN(1<<24))
}

// start makes the agents' keys and the companies.
func (s *suiteCRM) start(at time.Time) {
	for range agents() {
		s.users = append(s.users, s.guid(at))
	}
	for i, name := range []string{"Corner Bakery", "Hillside School", "Brandt Elektro", "Rossi Impianti", "Dupont Conseil", "Green & Sons", "Nowak Transport", "Praxis Weber"} {
		a := s.bean(at, s.users[i], row{"name": name, "assigned_user_id": s.users[i], "account_type": "Customer", "industry": "",
			"phone_office": fmt.Sprintf("01632 9600%02d", i), "phone_alternate": "", "phone_fax": "", "website": "http://", "parent_id": nil, "campaign_id": nil})
		s.accounts = append(s.accounts, s.add("accounts", a))
		s.add("accounts_cstm", row{"id_c": a["id"], "jjwg_maps_geocode_status_c": nil, "jjwg_maps_address_c": nil})
	}
}

// bean adds what every record has.
func (s *suiteCRM) bean(at time.Time, by string, r row) row {
	r["id"], r["date_entered"], r["date_modified"], r["created_by"], r["modified_user_id"], r["deleted"] = s.guid(at), at, at, by, by, 0
	return r
}

func (s *suiteCRM) happen(e event) {
	switch e.what {
	case signUp:
		s.signUp(e)
	case newMail:
		s.newMail(e)
	case newPhone:
		s.newPhone(e)
	case opened:
		s.open(e)
	case answered:
		s.answer(e)
	case wrote:
		s.update(e, row{"contact_id": s.contacts[e.of].row["id"], "assigned_user_id": nil}, "1")
	case resolved:
		s.close(e, "Closed_Rejected")
	case closed:
		s.close(e, "Closed_Closed")
	case deleted:
		s.delete(e)
	case left:
		s.left(e)
	}
}

// signUp: the form sends empty texts for what is not given, an import nothing.
func (s *suiteCRM) signUp(e event) {
	by := s.users[s.r.IntN(len(s.users))]
	c := &sContact{phone: []string{"phone_mobile", "phone_mobile", "phone_home", "phone_work"}[s.r.IntN(4)]}
	var empty any
	if s.r.IntN(5) < 3 {
		empty = ""
	}
	r := row{"assigned_user_id": by, "salutation": empty, "first_name": e.of.FirstName, "last_name": e.of.LastName, "title": empty, "department": empty,
		"do_not_call": 0, "lawful_basis": "", "lead_source": empty, "primary_address_country": e.of.Country, "primary_address_street": empty,
		"primary_address_city": empty, "reports_to_id": nil, "campaign_id": nil}
	for _, phone := range []string{"phone_home", "phone_mobile", "phone_work", "phone_other", "phone_fax"} {
		r[phone] = empty
	}
	if e.of.phone != "" {
		r[c.phone] = e.of.phone
	}
	c.row = s.add("contacts", s.bean(e.at, by, r))
	s.add("contacts_cstm", row{"id_c": c.row["id"], "jjwg_maps_geocode_status_c": empty, "jjwg_maps_address_c": empty})
	c.link = s.address(e, c, e.of.mail)
	if s.r.IntN(10) < 3 {
		c.member = s.accounts[s.r.IntN(len(s.accounts))]
		s.add("accounts_contacts", row{"id": s.guid(e.at), "contact_id": c.row["id"], "account_id": c.member["id"], "date_modified": e.at, "deleted": 0})
	}
	s.contacts[e.of] = c
}

// address inserts an address that nobody has, and the link to it.
func (s *suiteCRM) address(e event, c *sContact, mail string) row {
	a := s.add("email_addresses", row{"id": s.guid(e.at), "email_address": mail, "email_address_caps": strings.ToUpper(mail), "invalid_email": 0,
		"opt_out": 0, "confirm_opt_in": "not-opt-in", "date_created": e.at, "date_modified": e.at, "deleted": 0})
	return s.add("email_addr_bean_rel", row{"id": s.guid(e.at), "email_address_id": a["id"], "bean_id": c.row["id"], "bean_module": "Contacts",
		"primary_address": 1, "reply_to_address": 0, "date_created": e.at, "date_modified": e.at, "deleted": 0})
}

// newMail: the old address stays in its table, only the link is marked deleted,
// and not even dated.
func (s *suiteCRM) newMail(e event) {
	c := s.contacts[e.of]
	c.link["deleted"] = 1
	c.link = s.address(e, c, e.text)
	c.row["date_modified"] = e.at
}

// newPhone: of the numbers, only the one at work is audited.
func (s *suiteCRM) newPhone(e event) {
	c := s.contacts[e.of]
	if c.phone == "phone_work" {
		s.audit(e, "contacts", c.row, "phone_work", "phone", e.text, s.users[0])
	}
	c.row[c.phone], c.row["date_modified"], c.row["modified_user_id"] = e.text, e.at, s.users[0]
}

func (s *suiteCRM) audit(e event, table string, of row, field, kind string, value any, by string) {
	s.add(table+"_audit", row{"id": s.guid(e.at), "parent_id": of["id"], "date_created": e.at, "created_by": by, "field_name": field,
		"data_type": kind, "before_value_string": of[field], "after_value_string": value, "before_value_text": nil, "after_value_text": nil})
}

func (s *suiteCRM) open(e event) {
	c, agent, by := s.contacts[e.of], s.users[e.about.agent], "1"
	var creator, account any
	switch e.about.Channel {
	case "web", "chat": // the portal knows who asks
		creator = c.row["id"]
	case "phone":
		by = agent
	}
	if c.member != nil {
		account = c.member["id"]
	}
	k := &sCase{}
	k.row = s.auto("cases", "case_number", s.bean(e.at, by, row{"name": e.about.Subject, "description": sPage(e.text), "assigned_user_id": agent,
		"type": "User", "status": "Open_New", "state": "Open", "resolution": nil, "work_log": nil, "account_id": account,
		"priority":              map[string]string{"low": "P3", "high": "P1", "urgent": "P1"}[e.about.Priority],
		"contact_created_by_id": creator}))
	if k.row["priority"] == "" {
		k.row["priority"] = "P2"
	}
	s.add("cases_cstm", row{"id_c": k.row["id"], "jjwg_maps_geocode_status_c": nil, "jjwg_maps_address_c": nil})
	k.link = s.add("contacts_cases", row{"id": s.guid(e.at), "contact_id": c.row["id"], "case_id": k.row["id"], "contact_role": "Primary Contact",
		"date_modified": e.at, "deleted": 0})
	s.cases[e.about] = k
}

func sPage(text string) string {
	return "<p>" + strings.ReplaceAll(html.EscapeString(text), "\n", "<br />") + "</p>"
}

// update adds a message to the case. Its name is the beginning of the text.
func (s *suiteCRM) update(e event, r row, by string) {
	k := s.cases[e.about]
	name := []rune(strings.ReplaceAll(e.text, "\n", " "))
	if len(name) > 50 {
		name = append(name[:50:50], []rune("...")...)
	}
	r["name"], r["description"], r["case_id"], r["internal"] = string(name), strings.ReplaceAll(html.EscapeString(e.text), "\n", "<br />\n"), k.row["id"], 0
	s.add("aop_case_updates", s.bean(e.at, by, r))
	k.row["date_modified"], k.row["modified_user_id"] = e.at, by
}

func (s *suiteCRM) answer(e event) {
	by := s.users[e.about.agent]
	s.update(e, row{"assigned_user_id": by, "contact_id": nil}, by)
	if s.cases[e.about].row["status"] == "Open_New" {
		s.status(e, "Open_Assigned", "Open", by)
	}
}

// status changes the status: each change is an event of the case, and a row of
// the audit for each field.
func (s *suiteCRM) status(e event, status, state, by string) {
	k := s.cases[e.about].row
	text := fmt.Sprintf("Status changed from %s to %s.", k["status"], status)
	s.add("aop_case_events", s.bean(e.at, by, row{"name": text, "description": text, "assigned_user_id": nil, "case_id": k["id"]}))
	s.audit(e, "cases", k, "status", "dynamicenum", status, by)
	if k["state"] != state {
		s.audit(e, "cases", k, "state", "enum", state, by)
	}
	k["status"], k["state"], k["date_modified"], k["modified_user_id"] = status, state, e.at, by
}

func (s *suiteCRM) close(e event, status string) {
	s.status(e, status, "Closed", s.users[e.about.agent])
}

// pruned says that the job which prunes has come since.
func pruned(at time.Time) bool { return at.Before(Until().AddDate(0, -6, 0)) }

func (s *suiteCRM) delete(e event) {
	k := s.cases[e.about]
	if pruned(e.at) {
		s.drop("cases", "id", k.row["id"])
		s.drop("cases_cstm", "id_c", k.row["id"])
		s.drop("contacts_cases", "case_id", k.row["id"])
		return
	}
	k.row["deleted"], k.row["date_modified"], k.link["deleted"], k.link["date_modified"] = 1, e.at, 1, e.at
}

// left: the address itself stays in both cases.
func (s *suiteCRM) left(e event) {
	c := s.contacts[e.of]
	if pruned(e.at) {
		s.drop("contacts", "id", c.row["id"])
		s.drop("contacts_cstm", "id_c", c.row["id"])
		s.drop("email_addr_bean_rel", "bean_id", c.row["id"])
		s.drop("accounts_contacts", "contact_id", c.row["id"])
		s.drop("contacts_cases", "contact_id", c.row["id"])
		return
	}
	c.row["deleted"], c.row["date_modified"], c.link["deleted"] = 1, e.at, 1
	for _, m := range s.rows("accounts_contacts", "contact_id", c.row["id"]) {
		m["deleted"], m["date_modified"] = 1, e.at
	}
}

func (*suiteCRM) end() {}
