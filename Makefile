# make help lists the targets
SHELL := /bin/bash
.SHELLFLAGS := -o pipefail -c
PY := .venv/bin/python
export PYTHONDONTWRITEBYTECODE :=

# The tests in parts that run beside each other, the longest first. The crash matrix is the last, because it makes
# several kills at a time: where nothing else is left, it keeps all cores at work. What no part names is the rest.
PARTS := faults journeys flows rest matrix
faults := tests/faults --ignore=tests/faults/test_matrix.py
journeys := tests/journeys
flows := tests/flows tests/cli
matrix := -o faulthandler_timeout=1800 tests/faults/test_matrix.py
rest := $(patsubst %,--ignore=%,$(filter-out --%,$(faults) $(journeys) $(flows)))

.PHONY: help setup demo packages test test-postgres $(PARTS:%=test-%) check faults soak format lock clean

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/'

# Debian's python3 comes without its venv module, and leaves half a .venv behind when it is asked for one.
.venv/bin/python:
	@python3 -m venv .venv || { rm -rf .venv; \
	  [[ $$(id -u) == 0 ]] && { apt-get update -qq; apt-get install -qq -y python3-venv; } </dev/null >/dev/null \
	  && python3 -m venv .venv; } \
	  || { rm -rf .venv; echo "python3 has no venv module; on Debian: apt-get install python3-venv" >&2; exit 1; }

.venv/runtime.stamp: requirements.lock pyproject.toml | .venv/bin/python
	@echo "installing the locked dependencies into .venv ..."
	@.venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

.venv/dev.stamp: requirements-dev.lock .venv/runtime.stamp
	@echo "installing the development tools into .venv ..."
	@.venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@

packages: | .venv/bin/python # of Debian: nothing to do where they are
	@tests/install-packages

# Without optimisation, for the tests alone: it takes a third of the time. What is missing in the end, the tests name.
.venv/kerberos.stamp: requirements-kerberos.lock .venv/dev.stamp | packages
	@command -v krb5-config >/dev/null && command -v gcc >/dev/null \
	  && echo "compiling the kerberos extra into .venv ..." \
	  && CFLAGS="-O0 -g0" $(PY) -m pip install --quiet --disable-pip-version-check --no-build-isolation --require-hashes -r requirements-kerberos.lock \
	  && touch $@ \
	  || echo "the kerberos extra was not compiled: it takes gcc and libkrb5-dev"

setup: .venv/dev.stamp ## make .venv with everything that tests need

demo: .venv/runtime.stamp ## both simulators, the main job, what it did
	@.venv/bin/ml-connector demo

check: .venv/dev.stamp ## format, lint, types, layers
	.venv/bin/ruff format --check --quiet .
	.venv/bin/ruff check --quiet .
	.venv/bin/mypy
	.venv/bin/lint-imports

# Three at once on two cores, because each waits now and then; one that fails does not keep the others from running,
# and the end of what it said is the end of what make says.
test: ## all checks, then all tests
	@$(MAKE) --no-print-directory -j2 check .venv/kerberos.stamp
	@rm -f .venv/*.failed
	@$(MAKE) --no-print-directory -k -j3 $(PARTS:%=test-%) || { tail -n 60 $$(ls .venv/*.failed); exit 1; }

$(PARTS:%=test-%): test-%:
	$(PY) -m pytest $($*) 2>&1 | tee .venv/$*.said || { mv .venv/$*.said .venv/$*.failed; exit 1; }

test-postgres: .venv/dev.stamp ## the tests of the store and of the flows, on PostgreSQL
	$(PY) -m pytest --database postgresql tests/store tests/flows

TRIALS := $(addprefix tests/faults/test_,matrix.py lost_answers.py $(addprefix trial_,documents.py notifications.py channels.py both_sides.py))
faults: .venv/dev.stamp ## the crash matrix, whole, on SQLite and PostgreSQL; lost answers, orders, channels, edits by the thousand (hours)
	FAULTS=whole LOST_ANSWERS=1000 DOCUMENT_TRIALS=1000 NOTIFICATIONS=10000 CHANNEL_DAYS=30 EDITS=1000 \
	  $(PY) -m pytest -o faulthandler_timeout=0 $(TRIALS)

soak: .venv/dev.stamp ## ten minutes of changes, failing calls and killed processes, on PostgreSQL
	SOAK_SECONDS=600 $(PY) -m pytest -o faulthandler_timeout=1800 tests/faults/test_soak.py

format: .venv/dev.stamp ## format the code
	.venv/bin/ruff format .
	.venv/bin/ruff check --fix --quiet .

lock: ## pin the dependencies again (needs uv)
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header pyproject.toml --group build -o requirements.lock
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header pyproject.toml --extra kerberos -c requirements.lock -o requirements-kerberos.lock
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header pyproject.toml --group build --group dev -c requirements.lock -o requirements-dev.lock

clean: ## remove what make made
	rm -rf .venv dist .mypy_cache .ruff_cache .import_linter_cache
