#!/bin/sh
# Installs what the real-portal test needs beside this tree. Run it as often as you like.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
venv=$here/../.venv
say() { echo "real portal: $*"; }

chromium=${CHROMIUM:-/usr/bin/chromium}
for tool in "$chromium" curl node npm python3; do
    command -v "$tool" >/dev/null || { say "$tool is missing (apt-get install chromium curl nodejs npm python3 python3-venv)" >&2; exit 1; }
done

if ! cmp -s "$here/requirements.txt" "$venv/real_portal.installed" || ! "$venv/bin/python" -c 'import django, waitress' 2>/dev/null; then
    say "installing into tests/.venv with pip:" $(cat "$here/requirements.txt")
    "$venv/bin/python" -m pip --version >/dev/null 2>&1 || python3 -m venv --clear "$venv"
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check -r "$here/requirements.txt"
    cp "$here/requirements.txt" "$venv/real_portal.installed"
fi

if ! cmp -s "$here/package-lock.json" "$here/node_modules/.installed"; then
    say "installing into tests/real_portal/node_modules with npm: playwright-core"
    (cd "$here" && npm ci --silent)
    cp "$here/package-lock.json" "$here/node_modules/.installed"
fi
say "everything is there"
