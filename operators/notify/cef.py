"""Acts as events for a SIEM: CEF (Common Event Format) in messages of syslog (RFC 5424).

An event says who did which act, when, by what, and whether it was allowed. It is made of names and codes that
are listed here, so that no plate, reason, case number or other text of a search can leave with it. The
refusal's words are not sent either, because some repeat what was entered.
"""

import re
from datetime import datetime
from importlib.metadata import version

from platestream.schemas.acts import ACTS
from platestream.schemas.escape_invisible import escape_invisible
from platestream.schemas.inquiry import SealedInquiry

RELEASE = version("platestream")
FACILITY = 13  # log audit
INFORMATIONAL, WARNING = 6, 4
SHOWN, CHANGED, REFUSED, FOUND = 2, 4, 6, 8  # severity in CEF, 0 to 10
_ACTS = {act.name: act for act in ACTS}
_TOOL = re.compile(r"[a-z-]{1,20}")
_RULE = re.compile(r"[a-z_]{1,40}(?=:)")


def event(sealed: SealedInquiry, host: str) -> str:
    """Return the message of a logged act, in one line."""
    act = sealed.inquiry
    known = _ACTS.get(act.kind)
    refused = act.outcome == "refused"
    rules = [match[0] for one in sealed.findings or () if (match := _RULE.match(one))]
    severity = FOUND if rules else REFUSED if refused else CHANGED if known and known.has_effect else SHOWN
    tool = _TOOL.match(act.tool)
    fields = {
        "rt": str(int(act.at.timestamp() * 1000)),
        "externalId": str(act.inquiry_id),
        "suser": act.who,
        "outcome": act.outcome,
        "requestClientApplication": tool[0] if tool else "",
        "cs1Label": "agency",
        "cs1": act.agency,
        "cs2Label": "sealHash",
        "cs2": sealed.hash,
        "cs3Label": "automatic",
        "cs3": "true" if act.automatic is True else "",
        "cs4Label": "findings",
        "cs4": ",".join(rules),
        "cn1Label": "seal",
        "cn1": str(sealed.seal),
    }
    kind, name = (act.kind, known.does) if known else ("other", "an act of another release")
    text = _cef(kind, name, severity, {key: value for key, value in fields.items() if _says(key, fields)})
    return _message(act.at, host, kind, WARNING if refused or rules else INFORMATIONAL, text)


def marked_test(at: datetime, host: str) -> str:
    """Return a message that is marked as a test."""
    return _message(at, host, "notify_test", INFORMATIONAL, _cef("notify_test", "Test", 0, {}))


def frame(message: str) -> bytes:
    """Return a message for a stream, with its number of bytes before it (RFC 5425, RFC 6587)."""
    data = message.encode()
    return b"%d %s" % (len(data), data)


def _says(key: str, fields: dict[str, str]) -> bool:
    return bool(fields[key] and fields[key.removesuffix("Label")])


def _message(at: datetime, host: str, kind: str, severity: int, text: str) -> str:
    return (
        f"<{FACILITY * 8 + severity}>1 {at:%Y-%m-%dT%H:%M:%S.%fZ} {host} platestream - {kind[:32]} - {text}"
    )


def _cef(kind: str, name: str, severity: int, fields: dict[str, str]) -> str:
    head = "|".join(map(_header, ("CEF:0", "Platestream", "Platestream", RELEASE, kind, name)))
    return f"{head}|{severity}|" + " ".join(f"{key}={_value(text)}" for key, text in fields.items())


def _header(text: str) -> str:
    return escape_invisible(text.replace("\\", "\\\\").replace("|", "\\|"))


def _value(text: str) -> str:
    return escape_invisible(text.replace("\\", "\\\\").replace("=", "\\="))
