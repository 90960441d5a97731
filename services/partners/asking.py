"""Asking other agencies: one documented inquiry, signed for each partner whose MOU is in force, all at once.

The inquiry is on record before anybody is asked, and what each partner said before it is shown. What they
answer is kept nowhere else.
"""

import asyncio
import queue
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar, Unpack, get_args
from uuid import UUID, uuid4

import msgspec

from connectors.clock import Clock, utc_now
from connectors.partners.client import Client, Heard, Partner
from connectors.partners.keys import OwnKey
from connectors.private_file import PrivateFile
from connectors.settings import ACCOUNTS, Settings
from schemas.exchange import SignedExchange
from schemas.message import RefusedError
from schemas.partner import (
    INQUIRIES,
    PICTURES,
    SAYS,
    Asker,
    Inquiry,
    Outcome,
    PictureOf,
    Pictures,
    Read,
    Reads,
    Way,
)
from schemas.registry import RegistryRecord
from services import registry
from services.door import Door, Why
from services.inquiries.looking import Asked
from services.partners.configured import Configured, configured
from services.partners.register import in_force, kept, own_agency, why_not

ALL = "all"
MINUTE = timedelta(minutes=1)
T = TypeVar("T")
_FILE = "partners-asked.json"


@dataclass(frozen=True)
class Answer:
    """What one partner said, after so many seconds. `reads` are the newest of the `found`; `exchange` is what
    was sent and signed, of an answer.
    """

    agency: str
    outcome: Outcome
    said: str
    seconds: float
    reads: tuple[Read, ...] = ()
    found: int = 0
    cut: bool = False
    exchange: SignedExchange | None = None

    @property
    def words(self) -> str:
        """In a sentence, without what was found."""
        if self.outcome == "answered":
            more = "; more vehicles fit than it shows at once" if self.cut else ""
            return f"answered with {self.found} reads{more}"
        return f"{SAYS[self.outcome]}: {self.said}" if self.said else SAYS[self.outcome]


@dataclass(frozen=True)
class _Ready(Generic[T]):
    """All that is needed to ask."""

    partners: list[Partner]
    key: OwnKey
    asker: Asker
    told: Configured


def offered(settings: Settings, agencies: Iterable[RegistryRecord], now: datetime) -> list[str]:
    """Which of these agencies could be asked now; none where this one has no key of its own."""
    if kept(settings).signing() is None:
        return []
    return [one.name for one in in_force(agencies, now)]


def ask(
    door: Door, asked: Asked, agencies: Sequence[str], *, clock: Clock = utc_now, **why: Unpack[Why]
) -> Iterator[Answer]:
    """What each agency answers, as it comes; `agencies` are names, or `all`. The inquiry is on record when
    this returns, before anybody is asked.

    Raises RefusedError where one of them cannot be asked or this agency has no key, which is on record,
    RefusedInquiry and DatabaseError.
    """
    with door.on_record("partner_search", asked.way, **why):
        ready = _ready(door, agencies, clock(), why)
        inquiry = _inquiry(asked, ready.asker)
    names = ", ".join(one.name for one in ready.partners)
    door.enter(
        "partner_search",
        asked.way,
        change=f"asked: {names}",
        elsewhere={
            "pattern": asked.plate,
            "cameras": list(asked.cameras),
            "since": asked.since,
            "until": asked.until,
        },
        **why,
    )
    body = msgspec.json.encode(inquiry)
    return _answers(door, ready, INQUIRIES, body, Reads, clock, why)


def pictures(
    door: Door,
    partner: str,
    detection_id: UUID,
    captured_at: datetime,
    *,
    clock: Clock = utc_now,
    **why: Unpack[Why],
) -> dict[str, bytes]:
    """The pictures of a read of another agency by kind, JPEG: a look of its own there. Raises RefusedError
    where that agency does not show them, and else as `ask`.
    """
    return signed_pictures(door, partner, detection_id, captured_at, clock=clock, **why)[0]


def signed_pictures(
    door: Door,
    partner: str,
    detection_id: UUID,
    captured_at: datetime,
    *,
    clock: Clock = utc_now,
    **why: Unpack[Why],
) -> tuple[dict[str, bytes], SignedExchange | None]:
    """As `pictures`, and what was sent and signed."""
    with door.on_record("partner_picture", str(detection_id), **why):
        ready = _ready(door, [partner], clock(), why)
    door.enter("partner_picture", str(detection_id), change=f"asked: {partner}", **why)
    wanted = PictureOf(asker=ready.asker, detection_id=detection_id, captured_at=captured_at)
    body = msgspec.json.encode(wanted)
    for _one, heard, _seconds in _heard(door, ready, PICTURES, body, Pictures, clock, why):
        if heard.answer is None:
            raise RefusedError("partners", f"{partner} {SAYS[heard.outcome]}: {heard.said}")
        told = {"crop": heard.answer.crop, "vehicle": heard.answer.vehicle}
        return {kind: jpeg for kind, jpeg in told.items() if jpeg.startswith(b"\xff\xd8")}, heard.exchange
    return {}, None


def _answers(
    door: Door, ready: "_Ready[Any]", path: str, body: bytes, kind: type[Reads], clock: Clock, why: Why
) -> Iterator[Answer]:
    for partner, heard, seconds in _heard(door, ready, path, body, kind, clock, why):
        reads = heard.answer or Reads(reads=(), found=0)
        found = (reads.reads, reads.found, reads.cut, heard.exchange)
        yield Answer(partner.name, heard.outcome, heard.said, seconds, *found)


