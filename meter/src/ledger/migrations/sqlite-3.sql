-- What people did, by quarter of an hour, until their day's digest has it. Accounts and users are '' where there are
-- none; the action is '' of a page view.
CREATE TABLE act (
  portal    TEXT NOT NULL,
  day       INTEGER NOT NULL,
  at        INTEGER NOT NULL,              -- when the quarter of an hour began
  module    TEXT NOT NULL,
  class     TEXT NOT NULL,
  account   TEXT NOT NULL,
  user_hash TEXT NOT NULL,
  room      TEXT NOT NULL,
  resource  TEXT NOT NULL,
  action    TEXT NOT NULL,
  count     INTEGER NOT NULL,
  PRIMARY KEY (portal, day, at, module, class, account, user_hash, room, resource, action)
) WITHOUT ROWID;

-- Days and months that are over, added up for looking at: `visits` and `reach` follow from the rows above and may be
-- made anew at any time; `views` has taken the rows of `act`.
CREATE TABLE digest (
  portal TEXT NOT NULL,
  kind   TEXT NOT NULL,                    -- visits reach views
  span   TEXT NOT NULL,                    -- day month
  day    INTEGER NOT NULL,                 -- the first of it
  body   BLOB NOT NULL,
  PRIMARY KEY (portal, kind, span, day)
);

CREATE INDEX session_started ON session (portal, started);
CREATE INDEX usage_record_corrects ON usage_record (portal, day, visitor, id) WHERE corrects IS NOT NULL;
