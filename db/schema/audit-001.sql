-- SPDX-License-Identifier: Apache-2.0
-- audit 1: the audit log (docs/audit-record.md). Only fleetport-audit writes here.
--
-- Times are milliseconds since 1970 (UTC). audit_entry is the log; the other tables are made from it, at most
-- a second behind, and can be made again from it (`audit_progress` says how far they are).

-- One record a row, in the order of commitment. Numbers are 1, 2, 3 …: a gap is evidence.
CREATE TABLE audit_entry (
  number INTEGER PRIMARY KEY,
  at     INTEGER NOT NULL,                        -- the time inside the record
  source TEXT NOT NULL,                           -- the socket that the record came by, or 'audit'
  record BLOB NOT NULL,                           -- canonical form
  leaf   BLOB NOT NULL CHECK (length(leaf) = 32)  -- SHA-256(0x00 ‖ record): leaf number - 1 of the tree
) STRICT;

-- What the log is searched by. '' where the record says nothing.
CREATE TABLE audit_index (
  number       INTEGER PRIMARY KEY,               -- audit_entry.number
  at           INTEGER NOT NULL,
  source       TEXT NOT NULL,
  actor        TEXT NOT NULL,                     -- public id of person or agent, or "uid 0"
  organisation TEXT NOT NULL,                     -- public id of the actor's organisation
  customer     TEXT NOT NULL,                     -- public id of the customer concerned
  action       TEXT NOT NULL,
  -- Not "IN (…)": SQLite makes a table in memory for it, each time a row is checked.
  outcome      TEXT NOT NULL CHECK (outcome = 'done' OR outcome = 'begun' OR outcome = 'failed'
                 OR outcome = 'unfinished' OR outcome = 'denied' OR outcome = 'not-found'),
  begun        INTEGER NOT NULL                   -- number of the begun record that this one closes, or 0
) STRICT;
CREATE INDEX audit_index_at ON audit_index (at);
CREATE INDEX audit_index_actor ON audit_index (actor, at) WHERE actor <> '';
CREATE INDEX audit_index_organisation ON audit_index (organisation, at) WHERE organisation <> '';
CREATE INDEX audit_index_customer ON audit_index (customer, at) WHERE customer <> '';
CREATE INDEX audit_index_action ON audit_index (action, at);
CREATE INDEX audit_index_outcome ON audit_index (outcome, at) WHERE outcome <> 'done';

-- Every target of every record.
CREATE TABLE audit_target (
  target TEXT NOT NULL,                           -- public id, or what was asked for
  at     INTEGER NOT NULL,
  number INTEGER NOT NULL,                        -- audit_entry.number
  place  INTEGER NOT NULL,                        -- 0, 1 … within the record
  PRIMARY KEY (target, at, number, place)
) STRICT, WITHOUT ROWID;
CREATE INDEX audit_target_number ON audit_target (number, place);

-- Begun records that no record has closed yet.
CREATE TABLE audit_open (
  source TEXT NOT NULL,
  number INTEGER NOT NULL,                        -- audit_entry.number
  PRIMARY KEY (source, number)
) STRICT, WITHOUT ROWID;

-- The last entry that the tables above know.
CREATE TABLE audit_progress (
  id     INTEGER PRIMARY KEY CHECK (id = 1),
  number INTEGER NOT NULL
) STRICT;
INSERT INTO audit_progress (id, number) VALUES (1, 0);