def _note(door: Door, heard: Sequence[tuple[Partner, "Heard[Any]", float]], why: Why) -> None:
    """On record: what partners said, and how many reads there were, but none of them."""
    told = []
    for partner, one, _seconds in heard:
        found = f" with {one.answer.found} reads" if isinstance(one.answer, Reads) else ""
        said = SAYS[one.outcome] + found
        told.append((partner.name, f"{said}: {one.said}" if one.said else said))
    door.enter_several("partner_answer", told, **why)


def _ready(door: Door, agencies: Sequence[str], now: datetime, why: Why) -> "_Ready[Any]":
    records = registry.records(door.streams)
    told = configured(door.settings)
    return _Ready(_chosen(records, agencies, now), key_of(door.settings), asker_of(door, records, why), told)


def key_of(settings: Settings) -> OwnKey:
    """The key that signs now. Raises RefusedError where there is none."""
    found = kept(settings).signing()
    if found is None:
        raise RefusedError(
            "partners", "this agency has no key here to sign with: platestream partners make-key"
        )
    return found


def _chosen(records: Sequence[RegistryRecord], agencies: Sequence[str], now: datetime) -> list[Partner]:
    found = {one.name: one for one in in_force(records, now)}
    if ALL in agencies:
        if not found:
            raise RefusedError(
                "partners", "no agency can be asked: none has an MOU, an address and a key here"
            )
        return list(found.values())
    known = {one.id: one for one in records if one.kind == "agency"}
    for name in agencies:
        if name not in known:
            raise RefusedError("partners", f"no agency {name[:64]} is registered")
        if name not in found:
            raise RefusedError("partners", f"{name} cannot be asked: {why_not(known[name], now)}")
    return [found[name] for name in dict.fromkeys(agencies)]


def asker_of(door: Door, records: Sequence[RegistryRecord], why: Why) -> Asker:
    """Whoever `door` is of, as other agencies hear of them. Raises RefusedError for nobody of ours."""
    own = own_agency(records)
    person = next((one for one in records if one.kind == "user" and one.id == door.who), None)
    if own is None or person is None or person.agency != own.id or person.trained_at is None:
        raise RefusedError(
            "partners", "other agencies are told who asks: a registered, trained person of ours"
        )
    told = {name: str(why.get(name, "")) for name in _WHY}
    return Asker(agency=own.id, person=person.id, trained_on=person.trained_at.date(), **told)


def _inquiry(asked: Asked, asker: Asker) -> Inquiry:
    if asked.way not in get_args(Way):
        raise RefusedError("partners", "other agencies are asked for plates, look-alikes and sightings only")
    return Inquiry(
        asker=asker,
        way=asked.way,  # type: ignore[arg-type]
        plate=asked.plate,
        cameras=tuple(asked.cameras),
        since=asked.since,
        until=asked.until,
    )


_WHY = ("case_number", "reason", "purpose", "violation", "requester", "legal_basis")


def _heard(
    door: Door, ready: "_Ready[Any]", path: str, body: bytes, kind: type[T], clock: Clock, why: Why
) -> Iterator[tuple[Partner, "Heard[T]", float]]:
    """What comes, in the order in which it comes, each on record by then. A thread asks all of them, and goes
    on to the end where nobody listens any more: what was said is on record all the same.
    """
    came: queue.SimpleQueue[tuple[Partner, Heard[T], float] | BaseException] = queue.SimpleQueue()
    most = ready.told.ask.a_minute
    busy = _busy(door.settings, [one.name for one in ready.partners], most, clock())

    async def one(client: Client, partner: Partner) -> tuple[Partner, Heard[T], float]:
        began = time.monotonic()
        if partner.name in busy:
            heard: Heard[T] = Heard("not_asked", f"{most} inquiries in a minute are the most")
        else:
            heard = await client.ask(partner, path, body, uuid4(), kind)
        return partner, heard, time.monotonic() - began

    async def everyone() -> None:
        client = Client(ready.key, ready.told.bounds, clock)
        try:
            waiting = {asyncio.create_task(one(client, partner)) for partner in ready.partners}
            while waiting:
                done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                heard = sorted((task.result() for task in done), key=lambda found: found[2])
                # Those that came meanwhile are put on record together: each alone costs as much as all.
                await asyncio.to_thread(_note, door, heard, why)
                for found in heard:
                    came.put(found)
        finally:
            await client.close()

    def work() -> None:
        try:
            asyncio.run(everyone())
        except BaseException as error:  # the caller's: what could not be put on record is not shown
            came.put(error)

    threading.Thread(target=work, name="partners", daemon=True).start()
    for _partner in ready.partners:
        found = came.get()
        if isinstance(found, BaseException):
            raise found
        yield found


def _busy(settings: Settings, names: Sequence[str], most: int, now: datetime) -> set[str]:
    """Those who were asked too often in the last minute, over all processes of this data folder; the others
    are counted as asked now.
    """
    file = PrivateFile(settings.data / ACCOUNTS / _FILE, list[datetime], "when partners were asked")
    with file.writing() as asked:
        for name in list(asked):
            asked[name] = [at for at in asked[name] if now - MINUTE < at <= now]
            if not asked[name]:
                del asked[name]
        busy = {name for name in names if len(asked.get(name, ())) >= most}
        for name in set(names) - busy:
            asked.setdefault(name, []).append(now)
    return busy
