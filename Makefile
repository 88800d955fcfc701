# The front door: `make` prints help. Settings are NAME=value: make headless PROFILE=smoke WORKERS=2
PYTHON := $(if $(wildcard .venv/bin/python),.venv/bin/python,python3)
# What make is told goes on to the rig, which knows what it means. N is short for WORKERS.
TOLD = $(foreach name,$(filter-out PYTHON,$(.VARIABLES)),$(if $(filter command,$(origin $(name))),$(patsubst N,WORKERS,$(name))="$$$(name)"))
RIG = $(PYTHON) -m stampede $@ $(TOLD)
UV := .local/uv/bin/uv
BIN := .venv/bin
# Not the folder itself: it is there before what belongs into it.
SYNCED := .venv/synced

.DEFAULT_GOAL := help
.PHONY: help up down scale headless report compare logs ps restart reset install test unit integration cluster browser prove lossless chaos lint fmt clean

##@ Use it
help: ## What there is
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z][a-z ]*:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

up: ## Start the cluster and say where it is             [WORKERS= HOST= LOCUSTFILE= RUNTIME=]
	@$(RIG)

down: ## Stop it; the data stays
	@$(RIG)

scale: ## Change the number of workers, also in a run      N=8
	@$(RIG)

headless: ## Run a load, leave results/, exit with a verdict   [PROFILE=ci USERS= SPAWN_RATE= RUN_TIME= WORKERS= HOST= LOCUSTFILE= TARGETS=]
	@$(RIG)

report: ## Open the newest report
	@$(RIG)

compare: $(SYNCED) ## Two runs side by side: ids in results/, or latest   A= B= [FORCE=1 HTML=file]
	@$(BIN)/python -m stampede compare '$(A)' '$(B)' $(if $(FORCE),--force) $(if $(HTML),--html '$(HTML)')

logs: ## What the cluster prints
	@$(RIG)

ps: ## What runs
	@$(RIG)

restart: ## Master and workers anew, after an edit of load_tests/
	@$(RIG)

reset: ## Stop it and delete the data
	@$(RIG)

##@ Work on it
install: $(SYNCED) ## Make .venv, from nothing but python3 and pip

$(SYNCED): pyproject.toml uv.lock $(UV)
	@$(UV) sync --locked --quiet && touch $@

# Into a folder of its own: a system's pip refuses anything else (PEP 668).
$(UV):
	@python3 -m pip install --quiet --disable-pip-version-check --root-user-action=ignore --target .local/uv uv==0.13.9

test: $(SYNCED) ## Every test that this machine can run; what it skips, it says
	@$(BIN)/pytest

unit integration cluster browser: $(SYNCED) ## One kind of test
	@$(BIN)/pytest tests/$@

prove: $(SYNCED) ## Plant faults: each must be caught by its check
	@$(BIN)/python -m tests.prove

lossless: $(SYNCED) ## Scale, kill, restart, cut off: what stock Locust loses and this does not
	@$(BIN)/python -m tests.lossless

chaos: $(SYNCED) ## Break things under load: what is lost, how long it takes   [PLAN=default RUNTIME=]
	@$(BIN)/python -m tests.chaos $(PLAN)

lint: $(SYNCED) ## Format, lint, types, imports
	@$(BIN)/ruff format --check && $(BIN)/ruff check && $(BIN)/mypy . && $(BIN)/lint-imports --no-logo

fmt: $(SYNCED) ## Format and mend what can be mended
	@$(BIN)/ruff format && $(BIN)/ruff check --fix

clean: ## Delete what was built here: .venv, caches, .local
	@rm -rf .venv .local .*_cache
