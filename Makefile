# `make` lists all commands. Settings are NAME=value: make headless PROFILE=smoke WORKERS=2
MAKEFLAGS += --no-print-directory
PYTHON := $(if $(wildcard .venv/bin/python),.venv/bin/python,python3)
# All variables of make's command line are passed to the rig, which checks them. N is short for WORKERS.
# UI_PASSWORD is passed in the environment only, as make does anyway: `ps` shows arguments to all users.
SETTINGS = $(foreach name,$(filter-out PYTHON UI_PASSWORD,$(.VARIABLES)),$(if $(filter command,$(origin $(name))),$(patsubst N,WORKERS,$(name))="$$$(name)"))
RIG = $(PYTHON) -m stampede $@ $(SETTINGS)
UV := .local/uv/bin/uv
BIN := .venv/bin
# A file, because the folder .venv exists before its packages are installed.
SYNCED := .venv/synced

.DEFAULT_GOAL := help
.PHONY: help up down scale headless try report compare login logs ps restart reset install test unit integration cluster browser cases prove lossless chaos security fuzz soak bench lint fmt clean

##@ Use Stampede
help: ## List the commands
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z][a-z ]*:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

up: ## Start the cluster and print its addresses         [WORKERS= HOST= LOCUSTFILE= RUNTIME=]
	@$(RIG)

down: ## Stop the cluster; the data stays
	@$(RIG)

scale: ## Change the number of workers, also during a run   N=8
	@$(RIG)

headless: ## Run a load, write results/, exit with the verdict's code   [PROFILE=ci USERS= SPAWN_RATE= RUN_TIME= WORKERS= HOST= LOCUSTFILE= TARGETS=]
	@$(RIG)

try: ## Run each task of a locustfile once, print every request   LOCUSTFILE= HOST= [SCENARIO= TAGS= ENV_FILE= RUNTIME=]
	@$(RIG)

report: ## Open the newest report
	@$(RIG)

compare: $(SYNCED) ## Compare two runs: ids in results/, or latest      A= B= [FORCE=1 FAIL_IF_WORSE=1 HTML=file]
	@$(BIN)/python -m stampede compare '$(A)' '$(B)' $(if $(FORCE),--force) $(if $(FAIL_IF_WORSE),--fail-if-worse) $(if $(HTML),--html '$(HTML)')

login: ## Print an address that opens the UI without its password, once and within a minute
	@$(RIG)

logs: ## Show the logs of the cluster
	@$(RIG)

ps: ## List the running containers or processes
	@$(RIG)

restart: ## Restart master and workers, after an edit of load_tests/
	@$(RIG)

reset: ## Stop the cluster and delete the data; asks before a run is lost   [FORCE=1]
	@$(RIG)

##@ Work on Stampede
install: $(SYNCED) ## Make .venv; needs only python3 and pip

$(SYNCED): pyproject.toml uv.lock $(UV)
	@$(UV) sync --locked --quiet && touch $@

# --target: pip of the system refuses to install anywhere else (PEP 668).
$(UV):
	@python3 -m pip install --quiet --disable-pip-version-check --root-user-action=ignore --target .local/uv uv==0.13.9

test: $(SYNCED) ## Run every test that this machine can run; skipped tests give the reason
	@$(BIN)/pytest

unit integration cluster browser: $(SYNCED) ## Run the tests of one kind
	@$(BIN)/pytest tests/$@

cases: $(SYNCED) ## Run the locustfiles of tests/cases: each must give its right value   [CASE=02]
	@$(BIN)/python -m tests.cases $(CASE)

prove: $(SYNCED) ## Plant faults: the check for each must catch it
	@$(BIN)/python -m tests.prove

lossless: $(SYNCED) ## Compare with stock Locust what is lost when workers scale, die, restart or are cut off
	@$(BIN)/python -m tests.lossless

chaos: $(SYNCED) ## Break parts of the cluster under load; list losses and recovery times   [PLAN=default RUNTIME=]
	@$(BIN)/python -m tests.chaos $(PLAN)

security: $(SYNCED) ## Run the tests of all protections; or show that they fail without theirs   [REMOVED=1]
	@$(BIN)/python -m tests.security $(if $(REMOVED),removed)

fuzz: $(SYNCED) ## Try thousands of inputs that nobody expects: files, texts, messages, requests   [CASES=4000 TESTS=]
	@$(BIN)/python -m tests.fuzz $(if $(CASES),--cases $(CASES)) $(TESTS)

soak: $(SYNCED) ## Run a long load: memory, files and threads of each role must stay flat   [RUN_TIME=30m]
	@$(BIN)/python -m tests.soak $(if $(RUN_TIME),--run-time $(RUN_TIME))

bench: $(SYNCED) ## Measure the speed of users, API and cluster, compared with others   [PART=generator ROUNDS=5]
	@$(UV) sync --locked --quiet --group bench
	@$(BIN)/python -m bench $(if $(ROUNDS),--rounds $(ROUNDS)) $(PART)

lint: $(SYNCED) ## Check format, lint, types, imports, Dockerfiles and workflows
	@$(BIN)/ruff format --check && $(BIN)/ruff check && $(BIN)/mypy . && $(BIN)/lint-imports --no-logo
	@$(BIN)/hadolint */Dockerfile && $(BIN)/zizmor --offline --quiet .github

fmt: $(SYNCED) ## Format, and fix what ruff can fix
	@$(BIN)/ruff format && $(BIN)/ruff check --fix

clean: ## Delete all generated files: .venv, caches, .local
	@rm -rf .venv .local .*_cache
