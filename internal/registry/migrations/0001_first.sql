-- Ids compare byte for byte: providers' ids tell upper from lower case, which
-- the default comparison of MySQL does not. SQLite and MySQL both know BINARY.

-- +goose Up
CREATE TABLE batches (
  id VARCHAR(64) COLLATE BINARY NOT NULL PRIMARY KEY,
  opened BIGINT NOT NULL,
  closed BIGINT NOT NULL,
  sealed LONGBLOB NOT NULL
);
CREATE TABLE canaries (
  id VARCHAR(32) COLLATE BINARY NOT NULL PRIMARY KEY,
  state VARCHAR(16) COLLATE BINARY NOT NULL,
  batch VARCHAR(64) COLLATE BINARY NOT NULL,
  place VARCHAR(80) COLLATE BINARY NOT NULL,
  sealed LONGBLOB NOT NULL,
  sealed_keys LONGBLOB,
  sealed_life LONGBLOB,
  seen BIGINT NOT NULL DEFAULT 0,
  blind_row BIGINT
);
CREATE INDEX canaries_by_row ON canaries (blind_row);
CREATE INDEX canaries_by_batch ON canaries (batch, state);
CREATE TABLE tokens (
  id VARCHAR(32) COLLATE BINARY NOT NULL PRIMARY KEY,
  blind BIGINT NOT NULL,
  kind VARCHAR(8) COLLATE BINARY NOT NULL,
  canary VARCHAR(32) COLLATE BINARY NOT NULL,
  domain VARCHAR(32) COLLATE BINARY NOT NULL,
  place VARCHAR(80) COLLATE BINARY NOT NULL,
  sealed LONGBLOB NOT NULL,
  sealed_window LONGBLOB
);
CREATE INDEX tokens_by_canary ON tokens (canary);
-- A mailbox or number stands in one row after another, so a text may have
-- several tokens, of which one at most has not ended.
CREATE INDEX tokens_by_blind ON tokens (blind);
-- A cohort is the placebos of one kind that were registered with one canary at
-- once. Its mark is random, and short because millions of rows hold it: two
-- cohorts may have the same.
CREATE TABLE cohorts (
  mark INT NOT NULL,
  canary VARCHAR(32) COLLATE BINARY NOT NULL,
  kind VARCHAR(8) COLLATE BINARY NOT NULL,
  placebos INT NOT NULL,
  registered BIGINT NOT NULL,
  sealed LONGBLOB NOT NULL,
  PRIMARY KEY (mark, canary, kind)
);
-- The text of every token and every placebo has one row here; cohort is the mark of a
-- placebo's cohort, 0 for a token, and -1 for a token of a drill.
-- There are millions. SQLite keeps rows in the order of INTEGER PRIMARY KEY and
-- of no other type, and its numbers have 64 bits; MySQL is told so after it, in
-- what is a comment to SQLite.
CREATE TABLE blinds (
  blind INTEGER NOT NULL PRIMARY KEY,
  cohort INT NOT NULL
);
/*! ALTER TABLE blinds MODIFY blind BIGINT NOT NULL */;
-- By what an address that is one letter off is found; see variants.go.
CREATE TABLE variants (
  near BIGINT NOT NULL,
  ref BIGINT NOT NULL,
  PRIMARY KEY (near, ref)
);
-- How many tokens and placebos of one domain or block were registered in an hour,
-- from which follows for how long they have been heard.
CREATE TABLE exposures (
  stratum VARCHAR(48) COLLATE BINARY NOT NULL,
  role VARCHAR(8) COLLATE BINARY NOT NULL,
  registered BIGINT NOT NULL,
  tokens BIGINT NOT NULL,
  PRIMARY KEY (stratum, role, registered)
);
CREATE TABLE contacts (
  id VARCHAR(128) COLLATE BINARY NOT NULL PRIMARY KEY,
  channel VARCHAR(8) COLLATE BINARY NOT NULL,
  heard BIGINT NOT NULL,
  received BIGINT NOT NULL,
  ear VARCHAR(64) COLLATE BINARY NOT NULL,
  spool VARCHAR(64) COLLATE BINARY NOT NULL,
  pending INT NOT NULL,
  part INT NOT NULL,
  probe INT NOT NULL,
  unverified INT NOT NULL,
  domain VARCHAR(32) COLLATE BINARY NOT NULL,
  origin VARCHAR(32) COLLATE BINARY NOT NULL,
  class VARCHAR(8) COLLATE BINARY NOT NULL,
  size BIGINT NOT NULL,
  country VARCHAR(2) COLLATE BINARY NOT NULL,
  shredded BIGINT NOT NULL,
  sealed LONGBLOB NOT NULL
);
-- The key and the leaves of each contact; see leaves.go and shred.go.
CREATE TABLE contact_keys (
  contact VARCHAR(128) COLLATE BINARY NOT NULL PRIMARY KEY,
  sealed LONGBLOB NOT NULL
);
CREATE TABLE leaves (
  contact VARCHAR(128) COLLATE BINARY NOT NULL,
  batch VARCHAR(32) COLLATE BINARY NOT NULL,
  leaf VARCHAR(64) COLLATE BINARY NOT NULL,
  PRIMARY KEY (contact, batch)
);
CREATE TABLE holds (
  about VARCHAR(128) COLLATE BINARY NOT NULL PRIMARY KEY,
  since BIGINT NOT NULL,
  who VARCHAR(200) NOT NULL,
  reason VARCHAR(200) NOT NULL
);
CREATE INDEX contacts_by_time ON contacts (heard);
CREATE INDEX contacts_by_channel ON contacts (channel, received);
CREATE INDEX contacts_by_domain ON contacts (domain, heard);
CREATE INDEX contacts_by_pending ON contacts (pending, spool, heard);
-- What was found of the senders of mails: SPF, DKIM and DMARC with the DNS
-- answers. due is when it is looked at (again), 0 when it is settled.
CREATE TABLE mails (
  contact VARCHAR(128) COLLATE BINARY NOT NULL PRIMARY KEY,
  tries INT NOT NULL,
  due BIGINT NOT NULL,
  sealed LONGBLOB
);
CREATE INDEX mails_by_due ON mails (due);
-- Mails of the company's own that reached planted tokens.
CREATE TABLE own (
  contact VARCHAR(128) COLLATE BINARY NOT NULL PRIMARY KEY,
  sender VARCHAR(255) NOT NULL,
  expected BOOLEAN NOT NULL,
  heard BIGINT NOT NULL
);
-- Contacts in which tokens are still to be searched for. due is since when, and
-- negative where the contact cannot be read; the same holds of mails.
CREATE TABLE searches (
  contact VARCHAR(128) COLLATE BINARY NOT NULL PRIMARY KEY,
  due BIGINT NOT NULL,
  size BIGINT NOT NULL
);
CREATE INDEX searches_by_due ON searches (due, size, contact);
CREATE INDEX searches_by_size ON searches (size, due, contact);
CREATE TABLE hits (
  contact VARCHAR(128) COLLATE BINARY NOT NULL,
  token VARCHAR(32) COLLATE BINARY NOT NULL,
  canary VARCHAR(32) COLLATE BINARY NOT NULL,
  role VARCHAR(8) COLLATE BINARY NOT NULL,
  origin VARCHAR(32) COLLATE BINARY NOT NULL,
  domain VARCHAR(32) COLLATE BINARY NOT NULL,
  incident VARCHAR(32) COLLATE BINARY NOT NULL,
  clean INT NOT NULL,
  class VARCHAR(8) COLLATE BINARY NOT NULL,
  channel VARCHAR(8) COLLATE BINARY NOT NULL,
  stratum VARCHAR(48) COLLATE BINARY NOT NULL,
  counts INT NOT NULL,
  heard BIGINT NOT NULL,
  content DOUBLE NOT NULL,
  PRIMARY KEY (contact, token)
);
CREATE INDEX hits_by_stratum ON hits (stratum, channel, role, counts, heard);
CREATE INDEX hits_by_incident ON hits (incident);
CREATE INDEX hits_by_origin ON hits (origin, heard);
-- The hits of each incident summed up, heard being the last of their sort: it is read
-- for each group of contacts that comes in, and has as many rows however many hits.
CREATE TABLE standings (
  incident VARCHAR(32) COLLATE BINARY NOT NULL,
  canary VARCHAR(32) COLLATE BINARY NOT NULL,
  domain VARCHAR(32) COLLATE BINARY NOT NULL,
  clean INT NOT NULL,
  channel VARCHAR(8) COLLATE BINARY NOT NULL,
  stratum VARCHAR(48) COLLATE BINARY NOT NULL,
  counts INT NOT NULL,
  heard BIGINT NOT NULL,
  PRIMARY KEY (incident, canary, domain, clean, channel, stratum, counts)
);
-- why is what a report has in common with the incident.
CREATE TABLE supports (
  incident VARCHAR(32) COLLATE BINARY NOT NULL,
  contact VARCHAR(128) COLLATE BINARY NOT NULL,
  why VARCHAR(200) NOT NULL,
  PRIMARY KEY (incident, contact)
);
CREATE INDEX supports_by_contact ON supports (contact);
-- By what contacts that hit a token, and reports of people, are known to be one
-- author's: blind indexes of numbers, addresses, domains, and runs of words.
CREATE TABLE clues (
  blind BIGINT NOT NULL,
  contact VARCHAR(128) COLLATE BINARY NOT NULL,
  incident VARCHAR(32) COLLATE BINARY NOT NULL,
  trait VARCHAR(8) COLLATE BINARY NOT NULL,
  origin VARCHAR(32) COLLATE BINARY NOT NULL,
  heard BIGINT NOT NULL,
  PRIMARY KEY (blind, contact, incident)
);
CREATE INDEX clues_by_contact ON clues (contact);
CREATE INDEX clues_by_time ON clues (blind, heard);
-- contacts and support count its hits' contacts and its supporting ones.
CREATE TABLE incidents (
  id VARCHAR(32) COLLATE BINARY NOT NULL PRIMARY KEY,
  place VARCHAR(80) COLLATE BINARY NOT NULL,
  severity INT NOT NULL,
  verdict VARCHAR(8) COLLATE BINARY NOT NULL,
  opened BIGINT NOT NULL,
  updated BIGINT NOT NULL,
  reasons LONGTEXT NOT NULL,
  weight LONGTEXT NOT NULL,
  held INT NOT NULL,
  contacts BIGINT NOT NULL DEFAULT 0,
  support BIGINT NOT NULL DEFAULT 0,
  merged VARCHAR(32) COLLATE BINARY NOT NULL DEFAULT ''
);
CREATE INDEX incidents_by_time ON incidents (updated);
CREATE INDEX incidents_by_merged ON incidents (merged);
-- Incidents that were merged into others, with how the survivor stood before and
-- after, and what was moved there: a hit, or a supporting contact where token is
-- empty. incidents.merged is the last survivor, merges.survivor the one of then.
CREATE TABLE merges (
  merged VARCHAR(32) COLLATE BINARY NOT NULL PRIMARY KEY,
  survivor VARCHAR(32) COLLATE BINARY NOT NULL,
  made BIGINT NOT NULL,
  was LONGTEXT NOT NULL,
  became LONGTEXT NOT NULL
);
CREATE TABLE moves (
  merged VARCHAR(32) COLLATE BINARY NOT NULL,
  contact VARCHAR(128) COLLATE BINARY NOT NULL,
  token VARCHAR(32) COLLATE BINARY NOT NULL,
  PRIMARY KEY (merged, contact, token)
);
CREATE TABLE pages (
  id VARCHAR(32) COLLATE BINARY NOT NULL PRIMARY KEY,
  incident VARCHAR(32) COLLATE BINARY NOT NULL,
  severity INT NOT NULL,
  written BIGINT NOT NULL,
  anew INT NOT NULL,
  body LONGTEXT NOT NULL
);
CREATE INDEX pages_by_incident ON pages (incident);
CREATE INDEX pages_by_time ON pages (written);
-- One page on its way to one route. about is the incident or notice: on each route
-- those of one are sent in the order of written. One that is held goes out at
-- next_try if nobody has acknowledged, or at fallback if no route has accepted.
CREATE TABLE deliveries (
  page VARCHAR(32) COLLATE BINARY NOT NULL,
  route VARCHAR(64) COLLATE BINARY NOT NULL,
  kind VARCHAR(8) COLLATE BINARY NOT NULL,
  about VARCHAR(32) COLLATE BINARY NOT NULL,
  state VARCHAR(8) COLLATE BINARY NOT NULL,
  attempts INT NOT NULL,
  written BIGINT NOT NULL,
  next_try BIGINT NOT NULL,
  fallback BIGINT NOT NULL,
  log INT NOT NULL,
  receipt VARCHAR(200) NOT NULL,
  fault VARCHAR(200) NOT NULL,
  PRIMARY KEY (page, route, kind)
);
CREATE INDEX deliveries_due ON deliveries (state, next_try);
CREATE INDEX deliveries_by_about ON deliveries (about, route);
-- Who said that somebody is at it, of an incident or a notice, and how urgent
-- that was then: what is no more urgent rings nobody.
CREATE TABLE acks (
  about VARCHAR(32) COLLATE BINARY NOT NULL PRIMARY KEY,
  severity INT NOT NULL,
  acknowledged BIGINT NOT NULL,
  who VARCHAR(200) NOT NULL,
  via VARCHAR(64) NOT NULL
);
-- What is remembered of each help-desk agent's look-ups, to see a run of them.
CREATE TABLE lookers (
  agent VARCHAR(32) COLLATE BINARY NOT NULL PRIMARY KEY,
  version BIGINT NOT NULL,
  sealed LONGBLOB NOT NULL
);
CREATE TABLE notices (
  id VARCHAR(32) COLLATE BINARY NOT NULL PRIMARY KEY,
  mark VARCHAR(32) COLLATE BINARY NOT NULL UNIQUE,
  kind VARCHAR(16) COLLATE BINARY NOT NULL,
  scope VARCHAR(80) COLLATE BINARY NOT NULL,
  severity INT NOT NULL,
  raised BIGINT NOT NULL,
  ended BIGINT NOT NULL,
  acknowledged BIGINT NOT NULL,
  who VARCHAR(200) NOT NULL,
  body LONGTEXT NOT NULL
);
CREATE INDEX notices_by_scope ON notices (kind, scope, ended);
-- Drills: their tokens, and the contacts that they make, each registered before it
-- is made. The mark that proves one is not here: it is made from the id with a key.
-- paged is when the route accepted the page. seq is the order in which shots were
-- registered, which a clock that is set back does not change; gone is set on what is
-- kept of the old ones of the dead-man's switch, by which their marks are known.
CREATE TABLE drill_runs (
  id VARCHAR(32) COLLATE BINARY NOT NULL PRIMARY KEY,
  route VARCHAR(64) COLLATE BINARY NOT NULL,
  opened BIGINT NOT NULL,
  ended BIGINT NOT NULL,
  sealed LONGBLOB
);
CREATE INDEX drill_runs_by_time ON drill_runs (opened);
CREATE TABLE drill_tokens (
  id VARCHAR(32) COLLATE BINARY NOT NULL PRIMARY KEY,
  run VARCHAR(32) COLLATE BINARY NOT NULL,
  blind BIGINT NOT NULL,
  kind VARCHAR(8) COLLATE BINARY NOT NULL,
  sealed LONGBLOB NOT NULL
);
CREATE INDEX drill_tokens_by_run ON drill_tokens (run);
CREATE INDEX drill_tokens_by_blind ON drill_tokens (blind);
CREATE TABLE drill_shots (
  id VARCHAR(32) COLLATE BINARY NOT NULL PRIMARY KEY,
  run VARCHAR(32) COLLATE BINARY NOT NULL,
  front VARCHAR(200) COLLATE BINARY NOT NULL,
  seq BIGINT NOT NULL,
  gone INT NOT NULL,
  issued BIGINT NOT NULL,
  contact VARCHAR(128) COLLATE BINARY NOT NULL,
  heard BIGINT NOT NULL,
  page VARCHAR(32) COLLATE BINARY NOT NULL,
  paged BIGINT NOT NULL
);
CREATE INDEX drill_shots_by_run ON drill_shots (run, issued);
CREATE INDEX drill_shots_by_front ON drill_shots (run, gone, front, seq);
CREATE INDEX drill_shots_by_seq ON drill_shots (seq);
CREATE INDEX drill_shots_by_page ON drill_shots (page);
CREATE TABLE exclusions (
  id VARCHAR(32) COLLATE BINARY NOT NULL,
  n INT NOT NULL,
  caller VARCHAR(64) COLLATE BINARY NOT NULL,
  asked BIGINT NOT NULL,
  blind BIGINT NOT NULL,
  PRIMARY KEY (id, n)
);
CREATE INDEX exclusions_by_blind ON exclusions (blind);
CREATE TABLE exclusion_days (
  caller VARCHAR(64) COLLATE BINARY NOT NULL,
  day VARCHAR(10) COLLATE BINARY NOT NULL,
  asked BIGINT NOT NULL,
  refused BIGINT NOT NULL,
  PRIMARY KEY (caller, day)
);
CREATE TABLE extracts (
  id VARCHAR(200) COLLATE BINARY NOT NULL PRIMARY KEY,
  actor VARCHAR(200) NOT NULL,
  taken_from BIGINT NOT NULL,
  taken_until BIGINT NOT NULL,
  place VARCHAR(80) COLLATE BINARY NOT NULL,
  segment VARCHAR(500) NOT NULL,
  n_rows BIGINT NOT NULL,
  listed INT NOT NULL
);
CREATE TABLE extract_canaries (
  extract_id VARCHAR(200) COLLATE BINARY NOT NULL,
  canary VARCHAR(32) COLLATE BINARY NOT NULL,
  PRIMARY KEY (extract_id, canary)
);
CREATE TABLE pool (
  blind VARCHAR(32) COLLATE BINARY NOT NULL PRIMARY KEY,
  id VARCHAR(32) COLLATE BINARY NOT NULL UNIQUE,
  kind VARCHAR(8) COLLATE BINARY NOT NULL,
  token VARCHAR(32) COLLATE BINARY NOT NULL,
  landing VARCHAR(32) COLLATE BINARY NOT NULL,
  sealed LONGBLOB NOT NULL,
  sealed_check LONGBLOB
);
CREATE INDEX pool_by_kind ON pool (kind);
CREATE INDEX pool_by_token ON pool (token);
CREATE INDEX pool_by_landing ON pool (landing);
CREATE TABLE cursors (
  name VARCHAR(64) COLLATE BINARY NOT NULL PRIMARY KEY,
  position VARCHAR(200) COLLATE BINARY NOT NULL
);
CREATE TABLE jobs (
  name VARCHAR(64) COLLATE BINARY NOT NULL PRIMARY KEY,
  last_run BIGINT NOT NULL
);
-- What became of each tick of a job: the key lets none be done twice.
CREATE TABLE ticks (
  job VARCHAR(64) COLLATE BINARY NOT NULL,
  tick BIGINT NOT NULL,
  done BIGINT NOT NULL,
  late INT NOT NULL,
  PRIMARY KEY (job, tick)
);
-- How far each audit log has been read.
CREATE TABLE audit_logs (
  name VARCHAR(64) COLLATE BINARY NOT NULL PRIMARY KEY,
  version BIGINT NOT NULL,
  sealed LONGBLOB NOT NULL
);
-- Statements that returned canaries, or may have; id is a keyed hash of the log's
-- lines, so that what is read twice is there once. reader is a keyed hash of place
-- and account.
CREATE TABLE canary_reads (
  id VARCHAR(32) COLLATE BINARY NOT NULL PRIMARY KEY,
  place VARCHAR(80) COLLATE BINARY NOT NULL,
  reader VARCHAR(32) COLLATE BINARY NOT NULL,
  taken BIGINT NOT NULL,
  sealed LONGBLOB NOT NULL
);
CREATE INDEX canary_reads_by_time ON canary_reads (place, taken);
CREATE INDEX canary_reads_by_reader ON canary_reads (reader, taken);
-- What each audit log that was read shows of itself. latest is the time of its last event.
CREATE TABLE log_health (
  id VARCHAR(40) COLLATE BINARY NOT NULL PRIMARY KEY,
  place VARCHAR(80) COLLATE BINARY NOT NULL,
  latest BIGINT NOT NULL,
  sealed LONGBLOB NOT NULL
);
CREATE INDEX log_health_by_place ON log_health (place, latest);
-- Tables that statements filled with canaries' rows; id is a keyed hash of place and table.
CREATE TABLE table_copies (
  id VARCHAR(32) COLLATE BINARY NOT NULL PRIMARY KEY,
  place VARCHAR(80) COLLATE BINARY NOT NULL,
  sealed LONGBLOB NOT NULL
);
-- Our own sessions in support databases, by which what we read is told from what others
-- read with the same account. The server's number of each is sealed.
CREATE TABLE support_sessions (
  id VARCHAR(32) COLLATE BINARY NOT NULL PRIMARY KEY,
  place VARCHAR(80) COLLATE BINARY NOT NULL,
  began BIGINT NOT NULL,
  sealed LONGBLOB NOT NULL
);
CREATE INDEX support_sessions_by_time ON support_sessions (place, began);
-- When we read canaries back ourselves, which the audit logs of that time have to have.
CREATE TABLE own_reads (
  id VARCHAR(32) COLLATE BINARY NOT NULL PRIMARY KEY,
  place VARCHAR(80) COLLATE BINARY NOT NULL,
  finished BIGINT NOT NULL,
  sealed LONGBLOB NOT NULL
);
CREATE INDEX own_reads_by_place ON own_reads (place, finished);
-- How many canaries each account read in each hour in which it was active.
CREATE TABLE read_hours (
  place VARCHAR(80) COLLATE BINARY NOT NULL,
  reader VARCHAR(32) COLLATE BINARY NOT NULL,
  began BIGINT NOT NULL,
  statements BIGINT NOT NULL,
  canaries DOUBLE PRECISION NOT NULL,
  guessed DOUBLE PRECISION NOT NULL,
  incident VARCHAR(32) COLLATE BINARY NOT NULL,
  PRIMARY KEY (place, reader, began)
);
-- What is watched of a support database to learn how often customers change.
CREATE TABLE panels (
  place VARCHAR(80) COLLATE BINARY NOT NULL PRIMARY KEY,
  sealed LONGBLOB NOT NULL
);
CREATE TABLE reveals (
  id VARCHAR(32) COLLATE BINARY NOT NULL PRIMARY KEY,
  canary VARCHAR(32) COLLATE BINARY NOT NULL,
  who VARCHAR(200) NOT NULL,
  revealed BIGINT NOT NULL
);
-- What one person asked for and another has to approve; see approvals.go. blind is
-- the index of who asked and for what.
CREATE TABLE approvals (
  id VARCHAR(32) COLLATE BINARY NOT NULL PRIMARY KEY,
  blind VARCHAR(32) COLLATE BINARY NOT NULL,
  state VARCHAR(16) COLLATE BINARY NOT NULL,
  asked BIGINT NOT NULL,
  ends BIGINT NOT NULL,
  sealed LONGBLOB NOT NULL
);
CREATE INDEX approvals_by_blind ON approvals (blind, asked);
CREATE INDEX approvals_by_time ON approvals (asked);
-- What each rule of [[response]] does about each incident, once; see responses.go. A
-- rule is armed when the incidents that it would fit and that stood before are passed.
CREATE TABLE responders (
  rule VARCHAR(64) COLLATE BINARY NOT NULL PRIMARY KEY,
  cause VARCHAR(32) COLLATE BINARY NOT NULL,
  armed BIGINT NOT NULL
);
CREATE TABLE responses (
  id VARCHAR(32) COLLATE BINARY NOT NULL PRIMARY KEY,
  rule VARCHAR(64) COLLATE BINARY NOT NULL,
  incident VARCHAR(32) COLLATE BINARY NOT NULL,
  state VARCHAR(16) COLLATE BINARY NOT NULL,
  raised BIGINT NOT NULL,
  begun BIGINT NOT NULL,
  ends BIGINT NOT NULL,
  sealed LONGBLOB NOT NULL
);
CREATE UNIQUE INDEX responses_once ON responses (rule, incident);
CREATE INDEX responses_by_incident ON responses (incident);
CREATE INDEX responses_by_state ON responses (rule, state, raised);
-- The evidence log, which is only added to; see acts.go. act_head has one row.
CREATE TABLE acts (
  seq BIGINT NOT NULL PRIMARY KEY,
  done BIGINT NOT NULL,
  who VARCHAR(200) NOT NULL,
  via VARCHAR(64) NOT NULL,
  what VARCHAR(200) NOT NULL,
  about VARCHAR(200) COLLATE BINARY NOT NULL,
  outcome VARCHAR(200) NOT NULL,
  link VARCHAR(32) COLLATE BINARY NOT NULL,
  salt VARCHAR(64) COLLATE BINARY NOT NULL
);
CREATE INDEX acts_by_about ON acts (about, seq);
CREATE INDEX acts_by_what ON acts (what, seq);
-- The Merkle tree over the acts, by the numbers of its stored hashes, and signed
-- checkpoints of it; see tree.go. tree_size is how many acts a checkpoint has.
CREATE TABLE tree (
  n BIGINT NOT NULL PRIMARY KEY,
  hash VARCHAR(64) COLLATE BINARY NOT NULL
);
CREATE TABLE checkpoints (
  tree_size BIGINT NOT NULL PRIMARY KEY,
  made BIGINT NOT NULL,
  note LONGTEXT NOT NULL
);
-- The lines of changed windows that one act stands for; see windows.go.
CREATE TABLE window_lists (
  id VARCHAR(32) COLLATE BINARY NOT NULL PRIMARY KEY,
  hashes LONGBLOB NOT NULL
);
CREATE TABLE act_head (
  id INT NOT NULL PRIMARY KEY,
  sealed LONGBLOB NOT NULL
);
INSERT INTO act_head (id, sealed) VALUES (1, '');
-- What was committed to when it was registered, and in which commitments each canary
-- stands; see commitments.go.
CREATE TABLE commitments (
  id VARCHAR(32) COLLATE BINARY NOT NULL PRIMARY KEY,
  sealed LONGBLOB NOT NULL
);
CREATE TABLE commitment_canaries (
  canary VARCHAR(32) COLLATE BINARY NOT NULL,
  commitment VARCHAR(32) COLLATE BINARY NOT NULL,
  PRIMARY KEY (canary, commitment)
);
-- What others have said of checkpoints of the evidence log; see stamps.go.
CREATE TABLE stamps (
  source VARCHAR(64) COLLATE BINARY NOT NULL,
  tree_size BIGINT NOT NULL,
  kind VARCHAR(16) COLLATE BINARY NOT NULL,
  made BIGINT NOT NULL,
  pending INT NOT NULL,
  note LONGBLOB NOT NULL,
  proof LONGBLOB NOT NULL,
  PRIMARY KEY (source, tree_size)
);

