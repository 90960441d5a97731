"""Signing in to the console by OpenID Connect, with a provider that nobody here wrote."""

import json
import logging
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey
from playwright.sync_api import expect

from platestream.access import accounts
from tests.conftest import skip_unless_ci
from tests.support.browser import chromium
from tests.support.clients import ClientUnavailableError
from tests.support.clock import NOW
from tests.support.console import Pages, Person
from tests.support.database import Database
from tests.support.door import person
from tests.support.factors import FACTOR, admitted, proven, require
from tests.support.kafka_broker import free_port
from tests.support.oidc_provider import BACK, CLIENT, CONSOLE, OTHER, SECRET, Provider, started, through
from tests.support.served import served

Claims = dict[str, Any]
ASKED = "/hits?status=confirmed"
pytestmark = pytest.mark.node


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Provider]:
    try:
        with started(tmp_path_factory.mktemp("provider")) as made:
            yield made
    except ClientUnavailableError as error:
        skip_unless_ci(str(error))


@pytest.fixture
def pages(database: Database, tmp_path: Path, provider: Provider) -> Pages:
    return console(database, tmp_path, provider)


def console(database: Database, folder: Path, provider: Provider, **told: Any) -> Pages:
    made = Pages(database, folder / "data", oidc_file=provider.file(**told))
    made.staff(person("vale", "officer"), person("maier", "officer"))
    return made


def begun(browser: Person, where: str = ASKED) -> str:
    """The provider's address that the browser is sent to."""
    answer = browser.get("/sign-in/oidc", params={"next": where}, follow_redirects=False)
    assert answer.status_code == 303, browser.page
    return str(answer.headers["location"])


def back(browser: Person, address: str) -> Any:
    """The answer to what the provider sent the browser back with."""
    assert address.startswith(CONSOLE + BACK)
    return browser.get(address.removeprefix(CONSOLE))


def refused(browser: Person, answer: Any, status: int, said: str) -> None:
    """The sign-in page says it, and nobody is signed in."""
    assert answer.status_code == status
    assert said in unescape(browser.page)
    assert 'name="password"' in browser.page
    assert browser.get("/hits").url.path == "/sign-in"


def told(caplog: pytest.LogCaptureFixture) -> str:
    """What the console put into the log."""
    return "\n".join(one.getMessage() for one in caplog.records if one.name.startswith("platestream"))


