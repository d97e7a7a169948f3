-- The embedded ledger and store: one file, so that state, counters and records change in one step.

CREATE TABLE policy (
  id   INTEGER PRIMARY KEY,
  text TEXT NOT NULL
);

-- Up to which of its journal's entries a node has committed.
CREATE TABLE node (
  id       BLOB PRIMARY KEY,
  position INTEGER NOT NULL
) WITHOUT ROWID;

-- What the fold needs of a visitor in a scope; the stored times decide, `expires` only cleans up.
CREATE TABLE visitor (
  scope   INTEGER NOT NULL,
  visitor BLOB NOT NULL,
  expires INTEGER NOT NULL,
  state   BLOB NOT NULL,
  PRIMARY KEY (scope, visitor)
) WITHOUT ROWID;
CREATE INDEX visitor_expires ON visitor (expires);

-- Other names of visitors: renewed cookies, fingerprints, claims.
CREATE TABLE name (
  slot    BLOB PRIMARY KEY,
  expires INTEGER NOT NULL,
  known   BLOB NOT NULL
) WITHOUT ROWID;
CREATE INDEX name_expires ON name (expires);

CREATE TABLE usage_record (
  id          TEXT PRIMARY KEY,
  portal      TEXT NOT NULL,
  module      TEXT NOT NULL DEFAULT '',
  session     TEXT NOT NULL,
  day         INTEGER NOT NULL,          -- civil days since 1970-01-01
  zone        TEXT NOT NULL,
  class       TEXT NOT NULL,
  reason      TEXT NOT NULL,
  account     TEXT,
  user        TEXT,
  agent       TEXT,
  rule        TEXT NOT NULL,
  policy      TEXT NOT NULL,
  trial       INTEGER NOT NULL DEFAULT 0,
  event_time  INTEGER NOT NULL,          -- milliseconds since 1970
  stored_time INTEGER NOT NULL,
  withdrawn   INTEGER NOT NULL DEFAULT 0,
  late        INTEGER NOT NULL DEFAULT 0 -- its day was sealed: kept, in no total
) WITHOUT ROWID;
CREATE INDEX usage_record_day ON usage_record (portal, day);

-- Totals: sums over usage_record, and statistics.
CREATE TABLE usage_day (
  portal      TEXT NOT NULL,
  module      TEXT NOT NULL DEFAULT '',
  day         INTEGER NOT NULL,
  zone        TEXT NOT NULL,
  guest       INTEGER NOT NULL DEFAULT 0,
  external    INTEGER NOT NULL DEFAULT 0,
  internal    INTEGER NOT NULL DEFAULT 0,
  bot         INTEGER NOT NULL DEFAULT 0,
  converted   INTEGER NOT NULL DEFAULT 0,
  page_views  INTEGER NOT NULL DEFAULT 0,
  actions     INTEGER NOT NULL DEFAULT 0,
  duration_ms INTEGER NOT NULL DEFAULT 0,
  revision    INTEGER NOT NULL DEFAULT 0,
  sealed      INTEGER,                   -- when, in milliseconds since 1970
  PRIMARY KEY (portal, module, day)
) WITHOUT ROWID;
CREATE INDEX usage_day_open ON usage_day (day) WHERE sealed IS NULL;

-- Which people's browsers, and which users, were there on a day.
CREATE TABLE presence (
  portal  TEXT NOT NULL,
  module  TEXT NOT NULL DEFAULT '',
  day     INTEGER NOT NULL,
  visitor BLOB NOT NULL,
  user    BLOB NOT NULL DEFAULT x'',
  PRIMARY KEY (portal, module, day, visitor, user)
) WITHOUT ROWID;
