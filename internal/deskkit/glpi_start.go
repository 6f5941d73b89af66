package deskkit

import "time"

// start makes what an installation brings along: kinds of requests, profiles,
// its own users, and then categories and the agents.
func (g *glpi) start(at time.Time) {
	for i, name := range []string{"Helpdesk", "E-Mail", "Phone", "Direct", "Written", "Other"} {
		g.auto("glpi_requesttypes", "id", row{"name": name, "is_helpdesk_default": i == 0, "is_followup_default": i == 0,
			"is_mail_default": i == 1, "is_mailfollowup_default": i == 1})
	}
	for i, name := range []string{"Self-Service", "Observer", "Admin", "Super-Admin", "Hotliner", "Technician", "Supervisor", "Read-Only"} {
		face, types := "central", `["Computer","Monitor","NetworkEquipment","Peripheral","Phone","Printer","Software"]`
		if i == 0 {
			face = "helpdesk"
		}
		g.auto("glpi_profiles", "id", row{"name": name, "interface": face, "is_default": i == 0, "helpdesk_hardware": 3, "helpdesk_item_type": types, "ticket_status": "[]"})
	}
	for i, name := range []string{"Hardware", "Software", "Accounts", "Billing", "Orders"} {
		g.auto("glpi_itilcategories", "id", row{"name": name, "completename": name, "level": 1, "is_recursive": i % 2, "date_mod": at, "date_creation": at})
	}
	for i, name := range []string{"glpi", "post-only", "tech", "normal", "glpi-system"} {
		u := row{"id": 2 + i, "name": name, "authtype": 1, "password": nil, "is_active": i == 0 || i == 4, "list_limit": 20}
		if name == "glpi-system" {
			u["realname"] = "Support"
		}
		g.auto("glpi_users", "id", u)
		if i < 4 {
			g.auto("glpi_profiles_users", "id", row{"users_id": u["id"], "profiles_id": []int{4, 1, 6, 2}[i], "entities_id": 0, "is_recursive": 1})
		}
	}
	for _, a := range agents() {
		u := g.user(at, a.login, a.first, a.last)
		g.email(at, u, a.mail)
		g.auto("glpi_profiles_users", "id", row{"users_id": u["id"], "profiles_id": 6, "entities_id": 0, "is_recursive": 1})
		g.agents = append(g.agents, u)
	}
}
