import hashlib
from base64 import b64encode
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from platestream.cameras.address_check import split_credentials
from platestream.cameras.capture import CameraError
from platestream.cameras.intake import LastSent
from platestream.cameras.sources.http import parts
from platestream.cameras.sources.upload_auth import ALGORITHMS, NONCE_SECONDS, REMEMBERED, SignIn
from platestream.cameras.sources.video import with_password

IMAGES = st.lists(st.binary(min_size=1, max_size=200).filter(lambda one: b"--edge" not in one), max_size=6)


def cut(stream: bytes, size: int) -> Iterator[bytes]:
    return (stream[at : at + size] for at in range(0, len(stream), size))


@given(IMAGES, st.integers(1, 50), st.booleans())
def test_a_stream_is_cut_into_its_pictures_however_it_arrives(
    images: list[bytes], size: int, lengths: bool
) -> None:
    stream = b""
    for image in images:
        result = f"Content-Length: {len(image)}\r\n" if lengths else ""
        stream += f"--edge\r\nContent-Type: image/jpeg\r\n{result}\r\n".encode() + image + b"\r\n"
    stream += b"--edge--\r\n"
    assert [image for _headers, image in parts(cut(stream, size), b"--edge", 10_000)] == images


def test_a_stream_without_an_end_is_given_up() -> None:
    with pytest.raises(CameraError):
        list(parts((b"x" * 1000 for _ in range(1000)), b"--edge", 10_000))
    endless = (b"--edge\r\n\r\n", *(b"y" * 1000 for _ in range(1000)))
    with pytest.raises(CameraError, match="over 10000"):
        list(parts(iter(endless), b"--edge", 10_000))


def answer(challenge: str, name: str, password: str, count: str = "00000001", target: str = "/") -> str:
    """What a client says to a challenge, made from RFC 7616's words."""
    result = dict(part.split("=", 1) for part in challenge.removeprefix("Digest ").split(", "))
    realm, nonce, algorithm = result["realm"].strip('"'), result["nonce"].strip('"'), result["algorithm"]
    make = hashlib.sha256 if algorithm == "SHA-256" else hashlib.md5
    first = make(f"{name}:{realm}:{password}".encode()).hexdigest()
    second = make(f"POST:{target}".encode()).hexdigest()
    response = make(f"{first}:{nonce}:{count}:abc:auth:{second}".encode()).hexdigest()
    return (
        f'Digest username="{name}", realm="{realm}", nonce="{nonce}", uri="{target}", algorithm={algorithm}, '
        f'qop=auth, nc={count}, cnonce="abc", response="{response}"'
    )


@pytest.mark.parametrize("which", range(len(ALGORITHMS)))
def test_digest_lets_in_once_for_each_count_and_while_its_nonce_is_fresh(which: int) -> None:
    at = [1000.0]
    door = SignIn({"cam": "pass"}, False, lambda: at[0])
    challenge = door.challenges()[which]
    said = answer(challenge, "cam", "pass")
    assert door.account(said, "POST", "/") == "cam"
    assert door.account(said, "POST", "/") is None, "played again"
    assert door.account(answer(challenge, "cam", "pass", "00000002"), "POST", "/other") is None
    assert door.account(answer(challenge, "cam", "pass", "00000002"), "POST", "/") == "cam"
    assert door.account(answer(challenge, "cam", "wrong", "00000003"), "POST", "/") is None
    assert door.account(answer(challenge, "other", "pass", "00000003"), "POST", "/") is None
    at[0] += NONCE_SECONDS + 1
    late = answer(challenge, "cam", "pass", "00000004")
    assert door.account(late, "POST", "/") is None
    assert door.stale(late)


def test_what_was_heard_is_not_let_in_again_when_its_nonce_had_to_be_forgotten() -> None:
    at = [1000.0]
    door = SignIn({"cam": "pass"}, False, lambda: at[0])
    heard = answer(door.challenges()[0], "cam", "pass")
    assert door.account(heard, "POST", "/") == "cam"
    for _ in range(REMEMBERED):
        at[0] += 0.1
        assert door.account(answer(door.challenges()[0], "cam", "pass"), "POST", "/") == "cam"
    assert at[0] - 1000 < NONCE_SECONDS
    assert door.account(heard, "POST", "/") is None
    assert door.stale(heard), "an honest camera asks for another nonce"


def test_two_cameras_that_are_asked_at_one_moment_both_get_in() -> None:
    door = SignIn({"cam": "pass", "other": "word"}, False, lambda: 1000.0)
    one, two = door.challenges()[0], door.challenges()[0]
    assert door.account(answer(one, "cam", "pass"), "POST", "/") == "cam"
    assert door.account(answer(two, "other", "word"), "POST", "/") == "other"


def test_a_nonce_of_another_server_is_not_taken() -> None:
    other, door = (SignIn({"cam": "pass"}, False, lambda: 1000.0) for _ in range(2))
    assert door.account(answer(other.challenges()[0], "cam", "pass"), "POST", "/") is None


def test_basic_is_let_in_only_where_it_may_be() -> None:
    said = "Basic " + b64encode(b"cam:pa:ss").decode()
    assert SignIn({"cam": "pa:ss"}, True, lambda: 0).account(said, "POST", "/") == "cam"
    assert SignIn({"cam": "pa:ss"}, False, lambda: 0).account(said, "POST", "/") is None


@given(st.text(max_size=200))
def test_no_header_makes_it_fail_or_lets_in(text: str) -> None:
    door = SignIn({"cam": "pass"}, True, lambda: 0)
    for scheme in ("", "Basic ", "Digest "):
        assert door.account(scheme + text, "POST", "/") is None
        door.stale(scheme + text)


@given(st.text(min_size=1, max_size=20).filter(lambda t: ":" not in t), st.text(max_size=20))
def test_a_password_of_any_letters_goes_into_an_address_and_out(user: str, password: str) -> None:
    url = with_password("rtsp://10.0.0.1:554/a", f"{user}:{password}")
    assert split_credentials(url) == ("rtsp://10.0.0.1:554/a", f"{user}:{password}")


def test_only_what_changed_is_news() -> None:
    last, street = LastSent(), np.full((360, 640, 3), 90, np.uint8)
    noise = np.random.default_rng(1).integers(-3, 4, street.shape)
    assert last.differs(street)
    assert not last.differs((street + noise).astype(np.uint8))
    assert not last.differs(street + 3), "a cloud"
    car = street.copy()
    car[200:232, 300:348] = 200
    assert last.differs(car)
    assert not last.differs(car)
    assert last.differs(street)
