# demo and test need Python 3.11 or newer, make and a package index; nothing else.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: demo test lint type bench clean

demo: $(STAMP)
	@$(BIN)/pilotfish demo shipping --out out

test: $(STAMP)
	@$(BIN)/pytest -q

lint: $(STAMP)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

type: $(STAMP)
	@$(BIN)/basedpyright --pythonpath $(BIN)/python --warnings

bench: $(STAMP)
	@for name in import overhead dag demo; do $(BIN)/pilotfish lab bench $$name || exit 1; done
	@if [ -n "$(DATA)" ]; then for name in router retrieval; do \
	  $(BIN)/pilotfish lab bench $$name --data "$(DATA)" || exit 1; done; \
	else echo "router and retrieval need public data: make bench DATA=folder"; fi

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit("Pilotfish needs Python 3.11 or newer" if sys.version_info < (3, 11) else 0)'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing into $(VENV), some minutes the first time"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --upgrade pip
	@PYTHONWARNINGS=ignore $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[plots,lab,otel,pii,transformers,dev]'
	@touch $@

clean:
	rm -rf $(VENV) build dist out
