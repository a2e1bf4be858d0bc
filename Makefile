# Two commands: `make repro` (data to report) and `make test`. Both set up .venv first.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.ONESHELL:
.DEFAULT_GOAL := help

export PATH := $(CURDIR)/.venv/bin:$(PATH)
export DVC_ROOT := $(CURDIR)
export DVC_NO_ANALYTICS := 1
export MLFLOW_DISABLE_TELEMETRY := true
export RAY_USAGE_STATS_ENABLED := 0
export PYTHONDONTWRITEBYTECODE := # pytest rewrites all tests each time where nothing may be kept
PYTHON ?= python3
PORT ?= 5000
ONE_THREAD := OMP_NUM_THREADS=1 # a test worker, or benchmark: more get in each other's way

# Dual-licensed, or with a linking exception (DVC's own); mirp is run by tests alone.
LICENCES_READ_BY_HAND := asyncssh dulwich grandalf mirp pygit2

.PHONY: help setup lock repro report test test-fast test-slow bench lint reference licences audit ui clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

setup: .venv/installed ## make .venv from the pinned lock files

.venv/installed: requirements.lock requirements-uv.lock pyproject.toml
	$(PYTHON) -m venv .venv
	.venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-uv.lock
	.venv/bin/uv pip sync --quiet --require-hashes requirements.lock requirements-uv.lock
	.venv/bin/uv pip install --quiet --no-deps --no-build-isolation --editable .
	.venv/bin/python pipeline/compile.py
	touch .venv/installed

lock: ## renew requirements.lock from pyproject.toml
	.venv/bin/uv pip compile --quiet --universal --generate-hashes --no-annotate --no-header --upgrade --group dev pyproject.toml -o requirements.lock

repro: setup ## run the pipeline and print the table of models and the report's path
	python pipeline/lock.py
	python pipeline/repro.py
	python pipeline/show.py

test: setup ## lint, types, layers and all tests but the slowest
	ruff check .
	ruff format --check .
	mypy
	lint-imports
	$(ONE_THREAD) pytest -n 2 -m "not thorough" --cov --cov-report=term-missing:skip-covered

test-slow: setup ## what takes long and rarely breaks; run it before a release
	$(ONE_THREAD) pytest -n 2 -m thorough --no-cov

test-fast: setup ## the quick tests (a minute and a half on two cores)
	$(ONE_THREAD) pytest -n 2 -m "not slow and not real and not thorough"

bench: setup ## compare speeds with those of peers and write docs/results/benchmarks.md
	$(ONE_THREAD) python -m benchmarks.run

reference: setup ## make docs/reference from the code
	PYTHONPATH=docs python -m make_reference

licences: setup ## licences of all installed packages; works offline
	pip-licenses --from=mixed --summary --partial-match --ignore-packages $(LICENCES_READ_BY_HAND) \
	  --fail-on 'GPL;General Public;EUPL;SSPL;NonCommercial;Non-Commercial'

ui: setup ## every recorded run in the browser; Ctrl-C ends it
	MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false mlflow ui --workers 1 --port $(PORT)

audit: licences ## licences, and known vulnerabilities of the locked packages (asks pypi.org)
	pip-audit --strict --disable-pip --require-hashes -r requirements.lock || {
	  echo "No pass: a package above has a known vulnerability, or pypi.org did not answer for it." >&2
	  echo "A mirror that has packages alone cannot answer; audit where pypi.org can be reached." >&2
	  exit 1
	}

clean: ## remove everything that can be made again
	rm -rf .work combined data models scores reports/*.html reports/*.csv
