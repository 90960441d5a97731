"""The image, and those that are pulled: what they hold, and by which version."""

import re

import pytest
import yaml

from tests.support.compose import (
    DOCKERFILE,
    OURS,
    ROOT,
    SERVICES,
    environment,
    mounts,
)


@pytest.mark.parametrize("name", SERVICES)
def test_images_are_pinned(name: str) -> None:
    assert re.fullmatch(r"[a-z./-]+:v?\d+(\.\d+)+", SERVICES[name]["image"])


def test_base_images_are_pinned() -> None:
    bases = re.findall(r"^(?:ARG \w+=|FROM )([^$\s]\S+)", DOCKERFILE, re.MULTILINE)
    assert len(bases) == 2
    assert all(re.fullmatch(r"\S+:\d+\.\d+\.\d+\S*", base) for base in bases)


def test_kafka_is_the_release_that_the_tests_run() -> None:
    pom = (ROOT / "tests" / "kafka" / "pom.xml").read_text()
    tested = re.search(r"<artifactId>kafka_[\d.]+</artifactId>\s*<version>([\d.]+)</version>", pom)
    assert tested
    assert SERVICES["kafka"]["image"] == f"apache/kafka:{tested[1]}"


@pytest.mark.parametrize("name", OURS)
def test_a_volume_lies_on_a_folder_that_the_user_of_the_image_owns(name: str) -> None:
    made = re.search(r"install --directory --owner=10001 --group=10001 --mode=0700 (.+)", DOCKERFILE)
    assert made
    named = {target for source, target in mounts(name) if not source.startswith("./")}
    assert named <= set(made[1].split())


def test_what_the_image_copies_is_in_the_repository_and_reaches_the_build() -> None:
    copies = re.findall(r"^COPY (?!--from)(?:--\S+ )*(.+) \S+$", DOCKERFILE, re.MULTILINE)
    sources = [source for line in copies for source in line.split()]
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert "clickhouse" in sources
    assert [source for source in sources if not (ROOT / source).exists()] == []
    assert [source for source in sources if f"!{source}" not in ignored] == []


def test_the_image_holds_every_package() -> None:
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests", "models", "benchmarks"}
    copied = set(re.findall(r"^COPY (\w+) \1$", DOCKERFILE, re.MULTILINE))
    assert packages == copied


def test_the_image_installs_only_what_the_lock_names() -> None:
    installs = re.findall(r"pip install (.+)", DOCKERFILE)
    assert installs
    assert all("--require-hashes" in line or "--no-index" in line for line in installs)


def test_the_image_and_ci_have_the_same_system_libraries() -> None:
    ci = ROOT / ".ci" / "run"
    wanted = re.search(r"apt-get install .*?--no-install-recommends ([a-z0-9. +-]+)", DOCKERFILE)
    assert wanted
    assert set(wanted[1].split()) <= set(re.findall(r"[a-z0-9.+-]+", ci.read_text()))


def test_nothing_calls_home() -> None:
    assert "ORT_DISABLE_TELEMETRY=1" in DOCKERFILE
    grafana = environment("grafana")
    assert grafana["GF_ANALYTICS_REPORTING_ENABLED"] == "false"
    assert grafana["GF_ANALYTICS_CHECK_FOR_UPDATES"] == "false"


def test_stand_ins_change_images_and_little_else() -> None:
    text = (ROOT / "deploy" / "stand-ins" / "compose.yml").read_text()
    services = yaml.load(text.replace("!reset null", "reset"), yaml.SafeLoader)["services"]
    more = {name: sorted(set(data) - {"image"}) for name, data in services.items() if set(data) != {"image"}}
    assert set(services) == set(SERVICES)
    assert more == {"kafka": ["healthcheck"], "clickhouse": ["ulimits", "volumes"], "grafana": ["profiles"]}
