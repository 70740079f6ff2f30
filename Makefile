# One place for every step; CI, the Dockerfile and people call the same targets.
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
SOURCES := pyproject.toml setup.py requirements.lock requirements-runtime.lock
# The image sets both: what it needs to run and no more, and a copy rather than a link to the sources.
REQUIREMENTS := requirements.lock
SOURCE := --editable .
# The compiled twin of a module shadows its source, so every target rebuilds what changed first.
COMPILED := $(shell sed -n 's/^ *"\(exporter[a-z0-9_.]*\)",.*/\1/p' setup.py | tr . /)

.PHONY: install runtime up test test-unit test-long fuzz check format lock clean

install: $(STAMP)
	@$(MAKE) --no-print-directory -s build/.compiled

# Installs into another $(VENV) with the two variables above; the Dockerfile's step.
runtime: $(STAMP)

$(STAMP): $(SOURCES)
	@python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "larimar needs Python 3.11 or later as python3" >&2; exit 1; }
	@test -x $(BIN)/python || python3 -m venv $(VENV) || { echo "python3 -m venv failed: on Debian, apt-get install python3-venv" >&2; exit 1; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement $(REQUIREMENTS)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps $(SOURCE)
	@touch $@

build/.compiled: setup.py $(addsuffix .py,$(COMPILED)) $(addsuffix .pxd,$(COMPILED)) exporter/net/layout.pxd exporter/net/octets.pxd exporter/sources/runclock.pxd
	@mkdir -p build
	$(BIN)/python setup.py --quiet build_ext --inplace
	@touch $@

up: install
	@$(BIN)/larimar up

check: install
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# What times real servers runs before what fills every core; what waits for minutes runs beside the latter.
test: check
	$(BIN)/pytest -n auto --dist loadfile --no-loadscope-reorder -m "live and not patient and not long"
	$(BIN)/pytest -n auto --dist loadfile --no-loadscope-reorder -m "(patient or not live) and not long"

test-unit: install
	$(BIN)/pytest -n auto -m "not long and not live"

test-long: install
	$(BIN)/pytest -m long --timeout 7200

# Half an hour of the packet path and ten minutes of each parser (five hours at one a time), unless FUZZ_SECONDS of each
# layer or FUZZ_LAYERS say otherwise. What it finds lands in tests/fuzz/findings and is held from then on.
FUZZ_SECONDS :=
FUZZ_LAYERS :=
FUZZ_JOBS := 1
fuzz: install
	$(BIN)/python -m tests.fuzz $(if $(FUZZ_SECONDS),--seconds $(FUZZ_SECONDS)) --jobs $(FUZZ_JOBS) $(FUZZ_LAYERS)

format: install
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# Rewrites the lock files from pyproject.toml; the only step that chooses versions.
LOCK := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--no-emit-find-links --no-header
lock:
	$(LOCK) --all-extras pyproject.toml requirements-build.in --output-file requirements.lock
	$(LOCK) pyproject.toml requirements-build.in --constraint requirements.lock --output-file requirements-runtime.lock

clean:
	rm -rf $(VENV) build .larimar
