package deskkit

import (
	"encoding/json"
	"fmt"
	"html"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"
)

// Ids that osTicket's installer gives.
const (
	ostPhone    = 3  // field of the form of users
	ostNotes    = 4  // the same
	ostSubject  = 20 // field of the form of tickets
	ostPriority = 22 // the same
)

// never is the date of a column that the application leaves out although it may
// not be NULL and has no default: it works without a strict mode.
const never = "0000-00-00 00:00:00"

// osTicket writes what include/class.user.php, class.ticket.php and
// class.thread.php write.
type osTicket struct {
	*book
	r       *rand.Rand
	ordered bool // numbers come from a sequence instead of a die
	numbers map[string]bool
	users   map[*person]*ostUser
	tickets map[*matter]*ostTicket
	begun   time.Time
}

type ostUser struct {
	row, email, phone, cdata, entry row
}

type ostTicket struct {
	row, thread row
	message     int64 // the last that the customer wrote
}

func newOSTicket(b *book, seed uint64, ordered bool) *osTicket {
	return &osTicket{
		book: b, r: rand.New(rand.NewPCG(seed, 0x057)), ordered: ordered, numbers: map[string]bool{}, //nolint:gosec // repeatable on purpose
		users: map[*person]*ostUser{}, tickets: map[*matter]*ostTicket{},
	}
}

func (o *osTicket) happen(e event) {
	switch e.what {
	case signUp:
		o.signUp(e)
	case newMail:
		// The user's row is not touched and not indexed again: only answers of
		// the form count as a change.
		o.users[e.of].email["address"] = e.text
	case newPhone:
		o.newPhone(e)
	case opened:
		o.open(e)
	case answered:
		o.answer(e)
	case wrote:
		o.wrote(e)
	case resolved:
		o.close(e, 2, "Resolved")
	case closed:
		o.close(e, 3, "Closed")
	case deleted:
		o.delete(e)
	case left:
		o.left(e)
	}
}

// end leaves the sequence at the number that comes next.
func (o *osTicket) end() {
	next := 1
	if o.ordered {
		next = len(o.numbers) + 1
	}
	o.add("ost_sequence", row{"id": 1, "name": "General Tickets", "flags": 1, "next": next, "increment": 1, "padding": "0", "updated": Until()})
	o.add("ost_sequence", row{"id": 2, "name": "Tasks Sequence", "flags": 1, "next": 1, "increment": 1, "padding": "0", "updated": o.begun})
}

// signUp: the address is inserted first, belonging to nobody, then the user
// with the address's id, then the address learns the user's.
func (o *osTicket) signUp(e event) {
	u := &ostUser{}
	org := 0
	if o.r.IntN(100) < 3 {
		org = 1 + o.r.IntN(2)
	}
	u.email = o.auto("ost_user_email", "id", row{"flags": 0, "address": e.of.mail})
	u.row = o.auto("ost_user", "id", row{"org_id": org, "default_email_id": u.email["id"], "status": 0, "name": e.of.name(), "created": e.at, "updated": e.at})
	u.email["user_id"] = u.row["id"]
	// The web form sends empty texts, a mail sends nothing.
	var empty any
	if o.r.IntN(2) == 0 {
		empty = ""
	}
	u.entry = o.auto("ost_form_entry", "id", row{"form_id": 1, "object_id": u.row["id"], "object_type": "U", "sort": 1, "extra": nil, "created": e.at, "updated": e.at})
	u.phone = o.add("ost_form_entry_values", row{"entry_id": u.entry["id"], "field_id": ostPhone, "value": empty, "value_id": nil})
	o.add("ost_form_entry_values", row{"entry_id": u.entry["id"], "field_id": ostNotes, "value": empty, "value_id": nil})
	if e.of.phone != "" {
		u.phone["value"] = ostDigits(e.of.phone)
	}
	// Answer by answer, where nothing is an empty text; rows that are older than
	// the last rebuild of the table keep NULL.
	cached := row{"user_id": u.row["id"], "email": nil, "name": nil, "phone": text(u.phone["value"]), "notes": text(empty)}
	if e.at.Before(o.begun.AddDate(0, 5, 0)) {
		cached["phone"], cached["notes"] = u.phone["value"], empty
	}
	u.cdata = o.add("ost_user__cdata", cached)
	o.users[e.of] = u
	o.index("U", u.row["id"], e.of.name(), ostShown(e.of.phone)+" "+e.of.mail)
	if o.r.IntN(100) < 25 {
		o.auto("ost_user_account", "id", row{"user_id": u.row["id"], "status": 1, "timezone": nil, "lang": nil, "username": nil,
			"passwd": bcrypt(o.r, "$2a$08$"), "backend": nil, "extra": `{"browser_lang":"en_US"}`, "registered": e.at})
	}
}

