.DEFAULT_GOAL := help
SHELL := bash
MEMBERS := shared local services/gateway services/matters services/messaging services/sla-monitor services/billing services/audit services/intake
BIN := .venv/bin

##@ Use
run: setup ## set up what is missing, start everything, show its status (Ctrl-C stops it)
	@$(BIN)/privity up
stop: setup ## stop what runs
	@$(BIN)/privity down
reset: setup ## forget all local state (.privity)
	@$(BIN)/privity down --reset
demo: setup ## the main job, narrated; writes .privity/demo.html
	@$(BIN)/privity demo

##@ Develop
setup: .venv/.ready ## .venv with everything in it, the servers fetched
	@$(BIN)/privity fetch
# A test that failed is run once more and both are told: these tests kill real servers on busy machines.
test: check ## every check and every test, on real PostgreSQL and real Kafka
	@$(BIN)/python -m pytest -n 2 --no-loadscope-reorder --reruns 1 -r R
check: setup lint types imports stale ## lint, types, import contracts, generated docs
lint:
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .
types:
	@$(BIN)/mypy
imports:
	@$(BIN)/lint-imports
stale:
	@$(BIN)/python -m shared.contracts.documents --check docs
fmt: setup ## format
	@$(BIN)/ruff check --fix . && $(BIN)/ruff format .
docs: setup ## generate docs/events.md, docs/asyncapi.yaml and the schemas of the contracts
	@$(BIN)/python -m shared.contracts.documents docs
bench: setup ## benchmarks, as ratios against a peer or a physical limit
	@PYTHONPATH=tests $(BIN)/python benchmarks/all.py
lock: .venv/.ready ## pin the newest versions into requirements.lock
	@$(BIN)/uv pip compile requirements.in --universal --generate-hashes --no-header --no-annotate --upgrade \
	  -q -o requirements.lock $(foreach m,$(MEMBERS),--no-emit-package privity-$(notdir $(m)))

# The lock names no registry: pip's and uv's own settings say where packages come from (ADR-0010).
.venv/.ready: requirements.lock $(addsuffix /pyproject.toml,$(MEMBERS))
	@test -x $(BIN)/python || python3 -m venv .venv || \
	  { echo "python3 -m venv failed: install Python 3.11 with venv (Debian: python3-venv)"; exit 1; }
	@echo "Setting up .venv …"
	@$(BIN)/python -m pip install -q --require-hashes --only-binary :all: -r <(sed -n '/^uv==/,/[^\\]$$/p' requirements.lock)
	@$(BIN)/uv pip sync -q --require-hashes requirements.lock
	@$(BIN)/uv pip install -q --no-deps --no-build-isolation $(addprefix -e ,$(MEMBERS))
	@touch $@

help: ## this list
	@awk 'BEGIN{FS=":.*## "} /^##@/{printf "\n%s\n",substr($$0,5)} /^[a-z-]+:.*## /{printf "  make %-8s %s\n",$$1,$$2}' Makefile

.PHONY: run stop reset demo setup test check lint types imports stale fmt docs bench lock help
