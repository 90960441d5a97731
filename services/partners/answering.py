"""Answering other agencies: whose signature it is says the registry, and whether they may, this agency's own
gate, by the same rules as for everybody, with the row of the log that it judges by.
"""

import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from connectors.clickhouse_client import ANALYST
from connectors.clock import Clock, utc_now
from connectors.partners.keys import OwnKey
from connectors.partners.signing import (
    JSON,
    PROBLEM,
    BadSignature,
    Request,
    sign_answer,
    verify_request,
)
from connectors.settings import Settings
from schemas import plates
from schemas.fields import NOT_JSON
from schemas.message import RefusedError
from schemas.partner import INQUIRIES, MOST_READS, PICTURES, Asker, Inquiry, PictureOf, Pictures, Read, Reads
from schemas.partner_lists import PATHS as LISTS
from schemas.registry import RegistryRecord
from services import registry
from services.door import Clients, Door
from services.inquiries import gate
from services.inquiries.looking import cut
from services.partners.receiving import Answer, ListDesk
from services.partners.register import kept, public_keys
from services.partners.taking import OldMessage

KNOWN_FOR = timedelta(seconds=2)
REMEMBERED = timedelta(minutes=5)
MINUTE = timedelta(minutes=1)
TOOL = "partners"


class NotKnown(Exception):  # noqa: N818
    """Not signed by a partner, as it must be: it is told no more than that."""


@dataclass(frozen=True)
class Asking:
    """A request whose signature holds: by which agency, and its id."""

    agency: RegistryRecord
    ident: UUID
    request: Request


@dataclass(frozen=True)
class Said:
    """What is answered: status, kind of content, and the body."""

    status: int
    kind: str
    body: bytes


