package deskkit

import (
	"fmt"
	"html"
	"math/rand/v2"
	"strings"
	"time"
)

// uvdesk writes what Services/UserService.php, Services/TicketService.php and
// the listener EventListener/Doctrine/Lifecycle.php write.
type uvdesk struct {
	*book
	r       *rand.Rand
	agents  []row
	users   map[*person]*uUser
	tickets map[*matter]row
}

type uUser struct{ row, instance row }

// Ids of what an installation brings along.
const (
	uAgent    = 3 // roles
	uCustomer = 4
	uOpen     = 1 // states of a ticket
	uPending  = 2
	uAnswered = 3
	uResolved = 4
	uClosed   = 5
	uMailbox  = "support@example.com"
)

func newUVdesk(b *book, seed uint64) *uvdesk {
	return &uvdesk{book: b, r: rand.New(rand.NewPCG(seed, 0x0de5)), users: map[*person]*uUser{}, tickets: map[*matter]row{}} //nolint:gosec // repeatable on purpose
}

// start makes the fixtures and the agents; the first of them owns the desk.
func (u *uvdesk) start(at time.Time) {
	for i, code := range []string{"helpdesk", "knowledgebase"} {
		u.auto("uv_website", "id", row{"name": "Support", "code": code, "theme_color": "#0056fc", "created_at": at, "updated_at": at, //nolint:misspell // their word
			"is_active": i, "timezone": "UTC", "timeformat": "m-d-y G:i", "business_hour": "N;"})
	}
	for i, code := range []string{"ROLE_SUPER_ADMIN", "ROLE_ADMIN", "ROLE_AGENT", "ROLE_CUSTOMER", "ROLE_CUSTOMER_READ_ONLY"} {
		u.auto("uv_support_role", "id", row{"code": code, "description": []string{"Account Owner", "Administrator", "Agent", "Customer", "Customer"}[i]})
	}
	for i, code := range []string{"open", "pending", "answered", "resolved", "closed", "spam"} {
		u.auto("uv_ticket_status", "id", row{"code": code, "description": strings.ToUpper(code[:1]) + code[1:], "color_code": fmt.Sprintf("#%02x56fc", i), "sort_order": i + 1}) //nolint:misspell // their word
	}
	for i, code := range []string{"low", "medium", "high", "urgent"} {
		u.auto("uv_ticket_priority", "id", row{"code": code, "description": strings.ToUpper(code[:1]) + code[1:], "color_code": fmt.Sprintf("#%02xd051", i)}) //nolint:misspell // their word
	}
	for _, code := range []string{"support", "orders", "billing"} {
		u.auto("uv_ticket_type", "id", row{"code": code, "description": strings.ToUpper(code[:1]) + code[1:], "is_active": 1})
	}
	for _, name := range []string{"Default", "Hardware", "Accounts"} {
		u.auto("uv_support_group", "id", row{"name": name, "description": name, "created_at": at, "is_active": 1, "user_view": 0})
	}
	u.auto("uv_support_team", "id", row{"name": "Second line", "description": "Second line", "created_at": at, "is_active": 1})
	for i, a := range agents() {
		role := uAgent
		if i == 0 {
			role = 1
		}
		p := u.user(a.mail, a.first, a.last)
		p["password"] = bcrypt(u.r, "$2y$13$")
		instance := u.instance(at, p, role, row{"designation": "Support", "ticket_access_level": "1", "is_verified": 1})
		u.add("uv_user_support_groups", row{"userInstanceId": instance["id"], "supportGroupId": 1 + i%3})
		u.agents = append(u.agents, p)
	}
}

func (u *uvdesk) user(mail, first, last string) row {
	return u.auto("uv_user", "id", row{"email": mail, "proxy_id": nil, "password": nil, "first_name": first, "last_name": last, "is_enabled": 1,
		"verification_code": nil, "timezone": "UTC", "timeformat": "m-d-y G:i"})
}

// instance makes what a user is in a role. It comes after the user.
func (u *uvdesk) instance(at time.Time, of row, role int, r row) row {
	r["user_id"], r["supportRole_id"], r["created_at"], r["updated_at"], r["is_active"] = of["id"], role, at, at, 1
	if r["source"] == nil {
		r["source"] = "website"
	}
	return u.auto("uv_user_instance", "id", r)
}

