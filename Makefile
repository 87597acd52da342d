# Every target makes its own set-up in .venv from the hashed locks in requirements/.
# It needs make and Python 3.11 or newer with venv. Another interpreter: make test PYTHON=python3.13

DEMO_DIR ?= demo-firm
VENV := .venv
BIN := $(VENV)/bin
RUN := $(VENV)/.installed-run
DEV := $(VENV)/.installed-dev
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input

# Someone else's modules must not leak into the tests.
unexport PYTHONPATH PYTHONHOME

# The first of these that runs, is new enough and can make a virtual environment. Names may lead to nothing (pyenv).
FIT := import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))
CANDIDATES := python3 python python3.14 python3.13 python3.12 python3.11

.PHONY: help demo test lint types imports unit bench lock wheel clean

help:
	@echo "make demo     a made-up firm in $(DEMO_DIR) (or DEMO_DIR=...), billed before your eyes"
	@echo "make test     lint, types, import directions, and every test, offline"
	@echo "make lint types imports unit bench wheel lock clean"

demo: $(RUN)
	$(BIN)/billsync demo --dir $(DEMO_DIR)

test: lint types imports unit

lint: $(DEV)
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: $(DEV)
	$(BIN)/mypy

imports: $(DEV)
	$(BIN)/lint-imports --no-logo

unit: $(DEV)
	$(BIN)/pytest -q -n 2

bench: $(DEV)
	$(BIN)/python -m benchmarks

wheel: $(DEV)
	$(BIN)/python -m build --no-isolation

clean:
	rm -rf $(VENV) .venv-lock dist build .coverage htmlcov .hypothesis
	rm -rf .mypy_cache .pytest_cache .ruff_cache .import_linter_cache

# What `make demo` needs, and this project itself (--no-build-isolation: nothing is fetched beyond the lock).
$(RUN): requirements/run.txt pyproject.toml
	@set -eu; \
	python="$(PYTHON)"; \
	if [ -z "$$python" ]; then \
	  for name in $(CANDIDATES); do \
	    if "$$name" -c '$(FIT)' >/dev/null 2>&1; then python=$$name; break; fi; \
	  done; \
	fi; \
	if [ -z "$$python" ] || ! "$$python" -c '$(FIT)' >/dev/null 2>&1; then \
	  echo "billsync needs Python 3.11 or newer with venv and pip." >&2; \
	  if [ -n "$$python" ]; then echo "Tried: $$python ($$("$$python" --version 2>&1 | head -n 1))" >&2; \
	  else echo "Looked for: $(CANDIDATES)" >&2; fi; \
	  echo "Install it (Debian: apt install python3-venv) or name it: make PYTHON=/path/to/python3.12" >&2; \
	  exit 1; \
	fi; \
	if ! $(BIN)/python -c '$(FIT)' >/dev/null 2>&1; then "$$python" -m venv --clear $(VENV); fi
	$(PIP) install --quiet --require-hashes -r requirements/run.txt
	$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

$(DEV): requirements/dev.txt $(RUN)
	$(PIP) install --quiet --require-hashes -r requirements/dev.txt
	@touch $@

# Locks for every platform and Python from 3.11 on, pinned and hashed. The only target that may raise a version.
COMPILE := .venv-lock/bin/uv --quiet pip compile pyproject.toml --universal --python-version 3.11 --upgrade \
	--generate-hashes --no-config --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock"

lock: $(RUN)
	$(BIN)/python -m venv .venv-lock
	.venv-lock/bin/python -m pip --disable-pip-version-check install --quiet uv
	$(COMPILE) --extra xlsx --group build --output-file requirements/run.txt
	$(COMPILE) --extra xlsx --extra oauth1 --extra sftp --extra jwt --group dev \
		--constraints requirements/run.txt --output-file requirements/dev.txt
