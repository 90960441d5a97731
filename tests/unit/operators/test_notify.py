"""Texts of notifications, and faults of their rules."""

from typing import Any

import msgspec
import pytest

from platestream.notifications.factory import SENDERS
from platestream.operators.matching.entry_match import match_entry
from platestream.operators.notify.channels import CHANNELS
from platestream.operators.notify.rules import NotifyRules, Receiver, parse_rules
from platestream.schemas.alert_hit import NOTICE, Difference
from platestream.schemas.camera_read import CameraRead
from platestream.schemas.message import RefusedError
from tests.support.notify_rules import FOUND, message

SECRET = ("AST3087", "26-001234", "P/C for arrest", "928-555-0114")


def test_by_default_only_a_link_leaves_the_network() -> None:
    assert NotifyRules().shows == "link"
    sent = message("link")
    whole = sent.text + sent.subject + sent.body.decode()
    assert not [word for word in SECRET if word in whole]
    assert sent.pictures == {}
    assert "https://alpr.example/hits/00000000-0000-0000-0000-000000000001" in sent.text
    assert NOTICE in sent.text


def test_a_message_carries_all_that_is_to_be_known_before_acting() -> None:
    sent = message(
        "picture",
        match="look_alike",
        differences=(Difference(3, "3", "8"),),
        listed={"plate": "AST8087"},
    )
    for wanted in (
        *("AST3087 AZ", "AST8087 AZ", "Look-alike", "character 4 read 3, listed 8", "the state is the same"),
        *SECRET[1:],
        *("White Mountain Drive", "2026-11-24 08:04:05 MST", "34.50590, -109.36100", NOTICE),
    ):
        assert wanted in sent.text, wanted
    assert sent.pictures == {"plate": FOUND.detection.crop, "vehicle": FOUND.detection.picture}
    assert "AST" not in sent.subject, "subjects are seen on locked screens"
    body = msgspec.json.decode(sent.body)
    assert (body["plate"], body["instructions"]) == ("AST3087", FOUND.entry.instructions)


def test_a_program_of_dispatch_gets_the_link_and_the_vehicle_in_codes_of_ncic() -> None:
    body = msgspec.json.decode(message("plate").body)
    assert body["link"].endswith(body["hit_id"])
    assert body["listed_vehicle_codes"] == {"color": "WHI", "make": "FORD", "style": "PK"}
    assert "listed_vehicle_codes" not in msgspec.json.decode(message("link").body)


def test_a_message_says_that_camera_and_reader_differ() -> None:
    camera = CameraRead(format="axis", plate="A8T3087")
    sent = message("text", seen={"opinion": "disagree", "camera_read": camera})
    assert "THE READS DIFFER: the camera read A8T3087, the reader AST3087" in sent.text
    assert "DIFFER" not in message("text", seen={"opinion": "agree", "camera_read": camera}).text
    assert "A8T3087" not in message("link", seen={"opinion": "disagree", "camera_read": camera}).body.decode()


def test_a_listed_o_that_was_read_as_0_is_to_be_compared() -> None:
    entry = msgspec.structs.replace(FOUND.entry, plate="ASTO87", state=None)
    found = match_entry(msgspec.structs.replace(FOUND.detection, plate="AST087", state="AZ"), entry)
    assert found is not None
    text = message(
        "plate",
        seen={"plate": "AST087"},
        listed={"plate": "ASTO87", "state": None},
        **{name: getattr(found, name) for name in ("match", "differences", "state_check", "likelihood")},
    ).text
    assert "Differs: character 4 read 0, listed O" in text
    assert "Read as listed, except for O and 0: compare them; the entry lists no state" in text


@pytest.mark.parametrize(
    ("read", "listed", "words"),
    [
        ("AZ", "AZ", "the state is the same"),
        (None, "AZ", "the state was not read"),
        ("AZ", None, "the entry lists no state"),
        (None, None, "the entry lists no state, and none was read"),
        ("NM", "AZ", "ANOTHER STATE"),
    ],
)
def test_a_message_says_which_side_lacks_the_state(read: str | None, listed: str | None, words: str) -> None:
    sent = message("plate", seen={"state": read}, listed={"state": listed})
    assert f"; {words}\n" in sent.text


@pytest.mark.parametrize(
    ("fields", "figure"),
    [
        ({"match": "exact", "likelihood": 1.0}, "this is the listed plate: 97 %"),
        ({"match": "look_alike", "likelihood": 0.002}, "this is the listed plate: less than 1 %"),
        ({"match": "alternative", "likelihood": 0.12}, "this is the listed plate: 12 %"),
        ({"match": "partial", "likelihood": None}, "the characters as read: 97 %"),
    ],
)
def test_a_message_has_one_figure_of_confidence(fields: dict[str, Any], figure: str) -> None:
    text = message("plate", seen={"confidence": 0.97}, **fields).text
    assert figure in text
    assert text.count("%") == 1


@pytest.mark.parametrize(
    ("text", "because"),
    [
        ("receivers = 1", "receivers"),
        ("shows = 'all'", "shows"),
        ("link = 'https://x'", "{hit_id}"),
        ("oldest = 'ever'", "oldest"),
        ("nobody = ['x']", "no receiver"),
        ("[[routes]]\nto = ['x']", "route 1"),
        ("[[receivers]]\nname = 'a'", "one of `webhook`"),
        ("[[receivers]]\nname = 'a'\nwebhook = 'https://x'", "secret_file"),
        ("[[receivers]]\nname = 'a'\nwebhook = 'http://x.example'\nsecret_file = 'f'", "unencrypted"),
        ("[[receivers]]\nname = 'a'\nmail = 'x@y'", "[mail]"),
        ("[[receivers]]\nname = 'a'\napprise = 'mailto://u:p@x'", "Message-ID"),
        ("[[receivers]]\nname = 'a'\nmqtt = 'mqtts://x.example/alpr/hits'", "`purpose` is needed"),
        ("[[receivers]]\nname = 'a'\nmqtt = 'mqtt://x.example/alpr'\npurpose = 'p'", "mqtts:// is needed"),
        ("[[receivers]]\nname = 'a'\nmqtt = 'mqtts://u:p@x.example/a'\npurpose = 'p'", "holds a user"),
        ("[[receivers]]\nname = 'a'\nmqtt = 'mqtts://x.example/a/#'\npurpose = 'p'", "topic"),
        ("[[receivers]]\nname = 'a'\nmqtt = 'mqtts://x.example:99999/a'\npurpose = 'p'", "no URL"),
        ("[[receivers]]\nname = 'on_shift'\napprise = 'json://x'", "stands for"),
        ("[mail]\nserver = 'mx.example:25'\nsender = 'a'\ndomain = 'b'\nsecurity = 'none'", "unencrypted"),
        ("what = 1", "what"),
        ("= 1", "TOML"),
    ],
)
def test_rules_that_are_wrong_are_refused_with_the_place_named(text: str, because: str) -> None:
    with pytest.raises(RefusedError) as refused:
        parse_rules(text)
    assert because in str(refused.value)


def test_every_channel_has_its_field_and_its_sender() -> None:
    assert set(SENDERS) == set(CHANNELS) <= set(Receiver.__struct_fields__)
