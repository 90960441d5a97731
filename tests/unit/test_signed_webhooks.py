from datetime import UTC, datetime, timedelta

import pytest

from platestream.notifications.webhook_signature import BadSignature, headers, secret, verify
from tests.support.receivers import SECRET

NOW = datetime(2026, 11, 24, 15, 0, tzinfo=UTC)
KEY = secret(SECRET)
BODY = b'{"hit_id":"1"}'


def test_the_signature_is_the_one_of_the_specification() -> None:
    """The example of the Standard Webhooks specification and its libraries."""
    key = secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    at = datetime.fromtimestamp(1614265330, UTC)
    made = headers(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", at, b'{"test": 2432232314}')
    assert made["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_what_was_signed_is_taken_and_its_id_known() -> None:
    assert verify(KEY, headers(KEY, "a", NOW, BODY), BODY, NOW + timedelta(minutes=4)) == "a"


@pytest.mark.parametrize(
    ("change", "body", "now", "because"),
    [
        ({}, b"{}", NOW, "not of this body"),
        ({"webhook-id": "b"}, BODY, NOW, "not of this body"),
        ({"webhook-timestamp": "1"}, BODY, NOW, "not of this body"),
        ({"webhook-signature": "v1,"}, BODY, NOW, "not of this body"),
        ({"webhook-signature": ""}, BODY, NOW, "not of this body"),
        ({"webhook-timestamp": ""}, BODY, NOW, "missing"),
        ({}, BODY, NOW + timedelta(minutes=6), "5 minutes"),
        ({}, BODY, NOW - timedelta(minutes=6), "ahead of time"),
    ],
)
def test_what_was_changed_or_is_played_again_is_refused(
    change: dict[str, str], body: bytes, now: datetime, because: str
) -> None:
    with pytest.raises(BadSignature, match=because):
        verify(KEY, {**headers(KEY, "a", NOW, BODY), **change}, body, now)


@pytest.mark.parametrize("text", ["short", "whsec_short", "whsec_!!!"])
def test_a_weak_secret_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(ValueError, match="secret") as refused:
        secret(text)
    assert text not in str(refused.value)
