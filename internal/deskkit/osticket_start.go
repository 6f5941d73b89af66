package deskkit

import "time"

// start writes what the installer writes, as include/i18n/en_US has it, and the
// agents.
func (o *osTicket) start(at time.Time) {
	o.begun = at
	o.settings(at)
	o.add("ost_sla", row{"id": 1, "schedule_id": 0, "flags": 3, "grace_period": 18, "name": "Default SLA", "created": at, "updated": at})
	o.add("ost_email", row{"email_id": 1, "dept_id": 1, "email": "support@support.example.com", "name": "Support", "created": at, "updated": at})
	o.add("ost_role", row{"id": 1, "flags": 1, "name": "All Access", "permissions": `{"ticket.create":1,"ticket.edit":1,"ticket.reply":1,"ticket.close":1}`, "created": at, "updated": at})
	for i, name := range []string{"Support", "Sales", "Maintenance"} {
		o.add("ost_department", row{"id": i + 1, "pid": nil, "sla_id": i % 2, "flags": 4, "name": name, "signature": name + " Department",
			"ispublic": map[bool]int{true: 1, false: 0}[i < 2], "path": "/" + string(rune('1'+i)) + "/", "created": at, "updated": at})
	}
	for _, t := range []struct {
		id, parent, dept, priority, sla int
		name                            string
	}{{1, 0, 0, 2, 0, "General Inquiry"}, {2, 0, 0, 1, 0, "Feedback"}, {10, 0, 3, 2, 0, "Report a Problem"}, {11, 10, 0, 3, 1, "Access Issue"}} {
		o.add("ost_help_topic", row{"topic_id": t.id, "topic_pid": t.parent, "flags": 2, "priority_id": t.priority, "dept_id": t.dept,
			"sla_id": t.sla, "topic": t.name, "number_format": "", "created": at, "updated": at})
		o.auto("ost_help_topic_form", "id", row{"topic_id": t.id, "form_id": 2, "extra": `{"disable":[]}`})
	}
	for i, name := range []string{"created", "closed", "reopened", "assigned", "released", "transferred", "referred", "overdue", "edited", "viewed", "error",
		"collab", "resent", "deleted", "merged", "unlinked", "linked", "login", "logout", "message", "note"} {
		o.add("ost_event", row{"id": i + 1, "name": name})
	}
	for i, s := range []struct {
		name, state string
		mode        int
	}{{"Open", "open", 3}, {"Resolved", "closed", 1}, {"Closed", "closed", 3}, {"Archived", "archived", 3}, {"Deleted", "deleted", 3}} {
		o.add("ost_ticket_status", row{"id": i + 1, "name": s.name, "state": s.state, "mode": s.mode, "sort": i + 1, "properties": "{}", "created": at, "updated": at})
	}
	for i, p := range []string{"Low", "Normal", "High", "Emergency"} {
		o.add("ost_ticket_priority", row{"priority_id": i + 1, "priority": p, "priority_desc": p, "priority_color": "#FFFFF0", "priority_urgency": 4 - i, "ispublic": 1}) //nolint:misspell // their word
	}
	for i, name := range []string{"Corner Bakery", "Hillside School"} {
		o.add("ost_organization", row{"id": i + 1, "name": name, "created": at, "updated": at}) //nolint:misspell // their word
	}
	for i, a := range agents() {
		o.add("ost_staff", row{"staff_id": i + 1, "dept_id": 1 + i%3, "role_id": 1, "username": a.login, "firstname": a.first, "lastname": a.last,
			"passwd": bcrypt(o.r, "$2a$08$"), "email": a.mail, "signature": "", "permissions": `{"user.create":1,"user.edit":1,"user.dir":1}`, "created": at, "updated": at})
		o.add("ost_staff_dept_access", row{"staff_id": i + 1, "dept_id": 1 + (i+1)%3, "role_id": 1, "flags": 1})
	}
	o.forms(at)
}

func (o *osTicket) settings(at time.Time) {
	sequence := "0"
	if o.ordered {
		sequence = "1"
	}
	for _, s := range [][3]string{
		{"core", "helpdesk_title", "Support"}, {"core", "default_dept_id", "1"}, {"core", "default_sla_id", "1"},
		{"core", "default_priority_id", "2"}, {"core", "default_ticket_status_id", "1"}, {"core", "default_timezone", "UTC"},
		{"core", "ticket_number_format", "######"}, {"core", "ticket_sequence_id", sequence}, {"core", "ticket_autoresponder", "0"},
		{"core", "message_autoresponder", "0"}, {"core", "client_registration", "public"}, {"mysqlsearch", "reindex", "0"},
	} {
		o.auto("ost_config", "id", row{"namespace": s[0], "key": s[1], "value": s[2], "updated": at})
	}
}

// forms are those of users and of tickets, with their fields.
func (o *osTicket) forms(at time.Time) {
	o.add("ost_form", row{"id": 1, "type": "U", "flags": 0, "title": "Contact Information", "created": at, "updated": at})
	o.add("ost_form", row{"id": 2, "type": "T", "flags": 0, "title": "Ticket Details", "instructions": "Please Describe Your Issue", "created": at, "updated": at})
	for _, f := range []struct {
		id, form, sort, flags int
		kind, name, label     string
	}{
		{1, 1, 1, 0x777B3, "text", "email", "Email Address"}, {2, 1, 2, 0x777B3, "text", "name", "Full Name"},
		{ostPhone, 1, 3, 0x3301, "phone", "phone", "Phone Number"}, {ostNotes, 1, 4, 0x3001, "memo", "notes", "Internal Notes"},
		{ostSubject, 2, 1, 0x77731, "text", "subject", "Issue Summary"}, {21, 2, 2, 0x75523, "thread", "message", "Issue Details"},
		{ostPriority, 2, 3, 0x430B1, "priority", "priority", "Priority Level"},
	} {
		o.add("ost_form_field", row{"id": f.id, "form_id": f.form, "flags": f.flags, "type": f.kind, "label": f.label, "name": f.name,
			"sort": f.sort, "created": at, "updated": at})
	}
}
