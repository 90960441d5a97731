"""Searches that people save and run again, each as a new inquiry."""

import json
import re
from datetime import timedelta
from functools import partial
from html import unescape

import pytest
from typer.testing import CliRunner

from platestream.cli.main import app as cli
from platestream.inquiries import saved
from platestream.retention import service as retention
from platestream.schemas.fields import Vehicle
from tests.support.clock import NOW
from tests.support.console import Pages, Person
from tests.support.door import door_of, person, signed_in_as
from tests.support.searching import CASE, looks, put, shown, text


def saved_ids(page: str) -> list[str]:
    return re.findall(r'name="saved" value="([^"]+)" aria-label="Search again', page)


def test_a_saved_search_opens_prefilled_without_its_reason_and_each_run_is_an_inquiry(
    pages: Pages, analyst: Person
) -> None:
    put(pages, "AST3087", vehicle=Vehicle(colour="gray"))
    asked = {"way": "search", "plate": "AST*", "colour": "gray", "camera": ["north", "south"]}
    analyst.send("/search", **asked, since="2026-01-05T10:00", reason="Hit and run on Main Street")
    (save,) = re.findall(r'action="(/search/[^"]+/save)"', analyst.page)
    analyst.send(save, name="gray  AST plates")
    assert "The search is saved." in text(analyst.page)
    (one,) = saved_ids(analyst.page)
    analyst.send("/search/saved/open", saved=one)
    form = unescape(analyst.page)
    for field in ('name="plate" value="AST*"', 'name="colour" value="gray"', 'value="2026-01-05T10:00"'):
        assert field in form
    assert len(re.findall(r'name="camera" value="(?:north|south)" checked', form)) == 2
    assert "Hit and run" not in form
    assert analyst.send("/search", **asked).status_code == 403
    analyst.send("/search", **asked, case_number=CASE)
    assert shown(analyst.page) == ["AST3087"]
    kinds = [(row[1], row[2]) for row in looks(pages)]
    assert kinds == [
        ("search", "allowed"),
        ("search_save", "allowed"),
        ("search_saved_show", "allowed"),
        ("search_saved_show", "allowed"),
        ("search", "refused"),
        ("search", "allowed"),
    ]
    result = pages.database.rows(
        "SELECT other, change FROM platestream.inquiry_log WHERE kind LIKE 'search_sa%'"
    )
    assert not any("AST" in word for row in result for word in row)


def test_saved_searches_are_ones_own_and_deletable(pages: Pages, analyst: Person) -> None:
    analyst.send("/search", way="search", plate="AST*", case_number=CASE)
    (save,) = re.findall(r'action="(/search/[^"]+/save)"', analyst.page)
    analyst.send(save, name="mine")
    analyst.send(save, name="mine")  # the same name: replaced
    (one,) = saved_ids(analyst.page)
    pages.staff(person("bob", "analyst"))
    other = pages.browser("bob")
    other.get("/search/saved")
    assert "mine" not in other.page
    for act in ("open", "delete"):
        assert other.send(f"/search/saved/{act}", saved=one).status_code == 409
        other.get("/search/saved")
    assert other.send(save, name="theirs").status_code == 410
    analyst.send("/search/saved/delete", saved=one)
    assert "No saved searches" in text(analyst.page)
    assert "AST" not in (pages.data / saved.FILE).read_text()


def test_a_saved_search_expires_with_the_detections_and_is_gone_from_the_disk(
    pages: Pages, analyst: Person
) -> None:
    analyst.send("/search", way="search", plate="AST*", case_number=CASE)
    (save,) = re.findall(r'action="(/search/[^"]+/save)"', analyst.page)
    analyst.send(save, name="old")
    file = pages.data / saved.FILE
    assert file.stat().st_mode & 0o077 == 0
    old = json.loads(file.read_text())
    for one in old.values():
        one["saved_at"] = (NOW - timedelta(days=31)).isoformat()
    file.write_text(json.dumps(old))
    pages.staff(person("adm", "administrator"))
    receipt = retention.run(door_of(pages.database, "adm", data=pages.settings.data))
    assert f"{saved.FILE}: 1" in receipt.record
    assert "AST" not in file.read_text()


def test_the_command_saves_and_runs_again(
    pages: Pages, analyst: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(pages, "AST3087", vehicle=Vehicle(colour="gray"))
    put(pages, "AST3088", vehicle=Vehicle(colour="red"))
    monkeypatch.setenv("PLATESTREAM_CLICKHOUSE", pages.database.dsn)
    monkeypatch.setenv("PLATESTREAM_DATA", str(pages.data))
    signed_in_as(monkeypatch, "ana")
    run = partial(CliRunner().invoke, cli)
    first = run(["search", "AST*", "--color", "gray", "--case", CASE, "--save", "gray ones", "--json"])
    again = run(["search", "--saved", "gray ones", "--case", "26-005678", "--json"])
    assert (first.exit_code, again.exit_code) == (0, 0), first.output + again.output
    assert [json.loads(one.stdout.splitlines()[0])["plate"] for one in (first, again)] == ["AST3087"] * 2
    searches = [row for row in looks(pages, "platestream search") if row[1] == "search"]
    assert [row[3] for row in searches] == [CASE, "26-005678"]
    assert run(["search", "--saved", "none", "--case", CASE]).exit_code == 1
    assert "has its own plate" in run(["search", "AST*", "--saved", "gray ones"]).output
    analyst.get("/search/saved")
    assert "gray ones" in analyst.page
