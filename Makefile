# Set-up, the main job, the tests; `make help` lists what there is.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
export HF_HUB_OFFLINE ?= 1
# Each of the hundreds of processes that tests start would compile the package anew.
test test-slow test-full: export PYTHONDONTWRITEBYTECODE =

.PHONY: help setup quickstart test test-slow test-full check wheel bench bench-data bench-eval bench-export clean

help:  ## list the targets
	@grep -E '^[a-z-]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 14

$(STAMP): pyproject.toml constraints.txt
	@echo "setting up $(VENV): the pinned stack, once (a few minutes)"
	@$(PYTHON) -c 'import sys; assert sys.version_info >= (3, 11), "Python 3.11 or newer is needed; make PYTHON=python3.12 …"'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet -c constraints.txt torch
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[train,export,deepspeed,eval,tracking,sweep,dev]'
	@touch $(STAMP)

setup: $(STAMP)  ## create .venv and install the pinned stack (does nothing when done)
	@echo "ready: $(BIN)/python -m ftrecipe"

quickstart: $(STAMP)  ## run the main job: the embedded model learns a FAQ
	$(BIN)/python -m ftrecipe +recipe=quickstart

test: $(STAMP)  ## the fast tests, on all cores
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --dist loadfile

test-slow: $(STAMP)  ## trains the tiny model for a few steps through every stage
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --dist loadfile -m slow

test-full: $(STAMP)  ## real models, many runs; before a piece of work ends
	$(BIN)/python -m pytest -m full

check: $(STAMP)  ## style, types, and the floors of the house
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright --pythonpath $(BIN)/python
	$(BIN)/lint-imports

wheel: $(STAMP)  ## build dist/ftrecipe-*.whl
	$(BIN)/python -m build --wheel

bench: $(STAMP)  ## speed against a hand-written TRL script, as ratios
	$(BIN)/python benchmarks/speed.py

bench-data: $(STAMP)  ## speed and memory of reading, cleaning and tokenising
	$(BIN)/python benchmarks/data.py

bench-eval: $(STAMP)  ## batched generation against one by one, loads of the weights
	$(BIN)/python benchmarks/eval.py

bench-export: $(STAMP)  ## streaming merge against a copy and PEFT's own merge
	$(BIN)/python benchmarks/export.py

clean:  ## remove what was built, not the runs
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .ruff_cache
