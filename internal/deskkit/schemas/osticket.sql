-- osTicket 1.18 (1.18.1), GPL-2.0: our own wording of the facts in
-- setup/inc/streams/core/install-mysql.sql, for the tables that a customer with
-- tickets touches and those that they point to; table prefix ost_, engine and
-- collation as MariaDB 10.11 fills them in for "DEFAULT CHARSET=utf8".
--
-- Three tables are not in that file. ost_user__cdata and ost_ticket__cdata are
-- what include/class.dynamic_forms.php (buildDynamicDataView) makes with CREATE
-- TABLE … AS SELECT for the fields of the form types U and T, one column a
-- field; an administrator who adds a field drops and makes them anew.
-- ost__search is made by include/class.search.php (createSearchTable).

CREATE TABLE ost_config (
  id int(11) unsigned NOT NULL AUTO_INCREMENT,
  namespace varchar(64) NOT NULL,
  `key` varchar(64) NOT NULL,
  value text NOT NULL,
  updated timestamp NOT NULL DEFAULT current_timestamp(),
  PRIMARY KEY (id),
  UNIQUE KEY namespace (namespace, `key`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb3 COLLATE=utf8mb3_general_ci;

CREATE TABLE ost_sequence (
  id int(11) unsigned NOT NULL AUTO_INCREMENT,
  name varchar(64),
  flags int(10) unsigned,
  next bigint(20) unsigned NOT NULL DEFAULT 1,
  increment int(11) DEFAULT 1,
  padding char(1) DEFAULT '0',
  updated datetime NOT NULL,
  PRIMARY KEY (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb3 COLLATE=utf8mb3_general_ci;

CREATE TABLE ost_email (
  email_id int(11) unsigned NOT NULL AUTO_INCREMENT,
  noautoresp tinyint(1) unsigned NOT NULL DEFAULT 0,
  priority_id int(11) unsigned NOT NULL DEFAULT 2,
  dept_id int(11) unsigned NOT NULL DEFAULT 0,
  topic_id int(11) unsigned NOT NULL DEFAULT 0,
  email varchar(255) NOT NULL DEFAULT '',
  name varchar(255) NOT NULL DEFAULT '',
  notes text,
  created datetime NOT NULL,
  updated datetime NOT NULL,
  PRIMARY KEY (email_id),
  UNIQUE KEY email (email),
  KEY dept_id (dept_id),
  KEY priority_id (priority_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb3 COLLATE=utf8mb3_general_ci;

CREATE TABLE ost_sla (
  id int(11) unsigned NOT NULL AUTO_INCREMENT,
  schedule_id int(10) unsigned NOT NULL DEFAULT 0,
  flags int(10) unsigned NOT NULL DEFAULT 3,
  grace_period int(10) unsigned NOT NULL DEFAULT 0,
  name varchar(64) NOT NULL DEFAULT '',
  notes text,
  created datetime NOT NULL,
  updated datetime NOT NULL,
  PRIMARY KEY (id),
  UNIQUE KEY name (name)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb3 COLLATE=utf8mb3_general_ci;

CREATE TABLE ost_department (
  id int(11) unsigned NOT NULL AUTO_INCREMENT,
  pid int(11) unsigned,
  tpl_id int(10) unsigned NOT NULL DEFAULT 0,
  sla_id int(10) unsigned NOT NULL DEFAULT 0,
  schedule_id int(10) unsigned NOT NULL DEFAULT 0,
  email_id int(10) unsigned NOT NULL DEFAULT 0,
  autoresp_email_id int(10) unsigned NOT NULL DEFAULT 0,
  manager_id int(10) unsigned NOT NULL DEFAULT 0,
  flags int(10) unsigned NOT NULL DEFAULT 0,
  name varchar(128) NOT NULL DEFAULT '',
  signature text NOT NULL,
  ispublic tinyint(1) unsigned NOT NULL DEFAULT 1,
  group_membership tinyint(1) NOT NULL DEFAULT 0,
  ticket_auto_response tinyint(1) NOT NULL DEFAULT 1,
  message_auto_response tinyint(1) NOT NULL DEFAULT 0,
  path varchar(128) NOT NULL DEFAULT '/',
  updated datetime NOT NULL,
  created datetime NOT NULL,
  PRIMARY KEY (id),
  UNIQUE KEY name (name, pid),
  KEY autoresp_email_id (autoresp_email_id),
  KEY flags (flags),
  KEY manager_id (manager_id),
  KEY tpl_id (tpl_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb3 COLLATE=utf8mb3_general_ci;

CREATE TABLE ost_help_topic (
  topic_id int(11) unsigned NOT NULL AUTO_INCREMENT,
  topic_pid int(10) unsigned NOT NULL DEFAULT 0,
  ispublic tinyint(1) unsigned NOT NULL DEFAULT 1,
  noautoresp tinyint(3) unsigned NOT NULL DEFAULT 0,
  flags int(10) unsigned DEFAULT 0,
  status_id int(10) unsigned NOT NULL DEFAULT 0,
  priority_id int(10) unsigned NOT NULL DEFAULT 0,
  dept_id int(10) unsigned NOT NULL DEFAULT 0,
  staff_id int(10) unsigned NOT NULL DEFAULT 0,
  team_id int(10) unsigned NOT NULL DEFAULT 0,
  sla_id int(10) unsigned NOT NULL DEFAULT 0,
  page_id int(10) unsigned NOT NULL DEFAULT 0,
  sequence_id int(10) unsigned NOT NULL DEFAULT 0,
  sort int(10) unsigned NOT NULL DEFAULT 0,
  topic varchar(128) NOT NULL DEFAULT '',
  number_format varchar(32),
  notes text,
  created datetime NOT NULL,
  updated datetime NOT NULL,
  PRIMARY KEY (topic_id),
  UNIQUE KEY topic (topic, topic_pid),
  KEY dept_id (dept_id),
  KEY page_id (page_id),
  KEY priority_id (priority_id),
  KEY sla_id (sla_id),
  KEY staff_id (staff_id, team_id),
  KEY topic_pid (topic_pid)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb3 COLLATE=utf8mb3_general_ci;

CREATE TABLE ost_help_topic_form (
  id int(11) unsigned NOT NULL AUTO_INCREMENT,
  topic_id int(11) unsigned NOT NULL DEFAULT 0,
  form_id int(10) unsigned NOT NULL DEFAULT 0,
  sort int(10) unsigned NOT NULL DEFAULT 1,
  extra text,
  PRIMARY KEY (id),
  KEY `topic-form` (topic_id, form_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb3 COLLATE=utf8mb3_general_ci;

CREATE TABLE ost_staff (
  staff_id int(11) unsigned NOT NULL AUTO_INCREMENT,
  dept_id int(10) unsigned NOT NULL DEFAULT 0,
  role_id int(10) unsigned NOT NULL DEFAULT 0,
  username varchar(32) NOT NULL DEFAULT '',
  firstname varchar(32),
  lastname varchar(32),
  passwd varchar(128),
  backend varchar(32),
  email varchar(255),
  phone varchar(24) NOT NULL DEFAULT '',
  phone_ext varchar(6),
  mobile varchar(24) NOT NULL DEFAULT '',
  signature text NOT NULL,
  lang varchar(16),
  timezone varchar(64),
  locale varchar(16),
  notes text,
  isactive tinyint(1) NOT NULL DEFAULT 1,
  isadmin tinyint(1) NOT NULL DEFAULT 0,
  isvisible tinyint(1) unsigned NOT NULL DEFAULT 1,
  onvacation tinyint(1) unsigned NOT NULL DEFAULT 0,
  assigned_only tinyint(1) unsigned NOT NULL DEFAULT 0,
  show_assigned_tickets tinyint(1) unsigned NOT NULL DEFAULT 0,
  change_passwd tinyint(1) unsigned NOT NULL DEFAULT 0,
  max_page_size int(11) unsigned NOT NULL DEFAULT 0,
  auto_refresh_rate int(10) unsigned NOT NULL DEFAULT 0,
  default_signature_type enum('none','mine','dept') NOT NULL DEFAULT 'none',
  default_paper_size enum('Letter','Legal','Ledger','A4','A3') NOT NULL DEFAULT 'Letter',
  extra text,
  permissions text,
  created datetime NOT NULL,
  lastlogin datetime,
  passwdreset datetime,
  updated datetime NOT NULL,
  PRIMARY KEY (staff_id),
  UNIQUE KEY username (username),
  KEY dept_id (dept_id),
  KEY isactive (isactive),
  KEY issuperuser (isadmin),
  KEY onvacation (onvacation)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb3 COLLATE=utf8mb3_general_ci;

CREATE TABLE ost_staff_dept_access (
  staff_id int(10) unsigned NOT NULL DEFAULT 0,
  dept_id int(10) unsigned NOT NULL DEFAULT 0,
  role_id int(10) unsigned NOT NULL DEFAULT 0,
  flags int(10) unsigned NOT NULL DEFAULT 1,
  PRIMARY KEY (staff_id, dept_id),
  KEY dept_id (dept_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb3 COLLATE=utf8mb3_general_ci;

CREATE TABLE ost_role (
  id int(11) unsigned NOT NULL AUTO_INCREMENT,
  flags int(10) unsigned NOT NULL DEFAULT 1,
  name varchar(64),
  permissions text,
  notes text,
  created datetime NOT NULL,
  updated datetime NOT NULL,
  PRIMARY KEY (id),
  UNIQUE KEY name (name)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb3 COLLATE=utf8mb3_general_ci;

CREATE TABLE ost_event (
  id int(10) unsigned NOT NULL AUTO_INCREMENT,
  name varchar(60) NOT NULL,
  description varchar(60),
  PRIMARY KEY (id),
  UNIQUE KEY name (name)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb3 COLLATE=utf8mb3_general_ci;

CREATE TABLE ost_ticket_status (
  id int(11) NOT NULL AUTO_INCREMENT,
  name varchar(60) NOT NULL DEFAULT '',
  state varchar(16),
  mode int(11) unsigned NOT NULL DEFAULT 0,
  flags int(11) unsigned NOT NULL DEFAULT 0,
  sort int(11) unsigned NOT NULL DEFAULT 0,
  properties text NOT NULL,
  created datetime NOT NULL,
  updated datetime NOT NULL,
  PRIMARY KEY (id),
  UNIQUE KEY name (name),
  KEY state (state)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb3 COLLATE=utf8mb3_general_ci;

CREATE TABLE ost_ticket_priority (
  priority_id tinyint(4) NOT NULL AUTO_INCREMENT,
  priority varchar(60) NOT NULL DEFAULT '',
  priority_desc varchar(30) NOT NULL DEFAULT '',
  priority_color varchar(7) NOT NULL DEFAULT '',
  priority_urgency tinyint(1) unsigned NOT NULL DEFAULT 0,
  ispublic tinyint(1) NOT NULL DEFAULT 1,
  PRIMARY KEY (priority_id),
  UNIQUE KEY priority (priority),
  KEY ispublic (ispublic),
  KEY priority_urgency (priority_urgency)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb3 COLLATE=utf8mb3_general_ci;

CREATE TABLE ost_form (
  id int(11) unsigned NOT NULL AUTO_INCREMENT,
  pid int(10) unsigned,
  type varchar(8) NOT NULL DEFAULT 'G',
  flags int(10) unsigned NOT NULL DEFAULT 1,
  title varchar(255) NOT NULL,
  instructions varchar(512),
  name varchar(64) NOT NULL DEFAULT '',
  notes text,
  created datetime NOT NULL,
  updated datetime NOT NULL,
  PRIMARY KEY (id),
  KEY type (type)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb3 COLLATE=utf8mb3_general_ci;

CREATE TABLE ost_form_field (
  id int(11) unsigned NOT NULL AUTO_INCREMENT,
  form_id int(11) unsigned NOT NULL,
  flags int(10) unsigned DEFAULT 1,
  type varchar(255) NOT NULL DEFAULT 'text',
  label varchar(255) NOT NULL,
  name varchar(64) NOT NULL,
  configuration text,
  sort int(11) unsigned NOT NULL,
  hint varchar(512),
  created datetime NOT NULL,
  updated datetime NOT NULL,
  PRIMARY KEY (id),
  KEY form_id (form_id),
  KEY sort (sort)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb3 COLLATE=utf8mb3_general_ci;

CREATE TABLE ost_organization (
  id int(11) unsigned NOT NULL AUTO_INCREMENT,
  name varchar(128) NOT NULL DEFAULT '',
  manager varchar(16) NOT NULL DEFAULT '',
  status int(11) unsigned NOT NULL DEFAULT 0,
  domain varchar(256) NOT NULL DEFAULT '',
  extra text,
  created timestamp NULL,
  updated timestamp NULL ON UPDATE CURRENT_TIMESTAMP,
  PRIMARY KEY (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb3 COLLATE=utf8mb3_general_ci;

CREATE TABLE ost_user (
  id int(10) unsigned NOT NULL AUTO_INCREMENT,
  org_id int(10) unsigned NOT NULL,
  default_email_id int(10) NOT NULL,
  status int(11) unsigned NOT NULL DEFAULT 0,
  name varchar(128) NOT NULL,
  created datetime NOT NULL,
  updated datetime NOT NULL,
  PRIMARY KEY (id),
  KEY default_email_id (default_email_id),
  KEY name (name),
  KEY org_id (org_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb3 COLLATE=utf8mb3_general_ci;

CREATE TABLE ost_user_email (
  id int(10) unsigned NOT NULL AUTO_INCREMENT,
  user_id int(10) unsigned NOT NULL,
  flags int(10) unsigned NOT NULL DEFAULT 0,
  address varchar(255) NOT NULL,
  PRIMARY KEY (id),
  UNIQUE KEY address (address),
  KEY user_email_lookup (user_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb3 COLLATE=utf8mb3_general_ci;

CREATE TABLE ost_user_account (
  id int(11) unsigned NOT NULL AUTO_INCREMENT,
  user_id int(10) unsigned NOT NULL,
  status int(11) unsigned NOT NULL DEFAULT 0,
  timezone varchar(64),
  lang varchar(16),
  username varchar(64),
  passwd varchar(128) CHARACTER SET ascii COLLATE ascii_bin,
  backend varchar(32),
  extra text,
  registered timestamp NULL DEFAULT current_timestamp(),
  PRIMARY KEY (id),
  UNIQUE KEY username (username),
  KEY user_id (user_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb3 COLLATE=utf8mb3_general_ci;

CREATE TABLE ost_form_entry (
  id int(11) unsigned NOT NULL AUTO_INCREMENT,
  form_id int(11) unsigned NOT NULL,
  object_id int(11) unsigned,
  object_type char(1) NOT NULL DEFAULT 'T',
  sort int(11) unsigned NOT NULL DEFAULT 1,
  extra text,
  created datetime NOT NULL,
  updated datetime NOT NULL,
  PRIMARY KEY (id),
  KEY entry_lookup (object_type, object_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb3 COLLATE=utf8mb3_general_ci;

CREATE TABLE ost_form_entry_values (
  entry_id int(11) unsigned NOT NULL,
  field_id int(11) unsigned NOT NULL,
  value text,
  value_id int(11),
  PRIMARY KEY (entry_id, field_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb3 COLLATE=utf8mb3_general_ci;

CREATE TABLE ost_user__cdata (
  user_id int(11) unsigned NOT NULL,
  email mediumtext,
  name mediumtext,
  phone mediumtext,
  notes mediumtext,
  PRIMARY KEY (user_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb3 COLLATE=utf8mb3_general_ci;

CREATE TABLE ost_ticket (
  ticket_id int(11) unsigned NOT NULL AUTO_INCREMENT,
  ticket_pid int(11) unsigned,
  number varchar(20),
  user_id int(11) unsigned NOT NULL DEFAULT 0,
  user_email_id int(11) unsigned NOT NULL DEFAULT 0,
  status_id int(10) unsigned NOT NULL DEFAULT 0,
  dept_id int(10) unsigned NOT NULL DEFAULT 0,
  sla_id int(10) unsigned NOT NULL DEFAULT 0,
  topic_id int(10) unsigned NOT NULL DEFAULT 0,
  staff_id int(10) unsigned NOT NULL DEFAULT 0,
  team_id int(10) unsigned NOT NULL DEFAULT 0,
  email_id int(11) unsigned NOT NULL DEFAULT 0,
  lock_id int(11) unsigned NOT NULL DEFAULT 0,
  flags int(10) unsigned NOT NULL DEFAULT 0,
  sort int(11) unsigned NOT NULL DEFAULT 0,
  ip_address varchar(64) NOT NULL DEFAULT '',
  source enum('Web','Email','Phone','API','Other') NOT NULL DEFAULT 'Other',
  source_extra varchar(40),
  isoverdue tinyint(1) unsigned NOT NULL DEFAULT 0,
  isanswered tinyint(1) unsigned NOT NULL DEFAULT 0,
  duedate datetime,
  est_duedate datetime,
  reopened datetime,
  closed datetime,
  lastupdate datetime,
  created datetime NOT NULL,
  updated datetime NOT NULL,
  PRIMARY KEY (ticket_id),
  KEY closed (closed),
  KEY created (created),
  KEY dept_id (dept_id),
  KEY duedate (duedate),
  KEY sla_id (sla_id),
  KEY staff_id (staff_id),
  KEY status_id (status_id),
  KEY team_id (team_id),
  KEY ticket_pid (ticket_pid),
  KEY topic_id (topic_id),
  KEY user_id (user_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb3 COLLATE=utf8mb3_general_ci;

CREATE TABLE ost_ticket__cdata (
  ticket_id int(11) unsigned NOT NULL,
  subject mediumtext,
  priority mediumtext,
  PRIMARY KEY (ticket_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb3 COLLATE=utf8mb3_general_ci;

CREATE TABLE ost_thread (
  id int(11) unsigned NOT NULL AUTO_INCREMENT,
  object_id int(11) unsigned NOT NULL,
  object_type char(1) NOT NULL,
  extra text,
  lastresponse datetime,
  lastmessage datetime,
  created datetime NOT NULL,
  PRIMARY KEY (id),
  KEY object_id (object_id),
  KEY object_type (object_type)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb3 COLLATE=utf8mb3_general_ci;

CREATE TABLE ost_thread_entry (
  id int(11) unsigned NOT NULL AUTO_INCREMENT,
  pid int(11) unsigned NOT NULL DEFAULT 0,
  thread_id int(11) unsigned NOT NULL DEFAULT 0,
  staff_id int(11) unsigned NOT NULL DEFAULT 0,
  user_id int(11) unsigned NOT NULL DEFAULT 0,
  type char(1) NOT NULL DEFAULT '',
  flags int(11) unsigned NOT NULL DEFAULT 0,
  poster varchar(128) NOT NULL DEFAULT '',
  editor int(10) unsigned,
  editor_type char(1),
  source varchar(32) NOT NULL DEFAULT '',
  title varchar(255),
  body text NOT NULL,
  format varchar(16) NOT NULL DEFAULT 'html',
  ip_address varchar(64) NOT NULL DEFAULT '',
  extra text,
  recipients text,
  created datetime NOT NULL,
  updated datetime NOT NULL,
  PRIMARY KEY (id),
  KEY pid (pid),
  KEY staff_id (staff_id),
  KEY thread_id (thread_id),
  KEY type (type)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb3 COLLATE=utf8mb3_general_ci;

CREATE TABLE ost_thread_entry_email (
  id int(11) unsigned NOT NULL AUTO_INCREMENT,
  thread_entry_id int(11) unsigned NOT NULL,
  email_id int(11) unsigned,
  mid varchar(255) NOT NULL,
  headers text,
  PRIMARY KEY (id),
  KEY email_id (email_id),
  KEY mid (mid),
  KEY thread_entry_id (thread_entry_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb3 COLLATE=utf8mb3_general_ci;

CREATE TABLE ost_thread_event (
  id int(10) unsigned NOT NULL AUTO_INCREMENT,
  thread_id int(11) unsigned NOT NULL DEFAULT 0,
  thread_type char(1) NOT NULL DEFAULT '',
  event_id int(11) unsigned,
  staff_id int(11) unsigned NOT NULL,
  team_id int(11) unsigned NOT NULL,
  dept_id int(11) unsigned NOT NULL,
  topic_id int(11) unsigned NOT NULL,
  data varchar(1024),
  username varchar(128) NOT NULL DEFAULT 'SYSTEM',
  uid int(11) unsigned,
  uid_type char(1) NOT NULL DEFAULT 'S',
  annulled tinyint(1) unsigned NOT NULL DEFAULT 0,
  timestamp datetime NOT NULL,
  PRIMARY KEY (id),
  KEY ticket_state (thread_id, event_id, timestamp),
  KEY ticket_stats (timestamp, event_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb3 COLLATE=utf8mb3_general_ci;

CREATE TABLE ost_thread_referral (
  id int(10) unsigned NOT NULL AUTO_INCREMENT,
  thread_id int(11) unsigned NOT NULL,
  object_id int(11) unsigned NOT NULL,
  object_type char(1) NOT NULL,
  created datetime NOT NULL,
  PRIMARY KEY (id),
  UNIQUE KEY ref (object_id, object_type, thread_id),
  KEY thread_id (thread_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb3 COLLATE=utf8mb3_general_ci;

CREATE TABLE ost_thread_collaborator (
  id int(11) unsigned NOT NULL AUTO_INCREMENT,
  flags int(10) unsigned NOT NULL DEFAULT 1,
  thread_id int(11) unsigned NOT NULL DEFAULT 0,
  user_id int(11) unsigned NOT NULL DEFAULT 0,
  role char(1) NOT NULL DEFAULT 'M',
  created datetime NOT NULL,
  updated datetime NOT NULL,
  PRIMARY KEY (id),
  UNIQUE KEY collab (thread_id, user_id),
  KEY user_id (user_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb3 COLLATE=utf8mb3_general_ci;

CREATE TABLE ost__search (
  object_type varchar(8) NOT NULL,
  object_id int(11) unsigned NOT NULL,
  title text,
  content text,
  PRIMARY KEY (object_type, object_id),
  FULLTEXT KEY search (title, content)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb3 COLLATE=utf8mb3_general_ci;

