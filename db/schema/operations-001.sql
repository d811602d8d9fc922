-- SPDX-License-Identifier: Apache-2.0
-- operations 1: requests, executions, their events, and the outbox (agent-protocol.md, The life of an
-- operation). Ids of people, devices and agents are core's. Times are milliseconds since 1970 (UTC).

CREATE TABLE request (
  id              INTEGER PRIMARY KEY,
  public_id       TEXT NOT NULL UNIQUE,           -- rq_…
  state           TEXT NOT NULL CHECK (state IN ('pending-approval', 'scheduled', 'active', 'canceling',
                    'canceled', 'denied', 'lapsed', 'aborted', 'completed')),
  version         INTEGER NOT NULL DEFAULT 1,
  requester       INTEGER NOT NULL,               -- core.account.id
  organisation_id INTEGER NOT NULL,               -- the requester's
  kind            TEXT NOT NULL,
  parameters      TEXT NOT NULL DEFAULT '{}',
  purpose         TEXT NOT NULL,
  idempotency_key TEXT NOT NULL,                  -- unique a requester
  body_hash       BLOB NOT NULL,                  -- same key with another body is a conflict
  begun           INTEGER NOT NULL,               -- number of the begun audit record
  window_start    INTEGER,
  window_end      INTEGER,
  approval_deadline INTEGER,
  approved_by     INTEGER,
  approved_at     INTEGER,
  has_unknown     INTEGER NOT NULL DEFAULT 0,
  created_at      INTEGER NOT NULL,
  ended_at        INTEGER,
  UNIQUE (requester, idempotency_key)
) STRICT;
CREATE INDEX request_requester ON request (requester, id);
CREATE INDEX request_organisation ON request (organisation_id, id);
CREATE INDEX request_begun ON request (begun);

CREATE TABLE execution (
  id           INTEGER PRIMARY KEY,
  public_id    TEXT NOT NULL UNIQUE,              -- op_…: operationId on the wire
  request_id   INTEGER NOT NULL REFERENCES request (id),
  device       INTEGER NOT NULL,                  -- core.device.id
  device_public_id TEXT NOT NULL,
  customer_id  INTEGER NOT NULL,
  state        TEXT NOT NULL CHECK (state IN ('rejected', 'waiting-consent', 'queued', 'expired', 'canceled',
                 'removed', 'sent', 'resending', 'delivered', 'in-progress', 'succeeded', 'failed',
                 'unknown', 'cancel-requested')),
  version      INTEGER NOT NULL DEFAULT 1,
  class        TEXT NOT NULL CHECK (class IN ('query', 'safe', 'consuming')),
  agent        INTEGER,                           -- core.agent.id; bound at the first send, never moves
  attempt      INTEGER NOT NULL DEFAULT 0,
  code         TEXT,                              -- why rejected or failed
  message      TEXT,
  late         INTEGER NOT NULL DEFAULT 0,
  verified     INTEGER,                           -- 1: evidence before and after agree with the result
  evidence     TEXT,                              -- JSON {before, after, reportId}
  percent      INTEGER,
  step_text    TEXT,
  run_seconds  INTEGER NOT NULL,
  not_after    INTEGER NOT NULL,
  retry_of     INTEGER REFERENCES execution (id),
  written_off  INTEGER NOT NULL DEFAULT 0,        -- a person freed the lane of an unknown outcome
  timer_at     INTEGER,                           -- when the current state must be looked at again
  sent_at      INTEGER,
  delivered_at INTEGER,
  started_at   INTEGER,
  ended_at     INTEGER,
  created_at   INTEGER NOT NULL
) STRICT;
CREATE INDEX execution_request ON execution (request_id);
CREATE INDEX execution_device ON execution (device, state);
CREATE INDEX execution_timer ON execution (timer_at) WHERE timer_at IS NOT NULL;
CREATE INDEX execution_agent ON execution (agent, state);
CREATE INDEX execution_state ON execution (state, device);

-- Every transition and every agent event, as it came; also messages that conflicted.
CREATE TABLE execution_event (
  execution_id INTEGER NOT NULL REFERENCES execution (id),
  number       INTEGER NOT NULL,                  -- 1, 2, … within the execution
  at           INTEGER NOT NULL,
  source       TEXT NOT NULL,                     -- support, dispatch, agent, timer, console
  event        TEXT NOT NULL,                     -- queued, sent, receipt, start, step, result …
  from_state   TEXT NOT NULL,
  to_state     TEXT NOT NULL,
  attempt      INTEGER,
  seq          INTEGER,                           -- the agent's
  conflict     INTEGER NOT NULL DEFAULT 0,        -- kept as evidence, changed nothing
  details      TEXT NOT NULL DEFAULT '{}',
  begun        INTEGER,                           -- number of the begun audit record of a person's act
  PRIMARY KEY (execution_id, number)
) STRICT, WITHOUT ROWID;
CREATE INDEX execution_event_begun ON execution_event (begun) WHERE begun IS NOT NULL;
CREATE UNIQUE INDEX execution_event_once ON execution_event (execution_id, attempt, seq) WHERE seq IS NOT NULL;

-- What dispatch has to publish. A row is deleted when it has been handed to the broker or voided.
CREATE TABLE outbox (
  id           INTEGER PRIMARY KEY,
  execution_id INTEGER NOT NULL REFERENCES execution (id),
  message      TEXT NOT NULL CHECK (message IN ('operation', 'cancel', 'ack')),
  attempt      INTEGER NOT NULL,
  seq          INTEGER,                           -- for ack
  ready_at     INTEGER NOT NULL,
  created_at   INTEGER NOT NULL
) STRICT;
CREATE INDEX outbox_ready ON outbox (ready_at, id);

-- Presence of agents as dispatch last heard it; unknown after a restart of dispatch until heard again.
CREATE TABLE presence (
  agent    INTEGER PRIMARY KEY,                   -- core.agent.id
  online   INTEGER NOT NULL,
  at       INTEGER NOT NULL,
  version  TEXT NOT NULL DEFAULT '',
  kinds    TEXT NOT NULL DEFAULT ''               -- space-separated operation kinds
) STRICT;
