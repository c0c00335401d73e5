# All that a newcomer needs is `make run` and `make test`, on a bare machine with Python 3.11 to 3.13.
# `make help` lists the other targets. For another interpreter: make run PYTHON=/path/to/python3.12

PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3 python; do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null && echo $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin
# The stamp files $(VENV)/installed* depend on these two files: a change of one of them installs everything again.
NEEDS := pyproject.toml constraints.txt

.DEFAULT_GOAL := help
.PHONY: help install run reproduce-all test lowest wheel lint docs format bench readme clean

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(VENV)/installed-dev ## make .venv and install everything, tools for development too

run: $(VENV)/installed ## cluster scikit-learn's digits; no download
	$(BIN)/kingdra-run dataset=digits

reproduce-all: $(VENV)/installed ## run what is missing of the paper's tables and figures; ARGS="schedule=short budget=2h"
	@$(BIN)/kingdra-reproduce $(ARGS); status=$$?; $(BIN)/python scripts/readme.py; exit $$status

test: $(VENV)/installed-dev ## run the tests
	$(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder

lowest: $(VENV)/installed-dev ## run the tests with the oldest libraries that are allowed, and Python 3.11, in .venv-lowest
	python3.11 -m venv .venv-lowest
	$(BIN)/python scripts/lowest.py >.venv-lowest/constraints.txt
	.venv-lowest/bin/pip install -q torch==$$($(BIN)/python -c 'import torch; print(torch.__version__.split("+")[0])')
	.venv-lowest/bin/pip install -q -c .venv-lowest/constraints.txt -e '.[parquet,hdf5,excel,joblib,slurm]' \
		pytest pytest-xdist hypothesis
	.venv-lowest/bin/python -m pytest -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder

wheel: $(VENV)/installed-dev ## build the wheel, install it on its own, and run it
	$(BIN)/python -m pytest -m slow tests/test_wheel.py

lint: $(VENV)/installed-dev ## check style and types
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

docs: $(VENV)/installed-docs ## build the documentation into build/docs, with warnings as errors
	$(BIN)/python -m sphinx -W --keep-going -q -d build/doctrees docs build/docs

format: $(VENV)/installed-dev ## put the code into the project's style
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

bench: $(VENV)/installed-dev ## time what the speed depends on; minutes
	@for script in benchmarks/*.py; do echo "== $$script" && $(BIN)/python $$script || exit 1; done

readme: $(VENV)/installed ## make the results section of the README from results/
	$(BIN)/python scripts/readme.py

clean: ## remove .venv and what tools left; outputs/ stays
	rm -rf $(VENV) .venv-lowest build dist src/*.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@test -n "$(PYTHON)" || { \
		echo "No Python 3.11 to 3.13 found: install one, or name it: make run PYTHON=/path/to/python3.12" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
		echo "$(PYTHON) cannot make a virtual environment: on Debian and Ubuntu, apt install python3-venv" >&2; exit 1; }

$(VENV)/installed: $(BIN)/python $(NEEDS)
	@$(call PIP_INSTALL,.)
	@touch $@

$(VENV)/installed-dev: $(BIN)/python $(NEEDS)
	@$(call PIP_INSTALL,.[dev])
	@touch $@ $(VENV)/installed

$(VENV)/installed-docs: $(VENV)/installed $(NEEDS)
	@$(call PIP_INSTALL,.[docs])
	@touch $@

# PyPI's PyTorch for Linux includes the CUDA libraries. PyTorch's own index has one without them, whose version
# (2.13.0+cpu) pip considers the later one. If that index does not answer, PyPI's PyTorch works, too.
CPU_INDEX := https://download.pytorch.org/whl/cpu
ANSWERS = $(BIN)/python -c 'import urllib.request; urllib.request.urlopen("$(CPU_INDEX)/torch/", timeout=5)' 2>/dev/null

define PIP_INSTALL
echo "Installing into $(VENV): PyTorch, scikit-learn, pandas, matplotlib and what they need (pyproject.toml)"; \
if command -v nvidia-smi >/dev/null; then index=; echo "PyTorch with CUDA, for an NVIDIA GPU: some GB"; \
elif $(ANSWERS); then index="--extra-index-url $(CPU_INDEX)"; echo "PyTorch for the CPU: some 200 MB"; \
else index=; echo "PyTorch from pip's own index, perhaps with CUDA, some GB: $(CPU_INDEX) does not answer"; fi; \
$(BIN)/python -m pip install --disable-pip-version-check -c constraints.txt $$index -e '$(1)' || { $(PIP_FAILED) }
endef

define PIP_FAILED
echo "pip could not install the packages (above is why): is there a network, and a few GB of free disk?" >&2; exit 1;
endef
