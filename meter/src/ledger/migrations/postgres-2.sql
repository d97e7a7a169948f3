-- Ids, visitors and users are 16 bytes, shown by portalmeter as 32 hexadecimal digits and by Postgres with hyphens,
-- which it takes either way: WHERE id = '0190a1b2…'. Policies are 16 hexadecimal digits. No module is ''.

-- What is known of the ledger itself: its schema and its id.
CREATE TABLE meta (
  name  text PRIMARY KEY,
  value text NOT NULL
);

-- What policies say, under the ids that records and sessions name.
CREATE TABLE policy (
  id   text PRIMARY KEY,
  text text NOT NULL
);

-- Up to which entry each portal's stream has been taken. Whoever changes anything of a portal locks its row.
CREATE TABLE position (
  portal     text PRIMARY KEY,
  upto       text NOT NULL,
  moved_time timestamptz NOT NULL
);

-- Every usage record and every correction, for good. A total is the sum of `amount` where not withdrawn.
CREATE TABLE usage_record (
  id          uuid PRIMARY KEY,
  portal      text NOT NULL,
  module      text NOT NULL,
  visitor     uuid NOT NULL,             -- all zeros of a correction by hand
  session     uuid,
  started     timestamptz,               -- the session's first page
  day         date NOT NULL,             -- on which it counts, in zone
  zone        text NOT NULL,
  class       text NOT NULL,             -- guest external internal bot
  reason      text NOT NULL,             -- start midnight login relogin user_switch; manual of a correction by hand
  account     text,
  user_hash   uuid,
  agent       text,                      -- a bot's name
  rule        text NOT NULL,             -- which gave the evidence
  policy      text,
  trial       boolean NOT NULL,          -- of a portal that is only observed
  event_time  timestamptz NOT NULL,      -- of the page that counted
  stored_time timestamptz NOT NULL,      -- when the store took it
  withdrawn   boolean NOT NULL,          -- it no longer follows from what is known
  amount      integer NOT NULL,          -- 1 of a record, any number of a correction
  corrects    date,                      -- the sealed day that a correction corrects
  of_record   uuid,                      -- the record that a correction is about
  author      text,                      -- of a correction by hand
  note        text                       -- its reason
);
CREATE INDEX usage_record_day ON usage_record (portal, day, visitor);
CREATE INDEX usage_record_of ON usage_record (of_record) WHERE of_record IS NOT NULL;

-- How each session stands: told as it lives, kept for ledger.keep_sessions.
CREATE TABLE session (
  id            uuid PRIMARY KEY,
  portal        text NOT NULL,
  module        text NOT NULL,
  visitor       uuid NOT NULL,
  started       timestamptz NOT NULL,
  began         text NOT NULL,           -- why it is one of its own: start relogin user_switch
  last_seen     timestamptz NOT NULL,
  counted_day   date NOT NULL,           -- the last day it counted on
  class         text NOT NULL,
  proven_guest  boolean NOT NULL,
  logged_out    boolean NOT NULL,
  user_hash     uuid,
  account       text,
  agent         text,
  pages         bigint NOT NULL,
  actions       bigint NOT NULL,
  converted     date,                    -- the day on which a guest's became external
  zone          text NOT NULL,
  policy        text NOT NULL,
  gone          boolean NOT NULL,        -- it turned out to be none
  stored_time   timestamptz NOT NULL,
  last_day      date GENERATED ALWAYS AS ((last_seen AT TIME ZONE 'UTC')::date) STORED
) WITH (fillfactor = 80);                -- room to change in place, for it is told again while it lives
CREATE INDEX session_last_day ON session (last_day, portal, visitor);

-- Totals: sums over usage_record; converted, of sessions; and statistics. Never changed once sealed.
CREATE TABLE usage_day (
  portal      text NOT NULL,
  day         date NOT NULL,
  module      text NOT NULL,
  zone        text NOT NULL,
  guest       bigint NOT NULL,
  external    bigint NOT NULL,
  internal    bigint NOT NULL,
  bot         bigint NOT NULL,
  billable    bigint GENERATED ALWAYS AS (guest + external) STORED,
  converted   bigint NOT NULL,
  page_views  bigint NOT NULL,
  actions     bigint NOT NULL,
  duration_ms bigint NOT NULL,
  revision    bigint NOT NULL,           -- one more with each change
  sealed      timestamptz,               -- when
  PRIMARY KEY (portal, day, module)
) WITH (fillfactor = 70);
CREATE INDEX usage_day_open ON usage_day (day) WHERE sealed IS NULL;

-- Which people's browsers, and which users, were there on a day.
CREATE TABLE presence (
  portal    text NOT NULL,
  module    text NOT NULL,
  day       date NOT NULL,
  visitor   uuid NOT NULL,
  user_hash uuid NOT NULL,               -- all zeros where nobody was signed in
  PRIMARY KEY (portal, module, day, visitor, user_hash)
);
