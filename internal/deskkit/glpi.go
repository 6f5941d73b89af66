package deskkit

import (
	"fmt"
	"html"
	"math/rand/v2"
	"strings"
	"time"
)

// glpi writes what src/User.php, src/Ticket.php and their kin write, among it
// the history in glpi_logs, which keeps names, addresses and numbers of old.
type glpi struct {
	*book
	r       *rand.Rand
	agents  []row
	users   map[*person]*gUser
	tickets map[*matter]*gTicket
	logins  map[string]int
}

type gUser struct {
	row, email row
	phone      string // the column that holds the number
}

type gTicket struct {
	row      row
	assigned bool
	nobody   bool // written by an address that was not known
}

func newGLPI(b *book, seed uint64) *glpi {
	return &glpi{book: b, r: rand.New(rand.NewPCG(seed, 0x6191)), users: map[*person]*gUser{}, //nolint:gosec // repeatable on purpose
		tickets: map[*matter]*gTicket{}, logins: map[string]int{}}
}

// What a row of the history tells, see the constants of src/Log.php.
const (
	gAddRelation   = 15
	gAddSubitem    = 17
	gUpdateSubitem = 18
	gCreateItem    = 20
)

// log writes history: of an item by whom, of a field (a number that the search
// knows) or of another item.
func (g *glpi) log(at time.Time, itemtype string, of, by row, r row) {
	r["itemtype"], r["items_id"], r["date_mod"], r["user_name"] = itemtype, of["id"], at, ""
	if by != nil {
		r["user_name"] = fmt.Sprintf("%s (%d)", by["name"], by["id"])
	}
	for _, value := range []string{"old_value", "new_value"} {
		if _, ok := r[value]; !ok {
			r[value] = ""
		}
	}
	g.auto("glpi_logs", "id", r)
}

func gName(u row) string { return fmt.Sprintf("%s %s (%d)", u["realname"], u["firstname"], u["id"]) }

func (g *glpi) happen(e event) {
	switch e.what {
	case signUp:
		g.signUp(e)
	case newMail:
		g.newMail(e)
	case newPhone:
		g.newPhone(e)
	case opened:
		g.open(e)
	case answered:
		g.answer(e)
	case wrote:
		g.reply(e)
	case resolved:
		g.solve(e, 2) // waits for the customer's word
	case closed:
		g.solve(e, 3)
		g.close(e)
	case deleted:
		g.purge(e)
	case left:
		g.left(e)
	}
}

// user makes a user of the own database. Logins are unique.
func (g *glpi) user(at time.Time, login, first, last string) row {
	if g.logins[login]++; g.logins[login] > 1 {
		login = fmt.Sprintf("%s%d", login, g.logins[login])
	}
	var password any
	if g.r.IntN(10) < 6 {
		password = bcrypt(g.r, "$2y$12$")
	}
	u := g.auto("glpi_users", "id", row{"name": login, "password": password, "realname": last, "firstname": first, "authtype": 1,
		"phone": "", "phone2": "", "mobile": "", "is_active": 1, "comment": "", "entities_id": 0, "date_mod": at, "date_creation": at})
	g.log(at, "User", u, nil, row{"linked_action": gCreateItem})
	return u
}

func (g *glpi) email(at time.Time, u row, mail string) row {
	m := g.auto("glpi_useremails", "id", row{"users_id": u["id"], "is_default": 1, "is_dynamic": 0, "email": mail})
	g.log(at, "User", u, nil, row{"linked_action": gAddSubitem, "itemtype_link": "UserEmail", "new_value": fmt.Sprintf("%s (%d)", mail, m["id"])})
	return m
}

func (g *glpi) signUp(e event) {
	login, _, _ := strings.Cut(e.of.mail, "@")
	if g.r.IntN(10) < 3 { // the mail collector that makes users takes the whole address
		login = e.of.mail
	}
	u := &gUser{phone: []string{"phone", "phone", "phone2", "mobile"}[g.r.IntN(4)]}
	u.row = g.user(e.at, login, e.of.FirstName, e.of.LastName)
	if e.of.phone != "" {
		u.row[u.phone] = e.of.phone
	} else if g.r.IntN(2) == 0 { // not from the form, so nothing was given
		u.row["phone"], u.row["phone2"], u.row["mobile"], u.row["comment"] = nil, nil, nil, nil
	}
	u.email = g.email(e.at, u.row, e.of.mail)
	g.auto("glpi_profiles_users", "id", row{"users_id": u.row["id"], "profiles_id": 1, "entities_id": 0, "is_recursive": 0, "is_dynamic": 0})
	g.users[e.of] = u
}

