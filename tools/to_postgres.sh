#!/usr/bin/env bash
# Copies an embedded ledger into an empty Postgres schema, to be asked there: tools/to_postgres.sh DATA_DIR URL
set -euo pipefail
cd "$(dirname "$0")/.."
file="$1/portalmeter.db" url="$2"
test -f "$file" || { echo "no ledger at $file" >&2; exit 1; }

sql() { psql --quiet --no-psqlrc --set ON_ERROR_STOP=1 "$url" "$@"; }
at() { echo "strftime('%Y-%m-%d %H:%M:%f+00', $1 / 1000.0, 'unixepoch')"; }
day() { echo "date($1 * 86400, 'unixepoch')"; }
# No name is '' there, and all zeros here.
name() { echo "CASE $1 WHEN '' THEN printf('%032d', 0) ELSE $1 END"; }

copy() { # table, its columns, the same as SQLite tells them
  echo "$1" >&2
  sqlite3 -csv -nullvalue '\N' "$file" "SELECT $3 FROM $1" | sql -c "COPY $1 ($2) FROM STDIN (FORMAT csv, NULL '\\N')"
}

for version in 2 3; do sql -f "meter/src/ledger/migrations/postgres-$version.sql"; done
sql -c "INSERT INTO meta (name, value) VALUES ('schema', '3'), ('ledger_id', substr(md5(random()::text), 1, 16))"

copy policy 'id, text' 'id, text'
copy usage_record \
  'id, portal, module, visitor, session, started, day, zone, class, reason, account, user_hash, agent, rule, policy, trial, event_time, stored_time, withdrawn, amount, corrects, of_record, author, note' \
  "id, portal, module, $(name visitor), session, $(at started), $(day day), zone, class, reason, account, user_hash, agent, rule, policy, trial, $(at event_time), $(at stored_time), withdrawn, amount, $(day corrects), of_record, author, note"
copy session \
  'id, portal, module, visitor, started, began, last_seen, counted_day, class, proven_guest, logged_out, user_hash, account, agent, pages, actions, converted, zone, policy, gone, stored_time' \
  "id, portal, module, visitor, $(at started), began, $(at last_seen), $(day counted_day), class, proven_guest, logged_out, user_hash, account, agent, pages, actions, $(day converted), zone, policy, gone, $(at stored_time)"
copy usage_day \
  'portal, day, module, zone, guest, external, internal, bot, converted, page_views, actions, duration_ms, revision, sealed' \
  "portal, $(day day), module, zone, guest, external, internal, bot, converted, page_views, actions, duration_ms, revision, $(at sealed)"
copy presence 'portal, module, day, visitor, user_hash' "portal, module, $(day day), visitor, $(name user_hash)"
copy act \
  'portal, day, at, module, class, account, user_hash, room, resource, action, count' \
  "portal, $(day day), $(at at), module, class, account, $(name user_hash), room, resource, action, count"
copy digest 'portal, kind, span, day, body' "portal, kind, span, $(day day), '\\x' || lower(hex(body))"
sql -c 'ANALYZE'
