# Everything that a developer or a machine does here. `make help` lists it.
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
UV_VERSION := 0.13.9
CACHE := $(HOME)/.cache/llmtrain
UV := $(CACHE)/uv-$(UV_VERSION)/bin/uv
BIN := .venv/bin
SETUP := .venv/set-up
STORES = $(CACHE)/stores-$(shell sha256sum < requirements-stores.lock | cut -c 1-64)

export UV_CACHE_DIR := $(CACHE)/uv
# The system's certificates, so that a company's own authority is trusted.
export UV_SYSTEM_CERTS := 1
# Compiled once here, not again by every process that Ray starts.
export UV_COMPILE_BYTECODE := 1
# The Python of this machine, not one that uv would download.
export UV_PYTHON_DOWNLOADS := never
export HF_HUB_OFFLINE := 1
# Each process that a test starts would otherwise compile our code anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help
help: ## Say what can be made.
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "%-12s %s\n", $$1, $$2 }'

.PHONY: quickstart
quickstart: setup ## Set up, then run the whole line on this machine.
	$(BIN)/llmtrain run manifests/quickstart.yaml

.PHONY: setup
setup: $(SETUP) ## Make .venv from requirements.lock.

$(SETUP): requirements.lock pyproject.toml | $(UV)
	@test -x $(BIN)/python || $(UV) venv --quiet --python $(PYTHON) .venv
	@echo "Installing what requirements.lock lists; the first time that is 6 GB."
	@$(UV) pip sync --quiet --require-hashes requirements.lock
	@$(UV) pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@
	@command -v g++ > /dev/null || echo "Note: there is no g++, which torch.compile needs."

$(UV):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "$(PYTHON) is older than 3.11; name a newer one: make PYTHON=python3.12 ..." >&2; exit 1; }
	@$(PYTHON) -m venv $(CACHE)/uv-$(UV_VERSION) || { \
	  echo "$(PYTHON) cannot make virtual environments (Debian: apt-get install python3-venv)." >&2; exit 1; }
	@$(CACHE)/uv-$(UV_VERSION)/bin/pip install --quiet --disable-pip-version-check \
	  --require-hashes --requirement requirements-build.lock

.PHONY: lock
lock: | $(UV) ## Bring the lock files up to date with pyproject.toml.
	$(UV) pip compile pyproject.toml --quiet --universal --python-version 3.11 --all-extras --group dev \
	  --generate-hashes --no-header --output-file requirements.lock
	$(UV) pip compile pyproject.toml --quiet --universal --python-version 3.11 --extra operator \
	  --constraint requirements.lock --generate-hashes --no-header --output-file requirements-operator.lock
	printf 'hatchling\nuv==$(UV_VERSION)\n' | $(UV) pip compile - --quiet --universal --python-version 3.11 \
	  --constraint requirements.lock --generate-hashes --no-header --no-annotate --output-file requirements-build.lock
	printf 'moto[server]\ngcp-storage-emulator\nsetuptools<81\n' | $(UV) pip compile - --quiet --universal --python-version 3.11 \
	  --generate-hashes --no-header --no-annotate --output-file requirements-stores.lock

BUILDER ?= docker build
.PHONY: images
images: ## Build both images: make images BASE=python:3.11.14-slim-bookworm@sha256:... [BUILDER="buildah build"]
	@case "$(BASE)" in *@sha256:*) ;; *) \
	  echo "Name a base image by its digest: make images BASE=python:3.11.14-slim-bookworm@sha256:..." >&2; exit 2;; esac
	$(BUILDER) --build-arg BASE="$(BASE)" --file images/operator.Dockerfile --tag llmtrain-operator .
	$(BUILDER) --build-arg BASE="$(BASE)" --file images/trainer.Dockerfile --tag llmtrain-trainer .

.PHONY: sbom
sbom: setup ## Write what each image holds from Python: dist/sbom-*.json (CycloneDX).
	@mkdir -p dist
	$(BIN)/cyclonedx-py requirements requirements-operator.lock --pyproject pyproject.toml \
	  --output-reproducible --output-file dist/sbom-operator.json
	$(BIN)/cyclonedx-py requirements requirements.lock --pyproject pyproject.toml \
	  --output-reproducible --output-file dist/sbom-trainer.json