// newMail changes the row of the address; the login stays, even if it is one.
func (g *glpi) newMail(e event) {
	u := g.users[e.of]
	g.log(e.at, "User", u.row, u.row, row{"linked_action": gUpdateSubitem, "itemtype_link": "UserEmail", "old_value": u.email["email"], "new_value": e.text})
	u.email["email"], u.row["date_mod"] = e.text, e.at
}

func (g *glpi) newPhone(e event) {
	u := g.users[e.of]
	g.log(e.at, "User", u.row, u.row, row{"id_search_option": map[string]int{"phone": 6, "phone2": 10, "mobile": 11}[u.phone],
		"old_value": u.row[u.phone], "new_value": e.text})
	u.row[u.phone], u.row["date_mod"] = e.text, e.at
}

func gPage(text string) string {
	return "<p>" + strings.ReplaceAll(html.EscapeString(text), "\n", "</p>\n<p>") + "</p>"
}

func (g *glpi) open(e event) {
	u, by, request := g.users[e.of], g.users[e.of].row, 1
	k := &gTicket{assigned: g.r.IntN(10) < 6}
	switch e.about.Channel {
	case "email":
		request, k.nobody = 2, g.r.IntN(30) == 0
	case "phone":
		request, by = 3, g.agents[e.about.agent]
	}
	requester, writer := row{"users_id": u.row["id"], "alternative_email": ""}, by["id"]
	if k.nobody {
		requester, writer, by = row{"users_id": 0, "alternative_email": e.of.mail}, 0, nil
	}
	urgency := map[string]int{"low": 2, "high": 4, "urgent": 5}[e.about.Priority]
	if urgency == 0 {
		urgency = 3
	}
	k.row = g.auto("glpi_tickets", "id", row{"entities_id": 0, "name": e.about.Subject, "date": e.at, "date_mod": e.at, "date_creation": e.at,
		"users_id_lastupdater": writer, "users_id_recipient": writer, "status": 1, "requesttypes_id": request, "content": gPage(e.text), "urgency": urgency,
		"impact": 3, "priority": urgency, "itilcategories_id": g.r.IntN(6), "type": 1 + g.r.IntN(2), "closedate": nil, "solvedate": nil,
		"takeintoaccountdate": nil, "begin_waiting_date": nil, "externalid": nil, "close_delay_stat": 0, "solve_delay_stat": 0,
		"takeintoaccount_delay_stat": 0, "waiting_duration": 0})
	g.tickets[e.about] = k
	g.log(e.at, "Ticket", k.row, by, row{"linked_action": gCreateItem})
	requester["tickets_id"], requester["type"], requester["use_notification"] = k.row["id"], 1, 1
	g.auto("glpi_tickets_users", "id", requester)
	if !k.nobody {
		g.log(e.at, "Ticket", k.row, by, row{"linked_action": gAddRelation, "itemtype_link": "User", "id_search_option": 4, "new_value": gName(u.row)})
	}
	if k.assigned {
		g.assign(e, by)
	}
}

// assign gives the ticket to the agent; a new one is then in progress.
func (g *glpi) assign(e event, by row) {
	k, agent := g.tickets[e.about], g.agents[e.about.agent]
	k.assigned, k.row["status"] = true, 2
	g.auto("glpi_tickets_users", "id", row{"tickets_id": k.row["id"], "users_id": agent["id"], "type": 2, "use_notification": 1, "alternative_email": ""})
	g.log(e.at, "Ticket", k.row, by, row{"linked_action": gAddRelation, "itemtype_link": "User", "id_search_option": 5, "new_value": gName(agent)})
}

// followup is a message. The writer of one that came from nowhere is user 0.
func (g *glpi) followup(e event, by row, request int) {
	k, writer := g.tickets[e.about], any(0)
	if by != nil {
		writer = by["id"]
	}
	f := g.auto("glpi_itilfollowups", "id", row{"itemtype": "Ticket", "items_id": k.row["id"], "date": e.at, "users_id": writer, "users_id_editor": 0,
		"content": gPage(e.text), "is_private": 0, "requesttypes_id": request, "date_mod": e.at, "date_creation": e.at, "timeline_position": 1})
	g.log(e.at, "Ticket", k.row, by, row{"linked_action": gAddSubitem, "itemtype_link": "ITILFollowup", "new_value": fmt.Sprint(f["id"])})
	k.row["date_mod"], k.row["users_id_lastupdater"] = e.at, writer
}

