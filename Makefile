# `make demo`: set up, then fit the log that ships with the project.  `make test`: set up, then run every test.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
ANALYTIC := 100 # percent of the branches of kernel/analytic that its tests meet, at least
KERNEL_TESTS := tests/kernel tests/library/test_catalogue.py tests/library/test_rate.py

.PHONY: demo test lint docs certificates coverage tamper extras setup clean

demo: $(VENV)/installed
	$(BIN)/boundcalc fit cases/logs/digits-mlp.npz --plot digits-mlp.png
	@echo "figure: digits-mlp.png"

test: $(VENV)/installed-test
	$(BIN)/python -m pytest

lint: $(VENV)/installed-lint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# Every branch of the trusted files is met by a test of them or of the catalogue.
coverage: $(VENV)/installed-test
	$(BIN)/python -m pytest $(KERNEL_TESTS) --cov=boundcalc.kernel --cov-branch --cov-report=
	$(BIN)/coverage report --show-missing --skip-covered --omit='*/analytic/*' --fail-under=100
	$(BIN)/coverage report --show-missing --skip-covered --include='*/analytic/*' --fail-under=$(ANALYTIC)

# 2,000 mutants of every certificate: rejected, or shown by sympy to be proofs (some minutes).
tamper: $(VENV)/installed-test
	$(BIN)/python tests/library/tamper.py --mutants 2000

docs: $(VENV)/installed-docs
	$(BIN)/sphinx-build -q -W docs build/docs
	@echo "docs: build/docs/index.html"

# Tests that need packages beyond the usual; here a missing one fails.
extras: $(VENV)/installed-extras
	BOUNDCALC_EXTRAS=1 $(BIN)/python -m pytest tests/extras

# Every proof of the catalogue as a certificate, then re-checked with nothing installed but Python.
certificates: $(VENV)/installed
	rm -rf build/certificates
	$(BIN)/boundcalc prove --all --certificates build/certificates
	$(PYTHON) -S -m boundcalc.kernel build/certificates/*.json

setup: $(VENV)/installed

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit("boundcalc needs Python 3.11 or newer, found " + sys.version.split()[0] + "; set PYTHON=python3.x") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv $(VENV)

$(VENV)/installed: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e .
	touch $@

$(VENV)/installed-test: $(VENV)/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[test]'
	touch $@

$(VENV)/installed-lint: $(VENV)/installed-test
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[test,lint]'
	touch $@

$(VENV)/installed-docs: $(VENV)/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[docs]'
	touch $@

$(VENV)/installed-extras: $(VENV)/installed-test
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[test,extras]'
	touch $@

clean:
	rm -rf $(VENV) digits-mlp.png
