"""Files of the hot list in the console: imported after a look, once, by who may."""

import re
from html import unescape

import pytest

from platestream.hotlist.list_changes import Import
from platestream.hotlist.pages.hotlist import _changes
from platestream.web import cookies
from platestream.web.sessions import Upload
from tests.support.console import Pages, Person
from tests.support.listing import HEAD, TOLD, confirm, figure, file, log, look_at, now_listed, put


def held_upload(pages: Pages, browser: Person) -> Upload:
    """The file that waits for confirmation."""
    session = pages.console.session(browser.client.cookies[cookies.COOKIE])
    assert session is not None
    kept = session.uploads.last(pages.clock())
    assert kept is not None
    return kept


def test_an_import_is_looked_at_before_it_changes_anything(pages: Pages, lister: Person) -> None:
    put(pages, *({"reference": str(number)} for number in range(1, 11)))
    before = now_listed(pages)
    changed = file(*map(str, range(2, 10)), "11", "12", bad=1) + file("10", reason="Changed")[len(HEAD) + 1 :]
    assert look_at(lister, changed).status_code == 200
    assert [figure(lister, name) for name in ("Added", "Changed", "Removed", "Refused lines")] == [
        *("2", "1", "1", "1")
    ]
    assert "line 12: 1 columns, expected 14 as in line 1" in unescape(lister.page)
    assert "sjpd:1</li>" in lister.page
    assert now_listed(pages) == before
    assert log(pages, "hotlist_import") == []
    assert confirm(lister, back="yes").status_code == 200
    assert "List imported" in lister.page
    assert set(now_listed(pages)) == {f"sjpd:{number}" for number in range(2, 13)}
    assert log(pages, "hotlist_import")[0] == ("vale", "allowed", "sjpd: import")


def test_a_file_waits_for_ten_minutes_in_its_own_session_and_is_imported_once(
    pages: Pages, lister: Person
) -> None:
    look_at(lister, file("1"))
    waiting = lister.page
    other = pages.browser("adm")
    other.get("/hotlist/import")
    (upload,) = re.findall(r'name="upload" value="([^"]+)"', waiting)
    assert other.send("/hotlist/import/sure", upload=upload).status_code == 409
    pages.clock.forward(minutes=11)
    assert confirm(lister).status_code == 409
    assert "The file has expired" in lister.page
    assert now_listed(pages) == {}
    look_at(lister, file("1"))
    waiting = lister.page
    look_at(lister, file("2"))
    lister.page, newer = waiting, lister.page
    assert confirm(lister).status_code == 409
    lister.page = newer
    assert confirm(lister).status_code == 200
    assert list(now_listed(pages)) == ["sjpd:2"]
    lister.page = newer
    assert confirm(lister).status_code == 409


def test_a_list_that_changed_since_the_look_is_looked_at_again(pages: Pages, lister: Person) -> None:
    put(pages, {"reference": "1"})
    look_at(lister, file("1", "2"))
    put(pages, {"reference": "3"})
    assert confirm(lister).status_code == 409
    assert "the list has changed since the preview" in lister.page
    assert figure(lister, "Removed") == "1"
    assert set(now_listed(pages)) == {"sjpd:1", "sjpd:3"}
    assert confirm(lister).status_code == 200
    assert set(now_listed(pages)) == {"sjpd:1", "sjpd:2"}


@pytest.mark.parametrize("content", [b"", HEAD.encode(), file("1", bad=2)])
def test_a_file_that_looks_damaged_is_forced_by_the_administrator_alone_who_says_why(
    pages: Pages, lister: Person, content: bytes
) -> None:
    put(pages, {"reference": "1"}, {"reference": "2"})
    if not content:
        assert look_at(lister, content).status_code == 409
        return
    look_at(lister, content)
    assert "The file looks empty, cut off or damaged" in lister.page
    assert 'name="force"' not in lister.page
    (proof, *_same) = re.findall(r'name="csrf" value="([^"]+)"', lister.page)
    kept = held_upload(pages, lister)
    for why in ("", "The state police ended this list"):
        fields = {"csrf": proof, "upload": kept.name, "force": why}
        assert lister.client.post("/hotlist/import/sure", data=fields).status_code in (403, 409)
    assert len(now_listed(pages)) == 2
    admin = pages.browser("adm")
    look_at(admin, content)
    assert confirm(admin, force="x").status_code == 403
    assert len(now_listed(pages)) == 2
    assert confirm(admin, force="The state police ended this list").status_code == 200
    assert set(now_listed(pages)) <= {"sjpd:1"}
    assert ("vale", "refused", "sjpd: import") in log(pages, "hotlist_force")
    assert log(pages, "hotlist_force")[-1][:2] == ("adm", "allowed")


def test_who_may_not_import_is_refused_and_on_record(pages: Pages, lister: Person) -> None:
    officer = pages.browser("ofc")
    officer.get("/hotlist")
    assert "/hotlist/import" not in officer.page
    officer.get("/hotlist/import")
    assert "supervisor or administrator" in officer.page
    look_at(officer, file("1"))
    assert 'name="upload"' not in officer.page
    kept = held_upload(pages, officer)
    assert officer.send("/hotlist/import/sure", upload=kept.name).status_code == 403
    assert now_listed(pages) == {}
    assert log(pages, "hotlist_import") == [("ofc", "refused", "sjpd: import")]


@pytest.mark.parametrize(
    ("content", "source", "said"),
    [
        (b"a,b\n1,2\n", "sjpd", "line 1 has 2 unknown columns"),
        (b"\xff\xfea\x00", "sjpd", "UTF-16"),
        (file("1"), "nobody", "`source` is not designated"),
    ],
)
def test_a_file_that_is_no_list_of_the_source_is_refused_with_the_reason(
    pages: Pages, lister: Person, content: bytes, source: str, said: str
) -> None:
    assert look_at(lister, content, source=source).status_code == 409
    assert said in unescape(lister.page)
    assert lister.send("/hotlist/import").status_code == 400
    assert "Choose a file." in lister.page


def test_what_was_typed_or_sent_is_text_and_never_a_tag(pages: Pages, lister: Person) -> None:
    tag = "<script>alert(1)</script>"
    lister.get("/hotlist/new")
    lister.send("/hotlist/new", **{**TOLD, "reason": tag, "marks": f"sticker={tag}"})
    for path in ("/hotlist/entry", "/hotlist/change", "/hotlist/remove"):
        lister.send(path, entry="sjpd:26-1")
        assert tag not in lister.page
        assert "&lt;script&gt;" in lister.page
        lister.get("/hotlist")
        assert tag not in lister.page
    lister.send("/hotlist", reference=tag)
    assert tag not in lister.page
    look_at(lister, file("1"), name=f"{tag}.csv")
    assert tag not in lister.page
    lister.get("/hotlist/new")
    lister.send("/hotlist/new", **{**TOLD, "expires_at": tag, "other": f"</textarea>{tag}"})
    assert tag not in lister.page


def test_what_a_file_comes_to_counts_what_is_added_and_what_goes() -> None:
    assert _changes(Import("sjpd", removed=["sjpd:1"], added=2)) == (2, 1, 0)
