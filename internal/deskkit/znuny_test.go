package deskkit_test

import (
	"database/sql"
	"strings"
	"testing"
)

func znunyFacts() facts {
	return facts{
		customers: "SELECT COUNT(*) FROM customer_user WHERE valid_id = 1",
		tickets:   "SELECT COUNT(*) FROM ticket",
		none: map[string]string{
			"ticket of nobody":          "SELECT COUNT(*) FROM ticket t LEFT JOIN customer_user c ON c.login = t.customer_user_id WHERE c.id IS NULL",
			"ticket of another number":  "SELECT COUNT(*) FROM ticket t JOIN customer_user c ON c.login = t.customer_user_id WHERE c.customer_id <> t.customer_id",
			"company":                   "SELECT COUNT(*) FROM customer_user c LEFT JOIN customer_company o USING (customer_id) WHERE c.customer_id NOT LIKE '%@%' AND o.name IS NULL",
			"preferences of nobody":     "SELECT COUNT(*) FROM customer_preferences p LEFT JOIN customer_user c ON c.login = p.user_id WHERE c.id IS NULL",
			"NULL instead of no phone":  "SELECT COUNT(*) FROM customer_user WHERE phone IS NULL OR mobile IS NULL",
			"ticket without article":    "SELECT COUNT(*) FROM ticket t LEFT JOIN article a ON a.ticket_id = t.id WHERE a.id IS NULL",
			"article without text":      "SELECT COUNT(*) FROM article a WHERE (SELECT COUNT(*) FROM article_data_mime m WHERE m.article_id = a.id) <> 1",
			"mail without its source":   "SELECT COUNT(*) FROM article a LEFT JOIN article_data_mime_plain p ON p.article_id = a.id WHERE a.communication_channel_id = 1 AND p.id IS NULL",
			"digest":                    "SELECT COUNT(*) FROM article_data_mime WHERE NOT (a_message_id_md5 <=> IF(a_message_id = '', NULL, MD5(a_message_id)))",
			"time of arrival":           "SELECT COUNT(*) FROM article_data_mime WHERE FROM_UNIXTIME(incoming_time) <> create_time",
			"no history of the ticket":  "SELECT COUNT(*) FROM ticket t WHERE (SELECT COUNT(*) FROM ticket_history h WHERE h.ticket_id = t.id AND h.history_type_id = 1 AND h.name LIKE CONCAT('%%', t.tn, '%%%%', t.id)) <> 1",
			"no history of the article": "SELECT COUNT(*) FROM article a LEFT JOIN ticket_history h ON h.article_id = a.id AND h.ticket_id = a.ticket_id WHERE h.id IS NULL",
			"state without history":     "SELECT COUNT(*) FROM ticket t WHERE t.ticket_state_id <> (SELECT h.state_id FROM ticket_history h WHERE h.ticket_id = t.id ORDER BY h.id DESC LIMIT 1)",
			"indexed and not":           "SELECT COUNT(*) FROM article a WHERE a.search_index_needs_rebuild = EXISTS (SELECT 1 FROM article_search_index i WHERE i.article_id = a.id AND i.ticket_id = a.ticket_id)",
			"counters of the past":      "SELECT COUNT(*) FROM ticket_number_counter WHERE id <= (SELECT MAX(id) - 10 FROM ticket_number_counter)",
			"locked by nobody":          "SELECT COUNT(*) FROM ticket WHERE ticket_lock_id = 2 AND user_id = 1",
			"unseen by who answered":    "SELECT COUNT(*) FROM ticket t JOIN ticket_history h ON h.ticket_id = t.id AND h.history_type_id = 8 LEFT JOIN ticket_flag f ON f.ticket_id = t.id AND f.create_by = h.create_by WHERE f.ticket_id IS NULL",
			"number twice":              "SELECT COUNT(*)-COUNT(DISTINCT tn) FROM ticket",
		},
		some: map[string]string{
			"customer without phone":  "SELECT COUNT(*) FROM customer_user WHERE phone = ''",
			"customer without ticket": "SELECT COUNT(*) FROM customer_user c LEFT JOIN ticket t ON t.customer_user_id = c.login WHERE t.id IS NULL",
			"renamed login":           "SELECT COUNT(*) FROM customer_user WHERE login = email AND change_time > create_time",
			"login of old":            "SELECT COUNT(*) FROM customer_user WHERE login LIKE '%@%' AND login <> LOWER(email)",
			"login that is a name":    "SELECT COUNT(*) FROM customer_user WHERE login NOT LIKE '%@%'",
			"invalid customer":        "SELECT COUNT(*) FROM customer_user WHERE valid_id = 2",
			"several logins a number": "SELECT COUNT(*) FROM (SELECT customer_id FROM customer_user GROUP BY 1 HAVING COUNT(*) > 1) x",
			"not indexed yet":         "SELECT COUNT(*) FROM article WHERE search_index_needs_rebuild = 1",
			"new ticket":              "SELECT COUNT(*) FROM ticket WHERE ticket_state_id = 1",
			"locked ticket":           "SELECT COUNT(*) FROM ticket WHERE ticket_lock_id = 2",
		},
		ordered: [][3]string{{"customer_user", "id", "create_time"}, {"ticket", "id", "create_time"},
			{"article", "id", "create_time"}, {"article_data_mime", "id", "incoming_time"}, {"ticket_history", "id", "create_time"}},
		gaps: [][2]string{{"customer_user", "id"}, {"ticket", "id"}, {"article", "id"}, {"ticket_history", "id"}},
		also: znunyNumbers,
	}
}

// znunyNumbers have the day and the check digit.
func znunyNumbers(t *testing.T, db *sql.DB, kind string) {
	t.Helper()
	if kind != "znuny" {
		return
	}
	rows, err := db.QueryContext(t.Context(), "SELECT tn, DATE_FORMAT(create_time, '%Y%m%d') FROM ticket")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var tn, day string
		if err := rows.Scan(&tn, &day); err != nil {
			t.Fatal(err)
		}
		sum := 0 // of the digits, every second one twice, and the check digit
		for i, d := range []byte(tn[:len(tn)-1]) {
			sum += int(d-'0') * []int{1, 2}[i%2]
		}
		check := int(tn[len(tn)-1] - '0')
		if len(tn) != 16 || !strings.HasPrefix(tn, day+"10") || (sum+check)%10 != 0 && (sum%10 != 0 || check != 1) {
			t.Errorf("number %s of %s", tn, day)
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
}
