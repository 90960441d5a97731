"""The agency's rules of notification, a TOML file: receivers, routes, quiet hours, priorities.

The file names files with passwords and may contain URLs with keys, so it is a secret. Errors name the field
and never repeat its value. docs/how-to/administrator/notifications.md has an example.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta

from platestream.operators.notify.channels import CHANNELS
from platestream.operators.people import THE_ORDERS, PeopleRules
from platestream.schemas.fields import Name
from platestream.schemas.hotlist import Area, Hours
from platestream.schemas.loopback import is_loopback
from platestream.schemas.message import RefusedError
from platestream.schemas.toml import read_toml

Shows = Literal["link", "plate", "picture"]
Priority = Annotated[int, Meta(ge=1, le=5)]
Text = Annotated[str, Meta(min_length=1, max_length=2000)]

TOP: Priority = 1
ON_SHIFT = "on_shift"
PRIORITIES: Mapping[str, int] = {
    "amber_alert": 1,
    "blue_alert": 1,
    "terrorist_activity": 1,
    "wanted_person": 2,
    "missing_person": 2,
    "silver_alert": 2,
    "protection_order": 2,
}
OTHERS = 3  # priority of other categories
_SPAN = re.compile(r"(\d+) (second|minute|hour|day)s?")
_TOPIC = re.compile(r"\w+://[^/]+/[^+#?\s\0]+")
_UNITS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400}


class _Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class Receiver(_Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A receiver of notifications of data by one channel, the field of its name.

    `officer`: a registered user's own, for routes to `on_shift`; `agency`: another agency's, which needs an
    MOU in force; `purpose`: the ground of a system that has neither. `shows` overrides the file's.
    `secret_file` signs a webhook; `user` to `host_key` are for the other connections. `fallback`: the
    officer's next channel, notified only while no device of theirs is connected to the console.
    """

    name: Name
    webhook: Text | None = None
    secret_file: Text | None = None
    mail: Text | None = None
    apprise: Text | None = None
    mqtt: Annotated[Text | None, Meta(description="mqtts://HOST[:PORT]/TOPIC; MQTT 5, QoS 1")] = None
    mqtt_reads: Annotated[Text | None, Meta(description="as `mqtt`; all reads, where the rules allow it")] = (
        None
    )
    cot: Annotated[Text | None, Meta(description="cot+tls://HOST[:PORT]; Cursor on Target for TAK")] = None
    syslog: Annotated[Text | None, Meta(description="syslog+tls://HOST[:PORT]; acts as CEF")] = None
    cad: Annotated[
        Text | None, Meta(description="folder, or sftp://USER@HOST/FOLDER; event for dispatch")
    ] = None
    rms: Annotated[
        Text | None, Meta(description="folder, or sftp://USER@HOST/FOLDER; reports of actions")
    ] = None
    form: Annotated[Literal["json", "xml"], Meta(description="of the files for `cad` and `rms`")] = "json"
    user: str = ""
    password_file: str = ""
    ca_file: Annotated[
        str, Meta(description="authorities of the server's certificate; empty: the system's")
    ] = ""
    cert_file: Annotated[str, Meta(description="certificate of the client, PEM")] = ""
    key_file: Annotated[str, Meta(description="private key of `cert_file`, or for SFTP")] = ""
    host_key: Annotated[str, Meta(description="the SFTP server's key: `ssh-ed25519 AAAA…`")] = ""
    officer: str = ""
    agency: str = ""
    purpose: Annotated[str, Meta(description="why a system gets this; or name its `agency`")] = ""
    fallback: Annotated[bool, Meta(description="only while the officer has no live page open")] = False
    shows: Shows | None = None
    quiet: tuple[Hours, ...] = ()

    @property
    def kind(self) -> str:
        """The channel of this receiver; empty without one."""
        return self.channels[0] if self.channels else ""

    @property
    def gets_acts(self) -> bool:
        """True for a receiver of logged acts, which gets no hits."""
        return any(CHANNELS[name].acts for name in self.channels)

    @property
    def gets_reports(self) -> bool:
        """True for a receiver of reports of actions taken, which gets no hits."""
        return any(CHANNELS[name].reports for name in self.channels)

    @property
    def gets_reads(self) -> bool:
        """True for a receiver of all reads, which gets no hits."""
        return any(CHANNELS[name].reads for name in self.channels)

    @property
    def gets(self) -> str:
        """The kind of what it gets instead of hits; empty for a receiver of hits."""
        kinds = {"acts": self.gets_acts, "reports": self.gets_reports, "reads": self.gets_reads}
        return next((name for name, true in kinds.items() if true), "")

    @property
    def channels(self) -> list[str]:
        """The channels whose field is set; exactly one where the rules were accepted."""
        return [name for name in CHANNELS if getattr(self, name) is not None]


