"""Comparison of the database's clock with other clocks, before anything is deleted by it.

A clock that was set ahead makes all data look expired. The boot clock of the machine cannot be set, so
between two runs of the job the database's clock must have advanced as the boot clock did. After a restart the
boot clock begins at zero: the unexplained time is either time that the machine was off or a change of the
clock. Unexplained times are added up over all runs, so that small steps count together, and above an hour the
job stops until two registered people have confirmed that the clock is right.
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import msgspec
from clickhouse_connect.driver.client import Client
from msgspec import Meta

from platestream.edges.clickhouse_client import read_rows
from platestream.runtime.private_file import write_file
from platestream.schemas.fields import Instant

MOST = timedelta(hours=1)
TOGETHER = timedelta(days=1)
"""Most time between the two confirmations."""
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
Seconds = Annotated[float, Meta(ge=-1e10, le=1e10)]
"""Three hundred years, which a time can be moved by."""


class Boot(msgspec.Struct, frozen=True):
    """The machine's boot clock: the id of the start, and the seconds since then."""

    id: str
    seconds: Seconds


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """The clocks at a run of the job, as its receipt holds them.

    `off_s` is the sum of unexplained time so far. Two fields are from the last confirmation of the clock by
    two people: `ahead`, the newest row of the inquiry log where it was in the future, and `late_s`, by how
    much everything was late on that day.
    """

    at: Instant
    boot: Boot
    off_s: Seconds
    ahead: Instant | None = None
    late_s: Seconds = 0.0


class ClockMeasurements(msgspec.Struct, frozen=True, kw_only=True):
    """The measurements at the start of a run.

    `at` is the database's clock and `machine` that of this machine. `late` is by how many seconds everything
    of the last day was late, by the clock that stamped it. `confirmed` are the people who confirmed the
    clock, each with their last time. None means that there is no value. `due`: a run would delete something.
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
    """The reading to continue from, and the reasons why the clock may be wrong: empty where it may be
    used.
    """

    reading: Reading
    faults: tuple[str, ...]

    @property
    def refusal(self) -> str:
        """One sentence for the inquiry log."""
        return f"{MARK}{'; '.join(self.faults)}; {MEND}" if self.faults else ""


def judge(before: Reading | None, measured: ClockMeasurements) -> Judgement:
    """Compare the database's clock with the previous run, `before`, and with other sources of time."""
    last = max((one for one in (measured.newest_row, measured.last_sealed) if one is not None), default=None)
    ahead = last if last is not None and last > measured.at else None
    if confirmed_at(measured) is not None:
        late_s = max(measured.late.values(), default=0.0)
        return Judgement(
            Reading(at=measured.at, boot=measured.boot, off_s=0.0, ahead=ahead, late_s=late_s), ()
        )
    off = timedelta(seconds=0 if before is None else before.off_s) + _unexplained(before, measured)
    known, late_s = (None, 0.0) if before is None else (before.ahead, before.late_s)
    shows = f"it shows {_at(measured.at)}"
    faults = []
    if abs(measured.machine - measured.at) > MOST:
        faults.append(f"{shows}, and the clock of the job's machine {_at(measured.machine)}")
    if ahead is not None and ahead - measured.at > MOST and (known is None or ahead > known):
        faults.append(f"{shows}, and the inquiry log has a row of {_at(ahead)}")
    if before is None and measured.due and last is not None and measured.at - last > MOST:
        faults.append(f"{shows}, and the newest row of the inquiry log is of {_at(last)}")
    if abs(off) > MOST:
        way = "ahead" if off > timedelta(0) else "back"
        faults.append(f"it went {_long(off)} {way} that the machine's boot clock does not show")
    faults += [
        f"all that came in for hours was stamped by the {by} {_long(timedelta(seconds=late))} before"
        for by, late in measured.late.items()
        if abs(late - late_s) > MOST.total_seconds() and late > MOST.total_seconds()
    ]
    reading = Reading(
        at=measured.at, boot=measured.boot, off_s=off.total_seconds(), ahead=known, late_s=late_s
    )
    return Judgement(reading, tuple(faults))


def confirmed_at(measured: ClockMeasurements) -> datetime | None:
    """Return when the second of two people confirmed the clock, if that was within the last hour."""
    times = sorted((at for at in measured.confirmed.values() if at <= measured.at), reverse=True)
    if len(times) < 2 or times[0] - times[1] > TOGETHER or measured.at - times[0] > MOST:
        return None
    return times[0]


def boot() -> Boot:
    """Read the machine's boot clock. It is empty where the system has none."""
    try:
        return Boot(_BOOT.read_text().strip(), float(_UPTIME.read_text().split()[0]))
    except (OSError, ValueError, IndexError):
        return Boot("", 0.0)


def measure(client: Client) -> ClockMeasurements:
    """Read the measurements to compare, in the role of the retention job. Raises DatabaseError."""
    ((at, *times, cameras, broker),) = read_rows(client, "reading the clock", _SEEN)
    newest, sealed = (one if one is not None and one > _FIRST else None for one in times)
    confirmed = read_rows(client, "reading the clock", _CONFIRMED, since=at - 2 * TOGETHER)
    return ClockMeasurements(
        at=at,
        machine=datetime.now(UTC),
        boot=boot(),
        newest_row=newest,
        last_sealed=sealed,
        late={"cameras": cameras, "broker": broker},
        confirmed={str(one[0]): one[1] for one in confirmed},
    )


def stopped(client: Client) -> str:
    """Return why the clock stopped the last run, empty where it did not. Raises DatabaseError."""
    return str(read_rows(client, "reading the clock", _STOPPED)[0][0])


def write_note(folder: Path, refusal: str) -> None:
    """Write a note about a stopped run for `platestream status`, or delete it where `refusal` is empty."""
    if refusal and folder.is_dir():
        write_file(folder / _WORD, refusal.encode())
    else:
        (folder / _WORD).unlink(missing_ok=True)


def read_note(folder: Path) -> list[str]:
    """Return why the clock stopped the retention job of this data folder, as a list of one or none."""
    try:
        return [f"retention deletes nothing: {(folder / _WORD).read_text()}"]
    except OSError:
        return []


def _unexplained(before: Reading | None, measured: ClockMeasurements) -> timedelta:
    if before is None:
        return timedelta(0)
    passed = measured.at - before.at
    if before.boot.id and before.boot.id == measured.boot.id:
        return passed - timedelta(seconds=measured.boot.seconds - before.boot.seconds)
    if not measured.boot.id and not before.boot.id:  # a system without a boot clock
        return passed if abs(passed) > MOST else timedelta(0)
    # The machine restarted: it ran for at most `seconds` of that time.
    return passed - min(max(passed, timedelta(0)), timedelta(seconds=measured.boot.seconds))


def _at(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"


def _long(span: timedelta) -> str:
    return f"{abs(span) / timedelta(hours=1):.1f} hours"
