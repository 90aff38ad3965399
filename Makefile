# What a person types; CI types the same. Every target does its own set-up.
HOST ?= 127.0.0.1
PORT ?= 8000
PYTHON ?= python3
BIN := .venv/bin
export PYTHONUTF8 := 1

HAS_NODE := node -e 'process.exit(+(parseInt(process.versions.node) < 20))' 2>/dev/null && npm --version >/dev/null 2>&1

.PHONY: env build web serve test check lint conformance fmt bench lock clean
.DEFAULT_GOAL := help

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

env: .venv/.ready ## the virtual environment, from the lock file

.venv/.ready: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "cbdgraph needs Python 3.11 or newer; name one with: make PYTHON=python3.11 …" >&2; exit 2; }
	@echo "Making .venv from requirements.lock (once; a minute or so)"
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

build: env ## the graph: validated, inferred, stored under build/
	@$(BIN)/cbdgraph build

web: ## the query editor, from npm packages (Node 20 or newer)
	@$(HAS_NODE) || { echo "make web needs Node 20 or newer, with npm; without it pages stay plain, and whole" >&2; exit 2; }
	@$(MAKE) --no-print-directory build/web/manifest.json

build/web/manifest.json: web/node_modules/.ready web/build.mjs $(shell find web/src -type f)
	@node web/build.mjs

web/node_modules/.ready: web/package-lock.json
	@echo "Fetching the packages of web/package-lock.json (once)"
	@npm ci --prefix web --prefer-offline --fetch-retries 0
	@touch $@

serve: env ## build what changed and serve it (HOST=127.0.0.1 PORT=8000)
	@if $(HAS_NODE); then $(MAKE) --no-print-directory web || echo "make web failed: pages stay plain, and whole" >&2; fi
	@exec $(BIN)/cbdgraph serve --host $(HOST) --port $(PORT)

test: env ## all tests
	@$(BIN)/python -m pytest

check: lint ## what a developer runs before a commit
	@$(BIN)/python -m pytest -m "not slow"

lint: env ## format, lint, types, layers, OWL consistency
	@$(BIN)/ruff format --check src tests bench
	@$(BIN)/ruff check src tests bench
	@$(BIN)/cbdgraph fmt --check
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/cbdgraph check-ontology

conformance: env ## the W3C tests over HTTP; fails on what has no reason in tests/conformance/excuses.toml
	@$(BIN)/python -m tests.conformance

fmt: env ## bring code and Turtle into the house format
	@$(BIN)/ruff format src tests bench
	@$(BIN)/ruff check --fix src tests bench
	@$(BIN)/cbdgraph fmt

bench: env ## ratios side by side, in one run
	@$(BIN)/python -m bench

lock: ## renew requirements.lock (needs the network)
	@$(PYTHON) -m venv build/lock && build/lock/bin/pip install --quiet uv
	@build/lock/bin/uv pip compile --quiet --universal --generate-hashes --no-header --no-emit-index-url \
	  --extra dev --python-version 3.11 pyproject.toml build-requirements.in -o requirements.lock --upgrade

clean: ## remove what was derived
	rm -rf build web/node_modules
