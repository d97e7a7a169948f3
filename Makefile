# What the README, CONTRIBUTING and .ci/run call. `make` alone lists it.

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help demo schemathesis bench-api history test build check fmt clippy doc deny fuzz unit e2e fleet chaos away stress bench agents-diff clean install-build install-test

PORTALMETER := target/release/portalmeter
# Options for the demo: make demo ARGS="--listen 127.0.0.1:8081"
ARGS ?=
FLEET := cargo run --release --locked -p portalmeter --example fleet --
# How many sessions a made-up year has, and where it goes: make history SESSIONS=5000000 DIR=/tmp/year
SESSIONS ?= 150000
DIR ?= target/history
# How long each fuzz target runs, and which: make fuzz SECONDS=3600 ARGS="jwt config"
SECONDS ?= 30
# What agents-diff compares with, and on which lists
OLD ?= HEAD
CORPORA ?= ../shared/corpora/user-agents
# What bench-api asks: a data directory or a Postgres, and the list of accounts
LEDGER ?= target/history/data
ACCOUNTS ?= target/history/accounts.csv

help: ## what there is to make
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9-]+):.*## /  make \1\t/' | expand -t 16

demo: install-build build ## install what is missing, build, run the demo
	$(PORTALMETER) demo $(ARGS)

history: build ## a year of made-up sessions in a folder: SESSIONS=150000 DIR=target/history
	$(PORTALMETER) demo --write-history $(DIR) --sessions $(SESSIONS) $(ARGS)

test: install-test check build unit e2e ## install what is missing, run every test, a real browser included

build: ## target/release/portalmeter
	cargo build --release --locked

check: fmt clippy doc deny fuzz ## what needs no portal: format, lints, documentation, dependencies, fuzzing

fmt:
	cargo fmt --all --check
	cargo fmt --manifest-path fuzz/Cargo.toml --check

clippy:
	cargo clippy --workspace --all-targets --locked -- -D warnings

doc:
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked

deny:
	tools/deny.sh

fuzz: ## hostile input for whatever reads some, half a minute a target
	tools/fuzz.sh $(SECONDS) $(ARGS)

unit: ## the tests of the crates
	cargo test --workspace --locked

e2e: build ## a real portal, a real browser, the real numbers
	tests/real_portal/install.sh
	node tests/real_portal/run.mjs

fleet: build ## 100,000 sessions over three nodes, Redis and Postgres, and every count compared with the truth
	$(FLEET) --sessions 100000 $(ARGS)

chaos: build ## the same, while nodes, Redis and Postgres are killed, paused, flushed and cut off, 220 times
	$(FLEET) --store replicated --faults 220 --ahead 5 $(ARGS)

away: build ## how visitors fare while Redis is away: nine minutes of two fleets side by side
	$(FLEET) --away 9 $(ARGS)

stress: build ## how an honest visitor fares while others misbehave
	cargo run --release --locked -p portalmeter --example stress -- $(ARGS)

schemathesis: build ## the API asked by schemathesis, as each role
	tools/schemathesis.sh

bench-api: ## how long the API takes over a ledger: make bench-api LEDGER=target/history/data ACCOUNTS=target/history/accounts.csv
	cargo run --release --locked -p portalmeter-dashboard --example ask -- $(LEDGER) $(ACCOUNTS)

bench: ## benchmarks
	cargo bench --workspace --locked

agents-diff: ## what a change of the rules about bots changes: make agents-diff OLD=HEAD~1 CORPORA=folder
	tools/agents_diff.sh $(OLD) $(CORPORA)

clean: ## remove what was built and what the tests installed
	cargo clean
	rm -rf tests/.venv tests/real_portal/node_modules

install-build:
	@tools/install.sh build

install-test:
	@tools/install.sh test
