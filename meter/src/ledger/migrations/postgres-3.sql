-- What people did, by quarter of an hour, until their day's digest has it. Accounts are '' and users all zeros where
-- there are none; the action is '' of a page view.
CREATE TABLE act (
  portal    text NOT NULL,
  day       date NOT NULL,
  at        timestamptz NOT NULL,          -- when the quarter of an hour began
  module    text NOT NULL,
  class     text NOT NULL,
  account   text NOT NULL,
  user_hash uuid NOT NULL,
  room      text NOT NULL,
  resource  text NOT NULL,
  action    text NOT NULL,
  count     bigint NOT NULL,
  PRIMARY KEY (portal, day, at, module, class, account, user_hash, room, resource, action)
);

-- Days and months that are over, added up for looking at: `visits` and `reach` follow from the rows above and may be
-- made anew at any time; `views` has taken the rows of `act`.
CREATE TABLE digest (
  portal text NOT NULL,
  kind   text NOT NULL,                    -- visits reach views
  span   text NOT NULL,                    -- day month
  day    date NOT NULL,                    -- the first of it
  body   bytea NOT NULL,
  PRIMARY KEY (portal, kind, span, day)
);
ALTER TABLE digest ALTER COLUMN body SET STORAGE EXTERNAL;  -- large, and mostly random numbers

CREATE INDEX session_started ON session (portal, started);
CREATE INDEX usage_record_corrects ON usage_record (portal, day, visitor, id) WHERE corrects IS NOT NULL;
