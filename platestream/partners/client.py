"""Inquiries to other agencies: one documented inquiry, signed for each partner with an MOU in force, sent to
all concurrently.

The inquiry is logged before any partner is asked, and each partner's outcome before it is shown, with the
number of vehicles that it adds: they count for the person's limit as if they had been found here. The answers
are not stored.
"""

import asyncio
import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Generic, TypeVar, Unpack, get_args
from uuid import UUID, uuid4

import msgspec

from platestream.access import gate, registry
from platestream.access.door import Documentation, Door
from platestream.access.inquire import RefusedInquiry
from platestream.access.signing_keys import OwnKey
from platestream.inquiries.search import SearchRequest
from platestream.partners.answer_check import fault_in
from platestream.partners.config import PartnersConfig, read_config
from platestream.partners.register import askable_partners, objection, own_agency, own_key_store
from platestream.partners.transport import Client, Partner, PartnerResult
from platestream.runtime.clock import Clock, utc_now
from platestream.runtime.private_file import PrivateFile
from platestream.schemas import plates
from platestream.schemas.exchange import SignedExchange
from platestream.schemas.message import RefusedError
from platestream.schemas.partner import (
    INQUIRIES,
    OUTCOME_TEXTS,
    PICTURES,
    Asker,
    Inquiry,
    Outcome,
    PictureOf,
    Pictures,
    Read,
    Reads,
    Way,
)
from platestream.schemas.registry import RegistryRecord
from platestream.settings import ACCOUNTS, Settings

ALL = "all"
MINUTE = timedelta(minutes=1)
T = TypeVar("T")
_FILE = "partners-asked.json"


@dataclass(frozen=True)
class Answer:
    """The answer of one partner, after so many seconds. `reads` are the newest of the `found`; `exchange` has
    the signed question and answer.
    """

    agency: str
    outcome: Outcome
    text: str
    seconds: float
    reads: tuple[Read, ...] = ()
    found: int = 0
    cut: bool = False
    exchange: SignedExchange | None = None

    @property
    def sentence(self) -> str:
        """The answer in a sentence, without its reads."""
        if self.outcome == "answered":
            more = "; more vehicles fit than it shows at once" if self.cut else ""
            return f"answered with {self.found} reads{more}"
        return f"{OUTCOME_TEXTS[self.outcome]}: {self.text}" if self.text else OUTCOME_TEXTS[self.outcome]


@dataclass(frozen=True)
class _Preparation(Generic[T]):
    """Everything that is needed to ask."""

    partners: list[Partner]
    key: OwnKey
    asker: Asker
    config: PartnersConfig


def askable_agencies(settings: Settings, agencies: Iterable[RegistryRecord], now: datetime) -> list[str]:
    """Return the agencies that could be asked now; none where this agency has no key of its own."""
    if own_key_store(settings).signing() is None:
        return []
    return [one.name for one in askable_partners(agencies, now)]


def ask(
    door: Door,
    request: SearchRequest,
    agencies: Sequence[str],
    *,
    clock: Clock = utc_now,
    **why: Unpack[Documentation],
) -> Iterator[Answer]:
    """Ask agencies; yield each answer as it comes. `agencies` are names, or `all`. The inquiry is logged when
    this returns, before any agency is asked.

    Raises RefusedError, which is logged, where one of them cannot be asked or this agency has no key;
    RefusedInquiry and DatabaseError.
    """
    with door.log_refusal("partner_search", request.way, **why):
        ready = _prepare(door, agencies, clock(), why)
        inquiry = _inquiry(request, ready.asker)
    names = ", ".join(one.name for one in ready.partners)
    door.enter(
        "partner_search",
        request.way,
        change=f"asked: {names}",
        elsewhere={
            "pattern": request.plate,
            "cameras": list(request.cameras),
            "since": request.since,
            "until": request.until,
        },
        **why,
    )
    return _answers(door, ready, inquiry, clock, why)


def pictures(
    door: Door,
    partner: str,
    detection_id: UUID,
    captured_at: datetime,
    *,
    clock: Clock = utc_now,
    **why: Unpack[Documentation],
) -> dict[str, bytes]:
    """Return the pictures of another agency's read by kind, JPEG: a search of its own there. Raises
    RefusedError where that agency does not show them, and else as `ask`.
    """
    return signed_pictures(door, partner, detection_id, captured_at, clock=clock, **why)[0]


