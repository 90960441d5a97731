"""The page for everybody: figures without signing in, where the agency wants it, and never a plate."""

import re
from datetime import datetime

import pytest
from starlette.testclient import TestClient

from platestream.access.door import Door
from platestream.reports import transparency as job
from platestream.web.app import app
from tests.support.console import Pages
from tests.support.hits import FOUND, put_hit


def public(pages: Pages, *, published: bool = True) -> TestClient:
    return TestClient(app(pages.console, published=published), "https://localhost", follow_redirects=False)


def test_everybody_sees_figures_and_no_plate_person_or_camera(pages: Pages) -> None:
    pages.staff()
    put_hit(pages.database, 1)
    answer = public(pages).get("/transparency")
    assert answer.status_code == 200
    assert re.search(r"alert hits</th><td>1<", answer.text)
    assert "The half-year is not over" in answer.text
    seen, listed = FOUND.detection, FOUND.entry
    for word in (seen.plate, seen.camera_id, listed.case_number, listed.requested_by, listed.contact, "vale"):
        assert word
        assert word not in answer.text
    assert pages.database.value("SELECT count() FROM platestream.inquiry_log") == 0


def test_without_the_option_it_is_a_page_like_any_other_that_does_not_exist(pages: Pages) -> None:
    assert public(pages, published=False).get("/transparency").status_code == 404


def test_it_is_counted_once_an_hour_and_for_four_half_years(
    pages: Pages, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted: list[job.Period] = []
    figures = job.figures

    def counting(door: Door, period: job.Period, now: datetime) -> job.Transparency:
        counted.append(period)
        return figures(door, period, now)

    monkeypatch.setattr(job, "figures", counting)
    client = public(pages)
    halves = job.Period.halves(pages.clock(), 5)
    for half in halves * 2:
        known = client.get(f"/transparency/{half}").status_code
        assert known == (404 if half == halves[4] else 200)
    assert counted == [job.Period.half(half) for half in halves[:4]]
    pages.clock.forward(hours=2)
    client.get("/transparency")
    assert len(counted) == 5
    assert client.get("/transparency/x").status_code == 404
