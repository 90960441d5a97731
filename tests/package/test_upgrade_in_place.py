"""An installation of before the first release, upgraded in place."""

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from platestream.schemas.acts import ROLES
from platestream.schemas.topics import DETECTIONS
from platestream.settings import system_account
from tests.support.clock import NOW
from tests.support.kafka_broker import wait_until
from tests.support.releases import older_release
from tests.support.tree import ROOT
from tests.support.up import System

BEFORE = "7399d1cf4de3"
"""The last commit with folders by layer."""

pytestmark = [pytest.mark.nightly, pytest.mark.timeout(1200)]


def done(system: System, *words: str) -> str:
    ran = system.run(*words)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def test_what_an_older_release_stored_or_backed_up_is_searched_held_and_verified(tmp_path: Path) -> None:
    there = subprocess.run(["git", "cat-file", "-e", BEFORE], cwd=ROOT, capture_output=True, check=False)
    if there.returncode:
        pytest.fail(f"this checkout has no commit {BEFORE}: fetch the whole history")
    new = System.of(tmp_path / "agency")
    old = replace(new, tree=older_release(BEFORE, tmp_path / "old"))
    me = system_account()
    old.up()
    try:
        done(old, "registry", "agency", "sjpd", "--title", "St. Johns PD", "--own", "--state", "AZ")
        user = ["registry", "user", me, "--title", me, "--agency", "sjpd", "--employee-number", "1"]
        roles = [word for role in ROLES for word in ("--role", role)]
        done(old, *user, "--trained", f"{NOW:%Y-%m-%d}", *roles)
        old.photograph("GHN5162", "before")
        look = ("search", "GHN5162", "--case", "26-001234")
        wait_until(lambda: "GHN5162" in done(old, *look), 120, "the detection", every=2)
        done(
            old,
            "evidence",
            "hold",
            "GHN5162",
            "--case",
            "26-001234",
            "--authority",
            "x",
            "--schedule",
            "felony",
        )
        done(old, "backup", str(tmp_path / "kept.zip"))
    finally:
        old.run("down")
    new.up()
    try:
        assert "GHN5162" in done(new, *look)
        assert "26-001234" in done(new, "evidence", "list")
        assert "intact" in done(new, "audit", "verify")
        new.photograph("BOK2917", "after")
        wait_until(lambda: "BOK2917" in new.newest(DETECTIONS), 120, "the detection")
    finally:
        new.run("down")

    # The backup of the older release, restored by this one on another machine.
    other = System.of(tmp_path / "other")
    done(other, "restore", str(tmp_path / "kept.zip"), "--unsigned")
    other.up()
    try:
        assert "26-001234" in done(other, "evidence", "list")
        assert "intact" in done(other, "audit", "verify")
        other.photograph("GHN5162", "again")
        wait_until(lambda: "GHN5162" in done(other, *look), 120, "the detection", every=2)
    finally:
        other.run("down")
