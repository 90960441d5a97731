"""Passkeys: another site, a stolen answer or challenge, a copied device, and ways around them."""

import re
from pathlib import Path
from typing import Any

import pytest

from platestream.access import accounts
from platestream.access.factor_file import Factor
from platestream.access.passkey_file import passkeys
from platestream.access.second_factor import passkey_codes
from platestream.policy.checks import sign_ins
from platestream.policy.checks.context import CheckData
from tests.support.authenticator import Device
from tests.support.console import PASSWORD, Pages, Person
from tests.support.database import Database
from tests.support.door import door_of, person
from tests.support.factors import FACTOR, admitted, code_of, enrolled, later, recovery_codes, require

USE = "/sign-in/passkey"


@pytest.fixture
def pages(database: Database, tmp_path: Path) -> Pages:
    made = Pages(database, tmp_path / "data")
    made.staff(person("vale", "officer"), person("lee", "administrator"), person("ana", "analyst"))
    return made


def challenge(browser: Person, path: str = f"{USE}/options", **fields: str) -> str:
    answer = browser.client.post(path, data=fields or {"csrf": ""})
    assert answer.status_code == 200, answer.text
    return str(answer.json()["challenge"])


def proof(browser: Person) -> str:
    browser.get("/account")
    return str(re.findall(r'name="csrf" value="([^"]+)"', browser.page)[0])


def with_passkey(pages: Pages, who: str = "vale", **device: Any) -> tuple[Person, Device]:
    """A browser of a person without a second factor who adds a passkey, which the password proves."""
    browser, made = pages.browser(who), Device(**device)
    asked = challenge(browser, "/account/passkey/options", csrf=proof(browser))
    browser.send("/account/passkey", credential=made.make(asked), name="Phone", password=PASSWORD)
    return browser, made


def sign_in(browser: Person, answer: str) -> Any:
    return browser._shown(browser.client.post(USE, data={"credential": answer, "where": "/hits"}))


def acts(pages: Pages, kind: str = "account_passkey") -> list[tuple[Any, ...]]:
    sql = f"SELECT who, outcome, change FROM platestream.inquiry_log WHERE kind = '{kind}' ORDER BY at"
    return list(pages.database.rows(sql))


def test_a_passkey_signs_its_person_in_without_name_and_password(pages: Pages) -> None:
    browser, device = with_passkey(pages)
    assert browser.get("/account").status_code == 200
    assert "Phone" in browser.page
    fresh = pages.browser()
    assert sign_in(fresh, device.use(challenge(fresh))).url.path == "/hits"
    assert "vale" in fresh.page
    ((who, outcome, change),) = acts(pages)
    assert (who, outcome) == ("vale", "allowed")
    assert change.startswith("a passkey for localhost, added on the console from")


def test_it_satisfies_the_rule_and_a_password_alone_does_not_any_more(pages: Pages) -> None:
    _browser, device = with_passkey(pages)
    require(pages, "everybody")
    thief = pages.browser("vale")
    assert "your account asks for a passkey beside the password" in thief.page
    assert "authenticator app on your phone" not in thief.page, "nobody else sets up an app"
    assert thief.send(FACTOR, code="123456").status_code == 401
    assert not admitted(thief)
    sign_in(thief, device.use(challenge(thief)))
    assert admitted(thief)


@pytest.mark.parametrize(
    "wrong",
    [
        {"origin": "https://localhost.elsewhere.example"},
        {"origin": "http://localhost"},
        {"host": "elsewhere.example"},
        {"verified": False},
    ],
)
def test_an_answer_for_another_site_or_without_finger_face_or_pin_is_refused(
    pages: Pages, wrong: dict[str, Any]
) -> None:
    _browser, device = with_passkey(pages)
    for name, value in wrong.items():
        setattr(device, name, value)
    thief = pages.browser()
    assert sign_in(thief, device.use(challenge(thief))).status_code == 401
    assert not admitted(thief)
    other = Device(**wrong)
    owner = pages.browser("ana")
    asked = challenge(owner, "/account/passkey/options", csrf=proof(owner))
    sent = owner.send("/account/passkey", credential=other.make(asked), name="Phone", password=PASSWORD)
    assert sent.status_code == 403
    assert passkeys(pages.settings).of("ana") == ()


