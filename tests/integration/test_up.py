"""The whole system on one machine, started, used, hurt and ended as its users do."""

import json
import os
import signal
import stat
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from platestream.edges.clickhouse_client import Dsn
from platestream.hotlist.feed import SETTLED
from platestream.keys import in_use
from platestream.keys.key_folder import MASTER
from platestream.operations.up.log import EXITED
from platestream.operations.up.status import LONG
from platestream.reports.public_figures import FILE
from platestream.schemas.topics import DETECTIONS, HOTLIST
from platestream.settings import embedded_dsn, system_account
from tests.support.clock import NOW
from tests.support.kafka_broker import free_port, wait_until
from tests.support.nightly import nightly
from tests.support.up import System, founding

TRAINED = f"{NOW - timedelta(days=10):%Y-%m-%d}"


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """A system that runs, its agency and administrator registered, one plate on its hot list."""
    one = System.of(tmp_path_factory.mktemp("up"))
    one.transparency = free_port()
    one.up()
    try:
        for result in (
            *founding(system_account()),
            ["shift", "login"],
            ["hotlist", "import", str(hot_list(one.folder, "ZZZ1111")), "--source", "acic"],
        ):
            ran = one.run(*result)
            assert ran.returncode == 0, ran.stdout + ran.stderr
        yield one
    finally:
        one.run("down")


def hot_list(folder: Path, *plates: str) -> Path:
    """A file of another agency."""
    file = folder / "acic.csv"
    ends = (datetime.now(UTC) + timedelta(days=20)).date()
    words = "26-001234,stolen from the fair,Dispatch,928-555-0101,P/C for arrest"
    result = [f"{plate},stolen_vehicle,{plate},AZ,{words},{ends}" for plate in plates]
    fields = "reference,category,plate,state,case_number,reason,requested_by,contact,instructions,expires_at"
    file.write_text("\n".join([fields, *result, ""]))
    return file


def seen(system: System, plate: str) -> list[dict[str, Any]]:
    ran = system.run("search", plate, "--reason", "test of the running system", "--json")
    return [json.loads(line) for line in ran.stdout.splitlines() if line.startswith("{")]


def wait_for(system: System, plate: str) -> None:
    """Until its detection is on the topic, and then in the tables."""
    wait_until(lambda: plate in system.newest(DETECTIONS), 120, "a detection")
    wait_until(lambda: bool(seen(system, plate)), 60, "its row", every=1)


