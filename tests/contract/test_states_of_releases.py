"""State that one release leaves in the recovery store is continued by the next one, and the other way."""

import base64
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.flows import INQUIRY, READ
from tests.support.releases import LATER, next_release
from tests.support.up import ROOT

STATEFUL = ("passes", "match", "check", "route", "outbox")


@pytest.fixture(scope="module")
def trees(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """This release and the next one, in which each state has a field more."""
    return {"this": ROOT, "next": next_release(tmp_path_factory.mktemp("release") / "next")}


def ran(tree: Path, what: str, *given: dict[str, str]) -> list[dict[str, Any]]:
    path = os.pathsep.join([str(tree), str(ROOT)])
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.states", what],
        env={**os.environ, "PYTHONPATH": path},
        cwd=tree,
        input="\n".join(map(json.dumps, given)),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_state_of_each_release_is_continued_by_the_other(trees: dict[str, Path]) -> None:
    states = {name: ran(tree, "begin")[0] for name, tree in trees.items()}
    for step in STATEFUL:
        has = {name: LATER.encode() in base64.b64decode(one[step]) for name, one in states.items()}
        assert has == {"this": False, "next": True}, step
    results = {name: ran(tree, "go-on", *states.values()) for name, tree in trees.items()}
    expected = results["this"][0]
    assert expected["passes"] == [["ABC1234", 3]], "frames of before and after are one pass"
    assert expected["match"] == [READ.plate]
    assert expected["check"] == [INQUIRY.who], "what waited was judged, and its person is remembered"
    assert expected["route"] == [["dispatch", "sent"]]
    assert len(expected["outbox"]) == 1
    assert len(expected["once"]) == 1, "a frame of before is none of now"
    assert results == {name: [expected, expected] for name in trees}
