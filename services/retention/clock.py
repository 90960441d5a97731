"""Evidence about the database's clock, compared before anything is deleted by it.

A clock that was set ahead makes all data look past its time. The boot clock of the machine cannot be set, so
between two runs of the job the database's clock must have advanced as the boot clock did. Across a restart
the boot clock began again: what it does not explain is either time that the machine was off or a clock that
was set. Both are added up over all runs, so that small steps count together, and at more than an hour the job
stops until two registered people have confirmed that the clock is right.
"""

from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import msgspec
from clickhouse_connect.driver.client import Client

from connectors.clickhouse_client import run
from connectors.private_file import write_whole

MOST = timedelta(hours=1)
TOGETHER = timedelta(days=1)
"""Two people confirm within this time."""
MARK = "the clock may be wrong: "
MEND = "two administrators or supervisors check it and run: platestream retention clock --confirm"
_BOOT = Path("/proc/sys/kernel/random/boot_id")
_UPTIME = Path("/proc/uptime")
_SEEN = """
SELECT at, newest_row, last_sealed, cameras_late, broker_late FROM platestream.clock_seen
"""
_CONFIRMED = """
SELECT who, max(at) FROM platestream.clock_confirmed(since = {since:DateTime64(6, 'UTC')}) GROUP BY who
"""
_STOPPED = "SELECT why FROM platestream.clock_stopped"
_WORD = "retention-stopped.txt"
_FIRST = datetime(1971, 1, 1, tzinfo=UTC)


class Boot(msgspec.Struct, frozen=True):
    """The machine's boot clock: which start of the machine, and the seconds since then."""

    id: str
    seconds: float


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """The clocks at a run of the job, as its receipt holds them.

    `off_s` is what is not explained so far, added up. What was known when two people confirmed the clock:
    `ahead`, the newest row of the inquiry log where that lay in the future, and `late_s`, how late everything
    came in that day.
    """

    at: datetime
    boot: Boot
    off_s: float
    ahead: datetime | None = None
    late_s: float = 0.0


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """What is known at the start of a run.

    `at` is the database's clock and `machine` that of this machine. `late` says by how many seconds
    everything was late that came in within a day, by what stamped it. `confirmed` are the people who
    confirmed the clock, each with their last time. None where there is nothing. `due`: a run would delete
    something.
    """

    at: datetime
    machine: datetime
    boot: Boot
    newest_row: datetime | None = None
    last_sealed: datetime | None = None
    late: dict[str, float] = {}
    confirmed: dict[str, datetime] = {}
    due: bool = True


class Judgement(msgspec.Struct, frozen=True):
    """The reading to continue from, and why the clock may be wrong: empty where it may be used."""

    reading: Reading
    faults: tuple[str, ...]

    @property
    def refusal(self) -> str:
        """One sentence for the inquiry log."""
        return f"{MARK}{'; '.join(self.faults)}; {MEND}" if self.faults else ""


def judge(before: Reading | None, seen: Seen) -> Judgement:
    """Compare the database's clock with the run `before` and with what else tells the time."""
    last = max((one for one in (seen.newest_row, seen.last_sealed) if one is not None), default=None)
    ahead = last if last is not None and last > seen.at else None
    if confirmed_at(seen) is not None:
        late_s = max(seen.late.values(), default=0.0)
        return Judgement(Reading(at=seen.at, boot=seen.boot, off_s=0.0, ahead=ahead, late_s=late_s), ())
    off = timedelta(seconds=0 if before is None else before.off_s) + _unexplained(before, seen)
    known, late_s = (None, 0.0) if before is None else (before.ahead, before.late_s)
    shows = f"it shows {_at(seen.at)}"
    faults = []
    if abs(seen.machine - seen.at) > MOST:
        faults.append(f"{shows}, and the clock of the job's machine {_at(seen.machine)}")
    if ahead is not None and ahead - seen.at > MOST and (known is None or ahead > known):
        faults.append(f"{shows}, and the inquiry log has a row of {_at(ahead)}")
    if before is None and seen.due and last is not None and seen.at - last > MOST:
        faults.append(f"{shows}, and the newest row of the inquiry log is of {_at(last)}")
    if abs(off) > MOST:
        way = "ahead" if off > timedelta(0) else "back"
        faults.append(f"it went {_long(off)} {way} that the machine's boot clock does not show")
    faults += [
        f"all that came in for hours was stamped by the {by} {_long(timedelta(seconds=late))} before"
        for by, late in seen.late.items()
        if abs(late - late_s) > MOST.total_seconds() and late > MOST.total_seconds()
    ]
    reading = Reading(at=seen.at, boot=seen.boot, off_s=off.total_seconds(), ahead=known, late_s=late_s)
    return Judgement(reading, tuple(faults))


def confirmed_at(seen: Seen) -> datetime | None:
    """When the second of two people confirmed the clock, where that was within the hour before now."""
    times = sorted((at for at in seen.confirmed.values() if at <= seen.at), reverse=True)
    if len(times) < 2 or times[0] - times[1] > TOGETHER or seen.at - times[0] > MOST:
        return None
    return times[0]


def boot() -> Boot:
    """Read the machine's boot clock. It is empty where the system has none."""
    try:
        return Boot(_BOOT.read_text().strip(), float(_UPTIME.read_text().split()[0]))
    except (OSError, ValueError, IndexError):
        return Boot("", 0.0)


def gather(client: Client) -> Seen:
    """Read what there is to compare, in the role of the retention job. Raises DatabaseError."""
    ((at, *times, cameras, broker),) = run("reading the clock", partial(client.query, _SEEN)).result_rows
    newest, sealed = (one if one is not None and one > _FIRST else None for one in times)
    asked = {"since": at - 2 * TOGETHER}
    confirmed = run("reading the clock", partial(client.query, _CONFIRMED, parameters=asked)).result_rows
    return Seen(
        at=at,
        machine=datetime.now(UTC),
        boot=boot(),
        newest_row=newest,
        last_sealed=sealed,
        late={"cameras": cameras, "broker": broker},
        confirmed={str(one[0]): one[1] for one in confirmed},
    )


def stopped(client: Client) -> str:
    """Why the clock stopped the last run, empty where it did not. Raises DatabaseError."""
    return str(run("reading the clock", partial(client.query, _STOPPED)).result_rows[0][0])


def leave_word(folder: Path, refusal: str) -> None:
    """Leave word of a stopped run for `platestream status`, or take it away where `refusal` is empty."""
    if refusal and folder.is_dir():
        write_whole(folder / _WORD, refusal.encode())
    else:
        (folder / _WORD).unlink(missing_ok=True)


def word(folder: Path) -> list[str]:
    """Return why the clock stopped the retention job of this data folder, as a list of one or none."""
    try:
        return [f"retention deletes nothing: {(folder / _WORD).read_text()}"]
    except OSError:
        return []


def _unexplained(before: Reading | None, seen: Seen) -> timedelta:
    if before is None:
        return timedelta(0)
    passed = seen.at - before.at
    if before.boot.id and before.boot.id == seen.boot.id:
        return passed - timedelta(seconds=seen.boot.seconds - before.boot.seconds)
    if not seen.boot.id and not before.boot.id:  # a system without a boot clock
        return passed if abs(passed) > MOST else timedelta(0)
    # Started again since: it ran for `seconds` of that time at the most.
    return passed - min(max(passed, timedelta(0)), timedelta(seconds=seen.boot.seconds))


def _at(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"


def _long(span: timedelta) -> str:
    return f"{abs(span) / timedelta(hours=1):.1f} hours"
