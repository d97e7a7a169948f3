-- Ids, visitors and users are 32 hexadecimal digits, policies 16; no module is ''. Times are milliseconds since
-- 1970-01-01 UTC: datetime(event_time / 1000, 'unixepoch'). Days are days since then: date(day * 86400, 'unixepoch').

-- What is known of the ledger itself: its id.
CREATE TABLE meta (
  name  TEXT PRIMARY KEY,
  value TEXT NOT NULL
) WITHOUT ROWID;
INSERT INTO meta (name, value) VALUES ('ledger_id', lower(hex(randomblob(8))));

-- What policies say, under the ids that records and sessions name.
CREATE TABLE policy_2 (
  id   TEXT PRIMARY KEY,
  text TEXT NOT NULL
) WITHOUT ROWID;
INSERT INTO policy_2 SELECT printf('%016x', id), text FROM policy;
DROP TABLE policy;
ALTER TABLE policy_2 RENAME TO policy;

-- Up to which entry each portal's stream has been taken, where entries come by streams.
CREATE TABLE position (
  portal     TEXT PRIMARY KEY,
  upto       TEXT NOT NULL,
  moved_time INTEGER NOT NULL
) WITHOUT ROWID;

-- Every usage record and every correction, for good. A total is the sum of `amount` where not withdrawn.
CREATE TABLE usage_record_2 (
  id          TEXT PRIMARY KEY,
  portal      TEXT NOT NULL,
  module      TEXT NOT NULL,
  visitor     TEXT NOT NULL,             -- '' of a correction by hand, and of what schema 1 wrote
  session     TEXT,
  started     INTEGER,                   -- the session's first page
  day         INTEGER NOT NULL,          -- on which it counts, in zone
  zone        TEXT NOT NULL,
  class       TEXT NOT NULL,             -- guest external internal bot
  reason      TEXT NOT NULL,             -- start midnight login relogin user_switch; manual of a correction by hand
  account     TEXT,
  user_hash   TEXT,
  agent       TEXT,                      -- a bot's name
  rule        TEXT NOT NULL,             -- which gave the evidence
  policy      TEXT,
  trial       INTEGER NOT NULL,          -- of a portal that is only observed
  event_time  INTEGER NOT NULL,          -- of the page that counted
  stored_time INTEGER NOT NULL,          -- when the store took it
  withdrawn   INTEGER NOT NULL,          -- it no longer follows from what is known
  amount      INTEGER NOT NULL,          -- 1 of a record, any number of a correction
  corrects    INTEGER,                   -- the sealed day that a correction corrects
  of_record   TEXT,                      -- the record that a correction is about
  author      TEXT,                      -- of a correction by hand
  note        TEXT                       -- its reason
) WITHOUT ROWID;
INSERT INTO usage_record_2
  SELECT id, portal, module, '', session, NULL, day, zone, class, reason, account, user, agent, rule,
         policy, trial, event_time, stored_time, withdrawn OR late, 1, NULL, NULL, NULL,
         CASE WHEN late THEN 'came after its day was sealed' END
  FROM usage_record;
DROP TABLE usage_record;
ALTER TABLE usage_record_2 RENAME TO usage_record;
CREATE INDEX usage_record_day ON usage_record (portal, day, visitor);
CREATE INDEX usage_record_of ON usage_record (of_record) WHERE of_record IS NOT NULL;