def test_an_answer_counts_once_for_its_challenge_in_its_browser_and_for_minutes(pages: Pages) -> None:
    _browser, device = with_passkey(pages)
    owner, thief = pages.browser(), pages.browser()
    answer = device.use(challenge(owner))
    challenge(thief)
    assert sign_in(thief, answer).status_code == 401, "stolen on the way, and sent from another browser"
    assert sign_in(owner, answer).url.path == "/hits"
    assert sign_in(owner, answer).status_code == 401, "sent again"
    assert sign_in(thief, device.use("AAAA")).status_code == 401, "a challenge of the thief's own"
    late = device.use(challenge(thief))
    pages.clock.forward(minutes=6)
    assert sign_in(thief, late).status_code == 401
    assert not admitted(thief)


def test_a_device_whose_counter_goes_back_is_a_copy_and_refused(pages: Pages) -> None:
    _browser, device = with_passkey(pages)
    owner = pages.browser()
    device.count = 7
    sign_in(owner, device.use(challenge(owner)))
    assert admitted(owner)
    for count in (3, 7):
        copy = Device(ident=device.ident, key=device.key, count=count)
        thief = pages.browser()
        assert sign_in(thief, copy.use(challenge(thief))).status_code == 401
        assert not admitted(thief)


def test_another_key_under_a_known_id_and_an_unknown_device_are_refused(pages: Pages) -> None:
    _browser, device = with_passkey(pages)
    for other in (Device(ident=device.ident), Device()):
        thief = pages.browser()
        assert sign_in(thief, other.use(challenge(thief))).status_code == 401
    ana = pages.browser("ana")
    asked = challenge(ana, "/account/passkey/options", csrf=proof(ana))
    made = Device(ident=device.ident).make(asked)
    assert ana.send("/account/passkey", credential=made, name="Mine", password=PASSWORD).status_code == 400


@pytest.mark.parametrize("sent", ["", "{}", "[]", "9" * 40, '{"id": 1}', "\x00", '{"id":"","rawId":""}'])
def test_what_is_no_answer_is_refused(pages: Pages, sent: str) -> None:
    thief = pages.browser()
    challenge(thief)
    assert sign_in(thief, sent).status_code == 401


def test_a_thief_of_the_session_adds_no_passkey_and_removes_none(pages: Pages) -> None:
    owner, device = with_passkey(pages)
    thief, own = pages.browser(), Device()
    thief.client.cookies.update(owner.client.cookies)
    asked = challenge(thief, "/account/passkey/options", csrf=proof(thief))
    added = thief.send("/account/passkey", credential=own.make(asked), name="Mine", password=PASSWORD)
    assert "Confirm with your second factor" in added.text
    thief.get("/account")
    (ident,) = re.findall(r'name="id" value="([^"]+)"', thief.page)
    removed = thief.send("/account/passkey/remove", id=ident)
    assert "Confirm with your second factor" in removed.text
    thief.get("/account/factor")
    assert thief.send("/account/factor", code="123456").status_code == 403
    assert [one.passkey.name for one in passkeys(pages.settings).of("vale")] == ["Phone"]
    assert device.count == 0


def confirm(browser: Person, path: str, device: Device) -> Any:
    (held,) = set(re.findall(r'name="confirmed_form" value="([^"]+)"', browser.page))
    csrf = re.findall(r'name="csrf" value="([^"]+)"', browser.page)[0]
    asked = challenge(browser, "/account/passkey/use", csrf=csrf)
    return browser.send(path, confirmed_form=held, credential=device.use(asked))


def test_several_devices_are_added_named_and_removed_by_their_person(pages: Pages) -> None:
    owner, device = with_passkey(pages)
    second = Device()
    asked = challenge(owner, "/account/passkey/options", csrf=proof(owner))
    owner.send("/account/passkey", credential=second.make(asked), name="Desk key")
    confirm(owner, "/account/passkey", device)
    assert [one.passkey.name for one in passkeys(pages.settings).of("vale")] == ["Phone", "Desk key"]
    with_second = pages.browser()
    sign_in(with_second, second.use(challenge(with_second)))
    assert admitted(with_second)
    owner.get("/account")
    idents = re.findall(r'name="id" value="([^"]+)"', owner.page)
    owner.send("/account/passkey/remove", id=idents[1])
    confirm(owner, "/account/passkey/remove", device)
    assert not admitted(with_second), "a session ends with its passkey"
    assert admitted(owner)
    assert sign_in(with_second, second.use(challenge(with_second))).status_code == 401
    assert [change.split(",")[0] for _who, _outcome, change in acts(pages)] == [
        "a passkey for localhost",
        "a passkey for localhost",
        "no passkey any more",
    ]


