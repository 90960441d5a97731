"""Counting: the only place where `prometheus_client` is spoken to. What there is to count: `schemas.metrics`.

A metric appears on the page when a process first touches it, or when it is prepared: a counter then starts
at 0, so that its first increment is seen. Bytewax serves the page (`/metrics`), its own metrics beside these.
"""

import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial, wraps
from itertools import product
from typing import ParamSpec, TypeVar

from prometheus_client import REGISTRY as REGISTRY
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    start_http_server,
)
from prometheus_client.parser import text_string_to_metric_families

from schemas.metrics import OTHER, Label, Metric

P = ParamSpec("P")
R = TypeVar("R")
Meter = Counter | Gauge | Histogram

API = "BYTEWAX_DATAFLOW_API_ENABLED"
PORT = "BYTEWAX_DATAFLOW_API_PORT"
BYTEWAX_PORT = 3030


class PortTakenError(RuntimeError):
    """Metrics cannot be served: another process listens on the port."""


class Meters:
    """The metrics of one registry; a process has one (`meters`), a test may make its own."""

    def __init__(self, registry: CollectorRegistry = REGISTRY) -> None:
        self._registry = registry
        self._made: dict[str, Meter] = {}
        self._children: dict[tuple[str, tuple[str, ...]], Meter] = {}
        self._newest: dict[Meter, float] = {}
        self._seen: dict[tuple[str, str], set[str]] = {}
        self.on = True

    def prepare(self, *metrics: Metric) -> None:
        """Show `metrics` from the start, with 0 for every value of a label that is known ahead."""
        for metric in metrics:
            meter = self._meter(metric)
            if metric.kind != "gauge" and metric.labels and all(label.values for label in metric.labels):
                for values in product(*(label.values for label in metric.labels)):
                    meter.labels(*values)

    def count(self, metric: Metric, *labels: str, by: float = 1) -> None:
        """Add to a counter."""
        if self.on:
            self._child(metric, labels).inc(by)  # type: ignore[union-attr]

    def put(self, metric: Metric, *labels: str, to: float) -> None:
        """Set a gauge."""
        if self.on:
            self._child(metric, labels).set(to)  # type: ignore[union-attr]

    def newest(self, metric: Metric, *labels: str, to: float) -> None:
        """Set a gauge that never goes back: of moments that may come in any order the newest."""
        if not self.on:
            return
        child = self._child(metric, labels)
        if to > self._newest.get(child, float("-inf")):
            self._newest[child] = to
            child.set(to)  # type: ignore[union-attr]

    def follow(self, metric: Metric, *labels: str, value: Callable[[], float]) -> None:
        """A gauge whose value is asked for when somebody reads the page."""
        self._child(metric, labels).set_function(value)  # type: ignore[union-attr]

    def observe(self, metric: Metric, value: float, *labels: str) -> None:
        """Put a value into a histogram."""
        if self.on:
            self._child(metric, labels).observe(value)  # type: ignore[union-attr]

    def forget(self, metric: Metric) -> None:
        """Take all series of a metric off the page: what they told of is gone."""
        self._children = {key: child for key, child in self._children.items() if key[0] != metric.name}
        self._seen = {key: seen for key, seen in self._seen.items() if key[0] != metric.name}
        if metric.labels and metric.name in self._made:
            self._made[metric.name].clear()

    def timed(self, metric: Metric, *labels: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
        """Calls of a function, seconds each, failed ones too."""

        def decorate(call: Callable[P, R]) -> Callable[P, R]:
            if not self.on:
                return call

            @wraps(call, updated=())
            def run(*args: P.args, **kwargs: P.kwargs) -> R:
                began = time.perf_counter()
                try:
                    return call(*args, **kwargs)
                finally:
                    self.observe(metric, time.perf_counter() - began, *labels)

            return run

        return decorate

    @contextmanager
    def silent(self) -> Iterator[None]:
        """Nothing is counted meanwhile, and flows built meanwhile have no steps that count."""
        self.on = False
        try:
            yield
        finally:
            self.on = True

    def _child(self, metric: Metric, labels: tuple[str, ...]) -> Meter:
        key = (metric.name, labels)
        child = self._children.get(key)
        if child is not None:
            return child
        meter = self._meter(metric)
        bounded = tuple(map(partial(self._bounded, metric), metric.labels, labels))
        child = meter.labels(*bounded) if metric.labels else meter
        if bounded == labels:  # else what is outside the bounds would be remembered without bounds
            self._children[key] = child
        return child

    def _bounded(self, metric: Metric, label: Label, value: str) -> str:
        if label.values:
            return value if value in label.values else OTHER
        seen = self._seen.setdefault((metric.name, label.name), set())
        if value not in seen:
            if len(seen) >= label.most:
                return OTHER
            seen.add(value)
        return value

    def _meter(self, metric: Metric) -> Meter:
        meter = self._made.get(metric.name)
        if meter is None:
            meter = self._made[metric.name] = self._make(metric)
        return meter

    def _make(self, metric: Metric) -> Meter:
        names = [label.name for label in metric.labels]
        if metric.kind == "histogram":
            buckets = metric.buckets
            return Histogram(metric.name, metric.meaning, names, buckets=buckets, registry=self._registry)
        made = Counter if metric.kind == "counter" else Gauge
        return made(metric.name, metric.meaning, names, registry=self._registry)


disable_created_metrics()  # type: ignore[no-untyped-call]  # a series a series more, and nobody asks for them
meters = Meters()


def require_port(environ: Mapping[str, str]) -> None:
    """Raise PortTakenError where Bytewax is to serve metrics on a port that is taken.

    Bytewax itself runs on without metrics then, or ends with exit code 0 and without a word.
    """
    if API not in environ:
        return
    port = int(environ.get(PORT) or BYTEWAX_PORT)
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("0.0.0.0", port))  # noqa: S104 - where Bytewax listens
        except OSError as error:
            raise PortTakenError(
                f"port {port} for metrics: {error.strerror}; one port a process: set {PORT}"
            ) from None


def samples(page: str, metric: Metric) -> Iterator[tuple[dict[str, str], float]]:
    """Labels and value of each sample of `metric` on a page that a process serves."""
    for family in text_string_to_metric_families(page):
        for sample in family.samples:
            if sample.name == metric.name:
                yield sample.labels, sample.value


def serve(port: int, host: str = "0.0.0.0") -> None:  # noqa: S104 - Prometheus scrapes from elsewhere
    """Serve the page of a process that is no flow. Raises PortTakenError."""
    try:
        start_http_server(port, host)
    except OSError as error:
        raise PortTakenError(f"port {port} for metrics: {error.strerror}") from None
