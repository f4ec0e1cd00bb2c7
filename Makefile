# The usual tasks. How the product is built is in `tools/xtask`; this file installs what a task needs, and starts it.

.DEFAULT_GOAL := help
.NOTPARALLEL:
MAKEFLAGS += --no-print-directory

# Always `target`, whatever a developer's own settings say: tasks look for the server there.
export CARGO_TARGET_DIR := $(CURDIR)/target

# The server that the tests start. The path is absolute, because the browser tests run in their own folder.
export DEVELOPER_ZONE_BIN ?= $(CARGO_TARGET_DIR)/debug/developer-zone

# What the tests build: every native crate but `xtask`, which the build runs with features of its own. `cargo xtask
# build` selects the same features, so that dependencies are compiled once.
TESTED := --package model --package store --package app --package server --package temporary-postgres --package checker \
          --package bench \
          --features app/ssr

# In these tasks, Clippy compiles what is tested, and warnings are errors: what is linted is not compiled once more to be
# run. Clippy turns optimisations off, so `cargo xtask` builds the WASM without it: only the dependencies are compiled once.
LINTED := check lint lint-native lint-browser test test-rust test-revocation e2e conformance clients soak sabotage fuzz-http
$(LINTED): export RUSTC_WORKSPACE_WRAPPER := clippy-driver
$(LINTED): export CLIPPY_ARGS := --deny__CLIPPY_HACKERY__warnings

XTASK := cargo xtask

# `app` is also compiled for the browser. The lints have the profile of the build, so that dependencies are compiled once.
BROWSER := --package frontend --package app --features app/hydrate \
           --profile wasm --target wasm32-unknown-unknown --target-dir target/front

# The checker starts real servers on a temporary PostgreSQL, breaks them, and judges their responses: docs/revocation.md.
# With `--tests`, it uses the dependencies as they are compiled for the tests.
BUILD_CHECKER := cargo build $(TESTED) --tests --bin history-checker
CHECKER       := cargo xtask with-postgres -- $(CARGO_TARGET_DIR)/debug/history-checker
# It starts PostgreSQL servers of its own.
FAILOVER      := $(CARGO_TARGET_DIR)/debug/history-checker failover

# How long the longer checks take.
SOAK_MINUTES ?= 10
FAILOVER_MINUTES ?= 5
SIEGE_MINUTES ?= 14
FUZZ_SECONDS ?= 60
EXAMPLES     ?= 40

# Tools that `tools/scripts/setup` builds from source, when a task first needs them.
TOOLS := PATH="$(CURDIR)/target/tools/bin:$$PATH"

NPM_PACKAGES := end2end/node_modules/.package-lock.json
# What `make clients` needs.
CLIENTS      := tools/clients/node_modules/.package-lock.json
# Lighthouse has a package of its own, because no test needs it.
LIGHTHOUSE   := end2end/lighthouse/node_modules/.package-lock.json

# Announces a section, and notes when it began. `make test` prints the times at its end.
SECTIONS := target/sections
section = @mkdir -p target; printf '\n== %s\n' "$(1)"; printf '%s %s\n' "$$(date +%s)" "$(1)" >>$(SECTIONS)

##@ Run

run: setup-build ## Build, then serve http://127.0.0.1:3000 with demo data (ARGS=… adds options)
	@cargo xtask run -- serve --demo $(ARGS)

dev: setup-build ## The same, and rebuild whenever a source file changes
	@cargo xtask dev -- serve --demo $(ARGS)

build: setup-build ## Build the binary to ship: target/release/developer-zone
	@cargo xtask build --release

deb: setup-build setup-deb ## Build the Debian package to ship, into target/debian
	@cargo xtask build --release
	@cargo deb --package server --no-build

##@ Check

check: lint-native lint-browser ## Two minutes: format, clippy, and the tests that need neither PostgreSQL nor a browser
	$(call section,Tests without PostgreSQL and browser)
	@cargo test $(TESTED)
	@cargo test --package xtask --bins

test: ## Everything that CI runs: lints, Rust tests, revocation, conformance, generated clients and browser tests
	@rm -f $(SECTIONS)
	@$(MAKE) test-sections; passed=$$?; tools/scripts/times $(SECTIONS); exit $$passed

# The front end and the native crates are compiled at the same time, because each uses one processor for most of its time.
# `cargo xtask` would wait here for the other cargo, as `xtask build` does at its end. What `setup-test` installs is
# downloaded meanwhile.
#
# Most tests wait for servers, databases and browsers, not for a processor: so all kinds run at the same time.
test-sections: setup-build
	$(call section,Build and lints)
	@cargo build --package xtask
	@$(MAKE) setup-test & programs=$$!; \
	  { $(MAKE) lint-browser lint-files SECTIONS=/dev/null XTASK=target/debug/xtask && target/debug/xtask build; } & site=$$!; \
	  $(MAKE) lint-native SECTIONS=/dev/null; built=$$?; \
	  wait $$programs && wait $$site && exit $$built
	$(call section,Tests)
	@tools/scripts/together test-rust test-revocation e2e

