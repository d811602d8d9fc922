-- SPDX-License-Identifier: Apache-2.0
-- telemetry 1: what devices say. device is core.device.id (no foreign keys across files).
-- Times are milliseconds since 1970 (UTC). Tables that grow with time are clustered by (device, time).

-- The latest state of a device. reasons, codes and counters are JSON: shown whole, never searched. The
-- row is rewritten at every report, so what is long and seldom changes (settings) stands elsewhere.
CREATE TABLE device_state (
  device        INTEGER PRIMARY KEY,
  acquired_at   INTEGER NOT NULL,
  received_at   INTEGER NOT NULL,
  agent         INTEGER NOT NULL,                 -- core.agent.id
  collection    TEXT NOT NULL,                    -- scheduled, event, operation, initial
  state         TEXT NOT NULL,
  state_since   INTEGER NOT NULL,
  reasons       TEXT NOT NULL,                    -- JSON array of {keyword, severity}
  codes         TEXT NOT NULL,                    -- JSON array of {code, severity, text}
  device_time   INTEGER,
  region        TEXT,
  country       TEXT,
  counters      TEXT NOT NULL DEFAULT '{}',
  settings_hash BLOB,                             -- of the settings last reported: equal means nothing to compare
  sampled_day   INTEGER NOT NULL                  -- days since 1970 of the newest daily point in `sample`
) STRICT;

-- The latest settings, a JSON object of scalars a category.
CREATE TABLE device_settings (
  device     INTEGER NOT NULL,
  category   TEXT NOT NULL,                       -- panel, printer, maintenance, media, network
  settings   TEXT NOT NULL,
  changed_at INTEGER NOT NULL,
  PRIMARY KEY (device, category)
) STRICT, WITHOUT ROWID;

-- Narrow and written at every report: the device's last sign of life.
CREATE TABLE device_seen (
  device  INTEGER PRIMARY KEY,
  seen_at INTEGER NOT NULL                        -- when it was read last (never after the report arrived)
) STRICT;

-- The latest supplies (RFC 3805 prtMarkerSupplies).
CREATE TABLE supply (
  device        INTEGER NOT NULL,
  idx           INTEGER NOT NULL,
  class         TEXT NOT NULL,
  type          TEXT NOT NULL,
  color         TEXT,
  name          TEXT NOT NULL,
  unit          TEXT NOT NULL,
  capacity      INTEGER,
  level         INTEGER,
  level_state   TEXT,                             -- some-remaining, unknown, unrestricted
  resolution    TEXT NOT NULL,                    -- exact, coarse, none
  serial_number TEXT,
  installed_at  INTEGER,
  changed_at    INTEGER NOT NULL,
  PRIMARY KEY (device, idx)
) STRICT, WITHOUT ROWID;

-- Numbers over time: only changes, plus one point a day. metric is e.g. "supply.1.level",
-- "counters.impressions".
CREATE TABLE sample (
  device INTEGER NOT NULL,
  metric TEXT NOT NULL,
  at     INTEGER NOT NULL,
  value  REAL NOT NULL,
  PRIMARY KEY (device, metric, at)
) STRICT, WITHOUT ROWID;

-- Status, error and warning history; also what the server itself notices ('counter-fell', 'serial-appeared').
CREATE TABLE event (
  device     INTEGER NOT NULL,
  at         INTEGER NOT NULL,
  event_id   TEXT NOT NULL,                       -- the device's or agent's id, unique within the device
  cleared_at INTEGER,
  severity   TEXT NOT NULL,                       -- error, warning, report
  code       TEXT,
  reason     TEXT,
  text       TEXT,
  PRIMARY KEY (device, at, event_id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX event_once ON event (device, event_id);
CREATE INDEX event_open ON event (device, at) WHERE cleared_at IS NULL;
CREATE INDEX event_open_reason ON event (device, reason) WHERE cleared_at IS NULL;

CREATE TABLE job (
  device      INTEGER NOT NULL,
  ended_at    INTEGER NOT NULL,
  job_id      TEXT NOT NULL,
  started_at  INTEGER NOT NULL,
  state       TEXT NOT NULL,
  reasons     TEXT NOT NULL DEFAULT '[]',
  impressions INTEGER,
  sheets      INTEGER,
  area_m2     REAL,
  media       TEXT,
  ink_used    TEXT NOT NULL DEFAULT '{}',         -- JSON object colour: ml
  PRIMARY KEY (device, ended_at, job_id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX job_once ON job (device, job_id);

CREATE TABLE cleaning (
  device      INTEGER NOT NULL,
  at          INTEGER NOT NULL,
  cleaning_id TEXT NOT NULL,
  kind        TEXT NOT NULL,
  trigger_by  TEXT NOT NULL,
  ink_used_ml REAL,
  PRIMARY KEY (device, at, cleaning_id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX cleaning_once ON cleaning (device, cleaning_id);

CREATE TABLE maintenance (
  device         INTEGER NOT NULL,
  at             INTEGER NOT NULL,
  maintenance_id TEXT NOT NULL,
  kind           TEXT NOT NULL,
  part           TEXT,
  count          INTEGER,
  PRIMARY KEY (device, at, maintenance_id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX maintenance_once ON maintenance (device, maintenance_id);

-- Settings' history, by change.
CREATE TABLE setting_change (
  device    INTEGER NOT NULL,
  at        INTEGER NOT NULL,
  category  TEXT NOT NULL,                        -- panel, printer, maintenance, media, network
  name      TEXT NOT NULL,
  old_value TEXT,
  new_value TEXT,
  PRIMARY KEY (device, at, category, name)
) STRICT, WITHOUT ROWID;

-- The last 64 report ids of an agent: a repeat is answered `duplicate: true`.
CREATE TABLE report_seen (
  agent     INTEGER NOT NULL,
  report_id TEXT NOT NULL,
  slot      INTEGER NOT NULL,                     -- counts up; older than newest - 64 are deleted
  answer    TEXT NOT NULL,                        -- the body that was answered
  PRIMARY KEY (agent, report_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX report_seen_slot ON report_seen (agent, slot);