class Desk:
    """Where partners' requests are taken. Safe for several threads; `close` closes the connections."""

    def __init__(self, settings: Settings, a_minute: int, clock: Clock = utc_now) -> None:
        self._settings, self._a_minute, self._clock = settings, a_minute, clock
        self._clients = Clients(settings, automatic=True)
        self._streams = Door(settings, "", TOOL, self._clients).streams
        self._lists = ListDesk(settings, TOOL, self._clients)
        self._lock = threading.Lock()
        self._read_at: datetime | None = None
        self._agencies: dict[str, RegistryRecord] = {}
        self._keys: dict[str, tuple[str, Ed25519PublicKey]] = {}
        self._seen: dict[UUID, datetime] = {}
        self._asked: dict[str, deque[datetime]] = {}

    def know(self, request: Request, body: bytes) -> Asking:
        """Whose request it is. Raises NotKnown, which says why for our own log, without what was in it."""
        agencies, known = self._registered()
        keys = {which: key for which, (_agency, key) in known.items()}
        try:
            which, ident = verify_request(request, body, keys, self._clock())
        except BadSignature as error:
            raise NotKnown(str(error)) from None
        agency = agencies[known[which][0]]
        if self._again(ident):
            raise NotKnown(f"a request of {agency.id} came again")
        return Asking(agency, ident, request)

    def answer(self, asking: Asking, path: str, body: bytes) -> Said:
        """What this partner is told. Raises DatabaseError and OSError."""
        if self._busy(asking.agency.id):
            return _problem(429, f"more than {self._a_minute} requests in a minute")
        try:
            if path == INQUIRIES:
                return self._inquiry(asking, msgspec.json.decode(body, type=Inquiry))
            if path == PICTURES:
                return self._picture(asking, msgspec.json.decode(body, type=PictureOf))
            if path in LISTS:
                return _told(self._lists.answer(asking.agency, asking.ident, path, body, self._clock()))
        except gate.AskedBefore as error:
            raise NotKnown(str(error)) from None
        except gate.RefusedInquiry as error:
            return _problem(403, str(error))
        except gate.DamagedPicture:
            return _problem(409, "this picture is not the one that was stored")
        except OldMessage as error:
            return _problem(409, error.detail)
        except RefusedError as error:
            return _problem(403, error.detail)
        except NOT_JSON as error:  # names the field, and not its value
            return _problem(422, str(error))
        return _problem(404, "nothing is asked there")

    def signed(self, asking: Asking, said: Said) -> dict[str, str]:
        """The headers of an answer. Raises RefusedError where this agency has no key."""
        return sign_answer(self._key(), asking.request, said.status, said.kind, said.body, self._clock())

    def close(self) -> None:
        """Close the connections."""
        self._clients.close()

    def _inquiry(self, asking: Asking, asked: Inquiry) -> Said:
        told = {
            "pattern": plates.pattern(asked.plate),
            "cameras": _cameras(asking.agency, asked.cameras),
            "since": asked.since,
            "until": asked.until,
        }
        rows = self._look(asking, asked.way, asked.asker, told)
        return _told(Reads(reads=tuple(map(_read, rows[:MOST_READS])), found=len(rows), cut=cut(rows)))

    def _picture(self, asking: Asking, asked: PictureOf) -> Said:
        told = {
            "other": str(asked.detection_id),
            "cameras": _cameras(asking.agency, ()),
            "since": asked.captured_at - gate.INSTANT,
            "until": asked.captured_at + gate.INSTANT,
        }
        rows = self._look(asking, "picture", asked.asker, told)
        return _told(Pictures(**{row["kind"]: row["jpeg"] for row in rows}))

    def _look(self, asking: Asking, kind: str, asker: Asker, told: Mapping[str, Any]) -> list[gate.Row]:
        partner: gate.Partner = {
            "who": asker.person,
            "partner": asking.agency.id,
            "agency": asker.agency,
            "trained_on": asker.trained_on.isoformat(),
        }
        return gate.look_for_partner(
            self._clients(ANALYST),
            asking.ident,
            kind,
            partner,
            told,
            tool=TOOL,
            case_number=asker.case_number,
            reason=asker.reason,
            purpose=asker.purpose,
            violation=asker.violation,
            requester=asker.requester,
            legal_basis=asker.legal_basis,
        )

    def _registered(self) -> tuple[dict[str, RegistryRecord], dict[str, tuple[str, Ed25519PublicKey]]]:
        """Agencies and their keys, at most KNOWN_FOR old. Of one that has ended the keys are known still, so
        that its attempts are judged by the gate, and on record.
        """
        now = self._clock()
        with self._lock:
            if self._read_at is None or now - self._read_at > KNOWN_FOR:
                self._agencies = {
                    name: one for name, one in registry.listed(self._streams, "agency").items() if not one.own
                }
                self._keys = {
                    which: (name, key)
                    for name, one in self._agencies.items()
                    for which, key in public_keys(one).items()
                }
                self._read_at = now
            return self._agencies, self._keys

    def _key(self) -> OwnKey:
        found = kept(self._settings).signing()
        if found is None:
            raise RefusedError("partners", "this agency has no key: platestream partners make-key")
        return found

    def _again(self, ident: UUID) -> bool:
        """Whether this id came before; over a restart the inquiry log still knows."""
        now = self._clock()
        with self._lock:
            while self._seen and now - next(iter(self._seen.values())) > REMEMBERED:
                del self._seen[next(iter(self._seen))]
            again = ident in self._seen
            self._seen.setdefault(ident, now)
            return again

    def _busy(self, agency: str) -> bool:
        now = self._clock()
        with self._lock:
            asked = self._asked.setdefault(agency, deque())
            while asked and now - asked[0] >= MINUTE:
                asked.popleft()
            if len(asked) >= self._a_minute:
                return True
            asked.append(now)
            return False


def _cameras(agency: RegistryRecord, asked: tuple[str, ...]) -> list[str]:
    """Those that were named; of a partner that some are shared with, and that named none, these."""
    return list(asked or agency.shares_cameras)


def _read(row: gate.Row) -> Read:
    return Read(**{name: row[name] for name in Read.__struct_fields__ if name in row})


def _told(answer: Reads | Pictures | Answer) -> Said:
    return Said(200, JSON, msgspec.json.encode(answer))


def _problem(status: int, detail: str) -> Said:
    told = {"title": _TITLES[status], "status": status, "detail": detail}
    return Said(status, PROBLEM, msgspec.json.encode(told))


_TITLES = {
    403: "Refused",
    404: "Not Found",
    409: "Conflict",
    422: "Unprocessable Content",
    429: "Too Many Requests",
}
