from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import bytewax.operators as op
import msgspec
import pytest
from bytewax.dataflow import Dataflow
from bytewax.recovery import RecoveryConfig
from bytewax.testing import TestingSink

from platestream.access import gate_rules
from platestream.edges import inquiry_log
from platestream.edges.clickhouse_client import SEALER, DatabaseError
from platestream.edges.inquiry_log import InquiryLogPart, InquiryLogSource, seal_new
from platestream.edges.rules_history import read_history
from platestream.schemas.gate_rules import RulesInForce
from platestream.schemas.inquiry import SealedInquiry, chain_faults
from platestream.schemas.message import EndOfSnapshot
from platestream.transparency_log.log_integrity import verify
from tests.support.agency import set_rules
from tests.support.database import Database
from tests.support.flows import awake, recovery, run

NOW_SEALED = timedelta(0)


def follow(database: Database, batch: int = 1000, store: RecoveryConfig | None = None) -> list[SealedInquiry]:
    """The inquiries that the source sends on until the log's end."""
    return [one for one in followed(database, batch, store) if isinstance(one, SealedInquiry)]


def followed(
    database: Database, batch: int = 1000, store: RecoveryConfig | None = None
) -> list[SealedInquiry | RulesInForce | EndOfSnapshot]:
    sent: list[SealedInquiry | RulesInForce | EndOfSnapshot] = []
    flow = Dataflow("follow")
    source = InquiryLogSource(lambda: database.client(SEALER), follow=False, batch=batch)
    op.output("out", op.input("log", flow, source), TestingSink(sent))
    run(flow, store)
    return sent


def faults(database: Database, copy: Iterable[SealedInquiry] | None = None) -> list[str]:
    return verify(database.client(SEALER), copy, grace=NOW_SEALED).faults


def change(database: Database, sql: str) -> None:
    database.client().command(f"{sql} SETTINGS mutations_sync = 2")


@pytest.fixture
def copy(database: Database) -> list[SealedInquiry]:
    """Five inquiries in the log, one of them refused, sealed and copied."""
    for number in range(4):
        database.ask(pattern=f"ABC12{number}", cameras=["north", "sü d"])
    database.ask(reason="")
    return follow(database)


def test_every_inquiry_is_sent_with_its_seal_refused_ones_too(
    database: Database, copy: list[SealedInquiry]
) -> None:
    assert [one.seal for one in copy] == [1, 2, 3, 4, 5]
    assert list(chain_faults(copy)) == []
    assert {one.inquiry.outcome for one in copy} == {"allowed", "refused"}
    assert copy[0].inquiry.cameras == ("north", "sü d")
    assert [SealedInquiry.from_json(one.to_json()) for one in copy] == copy
    assert faults(database, copy) == []


def test_a_restart_goes_on_behind_the_last_seal(database: Database, tmp_path: Path) -> None:
    store = recovery(tmp_path / "recovery")
    database.ask()
    assert [one.seal for one in follow(database, store=store)] == [1]
    database.ask()
    database.ask()
    assert [one.seal for one in follow(database, store=store)] == [2, 3]
    assert follow(database, store=store) == []


def test_every_start_is_told_the_rules_before_what_was_judged_by_them(
    database: Database, tmp_path: Path
) -> None:
    store = recovery(tmp_path / "recovery")
    database.ask()
    rules = gate_rules.in_force(database.client())
    set_rules(database, replace(rules, reason_letters=9))
    database.ask()
    first = followed(database, store=store)
    assert [type(one) for one in first] == [RulesInForce] * 2 + [EndOfSnapshot] + [SealedInquiry] * 2
    assert isinstance(first[1], RulesInForce)
    assert (first[0], first[1].rules.reason_letters) == (read_history(database.client())[0], 9)
    assert followed(database, store=store) == first[:3]


def test_small_batches_seal_and_send_the_same(database: Database, copy: list[SealedInquiry]) -> None:
    assert follow(database, batch=2) == copy
    for _more in range(5):
        database.ask()
    assert [one.seal for one in follow(database, batch=2)] == list(range(1, 11))
    assert faults(database) == []


