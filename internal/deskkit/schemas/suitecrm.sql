-- SuiteCRM 7.14 (7.14.6), AGPL-3.0: our own wording of the facts in
-- modules/{Accounts,Contacts,Cases,AOP_Case_Updates,AOP_Case_Events}/vardefs.php
-- with include/SugarObjects/templates, metadata/{email_addresses,
-- accounts_contacts,contacts_cases,audit_template}MetaData.php,
-- install/suite_install/GoogleMaps.php, and of how include/database turns them
-- into columns: only keys and counters are NOT NULL, "length" is no length.
--
-- No foreign keys. What points to users (assigned_user_id, created_by,
-- modified_user_id) leads to a table that is not here. The *_cstm tables are
-- those of a new installation; each custom field adds a column.

CREATE TABLE accounts (
  id char(36) NOT NULL,
  name varchar(150),
  date_entered datetime,
  date_modified datetime,
  modified_user_id char(36),
  created_by char(36),
  description text,
  deleted tinyint(1) DEFAULT 0,
  assigned_user_id char(36),
  account_type varchar(50),
  industry varchar(50),
  annual_revenue varchar(100),
  phone_fax varchar(100),
  billing_address_street varchar(150),
  billing_address_city varchar(100),
  billing_address_state varchar(100),
  billing_address_postalcode varchar(20),
  billing_address_country varchar(255),
  rating varchar(100),
  phone_office varchar(100),
  phone_alternate varchar(100),
  website varchar(255),
  ownership varchar(100),
  employees varchar(10),
  ticker_symbol varchar(10),
  shipping_address_street varchar(150),
  shipping_address_city varchar(100),
  shipping_address_state varchar(100),
  shipping_address_postalcode varchar(20),
  shipping_address_country varchar(255),
  parent_id char(36),
  sic_code varchar(10),
  campaign_id char(36),
  PRIMARY KEY (id),
  KEY idx_accnt_assigned_del (deleted, assigned_user_id),
  KEY idx_accnt_id_del (id, deleted),
  KEY idx_accnt_name_del (name, deleted),
  KEY idx_accnt_parent_id (parent_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE contacts (
  id char(36) NOT NULL,
  date_entered datetime,
  date_modified datetime,
  modified_user_id char(36),
  created_by char(36),
  description text,
  deleted tinyint(1) DEFAULT 0,
  assigned_user_id char(36),
  salutation varchar(255),
  first_name varchar(100),
  last_name varchar(100),
  title varchar(100),
  photo varchar(255),
  department varchar(255),
  do_not_call tinyint(1) DEFAULT 0,
  phone_home varchar(100),
  phone_mobile varchar(100),
  phone_work varchar(100),
  phone_other varchar(100),
  phone_fax varchar(100),
  lawful_basis text,
  date_reviewed date,
  lawful_basis_source varchar(100),
  primary_address_street varchar(150),
  primary_address_city varchar(100),
  primary_address_state varchar(100),
  primary_address_postalcode varchar(20),
  primary_address_country varchar(255),
  alt_address_street varchar(150),
  alt_address_city varchar(100),
  alt_address_state varchar(100),
  alt_address_postalcode varchar(20),
  alt_address_country varchar(255),
  assistant varchar(75),
  assistant_phone varchar(100),
  lead_source varchar(255),
  reports_to_id char(36),
  birthdate date,
  campaign_id char(36),
  joomla_account_id varchar(255),
  portal_account_disabled tinyint(1),
  joomla_account_access varchar(255),
  portal_user_type varchar(100) DEFAULT 'Single',
  PRIMARY KEY (id),
  KEY idx_contacts_del_last (deleted, last_name),
  KEY idx_cont_assigned (assigned_user_id),
  KEY idx_cont_del_reports (deleted, reports_to_id, last_name),
  KEY idx_cont_last_first (last_name, first_name, deleted),
  KEY idx_del_id_user (deleted, id, assigned_user_id),
  KEY idx_reports_to_id (reports_to_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE accounts_contacts (
  id varchar(36) NOT NULL,
  contact_id varchar(36),
  account_id varchar(36),
  date_modified datetime,
  deleted tinyint(1) DEFAULT 0,
  PRIMARY KEY (id),
  KEY idx_account_contact (account_id, contact_id),
  KEY idx_contid_del_accid (contact_id, deleted, account_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE email_addresses (
  id char(36) NOT NULL,
  email_address varchar(255),
  email_address_caps varchar(255),
  invalid_email tinyint(1) DEFAULT 0,
  opt_out tinyint(1) DEFAULT 0,
  confirm_opt_in varchar(255) DEFAULT 'not-opt-in',
  confirm_opt_in_date datetime,
  confirm_opt_in_sent_date datetime,
  confirm_opt_in_fail_date datetime,
  confirm_opt_in_token varchar(255),
  date_created datetime,
  date_modified datetime,
  deleted tinyint(1) DEFAULT 0,
  PRIMARY KEY (id),
  KEY idx_ea_caps_opt_out_invalid (email_address_caps, opt_out, invalid_email),
  KEY idx_ea_opt_out_invalid (email_address, opt_out, invalid_email)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE email_addr_bean_rel (
  id char(36) NOT NULL,
  email_address_id char(36) NOT NULL,
  bean_id char(36) NOT NULL,
  bean_module varchar(100),
  primary_address tinyint(1) DEFAULT 0,
  reply_to_address tinyint(1) DEFAULT 0,
  date_created datetime,
  date_modified datetime,
  deleted tinyint(1) DEFAULT 0,
  PRIMARY KEY (id),
  KEY idx_bean_id (bean_id, bean_module),
  KEY idx_email_address_id (email_address_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE cases (
  id char(36) NOT NULL,
  name varchar(255),
  date_entered datetime,
  date_modified datetime,
  modified_user_id char(36),
  created_by char(36),
  description text,
  deleted tinyint(1) DEFAULT 0,
  assigned_user_id char(36),
  case_number int(11) NOT NULL AUTO_INCREMENT,
  type varchar(255),
  status varchar(100),
  priority varchar(100),
  resolution text,
  work_log text,
  account_id char(36),
  state varchar(100) DEFAULT 'Open',
  contact_created_by_id char(36),
  PRIMARY KEY (id),
  UNIQUE KEY casesnumk (case_number),
  KEY case_number (case_number),
  KEY idx_account_id (account_id),
  KEY idx_cases_stat_del (assigned_user_id, status, deleted),
  KEY idx_case_name (name)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE contacts_cases (
  id varchar(36) NOT NULL,
  contact_id varchar(36),
  case_id varchar(36),
  contact_role varchar(50),
  date_modified datetime,
  deleted tinyint(1) DEFAULT 0,
  PRIMARY KEY (id),
  KEY idx_contacts_cases (contact_id, case_id),
  KEY idx_con_case_case (case_id),
  KEY idx_con_case_con (contact_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE aop_case_updates (
  id char(36) NOT NULL,
  name varchar(255),
  date_entered datetime,
  date_modified datetime,
  modified_user_id char(36),
  created_by char(36),
  description text,
  deleted tinyint(1) DEFAULT 0,
  assigned_user_id char(36),
  case_id char(36),
  contact_id char(36),
  internal tinyint(1),
  PRIMARY KEY (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE aop_case_events (
  id char(36) NOT NULL,
  name varchar(255),
  date_entered datetime,
  date_modified datetime,
  modified_user_id char(36),
  created_by char(36),
  description text,
  deleted tinyint(1) DEFAULT 0,
  assigned_user_id char(36),
  case_id char(36),
  PRIMARY KEY (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE accounts_cstm (
  id_c char(36) NOT NULL,
  jjwg_maps_lng_c float(11,8) DEFAULT 0.00000000,
  jjwg_maps_lat_c float(10,8) DEFAULT 0.00000000,
  jjwg_maps_geocode_status_c varchar(255),
  jjwg_maps_address_c varchar(255),
  PRIMARY KEY (id_c)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE contacts_cstm (
  id_c char(36) NOT NULL,
  jjwg_maps_lng_c float(11,8) DEFAULT 0.00000000,
  jjwg_maps_lat_c float(10,8) DEFAULT 0.00000000,
  jjwg_maps_geocode_status_c varchar(255),
  jjwg_maps_address_c varchar(255),
  PRIMARY KEY (id_c)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE cases_cstm (
  id_c char(36) NOT NULL,
  jjwg_maps_lng_c float(11,8) DEFAULT 0.00000000,
  jjwg_maps_lat_c float(10,8) DEFAULT 0.00000000,
  jjwg_maps_geocode_status_c varchar(255),
  jjwg_maps_address_c varchar(255),
  PRIMARY KEY (id_c)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE accounts_audit (
  id char(36) NOT NULL,
  parent_id char(36) NOT NULL,
  date_created datetime,
  created_by varchar(36),
  field_name varchar(100),
  data_type varchar(100),
  before_value_string varchar(255),
  after_value_string varchar(255),
  before_value_text text,
  after_value_text text,
  PRIMARY KEY (id),
  KEY idx_accounts_parent_id (parent_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE contacts_audit (
  id char(36) NOT NULL,
  parent_id char(36) NOT NULL,
  date_created datetime,
  created_by varchar(36),
  field_name varchar(100),
  data_type varchar(100),
  before_value_string varchar(255),
  after_value_string varchar(255),
  before_value_text text,
  after_value_text text,
  PRIMARY KEY (id),
  KEY idx_contacts_parent_id (parent_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE cases_audit (
  id char(36) NOT NULL,
  parent_id char(36) NOT NULL,
  date_created datetime,
  created_by varchar(36),
  field_name varchar(100),
  data_type varchar(100),
  before_value_string varchar(255),
  after_value_string varchar(255),
  before_value_text text,
  after_value_text text,
  PRIMARY KEY (id),
  KEY idx_cases_parent_id (parent_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE email_addresses_audit (
  id char(36) NOT NULL,
  parent_id char(36) NOT NULL,
  date_created datetime,
  created_by varchar(36),
  field_name varchar(100),
  data_type varchar(100),
  before_value_string varchar(255),
  after_value_string varchar(255),
  before_value_text text,
  after_value_text text,
  PRIMARY KEY (id),
  KEY idx_email_addresses_parent_id (parent_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

