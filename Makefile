# `make` without a target lists the targets. Packages are installed into .venv only.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
PIP := $(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt
ANOTHER := or name it: make PYTHON=python3.12 setup

.DEFAULT_GOAL := help
.PHONY: setup demo test test-avx2 format lint types layers spelling check serve pretrain accuracy speed load peers nixtla ray test-ray clean help

setup: $(READY) ## create .venv and install recast (again only when the pins change)
	@echo "Ready: $(BIN)/recast --help"

$(READY): pyproject.toml constraints.txt
	@command -v "$(PYTHON)" >/dev/null || \
	  { echo "No $(PYTHON) here: install Python 3.11 or newer, $(ANOTHER)" >&2; exit 1; }
	@"$(PYTHON)" -c "import sys; sys.version_info >= (3, 11) or sys.exit('Recast needs Python \
	3.11 or newer, $(PYTHON) is %d.%d: install one, $(ANOTHER)' % sys.version_info[:2])"
	@"$(PYTHON)" -c "import ensurepip, venv" 2>/dev/null || \
	  { echo "$(PYTHON) cannot make virtual environments: install the package python3-venv" >&2; exit 1; }
	@echo "Installing into .venv, a few minutes the first time"
	@"$(PYTHON)" -m venv .venv
	@$(PIP) hatchling editables
	@$(PIP) --no-build-isolation -e '.[dev]'
	@echo "Compiling the training loops of small networks, once"
	@$(BIN)/python -m forecasting.training
	@touch $(READY)

demo: $(READY) ## train, compare, register, serve and forecast the bundled series
	@$(BIN)/python examples/demo.py

test: $(READY) ## run all tests on up to four cores, a file at a time on each
	@$(BIN)/python -m pytest -n logical --maxprocesses 4 --dist loadfile --no-loadscope-reorder

test-avx2: $(READY) ## run the training tests as on a processor without AVX-512
	@ONEDNN_MAX_CPU_ISA=AVX2 ATEN_CPU_CAPABILITY=avx2 $(BIN)/python -m pytest \
	  -n logical --maxprocesses 4 --dist loadfile --no-loadscope-reorder tests/forecasting/training \
	  tests/forecasting/test_devices.py

format: $(READY) ## format the code and fix lint errors where possible
	@$(BIN)/ruff format . && $(BIN)/ruff check --fix .

lint: $(READY) ## check style and common mistakes (ruff)
	@$(BIN)/ruff format --check . && $(BIN)/ruff check .

types: $(READY) ## check types (mypy, strict)
	@$(BIN)/mypy

layers: $(READY) ## check the allowed imports between packages (import-linter)
	@$(BIN)/lint-imports --no-logo

spelling: $(READY) ## find misspelt words (codespell)
	@$(BIN)/codespell

check: lint types layers spelling test ## run lint, types, layers, spelling and test, as CI does

serve: $(READY) ## run the REST service with its web page on port 8000
	@$(BIN)/recast serve

pretrain: $(READY) ## train the networks of the package again, on synthetic series, from a seed
	@$(BIN)/python -m forecasting.pretraining

accuracy: $(READY) ## forecast and score the benchmark data sets in the folder DATA=
	@test -d "$(DATA)" || { echo "Say where the sets are: make accuracy DATA=FOLDER" >&2; exit 1; }
	@mkdir -p benchmark-output
	@for set in m4_hourly m4_weekly m3_monthly tourism_monthly; do \
	  test -d "$(DATA)/$$set" || { echo "$$set: not in $(DATA), left out"; continue; }; \
	  $(BIN)/python -m benchmarks.accuracy --data "$(DATA)/$$set" \
	    --output benchmark-output/$$set.csv --markdown || exit; \
	done
	@test ! -d "$(DATA)/chandra2021" || \
	  $(BIN)/python -m benchmarks.windows --data "$(DATA)/chandra2021"

speed: $(READY) ## measure training speed, as ratios; M4 data from the folder DATA=
	@mkdir -p benchmark-output
	@$(BIN)/python -m benchmarks.training $(if $(DATA),--data "$(DATA)") \
	  --json benchmark-output/training.json

load: $(READY) ## measure the service under load, as ratios; half an hour
	@mkdir -p benchmark-output
	@$(BIN)/python -m benchmarks.serving --json benchmark-output/serving.json

peers: .peers/.ready ## create .peers with the packages that benchmarks compare with
	@echo "Ready: .peers/bin/python -m benchmarks.peers --help"

.peers/.ready: benchmarks/peers.txt
	@"$(PYTHON)" -m venv .peers
	@.peers/bin/pip install -q --disable-pip-version-check -r benchmarks/peers.txt
	@touch .peers/.ready

nixtla: .nixtla/.ready ## create .nixtla with the nixtla client, which its tests need
	@echo "Ready: $(BIN)/python -m pytest tests/serving/api/test_nixtla_client.py"

.nixtla/.ready: tests/serving/api/nixtla.txt
	@"$(PYTHON)" -m venv .nixtla
	@.nixtla/bin/pip install -q --disable-pip-version-check -r tests/serving/api/nixtla.txt
	@touch .nixtla/.ready

ray: .ray/.ready ## create .ray with recast and Ray, which jobs on a cluster need
	@echo "Ready: .ray/bin/recast run --ray local jobs"

.ray/.ready: pyproject.toml constraints.txt
	@"$(PYTHON)" -m venv .ray
	@$(PIP:$(BIN)%=.ray/bin%) hatchling editables
	@$(PIP:$(BIN)%=.ray/bin%) --no-build-isolation -e '.[ray]' pytest hypothesis
	@.ray/bin/python -m forecasting.training
	@touch .ray/.ready

test-ray: .ray/.ready ## run the tests on a Ray cluster of two nodes
	@.ray/bin/python -m pytest tests/pipelines/batch/cluster/test_ray_cluster.py

clean: ## remove .venv, .peers, .nixtla, .ray, caches and build output, not runs and models
	@rm -rf .venv .peers .nixtla .ray dist build .*_cache .hypothesis *.egg-info
	@find . -name __pycache__ -prune -exec rm -rf {} +

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "make %-9s %s\n", $$1, $$2 }' Makefile