class CrashingClient:
    """Dies at its first insert, before or after it reached the table."""

    def __init__(self, database: Database, after: bool) -> None:
        self._client, self._after = database.client(SEALER), after

    def query(self, *args: Any, **options: Any) -> Any:
        return self._client.query(*args, **options)

    def insert(self, *args: Any, **options: Any) -> None:
        if self._after:
            self._client.insert(*args, **options)
        raise InterruptedError


@pytest.mark.parametrize("after", [False, True])
def test_a_crash_beside_the_writing_of_seals_doubles_and_loses_none(database: Database, after: bool) -> None:
    database.ask()
    with pytest.raises(InterruptedError):
        seal_new(CrashingClient(database, after))  # type: ignore[arg-type]
    database.ask()
    sent = follow(database)
    assert [one.seal for one in sent] == [1, 2]
    assert faults(database, sent) == []


def test_two_rows_of_one_inquiry_id_are_both_sealed(database: Database) -> None:
    first = database.ask()
    database.ask(inquiry_id=first)
    assert [one.inquiry.inquiry_id for one in follow(database)] == [first, first]
    assert faults(database) == []


def test_a_clock_that_was_set_back_leaves_no_inquiry_unsealed(database: Database) -> None:
    database.ask()
    database.client().command(
        "INSERT INTO platestream.inquiry_log"
        " SELECT * REPLACE (generateUUIDv4() AS entry, at + INTERVAL 9 DAY AS at)"
        " FROM platestream.inquiry_log"
    )
    assert [one.seal for one in follow(database)] == [1, 2]
    database.ask()
    assert [one.seal for one in follow(database)] == [1, 2, 3]


def test_while_it_follows_it_waits_and_takes_what_is_new(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inquiry_log, "POLL", timedelta(hours=1))
    part = InquiryLogPart(lambda: database.client(SEALER), 1, follow=True, batch=10)
    assert [type(one) for one in part.next_batch()] == [RulesInForce, EndOfSnapshot]
    assert awake(part) is not None
    database.ask()
    assert part.next_batch() == [], "it does not poll before its time"
    part._awake = datetime.now(UTC)
    assert [one.seal for one in part.next_batch() if isinstance(one, SealedInquiry)] == [1]
    assert awake(part) is not None, "after the last row it waits, too"
    assert part.snapshot() == 2


def test_while_a_batch_is_full_it_polls_at_once(database: Database) -> None:
    part = InquiryLogPart(lambda: database.client(SEALER), 1, follow=True, batch=2)
    database.ask_all(3)
    seals = []
    for at_once in (True, False):
        seals += [one.seal for one in part.next_batch() if isinstance(one, SealedInquiry)]
        assert (part._awake is None) == at_once
    assert seals == [1, 2, 3]


def test_an_outage_is_waited_for_and_another_error_raised() -> None:
    def part(passing: bool) -> InquiryLogPart:
        def client() -> Any:
            raise DatabaseError("connecting", None, passing)

        return InquiryLogPart(client, 1, follow=True, batch=10)

    waiting = part(passing=True)
    assert waiting.next_batch() == []
    assert awake(waiting) is not None
    with pytest.raises(DatabaseError):
        part(passing=False).next_batch()


def test_a_changed_row_shows(database: Database, copy: list[SealedInquiry]) -> None:
    change(database, "ALTER TABLE platestream.inquiry_log UPDATE pattern = 'QQQ' WHERE pattern = 'ABC122'")
    (fault,) = faults(database)
    assert fault == f"seal 3: inquiry {copy[2].inquiry.inquiry_id} is not what was sealed"


def test_a_deleted_row_shows(database: Database, copy: list[SealedInquiry]) -> None:
    change(database, "ALTER TABLE platestream.inquiry_log DELETE WHERE pattern = 'ABC121'")
    assert f"seal 2: inquiry {copy[1].inquiry.inquiry_id} is gone from the log" in faults(database)


def test_a_row_changed_into_another_of_its_id_shows(database: Database, copy: list[SealedInquiry]) -> None:
    database.client().command(
        "INSERT INTO platestream.inquiry_log SELECT * FROM platestream.inquiry_log WHERE pattern = 'ABC120'"
    )
    (fault,) = faults(database)
    assert fault == f"inquiry {copy[0].inquiry.inquiry_id}: 2 rows of one entry"


