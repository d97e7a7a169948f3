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
