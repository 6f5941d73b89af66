package deskkit_test

import (
	"database/sql"
	"testing"
)

func osTicketFacts() facts {
	return facts{
		customers: "SELECT COUNT(*) FROM ost_user",
		tickets:   "SELECT COUNT(*) FROM ost_ticket",
		none: map[string]string{
			"address of nobody":          "SELECT COUNT(*) FROM ost_user_email m LEFT JOIN ost_user u ON u.id = m.user_id WHERE u.id IS NULL",
			"default address of another": "SELECT COUNT(*) FROM ost_user u LEFT JOIN ost_user_email m ON m.id = u.default_email_id AND m.user_id = u.id WHERE m.id IS NULL",
			"organisation":               "SELECT COUNT(*) FROM ost_user u LEFT JOIN ost_organization o ON o.id = u.org_id WHERE u.org_id <> 0 AND o.id IS NULL", //nolint:misspell // their word
			"account of nobody":          "SELECT COUNT(*) FROM ost_user_account a LEFT JOIN ost_user u ON u.id = a.user_id WHERE u.id IS NULL",
			"user without answers":       "SELECT COUNT(*) FROM ost_user u LEFT JOIN ost_form_entry e ON e.object_type = 'U' AND e.object_id = u.id AND e.form_id = 1 WHERE e.id IS NULL",
			"answers of nobody": `SELECT COUNT(*) FROM ost_form_entry e LEFT JOIN ost_user u ON e.object_type = 'U' AND u.id = e.object_id
				LEFT JOIN ost_ticket t ON e.object_type = 'T' AND t.ticket_id = e.object_id WHERE u.id IS NULL AND t.ticket_id IS NULL`,
			"value without entry":    "SELECT COUNT(*) FROM ost_form_entry_values v LEFT JOIN ost_form_entry e ON e.id = v.entry_id WHERE e.id IS NULL",
			"value of another form":  "SELECT COUNT(*) FROM ost_form_entry_values v JOIN ost_form_entry e ON e.id = v.entry_id LEFT JOIN ost_form_field f ON f.id = v.field_id AND f.form_id = e.form_id WHERE f.id IS NULL",
			"entry with few values":  "SELECT COUNT(*) FROM ost_form_entry e WHERE (SELECT COUNT(*) FROM ost_form_entry_values v WHERE v.entry_id = e.id) <> 2",
			"cached phone differs":   "SELECT COUNT(*) FROM ost_user u LEFT JOIN ost_user__cdata c ON c.user_id = u.id JOIN ost_form_entry e ON e.object_type = 'U' AND e.object_id = u.id JOIN ost_form_entry_values v ON v.entry_id = e.id AND v.field_id = 3 WHERE IFNULL(c.phone,'') <> IFNULL(v.value,'') OR c.user_id IS NULL",
			"phone with punctuation": "SELECT COUNT(*) FROM ost_form_entry_values WHERE field_id = 3 AND value NOT REGEXP '^[0-9]*(X[0-9]+)?$'",
			"ticket of nobody":       "SELECT COUNT(*) FROM ost_ticket t LEFT JOIN ost_user u ON u.id = t.user_id WHERE u.id IS NULL",
			"ticket that points nowhere": `SELECT COUNT(*) FROM ost_ticket t LEFT JOIN ost_ticket_status s ON s.id = t.status_id LEFT JOIN ost_department d ON d.id = t.dept_id
				LEFT JOIN ost_help_topic h ON h.topic_id = t.topic_id LEFT JOIN ost_sla l ON l.id = t.sla_id LEFT JOIN ost_staff a ON a.staff_id = t.staff_id
				LEFT JOIN ost_email m ON m.email_id = t.email_id WHERE s.id IS NULL OR d.id IS NULL OR h.topic_id IS NULL OR l.id IS NULL
				OR (t.staff_id <> 0 AND a.staff_id IS NULL) OR (t.email_id <> 0 AND m.email_id IS NULL)`,
			"cached subject differs": `SELECT COUNT(*) FROM ost_ticket t JOIN ost_form_entry e ON e.object_type = 'T' AND e.object_id = t.ticket_id
				JOIN ost_form_entry_values s ON s.entry_id = e.id AND s.field_id = 20 JOIN ost_form_entry_values p ON p.entry_id = e.id AND p.field_id = 22
				LEFT JOIN ost_ticket__cdata c ON c.ticket_id = t.ticket_id WHERE c.subject IS NULL OR c.subject <> s.value OR c.priority <> p.value_id`,
			"ticket without cache":     "SELECT COUNT(*) FROM ost_ticket t LEFT JOIN ost_ticket__cdata c ON c.ticket_id = t.ticket_id WHERE c.ticket_id IS NULL",
			"cache without ticket":     "SELECT COUNT(*) FROM ost_ticket__cdata c LEFT JOIN ost_ticket t ON t.ticket_id = c.ticket_id WHERE t.ticket_id IS NULL",
			"ticket without thread":    "SELECT COUNT(*) FROM ost_ticket t WHERE (SELECT COUNT(*) FROM ost_thread h WHERE h.object_type = 'T' AND h.object_id = t.ticket_id) <> 1",
			"thread without ticket":    "SELECT COUNT(*) FROM ost_thread h LEFT JOIN ost_ticket t ON t.ticket_id = h.object_id WHERE t.ticket_id IS NULL",
			"entry without thread":     "SELECT COUNT(*) FROM ost_thread_entry e LEFT JOIN ost_thread h ON h.id = e.thread_id WHERE h.id IS NULL",
			"answer to nothing":        "SELECT COUNT(*) FROM ost_thread_entry e LEFT JOIN ost_thread_entry p ON p.id = e.pid AND p.thread_id = e.thread_id WHERE e.type = 'R' AND p.id IS NULL",
			"first message":            "SELECT COUNT(*) FROM ost_thread h WHERE (SELECT COUNT(*) FROM ost_thread_entry e WHERE e.thread_id = h.id AND e.flags & 1 AND e.type = 'M') <> 1",
			"last message":             "SELECT COUNT(*) FROM ost_thread h WHERE lastmessage <> (SELECT MAX(created) FROM ost_thread_entry e WHERE e.thread_id = h.id AND e.type = 'M')",
			"no event of the creation": "SELECT COUNT(*) FROM ost_thread h WHERE (SELECT COUNT(*) FROM ost_thread_event v WHERE v.thread_id = h.id AND v.event_id = 1) <> 1",
			"closed without event":     "SELECT COUNT(*) FROM ost_ticket t JOIN ost_thread h ON h.object_id = t.ticket_id WHERE (t.status_id > 1) <> (EXISTS (SELECT 1 FROM ost_thread_event v WHERE v.thread_id = h.id AND v.event_id = 2))",
			"closed without date":      "SELECT COUNT(*) FROM ost_ticket WHERE (status_id > 1) <> (closed IS NOT NULL)",
			"referral to nobody":       "SELECT COUNT(*) FROM ost_thread_referral r LEFT JOIN ost_thread h ON h.id = r.thread_id LEFT JOIN ost_staff a ON a.staff_id = r.object_id WHERE h.id IS NULL OR a.staff_id IS NULL",
			"user not indexed":         "SELECT COUNT(*) FROM ost_user u LEFT JOIN ost__search s ON s.object_type = 'U' AND s.object_id = u.id WHERE s.object_id IS NULL",
			"ticket not indexed":       "SELECT COUNT(*) FROM ost_ticket t LEFT JOIN ost__search s ON s.object_type = 'T' AND s.object_id = t.ticket_id AND s.title LIKE CONCAT(t.number, ' %') WHERE s.object_id IS NULL",
			"entry not indexed":        "SELECT COUNT(*) FROM ost_thread_entry e LEFT JOIN ost__search s ON s.object_type = 'H' AND s.object_id = e.id WHERE s.object_id IS NULL",
			"number twice":             "SELECT COUNT(*)-COUNT(DISTINCT number) FROM ost_ticket",
			"number of another shape":  "SELECT COUNT(*) FROM ost_ticket WHERE number NOT REGEXP '^[0-9]{6}$'",
			"number not from sequence": "SELECT COUNT(*) FROM ost_ticket t, ost_config c, ost_sequence s WHERE c.`key` = 'ticket_sequence_id' AND s.id = c.value AND t.number >= s.next",
		},
		some: map[string]string{
			"user without phone":        "SELECT COUNT(*) FROM ost_user__cdata WHERE IFNULL(phone,'') = ''",
			"user without ticket":       "SELECT COUNT(*) FROM ost_user u LEFT JOIN ost_ticket t ON t.user_id = u.id WHERE t.ticket_id IS NULL",
			"changed address":           "SELECT COUNT(*) FROM ost_user_email m JOIN ost__search s ON s.object_type = 'U' AND s.object_id = m.user_id WHERE s.content NOT LIKE CONCAT('%', m.address)",
			"changed phone":             "SELECT COUNT(*) FROM ost_user WHERE updated > created",
			"open ticket":               "SELECT COUNT(*) FROM ost_ticket WHERE status_id = 1",
			"unassigned ticket":         "SELECT COUNT(*) FROM ost_ticket WHERE staff_id = 0",
			"cache of a deleted user":   "SELECT COUNT(*) FROM ost_user__cdata c LEFT JOIN ost_user u ON u.id = c.user_id WHERE u.id IS NULL",
			"events of deleted tickets": "SELECT COUNT(*) FROM ost_thread_event WHERE thread_id = 0",
			"tickets by mail":           "SELECT COUNT(*) FROM ost_thread_entry_email",
		},
		ordered: [][3]string{{"ost_user", "id", "created"}, {"ost_ticket", "ticket_id", "created"}, {"ost_thread", "id", "created"},
			{"ost_thread_entry", "id", "created"}, {"ost_thread_event", "id", "timestamp"}, {"ost_form_entry", "id", "created"}},
		gaps: [][2]string{{"ost_user", "id"}, {"ost_user_email", "id"}, {"ost_ticket", "ticket_id"}, {"ost_thread", "id"}, {"ost_thread_entry", "id"}},
		also: osTicketNumbers,
	}
}

// osTicketNumbers: those of a sequence grow, those of a die do not.
func osTicketNumbers(t *testing.T, db *sql.DB, kind string) {
	t.Helper()
	falls := number(t, db, "SELECT COUNT(*) FROM (SELECT number, LAG(number) OVER (ORDER BY ticket_id) AS n FROM ost_ticket) x WHERE number <= n")
	if kind == "osticket-sequence" && falls != 0 || kind == "osticket" && falls < 300 {
		t.Errorf("numbers fall %d times", falls)
	}
}
