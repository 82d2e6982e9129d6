# auction_bt: every chore by name. `make` alone lists them.
SHELL = /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

VENV := .venv
PY := $(VENV)/bin/python
SYSTEM_PYTHON := python3
HTTP := 9000
PG := 8812
AUDIT := audit
TREE := build/tree/auction_bt
SOURCES := auction_bt feeds brokers analyzers
INSTALL_INPUTS := setup.cfg pyproject.toml constraints.txt auction_bt/__init__.py

.PHONY: help install demo test soak check audit tree golden bench pictures questdb questdb-stop interop tools clean

help: ## list these targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile

install: $(VENV)/.run ## install into .venv, at the versions of constraints.txt

demo: $(VENV)/.run ## make a synthetic recording, backtest it, draw it
	@$(PY) -m auction_bt demo

test: $(VENV)/.test ## run every test this machine can run (AUCTION_REQUIRE=db,browser: those must run too)
	@$(PY) -m pytest -n auto $(PYTEST_ARGS)

soak: $(VENV)/.test ## 1,000 days of faults and 200 deaths of the bot, some 20 minutes; a seed that fails is named
	@AUCTION_FAULT_SEEDS=1000 AUCTION_KILL_POINTS=200 $(PY) -m pytest -n auto tests/faults/test_a_day_of_faults.py $(PYTEST_ARGS)

check: $(VENV)/.dev tree ## what a change must pass: lint, format, types, tests, known weaknesses (AUDIT= leaves these out)
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@cd build/tree && ../../$(PY) -m mypy --config-file ../../setup.cfg -p auction_bt
	@$(PY) -m pytest -n auto $(PYTEST_ARGS)
	@if test -n "$(AUDIT)"; then $(MAKE) --no-print-directory $(AUDIT); fi

audit: $(VENV)/.dev ## look for known weaknesses of the pinned packages; asks the package index
	@$(PY) -m pip_audit -r constraints.txt --no-deps --disable-pip --progress-spinner off

# mypy cannot follow setup.cfg's package map; a tree of links shows it the installed layout.
tree:
	@rm -rf $(TREE) && mkdir -p $(TREE)
	@for entry in auction_bt/* feeds brokers analyzers; do ln -s "../../../$$entry" $(TREE)/; done

golden: $(VENV)/.test ## write the golden files anew; review the difference as code
	@if test -d tests/golden; then AUCTION_GOLDEN=write $(PY) -m pytest -n 0 tests/golden $(PYTEST_ARGS); \
	else echo "no golden tests here"; fi

bench: $(VENV)/.test ## run the benchmarks
	@for file in benchmarks/bench_*.py; do \
	  test -f "$$file" || { echo "no benchmarks here"; break; }; \
	  echo "== $$file"; $(PY) "$$file" || exit 1; \
	done

pictures: $(VENV)/.test ## make the pictures of README and docs anew (needs Chromium: make tools)
	@$(PY) tools/pictures.py

questdb: ## get and start a QuestDB server on this machine's loopback (HTTP=9000 PG=8812 name other ports)
	@$(SYSTEM_PYTHON) tools/questdb.py start --http $(HTTP) --pg $(PG)

questdb-stop: ## stop it; the data stays in .questdb
	@$(SYSTEM_PYTHON) tools/questdb.py stop

interop: $(VENV)/.run ## let the broker's Java SDK talk to the simulated broker (a JDK of 17 or newer, and Maven)
	@$(PY) tools/interop.py

tools: ## what the full tests need beyond Python: Java, Maven, Chromium
	@sh .ci/tools

clean: ## remove .venv, builds and caches; recordings and reports stay
	@rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis *.egg-info
	@find $(SOURCES) tests benchmarks -name __pycache__ -prune -exec rm -rf {} +

$(VENV)/.run: EXTRA :=
$(VENV)/.test: EXTRA := [test]
$(VENV)/.dev: EXTRA := [dev]

$(VENV)/.run $(VENV)/.test $(VENV)/.dev: $(INSTALL_INPUTS) .ci/install
	@sh .ci/install $(VENV) '$(EXTRA)'
	@touch $@
