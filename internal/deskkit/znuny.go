package deskkit

import (
	"crypto/md5" //nolint:gosec // the application's index of message ids, guards nothing
	"encoding/hex"
	"fmt"
	"html"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Znuny's ids of sender types, channels, states and kinds of history.
const (
	zAgent, zCustomer                                  = 1, 3
	zEmail, zPhoneCall, zInternal                      = 1, 2, 3
	zNew, zClosed, zUnsolved, zOpen                    = 1, 2, 3, 4
	zNewTicket, zFollowUp, zSendAnswer, zEmailCustomer = 1, 2, 8, 12
	zPhoneCustomer, zAddNote, zLock, zUnlock           = 14, 15, 17, 18
	zCustomerUpdate, zOwnerUpdate, zMisc               = 21, 23, 25
	zStateUpdate, zWebRequest                          = 27, 29
)

// zSystem is root@localhost, who acts for customers and for mails.
const zSystem = int64(1)

// znuny writes what Kernel/System/Ticket.pm, the article backends below it and
// Kernel/System/CustomerUser/DB.pm write. Its times are those of OTRSTimeZone,
// which is UTC unless changed.
type znuny struct {
	*book
	r       *rand.Rand
	running bool // AutoIncrement instead of DateChecksum
	users   map[*person]row
	tickets map[*matter]*zTicket
	counter int
	day     string
}

type zTicket struct {
	row   row
	agent bool // the last message was an agent's
}

func newZnuny(b *book, seed uint64, running bool) *znuny {
	return &znuny{book: b, r: rand.New(rand.NewPCG(seed, 0x2417)), running: running, users: map[*person]row{}, tickets: map[*matter]*zTicket{}} //nolint:gosec // repeatable on purpose
}

func (z *znuny) happen(e event) {
	switch e.what {
	case signUp:
		z.signUp(e)
	case newMail:
		z.newMail(e)
	case newPhone:
		z.users[e.of]["phone"] = e.text
		z.touch(z.users[e.of], e.at, zSystem)
	case opened:
		z.open(e)
	case answered:
		z.answer(e)
	case wrote:
		z.wrote(e)
	case resolved:
		z.close(e, zUnsolved, "closed unsuccessful")
	case closed:
		z.close(e, zClosed, "closed successful")
	case deleted:
		z.delete(e)
	case left: // customers are never deleted
		z.users[e.of]["valid_id"] = 2
		z.touch(z.users[e.of], e.at, zSystem)
	}
}

func stamped(r row, at time.Time, by int64) row {
	r["create_time"], r["create_by"], r["change_time"], r["change_by"] = at, by, at, by
	return r
}

func (*znuny) touch(r row, at time.Time, by int64) { r["change_time"], r["change_by"] = at, by }

// signUp: those who registered themselves have their address for a login and
// for a customer number, the others were entered by agents. What is not given
// is an empty text.
func (z *znuny) signUp(e event) {
	if z.r.IntN(25) == 0 {
		z.sheet("customer_user").last++ // refused: the login was there already
	}
	login, customer, by := strings.ToLower(e.of.mail), strings.ToLower(e.of.mail), zSystem
	switch z.r.IntN(10) {
	case 0, 1:
		login, by = fmt.Sprintf("%s%d", strings.ToLower(strings.Map(letters, e.of.LastName)), e.of.ID), int64(2)
		customer = z.company(e)
	case 2:
		customer, by = z.company(e), 2
	}
	var password any
	if by == zSystem {
		password = z.hex(64)
	}
	c := stamped(row{"login": login, "email": e.of.mail, "customer_id": customer, "pw": password, "title": "", "first_name": e.of.FirstName,
		"last_name": e.of.LastName, "phone": e.of.phone, "fax": "", "mobile": "", "street": "", "zip": "", "city": "", "country": e.of.Country,
		"comments": "", "valid_id": 1}, e.at, by)
	z.users[e.of] = z.auto("customer_user", "id", c)
	if z.r.IntN(10) < 4 {
		z.add("customer_preferences", row{"user_id": login, "preferences_key": "UserLastLogin", "preferences_value": strconv.FormatInt(e.at.Unix()+40, 10)})
		z.add("customer_preferences", row{"user_id": login, "preferences_key": "UserLanguage", "preferences_value": e.of.Language})
	}
}

func letters(r rune) rune {
	if r > 'z' || r < 'A' || r > 'Z' && r < 'a' {
		return -1
	}
	return r
}

func (z *znuny) hex(n int) string {
	text := make([]byte, n)
	for i := range text {
		text[i] = "0123456789abcdef"[z.r.IntN(16)]
	}
	return string(text)
}

// company is the customer number of one of a few companies, which is made when
// its first member comes.
func (z *znuny) company(e event) string {
	id := fmt.Sprintf("C%04d", 100+z.r.IntN(30))
	if len(z.rows("customer_company", "customer_id", id)) == 0 {
		z.add("customer_company", stamped(row{"customer_id": id, "name": e.of.LastName + " " + id, "street": "", "zip": "", "city": "",
			"country": e.of.Country, "url": "", "comments": "", "valid_id": 1}, e.at, 2))
	}
	return id
}

// newMail: of those who log in with their address, every other one gets a new
// login too, and the tickets follow it; the customer number stays.
func (z *znuny) newMail(e event) {
	c := z.users[e.of]
	old := text(c["login"])
	rename := old == strings.ToLower(text(c["email"])) && z.r.IntN(2) == 0
	c["email"] = e.text
	z.touch(c, e.at, 2)
	if !rename {
		return
	}
	c["login"] = strings.ToLower(e.text)
	for _, p := range z.sheet("customer_preferences").rows {
		if p["user_id"] == old {
			p["user_id"] = c["login"]
		}
	}
	all := z.sheet("ticket")
	for i, k := range all.rows {
		if all.gone[i] || k["customer_user_id"] != old {
			continue
		}
		k["customer_user_id"] = c["login"]
		z.touch(k, e.at, zSystem)
		z.history(k, event{at: e.at}, zCustomerUpdate, fmt.Sprintf("%%%%CustomerID=%s;CustomerUser=%s;", k["customer_id"], c["login"]), nil, zSystem)
	}
}

func (z *znuny) open(e event) {
	c, queue := z.users[e.of], 5+z.r.IntN(4)/3
	priority := map[string]int{"low": 2, "high": 4, "urgent": 5}[e.about.Priority]
	if priority == 0 {
		priority = 3
	}
	by := zSystem
	if e.about.Channel == "phone" {
		by = int64(e.about.agent + 2)
	}
	number := z.number(e.at)
	t := &zTicket{}
	t.row = z.auto("ticket", "id", stamped(row{"tn": number, "title": e.about.Subject, "type_id": 1, "queue_id": queue, "ticket_lock_id": 1,
		"user_id": by, "responsible_user_id": int64(1), "ticket_priority_id": priority, "ticket_state_id": zNew, "service_id": nil, "sla_id": nil,
		"customer_id": c["customer_id"], "customer_user_id": c["login"], "timeout": 0, "until_time": 0, "escalation_time": 0,
		"escalation_update_time": 0, "escalation_response_time": 0, "escalation_solution_time": 0}, e.at, by))
	z.tickets[e.about] = t
	names := []string{"1 very low", "2 low", "3 normal", "4 high", "5 very high"}
	z.history(t.row, e, zNewTicket, fmt.Sprintf("%%%%%s%%%%%s%%%%%s%%%%new%%%%%d", number, zQueues()[queue-1], names[priority-1], t.row["id"]), nil, by)
	z.history(t.row, e, zCustomerUpdate, fmt.Sprintf("%%%%CustomerID=%s;CustomerUser=%s;", c["customer_id"], c["login"]), nil, by)
	from := `"` + e.of.name() + `" <` + e.of.mail + ">"
	switch e.about.Channel {
	case "email":
		z.article(e, t, zArticle{zCustomer, zEmail, true, e.of.name() + " <" + e.of.mail + ">", "support@support.example.com", messageID(z.r, e.of.mail), zEmailCustomer, "%%", by})
	case "phone":
		z.article(e, t, zArticle{zCustomer, zPhoneCall, true, from, zQueues()[queue-1], "", zPhoneCustomer, "%%", by})
	default:
		z.article(e, t, zArticle{zCustomer, zInternal, true, from, zQueues()[queue-1], "", zWebRequest, "%%", by})
	}
}

// history notes a change with the ticket's state at that moment.
func (z *znuny) history(t row, e event, kind int, name string, article any, by int64) {
	runes := []rune(name)
	z.auto("ticket_history", "id", stamped(row{"name": string(runes[:min(200, len(runes))]), "history_type_id": kind, "ticket_id": t["id"],
		"article_id": article, "type_id": t["type_id"], "queue_id": t["queue_id"], "owner_id": t["user_id"],
		"priority_id": t["ticket_priority_id"], "state_id": t["ticket_state_id"]}, e.at, by))
}

// zArticle is a message on its way into a ticket.
type zArticle struct {
	sender, channel int
	visible         bool
	from, to        string
	messageID       string
	kind            int // of history
	comment         string
	by              int64
}

// article writes a message: its frame, its text, and what it was made from,
// the mail or the page. The daemon indexes it later.
func (z *znuny) article(e event, t *zTicket, a zArticle) {
	visible := 0
	if a.visible {
		visible = 1
	}
	frame := z.auto("article", "id", stamped(row{"ticket_id": t.row["id"], "article_sender_type_id": a.sender, "communication_channel_id": a.channel,
		"is_visible_for_customer": visible, "search_index_needs_rebuild": 1, "insert_fingerprint": fmt.Sprintf("%d-%s", 900+z.r.IntN(30_000), z.hex(32))}, e.at, a.by))
	var sum any
	if a.messageID != "" {
		digest := md5.Sum([]byte(a.messageID)) //nolint:gosec // see above
		sum = hex.EncodeToString(digest[:])
	}
	subject := e.about.Subject
	if a.kind == zSendAnswer || a.kind == zFollowUp {
		subject = fmt.Sprintf("Re: [Ticket#%s] %s", t.row["tn"], e.about.Subject)
	}
	z.auto("article_data_mime", "id", stamped(row{"article_id": frame["id"], "a_from": a.from, "a_reply_to": "", "a_to": a.to, "a_cc": "", "a_bcc": "",
		"a_subject": subject, "a_message_id": a.messageID, "a_message_id_md5": sum, "a_in_reply_to": "", "a_references": "",
		"a_content_type": "text/plain; charset=utf-8", "a_body": e.text, "incoming_time": e.at.Unix(), "content_path": e.at.Format("2006/01/02")}, e.at, a.by))
	if a.channel == zEmail {
		mail := "From: " + a.from + "\nTo: " + a.to + "\nSubject: " + subject + "\nMessage-ID: " + a.messageID + "\n\n" + e.text
		z.auto("article_data_mime_plain", "id", stamped(row{"article_id": frame["id"], "body": mail}, e.at, a.by))
	}
	if a.channel != zEmail || a.sender == zAgent {
		page := "<!DOCTYPE html><html><body>" + strings.ReplaceAll(html.EscapeString(e.text), "\n", "<br/>") + "</body></html>"
		z.auto("article_data_mime_attachment", "id", stamped(row{"article_id": frame["id"], "filename": "file-2", "content_size": strconv.Itoa(len(page)),
			"content_type": `text/html; charset="utf-8"`, "content_id": nil, "content_alternative": nil, "disposition": "inline", "content": page}, e.at, a.by))
	}
	z.history(t.row, e, a.kind, a.comment, frame["id"], a.by)
	if a.sender == zAgent && a.channel == zEmail || a.sender == zCustomer && t.agent {
		t.row["timeout"] = e.at.Unix()
		z.history(t.row, e, zMisc, "Reset of unlock time.", nil, a.by)
	}
	t.agent = a.sender == zAgent
	z.touch(t.row, e.at, a.by)
}

// state changes the state and notes it.
func (z *znuny) state(e event, t *zTicket, from, to string, id int, by int64) {
	t.row["ticket_state_id"] = id
	z.touch(t.row, e.at, by)
	z.history(t.row, e, zStateUpdate, "%%"+from+"%%"+to+"%%", nil, by)
}

// answer: who opens the form to answer locks and owns the ticket, and has seen
// it with all its messages.
func (z *znuny) answer(e event) {
	t, a, by := z.tickets[e.about], agents()[e.about.agent], int64(e.about.agent+2)
	if t.row["user_id"] != by || t.row["ticket_lock_id"] != 2 {
		t.row["ticket_lock_id"] = 2
		z.history(t.row, e, zLock, "%%lock", nil, by)
		t.row["user_id"] = by
		z.history(t.row, e, zOwnerUpdate, fmt.Sprintf("%%%%%s%%%%%d", a.login, by), nil, by)
	}
	to := `"` + e.of.name() + `" <` + e.of.mail + ">"
	id := fmt.Sprintf("<%d.%d@support.example.com>", e.at.Unix(), z.r.IntN(999999))
	z.article(e, t, zArticle{zAgent, zEmail, true, `"Support" <support@support.example.com>`, to, id, zSendAnswer, "%%" + to, by})
	if t.row["ticket_state_id"] == zNew {
		z.state(e, t, "new", "open", zOpen, by)
	}
	z.seen(e, t, by)
}

// seen flags the ticket and its messages as read by an agent.
func (z *znuny) seen(e event, t *zTicket, by int64) {
	flag := func(table, kind string, id any) {
		for _, f := range z.rows(table, kind+"_id", id) {
			if f["create_by"] == by {
				return
			}
		}
		z.add(table, row{kind + "_id": id, kind + "_key": "Seen", kind + "_value": "1", "create_time": e.at, "create_by": by})
	}
	flag("ticket_flag", "ticket", t.row["id"])
	for _, a := range z.rows("article", "ticket_id", t.row["id"]) {
		flag("article_flag", "article", a["id"])
	}
}

func (z *znuny) wrote(e event) {
	t := z.tickets[e.about]
	z.article(e, t, zArticle{zCustomer, zEmail, true, e.of.name() + " <" + e.of.mail + ">", "support@support.example.com", messageID(z.r, e.of.mail),
		zFollowUp, fmt.Sprintf("%%%%%s%%%%", t.row["tn"]), zSystem})
}

// close writes a note that the customer does not see, and unlocks.
func (z *znuny) close(e event, id int, name string) {
	t, a, by := z.tickets[e.about], agents()[e.about.agent], int64(e.about.agent+2)
	e.text = "Done."
	z.article(e, t, zArticle{zAgent, zInternal, false, `"` + a.first + " " + a.last + `" <` + a.mail + ">", "", "", zAddNote, "%%Close", by})
	z.state(e, t, map[int]string{zNew: "new", zOpen: "open"}[t.row["ticket_state_id"].(int)], name, id, by)
	t.row["user_id"] = by
	if t.row["ticket_lock_id"] == 2 {
		t.row["ticket_lock_id"] = 1
		z.history(t.row, e, zUnlock, "%%unlock", nil, by)
	}
	z.seen(e, t, by)
}

func (z *znuny) delete(e event) {
	id := z.tickets[e.about].row["id"]
	for _, a := range z.rows("article", "ticket_id", id) {
		for _, table := range []string{"article_data_mime", "article_data_mime_plain", "article_data_mime_attachment", "article_flag"} {
			z.drop(table, "article_id", a["id"])
		}
	}
	for _, table := range []string{"article", "ticket_history", "ticket_flag"} {
		z.drop(table, "ticket_id", id)
	}
	z.drop("ticket", "id", id)
}

// index does what the daemon has done for all articles but the newest: the
// words of subject and body, the rest as it stands, in lower case.
func (z *znuny) index() {
	live := map[any]row{}
	frames := z.sheet("article")
	for i, a := range frames.rows {
		if !frames.gone[i] && i < len(frames.rows)-4 {
			live[a["id"]] = a
			a["search_index_needs_rebuild"] = 0
		}
	}
	for _, m := range z.sheet("article_data_mime").rows {
		a, ok := live[m["article_id"]]
		if !ok {
			continue
		}
		for _, key := range []string{"Body", "From", "Subject", "To"} {
			value := strings.ToLower(text(m["a_"+strings.ToLower(key)]))
			if key == "Body" || key == "Subject" {
				value = zWords(value)
			}
			if value != "" {
				z.auto("article_search_index", "id", row{"ticket_id": a["ticket_id"], "article_id": a["id"], "article_key": "MIMEBase_" + key, "article_value": value})
			}
		}
	}
}

// zWords keeps each word of three to thirty letters once.
func zWords(text string) string {
	var kept []string
	for word := range strings.FieldsSeq(text) {
		word = strings.Trim(word, ".,;:!?()<>\"'«»„”")
		if n := len([]rune(word)); n >= 3 && n <= 30 && !slices.Contains(kept, word) {
			kept = append(kept, word)
		}
	}
	return strings.Join(kept, " ")
}
