"""Bytes of cameras by RTSP: answers, packets and the documents in them, however they are cut."""

import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from platestream.cameras.capture import CameraError
from platestream.cameras.sources.onvif_metadata import Documents, metadata_track
from platestream.cameras.sources.rtsp import Answer, Inbox, Packet

SDP = (
    "v=0\r\na=control:{all}\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=control:v\r\n"
    "m=application 0 RTP/AVP 107\r\na=rtpmap:107 {kind}/90000\r\na=control:{own}\r\n"
)


def packet(
    number: int, content: bytes, *, last: bool, extra: bytes = b"", bits: int = 0, end: bytes = b""
) -> bytes:
    head = bytes((0x80 | bits, 0x80 * last | 107)) + (number % 65_536).to_bytes(2, "big") + bytes(8)
    return head + extra + content + end


def described(kind: str = "vnd.onvif.metadata", own: str = "meta", of_all: str = "*") -> Answer:
    body = SDP.format(kind=kind, own=own, all=of_all)
    return Answer(200, [("content-base", "rtsp://camera/stream/")], body)


sent = st.one_of(
    st.builds(Packet, st.integers(0, 255), st.binary(max_size=40)),
    st.builds(
        lambda status, body: Answer(status, [("content-length", str(len(body)))], body),
        st.integers(100, 599),
        st.text(st.characters(codec="ascii"), max_size=20),
    ),
)


def written(one: Packet | Answer) -> bytes:
    if isinstance(one, Packet):
        return b"$" + bytes((one.channel,)) + len(one.data).to_bytes(2, "big") + one.data
    return f"RTSP/1.0 {one.status} So\r\nContent-Length: {len(one.body)}\r\n\r\n{one.body}".encode()


@given(st.lists(sent, max_size=8), st.data())
def test_answers_and_packets_are_told_apart_however_the_bytes_are_cut(
    some: list[Packet | Answer], data: st.DataObject
) -> None:
    whole, inbox, found = b"".join(map(written, some)), Inbox(), []
    while whole:
        size = data.draw(st.integers(1, len(whole)))
        inbox.put(whole[:size])
        whole = whole[size:]
        while (one := inbox.take()) is not None:
            found.append(one)
    assert found == some


@given(st.lists(st.binary(min_size=1, max_size=60), max_size=5), st.integers(0, 65_535), st.integers(1, 20))
def test_documents_are_put_together_also_where_numbers_begin_again(
    some: list[bytes], first: int, size: int
) -> None:
    track, found, number = Documents(1000, packed=False), list[bytes | None](), first
    for one in some:
        for at in range(0, len(one), size):
            found.append(track.put(packet(number, one[at : at + size], last=at + size >= len(one))))
            number += 1
    assert [one for one in found if one is not None] == some


@given(st.integers(0, 3))
def test_a_document_without_one_of_its_packets_is_left_out_and_the_next_is_whole(lost: int) -> None:
    track = Documents(1000, packed=False)
    made = [packet(number, b"abcd"[number : number + 1], last=number == 3) for number in range(4)]
    track.put(packet(65_535, b"before", last=True))
    for number, one in enumerate(made):
        assert number == lost or track.put(one) is None
    assert track.put(packet(4, b"after", last=True)) == (b"after" if lost < 3 else None)
    assert track.put(packet(5, b"next", last=True)) == b"next"


def test_contributors_extension_and_padding_are_no_content() -> None:
    extra = bytes(8) + b"\0\0\0\2" + bytes(8)
    one = packet(1, b"content", last=True, extra=extra, bits=0x10 | 0x20 | 2, end=b"\0\0\3")
    assert Documents(100, packed=False).put(one) == b"content"


def test_what_is_too_long_packed_or_not_is_left_out() -> None:
    assert Documents(10, packed=False).put(packet(1, bytes(11), last=True)) is None
    assert Documents(10_000, packed=True).put(packet(1, gzip.compress(bytes(10_001)), last=True)) is None
    assert Documents(10_000, packed=True).put(packet(1, gzip.compress(bytes(99)), last=True)) == bytes(99)
    assert Documents(10_000, packed=True).put(packet(1, b"no gzip", last=True)) is None


@pytest.mark.parametrize(
    ("own", "of_all", "track", "session"),
    [
        ("meta", "*", "rtsp://camera/stream/meta", "rtsp://camera/stream/"),
        ("rtsp://camera/other", "all", "rtsp://camera/other", "rtsp://camera/stream/all"),
    ],
)
def test_addresses_of_a_track_are_its_own_or_below_the_stream_s(
    own: str, of_all: str, track: str, session: str
) -> None:
    assert metadata_track(described(own=own, of_all=of_all), "rtsp://camera/stream") == (
        track,
        session,
        False,
    )


def test_kinds_of_metadata() -> None:
    assert metadata_track(described("VND.ONVIF.METADATA.GZIP"), "rtsp://camera/").packed
    with pytest.raises(CameraError, match="choose XML"):
        metadata_track(described("vnd.onvif.metadata.exi.onvif"), "rtsp://camera/")
    with pytest.raises(CameraError, match="it streams no metadata"):
        metadata_track(described("other"), "rtsp://camera/")
