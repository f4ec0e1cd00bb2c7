# The way in. What is built, and how, is in `xtask`; this file sees to the tools and names the usual tasks.

.DEFAULT_GOAL := help
.NOTPARALLEL:
MAKEFLAGS += --no-print-directory

# The server is always found under `target`, whatever a developer's own settings say.
export CARGO_TARGET_DIR := $(CURDIR)/target

# What the browser tests start; an absolute path, because they run in their own folder.
export DEVELOPER_ZONE_BIN ?= $(CARGO_TARGET_DIR)/debug/developer-zone

# `app` is code for two places. Never check it for both at once: cargo would unite what must stay apart.
SERVER_CRATES  := --package model --package store --package app --package server --features app/ssr
BROWSER_CRATES := --package frontend --package app --features app/hydrate \
                  --target wasm32-unknown-unknown --target-dir target/front

# Real servers on a throwaway PostgreSQL, broken and judged: docs/revocation.md.
CHECKER := cargo xtask with-postgres -- cargo run --quiet --package checker --
SOAK_MINUTES ?= 10

# Tools that are built from source when they are first asked for, in a place of their own.
TOOLS := PATH="$(CURDIR)/target/tools/bin:$$PATH"
DENY  := $(TOOLS) cargo deny --all-features --locked --config deny.toml
FUZZ_SECONDS ?= 60

NPM_PACKAGES := end2end/node_modules/.package-lock.json
# A package of its own: no test needs it.
LIGHTHOUSE   := end2end/lighthouse/node_modules/.package-lock.json

section = @printf '\n== %s\n' "$(1)"

##@ Run

run: setup-build ## Build, then serve http://127.0.0.1:3000 with demo data (ARGS=… adds options)
	@cargo xtask run -- serve --demo $(ARGS)

dev: setup-build ## The same, and again whenever a source file changes
	@cargo xtask dev -- serve --demo $(ARGS)

build: setup-build ## Build the binary to ship: target/release/developer-zone
	@cargo xtask build --release

deb: setup-build setup-deb ## Build the Debian package to ship, into target/debian
	@cargo xtask build --release
	@cargo deb --package server --no-build

##@ Check

test: setup-test ## Everything: format, lints, types, Rust, conformance and browser tests
	@$(MAKE) lint
	$(call section,Build)
	@cargo xtask build
	$(call section,Rust tests)
	@cargo test $(SERVER_CRATES)
	$(call section,Rust tests that need PostgreSQL or other programs)
	@cargo xtask with-postgres -- cargo test $(SERVER_CRATES) --test it --test contract -- --ignored
	$(call section,Tests of the tools)
	@cargo test --package xtask
	@cargo test --package checker
	$(call section,Revocation and durability)
	@$(CHECKER) --short
	@$(CHECKER) durability --short
	@$(MAKE) conformance
	@$(MAKE) e2e ARGS=
	$(call section,Known vulnerabilities)
	@$(TOOLS) tools/scripts/audit; case $$? in \
	  0) printf '\nmake test: everything passed\n' ;; \
	  3) printf '\nmake test: everything passed but the look for known vulnerabilities, which cannot be had here\n' ;; \
	  *) exit 1 ;; \
	esac

lint: setup-build ## Format, clippy for server and browser, types of the browser tests, supply chain
	$(call section,Format)
	@cargo fmt --all --check
	$(call section,Clippy for the server)
	@cargo clippy $(SERVER_CRATES) --all-targets -- --deny warnings
	@cargo clippy --package xtask --all-targets -- --deny warnings
	@cargo clippy --package checker --all-targets -- --deny warnings
	$(call section,Clippy for the browser)
	@cargo clippy $(BROWSER_CRATES) -- --deny warnings
	$(call section,Types of the browser tests)
	@cd end2end && node_modules/.bin/tsc --noEmit
	$(call section,Supply chain)
	@cargo xtask supply-chain
	@tools/scripts/setup cargo_deny cargo_cyclonedx
	@$(DENY) check bans licenses sources
	@$(DENY) --manifest-path tools/fuzz/Cargo.toml check bans licenses sources
	@$(TOOLS) tools/scripts/sbom

e2e: setup-test ## Browser tests (ARGS=… goes to Playwright)
	$(call section,Browser tests)
	@cargo xtask build
	@cd end2end && node_modules/.bin/playwright test $(ARGS)

conformance: setup-test ## The API against its own OpenAPI document, with schemathesis
	$(call section,Conformance of the API)
	@cargo xtask build
	@tools/conformance/run

