#!/usr/bin/env bash
# Lets schemathesis ask the API whatever its OpenAPI document allows and forbids, as an admin, a viewer and a partner: no
# answer may be a 5xx, or other than the document says.
#
#   tools/schemathesis.sh [EXAMPLES] [SEED]
set -euo pipefail
cd "$(dirname "$0")/.."
examples=${1:-25} seed=${2:-7}
program=$PWD/target/release/portalmeter
work=$(mktemp -d)
running=
trap '[ -z "$running" ] || kill "$running"; rm -rf "$work"' EXIT

python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet schemathesis

"$program" demo --write-history "$work/node" --history 60 --sessions 6000 --listen 127.0.0.1:18480 --admin 127.0.0.1:18490
for role in admin viewer partner; do
    "$program" hash-password --token >"$work/$role" 2>/dev/null
    {
        printf '\n[[admin.user]]\nname = "%s"\nrole = "%s"\ntoken_hash = "%s"\n' "$role" "$role" "$(tail -n 1 "$work/$role")"
        [ "$role" != partner ] || echo 'account = "harbour-foods"'
    } >>"$work/node/portalmeter.toml"
done
"$program" run --config "$work/node/portalmeter.toml" 2>"$work/log" &
running=$!
until curl -sf -o /dev/null http://127.0.0.1:18490/readyz; do
    kill -0 "$running" || { cat "$work/log"; exit 1; }
    sleep 0.2
done

for role in admin viewer partner; do
    echo "as $role"
    "$work/venv/bin/schemathesis" run docs/openapi.json --url http://127.0.0.1:18490 \
        -H "Authorization: Bearer $(head -n 1 "$work/$role")" --max-examples "$examples" --seed "$seed" --no-color \
        --phases examples,coverage,fuzzing \
        --checks not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance
done
