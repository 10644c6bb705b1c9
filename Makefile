# `make` lists the commands. Everything installs into folders of this checkout and nowhere else.
PYTHON ?= python3
BASE := .venv
TEST := .venv-test
IN_TEST := $(TEST)/bin

.DEFAULT_GOAL := help
.PHONY: help peers demo test unit soak bench lint types docs lock wheel clean

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-8s %s\n", $$1, $$2}' Makefile

$(BASE)/.done: requirements/base.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("idferry needs Python 3.11 or newer; try: make demo PYTHON=python3.12" if sys.version_info < (3, 11) else 0)'
	@echo "Setting up $(BASE) (once)..."
	@$(PYTHON) -m venv $(BASE)
	@$(BASE)/bin/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements/base.lock
	@$(BASE)/bin/python -m pip install -q --disable-pip-version-check --no-deps -e .
	@touch $@

$(TEST)/.done: requirements/test.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("idferry needs Python 3.11 or newer; try: make test PYTHON=python3.12" if sys.version_info < (3, 11) else 0)'
	@echo "Setting up $(TEST) (once)..."
	@$(PYTHON) -m venv $(TEST)
	@$(IN_TEST)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements/test.lock
	@$(IN_TEST)/python -m pip install -q --disable-pip-version-check --no-deps -e .
	@touch $@

peers: $(TEST)/.done ## what the tests use where it can be built: python-ldap, with the headers of libldap and libsasl2
	@$(IN_TEST)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements/peers.lock

demo: $(BASE)/.done ## premigrate a fictional company into an emulated tenant
	@$(BASE)/bin/python -m idferry demo

test: $(TEST)/.done lint types ## everything that must hold: lint, types, contracts, tests
	$(IN_TEST)/python -m pytest -n 2 --dist loadgroup

unit: $(TEST)/.done ## one module at a time, in seconds
	$(IN_TEST)/python -m pytest tests/unit -q

bench: $(TEST)/.done ## measure against the plainest way to do the same; writes benchmarks/RESULTS.md
	$(IN_TEST)/python -m benchmarks

soak: $(TEST)/.done ## kills, power cuts, faults, attacks: some hours (SEED=n replays, ONLY=F3@5 picks)
	$(IN_TEST)/python -m tests.simulation.soak --seed "$(SEED)" --only "$(ONLY)"

lint: $(TEST)/.done ## style and import contracts
	$(IN_TEST)/ruff check .
	$(IN_TEST)/ruff format --check .
	$(IN_TEST)/lint-imports

types: $(TEST)/.done ## mypy, strict, as on Linux, Windows and macOS
	$(IN_TEST)/mypy --platform linux
	$(IN_TEST)/mypy --platform win32 --cache-dir .mypy_cache/win32
	$(IN_TEST)/mypy --platform darwin --cache-dir .mypy_cache/darwin

docs: $(TEST)/.done ## write the generated pages of docs/reference again
	$(IN_TEST)/python -m tests.docs.generate

wheel: $(TEST)/.done ## build dist/*.whl
	$(IN_TEST)/python -m build --wheel --no-isolation

lock: $(TEST)/.done ## resolve the pinned dependencies again (needs uv on the path)
	uv pip compile -q pyproject.toml --universal --python-version 3.11 --generate-hashes --no-header --no-annotate -o requirements/base.lock
	uv pip compile -q pyproject.toml --group unit --universal --python-version 3.11 --generate-hashes --no-header --no-annotate -o requirements/unit.lock
	uv pip compile -q pyproject.toml --group test --group clients --group build --universal --python-version 3.11 --generate-hashes --no-header --no-annotate -o requirements/test.lock
	uv pip compile -q --group pyproject.toml:peers --universal --python-version 3.11 --generate-hashes --no-header --no-annotate -o requirements/peers.lock

clean: ## remove the environments and what builds leave behind
	rm -rf $(BASE) $(TEST) build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
