import socket
import threading
from collections.abc import Iterator

import pytest

from platestream.cameras.discovery import FoundCamera, discover, read_answer

ANSWER = """<?xml version="1.0"?><s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body>
<d:ProbeMatches xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery"><d:ProbeMatch>
<d:Scopes>onvif://www.onvif.org/name/Main_Street%20N onvif://www.onvif.org/hardware/P1455-LE</d:Scopes>
<d:XAddrs>http://10.0.5.21/onvif/device_service http://[fe80::1]/onvif/device_service</d:XAddrs>
</d:ProbeMatch></d:ProbeMatches></s:Body></s:Envelope>"""


@pytest.fixture
def camera() -> Iterator[tuple[str, int]]:
    """A device on loopback that answers a probe, and another one that sends something else."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.bind(("127.0.0.1", 0))
        one.settimeout(10)

        def answer() -> None:
            probe, whom = one.recvfrom(65_535)
            assert b"NetworkVideoTransmitter" in probe
            one.sendto(b"\xff\xfe no answer of a camera", whom)
            one.sendto(ANSWER.encode(), whom)

        thread = threading.Thread(target=answer)
        thread.start()
        yield one.getsockname()
        thread.join(10)


def test_a_camera_that_answers_the_probe_is_found_with_its_name_and_hardware(camera: tuple[str, int]) -> None:
    assert discover(camera, 1.0) == [FoundCamera("10.0.5.21", "Main Street N", "P1455-LE")]


def test_the_address_that_answered_is_preferred_and_other_messages_are_none() -> None:
    assert read_answer(ANSWER, "fe80::1") == FoundCamera("fe80::1", "Main Street N", "P1455-LE")
    assert read_answer(ANSWER, "10.9.9.9") == FoundCamera("10.0.5.21", "Main Street N", "P1455-LE")
    assert read_answer("<x/>", "10.0.5.21") is None
    assert read_answer("<d:XAddrs>http://[broken</d:XAddrs>", "10.0.5.21") == FoundCamera("10.0.5.21")