class Route(_Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A route to all of `to` for hits that match all of its limits; a missing limit matches all hits."""

    to: Annotated[tuple[Name, ...], Meta(min_length=1)]
    categories: tuple[Name, ...] = ()
    sources: Annotated[tuple[Name, ...], Meta(description="whose entry: hot list sources")] = ()
    priorities: tuple[Priority, ...] = ()
    cameras: tuple[Name, ...] = ()
    areas: tuple[Area, ...] = ()
    historical: Annotated[bool, Meta(description="finds of a look-back, too")] = False


class Quiet(_Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Hours in which matching hits are not sent, to some receivers or all.

    The top priority is always sent.
    """

    hours: Annotated[tuple[Hours, ...], Meta(min_length=1)]
    receivers: tuple[Name, ...] = ()
    categories: tuple[Name, ...] = ()
    cameras: tuple[Name, ...] = ()


class Mail(_Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The outgoing mail server. `domain` ends the Message-ID, so that it never changes."""

    server: Text
    sender: Text
    domain: Text
    security: Literal["tls", "starttls", "none"] = "starttls"
    user: str = ""
    password_file: str = ""


class RulesFile(_Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole file; without one nobody is notified."""

    shows: Shows = "link"
    link: str = "platestream hits show {hit_id}"
    time_zone: str = "UTC"
    oldest: str = "12 hours"
    patience: str = "1 hour"
    nobody: Annotated[tuple[Name, ...], Meta(description="who is notified when nobody is on shift")] = ()
    priorities: dict[str, Priority] = {}
    mail: Mail | None = None
    receivers: tuple[Receiver, ...] = ()
    routes: tuple[Route, ...] = ()
    quiet: tuple[Quiet, ...] = ()

    def priority(self, category: str) -> int:
        """Return the priority of a category; 1 is the top."""
        return self.priorities.get(category) or PRIORITIES.get(category, OTHERS)

    def receiver(self, name: str) -> Receiver | None:
        """Return a receiver by name, or None."""
        return next((one for one in self.receivers if one.name == name), None)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(one.name for one in self.receivers)


class NotifyRules(RulesFile, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The rules of the file, and those of the agency's profile about people, which the file cannot set."""

    people: PeopleRules = THE_ORDERS


def span(text: str) -> timedelta:
    """Return `12 hours` as a span of time. Raises ValueError."""
    match = _SPAN.fullmatch(text.strip())
    if match is None:
        raise ValueError("a span is written like `12 hours`")
    return timedelta(seconds=int(match[1]) * _UNITS[match[2]])


def parse_rules(text: str, *, allow_plaintext: bool = False, people: PeopleRules = THE_ORDERS) -> NotifyRules:
    """Return the rules in `text` (TOML); `people` decides who may be notified.

    Raises RefusedError, which names the faults.
    """
    try:
        table: dict[str, Any] = read_toml(text)
    except tomllib.TOMLDecodeError as error:
        raise RefusedError("rules", f"no TOML: {error}") from None
    try:
        file = msgspec.convert(table, RulesFile)
    except msgspec.ValidationError as error:
        raise RefusedError("rules", str(error)) from None
    rules = NotifyRules(**msgspec.structs.asdict(file), people=people)
    if wrong := list(_fault(rules, allow_plaintext)):
        raise RefusedError("rules", "; ".join(wrong))
    return rules


def _fault(rules: NotifyRules, allow_plaintext: bool) -> Iterator[str]:
    known = set(rules.names)
    if len(known) != len(rules.receivers):
        yield "`receivers`: a name is there twice"
    if "{hit_id}" not in rules.link:
        yield "`link` has no {hit_id}"
    open_mail = rules.mail is not None and rules.mail.security == "none" and not allow_plaintext
    if rules.mail is not None and open_mail and not is_loopback(_host(rules.mail.server)):
        yield "[mail] `security` is none: mail would leave this machine unencrypted"
    for name, text in (("oldest", rules.oldest), ("patience", rules.patience)):
        try:
            span(text)
        except ValueError as error:
            yield f"`{name}`: {error}"
    for receiver in rules.receivers:
        for fault in _receiver_fault(receiver, rules, allow_plaintext):
            yield f"receiver {receiver.name}: {fault}"
    for number, route in enumerate(rules.routes, 1):
        for name in set(route.to) - known - {ON_SHIFT}:
            yield f"route {number}: `to` names {name}, which is no receiver"
        for name in route.to:
            if (one := rules.receiver(name)) and one.gets:
                yield f"route {number}: `to` names {name}, which gets {one.gets} and no hits"
    for where, names in (("nobody", rules.nobody), *(("quiet", one.receivers) for one in rules.quiet)):
        for name in set(names) - known:
            yield f"`{where}` names {name}, which is no receiver"


def _receiver_fault(one: Receiver, rules: NotifyRules, allow_plaintext: bool) -> Iterator[str]:
    if one.name == ON_SHIFT:
        yield "this name stands for whoever is on shift"
    if one.fallback and not one.officer:
        yield "`fallback` is for an officer's receiver: name the `officer`"
    if len(one.channels) != 1:
        yield f"one of {', '.join(f'`{name}`' for name in CHANNELS)} is needed"
    if one.webhook is not None and one.secret_file is None:
        yield "a webhook needs `secret_file`: what it is sent is signed"
    for name in one.channels:
        text = getattr(one, name)
        if CHANNELS[name].schemes:
            yield from _url_fault(name, text, CHANNELS[name].schemes, allow_plaintext)
        if CHANNELS[name].system and not (one.agency or one.purpose):
            yield "`purpose` is needed, or `agency`: why this system gets data"
        if CHANNELS[name].files:
            yield from _place_fault(one, name, text)
        elif CHANNELS[name].system and "@" in text:
            yield f"`{name}` holds a user: `user` and `password_file` are for that"
    if one.gets and (one.officer or one.agency):
        yield f"{one.gets} go to this agency's own systems: name a `purpose`, no `officer` and no `agency`"
    for name in one.channels:
        if name.startswith("mqtt") and not _TOPIC.fullmatch(getattr(one, name)):
            yield f"`{name}` needs a topic after the host, without + # ? and spaces"
    if one.mail is not None and rules.mail is None:
        yield "`mail` needs the section [mail], which names the server"
    if one.apprise is not None and one.apprise.startswith(("mailto:", "mailtos:")):
        yield "mail is sent by `mail`, whose Message-ID says that it is the same one"


def _place_fault(one: Receiver, name: str, text: str) -> Iterator[str]:
    remote = text.startswith("sftp://")
    if not remote and not text.startswith("/"):
        yield f"`{name}` is no folder from the root, and no sftp://USER@HOST/FOLDER"
    if remote != bool(one.host_key) or remote != bool(one.key_file):
        yield "SFTP needs `key_file` and `host_key`" if remote else "`key_file` and `host_key` are for SFTP"


def _url_fault(name: str, text: str, schemes: tuple[str, ...], allow_plaintext: bool) -> Iterator[str]:
    try:
        url = urlsplit(text)
        usable = url.scheme in schemes and url.hostname and url.port != 0
    except ValueError:
        usable = False
    if not usable:
        yield f"`{name}` is no URL"
    elif url.scheme != schemes[0] and not allow_plaintext and not is_loopback(str(url.hostname)):
        yield f"`{name}` would leave this machine unencrypted: {schemes[0]}:// is needed"


def _host(server: str) -> str:
    return server.rpartition(":")[0] or server
