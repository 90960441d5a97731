"""Our witness: whatever comes at once, and whatever dies when, one line of heads is cosigned."""

import random
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from platestream.merkle import tree as merkle
from platestream.merkle.checkpoint import AddCheckpointRequest, Head
from platestream.merkle.note import Note, signatures
from platestream.runtime import private_file
from platestream.transparency_log.config import LogConfig
from platestream.transparency_log.published_folder import PublishedFolder
from platestream.transparency_log.publisher_state import PublisherState, witnessed_heads
from platestream.transparency_log.witness import LogWitness, Reply
from tests.support.clock import NOW
from tests.support.published import log_key

KEY = log_key("partner.example/log")
TREES = {name: [f"{name} {number}".encode() for number in range(40)] for name in ("true", "forged")}


def node(name: str) -> merkle.Node:
    """Of one of two logs that share nothing."""

    def of(level: int, index: int) -> bytes:
        leaves = TREES[name][index << level : (index + 1) << level]
        return merkle.complete([merkle.leaf_hash(one) for one in leaves])

    return of


def request(name: str, old: int, size: int) -> bytes:
    head = Head(KEY.name, size, merkle.root(size, node(name)))
    proof = tuple(merkle.consistency(min(old, size), size, node(name)))
    return bytes(AddCheckpointRequest(old, proof, Note(head.text, (KEY.sign(head.text),))))


def witness(folder: Path) -> LogWitness:
    result = LogConfig(
        "", PublisherState(folder), PublishedFolder(folder), witness_name="w.example", logs=(KEY.verifier,)
    )
    return LogWitness(result)


def ask(one: LogWitness, body: bytes) -> Reply:
    return one.add_checkpoint(body, NOW)


@given(
    st.lists(
        st.tuples(st.sampled_from(["true", "forged"]), st.integers(0, 30), st.integers(0, 30)), max_size=12
    )
)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_was_cosigned_is_one_line_of_heads_whatever_is_asked(
    tmp_path: Path, asked: list[tuple[str, int, int]]
) -> None:
    one = witness(tmp_path / str(random.random()))
    cosigned: list[tuple[str, int]] = []
    for name, old, size in asked:
        if ask(one, request(name, old, size)).status == 200:
            cosigned.append((name, size))
    sizes = [size for _name, size in cosigned]
    assert sizes == sorted(sizes)
    assert len({name for name, size in cosigned if size}) <= 1, "two logs were cosigned as one"


def test_of_many_at_once_one_is_cosigned(tmp_path: Path) -> None:
    one = witness(tmp_path)
    bodies = [request(name, 0, size) for name in ("true", "forged") for size in range(1, 9)]
    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(lambda body: ask(one, body).status, bodies))
    assert sorted(set(statuses)) == [200, 409]
    assert statuses.count(200) == 1


def test_a_head_is_remembered_before_its_cosignature_leaves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = witness(tmp_path)

    class Killed(BaseException):
        pass

    def dies(*_told: object) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr("platestream.merkle.note.Signer.sign", dies)
        with pytest.raises(Killed):
            ask(one, request_of("true", 5))
    assert witnessed_heads(tmp_path).read()[KEY.name].size == 5
    assert ask(witness(tmp_path), request("forged", 0, 6)) == Reply(409, "5\n", "text/x.tlog.size")
    with monkeypatch.context() as patched:
        patched.setattr(private_file, "write_file", dies)
        with pytest.raises(Killed):
            ask(witness(tmp_path), request("true", 5, 9))
    assert witnessed_heads(tmp_path).read()[KEY.name].size == 5, (
        "nothing was cosigned, and nothing remembered"
    )
    assert ask(witness(tmp_path), request("true", 5, 9)).status == 200


def request_of(name: str, size: int) -> bytes:
    """Made before anything is patched."""
    return MADE[name, size]


MADE = {("true", 5): request("true", 0, 5)}


def test_a_cosignature_is_of_the_key_that_is_told(tmp_path: Path) -> None:
    one = witness(tmp_path)
    (made,) = signatures(ask(one, request("true", 0, 3)).body)
    head = Head(KEY.name, 3, merkle.root(3, node("true")))
    assert one.key.holds(head.text, made)
    assert made.at == int(NOW.timestamp())