func (u *uvdesk) happen(e event) {
	switch e.what {
	case signUp:
		u.signUp(e)
	case newMail:
		u.users[e.of].row["email"], u.users[e.of].instance["updated_at"] = e.text, e.at
	case newPhone:
		u.users[e.of].instance["contact_number"], u.users[e.of].instance["updated_at"] = e.text, e.at
	case opened:
		u.open(e)
	case answered:
		u.answer(e)
	case wrote:
		u.reply(e)
	case resolved:
		u.status(e, uResolved)
	case closed:
		u.status(e, uClosed)
	case deleted:
		u.delete(e)
	case left:
		u.left(e)
	}
}

// token is what their TokenGenerator makes.
func (u *uvdesk) token(n int) string {
	text := make([]byte, n)
	for i := range text {
		text[i] = "0123456789abcdefghijklmnopqrstuvwxyz"[u.r.IntN(36)]
	}
	return string(text)
}

// signUp: the first mail to a customer makes the code with which a password can
// be set; few set one.
func (u *uvdesk) signUp(e event) {
	p := u.user(e.of.mail, e.of.FirstName, e.of.LastName)
	if u.r.IntN(10) < 8 {
		p["verification_code"] = u.token(32)
	}
	if u.r.IntN(10) < 3 {
		p["password"] = bcrypt(u.r, "$2y$13$")
	}
	var phone any
	if e.of.phone != "" {
		phone = e.of.phone
	}
	source := []string{"website", "email"}[u.r.IntN(2)]
	u.users[e.of] = &uUser{p, u.instance(e.at, p, uCustomer, row{"source": source, "contact_number": phone, "is_starred": u.r.IntN(12) == 0})}
}

// serialised is a list of texts as PHP keeps it; none is "N;", not NULL.
func serialised(texts ...string) string {
	if len(texts) == 0 {
		return "N;"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "a:%d:{", len(texts))
	for i, t := range texts {
		fmt.Fprintf(&b, `i:%d;s:%d:"%s";`, i, len(t), t)
	}
	return b.String() + "}"
}

// open writes the ticket, the first message and the activity, whose agent is
// the customer: it is who wrote the message.
func (u *uvdesk) open(e event) {
	of := u.users[e.of]
	priority := map[string]int{"low": 1, "high": 3, "urgent": 4}[e.about.Priority]
	if priority == 0 {
		priority = 2
	}
	var agent, group, team any
	if u.r.IntN(10) < 6 {
		agent, group = u.agents[e.about.agent]["id"], 1+e.about.agent%3
	}
	if u.r.IntN(12) == 0 {
		team = 1
	}
	k := row{"status_id": uOpen, "priority_id": priority, "type_id": 1 + u.r.IntN(3), "customer_id": of.row["id"], "agent_id": agent, "group_id": group,
		"subGroup_id": team, "subject": e.about.Subject, "is_new": 1, "is_replied": 0, "is_starred": u.r.IntN(20) == 0, "is_trashed": 0, "is_agent_viewed": 0,
		"is_customer_viewed": 0, "created_at": e.at, "updated_at": e.at, "customer_replied_at": nil, "skip_updated_at": ""}
	t := row{"thread_type": "create", "cc": serialised(), "reply_to": serialised()}
	if e.about.Channel == "email" {
		id := messageID(u.r, e.of.mail)
		k["source"], k["mailbox_email"], k["reference_ids"] = "email", uMailbox, id
		t["message_id"], t["reply_to"] = id, serialised(uMailbox)
		if u.r.IntN(15) == 0 {
			t["cc"] = serialised("office@" + e.of.mail[strings.IndexByte(e.of.mail, '@')+1:])
		}
	} else { // the id is added to what was empty, after a space
		id := "<" + u.token(20) + "@example.com>"
		k["source"], k["mailbox_email"], k["reference_ids"], t["message_id"] = "website", nil, " "+id, id
	}
	u.tickets[e.about] = u.auto("uv_ticket", "id", k)
	u.thread(e, of.row, "customer", t)
	u.activity(e, of.row, "create")
}

