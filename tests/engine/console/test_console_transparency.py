"""The public page in the console, where the agency wants it: without sign-in, the counted figures."""

import pytest
from starlette.testclient import TestClient

from platestream.reports import public_figures
from platestream.web.app import app
from tests.support.console import Pages
from tests.support.hits import FOUND, put_hit


def public(pages: Pages, *, published: bool = True) -> TestClient:
    return TestClient(app(pages.console, published=published), "https://localhost")


def test_everybody_sees_the_page_with_its_styles_and_no_plate_person_camera_or_small_count(
    pages: Pages,
) -> None:
    pages.staff()
    put_hit(pages.database, 1)
    with pages.console.door("") as door:
        public_figures.store(pages.console.settings, public_figures.count(door, pages.clock()))
    before = pages.database.value("SELECT count() FROM platestream.inquiry_log")
    client = public(pages)
    answer = client.get("/transparency")
    assert answer.status_code == 200
    assert "Use of license plate readers" in answer.text
    for style in ("console.css", "public.css"):
        assert f'href="{style}"' in answer.text
        assert client.get(f"/transparency/{style}").headers["content-type"].startswith("text/css")
    seen, listed = FOUND.detection, FOUND.entry
    for word in (seen.plate, seen.camera_id, listed.case_number, listed.requested_by, listed.contact, "vale"):
        assert word
        assert word not in answer.text
    assert "few" in answer.text or "No figures yet" in answer.text
    assert pages.database.value("SELECT count() FROM platestream.inquiry_log") == before


def test_before_the_first_count_the_page_says_so(pages: Pages) -> None:
    assert "No figures yet" in public(pages).get("/transparency/").text


@pytest.mark.parametrize("path", ["/transparency", "/transparency/", "/transparency/figures.json"])
def test_without_the_option_it_is_a_page_like_any_other_that_does_not_exist(pages: Pages, path: str) -> None:
    assert public(pages, published=False).get(path).status_code == 404


def test_other_pages_need_a_sign_in_as_before(pages: Pages) -> None:
    pages.staff()
    client = public(pages)
    assert (
        client.get("/transparency/../hits", follow_redirects=False).headers["location"].startswith("/sign-in")
    )
