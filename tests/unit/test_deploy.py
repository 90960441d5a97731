"""The containers as they are declared: nothing here starts one (`make containers` does)."""

import importlib
import re
from pathlib import Path

import pytest
import yaml

from platestream.access import accounts
from platestream.cameras import config
from platestream.cli.main import COMMANDS, load
from platestream.partners.config import read_config
from platestream.schemas.topics import TOPICS
from platestream.settings import Settings
from tests.support.compose import (
    COMPOSE,
    DOCKERFILE,
    FLOWS,
    GENERATOR,
    JOBS,
    ONE_SHOT,
    OURS,
    ROOT,
    SENDERS,
    SERVICES,
    environment,
    mounts,
)

# What holds or works on plates: on the closed network and on no other.
CLOSED = ("kafka", "clickhouse", "setup", "recognize", "match", "audit", "retention", "tools")
# Their images write beside their volumes; a read-only root has not been tried with them.
WRITABLE_ROOT = ("kafka", "clickhouse")
# Every service says so but this: its image starts as the unprivileged `appuser`.
USER_OF_IMAGE = ("kafka",)


def test_there_is_a_service_for_each_flow() -> None:
    modules = {path.stem for path in (ROOT / "flows").glob("*_flow.py")}
    assert modules == {f"{flow}_flow" for flow in FLOWS}


@pytest.mark.parametrize("name", SERVICES)
def test_no_service_can_gain_a_privilege(name: str) -> None:
    service = SERVICES[name]
    assert service["cap_drop"] == ["ALL"]
    assert "cap_add" not in service
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert not {"privileged", "devices", "network_mode", "pid", "ipc"} & set(service)
    if name not in USER_OF_IMAGE:
        assert int(service["user"].split(":")[0]) > 0


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_is_limited(name: str) -> None:
    assert set(SERVICES[name]["deploy"]["resources"]["limits"]) == {"cpus", "memory", "pids"}
    assert SERVICES[name]["logging"]["options"]["max-size"]


@pytest.mark.parametrize("name", sorted(set(SERVICES) - set(WRITABLE_ROOT)))
def test_the_root_is_read_only_and_tmp_is_in_memory(name: str) -> None:
    assert SERVICES[name]["read_only"] is True
    assert [mount.split(":")[0] for mount in SERVICES[name]["tmpfs"]] == ["/tmp"]


@pytest.mark.parametrize("name", OURS)
def test_our_containers_run_as_the_user_of_the_image(name: str) -> None:
    assert SERVICES[name]["user"] == "10001:10001"
    assert "USER 10001:10001" in DOCKERFILE


@pytest.mark.parametrize("name", sorted(set(SERVICES) - set(ONE_SHOT)))
def test_what_runs_comes_back_always_and_says_how_it_is(name: str) -> None:
    assert SERVICES[name]["restart"] == "always"
    assert SERVICES[name]["healthcheck"]["test"][0] in ("CMD", "CMD-SHELL")


@pytest.mark.parametrize("name", ONE_SHOT)
def test_what_runs_once_is_not_started_again(name: str) -> None:
    assert SERVICES[name]["restart"] == "no"