func (g *glpi) answer(e event) {
	k, by := g.tickets[e.about], g.agents[e.about.agent]
	if !k.assigned {
		g.assign(e, by)
	}
	g.followup(e, by, 1)
	g.takeIntoAccount(e)
	if e.about.Status == "pending" && e.at.Equal(e.about.Updated) {
		g.status(e, by, 4)
		k.row["begin_waiting_date"] = e.at
	}
}

// takeIntoAccount dates the first word of an agent.
func (g *glpi) takeIntoAccount(e event) {
	if k := g.tickets[e.about].row; k["takeintoaccountdate"] == nil {
		k["takeintoaccountdate"], k["takeintoaccount_delay_stat"] = e.at, since(k, e.at)
	}
}

func since(ticket row, at time.Time) int64 {
	opened, _ := ticket["date"].(time.Time)
	return int64(at.Sub(opened) / time.Second)
}

func (g *glpi) reply(e event) {
	by, request := g.users[e.of].row, 1
	if e.about.Channel == "email" {
		request = 2
	}
	if g.tickets[e.about].nobody {
		by = nil
	}
	g.followup(e, by, request)
}

func (g *glpi) status(e event, by row, status int) {
	k := g.tickets[e.about].row
	g.log(e.at, "Ticket", k, by, row{"id_search_option": 12, "old_value": fmt.Sprint(k["status"]), "new_value": fmt.Sprint(status)})
	k["status"], k["date_mod"] = status, e.at
	if by != nil {
		k["users_id_lastupdater"] = by["id"]
	}
}

// solve adds the solution: 2 waits for approval, 3 has it.
func (g *glpi) solve(e event, approval int) {
	k, by := g.tickets[e.about], g.agents[e.about.agent]
	if !k.assigned {
		g.assign(e, by)
	}
	g.takeIntoAccount(e)
	s := row{"itemtype": "Ticket", "items_id": k.row["id"], "content": gPage("Solved."), "date_creation": e.at, "date_mod": e.at, "users_id": by["id"],
		"status": approval, "date_approval": nil}
	if approval == 3 {
		s["date_approval"] = e.at
	}
	s = g.auto("glpi_itilsolutions", "id", s)
	g.log(e.at, "Ticket", k.row, by, row{"linked_action": gAddSubitem, "itemtype_link": "ITILSolution", "new_value": fmt.Sprint(s["id"])})
	g.status(e, by, 5)
	k.row["solvedate"], k.row["solve_delay_stat"] = e.at, since(k.row, e.at)
}

func (g *glpi) close(e event) {
	k := g.tickets[e.about].row
	g.status(e, g.agents[e.about.agent], 6)
	k["closedate"], k["close_delay_stat"] = e.at, since(k, e.at)
}

// purge: some of what was thrown away of late is still in the bin.
func (g *glpi) purge(e event) {
	k := g.tickets[e.about].row
	if !e.of.doomed && e.at.After(Until().AddDate(0, -6, 0)) {
		k["is_deleted"], k["date_mod"] = 1, e.at
		g.log(e.at, "Ticket", k, g.agents[e.about.agent], row{"linked_action": 13})
		return
	}
	id := k["id"]
	g.drop("glpi_tickets", "id", id)
	g.drop("glpi_tickets_users", "tickets_id", id)
	for _, table := range []string{"glpi_itilfollowups", "glpi_itilsolutions", "glpi_logs"} {
		g.dropItem(table, "Ticket", id)
	}
}

// dropItem deletes what belongs to an item of one kind.
func (g *glpi) dropItem(table, itemtype string, id any) {
	s := g.sheet(table)
	for _, i := range s.where("items_id", id) {
		if s.rows[i]["itemtype"] == itemtype {
			s.gone[i] = true
		}
	}
}

func (g *glpi) left(e event) {
	id := g.users[e.of].row["id"]
	g.drop("glpi_users", "id", id)
	g.drop("glpi_useremails", "users_id", id)
	g.drop("glpi_profiles_users", "users_id", id)
	g.dropItem("glpi_logs", "User", id)
}

func (*glpi) end() {}
