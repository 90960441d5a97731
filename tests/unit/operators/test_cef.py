"""Acts as CEF: what an event holds, what never leaves, and text that tries to forge fields."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from platestream.operators.notify.cef import event, frame, marked_test
from platestream.schemas.acts import ACTS
from platestream.schemas.inquiry import FIRST, Inquiry, SealedInquiry, chain

AT = datetime(2026, 11, 24, 15, 4, 10, 123456, tzinfo=UTC)
PLAIN: dict[str, Any] = {
    "inquiry_id": UUID(int=7),
    "at": AT,
    "who": "rvale",
    "agency": "sjpd",
    "tool": "console",
    "query_id": "q",
    "kind": "hits",
    "outcome": "allowed",
    "since": AT - timedelta(days=1),
    "until": AT,
}
FREE = ("refusal", "case_number", "reason", "pattern", "other", "purpose", "requester", "legal_basis",
        "set_off_by", "change", "violation", "declaration", "partner", "trained_on", "account",
        "query_id")  # fmt: skip
HEADER = re.compile(r"<(\d+)>1 (\S+Z) (\S+) platestream - (\S+) - (CEF:0\|.*)")


def sealed(findings: tuple[str, ...] = (), **changes: Any) -> SealedInquiry:
    (one,) = chain([Inquiry(**{**PLAIN, **changes})], 0, FIRST)
    return SealedInquiry(seal=one.seal, previous=one.previous, hash=one.hash, inquiry=one.inquiry,
                         findings=findings)  # fmt: skip


def parsed(message: str) -> tuple[list[str], dict[str, str]]:
    """The header and the fields of an event, as the specification of CEF says that they are to be read."""
    found = HEADER.fullmatch(message)
    assert found is not None, message
    parts = re.split(r"(?<!\\)(?:\\\\)*\|", found[5], maxsplit=7)
    fields = re.findall(r"(\w+)=((?:[^=\\]|\\.)*?)(?= \w+=|$)", parts[7], re.DOTALL)
    assert " ".join(f"{key}={value}" for key, value in fields) == parts[7]
    return [found[1], *parts[:7]], {key: re.sub(r"\\(.)", r"\1", value) for key, value in fields}


def test_an_event_says_who_did_which_act_when_and_with_which_seal() -> None:
    one = sealed()
    header, fields = parsed(event(one, "alpr-1"))
    assert header[0] == "110"
    assert header[1:4] == ["CEF:0", "Platestream", "Platestream"]
    assert header[5] == "hits"
    assert fields["rt"] == str(int(AT.timestamp() * 1000))
    assert (fields["suser"], fields["cs1"], fields["outcome"]) == ("rvale", "sjpd", "allowed")
    assert (fields["externalId"], fields["cn1"], fields["cs2"]) == (str(UUID(int=7)), "1", one.hash)


def test_refusals_and_findings_are_more_severe_and_named_by_their_rule_only() -> None:
    calm, refused, found = (
        parsed(event(one, "h"))
        for one in (sealed(), sealed(outcome="refused"), sealed(("hours: at 03:00, plate AST3087",)))
    )
    assert [int(one[0][7]) for one in (calm, refused, found)] == [2, 6, 8]
    assert [one[0][0] for one in (calm, refused, found)] == ["110", "108", "108"]
    assert found[1]["cs4"] == "hours"


@given(
    st.sampled_from(["PLATE7XQ", "case 26-001234", "because=of|this\\n"]),
    st.sampled_from([act.name for act in ACTS] + ["unknown AST3087"]),
    st.sampled_from(["allowed", "refused"]),
)
def test_no_plate_reason_case_number_or_other_words_ever_leave(secret: str, kind: str, outcome: str) -> None:
    fields = dict.fromkeys(FREE, secret)
    free = set(Inquiry.__struct_fields__) - set(PLAIN) - set(FREE)
    assert free == {"cameras", "within_s", "automatic", "effect", "vehicles"}, "a new field is to be judged"
    one = sealed((f"rule_x: {secret}", secret), kind=kind, outcome=outcome, cameras=(secret,),
                 tool=f"api/{secret}", **fields)  # fmt: skip
    text = event(one, "h")
    assert not any(word in text for word in (secret, secret[:8], "AST3087"))


@given(st.text(max_size=80), st.text(max_size=80))
def test_no_text_forges_a_field_a_line_or_a_message(who: str, agency: str) -> None:
    _header, fields = parsed(event(sealed(who=who, agency=agency), "h"))
    plain = {"rt", "externalId", "outcome", "cs2", "cs2Label", "cn1", "cn1Label"}
    assert set(fields) <= plain | {"suser", "cs1", "cs1Label", "requestClientApplication"}
    assert fields["outcome"] == "allowed"
    data = frame(event(sealed(who=who, agency=agency), "h"))
    length, _space, rest = data.partition(b" ")
    assert int(length) == len(rest)
    assert b"\n" not in rest
    assert b"\r" not in rest


@pytest.mark.parametrize("act", ACTS, ids=lambda act: act.name)
def test_every_act_is_an_event(act: Any) -> None:
    header, _fields = parsed(event(sealed(kind=act.name), "h"))
    assert header[5] == act.name


def test_a_test_is_marked_as_one() -> None:
    assert "|notify_test|Test|0|" in marked_test(AT, "h")
