import ast
import os
import re
import shutil
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from platestream.flow_process import folder_size, recovery_folder
from platestream.operators.people import Rule
from platestream.runtime.metrics import Meters, PortTakenError, require_port, serve
from platestream.schemas import metrics
from platestream.schemas.metrics import METRICS, OTHER, Label, Metric
from tests.support.kafka_broker import free_port, wait_until

ROOT = Path(__file__).parents[2]
PACKAGES = ("schemas", "operators", "flows", "platestream", "clickhouse", "grafana")
UNITS = ("seconds", "bytes", "ratio", "messages", "entries", "loading", "refused", "info", "shifts", "total")
PERSONAL = re.compile(r"plate|person|who|user|officer|name|case|reason_given|pattern|detail|text")


def sources() -> Iterator[tuple[Path, ast.Module]]:
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            yield path.relative_to(ROOT), ast.parse(path.read_text())


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_a_metric_is_named_by_its_unit_and_says_what_it_means(metric: Metric) -> None:
    assert re.fullmatch(r"platestream_[a-z]+(_[a-z]+)*", metric.name)
    assert metric.name.endswith(UNITS)
    assert metric.name.endswith("_total") == (metric.kind == "counter")
    assert bool(metric.buckets) == (metric.kind == "histogram")
    assert metric.meaning.endswith(".")
    assert metric.shown_by


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_labels_are_bounded_and_name_no_plate_person_or_text(metric: Metric) -> None:
    for label in metric.labels:
        assert bool(label.values) != bool(label.most)
        assert len(label.values) + label.most <= 500
        assert not PERSONAL.search(label.name)


def test_names_are_declared_once() -> None:
    assert len({metric.name for metric in METRICS}) == len(METRICS)
    declared = [value for value in vars(metrics).values() if isinstance(value, Metric)]
    assert list(METRICS) == declared


def test_only_one_module_speaks_to_the_client_library() -> None:
    users = {
        str(path)
        for path, tree in sources()
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        and "prometheus_client" in ast.unparse(node).replace("promql", "")
    }
    assert users == {"platestream/runtime/metrics.py"}


def test_every_metric_is_counted_somewhere() -> None:
    names = {name for name, value in vars(metrics).items() if isinstance(value, Metric)}
    used = {
        node.attr
        for path, tree in sources()
        if path != Path("schemas/metrics.py")
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "metrics"
    }
    assert names - used == set()


def test_every_reason_for_which_a_flow_refuses_is_a_value_of_the_label() -> None:
    given = {
        node.args[0].value
        for path, tree in sources()
        if path.parts[0] in ("schemas", "operators")
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and ast.unparse(node.func).endswith("RefusedError")
        and node.args
        and isinstance(node.args[0], ast.Constant)
    }
    assert given
    assert given - set(metrics.REASONS) == set()


def test_every_rule_of_a_finding_is_a_value_of_the_label() -> None:
    text = "".join(path.read_text() for path in (ROOT / "operators" / "inquiry_checks").glob("*.py"))
    text += (ROOT / "platestream" / "edges" / "query_log.py").read_text()
    given = (
        set(re.findall(r'Finding\.of\(\s*[\w.]+,\s*"(\w+)"', text))
        | set(get_args(Rule))
        | set(re.findall(r'rule = "(\w+)"', text))
    )
    given |= set(re.findall(r'else "(\w+)"\n', text)) & {"unlogged"}
    assert len(given) > 8
    assert given - set(metrics.FINDING_RULES) == set()


COUNTER = Metric("platestream_a_total", "counter", "A.", (Label("known", ("a", "b")), Label("free", most=2)))
KNOWN = Metric("platestream_b_total", "counter", "B.", (Label("known", ("a", "b")),))
MOMENT = Metric("platestream_c_seconds", "gauge", "C.", (Label("free", most=2),))
TIME = Metric("platestream_d_seconds", "histogram", "D.", buckets=(1.0,))


