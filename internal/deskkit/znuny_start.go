package deskkit

import "time"

// start writes what scripts/database/initial_insert.xml writes into these
// tables, two more queues, and the agents.
func (z *znuny) start(at time.Time) {
	named := func(table string, names ...string) {
		for i, name := range names {
			z.auto(table, "id", stamped(row{"name": name, "valid_id": 1}, at, zSystem))
			if table == "valid" || table == "ticket_state_type" {
				delete(z.sheet(table).rows[i], "valid_id")
			}
		}
	}
	named("valid", "valid", "invalid", "invalid-temporarily")
	z.auto("users", "id", stamped(row{"login": "root@localhost", "pw": z.hex(64), "first_name": "Admin", "last_name": "Znuny", "valid_id": 1}, at, zSystem))
	named("permission_groups", "users", "admin", "stats")
	for i, a := range agents() {
		z.auto("users", "id", stamped(row{"login": a.login, "pw": z.hex(64), "first_name": a.first, "last_name": a.last, "valid_id": 1}, at, zSystem))
		z.add("group_user", stamped(row{"user_id": i + 2, "group_id": 1, "permission_key": "rw"}, at, zSystem))
	}
	for _, name := range zQueues() {
		z.auto("queue", "id", stamped(row{"name": name, "group_id": 1, "system_address_id": 1, "salutation_id": 1, "signature_id": 1,
			"follow_up_id": 1, "follow_up_lock": 0, "unlock_timeout": 0, "valid_id": 1}, at, zSystem))
	}
	named("ticket_type", "Unclassified")
	named("ticket_lock_type", "unlock", "lock", "tmp_lock")
	named("ticket_priority", "1 very low", "2 low", "3 normal", "4 high", "5 very high")
	named("ticket_state_type", "new", "open", "closed", "pending reminder", "pending auto", "removed", "merged")
	for _, s := range []struct {
		name string
		kind int
	}{{"new", 1}, {"closed successful", 3}, {"closed unsuccessful", 3}, {"open", 2}, {"removed", 6}, {"pending reminder", 4},
		{"pending auto close+", 5}, {"pending auto close-", 5}, {"merged", 7}} {
		z.auto("ticket_state", "id", stamped(row{"name": s.name, "type_id": s.kind, "valid_id": 1}, at, zSystem))
	}
	named("ticket_history_type", "NewTicket", "FollowUp", "SendAutoReject", "SendAutoReply", "SendAutoFollowUp", "Forward", "Bounce", "SendAnswer",
		"SendAgentNotification", "SendCustomerNotification", "EmailAgent", "EmailCustomer", "PhoneCallAgent", "PhoneCallCustomer", "AddNote", "Move",
		"Lock", "Unlock", "Remove", "TimeAccounting", "CustomerUpdate", "PriorityUpdate", "OwnerUpdate", "LoopProtection", "Misc", "SetPendingTime",
		"StateUpdate", "TicketDynamicFieldUpdate", "WebRequestCustomer", "TicketLinkAdd", "TicketLinkDelete", "SystemRequest", "Merged")
	named("article_sender_type", "agent", "system", "customer")
	for _, name := range []string{"Email", "Phone", "Internal", "Chat"} {
		z.auto("communication_channel", "id", stamped(row{"name": name, "module": "Kernel::System::CommunicationChannel::" + name, "package_name": "Framework",
			"channel_data": "---\nArticleDataArticleIDField: article_id\nArticleDataTables:\n- article_data_mime\n", "valid_id": 1}, at, zSystem))
	}
}

func zQueues() []string {
	return []string{"Postmaster", "Raw", "Junk", "Misc", "Support", "Billing"}
}