def lives(pid: int) -> bool:
    """Whether a process is there and has not ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes() != b""
    except OSError:
        return False


def test_a_picture_becomes_a_detection_while_commands_ask(system: System) -> None:
    system.photograph("KBD4821", "one")
    wait_for(system, "KBD4821")
    assert len(seen(system, "KBD4821")) == 1


@pytest.mark.parametrize(
    "command",
    [
        "hits list --reason look",
        "search KBD4821 --case 26-001234",
        "hotlist import LIST --source acic",
        "audit publish",
        "audit verify",
        f"registry user jsmith --title Smith --agency sjpd --employee-number 2 --trained {TRAINED}",
        "retention run",
        "report transparency --half 2026-2",
        "topics --check",
        *nightly(
            "hotlist list",
            "shift list",
            "evidence list",
            "audit sample --year 2026",
            "registry rules",
            "retention log",
            "dead-letters list",
            "migrate --list",
        ),
    ],
)
def test_the_daily_tasks_work_while_it_runs(system: System, command: str) -> None:
    """The import also looks back for a plate that was seen: the machine does, set off by the person."""
    result = [
        str(hot_list(system.folder, "ZZZ1111", "KBD4821")) if word == "LIST" else word
        for word in command.split()
    ]
    if "sample" in result:
        system.run("search", "ZZZ1111", "--case", "26-001234")  # to draw from
    ran = system.run(*(f"{word} at the hits" if word == "look" else word for word in result))
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "Traceback" not in ran.stderr
    if "import" in result:
        assert "1 historical hits" in ran.stdout


def test_the_next_picture_after_the_listing_alerts(system: System) -> None:
    system.list_a_vehicle_that_passes("HJV2258")


def test_the_doctor_sees_the_system_as_it_is(system: System) -> None:
    ran = system.run("doctor", "--json")
    found = {one["check"]: one for one in map(json.loads, ran.stdout.splitlines())}
    for check in ("settings", "secrets", "data", "database", "migrations", "database_clock", "topics"):
        assert found[check]["state"] == "right", found[check]
    assert found["administrator"]["state"] == "right"
    assert "engine of platestream up" in found["database"]["found"]
    assert found["processes"]["state"] != "not looked at"


def test_the_public_page_is_served_from_counted_figures(system: System) -> None:
    """The figures of a new agency are counted, and are of no month yet."""
    here = f"http://127.0.0.1:{system.transparency}"
    wait_until(lambda: (system.data / FILE).exists(), 60, "the first count")
    answer = httpx.get(here)
    assert answer.status_code == 200
    assert "No figures yet" in answer.text
    assert httpx.get(f"{here}/figures.json").json()["begun"] is False
    assert {"figures", "transparency"} <= set(system.pids())
    assert f"public page: {here}/" in system.run("status").stdout
    assert not [line for line in system.status()["wrong"] if "transparency" in line or "figures" in line]


@pytest.mark.nightly
def test_files_that_come_by_themselves_are_the_machines_imports(system: System) -> None:
    folder = system.folder / "lists"
    folder.mkdir()
    hot_list(system.folder, "ZZZ1111", "KBD4821", "YYY2222").replace(folder / "acic.csv")
    feed = ("--place", str(folder), "--format", "csv")
    ran = system.run("registry", "source", "acic", "--title", "ACIC", *feed)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    time.sleep(SETTLED.total_seconds() + 1)  # younger ones may still be being written
    job = system.begin("hotlist", "import", str(folder), "--source", "acic", "--every", "15")
    try:
        wait_until(lambda: "YYY2222" in system.newest(HOTLIST), 90, "the new entry")
    finally:
        job.kill()
        said = job.communicate()
    assert "refused" not in said[1]


def test_readers_that_stand_still_are_seen_though_they_run(system: System) -> None:
    pid = system.pids()
    stopped = [pid[name] for name in pid if name.startswith("recognize")]
    for one in stopped:
        os.kill(one, signal.SIGSTOP)
    try:
        system.photograph("SLW1001", "slow")
        wait_until(lambda: system.status()["waiting"][0]["count"] == 1, 120, "a frame that waits")
        result = system.status(later=LONG)
        assert any("of frames waits" in line for line in result["wrong"])
        assert {one["state"] for one in result["processes"]} == {"running"}
        assert result["waiting"][0]["count"] == 1
        of_command = json.loads(system.run("status", "--json").stdout)
        pids = [[(one["name"], one["pid"]) for one in every["processes"]] for every in (of_command, result)]
        assert pids[0] == pids[1]
    finally:
        for one in stopped:
            os.kill(one, signal.SIGCONT)
    wait_until(lambda: not system.status()["wrong"], 60, "nothing wrong")


def test_a_second_up_and_a_demo_on_the_same_folder_are_refused_with_a_sentence(system: System) -> None:
    second = system.run("up")
    assert second.returncode == 1
    assert "already" in second.stderr
    assert "platestream down" in second.stderr
    demo = system.run("demo")
    assert demo.returncode == 1
    assert "belongs to a system of platestream up" in demo.stderr


def test_everything_is_for_its_owner_alone(system: System) -> None:
    """But what is published, for which a web server may be given the way."""
    published = system.data / "inquiry-log" / "public"
    for path in [system.data, *system.data.rglob("*")]:
        if not path.is_symlink() and path.exists() and not path.is_relative_to(published):
            assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


def test_no_process_leaves_its_memory_behind(system: System) -> None:
    for name, pid in system.pids().items():
        limits = Path(f"/proc/{pid}/limits").read_text()
        (core,) = (line for line in limits.splitlines() if line.startswith("Max core file size"))
        assert core.split()[4:6] == ["0", "0"], name


def test_a_process_that_is_killed_comes_back_and_the_system_goes_on(system: System) -> None:
    before = system.pids()
    for pid in before.values():
        os.kill(pid, signal.SIGKILL)
    system.photograph("MXV7730", "two")

    def back() -> bool:
        now = system.status()["processes"]
        return all(one["state"] == "running" and one["pid"] != before[one["name"]] for one in now)

    wait_until(back, 120, "all run again")
    wait_for(system, "MXV7730")
    assert len(seen(system, "MXV7730")) == 1


def test_no_password_is_in_the_list_of_processes_or_in_the_log(system: System) -> None:
    secrets = [
        file.read_text().split(":")[2].split("@")[0]
        for file in (system.data / "accounts").rglob("*")
        if file.is_file() and file.suffix != ".xml"
    ]
    result = system.log
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            result += process.read_text(errors="replace")
        except OSError:
            continue
    assert len(secrets) == 8
    assert not [secret for secret in secrets if secret in result]


def asked(system: System, account: Dsn) -> httpx.Response:
    """Answer of the engine to an account."""
    auth = (account.user, account.password)
    return httpx.post(f"http://127.0.0.1:{system.port}/", content="SELECT 1", auth=auth, timeout=60)


@pytest.mark.nightly
def test_jobs_get_new_passwords_while_all_of_them_run(system: System) -> None:
    files = [*(system.data / "accounts").glob("clickhouse_*"), *(system.data / "accounts/people").iterdir()]
    old = {file: file.read_text().strip() for file in files}
    before, ended = system.pids(), system.log.count(EXITED)
    system.photograph("LTW6093", "amid")
    done = system.run("keys", "rotate")
    assert done.returncode == 0, done.stderr
    for file, dsn in old.items():
        earlier, new = Dsn.parse(dsn), Dsn.parse(file.read_text().strip())
        assert (new.account, stat.S_IMODE(file.stat().st_mode)) == (earlier.account, 0o600)
        assert [asked(system, one).status_code for one in (new, earlier)] == [200, 403], file
        assert not [one for one in (new, earlier) if one.password in done.stdout + done.stderr]
    system.photograph("RGZ8157", "after")
    for plate in ("LTW6093", "RGZ8157"):
        wait_for(system, plate)
        assert len(seen(system, plate)) == 1
    assert system.run("retention", "run").returncode == 0
    assert system.run("keys", "rotate", "flows", "nobody").returncode == 1
    assert (system.pids(), system.log.count(EXITED)) == (before, ended), "no process ended"


@pytest.mark.nightly
def test_what_runs_dies_with_its_supervisor_and_the_next_up_goes_on(system: System) -> None:
    system.photograph("BCX1904", "before")
    wait_for(system, "BCX1904")
    pids = system.pids().values()
    os.kill(int((system.data / "up" / "supervisord.pid").read_text()), signal.SIGKILL)
    wait_until(lambda: not any(map(lives, pids)), 30, "the others have ended")
    gone = system.run("status")
    assert gone.returncode == 1
    assert "start it with platestream up" in gone.stderr
    system.photograph("RTJ2065", "three")
    system.up()
    wait_for(system, "RTJ2065")
    assert len(seen(system, "BCX1904")) == 1


def test_status_says_what_is_wrong_and_ends_with_1(system: System) -> None:
    (system.pictures / "no-picture.jpg").write_bytes(b"GIF89a")
    store = system.data / "recovery" / "match"
    victim = system.pids()["match"]
    hidden = store.with_name("match.hidden")
    store.rename(hidden)
    store.write_text("no store")
    os.kill(victim, signal.SIGKILL)
    try:
        # Ended once, it may be on its way up again when the next asks: lasting is what ends again and again.
        wait_until(lambda: any("match has ended" in line for line in system.status()["wrong"]), 90, "a fault")
        assert system.run("status").returncode == 1
    finally:
        store.unlink()
        hidden.rename(store)

    def lasts() -> bool:
        """True if it would be no fault any more when this process has run for a while."""
        (match,) = (one for one in system.status()["processes"] if one["name"] == "match")
        later = system.status(later=LONG)["wrong"]
        return match["state"] == "running" and not any("match " in line for line in later)

    wait_until(lasts, 120, "no fault")


@pytest.mark.nightly
def test_an_up_that_is_killed_amid_its_start_is_told_what_to_do(system: System) -> None:
    system.run("down")
    begun = system.begin(
        "up", "--cameras", str(system.folder / "cameras.toml"), "--boards", "0", "--console", "0"
    )
    wait_until(lambda: system.supervisor.runs, 60, "the supervisor")
    begun.kill()
    begun.wait()
    said = system.run("status")
    assert said.returncode == 1
    assert "match was not started: platestream down, and then platestream up" in said.stderr
    system.run("down")
    system.up()


@pytest.mark.nightly
def test_the_master_key_is_changed_once_nothing_uses_the_keys(system: System) -> None:
    old, new = system.data / "keys" / MASTER, system.folder / "new.key"
    new.write_bytes(os.urandom(32))
    system.photograph("WVG3317", "before the change")
    wait_for(system, "WVG3317")
    settings = {"PLATESTREAM_MASTER_KEY_FILE": str(new)}
    refused = system.run("keys", "rewrap", str(old), settings=settings)
    assert refused.returncode == 1
    assert f"process {system.pids()['match']} (bytewax.run platestream.flows.match_flow" in refused.stderr
    system.run("down")
    in_use.forget()  # this process read topics, too
    settings["PLATESTREAM_CLICKHOUSE"] = embedded_dsn(system.data)
    done = system.run("keys", "rewrap", str(old), settings=settings)
    assert done.returncode == 0, done.stderr
    new.replace(old)
    system.up()
    system.photograph("WVG3318", "rewrapped")
    wait_for(system, "WVG3318")


def test_down_ends_everything_and_says_so_when_there_is_nothing(system: System) -> None:
    pids = system.pids()
    began = time.monotonic()
    assert "all services are stopped" in system.run("down").stdout
    assert time.monotonic() - began < 60
    assert not [pid for pid in pids.values() if lives(pid)]
    assert "start it with platestream up" in system.run("down").stderr


def test_a_folder_of_other_things_is_left_as_it_is(tmp_path: Path) -> None:
    other = System(tmp_path, 1)
    other.data.mkdir(mode=0o755)
    (other.data / "letter.txt").write_text("x")
    for command in ("up", "down", "status"):
        assert other.run(command).returncode == 1
    assert "holds other things" in other.run("up").stderr
    assert stat.S_IMODE(other.data.stat().st_mode) == 0o755
    assert [path.name for path in other.data.iterdir()] == ["letter.txt"]