// ostDigits is what a telephone field keeps: digits, and X before an extension.
func ostDigits(phone string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, phone)
}

// ostShown is how it is shown and indexed: American where it could be.
func ostShown(phone string) string {
	d := ostDigits(phone)
	switch len(d) {
	case 7:
		return d[:3] + "-" + d[3:]
	case 10:
		return "(" + d[:3] + ") " + d[3:6] + "-" + d[6:]
	default:
		return d
	}
}

// bcrypt is the look of a hashed password.
func bcrypt(r *rand.Rand, cost string) string {
	const digits = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	text := []byte(cost)
	for range 53 {
		text = append(text, digits[r.IntN(len(digits))])
	}
	return string(text)
}

func text(v any) string {
	s, _ := v.(string) // NULL is the empty text
	return s
}

func (o *osTicket) newPhone(e event) {
	u := o.users[e.of]
	u.phone["value"] = ostDigits(e.text)
	u.cdata["phone"] = ostDigits(e.text)
	u.entry["updated"], u.row["updated"] = e.at, e.at
	for _, r := range o.rows("ost__search", "object_id", u.row["id"]) {
		if r["object_type"] == "U" {
			r["content"] = ostShown(e.text) + " " + e.of.mail
		}
	}
}

// index makes an entry of the search table.
func (o *osTicket) index(kind string, id any, title, content string) {
	o.add("ost__search", row{"object_type": kind, "object_id": id, "title": title, "content": content})
}

// number asks the sequence, or a die until the number is free. The first digit
// of a die is never 0.
func (o *osTicket) number() string {
	for {
		n := strconv.Itoa(100_000 + o.r.IntN(900_000))
		if o.ordered {
			n = fmt.Sprintf("%06d", len(o.numbers)+1)
		}
		if !o.numbers[n] {
			o.numbers[n] = true
			return n
		}
	}
}

// ostSource translates a channel of internal/helpdesk.
func ostSource(channel string) string {
	switch channel {
	case "email":
		return "Email"
	case "phone":
		return "Phone"
	case "chat":
		return "API"
	default:
		return "Web"
	}
}

