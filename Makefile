# The verbs of the project. `make help` lists them.
SHELL := /bin/sh
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.ready
ARGS ?=
LOCK := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url

.DEFAULT_GOAL := help
.PHONY: help setup drill test check bench soak up fmt lint types arch lock lock-fresh golden clean

help:  ## list the verbs
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /|/' | awk -F'|' '{printf "  make %-12s %s\n", $$1, $$2}'

setup: $(STAMP)  ## make the environment from the hash lock

$(STAMP): requirements-dev.lock pyproject.toml
	@echo "setting up $(VENV) (once)" >&2
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "stopline needs Python 3.11 or newer; set PYTHON=")'
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock >&2
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e . >&2
	@touch $(STAMP)

drill: setup  ## the whole product against an emulated estate; ARGS='--output json'
	@$(BIN)/stopline drill $(ARGS)

test: setup  ## every test
	@$(BIN)/python -m pytest $(ARGS)

bench: setup  ## what durability costs, beside a bare thread pool; ARGS='--output json', '--write'
	@$(BIN)/python -m bench $(ARGS)

soak: setup  ## kill worker and Temporal at random over a faulty estate; ARGS='--seed N --kills N'
	@PYTHONPATH=tests $(BIN)/python -m bench.soak $(ARGS)

check: lint types arch lock-fresh  ## what CI checks before the tests

lint: setup
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: setup
	@$(BIN)/mypy

arch: setup
	@$(BIN)/lint-imports

up: setup  ## Temporal server and worker on this machine; resumes what was open
	@$(BIN)/stopline up $(ARGS)

fmt: setup  ## format, and mend what can be mended by itself
	@$(BIN)/ruff check --fix --quiet . || true
	@$(BIN)/ruff format .

golden: setup  ## rewrite the golden files; the diff is the review
	@UPDATE_GOLDEN=1 $(BIN)/python -m pytest -q tests/golden tests/render $(ARGS)

lock: setup  ## resolve the dependencies anew
	@$(BIN)/$(LOCK) pyproject.toml --extra embedded -o requirements.lock $(ARGS)
	@$(BIN)/$(LOCK) pyproject.toml --extra drill --group dev -c requirements.lock -o requirements-dev.lock $(ARGS)

lock-fresh: setup
	@$(BIN)/python -m tests.support.locks $(BIN)/uv

clean:  ## remove the environment and the caches
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
