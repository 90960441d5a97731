"""A camera that uploads more than its share: many pictures at once, and forms of many parts."""

import json
import socket
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from platestream.cameras.capture import Capture
from platestream.cameras.sources.http_server import AT_ONCE, Pushes, application
from platestream.cameras.sources.upload_auth import SignIn
from tests.support.flows import plate_picture
from tests.support.kafka_broker import free_port
from tests.support.served import served_app

LARGEST = 1_000_000
FORM = "Content-Type: multipart/form-data; boundary=b\r\n"
PART = b'--b\r\nContent-Disposition: form-data; name="a"; filename="a"\r\n\r\n\r\n'


@pytest.fixture
def taken() -> list[tuple[str, Capture]]:
    return []


@pytest.fixture
def port(taken: list[tuple[str, Capture]]) -> Iterator[int]:
    """The server of two cameras, which sign in by the tokens `one` and `two`."""
    pushes = Pushes(tokens={"one": "gate", "two": "yard"})
    sign_in = SignIn({}, False, lambda: 0.0)
    made = application({}, sign_in, lambda *one: taken.append(one), dict, {}, LARGEST, pushes=pushes)
    found = free_port()
    with served_app(made, found, 30.0):
        yield found


def begin(port: int, token: str, length: int, sent: bytes, more: str = "") -> socket.socket:
    made = socket.create_connection(("127.0.0.1", port), 20)
    head = f"POST /{token}/ HTTP/1.1\r\nHost: x\r\n{more}Content-Length: {length}\r\n\r\n"
    made.sendall(head.encode() + sent)
    return made


def answered(connection: socket.socket) -> tuple[int, str]:
    whole = b""
    while not whole.endswith(b"}"):
        whole += connection.recv(65536)
    head, _blank, body = whole.partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(body)["said"]


def test_one_camera_holds_the_memory_of_few_pictures_and_shuts_no_other_out(
    port: int, taken: list[tuple[str, Capture]]
) -> None:
    photo = plate_picture("ABC1234")
    with ExitStack() as stack:
        waiting = [stack.enter_context(begin(port, "one", len(photo), photo[:-1])) for _ in range(AT_ONCE)]
        for _more in range(20):
            with begin(port, "one", LARGEST, photo) as refused:
                assert answered(refused) == (429, f"more than {AT_ONCE} uploads at the same time")
        with begin(port, "two", len(photo), photo) as other:
            assert answered(other)[0] == 200
        waiting[0].sendall(photo[-1:])
        assert answered(waiting[0])[0] == 200
    assert [camera for camera, _capture in taken] == ["yard", "gate"]


def test_a_form_of_many_parts_is_given_up_at_the_first_ones(
    port: int, taken: list[tuple[str, Capture]]
) -> None:
    photo = plate_picture("ABC1234")
    many = PART * (LARGEST // len(PART) - 1) + b"--b--\r\n"
    with begin(port, "one", len(many), many, FORM) as refused:
        assert answered(refused) == (415, "more than 32 parts")
    few = PART + PART[:-2] + photo + b"\r\n--b--\r\n"
    with begin(port, "one", len(few), few, FORM) as accepted:
        assert answered(accepted)[0] == 200
    assert [capture.image for _camera, capture in taken] == [photo]