func (o *osTicket) open(e event) {
	u, t := o.users[e.of], &ostTicket{}
	topic, dept := 1+o.r.IntN(2), 1
	if o.r.IntN(3) == 0 {
		topic, dept = 10, 3
	}
	source, address := ostSource(e.about.Channel), ""
	mailbox := 0
	switch source {
	case "Web":
		address = fmt.Sprintf("198.51.100.%d", 1+o.r.IntN(254))
	case "Email":
		mailbox = 1
	}
	t.row = o.auto("ost_ticket", "ticket_id", row{"ticket_pid": nil, "number": o.number(), "user_id": u.row["id"], "user_email_id": 0,
		"status_id": 1, "dept_id": dept, "sla_id": 1, "topic_id": topic, "staff_id": int64(0), "team_id": 0, "email_id": mailbox,
		"ip_address": address, "source": source, "isoverdue": 0, "isanswered": 0, "est_duedate": e.at.Add(18 * time.Hour),
		"closed": nil, "lastupdate": e.at, "created": e.at, "updated": e.at})
	t.thread = o.auto("ost_thread", "id", row{"object_id": t.row["ticket_id"], "object_type": "T", "lastresponse": nil, "lastmessage": e.at, "created": e.at})
	o.tickets[e.about] = t
	o.details(e, t)
	o.event(e, t, 1, nil)
	entry := o.entry(e, t, row{"type": "M", "user_id": u.row["id"], "flags": 65, "poster": e.of.name(), "title": e.about.Subject,
		"source": strings.Replace(source, "Web", "", 1), "ip_address": address})
	if source == "Email" {
		o.auto("ost_thread_entry_email", "id", row{"thread_entry_id": entry["id"], "email_id": nil, "mid": messageID(o.r, e.of.mail),
			"headers": "From: " + e.of.name() + " <" + e.of.mail + ">\r\nTo: <support@support.example.com>\r\nSubject: " + e.about.Subject})
	}
	// The ticket is indexed when all of it is there.
	o.index("T", t.row["ticket_id"], text(t.row["number"])+" "+e.about.Subject, e.about.Subject)
}

// details are the answers to the form of tickets, and their cache.
func (o *osTicket) details(e event, t *ostTicket) {
	priority, id := "Normal", 2
	switch e.about.Priority {
	case "low":
		priority, id = "Low", 1
	case "high":
		priority, id = "High", 3
	case "urgent":
		priority, id = "Emergency", 4
	}
	entry := o.auto("ost_form_entry", "id", row{"form_id": 2, "object_id": t.row["ticket_id"], "object_type": "T", "sort": 0,
		"extra": `{"disable":[]}`, "created": e.at, "updated": e.at})
	o.add("ost_form_entry_values", row{"entry_id": entry["id"], "field_id": ostSubject, "value": e.about.Subject, "value_id": nil})
	o.add("ost_form_entry_values", row{"entry_id": entry["id"], "field_id": ostPriority, "value": priority, "value_id": id})
	o.add("ost_ticket__cdata", row{"ticket_id": t.row["ticket_id"], "subject": e.about.Subject, "priority": strconv.Itoa(id)})
}

// messageID is one that the customer's own mail program made.
func messageID(r *rand.Rand, mail string) string {
	_, domain, _ := strings.Cut(mail, "@")
	return fmt.Sprintf("<%016x.%08x@%s>", r.Uint64(), r.Uint32(), domain)
}

// entry adds a message to the thread, and to the index.
func (o *osTicket) entry(e event, t *ostTicket, r row) row {
	r["thread_id"], r["created"], r["updated"] = t.thread["id"], e.at, never
	r["body"], r["format"] = "<p>"+strings.ReplaceAll(html.EscapeString(e.text), "\n", "<br />")+"</p>", "html"
	o.auto("ost_thread_entry", "id", r)
	if r["type"] == "M" {
		t.message = r["id"].(int64)
	}
	o.index("H", r["id"], text(r["title"]), e.text)
	return r
}

// event notes what happened in the ticket's history. Customers who are not
// logged in, and mails, act as SYSTEM.
func (o *osTicket) event(e event, t *ostTicket, id int, data any) {
	r := row{"thread_id": t.thread["id"], "thread_type": "T", "event_id": id, "staff_id": t.row["staff_id"], "team_id": 0,
		"dept_id": t.row["dept_id"], "topic_id": t.row["topic_id"], "data": data, "username": "SYSTEM",
		"uid": o.users[e.of].row["id"], "uid_type": "U", "timestamp": e.at}
	if id != 1 || t.row["source"] == "Phone" {
		r["uid"], r["uid_type"], r["username"] = int64(e.about.agent+1), "S", agents()[e.about.agent].login
	}
	o.auto("ost_thread_event", "id", r)
}

