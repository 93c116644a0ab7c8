# `make` runs the pipeline, `make test` the tests; both first build .venv from the hashed lock.
.DEFAULT_GOAL := run
.PHONY: run test test-bfloat16 test-slow test-cluster drill study ui serve demo lint lock clean help

PYTHON ?= python3
PORT ?= 5001
BIN := $(CURDIR)/.venv/bin
UV_VERSION := 0.13.9
PYTEST := python -m pytest -n auto --maxprocesses 8 --dist loadfile
CPUINFO := /tmp/digit-recognizer-cpuinfo
export PATH := $(BIN):$(PATH)
export MLFLOW_DISABLE_TELEMETRY ?= true

run: .venv/locked  ## fetch, preprocess, train, predict: a scored submission (the default)
	@dvc repro -q || { dvc repro --dry >/dev/null; exit 1; }  # -q hides DVC's own errors, too
	@python -m src.summary
	@git status --porcelain dvc.lock 2>/dev/null | grep -q '^??' && echo "git shows dvc.lock as new:\
 it records this machine's results. Commit it to keep the record, or leave it." || true

test: .venv/locked  ## the fast tests; `make test ARGS=tests/data` for some
	@$(PYTEST) -m "not slow" $(ARGS)

# For this target alone, another file stands in for /proc/cpuinfo: as root, on Linux.
test-bfloat16: .venv/locked  ## the same in random order, as on an AMD processor with bfloat16
	@sed 's/^\(vendor_id.*: \).*/\1AuthenticAMD/; s/^flags.*/& avx512_bf16/' /proc/cpuinfo \
	    > $(CPUINFO)
	@unshare --mount sh -c 'mount --bind $(CPUINFO) /proc/cpuinfo && \
	    exec $(PYTEST) -m "not slow" $(ARGS) --shuffle'

test-slow: .venv/locked  ## the slow ones: whole trainings, studies and searches, a browser
	@$(PYTEST) -m slow $(ARGS)

test-cluster: .venv/cluster  ## tests against real servers: Ray, PostgreSQL, S3, MLflow, Slurm
	@python -m pytest -n 0 --cluster tests/cluster $(ARGS)

drill: .venv/locked  ## kill every command at its durable steps, and damage files (40 minutes)
	@python -m pytest -n 0 -q --drill \
	    tests/end_to_end/test_kills.py tests/end_to_end/test_damaged_files.py $(ARGS)

study: .venv/locked  ## run or resume the default study; `make study STUDY=fashion` for another
	@dvc repro -q preprocess && python -m src.study $(STUDY)

ui: .venv/locked  ## the runs in MLflow's pages; `make ui PORT=5055` if the port is taken
	@python -m src.ui --port $(PORT)

serve: .venv/locked  ## serve the champion on http://127.0.0.1:5002 (SERVE_PORT=...)
	@python -m src.serve --port $(or $(SERVE_PORT),5002)

demo: .venv/locked  ## draw a digit and have it read, on http://127.0.0.1:5003 (DEMO_PORT=...)
	@python -m src.demo --port $(or $(DEMO_PORT),5003) $(if $(STUDY),--study $(STUDY))

lint: .venv/locked  ## check style, layers, declared dependencies and types
	@ruff check . && ruff format --check . && lint-imports --no-logo && deptry --no-ansi . && mypy

lock: .venv/locked  ## resolve the dependencies of pyproject.toml into the two locks
	@uv pip compile -q --universal --generate-hashes --no-emit-index-url --no-header \
	    --extra dev --extra parallel pyproject.toml -o requirements.lock
	@uv pip compile -q --universal --generate-hashes --no-emit-index-url --no-header \
	    --extra dev --extra parallel --extra cluster --extra slurm --extra team --extra s3 \
	    --extra servers -c requirements.lock \
	    pyproject.toml -o requirements-cluster.lock

clean:  ## delete unfinished trainings and the output folders of runs, but no run in MLflow
	@rm -rf checkpoints outputs multirun dvc_plots .writing-* */.writing-* */*/.writing-*

help:  ## list the targets
	@awk -F ':.*  ## ' '/^[a-z-]+:.*  ## / {printf "make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.venv/locked: requirements.lock
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(None if (3, 11) <= v <= (3, 13) \
	    else f"Python {v[0]}.{v[1]} found, 3.11 to 3.13 needed: make PYTHON=python3.12")'
	@echo "Setting up .venv (once; about 3 GB, a minute or more depending on your connection) ..."
	@$(PYTHON) -m venv .venv
	@python -m pip install -q --disable-pip-version-check uv==$(UV_VERSION)
	@VIRTUAL_ENV="$(CURDIR)/.venv" python -m uv pip sync -q --require-hashes --compile-bytecode \
	    requirements.lock
	@rm -f .venv/cluster
	@touch $@

.venv/cluster: .venv/locked requirements-cluster.lock
	@echo "Adding the packages of clusters and servers to .venv (once; about 600 MB) ..."
	@VIRTUAL_ENV="$(CURDIR)/.venv" python -m uv pip sync -q --require-hashes --compile-bytecode \
	    requirements-cluster.lock
	@touch $@
