# Two commands on a fresh machine: `make demo` and `make test`. Both install what they need first.
SHELL := /bin/bash
BIN := .venv/bin
ARGS ?=
PYTEST_ARGS ?=
TEST_PROCESSES ?= 3

.PHONY: help setup demo test chaos up check fmt lock image clean

help:
	@echo 'make demo    install, start the platform, score the baselines, leave the site up (ARGS=--exit ends instead)'
	@echo 'make test    install, then the whole test suite (PYTEST_ARGS=-x, …)'
	@echo 'make chaos   every fault in the middle of the work, on SQLite and PostgreSQL (make test runs some of them)'
	@echo 'make up      run the platform on this machine until interrupted'
	@echo 'make check   format, lint, types, import rules, house rules'
	@echo 'make fmt     format and fix what can be fixed'
	@echo 'make image   build the sandbox image for the container engine'
	@echo 'make lock    write requirements/*.txt again (UPGRADE=1 for newest versions)'
	@echo 'make setup   install only; make clean removes what was installed and built'

setup:
	@scripts/setup.sh

demo: setup
	@$(BIN)/lacuna demo $(ARGS)

# one process more than the cores of a small machine: what starts services mostly waits (tests/conftest.py)
test: setup
	@OMP_NUM_THREADS=1 $(BIN)/pytest -n $(TEST_PROCESSES) --dist loadscope $(PYTEST_ARGS)

# kills processes, brokers, databases and disks of platforms of its own, one after the other
chaos: setup
	@OMP_NUM_THREADS=1 LACUNA_CHAOS=1 $(BIN)/pytest -p no:randomly tests/integration/chaos $(PYTEST_ARGS)

up: setup
	@$(BIN)/lacuna up $(ARGS)

check: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest -q -p no:randomly tests/house

fmt: setup
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

lock: setup
	UPGRADE=$(UPGRADE) scripts/lock.sh

image:
	scripts/images.sh sandbox

clean:
	rm -rf .venv build *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
