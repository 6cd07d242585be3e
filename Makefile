# The verbs of the project. `make help` lists them.
SHELL := /bin/sh
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.ready
ARGS ?=
LOCK := uv pip compile --quiet

.DEFAULT_GOAL := help
# What Python compiled is kept even where a person's shell says otherwise: hundreds of processes
# are started, and each would compile all of it again.
unexport PYTHONDONTWRITEBYTECODE
.PHONY: help setup drill test nights check bench soak mutants oracle up fmt lint types arch lock lock-fresh supply sbom golden histories permissions clean

help:  ## list the verbs
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /|/' | awk -F'|' '{printf "  make %-12s %s\n", $$1, $$2}'

setup: $(STAMP)  ## make the environment from the hash lock

# Nothing but ourselves is built: the lock's first line lets only wheels in.
$(STAMP): requirements-dev.lock pyproject.toml
	@echo "setting up $(VENV) (once)" >&2
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "stopline needs Python 3.11 or newer; set PYTHON=")'
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock >&2
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e . >&2
	@touch $(STAMP)

drill: setup  ## the whole product against an emulated estate; ARGS='--output json'
	@$(BIN)/stopline drill $(ARGS)

test: setup  ## the tests, in four processes; ARGS='-n 0 tests/core' for a part in one
	@$(BIN)/python -m pytest -n 4 --dist loadfile --no-loadscope-reorder -m 'not night' $(ARGS)

nights: setup  ## the slow ones: whole nights of real processes, killed and cut off; CI runs them too
	@NIGHT=1 $(BIN)/python -m pytest -n 2 -m 'night or law' $(ARGS)

check: lint types arch lock-fresh supply  ## what CI checks before the tests

bench: setup  ## what durability costs, beside a bare thread pool; ARGS='--output json', '--write'
	@$(BIN)/python -m bench $(ARGS)

soak: $(VENV)/oracle/node_modules  ## kill worker and Temporal at random over lives of a pause; ARGS='--seed N --kills N'
	@PYTHONPATH=tests $(BIN)/python -m bench.soak $(ARGS)
	@STOPLINE_YEAR_HOURS=24 $(BIN)/python -m pytest -n 0 tests/workflows/test_year.py
	@PYTHONPATH=tests $(BIN)/python -m support.oracle --cases 20000

oracle: $(VENV)/oracle/node_modules  ## ask another evaluator of AWS's policies; ARGS='--cases N --seed N'
	@PYTHONPATH=tests $(BIN)/python -m support.oracle $(ARGS)

# By hash, without any script of the package's own, and outside of what is ours.
$(VENV)/oracle/node_modules: $(wildcard tests/oracle/*) | setup
	@mkdir -p $(VENV)/oracle
	@cp tests/oracle/package.json tests/oracle/ask.mjs $(VENV)/oracle/
	@cp tests/oracle/lock.json $(VENV)/oracle/package-lock.json
	@cd $(VENV)/oracle && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

lint: setup
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: setup
	@$(BIN)/mypy

arch: setup
	@$(BIN)/lint-imports

mutants: setup  ## plant known bugs in a copy; the laws must catch each; ARGS='--only law_8'
	@$(BIN)/python -m tests.mutants.run $(ARGS)

up: setup  ## Temporal server and worker on this machine; resumes what was open
	@$(BIN)/stopline up $(ARGS)

fmt: setup  ## format, and mend what can be mended by itself
	@$(BIN)/ruff check --fix --quiet . || true
	@$(BIN)/ruff format .

golden: setup  ## rewrite the golden files; the diff is the review
	@PYTHONPATH=tests $(BIN)/python -m support.recording
	@UPDATE_GOLDEN=1 $(BIN)/python -m pytest -q tests/golden tests/render tests/config/test_schemas.py $(ARGS)

histories: setup  ## keep what Temporal wrote down of a pause, to be replayed; ARGS='RELEASE'
	@PYTHONPATH=tests $(BIN)/python -m support.histories $(ARGS)

permissions: setup  ## rewrite config/permissions, and the table of kinds, from what the connectors declare
	@$(BIN)/python -m tests.support.permissions
	@PYTHONPATH=tests $(BIN)/python -m support.paths

lock: setup  ## resolve the dependencies anew
	@$(BIN)/$(LOCK) pyproject.toml --extra embedded --extra postgresql --extra stripe -o requirements.lock $(ARGS)
	@$(BIN)/$(LOCK) pyproject.toml --extra drill --extra postgresql --group dev -c requirements.lock -o requirements-dev.lock $(ARGS)

lock-fresh: setup
	@$(BIN)/python -m tests.support.locks $(BIN)/uv

supply: setup
	@$(BIN)/python -m tests.support.supply

sbom: setup  ## what is installed, as CycloneDX JSON on stdout
	@$(BIN)/python -m tests.support.sbom

clean:  ## remove the environment and the caches
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
