-- Znuny 7 (and, for these tables, 6.5), GPL-3.0: our own wording of the facts in
-- scripts/database/schema.mysql.sql and schema-post.mysql.sql, for the tables
-- that a customer user with tickets touches and those that they point to. The
-- database was made with utf8mb4; types as MariaDB 10.11 fills them in.
--
-- The foreign keys are there in a real installation too (load them with
-- foreign_key_checks = 0, some tables come later), except those to tables
-- that are not here: of queue to salutation, signature, system_address and
-- follow_up_possible, of ticket to service and sla. No key leads to a customer:
-- ticket.customer_user_id holds the text of customer_user.login, and
-- ticket.customer_id that of customer_user.customer_id.

CREATE TABLE valid (
  id smallint(6) NOT NULL AUTO_INCREMENT,
  name varchar(200) NOT NULL,
  create_time datetime NOT NULL,
  create_by int(11) NOT NULL,
  change_time datetime NOT NULL,
  change_by int(11) NOT NULL,
  PRIMARY KEY (id),
  UNIQUE KEY valid_name (name),
  CONSTRAINT FK_valid_create_by_id FOREIGN KEY (create_by) REFERENCES users (id),
  CONSTRAINT FK_valid_change_by_id FOREIGN KEY (change_by) REFERENCES users (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE users (
  id int(11) NOT NULL AUTO_INCREMENT,
  login varchar(200) NOT NULL,
  pw varchar(128) NOT NULL,
  title varchar(50),
  first_name varchar(100) NOT NULL,
  last_name varchar(100) NOT NULL,
  valid_id smallint(6) NOT NULL,
  create_time datetime NOT NULL,
  create_by int(11) NOT NULL,
  change_time datetime NOT NULL,
  change_by int(11) NOT NULL,
  PRIMARY KEY (id),
  UNIQUE KEY users_login (login),
  CONSTRAINT FK_users_create_by_id FOREIGN KEY (create_by) REFERENCES users (id),
  CONSTRAINT FK_users_change_by_id FOREIGN KEY (change_by) REFERENCES users (id),
  CONSTRAINT FK_users_valid_id_id FOREIGN KEY (valid_id) REFERENCES valid (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE queue (
  id int(11) NOT NULL AUTO_INCREMENT,
  name varchar(200) NOT NULL,
  group_id int(11) NOT NULL,
  unlock_timeout int(11),
  first_response_time int(11),
  first_response_notify smallint(6),
  update_time int(11),
  update_notify smallint(6),
  solution_time int(11),
  solution_notify smallint(6),
  system_address_id smallint(6) NOT NULL,
  calendar_name varchar(100),
  default_sign_key varchar(100),
  salutation_id smallint(6) NOT NULL,
  signature_id smallint(6) NOT NULL,
  follow_up_id smallint(6) NOT NULL,
  follow_up_lock smallint(6) NOT NULL,
  comments varchar(250),
  valid_id smallint(6) NOT NULL,
  create_time datetime NOT NULL,
  create_by int(11) NOT NULL,
  change_time datetime NOT NULL,
  change_by int(11) NOT NULL,
  PRIMARY KEY (id),
  UNIQUE KEY queue_name (name),
  KEY queue_group_id (group_id),
  CONSTRAINT FK_queue_group_id_id FOREIGN KEY (group_id) REFERENCES permission_groups (id),
  CONSTRAINT FK_queue_create_by_id FOREIGN KEY (create_by) REFERENCES users (id),
  CONSTRAINT FK_queue_change_by_id FOREIGN KEY (change_by) REFERENCES users (id),
  CONSTRAINT FK_queue_valid_id_id FOREIGN KEY (valid_id) REFERENCES valid (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE permission_groups (
  id int(11) NOT NULL AUTO_INCREMENT,
  name varchar(200) NOT NULL,
  comments varchar(250),
  valid_id smallint(6) NOT NULL,
  create_time datetime NOT NULL,
  create_by int(11) NOT NULL,
  change_time datetime NOT NULL,
  change_by int(11) NOT NULL,
  PRIMARY KEY (id),
  UNIQUE KEY groups_name (name),
  CONSTRAINT FK_permission_groups_create_by_id FOREIGN KEY (create_by) REFERENCES users (id),
  CONSTRAINT FK_permission_groups_change_by_id FOREIGN KEY (change_by) REFERENCES users (id),
  CONSTRAINT FK_permission_groups_valid_id_id FOREIGN KEY (valid_id) REFERENCES valid (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE group_user (
  user_id int(11) NOT NULL,
  group_id int(11) NOT NULL,
  permission_key varchar(20) NOT NULL,
  create_time datetime NOT NULL,
  create_by int(11) NOT NULL,
  change_time datetime NOT NULL,
  change_by int(11) NOT NULL,
  KEY group_user_group_id (group_id),
  KEY group_user_user_id (user_id),
  CONSTRAINT FK_group_user_group_id_id FOREIGN KEY (group_id) REFERENCES permission_groups (id),
  CONSTRAINT FK_group_user_create_by_id FOREIGN KEY (create_by) REFERENCES users (id),
  CONSTRAINT FK_group_user_change_by_id FOREIGN KEY (change_by) REFERENCES users (id),
  CONSTRAINT FK_group_user_user_id_id FOREIGN KEY (user_id) REFERENCES users (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE ticket_priority (
  id smallint(6) NOT NULL AUTO_INCREMENT,
  name varchar(200) NOT NULL,
  valid_id smallint(6) NOT NULL,
  create_time datetime NOT NULL,
  create_by int(11) NOT NULL,
  change_time datetime NOT NULL,
  change_by int(11) NOT NULL,
  PRIMARY KEY (id),
  UNIQUE KEY ticket_priority_name (name),
  CONSTRAINT FK_ticket_priority_create_by_id FOREIGN KEY (create_by) REFERENCES users (id),
  CONSTRAINT FK_ticket_priority_change_by_id FOREIGN KEY (change_by) REFERENCES users (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE ticket_type (
  id smallint(6) NOT NULL AUTO_INCREMENT,
  name varchar(200) NOT NULL,
  valid_id smallint(6) NOT NULL,
  create_time datetime NOT NULL,
  create_by int(11) NOT NULL,
  change_time datetime NOT NULL,
  change_by int(11) NOT NULL,
  PRIMARY KEY (id),
  UNIQUE KEY ticket_type_name (name),
  CONSTRAINT FK_ticket_type_create_by_id FOREIGN KEY (create_by) REFERENCES users (id),
  CONSTRAINT FK_ticket_type_change_by_id FOREIGN KEY (change_by) REFERENCES users (id),
  CONSTRAINT FK_ticket_type_valid_id_id FOREIGN KEY (valid_id) REFERENCES valid (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE ticket_lock_type (
  id smallint(6) NOT NULL AUTO_INCREMENT,
  name varchar(200) NOT NULL,
  valid_id smallint(6) NOT NULL,
  create_time datetime NOT NULL,
  create_by int(11) NOT NULL,
  change_time datetime NOT NULL,
  change_by int(11) NOT NULL,
  PRIMARY KEY (id),
  UNIQUE KEY ticket_lock_type_name (name),
  CONSTRAINT FK_ticket_lock_type_create_by_id FOREIGN KEY (create_by) REFERENCES users (id),
  CONSTRAINT FK_ticket_lock_type_change_by_id FOREIGN KEY (change_by) REFERENCES users (id),
  CONSTRAINT FK_ticket_lock_type_valid_id_id FOREIGN KEY (valid_id) REFERENCES valid (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE ticket_state (
  id smallint(6) NOT NULL AUTO_INCREMENT,
  name varchar(200) NOT NULL,
  comments varchar(250),
  type_id smallint(6) NOT NULL,
  valid_id smallint(6) NOT NULL,
  create_time datetime NOT NULL,
  create_by int(11) NOT NULL,
  change_time datetime NOT NULL,
  change_by int(11) NOT NULL,
  PRIMARY KEY (id),
  UNIQUE KEY ticket_state_name (name),
  CONSTRAINT FK_ticket_state_type_id_id FOREIGN KEY (type_id) REFERENCES ticket_state_type (id),
  CONSTRAINT FK_ticket_state_create_by_id FOREIGN KEY (create_by) REFERENCES users (id),
  CONSTRAINT FK_ticket_state_change_by_id FOREIGN KEY (change_by) REFERENCES users (id),
  CONSTRAINT FK_ticket_state_valid_id_id FOREIGN KEY (valid_id) REFERENCES valid (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE ticket_state_type (
  id smallint(6) NOT NULL AUTO_INCREMENT,
  name varchar(200) NOT NULL,
  comments varchar(250),
  create_time datetime NOT NULL,
  create_by int(11) NOT NULL,
  change_time datetime NOT NULL,
  change_by int(11) NOT NULL,
  PRIMARY KEY (id),
  UNIQUE KEY ticket_state_type_name (name),
  CONSTRAINT FK_ticket_state_type_create_by_id FOREIGN KEY (create_by) REFERENCES users (id),
  CONSTRAINT FK_ticket_state_type_change_by_id FOREIGN KEY (change_by) REFERENCES users (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE ticket_history_type (
  id smallint(6) NOT NULL AUTO_INCREMENT,
  name varchar(200) NOT NULL,
  comments varchar(250),
  valid_id smallint(6) NOT NULL,
  create_time datetime NOT NULL,
  create_by int(11) NOT NULL,
  change_time datetime NOT NULL,
  change_by int(11) NOT NULL,
  PRIMARY KEY (id),
  UNIQUE KEY ticket_history_type_name (name),
  CONSTRAINT FK_ticket_history_type_create_by_id FOREIGN KEY (create_by) REFERENCES users (id),
  CONSTRAINT FK_ticket_history_type_change_by_id FOREIGN KEY (change_by) REFERENCES users (id),
  CONSTRAINT FK_ticket_history_type_valid_id_id FOREIGN KEY (valid_id) REFERENCES valid (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE article_sender_type (
  id smallint(6) NOT NULL AUTO_INCREMENT,
  name varchar(200) NOT NULL,
  comments varchar(250),
  valid_id smallint(6) NOT NULL,
  create_time datetime NOT NULL,
  create_by int(11) NOT NULL,
  change_time datetime NOT NULL,
  change_by int(11) NOT NULL,
  PRIMARY KEY (id),
  UNIQUE KEY article_sender_type_name (name),
  CONSTRAINT FK_article_sender_type_create_by_id FOREIGN KEY (create_by) REFERENCES users (id),
  CONSTRAINT FK_article_sender_type_change_by_id FOREIGN KEY (change_by) REFERENCES users (id),
  CONSTRAINT FK_article_sender_type_valid_id_id FOREIGN KEY (valid_id) REFERENCES valid (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE communication_channel (
  id bigint(20) NOT NULL AUTO_INCREMENT,
  name varchar(200) NOT NULL,
  module varchar(200) NOT NULL,
  package_name varchar(200) NOT NULL,
  channel_data longblob NOT NULL,
  valid_id smallint(6) NOT NULL,
  create_time datetime NOT NULL,
  create_by int(11) NOT NULL,
  change_time datetime NOT NULL,
  change_by int(11) NOT NULL,
  PRIMARY KEY (id),
  UNIQUE KEY communication_channel_name (name),
  CONSTRAINT FK_communication_channel_create_by_id FOREIGN KEY (create_by) REFERENCES users (id),
  CONSTRAINT FK_communication_channel_change_by_id FOREIGN KEY (change_by) REFERENCES users (id),
  CONSTRAINT FK_communication_channel_valid_id_id FOREIGN KEY (valid_id) REFERENCES valid (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE customer_company (
  customer_id varchar(150) NOT NULL,
  name varchar(200) NOT NULL,
  street varchar(200),
  zip varchar(200),
  city varchar(200),
  country varchar(200),
  url varchar(200),
  comments varchar(250),
  valid_id smallint(6) NOT NULL,
  create_time datetime NOT NULL,
  create_by int(11) NOT NULL,
  change_time datetime NOT NULL,
  change_by int(11) NOT NULL,
  PRIMARY KEY (customer_id),
  UNIQUE KEY customer_company_name (name)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE customer_user (
  id int(11) NOT NULL AUTO_INCREMENT,
  login varchar(200) NOT NULL,
  email varchar(150) NOT NULL,
  customer_id varchar(150) NOT NULL,
  pw varchar(128),
  title varchar(50),
  first_name varchar(100) NOT NULL,
  last_name varchar(100) NOT NULL,
  phone varchar(150),
  fax varchar(150),
  mobile varchar(150),
  street varchar(150),
  zip varchar(200),
  city varchar(200),
  country varchar(200),
  comments varchar(250),
  valid_id smallint(6) NOT NULL,
  create_time datetime NOT NULL,
  create_by int(11) NOT NULL,
  change_time datetime NOT NULL,
  change_by int(11) NOT NULL,
  PRIMARY KEY (id),
  UNIQUE KEY customer_user_login (login),
  CONSTRAINT FK_customer_user_create_by_id FOREIGN KEY (create_by) REFERENCES users (id),
  CONSTRAINT FK_customer_user_change_by_id FOREIGN KEY (change_by) REFERENCES users (id),
  CONSTRAINT FK_customer_user_valid_id_id FOREIGN KEY (valid_id) REFERENCES valid (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE customer_preferences (
  user_id varchar(250) NOT NULL,
  preferences_key varchar(150) NOT NULL,
  preferences_value varchar(250),
  KEY customer_preferences_user_id (user_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE customer_user_customer (
  user_id varchar(100) NOT NULL,
  customer_id varchar(150) NOT NULL,
  create_time datetime NOT NULL,
  create_by int(11) NOT NULL,
  change_time datetime NOT NULL,
  change_by int(11) NOT NULL,
  KEY customer_user_customer_customer_id (customer_id),
  KEY customer_user_customer_user_id (user_id),
  CONSTRAINT FK_customer_user_customer_create_by_id FOREIGN KEY (create_by) REFERENCES users (id),
  CONSTRAINT FK_customer_user_customer_change_by_id FOREIGN KEY (change_by) REFERENCES users (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE ticket_number_counter (
  id bigint(20) NOT NULL AUTO_INCREMENT,
  counter bigint(20) NOT NULL,
  counter_uid varchar(32) NOT NULL,
  create_time datetime,
  PRIMARY KEY (id),
  UNIQUE KEY ticket_number_counter_uid (counter_uid),
  KEY ticket_number_counter_create_time (create_time)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE ticket (
  id bigint(20) NOT NULL AUTO_INCREMENT,
  tn varchar(50) NOT NULL,
  title varchar(255),
  queue_id int(11) NOT NULL,
  ticket_lock_id smallint(6) NOT NULL,
  type_id smallint(6),
  service_id int(11),
  sla_id int(11),
  user_id int(11) NOT NULL,
  responsible_user_id int(11) NOT NULL,
  ticket_priority_id smallint(6) NOT NULL,
  ticket_state_id smallint(6) NOT NULL,
  customer_id varchar(150),
  customer_user_id varchar(250),
  timeout int(11) NOT NULL,
  until_time int(11) NOT NULL,
  escalation_time int(11) NOT NULL,
  escalation_update_time int(11) NOT NULL,
  escalation_response_time int(11) NOT NULL,
  escalation_solution_time int(11) NOT NULL,
  archive_flag smallint(6) NOT NULL DEFAULT 0,
  create_time datetime NOT NULL,
  create_by int(11) NOT NULL,
  change_time datetime NOT NULL,
  change_by int(11) NOT NULL,
  PRIMARY KEY (id),
  UNIQUE KEY ticket_tn (tn),
  KEY ticket_archive_flag (archive_flag),
  KEY ticket_create_time (create_time),
  KEY ticket_customer_id (customer_id),
  KEY ticket_customer_user_id (customer_user_id),
  KEY ticket_escalation_response_time (escalation_response_time),
  KEY ticket_escalation_solution_time (escalation_solution_time),
  KEY ticket_escalation_time (escalation_time),
  KEY ticket_escalation_update_time (escalation_update_time),
  KEY ticket_queue_id (queue_id),
  KEY ticket_queue_view (ticket_state_id, ticket_lock_id),
  KEY ticket_responsible_user_id (responsible_user_id),
  KEY ticket_ticket_lock_id (ticket_lock_id),
  KEY ticket_ticket_priority_id (ticket_priority_id),
  KEY ticket_ticket_state_id (ticket_state_id),
  KEY ticket_timeout (timeout),
  KEY ticket_title (title),
  KEY ticket_type_id (type_id),
  KEY ticket_until_time (until_time),
  KEY ticket_user_id (user_id),
  CONSTRAINT FK_ticket_queue_id_id FOREIGN KEY (queue_id) REFERENCES queue (id),
  CONSTRAINT FK_ticket_ticket_lock_id_id FOREIGN KEY (ticket_lock_id) REFERENCES ticket_lock_type (id),
  CONSTRAINT FK_ticket_ticket_priority_id_id FOREIGN KEY (ticket_priority_id) REFERENCES ticket_priority (id),
  CONSTRAINT FK_ticket_ticket_state_id_id FOREIGN KEY (ticket_state_id) REFERENCES ticket_state (id),
  CONSTRAINT FK_ticket_type_id_id FOREIGN KEY (type_id) REFERENCES ticket_type (id),
  CONSTRAINT FK_ticket_create_by_id FOREIGN KEY (create_by) REFERENCES users (id),
  CONSTRAINT FK_ticket_change_by_id FOREIGN KEY (change_by) REFERENCES users (id),
  CONSTRAINT FK_ticket_user_id_id FOREIGN KEY (user_id) REFERENCES users (id),
  CONSTRAINT FK_ticket_responsible_user_id_id FOREIGN KEY (responsible_user_id) REFERENCES users (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE ticket_flag (
  ticket_id bigint(20) NOT NULL,
  ticket_key varchar(50) NOT NULL,
  ticket_value varchar(50),
  create_time datetime NOT NULL,
  create_by int(11) NOT NULL,
  UNIQUE KEY ticket_flag_per_user (ticket_id, ticket_key, create_by),
  KEY ticket_flag_ticket_id (ticket_id),
  KEY ticket_flag_ticket_id_create_by (ticket_id, create_by),
  KEY ticket_flag_ticket_id_ticket_key (ticket_id, ticket_key),
  CONSTRAINT FK_ticket_flag_ticket_id_id FOREIGN KEY (ticket_id) REFERENCES ticket (id),
  CONSTRAINT FK_ticket_flag_create_by_id FOREIGN KEY (create_by) REFERENCES users (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE ticket_history (
  id bigint(20) NOT NULL AUTO_INCREMENT,
  name varchar(200) NOT NULL,
  history_type_id smallint(6) NOT NULL,
  ticket_id bigint(20) NOT NULL,
  article_id bigint(20),
  type_id smallint(6) NOT NULL,
  queue_id int(11) NOT NULL,
  owner_id int(11) NOT NULL,
  priority_id smallint(6) NOT NULL,
  state_id smallint(6) NOT NULL,
  create_time datetime NOT NULL,
  create_by int(11) NOT NULL,
  change_time datetime NOT NULL,
  change_by int(11) NOT NULL,
  PRIMARY KEY (id),
  KEY ticket_history_article_id (article_id),
  KEY ticket_history_create_time (create_time),
  KEY ticket_history_history_type_id (history_type_id),
  KEY ticket_history_owner_id (owner_id),
  KEY ticket_history_priority_id (priority_id),
  KEY ticket_history_queue_id (queue_id),
  KEY ticket_history_state_id (state_id),
  KEY ticket_history_ticket_id (ticket_id),
  KEY ticket_history_type_id (type_id),
  CONSTRAINT FK_ticket_history_article_id_id FOREIGN KEY (article_id) REFERENCES article (id),
  CONSTRAINT FK_ticket_history_queue_id_id FOREIGN KEY (queue_id) REFERENCES queue (id),
  CONSTRAINT FK_ticket_history_ticket_id_id FOREIGN KEY (ticket_id) REFERENCES ticket (id),
  CONSTRAINT FK_ticket_history_history_type_id_id FOREIGN KEY (history_type_id) REFERENCES ticket_history_type (id),
  CONSTRAINT FK_ticket_history_priority_id_id FOREIGN KEY (priority_id) REFERENCES ticket_priority (id),
  CONSTRAINT FK_ticket_history_state_id_id FOREIGN KEY (state_id) REFERENCES ticket_state (id),
  CONSTRAINT FK_ticket_history_type_id_id FOREIGN KEY (type_id) REFERENCES ticket_type (id),
  CONSTRAINT FK_ticket_history_owner_id_id FOREIGN KEY (owner_id) REFERENCES users (id),
  CONSTRAINT FK_ticket_history_create_by_id FOREIGN KEY (create_by) REFERENCES users (id),
  CONSTRAINT FK_ticket_history_change_by_id FOREIGN KEY (change_by) REFERENCES users (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE ticket_index (
  ticket_id bigint(20) NOT NULL,
  queue_id int(11) NOT NULL,
  queue varchar(200) NOT NULL,
  group_id int(11) NOT NULL,
  s_lock varchar(200) NOT NULL,
  s_state varchar(200) NOT NULL,
  create_time datetime NOT NULL,
  KEY ticket_index_group_id (group_id),
  KEY ticket_index_queue_id (queue_id),
  KEY ticket_index_ticket_id (ticket_id),
  CONSTRAINT FK_ticket_index_group_id_id FOREIGN KEY (group_id) REFERENCES permission_groups (id),
  CONSTRAINT FK_ticket_index_queue_id_id FOREIGN KEY (queue_id) REFERENCES queue (id),
  CONSTRAINT FK_ticket_index_ticket_id_id FOREIGN KEY (ticket_id) REFERENCES ticket (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE article (
  id bigint(20) NOT NULL AUTO_INCREMENT,
  ticket_id bigint(20) NOT NULL,
  article_sender_type_id smallint(6) NOT NULL,
  communication_channel_id bigint(20) NOT NULL,
  is_visible_for_customer smallint(6) NOT NULL,
  search_index_needs_rebuild smallint(6) NOT NULL DEFAULT 1,
  insert_fingerprint varchar(64),
  create_time datetime NOT NULL,
  create_by int(11) NOT NULL,
  change_time datetime NOT NULL,
  change_by int(11) NOT NULL,
  PRIMARY KEY (id),
  KEY article_article_sender_type_id (article_sender_type_id),
  KEY article_communication_channel_id (communication_channel_id),
  KEY article_search_index_needs_rebuild (search_index_needs_rebuild),
  KEY article_ticket_id (ticket_id),
  CONSTRAINT FK_article_article_sender_type_id_id FOREIGN KEY (article_sender_type_id) REFERENCES article_sender_type (id),
  CONSTRAINT FK_article_communication_channel_id_id FOREIGN KEY (communication_channel_id) REFERENCES communication_channel (id),
  CONSTRAINT FK_article_ticket_id_id FOREIGN KEY (ticket_id) REFERENCES ticket (id),
  CONSTRAINT FK_article_create_by_id FOREIGN KEY (create_by) REFERENCES users (id),
  CONSTRAINT FK_article_change_by_id FOREIGN KEY (change_by) REFERENCES users (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE article_flag (
  article_id bigint(20) NOT NULL,
  article_key varchar(50) NOT NULL,
  article_value varchar(50),
  create_time datetime NOT NULL,
  create_by int(11) NOT NULL,
  KEY article_flag_article_id (article_id),
  KEY article_flag_article_id_create_by (article_id, create_by),
  CONSTRAINT FK_article_flag_article_id_id FOREIGN KEY (article_id) REFERENCES article (id),
  CONSTRAINT FK_article_flag_create_by_id FOREIGN KEY (create_by) REFERENCES users (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE article_data_mime (
  id bigint(20) NOT NULL AUTO_INCREMENT,
  article_id bigint(20) NOT NULL,
  a_from mediumtext,
  a_reply_to mediumtext,
  a_to mediumtext,
  a_cc mediumtext,
  a_bcc mediumtext,
  a_subject text,
  a_message_id text,
  a_message_id_md5 varchar(32),
  a_in_reply_to mediumtext,
  a_references mediumtext,
  a_content_type varchar(250),
  a_body mediumtext,
  incoming_time int(11) NOT NULL,
  content_path varchar(250),
  create_time datetime NOT NULL,
  create_by int(11) NOT NULL,
  change_time datetime NOT NULL,
  change_by int(11) NOT NULL,
  PRIMARY KEY (id),
  KEY article_data_mime_article_id (article_id),
  KEY article_data_mime_message_id_md5 (a_message_id_md5),
  CONSTRAINT FK_article_data_mime_article_id_id FOREIGN KEY (article_id) REFERENCES article (id),
  CONSTRAINT FK_article_data_mime_create_by_id FOREIGN KEY (create_by) REFERENCES users (id),
  CONSTRAINT FK_article_data_mime_change_by_id FOREIGN KEY (change_by) REFERENCES users (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE article_data_mime_plain (
  id bigint(20) NOT NULL AUTO_INCREMENT,
  article_id bigint(20) NOT NULL,
  body longblob NOT NULL,
  create_time datetime NOT NULL,
  create_by int(11) NOT NULL,
  change_time datetime NOT NULL,
  change_by int(11) NOT NULL,
  PRIMARY KEY (id),
  KEY article_data_mime_plain_article_id (article_id),
  CONSTRAINT FK_article_data_mime_plain_article_id_id FOREIGN KEY (article_id) REFERENCES article (id),
  CONSTRAINT FK_article_data_mime_plain_create_by_id FOREIGN KEY (create_by) REFERENCES users (id),
  CONSTRAINT FK_article_data_mime_plain_change_by_id FOREIGN KEY (change_by) REFERENCES users (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE article_data_mime_attachment (
  id bigint(20) NOT NULL AUTO_INCREMENT,
  article_id bigint(20) NOT NULL,
  filename varchar(250),
  content_size varchar(30),
  content_type text,
  content_id varchar(250),
  content_alternative varchar(50),
  disposition varchar(15),
  content longblob,
  create_time datetime NOT NULL,
  create_by int(11) NOT NULL,
  change_time datetime NOT NULL,
  change_by int(11) NOT NULL,
  PRIMARY KEY (id),
  KEY article_data_mime_attachment_article_id (article_id),
  CONSTRAINT FK_article_data_mime_attachment_article_id_id FOREIGN KEY (article_id) REFERENCES article (id),
  CONSTRAINT FK_article_data_mime_attachment_create_by_id FOREIGN KEY (create_by) REFERENCES users (id),
  CONSTRAINT FK_article_data_mime_attachment_change_by_id FOREIGN KEY (change_by) REFERENCES users (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE article_search_index (
  id bigint(20) NOT NULL AUTO_INCREMENT,
  ticket_id bigint(20) NOT NULL,
  article_id bigint(20) NOT NULL,
  article_key varchar(200) NOT NULL,
  article_value mediumtext,
  PRIMARY KEY (id),
  KEY article_search_index_article_id (article_id, article_key),
  KEY article_search_index_ticket_id (ticket_id, article_key),
  CONSTRAINT FK_article_search_index_article_id_id FOREIGN KEY (article_id) REFERENCES article (id),
  CONSTRAINT FK_article_search_index_ticket_id_id FOREIGN KEY (ticket_id) REFERENCES ticket (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
