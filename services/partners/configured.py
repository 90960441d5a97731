"""How other agencies are asked and answered: a TOML file, read at start (docs/partners.md)."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from connectors.partners.client import Bounds
from connectors.rules_in_force import text_of
from connectors.settings import Settings
from schemas.message import RefusedError
from schemas.partner import base_address
from schemas.toml import read_toml

Port = Annotated[int, Meta(ge=1, le=65535)]
AMinute = Annotated[int, Meta(ge=1, le=100_000)]


class Ask(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How we ask: seconds that one partner may take, bytes of an answer, and how often in a minute each is
    asked at most.
    """

    deadline_s: Annotated[float, Meta(gt=0, le=120)] = 10.0
    largest: Annotated[int, Meta(ge=10_000, le=50_000_000)] = 2_000_000
    a_minute: AMinute = 30


class Serve(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How we answer. `address` is what partners have of us in their registries, and what their requests are
    signed for; without `certificate` and `key` only loopback is listened on, for a proxy with TLS.
    """

    address: str
    host: str = "127.0.0.1"
    port: Port = 8444
    certificate: Path | None = None
    key: Path | None = None
    a_minute: AMinute = 60


class TakeRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What becomes of entries that a partner offers: a person is asked, or they are taken at once, or
    refused. Of other `categories` than these, where some are named, none is taken.
    """

    take: Literal["never", "ask", "always"] = "ask"
    categories: tuple[str, ...] = ()


class ListRules(TakeRule, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The rule of every partner that has none of its own in `partners`. An entry whose agency has not been
    heard of for `lease_minutes` is off the list until it is.
    """

    lease_minutes: Annotated[int, Meta(ge=2, le=1440)] = 15
    partners: dict[str, TakeRule] = {}

    def of(self, agency: str) -> TakeRule:
        """The rule for this partner."""
        return self.partners.get(agency, self)

    @property
    def lease(self) -> timedelta:
        """How long an entry stands without a word."""
        return timedelta(minutes=self.lease_minutes)


class Configured(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole file. `authorities`: a PEM file of certificate authorities that are trusted beside the
    system's. `here`: partners may be on this machine itself, to try things out.
    """

    ask: Ask = Ask()
    serve: Serve | None = None
    lists: ListRules = ListRules()
    authorities: Path | None = None
    here: bool = False

    @property
    def bounds(self) -> Bounds:
        """Of one request to a partner."""
        authorities = str(self.authorities) if self.authorities else ""
        return Bounds(self.ask.deadline_s, self.ask.largest, self.here, authorities)


def configured(settings: Settings) -> Configured:
    """What PLATESTREAM_PARTNERS_FILE says, or what is usual; a relative path is from that file's folder.
    Where the file is not there, as in containers that were made before it, nobody is answered and nothing can
    be offered, and the pages of the hot list go on. Raises RefusedError that names the field, and OSError.
    """
    file = settings.partners_file
    if file is None or not file.exists():
        return Configured()
    try:
        told = read_toml(text_of(file))
        for table, name in (
            (told, "authorities"),
            *((told.get("serve"), one) for one in ("certificate", "key")),
        ):
            if isinstance(table, dict) and isinstance(path := table.get(name), str):
                table[name] = file.absolute().parent / path
        found = msgspec.convert(told, Configured)
        if found.serve is not None:
            _check(found.serve)
            address = base_address(found.serve.address)
            found = msgspec.structs.replace(
                found, serve=msgspec.structs.replace(found.serve, address=address)
            )
    except ValueError as error:  # of TOML, of a field, of a file that is no text
        raise RefusedError("partners", f"{file}: {error}") from None
    return found


def _check(serve: Serve) -> None:
    if (serve.certificate is None) != (serve.key is None):
        raise ValueError("`certificate` and `key` belong together")
    if serve.certificate is None and serve.host not in ("127.0.0.1", "::1", "localhost"):
        raise ValueError(f"{serve.host} is reached from elsewhere: `certificate` and `key` are needed")
