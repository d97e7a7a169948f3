#!/bin/sh
# Dependencies: licences, sources and bans always; known advisories where their database can be fetched.
set -eu
cd "$(dirname "$0")/.."

cargo deny --locked check bans licenses sources

if why=$(timeout 120 cargo deny --locked fetch db 2>&1); then
    cargo deny --locked check advisories
else
    echo "advisories NOT checked: their database cannot be fetched from here"
    echo "$why" | tail -n 1
fi
