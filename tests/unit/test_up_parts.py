"""What `platestream up` is made of, without a process: its plan, accounts, supervisor's file and log."""

import os
import shlex
import socket
import stat
import subprocess
import sys
from collections import defaultdict
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from supervisor.options import UnhosedConfigParser

from platestream.demo import street
from platestream.edges.clickhouse_client import INGEST, OWNER, RETENTION, SEALER
from platestream.engine import accounts as engine_accounts
from platestream.engine.accounts import KnownNames
from platestream.operations.up import accounts, log, status
from platestream.operations.up import service as job
from platestream.operations.up.plan import Program, StartOptions, programs
from platestream.operations.up.service import Sample
from platestream.operations.up.status import PLAN, ProcessStatus, gateway
from platestream.operations.up.supervisor import LONGEST_SOCKET, Supervisor, UpError
from platestream.reports import public_figures
from platestream.settings import Settings, own_account, system_account
from tests.support.clock import NOW
from tests.support.public_figures import figures
from tests.support.receivers import http_receiver

KNOWN = KnownNames(
    frozenset({*accounts.PERSON, OWNER, INGEST, SEALER, RETENTION}),
    frozenset({"default", "platestream_person", "platestream_examiner", "platestream_reader"}),
)


def wanted(data: Path, **changes: object) -> StartOptions:
    return StartOptions(settings=Settings(data=data), port=8123, readers=2, **changes)  # type: ignore[arg-type]


def names(found: list[Program]) -> list[str]:
    return [one.name for one in found]


def test_one_reader_for_each_core_and_the_engine_first(tmp_path: Path) -> None:
    found = programs(wanted(tmp_path))
    flows = ["recognize-1-of-2", "recognize-2-of-2", "match", "audit"]
    assert names(found) == ["engine", *flows, "retention", "publish"]
    assert [one.name for one in found if one.first] == ["engine"]
    shares = [one.environment["PLATESTREAM_SHARE"] for one in found if "recognize" in one.name]
    assert shares == ["1/2", "2/2"]
    stores = [one.command[3] for one in found if "bytewax.run" in one.command]
    assert len(set(stores)) == len(stores), "each process has a recovery store of its own"


def test_the_public_page_has_a_process_without_an_account_of_the_database(tmp_path: Path) -> None:
    assert "transparency" not in names(programs(wanted(tmp_path)))
    found = {one.name: one for one in programs(wanted(tmp_path, transparency=8092, accounts=tmp_path))}
    assert found["transparency"].command[-4:] == ("report", "serve", "--port", "8092")
    assert found["transparency"].environment == {}
    assert found["figures"].command[-4:] == ("report", "count", "--every", "24")
    assert found["figures"].environment == {
        "PLATESTREAM_CLICKHOUSE_FILE": str(tmp_path / "clickhouse_console")
    }


def test_figures_of_the_public_page_that_are_old_or_damaged_are_a_fault(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path)
    assert not list(status.public_page_faults(settings, NOW)), "it waits for the first count"
    public_figures.store(settings, figures(counted_at=NOW))
    assert not list(status.public_page_faults(settings, NOW + timedelta(days=1)))
    (old,) = status.public_page_faults(settings, NOW + timedelta(days=3))
    assert old.startswith(f"the public page shows figures of {NOW:%Y-%m-%d}")
    (tmp_path / public_figures.FILE).write_text("{")
    (damaged,) = status.public_page_faults(settings, NOW)
    assert damaged.endswith("damaged: platestream report count")


def test_with_a_server_no_engine_is_started_and_its_accounts_are_used(tmp_path: Path) -> None:
    found = programs(wanted(tmp_path, accounts=tmp_path / "secrets"))
    assert "engine" not in names(found)
    files = {one.environment.get("PLATESTREAM_CLICKHOUSE_FILE") for one in found}
    assert str(tmp_path / "secrets" / "clickhouse_flows") in files


def test_feeds_are_imported_where_it_is_wished(tmp_path: Path) -> None:
    (feeds,) = (one for one in programs(wanted(tmp_path, feeds=True)) if one.name == "feeds")
    assert feeds.command[1:] == ("-m", "platestream", "hotlist", "follow")
    assert "PLATESTREAM_STARTED_BY" in feeds.environment
    assert "feeds" not in names(programs(wanted(tmp_path)))


def test_exports_are_sent_where_it_is_wished(tmp_path: Path) -> None:
    (sends,) = (one for one in programs(wanted(tmp_path, evidence=True)) if one.name == "evidence")
    assert sends.command[1:] == ("-m", "platestream", "evidence", "follow")
    assert "PLATESTREAM_STARTED_BY" in sends.environment
    assert "evidence" not in names(programs(wanted(tmp_path)))