def shown(registry: CollectorRegistry) -> dict[str, float]:
    from prometheus_client import generate_latest

    text = generate_latest(registry).decode()
    return {
        f"{sample.name}{sorted(sample.labels.values())}": sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_what_is_outside_a_label_s_bounds_is_counted_as_other() -> None:
    registry = CollectorRegistry()
    meters = Meters(registry)
    for known, free in [("a", "1"), ("b", "2"), ("AST3087", "3"), ("a", "4"), ("a", "1")]:
        meters.count(COUNTER, known, free)
    assert shown(registry) == {
        "platestream_a_total['1', 'a']": 2,
        "platestream_a_total['2', 'b']": 1,
        "platestream_a_total['other', 'other']": 1,
        "platestream_a_total['a', 'other']": 1,
    }
    assert OTHER == "other"


def test_a_prepared_counter_is_there_with_zero_and_a_gauge_is_not() -> None:
    registry = CollectorRegistry()
    meters = Meters(registry)
    meters.prepare(KNOWN, MOMENT)
    assert shown(registry) == {"platestream_b_total['a']": 0, "platestream_b_total['b']": 0}


def test_a_moment_never_goes_back_and_can_be_forgotten() -> None:
    registry = CollectorRegistry()
    meters = Meters(registry)
    for at in (5, 9, 7):
        meters.newest(MOMENT, "cam", to=at)
    assert shown(registry) == {"platestream_c_seconds['cam']": 9}
    meters.forget(MOMENT)
    assert shown(registry) == {}
    meters.put(MOMENT, "cam", to=1)
    assert shown(registry) == {"platestream_c_seconds['cam']": 1}


def test_time_is_taken_of_calls_that_fail_too_and_of_none_while_silent() -> None:
    registry = CollectorRegistry()
    meters = Meters(registry)
    fails = meters.timed(TIME)(lambda: 1 / 0)
    for _twice in range(2):
        with pytest.raises(ZeroDivisionError):
            fails()
    with meters.silent(), pytest.raises(ZeroDivisionError):
        fails()
    assert shown(registry)["platestream_d_seconds_count[]"] == 2


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as listening:
        listening.bind(("0.0.0.0", 0))
        listening.listen()
        yield listening.getsockname()[1]


def test_a_taken_port_is_refused_by_name(taken_port: int) -> None:
    asked = {"BYTEWAX_DATAFLOW_API_ENABLED": "0", "BYTEWAX_DATAFLOW_API_PORT": str(taken_port)}
    with pytest.raises(PortTakenError, match=f"port {taken_port} for metrics: Address already in use"):
        require_port(asked)
    with pytest.raises(PortTakenError, match=str(taken_port)):
        serve(taken_port)
    require_port({"BYTEWAX_DATAFLOW_API_PORT": str(taken_port)})  # nobody asked for metrics


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_flow_whose_port_is_taken_ends_with_an_error(taken_port: int, tmp_path: Path, workers: str) -> None:
    env = {
        **os.environ,
        "BYTEWAX_DATAFLOW_API_ENABLED": "1",
        "BYTEWAX_DATAFLOW_API_PORT": str(taken_port),
        "PLATESTREAM_DATA": str(tmp_path),
    }
    command = [sys.executable, "-m", "bytewax.run", "platestream.flows.audit_flow:flow", "-w", workers]
    done = subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert (
        done.stderr.strip()
        .splitlines()[-1]
        .endswith(
            f"port {taken_port} for metrics: Address already in use; "
            "one port a process: set BYTEWAX_DATAFLOW_API_PORT"
        )
    )


def test_a_running_flow_shows_its_own_metrics_beside_those_of_bytewax_and_of_the_process(
    migrated: Path, tmp_path: Path
) -> None:
    port = free_port()
    env = {
        **os.environ,
        "BYTEWAX_DATAFLOW_API_ENABLED": "1",
        "BYTEWAX_DATAFLOW_API_PORT": str(port),
        "BYTEWAX_DATAFLOW_API_CACHE_PATH": str(tmp_path),
        "PLATESTREAM_DATA": str(tmp_path),
    }
    (tmp_path / "store").mkdir()
    shutil.copytree(migrated, tmp_path / "clickhouse" / "platestream", symlinks=True)
    subprocess.run(
        [sys.executable, "-m", "bytewax.recovery", str(tmp_path / "store"), "1"], check=True, timeout=60
    )
    command = [
        *(sys.executable, "-m", "bytewax.run", "platestream.flows.audit_flow:flow"),
        *("-r", str(tmp_path / "store"), "-s", "1", "-b", "0"),
    ]
    wanted = {
        "bytewax_item_inp_count_total",
        "process_resident_memory_bytes",
        "platestream_inquiries_total",
        "platestream_inquiries_sealed_timestamp_seconds",
        "platestream_recovery_store_bytes",
        "platestream_disk_free_ratio",
    }
    with (tmp_path / "log").open("wb") as log:
        flow = subprocess.Popen(command, env=env, cwd=ROOT, stdout=log, stderr=log)
    try:
        wait_until(lambda: wanted <= names_at(port), 60, f"{wanted} on the page")
    finally:
        flow.kill()
        flow.wait(10)


def names_at(port: int) -> set[str]:
    """Names of the series at a port; none while nobody answers."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as page:
            text = page.read().decode()
    except OSError:
        return set()
    return set(re.findall(r"^([a-z]\w+)", text, re.MULTILINE))


def test_the_recovery_store_is_found_as_bytewax_finds_it_and_measured(tmp_path: Path) -> None:
    (tmp_path / "part-0.sqlite3").write_bytes(b"x" * 10)
    assert recovery_folder(["platestream.flows.x:flow", "-r", "store", "-s", "1"], {}) == Path("store")
    assert recovery_folder(["platestream.flows.x:flow"], {"BYTEWAX_RECOVERY_DIRECTORY": "/there"}) == Path(
        "/there"
    )
    assert recovery_folder(["platestream.flows.x:flow", "-s", "1"], {}) is None
    assert folder_size(tmp_path) == 10