def published(name: str) -> list[str]:
    """Return the ports of a service that are published, as they are where no setting says otherwise."""
    return [re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", port) for port in SERVICES[name].get("ports", [])]


@pytest.mark.parametrize("name", SERVICES)
def test_what_is_published_can_be_reached_from_this_machine_alone(name: str) -> None:
    assert [port for port in published(name) if not port.startswith("127.0.0.1:")] == []


@pytest.mark.parametrize("name", CLOSED)
def test_what_holds_plates_is_on_the_closed_network_and_publishes_nothing(name: str) -> None:
    assert SERVICES[name]["networks"] == ["pipeline"]
    assert published(name) == []


def test_the_pipeline_has_no_way_out() -> None:
    assert COMPOSE["networks"]["pipeline"] == {"internal": True}


@pytest.mark.parametrize("name", FLOWS)
def test_a_flow_runs_as_bytewax_runs_flows(name: str) -> None:
    flow = f"platestream.flows.{name}_flow:flow"
    assert SERVICES[name]["command"][1:6] == ["-m", "bytewax.run", flow, "-r", "/recovery/store"]
    module, function = flow.split(":")
    assert callable(getattr(importlib.import_module(module), function))


@pytest.mark.parametrize("name", FLOWS)
def test_a_flow_has_a_store_of_its_own(name: str) -> None:
    assert mounts(name) == [(f"{name}-recovery", "/recovery"), ("keys", "/keys")]
    assert f"{name}-recovery" in COMPOSE["volumes"]


def test_who_reads_or_writes_what_cameras_saw_shares_the_keys() -> None:
    with_keys = {name for name in SERVICES if ("keys", "/keys") in mounts(name)}
    assert with_keys == {name for name in SERVICES if "PLATESTREAM_KEYS" in environment(name)}
    assert with_keys == {*FLOWS, "cameras", "retention", "console", "partners", "feeds", "tools"}


def test_a_store_has_a_partition_for_every_worker_that_topics_allow() -> None:
    most = max(topic.partitions for topic in TOPICS)
    for name in FLOWS:
        script, partitions = SERVICES[name]["entrypoint"]
        assert script == "with-recovery"
        assert int(partitions) >= most


@pytest.mark.parametrize("name", FLOWS)
def test_a_flow_waits_for_topics_and_tables(name: str) -> None:
    assert SERVICES[name]["depends_on"]["setup"]["condition"] == "service_completed_successfully"
    for other in ("kafka", "clickhouse"):
        assert SERVICES[name]["depends_on"][other]["condition"] == "service_healthy"
        assert SERVICES["setup"]["depends_on"][other]["condition"] == "service_healthy"
    assert SERVICES["setup"]["command"][-1] == "platestream topics && platestream migrate"


@pytest.mark.parametrize("name", JOBS)
def test_a_job_serves_its_metrics_where_they_are_looked_for(name: str) -> None:
    *_command, option, port = SERVICES[name]["command"]
    assert option == "--metrics-port"
    assert f"http://127.0.0.1:{port}/metrics" in SERVICES[name]["healthcheck"]["test"][-1]
    scraped = yaml.safe_load((ROOT / "deploy" / "prometheus.yml").read_text())["scrape_configs"]
    listed = [one for job in scraped for one in job.get("static_configs", [])]
    listed += yaml.safe_load((ROOT / "deploy" / "gateways.yml").read_text())
    assert f"{name}:{port}" in [target for one in listed for target in one["targets"]]


def test_the_gateway_listens_where_its_ports_are(tmp_path: Path) -> None:
    GENERATOR["write"](tmp_path, GENERATOR["make"]())
    made = tmp_path / "cameras" / "cameras.toml"
    found = config.load(made)
    first, last = found.ftp.passive_ports or (0, 0)
    inside = [found.http.listen, found.ftp.listen, f"0.0.0.0:{first}-{last}"]
    assert [port.rpartition(":")[2] for port in published("cameras")] == [
        one.rpartition(":")[2] for one in inside
    ]
    assert all(one.startswith("0.0.0.0:") for one in inside)
    assert ("./deploy/secrets/cameras", "/run/secrets/cameras") in mounts("cameras")
    assert f"/run/secrets/cameras/{made.name}" in SERVICES["cameras"]["command"]


@pytest.mark.parametrize("name", OURS)
def test_everybody_goes_by_one_profile(name: str) -> None:
    assert environment(name)["PLATESTREAM_PROFILE"] == "${PLATESTREAM_PROFILE:-st-johns}"


@pytest.mark.parametrize("name", FLOWS)
def test_a_flow_serves_its_metrics_where_they_are_looked_for(name: str) -> None:
    settings = environment(name)
    port = settings["BYTEWAX_DATAFLOW_API_PORT"]
    assert settings["BYTEWAX_DATAFLOW_API_ENABLED"] == "1"
    assert settings["BYTEWAX_DATAFLOW_API_CACHE_PATH"] == "/tmp"
    assert f"http://127.0.0.1:{port}/metrics" in SERVICES[name]["healthcheck"]["test"][-1]
    scraped = yaml.safe_load((ROOT / "deploy" / "prometheus.yml").read_text())["scrape_configs"]
    assert f"{name}:{port}" in scraped[0]["static_configs"][0]["targets"]


@pytest.mark.parametrize("name", [*FLOWS, *JOBS, *SENDERS, "console", "partners"])
def test_the_health_check_is_python_that_compiles(name: str) -> None:
    command = SERVICES[name]["healthcheck"]["test"]
    assert command[:3] == ["CMD", "python", "-c"]
    compile(command[3], "healthcheck", "exec")


def test_the_console_speaks_tls_where_it_is_published_and_asked_for_its_health() -> None:
    program, command, *options = SERVICES["console"]["command"]
    said = dict(option.split("=", 1) for option in options)
    known = {name for option in load(COMMANDS[command]).params for name in option.opts}
    assert (program, set(said) - known) == ("platestream", set())
    assert said["--certificate"] == "/run/secrets/console_certificate"
    assert said["--key"] == "/run/secrets/console_key"
    assert said["--name"] == "${PLATESTREAM_CONSOLE_NAME:-localhost}"
    assert published("console")[0].endswith(f":{said['--port']}:{said['--port']}")
    assert f"https://127.0.0.1:{said['--port']}/health" in SERVICES["console"]["healthcheck"]["test"][-1]


def test_the_console_speaks_for_people_by_its_own_account() -> None:
    assert environment("console")["PLATESTREAM_CLICKHOUSE_FILE"] == "/run/secrets/clickhouse_console"
    holders = [name for name in SERVICES if "clickhouse_console" in SERVICES[name].get("secrets", [])]
    assert holders == ["console", "partners", "feeds", "evidence", "tools"]
    assert environment("tools")["PLATESTREAM_DOOR_FILE"] == "/run/secrets/clickhouse_console"


def test_other_agencies_are_answered_only_where_that_is_asked_for_and_where_they_are_told(
    tmp_path: Path,
) -> None:
    GENERATOR["write"](tmp_path, GENERATOR["make"]("alpr.sjpd.example"))
    made = tmp_path / "partners" / "partners.toml"
    result = read_config(Settings(partners_file=made)).serve
    assert result is not None
    assert (result.address, result.host) == ("https://alpr.sjpd.example:8444", "0.0.0.0")
    assert [file and file.name in GENERATOR["make"]() for file in (result.certificate, result.key)] == [
        True,
        True,
    ]
    service = SERVICES["partners"]
    assert published("partners")[0].endswith(f":{result.port}:{result.port}")
    assert f"https://127.0.0.1:{result.port}/healthy" in service["healthcheck"]["test"][-1]
    assert {result.certificate.name, result.key.name} <= set(service["secrets"])  # type: ignore[union-attr]
    assert (service["profiles"], service["command"][1:]) == (["partners"], ["partners", "serve"])
    for one in ("partners", "console", "tools"):  # people ask and offer in these two
        assert environment(one)["PLATESTREAM_PARTNERS_FILE"] == f"/run/secrets/partners/{made.name}"
        assert ("./deploy/secrets/partners", "/run/secrets/partners") in mounts(one)
    assert SERVICES["console"].get("profiles") is None


@pytest.mark.parametrize("name", SENDERS)
def test_what_feeds_and_evidence_systems_need_is_there_where_it_is_asked_for(name: str) -> None:
    service = SERVICES[name]
    assert (service["profiles"], service["networks"]) == ([name], ["pipeline", name])
    words = service["command"]
    assert words[words.index("--keys") + 1] == f"/run/secrets/{name}"
    assert (f"./deploy/secrets/{name}", f"/run/secrets/{name}") in mounts(name)
    assert (name, f"/data/{name}") in mounts(name)
    assert f"/data/{name} " in DOCKERFILE, "the volume is the user's of the image"
    port = words[words.index("--metrics-port") + 1]
    assert f"http://127.0.0.1:{port}/metrics" in service["healthcheck"]["test"][-1]
    assert "PLATESTREAM_STARTED_BY" in environment(name)
    known = {word for one in GENERATOR["make"]() for word in one.split("/")}
    assert name in known


def test_exports_are_where_the_job_finds_them() -> None:
    holders = [name for name in SERVICES if ("evidence", "/data/evidence") in mounts(name)]
    assert holders == ["console", "evidence", "tools"]


def test_passwords_are_in_one_volume_that_only_the_console_and_the_command_line_have() -> None:
    holders = [name for name in SERVICES if ("accounts", "/data/accounts") in mounts(name)]
    assert holders == ["console", "partners", "tools"]
    for name in holders:
        assert "accounts:/data/accounts" in SERVICES[name]["volumes"], "each writes there, such as offers"
        settings = Settings(data=Path(environment(name)["PLATESTREAM_DATA"]))
        assert str(accounts.password_path(settings).parent) == "/data/accounts"


@pytest.mark.parametrize("name", OURS)
def test_every_setting_exists(name: str) -> None:
    fields = {f"PLATESTREAM_{field.upper()}" for field in Settings.model_fields}
    given = {variable for variable in environment(name) if variable.startswith("PLATESTREAM_")}
    assert given <= fields
    assert environment(name)["PLATESTREAM_KAFKA"] == "kafka:9092"


def test_the_operators_page_has_every_setting_and_every_secret() -> None:
    pages = [ROOT / "docs/how-to/operator/deploy.md", ROOT / "docs/reference/settings.md"]
    text = "".join(page.read_text() for page in pages)
    wanted = [f"PLATESTREAM_{field.upper()}" for field in Settings.model_fields]
    assert [name for name in [*wanted, *GENERATOR["make"]()] if f"`{name}`" not in text] == []


@pytest.mark.parametrize("name", SERVICES)
def test_what_is_mounted_is_in_the_repository_or_made_with_the_secrets(name: str) -> None:
    made = {f"./deploy/secrets/{Path(file).parent}" for file in GENERATOR["make"]()}
    for source, _target in mounts(name):
        there = source in made or (ROOT / source).exists()
        assert there if source.startswith("./") else source in COMPOSE["volumes"]


def test_grafana_looks_for_boards_where_they_are_mounted() -> None:
    folder = ROOT / "grafana" / "provisioning" / "dashboards"
    provider = yaml.safe_load((folder / "platestream.yaml").read_text())["providers"][0]
    assert ("./grafana/dashboards", provider["options"]["path"]) in mounts("grafana")
