"""Somebody who would act with another person's password, code or token (issue 27, row 10)."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path
from typing import Any

import msgspec
import pytest
from typer.testing import CliRunner, Result

from platestream.access import accounts, accounts_audit, gate, registry, tokens
from platestream.access.inquire import RefusedInquiry
from platestream.audit.yearly import draw as drawing
from platestream.cli.main import app
from platestream.edges.clickhouse_client import AUDITOR
from platestream.policy import service as checking
from platestream.policy.checks.context import CheckData
from platestream.policy.table import CHECKS
from platestream.schemas.message import RefusedError
from tests.support.console import PASSWORD, Pages, Person
from tests.support.database import Database
from tests.support.door import door_of, person, signed_in_as

OWN = "a phrase of my own"


@pytest.fixture
def pages(database: Database, tmp_path: Path) -> Pages:
    made = Pages(database, tmp_path / "data")
    made.staff(
        person("lee", "administrator"),
        person("maier", "administrator"),
        person("smith", "analyst"),
        person("doe", "officer"),
        person("aud", "auditor"),
    )
    return made


def code_for(pages: Pages, who: str = "smith", by: str = "lee") -> str:
    return accounts.invite(door_of(pages.database, by, data=pages.data), who, pages.clock())[0]


def redeem(browser: Person, code: str, who: str = "smith", password: str = OWN) -> Any:
    fields = {"who": who, "code": code, "password": password, "again": password}
    answer = browser.client.post("/redeem", data=fields)
    browser.page = answer.text
    return answer


def called(pages: Pages, monkeypatch: pytest.MonkeyPatch, who: str, *words: str, typed: str = "") -> Result:
    monkeypatch.setenv("PLATESTREAM_CLICKHOUSE", pages.database.dsn)
    monkeypatch.setenv("PLATESTREAM_DATA", str(pages.data))
    signed_in_as(monkeypatch, who)
    return CliRunner().invoke(app, words, input=typed)


def acts(pages: Pages, kind: str) -> list[tuple[str, str, str]]:
    rows: list[tuple[str, str, str]] = pages.database.rows(
        "SELECT who, outcome, change FROM platestream.inquiry_log WHERE kind = {kind:String} ORDER BY at",
        kind=kind,
    )
    return rows


def look(pages: Pages, who: str) -> str:
    done = door_of(pages.database, who, data=pages.data)
    gate.search(
        done.client("platestream_analyst"), **done.documentation(case_number="26-001234"), pattern="ABC*"
    )
    return str(pages.database.value("SELECT argMax(inquiry_id, at) FROM platestream.inquiry_log"))


def test_an_administrator_cannot_type_a_colleagues_password_anywhere(
    pages: Pages, monkeypatch: pytest.MonkeyPatch
) -> None:
    lee = pages.browser("lee")
    lee.get("/administration/people/smith")
    assert 'name="password"' not in lee.page
    sent = lee.send("/administration/people/password", id="smith", password=OWN, again=OWN)
    assert sent.status_code in (404, 405)
    done = called(pages, monkeypatch, "lee", "account", "set", "smith", typed=f"{OWN}\n{OWN}\n")
    assert done.exit_code == 0
    assert not accounts.passwords(pages.settings).proven("smith", OWN)
    assert re.fullmatch(r"([0-9a-f]{4}-){7}[0-9a-f]{4}\n", done.stdout)


def test_a_code_counts_once_and_its_redemption_is_on_record_with_its_place(pages: Pages) -> None:
    code = code_for(pages)
    assert pages.browser().sign_in("smith").status_code == 401, "the reset ended the password"
    browser = pages.browser()
    assert "Your password is set" in redeem(browser, code).text
    assert browser.sign_in("smith", OWN).status_code == 200
    assert redeem(pages.browser(), code, password="another long one").status_code == 401
    assert browser.get("/search").url.path == "/search"
    ((who, outcome, change),) = acts(pages, "account_redeem")
    assert (who, outcome) == ("smith", "allowed")
    assert re.match(r"the code that lee made at .* UTC; redeemed on the console from testclient$", change)
    assert acts(pages, "account_code")[0][2].startswith("a reset: no password any more, and a code until ")


def test_the_person_is_shown_who_reset_the_password_and_where_the_code_was_redeemed(pages: Pages) -> None:
    redeem(pages.browser(), code_for(pages))
    for _sign_in in range(2):  # whoever signs in first does not take the notice from the next
        browser = pages.browser()
        browser.sign_in("smith", OWN)
        assert "A one-time code was made for your account" in browser.get("/search").text
        page = unescape(browser.get("/account").text)
        assert "the password was reset" in page
        assert "lee" in page
        assert "on the console from testclient" in page
        assert "A one-time code was made" not in browser.get("/search").text
    pages.clock.forward(days=15)
    late = pages.browser()
    late.sign_in("smith", OWN)
    assert "A one-time code was made for your account" not in late.get("/search").text


def test_an_administrator_who_redeems_a_colleagues_code_is_named_by_the_record(pages: Pages) -> None:
    lee = pages.browser("lee")
    lee.get("/administration/people/smith")
    page = lee.send("/administration/people/code", id="smith").text
    code = re.findall(r'class="code">([^<]+)<', page)[0]
    assert "Your password is set" in redeem(lee, code).text
    ((_who, _outcome, change),) = acts(pages, "account_redeem")
    assert "asked for on the console from testclient" in change
    assert change.endswith("redeemed on the console from testclient, in a browser where lee is signed in")


def test_the_next_search_after_a_redemption_is_audited_and_stands_in_the_auditors_list(
    pages: Pages, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        look(pages, "smith")
    redeem(pages.browser(), code_for(pages))
    followed = look(pages, "smith")
    look(pages, "smith")
    now = datetime.now(UTC)
    door = door_of(pages.database, "aud", data=pages.data)
    listed = accounts_audit.resets(door, now)
    assert [(one.kind, one.by, str(one.search)) for one in listed] == [
        ("account_redeem", "smith", followed),
        ("account_code", "lee", "None"),
    ]
    assert followed[:8] in called(pages, monkeypatch, "aud", "account", "resets").stdout
    monkeypatch.setattr(drawing, "choose", lambda *_told: [])
    drawn = drawing.draw(door, now.year, now + timedelta(seconds=1))
    (_entry, made), *_others = drawing.draws(pages.database.client(AUDITOR))
    assert [str(one) for one in made.after_reset] == [followed]
    assert [str(one) for one in made.inquiries] == [followed]
    assert drawing.verify_draw(pages.database.client(AUDITOR), made) == []
    assert drawn.number == 1


def test_a_draw_that_leaves_out_what_followed_a_reset_is_found(pages: Pages) -> None:
    redeem(pages.browser(), code_for(pages))
    look(pages, "smith")
    now, client = datetime.now(UTC), pages.database.client(AUDITOR)
    population = drawing.inquiries_between(client, now - timedelta(days=1), now + timedelta(seconds=1))
    fields: dict[str, Any] = {"inquiries_since": now - timedelta(days=1), "drawn_at": now}
    doctored = drawing.Draw(
        **fields,
        inquiries_until=now + timedelta(seconds=1),
        year=now.year,
        seed="07",
        population=len(population),
        population_sha256=drawing.digest(population),
        inquiries=[],
        use_since=now.date(),
        use_until=now.date(),
        use_population=0,
        use=[],
        browsing=True,
    )
    assert drawing.verify_draw(client, doctored) == ["the seed gives other inquiries than were drawn"]


def test_a_search_later_than_a_day_after_or_before_the_redemption_is_drawn_by_chance_only(
    pages: Pages,
) -> None:
    look(pages, "smith")
    redeem(pages.browser(), code_for(pages))
    now = datetime.now(UTC)
    client = pages.database.client(AUDITOR)
    assert accounts_audit.searched_after_reset(client, now - timedelta(days=1), now) == []


@pytest.mark.parametrize("hours", [24, 30, 24 * 365])
def test_a_code_that_has_ended_is_worth_nothing(pages: Pages, hours: int) -> None:
    code = code_for(pages)
    pages.clock.forward(hours=hours)
    assert redeem(pages.browser(), code).status_code == 401
    assert accounts.passwords(pages.settings).version("smith") == ""
    assert acts(pages, "account_redeem") == []


def test_guessing_codes_is_slowed_down_and_says_nothing_of_who_has_one(pages: Pages) -> None:
    code = code_for(pages)
    pages_of = []
    for who in ("smith", "aud", "nobody"):
        browser = pages.browser()
        answers = [redeem(browser, f"{number:032x}", who) for number in range(6)]
        assert [one.status_code for one in answers] == [401] * 5 + [429]
        pages_of.append(answers[0].text.replace(f'value="{who}"', "X"))
    assert len(set(pages_of)) == 1
    assert redeem(pages.browser(), code).status_code == 429
    pages.clock.forward(minutes=5)
    assert "Your password is set" in redeem(pages.browser(), code).text


def test_a_code_is_for_its_person_alone(pages: Pages) -> None:
    code = code_for(pages, "smith")
    assert redeem(pages.browser(), code, "maier").status_code == 401
    assert pages.browser().sign_in("maier").status_code == 200
    assert "Your password is set" in redeem(pages.browser(), code.upper().replace("-", " ")).text


def test_a_newer_code_ends_the_one_before(pages: Pages) -> None:
    first, second = code_for(pages), code_for(pages, by="maier")
    assert redeem(pages.browser(), first).status_code == 401
    assert "Your password is set" in redeem(pages.browser(), second).text


def test_of_many_that_redeem_a_code_at_once_one_does(pages: Pages) -> None:
    code, now = code_for(pages), pages.clock()

    def one(number: int) -> bool:
        try:
            accounts.redeem(pages.console.door("smith"), code, f"a long password {number}", now, "here")
        except accounts.CodeError:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(one, range(4))) == [False, False, False, True]


def test_a_code_of_a_deactivated_person_is_worth_nothing_also_when_they_come_back(pages: Pages) -> None:
    code = code_for(pages)
    registry.end(door_of(pages.database, "lee", data=pages.data), "user", "smith", pages.clock())
    pages.clock.forward(seconds=3)
    assert redeem(pages.browser(), code).status_code == 401
    pages.put(person("smith", "analyst"))
    assert redeem(pages.browser(), code).status_code == 401
    pages.put(person("smith", "analyst", active=False))
    assert redeem(pages.browser(), code_for(pages)).status_code == 401


def test_a_code_of_somebody_who_is_not_registered_sets_nothing(pages: Pages) -> None:
    answer = redeem(pages.browser(), code_for(pages, "stranger"), "stranger")
    assert answer.status_code == 403
    assert "not a registered user" in unescape(answer.text)
    assert accounts.passwords(pages.settings).version("stranger") == ""


def test_nobody_but_an_administrator_makes_a_code(pages: Pages) -> None:
    for by in ("smith", "aud", "nobody"):
        with pytest.raises(RefusedInquiry):
            code_for(pages, "maier", by)
    assert pages.browser().sign_in("maier").status_code == 200


def test_neither_file_nor_log_holds_a_code(pages: Pages) -> None:
    code = code_for(pages)
    plain = code.replace("-", "")
    for file in (pages.data / "accounts").iterdir():
        assert plain.encode() not in file.read_bytes().replace(b"-", b"")
        assert file.stat().st_mode & 0o077 == 0
    assert plain not in str(pages.database.rows("SELECT * FROM platestream.inquiry_log")).replace("-", "")


def test_ones_own_password_is_changed_with_the_current_one_only(
    pages: Pages, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser, other = pages.browser("smith"), pages.browser("smith")
    browser.get("/account")
    fields = {"password": OWN, "again": OWN}
    assert browser.send("/account/password", current="not the current one", **fields).status_code == 409
    assert "Your password is set" in browser.send("/account/password", current=PASSWORD, **fields).text
    assert other.get("/search").url.path == "/sign-in"
    wrong = called(pages, monkeypatch, "smith", "account", "set", typed="wrong\nanother long one\n")
    assert isinstance(wrong.exception, RefusedError)
    right = called(pages, monkeypatch, "smith", "account", "set", typed=f"{OWN}\nanother long one\n")
    assert right.exit_code == 0
    assert accounts.passwords(pages.settings).proven("smith", "another long one")
    assert [outcome for _who, outcome, _change in acts(pages, "account_change")] == [
        "refused",
        "allowed",
        "refused",
        "allowed",
    ]


def test_whose_password_was_taken_away_gives_themselves_none(
    pages: Pages, monkeypatch: pytest.MonkeyPatch
) -> None:
    accounts.remove(door_of(pages.database, "lee", data=pages.data), "smith")
    for words in (("account", "set"), ("account", "set", "--forgotten")):
        refused = called(pages, monkeypatch, "smith", *words, typed=f"{OWN}\n")
        assert isinstance(refused.exception, RefusedInquiry)
    assert accounts.passwords(pages.settings).version("smith") == ""


def test_who_starts_the_first_system_sets_their_own_password(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages = Pages(database, tmp_path / "data")
    done = called(pages, monkeypatch, "first", "account", "set", typed=f"{OWN}\n")
    assert done.exit_code == 0
    assert pages.browser().sign_in("first", OWN).status_code == 200


def test_a_token_is_taken_by_its_person_alone_and_once(pages: Pages) -> None:
    lee, smith = (door_of(pages.database, who, data=pages.data) for who in ("lee", "smith"))
    permit, text = tokens.make(lee, "smith", "CAD", ["hits"], pages.clock(), 90)
    assert text == ""
    with pytest.raises(RefusedError):
        tokens.take(lee, permit.id, pages.clock(), "here")
    kept = tokens.stored_tokens(pages.settings)
    assert kept.find(f"platestream_{permit.id}_", pages.clock()) is None
    browser = pages.browser("smith")
    browser.get("/account")
    shown = browser.send("/account/token", id=permit.id).text
    taken = re.findall(r'class="code">([^<]+)<', shown)[0]
    assert kept.find(taken, pages.clock()) is not None
    with pytest.raises(RefusedError):
        tokens.take(smith, permit.id, pages.clock(), "here")


def test_a_reset_by_one_administrator_is_shown_to_the_other_it_locked_out(pages: Pages) -> None:
    """Administrators can lock each other out, but neither without the other seeing it."""
    code_for(pages, "maier", "lee")
    assert pages.browser().sign_in("maier").status_code == 401
    redeem(pages.browser(), code_for(pages, "maier", "maier"), "maier")
    browser = pages.browser()
    browser.sign_in("maier", OWN)
    assert "lee" in browser.get("/account").text


def check(pages: Pages, days: float) -> Any:
    """The policy check of resets, so many days from now."""
    door = door_of(pages.database, "aud", data=pages.data)
    live = CheckData.of(door, datetime.now(UTC) + timedelta(days=days))
    (result,) = checking.run(live, [one for one in CHECKS if one.name == "resets"])
    return result


def review(pages: Pages, who: str = "aud") -> None:
    accounts_audit.resets(door_of(pages.database, who, data=pages.data), datetime.now(UTC))


def test_a_reset_that_no_auditor_reviewed_is_found_after_a_month(pages: Pages) -> None:
    assert check(pages, 0).outcome == "not_checked"
    review(pages)  # before it, so not of it
    code_for(pages)
    assert check(pages, 29).outcome == "held"
    result = check(pages, 31)
    assert result.outcome == "not_held"
    assert "platestream account resets" in result.faults[0]
    review(pages)
    assert check(pages, 31).outcome == "held"


@pytest.mark.parametrize("who", ["lee", "smith", "LEE", "double"])
def test_a_review_by_who_made_the_code_or_got_it_is_none(pages: Pages, who: str) -> None:
    pages.put(
        person("lee", "administrator", "auditor"),
        person("smith", "analyst", "auditor"),
        person("LEE", "auditor"),
        msgspec.structs.replace(person("double", "auditor"), employee_number="E-lee"),
    )
    code_for(pages)
    review(pages, who)
    assert check(pages, 31).outcome == "not_held"


def test_a_code_that_ends_with_the_account_first_is_reviewed_as_a_reset(pages: Pages) -> None:
    accounts.remove(door_of(pages.database, "lee", data=pages.data), "smith")
    code_for(pages)
    assert check(pages, 31).outcome == "not_held"


def test_the_search_after_a_reset_that_no_audit_drew_is_found(pages: Pages) -> None:
    code = code_for(pages)
    redeem(pages.browser(), code)
    look(pages, "smith")
    review(pages)
    assert check(pages, 2).outcome == "held"
    result = check(pages, 400)
    assert result.outcome == "not_held"
    assert "never drawn" in result.faults[0]


def test_a_yearly_audit_draws_the_search_after_a_reset_of_all_the_time_since_the_audit_before(
    pages: Pages,
) -> None:
    """Also of the half year that K.3 does not draw from."""
    redeem(pages.browser(), code_for(pages))
    followed = look(pages, "smith")
    door, later = door_of(pages.database, "aud", data=pages.data), datetime.now(UTC) + timedelta(days=300)
    pages.database.client().command(
        "INSERT INTO platestream.inquiry_log SELECT * REPLACE (generateUUIDv4() AS entry,"
        f" generateUUIDv4() AS inquiry_id, at + toIntervalDay(290) AS at)"
        f" FROM (SELECT * FROM platestream.inquiry_log WHERE inquiry_id = '{followed}')"
    )
    drawing.draw(door, later.year, later)
    ((_entry, made),) = drawing.draws(pages.database.client(AUDITOR))
    assert [str(one) for one in made.after_reset] == [followed]
    assert drawing.verify_draw(pages.database.client(AUDITOR), made) == []
    review(pages)
    assert check(pages, 400).outcome == "held"


def test_an_audit_that_left_it_out_does_not_cover_it(pages: Pages, monkeypatch: pytest.MonkeyPatch) -> None:
    redeem(pages.browser(), code_for(pages))
    look(pages, "smith")
    door, later = door_of(pages.database, "aud", data=pages.data), datetime.now(UTC) + timedelta(days=3)
    monkeypatch.setattr(drawing, "choose", lambda *_told: [])
    monkeypatch.setattr(drawing, "searched_after_reset", lambda *_told: [])
    drawing.draw(door, later.year, later)
    review(pages)
    assert check(pages, 4).outcome == "not_held"


def test_an_auditor_reviews_resets_on_the_console_and_others_do_not(pages: Pages) -> None:
    code = code_for(pages)
    redeem(pages.browser(), code)
    followed = look(pages, "smith")
    page = unescape(pages.browser("aud").get("/audit/resets").text)
    assert followed in page
    assert "a reset: no password any more" in page
    assert code not in page
    assert check(pages, 31).outcome == "held"
    assert pages.browser("doe").get("/audit/resets").status_code == 403


def test_a_person_reads_at_the_command_line_what_happened_to_their_account_and_of_no_other(
    pages: Pages, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = code_for(pages)
    for who, result in (("smith", True), ("maier", False)):
        shown = called(pages, monkeypatch, who, "account", "resets", "--own")
        assert shown.exit_code == 0
        assert ("reset" in shown.stdout, "lee" in shown.stdout) == (result, result)
        assert code not in shown.stdout