def test_ports_of_metrics_are_apart(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path, notify_file=tmp_path / "notify.toml")
    found = programs(StartOptions(settings=settings, port=8123, readers=4, metrics=9110))
    ports = [one.metrics for one in found if one.metrics]
    assert len(ports) == 7
    assert len(set(ports)) == 7


def test_accounts_are_what_the_engine_takes_and_stay_at_the_next_start(tmp_path: Path) -> None:
    accounts.make(tmp_path, 8123)
    files = accounts.users_files(tmp_path)
    hashes = [file.read_text() for file in files]
    read = engine_accounts.read(files, KNOWN, {})
    assert read.missing_password == ()
    mine = own_account(tmp_path).read_text()
    password = mine.split(":")[2].split("@")[0]
    signed_in = read.sign_in(system_account(), password, "127.0.0.1")
    assert signed_in is not None
    assert "platestream_ingest" not in signed_in.roles
    assert read.sign_in(system_account(), password, "10.0.0.1") is None, "from this machine only"
    accounts.make(tmp_path, 9000)
    assert [file.read_text() for file in files] == hashes
    assert own_account(tmp_path).read_text() == mine.replace(":8123/", ":9000/")
    assert accounts.port_of(tmp_path) == 9000


def test_accounts_are_for_their_owner_alone(tmp_path: Path) -> None:
    accounts.make(tmp_path, 8123)
    for path in (tmp_path / "accounts").rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


def test_what_others_wrote_into_the_people_file_stays(tmp_path: Path) -> None:
    accounts.make(tmp_path, 8123)
    people = accounts.users_files(tmp_path)[1]
    smith = "<smith><password>long enough</password><profile>platestream_person</profile></smith>"
    people.write_text(people.read_text().replace("<users>", f"<users>{smith}"))
    accounts.make(tmp_path, 8123)
    assert "smith" in people.read_text()


def test_commands_sign_in_with_the_account_of_whoever_runs_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    accounts.make(tmp_path, 8123)
    monkeypatch.delenv("PLATESTREAM_CLICKHOUSE", raising=False)
    assert Settings(data=tmp_path).clickhouse == own_account(tmp_path).read_text().strip()
    assert Settings(data=tmp_path / "other").clickhouse.startswith("chdb:")


@given(st.text(st.characters(min_codepoint=32, exclude_characters="\x7f"), min_size=1, max_size=40))
def test_any_path_reaches_the_program_as_it_is(path: str) -> None:
    program = Program("cameras", "", ("python", "--config", path), {"PLATESTREAM_DATA": path})
    text = Supervisor(Path("/data"))._config([program])
    config = UnhosedConfigParser()
    config.read_string(text)
    command = shlex.split(config.get("program:cameras", "command") % {})
    assert command[-1] == path
    assert f"PLATESTREAM_DATA={path}" in command


def test_the_socket_of_a_deep_folder_is_elsewhere_and_as_short_as_the_kernel_wants(tmp_path: Path) -> None:
    deep = tmp_path.joinpath(*["a" * 40] * 5)
    assert len(os.fsencode(Supervisor(deep)._socket())) <= LONGEST_SOCKET
    assert Supervisor(tmp_path / "a")._socket() != Supervisor(tmp_path / "b")._socket()


def test_asking_where_nothing_runs_says_so(tmp_path: Path) -> None:
    with pytest.raises(UpError, match="platestream up"):
        Supervisor(tmp_path).states()
    assert not Supervisor(tmp_path).runs


def test_the_log_has_whole_lines_of_each_process() -> None:
    begun: dict[str, str] = defaultdict(str)
    head = "processname:{} groupname:g pid:7 channel:stdout\n"
    first = log.lines("PROCESS_LOG_STDOUT", head.format("match") + "one\ntw", begun)
    other = log.lines("PROCESS_LOG_STDOUT", head.format("audit") + "apart\n", begun)
    last = log.lines("PROCESS_LOG_STDOUT", head.format("match") + "o\n", begun)
    assert [first, other, last] == [["match one"], ["audit apart"], ["match two"]]
    result = log.lines(
        "PROCESS_STATE_EXITED", "processname:match groupname:g from_state:RUNNING expected:0 pid:7", begun
    )
    assert result == ["match * exited, process 7"]


def test_what_ended_lately_is_counted_from_the_log_however_long_it_had_run(tmp_path: Path) -> None:
    file = tmp_path / "log"
    assert not log.exits(file, NOW)
    begun: dict[str, str] = defaultdict(str)
    state = "processname:{} groupname:g from_state:RUNNING expected:0 pid:7"
    events = [
        (NOW - timedelta(minutes=11), "PROCESS_STATE_EXITED", state.format("match")),
        (NOW - timedelta(minutes=9), "PROCESS_STATE_EXITED", state.format("match")),
        (NOW - timedelta(minutes=8), "PROCESS_STATE_BACKOFF", state.format("match")),
        (NOW - timedelta(minutes=8), "PROCESS_STATE_RUNNING", state.format("audit")),
        (NOW, "PROCESS_LOG_STDOUT", "processname:audit pid:8 channel:stdout\nit was match * exited\n"),
    ]
    file.write_text(
        "".join(
            f"{at:%Y-%m-%dT%H:%M:%S.000}Z {line}\n"
            for at, event, payload in events
            for line in log.lines(event, payload, begun)
        )
    )
    assert log.exits(file, NOW - timedelta(minutes=10)) == {"match": 2}