def test_a_removed_seal_shows_and_so_does_the_row_it_left(
    database: Database, copy: list[SealedInquiry]
) -> None:
    change(database, "ALTER TABLE platestream.inquiry_seals DELETE WHERE seal = 3")
    found = faults(database, copy)
    assert "seal 3: missing or out of order (found 4)" in found
    assert any("never sealed" in fault and str(copy[2].inquiry.inquiry_id) in fault for fault in found)
    assert "seal 3: in the copy, not in the database" in found


def test_a_removed_beginning_shows(database: Database, copy: list[SealedInquiry]) -> None:
    change(database, "ALTER TABLE platestream.inquiry_log DELETE WHERE pattern = 'ABC120'")
    change(database, "ALTER TABLE platestream.inquiry_seals DELETE WHERE seal = 1")
    assert faults(database) == ["seal 1: missing or out of order (found 2)"]
    in_7_years = datetime.now(UTC) + timedelta(days=7 * 365)
    assert verify(database.client(SEALER), copy[1:], now=in_7_years).faults == [], "then it has expired"


def test_a_row_that_was_never_sealed_shows_once_it_had_the_time(
    database: Database, copy: list[SealedInquiry]
) -> None:
    late = database.ask()
    (fault,) = faults(database)
    assert f"inquiry {late}" in fault
    assert "never sealed" in fault
    assert verify(database.client(SEALER)).faults == [], "a minute is the time it takes at most"


def test_a_cut_off_tail_shows_by_the_copy_alone(database: Database, copy: list[SealedInquiry]) -> None:
    change(database, "ALTER TABLE platestream.inquiry_seals DELETE WHERE seal > 3")
    ids = ", ".join(f"'{one.inquiry.inquiry_id}'" for one in copy[3:])
    change(database, f"ALTER TABLE platestream.inquiry_log DELETE WHERE inquiry_id IN ({ids})")
    assert faults(database) == []
    assert faults(database, copy) == [
        "seal 4: in the copy, not in the database",
        "seal 5: in the copy, not in the database",
    ]


@pytest.mark.parametrize(
    ("forge", "fault"),
    [
        (lambda copy: copy[:2] + copy[3:], "copy: seal 3: missing or out of order (found 4)"),
        (lambda copy: [*copy[:4], tampered(copy[4])], "copy: seal 5: inquiry"),
        (
            lambda copy: [*copy, tampered(copy[4], hash="f" * 64)],
            "copy: seal 5: twice, with different hashes",
        ),
    ],
)
def test_a_copy_that_was_tampered_with_shows(
    database: Database,
    copy: list[SealedInquiry],
    forge: Callable[[list[SealedInquiry]], list[SealedInquiry]],
    fault: str,
) -> None:
    assert any(one.startswith(fault) for one in faults(database, forge(copy)))


@pytest.mark.parametrize("left", [0, 3])
def test_a_copy_that_was_deleted_or_lost_its_end_shows(
    database: Database, copy: list[SealedInquiry], left: int
) -> None:
    assert verify(database.client(), copy[:left]).faults == [], "it may still be on its way"
    later = datetime.now(UTC) + timedelta(minutes=5)
    found = verify(database.client(), copy[:left], now=later).faults
    assert found == [f"seals {left + 1} to 5: in the database, not in the copy"]
    assert verify(database.client(), copy, now=later).faults == []


def test_a_copy_in_which_records_come_again_is_whole(database: Database, copy: list[SealedInquiry]) -> None:
    assert faults(database, [*copy[:3], *copy[1:], copy[4]]) == []


def test_a_log_that_was_sealed_anew_after_a_change_differs_from_the_copy(
    database: Database, copy: list[SealedInquiry]
) -> None:
    change(database, "ALTER TABLE platestream.inquiry_log UPDATE who = 'jones' WHERE pattern = 'ABC120'")
    database.client().command("TRUNCATE TABLE platestream.inquiry_seals")
    follow(database)
    assert faults(database) == []
    assert faults(database, copy) == [f"seal {n}: database and copy differ" for n in range(1, 6)]


def tampered(one: SealedInquiry, **changes: Any) -> SealedInquiry:
    changes = changes or {"inquiry": msgspec.structs.replace(one.inquiry, reason="another reason")}
    return msgspec.structs.replace(one, **changes)