test-rust: export RUST_TEST_THREADS := 4
test-rust: setup-test
	$(call section,Rust tests)
	@cargo test $(TESTED)
	$(call section,Rust tests with PostgreSQL and the front end)
	@cargo xtask with-postgres -- cargo test $(TESTED) --test it --test contract -- --ignored
	$(call section,Tests of the tools)
	@cargo test --package xtask

test-revocation: setup-test
	$(call section,Revocation and durability)
	@$(BUILD_CHECKER)
	@$(CHECKER) --short
	@$(FAILOVER) --short
	@$(CHECKER) durability --short
	@$(CHECKER) ends --short
	@$(CHECKER) siege --short
	@$(MAKE) conformance
	@$(MAKE) clients

lint: lint-native lint-browser lint-files ## Format, clippy for server and browser, import cycles, types of the browser tests, supply chain

lint-native: setup-build
	$(call section,Format)
	@cargo fmt --all --check
	$(call section,Clippy for the server)
	@cargo test $(TESTED) --no-run
	@cargo test --package xtask --no-run

lint-browser: setup-build
	$(call section,Clippy for the browser)
	@cargo build $(BROWSER)

lint-files: setup-build
	$(call section,Import cycles)
	@$(XTASK) import-cycles
	$(call section,Types of the browser tests)
	@cd end2end && node_modules/.bin/tsc --noEmit
	$(call section,Supply chain)
	@$(XTASK) supply-chain
	@$(XTASK) sbom

# For rust-analyzer (.vscode/settings.json): clippy's findings as JSON.
editor-check:
	@cargo clippy $(TESTED) --package xtask --all-targets --message-format=json; native=$$?; \
	  cargo clippy $(BROWSER) --message-format=json && exit $$native

e2e: setup-test ## Browser tests (ARGS=… adds options of Playwright)
	$(call section,Browser tests)
	@cargo xtask build
	@cd end2end && node_modules/.bin/playwright test $(ARGS)

conformance: setup-test ## The API against its own OpenAPI document, with schemathesis (EXAMPLES=40 for each operation)
	$(call section,Conformance of the API)
	@cargo xtask build
	@tools/conformance/run $(EXAMPLES)

clients: setup-test ## Generate clients from the OpenAPI document with several generators, and call the server with each
	$(call section,Generated clients)
	@cargo xtask build
	@tools/clients/run

soak: setup-test ## Revocation under load for SOAK_MINUTES=10, failovers for FAILOVER_MINUTES=5, durability, a log that cannot be written
	$(call section,Revocation)
	@cargo xtask build
	@$(BUILD_CHECKER)
	@$(CHECKER) --minutes $(SOAK_MINUTES)
	$(call section,Failovers of PostgreSQL)
	@$(FAILOVER) --minutes $(FAILOVER_MINUTES)
	@$(FAILOVER) --short --lease-ms 30000
	$(call section,Durability)
	@$(CHECKER) durability
	$(call section,Ended sessions)
	@$(CHECKER) ends
	$(call section,A log that cannot be written)
	@LOG_FAULTS_SECONDS=$$(($(SOAK_MINUTES) * 60)) cargo test $(TESTED) --test it -- --ignored a_server_whose_log_cannot_be_written

sabotage: setup-test ## Show that the checker detects servers that break a promise
	$(call section,Promises with a part of their protection left out)
	@cargo xtask build
	@$(BUILD_CHECKER)
	@cargo build --package server --bin developer-zone --features sabotage
	@DEVELOPER_ZONE_SABOTAGE=no-wait $(CHECKER) --short --expect-violation && \
	  DEVELOPER_ZONE_SABOTAGE=no-loss-check $(FAILOVER) --short --expect-violation && \
	  DEVELOPER_ZONE_SABOTAGE=no-check $(CHECKER) ends --short --expect-violation && \
	  DEVELOPER_ZONE_SABOTAGE=no-shares $(CHECKER) siege --short --expect-violation; \
	  found=$$?; cargo xtask build && exit $$found

# These measure the optimised program.
siege bench lighthouse: export DEVELOPER_ZONE_BIN = $(CARGO_TARGET_DIR)/release/developer-zone

siege: setup-test ## Attacks on the optimised server while an owner and a partner work, for docs/siege.md (SIEGE_MINUTES=14)
	@cargo xtask build --release
	@cargo build --release --package checker --bin history-checker
	$(call section,Siege)
	@cargo xtask with-postgres -- $(CARGO_TARGET_DIR)/release/history-checker siege --minutes $(SIEGE_MINUTES)

# For `bench scale`: PostgreSQL counts statements, and writes as in production.
COUNTED_AND_DURABLE := -c shared_preload_libraries=pg_stat_statements -c fsync=on -c synchronous_commit=on \
                       -c full_page_writes=on

