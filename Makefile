# Two commands: `make repro` (data to report) and `make test`. Both set up .venv first, each with what it needs.
# `TORCH_BACKEND=cpu make repro` installs a PyTorch for processors alone (any backend of `uv pip install --torch-backend`).
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

# Left out for a PyTorch of another backend: its files, whose hashes are not locked, and what it brings along or goes without.
TORCH_OF_LOCK := $(if $(TORCH_BACKEND),^(torch|torchvision|nvidia-.*|cuda-.*)==,^$$)
RESOLVE := .venv/bin/uv pip compile --quiet --universal --generate-hashes --no-annotate --no-header --upgrade \
  --extra project --extra pretrained --group build pyproject.toml

.PHONY: help setup setup-dev lock repro report lint test test-slow equal coverage bench reference docs wheel licences audit ui runs clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

setup: .venv/installed ## make .venv with what a run needs, from pinned lock files

setup-dev: .venv/installed-dev ## add what tests, lint and notebooks need

.venv/installed: LOCKS = requirements.lock requirements-uv.lock $(if $(wildcard .venv/installed-dev),requirements-dev.lock)
.venv/installed-dev: LOCKS = requirements.lock requirements-uv.lock requirements-dev.lock
.venv/installed-dev: requirements-dev.lock
# Array loops are compiled by tests that call each of them, before others are timed; a run compiles those that it calls.
LOOPED := features/test_{families,batch,first_order,glcm}.py near_duplicates/test_nearest.py \
  restoration/test_{corruptions,outliers}.py statistics/test_{discrimination,froc}.py cli/test_check_and_init.py
.venv/installed-dev: LOOPS = $(ONE_THREAD) .venv/bin/pytest -n 2 -m "not slow" -q $(LOOPED:%=tests/%) > /dev/null || true
# Where a shell, an image or a read-only installation keeps no compiled code, each process would compile what it imports.
IMPORTED := dvc.commands.repro hydra.main joblib.externals.loky matplotlib.backends.backend_svg mlflow.tracking skops.io
define COMPILE
import importlib, pkgutil, sys, skiagram
own = (each.name for each in pkgutil.walk_packages(skiagram.__path__, "skiagram."))
for name in (*(each for each in own if not each.endswith("__main__")), *sys.argv[1:]):
    importlib.import_module(name)
endef
export COMPILE
.venv/installed .venv/installed-dev: requirements.lock requirements-uv.lock pyproject.toml
	@echo "Installing $(strip $(LOCKS)) into .venv; minutes, and longer where packages are not on this machine yet"
	$(PYTHON) -m venv .venv
	.venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-uv.lock
	awk '/^[a-z]/ {kept = $$0 !~ /$(TORCH_OF_LOCK)/} kept' $(LOCKS) | .venv/bin/uv pip sync --require-hashes -
	$(if $(TORCH_BACKEND),.venv/bin/uv pip install --torch-backend=$(TORCH_BACKEND) $$(grep -oE '^torch(vision)?==[0-9.]+' requirements.lock))
	.venv/bin/uv pip install --quiet --no-deps --no-build-isolation --editable .
	.venv/bin/python -c "$$COMPILE" $(IMPORTED)
	$(LOOPS)
	touch .venv/installed $@

lock: ## renew requirements.lock and requirements-dev.lock, which holds what the first does not, from pyproject.toml
	$(RESOLVE) -o requirements.lock
	$(RESOLVE) --group dev --constraints requirements.lock -o requirements-dev.lock \
	  $$(sed -nE 's/^([a-z0-9.-]+)(\[.*\])?==.*/--no-emit-package \1/p' requirements.lock)

repro: setup ## run the pipeline and print the table of models and the report's path
	skiagram repair
	dvc repro
	skiagram show

lint: setup-dev ## style, types and layers
	mypy & types=$$!
	ruff check .
	ruff format --check .
	lint-imports
	wait $$types

test: setup-dev ## what a change must pass: the quick tests of all rooms (a minute and a half on two cores)
	$(ONE_THREAD) pytest -n 2 -m "not slow"

test-slow: setup-dev ## all others: training, pipelines, sweeps, kills, peers, notebooks, real data
	$(ONE_THREAD) pytest -n 2 -m slow

equal: setup-dev ## whether eight small projects still give the results kept in tests/equal/frozen (three minutes)
	python -m tests.equal

coverage: setup-dev ## which lines no test runs
	$(ONE_THREAD) pytest -n 2 --cov --cov-report=term-missing:skip-covered

bench: setup-dev ## compare speeds with those of peers, and print the tables of docs/results/benchmarks.md
	$(ONE_THREAD) python -m benchmarks.run

reference: setup-dev ## build the pages of options, features, figures and commands in docs/reference
	PYTHONPATH=docs python -m make_reference
	@echo docs/reference

docs: reference ## build the docs as a site with search into .work/site; works offline
	@NO_MKDOCS_2_WARNING=1 mkdocs build --strict
	echo 'To read and search it: python -m http.server --directory .work/site, then open http://localhost:8000'

licences: setup-dev ## licences of all installed packages; works offline
	pip-licenses --from=mixed --summary --partial-match --ignore-packages $(LICENCES_READ_BY_HAND) \
	  --fail-on 'GPL;General Public;EUPL;SSPL;NonCommercial;Non-Commercial'

ui: setup ## every recorded run in the browser; Ctrl-C ends it
	MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false mlflow ui --workers 1 $(if $(PORT),--port $(PORT))

runs: setup ## every recorded run: what it changed, selection AUC of the changed models, difference, time
	skiagram runs

wheel: setup ## the package with everything that a project needs, in dist/
	tag=$$(git describe --exact-match --tags 2>/dev/null || true)
	if [ -n "$$tag" ] && [ "$$tag" != "v$$(hatchling version)" ]; then
	  echo "This commit is tagged $$tag, and pyproject.toml says version $$(hatchling version): make them one." >&2
	  exit 1
	fi
	hatchling build -t wheel

audit: licences ## licences, and known vulnerabilities of the locked packages (asks the advisory service)
	pip-audit --strict --disable-pip --require-hashes -r requirements.lock -r requirements-dev.lock || {
	  echo "No pass: a package above has a known vulnerability, or the advisory service did not answer for it." >&2
	  echo "A mirror that has packages alone cannot answer; audit where the advisory service can be reached." >&2
	  exit 1
	}

clean: ## remove everything that can be made again
	rm -rf .work combined/*/ data models scores reports/explanations/*/ reports/*.html reports/*.csv
