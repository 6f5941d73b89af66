-- UVdesk 1.1 (core-framework of September 2025), MIT: our own wording of the
-- facts in Entity/*.php, turned into tables as Doctrine 2 does, with the naming
-- strategy of Templates/doctrine.yaml (underscore): names that the mapping gives
-- itself keep their capitals. Keys are named by Doctrine's rule.
--
-- The foreign keys are real. Custom fields, tags, labels, privileges, saved
-- replies and the knowledge base are not here.

CREATE TABLE uv_website (
  id int(11) NOT NULL AUTO_INCREMENT,
  name varchar(191) NOT NULL,
  display_user_presence_indicator tinyint(1) DEFAULT 0,
  code varchar(191) NOT NULL,
  logo varchar(191),
  theme_color varchar(191) NOT NULL,
  favicon varchar(191),
  created_at datetime NOT NULL,
  updated_at datetime NOT NULL,
  is_active tinyint(1) DEFAULT 1,
  timezone varchar(191),
  webhook_url varchar(191),
  timeformat varchar(191),
  business_hour longtext COMMENT '(DC2Type:array)',
  business_hour_status tinyint(1) DEFAULT 1,
  PRIMARY KEY (id),
  UNIQUE KEY UNIQ_2656FF0677153098 (code)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

CREATE TABLE uv_support_role (
  id int(11) NOT NULL AUTO_INCREMENT,
  code varchar(191) NOT NULL,
  description varchar(191),
  PRIMARY KEY (id),
  UNIQUE KEY UNIQ_2AF5A72177153098 (code)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

CREATE TABLE uv_support_group (
  id int(11) NOT NULL AUTO_INCREMENT,
  name varchar(191) NOT NULL,
  description longtext NOT NULL,
  created_at datetime NOT NULL,
  is_active tinyint(1) NOT NULL DEFAULT 0,
  user_view tinyint(1) NOT NULL DEFAULT 0,
  PRIMARY KEY (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

CREATE TABLE uv_support_team (
  id int(11) NOT NULL AUTO_INCREMENT,
  name varchar(191) NOT NULL,
  description longtext NOT NULL,
  created_at datetime NOT NULL,
  is_active tinyint(1) NOT NULL DEFAULT 0,
  PRIMARY KEY (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

CREATE TABLE uv_ticket_status (
  id int(11) NOT NULL AUTO_INCREMENT,
  code varchar(191) NOT NULL,
  description longtext,
  color_code varchar(191),
  sort_order int(11),
  PRIMARY KEY (id),
  UNIQUE KEY UNIQ_128B1D3A77153098 (code)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

CREATE TABLE uv_ticket_priority (
  id int(11) NOT NULL AUTO_INCREMENT,
  code varchar(191) NOT NULL,
  description longtext,
  color_code varchar(191),
  PRIMARY KEY (id),
  UNIQUE KEY UNIQ_FFA6CF8677153098 (code)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

CREATE TABLE uv_ticket_type (
  id int(11) NOT NULL AUTO_INCREMENT,
  code varchar(191) NOT NULL,
  description longtext,
  is_active tinyint(1) NOT NULL DEFAULT 0,
  PRIMARY KEY (id),
  UNIQUE KEY UNIQ_3E0B313677153098 (code)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

CREATE TABLE uv_user (
  id int(11) NOT NULL AUTO_INCREMENT,
  email varchar(191),
  proxy_id varchar(191),
  password varchar(191),
  first_name varchar(191) NOT NULL,
  last_name varchar(191),
  is_enabled tinyint(1) NOT NULL DEFAULT 0,
  verification_code varchar(191),
  timezone varchar(191),
  timeformat varchar(191),
  last_otp_generated_at datetime,
  PRIMARY KEY (id),
  UNIQUE KEY UNIQ_E8D39F61DB26A4E (proxy_id),
  UNIQUE KEY UNIQ_E8D39F61E7927C74 (email),
  UNIQUE KEY UNIQ_E8D39F61E821C39F (verification_code)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

CREATE TABLE uv_user_instance (
  id int(11) NOT NULL AUTO_INCREMENT,
  user_id int(11),
  supportRole_id int(11),
  source varchar(191) NOT NULL,
  skype_id varchar(191),
  contact_number varchar(191),
  designation varchar(191),
  signature longtext,
  profile_image_path longtext,
  created_at datetime NOT NULL,
  updated_at datetime NOT NULL,
  last_login datetime,
  is_active tinyint(1) NOT NULL DEFAULT 0,
  is_online tinyint(1) NOT NULL DEFAULT 0,
  is_verified tinyint(1) NOT NULL DEFAULT 0,
  is_starred tinyint(1) NOT NULL DEFAULT 0,
  ticket_access_level varchar(32),
  PRIMARY KEY (id),
  KEY IDX_B174473368771C43 (supportRole_id),
  KEY IDX_B1744733A76ED395 (user_id),
  CONSTRAINT FK_B1744733A76ED395 FOREIGN KEY (user_id) REFERENCES uv_user (id) ON DELETE CASCADE,
  CONSTRAINT FK_B174473368771C43 FOREIGN KEY (supportRole_id) REFERENCES uv_support_role (id) ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

CREATE TABLE uv_user_support_groups (
  userInstanceId int(11) NOT NULL,
  supportGroupId int(11) NOT NULL,
  PRIMARY KEY (userInstanceId, supportGroupId),
  KEY IDX_B6CD76C253F5B65F (supportGroupId),
  KEY IDX_B6CD76C28B414560 (userInstanceId),
  CONSTRAINT FK_B6CD76C28B414560 FOREIGN KEY (userInstanceId) REFERENCES uv_user_instance (id) ON DELETE CASCADE,
  CONSTRAINT FK_B6CD76C253F5B65F FOREIGN KEY (supportGroupId) REFERENCES uv_support_group (id) ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

CREATE TABLE uv_ticket (
  id int(11) NOT NULL AUTO_INCREMENT,
  status_id int(11),
  priority_id int(11),
  type_id int(11),
  customer_id int(11),
  agent_id int(11),
  group_id int(11),
  subGroup_id int(11),
  source varchar(191) NOT NULL,
  mailbox_email varchar(191),
  subject longtext,
  reference_ids longtext,
  is_new tinyint(1) NOT NULL DEFAULT 1,
  is_replied tinyint(1) NOT NULL DEFAULT 0,
  is_reply_enabled tinyint(1) NOT NULL DEFAULT 1,
  is_starred tinyint(1) NOT NULL DEFAULT 0,
  is_trashed tinyint(1) NOT NULL DEFAULT 0,
  is_agent_viewed tinyint(1) NOT NULL DEFAULT 0,
  is_customer_viewed tinyint(1) NOT NULL DEFAULT 0,
  created_at datetime NOT NULL,
  updated_at datetime NOT NULL,
  customer_replied_at datetime,
  outlook_conversation_id longtext,
  response_sla_level int(11),
  resolve_sla_level int(11),
  country varchar(255),
  skip_updated_at varchar(255),
  PRIMARY KEY (id),
  KEY IDX_C5FD9F7D3414710B (agent_id),
  KEY IDX_C5FD9F7D497B19F9 (priority_id),
  KEY IDX_C5FD9F7D6BF700BD (status_id),
  KEY IDX_C5FD9F7D9395C3F3 (customer_id),
  KEY IDX_C5FD9F7DC54C8C93 (type_id),
  KEY IDX_C5FD9F7DCB20698 (subGroup_id),
  KEY IDX_C5FD9F7DFE54D947 (group_id),
  CONSTRAINT FK_C5FD9F7D6BF700BD FOREIGN KEY (status_id) REFERENCES uv_ticket_status (id),
  CONSTRAINT FK_C5FD9F7D497B19F9 FOREIGN KEY (priority_id) REFERENCES uv_ticket_priority (id),
  CONSTRAINT FK_C5FD9F7DC54C8C93 FOREIGN KEY (type_id) REFERENCES uv_ticket_type (id) ON DELETE SET NULL,
  CONSTRAINT FK_C5FD9F7D9395C3F3 FOREIGN KEY (customer_id) REFERENCES uv_user (id) ON DELETE CASCADE,
  CONSTRAINT FK_C5FD9F7D3414710B FOREIGN KEY (agent_id) REFERENCES uv_user (id) ON DELETE SET NULL,
  CONSTRAINT FK_C5FD9F7DFE54D947 FOREIGN KEY (group_id) REFERENCES uv_support_group (id) ON DELETE SET NULL,
  CONSTRAINT FK_C5FD9F7DCB20698 FOREIGN KEY (subGroup_id) REFERENCES uv_support_team (id) ON DELETE SET NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

CREATE TABLE uv_tickets_collaborators (
  ticket_id int(11) NOT NULL,
  user_id int(11) NOT NULL,
  PRIMARY KEY (ticket_id, user_id),
  KEY IDX_20764CBA700047D2 (ticket_id),
  KEY IDX_20764CBAA76ED395 (user_id),
  CONSTRAINT FK_20764CBA700047D2 FOREIGN KEY (ticket_id) REFERENCES uv_ticket (id) ON DELETE CASCADE,
  CONSTRAINT FK_20764CBAA76ED395 FOREIGN KEY (user_id) REFERENCES uv_user (id) ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

CREATE TABLE uv_thread (
  id int(11) NOT NULL AUTO_INCREMENT,
  ticket_id int(11),
  user_id int(11),
  source varchar(191) NOT NULL,
  message_id longtext,
  thread_type varchar(191) NOT NULL,
  created_by varchar(191) NOT NULL,
  cc longtext COMMENT '(DC2Type:array)',
  bcc longtext COMMENT '(DC2Type:array)',
  reply_to longtext COMMENT '(DC2Type:array)',
  delivery_status varchar(255),
  is_locked tinyint(1) NOT NULL DEFAULT 0,
  is_bookmarked tinyint(1) NOT NULL DEFAULT 0,
  message longtext,
  created_at datetime NOT NULL,
  updated_at datetime NOT NULL,
  agent_viewed_at datetime,
  customer_viewed_at datetime,
  PRIMARY KEY (id),
  KEY IDX_637D7E5D700047D2 (ticket_id),
  KEY IDX_637D7E5DA76ED395 (user_id),
  CONSTRAINT FK_637D7E5D700047D2 FOREIGN KEY (ticket_id) REFERENCES uv_ticket (id) ON DELETE CASCADE,
  CONSTRAINT FK_637D7E5DA76ED395 FOREIGN KEY (user_id) REFERENCES uv_user (id) ON DELETE SET NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

CREATE TABLE uv_ticket_attachments (
  id int(11) NOT NULL AUTO_INCREMENT,
  thread_id int(11),
  name longtext,
  path longtext,
  content_type varchar(255),
  size int(11),
  content_id varchar(255),
  file_system varchar(255),
  PRIMARY KEY (id),
  KEY IDX_FE918C8EE2904019 (thread_id),
  CONSTRAINT FK_FE918C8EE2904019 FOREIGN KEY (thread_id) REFERENCES uv_thread (id) ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

CREATE TABLE uv_ticket_rating (
  id int(11) NOT NULL AUTO_INCREMENT,
  ticket_id int(11),
  user_id int(11),
  stars int(11) NOT NULL DEFAULT 0,
  feedback longtext,
  created_at datetime NOT NULL,
  PRIMARY KEY (id),
  KEY IDX_B1025E04700047D2 (ticket_id),
  KEY IDX_B1025E04A76ED395 (user_id),
  CONSTRAINT FK_B1025E04700047D2 FOREIGN KEY (ticket_id) REFERENCES uv_ticket (id) ON DELETE CASCADE,
  CONSTRAINT FK_B1025E04A76ED395 FOREIGN KEY (user_id) REFERENCES uv_user (id) ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

CREATE TABLE agent_activity (
  id int(11) NOT NULL AUTO_INCREMENT,
  agent_id int(11) NOT NULL,
  ticket_id int(11) NOT NULL,
  agent_name varchar(255),
  customer_name varchar(255),
  thread_type varchar(255),
  created_at datetime NOT NULL,
  PRIMARY KEY (id),
  KEY IDX_9AA510CE3414710B (agent_id),
  KEY IDX_9AA510CE700047D2 (ticket_id),
  CONSTRAINT FK_9AA510CE3414710B FOREIGN KEY (agent_id) REFERENCES uv_user (id) ON DELETE CASCADE,
  CONSTRAINT FK_9AA510CE700047D2 FOREIGN KEY (ticket_id) REFERENCES uv_ticket (id) ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

