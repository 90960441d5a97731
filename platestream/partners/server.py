"""Answers to other agencies. The registry identifies the signature, and this agency's own gate judges the
request by the same rules as for everybody, with a row of the log.
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

from platestream.access import gate, inquire, registry
from platestream.access.door import Clients, Door
from platestream.access.signing_keys import OwnKey
from platestream.edges.clickhouse_client import ANALYST
from platestream.inquiries.search import is_cut
from platestream.partners.inbox import Answer, ListServer
from platestream.partners.received_offers import OldMessage
from platestream.partners.register import own_key_store, public_keys
from platestream.partners.signing import JSON, PROBLEM, BadSignature, Request, sign_answer, verify_request
from platestream.runtime.clock import Clock, utc_now
from platestream.schemas import plates
from platestream.schemas.fields import NOT_JSON
from platestream.schemas.message import RefusedError
from platestream.schemas.partner import (
    INQUIRIES,
    MOST_READS,
    PICTURES,
    Asker,
    Inquiry,
    PictureOf,
    Pictures,
    Read,
    Reads,
)
from platestream.schemas.partner_lists import PATHS as LISTS
from platestream.schemas.registry import RegistryRecord
from platestream.settings import Settings, open_keys

REGISTRY_CACHE = timedelta(seconds=2)
REQUEST_ID_MEMORY = timedelta(minutes=5)
MINUTE = timedelta(minutes=1)
TOOL = "partners"


class UnknownSender(Exception):  # noqa: N818
    """Error for a request that is not signed by a partner; the sender learns no more than that."""


@dataclass(frozen=True)
class VerifiedRequest:
    """A request with a valid signature: the agency and the request's id."""

    agency: RegistryRecord
    ident: UUID
    request: Request


@dataclass(frozen=True)
class Response:
    """An answer: status, content type, and body."""

    status: int
    kind: str
    body: bytes