def test_the_last_factor_is_not_removed_where_the_rules_require_one(pages: Pages) -> None:
    owner, device = with_passkey(pages)
    require(pages, "everybody")
    owner.get("/account")
    (ident,) = re.findall(r'name="id" value="([^"]+)"', owner.page)
    assert owner.send("/account/passkey/remove", id=ident).status_code == 409
    assert "add another one first" in owner.page
    require(pages, "nobody")
    owner.get("/account")
    owner.send("/account/passkey/remove", id=ident)
    confirm(owner, "/account/passkey/remove", device)
    assert passkeys(pages.settings).of("vale") == ()
    assert admitted(owner)
    assert admitted(pages.browser("vale")), "with the password alone again, as the rules allow"


def test_a_passkey_of_somebody_else_confirms_nothing(pages: Pages) -> None:
    owner, _device = with_passkey(pages)
    _ana, anas = with_passkey(pages, "ana")
    owner.get("/account")
    (ident,) = re.findall(r'name="id" value="([^"]+)"', owner.page)
    owner.send("/account/passkey/remove", id=ident)
    assert confirm(owner, "/account/passkey/remove", anas).status_code == 401
    assert passkeys(pages.settings).of("ana")[0].count == 1, "it was a right answer, of another person"
    assert len(passkeys(pages.settings).of("vale")) == 1


def test_a_lost_device_is_removed_with_a_reset_and_a_deactivated_person_has_none(pages: Pages) -> None:
    owner, device = with_passkey(pages)
    lee = door_of(pages.database, "lee", data=pages.data)
    accounts.invite(lee, "vale", pages.clock(), factor=True)
    assert passkeys(pages.settings).of("vale") == ()
    assert not admitted(owner)
    thief = pages.browser()
    assert sign_in(thief, device.use(challenge(thief))).status_code == 401
    _ana, anas = with_passkey(pages, "ana")
    pages.put(person("ana", "analyst", active=False))
    assert sign_in(thief, anas.use(challenge(thief))).status_code == 403


def test_a_password_reset_ends_what_a_passkey_began(pages: Pages) -> None:
    _owner, device = with_passkey(pages)
    browser = pages.browser()
    sign_in(browser, device.use(challenge(browser)))
    assert admitted(browser)
    accounts.invite(door_of(pages.database, "lee", data=pages.data), "vale", pages.clock())
    assert not admitted(browser)


def test_beside_an_app_either_counts_and_the_app_is_not_replaced_without_one_of_them(pages: Pages) -> None:
    require(pages, "everybody")
    browser, secret, _codes = enrolled(pages, "vale")
    later(pages)
    device = Device()
    asked = challenge(browser, "/account/passkey/options", csrf=proof(browser))
    browser.send("/account/passkey", credential=device.make(asked), name="Phone")
    (held,) = set(re.findall(r'name="confirmed_form" value="([^"]+)"', browser.page))
    browser.send("/account/passkey", confirmed_form=held, code=code_of(pages, secret))
    assert [one.passkey.name for one in passkeys(pages.settings).of("vale")] == ["Phone"]
    assert admitted(browser)
    other = pages.browser()
    sign_in(other, device.use(challenge(other)))
    assert admitted(other)


SET_UP = f"{FACTOR}/passkey"


def csrf_of(browser: Person) -> str:
    return str(re.findall(r'name="csrf" value="([^"]+)"', browser.page)[0])


def with_first_passkey(pages: Pages, who: str = "vale") -> tuple[Person, Device, list[str]]:
    """A browser of a person who sets up a passkey at the sign-in, and the recovery codes."""
    browser, made = pages.browser(who), Device()
    sent = {"csrf": csrf_of(browser)}
    asked = challenge(browser, f"{SET_UP}/options", **sent)
    browser._shown(browser.client.post(SET_UP, data={**sent, "credential": made.make(asked), "name": "Desk"}))
    return browser, made, recovery_codes(browser.page)