def test_a_process_that_ends_again_and_again_is_not_well_though_it_runs(tmp_path: Path) -> None:
    file = tmp_path / "log"
    file.write_text(f"{NOW:%Y-%m-%dT%H:%M:%S.000}Z match * exited, process 7\n" * 3)
    running = ProcessStatus("match", "", "running", 8, NOW - timedelta(seconds=5), "")
    (result,) = status.process_faults((running,), NOW, file)
    assert "match has ended 3 times in ten minutes" in result
    between = ProcessStatus("match", "", "backoff", 0, None, "Exited too quickly")
    assert [*status.process_faults((between,), NOW, file)] == [result]
    stopped = ProcessStatus("match", "", "stopped", 0, None, "")
    assert "was not started" in next(status.process_faults((stopped,), NOW, file))
    assert not [*status.process_faults((running,), NOW + timedelta(minutes=2), file)]


def test_a_sample_never_mixes_with_a_broker_a_server_or_an_agency(tmp_path: Path) -> None:
    sample = Sample(lambda: pytest.fail("laid out"), lambda: pytest.fail("filled"))
    kafka = Settings(data=tmp_path / "a", kafka="localhost:9092")
    for wrong in (
        StartOptions(settings=kafka, port=1, readers=1),
        StartOptions(settings=Settings(data=tmp_path / "a"), port=1, readers=1, accounts=tmp_path),
    ):
        with pytest.raises(UpError, match="a sample has a folder of its own"):
            job.up(wrong, print, sample)
    accounts.make(private(tmp_path / "b"), 8123)
    with pytest.raises(UpError, match="holds an agency's system"):
        street.prepare(tmp_path / "b")


def test_no_engine_is_started_beside_a_server_that_is_named(tmp_path: Path) -> None:
    server = Settings(data=tmp_path, clickhouse="https://smith:secret@ch:8443/platestream")
    with pytest.raises(UpError, match="--accounts"):
        job.up(StartOptions(settings=server, port=1, readers=1), print)


def test_a_job_signs_in_to_the_server_it_was_given_though_an_engine_was_here_before(tmp_path: Path) -> None:
    accounts.make(tmp_path, 8123)
    own = Settings(data=tmp_path)
    assert ":8123/" in own.clickhouse_for(OWNER)
    assert own.clickhouse_for(OWNER) != own.clickhouse
    server = own.model_copy(update={"clickhouse": "https://migrate:x@ch:8443/platestream"})
    assert server.clickhouse_for(OWNER) == server.clickhouse


def private(folder: Path) -> Path:
    folder.mkdir(mode=0o700)
    return folder


def test_a_plan_that_is_gone_or_of_another_release_is_told_with_what_to_do(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path)
    assert gateway(settings) is None
    (tmp_path / "up").mkdir()
    (tmp_path / "up" / PLAN).write_bytes(b'{"programs": [')
    with pytest.raises(UpError, match="platestream down, and then platestream up"):
        gateway(settings)


def test_what_runs_and_gives_no_answer_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(status, "ANSWER_SECONDS", 0.2)
    old, young = NOW - timedelta(minutes=2), NOW - timedelta(seconds=20)
    found = [("engine", old), ("console", old), ("boards", young), ("match", old), ("partners", old)]
    running = tuple(ProcessStatus(name, "", "running", 7, since, "") for name, since in found)
    with (
        http_receiver() as answering,
        http_receiver(status=500) as broken,
        socket.create_server(("127.0.0.1", 0)) as hanging,
    ):
        ports = {
            "engine": urlsplit(answering.url).port,
            "console": hanging.getsockname()[1],
            "boards": hanging.getsockname()[1],
            "partners": urlsplit(broken.url).port,
        }
        result = list(status.unresponsive(running, ports, NOW))
    assert [one.split(" on port")[0] for one in result] == [
        "console runs and gives no answer",
        "partners runs and answers with error 500",
    ]


def test_modules_of_the_folder_where_up_is_called_replace_none_of_the_library(tmp_path: Path) -> None:
    (tmp_path / "grp.py").write_text("raise RuntimeError")
    environment = Supervisor(tmp_path / "data")._environment()
    command = [sys.executable, "-m", "supervisor.supervisord", "--version"]
    ran = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, check=False)
    assert ran.returncode == 0, ran.stderr
