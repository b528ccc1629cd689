# make run    sets up its own environment, solves the reference scenario, says where the outputs lie
# make test   runs the tests
# make slow   runs the slow tests: whole scenarios once more, the figures of the documents and the commands of the README;
#             and all the random instances of which make test draws a quarter (without them: SLOW=slow)
# make backtest  predicts every finished build again, and compares the days with the page; minutes
# make check  formats, lints, type-checks (check-only where CI is set)
# make docs   writes the figures in the documents again, from runs
# make site   builds the documentation site, runs its notebooks, and fails on any warning
# make pictures  makes the pictures of the documents again (needs make tools)
# make tools  brings what the tests of QGIS, of the browser and of notebooks need (Debian, as root); without it they skip
# make bench  measures siteopt from 50 to 1,000,000 sites, and against peers; takes about an hour (BENCH="--sizes 50,200")
# make fuzz   tries inputs that nobody would write on purpose, ten thousand of them (FUZZ=100000)
# make exact  holds the answers to random worlds against an independent model, 10,000 of them; hours (EXACT="--worlds 100"),
#             and instances with every part of the model against brute force, and explanations of some of them against
#             solving again (MIXED="--instances 500 --explained 25")
# make reliability  kills runs, fills disks, presses Ctrl-C, and writes docs/reliability.md (as root it mounts disks)
# make oldest runs a part of the tests with the oldest dependencies that pyproject.toml allows; needs Python 3.11
# make lock   resolves the pinned constraints again

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: run test slow backtest check docs site pictures tools bench fuzz exact reliability oldest lock clean
.DEFAULT_GOAL := run

$(READY): constraints.txt pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "siteopt needs Python 3.11 or newer: make PYTHON=python3.12")'
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes --no-deps -r constraints.txt
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@

run: $(READY)
	$(BIN)/siteopt solve models/colossus.toml

test: $(READY)
	$(BIN)/python -m pytest

SLOW ?= slow or random

slow: $(READY)
	SITEOPT_EXAMPLES=all $(BIN)/python -m pytest -m "$(SLOW)"

backtest: $(READY)
	$(BIN)/python -m pytest tests/test_backtests.py -m backtest

check: $(READY)
	$(BIN)/ruff format $(if $(CI),--check )siteopt tests docs
	$(BIN)/ruff check $(if $(CI),,--fix )siteopt tests docs
	$(BIN)/mypy

docs: $(READY)
	$(BIN)/python docs/generate.py

site: $(READY)
	$(BIN)/python -m pip install --quiet --require-hashes --no-deps -r constraints-docs.txt
	$(BIN)/python -m sphinx --quiet --fresh-env --fail-on-warning --keep-going \
		--doctree-dir docs/_build/doctrees docs docs/_build/html
	@echo "the site: docs/_build/html/index.html"

pictures: $(READY)
	$(BIN)/python docs/pictures.py

tools: $(READY)
	command -v qgis && command -v xvfb-run && command -v chromium && fc-list | grep --quiet "Noto Sans CJK" || \
		{ apt-get update && apt-get install --yes --no-install-recommends qgis python3-qgis xvfb xauth chromium fonts-noto-cjk; }
	$(BIN)/python -m pip install --quiet --require-hashes --no-deps -r constraints-tools.txt

bench: $(READY)
	$(BIN)/python -m pip install --quiet --require-hashes --no-deps -r constraints-bench.txt
	$(BIN)/python -m tests.bench $(BENCH)

FUZZ ?= 10000

fuzz: $(READY)
	$(BIN)/python -m tests.fuzz --examples $(FUZZ)

EXACT ?= --worlds 10000
MIXED ?= --instances 500 --explained 25

exact: $(READY)
	$(BIN)/python -m pip install --quiet --require-hashes --no-deps -r constraints-bench.txt
	$(BIN)/python -m pytest tests/exact
	$(BIN)/python -m tests.optimize.mixed $(MIXED)
	$(BIN)/python -m tests.exact --out runs/exact $(EXACT)

reliability: $(READY)
	$(BIN)/python -m tests.reliability $(RELIABILITY)

OLD := .venv-oldest
OLDEST ?= tests/test_main.py tests/test_scenario.py tests/test_cli.py tests/test_verify.py tests/test_log.py \
	tests/geodata/test_formats.py tests/geodata/test_workbook.py tests/optimize/test_lp.py tests/output \
	tests/report/test_charts.py tests/report/test_notebook.py

oldest:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11) and "needs Python 3.11: make oldest PYTHON=python3.11")'
	$(PYTHON) -m venv --clear $(OLD)
	$(OLD)/bin/python -m pip install --quiet --require-hashes --no-deps -r constraints-oldest.txt
	$(OLD)/bin/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	$(OLD)/bin/python -m pip check
	$(OLD)/bin/python -m pytest $(OLDEST)

COMPILE = $(PYTHON) -m uv pip compile --quiet --universal --generate-hashes --no-header --no-annotate \
	--no-emit-index-url --no-emit-find-links --python-version 3.11

lock:
	$(COMPILE) --group dev --output-file constraints.txt pyproject.toml
	$(COMPILE) --group bench --constraint constraints.txt --output-file constraints-bench.txt pyproject.toml
	$(COMPILE) --group tools --constraint constraints.txt --output-file constraints-tools.txt pyproject.toml
	$(COMPILE) --group docs --constraint constraints-tools.txt --output-file constraints-docs.txt pyproject.toml
	$(COMPILE) --resolution lowest-direct --extra notebook --group dev --output-file constraints-oldest.txt pyproject.toml

clean:
	rm -rf $(VENV) $(OLD) docs/_build runs .pytest_cache .mypy_cache .ruff_cache .hypothesis