.PHONY: format
format: setup ## Format the code and mend what can be mended by itself.
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

.PHONY: generate
generate: setup ## Write the generated files: the CRD, the job reference.
	$(BIN)/python scripts/generate.py

.PHONY: pictures
pictures: setup ## Draw the pictures of the documents.
	$(BIN)/python scripts/screenshot.py docs/images/plan.svg llmtrain plan manifests/llama-7b.yaml --hardware h100-sxm --price 3
	@test ! -e runs/quickstart || $(BIN)/python scripts/report_picture.py runs/quickstart

.PHONY: docs
docs: setup ## Build the documentation site: dist/site.
	$(BIN)/python scripts/docs_site.py

.PHONY: check
check: setup ## Everything that needs no run: format, lint, types, imports, generated files, documents.
	$(BIN)/ruff format --check --quiet
	$(BIN)/ruff check --quiet
	$(BIN)/mypy
	MYPYPATH=scripts $(BIN)/mypy scripts
	MYPYPATH=benchmarks:tests $(BIN)/mypy benchmarks
	$(BIN)/lint-imports --no-logo
	$(BIN)/python scripts/check_tree.py
	$(BIN)/python scripts/generate.py --check
	$(BIN)/python scripts/docs_site.py

.PHONY: test
test: setup cluster-binaries object-stores ## Run the tests: units, training, the CRD and the operator on a real API server.
	OMP_NUM_THREADS=1 $(BIN)/pytest tests/unit tests/training tests/contract tests/control_plane \
	  --numprocesses=2 --dist=loadfile --no-loadscope-reorder

.PHONY: test-fast
test-fast: setup ## Run the unit tests that are not marked slow: a minute, for use while developing.
	OMP_NUM_THREADS=1 $(BIN)/pytest tests/unit -m "not slow and not node" --numprocesses=2 --dist=loadfile

.PHONY: fuzz
fuzz: setup cluster-binaries ## Explore at random what make test draws the same each time: FUZZ_SECONDS=900, SEED=.
	$(BIN)/python scripts/fuzz.py $(if $(SEED),--seed $(SEED),--seconds $(or $(FUZZ_SECONDS),900))

.PHONY: cluster-binaries
cluster-binaries: ## Build the programs of a control plane for the tests (minutes, once).
	PYTHONPATH=tests $(PYTHON) -m support.cluster.binaries etcd kube-apiserver \
	  kube-controller-manager kube-scheduler kubectl helm kubeconform ray-operator kueue promtool

.PHONY: object-stores
object-stores: | $(UV) ## Install the object stores of the tests, apart from .venv: it needs older packages.
	@test -x $(STORES)/bin/moto_server || { $(UV) venv --quiet --python $(PYTHON) $(STORES) && \
	  $(UV) pip sync --quiet --python $(STORES)/bin/python --require-hashes requirements-stores.lock; }

.PHONY: install-manifest
install-manifest: setup ## Render the chart for those without helm: manifests/operator.
	PYTHONPATH=tests $(BIN)/python -m support.chart

.PHONY: e2e
e2e: e2e-local e2e-node ## Run whole jobs, on this machine and on a Kubernetes node.

.PHONY: e2e-local
e2e-local: setup object-stores ## Run whole jobs with `llmtrain run`: kills, budgets, the tutorials.
	$(BIN)/pytest tests/e2e

.PHONY: e2e-node
e2e-node: setup ## Run whole jobs on a Kubernetes node, which needs root and is made of this machine.
	$(BIN)/pytest -m node

.PHONY: cluster-up
cluster-up: setup ## Start a Kubernetes node to work with by hand (root; minutes the first time).
	@PYTHONPATH=tests $(BIN)/python -m support.cluster.by_hand up

.PHONY: cluster-down
cluster-down: setup ## End what cluster-up started.
	@PYTHONPATH=tests $(BIN)/python -m support.cluster.by_hand down