soak: setup-test ## Revocation and durability, for long (SOAK_MINUTES=10)
	$(call section,Revocation)
	@cargo xtask build
	@$(CHECKER) --minutes $(SOAK_MINUTES)
	$(call section,Durability)
	@$(CHECKER) durability

sabotage: setup-test ## Show that the checker finds servers that report a change too early
	$(call section,Revocation with the wait left out)
	@cargo xtask build
	@cargo build --package server --bin developer-zone --features store/sabotage
	@DEVELOPER_ZONE_SABOTAGE=no-wait $(CHECKER) --short --expect-violation; \
	  found=$$?; cargo xtask build && exit $$found

# Figures are those of the optimised program.
bench lighthouse: export DEVELOPER_ZONE_BIN = $(CARGO_TARGET_DIR)/release/developer-zone

bench: setup-test ## Figures for docs/performance.md: the guard, pings, a million tokens, a click
	@tools/scripts/setup wrk
	@cargo xtask build --release
	@cargo build --release --package bench
	@cargo build --release --package store --example million_tokens
	$(call section,The guard alone)
	@cargo bench --package store
	$(call section,Pings beside a bare handler)
	@cargo xtask with-postgres -- target/release/bench ping
	$(call section,A million tokens)
	@cargo xtask with-postgres -- target/release/bench cold
	$(call section,From click to done)
	@cd end2end && \
	  ../target/debug/xtask with-postgres -- node_modules/.bin/playwright test --config measure.config.ts deactivation

lighthouse: setup-test $(LIGHTHOUSE) ## Lighthouse on the main pages, as on a phone with a slow connection
	@cargo xtask build --release
	$(call section,Lighthouse)
	@cd end2end && node_modules/.bin/playwright test --config measure.config.ts lighthouse

deb-test: setup-build setup-deb ## Make a Debian package of a debug build, install it here (as root), try it and remove it
	$(call section,Debian package)
	@cargo xtask build
	@cargo deb --quiet --package server --profile dev --no-build --no-strip --fast --output target/debian/developer-zone-debug.deb
	@deploy/deb/test target/debian/developer-zone-debug.deb

fuzz: setup-build ## What strangers send, made up by libFuzzer (FUZZ_SECONDS=60 for each target)
	$(call section,Fuzzing)
	@tools/scripts/setup cplusplus
	@tools/fuzz/run $(FUZZ_SECONDS)

mutants: setup-test ## Whether the tests notice a guard and grants that were changed (hours): docs/log
	$(call section,Mutants of the guard and the grants)
	@tools/scripts/setup cargo_mutants
	@$(TOOLS) cargo xtask with-postgres -- cargo mutants --output target/mutants $(ARGS)

audit: setup-rust ## Known vulnerabilities in what is built in; fails where they cannot be looked up
	$(call section,Known vulnerabilities)
	@tools/scripts/setup cargo_deny
	@$(TOOLS) tools/scripts/audit

sbom: setup-rust ## What the binary is made of: target/sbom/*.cdx.json (CycloneDX)
	@tools/scripts/setup cargo_cyclonedx
	@$(TOOLS) tools/scripts/sbom

fmt: setup-rust ## Put all Rust code into the common format
	@cargo fmt --all

##@ Set up

setup: setup-test ## All that the tasks above need; each of them sees to its own needs

setup-rust:
	@tools/scripts/setup rust

setup-build: $(NPM_PACKAGES)
	@tools/scripts/setup compiler rust

setup-test: setup-build
	@tools/scripts/setup browser postgresql proxies schemathesis

setup-deb:
	@tools/scripts/setup deb

# npm writes this file last, so it is older than the lock file exactly when an installation is due.
$(NPM_PACKAGES): end2end/package-lock.json
	@tools/scripts/setup node
	@cd end2end && PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1 npm ci --no-audit --no-fund

$(LIGHTHOUSE): end2end/lighthouse/package-lock.json
	@tools/scripts/setup node
	@cd end2end/lighthouse && npm ci --no-audit --no-fund --ignore-scripts

help: ## List these tasks
	@awk 'BEGIN { FS = ":.*## " } \
	      /^##@ / { printf "\n%s\n", substr($$0, 5) } \
	      /^[a-z0-9-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' Makefile

.PHONY: run dev build deb test lint e2e conformance soak sabotage bench lighthouse deb-test fuzz mutants audit sbom fmt setup setup-rust setup-build setup-test setup-deb help