class PartnerServer:
    """Receiver of partners' requests. Safe for several threads; `close` closes the connections."""

    def __init__(self, settings: Settings, a_minute: int, clock: Clock = utc_now) -> None:
        self._settings, self._a_minute, self._clock = settings, a_minute, clock
        self._clients = Clients(settings, automatic=True)
        self._streams = Door(settings, "", TOOL, self._clients).streams
        self._lists = ListServer(settings, TOOL, self._clients)
        self._lock = threading.Lock()
        self._read_at: datetime | None = None
        self._agencies: dict[str, RegistryRecord] = {}
        self._keys: dict[str, tuple[str, Ed25519PublicKey]] = {}
        self._seen: dict[UUID, datetime] = {}
        self._asked: dict[str, deque[datetime]] = {}

    def identify(self, request: Request, body: bytes) -> VerifiedRequest:
        """Identify the agency of a request. Raises NotKnown with the reason for our own log, without the
        request's content.
        """
        agencies, known = self._registered()
        keys = {which: key for which, (_agency, key) in known.items()}
        try:
            which, ident = verify_request(request, body, keys, self._clock())
        except BadSignature as error:
            raise UnknownSender(str(error)) from None
        agency = agencies[known[which][0]]
        if self._is_repeated(ident):
            raise UnknownSender(f"a request of {agency.id} came again")
        return VerifiedRequest(agency, ident, request)

    def answer(self, asking: VerifiedRequest, path: str, body: bytes) -> Response:
        """Answer a partner's request. Raises DatabaseError and OSError."""
        if self._busy(asking.agency.id):
            return _problem(429, f"more than {self._a_minute} requests in a minute")
        try:
            if path == INQUIRIES:
                return self._inquiry(asking, msgspec.json.decode(body, type=Inquiry))
            if path == PICTURES:
                return self._picture(asking, msgspec.json.decode(body, type=PictureOf))
            if path in LISTS:
                return _response(self._lists.answer(asking.agency, asking.ident, path, body, self._clock()))
        except inquire.RepeatedRequest as error:
            raise UnknownSender(str(error)) from None
        except inquire.RefusedInquiry as error:
            return _problem(403, str(error))
        except gate.DamagedPicture:
            return _problem(409, "this picture is not the one that was stored")
        except OldMessage as error:
            return _problem(409, error.detail)
        except RefusedError as error:
            return _problem(403, error.detail)
        except NOT_JSON as error:  # the message names the field, but not its value
            return _problem(422, str(error))
        return _problem(404, "nothing is asked there")

    def signed(self, asking: VerifiedRequest, response: Response) -> dict[str, str]:
        """Return the headers of an answer. Raises RefusedError where this agency has no key."""
        return sign_answer(
            self._key(), asking.request, response.status, response.kind, response.body, self._clock()
        )

    def close(self) -> None:
        """Close the connections."""
        self._clients.close()

    def _inquiry(self, asking: VerifiedRequest, inquiry: Inquiry) -> Response:
        filters = {
            "pattern": plates.pattern(inquiry.plate),
            "cameras": _cameras(asking.agency, inquiry.cameras),
            "since": inquiry.since,
            "until": inquiry.until,
        }
        rows = self._run_search(asking, inquiry.way, inquiry.asker, filters)
        return _response(Reads(reads=tuple(map(_read, rows[:MOST_READS])), found=len(rows), cut=is_cut(rows)))

    def _picture(self, asking: VerifiedRequest, wanted: PictureOf) -> Response:
        filters = {
            "other": str(wanted.detection_id),
            "cameras": _cameras(asking.agency, ()),
            "since": wanted.captured_at - gate.INSTANT,
            "until": wanted.captured_at + gate.INSTANT,
        }
        rows = self._run_search(asking, "picture", wanted.asker, filters)
        return _response(Pictures(**{row["kind"]: row["jpeg"] for row in rows}))

    def _run_search(
        self, asking: VerifiedRequest, kind: str, asker: Asker, filters: Mapping[str, Any]
    ) -> list[gate.Row]:
        partner: inquire.Partner = {
            "who": asker.person,
            "partner": asking.agency.id,
            "agency": asker.agency,
            "trained_on": asker.trained_on.isoformat(),
        }
        return gate.search_for_partner(
            self._clients(ANALYST),
            asking.ident,
            kind,
            partner,
            filters,
            open_keys(self._settings),
            tool=TOOL,
            case_number=asker.case_number,
            reason=asker.reason,
            purpose=asker.purpose,
            violation=asker.violation,
            requester=asker.requester,
            legal_basis=asker.legal_basis,
        )

    def _registered(self) -> tuple[dict[str, RegistryRecord], dict[str, tuple[str, Ed25519PublicKey]]]:
        """Return agencies and their keys, at most KNOWN_FOR old. Keys of an ended agency are included, so
        that its attempts are judged by the gate and logged.
        """
        now = self._clock()
        with self._lock:
            if self._read_at is None or now - self._read_at > REGISTRY_CACHE:
                self._agencies = {
                    name: one
                    for name, one in registry.records_of(self._streams, "agency").items()
                    if not one.own
                }
                self._keys = {
                    which: (name, key)
                    for name, one in self._agencies.items()
                    for which, key in public_keys(one).items()
                }
                self._read_at = now
            return self._agencies, self._keys

    def _key(self) -> OwnKey:
        found = own_key_store(self._settings).signing()
        if found is None:
            raise RefusedError("partners", "this agency has no key: platestream partners make-key")
        return found

    def _is_repeated(self, ident: UUID) -> bool:
        """Return whether this id came before; after a restart the inquiry log still knows it."""
        now = self._clock()
        with self._lock:
            while self._seen and now - next(iter(self._seen.values())) > REQUEST_ID_MEMORY:
                del self._seen[next(iter(self._seen))]
            again = ident in self._seen
            self._seen.setdefault(ident, now)
            return again

    def _busy(self, agency: str) -> bool:
        now = self._clock()
        with self._lock:
            times = self._asked.setdefault(agency, deque())
            while times and now - times[0] >= MINUTE:
                times.popleft()
            if len(times) >= self._a_minute:
                return True
            times.append(now)
            return False


def _cameras(agency: RegistryRecord, names: tuple[str, ...]) -> list[str]:
    """Return the named cameras; for a partner with shared cameras that named none, the shared ones."""
    return list(names or agency.shares_cameras)


def _read(row: gate.Row) -> Read:
    return Read(**{name: row[name] for name in Read.__struct_fields__ if name in row})


def _response(answer: Reads | Pictures | Answer) -> Response:
    return Response(200, JSON, msgspec.json.encode(answer))


def _problem(status: int, detail: str) -> Response:
    problem = {"title": _TITLES[status], "status": status, "detail": detail}
    return Response(status, PROBLEM, msgspec.json.encode(problem))


_TITLES = {
    403: "Refused",
    404: "Not Found",
    409: "Conflict",
    422: "Unprocessable Content",
    429: "Too Many Requests",
}