// thread is a message. It is kept escaped.
func (u *uvdesk) thread(e event, by row, who string, r row) {
	k := u.tickets[e.about]
	if r["source"] == nil {
		r["source"] = k["source"]
	}
	text := "<p>" + strings.ReplaceAll(html.EscapeString(e.text), "\n", "<br>") + "</p>"
	r["ticket_id"], r["user_id"], r["created_by"], r["message"], r["bcc"] = k["id"], by["id"], who, html.EscapeString(text), serialised()
	r["created_at"], r["updated_at"] = e.at, e.at
	u.auto("uv_thread", "id", r)
	k["updated_at"] = e.at
}

// activity carries the customer's name of that day along.
func (u *uvdesk) activity(e event, by row, what string) {
	u.auto("agent_activity", "id", row{"agent_id": by["id"], "ticket_id": u.tickets[e.about]["id"], "agent_name": "agent",
		"customer_name": e.of.name(), "thread_type": what, "created_at": e.at})
}

// answer: the mail that follows adds its id to those of the ticket, but not to
// the message.
func (u *uvdesk) answer(e event) {
	k, by := u.tickets[e.about], u.agents[e.about.agent]
	if k["agent_id"] == nil {
		k["agent_id"], k["group_id"] = by["id"], 1+e.about.agent%3
	}
	k["is_new"], k["is_replied"], k["is_customer_viewed"], k["is_agent_viewed"], k["skip_updated_at"] = 0, 1, 0, 1, "1"
	k["status_id"] = uAnswered
	if e.about.Status == "pending" && e.at.Equal(e.about.Updated) && u.r.IntN(2) == 0 {
		k["status_id"] = uPending
	}
	u.thread(e, by, "agent", row{"source": "website", "thread_type": "reply", "message_id": nil, "cc": serialised(), "reply_to": serialised()})
	u.activity(e, by, "reply")
	k["reference_ids"] = text(k["reference_ids"]) + " <" + u.token(32) + "@example.com>"
	if u.r.IntN(25) == 0 && len(u.rows("uv_tickets_collaborators", "ticket_id", k["id"])) == 0 {
		u.add("uv_tickets_collaborators", row{"ticket_id": k["id"], "user_id": u.agents[u.r.IntN(len(u.agents))]["id"]})
	}
}

func (u *uvdesk) reply(e event) {
	k, of := u.tickets[e.about], u.users[e.of].row
	r := row{"thread_type": "reply", "message_id": nil, "cc": serialised(), "reply_to": serialised()}
	if k["source"] == "email" {
		id := messageID(u.r, e.of.mail)
		r["message_id"], r["reply_to"], k["reference_ids"] = id, serialised(uMailbox), text(k["reference_ids"])+" "+id
	} else {
		k["customer_replied_at"], k["is_customer_viewed"] = e.at, 1
	}
	k["is_replied"], k["is_agent_viewed"], k["status_id"] = 0, 0, uOpen
	u.thread(e, of, "customer", r)
}

func (u *uvdesk) status(e event, status int) {
	k := u.tickets[e.about]
	k["status_id"], k["updated_at"], k["is_agent_viewed"], k["skip_updated_at"] = status, e.at, 1, "1"
	if k["agent_id"] == nil {
		k["agent_id"], k["group_id"] = u.agents[e.about.agent]["id"], 1+e.about.agent%3
	}
	if status == uClosed && u.r.IntN(6) == 0 {
		u.auto("uv_ticket_rating", "id", row{"ticket_id": k["id"], "user_id": k["customer_id"], "stars": 1 + u.r.IntN(5), "feedback": nil, "created_at": e.at})
	}
}

// delete: some of what was thrown away of late is still in the trash. The rest
// went with all its children by the foreign keys.
func (u *uvdesk) delete(e event) {
	k := u.tickets[e.about]
	if !e.of.doomed && e.at.After(Until().AddDate(0, -6, 0)) {
		k["is_trashed"], k["updated_at"] = 1, e.at
		return
	}
	u.drop("uv_ticket", "id", k["id"])
	for _, table := range []string{"uv_thread", "agent_activity", "uv_tickets_collaborators", "uv_ticket_rating"} {
		u.drop(table, "ticket_id", k["id"])
	}
}

func (u *uvdesk) left(e event) {
	id := u.users[e.of].row["id"]
	u.drop("uv_user", "id", id)
	u.drop("uv_user_instance", "user_id", id)
	u.drop("agent_activity", "agent_id", id)
}

func (*uvdesk) end() {}
