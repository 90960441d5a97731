"""Prometheus metrics of a process: the only module that uses `prometheus_client`. See
`platestream.schemas.metrics`.

A metric appears on the page when a process first uses it, or when it is prepared: a counter then starts at 0,
so that its first increment is visible. Bytewax serves the page (`/metrics`), together with its own metrics.
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

from platestream.schemas.metrics import OTHER, Label, Metric

P = ParamSpec("P")
R = TypeVar("R")
Meter = Counter | Gauge | Histogram

API = "BYTEWAX_DATAFLOW_API_ENABLED"
PORT = "BYTEWAX_DATAFLOW_API_PORT"
BYTEWAX_PORT = 3030


class PortTakenError(RuntimeError):
    """Metrics cannot be served, because another process listens on the port."""


class Meters:
    """The metrics of one registry. A process has one (`meters`); a test may make its own."""

    def __init__(self, registry: CollectorRegistry = REGISTRY) -> None:
        self._registry = registry
        self._made: dict[str, Meter] = {}
        self._children: dict[tuple[str, tuple[str, ...]], Meter] = {}
        self._newest: dict[Meter, float] = {}
        self._seen: dict[tuple[str, str], set[str]] = {}
        self.on = True

    def prepare(self, *metrics: Metric) -> None:
        """Show `metrics` from the start, with 0 for every value of a label that is known in advance."""
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
        """Set a gauge that never decreases, for timestamps that arrive in any order."""
        if not self.on:
            return
        child = self._child(metric, labels)
        if to > self._newest.get(child, float("-inf")):
            self._newest[child] = to
            child.set(to)  # type: ignore[union-attr]

    def follow(self, metric: Metric, *labels: str, value: Callable[[], float]) -> None:
        """Register a gauge whose value is computed when the page is read."""
        self._child(metric, labels).set_function(value)  # type: ignore[union-attr]

    def observe(self, metric: Metric, value: float, *labels: str) -> None:
        """Add a value to a histogram."""
        if self.on:
            self._child(metric, labels).observe(value)  # type: ignore[union-attr]

    def forget(self, metric: Metric) -> None:
        """Remove all series of a metric from the page."""
        self._children = {key: child for key, child in self._children.items() if key[0] != metric.name}
        self._seen = {key: seen for key, seen in self._seen.items() if key[0] != metric.name}
        if metric.labels and metric.name in self._made:
            self._made[metric.name].clear()

    def timed(self, metric: Metric, *labels: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
        """Return a decorator that observes the duration of calls in seconds, including failed ones."""

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
        """Count nothing within the block; flows built within it have no counting steps."""
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
        if bounded == labels:  # else values outside the bounds would fill the memory
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


disable_created_metrics()  # type: ignore[no-untyped-call]  # they would double the number of series
meters = Meters()


def require_port(environ: Mapping[str, str]) -> None:
    """Raise PortTakenError if Bytewax is to serve metrics on a port that is in use.

    Bytewax itself would continue without metrics, or end with exit code 0 and no message.
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
    """Yield labels and value of each sample of `metric` on a page that a process serves."""
    for family in text_string_to_metric_families(page):
        for sample in family.samples:
            if sample.name == metric.name:
                yield sample.labels, sample.value


def serve(port: int, host: str = "0.0.0.0") -> None:  # noqa: S104 - Prometheus scrapes from elsewhere
    """Serve the page of a process that is not a flow. Raises PortTakenError."""
    try:
        start_http_server(port, host)
    except OSError as error:
        raise PortTakenError(f"port {port} for metrics: {error.strerror}") from None
