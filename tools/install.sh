#!/bin/sh
# Installs what a fresh Debian machine with Rust, Node and apt lacks. Says each thing; run it as often as you like.
#
#   tools/install.sh build   what building needs
#   tools/install.sh test    what the tests need too
set -eu
cd "$(dirname "$0")/.."
what=${1:-test}

deny=0.20.2 # cargo-deny, where there is none yet

say() { echo "install: $*"; }
there() { command -v "$1" >/dev/null 2>&1; }

packages=
want() { # package, why
    say "$1 is missing ($2): it will be installed with apt-get"
    packages="$packages $1"
}

there cargo || { say "cargo is missing: install Rust with rustup first" >&2; exit 1; }
there cc && there c++ || want build-essential "SQLite, zstd and the cryptography are compiled from C"
there cmake || want cmake "so is zlib, by its own build"

if [ "$what" = test ]; then
    there node || want nodejs "drives the browser"
    there npm || want npm "fetches what drives the browser"
    there "${CHROMIUM:-/usr/bin/chromium}" || want chromium "the real browser"
    python3 -c 'import ensurepip, venv' 2>/dev/null || want python3-venv "the real portal is a Django site"
    there curl || want curl "the client that keeps no cookies"
    there redis-server || there valkey-server || want redis-server "tests start servers of their own"
    there openssl || want openssl "certificates for a server with TLS"
    there faketime || want faketime "midnight comes when a test asks for it"
    # Debian keeps its programs off the PATH.
    there initdb || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || want postgresql "a Postgres of the tests' own"
fi

if [ -n "$packages" ]; then
    sudo=
    [ "$(id -u)" = 0 ] || sudo=sudo
    if ! there apt-get || { [ -n "$sudo" ] && ! there sudo; }; then
        say "this needs apt-get, as root or with sudo; please install:$packages" >&2
        exit 1
    fi
    $sudo apt-get update -qq
    # shellcheck disable=SC2086 # a list of words
    $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $packages
fi

if [ "$what" = test ]; then
    if ! cargo fmt --version >/dev/null 2>&1 || ! cargo clippy --version >/dev/null 2>&1; then
        say "rustfmt and clippy are missing: they will be installed with rustup"
        rustup component add rustfmt clippy
    fi
    if ! cargo deny --version >/dev/null 2>&1; then
        say "cargo-deny is missing (licences and sources of dependencies): cargo builds it, which takes some minutes"
        cargo install cargo-deny --version "$deny" --locked --quiet
    fi
fi
say "everything to $what is there"
