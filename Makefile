# Needs python3 (3.11, 3.12 or 3.13, with pip and venv), make and git. Everything else is installed into .venv.
PYTHON ?= python3
VENV := .venv
PIP := $(VENV)/bin/python -m pip install --quiet --disable-pip-version-check

.DEFAULT_GOAL := help
.PHONY: help demo test quick soak chaos bench clean

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## /make \1\t/p' Makefile

demo: $(VENV)/.installed ## start a practice Slack, a practice Bitrise and the bot, and print their address
	$(VENV)/bin/python -m playground

test: $(VENV)/.installed-test ## run lint, types, layers and all tests
	.ci/check

quick: $(VENV)/.installed-test ## in a minute, while you work: all but processes, browsers, PostgreSQL and long stories
	.ci/check -m "not slow"

soak: $(VENV)/.installed-test ## simulate a day with 2,000 builds in three workspaces and faults on both sides, in a few minutes
	SOAK_HOURS=24 SOAK_BUILDS=2000 $(VENV)/bin/python -m pytest -q -s tests/soak

bench: $(VENV)/.installed-test $(VENV)/.installed-peers ## measure beside the limit and the peers, in a quarter of an hour; writes docs/benchmarks.md
	$(VENV)/bin/python -m tests.benchmarks --write

chaos: $(VENV)/.installed-test ## kill and disconnect three replicas on PostgreSQL during 5,000 commands and 5,000 builds
	CHAOS_COMMANDS=$${CHAOS_COMMANDS:-5000} $(VENV)/bin/python -m pytest -q -s tests/chaos

clean: ## remove the virtual environment and caches
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

# Only the benchmarks need them, so they have an environment of their own.
$(VENV)/.installed-peers: | $(VENV)/.installed-test
	$(PIP) --target $(VENV)/peers/py flask gunicorn slack-bolt
	if command -v npm >/dev/null; then cd $(VENV)/peers && npm install --silent @slack/bolt; fi
	@touch $@

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; (3, 11) <= sys.version_info[:2] <= (3, 13) or sys.exit("Buildbell needs Python 3.11, 3.12 or 3.13, and this is %d.%d. Name another one: make PYTHON=python3.12" % sys.version_info[:2])'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml | $(VENV)/bin/python
	$(PIP) --editable .
	@touch $@

$(VENV)/.installed-test: pyproject.toml | $(VENV)/bin/python
	$(PIP) --editable '.[test]'
	@touch $@ $(VENV)/.installed
