"""Somebody guesses a password, and others go on working."""

import os
import subprocess
import threading
import time

import httpx
import pytest

from tests.conftest import skip_unless_ci
from tests.support.engine import Engine, password


def sign_in(
    engine: Engine, secret: str, *, account: str = "smith", address: str = "127.0.0.1"
) -> httpx.Response:
    with httpx.Client(transport=httpx.HTTPTransport(local_address=address), timeout=60) as client:
        auth = httpx.BasicAuth(account.encode(), secret.encode())
        return client.post(engine.url, content="SELECT currentUser()", auth=auth)


@pytest.fixture
def guessed(own_engine: Engine) -> Engine:
    """An engine that takes the whole of loopback for its people, just after 40 guesses at once."""
    own_engine.start()
    own_engine.users.write_text(own_engine.users.read_text().replace("127.0.0.1", "127.0.0.0/8"))
    codes: list[int] = []
    guessers = [
        threading.Thread(
            target=lambda first=first: codes.extend(
                sign_in(own_engine, f"guess{first + n}").status_code for n in range(10)
            )
        )
        for first in (100, 200, 300, 400)
    ]
    for one in guessers:
        one.start()
    while any(one.is_alive() for one in guessers):
        assert sign_in(own_engine, password("smith"), address="127.0.0.2").text == "smith\n"
        assert sign_in(own_engine, password("jones"), account="jones").text == "jones\n"
    assert codes.count(200) == 0
    assert codes.count(429) > codes.count(403) >= 5
    return own_engine


def test_a_guesser_waits_and_is_told_so_and_nobody_else_waits(guessed: Engine) -> None:
    for n in range(12):  # a slow machine guesses slowly; each wrong one makes the next wait longer
        sign_in(guessed, f"guess{n}")
    answer = sign_in(guessed, password("smith"))
    assert (answer.status_code, answer.headers["x-clickhouse-exception-code"]) == (429, "201")
    assert "too many wrong passwords for this account from 127.0.0.1: wait" in answer.text
    assert sign_in(guessed, password("smith"), address="127.0.0.2").text == "smith\n"
    assert sign_in(guessed, password("jones"), account="jones").text == "jones\n"
    assert "of account smith from 127.0.0.1 was refused, number 5" in guessed.log
    while (again := sign_in(guessed, password("smith"))).status_code == 429:
        time.sleep(0.5)
    assert again.text == "smith\n"


def test_a_program_that_repeats_an_old_password_shuts_nobody_out(own_engine: Engine) -> None:
    """After a restart the engine does not know that this was the password of the day before."""
    own_engine.start()
    assert {sign_in(own_engine, "of yesterday").status_code for _ in range(20)} == {403}
    assert sign_in(own_engine, password("smith")).text == "smith\n"


def test_it_is_not_told_whether_there_is_such_an_account(guessed: Engine) -> None:
    answers = [sign_in(guessed, f"x{n}", account="nobody") for n in range(7)]
    assert [one.status_code for one in answers[:5]] == [403] * 5
    assert answers[-1].status_code == 429
    assert "nobody" not in guessed.log


def test_a_local_guesser_does_not_shut_out_the_same_account_of_another_local_user(own_engine: Engine) -> None:
    if os.getuid():
        skip_unless_ci("only root asks as another user")
    own_engine.start()
    heard = []
    for n in range(12):
        curl = ["curl", "-s", "--user", f"smith:guess{n}", own_engine.url, "-d", "SELECT 1"]
        ran = subprocess.run(curl, user=65534, capture_output=True, text=True, timeout=30, check=True)
        heard.append("too many wrong passwords" in ran.stdout)
    assert any(heard)
    assert not any(heard[:5])
    assert sign_in(own_engine, password("smith")).text == "smith\n"
