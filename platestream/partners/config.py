"""Configuration of inquiries between agencies: a TOML file, read at start
(docs/how-to/administrator/partners.md).
"""

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from platestream.access.rules_reader import text_of
from platestream.partners.transport import Bounds
from platestream.schemas.message import RefusedError
from platestream.schemas.partner import base_address
from platestream.schemas.toml import read_toml
from platestream.settings import Settings

Port = Annotated[int, Meta(ge=1, le=65535)]
AMinute = Annotated[int, Meta(ge=1, le=100_000)]


class Ask(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Limits of our inquiries: seconds that one partner may take, bytes of an answer, and inquiries to each
    partner in a minute.
    """

    deadline_s: Annotated[float, Meta(gt=0, le=120)] = 10.0
    largest: Annotated[int, Meta(ge=10_000, le=50_000_000)] = 2_000_000
    a_minute: AMinute = 30


class Serve(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The server for partners. `address` is our address in the partners' registries, for which their requests
    are signed; without `certificate` and `key` it listens on loopback only, for a proxy with TLS.
    """

    address: str
    host: str = "127.0.0.1"
    port: Port = 8444
    certificate: Path | None = None
    key: Path | None = None
    a_minute: AMinute = 60


class TakeRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The rule for entries that a partner offers: ask a person, accept at once, or refuse. Where `categories`
    are named, entries of others are refused.
    """

    take: Literal["never", "ask", "always"] = "ask"
    categories: tuple[str, ...] = ()


class ListRules(TakeRule, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The rule for every partner without a rule of its own in `partners`. An entry is removed from the list
    when its agency was unreachable for `lease_minutes`, until it is reachable again.
    """

    lease_minutes: Annotated[int, Meta(ge=2, le=1440)] = 15
    partners: dict[str, TakeRule] = {}

    def of(self, agency: str) -> TakeRule:
        """Return the rule for this partner."""
        return self.partners.get(agency, self)

    @property
    def lease(self) -> timedelta:
        """The time that an entry remains in force without a message."""
        return timedelta(minutes=self.lease_minutes)


class PartnersConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The configuration. `authorities` is a PEM file of certificate authorities that are trusted in addition
    to the system's. `here` allows partners on this machine itself, for trials.
    """

    ask: Ask = Ask()
    serve: Serve | None = None
    lists: ListRules = ListRules()
    authorities: Path | None = None
    here: bool = False

    @property
    def bounds(self) -> Bounds:
        """The bounds of one request to a partner."""
        authorities = str(self.authorities) if self.authorities else ""
        return Bounds(self.ask.deadline_s, self.ask.largest, self.here, authorities)


def read_config(settings: Settings) -> PartnersConfig:
    """Read PLATESTREAM_PARTNERS_FILE, or return the defaults; a relative path is from that file's folder.

    Where the file is missing, as in containers made before it existed, no partner is answered and nothing can
    be offered, but the pages of the hot list still work. Raises RefusedError that names the field, and
    OSError.
    """
    file = settings.partners_file
    if file is None or not file.exists():
        return PartnersConfig()
    try:
        content = read_toml(text_of(file))
        for table, name in (
            (content, "authorities"),
            *((content.get("serve"), one) for one in ("certificate", "key")),
        ):
            if isinstance(table, dict) and isinstance(path := table.get(name), str):
                table[name] = file.absolute().parent / path
        found = msgspec.convert(content, PartnersConfig)
        if found.serve is not None:
            _check(found.serve)
            address = base_address(found.serve.address)
            found = msgspec.structs.replace(
                found, serve=msgspec.structs.replace(found.serve, address=address)
            )
    except ValueError as error:  # faults of TOML, of a field, or of the encoding
        raise RefusedError("partners", f"{file}: {error}") from None
    return found


def _check(serve: Serve) -> None:
    if (serve.certificate is None) != (serve.key is None):
        raise ValueError("`certificate` and `key` belong together")
    if serve.certificate is None and serve.host not in ("127.0.0.1", "::1", "localhost"):
        raise ValueError(f"{serve.host} is reached from elsewhere: `certificate` and `key` are needed")