func (o *osTicket) answer(e event) {
	t, a := o.tickets[e.about], agents()[e.about.agent]
	to := map[string]map[string]string{"to": {fmt.Sprint(o.users[e.of].row["id"]): e.of.name() + " <" + e.of.mail + ">"}}
	var recipients strings.Builder
	write := json.NewEncoder(&recipients)
	write.SetEscapeHTML(false) // PHP does not
	if err := write.Encode(to); err != nil {
		recipients.Reset() // texts always encode
	}
	o.entry(e, t, row{"type": "R", "pid": t.message, "staff_id": int64(e.about.agent + 1), "flags": 64 | 512, "poster": a.first + " " + a.last,
		"title": nil, "recipients": strings.TrimSpace(recipients.String()), "ip_address": "192.0.2.10"})
	t.row["isanswered"], t.row["updated"], t.thread["lastresponse"] = 1, e.at, e.at
	if t.row["staff_id"] == int64(0) {
		t.row["staff_id"] = int64(e.about.agent + 1) // whoever answers first has it
	}
}

func (o *osTicket) wrote(e event) {
	t := o.tickets[e.about]
	o.entry(e, t, row{"type": "M", "user_id": o.users[e.of].row["id"], "flags": 64, "poster": e.of.name(), "title": "Re: " + e.about.Subject, "source": "Email"})
	t.row["isanswered"], t.row["lastupdate"], t.row["updated"], t.thread["lastmessage"] = 0, e.at, e.at, e.at
}

func (o *osTicket) close(e event, status int, name string) {
	t := o.tickets[e.about]
	t.row["status_id"], t.row["staff_id"] = status, int64(e.about.agent+1)
	t.row["closed"], t.row["lastupdate"], t.row["updated"] = e.at, e.at, e.at
	if due, ok := t.row["est_duedate"].(time.Time); ok && !due.After(e.at) {
		t.row["est_duedate"] = nil
	}
	o.auto("ost_thread_referral", "id", row{"thread_id": t.thread["id"], "object_id": t.row["staff_id"], "object_type": "S", "created": e.at})
	o.event(e, t, 2, fmt.Sprintf(`{"status":[%d,"%s"]}`, status, name))
}

// delete: the events stay and lose their thread, but for the one that tells of
// the deletion; of a mail, the row stays without its headers.
func (o *osTicket) delete(e event) {
	t := o.tickets[e.about]
	id, thread := t.row["ticket_id"], t.thread["id"]
	for _, entry := range o.rows("ost_thread_entry", "thread_id", thread) {
		for _, mail := range o.rows("ost_thread_entry_email", "thread_entry_id", entry["id"]) {
			mail["headers"] = nil
		}
		o.forget("H", entry["id"])
	}
	for _, old := range o.rows("ost_thread_event", "thread_id", thread) {
		old["thread_id"] = 0
	}
	o.event(e, t, 14, nil)
	o.drop("ost_thread_entry", "thread_id", thread)
	o.drop("ost_thread", "id", thread)
	o.drop("ost_ticket", "ticket_id", id)
	o.drop("ost_ticket__cdata", "ticket_id", id)
	o.forget("T", id)
	o.formless("T", id)
}

// left: the cached answers stay.
func (o *osTicket) left(e event) {
	id := o.users[e.of].row["id"]
	o.drop("ost_user", "id", id)
	o.drop("ost_user_email", "user_id", id)
	o.drop("ost_user_account", "user_id", id)
	o.forget("U", id)
	o.formless("U", id)
}

func (o *osTicket) forget(kind string, id any) { o.without("ost__search", kind, id) }

func (o *osTicket) formless(kind string, id any) {
	for _, entry := range o.without("ost_form_entry", kind, id) {
		o.drop("ost_form_entry_values", "entry_id", entry["id"])
	}
}

// without deletes the rows of a table that belong to an object, and returns them.
func (o *osTicket) without(table, kind string, id any) []row {
	s := o.sheet(table)
	var out []row
	for _, i := range s.where("object_id", id) {
		if s.rows[i]["object_type"] == kind {
			s.gone[i] = true
			out = append(out, s.rows[i])
		}
	}
	return out
}
