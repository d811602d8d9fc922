-- SPDX-License-Identifier: Apache-2.0
-- core 1: people, organisations, rights, devices' list columns, agents.
--
-- Times are milliseconds since 1970 (UTC). `public_id` is what URLs, the wire and the audit log show;
-- 64-bit keys stay inside. Columns named sealed_… hold XChaCha20-Poly1305 ciphertext under the person's
-- data key, with "table.column.row" (row: the person's public id) as associated data; …_index columns hold HMAC-SHA-256 blind indexes.

-- Customers own devices; partners manage them under a contract; one operator runs the installation.
CREATE TABLE organisation (
  id         INTEGER PRIMARY KEY,
  public_id  TEXT NOT NULL UNIQUE,                -- or_…
  kind       TEXT NOT NULL CHECK (kind IN ('customer', 'partner', 'operator')),
  name       TEXT NOT NULL,                       -- not personal: sorted and searched in clear
  region     TEXT NOT NULL DEFAULT '',            -- region code of the customer's devices; '' any
  lets_partner_invite INTEGER NOT NULL DEFAULT 0, -- customer: its partners may invite agents for it
  created_at INTEGER NOT NULL,
  ended_at   INTEGER                              -- NULL while it is a customer/partner
) STRICT;
CREATE UNIQUE INDEX organisation_name ON organisation (kind, name) WHERE ended_at IS NULL;

-- A partner manages a customer's devices from starts_at until ends_at, or until ended_at if earlier.
CREATE TABLE contract (
  id          INTEGER PRIMARY KEY,
  public_id   TEXT NOT NULL UNIQUE,               -- co_…
  customer_id INTEGER NOT NULL REFERENCES organisation (id),
  partner_id  INTEGER NOT NULL REFERENCES organisation (id),
  starts_at   INTEGER NOT NULL,
  ends_at     INTEGER NOT NULL,
  ended_at    INTEGER,
  created_at  INTEGER NOT NULL
) STRICT;
CREATE INDEX contract_partner ON contract (partner_id, customer_id);
CREATE INDEX contract_customer ON contract (customer_id, partner_id);

-- Every device is in exactly one group; each customer has one default group.
CREATE TABLE device_group (
  id              INTEGER PRIMARY KEY,
  public_id       TEXT NOT NULL UNIQUE,           -- gr_…
  organisation_id INTEGER NOT NULL REFERENCES organisation (id),
  name            TEXT NOT NULL,
  is_default      INTEGER NOT NULL DEFAULT 0,
  consent         TEXT NOT NULL DEFAULT 'always' CHECK (consent IN ('always', 'ask', 'never')), -- remote operations
  created_at      INTEGER NOT NULL,
  removed_at      INTEGER
) STRICT;
CREATE UNIQUE INDEX device_group_name ON device_group (organisation_id, name) WHERE removed_at IS NULL;
CREATE UNIQUE INDEX device_group_default ON device_group (organisation_id) WHERE is_default = 1;

-- A person. Every personal column is sealed.
CREATE TABLE account (
  id                  INTEGER PRIMARY KEY,
  public_id           TEXT NOT NULL UNIQUE,       -- pe_…
  organisation_id     INTEGER NOT NULL REFERENCES organisation (id),
  role                TEXT NOT NULL CHECK (role IN ('customer-viewer', 'customer-admin', 'technician',
                        'partner-admin', 'operator-admin', 'auditor')),
  sign_in_name_index  BLOB NOT NULL,              -- blind index of the NFKC, case-folded sign-in name
  sealed_sign_in_name BLOB NOT NULL,
  sealed_display_name BLOB NOT NULL,
  sealed_mail         BLOB,
  language            TEXT NOT NULL DEFAULT 'en',
  time_zone           TEXT NOT NULL DEFAULT 'UTC',
  created_at          INTEGER NOT NULL,
  suspended_at        INTEGER,
  removed_at          INTEGER,
  rights_version      INTEGER NOT NULL DEFAULT 1  -- raised by a change of role or password and by suspension:
                                                  -- ends the person's sessions (grants act through `scope`)
) STRICT;
CREATE UNIQUE INDEX account_sign_in_name ON account (sign_in_name_index) WHERE removed_at IS NULL;
CREATE INDEX account_organisation ON account (organisation_id);

-- A person's data key, wrapped by the key-encryption key; destroying the row erases the person.
CREATE TABLE person_key (
  account_id INTEGER PRIMARY KEY REFERENCES account (id),
  wrapped    BLOB NOT NULL,
  kek_version INTEGER NOT NULL DEFAULT 1
) STRICT;

-- What a person signs in with. One row a factor; 'password' holds the peppered (sealed) Argon2id hash.
CREATE TABLE credential (
  id         INTEGER PRIMARY KEY,
  account_id INTEGER NOT NULL REFERENCES account (id),
  kind       TEXT NOT NULL CHECK (kind IN ('password', 'totp', 'passkey', 'recovery')),
  sealed     BLOB NOT NULL,
  created_at INTEGER NOT NULL,
  used_at    INTEGER
) STRICT;
CREATE INDEX credential_account ON credential (account_id, kind);

-- A signed-in browser. Only the token's hash is stored.
CREATE TABLE session (
  id           INTEGER PRIMARY KEY,
  public_id    TEXT NOT NULL UNIQUE,              -- se_…
  token_hash   BLOB NOT NULL UNIQUE,              -- SHA-256 of the cookie's token
  csrf_secret  BLOB NOT NULL,                     -- 32 random bytes
  account_id   INTEGER NOT NULL REFERENCES account (id),
  site         TEXT NOT NULL CHECK (site IN ('user', 'support')),
  factors      INTEGER NOT NULL,                  -- bits: 1 password, 2 TOTP, 4 passkey, 8 recovery code
  factors_at   INTEGER NOT NULL,                  -- when the newest factor was shown
  rights_version INTEGER NOT NULL,                -- of the account at sign-in; another one ends the session
  address      TEXT NOT NULL,
  created_at   INTEGER NOT NULL,
  seen_at      INTEGER NOT NULL,
  idle_until   INTEGER NOT NULL,
  ends_at      INTEGER NOT NULL,                  -- absolute
  ended_at     INTEGER
) STRICT;
CREATE INDEX session_account ON session (account_id);

-- Throttling of sign-in: by the blind index of the typed name, and by address (data of no person).
CREATE TABLE sign_in_attempt (
  id       INTEGER PRIMARY KEY,
  subject  BLOB NOT NULL,                         -- 'n' ‖ blind index, or 'a' ‖ address
  at       INTEGER NOT NULL,
  ok       INTEGER NOT NULL
) STRICT;
CREATE INDEX sign_in_attempt_subject ON sign_in_attempt (subject, at);
CREATE INDEX sign_in_attempt_at ON sign_in_attempt (at);

-- A right of a person on a group. Named device_grant because GRANT is SQL's own word.
CREATE TABLE device_grant (
  id         INTEGER PRIMARY KEY,
  public_id  TEXT NOT NULL UNIQUE,                -- gt_…
  account_id INTEGER NOT NULL REFERENCES account (id),
  group_id   INTEGER NOT NULL REFERENCES device_group (id),
  "right"    TEXT NOT NULL CHECK ("right" IN ('view', 'operate', 'consume')),
  granted_by TEXT NOT NULL,                       -- public id, or "console uid N"
  purpose    TEXT NOT NULL DEFAULT '',
  created_at INTEGER NOT NULL,
  expires_at INTEGER,                             -- partners' people: always set (default 180 days)
  ended_at   INTEGER
) STRICT;
CREATE UNIQUE INDEX device_grant_live ON device_grant (account_id, group_id, "right") WHERE ended_at IS NULL;
CREATE INDEX device_grant_group ON device_grant (group_id);

-- A device, with the columns that lists sort and filter by (architecture.md, Storage). Ingest keeps them.
CREATE TABLE device (
  id              INTEGER PRIMARY KEY,
  public_id       TEXT NOT NULL UNIQUE,           -- de_…
  customer_id     INTEGER NOT NULL REFERENCES organisation (id),
  group_id        INTEGER NOT NULL REFERENCES device_group (id),
  identity_kind   TEXT NOT NULL CHECK (identity_kind IN ('serial', 'mac', 'entry')),
  identity_value  TEXT NOT NULL,
  entry           TEXT NOT NULL DEFAULT '',       -- id of the agent's list entry: a serial that appears later joins here
  agent_id        INTEGER REFERENCES agent (id),  -- the agent that reported it last
  manufacturer    TEXT NOT NULL DEFAULT '',
  model           TEXT NOT NULL DEFAULT '' COLLATE NOCASE,
  serial_number   TEXT,
  firmware        TEXT,
  name            TEXT NOT NULL COLLATE NOCASE,   -- shown: model, or what stands in for it
  search_key      TEXT NOT NULL,                  -- NFKC, case-folded: manufacturer, model, serial number, name, entry
  state           TEXT NOT NULL CHECK (state IN ('idle', 'processing', 'stopped', 'unknown')),
  attention       INTEGER NOT NULL DEFAULT 0,     -- 0 none, 1 report, 2 supply low / warning, 3 error
  attention_text  TEXT NOT NULL DEFAULT '',       -- the most urgent reason's keyword
  lowest_supply   INTEGER,                        -- percent of the lowest measured supply; NULL unknown
  supply_order    INTEGER GENERATED ALWAYS AS (ifnull(lowest_supply, 101)) VIRTUAL, -- sorts unknown behind
  first_seen_at   INTEGER NOT NULL,
  seen_hour       INTEGER NOT NULL,               -- last sign of life, cut to the hour (telemetry.device_seen is exact)
  list_version    INTEGER NOT NULL,               -- acquiredAt of the report these columns come from
  retired_at      INTEGER,
  UNIQUE (customer_id, identity_kind, identity_value)
) STRICT;
-- One index a sort order of the list (core/devices.c); lists show devices that are not retired. Each ends
-- with the row's id by itself: named again, it could not be compared together with the key.
CREATE INDEX device_by_name ON device (group_id, name) WHERE retired_at IS NULL;
CREATE INDEX device_by_model ON device (group_id, model) WHERE retired_at IS NULL;
CREATE INDEX device_by_state ON device (group_id, state) WHERE retired_at IS NULL;
CREATE INDEX device_by_attention ON device (group_id, attention) WHERE retired_at IS NULL;
CREATE INDEX device_by_supply ON device (group_id, supply_order) WHERE retired_at IS NULL;
CREATE INDEX device_by_seen ON device (group_id, seen_hour) WHERE retired_at IS NULL;
CREATE INDEX device_counts ON device (group_id, retired_at, state, attention, seen_hour); -- the fleet page
CREATE INDEX device_agent ON device (agent_id);
CREATE INDEX device_identity ON device (identity_value, customer_id); -- the same serial at two customers
CREATE INDEX device_entry ON device (customer_id, agent_id, entry, list_version);

-- An agent (a collector on a customer's network, or a device's firmware).
CREATE TABLE agent (
  id          INTEGER PRIMARY KEY,
  public_id   TEXT NOT NULL UNIQUE,               -- ag_…: the certificate's CN, the MQTT user name
  customer_id INTEGER NOT NULL REFERENCES organisation (id),
  type        TEXT NOT NULL CHECK (type IN ('dc', 'es')),
  event_key   BLOB NOT NULL,                      -- Ed25519 public key of its events
  version     TEXT NOT NULL DEFAULT '',
  os          TEXT NOT NULL DEFAULT '',
  device_limit INTEGER NOT NULL DEFAULT 5000,     -- new devices it may bring
  created_at  INTEGER NOT NULL,
  seen_hour   INTEGER,
  revoked_at  INTEGER
) STRICT;
CREATE INDEX agent_customer ON agent (customer_id);

CREATE TABLE agent_certificate (
  serial      TEXT PRIMARY KEY,                   -- upper-case hex, as nginx's $ssl_client_serial
  agent_id    INTEGER NOT NULL REFERENCES agent (id),
  not_before  INTEGER NOT NULL,
  not_after   INTEGER NOT NULL,
  created_at  INTEGER NOT NULL,
  used_at     INTEGER,                            -- first use: the older ones are revoked then
  revoked_at  INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX agent_certificate_agent ON agent_certificate (agent_id);

-- A one-time right to enrol. Only the code's hash is stored.
CREATE TABLE invitation (
  id          INTEGER PRIMARY KEY,
  public_id   TEXT NOT NULL UNIQUE,               -- in_…
  code_hash   BLOB NOT NULL UNIQUE,               -- SHA-256 of the normalised code
  customer_id INTEGER NOT NULL REFERENCES organisation (id),
  agent_type  TEXT NOT NULL CHECK (agent_type IN ('dc', 'es')),
  agent_id    INTEGER REFERENCES agent (id),      -- set: a new certificate for that agent
  invited_by  TEXT NOT NULL,                      -- public id, or "console uid N"
  created_at  INTEGER NOT NULL,
  expires_at  INTEGER NOT NULL,
  used_at     INTEGER,
  used_key_hash BLOB,                             -- SHA-256 of the CSR's key: the same one may ask again
  answer_agent_id INTEGER REFERENCES agent (id),  -- the agent that came of it
  answer_certificate TEXT,                        -- PEM that was answered
  revoked_at  INTEGER
) STRICT;

-- Attempts to enrol, by address, for the limit of 10 an hour.
CREATE TABLE enrolment_attempt (
  id      INTEGER PRIMARY KEY,
  address TEXT NOT NULL,
  at      INTEGER NOT NULL
) STRICT;
CREATE INDEX enrolment_attempt_address ON enrolment_attempt (address, at);

-- What a model can do remotely; a model without a row can do 'get-status' only.
CREATE TABLE model_capability (
  manufacturer TEXT NOT NULL,
  model        TEXT NOT NULL,
  kinds        TEXT NOT NULL,                     -- space-separated operation kinds
  PRIMARY KEY (manufacturer, model)
) STRICT, WITHOUT ROWID;

-- Changes whose `begun` audit record was written and that this row's transaction made: what lets a program
-- close truthfully after a crash (architecture.md, How a page is made).
CREATE TABLE change_mark (
  begun      INTEGER PRIMARY KEY,                 -- number of the begun record
  program    TEXT NOT NULL,
  made_at    INTEGER NOT NULL
) STRICT;

CREATE TABLE setting (
  name  TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- THE ACCESS RULE (security.md). Yields groups, never devices. One row a viewer, group and right;
-- a group can appear twice, so use it with IN or EXISTS. now_ms() is the driver's: wall time in ms.
-- The CASTs give "right" the same affinity in every arm: only then does SQLite merge the view into the
-- question (and look up one group), instead of filling a table with it first (8 x the work of a device).
CREATE VIEW scope (viewer, group_id, "right") AS
  -- a customer's admin sees all of the own customer's groups
  SELECT a.id, g.id, CAST('view' AS TEXT)
    FROM account a
    JOIN organisation o ON o.id = a.organisation_id AND o.kind = 'customer' AND o.ended_at IS NULL
    JOIN device_group g ON g.organisation_id = a.organisation_id
   WHERE a.role = 'customer-admin' AND a.suspended_at IS NULL AND a.removed_at IS NULL
     AND g.removed_at IS NULL
  UNION ALL
  -- a customer's viewer sees granted groups of the own customer
  SELECT a.id, g.id, CAST('view' AS TEXT)
    FROM account a
    JOIN organisation o ON o.id = a.organisation_id AND o.kind = 'customer' AND o.ended_at IS NULL
    JOIN device_grant t ON t.account_id = a.id AND t."right" = 'view' AND t.ended_at IS NULL
     AND (t.expires_at IS NULL OR t.expires_at > now_ms())
    JOIN device_group g ON g.id = t.group_id AND g.organisation_id = a.organisation_id
   WHERE a.role = 'customer-viewer' AND a.suspended_at IS NULL AND a.removed_at IS NULL
     AND g.removed_at IS NULL
  UNION ALL
  -- a partner's admin sees all groups of the customers that are under contract
  SELECT a.id, g.id, CAST('view' AS TEXT)
    FROM account a
    JOIN organisation o ON o.id = a.organisation_id AND o.kind = 'partner' AND o.ended_at IS NULL
    JOIN contract c ON c.partner_id = a.organisation_id AND c.ended_at IS NULL
     AND c.starts_at <= now_ms() AND c.ends_at > now_ms()
    JOIN organisation u ON u.id = c.customer_id AND u.kind = 'customer' AND u.ended_at IS NULL
    JOIN device_group g ON g.organisation_id = c.customer_id
   WHERE a.role = 'partner-admin' AND a.suspended_at IS NULL AND a.removed_at IS NULL
     AND g.removed_at IS NULL
  UNION ALL
  -- a partner's people: granted groups, as far as a contract reaches. Viewing by grant is the
  -- technician's; operating and consuming need a grant from both roles.
  SELECT a.id, g.id, t."right"
    FROM account a
    JOIN organisation o ON o.id = a.organisation_id AND o.kind = 'partner' AND o.ended_at IS NULL
    JOIN device_grant t ON t.account_id = a.id AND t.ended_at IS NULL
     AND t.expires_at > now_ms()
    JOIN device_group g ON g.id = t.group_id
    JOIN organisation u ON u.id = g.organisation_id AND u.kind = 'customer' AND u.ended_at IS NULL
    JOIN contract c ON c.partner_id = a.organisation_id AND c.customer_id = g.organisation_id
     AND c.ended_at IS NULL AND c.starts_at <= now_ms() AND c.ends_at > now_ms()
   WHERE (a.role = 'technician' OR (a.role = 'partner-admin' AND t."right" <> 'view'))
     AND a.suspended_at IS NULL AND a.removed_at IS NULL AND g.removed_at IS NULL;
