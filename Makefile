# The two commands of the README are `make demo` and `make test`; each sets up what it needs.
VENV ?= .venv
BIN := $(VENV)/bin
ARGS ?=
WAITS = lab or realtime
PYTEST = PATH="$(abspath $(BIN)):$$PATH" $(BIN)/python -m pytest -q

.DEFAULT_GOAL := help
.PHONY: help demo test lint lab lock clean

help: ## show this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 8

demo: $(VENV)/.ready ## play bundled calls through the whole system (ARGS="--once --speed 2")
	@exec $(BIN)/tingzhen demo $(ARGS)

test: $(VENV)/.ready-test ## set up all that the tests need, the real Asterisk included, and run them (ARGS="-k ami")
	@PATH="$(abspath $(BIN)):$$PATH" sh tests/setup.sh $(BIN)
ifeq ($(strip $(ARGS)),)
	@# What computes, on all processors; one file, one worker: what its tests share is made once.
	@$(PYTEST) -n auto --dist loadfile --no-loadscope-reorder -m "not ($(WAITS) or quiet or alone)"
	@# What waits for phones and sound, side by side.
	@$(PYTEST) -n auto --dist loadfile -m "($(WAITS)) and not (quiet or alone)" tests/e2e
	@$(PYTEST) -n auto --dist loadfile -m "quiet and not alone" tests/e2e
	@$(PYTEST) -m alone tests/e2e
else
	@PATH="$(abspath $(BIN)):$$PATH" exec $(BIN)/python -m pytest $(ARGS)
endif

lint: $(VENV)/.ready-test ## formatter, linter, types, layers
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

lab: $(VENV)/.ready-test ## start a real Asterisk on loopback with SIP phones
	@exec $(BIN)/tingzhen lab up

lock: $(VENV)/.ready-test ## pin what is installed now
	@{ echo "# The versions that the tests ran with; made by 'make lock'."; \
	   $(BIN)/pip freeze --exclude-editable; } > constraints.txt

$(VENV)/.ready: pyproject.toml constraints.txt hatch_build.py tingzhen/setup.sh
	@sh tingzhen/setup.sh $(VENV) .
	@touch $@

$(VENV)/.ready-test: pyproject.toml constraints.txt hatch_build.py tingzhen/setup.sh
	@sh tingzhen/setup.sh $(VENV) '.[dev]'
	@touch $@ $(VENV)/.ready

clean: ## remove the environment, the lab and everything built
	rm -rf $(VENV) .lab .cache build dist agent_console/static agent_console/web/node_modules
