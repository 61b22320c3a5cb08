# Every target does all of its own set-up, in .venv. Needs Python 3.11 or later, make and a C++ compiler.

PYTHON ?= python3

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
PIP := $(BIN)/python -m pip --disable-pip-version-check -q

.PHONY: demo test slow torture bench gpu docs lint clean

demo: $(READY)
	$(BIN)/neurofwp run hetero-associative --out results/demo --overwrite

# one process per core; tests of a file share what they set up
test: $(READY)
	$(BIN)/python -m pytest -n auto --dist loadfile

slow: $(READY)
	$(BIN)/python -m pytest -m slow

# faults injected: signals at any moment, for half an hour
torture: $(READY)
	$(BIN)/python -m pytest -m torture

# one after the other: each needs the cores for itself; torch.compile would take minutes
bench: $(READY)
	$(BIN)/python -m benchmarks.spiking
	$(BIN)/python -m benchmarks.sweep
	$(BIN)/python -m benchmarks.fitting
	$(BIN)/python -m benchmarks.rate --compile neither

# all that there is to measure on a CUDA GPU, into results/gpu.json; where there is none it says so
gpu: $(READY)
	@if $(BIN)/python -c 'import sys, torch; sys.exit(not torch.cuda.is_available())'; then \
		$(PIP) install -c constraints.txt -e '.[kernels]'; fi
	$(BIN)/python -m benchmarks.gpu

# the site, into docs/_build/html: notebooks run if they or the package changed, which takes minutes
docs: $(READY)
	$(PIP) install -c constraints.txt -e '.[docs]'
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m sphinx -q -W --keep-going -b html docs docs/_build/html
	@echo docs/_build/html/index.html

lint: $(READY)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .hypothesis .mypy_cache .ruff_cache .coverage docs/_build docs/generated

# torch comes first and alone: with nothing but its pin to satisfy, pip keeps to the build that this machine is set up
# for (CPU or GPU), and the packages after it find it there.
$(READY): setup.cfg pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "neurofwp needs Python 3.11 or later, and $(PYTHON) is not: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@command -v $(firstword $(CXX)) >/dev/null || { \
		echo "neurofwp needs a C++ compiler: install g++ or clang, or name one: make CXX=/path/to/compiler" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(PIP) install -c constraints.txt torch
	$(PIP) install -c constraints.txt -e '.[test]'
	@touch $@