def test_where_a_factor_is_required_a_passkey_is_offered_first_and_signs_in(pages: Pages) -> None:
    require(pages, "everybody")
    page = pages.browser("vale").page
    assert page.index("Set up a passkey") < page.index("An authenticator app instead")
    browser, device, codes = with_first_passkey(pages)
    assert len(codes) == 10
    assert admitted(browser)
    fresh = pages.browser()
    sign_in(fresh, device.use(challenge(fresh)))
    assert admitted(fresh)
    assert [change.split(",")[0] for _who, _outcome, change in acts(pages)] == ["a passkey for localhost"]


def test_a_recovery_code_stands_in_for_a_lost_passkey_once_and_never_without_the_password(
    pages: Pages,
) -> None:
    require(pages, "everybody")
    _browser, _device, codes = with_first_passkey(pages)
    again = pages.browser("vale")
    assert "Without the device, enter one of your recovery codes" in again.page
    again.send(FACTOR, code=codes[0])
    assert admitted(again)
    again.get("/account")
    assert "9 of 10 recovery codes are left" in again.page
    thief = pages.browser("vale")
    assert thief.send(FACTOR, code=codes[0]).status_code == 401
    assert thief.send(FACTOR, code="123456").status_code == 401
    assert not admitted(thief)
    other = pages.browser("ana")
    assert other.send(FACTOR, code=codes[1]).status_code == 401
    assert not admitted(other)


def test_who_has_only_the_password_of_a_person_with_a_passkey_adds_none(pages: Pages) -> None:
    require(pages, "everybody")
    with_first_passkey(pages)
    thief, device = pages.browser("vale"), Device()
    sent = {"csrf": csrf_of(thief)}
    assert thief.client.post(f"{SET_UP}/options", data=sent).status_code == 403
    stranger = pages.browser("ana")
    asked = challenge(stranger, f"{SET_UP}/options", csrf=csrf_of(stranger))
    thief._shown(thief.client.post(SET_UP, data={**sent, "credential": device.make(asked), "name": "Desk"}))
    assert not admitted(thief)
    assert len(passkeys(pages.settings).of("vale")) == 1


def test_a_challenge_of_another_sign_in_adds_no_passkey(pages: Pages) -> None:
    require(pages, "everybody")
    one, other, device = pages.browser("vale"), pages.browser("ana"), Device()
    asked = challenge(one, f"{SET_UP}/options", csrf=csrf_of(one))
    sent = {"csrf": csrf_of(other), "credential": device.make(asked), "name": "Desk"}
    assert other.client.post(SET_UP, data=sent).status_code == 403
    assert passkeys(pages.settings).all() == {}


def test_a_passkey_on_the_account_comes_with_recovery_codes_that_end_with_the_last_one(pages: Pages) -> None:
    browser, device = with_passkey(pages)
    assert len(recovery_codes(browser.page)) == 10
    assert passkey_codes(pages.settings).of("vale") is not None
    (key,) = passkeys(pages.settings).of("vale")
    fresh = pages.browser()
    sign_in(fresh, device.use(challenge(fresh)))
    fresh.get("/account")
    fresh.send("/account/passkey/remove", id=key.passkey.id)
    held, *_same = re.findall(r'name="confirmed_form" value="([^"]+)"', fresh.page)
    asked = challenge(fresh, "/account/passkey/use", csrf=csrf_of(fresh))
    fresh.send("/account/passkey/remove", confirmed_form=held, credential=device.use(asked))
    assert passkeys(pages.settings).of("vale") == ()
    assert passkey_codes(pages.settings).of("vale") is None


def test_recovery_codes_of_a_passkey_that_are_put_into_the_file_are_found(pages: Pages) -> None:
    with_passkey(pages)
    live = CheckData.of(door_of(pages.database, "lee", data=pages.data), pages.clock())
    assert "recovery codes" not in "".join(sign_ins.sign_ins(live).faults)
    stored = passkey_codes(pages.settings)
    known = stored.of("vale")
    assert known is not None
    forged = Factor(known.factor.secret, known.factor.made_at, ("0" * 64,))
    stored.put("vale", forged, 0, lambda: None, stored.version("vale"))
    assert "recovery codes" in sign_ins.sign_ins(live).faults[0]
