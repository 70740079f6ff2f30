# One place for every step; CI, the Dockerfile and people call the same targets.
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
SOURCES := pyproject.toml setup.py requirements.lock
# The compiled twin of a module shadows its source, so every target rebuilds what changed first.
COMPILED := $(shell sed -n 's/^ *"\(exporter[a-z_.]*\)",.*/\1/p' setup.py | tr . /)

.PHONY: install up test test-unit test-long check format lock clean

install: $(STAMP)
	@$(MAKE) --no-print-directory -s build/.compiled

$(STAMP): $(SOURCES)
	@python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "larimar needs Python 3.11 or later as python3" >&2; exit 1; }
	@test -x $(BIN)/python || python3 -m venv $(VENV) || { echo "python3 -m venv failed: on Debian, apt-get install python3-venv" >&2; exit 1; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps --editable .
	@touch $@

build/.compiled: setup.py $(addsuffix .py,$(COMPILED)) $(addsuffix .pxd,$(COMPILED))
	@mkdir -p build
	$(BIN)/python setup.py --quiet build_ext --inplace --parallel 2
	@touch $@

up: install
	@$(BIN)/larimar up

check: install
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: check
	$(BIN)/pytest -n auto --dist loadgroup -m "not long"

test-unit: install
	$(BIN)/pytest -n auto -m "not long and not live"

test-long: install
	$(BIN)/pytest -m long --timeout 7200

format: install
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# Rewrites requirements.lock from pyproject.toml; the only step that chooses versions.
lock:
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links \
		--no-header --all-extras pyproject.toml requirements-build.in --output-file requirements.lock

clean:
	rm -rf $(VENV) build .larimar
