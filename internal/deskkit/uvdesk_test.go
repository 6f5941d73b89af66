package deskkit_test

func uvdeskFacts() facts {
	return facts{
		customers: "SELECT COUNT(*) FROM uv_user u JOIN uv_user_instance i ON i.user_id = u.id JOIN uv_support_role r ON r.id = i.supportRole_id WHERE r.code = 'ROLE_CUSTOMER' AND i.is_active = 1 AND u.is_enabled = 1",
		tickets:   "SELECT COUNT(*) FROM uv_ticket WHERE is_trashed = 0",
		none: map[string]string{
			"user without one instance":  "SELECT COUNT(*) FROM uv_user u WHERE (SELECT COUNT(*) FROM uv_user_instance i WHERE i.user_id = u.id) <> 1",
			"instance of nobody":         "SELECT COUNT(*) FROM uv_user_instance i LEFT JOIN uv_user u ON u.id = i.user_id WHERE u.id IS NULL",
			"group of nobody":            "SELECT COUNT(*) FROM uv_user_support_groups m LEFT JOIN uv_user_instance i ON i.id = m.userInstanceId LEFT JOIN uv_support_group g ON g.id = m.supportGroupId WHERE i.id IS NULL OR g.id IS NULL",
			"ticket of no customer":      "SELECT COUNT(*) FROM uv_ticket k LEFT JOIN uv_user_instance i ON i.user_id = k.customer_id AND i.supportRole_id = 4 WHERE i.id IS NULL",
			"ticket of no agent":         "SELECT COUNT(*) FROM uv_ticket k LEFT JOIN uv_user_instance i ON i.user_id = k.agent_id AND i.supportRole_id <> 4 WHERE k.agent_id IS NOT NULL AND i.id IS NULL",
			"ticket without its kinds":   "SELECT COUNT(*) FROM uv_ticket k LEFT JOIN uv_ticket_status s ON s.id = k.status_id LEFT JOIN uv_ticket_priority p ON p.id = k.priority_id LEFT JOIN uv_ticket_type t ON t.id = k.type_id WHERE s.id IS NULL OR p.id IS NULL OR t.id IS NULL",
			"group that is not":          "SELECT COUNT(*) FROM uv_ticket k LEFT JOIN uv_support_group g ON g.id = k.group_id LEFT JOIN uv_support_team t ON t.id = k.subGroup_id WHERE (k.group_id IS NOT NULL AND g.id IS NULL) OR (k.subGroup_id IS NOT NULL AND t.id IS NULL)",
			"ticket without a beginning": "SELECT COUNT(*) FROM uv_ticket k WHERE (SELECT COUNT(*) FROM uv_thread t WHERE t.ticket_id = k.id AND t.thread_type = 'create' AND t.user_id = k.customer_id AND t.created_at = k.created_at) <> 1",
			"message of nothing":         "SELECT COUNT(*) FROM uv_thread t LEFT JOIN uv_ticket k ON k.id = t.ticket_id LEFT JOIN uv_user u ON u.id = t.user_id WHERE k.id IS NULL OR u.id IS NULL",
			"message that is not listed": "SELECT COUNT(*) FROM uv_thread t JOIN uv_ticket k ON k.id = t.ticket_id WHERE t.message_id IS NOT NULL AND INSTR(k.reference_ids, t.message_id) = 0",
			"message twice":              "SELECT COUNT(message_id)-COUNT(DISTINCT message_id) FROM uv_thread",
			"message not escaped":        "SELECT COUNT(*) FROM uv_thread WHERE message NOT LIKE '&lt;p&gt;%' OR message LIKE '%<%'",
			"list of another length":     `SELECT COUNT(*) FROM uv_thread WHERE cc <> 'N;' AND cc <> CONCAT('a:1:{i:0;s:', LENGTH(SUBSTRING_INDEX(SUBSTRING_INDEX(cc, '"', 2), '"', -1)), ':"', SUBSTRING_INDEX(SUBSTRING_INDEX(cc, '"', 2), '"', -1), '";}')`,
			"answer without activity":    "SELECT COUNT(*) FROM uv_thread t WHERE (created_by = 'agent' OR thread_type = 'create') AND NOT EXISTS (SELECT 1 FROM agent_activity a WHERE a.ticket_id = t.ticket_id AND a.agent_id = t.user_id AND a.created_at = t.created_at AND a.thread_type = t.thread_type)",
			"activity of nothing":        "SELECT COUNT(*) FROM agent_activity a LEFT JOIN uv_ticket k ON k.id = a.ticket_id LEFT JOIN uv_user u ON u.id = a.agent_id WHERE k.id IS NULL OR u.id IS NULL",
			"activity of another name":   "SELECT COUNT(*) FROM agent_activity a JOIN uv_ticket k ON k.id = a.ticket_id JOIN uv_user u ON u.id = k.customer_id WHERE a.customer_name <> CONCAT(u.first_name, ' ', u.last_name)",
			"collaborator of nothing":    "SELECT COUNT(*) FROM uv_tickets_collaborators c LEFT JOIN uv_ticket k ON k.id = c.ticket_id LEFT JOIN uv_user u ON u.id = c.user_id WHERE k.id IS NULL OR u.id IS NULL",
			"rating of nothing":          "SELECT COUNT(*) FROM uv_ticket_rating r LEFT JOIN uv_ticket k ON k.id = r.ticket_id AND k.customer_id = r.user_id WHERE k.id IS NULL",
			"older than its messages":    "SELECT COUNT(*) FROM uv_ticket k JOIN uv_thread t ON t.ticket_id = k.id WHERE t.created_at > k.updated_at OR t.created_at < k.created_at",
			"new but answered":           "SELECT COUNT(*) FROM uv_ticket k WHERE is_new = EXISTS (SELECT 1 FROM uv_thread t WHERE t.ticket_id = k.id AND t.created_by = 'agent')",
		},
		some: map[string]string{
			"user without phone":    "SELECT COUNT(*) FROM uv_user_instance WHERE supportRole_id = 4 AND contact_number IS NULL",
			"user without ticket":   "SELECT COUNT(*) FROM uv_user u LEFT JOIN uv_ticket k ON k.customer_id = u.id WHERE k.id IS NULL",
			"user without password": "SELECT COUNT(*) FROM uv_user WHERE password IS NULL",
			"ticket by mail":        "SELECT COUNT(*) FROM uv_ticket WHERE mailbox_email IS NOT NULL",
			"ticket in the trash":   "SELECT COUNT(*) FROM uv_ticket WHERE is_trashed = 1",
			"copies to others":      "SELECT COUNT(*) FROM uv_thread WHERE cc <> 'N;'",
			"collaborators":         "SELECT COUNT(*) FROM uv_tickets_collaborators",
			"ratings":               "SELECT COUNT(*) FROM uv_ticket_rating",
			"each status":           "SELECT COUNT(DISTINCT status_id) > 4 FROM uv_ticket",
			"several groups":        "SELECT COUNT(DISTINCT group_id) > 2 FROM uv_ticket",
		},
		ordered: [][3]string{{"uv_user_instance", "id", "created_at"}, {"uv_ticket", "id", "created_at"}, {"uv_thread", "id", "created_at"}, {"agent_activity", "id", "created_at"}},
		gaps:    [][2]string{{"uv_user", "id"}, {"uv_user_instance", "id"}, {"uv_ticket", "id"}, {"uv_thread", "id"}, {"agent_activity", "id"}},
	}
}