def signed_pictures(
    door: Door,
    partner: str,
    detection_id: UUID,
    captured_at: datetime,
    *,
    clock: Clock = utc_now,
    **why: Unpack[Documentation],
) -> tuple[dict[str, bytes], SignedExchange | None]:
    """Return the same as `pictures`, and the signed exchange."""
    with door.log_refusal("partner_picture", str(detection_id), **why):
        ready = _prepare(door, [partner], clock(), why)
    door.enter("partner_picture", str(detection_id), change=f"asked: {partner}", **why)
    wanted = PictureOf(asker=ready.asker, detection_id=detection_id, captured_at=captured_at)
    body = msgspec.json.encode(wanted)
    asked = _ask_all(door, ready, PICTURES, body, Pictures, clock, why, lambda heard, _now: heard)
    for _one, heard, _seconds in asked:
        if heard.answer is None:
            raise RefusedError("partners", f"{partner} {OUTCOME_TEXTS[heard.outcome]}: {heard.text}")
        images = {"crop": heard.answer.crop, "vehicle": heard.answer.vehicle}
        return {kind: jpeg for kind, jpeg in images.items() if jpeg.startswith(b"\xff\xd8")}, heard.exchange
    return {}, None


def _answers(
    door: Door,
    ready: "_Preparation[Any]",
    inquiry: Inquiry,
    clock: Clock,
    why: Documentation,
) -> Iterator[Answer]:
    shown = _Shown(why.get("vehicles") or gate.SHOWN)
    body, accept = msgspec.json.encode(inquiry), partial(_accept, inquiry, shown)
    for partner, heard, seconds in _ask_all(door, ready, INQUIRIES, body, Reads, clock, why, accept):
        reads = heard.answer or Reads(reads=(), found=0)
        found = (reads.reads, reads.found, reads.cut, heard.exchange)
        yield Answer(partner.name, heard.outcome, heard.text, seconds, *found)


def _log_answer(
    door: Door, heard: Sequence[tuple[Partner, "PartnerResult[Any]", float]], why: Documentation
) -> None:
    """Log the outcome of each partner and the number of its reads, but none of the reads. Raises
    RefusedInquiry.
    """
    entries = []
    for partner, one, _seconds in heard:
        found = f" with {one.answer.found} reads" if isinstance(one.answer, Reads) else ""
        text = OUTCOME_TEXTS[one.outcome] + found
        counted: Documentation = {**why, "vehicles": one.vehicles}
        entries.append((partner.name, f"{text}: {one.text}" if one.text else text, "", counted))
    for refusal in filter(None, door.enter_entries("partner_answer", entries)):
        raise RefusedInquiry(refusal)


def _prepare(door: Door, agencies: Sequence[str], now: datetime, why: Documentation) -> "_Preparation[Any]":
    records = registry.records(door.streams)
    config = read_config(door.settings)
    return _Preparation(
        _select(records, agencies, now), key_of(door.settings), asker_of(door, records, why), config
    )


def key_of(settings: Settings) -> OwnKey:
    """Return the key that signs now. Raises RefusedError where there is none."""
    found = own_key_store(settings).signing()
    if found is None:
        raise RefusedError(
            "partners", "this agency has no key here to sign with: platestream partners make-key"
        )
    return found


def _select(records: Sequence[RegistryRecord], agencies: Sequence[str], now: datetime) -> list[Partner]:
    found = {one.name: one for one in askable_partners(records, now)}
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
            raise RefusedError("partners", f"{name} cannot be asked: {objection(known[name], now)}")
    return [found[name] for name in dict.fromkeys(agencies)]


def asker_of(door: Door, records: Sequence[RegistryRecord], why: Documentation) -> Asker:
    """Return the person of `door` as other agencies see them. Raises RefusedError for a person who is not
    ours.
    """
    own = own_agency(records)
    person = next((one for one in records if one.kind == "user" and one.id == door.who), None)
    if own is None or person is None or person.agency != own.id or person.trained_at is None:
        raise RefusedError(
            "partners", "other agencies are given the name of who asks: a registered, trained person of ours"
        )
    fields = {name: str(why.get(name, "")) for name in _WHY}
    return Asker(agency=own.id, person=person.id, trained_on=person.trained_at.date(), **fields)