-- How each session stands: told as it lives, kept for ledger.keep_sessions.
CREATE TABLE session (
  id            TEXT PRIMARY KEY,
  portal        TEXT NOT NULL,
  module        TEXT NOT NULL,
  visitor       TEXT NOT NULL,
  started       INTEGER NOT NULL,
  began         TEXT NOT NULL,           -- why it is one of its own: start relogin user_switch
  last_seen     INTEGER NOT NULL,
  counted_day   INTEGER NOT NULL,        -- the last day it counted on
  class         TEXT NOT NULL,
  proven_guest  INTEGER NOT NULL,
  logged_out    INTEGER NOT NULL,
  user_hash     TEXT,
  account       TEXT,
  agent         TEXT,
  pages         INTEGER NOT NULL,
  actions       INTEGER NOT NULL,
  converted     INTEGER,                 -- the day on which a guest's became external
  zone          TEXT NOT NULL,
  policy        TEXT NOT NULL,
  gone          INTEGER NOT NULL,        -- it turned out to be none
  stored_time   INTEGER NOT NULL,
  last_day      INTEGER GENERATED ALWAYS AS (last_seen / 86400000) VIRTUAL
) WITHOUT ROWID;
CREATE INDEX session_last_day ON session (last_day, portal, visitor);

-- Totals: sums over usage_record; converted, of sessions; and statistics. Never changed once sealed.
CREATE TABLE usage_day_2 (
  portal      TEXT NOT NULL,
  day         INTEGER NOT NULL,
  module      TEXT NOT NULL,
  zone        TEXT NOT NULL,
  guest       INTEGER NOT NULL,
  external    INTEGER NOT NULL,
  internal    INTEGER NOT NULL,
  bot         INTEGER NOT NULL,
  billable    INTEGER GENERATED ALWAYS AS (guest + external) VIRTUAL,
  converted   INTEGER NOT NULL,
  page_views  INTEGER NOT NULL,
  actions     INTEGER NOT NULL,
  duration_ms INTEGER NOT NULL,
  revision    INTEGER NOT NULL,          -- one more with each change
  sealed      INTEGER,                   -- when
  PRIMARY KEY (portal, day, module)
) WITHOUT ROWID;
INSERT INTO usage_day_2
  SELECT portal, day, module, zone, guest, external, internal, bot, converted, page_views, actions, duration_ms,
         revision, sealed
  FROM usage_day;
DROP TABLE usage_day;
ALTER TABLE usage_day_2 RENAME TO usage_day;
CREATE INDEX usage_day_open ON usage_day (day) WHERE sealed IS NULL;

-- Which people's browsers, and which users, were there on a day.
CREATE TABLE presence_2 (
  portal    TEXT NOT NULL,
  module    TEXT NOT NULL,
  day       INTEGER NOT NULL,
  visitor   TEXT NOT NULL,
  user_hash TEXT NOT NULL,               -- '' where nobody was signed in
  PRIMARY KEY (portal, module, day, visitor, user_hash)
) WITHOUT ROWID;
INSERT INTO presence_2 SELECT portal, module, day, lower(hex(visitor)), lower(hex(user)) FROM presence;
DROP TABLE presence;
ALTER TABLE presence_2 RENAME TO presence;

-- The embedded store: values under slots instead of visitors and names, and what a ledger elsewhere is told.
-- Who is live while this release takes over is not known any more: their sessions end here.

DROP TABLE visitor;
DROP TABLE name;

CREATE TABLE state (
  slot    BLOB PRIMARY KEY,              -- what it is, where, and of whom
  expires INTEGER NOT NULL,              -- only cleans up: the times within decide
  value   BLOB NOT NULL
) WITHOUT ROWID;
CREATE INDEX state_expires ON state (expires);

-- Entries on their way to a ledger that is not in this file, in their order.
CREATE TABLE outgoing (
  id     INTEGER PRIMARY KEY AUTOINCREMENT,
  portal TEXT NOT NULL,
  entry  TEXT NOT NULL
);
CREATE INDEX outgoing_portal ON outgoing (portal, id);

-- Statistics of days for such a ledger.
CREATE TABLE statistic (
  portal      TEXT NOT NULL,
  module      TEXT NOT NULL,
  day         INTEGER NOT NULL,
  zone        TEXT NOT NULL,
  page_views  INTEGER NOT NULL,
  actions     INTEGER NOT NULL,
  duration_ms INTEGER NOT NULL,
  PRIMARY KEY (portal, module, day)
) WITHOUT ROWID;