def test_a_person_signs_in_with_the_provider_and_lands_on_the_page_asked_for(
    pages: Pages, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    browser = pages.browser()
    browser.get(ASKED)
    assert "Sign in with St. Johns & Co" in unescape(browser.page)
    address = begun(browser)
    asked = parse_qs(urlsplit(address).query)
    assert asked["code_challenge_method"] == ["S256"]
    assert asked["state"] != asked["nonce"]
    came = through(address, "vale")
    answer = back(browser, came)
    assert (answer.url.path, answer.url.query) == ("/hits", b"status=confirmed")
    assert ">vale</a>" in browser.page
    (code,) = parse_qs(urlsplit(came).query)["code"]
    assert "vale signed in" in told(caplog)
    assert code not in told(caplog)


def test_claims_in_the_id_token_itself_will_do(database: Database, tmp_path: Path) -> None:
    (folder := tmp_path / "provider").mkdir()
    try:
        with started(folder, thin=False) as other:
            browser = console(database, tmp_path, other).browser()
            assert back(browser, through(begun(browser), "vale")).url.path == "/hits"
    except ClientUnavailableError as error:
        skip_unless_ci(str(error))


@pytest.mark.parametrize("where", ["https://elsewhere.example/", "//elsewhere.example", "/\\elsewhere"])
def test_it_leads_nowhere_else(pages: Pages, where: str) -> None:
    browser = pages.browser()
    assert back(browser, through(begun(browser, where), "vale")).url.host == "localhost"


def test_what_a_person_may_do_is_the_registrys(pages: Pages) -> None:
    pages.put(person("vale", "officer", active=False))
    browser = pages.browser()
    back(browser, through(begun(browser, "/"), "vale"))
    assert "This account is deactivated" in " ".join(browser.page.split())


def test_an_answer_that_this_browser_did_not_ask_for_is_refused(
    pages: Pages, caplog: pytest.LogCaptureFixture
) -> None:
    said = "This sign-in began in another browser"
    attacker, victim = pages.browser(), pages.browser()
    came = through(begun(attacker), "vale")
    refused(victim, back(victim, came), 400, said)
    begun(victim)
    refused(victim, back(victim, came), 400, said)
    assert "an answer to nothing that was begun in this browser" in told(caplog)
    refused(victim, victim.get(f"{BACK}?code=made-up"), 400, said)
    assert back(attacker, came).url.path == "/hits"  # what others tried with it took nothing away


def test_an_answer_counts_once_and_for_ten_minutes(pages: Pages) -> None:
    browser = pages.browser()
    came = through(begun(browser), "vale")
    assert back(browser, came).url.path == "/hits"
    browser.send("/sign-out")
    refused(browser, back(browser, came), 400, "began in another browser")
    late = through(begun(browser), "vale")
    pages.clock.forward(minutes=11)
    refused(browser, back(browser, late), 400, "took over 10 minutes")


def test_a_code_that_was_used_is_refused_with_another_state(
    pages: Pages, caplog: pytest.LogCaptureFixture
) -> None:
    browser = pages.browser()
    came = through(begun(browser), "vale")
    assert back(browser, came).url.path == "/hits"
    browser.send("/sign-out")
    (used,) = parse_qs(urlsplit(came).query)["code"]
    (state,) = parse_qs(urlsplit(begun(browser)).query)["state"]
    refused(
        browser,
        back(browser, f"{CONSOLE}{BACK}?code={used}&state={state}"),
        403,
        "does not prove your identity",
    )
    assert "the provider's answer does not hold: 'invalid_grant'" in told(caplog)
    assert used not in told(caplog)


def test_who_is_not_in_the_group_is_refused(pages: Pages, caplog: pytest.LogCaptureFixture) -> None:
    browser = pages.browser()
    refused(browser, back(browser, through(begun(browser), "maier")), 403, "does not admit your group")
    assert "'maier' is not in the group 'alpr'" in told(caplog)


def test_without_a_group_everybody_whom_the_provider_knows_signs_in(
    database: Database, tmp_path: Path, provider: Provider
) -> None:
    browser = console(database, tmp_path, provider, group="", group_claim="").browser()
    assert back(browser, through(begun(browser), "maier")).url.path == "/hits"


def test_a_person_whom_the_claim_does_not_name_is_refused(pages: Pages) -> None:
    browser = pages.browser()
    answer = back(browser, through(begun(browser), "nameless"))
    refused(browser, answer, 403, "did not send your name in the registry")


def test_what_the_provider_refuses_is_refused(pages: Pages, caplog: pytest.LogCaptureFixture) -> None:
    browser = pages.browser()
    (state,) = parse_qs(urlsplit(begun(browser)).query)["state"]
    answer = back(browser, f"{CONSOLE}{BACK}?error=access_denied&state={state}")
    refused(browser, answer, 403, "did not sign you in")
    assert "the provider answered 'access_denied'" in told(caplog)
    (state,) = parse_qs(urlsplit(begun(browser)).query)["state"]
    answer = back(browser, f"{CONSOLE}{BACK}?code=any&iss=https://elsewhere.example&state={state}")
    refused(browser, answer, 403, "does not prove your identity")


def test_a_token_for_another_client_of_the_same_provider_is_refused(
    pages: Pages, provider: Provider, caplog: pytest.LogCaptureFixture
) -> None:
    """The other client's own code, with our nonce, is changed for a token that the provider did sign."""
    browser = pages.browser()
    assert pages.console.openid
    client = pages.console.openid._client
    asked = begun(browser)
    came = through(asked.replace(f"client_id={CLIENT}", f"client_id={OTHER}"), "vale")
    client.client_id = OTHER  # who the token is fetched as; what the console checks is in its file
    refused(browser, back(browser, came), 403, "does not prove your identity")
    assert "the provider's answer does not hold: invalid_claim: Invalid claim: 'aud'" in told(caplog)


def signed(provider: Provider, **more: Any) -> Callable[[Claims], str]:
    def sign(claims: Claims) -> str:
        return jwt.encode({"alg": "RS256", "kid": "first"}, {**claims, **more}, provider.key)

    return sign


def by_another_key(_provider: Provider) -> Callable[[Claims], str]:
    key = RSAKey.generate_key(2048)
    return lambda claims: jwt.encode({"alg": "RS256", "kid": "first"}, claims, key)


def by_the_clients_secret(_provider: Provider) -> Callable[[Claims], str]:
    key = OctKey.import_key(SECRET)
    return lambda claims: jwt.encode({"alg": "HS256", "kid": "first"}, claims, key)


def by_nobody(_provider: Provider) -> Callable[[Claims], str]:
    def sign(claims: Claims) -> str:
        parts = (json.dumps(part).encode() for part in ({"alg": "none", "kid": "first"}, claims))
        return ".".join(urlsafe_b64encode(part).decode().rstrip("=") for part in parts) + "."

    return sign


TOKENS: dict[str, tuple[Callable[[Provider], Callable[[Claims], str]], str]] = {
    "another issuer": (lambda provider: signed(provider, iss="https://elsewhere.example"), "'iss'"),
    "another audience": (lambda provider: signed(provider, aud=OTHER), "'aud'"),
    "for another among several": (lambda provider: signed(provider, aud=[CLIENT, OTHER], azp=OTHER), "'azp'"),
    "another nonce": (lambda provider: signed(provider, nonce="of an earlier sign-in"), "'nonce'"),
    "expired": (lambda provider: signed(provider, exp=int(NOW.timestamp()) - 600), "expired"),
    "another key": (by_another_key, "bad_signature"),
    "the secret of the client": (by_the_clients_secret, "unsupported_algorithm"),
    "no signature": (by_nobody, "unsupported_algorithm"),
}


def offered(
    pages: Pages, monkeypatch: pytest.MonkeyPatch, provider: Provider, sign: Callable[[Claims], str]
) -> tuple[Person, Any]:
    """A browser that comes back from the provider, where the token is one that `sign` makes."""
    browser = pages.browser()
    address = begun(browser)
    (nonce,) = parse_qs(urlsplit(address).query)["nonce"]
    now = int(time.time())
    claims = {
        "iss": provider.issuer,
        "aud": CLIENT,
        "sub": "vale",
        "iat": now,
        "exp": now + 600,
        "nonce": nonce,
    }
    claims |= {"preferred_username": "vale", "groups": ["alpr"]}
    assert pages.console.openid
    monkeypatch.setattr(
        pages.console.openid._client, "fetch_access_token", lambda *_told, **_more: {"id_token": sign(claims)}
    )
    return browser, back(browser, through(address, "vale"))


@pytest.mark.parametrize("wrong", TOKENS)
def test_a_token_that_is_not_the_issuers_for_us_and_now_is_refused(
    pages: Pages,
    monkeypatch: pytest.MonkeyPatch,
    provider: Provider,
    wrong: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    make, why = TOKENS[wrong]
    browser, answer = offered(pages, monkeypatch, provider, make(provider))
    refused(browser, answer, 403, "does not prove your identity")
    assert why in told(caplog)


def test_the_same_token_would_sign_in_if_it_were_right(
    pages: Pages, monkeypatch: pytest.MonkeyPatch, provider: Provider
) -> None:
    _browser, answer = offered(pages, monkeypatch, provider, signed(provider))
    assert answer.url.path == "/hits"


def ask_for_two(pages: Pages) -> None:
    """Rules that require a second factor of everybody."""
    pages.put(person("lee", "administrator"))
    require(pages, "everybody")


@pytest.mark.parametrize(
    ("said", "suffices"),
    [
        ({}, False),
        ({"amr": ["pwd"]}, False),
        ({"amr": ["pwd", "mfa"]}, True),
        ({"amr": "mfa"}, False),
        ({"amr": {"mfa": 1}}, False),
        ({"amr": [["mfa"], None, 1]}, False),
        ({"acr": "mfa"}, False),
        ({"acr": ["phrh"]}, False),
        ({"acr": "phrh"}, True),
    ],
)
def test_where_the_rules_ask_the_signed_token_states_two_factors_or_our_own_is_asked_for(
    database: Database,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    provider: Provider,
    said: Claims,
    suffices: bool,
) -> None:
    pages = console(database, tmp_path, provider, multi_factor_acr=["phrh"])
    ask_for_two(pages)
    browser, answer = offered(pages, monkeypatch, provider, signed(provider, **said))
    # Authlib refuses an `amr` that is no list.
    assert answer.url.path in (("/hits",) if suffices else (FACTOR, BACK))
    assert admitted(browser) == suffices


def test_what_userinfo_says_of_factors_is_not_signed_and_counts_for_nothing(
    pages: Pages, monkeypatch: pytest.MonkeyPatch, provider: Provider
) -> None:
    ask_for_two(pages)
    assert pages.console.openid
    client = pages.console.openid._client
    lies = {"sub": "vale", "preferred_username": "vale", "groups": ["alpr"], "amr": ["mfa"]}
    monkeypatch.setattr(client, "userinfo", lambda **_told: lies)
    browser = pages.browser()
    assert back(browser, through(begun(browser), "vale")).url.path == FACTOR
    assert not admitted(browser)


def test_acts_ask_again_after_a_sign_in_that_was_long_ago_at_the_provider_or_is_of_no_time(
    pages: Pages, monkeypatch: pytest.MonkeyPatch, provider: Provider
) -> None:
    pages.put(person("vale", "administrator"))
    ask_for_two(pages)
    now, given = int(time.time()), "SELECT countIf(factor_given) FROM platestream.inquiry_log"
    before = pages.database.value(given)
    for at, asked in ((None, True), (now - 3600, True), (now + 3600, True), (True, True), (now, False)):
        more = {"amr": ["mfa"]} if at is None else {"amr": ["mfa"], "auth_time": at}
        browser, _answer = offered(pages, monkeypatch, provider, signed(provider, **more))
        browser.get("/administration/people")
        browser.send("/administration/people/no-password", id="maier")
        assert ("Confirm with your second factor" in browser.page) == asked, at
        assert ("Sign in with St. Johns & Co again" in unescape(browser.page)) == asked
    assert pages.database.value(given) == before + 1, "the others let no program act, either"
    again = browser.get("/sign-in/oidc?again&next=/account", follow_redirects=False).headers["location"]
    assert parse_qs(urlsplit(again).query)["max_age"] == ["0"]


def test_a_password_reset_ends_a_session_of_two_factors_at_the_provider(
    pages: Pages, monkeypatch: pytest.MonkeyPatch, provider: Provider
) -> None:
    ask_for_two(pages)
    browser, _answer = offered(pages, monkeypatch, provider, signed(provider, amr=["mfa"]))
    assert admitted(browser)
    accounts.invite(proven(pages, "lee"), "vale", pages.clock())
    assert not admitted(browser)


def test_a_provider_that_is_away_or_another_is_named_and_passwords_work(
    database: Database, tmp_path: Path, provider: Provider
) -> None:
    browser = console(database, tmp_path, provider, issuer=f"http://127.0.0.1:{free_port()}").browser()
    answer = browser.get(f"/sign-in/oidc?next={ASKED}")
    refused(browser, answer, 503, "does not answer")
    assert browser.sign_in("vale").status_code == 200
    other = console(
        database, tmp_path, provider, issuer=provider.issuer.replace("127.0.0.1", "localhost")
    ).browser()
    refused(other, other.get("/sign-in/oidc"), 403, "does not prove your identity")


def test_in_a_browser_a_link_leads_to_the_provider_and_back(database: Database, tmp_path: Path) -> None:
    port = free_port()
    try:
        with (
            chromium() as browser,
            started(tmp_path, console=f"http://localhost:{port}") as provider,
            served(console(database, tmp_path, provider).console, port) as address,
        ):
            page = browser.new_page()
            said: list[str] = []
            page.on("console", lambda message: said.append(message.text) if address in page.url else None)
            page.goto(address + ASKED)
            page.get_by_role("link", name="Sign in with St. Johns & Co").click()
            page.fill("[name=login]", "vale")
            page.fill("[name=password]", "any")
            page.click("button[type=submit]")
            page.click("button[type=submit]")
            expect(page.get_by_role("heading", name="Alert hits")).to_be_visible()
            assert page.url == address + ASKED
            assert said == []
    except ClientUnavailableError as error:
        skip_unless_ci(str(error))