def _inquiry(request: SearchRequest, asker: Asker) -> Inquiry:
    if request.way not in get_args(Way):
        raise RefusedError("partners", "other agencies are asked for plates, look-alikes and sightings only")
    return Inquiry(
        asker=asker,
        way=request.way,  # type: ignore[arg-type]
        plate=request.plate,
        cameras=tuple(request.cameras),
        since=request.since,
        until=request.until,
    )


_WHY = ("case_number", "reason", "purpose", "violation", "requester", "legal_basis")


def _ask_all(
    door: Door,
    ready: "_Preparation[Any]",
    path: str,
    body: bytes,
    kind: type[T],
    clock: Clock,
    why: Documentation,
    accept: Callable[[PartnerResult[T], datetime], PartnerResult[T]],
) -> Iterator[tuple[Partner, "PartnerResult[T]", float]]:
    """Yield answers in the order of arrival, each logged by then. A thread asks all partners and runs to its
    end even when nobody reads the answers any more, so that each outcome is logged. `accept` makes of an
    answer what is shown of it.
    """
    came: queue.SimpleQueue[tuple[Partner, PartnerResult[T], float] | BaseException] = queue.SimpleQueue()
    most = ready.config.ask.a_minute
    busy = _over_limit(door.settings, [one.name for one in ready.partners], most, clock())

    async def one(client: Client, partner: Partner) -> tuple[Partner, PartnerResult[T], float]:
        began = time.monotonic()
        if partner.name in busy:
            heard: PartnerResult[T] = PartnerResult("not_asked", f"{most} inquiries in a minute are the most")
        else:
            heard = await client.ask(partner, path, body, uuid4(), kind)
            heard = accept(heard, clock())
        return partner, heard, time.monotonic() - began

    async def everyone() -> None:
        client = Client(ready.key, ready.config.bounds, clock)
        try:
            waiting = {asyncio.create_task(one(client, partner)) for partner in ready.partners}
            while waiting:
                done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                heard = sorted((task.result() for task in done), key=lambda found: found[2])
                # Answers that came during the last write are logged in one query, at the cost of one answer.
                await asyncio.to_thread(_log_answer, door, heard, why)
                for found in heard:
                    came.put(found)
        finally:
            await client.close()

    def work() -> None:
        try:
            asyncio.run(everyone())
        except BaseException as error:  # for the caller: an answer that was not logged is not shown
            came.put(error)

    threading.Thread(target=work, name="partners", daemon=True).start()
    for _partner in ready.partners:
        found = came.get()
        if isinstance(found, BaseException):
            raise found
        yield found


class _Shown:
    """The different plates that one inquiry shows, of all partners together."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._plates: set[str] = set()

    def take(self, answer: Reads) -> tuple[Reads, int]:
        """Return the reads of an answer that are shown, and the number of plates that they add."""
        before, reads = len(self._plates), []
        for read in answer.reads:
            plate = plates.equate(read.plate)
            if plate in self._plates or len(self._plates) < self._most:
                self._plates.add(plate)
                reads.append(read)
        less = msgspec.structs.replace(answer, reads=tuple(reads), cut=True)
        return answer if len(reads) == len(answer.reads) else less, len(self._plates) - before


def _accept(
    inquiry: Inquiry, shown: _Shown, heard: PartnerResult[Reads], now: datetime
) -> PartnerResult[Reads]:
    """Return an answer as it is shown; one that is no answer to the inquiry is not."""
    if heard.answer is None:
        return heard
    if fault := fault_in(inquiry, heard.answer, now):
        return PartnerResult("bad_answer", fault)
    answer, vehicles = shown.take(heard.answer)
    return replace(heard, answer=answer, vehicles=vehicles)


def _over_limit(settings: Settings, names: Sequence[str], most: int, now: datetime) -> set[str]:
    """Return the partners that were asked too often in the last minute, over all processes of this data
    folder; count the others as asked now.
    """
    file = PrivateFile(settings.data / ACCOUNTS / _FILE, list[datetime], "when partners were asked")
    with file.writing() as times:
        for name in list(times):
            times[name] = [at for at in times[name] if now - MINUTE < at <= now]
            if not times[name]:
                del times[name]
        busy = {name for name in names if len(times.get(name, ())) >= most}
        for name in set(names) - busy:
            times.setdefault(name, []).append(now)
    return busy