bench: setup-test ## Benchmarks for docs/performance.md, on an idle machine
	@tools/scripts/setup wrk
	@cargo xtask build --release
	@cargo build --release --package bench
	@cargo build --release --package store --example million_tokens
	$(call section,One check of a key)
	@target/release/bench key
	$(call section,Pings compared with a bare handler)
	@cargo xtask with-postgres -- target/release/bench ping
	$(call section,A million tokens)
	@cargo xtask with-postgres -- target/release/bench cold
	$(call section,Very many tokens in use)
	@TEST_POSTGRES_OPTIONS="$(COUNTED_AND_DURABLE)" cargo xtask with-postgres -- target/release/bench scale
	$(call section,From click to confirmation and polls of open pages)
	@cd end2end && \
	  TEST_POSTGRES_OPTIONS="$(COUNTED_AND_DURABLE)" ../target/debug/xtask with-postgres -- \
  node_modules/.bin/playwright test --config measure.config.ts deactivation polls

lighthouse: setup-test $(LIGHTHOUSE) ## Lighthouse, and first visits in a slowed-down browser, as on a phone with a slow connection
	@cargo xtask build --release
	$(call section,Lighthouse)
	@cd end2end && node_modules/.bin/playwright test --config measure.config.ts lighthouse phone

deb-test: setup-build setup-deb ## Build a Debian package, install it on this machine (as root), test it and remove it
	$(call section,Debian package)
	@cargo xtask build
	@cargo deb --quiet --package server --profile dev --no-build --no-strip --fast --output target/debian/developer-zone-debug.deb
	@deploy/deb/test target/debian/developer-zone-debug.deb

fuzz: setup-build ## Fuzz the parsers of untrusted input with libFuzzer, then a server over raw HTTP (FUZZ_SECONDS=60 for each)
	$(call section,Fuzzing)
	@tools/scripts/setup cplusplus
	@tools/fuzz/run $(FUZZ_SECONDS)
	@$(MAKE) fuzz-http

# The same seed sends the same requests again: make fuzz-http RAW_HTTP_SEED=…
fuzz-http: setup-build
	$(call section,Raw HTTP)
	@cargo xtask build
	@seed=$${RAW_HTTP_SEED:-$$(date +%s%N)}; echo "RAW_HTTP_SEED=$$seed"; \
	  RAW_HTTP_SEED=$$seed RAW_HTTP_SECONDS=$(FUZZ_SECONDS) \
	  cargo test $(TESTED) --test it -- --ignored thousands_of_odd_requests

mutants: setup-test ## Mutation tests of the API's checks and of the cache of keys; hours
	$(call section,Mutants)
	@tools/scripts/setup cargo_mutants
	@$(TOOLS) cargo xtask with-postgres -- cargo mutants --output target/mutants $(ARGS)

audit: setup-rust ## Known vulnerabilities of all crates; fails if the advisory database cannot be fetched
	$(call section,Known vulnerabilities)
	@tools/scripts/setup cargo_deny
	@$(TOOLS) tools/scripts/audit

sbom: setup-rust ## Every crate in the binary, with version, licence and hash: target/sbom/*.cdx.json (CycloneDX)
	@cargo xtask sbom

nightly: ## What takes too long for make test, hours in all: soak, siege, sabotage, fuzzing, audit, every look, Lighthouse, mutants
	@$(MAKE) audit
	@$(MAKE) soak SOAK_MINUTES=30
	@$(MAKE) siege
	@$(MAKE) sabotage
	@$(MAKE) conformance EXAMPLES=400
	@$(MAKE) fuzz FUZZ_SECONDS=600
	@$(MAKE) e2e ARGS='--config nightly.config.ts'
	@$(MAKE) lighthouse
	@$(MAKE) mutants

fmt: setup-rust ## Format all Rust code
	@cargo fmt --all

##@ Set up

setup: setup-test ## Install what the tasks above need; each task also does this itself

setup-rust:
	@tools/scripts/setup rust

setup-build: $(NPM_PACKAGES)
	@tools/scripts/setup compiler rust

setup-test: setup-build $(CLIENTS)
	@tools/scripts/setup browser postgresql pgbouncer proxies recipes schemathesis clients

setup-deb:
	@tools/scripts/setup deb

# npm writes this file last. It is older than the lock file if packages must be installed again.
$(NPM_PACKAGES): end2end/package-lock.json
	@tools/scripts/setup node
	@cd end2end && npm ci --no-audit --no-fund --ignore-scripts

$(CLIENTS): tools/clients/package-lock.json
	@tools/scripts/setup node
	@cd tools/clients && npm ci --no-audit --no-fund --ignore-scripts

$(LIGHTHOUSE): end2end/lighthouse/package-lock.json
	@tools/scripts/setup node
	@cd end2end/lighthouse && npm ci --no-audit --no-fund --ignore-scripts

help: ## List these tasks
	@awk 'BEGIN { FS = ":.*## " } \
	      /^##@ / { printf "\n%s\n", substr($$0, 5) } \
	      /^[a-z0-9-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' Makefile

.PHONY: run dev build deb check test test-sections test-rust test-revocation nightly lint lint-native lint-browser lint-files editor-check e2e conformance clients soak sabotage siege bench lighthouse deb-test fuzz fuzz-http mutants audit sbom fmt setup setup-rust setup-build setup-test setup-deb help
