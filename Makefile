# `make` or `make help` lists what there is. Needs Python 3.11 or newer, pip and make.

PYTHON ?= python3
BIN := .venv/bin
RUNTIME := .venv/installed-runtime
DEV := .venv/installed-dev
SPARK := .venv-spark/installed
PIP_FLAGS := -qq --disable-pip-version-check --no-input --no-compile

DEMO_HOME := var/demo
DEMO_AS_OF := 2017-11-22T14:00
DOCS_HOME := var/docs

# Nothing here phones home.
export DO_NOT_TRACK := 1
export DBT_SEND_ANONYMOUS_USAGE_STATS := false
export DBT_PROFILES_DIR := $(CURDIR)

# Compiled Python is kept: without it, each of hundreds of processes compiles dbt and Prefect for itself.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo up down report test lint lint-python lint-layers lint-purpose lint-sql compiled docs spark bench mutants torture long soak lock clean

help: ## List these targets
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# Installs the Debian package $(2) where its program $(1) is missing, or asks for it.
define need
	@if ! command -v $(1) >/dev/null 2>&1 && ! ls /usr/lib/postgresql/*/bin/$(1) >/dev/null 2>&1; then \
		if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then \
			apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $(2) >/dev/null; \
		else \
			echo "make $@ needs $(1): install it (on Debian: $(2))" >&2; exit 2; \
		fi; \
	fi
endef

# One customer of each kind, the first by id, so that the demo tells the same story every time.
define ONE_OF_EACH
import duckdb
log = duckdb.connect('$(DEMO_HOME)/warehouse/muster.duckdb', read_only=True)
print(*[log.execute("select min(customer_id) from decisions.decision_log where campaign = 'weekly_reactivation'"
                    " and verdict = ?", [verdict]).fetchone()[0] for verdict in ('send', 'exclude', 'holdout')])
endef
export ONE_OF_EACH

demo: $(RUNTIME) ## See a first batch, from real data to messages that a sandbox accepts
	@set -eu; \
	MUSTER_HOME=$(DEMO_HOME); export MUSTER_HOME; \
	muster=$(BIN)/muster; \
	say() { printf '\n\033[1m== %s\033[0m\n' "$$*"; }; \
	stop() { "$$muster" sandbox --stop >/dev/null 2>&1 || true; }; \
	trap stop EXIT; trap 'exit 130' INT TERM; \
	stop; rm -rf $(DEMO_HOME); \
	say 'Example data: the Complete Journey, 2,469 households of 2017'; \
	"$$muster" sample; \
	say 'A sandbox on loopback stands in for SendGrid, Twilio, Meta, Google, HubSpot, Klaviyo and Expo'; \
	"$$muster" sandbox --detach; \
	say 'One run: land, build, freeze, guard, deliver, reconcile, report'; \
	"$$muster" run --as-of $(DEMO_AS_OF) --run-id demo; \
	say 'Why one customer gets it, another does not, and a third is left alone to measure against'; \
	for customer in $$($(BIN)/python -c "$$ONE_OF_EACH"); do \
		"$$muster" explain "$$customer" weekly_reactivation; echo; \
	done; \
	say 'The same run again: no request leaves'; \
	"$$muster" run --as-of $(DEMO_AS_OF) --run-id demo; \
	say 'Done. What the sandbox accepted is in $(DEMO_HOME)/sandbox/accepted.jsonl; next: make docs'

up: $(RUNTIME) ## Operate a home: Prefect server, worker, all schedules and alarms, report and catalogue (MUSTER_HOME, else var)
	@$(BIN)/muster up

down: $(RUNTIME) ## End what `make up` started, and nothing else
	@$(BIN)/muster down

report: $(RUNTIME) ## Write the report of a home as one file (MUSTER_HOME, else the demo's)
	@MUSTER_HOME="$${MUSTER_HOME:-$(DEMO_HOME)}" $(BIN)/muster report

test: $(DEV) ## Run every test: dbt's unit and data tests over the small sample, and pytest's
	$(call need,initdb,postgresql)
	$(call need,strace,strace)
	$(call need,chromium,chromium)
	@$(BIN)/pytest -n 2 --dist loadgroup --no-loadscope-reorder -m "not long"

lint: lint-python lint-layers lint-purpose lint-sql ## Check style, types, imports, SQL, layers and the purpose of data

lint-python: $(DEV)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

# The project parsed and its campaigns compiled, without a warehouse: what two checks read.
compiled: $(DEV)
	@MUSTER_WAREHOUSE=:memory: $(BIN)/dbt --quiet --warn-error compile --no-introspect --no-partial-parse \
		--select path:models/campaigns path:models/audiences

lint-layers: compiled
	@$(BIN)/dbt-bouncer run

lint-purpose: compiled ## Check that no campaign takes data that its purpose and channel may not have
	@$(BIN)/python tests/project/purpose_lint.py

lint-sql: $(DEV)
	@PYTHONWARNINGS="ignore:resource_tracker" $(BIN)/sqlfluff lint --processes 2 --disable-progress-bar models tests/dbt

docs: $(RUNTIME) ## Write the dbt docs site as one file; take the demo's data, or else the small sample's
	@set -eu; \
	MUSTER_HOME=$(DEMO_HOME); \
	if [ ! -f "$$MUSTER_HOME/warehouse/muster.duckdb" ]; then MUSTER_HOME=$(DOCS_HOME); fi; \
	export MUSTER_HOME; \
	if [ ! -f "$$MUSTER_HOME/warehouse/muster.duckdb" ]; then \
		$(BIN)/muster sample --small; \
		$(BIN)/muster land --as-of $(DEMO_AS_OF); \
		$(BIN)/muster build --as-of $(DEMO_AS_OF) >/dev/null; \
	fi; \
	MUSTER_WAREHOUSE="$$MUSTER_HOME/warehouse/muster.duckdb" \
		$(BIN)/dbt --quiet docs generate --static --target-path target/docs; \
	$(BIN)/python -m activation.catalogue target/docs/static_index.html; \
	echo "The docs are one file: target/docs/static_index.html"

spark: $(RUNTIME) $(SPARK) ## Build on Apache Spark too, and show that it decides the same
	@if ! command -v java >/dev/null 2>&1; then \
		if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then \
			apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq default-jre-headless >/dev/null; \
		else \
			echo "make spark needs Java 17 or newer: install it (on Debian: default-jre-headless)" >&2; exit 2; \
		fi; \
	fi
	@$(BIN)/python tests/spark/portability.py --spark-dbt .venv-spark/bin/dbt

bench: $(DEV) ## Measure building and delivering a million people
	@$(BIN)/python tests/bench/bench.py

mutants: $(DEV) ## Show that every small change to a shared rule is noticed
	@$(BIN)/python tests/mutation/mutate.py

torture: $(DEV) ## Kill, damage, starve and overlap deliveries for half an hour; writes tests/torture/RESULTS.md
	$(call need,initdb,postgresql)
	$(call need,strace,strace)
	@$(BIN)/python tests/torture/torture.py --write tests/torture/RESULTS.md

long: $(DEV) ## Run the tests that take minutes: a home operated, killed and approved; two workers on PostgreSQL; redemptions
	$(call need,initdb,postgresql)
	@$(BIN)/pytest -m long

soak: $(DEV) ## Operate a small home for ninety days with its own server and worker; writes tests/flows/NINETY_DAYS.md
	@$(BIN)/python tests/flows/ninety_days.py --write tests/flows/NINETY_DAYS.md

lock: $(DEV) ## Resolve the lock files again: what the .in files ask, and else what is locked already
	@set -eu; \
	compile="$(BIN)/uv pip compile --quiet --no-strip-extras --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-emit-find-links --no-annotate --no-header"; \
	$$compile requirements-dev.in --no-emit-package pandas --output-file requirements-dev.txt; \
	$$compile requirements.in --constraints requirements-dev.txt --no-emit-package pandas --output-file requirements.txt; \
	$$compile requirements-spark.in --output-file requirements-spark.txt

clean: ## Remove what can be made again; your homes under var/ stay, but for the demo's
	@rm -rf .venv .venv-spark target logs build muster.egg-info $(DEMO_HOME) $(DOCS_HOME) \
		.pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis spark-warehouse metastore_db derby.log
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Each environment is made once, and again when its lock file changes. A lock file names everything, so pip need
# not resolve (--no-deps), which it cannot do for extras where hashes are required.
.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Muster needs Python 3.11 or newer, and $(PYTHON) is older or missing." \
			"Name another one: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 2; }
	@$(PYTHON) -m venv .venv

$(RUNTIME): requirements.txt pyproject.toml | .venv/bin/python
	@echo "Installing what a run needs into .venv (once)"
	@$(BIN)/python -m pip install $(PIP_FLAGS) --require-hashes --no-deps -r requirements.txt
	@$(BIN)/python -m pip install $(PIP_FLAGS) --no-deps --no-build-isolation -e .
	@touch $@

$(DEV): requirements-dev.txt $(RUNTIME)
	@echo "Installing the tools of tests and checks into .venv (once)"
	@$(BIN)/python -m pip install $(PIP_FLAGS) --require-hashes --no-deps -r requirements-dev.txt
	@! $(BIN)/python -m pip check | grep -v 'requires pandas, which is not installed\|^No broken requirements'
	@touch $@

$(SPARK): requirements-spark.txt | .venv/bin/python
	@echo "Installing Spark into .venv-spark (once)"
	@$(PYTHON) -m venv .venv-spark
	@.venv-spark/bin/python -m pip install $(PIP_FLAGS) --require-hashes --no-deps -r requirements-spark.txt
	@touch $@