-- +goose Down
DROP TABLE stamps;
DROP TABLE commitment_canaries;
DROP TABLE commitments;
DROP TABLE window_lists;
DROP TABLE checkpoints;
DROP TABLE tree;
DROP TABLE act_head;
DROP TABLE approvals;
DROP TABLE acts;
DROP TABLE reveals;
DROP TABLE panels;
DROP TABLE ticks;
DROP TABLE jobs;
DROP TABLE cursors;
DROP TABLE pool;
DROP TABLE extract_canaries;
DROP TABLE extracts;
DROP TABLE lookers;
DROP TABLE notices;
DROP TABLE drill_shots;
DROP TABLE drill_tokens;
DROP TABLE drill_runs;
DROP TABLE exclusion_days;
DROP TABLE exclusions;
DROP TABLE acks;
DROP TABLE deliveries;
DROP TABLE pages;
DROP TABLE moves;
DROP TABLE merges;
DROP TABLE incidents;
DROP TABLE supports;
DROP TABLE standings;
DROP TABLE hits;
DROP TABLE searches;
DROP TABLE own;
DROP TABLE mails;
DROP TABLE holds;
DROP TABLE leaves;
DROP TABLE contact_keys;
DROP TABLE contacts;
DROP TABLE exposures;
DROP TABLE variants;
DROP TABLE blinds;
DROP TABLE cohorts;
DROP TABLE tokens;
DROP TABLE canaries;
DROP TABLE batches;
